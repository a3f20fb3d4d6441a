//! A decision point that says what a test wants it to, byte by byte.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

/// What it says to a request.
pub(crate) enum Says {
    /// Status 200 and this decision.
    Decision(bool),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing, for so long, and then the end of the connection.
    Nothing(Duration),
    /// A byte of a good answer every few milliseconds.
    Drips(Duration),
}

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Its head, as it came.
    pub(crate) head: String,
    pub(crate) body: Value,
}

type Handler = Arc<dyn Fn(&Value) -> Says + Send + Sync>;

struct State {
    says: Mutex<Handler>,
    asked: Mutex<Vec<Asked>>,
    connections: AtomicUsize,
}

/// A decision point.
pub(crate) struct Pdp {
    address: SocketAddr,
    state: Arc<State>,
}

impl Pdp {
    pub(crate) fn new(says: impl Fn(&Value) -> Says + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            says: Mutex::new(Arc::new(says)),
            asked: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                state.connections.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || serve(&state, stream.unwrap()));
            }
        });
        Self { address, state }
    }

    /// One that permits everything.
    pub(crate) fn permitting() -> Self {
        Self::new(|_| Says::Decision(true))
    }

    /// From now on it says something else.
    pub(crate) fn says(&self, says: impl Fn(&Value) -> Says + Send + Sync + 'static) {
        *self.state.says.lock().unwrap() = Arc::new(says);
    }

    /// Where evaluations are asked for.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/access/v1/evaluation", self.address)
    }

    pub(crate) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    /// The requests that have come so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// How many requests about an action have come.
    pub(crate) fn count(&self, action: &str) -> usize {
        self.asked().iter().filter(|asked| asked.body["action"]["name"] == action).count()
    }
}

fn serve(state: &State, stream: TcpStream) {
    let mut stream = BufReader::new(stream);
    while let Some(asked) = read(&mut stream) {
        state.asked.lock().unwrap().push(asked.clone());
        let says = state.says.lock().unwrap().clone();
        // Whoever asked may have gone.
        if answer(stream.get_mut(), says(&asked.body)).is_none() {
            return;
        }
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    Some(Asked { head, body: serde_json::from_slice(&body).unwrap() })
}

/// A whole answer.
pub(crate) fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

/// Answers; `None` where the connection ends.
fn answer(stream: &mut TcpStream, says: Says) -> Option<()> {
    match says {
        Says::Decision(decision) => {
            let body = json!({"decision": decision, "context": {"odd": [1]}}).to_string();
            stream.write_all(&http("200 OK", &body)).ok()
        }
        Says::Bytes(bytes) => {
            let _sent = stream.write_all(&bytes);
            None
        }
        Says::Nothing(how_long) => {
            std::thread::sleep(how_long);
            None
        }
        Says::Drips(pause) => {
            for byte in http("200 OK", r#"{"decision": true}"#) {
                stream.write_all(&[byte]).ok()?;
                std::thread::sleep(pause);
            }
            None
        }
    }
}
