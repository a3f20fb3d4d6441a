//! What somebody without a credential can find out about issuers and tenants: nothing, neither by content nor by time.

#![expect(clippy::disallowed_methods, reason = "what is waited for is real")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::mint::{KEYS, Key, claims, now};
use super::server::{Says, Server};
use super::{account, app, app_at, bearer, trusting};
use crate::app::{Place, TestApp, measured};
use crate::browser::{self, HOST};
use crate::client::Answer;
use crate::org::Org;

/// How long a refusal takes that must not tell whether an issuer is known.
const WAIT: Duration = Duration::from_millis(300);

/// A token that a stranger can write, as far as header and claims go: its key is unknown here.
fn forged(issuer: &str, header: &Value, more: &Value) -> String {
    let mut whole = json!({"alg": "EdDSA", "typ": "at+jwt", "kid": "ed"});
    let mut said = claims(issuer, "ann");
    for (object, changes) in [(&mut whole, header), (&mut said, more)] {
        for (name, value) in changes.as_object().unwrap() {
            object[name] = value.clone();
        }
    }
    Key::ed25519().token("EdDSA", &whole.to_string(), &said.to_string())
}

/// What a stranger can vary in a token.
fn variants() -> Vec<(Value, Value)> {
    vec![
        (json!({}), json!({})),
        (json!({"kid": "nobody's"}), json!({})),
        (json!({"typ": "JWT"}), json!({})),
        (json!({"alg": "none"}), json!({})),
        (json!({"alg": "ES256"}), json!({})),
        (json!({}), json!({"exp": now() - 10})),
        (json!({}), json!({"aud": "another"})),
        (json!({}), json!({"nonce": "x"})),
    ]
}

/// Sends tokens all at once to paths; how long each took, and the answer.
fn send(app: &TestApp, requests: &[(String, String)]) -> Vec<(Duration, Answer)> {
    std::thread::scope(|scope| {
        let sent: Vec<_> = requests
            .iter()
            .map(|(path, token)| {
                let client = app.bearer(token);
                scope.spawn(move || {
                    let since = Instant::now();
                    let answer = client.get(path);
                    (since.elapsed(), answer)
                })
            })
            .collect();
        sent.into_iter().map(|one| one.join().unwrap()).collect()
    })
}

#[test]
fn a_token_of_an_unknown_issuer_is_refused_as_one_of_a_known_issuer_is() {
    // Its keys come when the test says so; the server asks for them at its start, and once in a second.
    let server = Server::new();
    let is_held = Arc::new(AtomicBool::new(true));
    let held = is_held.clone();
    server.says(move |path| {
        while path == "/jwks" && held.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(5));
        }
        Says::Itself
    });
    let app = app(&server.url(), &[("FREEHOLD__IDENTITY__JWKS_RETRY_S", "1")]);
    account(&app, &server.url(), "ann");
    let of = |issuer: &str| {
        let all = variants().into_iter();
        let all = all.map(|(header, claims)| forged(issuer, &header, &claims));
        all.map(|token| ("/v1/me".to_owned(), token)).collect::<Vec<_>>()
    };
    let (known, unknown) = (of(&server.url()), of("http://127.0.0.1:9"));
    let answers = send(&app, &[known.clone(), unknown.clone()].concat());
    for (took, _) in &answers {
        assert!(
            *took < Duration::from_millis(2500),
            "answered while the issuer is silent: {took:?}"
        );
    }
    is_held.store(false, Ordering::SeqCst);
    let ann = bearer(&app, "EdDSA", claims(&server.url(), "ann"), &json!({}));
    crate::app::eventually(|| (ann.get("/v1/me").status == 200).then_some(()));
    // And once more, when its keys are known.
    let again = send(&app, &[known, unknown].concat());
    for (n, (took, answer)) in answers.iter().chain(&again).enumerate() {
        assert!(*took >= WAIT, "{n}: {took:?}");
        assert_eq!(answer.anonymous(), answers[0].1.anonymous(), "{n}");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"");
    }
    let median = |answers: &[(Duration, Answer)]| {
        let mut times: Vec<_> = answers.iter().map(|(took, _)| *took).collect();
        times.sort();
        times[times.len() / 2]
    };
    let halves = again.split_at(again.len() / 2);
    measured(&format!("known: {:?}, unknown: {:?}", median(halves.0), median(halves.1)));
}

#[test]
fn a_tenants_issuer_is_known_to_nobody_who_has_no_token_of_it() {
    let (server, ours) = (Server::new(), Server::new());
    let mut settings = trusting(&ours.url());
    settings.push(("FREEHOLD__IDENTITY__PRIVATE_ISSUER_HOSTS".to_owned(), server.host()));
    let app = app_at(&Place::new(), &settings);
    let org = Org::new(&app, "has-issuer");
    Org::new(&app, "has-no-one");
    let new = json!({"name": "own", "url": server.url(), "audience": "freehold"});
    org.owner.post("/issuers", &new).expect(201);
    let requests: Vec<_> = ["has-issuer", "has-no-one", "never-was1"]
        .into_iter()
        .flat_map(|tenant| {
            let path = format!("/v1/tenants/{tenant}/members");
            let issuers = [server.url(), ours.url(), "http://127.0.0.1:9".to_owned()];
            issuers.map(|issuer| (path.clone(), forged(&issuer, &json!({}), &json!({}))))
        })
        .collect();
    for ((path, _), (took, answer)) in requests.iter().zip(send(&app, &requests)) {
        assert!(took >= WAIT, "{path}: {took:?}");
        assert_eq!(
            answer.problem(401, "unauthenticated")["detail"],
            "A valid bearer token is needed."
        );
    }
}

