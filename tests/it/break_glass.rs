//! Break-glass: entries into tenants, what they open and to whom, and what is left on both planes.

use std::collections::BTreeSet;

use freehold::http::{Mount, RouteInfo, infos};
use serde_json::{Value, json};

use crate::app::{Db, TestApp, eventually};
use crate::asks::ask;
use crate::client::{Answer, Client, fill};
use crate::glass::{HEADER, Operator, path, request};
use crate::org::Org;
use crate::shared;

shared!();

const ENTRIES: &str = "/v1/platform/break-glass";
const NOBODYS: &str = "01890000-0000-7000-8000-000000000000";

fn operator(name: &str, role: &str) -> Operator {
    Operator::new(app(), name, role)
}

fn act(client: &Client, entry: &str, verb: &str) -> Answer {
    client.act(&path(entry, &format!("/{verb}")))
}

/// Seconds since 1970 of a time in an answer.
fn seconds(value: &Value) -> i64 {
    let db = rusqlite::Connection::open_in_memory().unwrap();
    db.query_row("select unixepoch(?1)", [value.as_str().unwrap()], |row| row.get(0)).unwrap()
}

#[test]
fn an_operator_has_two_hundred_open_entries_at_most() {
    let (_org, asker) = (Org::new(app(), "bg-limit"), operator("bg-limit", "support"));
    let ask = || {
        let body = request("bg-limit", &["team.*", "member.list"]);
        asker.client.request("POST", ENTRIES).json(&body)
    };
    fill(200, "break_glass_limit", |_| ask());
    let open = asker.client.get(&format!("{ENTRIES}?account_id={}", asker.account)).expect(200);
    let first = open["items"][0]["id"].as_str().unwrap().to_owned();
    act(&asker.client, &first, "end").expect(200);
    ask().send().expect(201);
    ask().send().problem(409, "break_glass_limit");
}

#[test]
fn an_entry_is_asked_for_approved_and_ended() {
    let (org, asker) = (Org::new(app(), "bg-life"), operator("bg-life", "support"));
    let made =
        asker.client.post(ENTRIES, &request("bg-life", &["team.*", "member.list"])).expect(201);
    let found = [&made["state"], &made["tenant_id"], &made["account_id"], &made["actions"]];
    let expected =
        [json!("requested"), json!(org.id), json!(asker.account), json!(["team.*", "member.list"])];
    assert_eq!(found, expected.each_ref());
    assert_eq!(made["requested_by"], json!(asker.actor()));
    assert_eq!(seconds(&made["expires_at"]) - seconds(&made["created_at"]), 86_400, "it lapses");
    let entry = made.id();
    assert_eq!(asker.client.get(&path(&entry, "")).expect(200).json, made.json);

    let second = operator("bg-life-eyes", "platform-admin");
    let approved = act(&second.client, &entry, "approve").expect(200);
    assert_eq!((&approved["state"], &approved["version"]), (&json!("approved"), &json!(2)));
    assert_eq!(approved["decided_by"], json!(second.actor()));
    assert_eq!(seconds(&approved["expires_at"]) - seconds(&approved["decided_at"]), 86_400);
    let inside = org.seen_by(&asker.by(&entry));
    inside.get("/teams").expect(200);

    let ended = act(&asker.client, &entry, "end").expect(200);
    assert_eq!((&ended["state"], &ended["version"]), (&json!("ended"), &json!(3)));
    inside.get("/teams").problem(404, "not_found");
    for verb in ["approve", "deny", "end"] {
        act(&second.client, &entry, verb).problem(409, "wrong_state");
    }
}

#[test]
fn entries_are_listed_newest_first_and_by_state_tenant_and_operator() {
    let (org, other) = (Org::new(app(), "bg-list"), Org::new(app(), "bg-list-other"));
    let (one, two) = (operator("bg-list-1", "support"), operator("bg-list-2", "support"));
    let first = one.ask(&org.slug, &["team.list"]);
    let second = one.enter(app(), &org.id, &["team.list"]);
    let third = two.ask(&other.slug, &["team.list"]);
    let ids = |query: &str| app().host().column(&format!("{ENTRIES}?{query}"), "id");
    assert_eq!(ids(&format!("account_id={}", one.account)), [second.clone(), first.clone()]);
    assert_eq!(ids(&format!("tenant_id={}", org.id)), [second.clone(), first.clone()]);
    assert_eq!(ids(&format!("tenant_id={}&state=requested", org.id)), [first]);
    assert_eq!(ids(&format!("tenant_id={}&state=approved", org.id)), [second]);
    assert_eq!(ids(&format!("account_id={}", two.account)), [third]);
    let paged = app().host().all(&format!("{ENTRIES}?tenant_id={}", org.id), 1);
    assert_eq!(paged.len(), 2);
}

