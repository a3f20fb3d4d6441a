//! SQL taken apart as text: assignments, tables, and what is neither comment nor quoted.

use std::ops::Range;

use crate::rust::{after, end_of, is_behind, name_at, parts, words};

/// One column that a statement writes in a `set` list.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Assignment {
    pub(crate) start: usize,
    /// The table; empty where the text does not say.
    pub(crate) table: String,
    pub(crate) column: String,
    pub(crate) value: String,
    /// Whether it stands in `on conflict … do update`.
    pub(crate) on_conflict: bool,
}

/// A table that is created.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) start: usize,
    pub(crate) name: String,
    /// Its columns and constraints, one space between words.
    pub(crate) columns: Vec<String>,
}

/// The text with comments and quoted values blanked: same length, same lines.
pub(crate) fn bare(sql: &str) -> String {
    let mut text = sql.to_owned().into_bytes();
    let mut at = 0;
    while at < sql.len() {
        let length = blank_length(&sql.as_bytes()[at..]);
        for byte in text[at..at + length].iter_mut().filter(|byte| **byte != b'\n') {
            *byte = b' ';
        }
        at += length.max(1);
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// How much of the beginning is a comment or a quoted value.
fn blank_length(rest: &[u8]) -> usize {
    let up_to = |begin: usize, end: &[u8]| {
        let found = rest[begin..].windows(end.len()).position(|window| window == end);
        found.map_or(rest.len(), |at| begin + at + end.len())
    };
    match rest {
        [b'-', b'-', ..] => up_to(2, b"\n"),
        [b'/', b'*', ..] => up_to(2, b"*/"),
        [b'\'', ..] => up_to(1, b"'"),
        _ => 0,
    }
}

/// Every column that is written in a `set` list. A text that begins with a comma is taken for the
/// rest of one.
pub(crate) fn assignments(sql: &str) -> Vec<Assignment> {
    let text = bare(sql).to_lowercase();
    let mut lists: Vec<usize> = words(&text, "set").iter().map(|at| at + "set".len()).collect();
    lists.extend(after(&text, 0, ","));
    lists.into_iter().flat_map(|start| set_list(&text, start)).collect()
}

fn set_list(text: &str, start: usize) -> Vec<Assignment> {
    let before = text[..start].trim_end_matches("set");
    let on_conflict = is_behind(before, before.len(), "do update");
    let table = table_of(before, on_conflict);
    let mut found = Vec::new();
    for part in parts(text, start..end_of(text, start, b";")) {
        for (column, value) in pairs(&text[part.clone()]) {
            found.push(Assignment {
                start: part.start,
                table: table.clone(),
                column,
                value,
                on_conflict,
            });
        }
        if ends_list(&text[part]) {
            break;
        }
    }
    found
}

/// The table of the statement whose text up to `set` this is.
fn table_of(before: &str, on_conflict: bool) -> String {
    let keyword = if on_conflict { "into" } else { "update" };
    let found = words(before, keyword).pop().map(|at| name_at(before, at + keyword.len()));
    found.unwrap_or_default().to_owned()
}

/// The columns of one part of a list, with what they are set to: one, or those of a row value.
fn pairs(part: &str) -> Vec<(String, String)> {
    let Some((columns, value)) = part.split_once('=') else {
        return Vec::new();
    };
    let bare_name = |letter: char| letter.is_whitespace() || "\"`[]()".contains(letter);
    let value = value.split_whitespace().next().unwrap_or_default().trim_end_matches(')');
    columns
        .split(',')
        .map(|column| (column.trim_matches(bare_name).to_owned(), value.to_owned()))
        .collect()
}

/// Whether the clause behind the list begins in this part.
fn ends_list(part: &str) -> bool {
    let is_outside = |at: &usize| depth(part, *at) == 0;
    ["where", "returning", "from"].iter().any(|word| words(part, word).iter().any(is_outside))
}

fn depth(text: &str, at: usize) -> usize {
    let count = |bracket| text[..at].matches(bracket).count();
    count('(').saturating_sub(count(')'))
}

/// Every table that is created.
pub(crate) fn tables(sql: &str) -> Vec<Table> {
    let text = bare(sql).to_lowercase();
    let creates = |at: &usize| {
        ["create", "temp", "temporary", "virtual"].iter().any(|word| is_behind(&text, *at, word))
    };
    let starts: Vec<_> = words(&text, "table").into_iter().filter(creates).collect();
    starts.into_iter().map(|start| table(&text, start)).collect()
}

fn table(text: &str, start: usize) -> Table {
    let at = start + "table".len();
    let at =
        ["if", "not", "exists"].iter().fold(at, |at, word| after(text, at, word).unwrap_or(at));
    let name = name_at(text, at);
    let behind = after(text, at, name).unwrap_or(at);
    let columns = after(text, behind, "(").map_or_else(Vec::new, |open| {
        let body = open..end_of(text, open, b"");
        parts(text, body).into_iter().map(|part: Range<usize>| spaced(&text[part])).collect()
    });
    Table { start, name: name.to_owned(), columns }
}

/// The words of a text with one space between them.
pub(crate) fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(sql: &str) -> Vec<String> {
        assignments(sql)
            .into_iter()
            .map(|found| format!("{}.{}", found.table, found.column))
            .collect()
    }

    #[test]
    fn assignments_are_told_from_conditions() {
        assert_eq!(
            columns(
                "update t set a = (select x from y where state = 1), \"b\" = ?2 where state = ?3"
            ),
            ["t.a", "t.b"]
        );
        assert_eq!(
            columns("update t\nset (a, state) = (1, 2) returning state, c = d"),
            ["t.a", "t.state"]
        );
        assert_eq!(columns("select a from t where state = 'set state = 1' -- set b = 2"), [""; 0]);
        assert_eq!(columns(", status = ?2"), [".status"]);
    }

    #[test]
    fn an_upsert_is_told_from_an_update() {
        let found = assignments(
            "insert into t (a) values (1) on conflict (a) do update set a = excluded.a",
        );
        assert!(found[0].on_conflict && found[0].table == "t" && found[0].value == "excluded.a");
        assert!(!assignments("update t set a = 1")[0].on_conflict);
    }

    #[test]
    fn tables_are_found_with_their_columns() {
        let found =
            tables("create table if not exists a (x text,\n  y check (y in (1, 2))) strict;");
        assert_eq!(found[0].name, "a");
        assert_eq!(found[0].columns, ["x text", "y check (y in (1, 2))"]);
    }
}
