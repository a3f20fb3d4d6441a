//! What the host must have.

use super::when;
use crate::cli::configuration::descriptors;
use crate::storage::{OLDEST_SQLITE, sqlite_version};

/// File descriptors without which nothing is served.
const FEWEST_DESCRIPTORS: usize = 128;

pub(super) fn findings() -> Vec<String> {
    let files = descriptors();
    [
        when(
            files < FEWEST_DESCRIPTORS,
            format!("the limit of open files is {files}, must be {FEWEST_DESCRIPTORS} or more: raise it (ulimit -n, LimitNOFILE)"),
        ),
        when(
            sqlite_version().1 < OLDEST_SQLITE,
            "SQLite is older than 3.51.3, which may corrupt files; build with the bundled one",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
