//! Keys that clients choose, so that a request that was lost on the way can be sent again.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::audit::trace;
use crate::client::{Answer, Client, send_all};
use crate::org::Org;
use crate::shared;

shared!();

fn post(caller: &Client, path: &str, key: &str, body: &Value) -> Answer {
    caller.request("POST", path).header("idempotency-key", key).json(body).send()
}

/// A `POST` for each noun that one makes: the caller, the path, the body, and the list that grows by it.
fn creations(org: &Org) -> Vec<(Client, String, Value, String)> {
    let own = |path: &str, body| (org.owner.clone(), path.to_owned(), body, path.to_owned());
    let platform = |path: &str, filter: &str, body| {
        let caller = org.app.operator().at("/v1/platform");
        (caller, path.to_owned(), body, format!("{path}?{filter}"))
    };
    let identity = json!([{"issuer": "local", "subject": format!("{}-new", org.slug)}]);
    vec![
        own("/members", json!({"account_id": org.outsider("once"), "role": "member"})),
        own("/teams", json!({"name": "once"})),
        own("/invitations", json!({"email": "once@example.com", "role": "guest"})),
        own("/roles", json!({"name": "once", "permissions": ["team.list"]})),
        own("/workspaces", json!({"name": "once", "owner": {"type": "tenant", "id": org.id}})),
        own("/resource-types", json!({"name": "once"})),
        own("/resources", json!({"type": "prompt", "workspace_id": org.everyone, "name": "once"})),
        platform(
            "/tenants",
            &format!("slug_prefix={}-new", org.slug),
            json!({"slug": format!("{}-new", org.slug), "name": "once"}),
        ),
        platform(
            "/accounts",
            &format!("name_prefix={}-new", org.slug),
            json!({"display_name": format!("{}-new", org.slug), "identities": identity}),
        ),
    ]
}

#[test]
fn a_request_sent_twice_is_done_once_and_answered_alike() {
    let org = Org::new(app(), "sent-twice");
    for (caller, path, body, list) in creations(&org) {
        let before = caller.all(&list, 200).len();
        let key = format!("{}{path}", org.slug);
        let first = post(&caller, &path, &key, &body).expect(201);
        let again = post(&caller, &path, &key, &body).expect(201);
        assert_eq!(again.text, first.text, "{path}");
        assert_eq!(again.etag(), first.etag(), "{path}");
        assert_eq!(again.header("location"), first.header("location"), "{path}");
        assert_eq!(caller.all(&list, 200).len(), before + 1, "{path}");
    }
}

#[test]
fn a_request_sent_fifty_times_at_once_is_done_once() {
    let org = Org::new(app(), "sent-at-once");
    for (caller, path, body, list) in creations(&org) {
        let before = caller.all(&list, 200).len();
        let key = format!("at-once-{path}");
        let cause = trace(&key);
        let traceparent = format!("00-{cause}-00000000000000ff-01");
        let repeats = (0..50).map(|_| {
            let request = caller.request("POST", &path).header("idempotency-key", &key);
            request.header("traceparent", &traceparent).json(&body)
        });
        let answers = send_all(repeats.collect());
        let first = answers[0].clone().expect(201);
        for answer in answers {
            assert_eq!(answer.expect(201).text, first.text, "{path}");
        }
        assert_eq!(caller.all(&list, 200).len(), before + 1, "{path}");
        // A new tenant is put into service by the program itself.
        let rows = caller.all(&format!("/audit?correlation_id={cause}&decision=permit"), 200);
        let actor = |row: &Value| row["actor"].as_str().unwrap().to_owned();
        let by_callers = rows.iter().filter(|row| !actor(row).starts_with("system:"));
        assert_eq!(by_callers.count(), 1, "{path}: {rows:?}");
    }
}

#[test]
fn without_a_key_a_request_sent_twice_is_two() {
    let org = Org::new(app(), "no-key");
    let body = json!({"type": "prompt", "workspace_id": org.everyone, "name": "twice"});
    let (one, two) = (org.owner.post("/resources", &body), org.owner.post("/resources", &body));
    assert_ne!(one.expect(201).id(), two.expect(201).id());
}

#[test]
fn the_answer_stays_the_same_when_the_thing_has_changed_since() {
    let org = Org::new(app(), "changed-since");
    let first = post(&org.owner, "/teams", "key", &json!({"name": "then"})).expect(201);
    let path = format!("/teams/{}", first.id());
    org.owner.patch(&path, &json!({"name": "now"})).expect(200);
    let again = post(&org.owner, "/teams", "key", &json!({"name": "then"})).expect(201);
    assert_eq!(again.text, first.text);
    org.owner.delete(&path).expect(204);
    let again = post(&org.owner, "/teams", "key", &json!({"name": "then"})).expect(201);
    assert_eq!(again.text, first.text);
}

#[test]
fn the_answer_for_a_new_tenant_stays_the_same_when_it_has_changed_since() {
    let operator = app().operator().at("/v1/platform");
    let body = json!({"slug": "tenant-changed-since", "name": "then"});
    let first = post(&operator, "/tenants", "tenant-key", &body).expect(201);
    operator.act("/tenants/tenant-changed-since/suspend").expect(200);
    let again = post(&operator, "/tenants", "tenant-key", &body).expect(201);
    assert_eq!(again.text, first.text);
}

