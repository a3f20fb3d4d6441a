//! `kill -9` under load, again and again on one data directory: what the server acknowledged, as its
//! clients have written down for themselves outside of it, is there afterwards, and exact; what it
//! did not acknowledge is there whole or not at all. Fifty times; with `FREEHOLD_LONG=1` a thousand.
//!
//! A kill shows what the program does, not what the disk does: the operating system still has every
//! byte that was handed to it. What a power cut leaves is for the fault rig.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::dice::{Dice, say, seed, times};
use crate::dump;
use crate::node::{Node, Place};
use crate::program::{Client, Program, verb};
use crate::world;

const TENANTS: usize = 20;
const CLIENTS: usize = 32;
/// Every so many cycles the doctor and the files are asked, and not only the server.
const EXAMINED: usize = 10;

fn slug(number: usize) -> String {
    format!("tenant-{number:02}")
}

/// A resource, as its client last heard of it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    name: String,
    version: i64,
}

/// What a client sent and heard nothing of.
#[derive(Debug, Clone)]
enum Sent {
    Create { key: String, name: String },
    Update { id: String, from: i64, name: String },
}

/// One who writes: to one tenant, and into a journal before the next request.
struct Writer {
    number: usize,
    journal: File,
    path: PathBuf,
    sent: Option<Sent>,
    count: usize,
}

impl Writer {
    fn new(place: &Place, number: usize) -> Self {
        let path = place.root().join(format!("journal-{number:02}"));
        let journal = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        Self { number, journal, path, sent: None, count: 0 }
    }

    /// Every tenant has a writer, and four have four, so that their writes share commits.
    fn tenant(&self) -> usize {
        if self.number < TENANTS { self.number } else { self.number % 4 }
    }

    /// Writes down what was acknowledged.
    fn note(&mut self, id: &str, name: &str, version: i64) {
        let line = format!("{} {id} {version} {name}\n", slug(self.tenant()));
        self.journal.write_all(line.as_bytes()).unwrap();
        self.count += 1;
    }

    /// The journal, read again: every resource as it was last acknowledged.
    fn read(&self) -> BTreeMap<String, Known> {
        let mut known = BTreeMap::new();
        for line in std::fs::read_to_string(&self.path).unwrap().lines() {
            let [tenant, id, version, name] =
                line.splitn(4, ' ').collect::<Vec<_>>().try_into().unwrap();
            assert_eq!(tenant, slug(self.tenant()));
            let entry = Known { name: name.to_owned(), version: version.parse().unwrap() };
            known.insert(id.to_owned(), entry);
        }
        known
    }

    /// Sends one request after the other until nobody answers any more.
    fn write(&mut self, client: &Client, workspace: &str, cycle: usize, dice: &mut Dice) {
        let mut mine: Vec<(String, i64)> = Vec::new();
        for turn in 0.. {
            let name = format!("{cycle} {} {turn} {:x}", self.number, dice.throw());
            let sent = match mine.len() {
                // What one client makes in one cycle is its own: nobody else changes it.
                count if count > 0 && dice.below(3) == 0 => {
                    let (id, from) = mine[dice.below(count)].clone();
                    Sent::Update { id, from, name }
                }
                _ => Sent::Create { key: format!("{cycle}-{}-{turn}", self.number), name },
            };
            self.sent = Some(sent.clone());
            let Some((id, version)) = self.send(client, workspace, &sent) else { return };
            match mine.iter_mut().find(|(known, _)| *known == id) {
                Some(known) => known.1 = version,
                None => mine.push((id, version)),
            }
            self.sent = None;
        }
    }

