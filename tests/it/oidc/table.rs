//! Everything that no token may be: each case over HTTP, each refused alike, each written down.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::{Map, Value, json};

use super::mint::{KEYS, Key, claims, encode, now};
use super::server::Server;
use super::{account, app};
use crate::app::{TestApp, measured};
use crate::client::send_all;

/// A case: what it is, and the token.
type Case = (String, String);

/// The cases of one algorithm.
struct Table {
    alg: &'static str,
    issuer: String,
    cases: Vec<Case>,
}

impl Table {
    fn claims(&self) -> Value {
        claims(&self.issuer, "ann")
    }

    fn header(&self) -> Value {
        json!({"alg": self.alg, "typ": "at+jwt", "kid": KEYS.of(self.alg).1})
    }

    fn key(&self) -> &'static Key {
        KEYS.of(self.alg).0
    }

    fn add(&mut self, what: impl Into<String>, token: String) {
        self.cases.push((format!("{} {}", self.alg, what.into()), token));
    }

    /// A signed token of these texts.
    fn signed(&mut self, what: impl Into<String>, header: &str, claims: &str) {
        let token = self.key().token(self.alg, header, claims);
        self.add(what, token);
    }

    fn with_header(&mut self, what: &str, members: &Value) {
        let header = merged(self.header(), members).to_string();
        let claims = self.claims().to_string();
        self.signed(format!("header {what} {members}"), &header, &claims);
    }

    fn with_claims(&mut self, members: &Value) {
        let claims = merged(self.claims(), members).to_string();
        let header = self.header().to_string();
        let mut what = format!("claims {members}");
        what.truncate(what.floor_char_boundary(200));
        self.signed(what, &header, &claims);
    }

    fn without(&mut self, name: &str) {
        let (mut header, mut claims) = (self.header(), self.claims());
        let of_header = header.as_object_mut().unwrap().remove(name).is_some();
        let of_claims = claims.as_object_mut().unwrap().remove(name).is_some();
        assert!(of_header || of_claims, "{name} is there to be left out");
        self.signed(format!("without {name}"), &header.to_string(), &claims.to_string());
    }
}

fn merged(mut object: Value, members: &Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        object[name] = value.clone();
    }
    object
}

/// Algorithms that the issuer does not sign by, with whatever signature could be made for them.
fn algorithms(table: &mut Table) {
    for alg in [
        "none", "None", "NONE", "nOnE", "", " ", "HS256", "HS384", "HS512", "hs256", "RS384",
        "RS512", "PS384", "PS512", "ES384", "ES512", "ES256K", "EdDSA ", "eddsa", "Ed25519",
        "es256", "rs256", "RSA-OAEP", "A128KW", "dir", "null", "RS1", "HS256\0",
    ] {
        let header = merged(table.header(), &json!({"alg": alg})).to_string();
        let claims = table.claims().to_string();
        table.signed(format!("alg {alg:?}"), &header, &claims);
        let unsigned = format!("{}.{}.", encode(&header), encode(&claims));
        table.add(format!("alg {alg:?} without a signature"), unsigned);
    }
    for alg in [json!(null), json!(7), json!(["EdDSA"]), json!({"alg": "EdDSA"}), json!(true)] {
        table.with_header("alg", &json!({ "alg": alg }));
    }
    for other in ["EdDSA", "ES256", "RS256", "PS256"] {
        if other != table.alg {
            table.with_header("of another algorithm", &json!({ "alg": other }));
        }
    }
}

/// The public key as the secret of a MAC, in every spelling that somebody could take it in.
fn confusion(table: &mut Table) {
    let jwk = table.key().jwk(KEYS.of(table.alg).1);
    let text = jwk.to_string();
    let body = STANDARD.encode(&text);
    let secrets = [
        text.clone(),
        format!("{text}\n"),
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----"),
        format!("-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"),
        jwk["x"].as_str().or(jwk["n"].as_str()).unwrap().to_owned(),
        String::new(),
    ];
    for (n, secret) in secrets.iter().enumerate() {
        let header = merged(table.header(), &json!({"alg": "HS256"})).to_string();
        let message = format!("{}.{}", encode(header), encode(table.claims().to_string()));
        let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, secret.as_bytes());
        let mac = aws_lc_rs::hmac::sign(&key, message.as_bytes());
        table.add(format!("MAC by the public key {n}"), format!("{message}.{}", encode(mac)));
    }
}

