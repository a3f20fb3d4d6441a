//! `/roles`: what a tenant lets its principals do everywhere in it.

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn make(org: &Org, name: &str, permissions: &Value) -> crate::client::Answer {
    org.admin.post("/roles", &json!({"name": name, "permissions": permissions}))
}

#[test]
fn a_role_is_made_read_changed_and_deleted() {
    let org = Org::new(app(), "role-life");
    let body = json!({"name": "Editor", "description": "Edits", "permissions": ["resource.read", "resource.update"]});
    let made = org.admin.post("/roles", &body).expect(201);
    let path = format!("/roles/{}", made.id());
    assert_eq!(made.header("location"), format!("/v1/tenants/role-life{path}"));
    for field in ["name", "description", "permissions"] {
        assert_eq!(made[field], body[field], "{field}");
    }
    assert_eq!(org.owner.get(&path).expect(200).json, made.json);
    let changed = org.admin.patch(&path, &json!({"permissions": ["team.*"]})).expect(200);
    assert_eq!((&changed["permissions"], &changed["version"]), (&json!(["team.*"]), &json!(2)));
    assert_eq!((&changed["name"], &changed["description"]), (&json!("Editor"), &json!("Edits")));
    let renamed = org.admin.patch(&path, &json!({"name": "Crew", "description": ""})).expect(200);
    assert_eq!((&renamed["name"], &renamed["description"]), (&json!("Crew"), &json!("")));
    let stale = org.admin.request("PATCH", &path).header("if-match", "\"1\"");
    stale.json(&json!({"name": "x"})).send().problem(412, "stale_version");
    let bare = org.admin.request("DELETE", &path).send();
    bare.problem(428, "precondition_required");
    assert_eq!(org.admin.delete(&path).expect(204).text, "");
    org.admin.get(&path).problem(404, "not_found");
    org.admin.delete(&path).problem(404, "not_found");
}

#[test]
fn a_name_is_one_roles_alone() {
    let org = Org::new(app(), "role-names");
    org.role("one", &json!(["team.list"]));
    let two = format!("/roles/{}", org.role("two", &json!(["team.list"])));
    make(&org, "one", &json!(["team.list"])).problem(409, "name_taken");
    org.owner.patch(&two, &json!({"name": "one"})).problem(409, "name_taken");
    org.owner.patch(&two, &json!({"name": "two"})).expect(200);
}

