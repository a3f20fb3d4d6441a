//! `/access/v1` as AuthZEN's Authorization API 1.0 says: its certification scenario, its interoperability cases, and
//! what both leave open.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::org::Org;

mod certification;
mod discovery;
mod evaluations;
mod facts;
mod interop;
mod mutations;
mod search;

/// A server of these tests.
fn app() -> &'static crate::app::TestApp {
    static APP: std::sync::OnceLock<crate::app::TestApp> = std::sync::OnceLock::new();
    APP.get_or_init(crate::app::TestApp::dev)
}

fn ask(caller: &Client, path: &str, question: &Value) -> Answer {
    caller.post(&format!("/access/v1/{path}"), question)
}

#[track_caller]
fn decide(caller: &Client, question: &Value) -> bool {
    ask(caller, "evaluation", question).expect(200)["decision"].as_bool().unwrap()
}

/// Everything that a search finds, page by page.
#[track_caller]
fn found(caller: &Client, what: &str, question: &Value, limit: u32) -> Vec<Value> {
    let mut question = question.clone();
    let mut results = Vec::new();
    question["page"] = json!({"limit": limit});
    loop {
        let page = ask(caller, &format!("search/{what}"), &question).expect(200);
        let more = page["results"].as_array().unwrap();
        assert!(more.len() <= limit as usize, "{}", page.text);
        results.extend(more.iter().cloned());
        let next = page["page"]["next_token"].as_str().unwrap();
        if next.is_empty() {
            return results;
        }
        question["page"]["token"] = json!(next);
    }
}

fn entity(kind: &str, id: &str) -> Value {
    json!({"type": kind, "id": id})
}

fn question(subject: &Value, action: &str, resource: &Value) -> Value {
    json!({"subject": subject, "action": {"name": action}, "resource": resource})
}

/// A member with these identities; the account's id.
fn member(org: &Org, name: &str, identities: &[(&str, &str)]) -> String {
    let identities: Vec<Value> = identities
        .iter()
        .map(|(issuer, subject)| json!({"issuer": issuer, "subject": subject}))
        .collect();
    let body = json!({"display_name": name, "identities": identities});
    let account = org.app.operator().post("/v1/platform/accounts", &body).expect(201).id();
    let body = json!({"account_id": account, "role": "member"});
    org.owner.post("/members", &body).expect(201);
    account
}

/// An application that is registered and bound.
fn bind(org: &Org, manifest: &Value) {
    org.app.operator().post("/v1/platform/applications", manifest).expect(201);
    let path = format!("/applications/{}", manifest["name"].as_str().unwrap());
    org.owner.put_new(&path, &json!({})).expect(201);
}

/// A custom role that permits nothing that counts, for these accounts.
fn named_role(org: &Org, name: &str, accounts: &[&str]) {
    let role = org.role(name, &json!(["resource_type.list"]));
    for account in accounts {
        org.assign(&role, account);
    }
}

/// A resource of a type, with attributes, that every member may read.
fn record(org: &Org, kind: &str, name: &str, attributes: &Value) -> String {
    let body = json!({"type": kind, "workspace_id": org.everyone, "name": name,
        "visibility": "tenant", "attributes": attributes});
    org.owner.post("/resources", &body).expect(201).id()
}

fn policy(id: &str, effect: &str, action: &str, when: &str) -> String {
    format!(
        "@id(\"{id}\")\n@sentence(\"A sentence.\")\n\
         {effect} (principal, action == Action::\"{action}\", resource) when {{ {when} }};\n"
    )
}