/// What a header must not say.
fn headers(table: &mut Table) {
    let own = Key::ed25519();
    for members in [
        json!({"jku": "https://evil.example/jwks"}),
        json!({"x5u": "https://evil.example/x"}),
        json!({"jwk": own.jwk("ed")}),
        json!({"x5c": ["AAAA"]}),
        json!({"crit": ["exp"]}),
        json!({"crit": ["unknown"], "unknown": true}),
        json!({"crit": []}),
        json!({"crit": ["b64"], "b64": false}),
        json!({"b64": false}),
        json!({"b64": true}),
        json!({"zip": "DEF"}),
        json!({"enc": "A128GCM"}),
        json!({"cty": "JWT"}),
        json!({"epk": {}}),
        json!({"p2c": 1_000_000}),
        json!({"iv": ""}),
        json!({"nonce": "x"}),
        json!({"url": "https://evil.example"}),
        json!({"": ""}),
    ] {
        table.with_header("says more", &members);
    }
    for typ in [
        "JWT",
        "jwt",
        "at+JWT",
        "AT+JWT",
        "logout+jwt",
        "id+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "rt+jwt",
        "",
        " at+jwt",
        "at+jwt ",
        "application/application/at+jwt",
        "text/at+jwt",
        "application/jwt",
    ] {
        table.with_header("typ", &json!({ "typ": typ }));
    }
    for typ in [json!(null), json!(1), json!(["at+jwt"]), json!({})] {
        table.with_header("typ", &json!({ "typ": typ }));
    }
    let long = "k".repeat(4096);
    for kid in [
        "",
        "nobody",
        "ED",
        "ed ",
        " ed",
        "ed\0",
        "ed\r\nx",
        "../../../../dev/null",
        "/dev/null",
        "' or '1'='1",
        "ed'; drop table accounts; --",
        "\u{441}d",
        "e\u{301}d",
        "%65d",
        "ed#",
        long.as_str(),
        "file:///etc/passwd",
        "https://evil.example/jwks",
        "${jndi:ldap://x}",
        "\u{202e}de",
        "*",
    ] {
        table.with_header("kid", &json!({ "kid": kid }));
    }
    for kid in [json!(null), json!(0), json!(["ed"]), json!({"kid": "ed"}), json!(true)] {
        table.with_header("kid", &json!({ "kid": kid }));
    }
    let others = ["ed", "ec", "rsa"].into_iter().filter(|kid| *kid != KEYS.of(table.alg).1);
    for kid in others.collect::<Vec<_>>() {
        table.with_header("another key's name", &json!({ "kid": kid }));
    }
}

