//! Frameworks on their floor: one place knows each, so that it can be exchanged or raised there.

use crate::rust::{Rust, after, is_behind, name_at, rust, words};
use crate::source::Source;

/// Crates and the places that may name them.
const HOMES: &[(&[&str], &[&str])] = &[
    (&["rusqlite", "r2d2", "r2d2_sqlite", "refinery"], &["src/storage/engine/sqlite"]),
    (&["cedar_policy"], &["src/policy"]),
    (&["jsonwebtoken"], &["src/identity"]),
    (&["actix", "actix_web", "actix_http", "actix_rt"], &["src/http"]),
    (&["tracing_actix_web", "utoipa_swagger_ui"], &["src/http"]),
    (&["clap", "indicatif"], &["src/cli"]),
    // A definition is pure: what it says of a value needs nothing but the two.
    (&["jsonschema"], &["src/domain/value_schema.rs"]),
    (&["reqwest"], &["src/cli", "src/identity", "src/outbound", "src/policy/external"]),
];

/// The home of the crate `config`, whose name others may have too.
const CONFIG_HOME: &str = "src/cli";

/// What the pure floor does not name: it neither waits, nor reads files, nor asks for the time.
const IMPURE_WORDS: &[&str] = &["tokio", "SystemTime", "Instant"];
const IMPURE_MODULES: &[&str] = &["fs", "net"];
/// What of them is a value and no more.
const PURE: &[&str] = &["IpAddr", "Ipv4Addr", "Ipv6Addr"];

fn rule(sources: &[Source]) -> Vec<String> {
    rust(sources)
        .iter()
        .flat_map(|rust| [homes(rust), config(rust), domain(rust)].concat())
        .collect()
}

fn homes(rust: &Rust<'_>) -> Vec<String> {
    let mut found = Vec::new();
    let is_home = |homes: &[&str]| homes.iter().any(|home| rust.source.is_under(home));
    for (crates, homes) in HOMES.iter().filter(|(_, homes)| !is_home(homes)) {
        for name in *crates {
            let sentence = format!("{name} is known in {} alone.", homes.join(" and "));
            let at = words(&rust.code, name).into_iter();
            found.extend(at.map(|at| rust.source.violation(at, &sentence)));
        }
    }
    found
}

fn config(rust: &Rust<'_>) -> Vec<String> {
    if rust.source.is_under(CONFIG_HOME) {
        return Vec::new();
    }
    let sentence = format!("the crate config is known in {CONFIG_HOME} alone.");
    let at = words(&rust.code, "config").into_iter().filter(|at| is_config_crate(&rust.code, *at));
    at.map(|at| rust.source.violation(at, &sentence)).collect()
}

/// Whether the word is the root of a path to one of the crate's types, and no module, field or
/// local of that name.
fn is_config_crate(code: &str, at: usize) -> bool {
    if is_behind(code, at, "::") || is_behind(code, at, ".") {
        return false;
    }
    let end = at + "config".len();
    let is_imported = is_behind(code, at, "use") && after(code, end, ";").is_some();
    is_imported
        || after(code, end, "::").is_some_and(|next| {
            let is_type = name_at(code, next).starts_with(char::is_uppercase);
            is_type || ["{", "*"].iter().any(|token| after(code, next, token).is_some())
        })
}

fn domain(rust: &Rust<'_>) -> Vec<String> {
    if !rust.source.is_under("src/domain") {
        return Vec::new();
    }
    let named = IMPURE_WORDS.iter().flat_map(|word| words(&rust.code, word));
    let reached = rust.paths("std").into_iter().filter(|path| {
        let is_one_of = |place: usize, names: &[&str]| {
            path.segments.get(place).is_some_and(|name| names.contains(&name.as_str()))
        };
        is_one_of(1, IMPURE_MODULES) && !is_one_of(2, PURE)
    });
    named
        .chain(reached.map(|path| path.start))
        .map(|at| rust.source.violation(at, "the domain knows no runtime, file, network or clock."))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn every_framework_is_known_on_its_floor_alone() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn a_planted_framework_off_its_floor_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/storage/door.rs", "use rusqlite::Connection;"),
                ("src/storage/engine/listing.rs", "use r2d2 as pool;"),
                ("src/services/a.rs", "refinery::embed_migrations!();"),
                ("src/http/a.rs", "use cedar_policy::Request;"),
                ("src/cli/a.rs", "#[actix_web::main] async fn main() {}"),
                ("src/services/a.rs", "use {serde::Serialize, jsonwebtoken::encode};"),
                ("src/main.rs", "use clap::Parser;"),
                ("src/policy/mod.rs", "use reqwest::Client;"),
                ("src/http/a.rs", "use config::{Config, File};"),
                ("src/worker/a.rs", "let c = config::Config::builder();"),
                ("src/http/a.rs", "use config;"),
                ("src/domain/a.rs", "use std::{fmt, fs};"),
                ("src/domain/a.rs", "fn f() { std::net::TcpStream::connect(a) }"),
                ("src/domain/a.rs", "use std::net::{IpAddr, TcpStream};"),
                ("src/domain/a.rs", "use std::time::{Duration, SystemTime};"),
                ("src/domain/a.rs", "use tokio::sync::oneshot;"),
            ],
            &[
                ("src/storage/engine/sqlite/conn.rs", "use rusqlite::config::DbConfig;"),
                ("src/policy/mod.rs", "use cedar_policy::Request;"),
                ("src/policy/external/client.rs", "use reqwest::Client;"),
                ("src/http/mod.rs", "use actix_web::web;"),
                (
                    "src/cli/mod.rs",
                    "use config::{Config, File}; use clap::Parser; use reqwest as r;",
                ),
                ("src/http/a.rs", "let config = self.config; config.limit; super::config::Limits;"),
                (
                    "src/services/a.rs",
                    "// rusqlite\nconst A: &str = \"actix_web\"; struct Rusqlite;",
                ),
                ("src/domain/a.rs", "use std::fmt; use std::time::Duration; // std::fs, Instant"),
                ("src/domain/a.rs", "use std::net::{IpAddr, Ipv6Addr};"),
                ("src/storage/a.rs", "use std::fs; use std::time::Instant;"),
            ],
        );
    }
}
