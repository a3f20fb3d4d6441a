//! The real program: its verbs, and its server, which ends with its handle.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::node::Place;

/// A command on a data directory, in an environment without settings.
pub(crate) fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freehold"));
    command.arg("--data").arg(place.data()).args(arguments).current_dir(place.root());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FREEHOLD") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// How a verb ended, and what it said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Said {
    /// The same, if it ended with this status.
    #[track_caller]
    pub(crate) fn ended(self, status: i32) -> Self {
        assert_eq!(self.status, status, "out: {}\nerr: {}", self.out, self.err);
        self
    }
}

/// Runs a verb to its end.
pub(crate) fn verb(place: &Place, arguments: &[&str]) -> Said {
    let output = command(place, arguments).output().unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// A running server.
pub(crate) struct Program {
    pub(crate) child: Child,
    place: Place,
    url: String,
}

impl Program {
    /// A production server; its log tells where it listens, once it does.
    pub(crate) fn serve(place: &Place) -> Self {
        let mut child = command(place, &["serve", "--listen", "127.0.0.1:0"])
            .env("FREEHOLD__LOG__FORMAT", "json")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
        let mut said = Vec::new();
        let address = lines.by_ref().find_map(|line| {
            let address = serving(&line);
            said.push(line);
            address
        });
        let Some(address) = address else { panic!("the server ended: {said:#?}") };
        // The log goes on; nobody reads it, but somebody must take it.
        std::thread::spawn(move || lines.count());
        Self { child, place: place.clone(), url: format!("http://{address}") }
    }

    /// A token of somebody whom an import named.
    pub(crate) fn token(&self, tenant: &str, subject: &str) -> String {
        let account = format!("import|{subject}");
        let arguments = ["token", "--tenant", tenant, "--account", &account];
        verb(&self.place, &arguments).ended(0).out.trim().to_owned()
    }

    /// Somebody who has a token.
    pub(crate) fn client(&self, token: &str) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let root = self.url.clone();
        Client { runtime, http: reqwest::Client::new(), root, token: token.to_owned() }
    }

    /// Stops in order.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "the server ended with {ended}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // What has ended already cannot be ended again; either is well.
        let _ended = (self.child.kill(), self.child.wait());
    }
}

fn serving(line: &str) -> Option<String> {
    let line: Value = serde_json::from_str(line).ok()?;
    let is_it = line["fields"]["message"] == "serving";
    is_it.then(|| line["fields"]["address"].as_str().map(str::to_owned)).flatten()
}

/// Somebody who calls a server.
pub(crate) struct Client {
    runtime: Runtime,
    http: reqwest::Client,
    root: String,
    token: String,
}

impl Client {
    /// Asks; where nobody answers any more, the status is 0.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(method, path, &[], body)
    }

    /// The same, with headers.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<&Value>,
    ) -> (u16, Value) {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.http.request(method, format!("{}{path}", self.root));
        let mut request = request.bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        self.answer(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// An answer of which the body is missing is none.
    fn answer(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let Ok(response) = request.send().await else { return (0, Value::Null) };
            let status = response.status().as_u16();
            match response.bytes().await {
                Ok(body) => (status, serde_json::from_slice(&body).unwrap_or(Value::Null)),
                Err(_) => (0, Value::Null),
            }
        })
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask("POST", path, Some(body))
    }
}