#[test]
fn what_cannot_be_asked_for_is_refused_by_field() {
    let org = Org::new(app(), "bg-odd");
    let asker = operator("bg-odd", "support");
    let good = request(&org.slug, &["team.list"]);
    let cases = [
        ("/tenant", "tenant", json!("never-was")),
        ("/tenant", "tenant", json!(NOBODYS)),
        ("/tenant", "tenant", json!("No Slug")),
        ("/reason", "reason", json!("because")),
        ("/reason", "reason", json!("             .")),
        ("/actions", "actions", json!([])),
        ("/actions/0", "actions", json!(["owner.create"])),
        ("/actions/0", "actions", json!(["tenant.import"])),
        ("/actions/0", "actions", json!(["account.list"])),
        ("/actions/0", "actions", json!(["never.was"])),
        ("/actions/1", "actions", json!(["team.list", "resource.share"])),
        ("/actions/1", "actions", json!(["team.list", "resource.update"])),
        ("/actions/0", "actions", json!(["resource.delete", "resource.read", "resource.update"])),
        ("/actions/0", "actions", json!(["workspace.update", "workspace.read"])),
        ("/duration_s", "duration_s", json!(59)),
        ("/duration_s", "duration_s", json!(86_401)),
        ("/account_id", "account_id", json!(app().account("bg-odd-other"))),
    ];
    for (field, member, value) in cases {
        let mut body = good.clone();
        body[member] = value;
        let answer = asker.client.post(ENTRIES, &body).problem(422, "invalid");
        assert_eq!(answer.fields(), [field], "{body}");
    }
    for member in ["tenant", "reason", "actions", "duration_s"] {
        let mut body = good.clone();
        body.as_object_mut().unwrap().remove(member);
        asker.client.post(ENTRIES, &body).problem(422, "invalid");
    }
    for actions in [
        json!(["*"]),
        json!(["resource.*"]),
        json!(["resource.read", "resource.update"]),
        json!(["workspace.*"]),
    ] {
        let mut body = good.clone();
        body["actions"] = actions;
        asker.client.post(ENTRIES, &body).expect(201);
    }
    // Naming oneself says nothing new.
    let mut body = good;
    body["account_id"] = json!(asker.account);
    asker.client.post(ENTRIES, &body).expect(201);
}

#[test]
fn the_host_asks_for_operators_who_may_enter_alone() {
    let org = Org::new(app(), "bg-host");
    let ask = |account: Option<&str>| {
        let mut body = request(&org.slug, &["team.list"]);
        body["account_id"] = json!(account);
        app().host().post(ENTRIES, &body)
    };
    let (support, auditor) =
        (operator("bg-host-support", "support"), operator("bg-host-auditor", "auditor"));
    for refused in [&auditor.account, &app().account("bg-host-nobody"), &NOBODYS.to_owned()] {
        assert_eq!(ask(Some(refused)).problem(422, "invalid").fields(), ["/account_id"]);
    }
    let entry = ask(Some(&support.account)).expect(201).id();
    assert_eq!(ask(Some(&support.account)).expect(201)["requested_by"], "host");
    // Neither whoever asked approves it, nor whom it is for.
    act(&app().host(), &entry, "approve").problem(403, "forbidden");
    act(&app().host(), &entry, "deny").problem(403, "forbidden");
    act(&support.client, &entry, "approve").problem(403, "forbidden");
    act(&app().operator(), &entry, "approve").expect(200);
    org.seen_by(&support.by(&entry)).get("/teams").expect(200);
    // The host's own operator is whom the host asks for where it names nobody.
    app().operator();
    let own = ask(None).expect(201);
    let me = app().operator().get("/v1/me").expect(200);
    assert_eq!(own["account_id"], me["account"]["id"]);
    act(&app().operator(), &own.id(), "approve").problem(403, "forbidden");
}

