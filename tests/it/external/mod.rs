//! The external decision point: any AuthZEN 1.0 PDP, asked before a write is queued.
//!
//! Here a second Freehold is the one that is asked; [`hostile`] has those that do not answer as they should, and
//! [`moving`] what changes while somebody is asked. [`pdp`] says what a test wants it to.

mod hostile;
mod moving;
mod pdp;

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use self::pdp::{Pdp, Says};
use crate::app::{Place, TestApp};
use crate::isolation::now;
use crate::org::Org;

/// The name of whoever is asked here, in audit rows.
const ID: &str = "external:127.0.0.1";

/// A server that asks about some actions, with further settings. The log of the one before tells where that listened.
fn asking_at(place: &Place, url: &str, actions: &str, settings: &[(&str, &str)]) -> TestApp {
    place.file("log", "");
    let basic = [
        ("FREEHOLD__DECISION_POINT__URL", url),
        ("FREEHOLD__DECISION_POINT__ACTIONS", actions),
        ("FREEHOLD__DECISION_POINT__ALLOW_PLAIN_LOOPBACK", "true"),
    ];
    TestApp::serve_at(place, &[&basic, settings].concat())
}

fn asking(pdp: &Pdp, actions: &str, settings: &[(&str, &str)]) -> TestApp {
    asking_at(&Place::new(), &pdp.url(), actions, settings)
}

/// The policies, the decision and the summary of the last audit row of an action.
fn last_row(app: &TestApp, tenant: &str, action: &str) -> (Vec<String>, String, Value) {
    let db = app.db(tenant);
    let one = |column: &str| {
        let sql =
            format!("select {column} from audit_log where action = ?1 order by seq desc limit 1");
        db.texts(&sql, &[&action]).remove(0)
    };
    let policies = serde_json::from_str(&one("policies")).unwrap();
    (policies, one("decision"), serde_json::from_str(&one("summary")).unwrap())
}

/// Everything that a tenant's file holds but for its audit log.
fn dump(app: &TestApp, tenant: &str) -> Vec<String> {
    let db = app.db(tenant);
    let tables = db.texts(
        "select name from sqlite_schema where type = 'table' and name not like 'sqlite%'
            and name not in ('audit_log', 'quota_snapshots')",
        &[],
    );
    let rows = tables.iter().flat_map(|table| {
        let columns =
            db.texts(&format!("select name from pragma_table_info('{table}')"), &[]).join(", ");
        db.texts(&format!("select json_array({columns}) from {table} order by 1"), &[])
    });
    rows.collect()
}

/// Two installations that hold the same people; the second is asked by the first.
fn twins() -> (TestApp, TestApp) {
    let first = TestApp::serve();
    Org::new(&first, "twin");
    let place = first.stop();
    let copy = Place::new();
    let copied = Command::new("cp").args(["-a"]).arg(place.data()).arg(copy.data()).status();
    assert!(copied.unwrap().success());
    let second = TestApp::serve_at(&copy, &[]);
    let url = format!("{}/v1/tenants/twin/access/v1/evaluation", second.url());
    let owner = json!({"tenant": "twin", "account": "import|twin-owner"});
    let minted = second.host().post("/v1/platform/tokens", &owner).expect(200);
    let token = minted["token"].as_str().unwrap();
    let settings = [("FREEHOLD__DECISION_POINT__TOKEN", token)];
    (asking_at(&place, &url, "member.*,team.*", &settings), second)
}

fn caller(app: &TestApp, name: &str) -> crate::client::Client {
    app.caller("twin", &format!("import|twin-{name}")).at("/v1/tenants/twin")
}

#[test]
fn a_second_freehold_decides_besides_the_first() {
    let (first, second) = twins();
    let (admin, owner) = (caller(&first, "admin"), caller(&first, "owner"));
    let tenant = owner.get("").expect(200).id();
    let id = |name: &str| {
        let path = format!("/v1/platform/accounts?issuer=import&subject=twin-{name}");
        first.host().get(&path).expect(200)["items"][0]["id"].as_str().unwrap().to_owned()
    };
    let other = format!("/members/{}", id("other"));
    admin.patch(&other, &json!({"role": "guest"})).expect(200);
    let (policies, decision, _) = last_row(&first, &tenant, "member.update");
    assert_eq!((policies, decision.as_str()), (vec!["admin".to_owned(), ID.to_owned()], "permit"));

    let there = caller(&second, "owner");
    there.patch(&format!("/members/{}", id("admin")), &json!({"role": "member"})).expect(200);
    let before = dump(&first, &tenant);
    admin.patch(&other, &json!({"role": "member"})).problem(403, "externally_denied");
    admin.post("/teams", &json!({"name": "refused"})).problem(403, "externally_denied");
    assert_eq!(dump(&first, &tenant), before);
    let (policies, decision, summary) = last_row(&first, &tenant, "member.update");
    assert_eq!((policies, decision.as_str()), (vec![ID.to_owned()], "deny"));
    assert_eq!(summary, json!({"decision_point": ID, "answer": "deny"}));

    owner.patch(&other, &json!({"role": "member"})).expect(200);
    caller(&first, "guest").post("/teams", &json!({"name": "no"})).problem(403, "forbidden");
    second.stop();
    let gone = owner.post("/teams", &json!({"name": "gone"}));
    assert_eq!(gone.header("retry-after"), "1");
    gone.problem(503, "decision_point_unavailable");
    owner.get("/teams").expect(200);
}

