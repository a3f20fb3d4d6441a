//! Statements, read from Rust source: each with the head of the function that it stands in.

/// A statement of the source.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Statement {
    pub(super) sql: String,
    /// The function's parameters; empty outside functions.
    head: String,
}

impl Statement {
    pub(super) fn is_select(&self) -> bool {
        let begins = |word: &str| self.sql.trim_start().starts_with(word);
        begins("select") || begins("with")
    }

    /// Whether a change may run it.
    pub(super) fn may_be_of_changes(&self) -> bool {
        ["WriteTx", "impl Tx"].iter().any(|transaction| self.head.contains(transaction))
    }

    /// Whether nothing but a change runs it.
    pub(super) fn is_of_changes_alone(&self) -> bool {
        self.head.contains("WriteTx")
    }
}

/// What the source is made of, as far as it matters here.
#[derive(Debug)]
enum Piece {
    /// The head of a function, up to its body.
    Head(String),
    /// `Listing::new`, whose statement goes on in the literals behind it.
    Listing,
    Literal(String),
}

/// The statements of a source. A list is put together with all of its conditions.
pub(super) fn statements(source: &str) -> Vec<Statement> {
    let (mut found, mut head, mut is_list) = (Vec::<Statement>::new(), String::new(), false);
    let mut begins_list = false;
    for piece in pieces(source) {
        match piece {
            Piece::Head(next) => (head, is_list) = (next, false),
            Piece::Listing => begins_list = true,
            Piece::Literal(sql) if is_statement(&sql) => {
                (is_list, begins_list) = (begins_list, false);
                found.push(Statement { sql, head: head.clone() });
            }
            Piece::Literal(condition) if is_list && condition.contains('?') => {
                if let Some(list) = found.last_mut() {
                    list.sql.push_str(" and ");
                    list.sql.push_str(&condition);
                }
            }
            Piece::Literal(_) => {}
        }
    }
    found
}

fn is_statement(text: &str) -> bool {
    let mut words = text.split_whitespace();
    match (words.next(), words.next()) {
        (Some("select" | "with"), Some(_)) => true,
        (Some("insert" | "replace"), Some(next)) => next == "into" || next == "or",
        (Some("delete"), Some(next)) => next == "from",
        (Some("update"), Some(_)) => text.contains(" set") || text.contains("\nset"),
        _ => false,
    }
}

fn pieces(source: &str) -> Vec<Piece> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < source.len() {
        let rest = &source[at..];
        at += match next(rest) {
            (Some(piece), length) => {
                found.push(piece);
                length
            }
            (None, length) => length,
        };
    }
    found
}

/// The next piece, where there is one right here, and how far it goes.
fn next(rest: &str) -> (Option<Piece>, usize) {
    if rest.starts_with("//") {
        return (None, rest.find('\n').unwrap_or(rest.len()));
    }
    if let Some(length) = character(rest) {
        return (None, length);
    }
    if let Some((text, length)) = literal(rest) {
        return (Some(Piece::Literal(text)), length);
    }
    if rest.starts_with("Listing::new(") {
        return (Some(Piece::Listing), "Listing::new(".len());
    }
    if rest.starts_with("fn ") {
        let end = rest.find('{').unwrap_or(rest.len());
        return (Some(Piece::Head(rest[..end].to_owned())), end);
    }
    (None, rest.chars().next().map_or(1, char::len_utf8))
}

/// A character's literal, which may be a quotation mark.
fn character(rest: &str) -> Option<usize> {
    let quoted = rest.strip_prefix('\'')?;
    let inside = if quoted.starts_with('\\') { 2 } else { quoted.chars().next()?.len_utf8() };
    quoted[inside..].starts_with('\'').then_some(inside + 2)
}

fn literal(rest: &str) -> Option<(String, usize)> {
    if let Some(raw) = rest.strip_prefix("r#\"") {
        let end = raw.find("\"#")?;
        return Some((raw[..end].to_owned(), end + 5));
    }
    let quoted = rest.strip_prefix('"')?;
    let mut text = String::new();
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return Some((text, at + 2)),
            '\\' => match characters.next()?.1 {
                'n' => text.push('\n'),
                // A line that goes on in the next one, without its white space.
                '\n' => {
                    let blank = quoted[at + 2..].chars().take_while(|it| it.is_whitespace());
                    let count = blank.count();
                    if count > 0 {
                        characters.nth(count - 1);
                    }
                }
                other => text.push(other),
            },
            other => text.push(other),
        }
    }
    None
}
