//! `/reservations`: places that are kept free for work that takes long.

use serde_json::json;

use crate::app::eventually;
use crate::org::Org;
use crate::quotas::limit;
use crate::shared;

shared!();

#[test]
fn what_is_reserved_is_left_to_whoever_names_the_reservation() {
    let org = Org::new(app(), "reserved");
    limit(&org, &json!({"teams": 3}));
    let body = json!({"dimension": "teams", "amount": 2});
    let made = org.admin.post("/reservations", &body).expect(201);
    let quota = org.owner.get("/quotas/teams").expect(200);
    assert_eq!((quota["reserved"].clone(), quota["left"].clone()), (json!(2), json!(1)));
    org.owner.post("/reservations", &body).problem(403, "quota_exceeded");
    org.owner.post("/teams", &json!({"name": "free"})).expect(201);
    org.owner.post("/teams", &json!({"name": "none left"})).problem(403, "quota_exceeded");
    let by = |id: &str, name: &str| {
        let request = org.owner.request("POST", "/teams").header("freehold-reservation", id);
        request.json(&json!({"name": name})).send()
    };
    by(&made.id(), "first of two").expect(201);
    let left = org.owner.get(&format!("/reservations/{}", made.id())).expect(200);
    assert_eq!(left["amount"], 1);
    by(&made.id(), "second of two").expect(201);
    org.owner.get(&format!("/reservations/{}", made.id())).problem(404, "not_found");
    assert_eq!(by(&made.id(), "third").problem(422, "invalid").fields(), ["Freehold-Reservation"]);
    by("nonsense", "fourth").problem(400, "invalid_parameter");
}

#[test]
fn a_reservation_is_given_back_or_runs_out() {
    let org = Org::new(app(), "given-back");
    limit(&org, &json!({"teams": 1}));
    let reserve = |seconds: u32| {
        let body = json!({"dimension": "teams", "amount": 1, "expires_in_s": seconds});
        org.owner.post("/reservations", &body).expect(201).id()
    };
    let id = reserve(600);
    org.owner.post("/teams", &json!({"name": "team"})).problem(403, "quota_exceeded");
    org.owner.delete(&format!("/reservations/{id}")).expect(204);
    reserve(1);
    eventually(|| (org.owner.post("/teams", &json!({"name": "team"})).status == 201).then_some(()));
    assert!(org.owner.all("/reservations", 200).is_empty());
}
