//! Unknown, or only not yours: nor does the time tell.
//!
//! Pairs of requests, one for what is hidden and one for what is not there, in turns over one connection. The figures
//! are printed. A difference that is both large and no accident fails; with `FREEHOLD_LONG=1` there are 10,000 pairs a
//! family, and one that is either does.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use freehold::http::infos;

use super::objects::put;
use super::pairs::{Hidden, about, hidden};
use super::world::NOBODY;
use super::{is_long, now, say};
use crate::app::TestApp;
use crate::asks::ask;
use crate::org::Org;

/// A connection that is kept, and no more between the clock and the server than a socket.
struct Wire {
    writer: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Wire {
    fn to(app: &TestApp) -> Self {
        let writer = TcpStream::connect(app.url().trim_start_matches("http://")).unwrap();
        writer.set_nodelay(true).unwrap();
        Self { reader: BufReader::new(writer.try_clone().unwrap()), writer }
    }

    /// How long a request takes that must be refused.
    fn time(&mut self, request: &str) -> Duration {
        let started = now();
        self.writer.write_all(request.as_bytes()).unwrap();
        let mut length = 0;
        let mut line = String::new();
        self.reader.read_line(&mut line).unwrap();
        assert!(line.starts_with("HTTP/1.1 404"), "{line}");
        while line != "\r\n" {
            line.clear();
            self.reader.read_line(&mut line).unwrap();
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body).unwrap();
        started.elapsed()
    }
}

/// Two requests whose times must not tell them apart.
struct Family {
    name: String,
    requests: [String; 2],
}

fn family(name: &str, token: &str, paths: [String; 2]) -> Family {
    let head = format!("Host: localhost\r\nAuthorization: Bearer {token}\r\n\r\n");
    let requests = paths.map(|path| format!("GET {path} HTTP/1.1\r\n{head}"));
    Family { name: name.to_owned(), requests }
}

/// What is hidden in the caller's own tenant, by every route that reads it; then tenants, and the platform plane.
fn families(org: &Org, other: &Org) -> Vec<Family> {
    let routes = infos();
    let mut families = Vec::new();
    for Hidden { parameter, id, from } in hidden(org) {
        for route in about(&routes, parameter).filter(|route| route.method == "GET") {
            let ask = ask(route, org, &format!("timed-{}", route.operation_id));
            let path = |id: &str| {
                format!("/v1/tenants/{}{}", org.slug, put(route, &ask, parameter, id).path)
            };
            families.push(family(route.operation_id, from.token(), [path(&id), path(NOBODY)]));
        }
    }
    let token = org.owner.token();
    let tenant = |name: &str| format!("/v1/tenants/{name}/teams");
    families.push(family("another's tenant by id", token, [tenant(&other.id), tenant(NOBODY)]));
    let unknown = "x".repeat(other.slug.len());
    families.push(family(
        "another's tenant by slug",
        token,
        [tenant(&other.slug), tenant(&unknown)],
    ));
    let account = |id: &str| format!("/v1/platform/accounts/{id}");
    families.push(family("accounts", token, [account(&other.account("other")), account(NOBODY)]));
    families
}

/// Pairs of a family's requests, each first in turn.
fn sample(app: &TestApp, requests: &[String; 2]) -> Vec<[Duration; 2]> {
    let mut wire = Wire::to(app);
    let mut pair = |first: usize| {
        let mut pair = [Duration::ZERO; 2];
        for side in [first, 1 - first] {
            pair[side] = wire.time(&requests[side]);
        }
        pair
    };
    let count = if is_long() { 10_000 } else { 200 };
    (0..count).map(|turn| pair(turn % 2)).collect()
}

/// Whether the times of a family tell its requests apart: by more than a twentieth, and by no accident; where there are
/// pairs enough, by either.
fn tells_apart(app: &TestApp, Family { name, requests }: &Family) -> bool {
    let pairs = sample(app, requests);
    let (medians @ [hidden, unknown], p) = compare(&pairs);
    let count = pairs.len();
    say(&format!(
        "timing: {count} pairs of {name}: hidden {hidden:?}, unknown {unknown:?}, p = {p:.4}"
    ));
    let (is_large, is_no_accident) = (difference(medians) > 0.05, p < 0.01);
    if is_long() { is_large || is_no_accident } else { is_large && is_no_accident }
}

/// What the times of pairs come to: both medians, and how likely such an imbalance is by chance.
fn compare(pairs: &[[Duration; 2]]) -> ([Duration; 2], f64) {
    let medians = [0, 1].map(|side| {
        let mut times: Vec<_> = pairs.iter().map(|pair| pair[side]).collect();
        times.sort();
        times[times.len() / 2]
    });
    let [longer, shorter] =
        [0, 1].map(|side| pairs.iter().filter(|pair| pair[side] > pair[1 - side]).count());
    (medians, sign_test(longer, shorter))
}

/// How likely it is that a fair coin falls at least as unevenly, in either direction.
fn sign_test(heads: usize, tails: usize) -> f64 {
    let [heads, tails] = [heads, tails].map(|count| f64::from(u32::try_from(count).unwrap()));
    let z = ((heads - tails).abs() - 1.0).max(0.0) / (heads + tails).max(1.0).sqrt();
    complementary_error(z / std::f64::consts::SQRT_2)
}

/// The complementary error function (Abramowitz and Stegun, 7.1.26), to seven digits.
fn complementary_error(x: f64) -> f64 {
    let t = 1.0 / 0.327_591_1_f64.mul_add(x, 1.0);
    let terms = [1.061_405_429, -1.453_152_027, 1.421_413_741, -0.284_496_736, 0.254_829_592];
    terms.into_iter().fold(0.0, |sum: f64, term| sum.mul_add(t, term)) * t * (-x * x).exp()
}

/// The share by which two times differ.
fn difference([one, other]: [Duration; 2]) -> f64 {
    (one.as_secs_f64() / other.as_secs_f64() - 1.0).abs()
}

#[test]
fn what_is_hidden_takes_as_long_as_what_is_not_there() {
    let app = TestApp::dev();
    let (org, other) = (Org::new(&app, "timed"), Org::new(&app, "timed-other"));
    let families = families(&org, &other);
    // What the machine does besides is no oracle: a difference shows again.
    let again = |family: &&Family| (0..3).all(|_| tells_apart(&app, family));
    let apart: Vec<_> = families.iter().filter(again).map(|family| &family.name).collect();
    assert!(apart.is_empty(), "{apart:?}");
}

#[test]
fn times_that_differ_are_told_apart_and_others_are_not() {
    let pairs = |difference: u64| -> Vec<_> {
        let noise = (0..1000_u64).map(|turn| turn * 7919 % 100);
        let pair = |noise: u64| [200 + noise + difference, 200 + (noise * 31) % 100];
        noise.map(|noise| pair(noise).map(Duration::from_micros)).collect()
    };
    let (medians, p) = compare(&pairs(40));
    assert!(difference(medians) > 0.05 && p < 0.01, "{medians:?} {p}");
    let (medians, p) = compare(&pairs(0));
    assert!(difference(medians) < 0.05 && p > 0.01, "{medians:?} {p}");
}
