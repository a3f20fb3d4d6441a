//! Readers: nobody in the session sees nothing, and nobody at all looks behind the policy views.

use std::sync::Arc;

use super::world::{Cell, World, ask, failure, member, owner};
use crate::domain::RowSecurityMode;
use crate::storage::engine::sqlite::error::Kind;
use crate::storage::engine::sqlite::row_security::{GUARDED, policy_view};
use crate::storage::engine::sqlite::{Conn, Principals, Session, Sql, SqlError, Writes};

/// Every function of a session, called.
const FUNCTIONS: &[(&str, &str)] = &[
    ("current_tenant()", "null"),
    ("current_account()", "null"),
    ("caller_principals()", "null"),
    ("caller_shares()", "null"),
    ("row_security_mode()", "null"),
    ("caller_sees_all()", "0"),
    ("caller_level()", "0"),
    ("caller_workspace_level()", "0"),
    ("caller_in_tenant()", "0"),
    ("caller_sees_few()", "0"),
    ("caller_has('alice')", "0"),
    ("caller_has(null)", "0"),
    ("caller_maintains('crew')", "0"),
    ("caller_maintains(null)", "0"),
    ("caller_adds('of-alice')", "0"),
    ("caller_adds(null)", "0"),
    ("caller_drops('alice')", "0"),
    ("caller_drops(null)", "0"),
    ("caller_changes('mine', 1)", "0"),
    ("caller_changes('', 0)", "0"),
];

/// The names that functions are registered under.
fn registered() -> Vec<&'static str> {
    let source = include_str!("../functions.rs");
    let literals = source.split('"').skip(1).step_by(2);
    let is_name = |word: &&str| word.starts_with('c') || word.starts_with("row_");
    literals.filter(is_name).filter(|word| word.contains('_')).collect()
}

#[test]
fn without_a_session_every_function_knows_nothing() {
    let world = World::new();
    for conn in [world.reader(), world.writer()] {
        for (call, nothing) in FUNCTIONS {
            assert_eq!(ask(&conn, &format!("select {call}")).unwrap(), [*nothing], "{call}");
        }
    }
    let names = registered();
    assert!(names.len() >= 12, "{names:?}");
    for name in names {
        let is_asked = FUNCTIONS.iter().any(|(call, _)| call.starts_with(&format!("{name}(")));
        assert!(is_asked, "{name} stands in the list above");
    }
}

#[test]
fn without_a_session_every_guarded_table_is_empty() {
    let world = World::new();
    let conn = world.reader();
    for table in GUARDED {
        for sql in [
            format!("select * from {table}"),
            format!("select id from (select 1 as id from {table})"),
            format!("with all_of_it as (select * from {table}) select * from all_of_it"),
            format!("select 1 where exists (select 1 from {table})"),
            format!("select t.name from teams t join {table} on true"),
        ] {
            assert_eq!(ask(&conn, &sql).unwrap(), Vec::<String>::new(), "{sql}");
        }
        let count = format!("select count(*) from {table}");
        assert_eq!(ask(&conn, &count).unwrap(), ["0"], "{count}");
    }
}

#[test]
fn what_a_session_showed_is_gone_with_it() {
    let world = World::new();
    let conn = world.reader();
    let count = |table: &&str| ask(&conn, &format!("select 1 from {table}")).unwrap().len();
    let seen = || -> Vec<usize> { GUARDED.iter().map(count).collect() };
    for _ in 0..3 {
        assert_eq!(seen(), [0, 0, 0], "before and after");
        let guard = conn.session(owner());
        assert_eq!(seen(), [3, 2, 1], "an owner, who may share one resource");
        {
            let _inner = conn.session(member("crew", RowSecurityMode::Enforce, Writes::Nothing));
            assert_eq!(seen(), [1, 0, 0], "a member inside");
        }
        assert_eq!(seen(), [3, 2, 1], "the owner again");
        drop(guard);
    }
}

#[test]
fn each_mode_shows_the_rows_that_it_says() {
    let world = World::new();
    let conn = world.reader();
    let rows = |session: Session| {
        let _guard = conn.session(session);
        ask(&conn, "select id || level from resources order by id").unwrap()
    };
    for mode in [RowSecurityMode::Off, RowSecurityMode::Shadow] {
        let bystander = member("nobody's friend", mode, Writes::Nothing);
        assert_eq!(rows(bystander.clone()), ["bare0", "mine0", "theirs0"], "marked, in {mode}");
        assert_eq!(
            rows(member("alice", mode, Writes::Nothing)),
            ["bare0", "mine3", "theirs1"],
            "{mode}"
        );
        let inactive = Session { principals: Arc::new(Principals::default()), ..bystander.clone() };
        assert_eq!(rows(inactive), Vec::<String>::new(), "no member, in {mode}");
        let no_account = Session { account: None, ..bystander.clone() };
        assert_eq!(rows(no_account), Vec::<String>::new(), "no account, in {mode}");
        let elsewhere = Session { tenant: "globex".into(), ..bystander };
        assert_eq!(rows(elsewhere), Vec::<String>::new(), "of another tenant, in {mode}");
    }
    let enforce = |account| member(account, RowSecurityMode::Enforce, Writes::Nothing);
    assert_eq!(rows(enforce("alice")), ["mine3", "theirs1"]);
    assert_eq!(rows(enforce("nobody's friend")), Vec::<String>::new());
}

