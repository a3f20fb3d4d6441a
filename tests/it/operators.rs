//! Operators: who has a platform role, and what becomes of somebody who loses it.

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::glass::{self, Operator};
use crate::org::Org;
use crate::shared;

shared!();

const OPERATORS: &str = "/v1/platform/operators";

fn path(account: &str) -> String {
    format!("{OPERATORS}/{account}")
}

#[test]
fn an_operator_is_made_changed_and_removed() {
    let (host, account) = (app().host(), app().account("op-made"));
    let path = path(&account);
    host.get(&path).problem(404, "not_found");
    host.request("PUT", &path)
        .json(&json!({"role": "auditor"}))
        .send()
        .problem(428, "precondition_required");
    let made = host.put_new(&path, &json!({"role": "auditor"})).expect(201);
    let found = [&made["id"], &made["account_id"], &made["display_name"], &made["role"]];
    assert_eq!(found, [&json!(account), &json!(account), &json!("op-made"), &json!("auditor")]);
    assert_eq!(host.get(&path).expect(200).json, made.json);
    host.put_new(&path, &json!({"role": "support"})).problem(412, "stale_version");
    let changed = host.put_over(&path, &json!({"role": "support"})).expect(200);
    assert_eq!((&changed["role"], &changed["version"]), (&json!("support"), &json!(2)));
    let stale = host.request("PUT", &path).header("if-match", "\"1\"");
    stale.json(&json!({"role": "auditor"})).send().problem(412, "stale_version");
    host.request("DELETE", &path).header("if-match", "\"1\"").send().problem(412, "stale_version");
    host.delete(&path).expect(204);
    host.get(&path).problem(404, "not_found");
    host.request("DELETE", &path).header("if-match", "\"2\"").send().problem(404, "not_found");
    let events = app().db("platform").texts(
        "select type || ' ' || json_extract(data, '$.role') from outbox_events
        where subject = ?1 and type like 'operator.%' order by seq",
        &[&format!("account/{account}")],
    );
    assert_eq!(events, ["operator.updated auditor", "operator.updated support", ""]);
}

#[test]
fn what_is_no_account_or_no_role_is_refused() {
    let host = app().host();
    let nobody = path("01890000-0000-7000-8000-000000000000");
    host.put_new(&nobody, &json!({"role": "auditor"})).problem(404, "not_found");
    let account = path(&app().account("op-odd"));
    for body in [json!({"role": "owner"}), json!({}), json!({"role": "auditor", "more": 1})] {
        host.put_new(&account, &body).problem(422, "invalid");
    }
}

#[test]
fn operators_are_listed_by_name_and_by_role() {
    let app = TestApp::dev();
    for (name, role) in [("zoe", "auditor"), ("ada", "support"), ("mia", "auditor")] {
        Operator::new(&app, name, role);
    }
    let host = app.host();
    let names = |query: &str| host.column(&format!("{OPERATORS}{query}"), "display_name");
    assert_eq!(names(""), ["Host operator", "ada", "mia", "zoe"]);
    assert_eq!(names("?role=auditor"), ["mia", "zoe"]);
    let paged: Vec<Value> =
        host.all(OPERATORS, 1).into_iter().map(|mut one| one["display_name"].take()).collect();
    assert_eq!(json!(paged), json!(["Host operator", "ada", "mia", "zoe"]));
    host.get(&format!("{OPERATORS}?role=owner")).problem(400, "invalid_parameter");
}

#[test]
fn each_role_may_do_what_its_policy_says() {
    let admin = Operator::new(app(), "op-admin", "platform-admin");
    let support = Operator::new(app(), "op-support", "support");
    let auditor = Operator::new(app(), "op-auditor", "auditor");
    let account = app().account("op-target");
    let path = path(&account);
    for client in [&support.client, &auditor.client] {
        client.get(OPERATORS).expect(200);
        let put = client.request("PUT", &path).header("if-none-match", "*");
        let status = put.json(&json!({"role": "platform-admin"})).send().status;
        assert!([403, 404].contains(&status), "{status}");
    }
    auditor.client.get(&glass_path(&auditor)).expect(200);
    support.client.get(&glass_path(&support)).problem(404, "not_found");
    admin.client.put_new(&path, &json!({"role": "support"})).expect(201);
    // Nobody makes themselves more than they are.
    let own = support.client.request("PUT", &glass_path(&support)).header("if-match", "\"1\"");
    own.json(&json!({"role": "platform-admin"})).send().problem(404, "not_found");
}