#[test]
fn nobody_approves_an_entry_of_their_own_and_support_approves_none() {
    Org::new(app(), "bg-eyes");
    let (admin, support) =
        (operator("bg-eyes-admin", "platform-admin"), operator("bg-eyes", "support"));
    let (own, others) = (admin.ask("bg-eyes", &["*"]), support.ask("bg-eyes", &["*"]));
    act(&admin.client, &own, "approve").problem(403, "forbidden");
    act(&admin.client, &own, "deny").problem(403, "forbidden");
    act(&support.client, &own, "approve").problem(403, "forbidden");
    act(&support.client, &own, "end").problem(403, "forbidden");
    act(&admin.client, &own, "end").expect(200);
    act(&admin.client, &others, "deny").expect(200);
    let weak = json!({"account": admin.account, "amr": ["pwd"]});
    let weak = app().host().post("/v1/platform/tokens", &weak).expect(200);
    let weak = app().bearer(weak["token"].as_str().unwrap());
    let asked = support.ask("bg-eyes", &["*"]);
    act(&weak, &asked, "approve").problem(401, "insufficient_user_authentication");
    weak.post(ENTRIES, &request("bg-eyes", &["*"]))
        .problem(401, "insufficient_user_authentication");
}

/// Everybody who has a platform credential and no business in the tenant, and what they try.
fn misuses(app: &TestApp, org: &Org, other: &Org) -> Vec<(&'static str, Operator, Option<String>)> {
    let operator = |name: &str| Operator::new(app, &name.replace(' ', "-"), "support");
    let host = app.host();
    let one = |name: &'static str, entry: &dyn Fn(&Operator) -> Option<String>| {
        let operator = operator(name);
        let entry = entry(&operator);
        (name, operator, entry)
    };
    let asked = |operator: &Operator| operator.ask(&org.slug, &["*"]);
    let ended = |verb: &'static str| {
        move |operator: &Operator, entry: String| {
            let client = if verb == "end" { &operator.client } else { &app.host() };
            act(client, &entry, verb).expect(200);
            Some(entry)
        }
    };
    let by_host = |operator: &Operator| {
        let mut body = request(&org.slug, &["*"]);
        body["account_id"] = json!(operator.account);
        let entry = host.post(ENTRIES, &body).expect(201).id();
        act(&host, &entry, "approve").problem(403, "forbidden");
        Some(entry)
    };
    let stranger = Operator::new(app, "somebody", "support").enter(app, &org.slug, &["*"]);
    let mut all = vec![
        one("no header", &|_| None),
        one("no id", &|_| Some("everything".to_owned())),
        one("nobodys", &|_| Some(NOBODYS.to_owned())),
        one("pending", &|operator| Some(asked(operator))),
        one("denied", &|operator| ended("deny")(operator, asked(operator))),
        one("taken back", &|operator| ended("end")(operator, asked(operator))),
        one("ended", &|operator| ended("end")(operator, operator.enter(app, &org.slug, &["*"]))),
        one("elsewhere", &|operator| Some(operator.enter(app, &other.slug, &["*"]))),
        one("anothers", &|_| Some(stranger.clone())),
        one("by the host for the host", &by_host),
        one("another action", &|operator| Some(operator.enter(app, &org.slug, &["audit.list"]))),
        one("no operator any more", &|operator| {
            let entry = operator.enter(app, &org.slug, &["*"]);
            host.delete(&format!("/v1/platform/operators/{}", operator.account)).expect(204);
            Some(entry)
        }),
        one("suspended", &|operator| {
            let entry = operator.enter(app, &org.slug, &["*"]);
            host.act(&format!("/v1/platform/accounts/{}/suspend", operator.account)).expect(200);
            Some(entry)
        }),
    ];
    let admin = Operator::new(app, "self-approved", "platform-admin");
    let entry = admin.ask(&org.slug, &["*"]);
    act(&admin.client, &entry, "approve").problem(403, "forbidden");
    all.push(("self-approved", admin, Some(entry)));
    all
}

