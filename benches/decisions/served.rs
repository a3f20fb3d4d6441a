//! Decisions over HTTP: the real server, asked by several connections, one by one and a hundred in a batch.

use std::net::TcpListener;
use std::process::{Child, Command, Output};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::here::BATCH;
use super::load;
use super::organisation::{ACTIONS, Organisation, slug};

const CONNECTIONS: usize = 16;
const ROUND: Duration = Duration::from_secs(2);

/// A running server with the organisation.
struct Server {
    address: String,
    data: TempDir,
    child: Child,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
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

impl Server {
    fn start(organisation: &Organisation) -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let file = data.path().join("bench.json");
        std::fs::write(&file, organisation.times(1)).expect("an import file");
        let import = ["import", &file.display().to_string()];
        answer(freehold(&data, &import).output().expect("an import"));
        let free = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port");
        let child = freehold(&data, &["serve", "--listen", &free.to_string()])
            .env("FREEHOLD__LOG__LEVEL", "warn")
            .spawn()
            .expect("a server");
        let this = Self { address: free.to_string(), data, child };
        let begun = Instant::now();
        // The verbs go by the local socket, which comes last.
        let socket = this.data.path().join("data/freehold.sock");
        while !socket.exists() || std::net::TcpStream::connect(&this.address).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(30), "the server does not answer");
            std::thread::sleep(Duration::from_millis(20));
        }
        this
    }

    fn token(&self, person: &str) -> String {
        let account = format!("import|{person}");
        let verb = ["token", "--tenant", &slug(0), "--account", &account];
        answer(freehold(&self.data, &verb).output().expect("a token"))
    }

    fn request(&self, token: &str, method: &str, path: &str, body: &str) -> Vec<u8> {
        format!(
            "{method} /v1/tenants/{}{path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            slug(0),
            self.address,
            body.len()
        )
        .into_bytes()
    }

    fn get(&self, token: &str, path: &str) -> Value {
        let (status, body) = load::ask(&self.address, &self.request(token, "GET", path, ""));
        assert_eq!(status, "200", "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).expect("an answer")
    }
}

/// Measures an owner, who asks about the three people.
pub(crate) fn run(organisation: &Organisation) {
    let server = Server::start(organisation);
    println!(
        "\nDecisions over HTTP, {CONNECTIONS} connections; the ratio is of decisions a second, to one by one\n"
    );
    let owner = server.token(&organisation.owners[0]);
    let page = server.get(&owner, "/resources?limit=200");
    let resources: Vec<Value> =
        page["items"].as_array().expect("items").iter().map(|it| it["id"].clone()).collect();
    for (name, person) in organisation.people() {
        let subject = subject(&server, &owner, &person);
        let entities = resources.iter().cycle().zip(ACTIONS.iter().cycle()).map(|(id, action)| {
            json!({"action": {"name": action.0}, "resource": {"type": "repository", "id": id}})
        });
        let entities: Vec<Value> = entities.take(BATCH).collect();
        let single: Vec<Vec<u8>> = entities
            .iter()
            .map(|one| {
                let mut question = one.clone();
                question["subject"] = subject.clone();
                server.request(&owner, "POST", "/access/v1/evaluation", &question.to_string())
            })
            .collect();
        let batch = json!({"subject": subject, "evaluations": entities}).to_string();
        let batch = server.request(&owner, "POST", "/access/v1/evaluations", &batch);
        let pid = server.child.id();
        let pick = |number: usize, count: u64| {
            single[(number * 7919 + usize::try_from(count).unwrap_or(0)) % single.len()].clone()
        };
        let one = load::run(&server.address, pid, CONNECTIONS, ROUND, pick, "200");
        let many = load::run(&server.address, pid, CONNECTIONS, ROUND, |_, _| batch.clone(), "200");
        let decisions = many.per_second * BATCH as f64;
        println!(
            "{name:<32} one by one {:>8.0}/s, {:>6.1} us CPU each, p99 {:>6} us   {BATCH} in a batch {decisions:>9.0}/s x{:<5.1} \
             {:>6.2} us CPU each, p99 {:>6} us   {} odd",
            one.per_second,
            one.cpu_us,
            one.latency_us[2],
            decisions / one.per_second,
            many.cpu_us / BATCH as f64,
            many.latency_us[2],
            one.odd + many.odd,
        );
    }
}

/// Somebody as questions name them: found among the members by name.
fn subject(server: &Server, owner: &str, person: &str) -> Value {
    let page = server.get(owner, &format!("/members?limit=1&name_prefix={person}"));
    let id = page["items"][0]["account_id"].clone();
    let id = if id.is_null() { json!(uuid::Uuid::nil()) } else { id };
    json!({"type": "account", "id": id})
}
