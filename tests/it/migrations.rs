//! `/v1/platform/migrations`: which version each file has.

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

#[test]
fn every_file_of_a_new_installation_is_current() {
    let report = operator().get("/migrations").expect(200);
    assert!(report["registry_version"].as_u64() >= Some(1));
    assert!(report["newest_version"].as_u64() >= Some(1));
    assert!(report["current"].as_u64() >= Some(2));
    assert_eq!(report["tenants"], json!([]));
}

#[test]
fn running_what_is_done_already_changes_nothing() {
    let org = Org::new(app(), "migrated");
    let before = app().db(&org.id).written();
    let report = operator().post("/migrations", &json!({})).expect(200);
    assert_eq!(report["newest_version"], operator().get("/migrations")["newest_version"]);
    assert_eq!(app().db(&org.id).written(), before);
}

#[test]
fn one_tenant_can_be_named() {
    Org::new(app(), "named");
    let report = operator().post("/migrations", &json!({"tenant": "named"})).expect(200);
    let touched = report["tenants"].as_array().unwrap();
    assert!(
        touched.iter().all(|tenant| tenant["slug"] == "named" && tenant["problem"] == Value::Null)
    );
    let lost =
        operator().post("/migrations", &json!({"tenant": "never-was"})).problem(422, "invalid");
    assert_eq!(lost.fields(), ["/tenant"]);
}