fn glass_path(operator: &Operator) -> String {
    path(&operator.account)
}

#[test]
fn whoever_is_no_operator_any_more_has_nothing_from_the_next_request_on() {
    let org = Org::new(app(), "op-lost");
    let operator = Operator::new(app(), "op-lost", "support");
    let entry = operator.enter(app(), &org.slug, &["*"]);
    let inside = org.seen_by(&operator.by(&entry));
    inside.get("/members").expect(200);
    operator.client.get("/v1/platform/tenants").expect(200);
    app().host().delete(&path(&operator.account)).expect(204);
    inside.get("/members").problem(404, "not_found");
    operator.client.get("/v1/platform/tenants").problem(404, "not_found");
    // Nor is an entry of theirs open when they are an operator again.
    glass::appoint(app(), &operator.account, "support");
    inside.get("/members").problem(404, "not_found");
    assert_eq!(app().host().get(&glass::path(&entry, "")).expect(200)["state"], "ended");
}

#[test]
fn a_role_that_may_not_ask_for_entry_ends_what_is_open() {
    let org = Org::new(app(), "op-demoted");
    let operator = Operator::new(app(), "op-demoted", "support");
    let (open, asked) =
        (operator.enter(app(), &org.slug, &["*"]), operator.ask(&org.slug, &["team.list"]));
    app().host().put_over(&path(&operator.account), &json!({"role": "platform-admin"})).expect(200);
    org.seen_by(&operator.by(&open)).get("/teams").expect(200);
    app().host().put_over(&path(&operator.account), &json!({"role": "auditor"})).expect(200);
    org.seen_by(&operator.by(&open)).get("/teams").problem(404, "not_found");
    app().host().act(&glass::path(&asked, "/approve")).problem(409, "wrong_state");
}

#[test]
fn giving_and_taking_a_role_need_a_strong_log_in() {
    let admin = Operator::new(app(), "op-weak", "platform-admin");
    let weak = json!({"account": admin.account, "amr": ["pwd"]});
    let weak = app().host().post("/v1/platform/tokens", &weak).expect(200);
    let weak = app().bearer(weak["token"].as_str().unwrap());
    let target = path(&app().account("op-stepped"));
    let answer = weak.put_new(&target, &json!({"role": "auditor"}));
    let answer = answer.problem(401, "insufficient_user_authentication");
    assert!(answer.header("www-authenticate").contains("insufficient_user_authentication"));
    admin.client.put_new(&target, &json!({"role": "auditor"})).expect(201);
    weak.delete(&target).problem(401, "insufficient_user_authentication");
}

#[test]
fn operators_are_kept_on_the_command_line() {
    let account = app().account("op-cli");
    let run = |words: &str| app().freehold(&words.split(' ').collect::<Vec<_>>());
    let set = run("operator set local|op-cli support --json").ended(0).json();
    assert_eq!((&set["role"], &set["version"]), (&json!("support"), &json!(1)));
    let again = run(&format!("operator set {account} support --json")).ended(0).json();
    assert_eq!(again, set, "what is so stays as it is");
    let changed = run(&format!("operator set {account} auditor --json")).ended(0).json();
    assert_eq!((&changed["role"], &changed["version"]), (&json!("auditor"), &json!(2)));
    assert_eq!(run("operator show local|op-cli --json").ended(0).json(), changed);
    let listed = run("operator list --json").ended(0).json();
    assert!(listed.as_array().unwrap().contains(&changed), "{listed}");
    assert!(run("operator list").ended(0).out.contains("op-cli"));
    run("operator set local|op-cli king").ended(2);
    run("operator remove local|op-cli").ended(0);
    run("operator remove local|op-cli").ended(1);
}
