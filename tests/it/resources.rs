//! `/resources`: who sees them, by which rule, and what they may do.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

/// A tenant with a resource for every source of a permission.
fn furnished(slug: &str) -> Org<'static> {
    let org = Org::new(app(), slug);
    let (crew, part) = (org.team("crew"), org.team("part"));
    org.owner.patch(&format!("/teams/{part}"), &json!({"parent_id": crew})).expect(200);
    org.join(&crew, "member", "maintainer");
    org.join(&part, "other", "member");
    let crews = org.workspace("crew", "team", &crew);
    let own = org.workspace("own", "account", &org.account("member"));
    for visibility in ["private", "workspace", "tenant"] {
        org.resource(&format!("everyone {visibility}"), visibility);
        org.resource_in(&crews, &format!("crew {visibility}"), visibility);
        org.resource_in(&own, &format!("own {visibility}"), visibility);
    }
    let shares = [("guest", "read"), ("other", "write"), ("member", "admin")];
    for (name, permission) in shares {
        let resource = org.resource(&format!("for {name}"), "private");
        org.share(&resource, &org.account(name), permission);
    }
    let for_all = org.resource("for the tenant", "private");
    org.share(&for_all, &org.id, "write");
    org
}

/// What a caller lists: each resource with the caller's permission.
fn seen(caller: &Client) -> BTreeMap<String, String> {
    let word = |item: &Value, member: &str| item[member].as_str().unwrap().to_owned();
    caller
        .all("/resources", 3)
        .iter()
        .map(|item| (word(item, "name"), word(item, "permission")))
        .collect()
}

fn expected(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    rows.iter().map(|(name, permission)| ((*name).to_owned(), (*permission).to_owned())).collect()
}

#[test]
fn everybody_lists_what_the_row_rule_gives_them_and_nothing_else() {
    let org = furnished("row-rule");
    let member = expected(&[
        ("everyone workspace", "read"),
        ("everyone tenant", "read"),
        ("crew private", "admin"),
        ("crew workspace", "admin"),
        ("crew tenant", "admin"),
        ("own private", "admin"),
        ("own workspace", "admin"),
        ("own tenant", "admin"),
        ("for member", "admin"),
        ("for the tenant", "write"),
    ]);
    let other = expected(&[
        ("everyone workspace", "read"),
        ("everyone tenant", "read"),
        ("crew private", "write"),
        ("crew workspace", "write"),
        ("crew tenant", "write"),
        ("own tenant", "read"),
        ("for other", "write"),
        ("for the tenant", "write"),
    ]);
    assert_eq!(seen(&org.member), member);
    assert_eq!(seen(&org.caller("other")), other);
    assert_eq!(seen(&org.guest), expected(&[("for guest", "read")]));
    for all in [seen(&org.owner), seen(&org.admin)] {
        assert_eq!(all.len(), 13);
        assert!(all.values().all(|permission| permission == "admin"), "{all:?}");
    }
}

#[test]
fn what_is_listed_can_be_read_and_what_is_not_cannot() {
    let org = furnished("list-and-read");
    let all = org.owner.all("/resources", 50);
    for caller in [&org.member, &org.caller("other"), &org.guest] {
        let seen = seen(caller);
        for resource in &all {
            let answer = caller.get(&format!("/resources/{}", resource["id"].as_str().unwrap()));
            let permission = seen.get(resource["name"].as_str().unwrap());
            match permission {
                Some(permission) => assert_eq!(answer.expect(200)["permission"], json!(permission)),
                None => drop(answer.problem(404, "not_found")),
            }
        }
    }
}

#[test]
fn a_permission_gives_its_actions_and_those_below() {
    let org = furnished("permissions");
    let all = org.owner.all("/resources", 50);
    let id = |name: &str| {
        let found = all.iter().find(|resource| resource["name"] == name).unwrap();
        format!("/resources/{}", found["id"].as_str().unwrap())
    };
    let other = org.caller("other");
    let tries = |name: &str| {
        let path = id(name);
        let (update, share) =
            (other.patch(&path, &json!({"attributes": {}})), other.get(&format!("{path}/acl")));
        [update.status, share.status, other.delete(&path).status]
    };
    assert_eq!(tries("everyone tenant"), [403, 403, 403]);
    assert_eq!(tries("for other"), [200, 403, 403]);
    assert_eq!(tries("for guest"), [404, 404, 404]);
    org.owner
        .put_over(
            &format!("{}/acl/{}", id("for other"), org.account("other")),
            &json!({"permission": "admin"}),
        )
        .expect(200);
    assert_eq!(tries("for other"), [200, 200, 204]);
}

#[test]
fn a_resource_is_made_read_changed_and_deleted_by_its_maker() {
    let org = Org::new(app(), "resource-life");
    let attributes = json!({"a": [1, {"b": null}]});
    let body = json!({
        "type": "model", "workspace_id": org.everyone, "name": "Mine", "attributes": attributes
    });
    let made = org.member.post("/resources", &body).expect(201);
    let path = format!("/resources/{}", made.id());
    assert_eq!(made.header("location"), format!("/v1/tenants/resource-life{path}"));
    assert_eq!(
        (&made["owner_id"], &made["permission"]),
        (&json!(org.account("member")), &json!("admin"))
    );
    assert_eq!((&made["visibility"], &made["version"]), (&json!("private"), &json!(1)));
    assert_eq!(made["attributes"], attributes);
    assert_eq!(org.member.get(&path).expect(200).json, made.json);

    let changed = org.member.patch(&path, &json!({"visibility": "tenant", "attributes": {"c": 1}}));
    let changed = changed.expect(200);
    assert_eq!(changed["attributes"], json!({"c": 1}), "attributes are replaced as a whole");
    assert_eq!((&changed["name"], &changed["permission"]), (&json!("Mine"), &json!("admin")));
    org.member.delete(&path).expect(204);
    org.member.get(&path).problem(404, "not_found");
}

