//! API keys: shown once, narrowed, replaced, taken back; never more than whoever made them.

use serde_json::{Value, json};

use crate::app::eventually;
use crate::org::Org;
use crate::shared;

shared!();

/// Pseudo-random numbers, the same ones each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

#[test]
fn a_key_is_told_once_and_kept_nowhere() {
    let org = Org::new(app(), "told-once");
    let id = org.service_account("robot", "member");
    let path = format!("/service-accounts/{id}/keys");
    let made = org.api_key(&id, &json!({"name": "first"})).expect(201);
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("fh_") && key.len() == 103, "{key}");
    assert_eq!(made.header("location"), format!("/v1/tenants/told-once{path}/{}", made.id()));
    let read = org.owner.get(&format!("{path}/{}", made.id())).expect(200);
    assert!(read.json.get("key").is_none() && !read.text.contains(key), "{}", read.text);
    assert!(!org.owner.get(&path).expect(200).text.contains(key));
    let days = |answer: &crate::client::Answer| {
        let at = |field: &str| answer[field].as_str().unwrap()[..10].to_owned();
        (at("created_at"), at("expires_at"))
    };
    assert_ne!(days(&made).0, days(&made).1);
    let everything = std::fs::read(app().place().data().join("registry.db")).unwrap();
    assert!(!everything.windows(key.len()).any(|window| window == key.as_bytes()));
    for row in app().db(&org.id).texts("select answer from idempotency_keys", &[]) {
        assert!(!row.contains(key));
    }
}

#[test]
fn a_repeated_request_is_told_no_key() {
    let org = Org::new(app(), "told-again");
    let id = org.service_account("robot", "member");
    let ask = || {
        let request = org.owner.request("POST", &format!("/service-accounts/{id}/keys"));
        request.header("idempotency-key", "once").json(&json!({"name": "k"})).send().expect(201)
    };
    let (first, again) = (ask(), ask());
    assert_eq!(first.id(), again.id());
    assert!(first["key"].is_string() && again["key"].is_null(), "{}", again.text);
    assert_eq!(org.owner.all(&format!("/service-accounts/{id}/keys"), 50).len(), 1);
    let kept = app().db(&org.id).texts("select answer from idempotency_keys", &[]);
    assert!(!kept.join("").contains(&first["key"].as_str().unwrap()[10..]));
}

#[test]
fn nothing_like_a_key_is_one() {
    let org = Org::new(app(), "no-keys");
    let (robot, _, _) = org.robot("robot", "admin");
    let key = robot.token().to_owned();
    robot.get("").expect(200);
    let refused = |text: &str| {
        let answer = org.seen_by(&app().bearer(text)).get("");
        assert_eq!(answer.status, 401, "{text}: {}", answer.text);
    };
    for end in 1..key.len() {
        refused(&key[..end]);
        if end % 7 == 0 {
            refused(&key[end..]);
        }
    }
    for odd in [format!("{key}="), format!("{key}A"), key.to_uppercase(), key.replace("fh_", "")] {
        refused(&odd);
    }
    // Through the real verifier a few hundred; ten thousand by the unit tests of the format.
    let mut dice = Dice(7);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    for _ in 0..500 {
        let place = 3 + dice.below(key.len() - 3);
        let mut odd = key.clone();
        let other = &alphabet[dice.below(64)..][..1];
        odd.replace_range(place..=place, other);
        if odd != key {
            refused(&odd);
        }
    }
    robot.get("").expect(200);
}

#[test]
fn a_key_is_good_in_its_tenant_alone() {
    let (org, other) = (Org::new(app(), "key-home"), Org::new(app(), "key-away"));
    let (robot, _, _) = org.robot("robot", "admin");
    other.seen_by(&robot).get("").problem(404, "not_found");
    other.seen_by(&robot).post("/teams", &json!({"name": "x"})).problem(404, "not_found");
    robot.root().get("/v1/platform/tenants").problem(404, "not_found");
    robot.root().get("/v1/me").problem(403, "forbidden");
}

