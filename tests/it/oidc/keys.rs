//! Keys of issuers: fetched, kept, changed, taken away; and issuers that fail or attack.

#![expect(clippy::disallowed_methods, reason = "what is waited for is real")]

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::mint::{KEYS, Key, claims, encode};
use super::server::{Says, Server, http};
use super::{account, app, app_at, bearer, member, trusting};
use crate::app::{Place, TestApp, eventually, measured};
use crate::client::send_all;
use crate::org::Org;

const RETRY: &str = "FREEHOLD__IDENTITY__JWKS_RETRY_S";
const TTL: &str = "FREEHOLD__IDENTITY__JWKS_TTL_S";
const STALE: &str = "FREEHOLD__IDENTITY__JWKS_MAX_STALE_S";

/// The status that a token by a key is answered with.
fn status(app: &TestApp, server: &Server, key: &Key, alg: &str, kid: &str) -> u16 {
    let header = json!({"alg": alg, "typ": "at+jwt", "kid": kid});
    let claims = claims(&server.url(), "ann");
    let token = key.token(alg, &header.to_string(), &claims.to_string());
    app.bearer(&token).get("/v1/me").status
}

#[test]
fn a_key_that_is_new_is_found_and_one_that_is_gone_is_good_for_nothing() {
    let server = Server::new();
    let (first, second) = (Key::ed25519(), Key::p256());
    server.keys(vec![first.jwk("one")]);
    let app = app(&server.url(), &[(RETRY, "1"), (TTL, "2")]);
    account(&app, &server.url(), "ann");
    let kept = bearer(&app, "EdDSA", claims(&server.url(), "ann"), &json!({}));
    let remembered = {
        let header = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "one"}).to_string();
        app.bearer(&first.token("EdDSA", &header, &claims(&server.url(), "ann").to_string()))
    };
    remembered.get("/v1/me").expect(200);
    kept.get("/v1/me").expect(401);
    // Overlap: both are good once the new one was asked for.
    server.keys(vec![first.jwk("one"), second.jwk("two")]);
    eventually(|| (status(&app, &server, &second, "ES256", "two") == 200).then_some(()));
    remembered.get("/v1/me").expect(200);
    // Taken away: what was verified before and is remembered ends as well.
    server.keys(vec![second.jwk("two")]);
    let since = Instant::now();
    eventually(|| (remembered.get("/v1/me").status == 401).then_some(()));
    assert!(since.elapsed() < Duration::from_secs(4), "within the time to live");
    assert_eq!(status(&app, &server, &second, "ES256", "two"), 200);
    // Another key by the same name.
    let third = Key::p256();
    server.keys(vec![third.jwk("two")]);
    eventually(|| (status(&app, &server, &second, "ES256", "two") == 401).then_some(()));
    assert_eq!(status(&app, &server, &third, "ES256", "two"), 200);
}

#[test]
fn an_outage_is_lived_through_for_a_while_and_then_nothing_is_accepted() {
    let server = Server::new();
    let app = app(&server.url(), &[(RETRY, "1"), (TTL, "1"), (STALE, "5")]);
    account(&app, &server.url(), "ann");
    let ann = bearer(&app, "EdDSA", claims(&server.url(), "ann"), &json!({}));
    ann.get("/v1/me").expect(200);
    server.says(|_| Says::Bytes(http("503 Service Unavailable", "{}")));
    let since = Instant::now();
    while since.elapsed() < Duration::from_secs(3) {
        ann.get("/v1/me").expect(200);
    }
    eventually(|| (ann.get("/v1/me").status == 401).then_some(()));
    assert!(since.elapsed() > Duration::from_secs(3));
    let status = app.operator().get("/v1/platform/issuers").expect(200)["items"][0].clone();
    assert_eq!(status["last_error"], "it answered 503");
    server.says(|_| Says::Itself);
    eventually(|| (ann.get("/v1/me").status == 200).then_some(()));
}

