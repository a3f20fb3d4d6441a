//! The tenant's own entry, as its own people read and change it.

use serde_json::json;

use crate::app::eventually;
use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn every_member_reads_the_entry() {
    let org = Org::new(app(), "entry");
    for caller in [&org.guest, &org.member, &org.admin, &org.owner] {
        let entry = caller.get("").expect(200);
        assert_eq!((&entry["slug"], &entry["ref"]), (&json!("entry"), &json!("tenant:entry")));
        assert_eq!((&entry["kind"], &entry["status"]), (&json!("organization"), &json!("active")));
        assert_eq!(entry["data_region"], "default");
    }
}

#[test]
fn name_and_description_are_the_tenants_own_to_change() {
    let org = Org::new(app(), "renamed");
    let changed = org.admin.patch("", &json!({"name": "New name"})).expect(200);
    assert_eq!((&changed["name"], &changed["slug"]), (&json!("New name"), &json!("renamed")));
    let described = org.owner.patch("", &json!({"description": "Described"})).expect(200);
    assert_eq!(
        (&described["name"], &described["description"]),
        (&json!("New name"), &json!("Described"))
    );
    org.member.patch("", &json!({"name": "x"})).problem(403, "forbidden");
    for (field, value) in
        [("slug", "other"), ("status", "archived"), ("kind", "personal"), ("data_region", "moon")]
    {
        let answer = org.owner.patch("", &json!({ field: value })).problem(422, "invalid");
        assert_eq!(answer.fields(), [format!("/{field}")]);
    }
}

#[test]
fn the_registry_follows_a_new_name() {
    let org = Org::new(app(), "followed");
    org.owner.patch("", &json!({"name": "Followed name"})).expect(200);
    let registry = || app().operator().get("/v1/platform/tenants/followed").expect(200);
    eventually(|| (registry()["name"] == "Followed name").then_some(()));
}
