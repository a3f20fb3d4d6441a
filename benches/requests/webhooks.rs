//! Events a second to webhooks, against the same requests by a client that does nothing else.

use std::io::{BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::load;
use super::node::Node;

const EVENTS: u64 = 4_000;
const ENDPOINTS: usize = 8;
const LIMIT: Duration = Duration::from_mins(2);

/// Takes whatever comes, and counts it.
struct Receiver {
    address: String,
    taken: Arc<AtomicU64>,
}

impl Receiver {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        let taken = Arc::new(AtomicU64::new(0));
        let count = taken.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, count) = (stream.expect("a connection"), count.clone());
                std::thread::spawn(move || serve(stream, &count));
            }
        });
        Self { address, taken }
    }

    /// How many came a second, until so many have come.
    fn rate(&self, count: u64) -> f64 {
        let (begun, before) = (Instant::now(), self.taken.load(Ordering::Relaxed));
        while self.taken.load(Ordering::Relaxed) - before < count {
            assert!(begun.elapsed() < LIMIT, "not everything was sent");
            std::thread::sleep(Duration::from_millis(2));
        }
        count as f64 / begun.elapsed().as_secs_f64()
    }
}

fn serve(stream: TcpStream, taken: &AtomicU64) {
    stream.set_nodelay(true).expect("a quick connection");
    let mut writer = stream.try_clone().expect("a connection");
    let mut reader = BufReader::new(stream);
    while std::io::BufRead::fill_buf(&mut reader).is_ok_and(|bytes| !bytes.is_empty()) {
        load::read_answer(&mut reader);
        taken.fetch_add(1, Ordering::Relaxed);
        if writer.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").is_err() {
            return;
        }
    }
}

/// The same requests, one after the other, by a client.
fn by_client(receiver: &Receiver) -> f64 {
    let stream = TcpStream::connect(&receiver.address).expect("a connection");
    stream.set_nodelay(true).expect("a quick connection");
    let mut writer = stream.try_clone().expect("a connection");
    let mut reader = BufReader::new(stream);
    let body = "x".repeat(900);
    let request =
        format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    let begun = Instant::now();
    for _ in 0..EVENTS {
        writer.write_all(request.as_bytes()).expect("a request");
        load::read_answer(&mut reader);
    }
    EVENTS as f64 / begun.elapsed().as_secs_f64()
}

fn post(node: &Node, path: &str, body: &Value) -> Value {
    let request = node.request("all", "POST", path, &body.to_string());
    let (status, body) = load::ask(&node.address, &request);
    assert!(status.starts_with('2'), "{path}: {status} {}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap_or_default()
}

/// A webhook to which every event is sent that there is of teams.
fn hook(node: &Node, receiver: &Receiver) {
    let url = format!("http://{}/", receiver.address);
    let made = post(node, "/webhooks", &json!({"url": url, "event_types": ["team.created"]}));
    let path = format!("/webhooks/{}/replay", made["id"].as_str().expect("an id"));
    post(node, &path, &json!({"after": 0}));
}

/// Measures one endpoint, then several at once, on the same events.
pub(crate) fn run() {
    println!(
        "\nWebhooks, {EVENTS} events each; the ratio is to a client that posts one after the other\n"
    );
    let node = Node::start_with(&[("FREEHOLD__WEBHOOKS__ALLOW_LOOPBACK", "true")]);
    for number in 0..EVENTS {
        post(&node, "/teams", &json!({ "name": format!("Team {number}") }));
    }
    let show = |name: &str, rate: f64, baseline: f64| {
        println!("{name:<44} {rate:>9.0}/s   x{:.2}", rate / baseline);
    };
    let receiver = Receiver::new();
    let client = by_client(&receiver);
    show("a client, one after the other", client, client);
    hook(&node, &receiver);
    show("one endpoint, signed, in order", receiver.rate(EVENTS), client);
    (0..ENDPOINTS).for_each(|_| hook(&node, &receiver));
    let several = receiver.rate(EVENTS * ENDPOINTS as u64);
    show(&format!("{ENDPOINTS} endpoints at once"), several, client);
}