/// How many refusals of somebody a file's audit log counts.
fn denials(db: &Db, actor: &str) -> u64 {
    let sql = "select summary from audit_log where decision = 'deny' and actor = ?1";
    let rows = db.texts(sql, &[&actor]);
    let count =
        |row: &String| serde_json::from_str::<Value>(row).unwrap()["denials"].as_u64().unwrap_or(1);
    rows.iter().map(count).sum()
}

#[test]
fn every_misuse_is_refused_on_every_route_and_written_down_on_both_planes() {
    let app = TestApp::dev();
    let (org, other) = (Org::new(&app, "bg-misused"), Org::new(&app, "bg-elsewhere"));
    let routes = infos();
    let asks: Vec<_> = routes
        .iter()
        .filter(|route| route.mount == Mount::Tenant && route.action != Some("audit.list"))
        .map(|route| (route, ask(route, &org, &format!("misused-{}", route.operation_id))))
        .collect();
    let before: Vec<_> = misuses(&app, &org, &other)
        .into_iter()
        .map(|misuse| {
            let platform = denials(&app.db("platform"), &misuse.1.actor());
            (misuse, platform)
        })
        .collect();
    let (mut count, mut bodies) = (0, BTreeSet::new());
    for ((name, operator, entry), _) in &before {
        let client =
            entry.as_ref().map_or_else(|| operator.client.clone(), |entry| operator.by(entry));
        for (route, ask) in &asks {
            let request = ask.request(route, &org, &client).header("x-request-id", "misuse");
            let answer = request.send();
            assert_eq!(answer.status, 404, "{name}: {} {}", route.operation_id, answer.text);
            bodies.insert(answer.text);
            count += 1;
        }
    }
    assert_eq!(bodies.len(), 1, "one refusal is as another: {bodies:?}");
    assert!(count >= 500, "{count} requests");
    let expected = asks.len() as u64;
    let (id, place) = (org.id.clone(), {
        drop(asks);
        drop(org);
        drop(other);
        app.stop()
    });
    for ((name, operator, _), platform) in before {
        let file = denials(&Db::open(&place, &id), &operator.actor());
        let log = denials(&Db::open(&place, "platform"), &operator.actor()) - platform;
        // Whoever is no operator may not even hear of the tenant: the platform alone knows of them.
        let in_file = if name == "no operator any more" { 0 } else { expected };
        assert_eq!((file, log), (in_file, expected), "{name}");
    }
}

#[test]
fn a_members_token_is_not_widened_by_the_header() {
    let org = Org::new(app(), "bg-member");
    let account = org.account("guest");
    crate::glass::appoint(app(), &account, "support");
    let client = crate::glass::person(app(), &account);
    let operator = Operator { account, client };
    let entry = operator.enter(app(), &org.slug, &["*"]);
    let routes = infos();
    for route in routes.iter().filter(|route| route.mount == Mount::Tenant) {
        let answer = |client: &Client, name: &str| {
            let ask = ask(route, &org, &format!("{name}-{}", route.operation_id));
            ask.send(route, &org, client).status
        };
        let (bare, named) =
            (answer(&org.guest, "bare"), answer(&org.guest.with_header(HEADER, &entry), "named"));
        assert_eq!(named, bare, "{}", route.operation_id);
    }
    // With the platform's credential it is another matter.
    org.guest.with_header(HEADER, &entry).get("/members").problem(403, "forbidden");
    org.seen_by(&operator.by(&entry)).get("/members").expect(200);
}

#[test]
fn each_entry_opens_what_it_names_and_nothing_else() {
    let org = Org::new(app(), "bg-two");
    let operator = operator("bg-two", "support");
    let teams = operator.enter(app(), &org.slug, &["team.list"]);
    let members = operator.enter(app(), &org.slug, &["member.*"]);
    let by = |entry: &str| org.seen_by(&operator.by(entry));
    by(&teams).get("/teams").expect(200);
    by(&teams).get("/members").problem(404, "not_found");
    by(&members).get("/members").expect(200);
    by(&members).get("/teams").problem(404, "not_found");
    by(&members).get(&format!("/members/{}", org.account("guest"))).expect(200);
    let both = by(&teams).request("GET", "/teams").header(HEADER, &members);
    both.send().problem(400, "invalid_parameter");
    // What gives anybody anything that outlasts it stays closed, though the pattern names it.
    let body = json!({"account_id": operator.account, "role": "member"});
    let status = by(&members).post("/members", &body).status;
    assert!([403, 404].contains(&status), "{status}");
}

