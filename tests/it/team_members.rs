//! `/teams/{team}/members`: who has a place in a team.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn a_place_is_given_read_changed_and_taken_away() {
    let org = Org::new(app(), "place-life");
    let (team, other) = (org.team("crew"), org.account("other"));
    let path = format!("/teams/{team}/members/{other}");
    org.owner.get(&path).problem(404, "not_found");
    let given = org.owner.put_new(&path, &json!({"role": "member"})).done();
    assert_eq!((&given["account_id"], &given["id"]), (&json!(other), &json!(other)));
    assert_eq!(
        (&given["role"], &given["display_name"]),
        (&json!("member"), &json!("place-life-other"))
    );
    assert_eq!(org.member.get(&path).expect(200).json, given.json);
    let changed = org.owner.put_over(&path, &json!({"role": "maintainer"})).expect(200);
    assert_eq!((&changed["role"], &changed["version"]), (&json!("maintainer"), &json!(2)));
    org.owner.delete(&path).expect(204);
    org.owner.get(&path).problem(404, "not_found");
}

#[test]
fn only_members_have_places() {
    let org = Org::new(app(), "place-strangers");
    let (team, stranger) = (org.team("crew"), org.outsider("stranger"));
    let put = |account: &str| {
        org.owner.put_new(&format!("/teams/{team}/members/{account}"), &json!({"role": "member"}))
    };
    put(&stranger).problem(404, "not_found");
    put(&team).problem(404, "not_found");
    let removed = org.newcomer("removed", "member");
    org.owner.delete(&format!("/members/{removed}")).expect(204);
    put(&removed).problem(404, "not_found");
}

#[test]
fn places_are_listed_by_name_and_role() {
    let org = Org::new(app(), "place-lists");
    let team = org.team("crew");
    for (name, role) in [("other", "member"), ("member", "maintainer"), ("guest", "member")] {
        org.join(&team, name, role);
    }
    let names = |filter: &str| {
        let names = org.member.column(&format!("/teams/{team}/members{filter}"), "display_name");
        names.into_iter().map(|name| name.replace("place-lists-", "")).collect::<Vec<_>>()
    };
    assert_eq!(names(""), ["guest", "member", "other"]);
    assert_eq!(names("?role=maintainer"), ["member"]);
}

#[test]
fn a_maintainer_gives_and_takes_places_and_others_do_not() {
    let org = Org::new(app(), "place-maintainers");
    let (team, other) = (org.team("crew"), org.account("other"));
    org.join(&team, "member", "maintainer");
    let path = format!("/teams/{team}/members/{other}");
    org.guest.put_new(&path, &json!({"role": "member"})).problem(404, "not_found");
    org.member.put_new(&path, &json!({"role": "member"})).done();
    let others = org.caller("other");
    others.put_over(&path, &json!({"role": "maintainer"})).problem(403, "forbidden");
    others.delete(&path).problem(403, "forbidden");
    org.member.delete(&path).expect(204);
}

#[test]
fn maintaining_a_team_is_not_maintaining_its_parts() {
    let org = Org::new(app(), "place-parts");
    let team = org.team("whole");
    let part =
        org.owner.post("/teams", &json!({"name": "part", "parent_id": team})).expect(201).id();
    org.join(&team, "member", "maintainer");
    let path = format!("/teams/{part}/members/{}", org.account("other"));
    org.member.put_new(&path, &json!({"role": "member"})).problem(403, "forbidden");
}

#[test]
fn a_place_gives_what_the_team_and_all_above_it_have() {
    let org = Org::new(app(), "place-grants");
    let whole = org.team("whole");
    let part =
        org.owner.post("/teams", &json!({"name": "part", "parent_id": whole})).expect(201).id();
    let (of_whole, of_part) =
        (org.resource("of whole", "private"), org.resource("of part", "private"));
    org.share(&of_whole, &whole, "read");
    org.share(&of_part, &part, "write");
    org.join(&part, "guest", "member");
    org.join(&whole, "other", "member");
    let see = |who: &crate::client::Client| who.column("/resources", "name");
    assert_eq!(see(&org.guest), ["of whole", "of part"]);
    assert_eq!(see(&org.caller("other")), ["of whole"]);
    assert_eq!(see(&org.member), [""; 0]);
    org.owner.delete(&format!("/teams/{part}/members/{}", org.account("guest"))).expect(204);
    assert_eq!(see(&org.guest), [""; 0]);
}
