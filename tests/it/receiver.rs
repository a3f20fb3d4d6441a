//! A receiver of webhooks that answers what a test wants it to.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    head: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) event: Value,
}

impl Received {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.head.iter().find(|(theirs, _)| theirs == name);
        found.map_or("", |(_, value)| value)
    }

    /// The event's place.
    pub(crate) fn sequence(&self) -> i64 {
        self.event["sequence"].as_i64().unwrap()
    }

    /// Whether a secret signed it.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let secret = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let head = format!("{}.{}.", self.header("webhook-id"), self.header("webhook-timestamp"));
        let said = [head.as_bytes(), &self.body].concat();
        let signatures = self.header("webhook-signature").split(' ');
        let mut decoded = signatures.map(|one| STANDARD.decode(&one[3..]).unwrap());
        decoded.any(|signature| hmac::verify(&key, &said, &signature).is_ok())
    }
}

/// What it answers to a request: a status, and headers.
pub(crate) type Answers = dyn Fn(&Received) -> (u16, &'static str) + Send + Sync;

struct State {
    answers: Mutex<Arc<Answers>>,
    received: Mutex<Vec<Received>>,
}

/// A receiver.
pub(crate) struct Receiver {
    address: SocketAddr,
    state: Arc<State>,
}

impl Receiver {
    /// One that takes everything.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            answers: Mutex::new(Arc::new(|_: &Received| (204, ""))),
            received: Mutex::default(),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                std::thread::spawn(move || serve(&state, stream.unwrap()));
            }
        });
        Self { address, state }
    }

    pub(crate) fn url(&self) -> String {
        format!("{}/hook", self.root())
    }

    /// Its address, without a path.
    pub(crate) fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// From now on it answers otherwise.
    pub(crate) fn answers(
        &self,
        answers: impl Fn(&Received) -> (u16, &'static str) + Send + Sync + 'static,
    ) {
        *self.state.answers.lock().unwrap() = Arc::new(answers);
    }

    /// Everything that came so far, whatever was answered.
    pub(crate) fn received(&self) -> Vec<Received> {
        self.state.received.lock().unwrap().clone()
    }
}

fn serve(state: &State, stream: TcpStream) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut writer = stream;
    while let Some(received) = read(&mut reader) {
        let answers = state.answers.lock().unwrap().clone();
        let (status, headers) = answers(&received);
        state.received.lock().unwrap().push(received);
        let answer = format!("HTTP/1.1 {status} Said\r\n{headers}content-length: 0\r\n\r\n");
        if writer.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Received> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut head = Vec::new();
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        head.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = head.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let event = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Received { head, body, event })
}
