//! `/webhooks`: every event arrives, in its order, signed, and nobody else waits for whoever does not answer.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually, measured};
use crate::client::{Answer, Client, fill};
use crate::isolation::{is_long, now};
use crate::org::Org;
use crate::receiver::{Received, Receiver};
use crate::shared;

/// Tries again at once, twice.
const EAGER: &[(&str, &str)] = &[("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "0,0")];

shared!();

fn eager() -> TestApp {
    TestApp::dev_with(&Place::new(), EAGER)
}

fn hook(org: &Org, receiver: &Receiver, types: &Value) -> Answer {
    let body = json!({"url": receiver.url(), "event_types": types});
    org.owner.post("/webhooks", &body).expect(201)
}

fn path(webhook: &Answer) -> String {
    format!("/webhooks/{}", webhook.id())
}

/// What a receiver has taken, once it is so much.
fn taken(receiver: &Receiver, count: usize) -> Vec<Received> {
    eventually(|| Some(receiver.received()).filter(|came| came.len() >= count))
}

fn sequences(came: &[Received]) -> Vec<i64> {
    came.iter().map(Received::sequence).collect()
}

#[test]
fn events_arrive_in_their_order_as_signed_cloud_events() {
    let (org, receiver) = (Org::new(app(), "hooked"), Receiver::new());
    let made = hook(&org, &receiver, &json!(["team.*"]));
    let secret = made["secret"].as_str().unwrap();
    (0..20).for_each(|n| drop(org.team(&format!("team {n}"))));
    org.resource("not for it", "tenant");
    let came = taken(&receiver, 20);
    let events = org.owner.all("/events?type=team.created", 200);
    assert_eq!(came.len(), events.len());
    for (came, event) in came.iter().zip(&events) {
        assert_eq!(came.event, *event);
        assert_eq!(came.header("webhook-id"), event["id"].as_str().unwrap());
        assert_eq!(came.header("content-type"), "application/cloudevents+json");
        assert!(came.is_signed_by(secret));
        assert!(!came.is_signed_by("whsec_AAAA"));
    }
    let log = org.owner.all(&format!("{}/deliveries", path(&made)), 200);
    assert_eq!(log.len(), 20);
    assert!(log.iter().all(|one| one["state"] == "delivered" && one["response_status"] == 204));
    let read = org.owner.get(&path(&made)).expect(200);
    assert_eq!(read["sequence"], events[19]["sequence"]);
    assert!(read.json.get("secret").is_none());
}

#[test]
fn what_fails_is_tried_again_under_the_same_id_and_holds_its_place() {
    let app = eager();
    let (org, receiver) = (Org::new(&app, "retried"), Receiver::new());
    let failures = AtomicUsize::new(0);
    receiver.answers(move |_| match failures.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => (500, ""),
        _ => (200, ""),
    });
    let made = hook(&org, &receiver, &json!(["team.*"]));
    (0..3).for_each(|n| drop(org.team(&format!("team {n}"))));
    let came = taken(&receiver, 5);
    let ids: Vec<_> = came.iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((&ids[0], &ids[1]), (&ids[1], &ids[2]));
    assert_eq!(ids[2..].iter().collect::<HashSet<_>>().len(), 3);
    let log = eventually(|| {
        let log = org.owner.all(&format!("{}/deliveries", path(&made)), 200);
        (log.len() == 5).then_some(log)
    });
    let states: Vec<_> = log.iter().rev().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["failed", "failed", "delivered", "delivered", "delivered"]);
    let attempts: Vec<_> = log.iter().rev().map(|one| one["attempt"].as_i64().unwrap()).collect();
    assert_eq!(attempts, [1, 2, 3, 1, 1]);
}

#[test]
fn what_is_not_taken_at_last_is_a_dead_letter_and_the_next_one_is_tried() {
    let app = eager();
    let (org, receiver) = (Org::new(&app, "dead"), Receiver::new());
    receiver
        .answers(|one| if one.event["data"]["name"] == "poison" { (400, "") } else { (200, "") });
    let made = hook(&org, &receiver, &json!(["team.*"]));
    org.team("poison");
    org.team("good");
    let dead = eventually(|| {
        let dead = org.owner.all(&format!("{}/deliveries?state=dead", path(&made)), 200);
        (!dead.is_empty()).then_some(dead)
    });
    assert_eq!((dead.len(), dead[0]["attempt"].clone()), (1, json!(3)));
    let came = taken(&receiver, 4);
    assert_eq!(came[3].event["data"]["name"], "good");
    let told = org.owner.all("/events?type=webhook.dead_lettered", 200);
    assert_eq!(told[0]["data"]["event_id"], dead[0]["event_id"]);
    assert_eq!(org.owner.get(&path(&made))["state"], "active");
}

