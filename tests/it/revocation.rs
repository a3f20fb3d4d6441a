//! What was taken away is gone with the next request.

use serde_json::json;

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

/// One reading, one change: what a caller is answered.
fn tries(caller: &Client, name: &str) -> [(u16, String); 2] {
    let (read, change) = (caller.get(""), caller.post("/teams", &json!({"name": name})));
    [read, change]
        .map(|answer| (answer.status, answer["code"].as_str().unwrap_or_default().to_owned()))
}

#[track_caller]
fn refused(caller: &Client, status: u16, code: &str) {
    assert_eq!(tries(caller, "refused"), [(status, code.to_owned()), (status, code.to_owned())]);
}

#[track_caller]
fn served(caller: &Client, name: &str) {
    assert_eq!(tries(caller, name), [(200, String::new()), (201, String::new())]);
}

#[test]
fn a_suspended_member_finds_nothing_until_resumed() {
    let org = Org::new(app(), "suspended-member");
    let path = format!("/members/{}", org.account("admin"));
    served(&org.admin, "before");
    org.owner.act(&format!("{path}/suspend")).expect(200);
    refused(&org.admin, 404, "not_found");
    org.owner.act(&format!("{path}/resume")).expect(200);
    served(&org.admin, "after");
}

#[test]
fn a_removed_member_finds_nothing() {
    let org = Org::new(app(), "removed-member");
    served(&org.admin, "before");
    org.owner.delete(&format!("/members/{}", org.account("admin"))).expect(204);
    refused(&org.admin, 404, "not_found");
}

#[test]
fn a_demoted_admin_keeps_what_the_new_role_gives() {
    let org = Org::new(app(), "demoted-admin");
    served(&org.admin, "before");
    org.owner
        .patch(&format!("/members/{}", org.account("admin")), &json!({"role": "guest"}))
        .expect(200);
    let [read, change] = tries(&org.admin, "refused");
    assert_eq!(read, (200, String::new()));
    assert_eq!(change, (403, "forbidden".to_owned()));
    org.admin.get("/members").problem(403, "forbidden");
}

#[test]
fn a_suspended_account_finds_nothing_anywhere() {
    let org = Org::new(app(), "suspended-account");
    let path = format!("/v1/platform/accounts/{}", org.account("admin"));
    served(&org.admin, "before");
    app().operator().act(&format!("{path}/suspend")).expect(200);
    refused(&org.admin, 404, "not_found");
    let me = org.admin.root().get("/v1/me");
    assert!([401, 403, 404].contains(&me.status), "{}", me.text);
    app().operator().act(&format!("{path}/resume")).expect(200);
    served(&org.admin, "after");
}

#[test]
fn a_suspended_tenant_is_told_to_its_own_callers_and_to_operators_and_to_nobody_else() {
    let (org, other) = (Org::new(app(), "suspended-tenant"), Org::new(app(), "suspended-other"));
    let act = |verb: &str| {
        app().operator().act(&format!("/v1/platform/tenants/suspended-tenant/{verb}")).expect(200)
    };
    served(&org.owner, "before");
    act("suspend");
    for own in
        [&org.owner, &org.guest, &org.seen_by(&app().operator()), &org.seen_by(&app().host())]
    {
        refused(own, 403, "tenant_suspended");
    }
    let unknown = other.owner.at("/v1/tenants/never-was").get("").problem(404, "not_found");
    let seen = org.seen_by(&other.owner).get("");
    assert_eq!(seen.anonymous(), unknown.anonymous());
    org.seen_by(&app().stranger()).get("").problem(401, "unauthenticated");
    act("resume");
    served(&org.owner, "after");
}

#[test]
fn an_operator_whose_account_is_suspended_is_one_no_more() {
    let app = crate::app::TestApp::dev();
    let operator = app.operator();
    let me = operator.get("/v1/me").expect(200);
    let path = format!("/v1/platform/accounts/{}", me["account"]["id"].as_str().unwrap());
    app.host().act(&format!("{path}/suspend")).expect(200);
    operator.get("/v1/platform/tenants").problem(404, "not_found");
    operator
        .post("/v1/platform/tenants", &json!({"slug": "late", "name": "x"}))
        .problem(404, "not_found");
    app.host().act(&format!("{path}/resume")).expect(200);
    operator.get("/v1/platform/tenants").expect(200);
}

#[test]
fn a_place_and_an_entry_that_were_taken_away_give_nothing_more() {
    let org = Org::new(app(), "taken-grants");
    let (team, guest) = (org.team("crew"), org.account("guest"));
    let resource = org.resource("shared", "private");
    let path = format!("/resources/{resource}");
    org.share(&resource, &team, "write");
    for _ in 0..3 {
        org.join(&team, "guest", "member");
        org.guest.get(&path).expect(200);
        org.owner.delete(&format!("/teams/{team}/members/{guest}")).expect(204);
        org.guest.get(&path).problem(404, "not_found");
        assert_eq!(org.guest.all("/resources", 50).len(), 0);
    }
}

#[test]
fn nothing_that_was_sent_after_the_answer_to_a_removal_is_done() {
    let org = Org::new(app(), "no-late-writes");
    let admin = format!("/members/{}", org.account("admin"));
    let late = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let statuses = (0..200)
                .map(|n| org.admin.post("/teams", &json!({"name": format!("t{n}")})).status);
            statuses.skip_while(|status| *status == 201).collect::<Vec<_>>()
        });
        org.owner.act(&format!("{admin}/suspend")).expect(200);
        let count = org.owner.all("/teams", 200).len();
        let late = writer.join().unwrap();
        assert_eq!(org.owner.all("/teams", 200).len(), count);
        late
    });
    assert!(late.iter().all(|status| *status == 404), "{late:?}");
}
