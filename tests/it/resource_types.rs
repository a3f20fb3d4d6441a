//! `/resource-types`: what kinds of things a tenant keeps.

use serde_json::json;

use crate::client::fill;
use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn every_tenant_has_the_built_in_types() {
    let org = Org::new(app(), "built-in");
    let types = org.guest.all("/resource-types", 2);
    let names: Vec<_> = types.iter().map(|kind| kind["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["collection", "integration", "model", "prompt", "tag"]);
    assert!(types.iter().all(|kind| kind["built_in"] == true));
}

#[test]
fn a_type_is_registered_once_and_can_then_be_used() {
    let org = Org::new(app(), "registered");
    let invoice = || {
        let body = json!({"type": "invoice", "workspace_id": org.everyone, "name": "First"});
        org.member.post("/resources", &body)
    };
    assert_eq!(invoice().problem(422, "invalid").fields(), ["/type"]);
    let body = json!({"name": "invoice", "description": "To be paid"});
    let made = org.admin.post("/resource-types", &body).expect(201);
    assert_eq!((&made["id"], &made["name"]), (&json!("invoice"), &json!("invoice")));
    assert_eq!(made["built_in"], false);
    assert_eq!(made.header("location"), "/v1/tenants/registered/resource-types/invoice");
    assert_eq!(org.guest.get("/resource-types/invoice").expect(200).json, made.json);
    org.admin.post("/resource-types", &body).problem(409, "already_exists");
    invoice().expect(201);
}

#[test]
fn a_name_that_cannot_be_a_types_is_refused() {
    let org = Org::new(app(), "odd-types");
    for name in ["", "Invoice", "in voice", "1nvoice", "ä", &"a".repeat(64)] {
        let answer = org.admin.post("/resource-types", &json!({"name": name}));
        assert_eq!(answer.problem(422, "invalid").fields(), ["/name"], "{name}");
        org.admin.get(&format!("/resource-types/x{name}")).problem(404, "not_found");
    }
}

#[test]
fn a_tenant_has_a_thousand_types_at_most_however_many_ask_at_once() {
    let org = Org::new(app(), "type-limit");
    let create =
        |name: &str| org.admin.request("POST", "/resource-types").json(&json!({"name": name}));
    // Five are built in.
    fill(995, "resource_type_limit", |n| create(&format!("n{n}")));
    create("one-more").send().problem(409, "resource_type_limit");
    assert_eq!(org.guest.all("/resource-types", 200).len(), 1000);
}

#[test]
fn a_type_of_one_tenant_is_not_anothers() {
    let (one, other) = (Org::new(app(), "types-one"), Org::new(app(), "types-other"));
    one.owner.post("/resource-types", &json!({"name": "invoice"})).expect(201);
    other.owner.get("/resource-types/invoice").problem(404, "not_found");
}
