//! `/v1/platform/plans`: named sets of limits.

use serde_json::json;

use crate::shared;

shared!();

#[test]
fn a_plan_is_made_changed_listed_and_deleted() {
    let operator = app().operator().at("/v1/platform");
    let body = json!({"title": "Small", "limits": {"members": 5}, "soft_limits": {"members": 4}});
    let made = operator.put_new("/plans/small", &body).expect(201);
    assert_eq!(
        (made["id"].clone(), made["limits"].clone()),
        (json!("small"), json!({"members": 5}))
    );
    operator.put_new("/plans/small", &body).problem(412, "stale_version");
    let changed = operator.put_over("/plans/small", &json!({"title": "Smaller"})).expect(200);
    assert_eq!((changed["limits"].clone(), changed["version"].clone()), (json!({}), json!(2)));
    assert!(operator.column("/plans", "name").contains(&"small".to_owned()));
    operator.delete("/plans/small").expect(204);
    operator.get("/plans/small").problem(404, "not_found");
}

#[test]
fn what_can_be_no_plan_is_refused_by_name() {
    let operator = app().operator().at("/v1/platform");
    operator.put_new("/plans/Large", &json!({"title": "Large"})).problem(422, "invalid");
    let negative = json!({"title": "Odd", "limits": {"members": -1}});
    operator.put_new("/plans/odd", &negative).problem(422, "invalid");
    let unknown = json!({"title": "Odd", "limits": {"meters.x": 1}});
    operator.put_new("/plans/odd", &unknown).problem(422, "invalid");
}
