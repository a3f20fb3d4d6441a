//! Files as the program of the first schema left them: made by the first migration's own text and
//! filled with the rows that the newer file has.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::dump;
use crate::files;

const FIRST: &str = include_str!("../../migrations/tenant/V0001__foundation.sql");
const APPLICATION_ID: i32 = 0x4648_4c44;

/// Puts every tenant's file back to the first schema, and the registry's knowledge of it.
pub(crate) fn put_back(data: &Path) {
    for path in dump::tenant_files(data) {
        rebuild(&path);
    }
    know(data, 1);
}

/// Makes the registry believe that every file has a version.
pub(crate) fn know(data: &Path, version: u32) {
    let registry = dump::open(&data.join("registry.db"));
    registry.execute("update tenant_files set schema_version = ?1", [version]).unwrap();
}

/// The schema of a file that never had another than the first.
pub(crate) fn first_schema(place: &Path) -> Vec<String> {
    let path = place.join("first.db");
    let file = Connection::open(&path).unwrap();
    file.execute_batch(FIRST).unwrap();
    let schema = files::schema(&file);
    drop(file);
    std::fs::remove_file(path).unwrap();
    schema
}

/// The tables of the first schema, each with its columns.
pub(crate) fn first_columns() -> Vec<(String, Vec<String>)> {
    let file = Connection::open_in_memory().unwrap();
    file.execute_batch(FIRST).unwrap();
    let tables =
        dump::rows(&file, "select name from sqlite_schema where type = 'table' order by name");
    let columns = |table: &String| {
        dump::rows(&file, &format!("select name from pragma_table_info('{table}')"))
    };
    tables.iter().map(|table| (table.clone(), columns(table))).collect()
}

/// A file's schema without the history of its migrations.
pub(crate) fn schema_of(file: &Connection) -> Vec<String> {
    let mut schema = files::schema(file);
    schema.retain(|line| !line.contains("refinery_schema_history"));
    schema
}

fn rebuild(path: &Path) {
    let old = path.with_extension("old");
    let file = Connection::open(&old).unwrap();
    file.pragma_update(None, "application_id", APPLICATION_ID).unwrap();
    file.pragma_update(None, "journal_mode", "wal").unwrap();
    file.pragma_update(None, "foreign_keys", 0).unwrap();
    file.execute_batch(FIRST).unwrap();
    file.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
    file.execute("attach ?1 as newer", [path.to_str().unwrap()]).unwrap();
    file.execute_batch("begin").unwrap();
    for table in dump::rows(&file, "select name from main.sqlite_schema where type = 'table'") {
        fill(&file, &table);
    }
    history(&file);
    file.execute_batch("pragma user_version = 1; commit; detach newer").unwrap();
    file.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
    file.close().unwrap();
    std::fs::rename(&old, path).unwrap();
}

fn fill(file: &Connection, table: &str) {
    let columns = |schema: &str| {
        let sql = format!("select name from pragma_table_info('{table}', '{schema}')");
        dump::rows(file, &sql)
    };
    let newer = columns("newer");
    let mut common = columns("main");
    common.retain(|column| newer.contains(column));
    let common = common.join(", ");
    let sql = format!("insert into main.{table} ({common}) select {common} from newer.{table}");
    file.execute(&sql, []).unwrap();
}

/// What the tool that migrates files writes down.
fn history(file: &Connection) {
    let sql = "select sql from newer.sqlite_schema where name = 'refinery_schema_history'";
    file.execute(&dump::rows(file, sql)[0], []).unwrap();
    let sql = "insert into main.refinery_schema_history
        select * from newer.refinery_schema_history where version = 1";
    assert_eq!(file.execute(sql, []).unwrap(), 1);
}