/// Ways past a policy view, in which `{table}` is a guarded table, and how each ends.
const ROADS: &[(&str, Kind)] = &[
    ("select * from main.{table}", Kind::Refused),
    ("select count(*) from main.{table}", Kind::Refused),
    ("select 1 from main.{table}", Kind::Refused),
    ("select it.rowid from main.{table} as it", Kind::Refused),
    ("select \"tenant_id\" from \"main\".\"{table}\"", Kind::Refused),
    ("select tenant_id from MAIN.{table} not indexed", Kind::Refused),
    ("select * from (select tenant_id from main.{table})", Kind::Refused),
    ("select (select max(tenant_id) from main.{table})", Kind::Refused),
    ("select 1 where exists (select 1 from main.{table})", Kind::Refused),
    ("select 1 where 'acme' in (select tenant_id from main.{table})", Kind::Refused),
    ("select t.id from teams t join main.{table} r on r.tenant_id = t.tenant_id", Kind::Refused),
    ("select id from teams union all select tenant_id from main.{table}", Kind::Refused),
    ("select count(*) over () from main.{table}", Kind::Refused),
    ("with {table} as (select * from main.{table}) select * from {table}", Kind::Refused),
    ("with {table} (a) as materialized (select 1 from main.{table}) select a from {table}", Kind::Refused),
    (
        "with recursive {table} (a) as (select tenant_id from main.{table} union select a from {table})
        select a from {table}",
        Kind::Refused,
    ),
    (
        "with policy_{table} as (select * from main.{table}) select * from policy_{table}",
        Kind::Refused,
    ),
    (
        "with policy_{table}_00000000000000000000000000000000 as (select * from main.{table})
        select * from policy_{table}_00000000000000000000000000000000",
        Kind::Refused,
    ),
    ("select * from temp.policy_{table}", Kind::Other),
    ("select * from temp.policy_{table}_00000000000000000000000000000000", Kind::Other),
    ("explain select * from main.{table}", Kind::Refused),
    ("insert into teams select * from main.{table}", Kind::Refused),
    ("insert into {table} (tenant_id) values ('acme')", Kind::Refused),
    ("insert into main.{table} (tenant_id) values ('acme')", Kind::Refused),
    ("update main.{table} set version = 2", Kind::Refused),
    ("delete from main.{table}", Kind::Refused),
    ("create temp table copy as select * from main.{table}", Kind::Refused),
    ("create temp view copy as select * from main.{table}", Kind::Refused),
    ("drop view temp.{table}", Kind::Refused),
    ("alter table main.{table} rename to other", Kind::Refused),
    ("pragma table_info({table})", Kind::Refused),
    ("select * from pragma_table_info('{table}')", Kind::Refused),
    ("analyze main.{table}", Kind::Refused),
    ("reindex main.{table}", Kind::Refused),
];

/// Ways to learn the name of a policy view, or to another file.
const NAMES: &[&str] = &[
    "select * from sqlite_schema",
    "select name from main.sqlite_master",
    "select sql from temp.sqlite_schema",
    "select sql from sqlite_temp_schema",
    "select sql from temp.sqlite_temp_schema",
    "select sql from sqlite_temp_master",
    "select count(*) from temp.sqlite_temp_schema",
    "with it as (select sql from temp.sqlite_schema) select * from it",
    "select name from pragma_table_list",
    "select * from pragma_database_list",
    "pragma table_list",
    "pragma database_list",
    "pragma writable_schema = on",
    "pragma query_only = off",
    "pragma trusted_schema = on",
    "pragma foreign_keys = off",
    "attach database ':memory:' as other",
    "detach database temp",
    "vacuum",
    "vacuum into '/tmp/copy.db'",
];

/// Checks a road with nobody in the session, and with somebody who sees all.
fn is_closed(conn: &Conn, sql: &str, ends: Kind) {
    assert_eq!(failure(conn, sql), Some(ends), "nobody: {sql}");
    let _owner = conn.session(owner());
    assert_eq!(failure(conn, sql), Some(ends), "an owner: {sql}");
}

#[test]
fn nobody_looks_behind_a_policy_view() {
    let world = World::new();
    let conn = world.reader();
    for table in GUARDED {
        for (road, ends) in ROADS {
            is_closed(&conn, &road.replace("{table}", table), *ends);
        }
    }
    let _owner = conn.session(owner());
    assert_eq!(ask(&conn, "select count(*) from resources").unwrap(), ["3"]);
}

#[test]
fn nobody_learns_what_a_policy_view_is_called() {
    let world = World::new();
    let conn = world.reader();
    for sql in NAMES {
        is_closed(&conn, sql, Kind::Refused);
    }
    is_closed(&conn, "select load_extension('it')", Kind::Other);
}

#[test]
fn a_plan_does_not_tell_what_a_policy_view_is_called() {
    let world = World::new();
    let conn = world.reader();
    for table in GUARDED {
        for explain in ["explain query plan", "explain"] {
            let sql = format!("{explain} select * from {table} order by 2 limit 5");
            let Ok(lines) = ask_all(&conn, &sql) else { continue };
            let told = lines.iter().any(|line| line.contains(&policy_view(table, "")));
            assert!(!told, "{sql}: {lines:#?}");
        }
    }
}

/// Every column of every row, put together.
fn ask_all(conn: &Conn, sql: &str) -> Result<Vec<String>, SqlError> {
    Sql::on(conn).all(sql, &[], |row| {
        let mut line = Vec::new();
        while let Ok(Cell(cell)) = row.next() {
            line.push(cell);
        }
        Ok(line.join(" "))
    })
}
