//! What lies in the files of a data directory that nobody uses.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, types::Value as Cell};

/// Opens a file that is there.
pub(crate) fn open(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).unwrap()
}

/// Every tenant's file, in the order of their names.
pub(crate) fn tenant_files(data: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data.join("tenants")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    let mut found: Vec<PathBuf> = paths.filter(|path| path.extension().unwrap() == "db").collect();
    found.sort();
    found
}

/// Every row of every table of every file.
pub(crate) fn everything(data: &Path) -> String {
    let mut text = String::new();
    for path in std::iter::once(data.join("registry.db")).chain(tenant_files(data)) {
        writeln!(text, "## {}", path.file_name().unwrap().display()).unwrap();
        text.push_str(&contents(&open(&path), |_| true).unwrap());
    }
    text
}

/// Every row of the chosen tables of a file.
pub(crate) fn contents(
    file: &Connection,
    is_chosen: impl Fn(&str) -> bool,
) -> rusqlite::Result<String> {
    let mut text = String::new();
    let tables = "select name from sqlite_schema where type = 'table' order by name";
    for table in try_rows(file, tables)?.into_iter().filter(|table| is_chosen(table)) {
        writeln!(text, "# {table}").unwrap();
        for row in try_rows(file, &format!("select * from {table} order by rowid"))? {
            writeln!(text, "{row}").unwrap();
        }
    }
    Ok(text)
}

/// The rows of a statement, the columns of each put together.
pub(crate) fn rows(file: &Connection, sql: &str) -> Vec<String> {
    try_rows(file, sql).unwrap()
}

/// The same of a file that may be damaged.
pub(crate) fn try_rows(file: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    let mut statement = file.prepare(sql)?;
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let cells = (0..columns).map(|column| row.get::<_, Cell>(column).map(|cell| word(&cell)));
        Ok(cells.collect::<Result<Vec<_>, _>>()?.join("|"))
    });
    rows?.collect()
}

fn word(cell: &Cell) -> String {
    match cell {
        Cell::Null => "null".to_owned(),
        Cell::Integer(number) => number.to_string(),
        Cell::Real(number) => number.to_string(),
        Cell::Text(text) => text.clone(),
        Cell::Blob(bytes) => format!("{bytes:?}"),
    }
}
