//! Starting: the real server over 2,000 current tenants, beside one over none.

use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use super::{median, show};

const STARTS: usize = 9;

/// Starts both in turns, until each takes connections.
pub(crate) fn run(data: &Path, empty: &Path) {
    println!("\nStarting, {STARTS} times each; medians\n");
    start(empty);
    let (mut full, mut none) = (Vec::new(), Vec::new());
    for _ in 0..STARTS {
        none.push(start(empty));
        full.push(start(data));
    }
    show("a start over 2,000 current tenants", median(full), "over none", median(none));
}

/// How long it takes until a server answers that it is ready.
fn start(data: &Path) -> Duration {
    let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
    let begun = Instant::now();
    let mut server = Command::new(env!("CARGO_BIN_EXE_freehold"))
        .arg("--data")
        .arg(data.join("data"))
        .args(["serve", "--listen", &free.to_string()])
        .env("FREEHOLD__LOG__LEVEL", "warn")
        .spawn()
        .expect("a server");
    while !is_ready(&free.to_string()) {
        assert!(begun.elapsed() < Duration::from_mins(1), "the server does not answer");
        std::thread::sleep(Duration::from_millis(1));
    }
    let took = begun.elapsed();
    server.kill().expect("an end");
    server.wait().expect("an end");
    took
}

fn is_ready(address: &str) -> bool {
    use std::io::{Read, Write};
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = format!("GET /readyz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut answer = String::new();
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_to_string(&mut answer).is_ok()
        && answer.starts_with("HTTP/1.1 200")
}