/// What claims must not say.
#[expect(clippy::too_many_lines, reason = "a table is as long as it is")]
fn said(table: &mut Table) {
    for name in ["alg", "typ", "kid", "iss", "sub", "aud", "exp", "iat"] {
        table.without(name);
    }
    let (now, issuer) = (now(), table.issuer.clone());
    for members in [
        json!({"iss": "https://evil.example"}),
        json!({"iss": format!("{issuer}/")}),
        json!({"iss": issuer.to_uppercase()}),
        json!({"iss": format!("{issuer} ")}),
        json!({"iss": ""}),
        json!({"iss": null}),
        json!({"iss": 7}),
        json!({"iss": [issuer]}),
        json!({"iss": [issuer, "https://evil.example"]}),
        json!({"iss": {"iss": issuer}}),
        json!({"iss": "freehold"}),
        json!({"iss": "local"}),
        json!({"iss": "host"}),
        json!({"iss": "system"}),
        json!({"aud": "other"}),
        json!({"aud": ""}),
        json!({"aud": "Freehold"}),
        json!({"aud": "freehold "}),
        json!({"aud": null}),
        json!({"aud": 7}),
        json!({"aud": ["freehold"]}),
        json!({"aud": ["other", "freehold"]}),
        json!({"aud": []}),
        json!({"aud": {"freehold": true}}),
        json!({"sub": ""}),
        json!({"sub": null}),
        json!({"sub": 7}),
        json!({"sub": ["ann"]}),
        json!({"sub": "ann "}),
        json!({"sub": "an n"}),
        json!({"sub": "ann\0"}),
        json!({"sub": "\u{e4}nn"}),
        json!({"sub": "Ann"}),
        json!({"sub": "a".repeat(256)}),
        json!({"sub": "nobody"}),
        json!({"sub": "ann", "act": {"sub": ""}}),
        json!({"acr": "host"}),
        json!({"acr": 7}),
        json!({"acr": ["phr"]}),
        json!({"amr": 7}),
        json!({"amr": [7]}),
        json!({"amr": {"mfa": true}}),
        json!({"scope": 7}),
        json!({"scope": [7]}),
        json!({"email": 7}),
        json!({"act": "host"}),
        json!({"act": {"sub": 7}}),
        json!({"act": []}),
        json!({"auth_time": "now"}),
        json!({"auth_time": 1.5}),
        json!({"tenant": "nowhere"}),
        json!({"tenant": 7}),
        json!({"tenant": ["nowhere"]}),
        json!({"tenant": "../nowhere"}),
    ] {
        table.with_claims(&members);
    }
    for name in ["exp", "iat", "nbf"] {
        for odd in [
            json!("1"),
            json!(now.to_string()),
            json!("never"),
            json!(true),
            json!([now]),
            json!({}),
            json!(1.5),
            json!(1e300),
            json!(f64::from(1_900_000_000)),
            json!(u64::MAX),
        ] {
            table.with_claims(&json!({ name: odd }));
        }
    }
    table.with_claims(&json!({"exp": null}));
    table.with_claims(&json!({"iat": null}));
    table.with_claims(&json!({"nbf": null}));
    for (exp, iat, nbf) in [
        (now - 1, now - 100, None),
        (now, now - 100, None),
        (0, now - 100, None),
        (-1, -100, None),
        (i64::MIN, i64::MIN, None),
        (now + 600, now + 300, None),
        (now + 600, now + 3600, None),
        (now + 600, now, Some(now + 300)),
        (now + 600, now, Some(i64::MAX)),
        (now + 3601, now, None),
        (253_402_300_799, now, None),
        (i64::MAX, now, None),
        (i64::MAX, i64::MIN, None),
        (now + 600, now - 86_400, None),
        (now + 600, 0, None),
        (now + 600, i64::MIN, None),
    ] {
        let mut times = json!({"exp": exp, "iat": iat});
        if let Some(nbf) = nbf {
            times["nbf"] = json!(nbf);
        }
        table.with_claims(&times);
    }
}

