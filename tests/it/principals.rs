//! `/principals`: found by whoever picks one to share with.

use serde_json::json;

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn accounts_teams_and_the_tenant_are_found_by_name_and_type() {
    let org = Org::new(app(), "pickers");
    org.team("Crew");
    let found = |filter: &str| org.member.column(&format!("/principals{filter}"), "name");
    assert_eq!(found("?type=team"), ["Crew"]);
    assert_eq!(found("?type=tenant"), ["pickers"]);
    assert_eq!(found("?q=cReW"), ["Crew"]);
    assert_eq!(found("?q=PICKERS-M"), ["pickers-member"]);
    assert_eq!(found("?q=%25"), [""; 0], "a wildcard is a letter like any other");
    assert_eq!(found("?type=account").len(), 5);
    assert_eq!(found("").len(), 7);
}

#[test]
fn a_principals_id_is_the_id_of_what_it_stands_for() {
    let org = Org::new(app(), "picked");
    let team = org.team("Crew");
    let one = |filter: &str| org.owner.all(&format!("/principals?{filter}"), 50)[0]["id"].clone();
    assert_eq!(one("type=team"), json!(team));
    assert_eq!(one("type=tenant"), json!(org.id));
    assert_eq!(one("q=picked-guest"), json!(org.account("guest")));
}

#[test]
fn a_name_that_changes_is_found_by_its_new_one() {
    let org = Org::new(app(), "renamed-team");
    let team = org.team("Before");
    org.owner.patch(&format!("/teams/{team}"), &json!({"name": "After"})).expect(200);
    assert_eq!(org.owner.column("/principals?type=team", "name"), ["After"]);
}

#[test]
fn a_tenants_new_name_is_its_principals_too() {
    let org = Org::new(app(), "renamed-tenant");
    org.owner.patch("", &json!({"name": "After"})).expect(200);
    assert_eq!(org.owner.column("/principals?type=tenant", "name"), ["After"]);
}

#[test]
fn a_former_member_is_no_principal() {
    let org = Org::new(app(), "former");
    org.owner.delete(&format!("/members/{}", org.account("other"))).expect(204);
    assert_eq!(org.owner.column("/principals?q=former-other", "name"), [""; 0]);
}
