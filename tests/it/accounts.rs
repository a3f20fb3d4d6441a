//! `/v1/platform/accounts`: people, once per installation.

use serde_json::{Value, json};

use crate::client::Client;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

fn account(name: &str, identities: &[(&str, &str)]) -> Value {
    let identities =
        identities.iter().map(|(issuer, subject)| json!({"issuer": issuer, "subject": subject}));
    json!({"display_name": name, "identities": identities.collect::<Value>()})
}

#[test]
fn an_account_is_made_read_and_changed() {
    let mut body = account("Zoe", &[("local", "zoe"), ("import", "zoe")]);
    body["email"] = json!("zoe@example.com");
    let made = operator().post("/accounts", &body).expect(201);
    let path = format!("/accounts/{}", made.id());
    assert_eq!(made.header("location"), format!("/v1/platform{path}"));
    assert_eq!((&made["display_name"], &made["state"]), (&json!("Zoe"), &json!("active")));
    assert_eq!(made["identities"].as_array().unwrap().len(), 2);
    assert_eq!(operator().get(&path).expect(200).json, made.json);
    let renamed = operator().patch(&path, &json!({"display_name": "Zoë"})).expect(200);
    assert_eq!(
        (&renamed["display_name"], &renamed["email"]),
        (&json!("Zoë"), &json!("zoe@example.com"))
    );
    let without = operator().patch(&path, &json!({"email": null})).expect(200);
    assert_eq!((&without["email"], &without["version"]), (&json!(null), &json!(3)));
}

#[test]
fn an_identity_is_one_accounts_alone() {
    operator().post("/accounts", &account("One", &[("local", "unique")])).expect(201);
    let again = account("Two", &[("local", "fresh"), ("local", "unique")]);
    operator().post("/accounts", &again).problem(409, "identity_taken");
    let fresh = account("Two", &[("local", "fresh")]);
    operator().post("/accounts", &fresh).expect(201);
    operator().post("/accounts", &account("Two", &[("other", "unique")])).expect(201);
}

#[test]
fn an_email_address_identifies_nobody() {
    for subject in ["same-mail-1", "same-mail-2"] {
        let mut body = account("Same", &[("local", subject)]);
        body["email"] = json!("same@example.com");
        operator().post("/accounts", &body).expect(201);
    }
}

#[test]
fn accounts_are_found_by_name_state_and_identity() {
    for subject in ["find-a", "find-b"] {
        let made =
            operator().post("/accounts", &account(subject, &[("finder", subject)])).expect(201);
        if subject == "find-b" {
            operator().act(&format!("/accounts/{}/suspend", made.id())).expect(200);
        }
    }
    let names = |filter: &str| operator().column(&format!("/accounts?{filter}"), "display_name");
    assert_eq!(names("name_prefix=find-"), ["find-a", "find-b"]);
    assert_eq!(names("name_prefix=find-&state=suspended"), ["find-b"]);
    assert_eq!(names("issuer=finder&subject=find-a"), ["find-a"]);
    assert_eq!(names("issuer=finder&subject=nobody"), [""; 0]);
}

#[test]
fn issuer_and_subject_must_be_of_one_identity_to_find_by_them() {
    let both = account("mixed", &[("mixed-a", "one"), ("mixed-b", "two")]);
    operator().post("/accounts", &both).expect(201);
    let found = operator().column("/accounts?issuer=mixed-a&subject=two", "display_name");
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_state_changes_as_its_machine_allows() {
    let id = app().account("in-and-out");
    let act = |verb: &str| operator().act(&format!("/accounts/{id}/{verb}"));
    act("resume").problem(409, "wrong_state");
    assert_eq!(act("suspend").expect(200)["state"], "suspended");
    act("suspend").problem(409, "wrong_state");
    assert_eq!(act("resume").expect(200)["state"], "active");
}
