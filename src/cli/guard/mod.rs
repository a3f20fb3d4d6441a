//! The start-up guard: refuses what is unsafe or cannot work, before anything is opened or bound.
//!
//! A finding is a sentence that begins with the key, or the path, that is to be changed, and says what would be right.
//! All findings are told at once. `freehold check` says what `freehold serve` would. What is weak and may be meant is a
//! warning of both.

mod decision_point;
mod files;
mod host;
mod issuers;
mod login;
mod numbers;
mod people;
mod regions;
mod values;
mod warnings;

use std::collections::HashSet;
use std::path::Path;

use anyhow::{Result, bail};

use super::application::Mode;
use super::configuration::Configuration;

/// Refuses to go on with what is unsafe.
pub(super) fn guard(data: &Path, configuration: &Configuration, mode: Mode) -> Result<()> {
    let findings = findings(data, configuration, mode);
    if findings.is_empty() {
        Ok(())
    } else {
        bail!("refused to start:\n  {}", findings.join("\n  "))
    }
}

/// Sentences about what is weak, each with its key.
pub(super) fn warnings(configuration: &Configuration) -> Vec<String> {
    warnings::findings(configuration)
}

/// Whether names directly below this one are open to registration by the public, as below `co.uk` and `github.io`.
fn is_public_suffix(name: &str) -> bool {
    psl::suffix(name.as_bytes()).is_some_and(|suffix| suffix.is_known() && suffix == name)
}

fn findings(data: &Path, configuration: &Configuration, mode: Mode) -> Vec<String> {
    let mut told = HashSet::new();
    let mut findings = [
        numbers::findings(configuration),
        values::findings(configuration, mode),
        decision_point::findings(configuration, mode),
        people::findings(configuration, mode),
        issuers::findings(configuration, mode),
        login::findings(configuration, mode),
        host::findings(),
        files::findings(data),
        files::configuration(configuration.file_secrets.as_ref()),
        regions::findings(data, &configuration.storage.regions),
    ]
    .concat();
    // What two parts need, both find wrong.
    findings.retain(|finding| told.insert(finding.clone()));
    findings
}

/// A finding where something is so.
fn when(is_so: bool, finding: impl Into<String>) -> Option<String> {
    is_so.then(|| finding.into())
}
