//! Files beside SQLite: in `storage` two places alone open any. Closing a database file that SQLite has open drops every
//! lock that the process holds on it.

use crate::rust::rust;
use crate::source::Source;

/// The data directory, which asks whether SQLite has a file open; and the reader of headers, which does too.
const HOMES: &[&str] = &["src/storage/disk.rs", "src/storage/engine/sqlite/header.rs"];
const TESTS: &str = "src/storage/engine/sqlite/tests";

const OPENERS: &[&str] = &[
    "File::open",
    "File::options",
    "File::create",
    "OpenOptions",
    "fs::read(",
    "fs::read_to_string",
    "fs::write",
    "fs::copy",
];

fn rule(sources: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for rust in rust(sources).into_iter().map(|rust| rust.without_tests()) {
        let is_free = HOMES.iter().chain([&TESTS]).any(|home| rust.source.is_under(home));
        if is_free || !rust.source.is_under("src/storage") {
            continue;
        }
        for opener in OPENERS {
            let is_whole = |at: &usize| !rust.code[..*at].ends_with(char::is_alphanumeric);
            let at = rust.code.match_indices(opener).map(|(at, _)| at).filter(is_whole);
            let sentence = format!("{opener}: files are opened in {} alone.", HOMES.join(" and "));
            found.extend(at.map(|at| rust.source.violation(at, &sentence)));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn no_database_is_opened_beside_sqlite() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn a_planted_file_that_is_opened_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/storage/migration.rs", "let header = std::fs::File::open(path)?;"),
                ("src/storage/tenant/mod.rs", "let bytes = fs::read(path)?;"),
                ("src/storage/a.rs", "fs::copy(from, to)?; // a copy"),
            ],
            &[
                ("src/storage/disk.rs", "fs::copy(from, to)?;"),
                ("src/storage/a.rs", "// File::open\nlet found = fs::metadata(path)?;"),
                ("src/storage/a.rs", "let file = TenantFile::open(path)?;"),
                ("src/cli/a.rs", "let text = fs::read_to_string(path)?;"),
                ("src/storage/a.rs", "#[cfg(test)]\nmod tests { fn f() { std::fs::read(p); } }"),
            ],
        );
    }
}
