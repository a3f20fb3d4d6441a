//! `/_int/tenancy/ping`: in development alone, which tenant a request reached, and whom the database takes the caller
//! for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

const PING: &str = "/_int/tenancy/ping";

fn by_header(caller: &Client, tenant: &str) -> Answer {
    caller.root().request("GET", PING).header("freehold-tenant", tenant).send()
}

fn by_host(caller: &Client, slug: &str) -> Answer {
    caller.root().request("GET", PING).header("host", &format!("{slug}.localhost")).send()
}

fn principals(answer: &Answer) -> BTreeSet<String> {
    let principals = answer["caller_principals"].as_array().unwrap().iter();
    principals.map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_request_reaches_the_tenant_that_it_names() {
    let orgs = [Org::new(app(), "pinged"), Org::new(app(), "pinged-too")];
    for org in &orgs {
        let ways = [
            by_host(&org.owner, &org.slug),
            by_header(&org.owner, &org.slug),
            by_header(&org.owner, &org.id),
        ];
        for answer in ways {
            assert_eq!(answer.expect(200)["current_tenant"], json!(org.id));
        }
    }
    let [one, other] = &orgs;
    for refused in [by_host(&one.owner, &other.slug), by_header(&one.owner, &other.id)] {
        refused.problem(404, "not_found");
    }
    let both = one.owner.root().request("GET", PING).header("freehold-tenant", &one.slug);
    let both = both.header("host", &format!("{}.localhost", other.slug));
    both.send().problem(400, "tenant_conflict");
    one.owner.root().get(PING).problem(400, "tenant_missing");
}

#[test]
fn the_database_knows_a_caller_by_account_teams_and_tenant() {
    let org = Org::new(app(), "known");
    let above = org.team("above");
    let below = org.owner.post("/teams", &json!({"name": "below", "parent_id": above}));
    let below = below.expect(201).id();
    let beside = org.team("beside");
    org.join(&below, "member", "member");
    org.join(&below, "guest", "maintainer");
    org.join(&beside, "admin", "member");
    let id = |name: &str| org.account(name);
    let expected = [
        (&org.owner, vec![id("owner"), org.id.clone()], true),
        (&org.admin, vec![id("admin"), beside, org.id.clone()], true),
        (&org.member, vec![id("member"), below.clone(), above.clone(), org.id.clone()], false),
        (&org.guest, vec![id("guest"), below, above], false),
    ];
    for (caller, ids, sees_all) in expected {
        let answer = by_host(caller, "known").expect(200);
        assert_eq!(principals(&answer), ids.into_iter().collect());
        assert_eq!(answer["caller_sees_all"], json!(sees_all));
        assert_eq!(answer["row_security_mode"], "enforce");
        let members: Vec<_> = answer.json.as_object().unwrap().keys().collect();
        assert_eq!(members.len(), 4, "{members:?}");
    }
}

#[test]
fn a_ping_tells_nobody_of_a_tenant_that_is_not_theirs() {
    let (org, other) = (Org::new(app(), "unpinged"), Org::new(app(), "unpinged-too"));
    let unknown = by_header(&other.owner, "never-was").problem(404, "not_found").anonymous();
    for caller in [&other.owner, &app().operator(), &app().host()] {
        assert_eq!(by_header(caller, &org.slug).anonymous(), unknown);
    }
    org.owner.act(&format!("/members/{}/suspend", org.account("member"))).expect(200);
    assert_eq!(by_host(&org.member, &org.slug).anonymous(), unknown);
    by_header(&app().stranger(), &org.slug).problem(401, "unauthenticated");
    org.owner.root().post(PING, &Value::Null).problem(405, "method_not_allowed");
}

#[test]
fn in_production_there_is_no_ping() {
    let app = TestApp::serve();
    let org = Org::new(&app, "silent");
    let nowhere = "/_int/tenancy/nowhere";
    for caller in [org.owner.root(), app.operator(), app.stranger(), app.host()] {
        let ask =
            |path: &str| caller.request("GET", path).header("freehold-tenant", "silent").send();
        let (ping, nothing) = (ask(PING).problem(404, "not_found"), ask(nowhere));
        assert_eq!(ping.anonymous(), nothing.anonymous());
        assert_eq!(caller.post(PING, &json!({})).anonymous().0, 404);
    }
}
