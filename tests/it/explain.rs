//! `/access/v1/explain`: why a decision is what it is.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::org::{Org, manifest};
use crate::shared;

shared!();

const EXPLAIN: &str = "/access/v1/explain";

fn question(subject: &str, action: &str, kind: &str, id: &str) -> Value {
    json!({
        "subject": {"type": "account", "id": subject},
        "action": {"name": action},
        "resource": {"type": kind, "id": id},
    })
}

/// The explanation, which says what an evaluation says.
#[track_caller]
fn explained(caller: &Client, question: &Value) -> Answer {
    let answer = caller.post(EXPLAIN, question).expect(200);
    let evaluated = caller.post("/access/v1/evaluation", question).expect(200);
    assert_eq!(answer["decision"], evaluated["decision"], "{question}");
    answer
}

fn ids(policies: &Value) -> Vec<&str> {
    policies.as_array().unwrap().iter().map(|policy| policy["id"].as_str().unwrap()).collect()
}

#[test]
fn what_decided_is_told_in_sentences() {
    let org = Org::new(app(), "explained");
    let about = |who: &str, action: &str| question(&org.account(who), action, "tenant", &org.id);
    let cases = [
        ("owner", "team.create", "permitted", vec!["owner"]),
        ("admin", "owner.create", "forbidden", vec!["owners-add-owners"]),
        ("guest", "team.create", "nothing_permits", vec![]),
        ("member", "tenant.read", "permitted", vec!["everyone"]),
    ];
    for (who, action, reason, policies) in cases {
        let answer = explained(&org.admin, &about(who, action));
        assert_eq!(answer["reason"], json!(reason), "{who} {action}: {}", answer.text);
        assert_eq!(ids(&answer["policies"]), policies, "{who} {action}");
        let facts = &answer["facts"];
        assert_eq!(facts["subject"]["properties"]["role"], json!(who), "{}", answer.text);
        assert_eq!(facts["action"]["name"], json!(action));
        assert_eq!(facts["resource"]["type"], "tenant");
        assert_eq!(facts["context"]["tenant"]["slug"], json!(org.slug));
        assert_eq!((&answer["permission"], &answer["sources"]), (&Value::Null, &json!([])));
    }
    let owner = explained(&org.admin, &about("owner", "team.create"));
    let said = json!({
        "id": "owner", "effect": "permit", "sentence": "An owner may do everything in the tenant."
    });
    assert_eq!(owner["policies"], json!([said]));
    let admin = explained(&org.admin, &about("admin", "owner.create"));
    assert_eq!(admin["policies"][0]["effect"], "forbid");
}

#[test]
fn a_log_in_that_would_turn_a_refusal_is_named() {
    let org = Org::new(app(), "explained-step-up");
    let about = |who: &str| question(&org.account(who), "owner.create", "tenant", &org.id);
    let owner = explained(&org.admin, &about("owner"));
    assert_eq!(owner["decision"], false);
    assert_eq!(ids(&owner["policies"]), ["step-up"]);
    assert_eq!(owner["step_up"], json!({"acr_values": ["phr", "phrh"], "max_age_s": 3600}));
    // No log-in makes an owner of an administrator.
    assert_eq!(explained(&org.owner, &about("admin"))["step_up"], Value::Null);
}

