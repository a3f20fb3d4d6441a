//! Issuers that a tenant trusts: kept by its owners and administrators, and speaking for it alone.

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::client::{Client, fill, run};
use crate::oidc::mint::claims;
use crate::oidc::server::Server;
use crate::oidc::{account, app_at, bearer, member, trusting};
use crate::org::Org;
use crate::shared;

shared!();

/// A server that lets tenants trust this issuer, though it is on this host.
fn allowing(server: &Server) -> TestApp {
    let settings = [
        ("FREEHOLD__IDENTITY__ALLOW_PLAIN_LOOPBACK".to_owned(), "true".to_owned()),
        ("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), server.host()),
    ];
    app_at(&Place::new(), &settings)
}

fn registration(url: &str) -> Value {
    let claims = json!({"tenant": "tenant"});
    json!({"name": "own", "url": url, "audience": "freehold", "claims": claims})
}

/// A tenant that trusts an issuer.
fn trusting_org<'a>(app: &'a TestApp, server: &Server, slug: &str) -> (Org<'a>, String) {
    let org = Org::new(app, slug);
    let id = org.owner.post("/issuers", &registration(&server.url())).expect(201).id();
    (org, id)
}

fn refusals(app: &TestApp, reason: &str) -> i64 {
    let sql = "select count(*) from audit_log where action = 'token.verify' and decision = 'deny'
        and target_id = ?1";
    app.db("platform").number(sql, &[&reason])
}

fn by(app: &TestApp, server: &Server, subject: &str, more: &Value) -> Client {
    bearer(app, "ES256", claims(&server.url(), subject), more)
}

#[test]
fn an_issuer_is_registered_changed_and_deleted() {
    let org = Org::new(app(), "issuers-life");
    let new = json!({"name": "Corp", "url": "https://id.corp.example", "audience": "us"});
    let made = org.owner.post("/issuers", &new).expect(201);
    let path = format!("/issuers/{}", made.id());
    assert_eq!(made["state"], "active");
    assert_eq!(made["algorithms"], json!(["EdDSA", "ES256", "RS256"]));
    assert_eq!(made["typ"], json!(["at+jwt"]));
    assert_eq!(
        (&made["max_lifetime_s"], &made["allow_audience_list"]),
        (&json!(3600), &json!(false))
    );
    let read = org.admin.get(&path).expect(200);
    assert_eq!(read.json, made.json);
    let change = json!({"state": "disabled", "algorithms": ["ES256"], "claims": {"acr": "/a/b"}});
    org.admin.patch(&path, &change).problem(403, "forbidden");
    let changed = org.owner.patch(&path, &change).expect(200);
    assert_eq!((&changed["state"], &changed["version"]), (&json!("disabled"), &json!(2)));
    assert_eq!(changed["claims"]["acr"], "/a/b");
    assert_eq!(org.owner.column("/issuers", "name"), ["Corp"]);
    let stale = org.owner.request("PATCH", &path).header("if-match", "\"1\"").json(&change).send();
    stale.problem(412, "stale_version");
    org.owner.delete(&path).expect(204);
    org.owner.get(&path).problem(404, "not_found");
    let kinds = app()
        .db(&org.id)
        .texts("select type from outbox_events where type like 'issuer.%' order by seq", &[]);
    assert_eq!(kinds, ["issuer.created", "issuer.updated", "issuer.deleted"]);
}

#[test]
fn names_and_addresses_are_taken_once_in_a_tenant() {
    let (org, other) = (Org::new(app(), "issuers-once"), Org::new(app(), "issuers-twice"));
    let new = |name: &str, url: &str| json!({"name": name, "url": url, "audience": "us"});
    let (one, two) = ("https://one.example.com", "https://two.example.com");
    org.owner.post("/issuers", &new("One", one)).expect(201);
    org.owner.post("/issuers", &new("One", two)).problem(409, "name_taken");
    org.owner.post("/issuers", &new("Two", one)).problem(409, "already_exists");
    other.owner.post("/issuers", &new("One", one)).expect(201);
    fill(99, "issuer_limit", |n| {
        let body = new(&format!("N {n}"), &format!("https://n{n}.example.com"));
        org.owner.request("POST", "/issuers").json(&body)
    });
    org.owner.post("/issuers", &new("More", two)).problem(409, "issuer_limit");
    let count = "select count(*) from tenant_issuers where tenant_id = ?1";
    let projected = || app().db("platform").number(count, &[&org.id]);
    eventually(|| (projected() == 100).then_some(()));
}

