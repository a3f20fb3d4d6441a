//! `/members`: who belongs to a tenant, in which role and state.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn a_member_is_added_read_changed_and_removed() {
    let org = Org::new(app(), "member-life");
    let account = org.outsider("new");
    let path = format!("/members/{account}");
    org.owner.get(&path).problem(404, "not_found");
    let body = json!({"account_id": account, "role": "guest"});
    let added = org.admin.post("/members", &body).expect(201);
    assert_eq!(added.header("location"), format!("/v1/tenants/member-life{path}"));
    assert_eq!((&added["id"], &added["account_id"]), (&json!(account), &json!(account)));
    assert_eq!((&added["role"], &added["state"]), (&json!("guest"), &json!("active")));
    assert_eq!(added["display_name"], "member-life-new");
    org.admin.post("/members", &body).problem(409, "already_member");
    let changed = org.admin.patch(&path, &json!({"role": "member"})).expect(200);
    assert_eq!((&changed["role"], &changed["version"]), (&json!("member"), &json!(2)));
    org.admin.delete(&path).expect(204);
    assert_eq!(org.admin.get(&path).expect(200)["state"], "removed");
    let back = org.admin.post("/members", &body).expect(201);
    assert_eq!((&back["state"], &back["role"]), (&json!("active"), &json!("guest")));
}

#[test]
fn members_are_listed_by_name_role_and_state() {
    let org = Org::new(app(), "member-lists");
    let names = |filter: &str| {
        let names = org.member.column(&format!("/members{filter}"), "display_name");
        names.into_iter().map(|name| name.replace("member-lists-", "")).collect::<Vec<_>>()
    };
    org.owner.act(&format!("/members/{}/suspend", org.account("admin"))).expect(200);
    org.owner.delete(&format!("/members/{}", org.account("other"))).expect(204);
    assert_eq!(names(""), ["admin", "guest", "member", "owner"]);
    assert_eq!(names("?role=guest"), ["guest"]);
    assert_eq!(names("?state=suspended"), ["admin"]);
    assert_eq!(names("?state=removed"), ["other"]);
    assert_eq!(names("?name_prefix=member-lists-m"), ["member"]);
}

#[test]
fn a_state_changes_as_its_machine_allows() {
    let org = Org::new(app(), "member-states");
    let path = format!("/members/{}", org.account("other"));
    let act = |verb: &str| org.owner.act(&format!("{path}/{verb}"));
    act("resume").problem(409, "wrong_state");
    assert_eq!(act("suspend").expect(200)["state"], "suspended");
    act("suspend").problem(409, "wrong_state");
    assert_eq!(act("resume").expect(200)["state"], "active");
    act("suspend").expect(200);
    org.owner.delete(&path).expect(204);
    for verb in ["suspend", "resume"] {
        act(verb).problem(409, "wrong_state");
    }
    org.owner.delete(&path).problem(409, "wrong_state");
}

#[test]
fn a_tenant_always_has_an_active_owner() {
    let org = Org::new(app(), "last-owner");
    let path = format!("/members/{}", org.account("owner"));
    org.owner.patch(&path, &json!({"role": "admin"})).problem(409, "last_owner");
    org.owner.act(&format!("{path}/suspend")).problem(409, "last_owner");
    org.owner.delete(&path).problem(409, "last_owner");
    let second = org.newcomer("second", "owner");
    org.owner.act(&format!("/members/{second}/suspend")).expect(200);
    org.owner.delete(&path).problem(409, "last_owner");
    org.owner.act(&format!("/members/{second}/resume")).expect(200);
    org.owner.delete(&path).expect(204);
}

#[test]
fn of_two_last_owners_who_leave_at_once_one_stays() {
    let org = Org::new(app(), "two-owners");
    let admin = format!("/members/{}", org.account("admin"));
    org.owner.patch(&admin, &json!({"role": "owner"})).expect(200);
    let own = format!("/members/{}", org.account("owner"));
    let leave = |caller: &crate::client::Client, path: &str| caller.delete(path).status;
    let (one, two) = std::thread::scope(|scope| {
        let one = scope.spawn(|| leave(&org.owner, &own));
        let two = scope.spawn(|| leave(&org.admin, &admin));
        (one.join().unwrap(), two.join().unwrap())
    });
    assert!([(204, 409), (409, 204)].contains(&(one, two)), "{one} {two}");
}

/// A way to be an active owner no more.
fn unmake(caller: &crate::client::Client, verb: &str, account: &str, etag: &str) -> u16 {
    let path = format!("/members/{account}");
    let request = match verb {
        "demote" => caller.request("PATCH", &path).json(&json!({"role": "member"})),
        "remove" => caller.request("DELETE", &path),
        _ => return caller.act(&format!("{path}/suspend")).status,
    };
    request.header("if-match", etag).send().status
}

/// Makes active owners of two accounts again, by whichever of them is one still.
fn restore(org: &Org, pair: &[(&crate::client::Client, &str); 2]) {
    let is_owner = |caller: &crate::client::Client| {
        let own = caller.get("/members?role=owner");
        own.status == 200 && caller.get("/row-security").status == 200
    };
    let (by, _) = pair.iter().find(|(caller, _)| is_owner(caller)).unwrap();
    for (_, account) in pair {
        let path = format!("/members/{account}");
        match by.get(&path).expect(200)["state"].as_str().unwrap() {
            "removed" => {
                let body = json!({"account_id": account, "role": "owner"});
                by.post("/members", &body).expect(201);
            }
            "suspended" => drop(by.act(&format!("{path}/resume")).expect(200)),
            _ => drop(by.patch(&path, &json!({"role": "owner"})).expect(200)),
        }
    }
    assert_eq!(org.owner.all("/members?role=owner&state=active", 50).len(), 2);
}

