//! Tokens of issuers elsewhere: what is accepted, and everything that is not.
//!
//! [`mint`] signs whatever a test wants, [`server`] says it in an issuer's place. [`table`] is the list of what is refused,
//! [`mutations`] changes good tokens, [`keys`] lets issuers fail, change their keys and attack; [`provider`] is a real one.
//! [`id_tokens`] has those of log-ins, [`strangers`] what somebody without a credential can find out.

mod id_tokens;
mod keys;
pub(crate) mod mint;
mod mutations;
mod provider;
pub(crate) mod server;
mod strangers;
mod table;

use serde_json::{Value, json};

use self::mint::{KEYS, claims};
use self::server::Server;
use crate::app::{Place, TestApp, eventually};
use crate::client::Client;
use crate::org::Org;

/// Settings that let a server trust an issuer on this host.
pub(crate) fn trusting(url: &str) -> Vec<(String, String)> {
    let issuer = "FREEHOLD__IDENTITY__ISSUERS__CORP";
    [
        ("FREEHOLD__IDENTITY__ALLOW_PLAIN_LOOPBACK".to_owned(), "true"),
        (format!("{issuer}__URL"), url),
        (format!("{issuer}__ALGORITHMS"), "EdDSA,ES256,RS256,PS256"),
        (format!("{issuer}__CLAIMS__TENANT"), "tenant"),
    ]
    .map(|(name, value)| (name, value.to_owned()))
    .into()
}

/// A server with these settings.
pub(crate) fn app_at(place: &Place, settings: &[(String, String)]) -> TestApp {
    place.file("log", "");
    let settings: Vec<_> =
        settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    TestApp::serve_at(place, &settings)
}

/// A server that trusts an issuer on this host, with further settings.
pub(crate) fn app(url: &str, more: &[(&str, &str)]) -> TestApp {
    let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let settings: Vec<_> = trusting(url).into_iter().chain(more).collect();
    app_at(&Place::new(), &settings)
}

/// An account that an issuer calls so.
pub(crate) fn account(app: &TestApp, issuer: &str, subject: &str) -> String {
    let identities = json!([{"issuer": issuer, "subject": subject}]);
    let body = json!({"display_name": subject, "identities": identities});
    app.host().post("/v1/platform/accounts", &body).expect(201).id()
}

/// A member of a tenant whom an issuer calls so.
pub(crate) fn member(org: &Org<'_>, issuer: &str, subject: &str, role: &str) -> String {
    let account = account(org.app, issuer, subject);
    let body = json!({"account_id": account, "role": role});
    org.owner.post("/members", &body).expect(201);
    account
}

/// Whoever has a good token with these claims besides the usual ones.
pub(crate) fn bearer(app: &TestApp, alg: &str, usual: Value, more: &Value) -> Client {
    let mut claims = usual;
    for (name, value) in more.as_object().unwrap() {
        claims[name] = value.clone();
    }
    app.bearer(&KEYS.sign(alg, &claims))
}

#[test]
fn a_token_of_a_configured_issuer_is_good_for_the_tenant_that_it_names() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    let (org, other) = (Org::new(&app, "corp"), Org::new(&app, "corp-other"));
    let account = member(&org, &server.url(), "ann", "member");
    for alg in ["EdDSA", "ES256", "RS256", "PS256"] {
        let usual = || claims(&server.url(), "ann");
        for name in [&org.slug, &org.id, &format!("tenant:{}", org.slug)] {
            let ann = bearer(&app, alg, usual(), &json!({"tenant": name, "acr": "phr"}));
            org.seen_by(&ann).get("").expect(200);
            let me = ann.get("/v1/me").expect(200);
            assert_eq!(me["account"]["id"], account);
            assert_eq!(me["credential"]["issuer"], server.url());
            assert_eq!(me["credential"]["acr"], "phr");
            other.seen_by(&ann).get("").problem(404, "not_found");
            ann.get("/v1/platform/tenants").problem(404, "not_found");
        }
        let ann = bearer(&app, alg, usual(), &json!({}));
        ann.get("/v1/me").expect(200);
        org.seen_by(&ann).get("").problem(404, "not_found");
        let nobody = bearer(&app, alg, claims(&server.url(), "bob"), &json!({}));
        nobody.get("/v1/me").problem(401, "unauthenticated");
        let lost = bearer(&app, alg, usual(), &json!({"tenant": "nowhere"}));
        lost.get("/v1/me").problem(401, "unauthenticated");
    }
    assert_eq!(server.fetches(), 1, "its keys were fetched once");
}

