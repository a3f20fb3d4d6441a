//! `/v1/me`: who one is, by which credential, in which tenants.

use serde_json::{Value, json};

use crate::app::eventually;
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

fn me(caller: &Client) -> Value {
    caller.root().get("/v1/me").expect(200).json
}

#[test]
fn a_caller_learns_who_they_are_and_by_which_credential() {
    let org = Org::new(app(), "who");
    let me = me(&org.member);
    assert_eq!(me["account"]["id"], json!(org.account("member")));
    assert_eq!(me["account"]["identities"], json!([{"issuer": "import", "subject": "who-member"}]));
    assert_eq!((&me["tenant"]["slug"], &me["role"]), (&json!("who"), &json!("member")));
    let credential = &me["credential"];
    assert_eq!((&credential["issuer"], &credential["actor"]), (&json!("freehold"), &json!("host")));
    assert_eq!(credential["tenant_id"], json!(org.id));
    assert!(credential["expires_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn permissions_rise_with_the_role() {
    let org = Org::new(app(), "rising");
    let count = |caller: &Client| me(caller)["permissions"].as_array().unwrap().len();
    let counts = [&org.guest, &org.member, &org.admin, &org.owner].map(count);
    assert!(counts.is_sorted_by(|fewer, more| fewer < more), "{counts:?}");
    let guests = me(&org.guest)["permissions"].clone();
    let expected = [
        "tenant.read",
        "workspace.list",
        "resource_type.list",
        "resource.list",
        "catalog.read",
        "access.evaluate_own",
        "token.exchange",
    ];
    assert_eq!(guests, json!(expected));
    let can = |caller: &Client, action: &str| {
        me(caller)["permissions"].as_array().unwrap().contains(&json!(action))
    };
    assert!(can(&org.admin, "member.create") && !can(&org.admin, "owner.create"));
    assert!(can(&org.owner, "owner.create") && !can(&org.owner, "tenant.import"));
}

#[test]
fn somebody_in_two_tenants_sees_both_and_the_role_in_the_one_at_hand() {
    let here = me(&app().demo("alice"));
    let there = me(&app().caller("globex", "local|alice"));
    let roles = |me: &Value| {
        let mine = me["tenants"].as_array().unwrap();
        mine.iter()
            .map(|tenant| format!("{} {}", tenant["slug"], tenant["role"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(roles(&here), [r#""acme" "owner""#, r#""globex" "member""#]);
    assert_eq!(roles(&here), roles(&there));
    assert_eq!((&here["role"], &there["role"]), (&json!("owner"), &json!("member")));
}

#[test]
fn a_credential_for_no_tenant_has_no_role() {
    for caller in [app().operator(), app().person("local|alice")] {
        let me = me(&caller);
        assert_eq!((&me["tenant"], &me["role"]), (&Value::Null, &Value::Null));
        assert_eq!(me["permissions"], json!([]));
    }
}

#[test]
fn tenants_follow_what_happens_in_them() {
    let org = Org::new(app(), "following");
    let account = org.newcomer("new", "guest");
    let caller = app().person(&account);
    let mine = || {
        let me = me(&caller);
        let mine = me["tenants"].as_array().unwrap();
        mine.first().map(|tenant| {
            let word = |member: &str| tenant[member].as_str().unwrap().to_owned();
            (word("role"), word("state"))
        })
    };
    let becomes = |role: &str, state: &str| {
        eventually(|| (mine() == Some((role.to_owned(), state.to_owned()))).then_some(()));
    };
    let path = format!("/members/{account}");
    becomes("guest", "active");
    org.owner.patch(&path, &json!({"role": "admin"})).expect(200);
    becomes("admin", "active");
    org.owner.act(&format!("{path}/suspend")).expect(200);
    becomes("admin", "suspended");
    org.owner.delete(&path).expect(204);
    eventually(|| mine().is_none().then_some(()));
}

#[test]
fn a_suspended_tenant_is_still_told_of() {
    let org = Org::new(app(), "told-of");
    app().operator().act("/v1/platform/tenants/told-of/suspend").expect(200);
    let me = me(&org.member);
    assert_eq!(me["tenant"]["status"], "suspended");
    assert_eq!(me["permissions"], json!([]));
}

#[test]
fn somebody_changes_their_own_name_and_address() {
    let account = app().account("own-name");
    let caller = app().person(&account);
    let before = caller.get("/v1/me").expect(200);
    let change = json!({"display_name": "Own Name", "email": "own@name.example"});
    let patch = |etag: &str, body: &Value| {
        caller.request("PATCH", "/v1/me").header("if-match", etag).json(body).send()
    };
    let changed = patch(&before.etag(), &change).expect(200);
    assert_eq!((&changed["display_name"], &changed["id"]), (&json!("Own Name"), &json!(account)));
    assert_eq!(caller.get("/v1/me").expect(200).etag(), changed.etag());
    patch(&before.etag(), &change).problem(412, "stale_version");
    patch(&changed.etag(), &json!({"email": null})).expect(200);
    for member in ["id", "state", "identities", "email_verified", "operator", "version"] {
        let found = patch("\"1\"", &json!({member: "x"})).problem(422, "invalid");
        assert_eq!(found.fields().len(), 1, "{member}");
    }
    let sql = "select actor from audit_log where action = 'me.update' and decision = 'permit'";
    let actors = app().db("platform").texts(sql, &[]);
    assert!(actors.contains(&format!("account:{account}")), "{actors:?}");
}

#[test]
fn an_account_has_one_personal_tenant_with_a_workspace_of_its_own() {
    let account_of = |name: &str, number: usize| {
        let identities = json!([{"issuer": "local", "subject": format!("called-{number}")}]);
        let body = json!({"display_name": name, "identities": identities});
        app().operator().post("/v1/platform/accounts", &body).expect(201).id()
    };
    let account = account_of("Mia Möller", 1);
    let caller = app().person(&account);
    let tenants = "/v1/me/tenants";
    assert!(caller.all(tenants, 50).is_empty());
    let made = caller.post(tenants, &json!({})).expect(201);
    assert_eq!((&made["kind"], &made["status"]), (&json!("personal"), &json!("active")));
    assert_eq!((&made["slug"], &made["name"]), (&json!("mia-m-ller"), &json!("Mia Möller")));
    assert_eq!(made.header("location"), "/v1/tenants/mia-m-ller");
    let again = caller.post(tenants, &json!({})).expect(200);
    assert_eq!(again["id"], made["id"], "there is one");
    caller.post(tenants, &json!({"slug": "another-one"})).problem(409, "has_personal_tenant");
    let mine = &caller.all(tenants, 50)[0];
    assert_eq!((&mine["kind"], &mine["role"]), (&json!("personal"), &json!("owner")));
    let inside = app().caller("mia-m-ller", &account).at("/v1/tenants/mia-m-ller");
    let workspaces = inside.all("/workspaces", 50);
    assert_eq!(workspaces.len(), 1);
    assert_eq!(workspaces[0]["name"], "personal");
    assert_eq!(workspaces[0]["owner"], json!({"type": "account", "id": account}));
    // Somebody of the same name gets another slug, and somebody chooses theirs.
    let second = account_of("Mia M ller", 2);
    let made = app().person(&second).post(tenants, &json!({})).expect(201);
    assert_eq!(made["slug"], "mia-m-ller-2");
    let others =
        [("王小明", "personal"), ("7", "personal-7"), ("root", "root-2"), ("Al", "personal-al")];
    for (number, (name, slug)) in others.into_iter().enumerate() {
        let caller = app().person(&account_of(name, number + 3));
        assert_eq!(caller.post(tenants, &json!({})).expect(201)["slug"], slug);
    }
    let third = app().person(&app().account("chooser"));
    third.post(tenants, &json!({"slug": "mia-m-ller"})).problem(409, "slug_taken");
    let chosen = third.post(tenants, &json!({"slug": "chosen-one", "name": "Mine"})).expect(201);
    assert_eq!((&chosen["slug"], &chosen["name"]), (&json!("chosen-one"), &json!("Mine")));
}

#[test]
fn many_requests_at_once_make_one_personal_tenant() {
    let caller = app().person(&app().account("eager"));
    let threads: Vec<_> = (0..8)
        .map(|_| {
            let caller = caller.clone();
            std::thread::spawn(move || caller.post("/v1/me/tenants", &json!({})))
        })
        .collect();
    let answers: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
    let ids: std::collections::BTreeSet<_> = answers.iter().map(Answer::id).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.status == 201).count(), 1);
    assert_eq!(caller.all("/v1/me/tenants", 50).len(), 1);
}

#[test]
fn an_installation_that_makes_no_personal_tenants_leaves_it_to_the_host() {
    let place = crate::app::Place::new();
    let off = [("FREEHOLD__ACCOUNTS__PERSONAL_TENANTS", "off")];
    let app = crate::app::TestApp::serve_at(&place, &off);
    let body = json!({"display_name": "sam", "identities": [{"issuer": "x", "subject": "sam"}]});
    let account = app.host().post("/v1/platform/accounts", &body).expect(201).id();
    // What the host mints says that the host acts.
    app.person(&account).post("/v1/me/tenants", &json!({})).expect(201);
    let grant = freehold::identity::Grant {
        subject: app.account("tom"),
        tenant: None,
        actor: None,
        scope: None,
        session: None,
        api_key: None,
        exchanged_for: Vec::new(),
        assurance: freehold::domain::Assurance::default(),
        ttl_s: 600,
    };
    freehold::identity::install_crypto();
    let key = app.place().data().join("keys/system.key");
    let key = freehold::identity::SigningKey::load(&key).unwrap().unwrap();
    let signer = freehold::identity::Signer::new("freehold", "freehold", key);
    let token = signer.sign(&grant, &freehold::cli::SystemClock).unwrap().token;
    app.bearer(&token).post("/v1/me/tenants", &json!({})).problem(403, "forbidden");
}

#[test]
fn an_account_is_suspended_in_one_tenant_and_active_in_another() {
    let (here, there) = (Org::new(app(), "state-here"), Org::new(app(), "state-there"));
    let account = here.newcomer("both", "member");
    there.owner.post("/members", &json!({"account_id": account, "role": "admin"})).expect(201);
    here.owner.act(&format!("/members/{account}/suspend")).expect(200);
    let caller = app().person(&account);
    let mine = || {
        let found = caller.all("/v1/me/tenants", 1);
        let line = |tenant: &Value| {
            let word = |member: &str| tenant[member].as_str().unwrap().to_owned();
            format!("{} {} {}", word("slug"), word("role"), word("state"))
        };
        found.iter().map(line).collect::<Vec<_>>()
    };
    let expected = ["state-here member suspended", "state-there admin active"];
    eventually(|| (mine() == expected).then_some(()));
    let token = |slug: &str| app().caller(slug, &account).at(&format!("/v1/tenants/{slug}"));
    token("state-here").get("/teams").problem(404, "not_found");
    token("state-there").get("/teams").expect(200);
}

#[test]
fn what_the_registry_follows_is_made_anew_from_the_tenants_files() {
    let org = Org::new(app(), "made-anew");
    let email = "ned@made-anew.example";
    let ned = crate::invitations::verified(app(), "made-anew-ned", email);
    let body = json!({"email": email, "role": "guest"});
    let id = org.owner.post("/invitations", &body).expect(201).id();
    let lists = || {
        let root = org.member.root();
        (ned.column("/v1/me/invitations", "id"), root.column("/v1/me/tenants", "slug"))
    };
    let right = (vec![id.clone()], vec!["made-anew".to_owned()]);
    eventually(|| (lists() == right).then_some(()));
    let registry = rusqlite::Connection::open(app().place().data().join("registry.db")).unwrap();
    registry.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    for table in ["memberships", "invitations"] {
        let sql = format!("delete from {table} where tenant_id = ?1");
        registry.execute(&sql, [&org.id]).unwrap();
    }
    assert_eq!(lists(), (Vec::new(), Vec::new()));
    let doctor =
        |more: &[&str]| app().freehold(&[&["doctor", "--tenant", "made-anew"], more].concat());
    assert!(doctor(&[]).ended(1).out.contains("1 invitations in the file"));
    doctor(&["--fix"]).ended(0);
    assert_eq!(lists(), right);
    doctor(&[]).ended(0);
    ned.act(&format!("/v1/me/invitations/{id}/accept")).expect(200);
}
