//! `/usage`: what applications meter, and what is recorded of everything that is counted.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::app::{Db, Place, TestApp, eventually};
use crate::client::Answer;
use crate::org::Org;
use crate::quotas::limit;
use crate::shared;

shared!();

fn record(org: &Org, events: &[Value]) -> Answer {
    org.admin.post("/usage", &json!({"events": events}))
}

fn used(org: &Org, dimension: &str) -> Value {
    org.owner.get(&format!("/quotas/{dimension}")).expect(200)["used"].clone()
}

#[test]
fn an_event_is_recorded_once_by_its_id() {
    let org = Org::new(app(), "metered");
    let meter = format!("meters.{}.calls", org.bound("metered"));
    let event =
        |id: &str, quantity: i64| json!({"id": id, "dimension": meter, "quantity": quantity});
    let first = record(&org, &[event("a", 3), event("b", 4), event("a", 3)]).expect(200);
    assert_eq!(first.json, json!({"recorded": 2, "duplicates": 1}));
    let again = record(&org, &[event("b", 4), event("c", 1)]).expect(200);
    assert_eq!(again.json, json!({"recorded": 1, "duplicates": 1}));
    assert_eq!(used(&org, &meter), 8);
    let told = org.owner.all("/events?type=usage.recorded", 200);
    assert_eq!(told[0]["data"]["quantities"][&meter], 7);
    let records = org.owner.all(&format!("/usage/records?dimension={meter}"), 200);
    assert_eq!(records.len(), 3);
    assert_eq!(
        (records[0]["event_id"].clone(), records[0]["delta"].clone()),
        (json!("c"), json!(1))
    );
}

#[test]
fn a_meter_whose_period_changes_is_asked_and_limited_alike() {
    let org = Org::new(app(), "re-metered");
    let application = org.application("re-metered");
    let declare = |period: &str| {
        let mut manifest = org
            .app
            .operator()
            .get(&format!("/v1/platform/applications/{application}"))
            .json["manifest"]
            .clone();
        manifest["meters"] = json!([{"name": "calls", "period": period}]);
        let path = format!("/v1/platform/applications/{application}");
        org.app.operator().patch(&path, &json!({"manifest": manifest})).expect(200);
    };
    let path = format!("/applications/{application}");
    let meter = format!("meters.{application}.calls");
    let event = |id: &str| json!({"id": id, "dimension": meter, "quantity": 5});
    limit(&org, &json!({ &meter: 5 }));
    declare("day");
    org.owner.put_new(&path, &json!({})).expect(201);
    let allowed =
        || org.owner.get(&format!("/quotas/{meter}?amount=5")).expect(200)["allowed"].clone();
    for (id, period) in [("day", "day"), ("month", "month"), ("always", "always")] {
        declare(period);
        org.owner.put_over(&path, &json!({})).expect(200);
        let may = allowed();
        let recorded = record(&org, &[event(id)]);
        assert_eq!(may == true, recorded.status == 200, "{period}: {}", recorded.text);
        assert_eq!(allowed(), false, "{period}");
        record(&org, &[event(&format!("{id}-again"))]).problem(403, "quota_exceeded");
    }
}

#[test]
fn no_more_is_recorded_than_can_be_counted() {
    let org = Org::new(app(), "overflowing");
    let meter = format!("meters.{}.calls", org.bound("overflowing"));
    let event =
        |id: &str, quantity: i64| json!({"id": id, "dimension": meter, "quantity": quantity});
    let most = (1_i64 << 53) - 1;
    record(&org, &[event("a", most - 1)]).expect(200);
    let refused = record(&org, &[event("b", 1), event("c", 1)]).problem(422, "invalid");
    assert_eq!(refused.fields(), ["/events/1/quantity"]);
    record(&org, &[event("b", 1), event("a", most - 1)]).expect(200);
    assert_eq!(used(&org, &meter), most);
    let reserve = |amount: i64| {
        org.owner.post("/reservations", &json!({"dimension": "teams", "amount": amount}))
    };
    reserve(most).expect(201);
    assert_eq!(reserve(1).problem(422, "invalid").fields(), ["/amount"]);
    limit(&org, &json!({ &meter: 1, "teams": 1 }));
    assert_eq!(org.owner.get("/quotas/teams").expect(200)["left"], 0);
}

