//! Connections byte by byte: slow ones, broken ones, and requests that come one behind the other.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use tokio::net::TcpSocket;

use crate::app::TestApp;
use crate::client::{Client, run};

/// Longer than any limit of a server that is tested for it.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection to a server.
pub(crate) struct Wire(BufReader<TcpStream>);

/// The head of an answer, and its body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Said {
    /// A header, or nothing.
    pub(crate) fn header(&self, name: &str) -> &str {
        let mut fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.find(|(theirs, _)| theirs.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }
}

pub(crate) fn address(app: &TestApp) -> SocketAddr {
    app.url().trim_start_matches("http://").parse().unwrap()
}

/// A request of somebody's, as it is written.
pub(crate) fn text(client: &Client, method: &str, path: &str, fields: &str, body: &str) -> String {
    format!(
        "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n{fields}\r\n{body}",
        client.token()
    )
}

/// The same with a JSON body.
pub(crate) fn with_body(client: &Client, method: &str, path: &str, body: &str) -> String {
    let fields = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    text(client, method, path, &fields, body)
}

impl Wire {
    pub(crate) fn to(app: &TestApp) -> Self {
        Self::over(TcpStream::connect(address(app)).unwrap())
    }

    /// With room for a few bytes alone, so that what is not read stays with the server.
    pub(crate) fn narrow(app: &TestApp) -> Self {
        let stream = run(async {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(2048).unwrap();
            socket.connect(address(app)).await.unwrap().into_std().unwrap()
        });
        stream.set_nonblocking(false).unwrap();
        Self::over(stream)
    }

    /// From another address of this host.
    pub(crate) fn from(address: &str, app: &TestApp) -> Self {
        Self::try_from(address, app).unwrap()
    }

    /// The same, where the server may close at once.
    pub(crate) fn try_from(address: &str, app: &TestApp) -> std::io::Result<Self> {
        let stream = run(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(address.parse().unwrap(), 0))?;
            socket.connect(self::address(app)).await?.into_std()
        })?;
        stream.set_nonblocking(false)?;
        Ok(Self::over(stream))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self(BufReader::new(stream))
    }

    /// Writes as far as the server takes it.
    pub(crate) fn write(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        match self.0.get_mut().write_all(bytes.as_ref()) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("{error}"),
            _ => self,
        }
    }

    /// Says that nothing more will come.
    pub(crate) fn end(&mut self) -> &mut Self {
        // The server may have closed already.
        let _gone = self.0.get_mut().shutdown(Shutdown::Write);
        self
    }

    /// Takes up to so many bytes; none when the server has closed.
    pub(crate) fn take(&mut self, bytes: usize) -> usize {
        let mut buffer = vec![0; bytes];
        match self.0.read(&mut buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                panic!("the server kept it open")
            }
            read => read.unwrap_or(0),
        }
    }

    /// The next answer; `None` where the server has closed instead.
    pub(crate) fn answer(&mut self) -> Option<Said> {
        let mut head = String::new();
        loop {
            let mut line = String::new();
            match self.0.read_line(&mut line) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    panic!("the server kept it open after {head:?}")
                }
                Ok(0) | Err(_) => return None,
                Ok(_) if line == "\r\n" => break,
                Ok(_) => head.push_str(&line),
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut said = Said { status, head, body: String::new() };
        let length = said.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).ok()?;
        said.body = String::from_utf8_lossy(&body).into_owned();
        Some(said)
    }

    /// Every answer until the server closes, whatever it says of closing.
    pub(crate) fn answers(&mut self) -> Vec<Said> {
        std::iter::from_fn(|| self.answer()).collect()
    }

    /// Whether something comes, or the server closes, within a time.
    pub(crate) fn is_answered_within(&mut self, time: Duration) -> bool {
        self.0.get_ref().set_read_timeout(Some(time)).unwrap();
        let came =
            self.0.fill_buf().map_or_else(|error| error.kind() != ErrorKind::WouldBlock, |_| true);
        self.0.get_ref().set_read_timeout(Some(PATIENCE)).unwrap();
        came
    }

    /// Sends a request and takes its answer.
    pub(crate) fn ask(&mut self, request: &str) -> Said {
        self.write(request).answer().unwrap_or_else(|| panic!("no answer to {request}"))
    }
}
