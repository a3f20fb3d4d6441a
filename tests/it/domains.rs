//! `/v1/platform/tenants/{tenant}/domains`: mail domains, and joining by them.

use serde_json::{Value, json};

use crate::app::eventually;
use crate::client::{Client, fill};
use crate::invitations::{said, verified};
use crate::org::Org;
use crate::shared;

shared!();

fn put(org: &Org, domain: &str, role: &str) {
    let path = format!("/v1/platform/tenants/{}/domains/{domain}", org.slug);
    app().operator().put_new(&path, &json!({"join_role": role})).expect(201);
}

/// Comes, as somebody who looks for their tenants.
fn comes(caller: &Client) -> Vec<String> {
    caller.root().column("/v1/me/tenants", "slug")
}

fn account(caller: &Client) -> String {
    caller.root().get("/v1/me").expect(200)["account"]["id"].as_str().unwrap().to_owned()
}

#[test]
fn whoever_has_an_address_there_joins_by_coming() {
    let org = Org::new(app(), "joined");
    put(&org, "joined.example", "guest");
    let ann = verified(app(), "joined-ann", "ann@JOINED.example");
    assert_eq!(comes(&ann), ["joined"]);
    let member = org.owner.get(&format!("/members/{}", account(&ann))).expect(200);
    assert_eq!((&member["role"], &member["state"]), (&json!("guest"), &json!("active")));
    let sql =
        "select count(*) from audit_log where action = 'system.join' and actor = 'system:join'";
    assert_eq!(app().db(&org.id).number(sql, &[]), 1);
    assert_eq!(comes(&ann), ["joined"], "coming again changes nothing");
    assert_eq!(app().db(&org.id).number(sql, &[]), 1);
}

#[test]
fn nobody_joins_by_less_than_the_whole_domain_of_an_address_that_is_theirs() {
    let org = Org::new(app(), "whole");
    put(&org, "whole.example", "member");
    let claims = |name: &str, claims: Value| {
        app().account(name);
        said(app(), name, &claims)
    };
    let others = [
        claims("whole-a", json!({"email": "a@sub.whole.example", "email_verified": true})),
        claims("whole-b", json!({"email": "b@notwhole.example", "email_verified": true})),
        claims("whole-c", json!({"email": "c@whole.example.evil.example", "email_verified": true})),
        claims("whole-d", json!({"email": "d@whole.example", "email_verified": false})),
        claims("whole-e", json!({"email": "e@whole.example", "email_verified": "true"})),
        claims("whole-f", json!({"email": "f@whole.example"})),
        claims(
            "whole-g",
            json!({"email": "whole.example@elsewhere.example", "email_verified": true}),
        ),
        claims("whole-h", json!({"email": "h@whole.examp\u{217c}e", "email_verified": true})),
    ];
    for caller in &others {
        assert!(comes(caller).is_empty());
    }
    let field = app().account("whole-field");
    let path = format!("/v1/platform/accounts/{field}");
    app().operator().patch(&path, &json!({"email": "x@whole.example"})).expect(200);
    assert!(comes(&app().person(&field)).is_empty());
}

#[test]
fn whoever_was_removed_or_suspended_does_not_come_back_by_a_domain() {
    let org = Org::new(app(), "not-back");
    put(&org, "not-back.example", "member");
    let bea = verified(app(), "not-back-bea", "bea@not-back.example");
    assert_eq!(comes(&bea), ["not-back"]);
    let path = format!("/members/{}", account(&bea));
    org.owner.delete(&path).expect(204);
    eventually(|| comes(&bea).is_empty().then_some(()));
    // Their issuer says something new, and then the same again.
    for email in ["bea@elsewhere.example", "bea@not-back.example"] {
        let claims = json!({"email": email, "email_verified": true});
        assert!(comes(&said(app(), "not-back-bea", &claims)).is_empty());
    }
    assert_eq!(org.owner.get(&path).expect(200)["state"], "removed");
    let cas = verified(app(), "not-back-cas", "cas@not-back.example");
    let account = account(&cas);
    app().operator().act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
    cas.get("/v1/me/tenants").problem(404, "not_found");
    app().operator().act(&format!("/v1/platform/accounts/{account}/resume")).expect(200);
    app().operator().act("/v1/platform/tenants/not-back/suspend").expect(200);
    assert!(comes(&cas).is_empty(), "nobody joins a tenant that is out of service");
}

#[test]
fn a_tenant_has_a_hundred_mail_domains_at_most_however_many_ask_at_once() {
    let org = Org::new(app(), "domain-limit");
    let domains = app().operator().at("/v1/platform/tenants/domain-limit/domains");
    let put = |name: &str| {
        let request = domains.request("PUT", &format!("/{name}.domain-limit.example"));
        request.header("if-none-match", "*").json(&json!({"join_role": "guest"}))
    };
    fill(100, "domain_limit", |n| put(&format!("n{n}")));
    put("one-more").send().problem(409, "domain_limit");
    let count = "select count(*) from tenant_domains where tenant_id = ?1";
    assert_eq!(app().db("platform").number(count, &[&org.id]), 100);
}

#[test]
fn a_domain_is_one_tenants_and_never_everybodys() {
    let (org, other) = (Org::new(app(), "domains-one"), Org::new(app(), "domains-two"));
    let operator = app().operator().at("/v1/platform/tenants");
    put(&org, "domains.example", "member");
    let body = json!({"join_role": "guest"});
    let theirs = "/domains-two/domains/domains.example";
    operator.put_new(theirs, &body).problem(409, "domain_taken");
    operator.get(theirs).problem(404, "not_found");
    operator.delete(theirs).problem(404, "not_found");
    let own = "/domains-one/domains/domains.example";
    let before = operator.get(own).expect(200).etag();
    let changed = operator.put_over(own, &body).expect(200);
    assert_eq!(changed["join_role"], "guest");
    let stale = operator.request("PUT", own).header("if-match", &before).json(&body).send();
    stale.problem(412, "stale_version");
    operator.put_new(own, &body).problem(412, "stale_version");
    operator.request("PUT", own).json(&body).send().problem(428, "precondition_required");
    operator.delete(own).expect(204);
    operator.put_new(theirs, &body).expect(201);
    for public in ["gmail.com", "outlook.com", "co.uk"] {
        let path = format!("/domains-one/domains/{public}");
        assert_eq!(operator.put_new(&path, &body).problem(422, "invalid").fields(), ["domain"]);
    }
    for odd in
        ["localhost", "Example.com", "example.com.", "127.0.0.1", "a%20b.example", "xn--a.example"]
    {
        let path = format!("/domains-one/domains/{odd}");
        assert_eq!(operator.put_new(&path, &body).problem(422, "invalid").fields(), ["domain"]);
    }
    for role in ["owner", "admin", "king"] {
        let path = "/domains-one/domains/roles.example";
        let found = operator.put_new(path, &json!({"join_role": role})).problem(422, "invalid");
        assert_eq!(found.fields(), ["/join_role"]);
    }
    assert_eq!(operator.column("/domains-two/domains", "domain"), ["domains.example"]);
    assert_eq!(other.slug, "domains-two");
}
