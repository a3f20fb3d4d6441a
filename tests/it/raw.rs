//! Requests byte by byte, for what no client library would send.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::app::TestApp;
use crate::client::Answer;

/// A connection to a server, opened again where the server has closed it.
pub(crate) struct Raw {
    address: String,
    stream: Option<BufReader<TcpStream>>,
}

impl Raw {
    pub(crate) fn new(app: &TestApp) -> Self {
        Self { address: app.url().replace("http://", ""), stream: None }
    }

    /// The address and port of the server, as a `Host` header has them.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends what a request consists of, and reads the answer. The server must answer.
    pub(crate) fn send(&mut self, request: impl AsRef<[u8]>) -> Answer {
        let request = request.as_ref();
        let mut stream = self.stream.take().unwrap_or_else(|| self.connect());
        let (answer, stays) = ask(&mut stream, request).unwrap_or_else(|| {
            // An idle connection may have been closed meanwhile.
            stream = self.connect();
            ask(&mut stream, request)
                .unwrap_or_else(|| panic!("no answer to {}", String::from_utf8_lossy(request)))
        });
        self.stream = stays.then_some(stream);
        answer
    }

    fn connect(&self) -> BufReader<TcpStream> {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.set_nodelay(true).unwrap();
        BufReader::new(stream)
    }
}

/// The answer, and whether the connection stays open; `None` where it was closed instead.
fn ask(stream: &mut BufReader<TcpStream>, request: &[u8]) -> Option<(Answer, bool)> {
    stream.get_mut().write_all(request).ok()?;
    let status = line(stream)?.split(' ').nth(1)?.parse().ok()?;
    let mut headers = HeaderMap::new();
    while let Some((name, value)) = line(stream)?.split_once(": ") {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        headers.append(name, HeaderValue::from_str(value).unwrap());
    }
    let length = headers.get("content-length").map_or("0", |length| length.to_str().unwrap());
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).ok()?;
    let text = String::from_utf8(body).unwrap();
    let stays = headers.get("connection").is_none_or(|connection| connection != "close");
    let json = serde_json::from_str(&text).unwrap_or(Value::Null);
    Some((Answer { status, headers, text, json }, stays))
}

fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let read = stream.read_line(&mut line).ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}