#[test]
fn thousands_of_unknown_keys_are_asked_for_once() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    account(&app, &server.url(), "ann");
    let ann = bearer(&app, "ES256", claims(&server.url(), "ann"), &json!({}));
    ann.get("/v1/me").expect(200);
    assert_eq!(server.fetches(), 1);
    let (claims, url) = (encode(claims(&server.url(), "ann").to_string()), app.url().to_owned());
    let since = Instant::now();
    let (threads, each) = (100_usize, 20_usize);
    let workers: Vec<_> = (0..threads)
        .map(|thread| {
            let (claims, url) = (claims.clone(), url.clone());
            std::thread::spawn(move || flood(&url, &claims, thread * each, each))
        })
        .collect();
    let refused: usize = workers.into_iter().map(|worker| worker.join().unwrap()).sum();
    assert_eq!(refused, threads * each);
    let seconds = since.elapsed().as_secs();
    let budget = 1 + 1 + usize::try_from(seconds / 30).unwrap();
    let asked = server.fetches();
    measured(&format!("2000 unknown keys in {seconds} s: {asked} fetches"));
    assert!(asked <= budget, "{asked} fetches in {seconds} s");
    ann.get("/v1/me").expect(200);
    let rows = app.db("platform").audited("token.verify", "deny");
    assert!(rows < 20, "{rows} rows: a refused caller cannot make the node write");
}

