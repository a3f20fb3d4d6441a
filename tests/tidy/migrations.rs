//! Migrations are lower-case SQL, numbered without a gap, so that the folder reads in the order in
//! which they run.

use std::collections::BTreeMap;

use crate::source::{Source, line_of};
use crate::sql::bare;

fn rule(sources: &[Source]) -> Vec<String> {
    let files = sources.iter().filter(|source| source.is_under("migrations"));
    let mut folders: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    // A folder may explain itself.
    for source in files.filter(|source| !source.has_extension("md")) {
        let (folder, _) = source.path.rsplit_once('/').unwrap_or_default();
        folders.entry(folder).or_default().push(source);
    }
    folders.into_values().flat_map(folder).collect()
}

fn folder(mut files: Vec<&Source>) -> Vec<String> {
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let numbered = files.into_iter().zip(1..);
    numbered.flat_map(|(source, number)| [name(source, number), loud(source)].concat()).collect()
}

fn name(source: &Source, number: usize) -> Vec<String> {
    let (_, file) = source.path.rsplit_once('/').unwrap_or_default();
    let begin = format!("V{number:04}__");
    let word = file.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(".sql"));
    let is_quiet = |letter: char| matches!(letter, 'a'..='z' | '0'..='9' | '_');
    if word.is_some_and(|word| !word.is_empty() && word.chars().all(is_quiet)) {
        return Vec::new();
    }
    vec![source.violation(0, &format!("is not called {begin}name.sql."))]
}

/// Every line with a capital in it, but for comments and quoted values.
fn loud(source: &Source) -> Vec<String> {
    let text = bare(&source.text);
    let capitals = text.match_indices(|letter: char| letter.is_ascii_uppercase());
    let mut found: Vec<_> = capitals.map(|(at, _)| (line_of(&text, at), at)).collect();
    found.dedup_by_key(|(line, _)| *line);
    found.into_iter().map(|(_, at)| source.violation(at, "is not in lower case.")).collect()
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{assert_none, assert_tells_apart, planted, sources};

    #[test]
    fn migrations_are_lower_case_and_numbered_without_a_gap() {
        assert_none(&rule(&sources("migrations")));
    }

    #[test]
    fn a_planted_migration_out_of_line_is_found() {
        assert_tells_apart(
            rule,
            &[
                ("migrations/tenant/V0002__late.sql", "select 1;"),
                ("migrations/tenant/V1__short.sql", "select 1;"),
                ("migrations/tenant/V0001__Loud.sql", "select 1;"),
                ("migrations/tenant/V0001__.sql", "select 1;"),
                ("migrations/tenant/V0001_a.sql", "select 1;"),
                ("migrations/tenant/V0001__a.sql~", "select 1;"),
                ("migrations/V0001__a.txt", ""),
                ("migrations/registry/V0001__a.sql", "create table a (b TEXT);"),
            ],
            &[
                ("migrations/tenant/V0001__a_2.sql", "-- One A.\n/* B */ select 'C''D', 1;"),
                ("migrations/README.md", "Why."),
            ],
        );
    }

    #[test]
    fn each_folder_counts_by_itself_and_twice_the_same_number_is_found() {
        let file = |path: &str| planted(path, "select 1;");
        let numbered = [
            file("migrations/registry/V0001__a.sql"),
            file("migrations/tenant/V0001__a.sql"),
            file("migrations/tenant/V0002__b.sql"),
        ];
        assert_none(&rule(&numbered));
        let twice = [&numbered[..], &[file("migrations/tenant/V0002__c.sql")]].concat();
        assert_eq!(rule(&twice).len(), 1);
    }
}