#[test]
fn a_credential_in_a_body_tells_as_little() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    for issuer in [server.url(), "http://127.0.0.1:9".to_owned()] {
        let token = forged(&issuer, &json!({}), &json!({}));
        let post = |path: &str, form: &[(&str, &str)]| {
            let mut body = form_urlencoded::Serializer::new(String::new());
            let body = body.extend_pairs(form).finish();
            let since = Instant::now();
            let request = app.stranger().request("POST", path);
            (request.body("application/x-www-form-urlencoded", body).send(), since.elapsed())
        };
        let exchange = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"),
            ("subject_token", token.as_str()),
            ("subject_token_type", "urn:ietf:params:oauth:token-type:access_token"),
        ];
        let (exchanged, took) = post("/v1/auth/token", &exchange);
        exchanged.problem(401, "unauthenticated");
        assert!(took >= WAIT, "{took:?}");
        let (revoked, took) = post("/v1/auth/revoke", &[("token", &token)]);
        revoked.expect(200);
        assert!(took >= WAIT, "{took:?}");
    }
}

#[test]
fn tokens_that_wait_hold_no_thread() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    let token = forged("http://127.0.0.1:9", &json!({}), &json!({}));
    let many = vec![("/v1/me".to_owned(), token); 64];
    let since = Instant::now();
    for (_, answer) in send(&app, &many) {
        answer.problem(401, "unauthenticated");
    }
    let took = since.elapsed();
    measured(&format!("64 at once: {took:?}"));
    // One after the other on two threads they would take 9.6 seconds.
    assert!(took < Duration::from_secs(5), "{took:?}");
}

/// An answer without what differs between any two.
fn told(answer: &Answer) -> (u16, Value, Vec<(String, String)>) {
    let (status, body) = answer.anonymous();
    let fields = answer.headers.iter().filter(|(name, _)| {
        !["date", "x-request-id", "location", "set-cookie"].contains(&name.as_str())
    });
    let fields = fields.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
    // The server keeps fields in no order, which differs between any two answers.
    let mut fields: Vec<_> = fields.collect();
    fields.sort();
    (status, body, fields)
}

#[test]
fn strangers_are_answered_alike_whether_a_tenant_is_there_or_not() {
    let settings = [("FREEHOLD__HTTP__BASE_DOMAINS", "base.test")];
    let app = browser::app_with(&Place::new(), &settings);
    let (here, gone, never) = ("here-it-is", "suspended1", "never-was1");
    for slug in [here, gone] {
        Org::new(&app, slug);
    }
    app.operator().act(&format!("/v1/platform/tenants/{gone}/suspend")).expect(200);
    // Our own issuer's name, and a key that is not ours.
    let forged = format!("Bearer {}", KEYS.sign("EdDSA", &claims("freehold", "ann")));
    let garbage = ["", "Bearer x", "Bearer a.b.c", "Basic eDp5", forged.as_str()];
    let ask = |tenant: &str| {
        let mut answers = Vec::new();
        let mut note = |what: &str, answer: Answer| {
            let (status, body, fields) = told(&answer);
            // Some repeat the name that was asked for.
            let text = format!("{body} {fields:?}").replace(tenant, "<tenant>");
            answers.push((what.to_owned(), status, text));
        };
        let get = |path: &str| app.stranger().request("GET", path);
        for authorization in garbage {
            for path in ["", "/members", "/events", "/no-such-thing"] {
                let path = format!("/v1/tenants/{tenant}{path}");
                let request = get(&path);
                let request = match authorization {
                    "" => request,
                    some => request.header("authorization", some),
                };
                note(&format!("{authorization:.10} {path}"), request.send());
            }
        }
        let host = format!("{tenant}.base.test");
        for path in ["/v1/me", "/v1/tenant/members", "/v1/auth/login", "/livez"] {
            note(&format!("host {path}"), get(path).header("host", &host).send());
            note(&format!("header {path}"), get(path).header("freehold-tenant", tenant).send());
        }
        let described = format!("/.well-known/authzen-configuration/v1/tenants/{tenant}");
        note("described", get(&described).send());
        let here = get("/.well-known/authzen-configuration/v1/tenant").header("host", &host);
        note("described by host", here.send());
        let login = get(&format!("/v1/auth/login?tenant={tenant}")).header("host", HOST).send();
        assert_eq!(login.status, 303, "{}", login.text);
        let cookie = login.header("set-cookie").len();
        let place = login.header("location").split('?').next().unwrap().to_owned();
        note(&format!("log-in {cookie} {place}"), login);
        answers
    };
    let differing = |one: &str, other: &str| {
        let strip = |what: String, tenant: &str| what.replace(tenant, "<tenant>");
        let pairs = ask(one).into_iter().zip(ask(other));
        for ((what, status, text), (other_what, other_status, other_text)) in pairs {
            assert_eq!(strip(what.clone(), one), strip(other_what, other));
            assert_eq!((status, text), (other_status, other_text), "{what}");
        }
    };
    differing(here, never);
    differing(gone, never);
}
