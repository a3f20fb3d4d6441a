//! ID tokens and the exchange that brings them, without a browser: the rules, and what is sent to a provider.

use std::collections::BTreeMap;
use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use freehold::cli::SystemClock;
use freehold::domain::{
    Arrival, Error, LoginProblem, Result, Secret, SigningAlgorithm, Timestamp, Word as _,
};
use freehold::identity::jose::KeySet;
use freehold::identity::{
    BegunLogin, IdToken, IdTokenRules, Provider, ProviderSettings, Redeemed, Unfit, Wanted,
};
use serde_json::{Value, json};

use super::mint::{KEYS, Key, claims, encode, now};
use super::server::{Says, Server, http};
use super::{account, app};
use crate::client::run;

const CLIENT: &str = "freehold";
const NONCE: &str = "a-nonce";
const ACCESS: &str = "an-access-token";
const SECRET: &str = "a secret: 100%";
const CALLBACK: &str = "https://login.example.com/v1/auth/callback";

/// Good claims of an ID token.
pub(super) fn id_claims(issuer: &str, alg: &str) -> Value {
    let function = if alg == "EdDSA" { &SHA512 } else { &SHA256 };
    let hash = digest(function, ACCESS.as_bytes());
    let mut claims = claims(issuer, "ann");
    claims["nonce"] = json!(NONCE);
    claims["at_hash"] = json!(encode(&hash.as_ref()[..hash.as_ref().len() / 2]));
    claims
}

/// An ID token of these claims.
pub(super) fn id_token(alg: &str, claims: &Value) -> String {
    let (key, kid) = KEYS.of(alg);
    key.token(alg, &json!({"alg": alg, "kid": kid}).to_string(), &claims.to_string())
}

/// Verifies an ID token by the keys that all tests share.
pub(super) fn verify(issuer: &str, token: &str) -> Result<IdToken, Unfit> {
    verify_by(issuer, SigningAlgorithm::ALL, &KEYS.jwks(), token)
}

fn verify_by(
    issuer: &str,
    algorithms: &[SigningAlgorithm],
    keys: &[Value],
    token: &str,
) -> Result<IdToken, Unfit> {
    let keys = KeySet::parse(json!({ "keys": keys }).to_string().as_bytes()).unwrap();
    let (client_id, nonce, access_token) = (CLIENT, NONCE, ACCESS);
    let rules = IdTokenRules { issuer, client_id, algorithms, nonce, access_token };
    rules.verify(token, &keys, Timestamp::of_seconds(now()))
}

const ISSUER: &str = "https://id.example.com";

#[test]
fn an_id_token_is_verified_by_the_algorithms_of_the_issuer_and_by_one_key() {
    for alg in ["EdDSA", "ES256", "RS256", "PS256"] {
        let token = id_token(alg, &id_claims(ISSUER, alg));
        assert_eq!(verify(ISSUER, &token).unwrap().identity.subject.as_str(), "ann", "{alg}");
        let algorithm = SigningAlgorithm::parse(alg).unwrap();
        let others: Vec<_> =
            SigningAlgorithm::ALL.iter().copied().filter(|one| *one != algorithm).collect();
        assert!(verify_by(ISSUER, &[algorithm], &KEYS.jwks(), &token).is_ok(), "{alg}");
        let refused = verify_by(ISSUER, &others, &KEYS.jwks(), &token);
        assert!(matches!(refused, Err(Unfit::Token(_))), "{alg}: {refused:?}");
        // A key that is not there may be newer than the set.
        let refused = verify_by(ISSUER, SigningAlgorithm::ALL, &[], &token);
        assert!(matches!(refused, Err(Unfit::Key(_))), "{alg}: {refused:?}");
        // Without a name of a key, the issuer must have exactly one that can be used.
        let (key, kid) = KEYS.of(alg);
        let header = json!({ "alg": alg }).to_string();
        let nameless = key.token(alg, &header, &id_claims(ISSUER, alg).to_string());
        assert!(verify(ISSUER, &nameless).is_err(), "{alg}");
        let mut encryption = Key::p256().jwk("enc");
        encryption["use"] = json!("enc");
        let one = [encryption, key.jwk(kid)];
        assert!(verify_by(ISSUER, SigningAlgorithm::ALL, &one, &nameless).is_ok(), "{alg}");
    }
}

