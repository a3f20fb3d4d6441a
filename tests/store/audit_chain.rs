//! The audit log is what was written, or it is found out which row is not: bytes flipped, rows deleted, swapped, cut
//! off and put in, whole chains written anew; and what was kept long enough goes without taking the proof along.

use std::fmt::Write as _;
use std::ops::RangeInclusive;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use freehold::domain::action::UpdateAuditRetention;
use freehold::domain::{AuditProblem, AuditVerification, Call, PutAuditRetention, TenantId};
use freehold::services::audit;
use rusqlite::types::Value as Cell;
use rusqlite::{Connection, params};

use crate::clock::Stepped;
use crate::dice::{Dice, say, seed, times};
use crate::files::tenant_file;
use crate::node::{Node, Place, eventually, host};
use crate::world;

/// The columns that a row's hash is made of, behind the hash before it.
const HASHED: &[&str] = &[
    "seq",
    "at",
    "actor",
    "actor_tenant",
    "on_behalf",
    "account_id",
    "target_tenant",
    "target_type",
    "target_id",
    "workspace_id",
    "resource_id",
    "action",
    "decision",
    "policies",
    "correlation_id",
    "request_id",
    "summary",
];
const OTHERS: &[&str] = &["tenant_id", "previous_hash", "hash"];
const DAY_S: i64 = 24 * 60 * 60;

/// A tenant whose audit log somebody can write to who has the file.
struct Log {
    node: Node,
    tenant: TenantId,
    owner: Call,
    raw: Connection,
}

impl Log {
    /// A log of so many rows, whose end the registry has seen.
    fn new(rows: i64) -> Self {
        let place = Place::new();
        Self::of(Node::at(&place, |_| ()), &place, rows)
    }

    fn of(node: Node, place: &Place, rows: i64) -> Self {
        node.import(&world::tenants(["acme"]));
        let (tenant, owner) = (node.tenant("acme"), node.call("acme", "olga"));
        let raw = Connection::open(tenant_file(&place.data(), &tenant.to_string())).unwrap();
        let log = Self { node, tenant, owner, raw };
        log.grow(rows);
        log.raw.pragma_update(None, "synchronous", "off").unwrap();
        log.raw.pragma_update(None, "foreign_keys", "off").unwrap();
        log.raw.pragma_update(None, "ignore_check_constraints", "on").unwrap();
        for table in ["audit_log", "audit_checkpoints"] {
            for change in ["changed", "deleted"] {
                let sql = format!(
                    "drop trigger {table}_{}_not_{change}",
                    if table == "audit_log" { "is" } else { "are" }
                );
                log.raw.execute_batch(&sql).unwrap();
            }
        }
        log
    }

    /// Adds rows until there are so many.
    fn grow(&self, rows: i64) {
        let store = self.node.store("acme");
        let workspace = world::workspace(&store, &self.owner, "everyone");
        for number in self.rows()..rows {
            world::create(&store, &self.owner, workspace, &format!("resource {number}")).unwrap();
        }
        assert_eq!(self.rows(), rows.max(self.rows()));
        eventually("the registry has seen the last row", || {
            let found = self.verify();
            (found.anchored_seq == Some(found.last_seq)).then_some(())
        });
        assert!(self.verify().intact);
    }

    fn rows(&self) -> i64 {
        self.number("select coalesce(max(seq), 0) from audit_log")
    }

    fn number(&self, sql: &str) -> i64 {
        self.raw.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn verify(&self) -> AuditVerification {
        audit::verify(&self.node.registry, &self.owner, self.tenant).unwrap()
    }

    /// The row that is named as the first that is not what it must be.
    #[track_caller]
    fn names(&self, seq: i64, problem: AuditProblem, what: &str) {
        let found = self.verify();
        let bad = found.bad.as_ref().unwrap_or_else(|| panic!("{what}: nothing is found"));
        assert_eq!((bad.seq, bad.problem), (seq, problem), "{what}");
        assert!(!found.intact && found.last_seq < seq.max(1), "{what}: {found:?}");
    }

    fn cell(&self, seq: i64, column: &str) -> Cell {
        let sql = format!("select {column} from audit_log where seq = ?1");
        self.raw.query_row(&sql, [seq], |row| row.get(0)).unwrap()
    }

    fn set(&self, seq: i64, column: &str, value: &Cell) {
        // What is no text any more is written all the same.
        let value_is_bytes = matches!(value, Cell::Blob(_));
        let given = if value_is_bytes { "cast(?1 as text)" } else { "?1" };
        let sql = format!("update audit_log set {column} = {given} where seq = ?2");
        assert_eq!(self.raw.execute(&sql, params![value, seq]).unwrap(), 1, "{column} of {seq}");
    }

    /// How many bytes a column of a row has.
    fn length(&self, seq: i64, column: &str) -> usize {
        match self.cell(seq, column) {
            Cell::Text(text) => text.len(),
            Cell::Integer(_) => 8,
            _ => 0,
        }
    }

    /// Flips bits of a byte, asks, and puts it back.
    fn flip(&self, seq: i64, column: &str, byte: usize, bits: u8) {
        let (was, what) = (self.cell(seq, column), format!("byte {byte} of {column} of row {seq}"));
        let mut now = seq;
        match &was {
            Cell::Text(text) => {
                let mut bytes = text.clone().into_bytes();
                bytes[byte] ^= bits;
                self.set(seq, column, &Cell::Blob(bytes));
            }
            Cell::Integer(number) => {
                let mut bytes = number.to_le_bytes();
                // A row's place goes where no other row is: further than there are rows.
                bytes[if column == "seq" { byte.max(2) } else { byte }] ^= bits;
                let changed = i64::from_le_bytes(bytes);
                self.set(seq, column, &Cell::Integer(changed));
                now = if column == "seq" { changed } else { seq };
            }
            _ => return,
        }
        let problem = match column {
            "seq" => AuditProblem::Missing,
            "previous_hash" => AuditProblem::Detached,
            _ => AuditProblem::Changed,
        };
        self.names(seq, problem, &what);
        match was {
            Cell::Text(text) => self.set(now, column, &Cell::Blob(text.into_bytes())),
            was => self.set(now, column, &was),
        }
    }

    fn columns() -> impl Iterator<Item = &'static str> {
        HASHED.iter().chain(OTHERS).copied()
    }

