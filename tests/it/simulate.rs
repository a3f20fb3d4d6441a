//! `/access/v1/simulate`: which decisions a change would change, without making it.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::client::Answer;
use crate::org::{Org, manifest};
use crate::shared;

shared!();

const SIMULATE: &str = "/access/v1/simulate";

fn ask(org: &Org, changes: &Value, questions: &Value) -> Answer {
    org.owner.post(SIMULATE, &json!({"changes": changes, "questions": questions}))
}

fn questions(subjects: &Value, actions: &[&str], kind: &str, id: &str) -> Value {
    json!({"subjects": subjects, "actions": actions, "resources": [{"type": kind, "id": id}]})
}

/// Whose decisions change, and to what.
fn changed(answer: &Answer) -> Vec<(String, bool)> {
    let each = answer["changes"].as_array().unwrap().iter();
    each.map(|one| {
        assert_ne!(one["before"], one["after"], "{one}");
        (one["subject"]["id"].as_str().unwrap().to_owned(), one["after"] == true)
    })
    .collect()
}

#[test]
fn a_member_with_another_role_or_state_decides_otherwise() {
    let org = Org::new(app(), "simulated-members");
    let (member, other, guest) =
        (org.account("member"), org.account("other"), org.account("guest"));
    let newcomer = org.outsider("newcomer");
    let about = questions(&json!("everybody"), &["team.list"], "tenant", &org.id);
    let cases = [
        (json!({"account_id": member, "role": "guest"}), vec![(member.clone(), false)]),
        (json!({"account_id": guest, "role": "member"}), vec![(guest, true)]),
        (json!({"account_id": other, "state": "suspended"}), vec![(other.clone(), false)]),
        (json!({"account_id": other, "state": "removed"}), vec![(other, false)]),
        (json!({"account_id": newcomer, "role": "member"}), vec![(newcomer, true)]),
        (json!({"account_id": member, "role": "owner"}), vec![]),
    ];
    for (change, expected) in cases {
        let answer = ask(&org, &json!({"members": [change]}), &about).expect(200);
        assert_eq!(changed(&answer), expected, "{change}");
    }
    let answer = ask(&org, &json!({"members": [{"account_id": member, "role": "guest"}]}), &about);
    let change = &answer.expect(200)["changes"][0];
    assert_eq!(change["policies_before"], json!(["member-sees-people"]));
    assert_eq!(change["policies_after"], json!([]));
    assert_eq!(
        (&change["action"], &change["resource"]["id"]),
        (&json!("team.list"), &json!(org.id))
    );
}

#[test]
fn a_place_in_a_team_reaches_what_the_team_reaches() {
    let org = Org::new(app(), "simulated-teams");
    let (inner, outer) = (org.team("inner"), org.team("outer"));
    org.owner.patch(&format!("/teams/{inner}"), &json!({"parent_id": outer})).expect(200);
    org.join(&inner, "other", "maintainer");
    let shared = org.resource("shared", "private");
    org.share(&shared, &outer, "write");
    let owned = org.resource_in(&org.workspace("owned", "team", &inner), "owned", "private");
    let (member, other) = (org.account("member"), org.account("other"));
    let place = |who: &str, role: Value| json!({"team_members": [{"team_id": inner, "account_id": who, "role": role}]});
    let decides = |change: &Value, action: &str, resource: &str| {
        let about = questions(&json!([member, other]), &[action], "prompt", resource);
        changed(&ask(&org, change, &about).expect(200))
    };
    let comes = place(&member, json!("member"));
    assert_eq!(decides(&comes, "resource.update", &shared), [(member.clone(), true)]);
    assert_eq!(decides(&comes, "resource.update", &owned), [(member.clone(), true)]);
    assert_eq!(decides(&comes, "resource.delete", &owned), []);
    let keeps = place(&member, json!("maintainer"));
    assert_eq!(decides(&keeps, "resource.delete", &owned), [(member.clone(), true)]);
    let about = questions(&json!([member]), &["team.update"], "team", &inner);
    assert_eq!(changed(&ask(&org, &keeps, &about).expect(200)), [(member.clone(), true)]);
    let goes = place(&other, Value::Null);
    assert_eq!(decides(&goes, "resource.read", &shared), [(other.clone(), false)]);
    let falls = place(&other, json!("member"));
    assert_eq!(decides(&falls, "resource.delete", &owned), [(other.clone(), false)]);
    assert_eq!(decides(&falls, "resource.update", &owned), []);
}

