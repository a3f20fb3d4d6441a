//! Section `decision_point` of the configuration: who is asked besides, before a write is queued.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::domain::{ActionPattern, Patterns, Secret};
use crate::policy::external::{BreakerSettings, ExternalSettings, PointSettings};

/// Section `decision_point`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DecisionPointSection {
    pub(super) url: String,
    pub(super) token: Secret,
    pub(super) token_file: String,
    pub(super) timeout_ms: u64,
    pub(super) actions: Vec<String>,
    pub(super) platform_actions: Vec<String>,
    pub(super) breaker_failures: u32,
    pub(super) breaker_open_s: u64,
    pub(super) allow_plain_loopback: bool,
    pub(super) tenants: BTreeMap<String, TenantDecisionPoint>,
}

/// What is different for one tenant.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantDecisionPoint {
    pub(super) enabled: Option<bool>,
    pub(super) url: Option<String>,
    pub(super) token: Option<Secret>,
    pub(super) token_file: Option<String>,
    pub(super) timeout_ms: Option<u64>,
    pub(super) actions: Option<Vec<String>>,
    pub(super) breaker_failures: Option<u32>,
    pub(super) breaker_open_s: Option<u64>,
}

impl TenantDecisionPoint {
    pub(super) fn is_enabled(&self) -> bool {
        self.enabled.unwrap_or(true)
    }
}

impl DecisionPointSection {
    /// Whom to ask. The guard has refused what is none.
    ///
    /// # Errors
    /// A file with a token cannot be read.
    pub(super) fn settings(&self) -> Result<ExternalSettings, String> {
        let mut tenants = BTreeMap::new();
        for (name, tenant) in &self.tenants {
            tenants.insert(name.clone(), self.for_tenant(tenant)?);
        }
        Ok(ExternalSettings { installation: self.for_installation()?, tenants })
    }

    fn for_installation(&self) -> Result<Option<PointSettings>, String> {
        if self.url.is_empty() {
            return Ok(None);
        }
        Ok(Some(PointSettings {
            url: self.url.clone(),
            token: token(&self.token, &self.token_file)?,
            timeout: Duration::from_millis(self.timeout_ms),
            actions: patterns(&self.actions),
            platform_actions: patterns(&self.platform_actions),
            breaker: BreakerSettings {
                failures: self.breaker_failures,
                open: Duration::from_secs(self.breaker_open_s),
            },
        }))
    }

    fn for_tenant(&self, own: &TenantDecisionPoint) -> Result<Option<PointSettings>, String> {
        if !own.is_enabled() {
            return Ok(None);
        }
        let mut section = Self { tenants: BTreeMap::new(), ..self.clone() };
        if own.url.is_some() || own.token.is_some() || own.token_file.is_some() {
            // The installation's token is for the installation's address alone.
            section.token = own.token.clone().unwrap_or_default();
            section.token_file = own.token_file.clone().unwrap_or_default();
        }
        section.url = own.url.clone().unwrap_or(section.url);
        section.timeout_ms = own.timeout_ms.unwrap_or(section.timeout_ms);
        section.actions = own.actions.clone().unwrap_or(section.actions);
        section.breaker_failures = own.breaker_failures.unwrap_or(section.breaker_failures);
        section.breaker_open_s = own.breaker_open_s.unwrap_or(section.breaker_open_s);
        section.for_installation()
    }
}

fn patterns(texts: &[String]) -> Patterns {
    texts.iter().filter_map(|text| ActionPattern::parse(text.as_str()).ok()).collect()
}

fn token(token: &Secret, file: &str) -> Result<Secret, String> {
    if file.is_empty() { Ok(token.clone()) } else { read_token(Path::new(file)) }
}

/// A token from a file, without the blanks around it.
pub(super) fn read_token(path: &Path) -> Result<Secret, String> {
    let text = fs::read_to_string(path);
    text.map(|text| Secret::new(text.trim())).map_err(|error| format!("cannot be read: {error}"))
}