/// The rows of a request, column by column.
fn rows(file: &str, request: &str) -> Vec<String> {
    let sql = "select action || ' ' || decision || ' ' || actor || ' ' || target_tenant || ' ' || policies || ' ' ||
        json_extract(summary, '$.break_glass') from audit_log where request_id = ?1";
    app().db(file).texts(sql, &[&request])
}

fn events(file: &str, correlation: &str) -> Vec<String> {
    let sql = "select type || ' ' || coalesce(json_extract(data, '$.break_glass'), json_extract(data, '$.id'))
        from outbox_events where correlation_id = ?1 order by seq";
    app().db(file).texts(sql, &[&correlation])
}

#[test]
fn a_use_is_written_down_on_both_planes_before_it_is_answered() {
    let org = Org::new(app(), "bg-used");
    let operator = operator("bg-used", "support");
    let entry = operator.enter(app(), &org.slug, &["*"]);
    let inside = org.seen_by(&operator.by(&entry));
    let row = |action: &str, policies: &str| {
        format!("{action} permit {} {} {policies} {entry}", operator.actor(), org.id)
    };
    let named = |id: &str, method: &str, path: &str| {
        inside.request(method, path).header("x-request-id", id)
    };
    let both = |id: &str, expected: &str| {
        assert_eq!(rows(&org.id, id), [expected], "{id}");
        assert_eq!(rows("platform", id), [expected], "{id}");
        assert_eq!(events("platform", id), [""; 0], "{id}");
    };
    let policies = r#"["break-glass"]"#;

    named("used-read", "GET", "/members").send().expect(200);
    both("used-read", &row("member.list", policies));
    assert_eq!(events(&org.id, "used-read"), [format!("break_glass.used {entry}")]);

    // What is asked for and is not there was asked for all the same.
    let place = format!("/teams/{}/members/{NOBODYS}", org.team("used"));
    named("used-missing", "GET", &place).send().problem(404, "not_found");
    both("used-missing", &row("team_member.list", policies));
    assert_eq!(events(&org.id, "used-missing"), [format!("break_glass.used {entry}")]);

    let made = named("used-write", "POST", "/resource-types");
    made.json(&json!({"name": "used"})).send().expect(201);
    both("used-write", &row("resource_type.create", policies));
    assert_eq!(events(&org.id, "used-write"), [format!("resource_type.created {entry}")]);

    let taken = named("used-conflict", "POST", "/resource-types");
    taken.json(&json!({"name": "used"})).send().problem(409, "already_exists");
    both("used-conflict", &row("resource_type.create", policies));
    assert_eq!(events(&org.id, "used-conflict"), [format!("break_glass.used {entry}")]);

    for (id, status) in [("used-once", 201), ("used-twice", 201)] {
        let request = named(id, "POST", "/resource-types").header("idempotency-key", "used-key");
        request.json(&json!({"name": "kept"})).send().expect(status);
        both(id, &row("resource_type.create", policies));
    }
    assert_eq!(events(&org.id, "used-twice"), [format!("break_glass.used {entry}")]);
}

#[test]
fn a_refusal_names_the_entry_in_both_logs() {
    let app = TestApp::dev();
    let org = Org::new(&app, "bg-named");
    let operator = Operator::new(&app, "bg-named", "support");
    let entry = operator.ask(&org.slug, &["*"]);
    let request = org.seen_by(&operator.by(&entry)).request("GET", "/members");
    request.header("x-request-id", "named-1").send().problem(404, "not_found");
    for file in [org.id.as_str(), "platform"] {
        let sql =
            "select decision || ' ' || action || ' ' || json_extract(summary, '$.break_glass')
            from audit_log where request_id = 'named-1'";
        assert_eq!(app.db(file).texts(sql, &[]), [format!("deny member.list {entry}")], "{file}");
    }
}

