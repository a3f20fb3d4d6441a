//! Rust source taken apart as text: code, literals, functions, modules, paths.
//!
//! It is no parser. Comments and literals are told from code, since rules would trip on them;
//! everything else is words and brackets, which is enough for code that compiles.

use std::ops::Range;

use crate::source::Source;

/// A source whose code and literals are known. Offsets are those of the text.
pub(crate) struct Rust<'s> {
    pub(crate) source: &'s Source,
    /// The text with comments and literals blanked: same length, same lines.
    pub(crate) code: String,
    /// String literals, in order.
    pub(crate) literals: Vec<Literal>,
}

/// A string literal.
pub(crate) struct Literal {
    /// Where its content begins.
    pub(crate) start: usize,
    /// Its content, with every escape replaced by as many characters.
    pub(crate) text: String,
}

/// A named item with a body in braces.
#[derive(Debug)]
pub(crate) struct Block {
    pub(crate) name: String,
    /// From its keyword to its closing brace.
    pub(crate) range: Range<usize>,
}

/// A path in code, as its segments.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CodePath {
    pub(crate) start: usize,
    pub(crate) segments: Vec<String>,
}

/// Every Rust source, taken apart.
pub(crate) fn rust(sources: &[Source]) -> Vec<Rust<'_>> {
    sources.iter().filter(|source| source.is_rust()).map(Rust::new).collect()
}

impl<'s> Rust<'s> {
    pub(crate) fn new(source: &'s Source) -> Self {
        let text = &source.text;
        let mut code = text.clone().into_bytes();
        let mut literals = Vec::new();
        for piece in pieces(text) {
            if let Some(content) = piece.content {
                let text = readable(&text[content.clone()], piece.raw);
                literals.push(Literal { start: content.start, text });
            }
            blank(&mut code, piece.whole);
        }
        Self { source, code: String::from_utf8_lossy(&code).into_owned(), literals }
    }

    /// Blanks what is compiled for tests alone.
    pub(crate) fn without_tests(mut self) -> Self {
        let mut code = self.code.clone().into_bytes();
        for range in tests_in(&self.code) {
            self.literals.retain(|literal| !range.contains(&literal.start));
            blank(&mut code, range);
        }
        self.code = String::from_utf8_lossy(&code).into_owned();
        self
    }

    /// The functions that have a body.
    pub(crate) fn functions(&self) -> Vec<Block> {
        blocks(&self.code, "fn")
    }

    /// The innermost function around an offset.
    pub(crate) fn function_at(&self, offset: usize) -> Option<Block> {
        self.functions().into_iter().rfind(|block| block.range.contains(&offset))
    }

    /// How many modules inside this file stand around an offset.
    pub(crate) fn modules_around(&self, offset: usize) -> usize {
        blocks(&self.code, "mod").iter().filter(|block| block.range.contains(&offset)).count()
    }

    /// Every path that begins with a root, groups of a `use` spelled out.
    pub(crate) fn paths(&self, root: &str) -> Vec<CodePath> {
        let mut found = Vec::new();
        for start in words(&self.code, root) {
            let end = start + root.len();
            if !self.code[..start].trim_end().ends_with("::")
                && let Some(at) = after(&self.code, end, "::")
            {
                tree(&self.code, at, &[root.to_owned()], &mut found);
            }
        }
        found
    }
}

/// What is compiled for tests alone: each item with its attribute.
fn tests_in(code: &str) -> Vec<Range<usize>> {
    let markers = ["#[cfg(test)]", "#[cfg(all(test,"];
    let found = markers.iter().flat_map(|marker| code.match_indices(marker));
    found.map(|(start, _)| start..item_end(code, end_of(code, start + 2, b"") + 1)).collect()
}

/// A stretch of text that is no code.
struct Piece {
    whole: Range<usize>,
    /// The content, of a string literal.
    content: Option<Range<usize>>,
    raw: bool,
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() {
        if let Some(piece) = piece_at(text, at) {
            at = piece.whole.end;
            found.push(piece);
        } else {
            at += 1;
        }
    }
    found
}

