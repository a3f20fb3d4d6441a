//! `/access/v1/evaluation`: the decision point, asked as `AuthZEN` 1.0 says.

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn question(subject: &str, action: &str, kind: &str, id: &str) -> Value {
    json!({
        "subject": {"type": "account", "id": subject},
        "action": {"name": action},
        "resource": {"type": kind, "id": id},
    })
}

#[track_caller]
fn decide(caller: &Client, question: &Value) -> bool {
    let answer = caller.post("/access/v1/evaluation", question).expect(200);
    answer["decision"].as_bool().unwrap()
}

#[test]
fn the_decision_is_what_the_routes_do() {
    let org = Org::new(app(), "decisions");
    let (seen, hidden) = (org.resource("seen", "tenant"), org.resource("hidden", "private"));
    org.share(&hidden, &org.account("other"), "write");
    let cases = [
        ("member", "resource.read", "prompt", &seen, true),
        ("member", "resource.update", "prompt", &seen, false),
        ("member", "resource.read", "prompt", &hidden, false),
        ("other", "resource.update", "prompt", &hidden, true),
        ("other", "resource.share", "prompt", &hidden, false),
        ("guest", "resource.read", "prompt", &seen, false),
        ("owner", "resource.delete", "prompt", &hidden, true),
        ("admin", "team.create", "tenant", &org.id, true),
        ("member", "team.create", "tenant", &org.id, false),
        ("guest", "tenant.read", "tenant", &org.id, true),
        ("member", "workspace.read", "workspace", &org.everyone, true),
        ("guest", "workspace.read", "workspace", &org.everyone, false),
        ("admin", "owner.create", "tenant", &org.id, false),
        // It needs a strong log-in, and of the owner's nothing is known here.
        ("owner", "owner.create", "tenant", &org.id, false),
    ];
    for (who, action, kind, id, expected) in cases {
        let question = question(&org.account(who), action, kind, id);
        assert_eq!(decide(&org.admin, &question), expected, "{who} {action} {kind}");
    }
}

#[test]
fn whoever_asks_about_themselves_is_known_by_their_own_log_in() {
    let org = Org::new(app(), "own-log-in");
    let question = question(&org.account("owner"), "owner.create", "tenant", &org.id);
    let told = org.admin.post("/access/v1/evaluation", &question).expect(200);
    assert_eq!(told["decision"], false);
    assert_eq!(told["context"], json!({"acr_values": "phr phrh", "max_age": 3600}));
    let own = org.owner.post("/access/v1/evaluation", &question).expect(200);
    assert_eq!(own.json, json!({"decision": true}));
}

#[test]
fn everybody_may_ask_about_themselves_alone() {
    let org = Org::new(app(), "own-questions");
    let about = |name: &str| question(&org.account(name), "tenant.read", "tenant", &org.id);
    assert!(decide(&org.member, &about("member")));
    assert!(decide(&org.guest, &about("guest")));
    org.member.post("/access/v1/evaluation", &about("other")).problem(403, "forbidden");
}

#[test]
fn what_is_not_known_is_not_allowed() {
    let (org, other) = (Org::new(app(), "unknowns"), Org::new(app(), "unknowns-elsewhere"));
    let owner = org.account("owner");
    let resource = org.resource("known", "tenant");
    let cases = [
        question(&owner, "resource.fly", "prompt", &resource),
        question(&owner, "tenant.suspend", "tenant", &org.id),
        question(&owner, "resource.read", "model", &resource),
        question(&owner, "resource.read", "unheard-of", &resource),
        question(&owner, "resource.read", "prompt", "nonsense"),
        question(&owner, "tenant.read", "tenant", &other.id),
        question(&other.account("owner"), "tenant.read", "tenant", &org.id),
        question("nonsense", "tenant.read", "tenant", &org.id),
        question(&org.outsider("stranger"), "resource.read", "prompt", &resource),
    ];
    for question in cases {
        assert!(!decide(&org.owner, &question), "{question}");
    }
}

#[test]
fn what_is_unknown_in_a_question_is_ignored() {
    let org = Org::new(app(), "ignored");
    let mut question = question(&org.account("owner"), "tenant.read", "tenant", &org.id);
    question["context"] = json!({"time": "2026-01-01T00:00:00Z"});
    question["subject"]["properties"] = json!({"department": "sales"});
    question["odd"] = json!(1);
    assert!(decide(&org.owner, &question));
}

#[test]
fn a_question_that_is_none_is_a_bad_request() {
    let org = Org::new(app(), "bad-questions");
    let good = question(&org.account("owner"), "tenant.read", "tenant", &org.id);
    for part in ["subject", "action", "resource"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(part);
        org.owner.post("/access/v1/evaluation", &bad).expect(400);
        bad[part] = json!("text");
        org.owner.post("/access/v1/evaluation", &bad).expect(400);
    }
    let odd =
        org.owner.request("POST", "/access/v1/evaluation").body("text/plain", good.to_string());
    odd.send().expect(400);
}

#[test]
fn a_question_changes_nothing_and_leaves_no_trace() {
    let org = Org::new(app(), "traceless");
    let question = question(&org.account("guest"), "team.create", "tenant", &org.id);
    let before = app().db(&org.id).written();
    assert!(!decide(&org.owner, &question));
    assert_eq!(app().db(&org.id).written(), before);
}

#[test]
fn whoever_was_suspended_or_removed_may_nothing() {
    let org = Org::new(app(), "gone");
    let other = org.account("other");
    let question = question(&other, "tenant.read", "tenant", &org.id);
    assert!(decide(&org.owner, &question));
    org.owner.act(&format!("/members/{other}/suspend")).expect(200);
    assert!(!decide(&org.owner, &question));
    org.owner.act(&format!("/members/{other}/resume")).expect(200);
    assert!(decide(&org.owner, &question));
    org.owner.delete(&format!("/members/{other}")).expect(204);
    assert!(!decide(&org.owner, &question));
}
