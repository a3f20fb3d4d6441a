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
    let made = org.owner.post("/reservations", &body).expect(201);
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
    let others = org.admin.request("POST", "/teams").header("freehold-reservation", &made.id());
    others.json(&json!({"name": "somebody else's"})).send().problem(409, "reservation_over");
    by(&made.id(), "second of two").expect(201);
    org.owner.get(&format!("/reservations/{}", made.id())).problem(404, "not_found");
    by(&made.id(), "third").problem(409, "reservation_over");
    by("nonsense", "fourth").problem(400, "invalid_parameter");
}

#[test]
fn the_last_place_is_taken_by_what_counts_in_several_dimensions() {
    let org = Org::new(app(), "reserved-last");
    limit(&org, &json!({"resources": 1, "resources.prompt": 1, "storage_bytes": 10_000}));
    let create = |id: &str, name: &str| {
        let body = json!({"type": "prompt", "workspace_id": org.everyone, "name": name});
        let request = org.owner.request("POST", "/resources").header("freehold-reservation", id);
        request.json(&body).send()
    };
    for (dimension, amount) in [("resources", 1), ("resources.prompt", 1), ("storage_bytes", 9_000)]
    {
        let body = json!({"dimension": dimension, "amount": amount});
        let id = org.owner.post("/reservations", &body).expect(201).id();
        let plain =
            json!({"type": "prompt", "workspace_id": org.everyone, "name": "x".repeat(200)});
        if amount == 1 {
            org.owner.post("/resources", &plain).problem(403, "quota_exceeded");
        }
        let made = create(&id, dimension).expect(201);
        let path = format!("/resources/{}", made.id());
        org.owner.request("DELETE", &path).header("if-match", &made.etag()).send().expect(204);
        let left = org.owner.get(&format!("/reservations/{id}"));
        assert_eq!(left.status, if amount == 1 { 404 } else { 200 }, "{dimension}");
    }
}

#[test]
fn what_is_kept_free_of_a_type_is_kept_free_of_all_resources() {
    let org = Org::new(app(), "reserved-part");
    let used = org.owner.get("/quotas/resources").expect(200)["used"].as_i64().unwrap();
    limit(&org, &json!({"resources": used + 2}));
    let reserve = |dimension: &str, amount: i64| {
        org.owner.post("/reservations", &json!({"dimension": dimension, "amount": amount}))
    };
    let id = reserve("resources.prompt", 2).expect(201).id();
    let quota = org.owner.get("/quotas/resources").expect(200);
    assert_eq!((quota["left"].clone(), quota["allowed"].clone()), (json!(0), json!(false)));
    reserve("resources.prompt", 1).problem(403, "quota_exceeded");
    let part = org.owner.get("/quotas/resources.prompt").expect(200);
    assert_eq!(part["allowed"], false, "none of its own is limited, and no resource is left");
    let create = |name: &str| {
        let body = json!({"type": "prompt", "workspace_id": org.everyone, "name": name});
        org.owner.request("POST", "/resources").json(&body)
    };
    create("not kept").send().problem(403, "quota_exceeded");
    for name in ["kept", "kept too"] {
        create(name).header("freehold-reservation", &id).send().expect(201);
    }
    for unknown in ["resources.never_made", "meters.nobody.calls"] {
        assert_eq!(reserve(unknown, 1).problem(422, "invalid").fields(), ["/dimension"]);
        org.owner.get(&format!("/quotas/{unknown}")).problem(404, "not_found");
    }
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