fn piece_at(text: &str, at: usize) -> Option<Piece> {
    let rest = &text.as_bytes()[at..];
    let comment = |length: usize| Piece { whole: at..at + length, content: None, raw: false };
    match rest {
        [b'/', b'/', ..] => {
            Some(comment(rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len())))
        }
        [b'/', b'*', ..] => Some(comment(block_comment(rest))),
        [b'"', ..] => Some(string(text, at)),
        [b'r', b'"' | b'#', ..] => raw_string(text, at),
        [b'\'', ..] => character(&text[at..]).map(comment),
        _ => None,
    }
}

fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn string(text: &str, at: usize) -> Piece {
    let bytes = text.as_bytes();
    let mut end = at + 1;
    while end < bytes.len() && bytes[end] != b'"' {
        end += if bytes[end] == b'\\' { 2 } else { 1 };
    }
    let end = end.min(bytes.len());
    Piece { whole: at..(end + 1).min(bytes.len()), content: Some(at + 1..end), raw: false }
}

fn raw_string(text: &str, at: usize) -> Option<Piece> {
    let hashes = text[at + 1..].bytes().take_while(|byte| *byte == b'#').count();
    let start = at + 1 + hashes + 1;
    // Without a quote it is a raw identifier.
    if text.as_bytes().get(start - 1) != Some(&b'"') {
        return None;
    }
    let close = format!("\"{}", "#".repeat(hashes));
    let end = text[start..].find(&close).map_or(text.len(), |length| start + length);
    let whole = at..(end + close.len()).min(text.len());
    Some(Piece { whole, content: Some(start..end), raw: true })
}

/// The length of a character literal; `None` for a lifetime or a label.
fn character(rest: &str) -> Option<usize> {
    let mut letters = rest.char_indices().skip(1);
    let (_, first) = letters.next()?;
    if first == '\\' {
        letters.next()?;
        return letters.find(|(_, letter)| *letter == '\'').map(|(at, _)| at + 1);
    }
    letters.next().filter(|(_, letter)| *letter == '\'').map(|(at, _)| at + 1)
}

/// The content of a literal as one reads it, with offsets kept: white space for escaped white
/// space.
fn readable(content: &str, raw: bool) -> String {
    let mut text = String::with_capacity(content.len());
    let mut letters = content.chars();
    while let Some(letter) = letters.next() {
        if raw || letter != '\\' {
            text.push(letter);
            continue;
        }
        text.push(' ');
        match letters.next() {
            Some('n' | 't' | 'r') => text.push(' '),
            Some(other) => text.push(other),
            None => {}
        }
    }
    text
}

/// Blanks all but line ends.
fn blank(code: &mut [u8], range: Range<usize>) {
    for byte in &mut code[range] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Where a word stands, whole.
pub(crate) fn words(code: &str, word: &str) -> Vec<usize> {
    let is_part = |letter: char| letter.is_alphanumeric() || letter == '_';
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(|at| !code[..*at].ends_with(is_part))
        .filter(|at| !code[at + word.len()..].starts_with(is_part))
        .collect()
}

/// The offset behind a token that stands at an offset or after white space from there.
pub(crate) fn after(code: &str, at: usize, token: &str) -> Option<usize> {
    let rest = code[at..].trim_start();
    rest.starts_with(token).then(|| code.len() - rest.len() + token.len())
}

/// Whether what stands before an offset, white space aside, ends so.
pub(crate) fn is_behind(code: &str, at: usize, token: &str) -> bool {
    code[..at].trim_end().ends_with(token)
}

/// The name at an offset, or after white space from there; empty where there is none.
pub(crate) fn name_at(code: &str, at: usize) -> &str {
    let rest = code[at..].trim_start();
    let is_part = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '$');
    &rest[..rest.find(|letter| !is_part(letter)).unwrap_or(rest.len())]
}

/// The offset of the first of some bytes outside inner brackets, or of the bracket that closes what
/// is around.
pub(crate) fn end_of(code: &str, from: usize, stops: &[u8]) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            _ if depth == 0 && stops.contains(&byte) => return at,
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' | b'}' if depth == 0 => return at,
            b')' | b']' | b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The parts between commas, outside inner brackets, of what stands between two offsets.
