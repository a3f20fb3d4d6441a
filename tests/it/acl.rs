//! `/resources/{resource}/acl`: sharing a resource with somebody.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn an_entry_is_made_read_changed_and_deleted() {
    let org = Org::new(app(), "acl-life");
    let (resource, other) = (org.resource("shared", "private"), org.account("other"));
    let path = format!("/resources/{resource}/acl/{other}");
    org.owner.get(&path).problem(404, "not_found");
    let made = org.owner.put_new(&path, &json!({"permission": "read"})).done();
    assert_eq!(made["id"], json!(other));
    assert_eq!(made["principal"], json!({"type": "account", "id": other}));
    assert_eq!(org.owner.get(&path).expect(200).json, made.json);
    let changed = org.owner.put_over(&path, &json!({"permission": "admin"})).expect(200);
    assert_eq!((&changed["permission"], &changed["version"]), (&json!("admin"), &json!(2)));
    let listed = org.owner.all(&format!("/resources/{resource}/acl"), 50);
    assert_eq!(listed, [changed.json]);
    org.owner.delete(&path).expect(204);
    org.owner.get(&path).problem(404, "not_found");
}

#[test]
fn what_is_shared_is_seen_at_once_and_what_is_not_any_more_is_not() {
    let org = Org::new(app(), "acl-at-once");
    let (resource, guest) = (org.resource("shared", "private"), org.account("guest"));
    let (path, entry) =
        (format!("/resources/{resource}"), format!("/resources/{resource}/acl/{guest}"));
    for permission in ["read", "write", "admin"] {
        org.guest.get(&path).problem(404, "not_found");
        org.share(&resource, &guest, permission);
        assert_eq!(org.guest.get(&path).expect(200)["permission"], json!(permission));
        org.owner.delete(&entry).expect(204);
    }
    org.guest.get(&path).problem(404, "not_found");
}

#[test]
fn the_highest_of_several_entries_wins() {
    let org = Org::new(app(), "acl-highest");
    let (crew, resource) = (org.team("crew"), org.resource("shared", "tenant"));
    org.join(&crew, "member", "member");
    let see =
        || org.member.get(&format!("/resources/{resource}")).expect(200)["permission"].clone();
    assert_eq!(see(), "read");
    org.share(&resource, &crew, "write");
    assert_eq!(see(), "write");
    org.share(&resource, &org.id, "admin");
    assert_eq!(see(), "admin");
    org.share(&resource, &org.account("member"), "read");
    assert_eq!(see(), "admin");
}

#[test]
fn the_tenant_as_a_principal_means_its_members_and_no_guests() {
    let org = Org::new(app(), "acl-tenant");
    let resource = org.resource("shared", "private");
    org.share(&resource, &org.id, "read");
    org.member.get(&format!("/resources/{resource}")).expect(200);
    org.guest.get(&format!("/resources/{resource}")).problem(404, "not_found");
}

#[test]
fn only_principals_of_this_tenant_can_be_named() {
    let (org, other) = (Org::new(app(), "acl-named"), Org::new(app(), "acl-elsewhere"));
    let resource = org.resource("shared", "private");
    let (stranger, team) = (org.outsider("stranger"), other.team("theirs"));
    for principal in [&stranger, &team, &other.id, &other.account("member"), &resource] {
        let path = format!("/resources/{resource}/acl/{principal}");
        org.owner.put_new(&path, &json!({"permission": "read"})).problem(404, "not_found");
    }
}

#[test]
fn whoever_may_share_a_resource_sees_and_changes_its_entries_and_others_do_not() {
    let org = Org::new(app(), "acl-sharers");
    let resource = org.resource("shared", "tenant");
    let (list, member) = (format!("/resources/{resource}/acl"), org.account("member"));
    let entry = format!("{list}/{}", org.account("other"));
    org.member.get(&list).problem(403, "forbidden");
    org.share(&resource, &member, "write");
    org.member.get(&list).problem(403, "forbidden");
    org.member.put_new(&entry, &json!({"permission": "read"})).problem(403, "forbidden");
    org.owner.put_over(&format!("{list}/{member}"), &json!({"permission": "admin"})).expect(200);
    org.member.put_new(&entry, &json!({"permission": "read"})).done();
    assert_eq!(org.member.all(&list, 50).len(), 2);
    org.guest.get(&list).problem(404, "not_found");
}

#[test]
fn an_entry_must_be_one_in_every_field() {
    let org = Org::new(app(), "acl-fields");
    let path =
        format!("/resources/{}/acl/{}", org.resource("shared", "private"), org.account("other"));
    let cases = [
        (json!({}), "/permission"),
        (json!({"permission": "own"}), "/permission"),
        (json!({"permission": 3}), "/permission"),
        (json!({"permission": "read", "principal": {}}), "/principal"),
    ];
    for (body, field) in cases {
        let answer = org.owner.put_new(&path, &body).problem(422, "invalid");
        assert_eq!(answer.fields(), [field]);
    }
}
