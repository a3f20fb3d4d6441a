//! The floors of the house: each names only itself and the floors below it; siblings never meet.

use crate::rust::{CodePath, Rust, is_behind, name_at, rust, words};
use crate::source::Source;

/// Every floor with its height. Floors of one height are siblings.
const FLOORS: &[(&str, u8)] = &[
    ("domain", 0),
    ("outbound", 1),
    ("storage", 2),
    ("policy", 2),
    ("identity", 2),
    ("services", 3),
    ("http", 4),
    ("worker", 4),
    ("cli", 5),
];

/// The files above every floor: the map of the house, and its front door.
const ABOVE: &[&str] = &["src/lib.rs", "src/main.rs"];

fn rule(sources: &[Source]) -> Vec<String> {
    let sources = rust(sources);
    let below = sources.iter().filter(|rust| !ABOVE.contains(&rust.source.path.as_str()));
    below.flat_map(file).collect()
}

fn file(rust: &Rust<'_>) -> Vec<String> {
    let Some(floor) = floor_of(&rust.source.path) else {
        return vec![rust.source.violation(0, "stands on no floor of the house.")];
    };
    let mut found = renamed_roots(rust);
    for path in ["crate", "freehold", "self", "super"].iter().flat_map(|root| rust.paths(root)) {
        if let Some(named) = from_the_root(rust, &path)
            && !may_name(floor, &named)
        {
            let sentence = format!("{floor} names {named}, which is not a floor below it.");
            found.push(rust.source.violation(path.start, &sentence));
        }
    }
    found
}

/// The root of the crate under another name would hide what is named through it.
fn renamed_roots(rust: &Rust<'_>) -> Vec<String> {
    let names = ["crate", "freehold"]
        .iter()
        .flat_map(|root| words(&rust.code, root).into_iter().map(|at| (at, at + root.len())));
    names
        .filter(|(start, end)| {
            name_at(&rust.code, *end) == "as" && !is_behind(&rust.code, *start, "::")
        })
        .map(|(start, _)| rust.source.violation(start, "gives the root of the crate another name."))
        .collect()
}

fn floor_of(path: &str) -> Option<&'static str> {
    let (floor, _) = path.strip_prefix("src/")?.split_once('/')?;
    FLOORS.iter().find(|(name, _)| *name == floor).map(|(name, _)| *name)
}

fn height(floor: &str) -> Option<u8> {
    FLOORS.iter().find(|(name, _)| *name == floor).map(|(_, height)| *height)
}

fn may_name(floor: &str, named: &str) -> bool {
    floor == named || height(named).is_some_and(|named| Some(named) < height(floor))
}

/// What a path names right below the root of the crate; `None` where it stays inside its floor.
/// Enough `super` lead to the root as well.
fn from_the_root(rust: &Rust<'_>, path: &CodePath) -> Option<String> {
    if matches!(path.segments[0].as_str(), "crate" | "freehold") {
        return path.segments.get(1).filter(|name| *name != "self").cloned();
    }
    let segments: Vec<_> = path.segments.iter().skip_while(|name| *name == "self").collect();
    let steps = segments.iter().take_while(|name| **name == "super").count();
    let reaches = steps == depth(&rust.source.path) + rust.modules_around(path.start);
    // Only a floor: `use super::*` in a module of tests is at home.
    segments.get(steps).filter(|name| reaches && height(name).is_some()).map(|name| (*name).clone())
}

/// How many modules deep a file is: `src/storage/mod.rs` 1, `src/storage/door.rs` 2.
fn depth(path: &str) -> usize {
    path.trim_end_matches("/mod.rs").matches('/').count()
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn every_floor_names_only_floors_below_it() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn a_planted_look_upwards_or_sideways_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/domain/a.rs", "use crate::storage::Registry;"),
                ("src/storage/a.rs", "use crate::{domain::Id, policy::Engine};"),
                ("src/identity/a.rs", "fn f() { crate :: storage::g() }"),
                ("src/http/a.rs", "use freehold::worker;"),
                ("src/services/a.rs", "use super::super::http::App;"),
                ("src/services/mod.rs", "mod tests { use super::super::cli; }"),
                ("src/worker/mod.rs", "use self::super::{http::App};"),
                ("src/policy/a.rs", "use crate::*;"),
                ("src/policy/a.rs", "use crate as root;"),
                ("src/storage/a.rs", "macro_rules! m { () => { $crate::policy::f() } }"),
                ("src/services/a.rs", "use crate::Freehold;"),
                ("src/utility/a.rs", ""),
                ("src/helper.rs", ""),
            ],
            &[
                ("src/storage/a.rs", "use crate::{domain::Id, storage::door};"),
                ("src/storage/door.rs", "use super::identity;"),
                ("src/services/a.rs", "use crate::{storage, policy, identity, domain, services};"),
                ("src/cli/a.rs", "use crate::{http, worker};"),
                (
                    "src/domain/a.rs",
                    "//! See `crate::storage`.\n/// [`crate::http::App`]\nstruct A;",
                ),
                ("src/domain/a.rs", "const A: &str = \"crate::storage\"; mod t { use super::*; }"),
                ("src/domain/a.rs", "pub(crate) fn f() {} pub(in crate::domain) fn g() {}"),
                ("src/lib.rs", "pub use crate::cli::main;"),
                ("src/main.rs", "fn main() { freehold::cli::main() }"),
            ],
        );
    }
}