#[test]
fn a_custom_role_gives_what_it_would_permit_to_whom_it_would_reach() {
    let org = Org::new(app(), "simulated-roles");
    let hidden = org.resource("hidden", "private");
    let (member, guest) = (org.account("member"), org.account("guest"));
    let role = org.role("reader", &json!(["resource.read"]));
    org.assign(&role, &member);
    let decides = |change: Value, action: &str| {
        let about = questions(&json!([member, guest]), &[action], "prompt", &hidden);
        changed(&ask(&org, &json!({"roles": [change]}), &about).expect(200))
    };
    let wider = json!({"id": role, "permissions": ["resource.*"]});
    assert_eq!(decides(wider, "resource.delete"), [(member.clone(), true)]);
    let taken = json!({"id": role, "principals": []});
    assert_eq!(decides(taken, "resource.read"), [(member.clone(), false)]);
    let moved = json!({"id": role, "principals": [guest]});
    let mut both = vec![(member.clone(), false), (guest.clone(), true)];
    both.sort();
    assert_eq!(decides(moved, "resource.read"), both);
    let new = json!({"name": "editor", "permissions": ["resource.read", "resource.update"], "principals": [org.id]});
    assert_eq!(decides(new, "resource.update"), [(member.clone(), true)], "guests are left out");
    let nobodys = json!({"name": "nobody's", "permissions": ["resource.*"]});
    assert_eq!(decides(nobodys, "resource.read"), []);
}

#[test]
fn another_mode_of_row_security_delivers_more() {
    let org = Org::new(app(), "simulated-modes");
    let hidden = org.resource("hidden", "private");
    let about = json!({
        "subjects": "everybody", "actions": ["resource.read", "resource.update"],
        "resources": {"type": "prompt"},
    });
    for (mode, count) in [("off", 3), ("shadow", 3), ("enforce", 0)] {
        let answer = ask(&org, &json!({"row_security": mode}), &about).expect(200);
        assert_eq!(changed(&answer).len(), count, "{mode}: {}", answer.text);
        assert_eq!(answer["evaluated"], 10, "five people, two actions, one resource");
        assert!(answer.text.contains(&hidden) || count == 0);
    }
}

#[test]
fn changes_come_in_order_and_each_once() {
    let org = Org::new(app(), "simulated-order");
    let ids: Vec<_> = (0..3).map(|n| org.resource(&format!("thing {n}"), "private")).collect();
    let member = org.account("member");
    let listed: Vec<_> =
        ids.iter().rev().chain(&ids).map(|id| json!({"type": "prompt", "id": id})).collect();
    let about = json!({
        "subjects": [member, member], "actions": ["resource.update", "resource.read"],
        "resources": listed,
    });
    let changes = json!({"members": [{"account_id": member, "role": "admin"}]});
    let answer = ask(&org, &changes, &about).expect(200);
    assert_eq!(answer["evaluated"], 6);
    let found = answer["changes"].as_array().unwrap().iter();
    let found: Vec<_> = found
        .map(|one| (one["action"].as_str().unwrap(), one["resource"]["id"].as_str().unwrap()))
        .collect();
    let mut sorted = found.clone();
    sorted.sort_unstable();
    assert_eq!((found.len(), &found), (6, &sorted));
}

#[test]
fn more_than_can_be_asked_is_refused_and_counted() {
    let org = Org::new(app(), "simulated-many");
    let nobody = |n: u32| format!("01890000-0000-7000-8000-{n:012}");
    let subjects: Vec<_> = (0..101).map(nobody).collect();
    let resources: Vec<_> = (0..50).map(|n| json!({"type": "prompt", "id": nobody(n)})).collect();
    let about = |actions: &[&str], subjects: &[String]| json!({"subjects": subjects, "actions": actions, "resources": resources});
    let two = ["resource.read", "resource.update"];
    let answer = ask(&org, &json!({}), &about(&two, &subjects));
    assert_eq!(answer.fields(), ["/questions"]);
    assert!(answer.text.contains("10100"), "{}", answer.text);
    answer.problem(422, "invalid");
    let most = ask(&org, &json!({}), &about(&two, &subjects[..100])).expect(200);
    assert_eq!((&most["evaluated"], &most["changes"]), (&json!(10_000), &json!([])));
}

