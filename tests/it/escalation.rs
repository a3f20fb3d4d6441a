//! Nobody comes to hold what whoever gives it to them does not hold: every road to it, refused.

use freehold::http::{Mount, infos};
use serde_json::{Value, json};

use crate::asks::ask;
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

/// A tenant whose member keeps custom roles and teams, by a custom role, and nothing else.
fn kept<'a>(slug: &str, more: &[&str]) -> (Org<'a>, String) {
    let org = Org::new(app(), slug);
    let mut permissions = vec!["role.*", "role_assignment.*"];
    permissions.extend(more);
    let keeper = org.role("keeper", &json!(permissions));
    org.assign(&keeper, &org.account("member"));
    (org, keeper)
}

fn assign(caller: &Client, role: &str, principal: &str) -> Answer {
    caller.put_bare(&format!("/roles/{role}/assignments/{principal}"))
}

/// A refusal, and the fields that it names.
#[track_caller]
fn exceeds(answer: Answer, fields: &[&str]) -> String {
    let refused = answer.problem(403, "exceeds_granter");
    assert_eq!(refused.fields(), fields, "{}", refused.text);
    refused["errors"][0]["detail"].as_str().unwrap().to_owned()
}

fn new(permissions: &Value) -> Value {
    json!({"name": format!("new {permissions}"), "permissions": permissions})
}

#[test]
fn a_role_is_written_by_those_alone_who_hold_all_of_it() {
    let (org, keeper) = kept("exceed-write", &[]);
    let member = &org.member;
    let lacks = exceeds(
        member.post("/roles", &new(&json!(["role.list", "team.create"]))),
        &["/permissions/1"],
    );
    assert!(lacks.contains("team.create gives team.create, which you do not hold"), "{lacks}");
    let lacks = exceeds(member.post("/roles", &new(&json!(["resource.*"]))), &["/permissions/0"]);
    assert!(lacks.contains("resource.* gives resource."), "{lacks}");
    exceeds(member.post("/roles", &new(&json!(["*"]))), &["/permissions/0"]);
    exceeds(
        member.post("/roles", &new(&json!(["member.create", "tenant.*"]))),
        &["/permissions/0", "/permissions/1"],
    );
    // What every member holds, and what the keeper's own role gives.
    for good in [json!(["team.list"]), json!(["role.*"]), json!(["role.read", "role_assignment.*"])]
    {
        let made = member.post("/roles", &new(&good)).expect(201);
        let path = format!("/roles/{}", made.id());
        exceeds(member.patch(&path, &json!({"permissions": ["team.create"]})), &["/permissions/0"]);
        assert_eq!(member.get(&path)["permissions"], good);
    }
    exceeds(
        member.patch(&format!("/roles/{keeper}"), &json!({"permissions": ["*"]})),
        &["/permissions/0"],
    );
    let strong = org.role("strong", &json!(["resource.*"]));
    let path = format!("/roles/{strong}");
    exceeds(member.patch(&path, &json!({"name": "weak"})), &["/permissions/0"]);
    exceeds(member.patch(&path, &json!({"permissions": ["resource.read"]})), &["/permissions/0"]);
}

#[test]
fn a_pattern_that_will_cover_more_is_given_by_those_who_have_it_as_a_whole() {
    let each = ["team.list", "team.read", "team.create", "team.update", "team.move", "team.delete"];
    let (org, _) = kept("exceed-whole", &each);
    let lacks = exceeds(org.member.post("/roles", &new(&json!(["team.*"]))), &["/permissions/0"]);
    assert!(lacks.contains("yet to come"), "{lacks}");
    org.member.post("/roles", &new(&json!(each))).expect(201);
    let whole = org.role("whole", &json!(["team.*"]));
    assign(&org.member, &whole, &org.account("other")).problem(403, "exceeds_granter");
    org.assign(&whole, &org.account("member"));
    assign(&org.member, &whole, &org.account("other")).expect(201);
}

