//! Other processes may look into the database files of a running server, and operators may move them: an outside reader
//! changes nothing, and a file that was moved away is believed no longer.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::app::{Db, TestApp};
use crate::client::Client;
use crate::org::Org;

const ROUNDS: usize = 15;
/// Changes of the load at most.
const MAX_LOAD: usize = 400;

/// Opens a file as any other program would, reads a row, and closes it. By Python's SQLite: ours is newer than 3.51, and
/// finds out by itself that another process has lost its locks.
fn look_into(path: &Path) {
    let script = "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); \
        print(c.execute('select count(*) from audit_log').fetchone()[0]); c.close()";
    let outsider = Command::new("python3").args(["-c", script]).arg(path).output().unwrap();
    let count = String::from_utf8(outsider.stdout).unwrap();
    assert!(count.trim().parse::<u32>().is_ok_and(|count| count > 0), "{count}");
}

fn account(name: &str) -> Value {
    json!({"display_name": name, "identities": [{"issuer": "test", "subject": name}]})
}

fn log_of(path: &Path) -> PathBuf {
    PathBuf::from(format!("{}-wal", path.display()))
}

fn inode(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().ino()
}

/// The requests that have the server itself look at files that it has open.
fn examine(operator: &Client) {
    operator.get("/v1/platform/diagnostics").expect(200);
    operator.get("/v1/platform/migrations").expect(200);
}

#[test]
fn an_outside_reader_under_load_changes_nothing() {
    let app = TestApp::dev();
    let org = Org::new(&app, "watched");
    let operator = app.operator();
    examine(&operator);
    let files = ["platform", &org.id].map(|name| Db::path(app.place(), name));
    let logs = files.each_ref().map(|file| inode(&log_of(file)));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..MAX_LOAD {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                org.admin.post("/teams", &json!({"name": format!("load {round}")})).expect(201);
            }
        });
        for round in 0..ROUNDS {
            if round % 5 == 0 {
                examine(&operator);
            }
            for file in &files {
                look_into(file);
            }
            org.owner.post("/teams", &json!({"name": format!("team {round}")})).expect(201);
            let account = account(&format!("person-{round}"));
            let made = operator.post("/v1/platform/accounts", &account).expect(201);
            operator.get(&format!("/v1/platform/accounts/{}", made.id())).expect(200);
        }
        done.store(true, Ordering::Relaxed);
    });
    assert_eq!(files.each_ref().map(|file| inode(&log_of(file))), logs, "a log was removed");
    assert!(!app.log().contains("nothing was committed"), "{}", app.log());
}

#[test]
fn a_registry_that_was_moved_away_is_read_no_longer() {
    let app = TestApp::dev();
    let operator = app.operator();
    let account = account("Before");
    let path = format!(
        "/v1/platform/accounts/{}",
        operator.post("/v1/platform/accounts", &account).expect(201).id()
    );
    operator.get(&path).expect(200);
    let registry = Db::path(app.place(), "platform");
    let copy = registry.with_extension("copy");
    Connection::open(&registry)
        .unwrap()
        .execute("vacuum into ?1", [copy.to_str().unwrap()])
        .unwrap();
    let other = Connection::open(&copy).unwrap();
    other.execute_batch("pragma journal_mode = wal; update accounts set display_name = 'After' where display_name = 'Before'").unwrap();
    other.close().unwrap();
    for suffix in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{suffix}", registry.display())).unwrap();
    }
    std::fs::rename(&copy, &registry).unwrap();
    let later = self::account("Later");
    operator.post("/v1/platform/accounts", &later).problem(503, "file_replaced");
    assert_eq!(operator.get(&path).expect(200)["display_name"], "After");
    operator.post("/v1/platform/accounts", &later).expect(201);
    assert!(inode(&log_of(&registry)) > 0, "the log of the file that lies there now stays");
}

#[test]
fn a_team_that_cannot_be_read_is_a_failure_and_no_wrong_team() {
    let app = TestApp::dev();
    let org = Org::new(&app, "unread");
    let team = org.team("crew");
    let outsider = Connection::open(Db::path(app.place(), &org.id)).unwrap();
    outsider.execute_batch("alter table teams rename column description to hidden").unwrap();
    let new = json!({"email": "ann@example.com", "role": "member", "team_ids": [team]});
    let answer = org.owner.post("/invitations", &new);
    assert!(answer.status >= 500, "{}", answer.text);
}