    /// Sends a request, and notes what is acknowledged; nothing where the server is gone.
    fn send(&mut self, client: &Client, workspace: &str, sent: &Sent) -> Option<(String, i64)> {
        let path = format!("/v1/tenants/{}/resources", slug(self.tenant()));
        let (expected, name, (status, answer)) = match sent {
            Sent::Create { key, name } => {
                let body = json!({"type": "prompt", "workspace_id": workspace, "name": name,
                    "visibility": "tenant", "attributes": {"copy": name}});
                let headers = [("idempotency-key", key.clone())];
                (201, name, client.send("POST", &path, &headers, Some(&body)))
            }
            Sent::Update { id, from, name } => {
                let body = json!({"name": name, "attributes": {"copy": name}});
                let headers = [("if-match", format!("\"{from}\""))];
                (200, name, client.send("PATCH", &format!("{path}/{id}"), &headers, Some(&body)))
            }
        };
        if status == 0 {
            return None;
        }
        assert_eq!((status, answer["name"].as_str()), (expected, Some(name.as_str())), "{answer}");
        let id = answer["id"].as_str().unwrap().to_owned();
        let version = answer["version"].as_i64().unwrap();
        self.note(&id, name, version);
        Some((id, version))
    }
}

struct Load {
    place: Place,
    tokens: Vec<String>,
    workspaces: Vec<String>,
    writers: Vec<Writer>,
    restarts: Vec<Duration>,
    /// What was sent, never acknowledged, and is there all the same.
    adopted: usize,
}

impl Load {
    fn new() -> (Self, Program) {
        let node = Node::new();
        let slugs: Vec<String> = (0..TENANTS).map(slug).collect();
        node.import(&world::tenants(slugs.iter().map(String::as_str)));
        let workspace = |slug: &String| {
            let (store, olga) = (node.store(slug), node.call(slug, "olga"));
            world::workspace(&store, &olga, "everyone").to_string()
        };
        let workspaces = slugs.iter().map(workspace).collect();
        let place = node.stop();
        let program = Program::serve(&place);
        let tokens = slugs.iter().map(|slug| program.token(slug, "olga")).collect();
        let writers = (0..CLIENTS).map(|number| Writer::new(&place, number)).collect();
        let load = Self { place, tokens, workspaces, writers, restarts: Vec::new(), adopted: 0 };
        (load, program)
    }

    /// Lets everybody write until the server is killed, and starts the next one.
    #[expect(clippy::disallowed_methods, reason = "how long a restart takes is what is measured")]
    fn cycle(&mut self, mut program: Program, cycle: usize, dice: &mut Dice) -> Program {
        let moment = Duration::from_millis(50 + dice.below(350) as u64);
        let begun = Barrier::new(CLIENTS + 1);
        let (tokens, workspaces) = (&self.tokens, &self.workspaces);
        std::thread::scope(|scope| {
            for writer in &mut self.writers {
                let client = program.client(&tokens[writer.tenant()]);
                let (begun, mut dice) = (&begun, Dice::new(dice.throw()));
                scope.spawn(move || {
                    begun.wait();
                    writer.write(&client, &workspaces[writer.tenant()], cycle, &mut dice);
                });
            }
            begun.wait();
            // The moment is the point: there is no condition to wait for.
            std::thread::sleep(moment);
            program.child.kill().unwrap();
            program.child.wait().unwrap();
        });
        let restart = Instant::now();
        let program = Program::serve(&self.place);
        self.restarts.push(restart.elapsed());
        program
    }

    /// Everything that a journal has is there and exact, and everything that is there is in a
    /// journal or was on its way.
    fn is_all_there(&mut self, program: &Program, is_sent_again: bool) {
        let clients: Vec<Client> = self.tokens.iter().map(|token| program.client(token)).collect();
        if is_sent_again {
            self.send_again(&clients);
        }
        for (number, client) in clients.iter().enumerate() {
            let mut there = everything(client, number);
            let writers = self.writers.iter_mut().filter(|writer| writer.tenant() == number);
            for writer in writers {
                self.adopted += usize::from(adopt(writer, &there));
                for (id, known) in writer.read() {
                    let found = there.remove(&id);
                    assert_eq!(found, Some(known), "{id} of writer {}", writer.number);
                }
            }
            assert!(there.is_empty(), "nobody sent this to {}: {there:?}", slug(number));
        }
    }

    /// Sends what was not acknowledged once more, by the same key: it is done once.
    fn send_again(&mut self, clients: &[Client]) {
        for writer in &mut self.writers {
            if let Some(sent @ Sent::Create { .. }) = writer.sent.clone() {
                let tenant = writer.tenant();
                let again = writer.send(&clients[tenant], &self.workspaces[tenant], &sent);
                assert!(again.is_some(), "the server is there");
                writer.sent = None;
            }
        }
    }

