//! Scopes: what a token is narrowed to, and that nothing ever widens it.

use std::collections::BTreeSet;

use freehold::domain::{Manifest, Patterns};
use freehold::http::{Mount, RouteInfo, infos};
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::asks::ask;
use crate::client::Client;
use crate::matrix::{CALLERS, rows};
use crate::org::Org;
use crate::shared;

shared!();

/// What an operation does under another action than its route's, or besides it.
const FURTHER: &[(&str, &str)] = &[
    ("import_create", "tenant.import"),
    ("invitation_create", "member.create"),
    ("invitation_create_many", "member.create"),
];

fn manifest() -> Manifest {
    let text = include_str!("../../config/policy/freehold.json");
    serde_json::from_str(text).unwrap()
}

/// Somebody of an organisation, by a token that is narrowed.
fn narrowed(org: &Org, name: &str, scope: &str) -> Client {
    let wanted = json!({"tenant": org.slug, "account": org.account(name), "scope": scope});
    let minted = org.app.host().post("/v1/platform/tokens", &wanted).expect(200);
    org.seen_by(&org.app.bearer(minted["token"].as_str().unwrap()))
}

/// A platform administrator, by a token that is narrowed.
fn operator(app: &TestApp, scope: &str) -> Client {
    let me = app.operator().get("/v1/me").expect(200);
    let wanted = json!({"account": me["account"]["id"], "scope": scope});
    let minted = app.host().post("/v1/platform/tokens", &wanted).expect(200);
    app.bearer(minted["token"].as_str().unwrap())
}

fn routes(mount: Mount) -> Vec<RouteInfo> {
    infos().into_iter().filter(|route| route.mount == mount).collect()
}

/// Whether patterns leave everything that a route needs.
fn leaves(actions: &Patterns, route: &RouteInfo) -> bool {
    let further = FURTHER.iter().filter(|(operation, _)| *operation == route.operation_id);
    let needed = route.action.into_iter().chain(further.map(|(_, action)| *action));
    needed.into_iter().all(|action| actions.covers(action))
}

/// Routes that make keys, which are narrowed as far as the token is that makes them.
const KEYS: &[&str] =
    &["api_key_create", "api_key_rotate", "platform_api_key_create", "platform_api_key_rotate"];

/// What each route of a plane answers a caller, where that is not what it answers somebody of a column of the matrix
/// whose token is narrowed to these actions.
fn differences(
    org: &Org,
    mount: Mount,
    caller: &Client,
    column: &str,
    actions: &Patterns,
    tag: &str,
) -> Vec<String> {
    let column = CALLERS.iter().position(|name| *name == column).unwrap();
    let rows = rows();
    let mut found = Vec::new();
    for route in routes(mount) {
        let name = format!("{tag}_{}", route.operation_id);
        let answer = ask(&route, org, &name).send(&route, org, caller);
        let unnarrowed = rows[route.operation_id][column];
        let status = answer.status.to_string();
        let good = if leaves(actions, &route) && KEYS.contains(&route.operation_id) {
            // A key that is not narrowed would be more than the token is; the table says it of whoever may make one.
            !unnarrowed.starts_with('2') && status == unnarrowed
                || unnarrowed.starts_with('2') && answer["code"] == "exceeds_granter"
        } else if leaves(actions, &route) {
            status == unnarrowed || (unnarrowed == "2xx" && status.starts_with('2'))
        } else {
            matches!(
                (answer.status, answer["code"].as_str()),
                (403, Some("forbidden")) | (404, Some("not_found"))
            )
        };
        if !good {
            found.push(format!("{tag} {}: {} {}", route.operation_id, answer.status, answer.text));
        }
    }
    found
}