#[test]
fn what_is_not_known_is_named() {
    let org = Org::new(app(), "explained-unknown");
    let other = Org::new(app(), "explained-unknown-2");
    let (owner, resource) = (org.account("owner"), org.resource("known", "tenant"));
    let foreign = other.resource("foreign", "tenant");
    let cases = [
        (question("nonsense", "tenant.read", "tenant", &org.id), "unknown_subject"),
        (question(&owner, "resource.fly", "prompt", &resource), "unknown_action"),
        (question(&owner, "tenant.suspend", "tenant", &org.id), "unknown_action"),
        (question(&owner, "resource.read", "prompt", &foreign), "unknown_resource"),
        (question(&owner, "resource.read", "prompt", "nonsense"), "unknown_resource"),
        (question(&owner, "resource.read", "model", &resource), "unknown_resource"),
        (question(&owner, "resource.read", "unheard-of", &resource), "unknown_resource"),
        (question(&owner, "tenant.read", "tenant", &other.id), "unknown_resource"),
    ];
    for (question, reason) in cases {
        let answer = explained(&org.owner, &question);
        assert_eq!((&answer["reason"], &answer["facts"]), (&json!(reason), &Value::Null));
        assert_eq!(answer["policies"], json!([]), "{question}");
    }
    // Of an account that was never a member nothing is told, not even that it is one; of a former one, why not.
    let stranger = question(&org.outsider("stranger"), "tenant.read", "tenant", &org.id);
    let unheard =
        question("0192f000-0000-7000-8000-00000000dead", "tenant.read", "tenant", &org.id);
    let (known, unknown) = (explained(&org.owner, &stranger), explained(&org.owner, &unheard));
    assert_eq!(known.text, unknown.text);
    assert_eq!(known["reason"], "unknown_subject");
    let gone = org.account("member");
    org.owner.delete(&format!("/members/{gone}")).expect(204);
    let answer = explained(&org.owner, &question(&gone, "tenant.read", "tenant", &org.id));
    assert_eq!(ids(&answer["policies"]), ["tenant-boundary"], "{}", answer.text);
}

/// Where a permission comes from, each with what it gives.
fn sources(answer: &Answer) -> Vec<(String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let each = answer["sources"].as_array().unwrap().iter();
    each.map(|one| (text(&one["source"]), text(&one["permission"]), text(&one["principal"]["id"])))
        .collect()
}

#[test]
fn a_permission_is_told_with_everything_that_it_comes_from() {
    let org = Org::new(app(), "explained-sources");
    let (crew, ship) = (org.team("crew"), org.team("ship"));
    org.join(&crew, "other", "maintainer");
    org.owner.patch(&format!("/teams/{crew}"), &json!({"parent_id": ship})).expect(200);
    let hold = org.workspace("hold", "team", &crew);
    let resource = org.resource_in(&hold, "cargo", "workspace");
    org.share(&resource, &ship, "write");
    org.share(&resource, &org.account("guest"), "read");
    org.share(&resource, &org.id, "read");
    let told = |who: &str| {
        explained(&org.owner, &question(&org.account(who), "resource.update", "prompt", &resource))
    };
    let row = |source: &str, permission: &str, principal: &str| {
        (source.to_owned(), permission.to_owned(), principal.to_owned())
    };
    let other = told("other");
    assert_eq!(other["permission"], "admin");
    assert_eq!(
        sources(&other),
        [
            row("workspace", "admin", &crew),
            row("acl", "write", &ship),
            row("visibility", "read", &crew),
            row("acl", "read", &org.id),
        ]
    );
    let guest = org.account("guest");
    assert_eq!(sources(&told("guest")), [row("acl", "read", &guest)]);
    assert_eq!(sources(&told("member")), [row("acl", "read", &org.id)]);
    let owner = told("owner");
    let highest = [row("role", "admin", ""), row("owner", "admin", "")];
    assert_eq!(sources(&owner)[..2], highest, "{}", owner.text);
    assert_eq!(owner["sources"][0]["role"], "owner");

    let role = org.role("editor", &json!(["resource.read", "resource.update"]));
    org.assign(&role, &org.account("member"));
    let member = told("member");
    assert_eq!(member["permission"], "write");
    let given = &member["sources"][0];
    assert_eq!((&given["source"], &given["permission"]), (&json!("custom_roles"), &json!("write")));
    let principal = json!({"type": "account", "id": org.account("member")});
    let named = json!([{"id": role, "name": "editor", "principal": principal}]);
    assert_eq!(given["custom_roles"], named);
}