#[test]
fn what_cannot_be_supposed_or_asked_is_refused_by_its_field() {
    let org = Org::new(app(), "simulated-bad");
    let other = Org::new(app(), "simulated-bad-2");
    let nobody = "01890000-0000-7000-8000-000000000000";
    let (member, team) = (org.account("member"), org.team("there"));
    let (role, foreign) = (org.role("there", &json!(["team.list"])), other.team("foreign"));
    let fine = questions(&json!([member]), &["tenant.read"], "tenant", &org.id);
    let place = |team: &str, who: &str| json!({"team_members": [{"team_id": team, "account_id": who, "role": "member"}]});
    let of_role = |role: Value| json!({"roles": [role]});
    let cases = [
        (
            json!({"members": [{"account_id": nobody, "role": "member"}]}),
            "/changes/members/0/account_id",
        ),
        (json!({"members": [{"account_id": org.outsider("x")}]}), "/changes/members/0/role"),
        (
            json!({"members": [{"account_id": member}, {"account_id": member}]}),
            "/changes/members/1/account_id",
        ),
        (place(&foreign, &member), "/changes/team_members/0/team_id"),
        (place(&team, nobody), "/changes/team_members/0/account_id"),
        (
            json!({"team_members": [{"team_id": team, "account_id": member}]}),
            "/changes/team_members/0/role",
        ),
        (of_role(json!({"id": nobody})), "/changes/roles/0/id"),
        (of_role(json!({})), "/changes/roles/0"),
        (of_role(json!({"id": role, "name": "both"})), "/changes/roles/0"),
        (of_role(json!({"name": "bare"})), "/changes/roles/0/permissions"),
        (of_role(json!({"name": "x", "permissions": []})), "/changes/roles/0/permissions"),
        (
            of_role(json!({"name": "x", "permissions": ["fly.high"]})),
            "/changes/roles/0/permissions/0",
        ),
        (
            of_role(json!({"name": "x", "permissions": ["resource.update"]})),
            "/changes/roles/0/permissions/0",
        ),
        (of_role(json!({"id": role, "principals": [foreign]})), "/changes/roles/0/principals"),
        (json!({"row_security": "sometimes"}), "/changes/row_security"),
        (
            json!({"applications": [{"application": "never-bound", "policies": []}]}),
            "/changes/applications/0/application",
        ),
        (json!({"odd": 1}), "/changes/odd"),
    ];
    for (changes, field) in cases {
        let refused = ask(&org, &changes, &fine);
        assert_eq!(refused.fields(), [field], "{changes}: {}", refused.text);
        refused.problem(422, "invalid");
    }
    let cases = [
        (json!({"subjects": "nobody", "actions": [], "resources": []}), "/questions/subjects"),
        (json!({"subjects": ["x"], "actions": [], "resources": []}), "/questions/subjects/0"),
        (
            json!({"subjects": [], "actions": ["resource.fly"], "resources": []}),
            "/questions/actions",
        ),
        (
            json!({"subjects": [], "actions": [], "resources": {"type": "unheard-of"}}),
            "/questions/resources/type",
        ),
        (
            json!({"subjects": [], "actions": [], "resources": {"type": "member"}}),
            "/questions/resources/type",
        ),
        (json!({"subjects": [], "actions": [], "resources": [1]}), "/questions/resources/0"),
    ];
    for (questions, field) in cases {
        let refused = ask(&org, &json!({}), &questions);
        assert_eq!(refused.fields(), [field], "{questions}: {}", refused.text);
        refused.problem(422, "invalid");
    }
}

fn file_of(org: &Org) -> PathBuf {
    let data = org.app.place().data();
    let folder = data.join("tenants").join(&org.id[org.id.len() - 2..]);
    folder.join(format!("{}.db", org.id))
}

#[test]
fn a_simulation_leaves_not_one_byte_in_the_file() {
    let org = Org::new(app(), "simulated-bytes");
    org.resource("thing", "private");
    let file = file_of(&org);
    let bytes = || {
        let wal = file.with_extension("db-wal");
        (std::fs::read(&file).unwrap(), std::fs::read(wal).unwrap_or_default())
    };
    // What a denial leaves is written by now, and projected.
    let before = bytes();
    let changes = json!({
        "members": [{"account_id": org.account("guest"), "role": "admin"}], "row_security": "off",
        "roles": [{"name": "everything", "permissions": ["*"], "principals": [org.id]}],
    });
    let about = json!({
        "subjects": "everybody", "actions": ["resource.read", "team.create"],
        "resources": {"type": "prompt"},
    });
    for _ in 0..5 {
        let answer = ask(&org, &changes, &about).expect(200);
        assert!(!changed(&answer).is_empty());
    }
    assert!(bytes() == before, "a simulation wrote something");
}

