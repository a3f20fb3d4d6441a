//! SQL text stands in `storage` alone, in lower case.

use crate::rust::{Rust, rust, words};
use crate::source::Source;
use crate::sql::bare;

/// Words that are SQL when they shout.
const KEYWORDS: &[&str] =
    &["SELECT", "INSERT", "UPDATE", "DELETE", "FROM", "WHERE", "SET", "VALUES", "CREATE", "PRAGMA"];

fn rule(sources: &[Source]) -> Vec<String> {
    let sources = rust(sources);
    let of = |rust: &Rust<'_>| {
        if rust.source.is_under("src/storage") { loud(rust) } else { statements(rust) }
    };
    sources.iter().flat_map(of).collect()
}

fn statements(rust: &Rust<'_>) -> Vec<String> {
    let found = rust.literals.iter().filter(|literal| begins_a_statement(&literal.text));
    found.map(|literal| rust.source.violation(literal.start, "is SQL outside storage.")).collect()
}

/// Whether a text begins as a statement does, in whatever case.
fn begins_a_statement(text: &str) -> bool {
    let text = bare(text).to_lowercase();
    let words: Vec<&str> = text.split_whitespace().collect();
    // A word alone is no statement; one with white space behind it is the beginning of one.
    let goes_on = words.len() > 1 || text.ends_with(char::is_whitespace);
    match *words.as_slice() {
        ["select" | "pragma", ..] => goes_on,
        ["insert", "into" | "or", ..]
        | ["replace", "into", ..]
        | ["delete", "from", ..]
        | ["with", "recursive", ..] => true,
        ["update", _, ref rest @ ..] => rest.contains(&"set"),
        ["with", _, "as", next, ..] => next.starts_with('('),
        ["create" | "drop" | "alter", kind, ..] => is_kind(kind),
        _ => false,
    }
}

fn is_kind(word: &str) -> bool {
    let kinds = ["table", "index", "unique", "trigger", "view", "virtual", "temp", "temporary"];
    kinds.contains(&word)
}

fn loud(rust: &Rust<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for literal in &rust.literals {
        for word in KEYWORDS {
            let at = words(&literal.text, word).into_iter();
            let at =
                at.filter(|at| literal.text[at + word.len()..].starts_with(char::is_whitespace));
            found.extend(at.map(|at| {
                rust.source.violation(literal.start + at, &format!("{word} is not in lower case."))
            }));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    #[test]
    fn sql_stands_in_storage_alone_in_lower_case() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn planted_sql_outside_storage_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/services/a.rs", "run(\"select 1\")"),
                ("src/http/a.rs", "run(\"\\n   SELECT id from a\")"),
                ("src/services/a.rs", "concat!(\"select \", \"id from a\")"),
                ("src/worker/a.rs", "run(r#\"\n insert into a values (1)\"#)"),
                ("src/cli/a.rs", "run(\"update a\n set b = 1\")"),
                ("src/domain/a.rs", "const A: &str = \"delete from a\";"),
                ("src/policy/a.rs", "run(\"create table a (b)\")"),
                ("src/identity/a.rs", "run(\"pragma user_version\")"),
                ("src/main.rs", "run(\"with recursive a as (select 1) select * from a\")"),
                ("src/http/a.rs", "#[cfg(test)]\nmod tests { fn f() { run(\"select 1\") } }"),
            ],
            &[
                ("src/storage/a.rs", "run(\"select 1\")"),
                ("src/services/a.rs", "say(\"select\"); say(\"selected one\"); say(\"with care\")"),
                (
                    "src/services/a.rs",
                    "say(\"update the name\"); say(\"delete it\"); say(\"create it\")",
                ),
                ("src/services/a.rs", "// \"select 1\"\n/// \"delete from a\"\nfn select() {}"),
            ],
        );
    }

    #[test]
    fn planted_loud_sql_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("src/storage/a.rs", "run(\"SELECT id from a\")"),
                ("src/storage/a.rs", "run(\"insert into a select 1; DELETE\\nfrom a\")"),
                ("src/storage/a.rs", "run(r\"update a SET b = 1\")"),
            ],
            &[
                ("src/storage/a.rs", "run(\"select id from a\"); // SELECT it"),
                ("src/storage/a.rs", "say(\"SELECTED \"); say(\"DELETE\"); enum E { UPDATE }"),
            ],
        );
    }
}