    /// Flips every byte of rows.
    fn flip_all(&self, rows: RangeInclusive<i64>, dice: &mut Dice) -> usize {
        let mut flipped = 0;
        for seq in rows {
            for column in Self::columns() {
                for byte in 0..self.length(seq, column) {
                    self.flip(seq, column, byte, 1 << dice.below(7));
                    flipped += 1;
                }
            }
        }
        flipped
    }

    /// Flips one byte of a row, any of them.
    fn flip_one(&self, seq: i64, dice: &mut Dice) {
        let lengths: Vec<_> =
            Self::columns().map(|column| (column, self.length(seq, column))).collect();
        let mut place = dice.below(lengths.iter().map(|(_, length)| length).sum());
        for (column, length) in lengths {
            if place < length {
                return self.flip(seq, column, place, 1 << dice.below(7));
            }
            place -= length;
        }
    }

    /// Does something to the log, asks, and undoes it.
    #[track_caller]
    fn tampered(&self, statements: &str, seq: i64, problem: AuditProblem) {
        self.raw.execute_batch("create table aside as select * from audit_log").unwrap();
        self.raw.execute_batch(statements).unwrap();
        self.names(seq, problem, statements);
        self.raw
            .execute_batch("delete from audit_log; insert into audit_log select * from aside; drop table aside")
            .unwrap();
        assert!(self.verify().intact, "{statements}");
    }

    /// Writes the hashes anew from a row on, as whoever has the file can.
    fn forge(&self, from: i64) {
        for seq in from..=self.rows() {
            let previous = match self.cell(seq - 1, "hash") {
                Cell::Text(hash) => hash,
                other => panic!("{other:?}"),
            };
            let mut digest = Context::new(&SHA256);
            let cells = HASHED.iter().map(|column| self.cell(seq, column));
            for cell in std::iter::once(Cell::Text(previous.clone())).chain(cells) {
                let text = match cell {
                    Cell::Text(text) => Some(text),
                    Cell::Integer(number) => Some(number.to_string()),
                    _ => None,
                };
                digest.update(
                    &text.as_ref().map_or(u64::MAX, |text| text.len() as u64).to_be_bytes(),
                );
                digest.update(text.unwrap_or_default().as_bytes());
            }
            let hash = digest.finish().as_ref().iter().fold(String::new(), |mut text, byte| {
                write!(text, "{byte:02x}").unwrap();
                text
            });
            self.set(seq, "previous_hash", &Cell::Text(previous));
            self.set(seq, "hash", &Cell::Text(hash));
        }
    }
}

#[test]
fn every_byte_of_a_row_that_is_flipped_is_found_in_its_row() {
    let mut dice = Dice::new(seed("bytes of audit rows"));
    let log = Log::new(20);
    let flipped = log.flip_all(1..=20, &mut dice);
    assert!(flipped > 20 * 300, "{flipped}");
    assert!(log.verify().intact);
    say(&format!("audit log: {flipped} bytes of 20 rows flipped, all found"));
    log.node.stop();
}

#[test]
fn a_byte_in_each_of_a_thousand_rows_is_found_in_its_row() {
    let mut dice = Dice::new(seed("a byte of each audit row"));
    let log = Log::new(1_000);
    let flipped = if times(0, 1) == 0 {
        (1..=1_000).for_each(|seq| log.flip_one(seq, &mut dice));
        1_000
    } else {
        log.flip_all(1..=1_000, &mut dice)
    };
    assert!(log.verify().intact);
    say(&format!("audit log: {flipped} bytes of 1000 rows flipped, all found"));
    log.node.stop();
}

