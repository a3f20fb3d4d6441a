//! What an examination found, why it matters, and what to do.

use serde::{Deserialize, Serialize};

super::word::words! {
    /// How a check ended.
    pub enum CheckState {
        /// All is well.
        Ok = "ok",
        /// Something was wrong, and was mended.
        Fixed = "fixed",
        /// Something is wrong.
        Failed = "failed",
    }
}

/// One check.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Check {
    /// What was checked: `integrity`, `identity`, `schema`, `registry`, `audit_chain`, `owners`, `memberships`,
    /// `applications`, `policies`, `scopes`, `values`, `usage`, `outbox`.
    pub name: String,
    /// How it ended.
    pub state: CheckState,
    /// What was found.
    pub found: String,
    /// Why it matters; empty where all is well.
    pub why: String,
    /// What to do; empty where all is well.
    pub remedy: String,
}

/// The checks of one file.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Diagnostics {
    /// The tenant's slug, or `registry`.
    pub subject: String,
    /// Whether every check ended well.
    pub healthy: bool,
    /// The checks, in the order in which they ran.
    pub checks: Vec<Check>,
    /// Whether people can begin to work in the tenant; `null` for the registry.
    pub readiness: Option<Readiness>,
}

/// Whether people can begin to work in a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether nothing is missing.
    pub ready: bool,
    /// What is missing: of applications, owners, policy bindings, scopes and audit.
    pub missing: Vec<Missing>,
}

/// Something without which people cannot begin to work in a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Missing {
    /// The check that found it.
    pub check: String,
    /// What is missing.
    pub found: String,
    /// What to do.
    pub remedy: String,
}

impl Readiness {
    /// The checks without which nobody can begin.
    const NEEDED: &'static [&'static str] = &[
        "integrity",
        "identity",
        "schema",
        "applications",
        "owners",
        "policies",
        "scopes",
        "audit_chain",
    ];

    /// By checks.
    fn of(checks: &[Check]) -> Self {
        let needed = |check: &&Check| {
            check.state == CheckState::Failed && Self::NEEDED.contains(&check.name.as_str())
        };
        let missing: Vec<_> = checks.iter().filter(needed).map(Missing::of).collect();
        Self { ready: missing.is_empty(), missing }
    }
}

impl Missing {
    fn of(check: &Check) -> Self {
        let Check { name, found, remedy, .. } = check.clone();
        Self { check: name, found, remedy }
    }
}

/// The checks of every file asked for.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DiagnosticsReport {
    /// Whether every check of every file ended well.
    pub healthy: bool,
    /// The registry first, then the tenants by slug.
    pub reports: Vec<Diagnostics>,
}

/// What to examine.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiagnosticsRequest {
    /// One tenant, by slug or id; every file where nothing is said.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Mend what can be mended without losing anything.
    #[serde(default)]
    pub fix: bool,
}

impl Check {
    /// A check that ended well.
    pub fn ok(name: &str, found: impl Into<String>) -> Self {
        Self::of(name, CheckState::Ok, found, "", "")
    }

    /// A check that found something.
    pub fn failed(name: &str, found: impl Into<String>, why: &str, remedy: &str) -> Self {
        Self::of(name, CheckState::Failed, found, why, remedy)
    }

    /// A check that found something and mended it.
    pub fn fixed(name: &str, found: impl Into<String>, why: &str) -> Self {
        Self::of(name, CheckState::Fixed, found, why, "")
    }

    fn of(
        name: &str,
        state: CheckState,
        found: impl Into<String>,
        why: &str,
        remedy: &str,
    ) -> Self {
        Self {
            name: name.to_owned(),
            state,
            found: found.into(),
            why: why.to_owned(),
            remedy: remedy.to_owned(),
        }
    }
}

impl Diagnostics {
    /// The checks of one file.
    #[must_use]
    pub fn of(subject: impl Into<String>, checks: Vec<Check>) -> Self {
        let healthy = checks.iter().all(|check| check.state != CheckState::Failed);
        Self { subject: subject.into(), healthy, checks, readiness: None }
    }

    /// The checks of a tenant's file.
    #[must_use]
    pub fn of_tenant(subject: impl Into<String>, checks: Vec<Check>) -> Self {
        let readiness = Some(Readiness::of(&checks));
        Self { readiness, ..Self::of(subject, checks) }
    }
}