#[test]
fn it_hears_what_our_own_decision_is_made_from() {
    let pdp = Pdp::permitting();
    let app = asking(&pdp, "member.*", &[("FREEHOLD__DECISION_POINT__TOKEN", "12e3")]);
    let org = Org::new(&app, "heard");
    let (owner, other) = (org.account("owner"), org.account("other"));
    let wanted = json!({
        "tenant": "heard", "account": owner, "scope": "people:write tenant:read", "amr": ["mfa"], "auth_age_s": 60,
    });
    let minted = app.host().post("/v1/platform/tokens", &wanted).expect(200);
    let narrow = app.bearer(minted["token"].as_str().unwrap()).at("/v1/tenants/heard");
    let suspend = narrow.request("POST", &format!("/members/{other}/suspend"));
    suspend.header("x-request-id", "heard-once").send().expect(200);
    let asked = pdp.asked().remove(0);
    let mut body = asked.body.clone();
    let auth_time = body["context"]["auth_time"].take();
    assert!(auth_time.is_i64(), "{auth_time}");
    let expected = json!({
        "subject": {"type": "account", "id": owner, "properties": {
            "state": "active", "role": "owner", "membership": "active", "granted": false, "break_glass": false,
        }},
        "action": {"name": "member.suspend"},
        "resource": {"type": "member", "id": other, "properties": {
            "tenant": org.id, "own": false, "role": "member",
        }},
        "context": {
            "tenant": {"id": org.id, "slug": "heard", "status": "active"}, "plane": "tenant", "actor": "host",
            "amr": ["mfa"], "auth_time": null, "step_up": false, "strong": true, "recent": true,
            "scopes": ["people:write", "tenant:read"], "in_scope": true, "correlation_id": "heard-once",
        },
    });
    assert_eq!(body, expected);
    let head = asked.head.to_ascii_lowercase();
    assert!(head.starts_with("post /access/v1/evaluation http/1.1\r\n"), "{head}");
    assert!(head.contains("\r\nauthorization: bearer 12e3\r\n"), "{head}");
    assert!(head.contains("\r\nx-request-id: heard-once\r\n"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/json\r\n"), "{head}");
}

#[test]
fn neither_readings_nor_what_is_refused_anyway_are_asked_about() {
    let pdp = Pdp::permitting();
    let app = asking(&pdp, "member.*,team.*,resource.*", &[]);
    let org = Org::new(&app, "unasked");
    let resource = org.resource("seen", "tenant");
    let before = pdp.asked().len();
    assert_eq!(before, 1, "the resource was made");
    for path in ["", "/members", "/teams", "/resources"] {
        org.owner.get(path).expect(200);
    }
    org.member.get(&format!("/resources/{resource}")).expect(200);
    org.member.post("/teams", &json!({"name": "no"})).problem(403, "forbidden");
    org.guest.delete(&format!("/resources/{resource}")).problem(404, "not_found");
    app.operator().get("/v1/platform/tenants").expect(200);
    org.owner
        .post("/workspaces", &json!({"name": "w", "owner": {"type": "tenant", "id": org.id}}))
        .expect(201);
    assert_eq!(pdp.asked().len(), before);
}

#[test]
fn a_repeated_request_is_asked_about_again_and_done_once() {
    let pdp = Pdp::permitting();
    let app = asking(&pdp, "team.*", &[]);
    let org = Org::new(&app, "repeated");
    let make = || {
        let request = org.owner.request("POST", "/teams").header("idempotency-key", "once");
        request.json(&json!({"name": "once"})).send()
    };
    let first = make().expect(201);
    assert_eq!(make().expect(201).text, first.text);
    pdp.says(|_| Says::Decision(false));
    make().problem(403, "externally_denied");
    assert_eq!(pdp.count("team.create"), 3);
    assert_eq!(org.owner.all("/teams", 50).len(), 1);
}

#[test]
fn the_platform_plane_asks_where_its_actions_are_named() {
    let pdp = Pdp::new(|request| Says::Decision(request["action"]["name"] != "tenant.suspend"));
    let settings = [("FREEHOLD__DECISION_POINT__PLATFORM_ACTIONS", "tenant.*")];
    let app = asking(&pdp, "team.*", &settings);
    let operator = app.operator();
    let made = operator.post("/v1/platform/tenants", &json!({"slug": "asked", "name": "Asked"}));
    let id = made.expect(201).id();
    let suspended = operator.act("/v1/platform/tenants/asked/suspend");
    suspended.problem(403, "externally_denied");
    let (policies, decision, _) = last_row(&app, "platform", "tenant.suspend");
    assert_eq!((policies, decision.as_str()), (vec![ID.to_owned()], "deny"));
    let asked = pdp.asked();
    let request = &asked.last().unwrap().body;
    assert_eq!(request["resource"], json!({"type": "tenant", "id": id, "properties": {}}));
    assert_eq!(request["context"]["plane"], "platform");
    assert_eq!(request["subject"]["properties"]["operator"], "platform-admin");
    assert!(request["context"]["tenant"].is_null());
    operator.get("/v1/platform/tenants/asked").expect(200);
    let before = pdp.asked().len();
    app.account("unasked");
    assert_eq!(pdp.asked().len(), before);
}

/// The import waits on its own thread, as every blocking caller does.
#[test]
fn whoever_blocks_asks_as_well() {
    let pdp = Pdp::permitting();
    let app = asking(&pdp, "*", &[]);
    let org = Org::new(&app, "imported");
    assert!(pdp.count("tenant.import") > 0);
    pdp.says(|_| Says::Decision(false));
    let report = crate::org::import(&app.host(), &json!([crate::org::tenant("refused")]));
    assert_eq!(report["tenants"][0]["outcome"], "failed", "{report}");
    org.owner.patch("", &json!({"description": "no"})).problem(403, "externally_denied");
}

#[test]
fn a_tenant_has_another_or_none() {
    let (ours, theirs) = (Pdp::permitting(), Pdp::permitting());
    let own = theirs.url();
    let settings = [
        ("FREEHOLD__DECISION_POINT__TOKEN", "ours"),
        ("FREEHOLD__DECISION_POINT__TENANTS__THEIRS__URL", own.as_str()),
        ("FREEHOLD__DECISION_POINT__TENANTS__NOBODYS__ENABLED", "false"),
    ];
    let app = asking(&ours, "team.*", &settings);
    let [usual, other, none] = ["usual", "theirs", "nobodys"].map(|slug| Org::new(&app, slug));
    for org in [&usual, &other, &none] {
        org.owner.post("/teams", &json!({"name": "t"})).expect(201);
    }
    assert_eq!((ours.count("team.create"), theirs.count("team.create")), (1, 1));
    assert!(ours.asked()[0].head.contains("Bearer ours"), "{:?}", ours.asked());
    assert!(!theirs.asked()[0].head.contains("ours"), "{:?}", theirs.asked());
    theirs.says(|_| Says::Decision(false));
    other.owner.post("/teams", &json!({"name": "u"})).problem(403, "externally_denied");
    usual.owner.post("/teams", &json!({"name": "u"})).expect(201);
    none.owner.post("/teams", &json!({"name": "u"})).expect(201);
}

#[test]
fn tenants_that_ask_nobody_go_on_while_another_waits() {
    let pdp = Pdp::new(|_| Says::Nothing(Duration::from_secs(5)));
    let settings = [
        ("FREEHOLD__DECISION_POINT__TIMEOUT_MS", "2000"),
        ("FREEHOLD__DECISION_POINT__BREAKER_FAILURES", "1000"),
        ("FREEHOLD__DECISION_POINT__TENANTS__FREE__ENABLED", "false"),
    ];
    let app = asking(&pdp, "team.*", &settings);
    let (held, free) = (Org::new(&app, "held"), Org::new(&app, "free"));
    let timed = |prefix: &str| {
        let started = now();
        for n in 0..50 {
            free.owner.post("/teams", &json!({"name": format!("{prefix}{n}")})).expect(201);
        }
        started.elapsed()
    };
    let alone = timed("alone");
    std::thread::scope(|scope| {
        for n in 0..40 {
            let owner = &held.owner;
            scope.spawn(move || {
                let answer = owner.post("/teams", &json!({"name": format!("t{n}")}));
                answer.problem(503, "decision_point_unavailable");
            });
        }
        crate::app::eventually(|| (pdp.asked().len() >= 40).then_some(()));
        let beside = timed("beside");
        crate::app::measured(&format!(
            "50 writes: {alone:?} alone, {beside:?} beside 40 that wait"
        ));
        assert!(beside < alone * 4 + Duration::from_millis(200), "{beside:?} after {alone:?}");
        held.owner.get("/teams").expect(200);
    });
}