#[test]
fn a_key_is_narrowed_to_its_scopes() {
    let org = Org::new(app(), "key-scopes");
    let id = org.service_account("robot", "admin");
    let scoped = json!({"name": "k", "scopes": ["people:read", "tenant:read"]});
    let made = org.api_key(&id, &scoped).expect(201);
    let robot = org.seen_by(&app().bearer(made["key"].as_str().unwrap()));
    robot.get("/teams").expect(200);
    robot.get("").expect(200);
    robot.post("/teams", &json!({"name": "x"})).problem(403, "forbidden");
    robot.get("/audit").problem(403, "forbidden");
    for scopes in [json!([]), json!(["not a scope"]), json!("people:read")] {
        org.api_key(&id, &json!({"name": "k", "scopes": scopes})).problem(422, "invalid");
    }
    let unknown = json!({"name": "k", "scopes": ["people:read", "people:raed", "platform:read"]});
    let refused = org.api_key(&id, &unknown).problem(422, "invalid");
    let fields: Vec<_> =
        refused["errors"].as_array().unwrap().iter().map(|error| error["field"].clone()).collect();
    assert_eq!(fields, ["/scopes/1", "/scopes/2"]);
    // Whoever is narrowed makes no wider one.
    let narrow = org.scoped("owner", "service-accounts:write people:read");
    let keys = format!("/service-accounts/{id}/keys");
    narrow.post(&keys, &json!({"name": "k"})).problem(403, "exceeds_granter");
    let wider = json!({"name": "k", "scopes": ["people:write"]});
    narrow.post(&keys, &wider).problem(403, "exceeds_granter");
    let fitting = json!({"name": "k", "scopes": ["people:read"]});
    narrow.post(&keys, &fitting).expect(201);
    let rotate = format!("{keys}/{}/rotate", made.id());
    narrow.post(&rotate, &json!({})).problem(403, "exceeds_granter");
}

#[test]
fn a_key_is_good_for_as_long_as_it_may_be() {
    let org = Org::new(app(), "key-times");
    let id = org.service_account("robot", "member");
    for ttl_s in [0, 59, 366 * 86_400 + 1] {
        let answer = org.api_key(&id, &json!({"name": "k", "ttl_s": ttl_s}));
        assert_eq!(answer.problem(422, "invalid").fields(), ["/ttl_s"]);
    }
    let span = |ttl: Value| {
        let made = org.api_key(&id, &json!({"name": "k", "ttl_s": ttl})).expect(201);
        let sql = "select (expires_at - created_at) / 1000000 from api_keys where id = ?1";
        app().db(&org.id).number(sql, &[&made.id()])
    };
    assert_eq!((span(Value::Null), span(json!(60))), (90 * 86_400, 60));
    let short = org.api_key(&id, &json!({"name": "k", "ttl_s": 7200})).expect(201);
    let rotate = format!("/service-accounts/{id}/keys/{}/rotate", short.id());
    let next = org.owner.post(&rotate, &json!({})).expect(201);
    let sql = "select (expires_at - created_at) / 1000000 from api_keys where id = ?1";
    assert_eq!(app().db(&org.id).number(sql, &[&next.id()]), 7200, "as long as the old one");
    assert_eq!(span(json!(366 * 86_400)), 366 * 86_400);
}

#[test]
fn a_key_is_replaced_with_overlap_and_taken_back() {
    let org = Org::new(app(), "key-rotation");
    let (robot, id, key) = org.robot("robot", "member");
    let path = format!("/service-accounts/{id}/keys/{key}");
    let next = org.admin.post(&format!("{path}/rotate"), &json!({"overlap_s": 3600})).expect(201);
    assert_eq!(next["created_by"], json!(org.account("admin")));
    let there = format!("/v1/tenants/key-rotation/service-accounts/{id}/keys/{}", next.id());
    assert_eq!(next.header("location"), there);
    let after = org.seen_by(&app().bearer(next["key"].as_str().unwrap()));
    robot.get("").expect(200);
    after.get("").expect(200);
    // At once, where it is said so.
    let last = org.owner.post(&format!("{path}/rotate"), &json!({"overlap_s": 0})).expect(201);
    robot.get("").problem(401, "unauthenticated");
    let last = org.seen_by(&app().bearer(last["key"].as_str().unwrap()));
    last.get("").expect(200);
    org.owner.delete(&format!("/service-accounts/{id}/keys/{}", next.id())).expect(204);
    after.get("").problem(401, "unauthenticated");
    after.post("/teams", &json!({"name": "x"})).problem(401, "unauthenticated");
    last.get("").expect(200);
    let most = json!({"overlap_s": 31 * 86_400 + 1});
    org.owner.post(&format!("{path}/rotate"), &most).problem(422, "invalid");
}