#[test]
fn what_scopes_and_roles_say_narrows_a_token_and_gives_nothing() {
    let server = Server::new();
    let roles = [("FREEHOLD__IDENTITY__ISSUERS__CORP__CLAIMS__ROLES", "/realm_access/roles")];
    let app = app(&server.url(), &roles);
    let org = Org::new(&app, "narrow");
    member(&org, &server.url(), "ann", "member");
    member(&org, &server.url(), "own", "owner");
    let by = |subject: &str, more: Value| {
        let mut more = more;
        more["tenant"] = json!(org.slug);
        org.seen_by(&bearer(&app, "ES256", claims(&server.url(), subject), &more))
    };
    let roles = |names: Value| json!({"realm_access": {"roles": names}});
    by("ann", json!({})).get("/members").expect(200);
    by("ann", json!({"scope": "people:read"})).get("/members").expect(200);
    by("ann", json!({"scope": "resources:read"})).get("/members").problem(404, "not_found");
    by("ann", json!({"scope": "openid profile"})).get("/members").problem(404, "not_found");
    by("ann", roles(json!(["people:read"]))).get("/members").expect(200);
    by("ann", roles(json!(["owner", "admin"]))).get("/members").problem(404, "not_found");
    let team = json!({"name": "t"});
    by("ann", roles(json!(["people:write"]))).post("/teams", &team).problem(404, "not_found");
    by("own", roles(json!(["people:write"]))).post("/teams", &team).expect(201);
    by("own", roles(json!("people:read"))).post("/teams", &team).problem(404, "not_found");
    by("own", roles(json!(7))).get("").problem(401, "unauthenticated");
}

#[test]
fn nobody_elsewhere_speaks_with_the_hosts_voice() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    let org = Org::new(&app, "voice");
    member(&org, &server.url(), "own", "owner");
    let by = |more: Value| {
        let mut more = more;
        more["tenant"] = json!(org.slug);
        org.seen_by(&bearer(&app, "EdDSA", claims(&server.url(), "own"), &more))
    };
    by(json!({"acr": "host", "auth_time": mint::now()})).get("").problem(401, "unauthenticated");
    let acting = by(json!({"act": {"sub": "host"}}));
    acting.get("").expect(200);
    let actor = format!("{}|host", server.url());
    assert_eq!(acting.root().get("/v1/me").expect(200)["credential"]["actor"], actor);
    by(json!({"act": {"sub": 7}})).get("").problem(401, "unauthenticated");
    by(json!({"act": "host"})).get("").problem(401, "unauthenticated");
    // The subject is the issuer's word for somebody, and no account's id.
    let owner = org.account("owner");
    let stolen = bearer(&app, "EdDSA", claims(&server.url(), &owner), &json!({}));
    stolen.get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn the_state_of_its_keys_is_told() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    let path = "/v1/platform/issuers";
    // They are fetched when the server starts, before any token comes.
    let status = eventually(|| {
        let status = app.operator().get(path).expect(200)["items"][0].clone();
        (status["kids"] != json!([])).then_some(status)
    });
    assert_eq!((&status["name"], &status["url"]), (&json!("corp"), &json!(server.url())));
    assert!(status["fetched_s_ago"].is_number(), "{status}");
    assert_eq!(status["kids"], json!(["ed", "ec", "rsa"]));
    assert_eq!(status["last_error"], Value::Null);
    assert_eq!(status["algorithms"], json!(["EdDSA", "ES256", "RS256", "PS256"]));
}
