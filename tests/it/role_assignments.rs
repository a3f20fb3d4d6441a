//! `/roles/{role}/assignments`: who has a custom role.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn a_role_is_given_read_given_anew_and_taken() {
    let org = Org::new(app(), "assignment-life");
    let (role, guest) = (org.role("reader", &json!(["team.list"])), org.account("guest"));
    let path = format!("/roles/{role}/assignments/{guest}");
    org.owner.get(&path).problem(404, "not_found");
    let given = org.admin.put_bare(&path).expect(201);
    assert_eq!((&given["id"], &given["role_id"]), (&json!(guest), &json!(role)));
    assert_eq!(given["principal"], json!({"type": "account", "id": guest}));
    assert_eq!(org.owner.get(&path).expect(200).json, given.json);
    org.admin.put_bare(&path).problem(412, "stale_version");
    org.admin.request("PUT", &path).send().problem(428, "precondition_required");
    let anew = |tag: &str| org.admin.request("PUT", &path).header("if-match", tag).send();
    assert_eq!(anew("\"1\"").expect(200)["version"], 2);
    anew("\"1\"").problem(412, "stale_version");
    org.admin.request("DELETE", &path).send().problem(428, "precondition_required");
    let delete = |tag: &str| org.admin.request("DELETE", &path).header("if-match", tag).send();
    delete("\"1\"").problem(412, "stale_version");
    delete("\"2\"").expect(204);
    delete("\"2\"").problem(404, "not_found");
    anew("\"2\"").problem(412, "stale_version");
}

#[test]
fn accounts_teams_and_the_tenant_have_roles_and_nobody_else() {
    let org = Org::new(app(), "assignment-kinds");
    let other = Org::new(app(), "assignment-elsewhere");
    let (role, team) = (org.role("reader", &json!(["team.list"])), org.team("crew"));
    for (kind, id) in
        [("account", org.account("guest")), ("team", team), ("tenant", org.id.clone())]
    {
        let given = org.assign(&role, &id);
        assert_eq!(given["principal"], json!({"type": kind, "id": id}));
    }
    let mut listed = org.owner.column(&format!("/roles/{role}/assignments"), "id");
    assert_eq!(listed.len(), 3);
    assert!(listed.is_sorted(), "{listed:?}");
    let pages = org.owner.all(&format!("/roles/{role}/assignments"), 1);
    listed.dedup();
    assert_eq!(pages.len(), listed.len());
    let removed = org.newcomer("removed", "member");
    org.owner.delete(&format!("/members/{removed}")).expect(204);
    let strangers = [
        org.outsider("stranger"),
        removed,
        org.everyone.clone(),
        role.clone(),
        other.id.clone(),
        other.team("theirs"),
    ];
    for stranger in strangers {
        let path = format!("/roles/{role}/assignments/{stranger}");
        org.owner.put_bare(&path).problem(404, "not_found");
    }
}

#[test]
fn a_removed_member_and_a_deleted_team_lose_their_roles() {
    let org = Org::new(app(), "assignment-ends");
    let (role, team) = (org.role("reader", &json!(["member.list"])), org.team("crew"));
    let (list, guest) = (format!("/roles/{role}/assignments"), org.account("guest"));
    org.assign(&role, &guest);
    org.assign(&role, &team);
    org.guest.get("/members").expect(200);
    org.owner.delete(&format!("/members/{guest}")).expect(204);
    assert_eq!(org.owner.column(&list, "id"), [team.as_str()]);
    org.owner.post("/members", &json!({"account_id": guest, "role": "guest"})).expect(201);
    org.guest.get("/members").problem(403, "forbidden");
    org.owner.delete(&format!("/teams/{team}")).expect(204);
    assert_eq!(org.owner.all(&list, 50).len(), 0);
}

#[test]
fn a_suspended_member_keeps_their_roles_for_later() {
    let org = Org::new(app(), "assignment-suspended");
    let (role, guest) = (org.role("reader", &json!(["member.list"])), org.account("guest"));
    org.assign(&role, &guest);
    org.owner.act(&format!("/members/{guest}/suspend")).expect(200);
    org.guest.get("/members").problem(404, "not_found");
    org.owner.act(&format!("/members/{guest}/resume")).expect(200);
    org.guest.get("/members").expect(200);
}