/// The letters of base64url.
const ALPHABET: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// What has not the one form.
fn forms(table: &mut Table) {
    let (header, claims) = (table.header().to_string(), table.claims().to_string());
    let good = table.key().token(table.alg, &header, &claims);
    let parts: Vec<&str> = good.split('.').collect();
    let (h, c, s) = (parts[0], parts[1], parts[2]);
    for (what, token) in [
        ("no signature", format!("{h}.{c}.")),
        ("two parts", format!("{h}.{c}")),
        ("one part", h.to_owned()),
        ("four parts", format!("{good}.{s}")),
        ("five parts", format!("{h}.{s}.{s}.{c}.{s}")),
        ("no header", format!(".{c}.{s}")),
        ("no claims", format!("{h}..{s}")),
        ("only dots", "..".to_owned()),
        ("four dots", "....".to_owned()),
        ("a dot at the end", format!("{good}.")),
        ("a dot at the beginning", format!(".{good}")),
        ("padding", format!("{h}.{c}.{s}=")),
        ("two paddings", format!("{h}.{c}.{s}==")),
        ("padding within", format!("{h}=.{c}.{s}")),
        ("a comma", good.replacen('.', ",", 1)),
        ("quotes", format!("\"{good}\"")),
        ("a blank at the end of a part", format!("{h}%20.{c}.{s}")),
        ("twice", format!("{good}{good}")),
        ("parts exchanged", format!("{c}.{h}.{s}")),
        ("the signature twice", format!("{h}.{c}.{s}{s}")),
        ("the signature of zeros", format!("{h}.{c}.{}", encode(vec![0; 64]))),
        ("the signature of ones", format!("{h}.{c}.{}", encode(vec![255; 64]))),
        ("the signature of many zeros", format!("{h}.{c}.{}", encode(vec![0; 256]))),
        ("a signature in DER", format!("{h}.{c}.{}", encode([0x30, 6, 2, 1, 1, 2, 1, 1]))),
        ("the form of JSON", json!({"payload": c, "protected": h, "signature": s}).to_string()),
        ("too long", {
            let claims = merged(table.claims(), &json!({"long": "x".repeat(8192)})).to_string();
            table.key().token(table.alg, &header, &claims)
        }),
    ] {
        table.add(what, token);
    }
    // A last character that says bits which nothing reads.
    let last = s.chars().last().unwrap();
    let place = ALPHABET.find(last).unwrap();
    let other = ALPHABET.as_bytes()[place ^ 1] as char;
    table.add("bits that say nothing", format!("{}{other}", &good[..good.len() - 1]));
    for cut in [1, 2, 3, 4, 8, 16, s.len() / 2, s.len() - 1, s.len(), s.len() + 1, s.len() + 40] {
        table.add(format!("{cut} characters less"), good[..good.len() - cut].to_owned());
    }
    // Of another key, another message, another spelling.
    let own = Key::ed25519();
    table.add("signed by somebody else", own.token("EdDSA", &header, &claims));
    let changed = merged(table.claims(), &json!({"sub": "own"})).to_string();
    table.add("claims exchanged", format!("{h}.{}.{s}", encode(changed)));
    table.add("not base64url", format!("{h}.{}.{s}", URL_SAFE.encode(claims.as_bytes())) + "=");
    for (what, header, claims) in [
        ("a member twice", header.replacen('{', r#"{"alg":"none","#, 1), claims.clone()),
        ("a claim twice", header.clone(), claims.replacen('{', r#"{"sub":"own","#, 1)),
        (
            "a claim twice in another spelling",
            header.clone(),
            claims.replacen('{', r#"{"\u0073ub":"own","#, 1),
        ),
        ("a claim twice within", header.clone(), claims.replacen('{', r#"{"x":{"a":1,"a":1},"#, 1)),
        ("too deep", header.clone(), claims.replacen('{', r#"{"x":[[[[[[[[[1]]]]]]]]],"#, 1)),
        (
            "a header too deep",
            header.replacen('{', r#"{"x":[[[[[[[[[1]]]]]]]]],"#, 1),
            claims.clone(),
        ),
        ("a header that is a list", format!("[{header}]"), claims.clone()),
        ("claims that are a list", header.clone(), format!("[{claims}]")),
        ("claims that are a text", header.clone(), "\"ann\"".to_owned()),
        ("claims that are nothing", header.clone(), "null".to_owned()),
        ("claims that are empty", header.clone(), "{}".to_owned()),
        ("a header that is empty", "{}".to_owned(), claims.clone()),
        ("no JSON", header.clone(), "ann".to_owned()),
        ("something behind the claims", header.clone(), format!("{claims} x")),
        ("claims twice", header.clone(), format!("{claims}{claims}")),
        ("a mark at the beginning", format!("\u{feff}{header}"), claims.clone()),
        ("a comma too many", header.clone(), claims.replacen('}', ",}", 1)),
        ("a number as none is", header.clone(), claims.replacen('{', r#"{"x":01,"#, 1)),
    ] {
        table.signed(what, &header, &claims);
    }
}

/// Every case.
fn cases(issuer: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for alg in ["EdDSA", "ES256", "RS256"] {
        let mut table = Table { alg, issuer: issuer.to_owned(), cases: Vec::new() };
        for fill in [algorithms, confusion, headers, said, forms] {
            fill(&mut table);
        }
        cases.extend(table.cases);
    }
    cases
}

/// The refusals that the platform's audit log counts by now, by reason. A row stands for one, or for as many as it says.
fn reasons(app: &TestApp) -> BTreeMap<String, Vec<Map<String, Value>>> {
    let sql = "select target_id || '|' || summary from audit_log where action = 'token.verify'";
    let mut found: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for row in app.db("platform").texts(sql, &[]) {
        let (reason, summary) = row.split_once('|').unwrap();
        let summary: Value = serde_json::from_str(summary).unwrap();
        found.entry(reason.to_owned()).or_default().push(summary.as_object().unwrap().clone());
    }
    found
}

#[test]
fn what_is_not_a_good_token_is_refused_alike_and_written_down() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    account(&app, &server.url(), "ann");
    for alg in ["EdDSA", "ES256", "RS256"] {
        app.bearer(&KEYS.sign(alg, &claims(&server.url(), "ann"))).get("/v1/me").expect(200);
    }
    let cases = cases(&server.url());
    assert!(cases.len() >= 400, "{} cases", cases.len());
    measured(&format!("{} cases", cases.len()));
    let (mut bodies, mut accepted) = (BTreeSet::new(), Vec::new());
    // Each is refused after a while, so they are sent many at a time.
    for some in cases.chunks(64) {
        let requests = some.iter().map(|(what, token)| {
            let value = reqwest::header::HeaderValue::from_str(&format!("Bearer {token}"));
            let value = value.unwrap_or_else(|_| panic!("{what} cannot be sent"));
            let value = value.to_str().unwrap_or_default();
            app.stranger().request("GET", "/v1/me").header("authorization", value)
        });
        for ((what, _), answer) in some.iter().zip(send_all(requests.collect())) {
            if answer.status != 401 {
                accepted.push(format!("{what}: {} {}", answer.status, answer.text));
                continue;
            }
            let challenge = answer.header("www-authenticate");
            assert_eq!(challenge, "Bearer error=\"invalid_token\"", "{what}");
            bodies.insert(answer.anonymous().1.to_string());
        }
    }
    assert!(accepted.is_empty(), "{}", accepted.join("\n"));
    assert_eq!(bodies.len(), 1, "nobody hears what is wrong: {bodies:?}");
    let reasons = reasons(&app);
    measured(&format!("{} reasons: {:#?}", reasons.len(), reasons.keys()));
    assert!(reasons.len() > 25, "{:?}", reasons.keys());
    let rows: usize = reasons.values().map(Vec::len).sum();
    assert!(rows < 3 * reasons.len(), "{rows} rows for {} reasons", reasons.len());
    for (reason, row) in
        reasons.iter().flat_map(|(reason, rows)| rows.iter().map(move |row| (reason, row)))
    {
        for said in ["iss", "kid"].iter().filter_map(|name| row.get(*name)?.as_str()) {
            assert!(
                said.len() <= 1000 && said.bytes().all(|byte| (b' '..=b'~').contains(&byte)),
                "{reason}: {said}"
            );
        }
        let known = ["reason", "iss", "kid", "denials", "within_s"];
        assert!(row.keys().all(|name| known.contains(&name.as_str())), "{reason}: {row:?}");
    }
    let log = app.log();
    for (what, token) in &cases {
        let signature = token.rsplit('.').next().unwrap_or_default();
        assert!(signature.len() < 40 || !log.contains(signature), "{what} is in the log");
    }
}

#[test]
fn a_token_comes_in_one_header_and_nowhere_else() {
    let server = Server::new();
    let app = app(&server.url(), &[]);
    account(&app, &server.url(), "ann");
    let token = KEYS.sign("EdDSA", &claims(&server.url(), "ann"));
    let by = |name: &str, value: &str| {
        app.stranger().request("GET", "/v1/me").header(name, value).send().status
    };
    for good in [format!("Bearer {token}"), format!("bearer {token}"), format!("BEARER {token}")] {
        assert_eq!(by("authorization", &good), 200, "{good}");
    }
    for bad in [
        format!("Bearer  {token}"),
        format!("Bearer\t{token}"),
        format!("Bearer{token}"),
        token.clone(),
        format!("Bearer {token} x"),
        format!("Bearer {token},Bearer {token}"),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        format!("DPoP {token}"),
        format!("Basic {token}"),
        format!("Token {token}"),
        format!("Bearer: {token}"),
        format!("Bearer \"{token}\""),
        format!("Bearer <{token}>"),
    ] {
        assert_eq!(by("authorization", &bad), 401, "{bad}");
    }
    assert_eq!(by("cookie", &format!("access_token={token}")), 401);
    assert_eq!(by("x-access-token", &token), 401);
    assert_eq!(by("proxy-authorization", &format!("Bearer {token}")), 401);
    let query = app.stranger().get(&format!("/v1/me?access_token={token}"));
    assert_eq!(query.status, 401);
    let twice = app.stranger().request("GET", "/v1/me");
    let twice = twice.header("authorization", &format!("Bearer {token}"));
    assert_eq!(twice.header("authorization", &format!("Bearer {token}")).send().status, 401);
}
