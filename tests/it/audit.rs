//! What is written down: of every change one audit row and its events, in the file that changed; of denials, few.

use freehold::http::{Mount, RouteInfo, infos};
use serde_json::{Value, json};

use crate::app::{Db, TestApp};
use crate::asks::ask;
use crate::client::Client;
use crate::events::conform;
use crate::org::Org;
use crate::shared;

shared!();

/// What changes nothing, though it is no `GET`.
const ASKS: &[&str] = &[
    "access_evaluate",
    "access_evaluate_many",
    "access_search_subject",
    "access_search_resource",
    "access_search_action",
    "access_explain",
    "access_simulate",
    // Its request changes nothing here, so that it can be asked by many at once; its rows are looked for in profiles.rs.
    "profile_defaults_update",
];

pub(crate) fn is_change(route: &RouteInfo) -> bool {
    route.method != "GET" && !ASKS.contains(&route.operation_id)
}

/// The columns of the audit rows that a request left.
fn left(db: &Db, column: &str, request: &str) -> Vec<String> {
    db.texts(&format!("select {column} from audit_log where request_id = ?1"), &[&request])
}

fn events(db: &Db, correlation: &str) -> i64 {
    db.number("select count(*) from outbox_events where correlation_id = ?1", &[&correlation])
}

/// A trace of an operation's own, as `traceparent` has it.
pub(crate) fn trace(operation: &str) -> String {
    let hash =
        operation.bytes().fold(1_u128, |hash, byte| hash * 31 % (1 << 100) + u128::from(byte));
    format!("{hash:032x}")
}

/// Makes a change, and says what is wrong with what it left.
fn findings(route: &RouteInfo, org: &Org) -> Vec<String> {
    let operation = route.operation_id;
    let (caller, file) = match route.mount {
        Mount::Tenant => (org.owner.clone(), org.id.as_str()),
        // Tokens are minted on the host alone.
        _ => (org.app.host(), "platform"),
    };
    let trace = trace(operation);
    let request = ask(route, org, operation).request(route, org, &caller);
    let request = request.header("x-request-id", operation);
    request.header("traceparent", &format!("00-{trace}-00000000000000ff-01")).send().done();

    let db = org.app.db(file);
    let row = "action || ' ' || decision || ' ' || correlation_id";
    let expected = format!("{} permit {trace}", route.action.unwrap());
    let rows = left(&db, row, operation);
    // An import is one change for its people, and one for each tenant that it makes.
    let good = if operation == "import_create" { !rows.is_empty() } else { rows.len() == 1 };
    let mut findings = Vec::new();
    if !good || rows.iter().any(|row| *row != expected) {
        findings.push(format!("{operation} left the audit rows {rows:?}"));
    }
    if events(&db, &trace) == 0 {
        findings.push(format!("{operation} left no event"));
    }
    findings
}