#[test]
fn a_role_is_given_by_those_alone_who_hold_all_of_it() {
    let (org, keeper) = kept("exceed-give", &[]);
    let (member, guest, team) = (&org.member, org.account("guest"), org.team("crew"));
    let strong = org.role("strong", &json!(["member.list", "resource.*"]));
    for principal in [&guest, &org.account("member"), &team, &org.id] {
        let lacks = exceeds(assign(member, &strong, principal), &["role"]);
        assert!(lacks.contains("strong") && lacks.contains("resource."), "{lacks}");
        let given = assign(member, &keeper, principal).status;
        assert!([201, 412].contains(&given), "{given}");
    }
    assert_eq!(org.owner.all(&format!("/roles/{strong}/assignments"), 50).len(), 0);
    let lacked = org.role("lacked", &json!(["audit.list"]));
    exceeds(assign(member, &lacked, &guest), &["role"]);
    org.assign(&lacked, &org.account("member"));
    assign(member, &lacked, &guest).expect(201);
}

#[test]
fn whoever_may_change_roles_alone_edits_none_upwards() {
    let org = Org::new(app(), "exceed-edit");
    let editor = org.role("editor", &json!(["role.read", "role.update"]));
    org.assign(&editor, &org.account("member"));
    let own = format!("/roles/{editor}");
    for more in ["*", "role.*", "member.create", "role_assignment.update"] {
        exceeds(org.member.patch(&own, &json!({"permissions": [more]})), &["/permissions/0"]);
    }
    org.member.patch(&own, &json!({"description": "mine"})).expect(200);
    org.member.patch(&own, &json!({"permissions": ["role.read"]})).expect(200);
    org.member.patch(&own, &json!({"permissions": ["role.read"]})).problem(403, "forbidden");
}

#[test]
fn a_place_in_a_team_is_given_by_those_who_hold_what_it_gives() {
    let org = Org::new(app(), "exceed-place");
    let (whole, other) = (org.team("whole"), org.account("other"));
    let part = org.owner.post("/teams", &json!({"name": "part", "parent_id": whole}));
    let part = part.expect(201).id();
    let strong = org.role("strong", &json!(["resource.*"]));
    org.assign(&strong, &whole);
    let places = org.role("places", &json!(["team_member.*"]));
    org.assign(&places, &org.account("member"));
    for team in [&whole, &part] {
        for account in [&other, &org.account("member")] {
            let path = format!("/teams/{team}/members/{account}");
            let lacks = exceeds(org.member.put_new(&path, &json!({"role": "member"})), &["team"]);
            assert!(lacks.contains("strong"), "{lacks}");
            org.owner.get(&path).problem(404, "not_found");
        }
    }
    let plain = org.team("plain");
    let place = format!("/teams/{plain}/members/{other}");
    org.member.put_new(&place, &json!({"role": "member"})).expect(201);
}

#[test]
fn a_maintainer_gives_what_the_team_gives_them_and_a_guest_what_a_guest_can_hold() {
    let org = Org::new(app(), "exceed-maintainer");
    let (crew, other) = (org.team("crew"), org.account("other"));
    org.join(&crew, "member", "maintainer");
    org.join(&crew, "guest", "maintainer");
    let place = format!("/teams/{crew}/members/{other}");
    let role = org.role("readers", &json!(["resource.read"]));
    org.assign(&role, &crew);
    for maintainer in [&org.member, &org.guest] {
        maintainer.put_new(&place, &json!({"role": "member"})).expect(201);
        maintainer.delete(&place).expect(204);
    }
    // No custom role lets a guest keep people, so a guest does not hold that either.
    org.owner
        .patch(&format!("/roles/{role}"), &json!({"permissions": ["member.create"]}))
        .expect(200);
    exceeds(org.guest.put_new(&place, &json!({"role": "member"})), &["team"]);
    org.member.put_new(&place, &json!({"role": "member"})).expect(201);
    org.member.delete(&place).expect(204);
    // Members who read every workspace make resources in it; a guest does not.
    org.owner
        .patch(&format!("/roles/{role}"), &json!({"permissions": ["workspace.read"]}))
        .expect(200);
    let lacks = exceeds(org.guest.put_new(&place, &json!({"role": "member"})), &["team"]);
    assert!(lacks.contains("resource.create"), "{lacks}");
    org.member.put_new(&place, &json!({"role": "member"})).expect(201);
}

