//! Every statement of storage, held against the connections that it runs on.
//!
//! The statements are read from the source, so that none is forgotten. A `select` must be one that a reader takes, and
//! none may name a guarded table behind its view; whatever a change runs must be one that a writer takes while a change
//! runs.

use std::path::{Path, PathBuf};

use super::source::{Statement, statements};
use super::world::{World, owner};
use crate::storage::engine::sqlite::row_security::GUARDED;
use crate::storage::engine::sqlite::{Conn, Role, Side, resource_level, workspace_level};

/// A statement that is not like the others.
struct Exception {
    file: &'static str,
    /// How its text goes on somewhere.
    has: &'static str,
    side: Taken,
    why: &'static str,
}

/// By whom it is taken instead.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Taken {
    /// By a writer while no change runs, and by nobody else.
    BeforeAChange,
    /// By readers alone.
    ByReaders,
    /// By a change that says what it lets go, and by no other.
    LettingGo,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        file: "tenant/facts.rs",
        has: "from main.resources r",
        side: Taken::BeforeAChange,
        why: "the writer has no view: the door itself asks the rule before the change begins",
    },
    Exception {
        file: "tenant/resources.rs",
        has: "select 1 from resources limit",
        side: Taken::ByReaders,
        why: "the guess is made for a list, and lists are read",
    },
    Exception {
        file: "audit.rs",
        has: "delete from audit_log",
        side: Taken::LettingGo,
        why: "what is audited is only ever added, but for what was kept long enough",
    },
];

