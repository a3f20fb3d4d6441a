//! The command line: every verb, beside a server and without one.

use std::process::Stdio;

use serde_json::{Value, json};

use crate::app::{Db, Place, TestApp, Verb, dead_ends};
use crate::org::tenant;

/// Runs the same tests without a server and beside one.
fn both_ways(test: impl Fn(&Place)) {
    test(&Place::new());
    let app = TestApp::serve();
    test(app.place());
    app.stop();
}

fn run(place: &Place, words: &str) -> Verb {
    place.freehold(&words.split_whitespace().collect::<Vec<_>>())
}

#[test]
fn tenants_are_kept_either_way() {
    both_ways(|place| {
        let made = run(place, "tenant create acme --name Acme --json").ended(0).json();
        assert_eq!((&made["slug"], &made["status"]), (&json!("acme"), &json!("active")));
        let again = run(place, "tenant create acme").ended(1);
        assert!(again.err.contains("slug") && again.out.is_empty(), "{again:?}");
        run(place, "tenant create mine --personal --description Own").ended(0);
        let listed = run(place, "tenant list --json").ended(0).json();
        let slugs: Vec<_> =
            listed.as_array().unwrap().iter().map(|one| one["slug"].clone()).collect();
        assert_eq!(slugs, ["acme", "mine"]);
        assert_eq!(run(place, "tenant show acme --json").ended(0).json(), made);
        let suspended = run(place, "tenant suspend acme --json").ended(0).json();
        assert_eq!(suspended["status"], "suspended");
        run(place, "tenant suspend acme").ended(1);
        let by_id = format!("tenant resume {} --json", made["id"].as_str().unwrap());
        assert_eq!(run(place, &by_id).ended(0).json()["status"], "active");
        let shown = run(place, "tenant show acme").ended(0).out;
        assert!(shown.contains("Acme") && shown.contains("active"), "{shown}");
        let unknown = run(place, "tenant show never-was").ended(1);
        assert!(unknown.err.contains("/v1/platform/tenants/never-was"), "{unknown:?}");
        run(place, "tenant show No").ended(1);
    });
}

#[test]
fn plans_and_what_tenants_may_use_are_kept_either_way() {
    both_ways(|place| {
        run(place, "tenant create acme").ended(0);
        let made =
            "quota plan set team --title Team --limit members=4 --limit resources=100 --json";
        let made = run(place, made).ended(0).json();
        assert_eq!((&made["title"], &made["limits"]["members"]), (&json!("Team"), &json!(4)));
        let changed = run(place, "quota plan set team --limit members=5 --soft-limit members=4");
        assert!(changed.ended(0).out.contains("members=5"));
        let given = run(place, "quota set acme --plan team --limit teams=2 --json").ended(0).json();
        assert_eq!(
            (&given["plan"]["name"], &given["quotas"]["limits"]["teams"]),
            (&json!("team"), &json!(2))
        );
        let shown = run(place, "quota show acme").ended(0).out;
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        let rows: Vec<_> = shown.lines().map(words).collect();
        assert_eq!(rows[0], "acme: plan team");
        assert!(rows.contains(&"members 5 plan 4 -".to_owned()), "{shown}");
        assert!(rows.contains(&"teams 2 tenant - -".to_owned()), "{shown}");
        let odd = run(place, "quota set acme --limit cows=1").ended(1);
        assert!(odd.err.contains("/limits"), "{odd:?}");
        run(place, "quota set acme --limit members=many").ended(2);
        run(place, "quota plan delete team").ended(1);
        run(place, "quota set acme").ended(0);
        run(place, "quota plan delete team").ended(0);
        assert_eq!(run(place, "quota plan list --json").ended(0).json(), json!([]));
        run(place, "quota show never-was").ended(1);
    });
}