#[test]
fn roles_are_listed_by_name() {
    let org = Org::new(app(), "role-lists");
    for name in ["b", "Ab", "aa", "ä"] {
        org.role(name, &json!(["team.list"]));
    }
    let names = |limit| {
        let roles = org.admin.all("/roles", limit);
        roles.iter().map(|role| role["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(50), ["Ab", "aa", "b", "ä"]);
    assert_eq!(names(1), names(50));
    org.member.get("/roles").problem(403, "forbidden");
}

#[test]
fn a_tenant_has_a_hundred_roles() {
    let org = Org::new(app(), "role-limit");
    for number in 0..100 {
        make(&org, &format!("role {number}"), &json!(["team.list"])).expect(201);
    }
    make(&org, "one more", &json!(["team.list"])).problem(409, "role_limit");
    let first = org.owner.get("/roles?limit=1").expect(200)["items"][0]["id"].clone();
    org.owner.delete(&format!("/roles/{}", first.as_str().unwrap())).expect(204);
    make(&org, "one more", &json!(["team.list"])).expect(201);
}

#[test]
fn a_pattern_stands_there_once() {
    let org = Org::new(app(), "twice-there");
    let body = json!({"name": "twice", "permissions": ["team.read", "audit.list", "team.read"]});
    let refused = org.owner.post("/roles", &body).problem(422, "invalid");
    assert_eq!(refused["errors"][0]["field"], "/permissions/2");
}

#[test]
fn every_pattern_must_be_able_to_give_something() {
    let org = Org::new(app(), "role-patterns");
    let many: Vec<String> = vec!["team.list".to_owned(); 101];
    // Permissions, and what is complained of: where, and in which words.
    let cases = [
        (json!([]), "/permissions", "1 to 100"),
        (json!(many), "/permissions", "at most 100"),
        (json!(["Team.list"]), "/permissions/0", "must be *"),
        (json!(["team.list", "team.*.x"]), "/permissions/1", "must be *"),
        (json!(["team.list", ""]), "/permissions/1", "must be *"),
        (json!(["*.read"]), "/permissions/0", "must be *"),
        (json!(["team.list", "team.fly"]), "/permissions/1", "is no action"),
        (json!(["tea.*"]), "/permissions/0", "is no action"),
        (json!(["team"]), "/permissions/0", "is no action"),
        (json!(["operator.*"]), "/permissions/0", "nothing that a tenant can permit"),
        (json!(["tenant.create"]), "/permissions/0", "nothing that a tenant can permit"),
        (json!(["me.read"]), "/permissions/0", "nothing that a tenant can permit"),
        (json!(["owner.create"]), "/permissions/0", "belongs to built-in roles"),
        (json!(["owner.*"]), "/permissions/0", "belongs to built-in roles"),
        (json!(["admin.create"]), "/permissions/0", "belongs to built-in roles"),
        (json!(["tenant.import"]), "/permissions/0", "belongs to built-in roles"),
        (
            json!(["resource.update"]),
            "/permissions/0",
            "resource.update needs resource.read beside it",
        ),
        (
            json!(["resource.read", "resource.share"]),
            "/permissions/1",
            "resource.share needs resource.update, resource.delete beside it",
        ),
        (
            json!(["workspace.delete"]),
            "/permissions/0",
            "needs workspace.read, workspace.update beside",
        ),
    ];
    for (permissions, field, words) in cases {
        let refused = make(&org, "odd", &permissions).problem(422, "invalid");
        assert_eq!(refused.fields(), [field], "{permissions}");
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(words), "{permissions}: {detail}");
    }
    let two = make(&org, "odd", &json!(["team.fly", "team.list", "owner.create"]));
    assert_eq!(two.problem(422, "invalid").fields(), ["/permissions/0", "/permissions/2"]);
    for good in [
        json!(["*"]),
        json!(["tenant.*"]),
        json!(["resource.*"]),
        json!(["resource.read", "resource.update"]),
        json!(["workspace.read"]),
        json!(["resource.create"]),
    ] {
        let made = make(&org, &good.to_string(), &good).expect(201);
        let path = format!("/roles/{}", made.id());
        let refused = org.owner.patch(&path, &json!({"permissions": ["team.fly"]}));
        assert_eq!(refused.problem(422, "invalid").fields(), ["/permissions/0"]);
    }
}

/// What somebody is answered who reads and changes a resource that they have nothing to do with.
fn tries(caller: &Client, path: &str) -> [u16; 2] {
    let etag = caller.get(path).etag();
    let change = caller.request("PATCH", path).header("if-match", &etag);
    [caller.get(path).status, change.json(&json!({"attributes": {"by": "them"}})).send().status]
}

#[test]
fn what_a_role_gives_holds_with_the_next_request_and_ends_with_one() {
    let org = Org::new(app(), "role-next");
    let path = format!("/resources/{}", org.resource("hidden", "private"));
    let (whole, account) = (org.team("whole"), org.account("guest"));
    let part = org.owner.post("/teams", &json!({"name": "part", "parent_id": whole}));
    let part = part.expect(201).id();
    org.join(&part, "guest", "member");
    let [nothing, reads, edits] = [[404, 404], [200, 403], [200, 200]];
    let see = || tries(&org.guest, &path);
    for round in 0..3 {
        for principal in [&account, &part, &whole] {
            let role = org.role(&format!("role {round}"), &json!(["resource.read"]));
            let (role, assigned) =
                (format!("/roles/{role}"), format!("/roles/{role}/assignments/{principal}"));
            assert_eq!(see(), nothing);
            org.owner.put_bare(&assigned).expect(201);
            assert_eq!(see(), reads);
            let more = json!({"permissions": ["resource.read", "resource.update"]});
            org.owner.patch(&role, &more).expect(200);
            assert_eq!(see(), edits);
            org.owner.patch(&role, &json!({"permissions": ["resource.read"]})).expect(200);
            assert_eq!(see(), reads);
            org.owner.delete(&assigned).expect(204);
            assert_eq!(see(), nothing);
            org.owner.put_bare(&assigned).expect(201);
            assert_eq!(see(), reads);
            org.owner.delete(&role).expect(204);
            assert_eq!(see(), nothing);
        }
    }
    let role = org.role("of the team", &json!(["resource.read"]));
    org.assign(&role, &whole);
    assert_eq!(see(), reads);
    org.owner.patch(&format!("/teams/{part}"), &json!({"parent_id": null})).expect(200);
    assert_eq!(see(), nothing, "the team was moved away");
    org.owner.patch(&format!("/teams/{part}"), &json!({"parent_id": whole})).expect(200);
    assert_eq!(see(), reads);
    org.owner.delete(&format!("/teams/{part}/members/{account}")).expect(204);
    assert_eq!(see(), nothing, "the place was taken away");
}

#[test]
fn a_role_of_the_tenant_is_every_members_and_no_guests() {
    let org = Org::new(app(), "role-tenant");
    let path = format!("/resources/{}", org.resource("hidden", "private"));
    let role = org.role("reader", &json!(["resource.read"]));
    org.assign(&role, &org.id);
    assert_eq!(tries(&org.member, &path), [200, 403]);
    assert_eq!(tries(&org.guest, &path), [404, 404]);
    org.owner
        .patch(&format!("/members/{}", org.account("guest")), &json!({"role": "member"}))
        .expect(200);
    assert_eq!(tries(&org.guest, &path), [200, 403]);
}

#[test]
fn what_a_role_permits_is_listed_and_told_with_the_permission() {
    let org = Org::new(app(), "role-lists-rows");
    let names = ["private", "workspace", "tenant"];
    for visibility in names {
        org.resource(visibility, visibility);
    }
    let role = org.role("row", &json!(["resource.read"]));
    org.assign(&role, &org.account("guest"));
    let rows = [
        (json!(["resource.read"]), "read"),
        (json!(["resource.read", "resource.update"]), "write"),
        (json!(["resource.*"]), "admin"),
    ];
    for (permissions, permission) in rows {
        org.owner
            .patch(&format!("/roles/{role}"), &json!({"permissions": permissions}))
            .expect(200);
        let listed = org.guest.all("/resources?sort=created_at", 50);
        let seen: Vec<_> = listed.iter().map(|row| row["name"].as_str().unwrap()).collect();
        assert_eq!(seen, names, "{permission}");
        assert!(listed.iter().all(|row| row["permission"] == permission), "{listed:?}");
    }
    org.owner.patch(&format!("/roles/{role}"), &json!({"permissions": ["team.list"]})).expect(200);
    assert_eq!(org.guest.all("/resources", 50).len(), 0);
    org.guest.get("/teams").expect(200);
}

#[test]
fn who_listed_before_lists_what_came_since() {
    let org = Org::new(app(), "role-since");
    let hidden = org.resource("hidden", "private");
    let member = org.caller("member");
    let seen = |what: &str| {
        let listed = member.all("/resources", 50);
        listed.iter().any(|row| row["id"] == json!(what))
    };
    assert!(!seen(&hidden));
    let role = org.role("reader", &json!(["resource.read"]));
    org.assign(&role, &org.account("member"));
    assert!(seen(&hidden), "by a custom role");
    org.admin.delete(&format!("/roles/{role}")).expect(204);
    assert!(!seen(&hidden));
    let membership = format!("/members/{}", org.account("member"));
    org.owner.patch(&membership, &json!({"role": "admin"})).expect(200);
    assert!(seen(&hidden), "by the role of an administrator");
}

#[test]
fn who_sees_what_in_the_other_modes_by_custom_roles() {
    let org = Org::new(app(), "role-modes");
    let names = ["private", "workspace", "tenant"];
    let ids = names.map(|visibility| org.resource(visibility, visibility));
    let reader = org.role("reader", &json!(["resource.read"]));
    let editor = org.role("editor", &json!(["resource.read", "resource.update"]));
    org.assign(&reader, &org.account("guest"));
    org.assign(&editor, &org.account("other"));
    let other = org.caller("other");
    // What each is told of each row, and whether a change of it is let through.
    let table = [
        ("off", [("guest", "read", 403), ("member", "read", 403), ("other", "write", 200)]),
        ("shadow", [("guest", "read", 403), ("member", "read", 403), ("other", "write", 200)]),
    ];
    for (mode, rows) in table {
        let path = "/v1/platform/tenants/role-modes/row-security";
        org.app.host().put_over(path, &json!({"mode": mode})).expect(200);
        for (who, permission, status) in rows {
            let caller = match who {
                "guest" => &org.guest,
                "member" => &org.member,
                _ => &other,
            };
            let listed = caller.all("/resources", 50);
            assert_eq!(listed.len(), 3, "{who} in {mode}");
            assert!(listed.iter().all(|row| row["permission"] == permission), "{who} {listed:?}");
            for id in &ids {
                let etag = caller.get(&format!("/resources/{id}")).expect(200).etag();
                let change = caller.request("PATCH", &format!("/resources/{id}"));
                let change = change.header("if-match", &etag).json(&json!({"attributes": {}}));
                assert_eq!(change.send().status, status, "{who} in {mode}");
            }
        }
    }
    let report = org.owner.all("/row-security/report", 50);
    let told: Vec<_> = report.iter().map(|line| line["principal_id"].as_str().unwrap()).collect();
    let member = org.account("member");
    assert!(told.iter().all(|principal| *principal == member), "{report:?}");
    assert!(!told.is_empty(), "the member was delivered a private row");
}

#[test]
fn a_role_made_again_under_its_name_is_another_one() {
    let org = Org::new(app(), "role-again");
    let role = org.role("keeper", &json!(["member.list"]));
    org.assign(&role, &org.account("guest"));
    org.guest.get("/members").expect(200);
    org.owner.delete(&format!("/roles/{role}")).expect(204);
    org.guest.get("/members").problem(403, "forbidden");
    let again = org.role("keeper", &json!(["member.list"]));
    assert_ne!(again, role);
    org.guest.get("/members").problem(403, "forbidden");
    assert_eq!(org.owner.all(&format!("/roles/{again}/assignments"), 50).len(), 0);
}

#[test]
fn what_happens_to_a_role_is_an_event() {
    let org = Org::new(app(), "role-events");
    let role = org.role("seen", &json!(["team.list"]));
    let (path, guest) = (format!("/roles/{role}"), org.account("guest"));
    org.owner.patch(&path, &json!({"description": "changed"})).expect(200);
    org.assign(&role, &guest);
    org.owner.delete(&format!("{path}/assignments/{guest}")).expect(204);
    org.owner.delete(&path).expect(204);
    let events = "select type from outbox_events where subject = ?1 order by seq";
    let found = app().db(&org.id).texts(events, &[&format!("role/{role}")]);
    let kinds = ["created", "updated", "assigned", "unassigned", "deleted"];
    assert_eq!(found, kinds.map(|kind| format!("role.{kind}")));
}