#[test]
fn what_comes_late_counts_for_the_period_in_which_it_happened() {
    let org = Org::new(app(), "late");
    let meter = format!("meters.{}.monthly", org.bound("late"));
    limit(&org, &json!({ &meter: 5 }));
    let long_ago = "2026-01-15T12:00:00Z";
    let event = |id: &str, at: Option<&str>| {
        let mut event = json!({"id": id, "dimension": meter, "quantity": 5});
        if let Some(at) = at {
            event["occurred_at"] = json!(at);
        }
        event
    };
    record(&org, &[event("now", None)]).expect(200);
    record(&org, &[event("late", Some(long_ago))]).expect(200);
    record(&org, &[event("more-than-it-was", Some("2026-01-16T12:00:00Z"))]).expect(200);
    assert_eq!(used(&org, &meter), 5);
    record(&org, &[event("too-much", None)]).problem(403, "quota_exceeded");
    let quota = org.owner.get(&format!("/quotas/{meter}")).expect(200);
    assert!(quota["period_started_at"].as_str().unwrap().ends_with("-01T00:00:00.000000Z"));
    let records =
        org.owner.all(&format!("/usage/records?dimension={meter}&to=2026-02-01T00:00:00Z"), 200);
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["period_started_at"], "2026-01-01T00:00:00.000000Z");
}

#[test]
fn what_cannot_be_recorded_is_named_by_its_place_and_nothing_of_it_is() {
    let org = Org::new(app(), "odd-usage");
    let meter = format!("meters.{}.calls", org.bound("odd"));
    let good = json!({"id": "good", "dimension": meter});
    let odd = [
        good.clone(),
        json!({"id": "x", "dimension": "meters.none-such.calls"}),
        json!({"id": "y", "dimension": "members"}),
        json!({"id": "z", "dimension": meter, "quantity": 0}),
        json!({"id": "w", "dimension": meter, "occurred_at": "2001-01-01T00:00:00Z"}),
        json!({"id": "v", "dimension": meter, "occurred_at": "2101-01-01T00:00:00Z"}),
    ];
    let refused = record(&org, &odd).problem(422, "invalid");
    let fields = [
        "/events/1/dimension",
        "/events/2/dimension",
        "/events/3/quantity",
        "/events/4/occurred_at",
        "/events/5/occurred_at",
    ];
    assert_eq!(refused.fields(), fields);
    assert_eq!(used(&org, &meter), 0);
    record(&org, &[]).problem(422, "invalid");
    record(&org, &vec![good; 101]).problem(422, "invalid");
}

/// What every check of a report says of usage, by subject.
fn doctor(place: &Place) -> Vec<(String, String)> {
    let report = place.freehold(&["doctor", "--json"]).json();
    let checks = |report: &Value| {
        let checks = report["checks"].as_array().unwrap().clone();
        let usage = checks.into_iter().find(|check| check["name"] == "usage")?;
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        Some((text(&report["subject"]), text(&usage["state"])))
    };
    report["reports"].as_array().unwrap().iter().filter_map(checks).collect()
}

fn edit(place: &Place, tenant: &str, sql: &str) {
    let db = Connection::open(Db::path(place, tenant)).unwrap();
    db.execute_batch(sql).unwrap();
}