#[test]
fn audit_logs_and_events_are_read_either_way() {
    both_ways(|place| {
        let file = json!({"format": "freehold-import/1", "tenants": [tenant("acme")]});
        let file = place.file("acme.json", &file.to_string());
        place.freehold(&["import", file.to_str().unwrap()]).ended(0);
        let own = "--tenant acme --account import|acme-owner";
        let rows = run(place, &format!("audit list {own} --json")).ended(0).json();
        assert_eq!(rows[0]["action"], "tenant.import");
        run(place, "audit list --tenant acme --account import|acme-guest").ended(1);
        let platform = run(place, "audit list --action import.*").ended(0);
        assert!(platform.out.contains("import.create"), "{platform:?}");
        let walked = run(place, "audit verify --json").ended(0).json();
        assert!(walked.as_array().unwrap().iter().all(|log| log["intact"] == true), "{walked}");
        assert!(run(place, "audit verify").ended(0).out.contains("acme: ok"));
        let table = run(place, &format!("audit export --format csv {own}")).ended(0).out;
        assert!(table.starts_with("seq,at,") && table.lines().count() > 1, "{table}");
        let lines = run(place, "audit export").ended(0).out;
        let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
        assert_eq!(first["seq"], 1);
        let events =
            run(place, &format!("events list {own} --type member.created --json")).ended(0);
        assert_eq!(events.json().as_array().unwrap().len(), 5);
        assert!(run(place, "events list").ended(0).out.contains("tenant.created"));
    });
}

#[test]
fn a_first_owner_is_named_by_an_identity_that_is_theirs_as_a_whole() {
    let app = TestApp::dev();
    let identities = json!([
        {"issuer": "first", "subject": "zoe"}, {"issuer": "second", "subject": "mallory"}
    ]);
    let body = json!({"display_name": "Zoe", "identities": identities});
    app.operator().post("/v1/platform/accounts", &body).expect(201);
    app.freehold(&["tenant", "create", "mixed", "--owner", "first|mallory"]).ended(1);
    app.freehold(&["tenant", "create", "right", "--owner", "first|zoe"]).ended(0);
    let zoe = app.caller("right", "second|mallory").get("/v1/me").expect(200);
    assert_eq!(zoe["role"], "owner");
}