#[test]
fn what_can_be_no_tenants_issuer_is_refused() {
    let org = Org::new(app(), "issuers-odd");
    for url in [
        "http://id.example.com",
        "http://127.0.0.1:1",
        "https://127.0.0.1",
        "https://10.0.0.1",
        "https://169.254.169.254",
        "https://[::1]",
        "https://localhost",
        "https://id.internal",
        "https://intranet",
        "https://user@id.example.com",
        "https://id.example.com#x",
        "freehold",
        "local",
        "host",
        "system",
        "import",
        "https://0x7f.1",
        "https://2130706433",
        "ftp://id.example.com",
    ] {
        let new = json!({"name": "x", "url": url, "audience": "us"});
        let answer = org.owner.post("/issuers", &new);
        assert_eq!(answer.fields(), ["/url"], "{url}: {}", answer.text);
        answer.problem(422, "invalid");
    }
    let good = json!({"name": "x", "url": "https://id.example.com", "audience": "us"});
    for (field, value) in [
        ("/jwks_uri", json!("https://10.0.0.1/jwks")),
        ("/jwks_uri", json!("http://id.example.com/jwks")),
        ("/algorithms", json!([])),
        ("/algorithms", json!(["ES256", "ES256"])),
        ("/typ", json!([])),
        ("/typ", json!(["a b"])),
        ("/max_lifetime_s", json!(59)),
        ("/max_lifetime_s", json!(86_401)),
    ] {
        let mut new = good.clone();
        new[&field[1..]] = value.clone();
        let answer = org.owner.post("/issuers", &new);
        assert_eq!(answer.fields(), [field], "{value}: {}", answer.text);
    }
    for algorithm in ["HS256", "none", "ES384"] {
        let mut new = good.clone();
        new["algorithms"] = json!([algorithm]);
        assert_eq!(org.owner.post("/issuers", &new).status, 422, "{algorithm}");
    }
    let mut new = good;
    new["claims"] = json!({"tenant": "iss"});
    assert_eq!(org.owner.post("/issuers", &new).fields(), ["/claims/tenant"]);
}

#[test]
fn no_custom_role_lets_anybody_say_who_speaks_for_the_tenant() {
    let org = Org::new(app(), "issuers-role");
    for pattern in ["issuer.create", "issuer.update", "issuer.delete"] {
        let role = json!({"name": pattern, "permissions": [pattern]});
        org.owner.post("/roles", &role).problem(422, "invalid");
    }
    let role = org.role("all", &json!(["*"]));
    org.assign(&role, &org.account("member"));
    org.member.get("/issuers").expect(200);
    let new = json!({"name": "x", "url": "https://id.example.com", "audience": "us"});
    org.member.post("/issuers", &new).problem(403, "forbidden");
}

#[test]
fn an_issuer_of_a_tenant_speaks_for_that_tenant_alone() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, _) = trusting_org(&app, &server, "own-issuer");
    let other = Org::new(&app, "other-tenant");
    member(&org, &server.url(), "ann", "member");
    let both = member(&org, &server.url(), "both", "member");
    other.owner.post("/members", &json!({"account_id": both, "role": "owner"})).expect(201);

    let ann = by(&app, &server, "ann", &json!({}));
    org.seen_by(&ann).get("").expect(200);
    org.seen_by(&ann).get("/members").expect(200);
    ann.with_header("freehold-tenant", &org.slug).get("/v1/tenant").expect(200);
    // By its own word about itself as well, but about no other.
    org.seen_by(&by(&app, &server, "ann", &json!({"tenant": org.slug}))).get("").expect(200);
    let wrong = by(&app, &server, "both", &json!({"tenant": other.slug}));
    org.seen_by(&wrong).get("").problem(401, "unauthenticated");
    assert_eq!(refusals(&app, "a tenant's issuer speaks for no other tenant"), 1);

    // Not for another tenant, for the platform, for the account, for a tenant that nobody names.
    let both = by(&app, &server, "both", &json!({}));
    org.seen_by(&both).get("").expect(200);
    let unknown = "the issuer or its key is not known";
    for more in [json!({}), json!({"tenant": other.slug}), json!({"tenant": other.id})] {
        other.seen_by(&by(&app, &server, "both", &more)).get("").problem(401, "unauthenticated");
    }
    for path in ["/v1/platform/tenants", "/v1/platform/audit", "/v1/me"] {
        both.get(path).problem(401, "unauthenticated");
        both.with_header("freehold-tenant", &org.slug).get(path).problem(401, "unauthenticated");
    }
    both.get("/v1/tenants/nowhere").problem(401, "unauthenticated");
    both.get("/v1/tenant").problem(401, "unauthenticated");
    // Sources that disagree name nobody.
    let torn = both.with_header("freehold-tenant", &other.slug);
    org.seen_by(&torn).get("").problem(401, "unauthenticated");
    assert!(refusals(&app, unknown) >= 1);

    // Whoever it does not know is nobody, and an account's id is nobody's name.
    org.seen_by(&by(&app, &server, "nobody", &json!({}))).get("").problem(401, "unauthenticated");
    let stolen = by(&app, &server, &org.account("owner"), &json!({}));
    org.seen_by(&stolen).get("").problem(401, "unauthenticated");
    assert_eq!(refusals(&app, "no account has this identity"), 1);
    // Another tenant that trusts it too is spoken for to its own people alone.
    other.owner.post("/issuers", &registration(&server.url())).expect(201);
    other.seen_by(&both).get("").expect(200);
    other.seen_by(&ann).get("").problem(404, "not_found");
}

