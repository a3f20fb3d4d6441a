//! What the directories of data regions must be: each of its own, and as closed as the data directory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::files::{cannot_be_made, closed_directory};
use crate::domain::Region;

pub(super) fn findings(data: &Path, regions: &BTreeMap<String, PathBuf>) -> Vec<String> {
    let mut findings = Vec::new();
    let mut taken = own_places(data);
    for (name, path) in regions {
        let key = format!("storage.regions.{name}");
        let here = place(path);
        let problems = match misnamed(name, path) {
            Some(problem) => vec![problem],
            None => [overlap(&here, &taken).into_iter().collect(), unfit(path)].concat(),
        };
        findings.extend(problems.into_iter().map(|problem| format!("{key}: {problem}")));
        taken.push((key, here));
    }
    findings
}

/// What the data directory keeps itself, where no region may lie.
fn own_places(data: &Path) -> Vec<(String, PathBuf)> {
    let names = ["tenants", "template", "backups", "keys"];
    names.map(|name| (format!("<data>/{name}"), place(data).join(name))).to_vec()
}

fn misnamed(name: &str, path: &Path) -> Option<String> {
    let is_plain = !path.components().any(|part| part == Component::ParentDir);
    match Region::parse(name) {
        Err(message) => Some(format!("the name {message}")),
        Ok(_) if name == "default" => {
            Some("is <data>/tenants already; choose another name".to_owned())
        }
        Ok(_) if !path.is_absolute() || !is_plain => {
            Some(format!("{} must be an absolute path without ..", path.display()))
        }
        Ok(_) => None,
    }
}

/// Where a path leads, links followed as far as there is anything.
fn place(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let there = absolute.ancestors().find_map(|part| Some((part, fs::canonicalize(part).ok()?)));
    match there {
        Some((part, real)) => real.join(absolute.strip_prefix(part).unwrap_or(Path::new(""))),
        None => absolute,
    }
}

/// A place that is this one, lies in it, or has it within: files of one would lie among the other's.
fn overlap(here: &Path, taken: &[(String, PathBuf)]) -> Option<String> {
    let overlaps = |there: &Path| here.starts_with(there) || there.starts_with(here);
    let (other, there) = taken.iter().find(|(_, there)| overlaps(there))?;
    Some(format!(
        "{} overlaps with {other} ({}); give each a directory of its own",
        here.display(),
        there.display()
    ))
}

fn unfit(path: &Path) -> Vec<String> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => closed_directory(path),
        Ok(_) => vec![format!("{} is no directory", path.display())],
        Err(_) => cannot_be_made(path).into_iter().collect(),
    }
}
