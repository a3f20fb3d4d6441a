//! The doors: nobody outside `storage` holds a connection, and only the program's own work comes in
//! as the system.

use crate::rust::{Rust, after, is_behind, rust, words};
use crate::source::Source;

/// Who may change things by the program's own right.
const SYSTEM_FLOORS: &[&str] = &["src/services", "src/worker", "src/storage"];

fn rule(sources: &[Source]) -> Vec<String> {
    rust(sources).iter().flat_map(|rust| [engine(rust), system(rust)].concat()).collect()
}

fn engine(rust: &Rust<'_>) -> Vec<String> {
    if rust.source.is_under("src/storage") {
        return Vec::new();
    }
    let code = &rust.code;
    let named = ["Conn", "rusqlite"].iter().flat_map(|word| words(code, word));
    let reached = ["crate", "freehold", "super"].iter().flat_map(|root| rust.paths(root));
    let reached = reached.filter(|path| path.segments.iter().any(|segment| segment == "engine"));
    let at = named
        .chain(words(code, "engine").into_iter().filter(|at| is_our_engine(code, *at)))
        .chain(reached.map(|path| path.start));
    let mut found: Vec<_> = at
        .map(|at| rust.source.violation(at, "reaches for the engine behind the doors."))
        .collect();
    found.dedup();
    found
}

/// The library for base 64 has engines of its own.
fn is_our_engine(code: &str, at: usize) -> bool {
    after(code, at + "engine".len(), "::").is_some() && !is_behind(code, at, "base64::")
}

fn system(rust: &Rust<'_>) -> Vec<String> {
    if SYSTEM_FLOORS.iter().any(|floor| rust.source.is_under(floor)) {
        return Vec::new();
    }
    let code = &rust.code;
    let is_call = |at: &usize| {
        let end = at + "system".len();
        is_behind(code, *at, ".") && ["(", "::"].iter().any(|next| after(code, end, next).is_some())
    };
    words(code, "write_for_system")
        .into_iter()
        .chain(words(code, "system").into_iter().filter(is_call))
        .map(|at| rust.source.violation(at, "acts by the program's own right."))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn nobody_goes_around_the_doors() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn a_planted_way_around_the_doors_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/services/a.rs", "use crate::storage::engine::Sql;"),
                ("src/services/a.rs", "use crate::storage::{engine};"),
                ("src/services/a.rs", "fn f() { engine::open() }"),
                ("src/http/a.rs", "fn f(conn: &Conn) {}"),
                ("src/worker/a.rs", "use rusqlite::Connection;"),
                ("src/http/a.rs", "fn f() { registry\n    .system(task, body) }"),
                ("src/cli/a.rs", "fn f() { store.system::<A>(task, body) }"),
                ("src/http/a.rs", "fn f() { door::write_for_system(door, call) }"),
            ],
            &[
                ("src/storage/a.rs", "use super::engine::Conn; fn f() { door.system(a) }"),
                ("src/services/a.rs", "fn f() { store.system(task, body) }"),
                ("src/worker/a.rs", "fn f() { store.system(task, body) }"),
                ("src/identity/a.rs", "use base64::engine::general_purpose::URL_SAFE;"),
                (
                    "src/http/a.rs",
                    "// engine::Conn\nstruct Connection; fn f(c: C) { Call::system(c.system) }",
                ),
            ],
        );
    }
}
