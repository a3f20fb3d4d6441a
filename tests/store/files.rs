//! The files of a data directory: where they lie, what lies beside them, what their schema is.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::dump::rows;

/// A tenant's file.
pub(crate) fn tenant_file(data: &Path, tenant: &str) -> PathBuf {
    data.join("tenants").join(&tenant[tenant.len() - 2..]).join(format!("{tenant}.db"))
}

/// What SQLite puts beside a file while it is open.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A copy of a data directory as a crash left it, so that looking changes nothing.
pub(crate) fn copy(from: &Path, to: &Path) {
    DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (path, copied) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => copy(&path, &copied),
            kind if kind.is_file() => drop(std::fs::copy(&path, &copied).unwrap()),
            _ => {}
        }
    }
}

/// What a file's tables, indexes and triggers are, apart from where they lie.
pub(crate) fn schema(file: &Connection) -> Vec<String> {
    rows(file, "select type, name, tbl_name, sql from sqlite_schema order by type, name")
}
