//! `/v1/platform/attributes`: what layered values there are, and what a definition can be.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::org::{Org, attribute};
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

fn put(key: &str, body: &Value) -> Answer {
    operator().put_new(&format!("/attributes/{key}"), body)
}

/// The open attribute with something of it otherwise.
fn with(change: &Value) -> Value {
    let mut body = attribute("profile");
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[test]
fn a_definition_is_made_read_changed_and_deleted_by_versions() {
    let body = with(&json!({
        "title": "Locale", "description": "How dates are written.", "schema": {"type": "string"},
        "default": "en", "locked_at": "tenant", "readers": ["admin", "account", "admin"],
    }));
    let made = put("locale", &body).expect(201);
    assert_eq!((&made["id"], &made["key"]), (&json!("locale"), &json!("locale")));
    assert_eq!((made.etag().as_str(), &made["version"]), ("\"1\"", &json!(1)));
    let path = "/attributes/locale";
    let read = operator().get(path).expect(200);
    assert_eq!(read.json, made.json);
    for (name, value) in body.as_object().unwrap() {
        assert_eq!(&read[name.as_str()], value, "{name}");
    }
    put("locale", &body).problem(412, "stale_version");
    let mut other = body.clone();
    other["default"] = json!("de");
    let changed = operator().put_over(path, &other).expect(200);
    assert_eq!((&changed["version"], &changed["default"]), (&json!(2), &json!("de")));
    let stale = operator().request("PUT", path).header("if-match", "\"1\"").json(&body);
    stale.send().problem(412, "stale_version");
    operator().request("DELETE", path).send().problem(428, "precondition_required");
    let listed = operator().column("/attributes?applies_to=profile", "key");
    assert!(listed.contains(&"locale".to_owned()), "{listed:?}");
    assert!(!operator().column("/attributes?applies_to=catalog", "key").contains(&listed[0]));
    operator().delete(path).expect(204);
    operator().get(path).problem(404, "not_found");
    let left = app().db("platform").texts(
        "select type from outbox_events where json_extract(data, '$.key') = 'locale' order by seq",
        &[],
    );
    assert_eq!(left, ["attribute.created", "attribute.updated", "attribute.deleted"]);
}

#[test]
fn what_a_definition_cannot_be_is_refused_by_field() {
    let cases = [
        (json!({"schema": {"type": "sting"}}), "/schema/type"),
        (json!({"schema": true}), "/schema"),
        (json!({"schema": {"$ref": "https://example.com/x"}}), "/schema/$ref"),
        (json!({"schema": {"items": {"$ref": "#"}}}), "/schema/items/$ref"),
        (json!({"schema": {"pattern": "(?=a)"}}), "/schema/pattern"),
        (
            json!({"schema": {"$schema": "http://json-schema.org/draft-04/schema#"}}),
            "/schema/$schema",
        ),
        (json!({"schema": {"const": "x".repeat(17_000)}}), "/schema"),
        (json!({"schema": {"type": "string"}, "default": 7}), "/default"),
        (
            json!({"schema": {"properties": {"a": {"type": "string"}}}, "default": {"a": 1}}),
            "/default/a",
        ),
        (json!({"locked_at": "team"}), "/locked_at"),
        (json!({"locked_at": "heaven"}), "/locked_at"),
        (json!({"applies_to": "everything"}), "/applies_to"),
        (json!({"applies_to": "catalog", "default": 1}), "/default"),
        (json!({"applies_to": "catalog", "locked_at": "member"}), "/locked_at"),
        (json!({"readers": ["everybody"]}), "/readers/0"),
        (json!({"writers": "admin"}), "/writers"),
        (json!({"personal_data": "no"}), "/personal_data"),
        (json!({"title": ""}), "/title"),
        (json!({"tenant_id": "x"}), "/tenant_id"),
    ];
    for (change, field) in cases {
        let answer = put("refused", &with(&change)).problem(422, "invalid");
        assert_eq!(answer.fields(), [field], "{change}: {}", answer.text);
    }
    let mut bare = attribute("profile");
    bare.as_object_mut().unwrap().remove("personal_data");
    assert_eq!(put("refused", &bare).problem(422, "invalid").fields(), ["/personal_data"]);
    for key in ["Upper", "1st", "_x", "a%20b", "a%2Fb", &"k".repeat(65)] {
        let answer = put(key, &attribute("profile")).problem(422, "invalid");
        assert_eq!(answer.fields(), ["key"], "{key}");
        operator().get(&format!("/attributes/{key}")).problem(404, "not_found");
    }
}

#[test]
fn what_an_attribute_belongs_to_never_changes() {
    put("settled", &attribute("profile")).expect(201);
    let moved = operator().put_over("/attributes/settled", &attribute("catalog"));
    assert_eq!(moved.problem(422, "invalid").fields(), ["/applies_to"]);
}

#[test]
fn a_definition_stays_while_the_registry_holds_values_of_it() {
    let org = Org::new(app(), "holds");
    put("held", &attribute("profile")).expect(201);
    put("held.item", &attribute("catalog")).expect(201);
    let person = app().person("import|holds-member");
    person.patch("/v1/me/profile", &json!({"held": 1})).expect(200);
    operator().put_new("/catalog/held.item", &json!({"value": 1})).expect(201);
    for key in ["held", "held.item"] {
        operator().delete(&format!("/attributes/{key}")).problem(409, "not_empty");
    }
    person.patch("/v1/me/profile", &json!({"held": null})).expect(200);
    operator().delete("/catalog/held.item").expect(204);
    for key in ["held", "held.item"] {
        operator().delete(&format!("/attributes/{key}")).expect(204);
    }
    drop(org);
}

/// What a tenant's file holds, the registry does not know: it counts for nothing once its definition is gone, and can be
/// taken away.
#[test]
fn what_lost_its_definition_is_left_out_and_can_be_taken_away() {
    let org = Org::new(app(), "orphans");
    put("orphan", &attribute("profile")).expect(201);
    let path = format!("/members/{}/profile", org.account("member"));
    org.admin.patch(&path, &json!({"orphan": 1})).expect(200);
    operator().delete("/attributes/orphan").expect(204);
    let read = org.admin.get(&path).expect(200);
    assert_eq!(read["attributes"]["orphan"], Value::Null);
    let ignored = json!([{"key": "orphan", "layer": "member", "reason": "undefined"}]);
    assert_eq!(read["ignored"], ignored);
    assert_eq!(org.caller("other").get(&path).expect(200)["ignored"], json!([]));
    let set = org.admin.patch(&path, &json!({"orphan": 2})).problem(422, "invalid");
    assert_eq!(set.fields(), ["/orphan"]);
    let cleared = org.admin.patch(&path, &json!({"orphan": null})).expect(200);
    assert_eq!(cleared["ignored"], json!([]));
}

#[test]
fn lower_operators_see_definitions_and_change_none() {
    let (auditor, support) = (app().account("attr-auditor"), app().account("attr-support"));
    put("seen", &attribute("profile")).expect(201);
    for (account, role, name) in
        [(auditor, "auditor", "attr-auditor"), (support, "support", "attr-support")]
    {
        crate::glass::appoint(app(), &account, role);
        let caller = app().person(&format!("local|{name}")).at("/v1/platform");
        caller.get("/attributes").expect(200);
        caller.get("/attributes/seen").expect(200);
        caller.get("/catalog").expect(200);
        caller.put_new("/attributes/mine", &attribute("profile")).problem(403, "forbidden");
        caller.delete("/attributes/seen").problem(403, "forbidden");
        caller.put_new("/catalog/mine", &json!({"value": 1})).problem(403, "forbidden");
    }
}