#[test]
fn usage_is_rebuilt_from_its_records_whatever_came_between() {
    let place = Place::new();
    let app = TestApp::dev_at(&place);
    let org = Org::new(&app, "rebuilt");
    let (id, meter) = (org.id.clone(), format!("meters.{}.monthly", org.bound("rebuilt")));
    (0..3).for_each(|n| drop(org.team(&format!("team {n}"))));
    record(&org, &[json!({"id": "a", "dimension": meter, "quantity": 7})]).expect(200);
    drop(org);
    // It dies; the next one takes a snapshot as soon as it starts.
    drop(app.kill());
    let app = TestApp::dev_at(&place);
    let taken = "select count(*) from quota_snapshots where dimension = 'teams' and used = 3";
    eventually(|| (app.db(&id).number(taken, &[]) == 1).then_some(()));
    let operator = app.operator();
    let projected = format!("/v1/platform/usage?tenant_id={id}&dimension=teams");
    eventually(|| (operator.get(&projected)["items"][0]["used"] == 3).then_some(()));
    let owner = app.caller("rebuilt", "import|rebuilt-owner").at("/v1/tenants/rebuilt");
    let late = json!({"id": "b", "dimension": meter, "quantity": 2, "occurred_at": "2026-02-03T00:00:00Z"});
    owner.post("/usage", &json!({"events": [late]})).expect(200);
    owner.post("/teams", &json!({"name": "one more"})).expect(201);
    drop(app.kill());
    let is_ok = |place: &Place| doctor(place).contains(&("rebuilt".to_owned(), "ok".to_owned()));
    assert!(is_ok(&place), "a snapshot, a late event and a crash");
    // A snapshot with no records before it.
    edit(
        &place,
        &id,
        "delete from usage_records where dimension = 'teams' and seq <= (
        select min(record_seq) from quota_snapshots where dimension = 'teams')",
    );
    assert!(is_ok(&place));
    // A counter that somebody changed is found, and made from its records again.
    edit(&place, &id, "update usage_counters set used = 99 where dimension = 'teams'");
    assert!(doctor(&place).contains(&("rebuilt".to_owned(), "failed".to_owned())));
    place.freehold(&["doctor", "--fix"]).ended(0);
    assert!(is_ok(&place));
    // One that is lost is made again with its period, and one that nobody recorded is none.
    edit(&place, &id, "delete from usage_counters where dimension like 'meters.%'");
    edit(
        &place,
        &id,
        "insert into usage_counters (dimension, tenant_id, used) select 'resources.never', tenant_id, 5
        from usage_counters limit 1",
    );
    assert!(doctor(&place).contains(&("rebuilt".to_owned(), "failed".to_owned())));
    place.freehold(&["doctor", "--fix"]).ended(0);
    assert!(is_ok(&place));
    // What is counted by rows is what there is: no forged record moves a counter away from it.
    edit(&place, &id, "update quota_snapshots set used = used + 7 where dimension = 'teams'");
    let report = place.freehold(&["doctor", "--fix"]).ended(1);
    assert!(report.out.contains("records that are not what there is: teams"), "{}", report.out);
    let app = TestApp::dev_at(&place);
    let owner = app.caller("rebuilt", "import|rebuilt-owner").at("/v1/tenants/rebuilt");
    assert_eq!(owner.get("/quotas/teams").expect(200)["used"], 4);
    assert_eq!(owner.get(&format!("/quotas/{meter}")).expect(200)["used"], 7);
    let sql = "select used from usage_counters where dimension = 'resources.never'";
    assert_eq!(app.db(&id).number(sql, &[]), 0);
    owner.get("/quotas/resources.never").problem(404, "not_found");
}

#[test]
fn every_snapshot_is_on_a_page_those_without_records_too() {
    let place = Place::new();
    let app = TestApp::dev_at(&place);
    let org = Org::new(&app, "paged");
    let id = org.id.clone();
    drop(org);
    drop(app.stop());
    edit(
        &place,
        &id,
        "insert into quota_snapshots (dimension, tenant_id, record_seq, used, taken_at)
        select 'resources.' || d.column1, tenant_id, 0, 1, 1 from (values ('a'), ('b'), ('c'), ('d')) d,
            (select tenant_id from usage_counters limit 1)",
    );
    let app = TestApp::dev_at(&place);
    let owner = app.caller("paged", "import|paged-owner").at("/v1/tenants/paged");
    let count = app.db(&id).number("select count(*) from quota_snapshots", &[]);
    let seen = owner.all("/usage", 1).len();
    assert!(count >= 4 && i64::try_from(seen).unwrap() >= count, "{seen} of {count}");
}

#[test]
fn records_stay_as_they_are() {
    let place = Place::new();
    let app = TestApp::dev_at(&place);
    let org = Org::new(&app, "stay");
    org.team("counted");
    let id = org.id.clone();
    drop(org);
    drop(app.stop());
    let db = Connection::open(Db::path(&place, &id)).unwrap();
    for sql in ["update usage_records set delta = 2", "delete from usage_records"] {
        assert!(db.execute(sql, []).is_err(), "{sql}");
    }
}
