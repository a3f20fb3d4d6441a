//! The words of the project: it speaks of itself, not of the places and people that it was made by.
//!
//! The needles are put together here, so that this file does not find itself.

use crate::rust::words;
use crate::source::Source;

/// A text that is not said, in lower case.
fn needles() -> Vec<String> {
    let text = [
        ["/wo", "rk/"],
        ["issue", " #"],
        ["crates", ".io"],
        ["npmjs", ".org"],
        ["npmjs", ".com"],
        ["pypi", ".org"],
        ["python", "hosted.org"],
        ["docker", ".io"],
        ["docker", ".com"],
        ["ghcr", ".io"],
        ["quay", ".io"],
        ["rubygems", ".org"],
        ["proxy.go", "lang.org"],
    ];
    text.iter().map(|halves| halves.concat()).collect()
}

fn rule(sources: &[Source]) -> Vec<String> {
    sources.iter().flat_map(file).collect()
}

fn file(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    let text = source.text.to_ascii_lowercase();
    for needle in needles() {
        let at = text.match_indices(needle.as_str());
        let sentence = format!("says `{needle}`.");
        found.extend(at.map(|(at, _)| source.violation(at, &sentence)));
    }
    let title = ["C", "EO"].concat();
    let at = words(&source.text, &title).into_iter();
    found.extend(at.map(|at| source.violation(at, &format!("says `{title}`."))));
    found
}

#[cfg(test)]
mod tests {
    use super::{needles, rule};
    use crate::source::{assert_none, assert_tells_apart, found_in, sources_if_any};

    /// Where the project speaks.
    const PLACES: &[&str] =
        &["src", "tests", "docs", "README.md", "config", "migrations", "benches"];

    #[test]
    fn the_project_speaks_of_itself_alone() {
        let sources: Vec<_> = PLACES.iter().flat_map(|place| sources_if_any(place)).collect();
        assert!(sources.iter().any(|source| source.path.ends_with("tidy/vocabulary.rs")));
        assert_none(&rule(&sources));
    }

    #[test]
    fn planted_words_are_found() {
        for needle in needles() {
            let text = format!("one\nsee {needle}x");
            assert_eq!(found_in(rule, "README.md", &text).len(), 1, "{needle}");
        }
        let loud = format!("See {} 12.", ["Issue", " #"].concat());
        let title = format!("the {}'s wish", ["C", "EO"].concat());
        assert_tells_apart(
            rule,
            &[("docs/a.md", &loud), ("src/a.rs", &title)],
            &[
                ("docs/a.md", "issues, homework/x, work, an issue 12, a registry"),
                ("src/a.rs", "oceonic, CEOX, the ceo of none, crates, docker"),
            ],
        );
    }
}
