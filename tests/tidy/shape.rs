//! The shape of files and functions: each file says first what it is for, and nothing outgrows a
//! reader.

use crate::rust::{Rust, rust};
use crate::source::{Source, line_of};

const FILE_LINES: usize = 700;
const FUNCTION_LINES: usize = 70;

fn rule(sources: &[Source]) -> Vec<String> {
    let files = sources.iter().filter(|source| source.is_rust());
    let files: Vec<_> =
        files.flat_map(|source| [header(source), length(source)].concat()).collect();
    let functions = rust(sources).into_iter().flat_map(|rust| functions(&rust.without_tests()));
    files.into_iter().chain(functions).collect()
}

fn header(source: &Source) -> Vec<String> {
    let first = source.text.lines().next().unwrap_or_default();
    if first.strip_prefix("//!").is_some_and(|sentence| !sentence.trim().is_empty()) {
        return Vec::new();
    }
    vec![source.violation(0, "does not begin with a `//!` header.")]
}

fn length(source: &Source) -> Vec<String> {
    let lines = source.text.lines().count();
    if lines <= FILE_LINES {
        return Vec::new();
    }
    vec![source.violation(0, &format!("has {lines} lines, over {FILE_LINES}."))]
}

fn functions(rust: &Rust<'_>) -> Vec<String> {
    let mut found = Vec::new();
    for function in rust.functions() {
        let end = line_of(&rust.code, function.range.end);
        let lines = end - line_of(&rust.code, function.range.start) + 1;
        if lines > FUNCTION_LINES {
            let sentence = format!("{} has {lines} lines, over {FUNCTION_LINES}.", function.name);
            found.push(rust.source.violation(function.range.start, &sentence));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, sources};

    /// A function of some lines.
    fn function(lines: usize) -> String {
        format!("fn f(\n    x: [u8; 2],\n) {{\n{}}}\n", "    // }\n".repeat(lines - 4))
    }

    #[test]
    fn every_file_says_what_it_is_for_and_nothing_outgrows_a_reader() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn planted_shapes_that_outgrow_are_found() {
        let path = "src/a.rs";
        let long = format!("//! A.\nmod a {{\n{}}}\n", function(71));
        let fitting = format!("//! A.\n{}{}", function(70), function(4));
        let tested = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{}}}\n", function(90));
        let endless = format!("//! A.\n{}", "\n".repeat(700));
        let full = format!("//! A.\n{}", "\n".repeat(699));
        assert_tells_apart(
            rule,
            &[
                (path, "fn main() {}\n"),
                (path, "//!\nfn main() {}\n"),
                (path, "\n//! Late.\n"),
                (path, ""),
                (path, &long),
                (path, &endless),
            ],
            &[
                (path, "//! What it is for.\nfn main() {}\n"),
                (path, &fitting),
                (path, &tested),
                (path, &full),
            ],
        );
    }
}
