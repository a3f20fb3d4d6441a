//! A full disk: reads go on, writes say so, nothing that was acknowledged is lost, and with room all is well again.

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use freehold::domain::Error;
use freehold_rig::World;
use serde_json::json;

use crate::found::find;
use crate::journal::{Claim, judge};
use crate::node::{Node, Place};
use crate::program::Program;
use crate::work::{self, Worker, resource_row};

const SLUGS: [&str; 3] = ["acme", "globex", "initech"];
const ROUNDS: usize = 10;
const WRITERS: usize = 4;
const BYTES: usize = 3000;

/// What the threads of all rounds have seen.
#[derive(Default)]
struct Seen {
    /// What was asked for, and whether it was acknowledged.
    writes: Mutex<Vec<(Claim, bool)>>,
    refused: AtomicUsize,
    reads: AtomicUsize,
    wrong: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Seen {
    fn wrong(&self, what: String) {
        self.wrong.lock().unwrap().push(what);
    }

    /// Writes until the disk has been full a few times.
    fn write(&self, node: &Node, round: usize, thread: usize) {
        let slug = SLUGS[thread % SLUGS.len()];
        let mut refused = 0;
        for turn in 0..2000 {
            let text = format!("{round} {thread} {turn}");
            let made = Worker::try_new(node, slug).and_then(|it| it.resource(&text, BYTES));
            let claim = Claim::row(slug, resource_row(&text, BYTES));
            self.writes.lock().unwrap().push((claim, made.is_ok()));
            match made {
                Ok(_) => {}
                Err(Error::DiskFull | Error::Busy { .. } | Error::Storage(_)) => {
                    refused += 1;
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(error) => self.wrong(format!("{slug}: {error:?}")),
            }
            if refused >= 5 {
                return;
            }
        }
        self.wrong(format!("{slug}: the disk never was full"));
    }

    fn read(&self, node: &Node) {
        while !self.is_over.load(Ordering::Acquire) {
            for slug in SLUGS {
                match Worker::try_new(node, slug).and_then(|it| it.count()) {
                    Ok(_) => drop(self.reads.fetch_add(1, Ordering::Relaxed)),
                    Err(error) => self.wrong(format!("a read of {slug} failed: {error:?}")),
                }
            }
        }
    }
}

/// One round: less and less room under load, then all of it again.
fn round(world: &World, node: &Node, seen: &Seen, number: usize) {
    seen.is_over.store(false, Ordering::Release);
    world.leave_room(Some(20_000 * number as u64));
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..2).map(|_| scope.spawn(|| seen.read(node))).collect();
        let writers: Vec<_> =
            (0..WRITERS).map(|it| scope.spawn(move || seen.write(node, number, it))).collect();
        for writer in writers {
            writer.join().unwrap();
        }
        seen.is_over.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap();
        }
    });
    world.leave_room(None);
    for slug in SLUGS {
        let text = format!("room again {number}");
        let mut made = Err(Error::DiskFull);
        for _ in 0..10 {
            made = Worker::try_new(node, slug).and_then(|it| it.resource(&text, BYTES));
            if made.is_ok() {
                break;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        match made {
            Ok(_) => {
                let claim = Claim::row(slug, resource_row(&text, BYTES));
                seen.writes.lock().unwrap().push((claim, true));
            }
            Err(error) => seen.wrong(format!("{slug} did not recover: {error:?}")),
        }
    }
}

#[test]
fn a_full_disk_stops_writes_alone_and_room_brings_them_back() {
    let place = Place::new();
    let node = Node::start(place.data(), |_| ()).unwrap();
    node.import(&work::organisation(&SLUGS, 0)).unwrap();
    node.stop();
    let base = find(&place.copied().data());
    let world = World::over(&place.data()).unwrap();
    let node = Node::watched(&world, &place);
    for slug in SLUGS {
        Worker::new(&node, slug);
    }
    let seen = Seen::default();
    for number in 0..ROUNDS {
        round(&world, &node, &seen, number);
    }
    node.stop();
    let writes = seen.writes.into_inner().unwrap();
    let acknowledged: Vec<usize> =
        writes.iter().enumerate().filter(|(_, (_, is_done))| *is_done).map(|it| it.0).collect();
    let claims: Vec<Claim> = writes.iter().map(|(claim, _)| claim.clone()).collect();
    let mut wrong = seen.wrong.into_inner().unwrap();
    wrong.extend(judge(&base, &claims, &acknowledged, &find(&place.data())));
    crate::say(&format!(
        "full disk: {ROUNDS} rounds, {} acknowledged, {} refused, {} reads, {} wrong",
        acknowledged.len(),
        seen.refused.into_inner(),
        seen.reads.into_inner(),
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(8)].join("\n"));
}

fn fill(file: &Path, bytes: u64) {
    // Renamed into its place: the program may read it at any moment.
    let new = file.with_extension("new");
    std::fs::write(&new, bytes.to_string()).unwrap();
    std::fs::rename(new, file).unwrap();
}

#[test]
fn a_server_whose_disk_is_full_answers_507_reads_on_and_recovers() {
    let place = Place::new();
    let node = Node::start(place.data(), |_| ()).unwrap();
    node.import(&work::organisation(&["acme"], 0)).unwrap();
    node.stop();
    let room = place.data().with_file_name("room");
    fill(&room, u64::MAX);
    let program = Program::serve(&place, &room);
    let client = program.client(&program.token("acme", "olga"));
    let (status, workspaces) = client.get("/v1/tenants/acme/workspaces");
    assert_eq!(status, 200, "{workspaces}");
    let workspace = workspaces["items"][0]["id"].clone();
    let resource = |name: &str| {
        let body = json!({"type": "prompt", "workspace_id": workspace, "name": name});
        client.post("/v1/tenants/acme/resources", &body).0
    };
    assert_eq!(resource("before"), 201);
    for round in 0..3 {
        fill(&room, 0);
        let refused: Vec<u16> = (0..5).map(|it| resource(&format!("full {round} {it}"))).collect();
        assert!(refused.contains(&507), "{refused:?}");
        for _ in 0..5 {
            assert_eq!(client.get("/v1/tenants/acme/resources").0, 200, "reads go on");
        }
        fill(&room, u64::MAX);
        let back: Vec<u16> = (0..5).map(|it| resource(&format!("room {round} {it}"))).collect();
        assert!(back.contains(&201) && back[4] == 201, "{back:?}");
    }
    program.stop();
}