/// Sends so many tokens that each name a key that is not there, over one connection; counts those that are refused.
fn flood(url: &str, claims: &str, from: usize, count: usize) -> usize {
    use std::io::{BufRead, BufReader, Read, Write};
    let address = url.strip_prefix("http://").unwrap();
    let connect = || BufReader::new(std::net::TcpStream::connect(address).unwrap());
    let mut stream = connect();
    let mut refused = 0;
    for batch in 0..count / 10 {
        let mut requests = String::new();
        for n in 0..10 {
            let kid = from + batch * 10 + n;
            let header = format!(r#"{{"alg":"EdDSA","typ":"at+jwt","kid":"k{kid}"}}"#);
            let token = format!("{}.{claims}.{}", encode(header), encode([7; 64]));
            requests.push_str("GET /v1/me HTTP/1.1\r\nhost: ");
            requests.push_str(address);
            requests.push_str("\r\nauthorization: Bearer ");
            requests.push_str(&token);
            requests.push_str("\r\n\r\n");
        }
        stream.get_mut().write_all(requests.as_bytes()).unwrap();
        for _ in 0..10 {
            let (mut line, mut length) = (String::new(), 0);
            stream.read_line(&mut line).unwrap();
            refused += usize::from(line.starts_with("HTTP/1.1 401 "));
            loop {
                line.clear();
                stream.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line == "\r\n" {
                    break;
                }
            }
            stream.read_exact(&mut vec![0; length]).unwrap();
        }
    }
    refused
}

#[test]
fn many_at_once_ask_once() {
    let (server, ours) = (Server::new(), Server::new());
    let mut settings = trusting(&ours.url());
    settings.push(("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), server.host()));
    let app = app_at(&Place::new(), &settings);
    // The keys of a tenant's issuer are not asked for before a token comes.
    let org = Org::new(&app, "many-at-once");
    let new = json!({"name": "own", "url": server.url(), "audience": "freehold"});
    org.owner.post("/issuers", &new).expect(201);
    member(&org, &server.url(), "ann", "member");
    server.says(|path| {
        if path == "/jwks" {
            std::thread::sleep(Duration::from_millis(100));
        }
        Says::Itself
    });
    let path = "/v1/tenants/many-at-once/members";
    let requests = (0..32).map(|n| {
        let mut claims = claims(&server.url(), "ann");
        claims["jti"] = json!(n.to_string());
        app.bearer(&KEYS.sign("EdDSA", &claims)).request("GET", path)
    });
    for answer in send_all(requests.collect()) {
        // On a busy machine the answer comes later than it is waited for.
        assert!([200, 401].contains(&answer.status), "{}", answer.text);
    }
    let late = app.bearer(&KEYS.sign("EdDSA", &claims(&server.url(), "ann")));
    eventually(|| (late.get(path).status == 200).then_some(()));
    assert_eq!(server.fetches(), 1);
}

/// What an issuer says in place of its keys, and what is said of it.
type Poison = (&'static str, Box<dyn Fn() -> Says + Send + Sync>);

fn poisons(elsewhere: &str) -> Vec<Poison> {
    let head = "HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation";
    let redirect = format!("{head}: {elsewhere}/jwks\r\n\r\n");
    let body = |status: &'static str, body: &'static str| -> Box<dyn Fn() -> Says + Send + Sync> {
        Box::new(move || Says::Bytes(http(status, body)))
    };
    let many = || {
        let keys: Vec<_> = (0..33).map(|n| KEYS.ed25519.jwk(&format!("k{n}"))).collect();
        Says::Document(json!({ "keys": keys }))
    };
    vec![
        ("it answered 302", Box::new(move || Says::Bytes(redirect.clone().into_bytes()))),
        ("its answer has more than 64 KiB", Box::new(|| Says::Endless)),
        ("it did not answer in time", Box::new(|| Says::Nothing(Duration::from_secs(5)))),
        ("it has more than 32 keys", Box::new(many)),
        ("it is no JSON object", body("200 OK", "[]")),
        ("it is no JSON object", body("200 OK", r#"{"keys": [], "keys": []}"#)),
        ("it has no list of keys", body("200 OK", r#"{"keys": {}}"#)),
        ("it has a key that is no object", body("200 OK", r#"{"keys": ["k"]}"#)),
        ("it answered 404", body("404 Not Found", "{}")),
    ]
}

/// What was last wrong with the keys of the one issuer.
fn last_error(app: &TestApp) -> Value {
    app.operator().get("/v1/platform/issuers").expect(200)["items"][0]["last_error"].clone()
}

#[test]
fn what_a_poisoned_issuer_says_of_its_keys_is_not_believed() {
    let (decoy, server) = (Server::new(), Server::new());
    let app = app(&server.url(), &[(RETRY, "1"), (TTL, "1"), (STALE, "0")]);
    account(&app, &server.url(), "ann");
    let ann = bearer(&app, "EdDSA", claims(&server.url(), "ann"), &json!({}));
    ann.get("/v1/me").expect(200);
    for (what, poison) in poisons(&decoy.url()) {
        server.says(move |path| if path == "/jwks" { poison() } else { Says::Itself });
        eventually(|| {
            (ann.get("/v1/me").status == 401).then_some(())?;
            (last_error(&app) == what).then_some(())
        });
        server.says(|_| Says::Itself);
        eventually(|| (ann.get("/v1/me").status == 200).then_some(()));
    }
    assert_eq!(decoy.requests(), 0, "no redirect was followed");
    let taken = server.taken();
    assert!(taken < 64 * 1024 * 1024, "{taken} bytes of an endless document");
}

#[test]
fn what_a_poisoned_issuer_says_of_itself_is_not_believed() {
    let decoy = Server::new();
    let https = "the address must begin with https://";
    for (keys, issuer, what) in [
        (
            json!(format!("{}/jwks", decoy.url())),
            json!(decoy.url()),
            "its discovery document names another issuer",
        ),
        (
            json!(format!("{}/jwks", decoy.url())),
            json!([]),
            "its discovery document names another issuer",
        ),
        (json!(null), json!(null), "its discovery document names no keys"),
        (json!("http://id.example.com/jwks"), json!(null), https),
        (json!("http://169.254.169.254/latest/meta-data"), json!(null), https),
        (json!("file:///etc/passwd"), json!(null), https),
    ] {
        let server = Server::new();
        let issuer = if issuer.is_null() { json!(server.url()) } else { issuer };
        server.says(move |_| Says::Document(json!({"issuer": issuer, "jwks_uri": keys})));
        let app = app(&server.url(), &[]);
        account(&app, &server.url(), "ann");
        let ann = bearer(&app, "EdDSA", claims(&server.url(), "ann"), &json!({}));
        ann.get("/v1/me").problem(401, "unauthenticated");
        assert_eq!(last_error(&app), what);
        assert_eq!((server.requests(), server.fetches()), (1, 0));
    }
    assert_eq!(decoy.requests(), 0);
}

#[test]
fn keys_that_are_weak_secret_or_for_something_else_are_no_keys() {
    let server = Server::new();
    let app = app(&server.url(), &[(RETRY, "1"), (TTL, "1")]);
    account(&app, &server.url(), "ann");
    let (ed, ec, rsa) = (&KEYS.ed25519, &KEYS.p256, &KEYS.rsa);
    let with = |mut key: Value, more: &Value| {
        for (name, value) in more.as_object().unwrap() {
            key[name] = value.clone();
        }
        key
    };
    let ed25519 = |more: Value| vec![with(ed.jwk("k"), &more)];
    let p256 = |more: Value| vec![with(ec.jwk("k"), &more)];
    let of_rsa = |more: Value| vec![with(rsa.jwk("k"), &more)];
    let sets = [
        ("EdDSA", ed, ed25519(json!({"use": "enc"}))),
        ("EdDSA", ed, ed25519(json!({"key_ops": ["sign"]}))),
        ("EdDSA", ed, ed25519(json!({"key_ops": "verify"}))),
        ("EdDSA", ed, ed25519(json!({"alg": "ES256"}))),
        ("EdDSA", ed, ed25519(json!({"alg": 7}))),
        ("EdDSA", ed, ed25519(json!({"crv": "X25519"}))),
        ("EdDSA", ed, ed25519(json!({"crv": "Ed448"}))),
        ("EdDSA", ed, ed25519(json!({"kty": "EC"}))),
        ("EdDSA", ed, ed25519(json!({"kty": "oct"}))),
        ("EdDSA", ed, ed25519(json!({"d": "AAAA"}))),
        ("EdDSA", ed, ed25519(json!({"kid": 7}))),
        ("EdDSA", ed, ed25519(json!({"kid": "other"}))),
        ("EdDSA", ed, vec![ed.jwk("k"), ec.jwk("k")]),
        ("EdDSA", ed, vec![]),
        ("ES256", ec, p256(json!({"crv": "P-384"}))),
        ("ES256", ec, p256(json!({"y": encode([1; 32])}))),
        ("ES256", ec, p256(json!({"x": encode([0; 32]), "y": encode([0; 32])}))),
        ("ES256", ec, p256(json!({"alg": "ES384"}))),
        ("RS256", rsa, of_rsa(json!({"e": "AQ"}))),
        ("RS256", rsa, of_rsa(json!({"e": "Aw"}))),
        ("RS256", rsa, of_rsa(json!({"alg": "PS256"}))),
        ("PS256", rsa, of_rsa(json!({"alg": "RS256"}))),
        ("RS256", rsa, of_rsa(json!({"alg": "RSA-OAEP"}))),
        ("RS256", rsa, of_rsa(json!({"n": encode([255; 128])}))),
        ("RS256", rsa, of_rsa(json!({"n": encode(vec![255; 1025])}))),
    ];
    let good = [("EdDSA", ed), ("ES256", ec), ("RS256", rsa), ("PS256", rsa)];
    for (n, (alg, key, set)) in sets.into_iter().enumerate() {
        let marker = format!("marker{n}");
        let (_, other) = good[n % 4];
        let mut keys = set.clone();
        keys.push(other.jwk(&marker));
        server.keys(keys);
        let good_alg = good[n % 4].0;
        eventually(|| (status(&app, &server, other, good_alg, &marker) == 200).then_some(()));
        assert_eq!(status(&app, &server, key, alg, "k"), 401, "{alg} {set:?}");
    }
}

#[test]
fn a_token_without_a_name_of_a_key_is_good_where_there_is_one_alone() {
    let server = Server::new();
    let app = app(&server.url(), &[(RETRY, "1"), (TTL, "1")]);
    account(&app, &server.url(), "ann");
    let header = json!({"alg": "EdDSA", "typ": "at+jwt"}).to_string();
    let token = KEYS.ed25519.token("EdDSA", &header, &claims(&server.url(), "ann").to_string());
    let ann = app.bearer(&token);
    ann.get("/v1/me").problem(401, "unauthenticated");
    server.keys(vec![KEYS.ed25519.jwk("one")]);
    eventually(|| (ann.get("/v1/me").status == 200).then_some(()));
}
