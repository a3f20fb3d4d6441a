//! `/v1/platform/diagnostics`: what an examination finds, why it matters, and what to do.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::app::{Db, Place, TestApp, Verb};
use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

/// The checks of a subject that did not end well.
fn failed(report: &Value, subject: &str) -> Vec<Value> {
    let reports = report["reports"].as_array().unwrap();
    let found = reports.iter().find(|report| report["subject"] == subject).unwrap();
    let checks = found["checks"].as_array().unwrap().iter();
    checks.filter(|check| check["state"] == "failed").cloned().collect()
}

#[test]
fn a_new_installation_is_healthy() {
    Org::new(app(), "healthy");
    let report = operator().get("/diagnostics").expect(200);
    assert_eq!(report["healthy"], true, "{}", report.text);
    let subjects: Vec<_> =
        report["reports"].as_array().unwrap().iter().map(|one| one["subject"].clone()).collect();
    assert_eq!(subjects[0], "registry");
    for slug in ["acme", "globex", "healthy"] {
        assert!(subjects.contains(&json!(slug)), "{subjects:?}");
    }
}

#[test]
fn one_tenant_is_examined_by_itself() {
    Org::new(app(), "examined");
    let report = operator().get("/tenants/examined/diagnostics").expect(200);
    assert_eq!(
        (&report["healthy"], report["reports"].as_array().unwrap().len()),
        (&json!(true), 1)
    );
    let named = operator().post("/diagnostics", &json!({"tenant": "examined"})).expect(200);
    assert_eq!(named["reports"].as_array().unwrap().len(), 1);
    let lost =
        operator().post("/diagnostics", &json!({"tenant": "never-was"})).problem(422, "invalid");
    assert_eq!(lost.fields(), ["/tenant"]);
}

/// Changes a file that no server has open, against all its guards.
fn tamper(place: &Place, tenant: &str, sql: &str) {
    let folders = std::fs::read_dir(place.data().join("tenants")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(format!("{tenant}.db")));
    let file = files.find(|file| file.exists()).unwrap();
    let conn = rusqlite::Connection::open(file).unwrap();
    let trigger = "select sql from sqlite_schema where name = 'audit_log_is_not_changed'";
    let guard: String = conn.query_row(trigger, [], |row| row.get(0)).unwrap();
    conn.execute_batch(&format!("drop trigger audit_log_is_not_changed; {sql}; {guard}")).unwrap();
}

#[test]
fn a_changed_audit_row_is_found() {
    let app = TestApp::dev();
    let org = Org::new(&app, "tampered");
    org.team("evidence");
    let id = org.id.clone();
    drop(org);
    let place = app.stop();
    tamper(&place, &id, "update audit_log set actor = 'somebody' where seq = 1");
    let app = TestApp::dev_at(&place);
    let report = app.operator().get("/v1/platform/diagnostics").expect(200);
    assert_eq!(report["healthy"], false, "{}", report.text);
    let failed = failed(&report.json, "tampered");
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(failed[0]["name"], "audit_chain");
    for member in ["found", "why", "remedy"] {
        assert_ne!(failed[0][member], "", "{member}");
    }
    app.freehold(&["doctor"]).ended(1);
    assert_eq!(app.freehold(&["doctor", "--tenant", "acme"]).status, 0);
}

/// Every file below a directory, with what is in it.
fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        let (path, kind) = (entry.path(), entry.file_type().unwrap());
        if kind.is_dir() {
            found.extend(contents(&path));
        } else if kind.is_file() {
            found.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    found
}

/// Lets everything below a directory be written, or nothing.
fn set_writable(directory: &Path, is_writable: bool) {
    let set = |path: &Path, mode: u32| {
        let mode = if is_writable { mode } else { mode & 0o555 };
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    };
    set(directory, 0o700);
    for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => set_writable(&entry.path(), is_writable),
            kind if kind.is_file() => set(&entry.path(), 0o600),
            _ => {}
        }
    }
}

