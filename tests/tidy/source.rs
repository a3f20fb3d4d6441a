//! Sources: files of the tree, or planted ones, and how violations in them are told.

use std::fs;
use std::path::Path;

/// A file as text. Its path is relative to the root of the project, with `/` between its parts.
#[derive(Debug, Clone)]
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// One violation: where, and a sentence.
    pub(crate) fn violation(&self, offset: usize, sentence: &str) -> String {
        format!("{}:{}: {sentence}", self.path, line_of(&self.text, offset))
    }

    /// Whether the file stands below a folder, or is the file itself.
    pub(crate) fn is_under(&self, place: &str) -> bool {
        self.path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.has_extension("rs")
    }

    pub(crate) fn is_sql(&self) -> bool {
        self.has_extension("sql")
    }

    pub(crate) fn has_extension(&self, extension: &str) -> bool {
        Path::new(&self.path).extension().is_some_and(|own| own.eq_ignore_ascii_case(extension))
    }
}

/// The line of an offset, from 1.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text[..offset].matches('\n').count() + 1
}

/// Every file at or below a place of the project, by path. A place that is not there fails the
/// test, since a rule would hold of nothing.
pub(crate) fn sources(under: &str) -> Vec<Source> {
    let found = sources_if_any(under);
    assert!(!found.is_empty(), "{under} is not there, or is empty");
    found
}

/// Every file at or below a place that need not be there.
pub(crate) fn sources_if_any(under: &str) -> Vec<Source> {
    let mut found = Vec::new();
    collect(under, &mut found);
    found.sort_by(|one: &Source, other: &Source| one.path.cmp(&other.path));
    found
}

fn collect(place: &str, found: &mut Vec<Source>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(place);
    // What is linked to is read where it lies, if it lies in the project at all.
    if path.is_symlink() || !path.exists() {
        return;
    }
    if path.is_file() {
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        found.push(Source { path: place.to_owned(), text });
        return;
    }
    let entries = fs::read_dir(&path).unwrap_or_else(|error| panic!("{place}: {error}"));
    for entry in entries {
        let entry = entry.unwrap_or_else(|error| panic!("{place}: {error}"));
        collect(&format!("{place}/{}", entry.file_name().to_string_lossy()), found);
    }
}

/// Fails with every violation on a line of its own.
pub(crate) fn assert_none(violations: &[String]) {
    assert!(violations.is_empty(), "{} found:\n{}", violations.len(), violations.join("\n"));
}

/// A planted source.
pub(crate) fn planted(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// What a rule says of one planted source.
pub(crate) fn found_in(
    rule: impl Fn(&[Source]) -> Vec<String>,
    path: &str,
    text: &str,
) -> Vec<String> {
    rule(&[planted(path, text)])
}

/// Asserts that a rule finds something in each planted text, and nothing in each innocent one.
pub(crate) fn assert_tells_apart(
    rule: impl Fn(&[Source]) -> Vec<String>,
    guilty: &[(&str, &str)],
    innocent: &[(&str, &str)],
) {
    for (path, text) in guilty {
        assert!(!found_in(&rule, path, text).is_empty(), "not found in {path}: {text}");
    }
    for (path, text) in innocent {
        let found = found_in(&rule, path, text);
        assert!(found.is_empty(), "found in innocent {path}: {text}\n{}", found.join("\n"));
    }
}

#[cfg(test)]
mod tests {
    use super::{planted, sources, sources_if_any};

    #[test]
    fn a_violation_names_its_line() {
        let source = planted("src/a.rs", "one\ntwo\nthree");
        assert_eq!(source.violation(4, "Why."), "src/a.rs:2: Why.");
        assert!(source.is_under("src") && !source.is_under("sr") && source.is_under("src/a.rs"));
    }

    #[test]
    fn the_tree_is_read() {
        let paths: Vec<_> = sources("src").into_iter().map(|source| source.path).collect();
        assert!(paths.contains(&"src/lib.rs".to_owned()), "{paths:?}");
        assert!(sources_if_any("no such place").is_empty());
    }
}
