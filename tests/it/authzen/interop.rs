//! The interoperability cases of the todo application: 40 questions one by one, and three times several at once.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::{app, ask, bind, decide, member, named_role, policy};
use crate::org::Org;

const FILE: &str = "authzen/decisions-authorization-api-1_0-02.json";

/// The people of the cases: their ids, their addresses, their roles.
const PEOPLE: [(&str, &str, &[&str]); 5] = [
    ("A", "rick@the-citadel.com", &["admin", "evil_genius"]),
    ("E", "morty@the-citadel.com", &["editor"]),
    ("I", "summer@the-smiths.com", &["editor"]),
    ("M", "beth@the-smiths.com", &["viewer"]),
    ("Q", "jerry@the-smiths.com", &["viewer"]),
];

fn cases() -> Option<Value> {
    let here = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let folder = std::env::var_os("FREEHOLD_TEST_DATA").map(PathBuf::from);
    let file = folder.unwrap_or_else(|| here.join("../shared/data")).join(FILE);
    let text = std::fs::read_to_string(file).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

fn has(roles: &[&str]) -> String {
    let roles: Vec<String> = roles.iter().map(|role| format!("{role:?}")).collect();
    format!("principal.roles.containsAny([{}])", roles.join(", "))
}

fn manifest() -> Value {
    let own = "resource has ownerID && resource.ownerID == principal.id";
    let of_editors = format!("{} && {own}", has(&["editor"]));
    let text = [
        policy("see-people", "permit", "can_read_user", "true"),
        policy("see-todos", "permit", "can_read_todos", "true"),
        policy("make", "permit", "can_create_todo", &has(&["admin", "editor"])),
        policy("change-own", "permit", "can_update_todo", &of_editors),
        policy("change-all", "permit", "can_update_todo", &has(&["evil_genius"])),
        policy("drop-own", "permit", "can_delete_todo", &of_editors),
        policy("drop-all", "permit", "can_delete_todo", &has(&["admin"])),
    ];
    let owner =
        json!({"name": "ownerID", "type": "account", "subject_type": "mail", "source": "request"});
    let on_todos = ["can_read_todos", "can_create_todo", "can_update_todo", "can_delete_todo"]
        .map(|name| json!({"name": name, "resource_types": ["todo"]}));
    let mut actions = vec![json!({"name": "can_read_user", "resource_types": ["user"]})];
    actions.extend(on_todos);
    json!({
        "name": "todo",
        "title": "Todo",
        "subject_types": [{"name": "user", "issuer": "todo"}, {"name": "mail", "issuer": "todo-mail"}],
        "resource_types": [
            {"name": "user", "kept_by": "application"},
            {"name": "todo", "kept_by": "application", "attributes": [owner]}],
        "actions": actions,
        "policies": [{"name": "main", "text": text.concat()}],
    })
}

fn id(letter: &str) -> String {
    format!("CiRmZD{letter}2MTRkMy1jMzlhLTQ3ODEtYjdiZC04Yjk2ZjVhNTEwMGQSBWxvY2Fs")
}

fn fixture() -> Org<'static> {
    let org = Org::new(app(), "todos");
    bind(&org, &manifest());
    let mut roles: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (letter, mail, theirs) in PEOPLE {
        let account = member(&org, mail, &[("todo", &id(letter)), ("todo-mail", mail)]);
        for role in theirs {
            roles.entry(role).or_default().push(account.clone());
        }
    }
    for (role, accounts) in roles {
        named_role(&org, role, &accounts.iter().map(String::as_str).collect::<Vec<_>>());
    }
    org
}

#[test]
fn the_cases_of_the_todo_application_are_decided_as_they_say() {
    let Some(cases) = cases() else { return };
    let org = fixture();
    let single = cases["evaluation"].as_array().unwrap();
    assert_eq!(single.len(), 40);
    for case in single {
        let decision = decide(&org.admin, &case["request"]);
        assert_eq!(json!(decision), case["expected"], "{}", case["request"]);
    }
    let several = cases["evaluations"].as_array().unwrap();
    assert_eq!(several.len(), 3);
    for case in several {
        let answer = ask(&org.admin, "evaluations", &case["request"]).expect(200);
        // Whole texts are compared: an item with more in it fails the run.
        let expected = format!("{{\"evaluations\":{}}}", case["expected"]);
        assert_eq!(answer.text, expected, "{}", case["request"]);
    }
}
