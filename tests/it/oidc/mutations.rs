//! Good tokens, changed a bit, a byte or a member at a time: none but the very same is accepted.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use freehold::domain::{IssuerTerms, NewIssuer, SigningAlgorithm, Timestamp, Word as _};
use freehold::identity::{Fetcher, Keeping, Presented, Trust, Verified, Verifier};
use freehold::outbound::Destinations;
use serde_json::{Value, json};

use super::id_tokens;
use super::mint::{KEYS, claims, encode, now};
use super::server::Server;
use crate::app::measured;
use crate::client::run;

const EVERY: usize = 100_000;

/// A small random number, the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }
}

fn terms() -> IssuerTerms {
    let new: NewIssuer = serde_json::from_value(json!({
        "name": "t", "url": "https://id.example.com", "audience": "freehold",
    }))
    .unwrap();
    IssuerTerms { algorithms: SigningAlgorithm::ALL.to_vec(), ..new.terms() }
}

fn verifier(server: &Server) -> Verifier {
    let hour = Duration::from_hours(1);
    let keeping = Keeping { ttl: hour, max_stale: hour, retry: hour };
    let destinations = Destinations { allow_plain_loopback: true, ..Destinations::default() };
    let mut trust = Trust::new(Fetcher::start(destinations).unwrap(), keeping);
    trust.add("t", &server.url(), terms());
    Verifier::new("freehold", Vec::new(), trust)
}

/// A moment that is late enough for an issuer on this host.
fn soon() -> tokio::time::Instant {
    tokio::time::Instant::now() + Duration::from_secs(10)
}

/// Everything that a single bit of a text can become, if it is text still.
fn bits(token: &str) -> impl Iterator<Item = String> + '_ {
    (0..token.len() * 8).filter_map(|bit| {
        let mut bytes = token.as_bytes().to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        String::from_utf8(bytes).ok()
    })
}

/// A byte exchanged, put in, taken out or doubled; two exchanged; an end cut off.
fn byte(token: &str, dice: &mut Dice) -> String {
    const ALPHABET: &[u8] =
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_=.+/ \t\n~%";
    let mut bytes = token.as_bytes().to_vec();
    let (at, other) = (dice.below(bytes.len()), dice.below(bytes.len()));
    let new = ALPHABET[dice.below(ALPHABET.len())];
    match dice.below(7) {
        0 | 1 => bytes[at] = new,
        2 => bytes.insert(at, new),
        3 => drop(bytes.remove(at)),
        4 => bytes.swap(at, other),
        5 => bytes.truncate(at),
        _ => bytes.insert(at, bytes[at]),
    }
    String::from_utf8(bytes).unwrap()
}

/// Another header or other claims under the same signature.
fn structure(token: &str, dice: &mut Dice) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let place = dice.below(2);
    let text = URL_SAFE_NO_PAD.decode(&parts[place]).unwrap();
    let mut object: Value = serde_json::from_slice(&text).unwrap();
    let members: Vec<String> = object.as_object().unwrap().keys().cloned().collect();
    let member = &members[dice.below(members.len())];
    let odd = [
        json!(null),
        json!(true),
        json!(""),
        json!("none"),
        json!("HS256"),
        json!([]),
        json!({}),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(now() + 100),
        json!(format!("x{}", dice.below(1_000_000))),
        json!(dice.below(1_000_000_000)),
        object[member].clone(),
    ];
    match dice.below(5) {
        0 => drop(object.as_object_mut().unwrap().remove(member)),
        1 => object[member] = odd[dice.below(odd.len())].clone(),
        2 => object[format!("m{}", dice.below(1_000_000))] = odd[dice.below(odd.len())].clone(),
        3 => object[member] = json!([object[member].clone()]),
        _ => {
            // The same in another spelling.
            let blanks = " ".repeat(1 + dice.below(200));
            let text = object.to_string().replacen(':', &format!(":{blanks}"), 1);
            parts[place] = encode(text);
            return parts.join(".");
        }
    }
    parts[place] = encode(object.to_string());
    parts.join(".")
}

/// Changes good tokens in every bit, and then at random as often as it is said; how many tokens that were, and those of
/// them that are accepted.
fn mutate(good: &[String], turns: usize, accepts: impl Fn(&str) -> bool) -> (usize, Vec<String>) {
    let originals: HashSet<_> = good.iter().cloned().collect();
    let (mut accepted, mut count) = (Vec::new(), 0);
    let mut judge = |token: String| {
        count += 1;
        if accepts(&token) && !originals.contains(&token) {
            accepted.push(token);
        }
    };
    for token in good {
        assert!(accepts(token));
        bits(token).for_each(&mut judge);
    }
    let mut dice = Dice(7);
    for turn in 0..turns {
        let token = &good[turn % good.len()];
        judge(if turn % 3 == 0 { structure(token, &mut dice) } else { byte(token, &mut dice) });
    }
    measured(&format!("{count} changed tokens"));
    (count, accepted)
}

#[test]
fn of_a_hundred_thousand_changed_tokens_none_is_accepted() {
    let server = Server::new();
    let verifier = verifier(&server);
    let now = Timestamp::of_seconds(now());
    let mut good = vec![
        KEYS.sign("EdDSA", &claims(&server.url(), "a")),
        KEYS.sign("ES256", &claims(&server.url(), "b")),
        KEYS.sign("RS256", &claims(&server.url(), "c")),
        KEYS.sign("PS256", &claims(&server.url(), "d")),
    ];
    let mut full = claims(&server.url(), "e");
    full["nbf"] = json!(super::mint::now());
    full["scope"] = json!("resources:read");
    full["amr"] = json!(["pwd", "otp"]);
    good.push(KEYS.sign("EdDSA", &full));
    let verify = |token: &str| verifier.verify(&Presented::new(token), now);
    let refused = verify(&good[0]).unwrap_err();
    run(async { refused.ask.unwrap().refresh(soon()).await });
    let (count, accepted) = mutate(&good, EVERY, |token| verify(token).is_ok());
    assert!(count >= EVERY);
    assert_eq!(accepted, Vec::<String>::new());
    for token in &good {
        let good: Arc<Verified> = verify(token).unwrap().verified;
        assert_eq!(*good.issuer, *server.url());
    }
}

#[test]
fn of_thousands_of_changed_id_tokens_none_is_accepted() {
    let issuer = "https://id.example.com";
    let of = |alg: &str| id_tokens::id_token(alg, &id_tokens::id_claims(issuer, alg));
    let good = ["EdDSA", "ES256", "RS256", "PS256"].map(of);
    let (_, accepted) = mutate(&good, EVERY / 5, |token| id_tokens::verify(issuer, token).is_ok());
    assert_eq!(accepted, Vec::<String>::new());
}
