//! `/workspaces`: whose they are, and who reaches them.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn a_workspace_is_made_read_renamed_and_deleted() {
    let org = Org::new(app(), "workspace-life");
    let owner = json!({"type": "tenant", "id": org.id});
    let made = org.admin.post("/workspaces", &json!({"name": "Lab", "owner": owner})).expect(201);
    let path = format!("/workspaces/{}", made.id());
    assert_eq!(made.header("location"), format!("/v1/tenants/workspace-life{path}"));
    assert_eq!((&made["name"], &made["owner"]), (&json!("Lab"), &owner));
    assert_eq!(org.member.get(&path).expect(200).json, made.json);
    let renamed = org.admin.patch(&path, &json!({"name": "Workshop"})).expect(200);
    assert_eq!((&renamed["name"], &renamed["version"]), (&json!("Workshop"), &json!(2)));
    org.admin.delete(&path).expect(204);
    org.admin.get(&path).problem(404, "not_found");
}

#[test]
fn a_name_is_one_workspaces_of_an_owner_alone() {
    let org = Org::new(app(), "workspace-names");
    let make = |name: &str, kind: &str, id: &str| {
        org.owner.post("/workspaces", &json!({"name": name, "owner": {"type": kind, "id": id}}))
    };
    make("everyone", "tenant", &org.id).problem(409, "name_taken");
    let second = make("second", "tenant", &org.id).expect(201).id();
    make("second", "account", &org.account("member")).expect(201);
    let renamed = org.owner.patch(&format!("/workspaces/{second}"), &json!({"name": "everyone"}));
    renamed.problem(409, "name_taken");
}

#[test]
fn a_workspace_with_something_in_it_stays() {
    let org = Org::new(app(), "workspace-full");
    let path = format!("/workspaces/{}", org.everyone);
    let resource = org.resource("inside", "private");
    org.owner.delete(&path).problem(409, "not_empty");
    org.owner.delete(&format!("/resources/{resource}")).expect(204);
    org.owner.delete(&path).expect(204);
}

#[test]
fn an_owner_must_be_one_here_and_of_the_type_named() {
    let (org, other) = (Org::new(app(), "workspace-owners"), Org::new(app(), "workspace-foreign"));
    let member = org.account("member");
    let cases = [
        ("team", member.as_str()),
        ("account", &org.id),
        ("tenant", &other.id),
        ("account", &org.outsider("nobody")),
    ];
    for (kind, id) in cases {
        let body = json!({"name": "x", "owner": {"type": kind, "id": id}});
        let status = org.owner.post("/workspaces", &body).status;
        assert!([404, 422].contains(&status), "{kind} {id}: {status}");
    }
    for (body, field) in [
        (json!({"name": "x"}), "/owner"),
        (json!({"name": "x", "owner": {"type": "robot", "id": member}}), "/owner/type"),
        (json!({"name": "x", "owner": {"type": "account"}}), "/owner/id"),
        (json!({"name": "x", "owner": {"type": "account", "id": member, "odd": 1}}), "/owner/odd"),
    ] {
        let answer = org.owner.post("/workspaces", &body).problem(422, "invalid");
        assert_eq!(answer.fields(), [field]);
    }
}

#[test]
fn a_member_makes_workspaces_of_their_own_and_of_teams_that_they_maintain() {
    let org = Org::new(app(), "workspace-makers");
    let (mine, theirs) = (org.team("mine"), org.team("theirs"));
    org.join(&mine, "member", "maintainer");
    org.join(&theirs, "member", "member");
    let make = |kind: &str, id: &str| {
        let body = json!({"name": "new", "owner": {"type": kind, "id": id}});
        org.member.post("/workspaces", &body).status
    };
    assert_eq!(make("account", &org.account("member")), 201);
    assert_eq!(make("team", &mine), 201);
    assert_eq!(make("team", &theirs), 403);
    assert_eq!(make("account", &org.account("other")), 403);
    assert_eq!(make("tenant", &org.id), 403);
}

#[test]
fn everybody_lists_the_workspaces_that_they_reach() {
    let org = Org::new(app(), "workspace-reach");
    let (crew, part) = (org.team("crew"), org.team("part"));
    org.owner.patch(&format!("/teams/{part}"), &json!({"parent_id": crew})).expect(200);
    org.join(&part, "guest", "member");
    org.workspace("crew", "team", &crew);
    org.workspace("part", "team", &part);
    org.workspace("private", "account", &org.account("other"));
    let names = |caller: &crate::client::Client| caller.column("/workspaces", "name");
    assert_eq!(names(&org.owner), ["crew", "everyone", "part", "private"]);
    assert_eq!(names(&org.member), ["everyone"]);
    assert_eq!(names(&org.caller("other")), ["everyone", "private"]);
    assert_eq!(names(&org.guest), ["crew", "part"]);
    let filtered = format!("/workspaces?owner_id={crew}");
    assert_eq!(org.owner.column(&filtered, "name"), ["crew"]);
    assert_eq!(org.member.column(&filtered, "name"), [""; 0]);
}

#[test]
fn whoever_keeps_a_workspace_renames_and_deletes_it_and_others_do_not() {
    let org = Org::new(app(), "workspace-keepers");
    let crew = org.team("crew");
    org.join(&crew, "member", "maintainer");
    org.join(&crew, "other", "member");
    let path = format!("/workspaces/{}", org.workspace("crew", "team", &crew));
    let other = org.caller("other");
    other.patch(&path, &json!({"name": "x"})).problem(403, "forbidden");
    other.delete(&path).problem(403, "forbidden");
    org.member.patch(&path, &json!({"name": "ours"})).expect(200);
    org.member.delete(&path).expect(204);
}
