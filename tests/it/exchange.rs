//! `/v1/auth/token`: another credential in, a short-lived token for one tenant out.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

const GRANT: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const ACCESS: &str = "urn:ietf:params:oauth:token-type:access_token";
const KEY: &str = "urn:freehold:params:oauth:token-type:api-key";

fn exchange(token: &str, more: Value) -> Answer {
    let kind = if token.starts_with("fh_") { KEY } else { ACCESS };
    let mut body = json!({"grant_type": GRANT, "subject_token": token, "subject_token_type": kind});
    for (name, value) in more.as_object().unwrap() {
        body[name] = value.clone();
    }
    app().stranger().post("/v1/auth/token", &body)
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn of(answer: &Answer) -> (Value, Client) {
    let token = answer["access_token"].as_str().unwrap();
    (claims(token), app().bearer(token))
}

#[test]
fn a_key_is_exchanged_for_a_token_of_its_service_account() {
    let org = Org::new(app(), "exchange-key");
    let (robot, id, key) = org.robot("robot", "member");
    let answer = exchange(robot.token(), json!({})).expect(200);
    assert_eq!(
        (&answer["token_type"], &answer["issued_token_type"]),
        (&json!("Bearer"), &json!(ACCESS))
    );
    assert_eq!(answer["expires_in"], 900);
    assert_eq!(answer.header("cache-control"), "no-store");
    let (said, client) = of(&answer);
    assert_eq!(said["sub"], json!(format!("service_account:{id}")));
    assert_eq!((&said["tid"], &said["api_key"]), (&json!(org.id), &json!(key)));
    let client = org.seen_by(&client);
    client.get("").expect(200);
    client.post("/teams", &json!({"name": "x"})).problem(403, "forbidden");
    let named = exchange(robot.token(), json!({"tenant": org.id, "ttl_s": 60})).expect(200);
    assert_eq!(named["expires_in"], 60);
    for tenant in ["never-was", "platform"] {
        exchange(robot.token(), json!({"tenant": tenant})).problem(404, "not_found");
    }
    // It goes with the key.
    org.owner.delete(&format!("/service-accounts/{id}/keys/{key}")).expect(204);
    client.get("").problem(401, "unauthenticated");
    exchange(robot.token(), json!({})).problem(401, "unauthenticated");
    let audited = app().db(&org.id).audited("token.exchange", "permit");
    assert_eq!(audited, 2);
}

#[test]
fn an_issuers_token_is_exchanged_for_one_of_a_tenant() {
    // The demo's people have tokens of the local issuer, whose subjects are identities.
    let alice = app().demo("alice");
    let answer = exchange(alice.token(), json!({"tenant": "acme"})).expect(200);
    let (said, client) = of(&answer);
    assert_eq!((&said["iss"], &said["tenant"]), (&json!("freehold"), &json!("tenant:acme")));
    let me = client.get("/v1/me").expect(200);
    assert_eq!(said["sub"], me["account"]["id"]);
    assert_eq!(me["role"], "owner");
    client.get("/v1/tenants/acme/members").expect(200);
}

#[test]
fn a_token_is_exchanged_for_another_tenant_of_ones_own_and_for_no_other() {
    let (org, other) = (Org::new(app(), "exchange-one"), Org::new(app(), "exchange-two"));
    let member = org.account("member");
    let body = json!({"account_id": member, "role": "guest"});
    other.owner.post("/members", &body).expect(201);
    let there = exchange(org.member.token(), json!({"tenant": other.slug})).expect(200);
    let (said, client) = of(&there);
    assert_eq!((&said["tid"], &said["act"]), (&json!(other.id), &json!({"sub": "host"})));
    other.seen_by(&client).get("").expect(200);
    org.seen_by(&client).get("").problem(404, "not_found");
    let unknown = exchange(org.member.token(), json!({"tenant": "never-was"}));
    let unknown = unknown.problem(404, "not_found");
    let foreign = exchange(org.admin.token(), json!({"tenant": other.slug}));
    assert_eq!(foreign.anonymous(), unknown.anonymous());
    other.owner.act(&format!("/members/{member}/suspend")).expect(200);
    let suspended = exchange(org.member.token(), json!({"tenant": other.slug}));
    assert_eq!(suspended.anonymous(), unknown.anonymous());
    // Nobody gets to the platform by a tenant's token, and no member by any.
    exchange(org.owner.token(), json!({"tenant": "platform"})).problem(404, "not_found");
    let person = app().person(&org.account("owner"));
    exchange(person.token(), json!({})).problem(404, "not_found");
    let operator = exchange(app().operator().token(), json!({"tenant": "platform"})).expect(200);
    of(&operator).1.get("/v1/platform/tenants").expect(200);
}

#[test]
fn an_exchange_widens_nothing() {
    let org = Org::new(app(), "exchange-narrow");
    let narrow = org.scoped("owner", "people:read tenant:read");
    let same = exchange(narrow.token(), json!({})).expect(200);
    assert_eq!(same["scope"], "people:read tenant:read");
    let less = exchange(narrow.token(), json!({"scope": "people:read"})).expect(200);
    let less = of(&less).1;
    org.seen_by(&less).get("/teams").expect(200);
    org.seen_by(&less).get("").problem(404, "not_found");
    for scope in ["people:write", "people:read people:write"] {
        let answer = exchange(narrow.token(), json!({"scope": scope})).problem(422, "invalid");
        assert_eq!(answer.fields(), ["/scope"]);
        exchange(less.token(), json!({"scope": "people:read tenant:read"})).problem(422, "invalid");
    }
    // It ends with what it was made of, and says the same log-in.
    let wanted = json!({
        "tenant": org.slug, "account": org.account("owner"), "ttl_s": 100, "amr": ["pwd"], "acr": "low"
    });
    let brief = app().host().post("/v1/platform/tokens", &wanted).expect(200);
    let brief = brief["token"].as_str().unwrap().to_owned();
    let answer = exchange(&brief, json!({"ttl_s": 3600})).expect(200);
    assert!(answer["expires_in"].as_i64().unwrap() <= 100, "{}", answer.text);
    let (old, new) = (claims(&brief), of(&answer).0);
    for claim in ["acr", "amr", "auth_time", "act", "sub"] {
        assert_eq!(old[claim], new[claim], "{claim}");
    }
    assert!(new["exp"].as_i64() <= old["exp"].as_i64());
}

#[test]
fn what_was_exchanged_ends_with_each_token_that_it_came_of() {
    let org = Org::new(app(), "exchange-ends");
    let revoke = |token: &str| {
        app().stranger().post("/v1/auth/revoke", &json!({"token": token})).expect(200);
    };
    let next = |of_it: &Client| of(&exchange(of_it.token(), json!({})).expect(200)).1;
    let first = org.caller("admin");
    let second = next(&first);
    let third = next(&second);
    let apart = next(&first);
    let statuses =
        || [&first, &second, &third, &apart].map(|client| org.seen_by(client).get("/teams").status);
    assert_eq!(statuses(), [200; 4]);
    revoke(second.token());
    assert_eq!(statuses(), [200, 401, 401, 200]);
    exchange(third.token(), json!({})).problem(401, "unauthenticated");
    revoke(first.token());
    assert_eq!(statuses(), [401; 4]);
}

#[test]
fn a_token_is_exchanged_eight_times_in_a_row() {
    let org = Org::new(app(), "exchange-row");
    let mut token = org.owner.token().to_owned();
    for _ in 0..8 {
        let answer = exchange(&token, json!({})).expect(200);
        answer["access_token"].as_str().unwrap().clone_into(&mut token);
    }
    let one_more = exchange(&token, json!({})).problem(422, "invalid");
    assert_eq!(one_more.fields(), ["/subject_token"]);
    org.seen_by(&app().bearer(&token)).get("/teams").expect(200);
}

#[test]
fn an_exchange_is_one_of_its_tenants_requests() {
    let org = Org::new(app(), "exchange-rated");
    crate::quotas::limit(&org, &json!({"requests_per_minute": 20}));
    let answers = (0..40).map(|_| exchange(org.guest.token(), json!({"tenant": org.slug})));
    let refused = answers.map(|answer| answer.status).find(|status| *status != 200);
    assert_eq!(refused, Some(429));
    org.owner.get("/teams").expect(200);
}

#[test]
fn forms_are_taken_as_oauth_clients_send_them() {
    let org = Org::new(app(), "exchange-form");
    let form = |pairs: &[(&str, &str)]| {
        let mut body = form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(pairs);
        let request = app().stranger().request("POST", "/v1/auth/token");
        request.body("application/x-www-form-urlencoded", body.finish()).send()
    };
    let good = [
        ("grant_type", GRANT),
        ("subject_token", org.owner.token()),
        ("subject_token_type", ACCESS),
        ("ttl_s", "120"),
    ];
    let answer = form(&good).expect(200);
    assert_eq!(answer["expires_in"], 120);
    assert_eq!(form(&good[..2]).problem(422, "invalid").fields(), ["/subject_token_type"]);
    let twice = [&good[..], &[("ttl_s", "1")]].concat();
    form(&twice).problem(422, "invalid");
    let odd = [&good[..3], &[("ttl_s", "x")]].concat();
    assert_eq!(form(&odd).problem(422, "invalid").fields(), ["/ttl_s"]);
    let text = app().stranger().request("POST", "/v1/auth/token").body("text/plain", "{}");
    text.send().problem(415, "unsupported_media_type");
}

#[test]
fn what_cannot_be_exchanged_is_refused_by_field() {
    let org = Org::new(app(), "exchange-odd");
    let token = org.owner.token();
    let cases = [
        (json!({"grant_type": "password"}), "/grant_type"),
        (
            json!({"subject_token_type": "urn:ietf:params:oauth:token-type:saml2"}),
            "/subject_token_type",
        ),
        (
            json!({"requested_token_type": "urn:ietf:params:oauth:token-type:id_token"}),
            "/requested_token_type",
        ),
        (json!({"ttl_s": 0}), "/ttl_s"),
        (json!({"ttl_s": 3601}), "/ttl_s"),
        (json!({"ttl_s": -1}), "/ttl_s"),
        (json!({"scope": "ü"}), "/scope"),
        (json!({"actor_token": "x"}), "/actor_token"),
    ];
    for (more, field) in cases {
        assert_eq!(exchange(token, more).problem(422, "invalid").fields(), [field]);
    }
    for bad in ["", "garbage", "fh_garbage", &token[..token.len() - 1]] {
        exchange(bad, json!({})).problem(401, "unauthenticated");
    }
}