pub(crate) fn parts(code: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = range.start;
    while at < range.end {
        let end = end_of(code, at, b",").min(range.end);
        found.push(at..end);
        at = end + 1;
    }
    found
}

/// Where an item ends: at its semicolon, or at the brace that closes its body.
fn item_end(code: &str, from: usize) -> usize {
    let end = end_of(code, from, b"{;");
    let end = if code[end..].starts_with('{') { end_of(code, end + 1, b"") } else { end };
    (end + 1).min(code.len())
}

fn blocks(code: &str, keyword: &str) -> Vec<Block> {
    let mut found = Vec::new();
    for start in words(code, keyword) {
        let name = name_at(code, start + keyword.len());
        let end = item_end(code, start);
        // A pointer to a function has no name, a declaration no body.
        if !name.is_empty() && code[..end].ends_with('}') {
            found.push(Block { name: name.to_owned(), range: start..end });
        }
    }
    found
}

fn tree(code: &str, at: usize, before: &[String], found: &mut Vec<CodePath>) {
    if let Some(open) = after(code, at, "{") {
        for part in parts(code, open..end_of(code, open, b"")) {
            tree(code, part.start, before, found);
        }
        return;
    }
    let start = code.len() - code[at..].trim_start().len();
    let name = if code[start..].starts_with('*') { "*" } else { name_at(code, start) };
    if name.is_empty() {
        return;
    }
    let segments = [before, &[name.to_owned()]].concat();
    match after(code, start + name.len(), "::") {
        Some(next) if !code[next..].trim_start().starts_with('<') => {
            tree(code, next, &segments, found);
        }
        _ => found.push(CodePath { start, segments }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::{planted, sources};

    #[test]
    fn code_is_told_from_comments_and_literals() {
        let text =
            "a /* b /* c */ \" */ '\"' \"d\\\" // e\" 'x r#\"f\"g\"# r#type // \"h\"\n'\\'' i";
        let source = planted("a.rs", text);
        let rust = Rust::new(&source);
        let seen: Vec<_> = rust.code.split_whitespace().collect();
        assert_eq!(seen, ["a", "'x", "r#type", "i"]);
        let texts: Vec<_> = rust.literals.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["d \" // e", "f\"g"]);
        assert_eq!(rust.code.len(), text.len());
    }

    #[test]
    fn the_tree_is_read_to_its_end() {
        // A literal or comment that was misread would leave a bracket open, or close one too many.
        for source in sources("src").iter().chain(&sources("tests")).filter(|it| it.is_rust()) {
            let code = Rust::new(source).code;
            assert_eq!(end_of(&code, 0, b""), code.len(), "{}", source.path);
            assert_eq!(code.matches('{').count(), code.matches('}').count(), "{}", source.path);
        }
    }

    #[test]
    fn groups_of_a_path_are_spelled_out() {
        let source =
            planted("a.rs", "use crate::{a, b::{c, d as e}};\nlet x = crate::f::<T>::g();");
        let found: Vec<_> =
            Rust::new(&source).paths("crate").iter().map(|path| path.segments.join("/")).collect();
        assert_eq!(found, ["crate/a", "crate/b/c", "crate/b/d", "crate/f"]);
    }

    #[test]
    fn functions_are_found_with_their_bodies() {
        let text = "fn a(x: [u8; 2], f: fn(u8)) -> u8 {\n {}\n}\nfn b();\nmod t { fn c() {} }";
        let source = planted("a.rs", text);
        let rust = Rust::new(&source);
        let names: Vec<_> = rust.functions().into_iter().map(|block| block.name).collect();
        assert_eq!(names, ["a", "c"]);
        assert_eq!(rust.function_at(text.find("{}").unwrap()).unwrap().name, "a");
        assert_eq!(rust.modules_around(text.find("fn c").unwrap()), 1);
    }

    #[test]
    fn what_is_for_tests_alone_is_blanked() {
        let text = "fn a() { \"x\" }\n#[cfg(test)]\nmod t { fn b() { \"y\" } }\nfn c() { \"z\" }";
        let source = planted("a.rs", text);
        let rust = Rust::new(&source).without_tests();
        let names: Vec<_> = rust.functions().into_iter().map(|block| block.name).collect();
        assert_eq!(names, ["a", "c"]);
    }
}
