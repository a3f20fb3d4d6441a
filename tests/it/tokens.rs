//! `/v1/platform/tokens`, and what makes a token good.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn host() -> Client {
    app().host().at("/v1/platform")
}

fn part(token: &str, number: usize) -> Value {
    let text = token.split('.').nth(number).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
}

/// The same token with other words in one of its parts.
fn forged(token: &str, number: usize, member: &str, value: Value) -> String {
    let mut parts: Vec<_> = token.split('.').map(str::to_owned).collect();
    let mut words = part(token, number);
    words[member] = value;
    parts[number] = URL_SAFE_NO_PAD.encode(words.to_string());
    parts.join(".")
}

fn refused(token: &str) {
    let me = app().bearer(token).get("/v1/me");
    assert_eq!(
        me.clone().problem(401, "unauthenticated")["detail"],
        "A valid bearer token is needed."
    );
}

#[test]
fn a_token_says_whose_it_is_for_what_and_who_acts() {
    let org = Org::new(app(), "claims");
    let token = org.member.token();
    let header = part(token, 0);
    assert_eq!((&header["alg"], &header["typ"]), (&json!("EdDSA"), &json!("at+jwt")));
    let claims = part(token, 1);
    assert_eq!((&claims["iss"], &claims["aud"]), (&json!("freehold"), &json!("freehold")));
    assert_eq!(claims["sub"], json!(org.account("member")));
    assert_eq!((&claims["tid"], &claims["tenant"]), (&json!(org.id), &json!("tenant:claims")));
    assert_eq!(claims["act"], json!({"sub": "host"}));
    assert_eq!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(), 3600);
    assert!(claims["jti"].is_string() && claims["nbf"].is_i64());
}

#[test]
fn the_key_of_a_token_is_public() {
    let org = Org::new(app(), "public-key");
    let keys = app().stranger().get("/.well-known/jwks.json").expect(200);
    let key = &keys["keys"][0];
    assert_eq!(key["kid"], part(org.member.token(), 0)["kid"]);
    assert_eq!((&key["kty"], &key["crv"]), (&json!("OKP"), &json!("Ed25519")));
    assert!(key["d"].is_null());
}

#[test]
fn a_token_that_was_changed_in_anything_is_refused() {
    let org = Org::new(app(), "changed-tokens");
    let token = org.member.token();
    let changes = [
        (0, "alg", json!("none")),
        (0, "alg", json!("HS256")),
        (0, "typ", json!("JWT")),
        (0, "kid", json!("another")),
        (0, "crit", json!(["b64"])),
        (0, "jwk", json!({})),
        (1, "sub", json!(org.account("owner"))),
        (1, "tid", Value::Null),
        (1, "exp", json!(4_000_000_000_i64)),
        (1, "iss", json!("local")),
        (1, "aud", json!("elsewhere")),
    ];
    for (number, member, value) in changes {
        refused(&forged(token, number, member, value));
    }
    let bare = token.rsplit_once('.').unwrap().0;
    refused(&format!("{bare}."));
    refused(bare);
    refused(&format!("{token}A"));
    refused(&"a".repeat(8000));
    app().bearer(token).get("/v1/me").expect(200);
}

#[test]
fn a_token_of_another_installation_is_refused() {
    let elsewhere = TestApp::dev();
    refused(elsewhere.demo("alice").token());
    refused(elsewhere.operator().token());
}

#[test]
fn production_refuses_what_the_local_issuer_signed() {
    let app = TestApp::dev();
    let (alice, operator) =
        (app.demo("alice").token().to_owned(), app.operator().token().to_owned());
    let app = TestApp::serve_at(&app.stop(), &[]);
    app.bearer(&alice).get("/v1/me").problem(401, "unauthenticated");
    app.bearer(&operator).get("/v1/me").expect(200);
}

#[test]
fn a_token_is_minted_for_an_account_that_has_to_do_with_the_tenant() {
    let org = Org::new(app(), "minting");
    let stranger = org.outsider("stranger");
    let cases = [
        (json!({"tenant": "minting"}), "/account"),
        (json!({"tenant": "minting", "account": stranger}), "/account"),
        (json!({"tenant": "never-was", "account": stranger}), "/tenant"),
        (json!({"account": "local|never-was"}), "/account"),
        (json!({"account": "nonsense"}), "/account"),
        (json!({"account": stranger, "ttl_s": 0}), "/ttl_s"),
        (json!({"account": stranger, "ttl_s": 86401}), "/ttl_s"),
        (json!({"account": stranger, "ttl_s": -1}), "/ttl_s"),
        (json!({"account": stranger, "scopes": "all"}), "/scopes"),
        (json!({"account": stranger, "scope": "a\n"}), "/scope"),
        (json!({"account": stranger, "amr": [""]}), "/amr"),
    ];
    for (body, field) in cases {
        let answer = host().post("/tokens", &body).problem(422, "invalid");
        assert_eq!(answer.fields(), [field], "{body}");
    }
    host().post("/tokens", &json!({"account": stranger, "ttl_s": 86400})).expect(200);
}

#[test]
fn a_removed_member_is_given_no_token() {
    let org = Org::new(app(), "no-token");
    let other = org.account("other");
    org.owner.delete(&format!("/members/{other}")).expect(204);
    let body = json!({"tenant": "no-token", "account": other});
    crate::app::eventually(|| {
        let answer = host().post("/tokens", &body);
        (answer.status == 422).then_some(())
    });
}

#[test]
fn what_is_minted_is_written_down_without_the_token() {
    let org = Org::new(app(), "written-down");
    let account = org.outsider("minted");
    let request = host().request("POST", "/tokens").header("x-request-id", "minting-once");
    let minted = request.json(&json!({"account": account})).send().expect(200);
    let db = app().db("platform");
    let row =
        "select actor || ' ' || action || ' ' || summary from audit_log where request_id = ?1";
    let rows = db.texts(row, &[&"minting-once"]);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].starts_with("host token.create") && rows[0].contains(&account), "{rows:?}");
    assert!(!rows[0].contains(minted["token"].as_str().unwrap()));
}

#[test]
fn a_token_that_our_own_key_signed_for_another_audience_is_refused() {
    let status = |audience: &str| {
        let token = app().local_token_for("alice", audience);
        app().bearer(&token).get("/v1/me").status
    };
    assert_eq!(["freehold", "elsewhere", ""].map(status), [200, 401, 401]);
}