/// Runs a verb for which the modes of files count: as root, without the capability to ignore them.
fn bound_by_modes(place: &Place, words: &str) -> Verb {
    let plain = place.command();
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = if is_root { Command::new("setpriv") } else { place.command() };
    if is_root {
        for capabilities in ["--inh-caps", "--bounding-set"] {
            command.arg(format!("{capabilities}=-dac_override,-dac_read_search"));
        }
        command
            .arg(plain.get_program())
            .args(plain.get_args())
            .current_dir(plain.get_current_dir().unwrap());
    }
    let temporary = place.data().with_file_name("temporary");
    fs::create_dir_all(&temporary).unwrap();
    let output = command.args(words.split_whitespace()).env("TMPDIR", &temporary).output();
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0, "{words}: a copy is left");
    Verb::of(&output.unwrap())
}

#[test]
fn a_directory_that_cannot_be_written_is_examined_as_a_copy_and_no_row_is_written() {
    let app = TestApp::dev();
    Org::new(&app, "read-only").team("last-words");
    // Killed, so that the last rows stand in the logs alone.
    let place = app.kill();
    set_writable(&place.data(), false);
    let before = contents(&place.data());
    assert!(before.keys().any(|path| path.to_string_lossy().ends_with(".db-wal")));
    let says_so = |verb: &Verb| {
        let said = ["cannot be written", "copied to", "no row is written"];
        assert!(said.iter().all(|words| verb.err.contains(words)), "{verb:?}");
    };
    let doctor = bound_by_modes(&place, "doctor --json").ended(0);
    says_so(&doctor);
    let report = doctor.json();
    assert_eq!((&report["healthy"], &report["copy"]), (&json!(true), &json!(true)));
    assert!(report["reports"].as_array().unwrap().iter().any(|it| it["subject"] == "read-only"));
    assert!(bound_by_modes(&place, "doctor --tenant acme").ended(0).out.contains("acme: ok"));
    let verified = bound_by_modes(&place, "audit verify --json").ended(0);
    says_so(&verified);
    let walked = verified.json();
    for log in walked.as_array().unwrap() {
        assert_eq!((&log["intact"], &log["copy"]), (&json!(true), &json!(true)), "{log}");
    }
    let one = bound_by_modes(&place, "audit verify --tenant read-only").ended(0);
    assert!(one.out.starts_with("read-only: ok"), "{one:?}");
    let mended = bound_by_modes(&place, "doctor --fix").ended(1);
    assert!(mended.err.contains("--fix"), "{mended:?}");
    let lock = fs::File::open(place.data().join("lock")).unwrap();
    lock.lock().unwrap();
    let taken = bound_by_modes(&place, "doctor").ended(1);
    assert!(taken.err.contains("belongs to a running freehold"), "{taken:?}");
    drop(lock);
    assert!(contents(&place.data()) == before, "the directory was written to");
    set_writable(&place.data(), true);
    let rows = Db::open(&place, "platform").number("select count(*) from audit_log", &[]);
    let platform = walked.as_array().unwrap().iter().find(|log| log["subject"] == "platform");
    assert_eq!(platform.unwrap()["rows"], rows, "every row of the log counts, and no other");
}

#[test]
fn a_lost_file_is_an_error_and_no_empty_tenant() {
    let app = TestApp::dev();
    let org = Org::new(&app, "lost");
    let (id, owner) = (org.id.clone(), org.owner.token().to_owned());
    drop(org);
    let place = app.stop();
    for folder in std::fs::read_dir(place.data().join("tenants")).unwrap() {
        let _absent = std::fs::remove_file(folder.unwrap().path().join(format!("{id}.db")));
    }
    let app = TestApp::dev_at(&place);
    let answer = app.bearer(&owner).get("/v1/tenants/lost");
    assert_eq!(answer.status, 503, "{}", answer.text);
    let report = app.operator().get("/v1/platform/diagnostics").expect(200);
    assert_ne!(failed(&report.json, "lost").len(), 0);
    app.demo("alice").get("/v1/tenants/acme").expect(200);
}