#[test]
fn whatever_two_last_owners_do_to_each_other_or_themselves_at_once_one_stays() {
    let org = Org::new(app(), "two-owners-all");
    let (one, two) = (org.account("owner"), org.account("admin"));
    org.owner.patch(&format!("/members/{two}"), &json!({"role": "owner"})).expect(200);
    let pair = [(&org.owner, one.as_str()), (&org.admin, two.as_str())];
    let verbs = ["demote", "remove", "suspend"];
    let mut rounds = 0;
    for round in 0..72 {
        // Each of the two is unmade, by themselves or by the other, in each pair of ways.
        let (first, second) = (verbs[round % 3], verbs[round / 3 % 3]);
        let (by_first, by_second) = (pair[round / 9 % 2].0, pair[round / 18 % 2].0);
        let [etag_one, etag_two] =
            [&one, &two].map(|account| org.owner.get(&format!("/members/{account}")).etag());
        let statuses = std::thread::scope(|scope| {
            let first = scope.spawn(|| unmake(by_first, first, &one, &etag_one));
            let second = scope.spawn(|| unmake(by_second, second, &two, &etag_two));
            [first.join().unwrap(), second.join().unwrap()]
        });
        let done = statuses.iter().filter(|status| (200..300).contains(*status)).count();
        let owners = "select count(*) from org_members where role = 'owner' and state = 'active'";
        let left = app().db(&org.id).number(owners, &[]);
        assert_eq!((done, left), (1, 1), "{first} and {second}: {statuses:?}");
        restore(&org, &pair);
        rounds += 1;
    }
    assert!(rounds >= 50);
}

#[test]
fn only_owners_make_change_and_remove_owners() {
    let org = Org::new(app(), "owners");
    let (owner, other) = (org.account("owner"), org.account("other"));
    let new = org.outsider("new");
    let admin = &org.admin;
    admin.post("/members", &json!({"account_id": new, "role": "owner"})).problem(403, "forbidden");
    admin.patch(&format!("/members/{other}"), &json!({"role": "owner"})).problem(403, "forbidden");
    admin.patch(&format!("/members/{owner}"), &json!({"role": "member"})).problem(403, "forbidden");
    admin.act(&format!("/members/{owner}/suspend")).problem(403, "forbidden");
    admin.delete(&format!("/members/{owner}")).problem(403, "forbidden");
    org.owner.post("/members", &json!({"account_id": new, "role": "owner"})).expect(201);
    org.owner.patch(&format!("/members/{other}"), &json!({"role": "owner"})).expect(200);
    org.owner.patch(&format!("/members/{new}"), &json!({"role": "admin"})).expect(200);
}

#[test]
fn an_admin_does_not_become_an_owner_by_themselves() {
    let org = Org::new(app(), "self-made");
    let path = format!("/members/{}", org.account("admin"));
    org.admin.patch(&path, &json!({"role": "owner"})).problem(403, "forbidden");
    org.owner.patch(&path, &json!({"role": "owner"})).expect(200);
}

#[test]
fn everybody_reads_and_ends_their_own_membership_and_changes_nothing_else_about_it() {
    let org = Org::new(app(), "own-membership");
    for (caller, name) in [(&org.guest, "guest"), (&org.member, "member")] {
        let path = format!("/members/{}", org.account(name));
        caller.get(&path).expect(200);
        caller.patch(&path, &json!({"role": "admin"})).problem(403, "forbidden");
        caller.act(&format!("{path}/suspend")).problem(403, "forbidden");
        caller.delete(&path).expect(204);
        caller.get("").problem(404, "not_found");
    }
}

#[test]
fn removal_takes_places_and_entries_which_do_not_come_back() {
    let org = Org::new(app(), "removal");
    let (guest, team) = (org.account("guest"), org.team("crew"));
    org.join(&team, "guest", "member");
    let resource = org.resource("shared", "private");
    org.share(&resource, &guest, "read");
    org.owner.delete(&format!("/members/{guest}")).expect(204);
    assert_eq!(org.owner.all(&format!("/teams/{team}/members"), 50).len(), 0);
    assert_eq!(org.owner.all(&format!("/resources/{resource}/acl"), 50).len(), 0);
    org.owner.post("/members", &json!({"account_id": guest, "role": "guest"})).expect(201);
    assert_eq!(org.guest.all("/resources", 50).len(), 0);
}

#[test]
fn suspension_keeps_places_and_entries() {
    let org = Org::new(app(), "suspension");
    let (guest, resource) = (org.account("guest"), org.resource("shared", "private"));
    org.share(&resource, &guest, "read");
    org.owner.act(&format!("/members/{guest}/suspend")).expect(200);
    org.guest.get("/resources").problem(404, "not_found");
    org.owner.act(&format!("/members/{guest}/resume")).expect(200);
    assert_eq!(org.guest.column("/resources", "name"), ["shared"]);
}