#[test]
fn a_key_gives_no_more_than_whoever_made_it_has() {
    let org = Org::new(app(), "key-makers");
    let maker = org.newcomer("maker", "admin");
    let caller = eventually(|| {
        let body = json!({"tenant": org.slug, "account": maker});
        let minted = app().host().post("/v1/platform/tokens", &body);
        (minted.status == 200).then_some(minted)
    });
    let maker_client = org.seen_by(&app().bearer(caller["token"].as_str().unwrap()));
    let new = json!({"name": "robot", "role": "admin"});
    let id = maker_client.post("/service-accounts", &new).expect(201).id();
    let keys = format!("/service-accounts/{id}/keys");
    let key = maker_client.post(&keys, &json!({"name": "k"})).expect(201);
    let robot = org.seen_by(&app().bearer(key["key"].as_str().unwrap()));
    let role = org.role("auditors", &json!(["audit.list"]));
    org.assign(&role, &id);
    let member = format!("/members/{maker}");
    robot.get("/audit").expect(200);
    robot.post("/teams", &json!({"name": "as admin"})).expect(201);
    // Demoted, with the maker: and custom roles count no more.
    org.owner.patch(&member, &json!({"role": "member"})).expect(200);
    robot.get("/teams").expect(200);
    robot.post("/teams", &json!({"name": "x"})).problem(403, "forbidden");
    robot.get("/audit").problem(403, "forbidden");
    org.owner.patch(&member, &json!({"role": "guest"})).expect(200);
    robot.get("/teams").problem(403, "forbidden");
    org.owner.patch(&member, &json!({"role": "admin"})).expect(200);
    robot.get("/audit").expect(200);
    // Suspended here, suspended everywhere, removed.
    org.owner.act(&format!("{member}/suspend")).expect(200);
    robot.get("/teams").problem(401, "unauthenticated");
    org.owner.act(&format!("{member}/resume")).expect(200);
    robot.get("/teams").expect(200);
    let account = format!("/v1/platform/accounts/{maker}");
    app().host().act(&format!("{account}/suspend")).expect(200);
    robot.get("/teams").problem(401, "unauthenticated");
    robot.post("/teams", &json!({"name": "x"})).problem(401, "unauthenticated");
    app().host().act(&format!("{account}/resume")).expect(200);
    robot.get("/teams").expect(200);
    org.owner.delete(&member).expect(204);
    robot.get("/teams").problem(401, "unauthenticated");
    // Whoever replaces it makes it theirs.
    let path = format!("{keys}/{}/rotate", key.id());
    let next = org.owner.post(&path, &json!({})).expect(201);
    org.seen_by(&app().bearer(next["key"].as_str().unwrap())).get("/audit").expect(200);
    robot.get("/teams").problem(401, "unauthenticated");
}

#[test]
fn a_key_says_when_it_was_last_used() {
    let org = Org::new(app(), "key-uses");
    let (robot, id, key) = org.robot("robot", "member");
    let path = format!("/service-accounts/{id}/keys/{key}");
    let before = org.owner.get(&path).expect(200);
    assert!(before["last_used_at"].is_null());
    robot.get("").expect(200);
    let used = eventually(|| {
        let read = org.owner.get(&path).expect(200);
        (!read["last_used_at"].is_null()).then_some(read)
    });
    assert!(used["last_used_at"].as_str().unwrap().ends_with(":00.000000Z"), "{}", used.text);
    assert_eq!(used["version"], before["version"], "nobody has changed it");
}

#[test]
fn a_token_in_the_query_is_refused() {
    let org = Org::new(app(), "key-query");
    let (robot, ..) = org.robot("robot", "member");
    robot.get(&format!("?access_token={}", robot.token())).problem(401, "unauthenticated");
    let stranger = org.seen_by(&app().stranger());
    stranger.get(&format!("?access_token={}", robot.token())).problem(401, "unauthenticated");
    let cookie = stranger.with_header("cookie", &format!("access_token={}", robot.token()));
    cookie.get("").problem(401, "unauthenticated");
    let long = "a".repeat(9000);
    org.seen_by(&app().bearer(&long)).get("").problem(401, "unauthenticated");
    org.seen_by(&app().bearer(&format!("fh_{long}"))).get("").problem(401, "unauthenticated");
}
