//! The most expensive requests that one caller can send, each against its budget: time, CPU, answer and peak memory of
//! the server, and what a neighbour tenant's reads take meanwhile. Printed, not asserted.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::load;
use super::node::Node;

const CONNECTIONS: usize = 4;
const ROUND: Duration = Duration::from_secs(5);

/// Measures each request alone, and a neighbour beside it.
pub(crate) fn run(node: &Node) {
    println!("\nThe most expensive requests; the budget is 2,000 ms and 1,024 KiB of answer\n");
    bind(node);
    show_neighbour("nobody else", &neighbour(node));
    for (name, path, body) in requests(node) {
        let request = node.request("all", "POST", path, &body.to_string());
        let alone = Cost::of(node, &request);
        println!("{name:<44} {alone}");
        show_neighbour(name, &beside(node, &request));
    }
}

/// What one request cost.
struct Cost {
    status: String,
    wall: Duration,
    cpu_s: f64,
    asked: usize,
    answered: usize,
    /// Kibibytes that the server had at most, and before.
    memory: (u64, u64),
}

impl Cost {
    fn of(node: &Node, request: &[u8]) -> Self {
        let pid = node.pid();
        // Lets the kernel count the peak anew.
        let _forgotten = std::fs::write(format!("/proc/{pid}/clear_refs"), "5");
        let before = memory(pid, "VmRSS:");
        let (begun, cpu) = (Instant::now(), load::cpu_seconds(pid));
        let (status, body) = load::ask(&node.address, request);
        Self {
            status,
            wall: begun.elapsed(),
            cpu_s: load::cpu_seconds(pid) - cpu,
            asked: request.len(),
            answered: body.len(),
            memory: (memory(pid, "VmHWM:"), before),
        }
    }
}

impl std::fmt::Display for Cost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (peak, before) = self.memory;
        write!(
            f,
            "{} after {:>5} ms, {:>5.0} ms CPU, {:>4} KiB asked, {:>5} KiB answered, peak {:>4} MiB (+{} MiB)",
            self.status,
            self.wall.as_millis(),
            self.cpu_s * 1e3,
            self.asked / 1024,
            self.answered / 1024,
            peak / 1024,
            peak.saturating_sub(before) / 1024,
        )
    }
}

fn memory(pid: u32, what: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}

/// What the neighbour's reads take.
fn neighbour(node: &Node) -> load::Measured {
    let request = node.request("neighbour", "GET", "/members", "");
    load::run(&node.address, node.pid(), CONNECTIONS, ROUND, |_, _| request.clone(), "200")
}

/// The same, while somebody sends a request again and again.
fn beside(node: &Node, request: &[u8]) -> load::Measured {
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !stop.load(Ordering::Relaxed) {
                load::ask(&node.address, request);
            }
        });
        let measured = neighbour(node);
        stop.store(true, Ordering::Relaxed);
        measured
    })
}

fn show_neighbour(beside: &str, measured: &load::Measured) {
    let [p50, p95, p99] = measured.latency_us;
    println!(
        "  a neighbour beside {beside:<24} {:>9.0}/s   p50 {p50:>6} p95 {p95:>6} p99 {p99:>6} us{}",
        measured.per_second,
        if measured.odd == 0 { String::new() } else { format!("   {} ODD ANSWERS", measured.odd) }
    );
}

/// Policies that take long over the sets that a question brings.
fn policies(count: usize) -> Value {
    let again = "context.properties.words.containsAll(context.properties.words) && ".repeat(20);
    let one = |n: usize| {
        format!(
            "@id(\"labour-{n}\") @sentence(\"An owner may do it after long labour.\")\n\
             permit (principal, action, resource) when {{ context.properties has words && {again} principal.role == \"owner\" }};\n"
        )
    };
    json!([{"name": "main", "text": (0..count).map(one).collect::<String>()}])
}

/// Registers an application that takes the documents over, and binds it.
fn bind(node: &Node) {
    let words = json!([{"name": "words", "type": "string_set"}]);
    let action = |name: &str, kind: &str| json!({"name": name, "resource_types": [kind], "properties": words});
    let manifest = json!({
        "name": "labour", "title": "Labour",
        "resource_types": [{"name": "document"}, {"name": "note", "kept_by": "application"}],
        "actions": [action("document.review", "document"), action("note.review", "note")],
        "policies": policies(25),
    });
    let file = node.data.path().join("labour.json");
    std::fs::write(&file, manifest.to_string()).expect("a manifest");
    node.verb(&["app", "register", &file.display().to_string()]);
    let request = node.request("all", "PUT", "/applications/labour", "{}");
    let request = String::from_utf8(request).expect("a request");
    let request = request.replacen("\r\nhost:", "\r\nif-none-match: *\r\nhost:", 1);
    let (status, body) = load::ask(&node.address, request.as_bytes());
    assert_eq!(status, "201", "{}", String::from_utf8_lossy(&body));
}

/// The requests, each by a name and with its path.
fn requests(node: &Node) -> Vec<(&'static str, &'static str, Value)> {
    let me: Value =
        serde_json::from_slice(&node.ask("all", "/members?role=guest")).expect("a page");
    let guests = me["items"].as_array().expect("items").iter();
    let members: Vec<_> =
        guests.map(|one| json!({"account_id": one["id"], "role": "admin"})).collect();
    let guest = json!({"type": "account", "id": members[0]["account_id"]});
    let words = |count: usize| (0..count).map(|n| format!("word-{n}")).collect::<Vec<_>>();
    let notes = |count: usize| {
        (0..count).map(|n| json!({"type": "note", "id": n.to_string()})).collect::<Vec<_>>()
    };
    let questions = json!({"subjects": "everybody", "actions": ["resource.read", "resource.update"],
        "resources": super::reads::ids(node).iter().map(|id| json!({"type": "document", "id": id})).collect::<Vec<_>>()});
    let listed =
        json!({"subjects": "everybody", "actions": ["note.review"], "resources": notes(2000)});
    let candidates = json!([{"application": "labour", "policies": policies(25)}]);
    let items: Vec<_> = notes(1000).into_iter().map(|note| json!({"resource": note})).collect();
    let review = |name: &str| json!({"name": name, "properties": {"words": words(4000)}});
    vec![
        (
            "a simulation of many changes",
            "/access/v1/simulate",
            json!({"changes": {"members": members}, "questions": questions}),
        ),
        (
            "a simulation of candidate policies",
            "/access/v1/simulate",
            json!({"changes": {"applications": candidates}, "questions": listed}),
        ),
        (
            "1,000 evaluations by an application's policies",
            "/access/v1/evaluations",
            json!({"subject": guest, "action": review("note.review"), "evaluations": items}),
        ),
        (
            "a search through documents by policies",
            "/access/v1/search/resource",
            json!({"subject": guest, "action": review("document.review"), "resource": {"type": "document"},
                "page": {"limit": 1000}}),
        ),
    ]
}