#[test]
fn lists_show_what_the_entry_says_in_every_mode() {
    let org = Org::new(app(), "bg-rows");
    let shown = ["private", "workspace", "tenant"];
    let mut all: Vec<_> =
        shown.iter().map(|visibility| org.resource(visibility, visibility)).collect();
    all.sort();
    let operator = operator("bg-rows", "support");
    let entering =
        |actions: &[&str]| org.seen_by(&operator.by(&operator.enter(app(), &org.slug, actions)));
    let viewer = entering(&["resource.read", "resource.list", "workspace.list"]);
    let namer = entering(&["resource.list", "workspace.list"]);
    let keeper = entering(&["resource.*", "workspace.*"]);
    let listed = |client: &Client| {
        let mut ids = client.column("/resources", "id");
        ids.sort();
        ids
    };
    for mode in ["enforce", "shadow", "off"] {
        let security = format!("/v1/platform/tenants/{}/row-security", org.slug);
        let changed = app().host().put_over(&security, &json!({"mode": mode}));
        assert!([200, 201].contains(&changed.status), "{}", changed.text);
        assert_eq!(listed(&viewer), all, "{mode}");
        assert_eq!(listed(&keeper), all, "{mode}");
        assert_eq!(listed(&namer), [""; 0], "{mode}");
        assert_eq!(viewer.all("/workspaces", 50).len(), 0, "{mode}");
        assert_eq!(keeper.all("/workspaces", 50).len(), 1, "{mode}");
        for resource in &all {
            let one = format!("/resources/{resource}");
            assert_eq!(viewer.get(&one).expect(200)["permission"], "read", "{mode}");
            assert_eq!(keeper.get(&one).expect(200)["permission"], "admin", "{mode}");
            namer.get(&one).problem(404, "not_found");
            viewer.patch(&one, &json!({"name": "x"})).problem(403, "forbidden");
        }
    }
    let one = format!("/resources/{}", all[0]);
    keeper.patch(&one, &json!({"name": "mended"})).expect(200);
    keeper.delete(&one).expect(204);
}

/// Does two things at once, and returns their statuses, the lower first.
fn at_once(one: impl FnOnce() -> Answer + Send, other: impl FnOnce() -> Answer + Send) -> [u16; 2] {
    let mut both = std::thread::scope(|scope| {
        let (one, other) = (scope.spawn(one), scope.spawn(other));
        [one.join().unwrap().status, other.join().unwrap().status]
    });
    both.sort_unstable();
    both
}

#[test]
fn of_two_decisions_at_once_one_wins() {
    let org = Org::new(app(), "bg-race");
    let asker = operator("bg-race", "support");
    let admins = [operator("bg-race-1", "platform-admin"), operator("bg-race-2", "platform-admin")];
    let state = |entry: &str| app().host().get(&path(entry, "")).expect(200)["state"].clone();
    for _ in 0..10 {
        let entry = asker.ask(&org.slug, &["team.list"]);
        let approve = |by: usize| act(&admins[by].client, &entry, "approve");
        assert_eq!(at_once(|| approve(0), || approve(1)), [200, 409]);
        assert_eq!(state(&entry), "approved");

        let entry = asker.ask(&org.slug, &["team.list"]);
        let both = at_once(
            || act(&admins[0].client, &entry, "approve"),
            || act(&admins[1].client, &entry, "deny"),
        );
        assert_eq!(both, [200, 409]);

        // What was ended is ended, whichever came first.
        let entry = asker.ask(&org.slug, &["team.list"]);
        let both = at_once(
            || act(&admins[0].client, &entry, "approve"),
            || act(&asker.client, &entry, "end"),
        );
        assert!([[200, 200], [200, 409]].contains(&both), "{both:?}");
        assert_eq!(state(&entry), "ended");
        org.seen_by(&asker.by(&entry)).get("/teams").problem(404, "not_found");
    }
}

/// What a tenant's file was told of an entry.
fn told(org: &Org, entry: &str) -> Vec<String> {
    let sql = "select e.type || ' ' || e.actor from outbox_events e where e.subject = ?1 and e.type <> 'break_glass.used'
        order by e.seq";
    org.app.db(&org.id).texts(sql, &[&format!("break_glass/{entry}")])
}