#[test]
fn seeding_twice_is_seeding_once_either_way() {
    both_ways(|place| {
        let first = run(place, "seed --json").ended(0).json();
        let slugs = |found: &Value| {
            let tenants = found["tenants"].as_array().unwrap();
            tenants.iter().map(|one| one["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(slugs(&first), ["default", "host-operator"]);
        assert_eq!(first["workspaces"][0]["name"], "personal");
        assert_eq!(first["workspaces"][0]["owner"]["id"], first["account"]["id"]);
        assert_eq!(run(place, "seed --json").ended(0).json(), first, "nothing is made twice");
        let shown = run(place, "seed").ended(0).out;
        assert!(shown.contains("default") && shown.contains("host-operator"), "{shown}");
        let personal = run(place, "tenant show host-operator --json").ended(0).json();
        assert_eq!(personal["kind"], "personal");
    });
}

#[test]
fn a_file_is_imported_either_way() {
    both_ways(|place| {
        let file = json!({"format": "freehold-import/1", "tenants": [tenant("from-file")]});
        let good = place.file("good.json", &file.to_string());
        let import = |path: &std::path::Path, more: &[&str]| {
            place.freehold(&[&["import", path.to_str().unwrap()], more].concat())
        };
        let dry = import(&good, &["--dry-run", "--json"]).ended(0).json();
        assert_eq!(
            (&dry["dry_run"], &dry["tenants"][0]["outcome"]),
            (&json!(true), &json!("created"))
        );
        run(place, "tenant show from-file").ended(1);
        let real = import(&good, &["--json"]).ended(0).json();
        assert_eq!(real["tenants"][0]["added"], dry["tenants"][0]["added"]);
        assert!(import(&good, &[]).ended(0).out.contains("unchanged"));
        let ownerless = json!({"slug": "bad-file", "name": "x", "owners": []});
        let bad = json!({"format": "freehold-import/1", "tenants": [ownerless]});
        let refused = import(&place.file("bad.json", &bad.to_string()), &[]).ended(1);
        assert!(refused.err.contains("/tenants/0/owners"), "{refused:?}");
        import(&place.data().join("absent.json"), &[]).ended(1);
    });
}

#[test]
fn custom_roles_are_kept_either_way_in_an_accounts_name() {
    both_ways(|place| {
        let file = json!({"format": "freehold-import/1", "tenants": [tenant("acme")]});
        let file = place.file("acme.json", &file.to_string());
        place.freehold(&["import", file.to_str().unwrap()]).ended(0);
        let role = |words: &str, who: &str| {
            run(place, &format!("role {words} --json --tenant acme --account import|acme-{who}"))
        };
        let made = role("create editor --permission resource.read --description Edits", "owner");
        let made = made.ended(0).json();
        assert_eq!(
            (&made["name"], &made["permissions"]),
            (&json!("editor"), &json!(["resource.read"]))
        );
        let exceeding = role("create more --permission team.fly", "owner").ended(1);
        assert!(exceeding.err.contains("/permissions/0"), "{exceeding:?}");
        role("list", "member").ended(1);
        role("list", "nobody").ended(1);
        role("assign editor account:import|acme-guest", "admin").ended(0);
        role("assign editor account:import|acme-guest", "admin").ended(0);
        role("assign editor tenant", "admin").ended(0);
        role("assign editor team:none", "admin").ended(1);
        role("assign editor everybody", "admin").ended(1);
        role("set editor --permission resource.read --permission resource.update", "admin")
            .ended(0);
        let shown = role("show editor", "owner").ended(0).json();
        assert_eq!(shown["permissions"], json!(["resource.read", "resource.update"]));
        assert_eq!(shown["assignments"].as_array().unwrap().len(), 2);
        let by_id = format!("show {}", made["id"].as_str().unwrap());
        assert_eq!(role(&by_id, "owner").ended(0).json(), shown);
        role("unassign editor tenant", "owner").ended(0);
        role("unassign editor tenant", "owner").ended(1);
        let plain = run(place, "role list --tenant acme --account import|acme-owner").ended(0).out;
        assert!(plain.contains("editor") && plain.contains("resource.update"), "{plain}");
        role("delete editor", "owner").ended(0);
        assert_eq!(role("list", "owner").ended(0).json(), json!([]));
        run(place, "role set editor --tenant acme --account x").ended(2);
    });
}

#[test]
fn one_file_that_is_refused_hides_no_other_log() {
    let place = Place::new();
    let app = TestApp::dev_at(&place);
    let acme = app.host().get("/v1/platform/tenants/acme").expect(200).id();
    drop(app.stop());
    std::fs::write(Db::path(&place, &acme), b"nothing of ours").unwrap();
    let walked = place.freehold(&["audit", "verify"]).ended(1);
    assert!(
        walked.out.contains("platform: ok") && walked.out.contains("globex: ok"),
        "{}",
        walked.out
    );
    assert!(walked.out.contains("acme: not looked at"), "{}", walked.out);
    let walked = place.freehold(&["audit", "verify", "--json"]).ended(1).json();
    let of =
        |name: &str| walked.as_array().unwrap().iter().find(|it| it["subject"] == name).cloned();
    assert!(of("acme").unwrap()["error"].is_string() && of("globex").unwrap()["intact"] == true);
}

#[test]
fn what_a_verb_does_in_an_accounts_name_is_audited_as_the_hosts() {
    let app = TestApp::dev();
    let org = crate::org::Org::new(&app, "by-host");
    let words =
        "role create seen --permission team.list --tenant by-host --account import|by-host-owner";
    run(app.place(), words).ended(0);
    let row = "select actor || ' for ' || on_behalf from audit_log where action = 'role.create'";
    let expected = format!("account:{} for host", org.account("owner"));
    assert_eq!(app.db(&org.id).texts(row, &[]), [expected]);
}

#[test]
fn a_plan_of_migrations_and_an_examination_are_had_either_way() {
    both_ways(|place| {
        run(place, "seed").ended(0);
        let plan = run(place, "migrate --plan --json").ended(0).json();
        assert_eq!((&plan["current"], &plan["tenants"]), (&json!(2), &json!([])));
        run(place, "migrate").ended(0);
        run(place, "migrate --tenant default").ended(0);
        run(place, "migrate --tenant never-was").ended(1);
        let report = run(place, "doctor --json").ended(0).json();
        assert_eq!(report["healthy"], true);
        assert_eq!(report["reports"].as_array().unwrap().len(), 3);
        let one = run(place, "doctor --tenant default --fix --json").ended(0).json();
        assert_eq!(one["reports"][0]["subject"], "default");
        assert!(run(place, "doctor").ended(0).out.contains("registry: ok"));
    });
}

#[test]
fn a_token_is_printed_alone_either_way() {
    both_ways(|place| {
        run(place, "seed").ended(0);
        for words in [
            "token --operator",
            "token --tenant default --account host|operator",
            "token --account host|operator --ttl 90s",
        ] {
            let verb = run(place, words).ended(0);
            assert_eq!(verb.out.trim().split('.').count(), 3, "{verb:?}");
            assert_eq!((verb.out.lines().count(), verb.err.as_str()), (1, ""));
        }
        run(place, "token --tenant default --account host|nobody").ended(1);
    });
}

#[test]
fn a_token_that_was_minted_without_a_server_is_good_for_one() {
    let place = Place::new();
    run(&place, "seed").ended(0);
    let token = run(&place, "token --tenant default --account host|operator").ended(0).out;
    let app = TestApp::serve_at(&place, &[]);
    let me = app.bearer(token.trim()).get("/v1/me").expect(200);
    assert_eq!((&me["tenant"]["slug"], &me["role"]), (&json!("default"), &json!("owner")));
}

#[test]
fn a_verb_whose_answer_cannot_be_written_fails_and_a_closed_pipe_ends_it_silently() {
    both_ways(|place| {
        run(place, "seed").ended(0);
        for words in ["tenant list", "audit export"] {
            for (end, out) in dead_ends() {
                not_written(place, words, end, out);
            }
        }
    });
    let place = Place::new();
    run(&place, "seed").ended(0);
    let verbs = [
        "audit verify --json",
        "check",
        "completions bash",
        "doctor --json",
        "events types",
        "keys list",
        "man",
        "migrate",
        "openapi",
        "seed",
        "tenant show default",
        "--help",
        "--version",
    ];
    for (n, words) in verbs.into_iter().enumerate() {
        let (end, out) = dead_ends().swap_remove(n % 3);
        not_written(&place, words, end, out);
    }
}

fn not_written(place: &Place, words: &str, end: &str, out: Stdio) {
    let ended = place.freehold_onto(words, out);
    // What `check` finds weak is no part of its answer.
    let said = ended.err.lines().filter(|line| !line.starts_with("warning: ")).count();
    if end == "closed" {
        assert_eq!((ended.status, said), (141, 0), "{words}: {ended:?}");
    } else {
        assert_eq!((ended.status, said), (1, 1), "{words} {end}: {ended:?}");
        assert!(ended.err.contains("standard output cannot be written"), "{ended:?}");
    }
}

#[test]
fn followed_events_end_with_the_pipe_that_they_go_into() {
    let app = TestApp::serve();
    let (_, closed) = dead_ends().remove(1);
    app.freehold(&["seed"]).ended(0);
    let followed = app.place().freehold_onto("events follow", closed);
    assert_eq!((followed.status, followed.err.as_str()), (141, ""));
}

#[test]
fn a_secret_that_is_shown_once_and_not_delivered_is_named_with_what_to_do() {
    let place = Place::new();
    run(&place, "seed").ended(0);
    run(&place, "service-account create ci --role auditor --platform").ended(0);
    let id = |name: &str| {
        let keys = run(&place, "api-key list ci --platform --json").ended(0).json();
        let key = keys.as_array().unwrap().iter().find(|key| key["name"] == name).cloned();
        key.unwrap()["id"].as_str().unwrap().to_owned()
    };
    for (end, out) in dead_ends() {
        let json = if end == "closed" { "--json" } else { "" };
        let words = format!("api-key create ci --name {end} --platform {json}");
        let lost = place.freehold_onto(&words, out).ended(1);
        let remedy = format!("freehold api-key revoke 'ci' {} --platform", id(end));
        assert!(lost.err.contains("not delivered") && lost.err.contains(&remedy), "{lost:?}");
    }
    let (_, closed) = dead_ends().remove(1);
    let rotate = format!("api-key rotate ci {} --platform", id("full"));
    let lost = place.freehold_onto(&rotate, closed).ended(1);
    assert!(lost.err.contains("not delivered") && lost.err.contains("api-key revoke"), "{lost:?}");
    for (_, out) in dead_ends() {
        let lost = place.freehold_onto("token --operator", out).ended(1);
        assert!(lost.err.contains("not delivered") && lost.err.contains("revoke"), "{lost:?}");
    }
    let (_, closed) = dead_ends().remove(1);
    let lost = Place::new().freehold_onto("dev --listen 127.0.0.1:0", closed).ended(1);
    assert!(lost.err.contains("the demo's tokens: not delivered"), "{lost:?}");
}

#[test]
fn wrong_usage_ends_with_two() {
    let place = Place::new();
    for words in [
        "",
        "nonsense",
        "token",
        "token --tenant acme",
        "token --operator --tenant acme",
        "token --operator --ttl 25h",
        "token --operator --ttl x",
        "tenant",
        "tenant create",
        "import",
        "serve --odd",
    ] {
        let verb = run(&place, words).ended(2);
        assert!(verb.out.is_empty() && !verb.err.is_empty(), "{verb:?}");
    }
    assert!(!place.data().exists(), "wrong usage makes nothing");
}

#[test]
fn the_version_names_that_of_sqlite() {
    let version = run(&Place::new(), "--version").ended(0).out;
    assert!(version.starts_with("freehold 0.") && version.contains("SQLite 3."), "{version}");
}

#[test]
fn help_is_there_for_every_verb() {
    for verb in [
        "dev",
        "serve",
        "check",
        "token",
        "tenant",
        "seed",
        "import",
        "migrate",
        "doctor",
        "openapi",
        "completions",
        "man",
        "healthcheck",
    ] {
        let help = run(&Place::new(), &format!("{verb} --help")).ended(0).out;
        assert!(help.contains("Usage:"), "{help}");
    }
}

#[test]
fn the_document_is_printed_without_a_data_directory() {
    let place = Place::new();
    assert_eq!(run(&place, "openapi").ended(0).json()["info"]["title"], "Freehold");
    assert!(!place.data().exists());
}

#[test]
fn shells_and_people_are_told_every_verb() {
    let place = Place::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = run(&place, &format!("completions {shell}")).ended(0).out;
        assert!(
            ["break-glass", "row-security"].iter().all(|verb| script.contains(verb)),
            "{shell}"
        );
    }
    run(&place, "completions csh").ended(2);
    let manual = run(&place, "man").ended(0).out;
    for page in ["freehold", "freehold-serve", "freehold-break-glass-approve"] {
        assert!(manual.contains(&format!(".TH {page} 1")), "{page}");
    }
    assert!(!place.data().exists());
}

#[test]
fn a_check_says_ok_and_makes_nothing() {
    let place = Place::new();
    assert_eq!(run(&place, "check").ended(0).out.trim(), "ok");
    assert!(!place.data().exists());
}

/// Settings that production refuses, and what the refusal must name.
const UNSAFE: &[(&str, &str, &str)] = &[
    ("FREEHOLD__IDENTITY__LOCAL_ISSUER", "true", "identity.local_issuer"),
    ("FREEHOLD__IDENTITY__ISSUER", "local", "identity.issuer"),
    ("FREEHOLD__IDENTITY__AUDIENCE", "", "identity.audience"),
    ("FREEHOLD__HTTP__LISTEN", "nowhere", "http.listen"),
    ("FREEHOLD__STORAGE__WRITER_THREADS", "0", "storage.writer_threads"),
    ("FREEHOLD__STORAGE__MAX_OPEN_TENANTS", "0", "storage.max_open_tenants"),
    ("FREEHOLD__STORAGE__NONSENSE", "1", "FREEHOLD__STORAGE__NONSENSE"),
    ("FREEHOLD__HTTP__WORKERS", "many", "http.workers"),
    ("FREEHOLD__LOG__LEVEL", "no=such=level", "log.level"),
];

#[test]
fn an_unsafe_or_unknown_setting_ends_the_start_and_is_named() {
    let place = Place::new();
    for (key, value, named) in UNSAFE {
        for verb in [&["check"][..], &["serve", "--listen", "127.0.0.1:0"]] {
            if verb[0] == "serve" && *named == "http.listen" {
                continue;
            }
            let refused = place.freehold_with(verb, &[(key, value)]);
            assert_eq!(refused.status, 1, "{key}={value} {verb:?}: {refused:?}");
            assert!(refused.err.contains(named), "{key}={value}: {refused:?}");
        }
    }
    assert!(!place.data().exists(), "what is refused makes nothing");
}

#[test]
fn a_configuration_file_is_read_and_its_unknown_keys_are_refused() {
    let place = Place::new();
    let check = |text: &str| {
        let file = place.file("freehold.toml", text);
        place.freehold(&["--config", file.to_str().unwrap(), "check"])
    };
    check("[http]\nworkers = 1\n").ended(0);
    let refused = check("[http]\nlisten_to = \"x\"\n").ended(1);
    assert!(refused.err.contains("listen_to"), "{refused:?}");
    let refused = check("[identity]\nlocal_issuer = true\n").ended(1);
    assert!(refused.err.contains("identity.local_issuer"), "{refused:?}");
    check("[http\n").ended(1);
    place.freehold(&["--config", "absent.toml", "check"]).ended(1);
}

#[test]
fn a_data_directory_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let place = Place::new();
    std::fs::create_dir(place.data()).unwrap();
    std::fs::set_permissions(place.data(), PermissionsExt::from_mode(0o755)).unwrap();
    assert!(run(&place, "check").ended(1).err.contains("chmod 700"));
}

#[test]
fn development_takes_loopback_addresses_alone() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let place = Place::new();
        let refused = run(&place, &format!("dev --listen {address}")).ended(1);
        assert!(refused.err.contains("http.listen"), "{refused:?}");
        assert!(!place.data().exists());
    }
}