#[test]
fn a_resource_that_somebody_may_nothing_to_has_no_sources() {
    let org = Org::new(app(), "explained-nothing");
    let resource = org.resource("hidden", "private");
    let about = question(&org.account("member"), "resource.read", "prompt", &resource);
    let answer = explained(&org.owner, &about);
    assert_eq!((&answer["permission"], &answer["sources"]), (&Value::Null, &json!([])));
    assert_eq!(answer["decision"], false);
}

#[test]
fn a_mode_that_withholds_nothing_is_a_source() {
    let org = Org::new(app(), "explained-modes");
    let resource = org.resource("hidden", "private");
    let path = format!("/v1/platform/tenants/{}/row-security", org.slug);
    app().host().put_over(&path, &json!({"mode": "off"})).expect(200);
    let about = question(&org.account("member"), "resource.read", "prompt", &resource);
    let answer = explained(&org.owner, &about);
    assert_eq!(sources(&answer)[0].0, "row_security", "{}", answer.text);
    assert_eq!((&answer["decision"], &answer["permission"]), (&json!(true), &json!("read")));
}

#[test]
fn explanations_are_for_administrators_and_whom_they_give_a_role() {
    let org = Org::new(app(), "explained-to-whom");
    let about = question(&org.account("member"), "tenant.read", "tenant", &org.id);
    for caller in [&org.member, &org.guest] {
        caller.post(EXPLAIN, &about).problem(403, "forbidden");
    }
    let role = org.role("helpdesk", &json!(["access.explain"]));
    org.assign(&role, &org.account("member"));
    org.member.post(EXPLAIN, &about).expect(200);
    org.member.post("/access/v1/simulate", &json!({})).problem(422, "invalid");
}

#[test]
fn an_explanation_leaves_no_trace() {
    let org = Org::new(app(), "explained-traceless");
    let resource = org.resource("thing", "private");
    let before = app().db(&org.id).written();
    let about = question(&org.account("guest"), "resource.delete", "prompt", &resource);
    explained(&org.owner, &about);
    assert_eq!(app().db(&org.id).written(), before);
}

#[test]
fn a_question_that_is_none_is_a_bad_request() {
    let org = Org::new(app(), "explained-bad");
    let good = question(&org.account("owner"), "tenant.read", "tenant", &org.id);
    for part in ["subject", "action", "resource"] {
        let mut bad = good.clone();
        bad.as_object_mut().unwrap().remove(part);
        org.owner.post(EXPLAIN, &bad).expect(400);
    }
}

#[test]
fn an_applications_decision_is_told_by_its_own_policies() {
    let org = Org::new(app(), "explained-apps");
    let declared = manifest("explained-app");
    app().operator().post("/v1/platform/applications", &declared).expect(201);
    org.owner.put_new("/applications/explained-app", &json!({})).expect(201);
    let body = json!({
        "type": "explained_app", "workspace_id": org.everyone, "name": "thing", "visibility": "tenant"
    });
    let thing = org.owner.post("/resources", &body).expect(201).id();
    let told = |who: &str| {
        explained(
            &org.owner,
            &question(&org.account(who), "explained_app.view", "explained_app", &thing),
        )
    };
    let member = told("member");
    let said = json!({
        "id": "explained-app/readers-view", "effect": "permit",
        "sentence": "Whoever may read a thing may view it.",
    });
    assert_eq!(member["policies"], json!([said]), "{}", member.text);
    assert_eq!((&member["reason"], &member["permission"]), (&json!("permitted"), &json!("read")));
    assert_eq!(sources(&member)[0].0, "visibility");
    let resource = &member["facts"]["resource"];
    assert_eq!((&resource["type"], &resource["id"]), (&json!("explained_app"), &json!(thing)));
    assert_eq!(resource["properties"]["permission"], "read");
    assert_eq!(member["facts"]["action"]["name"], "explained_app.view");
    let principals = member["application"]["principals"].as_array().unwrap();
    assert!(principals.contains(&json!(org.account("member"))), "{}", member.text);
    let guest = told("guest");
    assert_eq!((&guest["reason"], &guest["policies"]), (&json!("nothing_permits"), &json!([])));
}
