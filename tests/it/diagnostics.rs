//! `/v1/platform/diagnostics`: what an examination finds, why it matters, and what to do.

use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

/// The checks of a subject that did not end well.
fn failed(report: &Value, subject: &str) -> Vec<Value> {
    let reports = report["reports"].as_array().unwrap();
    let found = reports.iter().find(|report| report["subject"] == subject).unwrap();
    let checks = found["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["state"] == "failed").cloned().collect()
}

#[test]
fn a_new_installation_is_healthy() {
    Org::new(app(), "healthy");
    let report = operator().get("/diagnostics").expect(200);
    assert_eq!(report["healthy"], true, "{}", report.text);
    let subjects: Vec<_> =
        report["reports"].as_array().unwrap().iter().map(|one| one["subject"].clone()).collect();
    assert_eq!(subjects[0], "registry");
    for slug in ["acme", "globex", "healthy"] {
        assert!(subjects.contains(&json!(slug)), "{subjects:?}");
    }
}

#[test]
fn one_tenant_is_examined_by_itself() {
    Org::new(app(), "examined");
    let report = operator().get("/tenants/examined/diagnostics").expect(200);
    assert_eq!(
        (&report["healthy"], report["reports"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
    let named = operator().post("/diagnostics", &json!({"tenant": "examined"})).expect(200);
    assert_eq!(named["reports"].as_array().unwrap().len(), 1);
    let lost =
        operator().post("/diagnostics", &json!({"tenant": "never-was"})).problem(422, "invalid");
    assert_eq!(lost.fields(), ["/tenant"]);
}

/// Changes a file that no server has open, against all its guards.
fn tamper(place: &Place, tenant: &str, sql: &str) {
    let folders = std::fs::read_dir(place.data().join("tenants")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(format!("{tenant}.db")));
    let file = files.find(|file| file.exists()).unwrap();
    let conn = rusqlite::Connection::open(file).unwrap();
    let trigger = "select sql from sqlite_schema where name = 'audit_log_is_not_changed'";
    let guard: String = conn.query_row(trigger, [], |row| row.get(0)).unwrap();
    conn.execute_batch(&format!("drop trigger audit_log_is_not_changed; {sql}; {guard}")).unwrap();
}

#[test]
fn a_changed_audit_row_is_found() {
    let app = TestApp::dev();
    let org = Org::new(&app, "tampered");
    org.team("evidence");
    let id = org.id.clone();
    drop(org);
    let place = app.stop();
    tamper(&place, &id, "update audit_log set actor = 'somebody' where seq = 1");
    let app = TestApp::dev_at(&place);
    let report = app.operator().get("/v1/platform/diagnostics").expect(200);
    assert_eq!(report["healthy"], false, "{}", report.text);
    let failed = failed(&report.json, "tampered");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "audit_chain");
    for member in ["found", "why", "remedy"] {
        assert_ne!(failed[0][member], "", "{member}");
    }
    app.freehold(&["doctor"]).ended(1);
    assert_eq!(app.freehold(&["doctor", "--tenant", "acme"]).status, 0);
}

#[test]
fn a_lost_file_is_an_error_and_no_empty_tenant() {
    let app = TestApp::dev();
    let org = Org::new(&app, "lost");
    let (id, owner) = (org.id.clone(), org.owner.token().to_owned());
    drop(org);
    let place = app.stop();
    for folder in std::fs::read_dir(place.data().join("tenants")).unwrap() {
        let _absent = std::fs::remove_file(folder.unwrap().path().join(format!("{id}.db")));
    }
    let app = TestApp::dev_at(&place);
    let answer = app.bearer(&owner).get("/v1/tenants/lost");
    assert_eq!(answer.status, 503, "{}", answer.text);
    let report = app.operator().get("/v1/platform/diagnostics").expect(200);
    assert_ne!(failed(&report.json, "lost").len(), 0);
    app.demo("alice").get("/v1/tenants/acme").expect(200);
}