#[test]
fn a_second_server_on_one_data_directory_is_refused() {
    let app = TestApp::dev();
    for words in ["serve --listen 127.0.0.1:0", "dev --listen 127.0.0.1:0"] {
        let refused = run(app.place(), words).ended(1);
        assert!(refused.err.contains("belongs to another"), "{refused:?}");
        assert!(refused.err.contains("--data"), "{refused:?}");
    }
    app.demo("alice").get("/v1/tenants/acme").expect(200);
    assert_eq!(run(app.place(), "tenant show acme --json").ended(0).json()["status"], "active");
}

#[test]
fn a_directory_in_which_nothing_was_begun_is_no_installation() {
    for words in [
        "doctor",
        "migrate --plan",
        "keys list",
        "token --operator",
        "tenant list",
        "tenant show acme",
        "service-account list --platform",
        "operator list",
        "app list",
    ] {
        let place = Place::new();
        let refused = run(&place, words).ended(1);
        assert!(refused.err.contains("there is no installation"), "{words}: {refused:?}");
        assert!(!place.data().exists(), "{words}");
    }
}

#[test]
fn a_directory_that_is_busy_for_a_moment_is_waited_for() {
    let place = Place::new();
    run(&place, "tenant create first").ended(0);
    let lock = std::fs::File::open(place.data().join("lock")).unwrap();
    lock.lock().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(500));
            lock.unlock().unwrap();
        });
        run(&place, "tenant show first").ended(0);
    });
    lock.lock().unwrap();
    let refused = run(&place, "tenant show first").ended(1);
    assert!(
        refused.err.contains("belongs to another") && refused.err.contains("process"),
        "{refused:?}"
    );
}