#[test]
fn rows_that_are_deleted_swapped_cut_off_and_put_in_are_found() {
    let log = Log::new(40);
    let place = "update audit_log set seq = -seq where seq >";
    let back = "update audit_log set seq = 1 - seq where seq < 0";
    let copied =
        "actor, actor_tenant, target_tenant, target_type, target_id, action, decision, policies,
        correlation_id, request_id, summary, previous_hash, hash";
    let copy = |from: i64, to: i64| {
        format!(
            "insert into audit_log (seq, tenant_id, at, {copied}) \
             select {to}, tenant_id, at, {copied} from audit_log where seq = {from}"
        )
    };
    for (statements, seq, problem) in [
        ("delete from audit_log where seq = 1".to_owned(), 1, AuditProblem::Missing),
        ("delete from audit_log where seq = 20".to_owned(), 20, AuditProblem::Missing),
        ("delete from audit_log where seq between 10 and 30".to_owned(), 10, AuditProblem::Missing),
        ("delete from audit_log where seq = 40".to_owned(), 40, AuditProblem::Missing),
        ("delete from audit_log where seq > 25".to_owned(), 26, AuditProblem::Missing),
        ("delete from audit_log".to_owned(), 1, AuditProblem::Missing),
        (
            "update audit_log set seq = -1 where seq = 12; update audit_log set seq = 12 where seq = 30; \
             update audit_log set seq = 30 where seq = -1"
                .to_owned(),
            12,
            AuditProblem::Detached,
        ),
        (
            "delete from audit_log where seq = 20; update audit_log set seq = -seq where seq > 20; \
             update audit_log set seq = -seq - 1 where seq < 0"
                .to_owned(),
            20,
            AuditProblem::Detached,
        ),
        (format!("{place} 15; {back}; {}", copy(15, 16)), 16, AuditProblem::Detached),
        (copy(40, 41), 41, AuditProblem::Detached),
        (copy(3, 42), 41, AuditProblem::Missing),
    ] {
        log.tampered(&statements, seq, problem);
    }
    log.node.stop();
}

#[test]
fn a_chain_that_is_written_anew_is_not_the_one_that_the_registry_has_seen() {
    let log = Log::new(30);
    log.set(20, "actor", &Cell::Text("somebody else".to_owned()));
    log.forge(20);
    log.names(30, AuditProblem::Replaced, "a chain from row 20 on");
    log.node.stop();
}

impl Log {
    fn keep_for(&self, days: u32) {
        let (tenant, new) = (self.tenant, PutAuditRetention { days: Some(days) });
        let changed = self.node.registry.write_blocking::<UpdateAuditRetention, _, _>(
            &host(),
            tenant,
            move |tx| audit::update_retention(tx, tenant, &new, 1),
        );
        changed.unwrap();
    }
}

#[test]
fn rows_that_were_kept_long_enough_go_and_the_rest_stays_provable() {
    let place = Place::new();
    let clock = Arc::new(Stepped::default());
    let log = Log::of(Node::by(&place, clock.clone(), |_| ()), &place, 50);
    log.keep_for(30);
    audit::keep(&log.node.registry, 0).unwrap();
    assert_eq!(log.number("select min(seq) from audit_log"), 1, "nothing is that old");
    clock.step(31 * DAY_S);
    log.grow(60);
    audit::keep(&log.node.registry, 0).unwrap();
    let first = log.number("select min(seq) from audit_log");
    assert!((40..=51).contains(&first), "{first}");
    log.grow(log.rows());
    let found = log.verify();
    let checkpoint = found.checkpoint.clone().unwrap();
    assert!(found.intact, "{found:?}");
    assert_eq!((checkpoint.seq, checkpoint.removed), (first - 1, first - 1));
    assert_eq!(found.rows, log.rows() - checkpoint.seq);
    log.flip_all(first..=first, &mut Dice::new(1));
    is_unprovable(&log, first);
    log.node.stop();
}

/// Whoever has the file cannot let more rows go than went, nor make it look otherwise.
fn is_unprovable(log: &Log, first: i64) {
    log.tampered("delete from audit_log where seq < 55", first, AuditProblem::Missing);
    let forged = "create table kept as select * from audit_checkpoints;
        insert into audit_checkpoints select seq, tenant_id, hash, seq, at, at, at from audit_log where seq = 54;
        delete from audit_log where seq <= 54";
    log.raw.execute_batch("create table rows as select * from audit_log").unwrap();
    log.raw.execute_batch(forged).unwrap();
    let bad = log.verify().bad.unwrap();
    assert_eq!((bad.seq, bad.problem), (54, AuditProblem::Unfounded));
    log.raw
        .execute_batch(
            "delete from audit_checkpoints; insert into audit_checkpoints select * from kept; delete from audit_log;
            insert into audit_log select * from rows",
        )
        .unwrap();
    assert!(log.verify().intact);
    log.raw.execute_batch("delete from audit_checkpoints").unwrap();
    let bad = log.verify().bad.unwrap();
    assert_eq!((bad.seq, bad.problem), (1, AuditProblem::Missing));
}