#[test]
fn every_change_of_a_tenant_leaves_one_audit_row_and_its_events_in_its_file() {
    let org = Org::new(app(), "tenant-audit");
    let routes = infos();
    let changes = routes.iter().filter(|route| is_change(route) && route.mount == Mount::Tenant);
    let findings: Vec<_> = changes.flat_map(|route| findings(route, &org)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(conform(app(), &org.owner.all("/events", 200)).len() > 40);
}

#[test]
fn every_change_of_the_platform_leaves_one_audit_row_and_its_events_in_the_registry() {
    let org = Org::new(app(), "platform-audit");
    let routes = infos();
    let changes = routes.iter().filter(|route| is_change(route) && route.mount == Mount::Platform);
    let findings: Vec<_> = changes.flat_map(|route| findings(route, &org)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(conform(app(), &app().host().all("/v1/platform/events", 200)).len() > 30);
}

#[test]
fn a_row_says_who_did_what_to_what() {
    let org = Org::new(app(), "row-says");
    let resource = org.resource("thing", "tenant");
    let path = format!("/resources/{resource}");
    let request = org.admin.request("PATCH", &path).header("if-match", "\"1\"");
    let request = request.header("x-request-id", "row-says-1");
    request.json(&json!({"name": "thing 2", "attributes": {"secret": "hush"}})).send().expect(200);
    let db = app().db(&org.id);
    let one = |column: &str| left(&db, column, "row-says-1").pop().unwrap();
    assert_eq!(one("actor"), format!("account:{}", org.account("admin")));
    assert_eq!(one("on_behalf"), "host", "the host minted the token");
    for (column, expected) in [
        ("actor_tenant", &org.id),
        ("target_tenant", &org.id),
        ("target_id", &resource),
        ("resource_id", &resource),
        ("workspace_id", &org.everyone),
        ("account_id", &org.account("admin")),
    ] {
        assert_eq!(one(column), *expected, "{column}");
    }
    assert_eq!(
        (one("target_type"), one("action")),
        ("resource".to_owned(), "resource.update".to_owned())
    );
    let policies: Value = serde_json::from_str(&one("policies")).unwrap();
    assert!(policies.as_array().unwrap().contains(&json!("admin")), "{policies}");
    assert!(!one("summary").contains("hush"), "{}", one("summary"));
    let data = db.texts(
        "select data from outbox_events where subject = ?1",
        &[&format!("resource/{resource}")],
    );
    assert!(data.iter().all(|data| !data.contains("hush")), "{data:?}");
}

#[test]
fn rows_are_chained_without_a_gap() {
    let org = Org::new(app(), "chained");
    (0..5).for_each(|n| drop(org.team(&format!("team {n}"))));
    for file in [org.id.as_str(), "platform"] {
        let db = app().db(file);
        let (hashes, previous) = (
            db.texts("select hash from audit_log order by seq", &[]),
            db.texts("select previous_hash from audit_log order by seq", &[]),
        );
        assert_eq!(previous[0], "0".repeat(64));
        assert_eq!(previous[1..], hashes[..hashes.len() - 1]);
        for table in ["audit_log", "outbox_events"] {
            let gaps = format!("select max(seq) - count(*) from {table}");
            assert_eq!(db.number(&gaps, &[]), 0, "{file} {table}");
        }
    }
}

#[test]
fn a_read_leaves_nothing() {
    let org = Org::new(app(), "reads");
    let resource = org.resource("read", "tenant");
    let before = app().db(&org.id).written();
    for path in ["", "/teams", "/resources", &format!("/resources/{resource}")] {
        org.member.get(path).expect(200);
    }
    assert_eq!(app().db(&org.id).written(), before);
}

#[test]
fn what_was_refused_for_what_it_says_leaves_nothing() {
    let org = Org::new(app(), "refused-words");
    let team = org.team("there");
    let before = app().db(&org.id).written();
    org.owner.post("/teams", &json!({"name": "there"})).problem(409, "name_taken");
    org.owner.post("/teams", &json!({})).problem(422, "invalid");
    let stale = org.owner.request("PATCH", &format!("/teams/{team}")).header("if-match", "\"9\"");
    stale.json(&json!({"name": "x"})).send().problem(412, "stale_version");
    assert_eq!(app().db(&org.id).written(), before);
}

/// Denied attempts: a change, a reading, something unknown.
fn attempts(org: &Org, caller: &Client) -> [u16; 3] {
    let resource = "/resources/01890000-0000-7000-8000-000000000000";
    [
        caller.post("/teams", &json!({"name": "x"})).status,
        caller.get("/members").status,
        org.seen_by(caller).get(resource).status,
    ]
}

#[test]
fn a_denial_leaves_its_row_and_a_hundred_more_leave_none_at_once() {
    let app = TestApp::dev();
    let org = Org::new(&app, "denials");
    let denials = || {
        let sql = "select count(*) from audit_log where decision = 'deny' and actor = ?1";
        app.db(&org.id).number(sql, &[&format!("account:{}", org.account("guest"))])
    };
    assert_eq!(denials(), 0);
    assert_eq!(org.guest.post("/teams", &json!({"name": "x"})).status, 403);
    assert_eq!(denials(), 1);
    for _ in 0..34 {
        assert_eq!(attempts(&org, &org.guest), [403, 403, 404]);
    }
    assert_eq!(denials(), 1);
    assert_eq!(org.member.post("/teams", &json!({"name": "x"})).status, 403);
    let all = "select count(*) from audit_log where decision = 'deny'";
    assert_eq!(app.db(&org.id).number(all, &[]), 2, "another caller is counted apart");
}

#[test]
fn a_denied_reading_leaves_a_row_too() {
    let app = TestApp::dev();
    let org = Org::new(&app, "denied-reading");
    let request = org.guest.request("GET", "/members").header("x-request-id", "denied-1");
    request.send().problem(403, "forbidden");
    let db = app.db(&org.id);
    let columns = "action || ' ' || decision || ' ' || target_type";
    assert_eq!(left(&db, columns, "denied-1"), ["member.list deny tenant"]);
}

#[test]
fn a_platform_denial_leaves_its_row_in_the_registry() {
    let app = TestApp::dev();
    let gus = app.demo("gus");
    let request = gus.request("GET", "/v1/platform/tenants").header("x-request-id", "denied-2");
    request.send().problem(404, "not_found");
    assert_eq!(
        left(&app.db("platform"), "action || ' ' || decision", "denied-2"),
        ["tenant.list deny"]
    );
    for _ in 0..100 {
        gus.get("/v1/platform/accounts").problem(404, "not_found");
    }
    assert_eq!(
        app.db("platform").number("select count(*) from audit_log where decision = 'deny'", &[]),
        1
    );
}
