//! `/v1/me`: who one is, by which credential, in which tenants.

use serde_json::{Value, json};

use crate::app::eventually;
use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn me(caller: &Client) -> Value {
    caller.root().get("/v1/me").expect(200).json
}

#[test]
fn a_caller_learns_who_they_are_and_by_which_credential() {
    let org = Org::new(app(), "who");
    let me = me(&org.member);
    assert_eq!(me["account"]["id"], json!(org.account("member")));
    assert_eq!(me["account"]["identities"], json!([{"issuer": "import", "subject": "who-member"}]));
    assert_eq!((&me["tenant"]["slug"], &me["role"]), (&json!("who"), &json!("member")));
    let credential = &me["credential"];
    assert_eq!((&credential["issuer"], &credential["actor"]), (&json!("freehold"), &json!("host")));
    assert_eq!(credential["tenant_id"], json!(org.id));
    assert!(credential["expires_at"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn permissions_rise_with_the_role() {
    let org = Org::new(app(), "rising");
    let count = |caller: &Client| me(caller)["permissions"].as_array().unwrap().len();
    let counts = [&org.guest, &org.member, &org.admin, &org.owner].map(count);
    assert!(counts.is_sorted_by(|fewer, more| fewer < more), "{counts:?}");
    let guests = me(&org.guest)["permissions"].clone();
    let expected = [
        "tenant.read",
        "workspace.list",
        "resource_type.list",
        "resource.list",
        "catalog.read",
        "access.evaluate_own",
    ];
    assert_eq!(guests, json!(expected));
    let can = |caller: &Client, action: &str| {
        me(caller)["permissions"].as_array().unwrap().contains(&json!(action))
    };
    assert!(can(&org.admin, "member.create") && !can(&org.admin, "owner.create"));
    assert!(can(&org.owner, "owner.create") && !can(&org.owner, "tenant.import"));
}

#[test]
fn somebody_in_two_tenants_sees_both_and_the_role_in_the_one_at_hand() {
    let here = me(&app().demo("alice"));
    let there = me(&app().caller("globex", "local|alice"));
    let roles = |me: &Value| {
        let mine = me["tenants"].as_array().unwrap();
        mine.iter()
            .map(|tenant| format!("{} {}", tenant["slug"], tenant["role"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(roles(&here), [r#""acme" "owner""#, r#""globex" "member""#]);
    assert_eq!(roles(&here), roles(&there));
    assert_eq!((&here["role"], &there["role"]), (&json!("owner"), &json!("member")));
}

#[test]
fn a_credential_for_no_tenant_has_no_role() {
    for caller in [app().operator(), app().person("local|alice")] {
        let me = me(&caller);
        assert_eq!((&me["tenant"], &me["role"]), (&Value::Null, &Value::Null));
        assert_eq!(me["permissions"], json!([]));
    }
}

#[test]
fn tenants_follow_what_happens_in_them() {
    let org = Org::new(app(), "following");
    let account = org.newcomer("new", "guest");
    let caller = app().person(&account);
    let mine = || {
        let me = me(&caller);
        let mine = me["tenants"].as_array().unwrap();
        mine.first().map(|tenant| {
            let word = |member: &str| tenant[member].as_str().unwrap().to_owned();
            (word("role"), word("state"))
        })
    };
    let becomes = |role: &str, state: &str| {
        eventually(|| (mine() == Some((role.to_owned(), state.to_owned()))).then_some(()));
    };
    let path = format!("/members/{account}");
    becomes("guest", "active");
    org.owner.patch(&path, &json!({"role": "admin"})).expect(200);
    becomes("admin", "active");
    org.owner.act(&format!("{path}/suspend")).expect(200);
    becomes("admin", "suspended");
    org.owner.delete(&path).expect(204);
    eventually(|| mine().is_none().then_some(()));
}

#[test]
fn a_suspended_tenant_is_still_told_of() {
    let org = Org::new(app(), "told-of");
    app().operator().act("/v1/platform/tenants/told-of/suspend").expect(200);
    let me = me(&org.member);
    assert_eq!(me["tenant"]["status"], "suspended");
    assert_eq!(me["permissions"], json!([]));
}