    /// The doctor is content, and every change has its audit row and its event.
    fn is_consistent(&self) {
        verb(&self.place, &["doctor"]).ended(0);
        for path in dump::tenant_files(&self.place.data()) {
            let file = dump::open(&path);
            let strays = "select a.seq from audit_log a
                left join outbox_events e on e.correlation_id = a.correlation_id
                    and e.type = case a.action when 'resource.create' then 'resource.created'
                        else 'resource.updated' end
                where a.action in ('resource.create', 'resource.update') and a.decision = 'permit'
                group by a.seq having count(e.seq) <> 1";
            assert!(dump::rows(&file, strays).is_empty(), "audit rows without their event");
            let sums = "select
                (select count(*) from resources)
                    - (select count(*) from import_keys)
                    - (select count(*) from audit_log
                        where action = 'resource.create' and decision = 'permit'),
                (select sum(version - 1) from resources)
                    - (select count(*) from audit_log
                        where action = 'resource.update' and decision = 'permit')";
            assert_eq!(dump::rows(&file, sums), ["0|0"], "a change and its audit row");
        }
    }
}

/// Every resource that a tenant has, but for the one that it began with.
fn everything(client: &Client, number: usize) -> BTreeMap<String, Known> {
    let mut found = BTreeMap::new();
    let mut path = format!("/v1/tenants/{}/resources?limit=200", slug(number));
    loop {
        let (status, page) = client.get(&path);
        assert_eq!(status, 200, "{page}");
        for row in page["items"].as_array().unwrap() {
            let name = row["name"].as_str().unwrap().to_owned();
            if name.starts_with("canary of ") {
                continue;
            }
            assert_eq!(row["attributes"]["copy"], name, "half of a write");
            let known = Known { name, version: row["version"].as_i64().unwrap() };
            found.insert(row["id"].as_str().unwrap().to_owned(), known);
        }
        let Value::String(cursor) = &page["next_cursor"] else { return found };
        path = format!("/v1/tenants/{}/resources?limit=200&cursor={cursor}", slug(number));
    }
}

/// Takes what was sent and is there into the journal of whoever sent it.
fn adopt(writer: &mut Writer, there: &BTreeMap<String, Known>) -> bool {
    let (id, known) = match writer.sent.take() {
        Some(Sent::Create { name, .. }) => {
            let Some((id, known)) = there.iter().find(|(_, known)| known.name == name) else {
                return false;
            };
            assert_eq!(known.version, 1);
            (id.clone(), known.clone())
        }
        Some(Sent::Update { id, from, name }) => {
            let known = there.get(&id).unwrap_or_else(|| panic!("{id} was acknowledged")).clone();
            if known.version == from {
                return false;
            }
            assert_eq!(known, Known { name, version: from + 1 });
            (id, known)
        }
        None => return false,
    };
    writer.note(&id, &known.name, known.version);
    true
}

#[test]
fn nothing_that_was_acknowledged_is_lost_by_any_kill_under_load() {
    let mut dice = Dice::new(seed("kills under load"));
    let (mut load, mut program) = Load::new();
    let cycles = times(50, 1000);
    for cycle in 0..cycles {
        program = load.cycle(program, cycle, &mut dice);
        if cycle < 50 || cycle % 20 == 0 {
            load.is_all_there(&program, cycle % 2 == 0);
        }
        if cycle % EXAMINED == EXAMINED - 1 {
            load.is_consistent();
        }
    }
    load.is_all_there(&program, true);
    load.is_consistent();
    program.stop();
    load.restarts.sort_unstable();
    let p99 = load.restarts[(load.restarts.len() * 99).div_ceil(100) - 1];
    let writes: usize = load.writers.iter().map(|writer| writer.count).sum();
    say(&format!(
        "{cycles} kills under load: {writes} acknowledged writes, none lost; {} more",
        load.adopted
    ));
    say(&format!("were there that nobody had heard of; restart p99 {} ms", p99.as_millis()));
    assert!(writes > cycles * CLIENTS, "there was a load: {writes}");
    assert!(p99 < Duration::from_secs(5), "a restart takes {p99:?}");
}