#[test]
fn a_port_that_is_taken_is_named() {
    let app = TestApp::dev();
    let address = app.url().trim_start_matches("http://").to_owned();
    let place = Place::new();
    let refused = run(&place, &format!("serve --listen {address}")).ended(1);
    assert!(refused.err.contains("http.listen") && refused.err.contains(&address), "{refused:?}");
}

#[test]
fn a_healthcheck_asks_the_configured_address() {
    let app = TestApp::serve();
    let address = app.url().trim_start_matches("http://").to_owned();
    let ask =
        || Place::new().freehold_with(&["healthcheck"], &[("FREEHOLD__HTTP__LISTEN", &address)]);
    assert_eq!(ask().ended(0).out.trim(), "ready");
    let typed = || run(&Place::new(), &format!("healthcheck --listen {address}"));
    assert_eq!(typed().ended(0).out.trim(), "ready");
    app.stop();
    ask().ended(1);
    let refused = typed().ended(1);
    assert!(refused.err.contains("http.listen") && refused.err.contains(&address), "{refused:?}");
}

#[test]
fn a_socket_that_lies_there_from_a_power_cut_hinders_nobody() {
    let place = TestApp::dev().kill();
    assert!(place.data().join("freehold.sock").exists());
    assert_eq!(run(&place, "tenant show acme --json").ended(0).json()["slug"], "acme");
    TestApp::dev_at(&place).stop();
}