#[test]
fn attributes_come_back_as_they_were_sent() {
    let org = Org::new(app(), "attributes");
    let sent = json!({
        "text": "ä\u{0}\"\\\u{1F600}", "big": u64::MAX, "small": i64::MIN, "ratio": 0.1,
        "order": {"z": 1, "a": 2}, "empty": {}, "none": null, "list": [true, [], ""],
    });
    let body =
        json!({"type": "tag", "workspace_id": org.everyone, "name": "x", "attributes": sent});
    let made = org.owner.post("/resources", &body).expect(201);
    assert_eq!(made["attributes"], sent);
    assert_eq!(org.owner.get(&format!("/resources/{}", made.id()))["attributes"], sent);
}

#[test]
fn a_workspace_that_the_caller_does_not_see_is_as_unknown_as_any() {
    let org = Org::new(app(), "unseen-workspaces");
    let hidden = org.workspace("hidden", "account", &org.account("other"));
    let make = |workspace: &str| {
        org.member
            .post("/resources", &json!({"type": "tag", "workspace_id": workspace, "name": "x"}))
    };
    let unknown = make("01890000-0000-7000-8000-000000000000").problem(404, "not_found");
    assert_eq!(make(&hidden).anonymous(), unknown.anonymous());
    let elsewhere = Org::new(app(), "unseen-elsewhere");
    assert_eq!(make(&elsewhere.everyone).anonymous(), unknown.anonymous());
}

#[test]
fn a_resource_cannot_be_moved_or_given_away() {
    let org = Org::new(app(), "no-moves");
    let path = format!("/resources/{}", org.resource("stays", "tenant"));
    let other = org.workspace("other", "tenant", &org.id);
    for (field, value) in [
        ("workspace_id", other.as_str()),
        ("owner_id", &org.account("other")),
        ("type", "tag"),
        ("id", &org.id),
    ] {
        let answer = org.owner.patch(&path, &json!({ field: value })).problem(422, "invalid");
        assert_eq!(answer.fields(), [format!("/{field}")]);
    }
}

#[test]
fn resources_are_found_by_type_workspace_name_owner_and_time() {
    let org = Org::new(app(), "filters");
    let second = org.workspace("second", "tenant", &org.id);
    let make = |caller: &Client, kind: &str, workspace: &str, name: &str| {
        let body =
            json!({"type": kind, "workspace_id": workspace, "name": name, "visibility": "tenant"});
        caller.post("/resources", &body).expect(201)
    };
    make(&org.owner, "tag", &org.everyone, "alpha");
    make(&org.owner, "model", &org.everyone, "alphabet");
    make(&org.member, "tag", &second, "beta");
    let since =
        make(&org.owner, "tag", &second, "gamma")["updated_at"].as_str().unwrap().to_owned();
    let names = |filter: &str| org.member.column(&format!("/resources?{filter}"), "name");
    assert_eq!(names("type=tag"), ["alpha", "beta", "gamma"]);
    assert_eq!(names(&format!("workspace_id={second}")), ["beta", "gamma"]);
    assert_eq!(names("name_prefix=alpha"), ["alpha", "alphabet"]);
    assert_eq!(names(&format!("owner_id={}", org.account("member"))), ["beta"]);
    assert_eq!(names(&format!("updated_since={since}")), ["gamma"]);
    assert_eq!(names(&format!("type=tag&workspace_id={}", org.everyone)), ["alpha"]);
    assert_eq!(names("type=unheard-of"), [""; 0]);
}

#[test]
fn resources_are_sorted_as_asked() {
    let org = Org::new(app(), "sorts");
    for name in ["b", "c", "a"] {
        org.resource(name, "tenant");
    }
    let first = org.owner.all("/resources?name_prefix=b", 1)[0]["id"].as_str().unwrap().to_owned();
    org.owner
        .patch(&format!("/resources/{first}"), &json!({"attributes": {"touched": true}}))
        .expect(200);
    let cases = [
        ("created_at", ["b", "c", "a"]),
        ("-created_at", ["a", "c", "b"]),
        ("name", ["a", "b", "c"]),
        ("-name", ["c", "b", "a"]),
        ("updated_at", ["c", "a", "b"]),
        ("-updated_at", ["b", "a", "c"]),
    ];
    for (sort, order) in cases {
        assert_eq!(org.owner.column(&format!("/resources?sort={sort}"), "name"), order, "{sort}");
        assert_eq!(org.member.column(&format!("/resources?sort={sort}"), "name"), order, "{sort}");
    }
    assert_eq!(org.owner.column("/resources", "name"), ["b", "c", "a"]);
}

#[test]
fn the_demos_people_see_what_the_demo_says() {
    let see = |person: &str| app().demo(person).at("/v1/tenants/acme").column("/resources", "name");
    assert_eq!(see("gus"), ["Guest guide"]);
    let carols = see("carol");
    for name in ["Handbook", "Review a change", "Ideas"] {
        assert!(carols.iter().any(|seen| seen == name), "{carols:?}");
    }
    for name in ["Salaries", "Guest guide"] {
        assert!(!carols.iter().any(|seen| seen == name), "{carols:?}");
    }
    assert_eq!(see("alice").len(), 6);
}
