//! The certification scenario of the Authorization API 1.0, request by request, over its fixture as an ordinary
//! application in an ordinary tenant.

use std::sync::OnceLock;

use serde_json::{Value, json};

use super::{app, ask, bind, entity, member, named_role, policy, question, record};
use crate::org::Org;

const CASES: &str = include_str!("certification.json");

/// The scenario's fixture: two people, two records, three actions.
fn fixture() -> &'static Org<'static> {
    static ORG: OnceLock<Org<'static>> = OnceLock::new();
    ORG.get_or_init(|| {
        let org = Org::new(app(), "certified");
        let alice = member(&org, "Alice", &[("certification", "alice")]);
        let bob = member(&org, "Bob", &[("certification", "bob")]);
        bind(&org, &manifest());
        named_role(&org, "editor", &[&alice]);
        named_role(&org, "admin", &[&bob]);
        record(&org, "record", "record-1", &json!({"status": "active"}));
        record(&org, "record", "record-2", &json!({"status": "archived"}));
        org
    })
}

fn manifest() -> Value {
    let editor = "principal.roles.contains(\"editor\")";
    let text = [
        policy("readers-read", "permit", "read", "resource.permission >= 1"),
        policy(
            "editors-write",
            "permit",
            "write",
            &format!("{editor} && resource has status && resource.status == \"active\""),
        ),
        policy(
            "admins-write",
            "permit",
            "write",
            "principal.roles.contains(\"admin\") && resource has status && resource.status == \"archived\"",
        ),
        policy(
            "soft",
            "permit",
            "delete",
            &format!("{editor} && context.properties has soft && context.properties.soft"),
        ),
    ];
    json!({
        "name": "certification",
        "title": "The certification scenario",
        "subject_types": [{"name": "user", "issuer": "certification"}],
        "resource_types": [{"name": "record", "key": "name",
            "attributes": [{"name": "status", "type": "string"}]}],
        "actions": [
            {"name": "read", "resource_types": ["record"]},
            {"name": "write", "resource_types": ["record"]},
            {"name": "delete", "resource_types": ["record"],
                "properties": [{"name": "soft", "type": "boolean"}]}],
        "policies": [{"name": "main", "text": text.concat()}],
    })
}

/// What is wrong with the answer to a case.
fn complaint(case: &Value) -> Option<String> {
    let path = case["path"].as_str().unwrap();
    let answer = ask(&fixture().admin, path, &case["request"]);
    let status = case["status"].as_u64().unwrap_or(200);
    let media = if status == 200 { "application/json" } else { "application/problem+json" };
    if u64::from(answer.status) != status || answer.header("content-type") != media {
        return Some(answer.text.clone());
    }
    let results = answer.json["results"].as_array();
    let is_good = match (&case["response"], &case["includes"], &case["results"]) {
        (Value::Null, Value::Null, Value::Null) => true,
        (Value::Null, Value::Null, expected) => answer.json["results"] == *expected,
        (Value::Null, included, _) => {
            included.as_array().unwrap().iter().all(|it| results.unwrap().contains(it))
        }
        (expected, ..) => answer.json == *expected,
    };
    (!is_good).then(|| answer.text.clone())
}

#[test]
fn every_request_of_the_scenario_is_answered_as_it_says() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    assert!(cases.len() >= 49, "{}", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .filter_map(|case| Some(format!("{}: {}", case["id"], complaint(case)?)))
        .collect();
    assert_eq!(wrong, Vec::<String>::new());
}

/// c-2-4-3 to c-2-4-5, and c-5.
#[test]
fn what_is_no_json_is_a_bad_request() {
    let caller = &fixture().admin;
    let good =
        question(&entity("user", "alice"), "read", &entity("record", "record-1")).to_string();
    for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"]
    {
        let send = |media: &str, body: &str| {
            caller.request("POST", &format!("/access/v1/{path}")).body(media, body).send()
        };
        for media in ["text/plain", "application/xml", "application/x-www-form-urlencoded"] {
            send(media, &good).problem(400, "invalid_parameter");
        }
        for body in ["", "{", "{\"subject\": }", "nonsense"] {
            send("application/json", body).problem(400, "malformed_json");
        }
        for body in ["[]", "1", "null", "\"text\"", "[{\"type\": \"user\"}]"] {
            send("application/json", body).problem(400, "invalid_parameter");
        }
        send("application/json; charset=utf-8", &good).expect(200);
        let path = format!("/access/v1/{path}");
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            caller.request(method, &path).send().problem(405, "method_not_allowed");
        }
        let stranger = fixture().seen_by(&app().stranger());
        let refused = stranger.request("POST", &path).body("application/json", good.clone()).send();
        assert_eq!(refused.problem(401, "unauthenticated").header("www-authenticate"), "Bearer");
    }
}

/// c-2-5 and c-2-6.
#[test]
fn a_request_id_comes_back_and_the_same_question_has_the_same_answer() {
    let caller = &fixture().admin;
    let good = question(&entity("user", "alice"), "read", &entity("record", "record-1"));
    for path in ["evaluation", "evaluations", "search/subject", "search/resource", "search/action"]
    {
        for number in 0..3 {
            let id = format!("bfe9eb29-{number}");
            let asked = caller.request("POST", &format!("/access/v1/{path}"));
            let answer = asked.header("x-request-id", &id).json(&good).send().expect(200);
            assert_eq!(answer.header("x-request-id"), id);
        }
        let answers: Vec<String> =
            (0..5).map(|_| ask(caller, path, &good).expect(200).text).collect();
        assert!(answers.windows(2).all(|pair| pair[0] == pair[1]), "{answers:?}");
    }
}

/// c-4-5: pages one by one come to the whole, and the last one says so.
#[test]
fn pages_end_with_an_empty_token() {
    let caller = &fixture().admin;
    let mut search = json!({"subject": {"type": "user"}, "action": {"name": "read"},
        "resource": {"type": "record", "id": "record-1"}});
    let whole = ask(caller, "search/subject", &search).expect(200);
    assert_eq!(whole["page"], json!({"next_token": ""}));
    search["page"] = json!({"limit": 1});
    let first = ask(caller, "search/subject", &search).expect(200);
    let token = first["page"]["next_token"].as_str().unwrap();
    assert!(!token.is_empty());
    // The scenario leaves the limit out of the second request.
    search["page"] = json!({"token": token});
    let second = ask(caller, "search/subject", &search).expect(200);
    assert_eq!(second["page"]["next_token"], "");
    assert_eq!(first["results"][0], whole["results"][0]);
    assert_eq!(second["results"][0], whole["results"][1]);
    assert_eq!(whole["results"].as_array().unwrap().len(), 2);
    let members = ["\"type\"", "\"id\""].map(|it| whole.text.find(it).unwrap());
    assert!(members.is_sorted(), "{}", whole.text);
}