#[test]
fn the_tenant_is_told_what_becomes_of_an_entry() {
    let org = Org::new(app(), "bg-told");
    let operator = operator("bg-told", "support");
    let entry = operator.enter(app(), &org.slug, &["team.list"]);
    act(&operator.client, &entry, "end").expect(200);
    let by = |kinds: &[&str]| -> Vec<String> {
        kinds.iter().map(|kind| format!("break_glass.{kind} system:break_glass")).collect()
    };
    assert_eq!(told(&org, &entry), by(&["requested", "approved", "ended"]));
    let denied = operator.ask(&org.slug, &["team.list"]);
    act(&app().host(), &denied, "deny").expect(200);
    assert_eq!(told(&org, &denied), by(&["requested", "denied"]));
    let sql =
        "select count(*) from audit_log where actor = 'system:break_glass' and target_id = ?1";
    assert_eq!(app().db(&org.id).number(sql, &[&entry]), 3);

    // One that is out of service is told once it is back.
    let status = |verb: &str| {
        app().operator().act(&format!("/v1/platform/tenants/bg-told/{verb}")).expect(200)
    };
    status("suspend");
    let late = operator.enter(app(), &org.slug, &["team.list"]);
    assert_eq!(told(&org, &late), [""; 0]);
    status("resume");
    eventually(|| (told(&org, &late).len() == 2).then_some(()));
    assert_eq!(told(&org, &late), by(&["requested", "approved"]));
}

#[test]
fn entries_are_kept_on_the_command_line() {
    let org = Org::new(app(), "bg-cli");
    let operator = operator("bg-cli", "support");
    let run = |words: &[&str]| app().freehold(&[&["break-glass"], words].concat());
    let reason = "ticket 4711: lists are empty";
    let made = run(&[
        "request",
        "bg-cli",
        "--reason",
        reason,
        "--action",
        "team.list",
        "--action",
        "member.list",
        "--duration",
        "15m",
        "--account",
        "local|bg-cli",
        "--json",
    ])
    .ended(0)
    .json();
    assert_eq!((&made["duration_s"], &made["state"]), (&json!(900), &json!("requested")));
    assert_eq!(made["account_id"], json!(operator.account));
    let id = made["id"].as_str().unwrap();
    run(&["approve", id]).ended(1);
    act(&app().operator(), id, "approve").expect(200);
    assert_eq!(run(&["show", id, "--json"]).ended(0).json()["state"], "approved");
    assert!(run(&["show", id]).ended(0).out.contains("team.list member.list"));
    assert!(run(&["list"]).ended(0).out.contains(id));
    org.seen_by(&operator.by(id)).get("/teams").expect(200);
    run(&["end", id]).ended(0);
    org.seen_by(&operator.by(id)).get("/teams").problem(404, "not_found");
    let asked = operator.ask("bg-cli", &["team.list"]);
    assert_eq!(run(&["deny", &asked, "--json"]).ended(0).json()["decided_by"], "host");
    run(&["show", "nope"]).ended(1);
    run(&["request", "bg-cli", "--reason", "short", "--action", "team.list"]).ended(1);
    run(&["request", "bg-cli", "--reason", reason]).ended(2);
}

#[test]
fn routes_that_read_leave_one_use_each_at_least() {
    let org = Org::new(app(), "bg-each");
    let operator = operator("bg-each", "platform-admin");
    let entry = operator.enter(app(), &org.slug, &["*"]);
    let client = operator.by(&entry);
    let routes = infos();
    let reads = routes.iter().filter(|route| route.mount == Mount::Tenant);
    let missed: Vec<_> = reads
        .filter(|route| is_missed(route, &org, &client))
        .map(|route| route.operation_id)
        .collect();
    assert_eq!(missed, [""; 0]);
}

/// Whether a request by break-glass left no row in one of both logs.
fn is_missed(route: &RouteInfo, org: &Org, client: &Client) -> bool {
    let name = format!("each-{}", route.operation_id);
    let request = ask(route, org, &name).request(route, org, client);
    let answer = request.header("x-request-id", &name).send();
    let count = |file: &str| {
        let sql = "select count(*) from audit_log where request_id = ?1 and actor = ?2";
        let actor =
            format!("account:{}", client.root().get("/v1/me")["account"]["id"].as_str().unwrap());
        app().db(file).number(sql, &[&name, &actor])
    };
    // Of denials only the first of a minute has a row of its own.
    answer.status < 300 && (count(&org.id) == 0 || count("platform") == 0)
}