#[test]
fn a_change_of_state_sent_twice_is_done_once() {
    let org = Org::new(app(), "states");
    let account = org.newcomer("state", "member");
    let act = |path: &str, key: &str| {
        org.owner.request("POST", path).header("idempotency-key", key).send()
    };
    let path = format!("/members/{account}/suspend");
    let first = act(&path, "suspend").expect(200);
    assert_eq!(act(&path, "suspend").expect(200).text, first.text);
    act(&path, "another").problem(409, "wrong_state");
}

#[test]
fn a_key_used_for_another_request_is_refused() {
    let org = Org::new(app(), "other-body");
    post(&org.owner, "/teams", "key", &json!({"name": "one"})).expect(201);
    let reused = post(&org.owner, "/teams", "key", &json!({"name": "two"}));
    reused.problem(422, "idempotency_key_reused");
    let reused = post(&org.owner, "/resource-types", "key", &json!({"name": "one"}));
    reused.problem(422, "idempotency_key_reused");
    assert_eq!(org.owner.column("/teams", "name"), ["one"]);
}

#[test]
fn a_key_of_one_caller_is_not_anothers() {
    let org = Org::new(app(), "other-caller");
    let owners = post(&org.owner, "/teams", "key", &json!({"name": "owners"})).expect(201);
    let admins = post(&org.admin, "/teams", "key", &json!({"name": "admins"})).expect(201);
    assert_ne!(owners.id(), admins.id());
    post(&org.admin, "/teams", "key", &json!({"name": "owners"}))
        .problem(422, "idempotency_key_reused");
}

#[test]
fn a_kept_answer_is_told_to_nobody_who_may_not_ask_any_more() {
    let org = Org::new(app(), "not-any-more");
    let body = json!({"name": "once"});
    post(&org.admin, "/teams", "key", &body).expect(201);
    let admin = format!("/members/{}", org.account("admin"));
    org.owner.patch(&admin, &json!({"role": "guest"})).expect(200);
    post(&org.admin, "/teams", "key", &body).problem(403, "forbidden");
}

#[test]
fn a_key_of_one_tenant_is_not_anothers() {
    let app = app();
    let (one, other) = (Org::new(app, "key-one"), Org::new(app, "key-other"));
    let first = post(&one.owner, "/teams", "key", &json!({"name": "x"})).expect(201);
    let second = post(&other.owner, "/teams", "key", &json!({"name": "x"})).expect(201);
    assert_ne!(first.id(), second.id());
}

#[test]
fn a_request_that_failed_can_be_sent_again_under_its_key() {
    let org = Org::new(app(), "failed-first");
    let body = json!({"name": "taken"});
    let taken = org.team("taken");
    post(&org.owner, "/teams", "key", &body).problem(409, "name_taken");
    org.owner.delete(&format!("/teams/{taken}")).expect(204);
    post(&org.owner, "/teams", "key", &body).expect(201);
}

#[test]
fn a_key_that_cannot_be_one_is_refused() {
    let org = Org::new(app(), "odd-keys");
    for key in ["", "with blank", &"k".repeat(256)] {
        let answer = post(&org.owner, "/teams", key, &json!({"name": "x"}));
        assert_eq!(answer.problem(400, "invalid_parameter").fields(), ["Idempotency-Key"], "{key}");
    }
    post(&org.owner, "/teams", &"k".repeat(255), &json!({"name": "x"})).expect(201);
}

#[test]
fn of_twenty_at_once_under_one_key_one_is_done() {
    let org = Org::new(app(), "at-once");
    let body = json!({"type": "prompt", "workspace_id": org.everyone, "name": "once"});
    let send = || post(&org.owner, "/resources", "key", &body).expect(201).text;
    let answers: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..20).map(|_| scope.spawn(send)).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    assert_eq!(org.owner.all("/resources", 200).len(), 1);
}

#[test]
fn a_key_holds_after_a_power_cut() {
    let app = TestApp::dev();
    let org = Org::new(&app, "power-cut");
    let body = json!({"name": "once"});
    let (owner, tenants) = (org.owner.token().to_owned(), "/v1/platform/tenants");
    let operator = app.operator().token().to_owned();
    let first = post(&org.owner, "/teams", "key", &body).expect(201);
    let new = json!({"slug": "power-cut-new", "name": "x"});
    let tenant = post(&app.operator(), tenants, "key", &new).expect(201);
    drop(org);

    let app = TestApp::dev_at(&app.kill());
    let owner = app.bearer(&owner).at("/v1/tenants/power-cut");
    assert_eq!(post(&owner, "/teams", "key", &body).expect(201).text, first.text);
    assert_eq!(owner.column("/teams", "name"), ["once"]);
    let again = post(&app.bearer(&operator), tenants, "key", &new).expect(201);
    assert_eq!(again.id(), tenant.id());
}