#[test]
fn whoever_fails_for_good_is_disabled_and_begins_where_it_was_once_enabled() {
    let app = eager();
    let (org, receiver) = (Org::new(&app, "failing"), Receiver::new());
    receiver.answers(|_| (500, ""));
    let made = hook(&org, &receiver, &json!(["team.*"]));
    (0..4).for_each(|n| drop(org.team(&format!("team {n}"))));
    let read = || org.owner.get(&path(&made)).expect(200);
    eventually(|| (read()["state"] == "disabled").then_some(()));
    assert_eq!(read()["disabled_reason"], "failing");
    let told = org.owner.all("/events?type=webhook.disabled", 200);
    assert_eq!(told[0]["data"]["disabled_reason"], "failing");
    let before = receiver.received().len();
    assert_eq!(before, 9, "three attempts at each of three events");
    receiver.answers(|_| (200, ""));
    org.owner.patch(&path(&made), &json!({"state": "active"})).expect(200);
    let came = taken(&receiver, before + 1);
    assert_eq!(came[before].event["data"]["name"], "team 3");
}

#[test]
fn whoever_says_that_it_is_gone_is_disabled_at_once() {
    let (org, receiver) = (Org::new(app(), "gone"), Receiver::new());
    receiver.answers(|_| (410, ""));
    let made = hook(&org, &receiver, &json!(["team.*"]));
    org.team("one");
    eventually(|| (org.owner.get(&path(&made))["disabled_reason"] == "gone").then_some(()));
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn whoever_asks_to_wait_is_waited_for() {
    let app = eager();
    let (org, receiver) = (Org::new(&app, "patient"), Receiver::new());
    let came = AtomicUsize::new(0);
    receiver.answers(move |_| match came.fetch_add(1, Ordering::SeqCst) {
        0 => (503, "retry-after: 2\r\n"),
        _ => (200, ""),
    });
    let began = now();
    let made = hook(&org, &receiver, &json!(["team.*"]));
    org.team("one");
    eventually(|| org.owner.get(&path(&made))["next_attempt_at"].as_str().map(str::to_owned));
    taken(&receiver, 2);
    assert!(began.elapsed().as_secs() >= 2);
}

#[test]
fn a_redirect_is_followed_nowhere() {
    let app = eager();
    let (org, receiver, trap) = (Org::new(&app, "redirected"), Receiver::new(), Receiver::new());
    let location: &'static str = format!("location: {}\r\n", trap.url()).leak();
    receiver.answers(move |_| (307, location));
    hook(&org, &receiver, &json!(["team.*"]));
    org.team("one");
    taken(&receiver, 3);
    assert!(trap.received().is_empty());
}

#[test]
fn a_dead_endpoint_holds_up_itself_alone() {
    let (org, other) = (Org::new(app(), "held-up"), Org::new(app(), "not-held-up"));
    let (good, neighbour) = (Receiver::new(), Receiver::new());
    // It takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let dead = org.owner.post("/webhooks", &json!({"url": url})).expect(201);
    hook(&org, &good, &json!(["team.*"]));
    hook(&other, &neighbour, &json!(["team.*"]));
    let began = now();
    for n in 0..10 {
        org.team(&format!("team {n}"));
        other.team(&format!("team {n}"));
    }
    taken(&good, 10);
    taken(&neighbour, 10);
    assert!(began.elapsed().as_secs() < 14, "nobody waits for its time-out");
    assert!(org.owner.get(&path(&dead))["sequence"].as_i64() < Some(good.received()[9].sequence()));
}

#[test]
fn receivers_that_take_their_time_hold_up_their_own_tenant_alone() {
    let (org, other) = (Org::new(app(), "many-slow"), Org::new(app(), "beside-slow"));
    let (slow, neighbour) = (Receiver::new(), Receiver::new());
    // They are held until the neighbour was told.
    let (held, (release, released)) = (Arc::new(AtomicUsize::new(0)), mpsc::channel::<()>());
    let (count, released) = (held.clone(), Mutex::new(released));
    slow.answers(move |_| {
        count.fetch_add(1, Ordering::SeqCst);
        // It ends with the sender.
        let _ended = released.lock().unwrap().recv_timeout(Duration::from_secs(14));
        (200, "")
    });
    (0..50).for_each(|_| drop(hook(&org, &slow, &json!(["team.*"]))));
    hook(&other, &neighbour, &json!(["team.*"]));
    org.team("told slowly");
    eventually(|| (held.load(Ordering::SeqCst) >= 4).then_some(()));
    (0..20).for_each(|n| drop(other.team(&format!("told at once {n}"))));
    taken(&neighbour, 20);
    assert_eq!(
        held.load(Ordering::SeqCst),
        4,
        "so many of one tenant's are under way, and no more"
    );
    drop(release);
}

#[test]
fn events_are_sent_in_the_right_of_whoever_wants_them() {
    let (org, receiver) = (Org::new(app(), "in-whose-right"), Receiver::new());
    let account = org.newcomer("maker", "guest");
    let maker = org.seen_by(&org.app.caller(&org.slug, &account));
    let role = org.role("Hooks", &json!(["webhook.create", "webhook.list", "webhook.update"]));
    org.owner.put_bare(&format!("/roles/{role}/assignments/{account}")).expect(201);
    let body = json!({"url": receiver.url(), "event_types": ["team.*"]});
    maker.post("/webhooks", &body).problem(403, "forbidden");
    let reading = org.role("Events", &json!(["event.list"]));
    org.owner.put_bare(&format!("/roles/{reading}/assignments/{account}")).expect(201);
    let made = maker.post("/webhooks", &body).expect(201);
    assert_eq!(made["granted_by"], format!("account:{account}"));
    org.team("heard");
    taken(&receiver, 1);
    org.owner.delete(&format!("/members/{account}")).expect(204);
    org.team("not heard");
    let state = || org.owner.get(&path(&made)).expect(200);
    eventually(|| (state()["disabled_reason"] == "orphaned").then_some(()));
    assert_eq!(receiver.received().len(), 1);
    let told = org.owner.all("/events?type=webhook.disabled", 200);
    assert_eq!(told[0]["data"]["disabled_reason"], "orphaned");
    // Whoever lets it go on answers for it, and misses nothing.
    let taken_over = org.owner.patch(&path(&made), &json!({"state": "active"})).expect(200);
    assert_ne!(taken_over["granted_by"], made["granted_by"]);
    let came = taken(&receiver, 2);
    assert_eq!(came[1].event["data"]["name"], "not heard");
}

/// Two events wait for a webhook, and its maker loses the right to hear of them while the first one is sent: the second one
/// is not.
fn lost_between_two(
    receiver: &Receiver,
    (maker, list): (&Client, &str),
    happen: impl Fn(&str),
    lose: impl Fn() + Send + Sync + 'static,
    read: impl Fn(&str) -> Answer,
) {
    let made =
        maker.post(list, &json!({"url": receiver.url(), "event_types": ["team.*", "tenant.*"]}));
    let path = format!("{list}/{}", made.expect(201).id());
    maker.patch(&path, &json!({"state": "disabled"})).expect(200);
    ["one", "two"].into_iter().for_each(happen);
    receiver.answers(move |_| {
        lose();
        (204, "")
    });
    maker.patch(&path, &json!({"state": "active"})).expect(200);
    eventually(|| (read(&path)["disabled_reason"] == "orphaned").then_some(()));
    assert_eq!(receiver.received().len(), 1);
}

#[test]
fn the_right_to_hear_is_asked_before_each_attempt() {
    let org = Org::new(app(), "asked-each-time");
    let team = |name: &str| drop(org.team(name));
    let read = |path: &str| org.owner.get(path);
    for (n, end) in ["suspend", "remove"].into_iter().enumerate() {
        let account = org.newcomer(&format!("maker-{n}"), "admin");
        let maker = org.seen_by(&org.app.caller(&org.slug, &account));
        let (owner, member) = (org.owner.clone(), format!("/members/{account}"));
        let lose = move || match end {
            "remove" => drop(owner.delete(&member)),
            _ => drop(owner.act(&format!("{member}/suspend"))),
        };
        let happen = |name: &str| team(&format!("{end} {name}"));
        lost_between_two(&Receiver::new(), (&maker, "/webhooks"), happen, lose, read);
    }
    let (robot, id, _) = org.robot("hooked", "admin");
    let owner = org.owner.clone();
    let lose = move || drop(owner.act(&format!("/service-accounts/{id}/suspend")));
    lost_between_two(&Receiver::new(), (&robot, "/webhooks"), team, lose, read);
}

#[test]
fn the_right_to_hear_of_the_platforms_events_is_asked_before_each_attempt() {
    let app = TestApp::dev();
    let maker = crate::glass::Operator::new(&app, "hook-maker", "platform-admin");
    let happen = |name: &str| {
        let body = json!({"slug": format!("heard-{name}"), "name": name});
        app.operator().post("/v1/platform/tenants", &body).expect(201);
    };
    let (host, operator) = (app.host(), format!("/v1/platform/operators/{}", maker.account));
    let lose = move || drop(host.delete(&operator));
    let list = "/v1/platform/webhooks";
    let read = |path: &str| app.operator().get(path);
    lost_between_two(&Receiver::new(), (&maker.client, list), happen, lose, read);
}

/// Stops a server, changes a file behind its back, and starts it again.
fn changed_meanwhile(app: TestApp, tenant: &str, sql: &str) -> TestApp {
    let place = app.stop();
    let file = rusqlite::Connection::open(crate::app::Db::path(&place, tenant)).unwrap();
    assert!(file.execute(sql, []).unwrap() > 0);
    drop(file);
    TestApp::dev_with(&place, &[("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "3,3,3,3")])
}

#[test]
fn a_service_accounts_webhook_outlives_the_key_that_made_it() {
    let (app, receiver) = (TestApp::dev(), Receiver::new());
    let org = Org::new(&app, "key-expired");
    let (robot, ..) = org.robot("robot", "admin");
    let body = json!({"url": receiver.url(), "event_types": ["team.*"]});
    robot.post("/webhooks", &body).expect(201);
    let (id, owner) = (org.id.clone(), org.owner.token().to_owned());
    drop(org);
    let app = changed_meanwhile(app, &id, "update api_keys set expires_at = 1");
    let owner = app.bearer(&owner).at("/v1/tenants/key-expired");
    owner.post("/teams", &json!({"name": "heard"})).expect(201);
    taken(&receiver, 1);
}

#[test]
fn a_clock_that_is_set_back_makes_no_webhook_wait_for_days() {
    let (place, receiver) = (Place::new(), Receiver::new());
    receiver.answers(|_| (503, ""));
    let app = TestApp::dev_with(&place, &[("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "3,3,3,3")]);
    let org = Org::new(&app, "set-back");
    let path = path(&hook(&org, &receiver, &json!(["team.*"])));
    org.team("waits");
    let failed = || org.owner.get(&path)["next_attempt_at"].as_str().map(str::to_owned);
    eventually(failed);
    let (id, owner) = (org.id.clone(), org.owner.token().to_owned());
    drop(org);
    receiver.answers(|_| (204, ""));
    // What a clock that was ten days ahead has left.
    let ahead = "update webhooks set next_attempt_at = next_attempt_at + 864000000000";
    let app = changed_meanwhile(app, &id, ahead);
    let owner = app.bearer(&owner).at("/v1/tenants/set-back");
    let log = eventually(|| {
        let log = owner.all(&format!("{path}/deliveries"), 200);
        log.iter().any(|one| one["state"] == "delivered").then_some(log)
    });
    let attempts: Vec<_> = log.iter().rev().map(|one| one["attempt"].as_u64().unwrap()).collect();
    assert_eq!(attempts, (1..=attempts.len() as u64).collect::<Vec<_>>());
    assert!(attempts.len() >= 2);
}

#[test]
fn attempts_at_an_event_are_numbered_on_by_a_replay() {
    let app = eager();
    let (org, receiver) = (Org::new(&app, "numbered"), Receiver::new());
    let path = path(&hook(&org, &receiver, &json!(["team.*"])));
    org.team("again");
    let numbers = || {
        let log = org.owner.all(&format!("{path}/deliveries"), 200);
        log.iter().rev().map(|one| one["attempt"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let sequence = taken(&receiver, 1)[0].sequence();
    eventually(|| (numbers() == [1]).then_some(()));
    let replay = json!({"after": sequence - 1});
    org.owner.post(&format!("{path}/replay"), &replay).expect(200);
    eventually(|| (numbers() == [1, 2]).then_some(()));
    // Three attempts in vain: the dead letter is the fifth.
    receiver.answers(|_| (500, ""));
    org.owner.post(&format!("{path}/replay"), &replay).expect(200);
    eventually(|| (numbers() == [1, 2, 3, 4, 5]).then_some(()));
    let dead =
        eventually(|| org.owner.all("/events?type=webhook.dead_lettered", 200).into_iter().next());
    assert_eq!(dead["data"]["attempts"], 5);
}

#[test]
fn a_suspended_tenant_is_told_of_nothing_and_of_everything_when_it_is_back() {
    let (org, receiver) = (Org::new(app(), "hooked-suspended"), Receiver::new());
    receiver.answers(|_| (503, "retry-after: 1\r\n"));
    hook(&org, &receiver, &json!(["team.*"]));
    org.team("before");
    taken(&receiver, 1);
    let tenant = org.app.operator().at(&format!("/v1/platform/tenants/{}", org.id));
    tenant.act("/suspend").expect(200);
    receiver.answers(|_| (204, ""));
    let before = receiver.received().len();
    tenant.act("/resume").expect(200);
    let came = taken(&receiver, before + 1);
    assert_eq!(came[before].event["data"]["name"], "before");
}

#[test]
fn a_server_sends_events_and_no_verb_that_only_looks() {
    let (place, receiver) = (Place::new(), Receiver::new());
    let settings = [("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "1,1,1,1,1,1,1,1,1,1")];
    receiver.answers(|_| (503, ""));
    let app = TestApp::dev_with(&place, &settings);
    let org = Org::new(&app, "looked-at");
    hook(&org, &receiver, &json!(["team.*"]));
    org.team("waits");
    taken(&receiver, 1);
    drop(org);
    drop(app.stop());
    let before = receiver.received().len();
    receiver.answers(|_| (204, ""));
    std::thread::sleep(Duration::from_millis(1500));
    for verb in [&["doctor"][..], &["tenant", "list"], &["audit", "verify"]] {
        place.freehold(verb).ended(0);
    }
    assert_eq!(receiver.received().len(), before);
    let _app = TestApp::dev_with(&place, &settings);
    taken(&receiver, before + 1);
}

#[test]
fn an_address_is_in_no_event_and_no_audit_row() {
    let (org, receiver) = (Org::new(app(), "secret-address"), Receiver::new());
    let url = format!("{}/T000/kittiwakepath?sig=kittiwakequery", receiver.root());
    let made = org.owner.post("/webhooks", &json!({"url": url})).expect(201);
    org.owner.patch(&path(&made), &json!({"description": "changed"})).expect(200);
    for list in ["/events?limit=200", "/audit?limit=200"] {
        let text = org.owner.get(list).expect(200).text;
        assert!(text.contains(&receiver.root()) && !text.contains("kittiwake"), "{list}");
    }
}

#[test]
fn what_was_sent_is_sent_again_from_a_time_or_a_place() {
    let (org, receiver) = (Org::new(app(), "replayed"), Receiver::new());
    let made = hook(&org, &receiver, &json!(["team.*"]));
    (0..5).for_each(|n| drop(org.team(&format!("team {n}"))));
    let first = taken(&receiver, 5);
    let replay = |body: &Value| org.owner.post(&format!("{}/replay", path(&made)), body);
    replay(&json!({"after": first[2].sequence()})).expect(200);
    let came = taken(&receiver, 7);
    assert_eq!(sequences(&came[5..]), sequences(&first[3..]));
    assert_eq!(came[5].header("webhook-id"), first[3].header("webhook-id"));
    replay(&json!({"from": first[1].event["time"]})).expect(200);
    assert_eq!(sequences(&taken(&receiver, 11)[7..]), sequences(&first[1..]));
    replay(&json!({})).problem(422, "invalid");
    let beyond = replay(&json!({"after": 1_000_000})).problem(410, "position_unknown");
    assert!(beyond["newest"].is_i64(), "{}", beyond.text);
    replay(&json!({"after": 0, "from": "2026-01-01T00:00:00Z"})).problem(422, "invalid");
}

#[test]
fn a_rotated_secret_is_good_beside_the_new_one_for_a_time() {
    let (org, receiver) = (Org::new(app(), "rotated-hook"), Receiver::new());
    let made = hook(&org, &receiver, &json!(["team.*"]));
    let old = made["secret"].as_str().unwrap().to_owned();
    let rotate = format!("{}/rotate", path(&made));
    let rotated = org.owner.post(&rotate, &json!({})).expect(200);
    let new = rotated["secret"].as_str().unwrap().to_owned();
    assert_ne!(old, new);
    org.team("both");
    let both = taken(&receiver, 1).pop().unwrap();
    assert!(both.is_signed_by(&old) && both.is_signed_by(&new));
    let newest = org.owner.post(&rotate, &json!({"overlap_s": 0})).expect(200);
    org.team("newest alone");
    let one = taken(&receiver, 2).pop().unwrap();
    assert!(one.is_signed_by(newest["secret"].as_str().unwrap()));
    assert!(!one.is_signed_by(&new) && !one.is_signed_by(&old));
}

#[test]
fn a_test_is_sent_at_once_and_says_what_came_of_it() {
    let (org, receiver) = (Org::new(app(), "tested"), Receiver::new());
    let made = hook(&org, &receiver, &json!(["row_security.updated"]));
    let test = || org.owner.act(&format!("{}/test", path(&made))).expect(200);
    let tested = test();
    assert_eq!(
        (tested["state"].clone(), tested["response_status"].clone()),
        (json!("delivered"), json!(204))
    );
    let came = receiver.received();
    assert_eq!((came.len(), came[0].event["type"].clone()), (1, json!("webhook.tested")));
    assert!(came[0].is_signed_by(made["secret"].as_str().unwrap()));
    receiver.answers(|_| (418, ""));
    assert_eq!(test()["response_status"], 418);
    let keyed = || {
        let request = org.owner.request("POST", &format!("{}/test", path(&made)));
        request.header("idempotency-key", "tested-once").send().expect(200)
    };
    let (first, again) = (keyed(), keyed());
    assert_eq!(first.json, again.json);
    assert_eq!(receiver.received().len(), 3, "a repeat sends nothing");
}

#[test]
fn what_cannot_be_a_webhook_is_refused_by_field() {
    let org = Org::new(app(), "odd-hooks");
    let post = |body: &Value| org.owner.post("/webhooks", body).problem(422, "invalid");
    assert_eq!(post(&json!({"url": "http://example.com/"})).fields(), ["/url"]);
    let odd = json!({"url": "https://example.com/", "event_types": ["team.*", "never.was"]});
    assert_eq!(post(&odd).fields(), ["/event_types/1"]);
    let made = org.owner.post("/webhooks", &json!({"url": "https://example.com/"})).expect(201);
    let moved = org.owner.patch(&path(&made), &json!({"url": "https://10.0.0.1/"}));
    assert_eq!(moved.problem(422, "invalid").fields(), ["/url"]);
}

#[test]
fn no_secret_ends_before_its_time_but_when_somebody_says_so() {
    let org = Org::new(app(), "rotated-twice");
    let made = org.owner.post("/webhooks", &json!({"url": "https://example.com/"})).expect(201);
    let rotate = |body: &Value| org.owner.post(&format!("{}/rotate", path(&made)), body);
    rotate(&json!({})).expect(200);
    rotate(&json!({"overlap_s": 60})).problem(409, "webhook_rotating");
    rotate(&json!({"overlap_s": 0})).expect(200);
    rotate(&json!({"overlap_s": 60})).expect(200);
    // What is written back as it was read changes what else is said.
    let same = json!({"state": "active", "description": "As it was"});
    assert_eq!(org.owner.patch(&path(&made), &same).expect(200)["description"], "As it was");
    let none = json!({"url": "https://example.com/", "event_types": []});
    let refused = org.owner.post("/webhooks", &none).problem(422, "invalid");
    assert_eq!(refused.fields(), ["/event_types"]);
}

#[test]
fn nothing_is_sent_for_a_webhook_that_is_deleted_or_disabled() {
    let (org, receiver) = (Org::new(app(), "silenced"), Receiver::new());
    let (one, other) =
        (hook(&org, &receiver, &json!(["team.*"])), hook(&org, &receiver, &json!(["team.*"])));
    org.owner.patch(&path(&one), &json!({"state": "disabled"})).expect(200);
    org.owner.delete(&path(&other)).expect(204);
    org.team("silent");
    org.owner.patch(&path(&one), &json!({"state": "active"})).expect(200);
    assert_eq!(taken(&receiver, 1).len(), 1, "what happened meanwhile waited");
}

#[test]
fn a_tenant_and_the_platform_have_fifty_webhooks_each_at_most() {
    let app = TestApp::dev();
    let org = Org::new(&app, "hook-limit");
    for keeper in [org.owner.clone(), app.operator().at("/v1/platform")] {
        let create = |n: usize| {
            let body = json!({"url": format!("https://hooks.example.com/{n}")});
            keeper.request("POST", "/webhooks").json(&body)
        };
        fill(50, "webhook_limit", create);
        create(99).send().problem(409, "webhook_limit");
    }
    for file in [&org.id, "platform"] {
        assert_eq!(app.db(file).number("select count(*) from webhooks", &[]), 50);
    }
}

#[test]
fn the_platforms_events_are_sent_too() {
    let (app, receiver) = (TestApp::dev(), Receiver::new());
    let operator = app.operator().at("/v1/platform");
    let body = json!({"url": receiver.url(), "event_types": ["tenant.*"]});
    let made = operator.post("/webhooks", &body).expect(201);
    operator.post("/tenants", &json!({"slug": "sent-for", "name": "Sent for"})).expect(201);
    let came = taken(&receiver, 1);
    assert_eq!(came[0].event["source"], "/v1/platform");
    assert!(came[0].is_signed_by(made["secret"].as_str().unwrap()));
}

/// Makes teams, whatever becomes of the server; those that were acknowledged.
fn make(owner: &Client, from: usize, count: usize) -> usize {
    (from..from + count).for_each(|n| {
        drop(owner.post("/teams", &json!({"name": format!("team {n}")})).expect(201));
    });
    count
}

#[test]
fn nothing_is_lost_or_invented_where_both_ends_crash() {
    let (count, lives) = if is_long() { (10_000, 50) } else { (1_000, 8) };
    let receiver = Receiver::new();
    // One in seven is refused, and one in eleven is taken without a word.
    let came = AtomicUsize::new(0);
    receiver.answers(move |_| match came.fetch_add(1, Ordering::SeqCst) {
        n if n % 7 == 3 => (500, ""),
        _ => (200, ""),
    });
    let settings = [("FREEHOLD__WEBHOOKS__RETRY_DELAYS_S", "0,0,0,0,0,0,0,0,0,0")];
    let place = Place::new();
    let mut app = TestApp::dev_with(&place, &settings);
    let org = Org::new(&app, "crashing");
    hook(&org, &receiver, &json!(["team.*"]));
    let id = org.id.clone();
    drop(org);
    let mut made = 0;
    for _ in 0..lives {
        let owner = app.caller("crashing", "import|crashing-owner").at("/v1/tenants/crashing");
        made += make(&owner, made, count / lives);
        drop(app.kill());
        app = TestApp::dev_with(&place, &settings);
    }
    let sent = app
        .db(&id)
        .texts("select id from outbox_events where type = 'team.created' order by seq", &[]);
    assert_eq!(sent.len(), made);
    let is_there = || {
        let came = receiver.received();
        let last = came.last().map(|one| one.header("webhook-id").to_owned());
        (last.as_ref() == sent.last()).then_some(came)
    };
    let came = eventually(is_there);
    let mut seen = Vec::new();
    for one in &came {
        let id = one.header("webhook-id").to_owned();
        let place = sent.iter().position(|sent| *sent == id).expect("nothing is invented");
        // What was not written down is sent again; nothing is passed over.
        assert!(place <= seen.len(), "event {place} came before {}", seen.len());
        if place == seen.len() {
            seen.push(id);
        }
    }
    assert_eq!(seen, sent, "none is lost, and their order is kept");
    measured(&format!("webhooks: {made} events over {lives} crashes, {} requests", came.len()));
}