#[test]
fn each_scope_leaves_its_actions_to_an_owner_and_no_others() {
    let org = Org::new(app(), "scoped");
    let mut found = Vec::new();
    for scope in manifest().scopes {
        let caller = narrowed(&org, "owner", scope.name.as_str());
        let tag = scope.name.as_str().replace(':', "-");
        found.extend(differences(&org, Mount::Tenant, &caller, "owner", &scope.actions, &tag));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn each_scope_leaves_its_actions_to_an_operator_and_no_others() {
    let org = Org::new(app(), "scoped-platform");
    let mut found = Vec::new();
    for scope in manifest().scopes {
        let caller = operator(app(), scope.name.as_str());
        let tag = scope.name.as_str().replace(':', "-");
        found.extend(differences(&org, Mount::Platform, &caller, "operator", &scope.actions, &tag));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn several_scopes_leave_what_each_of_them_does() {
    let org = Org::new(app(), "several");
    let (team, name) = (json!({"name": "no"}), "audit:read people:read  resources:read unheard-of");
    let several = narrowed(&org, "owner", name);
    several.get("/teams").expect(200);
    several.get("/resources").expect(200);
    several.get("").problem(404, "not_found");
    several.post("/teams", &team).problem(404, "not_found");
    let more = narrowed(&org, "owner", &format!("{name} tenant:read"));
    more.post("/teams", &team).problem(403, "forbidden");
}

#[test]
fn what_is_no_scope_leaves_nothing_but_learning_who_one_is() {
    let org = Org::new(app(), "unscoped");
    let nothing = Patterns::default();
    for scope in ["unheard-of", " ", "People:write", "people", "people:*", "*", "people.write"] {
        let (owner, administrator) = (narrowed(&org, "owner", scope), operator(app(), scope));
        owner.get("/teams").problem(404, "not_found");
        owner.get("").problem(404, "not_found");
        administrator.get("/v1/platform/tenants").problem(404, "not_found");
        // Whoever exchanges it gets nothing more.
        for (caller, left) in [(&owner, vec!["token.exchange"]), (&administrator, Vec::new())] {
            let me = caller.root().get("/v1/me").expect(200);
            let words: Vec<_> = scope.split_whitespace().collect();
            assert_eq!(me["credential"]["scopes"], json!(words));
            assert_eq!(me["permissions"], json!(left));
        }
    }
    let owner = narrowed(&org, "owner", "unheard-of");
    let found = differences(&org, Mount::Tenant, &owner, "owner", &nothing, "unheard-of");
    assert!(found.is_empty(), "{}", found.join("\n"));
    let administrator = operator(app(), " ");
    let found = differences(&org, Mount::Platform, &administrator, "operator", &nothing, "blank");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn a_scope_never_widens() {
    let org = Org::new(app(), "never-wider");
    let scopes = manifest().scopes;
    let every = scopes.iter().map(|scope| scope.name.as_str()).collect::<Vec<_>>().join(" ");
    for name in ["guest", "member", "admin"] {
        let caller = narrowed(&org, name, &every);
        let left = scopes.iter().flat_map(|scope| scope.actions.iter().cloned()).collect();
        let tag = format!("every-{name}");
        let found = differences(&org, Mount::Tenant, &caller, name, &left, &tag);
        assert!(found.is_empty(), "{}", found.join("\n"));
        caller.root().get("/v1/platform/tenants").problem(404, "not_found");
    }
    let member = narrowed(&org, "member", "people:write tenant:read");
    member.post("/teams", &json!({"name": "no"})).problem(403, "forbidden");
    let other = format!("/members/{}", org.account("other"));
    member.patch(&other, &json!({"role": "admin"})).problem(403, "forbidden");
    let operator = operator(app(), &every);
    org.seen_by(&operator).get("").problem(404, "not_found");
    org.seen_by(&operator).post("/teams", &json!({"name": "no"})).problem(404, "not_found");
}

#[test]
fn whoever_is_narrowed_is_told_to_what() {
    let org = Org::new(app(), "told-scopes");
    let me = |caller: &Client| caller.root().get("/v1/me").expect(200);
    let usual = me(&org.owner);
    assert_eq!(usual["credential"]["scopes"], Value::Null);
    let narrow = narrowed(&org, "owner", "people:read tenant:read");
    let before = app().db(&org.id).written();
    let told = me(&narrow);
    assert_eq!(told["credential"]["scopes"], json!(["people:read", "tenant:read"]));
    let permissions: BTreeSet<_> =
        told["permissions"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert!(
        permissions.contains("team.list") && permissions.contains("tenant.read"),
        "{permissions:?}"
    );
    assert!(
        !permissions.contains("team.create") && !permissions.contains("resource.list"),
        "{permissions:?}"
    );
    assert_eq!(app().db(&org.id).written(), before, "nobody was refused anything");
}

#[test]
fn a_token_that_is_narrowed_is_refused_and_audited() {
    let org = Org::new(app(), "audited-scopes");
    narrowed(&org, "owner", "people:read tenant:read")
        .post("/teams", &json!({"name": "no"}))
        .problem(403, "forbidden");
    let sql = "select policies from audit_log where action = 'team.create' and decision = 'deny'";
    assert_eq!(app().db(&org.id).texts(sql, &[]), [r#"["token-scope"]"#]);
}