#[test]
fn an_issuer_of_a_tenant_speaks_for_no_operator() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, _) = trusting_org(&app, &server, "no-operator");
    let account = member(&org, &server.url(), "op", "member");
    let op = org.seen_by(&by(&app, &server, "op", &json!({})));
    op.get("").expect(200);
    let operators = format!("/v1/platform/operators/{account}");
    app.host().put_new(&operators, &json!({"role": "platform-admin"})).done();
    op.get("").problem(401, "unauthenticated");
    assert_eq!(refusals(&app, "a tenant's issuer speaks for no operator"), 1);
    app.host().delete(&operators).done();
    op.get("").expect(200);
}

#[test]
fn what_a_tenant_takes_back_is_in_force_when_it_is_answered() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, id) = trusting_org(&app, &server, "taken-back");
    member(&org, &server.url(), "ann", "member");
    let ann = org.seen_by(&by(&app, &server, "ann", &json!({})));
    let path = format!("/issuers/{id}");
    for _ in 0..5 {
        ann.get("").expect(200);
        org.owner.patch(&path, &json!({"state": "disabled"})).expect(200);
        ann.get("").problem(401, "unauthenticated");
        org.owner.patch(&path, &json!({"state": "active"})).expect(200);
        ann.get("").expect(200);
        org.owner.patch(&path, &json!({"audience": "others"})).expect(200);
        ann.get("").problem(401, "unauthenticated");
        org.owner.patch(&path, &json!({"audience": "freehold"})).expect(200);
    }
    ann.get("").expect(200);
    org.owner.delete(&path).expect(204);
    ann.get("").problem(401, "unauthenticated");
    org.owner.post("/issuers", &registration(&server.url())).expect(201);
    ann.get("").expect(200);
}

#[test]
fn a_stream_ends_with_the_issuer_of_its_token() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, id) = trusting_org(&app, &server, "issuer-streams");
    member(&org, &server.url(), "ann", "admin");
    let ann = org.seen_by(&by(&app, &server, "ann", &json!({})));
    let stream = ann.request("GET", "/events/stream?type=plan.created").open();
    assert_eq!(stream.status(), 200);
    org.owner.patch(&format!("/issuers/{id}"), &json!({"state": "disabled"})).expect(200);
    let text = run(async { stream.text().await }).unwrap();
    assert!(text.ends_with("data: {\"reason\":\"credential_revoked\"}\n\n"), "{text}");
}

#[test]
fn an_issuer_of_the_installation_is_no_tenants() {
    let server = Server::new();
    let mut settings = trusting(&server.url());
    settings.push(("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), server.host()));
    let app = app_at(&Place::new(), &settings);
    let org = Org::new(&app, "not-theirs");
    let answer = org.owner.post("/issuers", &registration(&server.url()));
    assert_eq!(answer.fields(), ["/url"]);
    answer.problem(422, "invalid");
}

#[test]
fn an_issuer_that_became_the_installations_is_the_tenants_no_more() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, _) = trusting_org(&app, &server, "was-theirs");
    let slug = org.slug.clone();
    member(&org, &server.url(), "ann", "member");
    org.seen_by(&by(&app, &server, "ann", &json!({}))).get("").expect(200);
    let place = app.stop();
    let app = app_at(&place, &trusting(&server.url()));
    let path = format!("/v1/tenants/{slug}");
    // Its word counts by the configuration's rules: a token that names no tenant is for none.
    by(&app, &server, "ann", &json!({})).get(&path).problem(404, "not_found");
    by(&app, &server, "ann", &json!({"tenant": slug})).get(&path).expect(200);
}

#[test]
fn the_registry_is_made_to_say_what_the_file_says() {
    let server = Server::new();
    let app = allowing(&server);
    let (org, _) = trusting_org(&app, &server, "made-anew");
    let (id, slug) = (org.id.clone(), org.slug.clone());
    member(&org, &server.url(), "ann", "member");
    let place = app.stop();
    let registry = rusqlite::Connection::open(place.data().join("registry.db")).unwrap();
    assert_eq!(registry.execute("delete from tenant_issuers", []).unwrap(), 1);
    drop(registry);
    let settings = [
        ("FREEHOLD__IDENTITY__ALLOW_PLAIN_LOOPBACK".to_owned(), "true".to_owned()),
        ("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), server.host()),
    ];
    let app = app_at(&place, &settings);
    let path = format!("/v1/tenants/{slug}");
    by(&app, &server, "ann", &json!({})).get(&path).problem(401, "unauthenticated");
    app.freehold(&["doctor", "--tenant", &id]).ended(1);
    app.freehold(&["doctor", "--tenant", &id, "--fix"]).ended(0);
    eventually(|| (by(&app, &server, "ann", &json!({})).get(&path).status == 200).then_some(()));
    account(&app, &server.url(), "bob");
}