#[test]
fn what_a_verb_does_is_audited_as_the_hosts() {
    let app = TestApp::serve();
    app.freehold(&["tenant", "create", "audited"]).ended(0);
    let actors = "select actor from audit_log where action = 'tenant.create'";
    assert_eq!(app.db("platform").texts(actors, &[]), ["host"]);
}

#[test]
fn log_lines_of_a_request_name_it_and_its_tenant_and_no_token() {
    let settings = [("FREEHOLD__LOG__LEVEL", "debug")];
    let app = TestApp::serve_at(&Place::new(), &settings);
    let org = crate::org::Org::new(&app, "logged");
    let request = org.guest.request("GET", "/members").header("x-request-id", "logged-1");
    request.send().problem(403, "forbidden");
    let log = app.log();
    let line =
        log.lines().find(|line| line.contains("logged-1")).unwrap_or_else(|| panic!("{log}"));
    assert!(line.contains(&org.id) && line.contains("tenant.id"), "{line}");
    assert!(!log.contains(org.guest.token()), "a token was logged");
}

#[test]
fn a_demo_prints_what_to_try() {
    let app = TestApp::dev();
    let roles = [("alice", "owner"), ("carol", "member"), ("gus", "guest")];
    for (person, role) in roles {
        let me = app.demo(person).get("/v1/me").expect(200);
        assert_eq!((&me["role"], &me["tenant"]["slug"]), (&json!(role), &json!("acme")));
        assert_eq!(me["credential"]["issuer"], "local");
    }
}
