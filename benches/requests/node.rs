//! The real server, on a data directory with one tenant of ten thousand resources, and a neighbour.

use std::net::TcpListener;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::bare::WORKERS;
use super::load;

/// Resources of the tenant.
pub(crate) const RESOURCES: usize = 10_000;

/// A running server.
pub(crate) struct Node {
    pub(crate) address: String,
    pub(crate) data: TempDir,
    child: Child,
    tokens: Vec<(&'static str, String)>,
}

/// One tenant in which somebody sees all, much, little and nothing; and a small one beside it.
fn organisation() -> Value {
    let resource = |number: usize| {
        let visibility = if number.is_multiple_of(2) { "tenant" } else { "private" };
        let acl = if number.is_multiple_of(500) {
            json!([{"account": "little", "permission": "read"}])
        } else {
            json!([])
        };
        json!({"type": "document", "workspace": "everyone", "name": format!("Document {number:05}"),
            "visibility": visibility, "attributes": {"number": number, "words": "a hundred bytes of attributes, or about as many"},
            "acl": acl})
    };
    json!({"format": "freehold-import/1", "resource_types": [{"name": "document"}],
        "tenants": [{"slug": "bench", "name": "Bench", "owners": ["all"], "members": ["much"],
            "guests": ["little", "nothing"],
            "workspaces": [{"name": "everyone", "owner": "tenant"}],
            "resources": (0..RESOURCES).map(resource).collect::<Vec<_>>()},
            {"slug": "neighbour", "name": "Neighbour", "owners": ["neighbour"]}]})
}

/// The tenant that somebody belongs to.
fn tenant_of(person: &str) -> &'static str {
    if person == "neighbour" { "neighbour" } else { "bench" }
}

fn freehold(data: &TempDir, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_freehold"));
    command.arg("--data").arg(data.path().join("data")).args(arguments);
    command
}

fn answer(output: Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

impl Node {
    /// Imports the tenant, and serves it.
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same, with keys of the configuration set.
    pub(crate) fn start_with(keys: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let file = data.path().join("bench.json");
        std::fs::write(&file, organisation().to_string()).expect("an import file");
        answer(
            freehold(&data, &["import", &file.display().to_string()]).output().expect("an import"),
        );
        let free = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .expect("a port");
        let child = freehold(&data, &["serve", "--listen", &free.to_string()])
            .env("FREEHOLD__HTTP__WORKERS", WORKERS.to_string())
            .env("FREEHOLD__LOG__LEVEL", "warn")
            .envs(keys.iter().copied())
            .spawn()
            .expect("a server");
        let mut node = Self { address: free.to_string(), data, child, tokens: Vec::new() };
        node.wait();
        for person in ["all", "much", "little", "nothing", "neighbour"] {
            let (account, tenant) = (format!("import|{person}"), tenant_of(person));
            let arguments = ["token", "--tenant", tenant, "--account", &account, "--ttl", "1h"];
            node.tokens.push((
                person,
                answer(freehold(&node.data, &arguments).output().expect("a token")),
            ));
        }
        node
    }

    fn wait(&self) {
        let begun = Instant::now();
        // The port is taken before anything is served.
        let is_ready = || {
            let asked = freehold(&self.data, &["healthcheck", "--listen", &self.address]).output();
            asked.is_ok_and(|asked| asked.status.success())
        };
        while !is_ready() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Runs a verb against the running server.
    pub(crate) fn verb(&self, arguments: &[&str]) -> String {
        answer(freehold(&self.data, arguments).output().expect("a verb"))
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A request to the tenant as somebody.
    pub(crate) fn request(&self, person: &str, method: &str, path: &str, body: &str) -> Vec<u8> {
        let token =
            self.tokens.iter().find(|(name, _)| *name == person).map(|(_, token)| token.as_str());
        format!(
            "{method} /v1/tenants/{}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            tenant_of(person),
            self.address,
            token.unwrap_or_default(),
            body.len()
        )
        .into_bytes()
    }

    /// Asks as somebody, once.
    pub(crate) fn ask(&self, person: &str, path: &str) -> Vec<u8> {
        let (status, body) = load::ask(&self.address, &self.request(person, "GET", path, ""));
        assert_eq!(status, "200", "{path}: {}", String::from_utf8_lossy(&body));
        body
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
