//! An issuer's documents, and whatever else a hostile one says in their place.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::mint::KEYS;

const DISCOVERY: &str = "/.well-known/openid-configuration";

/// What it says to a request.
pub(crate) enum Says {
    /// What an issuer says.
    Itself,
    /// This document.
    Document(Value),
    /// These bytes, and the end of the connection.
    Bytes(Vec<u8>),
    /// Nothing, for so long, and then the end of the connection.
    Nothing(Duration),
    /// A document without an end: as many bytes as somebody takes, up to a gigabyte.
    Endless,
}

/// A request that came.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    path: String,
    head: String,
    /// Its body.
    pub(crate) body: String,
}

impl Heard {
    /// The value of a header field.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut found = fields.filter(|(field, _)| field.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.to_owned())
    }
}

type Handler = Arc<dyn Fn(&str) -> Says + Send + Sync>;

struct State {
    address: SocketAddr,
    keys: Mutex<Vec<Value>>,
    says: Mutex<Handler>,
    heard: Mutex<Vec<Heard>>,
    /// Bytes of an endless document that somebody took.
    taken: Mutex<u64>,
}

/// An issuer's server.
pub(crate) struct Server(Arc<State>);

impl Server {
    /// One that has the keys which all tests share.
    pub(crate) fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let state = Arc::new(State {
            address: listener.local_addr().unwrap(),
            keys: Mutex::new(KEYS.jwks()),
            says: Mutex::new(Arc::new(|_| Says::Itself)),
            heard: Mutex::default(),
            taken: Mutex::default(),
        });
        let shared = state.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let state = shared.clone();
                std::thread::spawn(move || state.serve(stream.unwrap()));
            }
        });
        Self(state)
    }

    /// The issuer.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.0.address)
    }

    /// Its host with its port.
    pub(crate) fn host(&self) -> String {
        self.0.address.to_string()
    }

    /// From now on it has these keys.
    pub(crate) fn keys(&self, keys: Vec<Value>) {
        *self.0.keys.lock().unwrap() = keys;
    }

    /// From now on it says something else.
    pub(crate) fn says(&self, says: impl Fn(&str) -> Says + Send + Sync + 'static) {
        *self.0.says.lock().unwrap() = Arc::new(says);
    }

    /// How often its keys were asked for.
    pub(crate) fn fetches(&self) -> usize {
        self.0.heard.lock().unwrap().iter().filter(|heard| heard.path == "/jwks").count()
    }

    /// How often anything was asked for.
    pub(crate) fn requests(&self) -> usize {
        self.0.heard.lock().unwrap().len()
    }

    /// The last request for a path.
    pub(crate) fn heard(&self, path: &str) -> Heard {
        let heard = self.0.heard.lock().unwrap();
        heard.iter().rfind(|heard| heard.path == path).expect("it was asked for").clone()
    }

    /// Bytes of an endless document that somebody took.
    pub(crate) fn taken(&self) -> u64 {
        *self.0.taken.lock().unwrap()
    }
}

impl State {
    fn serve(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        let mut line = String::new();
        if stream.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let mut heard = Heard { path: path.clone(), head: String::new(), body: String::new() };
        while stream.read_line(&mut heard.head).is_ok_and(|bytes| bytes > 2) {}
        let length = heard.header("content-length").map_or(0, |length| length.parse().unwrap());
        let _whole = stream.by_ref().take(length).read_to_string(&mut heard.body);
        self.heard.lock().unwrap().push(heard);
        let says = self.says.lock().unwrap().clone();
        // Whoever asked may have gone.
        let _sent = self.answer(stream.get_mut(), &path, says(&path));
    }

    fn answer(&self, stream: &mut TcpStream, path: &str, says: Says) -> std::io::Result<()> {
        match says {
            Says::Itself => {
                let document = match path {
                    DISCOVERY => json!({
                        "issuer": format!("http://{}", self.address),
                        "jwks_uri": format!("http://{}/jwks", self.address),
                    }),
                    "/jwks" => json!({ "keys": *self.keys.lock().unwrap() }),
                    _ => return stream.write_all(&http("404 Not Found", "{}")),
                };
                stream.write_all(&http("200 OK", &document.to_string()))
            }
            Says::Document(document) => stream.write_all(&http("200 OK", &document.to_string())),
            Says::Bytes(bytes) => stream.write_all(&bytes),
            Says::Nothing(how_long) => {
                std::thread::sleep(how_long);
                Ok(())
            }
            Says::Endless => {
                stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{\"keys\": [")?;
                for _ in 0..16_384 {
                    stream.write_all(&vec![b' '; 65_536])?;
                    *self.taken.lock().unwrap() += 65_536;
                }
                Ok(())
            }
        }
    }
}

/// A whole answer.
pub(crate) fn http(status: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}