/// The files with statements of one side, and their paths below `src/storage`.
fn files(side: Side) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/storage");
    let folders: &[&str] = match side {
        Side::Tenant => &["", "tenant"],
        Side::Registry => &["registry"],
    };
    let mut found = Vec::new();
    for folder in folders {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// A statement as it runs: what is put into it is put in.
fn as_it_runs(text: &str) -> String {
    if text.contains("main.resources r") {
        return text.replacen("{}", &resource_level(), 1);
    }
    text.replacen("{}", &workspace_level(), 1)
}

/// Connections of one side, each with a caller.
struct Bench {
    reader: Conn,
    writer: Conn,
    _world: World,
}

impl Bench {
    fn new(side: Side) -> Self {
        let world = match side {
            Side::Tenant => World::new(),
            Side::Registry => World::registry(),
        };
        let (reader, writer) = (world.open(side, Role::Reader), world.open(side, Role::Writer));
        Self { reader, writer, _world: world }
    }

    /// Whether a connection takes a statement. What it took before it takes again unasked, so that each asking has a
    /// text of its own.
    fn takes(conn: &Conn, sql: &str, when: &str) -> Result<(), String> {
        let _owner = conn.session(owner());
        let taken = conn.prepare(&format!("{sql} -- {when}"));
        taken.map(drop).map_err(|error| error.to_string())
    }

    fn reads(&self, sql: &str) -> Result<(), String> {
        Self::takes(&self.reader, sql, "reading")
            .map_err(|error| format!("a reader refuses it: {error}"))
    }

    fn changes(&self, sql: &str) -> Result<(), String> {
        self.writer.set_change(true);
        let taken = Self::takes(&self.writer, sql, "changing");
        self.writer.set_change(false);
        taken.map_err(|error| format!("a writer refuses it: {error}"))
    }

    /// Whether an ordinary change may not.
    fn refuses(&self, sql: &str) -> Result<(), String> {
        match self.changes(sql) {
            Ok(()) => Err("a change takes it".to_owned()),
            Err(_) => Ok(()),
        }
    }

    fn lets_go(&self, sql: &str) -> Result<(), String> {
        self.writer.let_go(|| self.changes(&format!("{sql} -- letting go")))
    }

    fn looks(&self, sql: &str) -> Result<(), String> {
        let taken = Self::takes(&self.writer, sql, "before");
        taken.map_err(|error| format!("a writer refuses it before a change: {error}"))
    }
}

/// What is wrong with a statement.
fn fault(bench: &Bench, file: &str, statement: &Statement) -> Option<String> {
    let sql = as_it_runs(&statement.sql);
    let exception = EXCEPTIONS.iter().find(|it| it.file == file && statement.sql.contains(it.has));
    let outcome = match exception.map(|it| it.side) {
        Some(Taken::BeforeAChange) => bench.looks(&sql).and(bench.refuses(&sql)),
        Some(Taken::LettingGo) => bench.lets_go(&sql).and(bench.refuses(&sql)),
        Some(Taken::ByReaders) => bench.reads(&sql).and_then(|()| is_behind_no_view(&sql)),
        None if !statement.is_select() => bench.changes(&sql),
        None => selects(bench, statement, &sql),
    };
    let why = exception.map(|it| format!(" ({})", it.why)).unwrap_or_default();
    outcome.err().map(|error| format!("{file}: {error}{why}\n    {}", statement.sql))
}

fn selects(bench: &Bench, statement: &Statement, sql: &str) -> Result<(), String> {
    is_behind_no_view(sql)?;
    if !statement.is_of_changes_alone() {
        bench.reads(sql)?;
    }
    if statement.may_be_of_changes() { bench.changes(sql) } else { Ok(()) }
}

fn is_behind_no_view(sql: &str) -> Result<(), String> {
    let named = GUARDED.iter().find(|table| sql.contains(&format!("main.{table}")));
    named.map_or(Ok(()), |table| Err(format!("it names main.{table}")))
}

fn faults(side: Side, files: &[(String, String)]) -> Vec<String> {
    let bench = Bench::new(side);
    let of = |(name, text): &(String, String)| -> Vec<String> {
        statements(text).iter().filter_map(|it| fault(&bench, name, it)).collect()
    };
    files.iter().flat_map(of).collect()
}

fn all(side: Side) -> Vec<(String, Statement)> {
    let of = |(name, text): (String, String)| {
        statements(&text).into_iter().map(move |it| (name.clone(), it))
    };
    files(side).into_iter().flat_map(of).collect()
}

#[test]
fn every_statement_of_storage_is_one_that_its_connection_takes() {
    for side in [Side::Tenant, Side::Registry] {
        let faults = faults(side, &files(side));
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }
}

#[test]
fn no_statement_is_overlooked() {
    let (tenant, registry) = (all(Side::Tenant), all(Side::Registry));
    assert!(tenant.len() >= 75, "{} statements of tenants' files", tenant.len());
    assert!(registry.len() >= 35, "{} statements of the registry", registry.len());
    for table in GUARDED {
        let reading = |it: &&(String, Statement)| {
            it.1.is_select() && it.1.sql.contains(&format!("from {table}"))
        };
        assert!(tenant.iter().filter(reading).count() >= 2, "{table} is read");
    }
    for exception in EXCEPTIONS {
        let is_it = |(file, it): &&(String, Statement)| {
            file == exception.file && it.sql.contains(exception.has)
        };
        assert_eq!(tenant.iter().filter(is_it).count(), 1, "{}", exception.has);
    }
}

#[test]
fn a_planted_statement_is_found() {
    let planted = [
        "fn f(tx: &ReadTx<'_, A>) { one(\"select id from main.resources where id = ?1\") }",
        "fn f(tx: &ReadTx<'_, A>) { one(\"select w.id from teams t join main.workspaces w on true\") }",
        "fn f(tx: &ReadTx<'_, A>) { one(\"with resources as (select * from main.resources) select id from resources\") }",
        "fn f(tx: &WriteTx<'_, A>) { one(\"select name from resources where id = ?1\") }",
        "fn f(tx: &WriteTx<'_, A>) { one(\"with it as (select id from resources) select id from it\") }",
        "fn f(tx: &impl Tx<Plane = P>) { one(\"select 1 from resource_acl\") }",
        "fn f(tx: &WriteTx<'_, A>) { run(\"update teams set name = (select name from resources)\") }",
        "fn f(tx: &WriteTx<'_, A>) { run(\"delete from audit_log where seq < ?1\") }",
        "fn f(tx: &WriteTx<'_, A>) { run(\"insert into teams (id) select id from resources\") }",
        "const FIND: &str = \"select id from main.resource_acl \\\n    where id = ?1\";",
        "fn f(tx: &ReadTx<'_, A>) { let mut listing = Listing::new(\"select id from teams where true\");
            listing.and_if(\"id in (select workspace_id from main.resources where name = ?)\", name); }",
        "fn f(tx: &ReadTx<'_, A>) { one(\"select sql from temp.sqlite_schema\") }",
        "fn f(tx: &ReadTx<'_, A>) { one(r#\"select \"id\" from main.resources\"#) }",
    ];
    for text in planted {
        let faults = faults(Side::Tenant, &[("tenant/planted.rs".to_owned(), text.to_owned())]);
        assert_eq!(faults.len(), 1, "{text}: {faults:?}");
    }
}

#[test]
fn an_innocent_statement_is_left_alone() {
    let innocent = "fn f(tx: &ReadTx<'_, A>) { one(\"select id from resources where id = ?1\") }
        fn g(tx: &WriteTx<'_, A>) { run(\"update resources set name = ?2 where id = ?1 returning version\") }
        // \"select id from main.resources\"
        fn h<'a>(tx: &impl Tx<Plane = P>) { if c == '\"' { one(\"select id from workspaces\") } }
        fn i() { say(\"selected from main.resources\") }";
    let found = faults(Side::Tenant, &[("tenant/innocent.rs".to_owned(), innocent.to_owned())]);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(statements(innocent).len(), 3);
}