#[test]
fn a_team_is_moved_to_where_roles_are_by_those_who_hold_them() {
    let org = Org::new(app(), "exceed-move");
    let (strong_team, crew) = (org.team("strong"), org.team("crew"));
    let strong = org.role("strong", &json!(["resource.*"]));
    org.assign(&strong, &strong_team);
    org.join(&crew, "member", "member");
    let mover = org.role("mover", &json!(["team.read", "team.move", "team.create"]));
    org.assign(&mover, &org.account("member"));
    let path = format!("/teams/{crew}");
    let lacks =
        exceeds(org.member.patch(&path, &json!({"parent_id": strong_team})), &["/parent_id"]);
    assert!(lacks.contains("strong"), "{lacks}");
    let body = json!({"name": "between", "parent_id": strong_team});
    let between = org.member.post("/teams", &body).expect(201).id();
    exceeds(org.member.patch(&path, &json!({"parent_id": between})), &["/parent_id"]);
    let plain = org.team("plain");
    org.member.patch(&path, &json!({"parent_id": plain})).expect(200);
    exceeds(
        org.member.patch(&format!("/teams/{plain}"), &json!({"parent_id": strong_team})),
        &["/parent_id"],
    );
    // What is there already is not given by staying, nor by going.
    org.owner.patch(&path, &json!({"parent_id": strong_team})).expect(200);
    org.owner.delete(&format!("/teams/{crew}/members/{}", org.account("member"))).expect(204);
    org.member.patch(&path, &json!({"parent_id": strong_team})).expect(200);
    org.member.patch(&path, &json!({"parent_id": null})).expect(200);
}

#[test]
fn a_membership_brings_no_role_that_its_giver_does_not_hold() {
    let org = Org::new(app(), "exceed-members");
    let people = org.role("people", &json!(["member.*"]));
    org.assign(&people, &org.account("member"));
    let strong = org.role("strong", &json!(["resource.*"]));
    let guest = org.account("guest");
    let path = format!("/members/{guest}");
    org.member.act(&format!("{path}/suspend")).expect(200);
    org.assign(&strong, &guest);
    exceeds(org.member.act(&format!("{path}/resume")), &["account"]);
    org.owner.act(&format!("{path}/resume")).expect(200);
    exceeds(org.member.patch(&path, &json!({"role": "member"})), &["/role"]);
    org.owner.delete(&format!("/roles/{strong}/assignments/{guest}")).expect(204);
    org.member.patch(&path, &json!({"role": "member"})).expect(200);
    // What the whole tenant has, the giver has too; a token that leaves it out has it not.
    org.assign(&strong, &org.id);
    let newcomer = json!({"account_id": org.outsider("new"), "role": "member"});
    exceeds(org.scoped("member", "people:write").post("/members", &newcomer), &["/role"]);
    org.member.post("/members", &newcomer).expect(201);
}

#[test]
fn built_in_roles_above_ones_own_are_out_of_reach_of_custom_ones() {
    let org = Org::new(app(), "exceed-built-in");
    let all = org.role("all", &json!(["*"]));
    org.assign(&all, &org.account("member"));
    let (member, other) = (&org.member, org.account("other"));
    for role in ["admin", "owner"] {
        let body = json!({"account_id": org.outsider(role), "role": role});
        member.post("/members", &body).problem(403, "forbidden");
        for name in ["member", "other", "guest", "admin", "owner"] {
            let path = format!("/members/{}", org.account(name));
            member.patch(&path, &json!({"role": role})).problem(403, "forbidden");
        }
    }
    for name in ["admin", "owner"] {
        let path = format!("/members/{}", org.account(name));
        member.patch(&path, &json!({"role": "guest"})).problem(403, "forbidden");
        member.act(&format!("{path}/suspend")).problem(403, "forbidden");
        member.delete(&path).problem(403, "forbidden");
    }
    // An administrator unmakes no owner, neither by making an administrator of them.
    let owner = format!("/members/{}", org.account("owner"));
    for role in ["admin", "member", "guest"] {
        org.admin.patch(&owner, &json!({"role": role})).problem(403, "forbidden");
    }
    org.admin.patch(&format!("/members/{other}"), &json!({"role": "admin"})).expect(200);
    let new = json!({"account_id": org.outsider("new"), "role": "admin"});
    org.admin.post("/members", &new).expect(201);
    assert_eq!(org.owner.get(&owner)["role"], "owner");
}

