//! `/teams`: they nest, never in a circle, and go when nothing belongs to them.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// A line of teams, each a part of the one before.
fn line(org: &Org, length: usize) -> Vec<String> {
    let mut teams: Vec<String> = Vec::new();
    for level in 1..=length {
        let body = json!({"name": format!("level {level}"), "parent_id": teams.last()});
        teams.push(org.owner.post("/teams", &body).expect(201).id());
    }
    teams
}

#[test]
fn a_team_is_made_read_changed_and_deleted() {
    let org = Org::new(app(), "team-life");
    let body = json!({"name": "Crew", "description": "Sails"});
    let made = org.admin.post("/teams", &body).expect(201);
    let path = format!("/teams/{}", made.id());
    assert_eq!(made.header("location"), format!("/v1/tenants/team-life{path}"));
    assert_eq!((&made["name"], &made["description"]), (&json!("Crew"), &json!("Sails")));
    assert_eq!((&made["parent_id"], &made["version"]), (&json!(null), &json!(1)));
    assert_eq!(org.member.get(&path).expect(200).json, made.json);

    let changed = org.admin.patch(&path, &json!({"name": "Band"})).expect(200);
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Band"), &json!("Sails")));
    assert_eq!(changed["version"], 2);
    assert!(changed["updated_at"].as_str() > changed["created_at"].as_str());

    assert_eq!(org.admin.delete(&path).expect(204).text, "");
    org.admin.get(&path).problem(404, "not_found");
}

#[test]
fn a_name_is_one_teams_alone() {
    let org = Org::new(app(), "team-names");
    org.team("one");
    let two = format!("/teams/{}", org.team("two"));
    org.owner.post("/teams", &json!({"name": "one"})).problem(409, "name_taken");
    org.owner.patch(&two, &json!({"name": "one"})).problem(409, "name_taken");
    org.owner.patch(&two, &json!({"name": "two"})).expect(200);
}

#[test]
fn teams_nest_eight_deep_and_no_deeper() {
    let org = Org::new(app(), "team-depth");
    let teams = line(&org, 8);
    let below = json!({"name": "too deep", "parent_id": teams[7]});
    org.owner.post("/teams", &below).problem(409, "team_depth");
    let tall = org.team("tall");
    org.owner.post("/teams", &json!({"name": "part", "parent_id": tall})).expect(201);
    let moved =
        |parent: &str| org.owner.patch(&format!("/teams/{tall}"), &json!({"parent_id": parent}));
    moved(&teams[6]).problem(409, "team_depth");
    moved(&teams[5]).expect(200);
}

#[test]
fn no_team_becomes_an_ancestor_of_itself() {
    let org = Org::new(app(), "team-circles");
    let teams = line(&org, 3);
    let first = format!("/teams/{}", teams[0]);
    for parent in &teams {
        org.owner.patch(&first, &json!({"parent_id": parent})).problem(409, "team_cycle");
    }
    assert_eq!(org.owner.get(&first)["parent_id"], json!(null));
}

#[test]
fn a_team_moves_below_another_and_out_again() {
    let org = Org::new(app(), "team-moves");
    let (one, two) = (org.team("one"), org.team("two"));
    let path = format!("/teams/{two}");
    let moved = org.owner.patch(&path, &json!({"parent_id": one})).expect(200);
    assert_eq!(moved["parent_id"], json!(one));
    assert_eq!(org.owner.column(&format!("/teams?parent_id={one}"), "id"), [two.as_str()]);
    let renamed = org.owner.patch(&path, &json!({"name": "second"})).expect(200);
    assert_eq!(renamed["parent_id"], json!(one), "what is not named stays");
    let out = org.owner.patch(&path, &json!({"parent_id": null})).expect(200);
    assert_eq!(out["parent_id"], json!(null));
    let lost = org.owner.patch(&path, &json!({"parent_id": NOBODY})).problem(422, "invalid");
    assert_eq!(lost.fields(), ["/parent_id"]);
}

#[test]
fn a_team_with_parts_or_workspaces_stays() {
    let org = Org::new(app(), "team-full");
    let teams = line(&org, 2);
    let whole = format!("/teams/{}", teams[0]);
    org.owner.delete(&whole).problem(409, "not_empty");
    org.owner.delete(&format!("/teams/{}", teams[1])).expect(204);
    let workspace = org.workspace("theirs", "team", &teams[0]);
    org.owner.delete(&whole).problem(409, "not_empty");
    org.owner.delete(&format!("/workspaces/{workspace}")).expect(204);
    org.owner.delete(&whole).expect(204);
}

#[test]
fn a_deleted_team_takes_its_places_and_entries_with_it() {
    let org = Org::new(app(), "team-gone");
    let team = org.team("gone");
    org.join(&team, "guest", "member");
    let resource = org.resource("shared", "private");
    org.share(&resource, &team, "read");
    org.guest.get(&format!("/resources/{resource}")).expect(200);
    org.owner.delete(&format!("/teams/{team}")).expect(204);
    org.guest.get(&format!("/resources/{resource}")).problem(404, "not_found");
    assert_eq!(org.owner.all(&format!("/resources/{resource}/acl"), 50).len(), 0);
    assert_eq!(org.owner.all("/principals?type=team", 50).len(), 0);
}

#[test]
fn teams_are_listed_by_name_and_found_by_prefix() {
    let org = Org::new(app(), "team-lists");
    for name in ["b", "Ab", "aa", "ab", "abc", "a%", "ä"] {
        org.team(name);
    }
    assert_eq!(org.member.column("/teams", "name"), ["Ab", "a%", "aa", "ab", "abc", "b", "ä"]);
    assert_eq!(org.member.column("/teams?name_prefix=ab", "name"), ["ab", "abc"]);
    assert_eq!(org.member.column("/teams?name_prefix=a%25", "name"), ["a%"]);
    assert_eq!(org.member.column("/teams?name_prefix=_", "name"), [""; 0]);
}

#[test]
fn a_maintainer_keeps_the_team_but_not_its_place_among_others() {
    let org = Org::new(app(), "team-maintainers");
    let (team, other) = (org.team("kept"), org.team("other"));
    org.join(&team, "member", "maintainer");
    let path = format!("/teams/{team}");
    org.member.patch(&path, &json!({"description": "kept well"})).expect(200);
    org.member.patch(&path, &json!({"parent_id": other})).problem(403, "forbidden");
    org.member.patch(&path, &json!({"parent_id": null})).problem(403, "forbidden");
    org.member.delete(&path).problem(403, "forbidden");
    org.member.patch(&format!("/teams/{other}"), &json!({"name": "x"})).problem(403, "forbidden");
}

#[test]
fn a_guest_sees_the_teams_that_they_belong_to_and_those_above() {
    let org = Org::new(app(), "team-guests");
    let teams = line(&org, 2);
    let beside = org.team("beside");
    org.join(&teams[1], "guest", "member");
    let see = |team: &str| org.guest.get(&format!("/teams/{team}")).status;
    assert_eq!([see(&teams[1]), see(&teams[0]), see(&beside)], [200, 200, 404]);
}