#[test]
fn an_id_token_is_never_an_access_token_whatever_types_are_accepted() {
    let server = Server::new();
    let app = app(&server.url(), &[("FREEHOLD__IDENTITY__ISSUERS__CORP__TYP", "at+jwt,JWT")]);
    account(&app, &server.url(), "ann");
    let (key, kid) = KEYS.of("EdDSA");
    let status = |typ: &str, claims: &Value| {
        let header = json!({"alg": "EdDSA", "typ": typ, "kid": kid}).to_string();
        app.bearer(&key.token("EdDSA", &header, &claims.to_string())).get("/v1/me").status
    };
    let plain = claims(&server.url(), "ann");
    for typ in ["at+jwt", "JWT"] {
        assert_eq!(status(typ, &plain), 200, "{typ}");
        for name in ["nonce", "at_hash", "c_hash"] {
            for value in [json!("x"), json!(null)] {
                let mut claims = plain.clone();
                claims[name] = value;
                assert_eq!(status(typ, &claims), 401, "{typ} {name}");
            }
        }
    }
    // And no access token is an ID token.
    let claims = id_claims(ISSUER, "EdDSA");
    assert!(verify(ISSUER, &id_token("EdDSA", &claims)).is_ok());
    assert!(verify(ISSUER, &KEYS.sign("EdDSA", &claims)).is_err());
}

/// A provider whose description says more, and which answers every code with this ID token.
fn provider(server: &Server, described: &Value, secret: &str) -> Provider {
    let url = server.url();
    let mut document = json!({
        "issuer": url,
        "authorization_endpoint": format!("{url}/auth?kept=1"),
        "token_endpoint": format!("{url}/token"),
        "jwks_uri": format!("{url}/jwks"),
    });
    for (name, value) in described.as_object().unwrap() {
        document[name] = value.clone();
    }
    server.says(move |path| match path {
        "/jwks" | "/token" => Says::Itself,
        _ => Says::Document(document.clone()),
    });
    let settings = ProviderSettings {
        url,
        client_id: CLIENT.to_owned(),
        client_secret: Secret::new(secret),
        algorithms: SigningAlgorithm::ALL.to_vec(),
        scopes: vec!["email".to_owned()],
        acr_values: vec!["phr".to_owned(), "phrh".to_owned()],
        redirect_uri: CALLBACK.to_owned(),
        allow_plain_loopback: true,
    };
    Provider::new(settings, Arc::new(SystemClock)).unwrap()
}

/// A log-in from its beginning to its end, with what the browser brings back in `iss`.
fn log_in(
    server: &Server,
    provider: &Provider,
    iss: Option<&str>,
) -> Result<(BegunLogin, Arrival)> {
    run(async {
        let begun = provider.begin(Wanted { step_up: true }).await?;
        let mut claims = id_claims(&server.url(), "ES256");
        claims["nonce"] = json!(begun.nonce);
        let token = id_token("ES256", &claims);
        let answer = json!({"access_token": ACCESS, "token_type": "Bearer", "id_token": token});
        server.says(move |path| match path {
            "/token" => Says::Document(answer.clone()),
            _ => Says::Itself,
        });
        let (nonce, verifier) = (begun.nonce.clone(), begun.verifier.clone());
        let (code, iss) = ("a code&".to_owned(), iss.map(str::to_owned));
        let arrival = provider.finish(Redeemed { code, iss, nonce, verifier }).await?;
        Ok((begun, arrival))
    })
}