#[test]
fn a_token_gives_no_more_than_its_scopes_leave() {
    let org = Org::new(app(), "exceed-scopes");
    for name in ["owner", "admin"] {
        let narrow = org.scoped(name, "people:write");
        let role = narrow.post("/roles", &json!({"name": name, "permissions": ["team.*"]}));
        let role = role.expect(201).id();
        let path = format!("/roles/{role}");
        for more in ["*", "resource.read", "tenant.update", "audit.list"] {
            exceeds(narrow.patch(&path, &json!({"permissions": [more]})), &["/permissions/0"]);
        }
        let strong = org.role(&format!("strong {name}"), &json!(["resource.*"]));
        exceeds(assign(&narrow, &strong, &org.account("guest")), &["role"]);
        assign(&narrow, &role, &org.account("guest")).expect(201);
        let wide = org.scoped(name, "people:write resources:write");
        assign(&wide, &strong, &org.account("guest")).expect(201);
        let read = org.scoped(name, "people:read");
        read.get(&path).expect(200);
        assign(&read, &role, &org.account("other")).problem(403, "forbidden");
    }
}

#[test]
fn a_guest_keeps_nobody_whatever_the_role() {
    let org = Org::new(app(), "exceed-guest");
    let (all, guest) = (org.role("all", &json!(["*"])), org.account("guest"));
    org.assign(&all, &guest);
    org.guest.get("/roles").expect(200);
    org.guest.post("/roles", &new(&json!(["team.list"]))).problem(403, "forbidden");
    org.guest.patch(&format!("/roles/{all}"), &json!({"name": "x"})).problem(403, "forbidden");
    assign(&org.guest, &all, &org.account("other")).problem(403, "forbidden");
    let body = json!({"account_id": org.outsider("new"), "role": "guest"});
    org.guest.post("/members", &body).problem(403, "forbidden");
    let own = format!("/members/{guest}");
    org.guest.patch(&own, &json!({"role": "member"})).problem(403, "forbidden");
}

#[test]
fn no_custom_role_reaches_the_platform() {
    let org = Org::new(app(), "exceed-platform");
    let all = org.role("all", &json!(["*"]));
    for principal in [org.account("member"), org.account("guest"), org.id.clone()] {
        org.assign(&all, &principal);
    }
    let routes = infos();
    let platform: Vec<_> = routes.iter().filter(|route| route.mount == Mount::Platform).collect();
    assert!(platform.len() >= 20);
    for (number, route) in platform.into_iter().enumerate() {
        for (place, caller) in [&org.member, &org.guest].into_iter().enumerate() {
            let asked = ask(route, &org, &format!("exceed_{number}_{place}"));
            let answer = asked.send(route, &org, caller);
            assert_eq!(answer.status, 404, "{}: {}", route.operation_id, answer.text);
        }
    }
    let elsewhere = Org::new(app(), "exceed-elsewhere");
    elsewhere.seen_by(&org.member).get("").problem(404, "not_found");
}

#[test]
fn an_attempt_is_written_down_as_a_denial_and_changes_nothing() {
    let (org, _) = kept("exceed-audit", &[]);
    let request = org.member.request("POST", "/roles").header("x-request-id", "too-much");
    exceeds(request.json(&new(&json!(["*"]))).send(), &["/permissions/0"]);
    let rows = "select action || ' ' || decision || ' ' || actor from audit_log where request_id = 'too-much'";
    let expected = format!("role.create deny account:{}", org.account("member"));
    assert_eq!(app().db(&org.id).texts(rows, &[]), [expected]);
    assert_eq!(org.owner.all("/roles", 50).len(), 1);
}
