//! Durable, audited creates from sixty-four clients, against a transaction per request on the same file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use aws_lc_rs::digest::{SHA256, digest};
use rusqlite::Connection;
use serde_json::{Value, json};

use super::load::{self, Measured};
use super::node::Node;

const CLIENTS: usize = 64;
const ROUNDS: usize = 3;
const ROUND: Duration = Duration::from_secs(3);

/// What is written for one create.
#[derive(Clone, Copy)]
enum Rows {
    /// The row alone, and nothing that counts it.
    Alone,
    /// The row, what it counts, its chained audit row and its event.
    Whole,
}

/// Measures creates in turns: by group commit, by a transaction per request through the same server, and by a
/// transaction per request without any server.
pub(crate) fn run(node: &Node) {
    println!(
        "\nDurable creates with audit row and event, {CLIENTS} clients; the ratio is to the same server with a \
         transaction per request\n"
    );
    let ungrouped = Node::start_with(&[("FREEHOLD__STORAGE__MAX_BATCH", "1")]);
    let (mut grouped, mut single) = (Vec::new(), Vec::new());
    let (mut bare, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        grouped.push(through(node));
        single.push(through(&ungrouped));
        bare.push(one_by_one(node, &workspace(node), Rows::Whole));
        alone.push(one_by_one(node, &workspace(node), Rows::Alone));
    }
    let single = super::reads::median(single);
    load::show("a transaction per request", &single, &single);
    let bare = super::reads::median(bare);
    load::show("a transaction per request, no server", &bare, &single);
    load::show("group commit", &super::reads::median(grouped), &single);
    println!(
        "\nWhat quota, audit chain and event cost, no server; the ratio is to the row alone\n"
    );
    let alone = super::reads::median(alone);
    load::show("the row alone", &alone, &alone);
    load::show("with quota, audit chain and event", &bare, &alone);
}

fn workspace(node: &Node) -> String {
    let page: Value = serde_json::from_slice(&node.ask("all", "/workspaces")).expect("a page");
    page["items"][0]["id"].as_str().expect("a workspace").to_owned()
}

fn through(node: &Node) -> Measured {
    let workspace = workspace(node);
    let request = |number: usize, count: u64| {
        let name = format!("Created {number} {count}");
        let body = json!({"type": "document", "workspace_id": workspace, "name": name}).to_string();
        node.request("much", "POST", "/resources", &body)
    };
    load::run(&node.address, node.pid(), CLIENTS, ROUND, request, "201")
}

/// The same rows, each in a transaction of its own, by as many clients that wait for one writing connection.
fn one_by_one(node: &Node, workspace: &str, rows: Rows) -> Measured {
    let connection = parking_lot::Mutex::new(open(node, rows));
    let (stop, serial, failed) = (AtomicBool::new(false), AtomicU64::new(0), AtomicU64::new(0));
    let begun = Instant::now();
    let mut latencies: Vec<u64> = std::thread::scope(|scope| {
        let client = || {
            let mut latencies = Vec::new();
            while !stop.load(Ordering::Relaxed) {
                let begun = Instant::now();
                let number = serial.fetch_add(1, Ordering::Relaxed);
                if create(&connection.lock(), workspace, number, rows).is_err() {
                    failed.fetch_add(1, Ordering::Relaxed);
                }
                latencies.push(u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX));
            }
            latencies
        };
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        std::thread::sleep(ROUND);
        stop.store(true, Ordering::Relaxed);
        clients.into_iter().flat_map(|client| client.join().expect("a client")).collect()
    });
    latencies.sort_unstable();
    let at =
        |share: f64| latencies.get((latencies.len() as f64 * share) as usize).copied().unwrap_or(0);
    Measured {
        per_second: latencies.len() as f64 / begun.elapsed().as_secs_f64(),
        cpu_us: f64::NAN,
        latency_us: [at(0.50), at(0.95), at(0.99)],
        odd: failed.load(Ordering::Relaxed),
    }
}

/// A copy of the tenant's file, with the same durability, on the same disk.
fn open(node: &Node, rows: Rows) -> Connection {
    let name = if matches!(rows, Rows::Whole) { "whole.db" } else { "alone.db" };
    let copy = node.data.path().join(name);
    if !copy.exists() {
        let source = Connection::open(tenant_file(node)).expect("the tenant's file");
        source.execute("vacuum into ?1", [copy.display().to_string()]).expect("a copy");
        if matches!(rows, Rows::Alone) {
            let copied = Connection::open(&copy).expect("the copy");
            copied.execute_batch("drop trigger a_new_resource_is_counted").expect("no counting");
        }
    }
    let connection = Connection::open(&copy).expect("the copy");
    for (pragma, value) in
        [("journal_mode", "wal"), ("synchronous", "full"), ("foreign_keys", "on")]
    {
        connection.pragma_update(None, pragma, value).expect("a pragma");
    }
    connection
}

fn tenant_file(node: &Node) -> PathBuf {
    let folder = std::fs::read_dir(node.data.path().join("data/tenants"))
        .expect("tenants")
        .next()
        .expect("a folder");
    let mut files = std::fs::read_dir(folder.expect("a folder").path()).expect("files");
    files
        .find_map(|file| {
            file.ok()
                .map(|file| file.path())
                .filter(|path| path.extension().is_some_and(|e| e == "db"))
        })
        .expect("a file")
}

/// What the server writes for one create: the row, its audit row, its event.
fn create(
    connection: &Connection,
    workspace: &str,
    number: u64,
    rows: Rows,
) -> rusqlite::Result<()> {
    let id = uuid::Uuid::now_v7().to_string();
    connection.execute_batch("begin immediate")?;
    let done = write(connection, workspace, number, &id).and_then(|()| match rows {
        Rows::Alone => Ok(()),
        Rows::Whole => tell(connection, &id),
    });
    connection.execute_batch(if done.is_ok() { "commit" } else { "rollback" })?;
    done
}

fn write(connection: &Connection, workspace: &str, number: u64, id: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "insert into resources (id, tenant_id, type, workspace_id, name, visibility, created_at, updated_at)
            select ?1, id, 'document', ?2, ?3, 'private', 0, 0 from organizations",
        )?
        .execute((id, workspace, format!("Single {number}")))?;
    Ok(())
}

/// The audit row, chained to the one before it, and the event.
fn tell(connection: &Connection, id: &str) -> rusqlite::Result<()> {
    let previous: String = connection
        .prepare_cached("select hash from audit_log order by seq desc limit 1")?
        .query_row([], |row| row.get(0))?;
    let hash = digest(
        &SHA256,
        format!("{previous}{id}{}", "a summary of as many bytes".repeat(20)).as_bytes(),
    );
    let hash: String =
        hash.as_ref().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
    connection
        .prepare_cached(
            "insert into audit_log (seq, tenant_id, at, actor, actor_tenant, target_tenant, target_type, target_id,
                action, decision, policies, correlation_id, request_id, summary, previous_hash, hash)
            select (select coalesce(max(seq), 0) + 1 from audit_log), id, 0, 'bench', id, id, 'resource', ?1,
                'resource.create', 'permit', '[]', ?1, ?1, '{}', ?2, ?3 from organizations",
        )?
        .execute([id, &previous, &hash])?;
    connection
        .prepare_cached(
            "insert into outbox_events (seq, id, tenant_id, type, subject, data, actor, actor_tenant, correlation_id,
                occurred_at)
            select (select coalesce(max(seq), 0) + 1 from outbox_events), ?1, id, 'resource.created', ?1, '{}',
                'bench', id, ?1, 0 from organizations",
        )?
        .execute([id])?;
    Ok(())
}
