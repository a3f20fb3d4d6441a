//! One noun, one file, on every floor: guess the path and be right.

use std::collections::BTreeSet;

use crate::source::Source;

/// A noun of the services whose statements stand elsewhere, or that has none.
struct Exception {
    noun: &'static str,
    /// The file that stands in.
    instead: Option<&'static str>,
    why: &'static str,
}

const EXCEPTIONS: &[Exception] = &[
    Exception {
        noun: "acl",
        instead: Some("src/storage/tenant/resource_acl.rs"),
        why: "the file has the table's name",
    },
    Exception {
        noun: "diagnostics",
        instead: Some("src/storage/examination/mod.rs"),
        why: "whole files are examined, not rows",
    },
    Exception {
        noun: "deliveries",
        instead: Some("src/storage/deliveries.rs"),
        why: "both planes' files have the same rows",
    },
    Exception { noun: "imports", instead: None, why: "an import is made of other nouns' verbs" },
    Exception {
        noun: "me",
        instead: Some("src/storage/registry/memberships.rs"),
        why: "one's own rows are an account and its memberships",
    },
    Exception {
        noun: "migrations",
        instead: Some("src/storage/migration.rs"),
        why: "whole files are migrated, not rows",
    },
    Exception {
        noun: "webhooks",
        instead: Some("src/storage/webhooks.rs"),
        why: "both planes' files have the same rows",
    },
    Exception { noun: "tokens", instead: None, why: "a token is signed, and kept nowhere" },
];

fn rule(sources: &[Source]) -> Vec<String> {
    let paths: BTreeSet<&str> = sources.iter().map(|source| source.path.as_str()).collect();
    let nouns: BTreeSet<&str> = paths.iter().filter_map(|path| noun_of(path)).collect();
    if nouns.is_empty() {
        return vec!["src/services: has no nouns.".to_owned()];
    }
    nouns.into_iter().flat_map(|noun| missing(&paths, noun)).collect()
}

/// The noun of a file of the services, or of its folder.
fn noun_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("src/services/")?;
    let noun = rest.split_once('/').map_or_else(|| rest.trim_end_matches(".rs"), |(noun, _)| noun);
    (noun != "mod").then_some(noun)
}

fn missing(paths: &BTreeSet<&str>, noun: &str) -> Vec<String> {
    [in_storage(paths, noun), in_http(paths, noun)].into_iter().flatten().collect()
}

fn in_storage(paths: &BTreeSet<&str>, noun: &str) -> Option<String> {
    let exception = EXCEPTIONS.iter().find(|exception| exception.noun == noun);
    if let Some(Exception { instead, why, .. }) = exception {
        let stray = instead.filter(|path| !paths.contains(path))?;
        return Some(format!("src/services/{noun}: its {stray} is not there ({why})."));
    }
    let folders = ["src/storage/tenant", "src/storage/registry"];
    let is_there = folders.iter().any(|folder| has(paths, folder, noun));
    (!is_there).then(|| {
        format!("src/services/{noun}: no src/storage/tenant/{noun}.rs, nor one in registry.")
    })
}

fn in_http(paths: &BTreeSet<&str>, noun: &str) -> Option<String> {
    let is_there = has(paths, "src/http/api", noun);
    (!is_there).then(|| format!("src/services/{noun}: no src/http/api/{noun}.rs."))
}

/// Whether a folder has the noun, as a file or as a folder.
fn has(paths: &BTreeSet<&str>, folder: &str, noun: &str) -> bool {
    let forms = [format!("{folder}/{noun}.rs"), format!("{folder}/{noun}/mod.rs")];
    forms.iter().any(|form| paths.contains(form.as_str()))
}

#[cfg(test)]
mod tests {
    use super::rule;
    use crate::source::{Source, assert_none, planted, sources};

    fn files(paths: &[&str]) -> Vec<Source> {
        paths.iter().map(|path| planted(path, "")).collect()
    }

    #[test]
    fn every_noun_has_its_file_on_every_floor() {
        assert_none(&rule(&sources("src")));
    }

    #[test]
    fn a_planted_noun_without_its_files_is_found() {
        let service = "src/services/teams.rs";
        let (store, api) = ("src/storage/tenant/teams.rs", "src/http/api/teams.rs");
        assert_eq!(rule(&files(&[service])).len(), 2);
        assert_eq!(rule(&files(&[service, store])).len(), 1);
        assert_eq!(rule(&files(&[service, api])).len(), 1);
        assert_eq!(rule(&files(&["src/services/acl.rs", "src/http/api/acl.rs"])).len(), 1);
        assert_eq!(rule(&files(&["src/services/imports/fill.rs"])).len(), 1);
        assert_eq!(rule(&files(&["src/services/mod.rs", store, api])).len(), 1);
    }

    #[test]
    fn an_innocent_noun_is_left_alone() {
        let tree = files(&[
            "src/services/mod.rs",
            "src/services/teams.rs",
            "src/storage/registry/teams.rs",
            "src/http/api/teams.rs",
            "src/services/imports/fill.rs",
            "src/http/api/imports/mod.rs",
            "src/services/acl.rs",
            "src/storage/tenant/resource_acl.rs",
            "src/http/api/acl.rs",
            "src/http/api/health.rs",
        ]);
        assert_none(&rule(&tree));
    }
}