#[test]
fn simulations_are_for_administrators() {
    let org = Org::new(app(), "simulated-by-whom");
    let body = json!({
        "changes": {},
        "questions": questions(&json!("everybody"), &["tenant.read"], "tenant", &org.id),
    });
    for caller in [&org.owner, &org.admin] {
        let answer = caller.post(SIMULATE, &body).expect(200);
        assert_eq!((&answer["evaluated"], &answer["changes"]), (&json!(5), &json!([])));
    }
    for caller in [&org.member, &org.guest] {
        caller.post(SIMULATE, &body).problem(403, "forbidden");
    }
}

#[test]
fn what_a_simulation_says_happens_when_the_change_is_made() {
    let org = Org::new(app(), "simulated-made");
    let hidden = org.resource("hidden", "private");
    let guest = org.account("guest");
    let about = questions(&json!([guest]), &["resource.delete"], "prompt", &hidden);
    let changes = json!({"members": [{"account_id": guest, "role": "admin"}]});
    assert_eq!(changed(&ask(&org, &changes, &about).expect(200)), [(guest.clone(), true)]);
    org.seen_by(&org.guest.root()).get(&format!("/resources/{hidden}")).problem(404, "not_found");
    org.owner.patch(&format!("/members/{guest}"), &json!({"role": "admin"})).expect(200);
    assert_eq!(changed(&ask(&org, &changes, &about).expect(200)), []);
    org.guest.delete(&format!("/resources/{hidden}")).expect(204);
}

#[test]
fn candidate_policies_of_an_application_decide_in_place_of_those_in_force() {
    let org = Org::new(app(), "simulated-apps");
    let declared = manifest("simulated-app");
    app().operator().post("/v1/platform/applications", &declared).expect(201);
    org.owner.put_new("/applications/simulated-app", &json!({})).expect(201);
    let body = json!({
        "type": "simulated_app", "workspace_id": org.everyone, "name": "thing", "visibility": "tenant"
    });
    let thing = org.owner.post("/resources", &body).expect(201).id();
    let policies = |text: &str| {
        let policies = [json!({"name": "main", "text": text})];
        json!({"applications": [{"application": "simulated-app", "policies": policies}]})
    };
    let about = json!({
        "subjects": "everybody", "actions": ["simulated_app.view", "resource.read"],
        "resources": {"type": "simulated_app"},
    });
    let strict = "@id(\"keepers\") @sentence(\"Whoever keeps a thing may view it.\")\n\
        permit (principal, action, resource) when { resource.permission >= 3 };";
    let answer = ask(&org, &policies(strict), &about).expect(200);
    let mut two = vec![(org.account("member"), false), (org.account("other"), false)];
    two.sort();
    assert_eq!(changed(&answer), two, "{}", answer.text);
    let change = &answer["changes"][0];
    assert_eq!(change["policies_before"], json!(["simulated-app/readers-view"]));
    assert_eq!((&change["policies_after"], &change["resource"]["id"]), (&json!([]), &json!(thing)));
    let named = "@id(\"by-role\") @sentence(\"By role.\")\n\
        permit (principal, action, resource) when { principal.roles.contains(\"viewer\") };";
    let mut both = policies(named);
    both["roles"] = json!([{
        "name": "viewer", "permissions": ["team.list"], "principals": [org.account("guest")],
    }]);
    let answer = ask(&org, &both, &about).expect(200);
    assert!(changed(&answer).contains(&(org.account("guest"), true)), "{}", answer.text);
    for (text, field) in [
        ("permit (", "/changes/applications/0/policies/0/text"),
        ("permit (principal, action, resource);", "/changes/applications/0/policies/0/text"),
    ] {
        let refused = ask(&org, &policies(text), &about);
        assert_eq!(refused.fields(), [field], "{}", refused.text);
        refused.problem(422, "invalid");
    }
}
