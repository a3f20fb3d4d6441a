//! The real program, on a disk that can be full.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::node::Place;

/// The program on a data directory, in an environment without settings.
fn command(place: &Place, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freehold-rigged"));
    command.arg("--data").arg(place.data()).args(arguments);
    command.current_dir(place.data().parent().unwrap());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("FREEHOLD") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

/// A running server, which ends with its handle.
pub(crate) struct Program<'p> {
    child: Child,
    place: &'p Place,
    url: String,
}

impl<'p> Program<'p> {
    /// A production server; a file tells how much room there is.
    pub(crate) fn serve(place: &'p Place, room: &Path) -> Self {
        let mut child = command(place, &["serve", "--listen", "127.0.0.1:0"])
            .env("FREEHOLD__LOG__FORMAT", "json")
            .env("FREEHOLD_RIG", room)
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
        Self { child, place, url: format!("http://{address}") }
    }

    /// A token of somebody whom an import named.
    pub(crate) fn token(&self, tenant: &str, subject: &str) -> String {
        let account = format!("import|{subject}");
        let arguments = ["token", "--tenant", tenant, "--account", &account];
        let said = command(self.place, &arguments).output().unwrap();
        assert!(said.status.success(), "{said:?}");
        String::from_utf8(said.stdout).unwrap().trim().to_owned()
    }

    /// Somebody who has a token.
    pub(crate) fn client(&self, token: &str) -> Client {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let http = reqwest::Client::new();
        Client { runtime, http, root: self.url.clone(), token: token.to_owned() }
    }

    /// Stops in order.
    pub(crate) fn stop(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        let ended = self.child.wait().unwrap();
        assert!(ended.success(), "the server ended with {ended}");
    }
}

impl Drop for Program<'_> {
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
    fn ask(&self, request: reqwest::RequestBuilder) -> (u16, Value) {
        self.runtime.block_on(async {
            let response = request.bearer_auth(&self.token).send().await.unwrap();
            let status = response.status().as_u16();
            (status, response.json().await.unwrap_or(Value::Null))
        })
    }

    pub(crate) fn get(&self, path: &str) -> (u16, Value) {
        self.ask(self.http.get(format!("{}{path}", self.root)))
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        self.ask(self.http.post(format!("{}{path}", self.root)).json(body))
    }
}
