//! State machines are not walked around: a `status` or `state` is written by one function of its
//! noun's file, which is given what the machine's `to` allowed.

use crate::rust::{Literal, Rust, after, end_of, is_behind, rust, words};
use crate::source::Source;
use crate::sql::{Assignment, assignments};

const COLUMNS: &[&str] = &["status", "state"];
const WRITERS: &[&str] = &["set_status", "set_state"];

fn rule(sources: &[Source]) -> Vec<String> {
    let migrations = sources.iter().filter(|source| source.is_sql()).flat_map(migration);
    let code = rust(sources);
    let code = code.iter().flat_map(|rust| [writes(rust), calls(rust)].concat());
    migrations.chain(code).collect()
}

/// A migration or a trigger that writes a state asks no machine.
fn migration(source: &Source) -> Vec<String> {
    guarded(&source.text)
        .map(|found| source.violation(found.start, "writes a state outside its state machine."))
        .collect()
}

fn guarded(sql: &str) -> impl Iterator<Item = Assignment> {
    assignments(sql).into_iter().filter(|found| COLUMNS.contains(&found.column.as_str()))
}

fn writes(rust: &Rust<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for literal in &rust.literals {
        for assignment in guarded(&literal.text) {
            if !is_of_its_noun(rust, &assignment) || !is_by_the_machine(rust, literal, &assignment)
            {
                let at = literal.start + assignment.start;
                found.push(rust.source.violation(at, &sentence(&assignment)));
            }
        }
    }
    found
}

fn sentence(found: &Assignment) -> String {
    let Assignment { table, column, .. } = found;
    format!("writes {table}.{column} outside set_{column} of its noun's file.")
}

/// Whether the file is that of the table's noun: `members.rs` of `org_members`.
fn is_of_its_noun(rust: &Rust<'_>, found: &Assignment) -> bool {
    let Some(path) = rust.source.path.strip_prefix("src/storage/") else {
        return false;
    };
    let path = path.trim_end_matches(".rs");
    let noun = path.split_once('/').map_or(path, |(_, noun)| noun);
    found.table == noun || found.table.ends_with(&format!("_{noun}"))
}

/// By the writer itself, or by an upsert whose value the machine made in the same function.
fn is_by_the_machine(rust: &Rust<'_>, literal: &Literal, found: &Assignment) -> bool {
    let Some(function) = rust.function_at(literal.start) else {
        return false;
    };
    let is_upsert = found.on_conflict && found.value == format!("excluded.{}", found.column);
    WRITERS.contains(&function.name.as_str())
        || is_upsert && rust.code[function.range].contains(".to(")
}

fn calls(rust: &Rust<'_>) -> Vec<String> {
    let code = &rust.code;
    let mut found = Vec::new();
    for name in WRITERS {
        for at in words(code, name).into_iter().filter(|at| !is_behind(code, *at, "fn")) {
            if !arguments(code, at + name.len()).is_some_and(|given| given.contains(".to(")) {
                let sentence = format!("{name} is called with what the state machine's `to` made.");
                found.push(rust.source.violation(at, &sentence));
            }
        }
    }
    found
}

/// The arguments of a call; `None` where the function is only named, and called who knows where.
fn arguments(code: &str, end: usize) -> Option<&str> {
    let end = match after(code, end, "::") {
        Some(turbofish) => code[turbofish..].find('(').map(|length| turbofish + length)?,
        None => end,
    };
    after(code, end, "(").map(|open| &code[open..end_of(code, open, b"")])
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    const MEMBERS: &str = "src/storage/tenant/members.rs";
    const UPSERT: &str = "insert into org_members (id, state) values (?1, ?2)
        on conflict (id) do update set name = excluded.name, state = excluded.state where true";

    #[test]
    fn states_are_written_by_their_state_machines_alone() {
        assert_none(&rule(&[sources("src"), sources("migrations")].concat()));
    }

    #[test]
    fn a_planted_write_around_the_machine_is_found() {
        let upsert = format!("fn insert() {{ one(\"{UPSERT}\", params![id, state]) }}");
        let made = format!("fn insert() {{ one(\"{UPSERT}\", params![id, Old.to(New)?]) }}");
        assert_tells_apart(
            rule,
            &[
                (MEMBERS, "fn rename() { run(\"update org_members set name = ?2, state = ?3\") }"),
                (MEMBERS, "fn rename() { run(r#\"update org_members set\n \"state\" = ?3\"#) }"),
                (
                    MEMBERS,
                    "fn rename() { run(\"update org_members set (name, state) = (?1, ?2)\") }",
                ),
                (MEMBERS, "fn rename() { sql.push_str(\", state = ?2\") }"),
                (MEMBERS, "const SQL: &str = \"update org_members set state = ?2\";"),
                (MEMBERS, "fn set_state() { run(\"update teams set state = ?2\") }"),
                (
                    "src/storage/tenant/teams.rs",
                    "fn set_state() { run(\"update org_members set state = 1\") }",
                ),
                (
                    "src/storage/door.rs",
                    "fn set_status() { run(\"update tenants set status = ?2\") }",
                ),
                ("migrations/tenant/V0002__x.sql", "update org_members set state = 'active';"),
                (MEMBERS, &upsert),
            ],
            &[
                (
                    MEMBERS,
                    "fn set_state() { run(\"update org_members set state = ?2 where id = ?1\") }",
                ),
                (
                    MEMBERS,
                    "fn all() { listing.and(\"state = ?\", \"select state, status from x\") }",
                ),
                (
                    MEMBERS,
                    "fn a() { run(\"update org_members set role = ?2 where state = 'active'\") }",
                ),
                (
                    "src/storage/registry/tenants.rs",
                    "fn set_status() { run(\"update tenants
                    set status_before = status, status = ?2 where id = ?1\") }",
                ),
                ("migrations/tenant/V0002__x.sql", "create table a (state text); -- set state = 1"),
                (MEMBERS, &made),
            ],
        );
    }

    #[test]
    fn a_planted_call_without_the_machine_is_found() {
        assert_tells_apart(
            rule,
            &[
                (
                    "src/services/a.rs",
                    "fn f() { tenants::set_status(tx, id, TenantStatus::Active)? }",
                ),
                ("src/services/a.rs", "fn f() { set_state(tx, g(\".to(\"), // .to(\n next) }"),
                ("src/services/a.rs", "fn f() { set_state::<A>(tx, next); a.to(b) }"),
                ("src/services/a.rs", "fn f() { ids.map(tenants::set_status).a.to(b) }"),
            ],
            &[
                (
                    "src/services/a.rs",
                    "fn f() { tenants::set_status(\n tx,\n id,\n old.to(new)?,\n)? }",
                ),
                ("src/services/a.rs", "fn f() { set_state::<A>(tx, old.to(new)?) }"),
                (
                    "src/services/a.rs",
                    "/// set_state(x)\nfn set_state(tx: Tx) {} fn reset_state() {}",
                ),
            ],
        );
    }
}
