//! What it costs to verify a token, beside the same request without one, in one run.
//!
//! `cargo bench --bench verify` starts the real server, which trusts an issuer on this host, and asks it for the same
//! thing by its local socket: without a token, which is the host's operator and verifies nothing; and with tokens of each
//! algorithm, each token once, or one again and again. It prints requests a second and the ratios. Figures without their
//! baseline mean nothing: two cores share clients and server, so read the ratios. No figure is asserted.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    reason = "a benchmark prints, asks the clock, rounds, and ends at the first surprise"
)]

#[path = "../tests/it/oidc/mint.rs"]
mod mint;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mint::{KEYS, claims};
use serde_json::json;

const CONNECTIONS: usize = 8;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(2);
/// Tokens that are used once.
const TOKENS: usize = 40_000;
const PATH: &str = "/v1/platform/migrations";

/// An issuer that says its keys, and nothing else.
fn issuer() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let keys = json!({"keys": KEYS.jwks()}).to_string();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream: TcpStream = stream.unwrap();
            let _head = stream.read(&mut [0; 4096]);
            let length = keys.len();
            let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length";
            let _sent = stream.write_all(format!("{head}: {length}\r\n\r\n{keys}").as_bytes());
        }
    });
    url
}

/// The server, which ends with its handle.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = (self.0.kill(), self.0.wait());
    }
}

fn serve(data: &Path, url: &str) -> Server {
    let child = Command::new(env!("CARGO_BIN_EXE_freehold"))
        .arg("--data")
        .arg(data)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("FREEHOLD__LOG__LEVEL", "warn")
        .env("FREEHOLD__IDENTITY__ALLOW_PLAIN_LOOPBACK", "true")
        .env("FREEHOLD__IDENTITY__ISSUERS__BENCH__URL", url)
        .env("FREEHOLD__IDENTITY__ISSUERS__BENCH__JWKS_URI", format!("{url}/jwks"))
        .env("FREEHOLD__IDENTITY__ISSUERS__BENCH__MAX_LIFETIME_S", "3600")
        .spawn()
        .unwrap();
    let server = Server(child);
    let begun = Instant::now();
    while UnixStream::connect(data.join("freehold.sock")).is_err() {
        assert!(begun.elapsed() < Duration::from_secs(30), "the server does not answer");
        std::thread::sleep(Duration::from_millis(20));
    }
    server
}

/// Asks once on a connection, with a header; the status and the body.
fn ask(
    stream: &mut BufReader<UnixStream>,
    what: &str,
    header: &str,
    body: &str,
) -> (String, String) {
    let length = body.len();
    let request = format!(
        "{what} HTTP/1.1\r\nhost: localhost\r\n{header}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n{body}"
    );
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let (mut line, mut length) = (String::new(), 0);
    stream.read_line(&mut line).unwrap();
    let status = line.split(' ').nth(1).unwrap_or_default().to_owned();
    loop {
        line.clear();
        stream.read_line(&mut line).unwrap();
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line.trim().is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    (status, String::from_utf8(body).unwrap())
}

/// Requests a second, where each is made as somebody: for a round's time, or as many as there may be.
fn rate(socket: &Path, most: usize, token: impl Fn(usize) -> Option<String> + Sync) -> f64 {
    let (stop, count) = (AtomicBool::new(false), AtomicUsize::new(0));
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..CONNECTIONS {
            scope.spawn(|| {
                let mut stream = BufReader::new(UnixStream::connect(socket).unwrap());
                while !stop.load(Ordering::Relaxed) {
                    let number = count.fetch_add(1, Ordering::Relaxed);
                    if number >= most {
                        break;
                    }
                    let header = match token(number) {
                        Some(token) => format!("authorization: Bearer {token}"),
                        None => "x-nothing: none".to_owned(),
                    };
                    assert_eq!(ask(&mut stream, &format!("GET {PATH}"), &header, "").0, "200");
                }
            });
        }
        while begun.elapsed() < ROUND && count.load(Ordering::Relaxed) < most {
            std::thread::sleep(Duration::from_millis(1));
        }
        stop.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed).min(most) as f64 / begun.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let (url, folder) = (issuer(), tempfile::tempdir().unwrap());
    let data = folder.path().join("data");
    let _server = serve(&data, &url);
    let socket = data.join("freehold.sock");
    let mut host = BufReader::new(UnixStream::connect(&socket).unwrap());
    let body = json!({"display_name": "Op", "identities": [{"issuer": url, "subject": "op"}]});
    let accounts = "POST /v1/platform/accounts";
    let (_, made) = ask(&mut host, accounts, "x-nothing: none", &body.to_string());
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let id = made["id"].as_str().unwrap();
    let role = json!({"role": "platform-admin"}).to_string();
    let operators = format!("PUT /v1/platform/operators/{id}");
    assert_eq!(ask(&mut host, &operators, "if-none-match: *", &role).0, "201");
    println!(
        "\nVerified requests, {CONNECTIONS} connections; the ratio is to the same request without a token\n"
    );
    for alg in ["EdDSA", "ES256", "RS256"] {
        let sign = |number: usize| {
            let mut claims = claims(&url, "op");
            claims["jti"] = json!(number.to_string());
            KEYS.sign(alg, &claims)
        };
        let tokens: Vec<String> = (0..TOKENS).map(sign).collect();
        let (mut without, mut again, mut first) = (Vec::new(), Vec::new(), Vec::new());
        let part = TOKENS / ROUNDS;
        for round in 0..ROUNDS {
            without.push(rate(&socket, usize::MAX, |_| None));
            again.push(rate(&socket, usize::MAX, |_| Some(tokens[0].clone())));
            first.push(rate(&socket, part, |number| Some(tokens[round * part + number].clone())));
        }
        let base = median(without);
        for (what, rates) in [("again", again), ("for the first time", first)] {
            let rate = median(rates);
            println!(
                "{alg:<6} {what:<20} {rate:>9.0}/s   x{:.2} of {base:.0}/s without",
                rate / base
            );
        }
    }
}