fn pairs(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

#[test]
fn a_code_is_exchanged_with_pkce_and_the_secret_as_the_provider_takes_it() {
    let basic = format!("Basic {}", STANDARD.encode("freehold:a+secret%3A+100%25"));
    let post = json!({"token_endpoint_auth_methods_supported": ["client_secret_post"]});
    for (described, secret, header, in_body) in [
        (json!({}), SECRET, Some(&basic), &[][..]),
        (post.clone(), SECRET, None, &[("client_id", CLIENT), ("client_secret", SECRET)][..]),
        (post, "", None, &[("client_id", CLIENT)][..]),
    ] {
        let server = Server::new();
        let provider = provider(&server, &described, secret);
        let (begun, arrival) = log_in(&server, &provider, None).unwrap();
        assert_eq!(arrival.identity.subject.as_str(), "ann");
        let url: reqwest::Url = begun.url.parse().unwrap();
        let challenge = encode(digest(&SHA256, begun.verifier.as_bytes()));
        let asked = pairs(url.query().unwrap());
        let expected = [
            ("kept", "1"),
            ("response_type", "code"),
            ("client_id", CLIENT),
            ("redirect_uri", CALLBACK),
            ("scope", "openid email"),
            ("state", begun.state.as_str()),
            ("nonce", begun.nonce.as_str()),
            ("code_challenge", challenge.as_str()),
            ("code_challenge_method", "S256"),
            ("acr_values", "phr phrh"),
            ("max_age", "0"),
        ];
        let asked: BTreeMap<_, _> = asked.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(asked, BTreeMap::from(expected));
        let heard = server.heard("/token");
        let sent = pairs(&heard.body);
        let mut expected = BTreeMap::from([
            ("grant_type", "authorization_code"),
            ("code", "a code&"),
            ("redirect_uri", CALLBACK),
            ("code_verifier", begun.verifier.as_str()),
        ]);
        expected.extend(in_body.iter().copied());
        let sent: BTreeMap<_, _> = sent.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(sent, expected);
        assert_eq!(heard.header("authorization").as_deref(), header.map(String::as_str));
    }
}

#[test]
fn every_log_in_has_a_state_a_nonce_and_a_verifier_of_its_own() {
    let server = Server::new();
    let provider = provider(&server, &json!({}), SECRET);
    let words: Vec<String> = (0..20)
        .flat_map(|_| {
            let begun = run(provider.begin(Wanted { step_up: false })).unwrap();
            assert!(!begun.url.contains("max_age") && !begun.url.contains(&begun.verifier));
            [begun.state, begun.nonce, begun.verifier]
        })
        .collect();
    let different: std::collections::BTreeSet<_> = words.iter().collect();
    assert_eq!(different.len(), words.len());
    assert!(words.iter().all(|word| word.len() == 43));
}

#[test]
fn a_provider_names_itself_in_its_description_and_in_the_callback() {
    let problem = |result: Result<(BegunLogin, Arrival)>| match result {
        Err(Error::Login(problem)) => problem,
        other => panic!("{other:?}"),
    };
    for issuer in [json!("https://evil.example"), json!(null), json!([])] {
        let server = Server::new();
        let provider = provider(&server, &json!({ "issuer": issuer }), SECRET);
        assert_eq!(problem(log_in(&server, &provider, None)), LoginProblem::ProviderFailed);
        assert_eq!(server.fetches(), 0, "its keys were not asked for");
    }
    let promise = json!({"authorization_response_iss_parameter_supported": true});
    for described in [json!({}), promise] {
        let server = Server::new();
        let url = server.url();
        let provider = provider(&server, &described, SECRET);
        for iss in ["", "https://evil.example", &format!("{url}/")] {
            let found = problem(log_in(&server, &provider, Some(iss)));
            assert_eq!(found, LoginProblem::StateInvalid, "{iss}");
        }
        assert!(log_in(&server, &provider, Some(&url)).is_ok());
        let silent = log_in(&server, &provider, None);
        assert_eq!(silent.is_ok(), described == json!({}), "{silent:?}");
    }
}

#[test]
fn a_token_endpoint_that_does_not_answer_as_it_must_lets_nobody_in() {
    let server = Server::new();
    let provider = provider(&server, &json!({}), SECRET);
    let begun = run(provider.begin(Wanted { step_up: false })).unwrap();
    for answer in [
        http("200 OK", ""),
        http("200 OK", "[]"),
        http("200 OK", &format!("{{\"a\": \"{}\"}}", "a".repeat(70_000))),
        http("302 Found", "{}"),
        Vec::new(),
    ] {
        server.says(move |_| Says::Bytes(answer.clone()));
        let (code, nonce, verifier) = ("c".to_owned(), begun.nonce.clone(), begun.verifier.clone());
        let redeemed = Redeemed { code, iss: None, nonce, verifier };
        let failed = run(provider.finish(redeemed)).unwrap_err();
        assert!(matches!(failed, Error::Login(LoginProblem::ProviderFailed)), "{failed:?}");
    }
}
