//! What the external decision point may be: an address that nobody listens on the way to, a token that nobody reads, and
//! bounds.

use std::fs;
use std::path::Path;

use super::files::{of_another_user, open_to_others};
use super::when;
use crate::cli::application::Mode;
use crate::cli::configuration::Configuration;
use crate::cli::decision_point::{DecisionPointSection, TenantDecisionPoint, read_token};
use crate::domain::{ActionPattern, PlaneName, Secret, TenantReference, action};
use crate::outbound;
use crate::policy::external;

/// Bytes of a token at most.
const MAX_TOKEN: usize = 8192;

pub(super) fn findings(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let section = &configuration.decision_point;
    let loopback = section.allow_plain_loopback || mode == Mode::Development;
    let mut findings = installation(section, loopback);
    for (name, tenant) in &section.tenants {
        let key = format!("decision_point.tenants.{name}");
        findings.extend(when(
            TenantReference::parse(name).is_none(),
            format!("{key}: is named by no tenant's slug or id"),
        ));
        findings.extend(own(&key, tenant, section, loopback));
    }
    if findings.is_empty() {
        findings.extend(unusable(section));
    }
    findings
}

fn installation(section: &DecisionPointSection, loopback: bool) -> Vec<String> {
    let key = "decision_point";
    let mut findings = Vec::new();
    if !section.url.is_empty() {
        findings.extend(url(key, &section.url, loopback));
        findings.extend(when(
            section.actions.is_empty() && section.platform_actions.is_empty(),
            format!(
                "{key}.actions: neither it nor {key}.platform_actions says what is asked about"
            ),
        ));
    }
    findings.extend(tokens(key, &section.token, &section.token_file));
    findings.extend(bound(key, "timeout_ms", Some(section.timeout_ms), TIMEOUT_MS));
    findings.extend(bound(
        key,
        "breaker_failures",
        Some(section.breaker_failures.into()),
        FAILURES,
    ));
    findings.extend(bound(key, "breaker_open_s", Some(section.breaker_open_s), OPEN_S));
    findings.extend(patterns(&format!("{key}.actions"), &section.actions, &[PlaneName::Tenant]));
    let planes = [PlaneName::Platform, PlaneName::Account];
    findings.extend(patterns(
        &format!("{key}.platform_actions"),
        &section.platform_actions,
        &planes,
    ));
    findings
}

fn own(
    key: &str,
    tenant: &TenantDecisionPoint,
    section: &DecisionPointSection,
    loopback: bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    match &tenant.url {
        Some(address) => findings.extend(url(key, address, loopback)),
        None => findings.extend(when(
            section.url.is_empty() && tenant.is_enabled(),
            format!("{key}.url: is missing, and decision_point.url is empty"),
        )),
    }
    let (token, file) =
        (tenant.token.clone().unwrap_or_default(), tenant.token_file.clone().unwrap_or_default());
    findings.extend(tokens(key, &token, &file));
    findings.extend(bound(key, "timeout_ms", tenant.timeout_ms, TIMEOUT_MS));
    findings.extend(bound(
        key,
        "breaker_failures",
        tenant.breaker_failures.map(Into::into),
        FAILURES,
    ));
    findings.extend(bound(key, "breaker_open_s", tenant.breaker_open_s, OPEN_S));
    if let Some(actions) = &tenant.actions {
        let key = format!("{key}.actions");
        findings.extend(when(
            actions.is_empty(),
            format!("{key}: says nothing; to ask nobody, say enabled = false"),
        ));
        findings.extend(patterns(&key, actions, &[PlaneName::Tenant]));
    }
    findings
}

const TIMEOUT_MS: (u64, u64) = (10, 30_000);
const FAILURES: (u64, u64) = (1, 1000);
const OPEN_S: (u64, u64) = (1, 3600);

fn bound(key: &str, name: &str, value: Option<u64>, (least, most): (u64, u64)) -> Option<String> {
    let outside = value.filter(|value| !(least..=most).contains(value))?;
    Some(format!("{key}.{name}: is {outside}, must be {least} to {most}"))
}

fn url(key: &str, text: &str, loopback: bool) -> Option<String> {
    let what = outbound::check(text, loopback).err()?;
    let would_do = outbound::check(text, true).is_ok();
    let hint = ", or decision_point.allow_plain_loopback be true, since it is on this host";
    Some(format!("{key}.url: {what}{}", if would_do { hint } else { "" }))
}

/// What is asked about must be a change: readings are never asked about.
fn patterns(key: &str, texts: &[String], planes: &[PlaneName]) -> Vec<String> {
    let changes: Vec<_> = action::ALL
        .iter()
        .filter(|action| planes.contains(&action.plane) && !action.is_reading())
        .collect();
    let covers_nothing = |text: &&String| {
        let pattern = ActionPattern::parse(text.as_str());
        !pattern.is_ok_and(|pattern| changes.iter().any(|action| pattern.covers(action.name)))
    };
    let nothing = texts.iter().filter(covers_nothing);
    nothing.map(|text| format!("{key}: {text:?} covers no action that changes anything")).collect()
}

fn tokens(key: &str, token: &Secret, file: &str) -> Vec<String> {
    let mut findings = Vec::new();
    findings.extend(when(
        !token.is_empty() && !file.is_empty(),
        format!("{key}.token_file: {key}.token is given too; keep one of them"),
    ));
    findings.extend(when(
        !token.is_empty() && !is_token(token),
        format!("{key}.token: must be 1 to {MAX_TOKEN} ASCII characters without blanks"),
    ));
    if !file.is_empty() {
        findings.extend(
            token_file(Path::new(file)).map(|what| format!("{key}.token_file: {file} {what}")),
        );
    }
    findings
}

pub(super) fn is_token(token: &Secret) -> bool {
    let text = token.reveal();
    (1..=MAX_TOKEN).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

pub(super) fn token_file(path: &Path) -> Option<String> {
    if !path.is_absolute() {
        return Some("must be an absolute path".to_owned());
    }
    match fs::metadata(path) {
        Err(error) => return Some(format!("cannot be read: {error}")),
        Ok(found) if !found.is_file() => return Some("is no file".to_owned()),
        Ok(found) if found.len() > MAX_TOKEN as u64 + 2 => return Some("is too long".to_owned()),
        Ok(_) => {}
    }
    if let Some(finding) = open_to_others(path).or_else(|| of_another_user(path)) {
        return Some(format!("is not safe: {finding}"));
    }
    match read_token(path) {
        Err(error) => Some(error),
        Ok(token) if !is_token(&token) => {
            Some(format!("must hold 1 to {MAX_TOKEN} ASCII characters without blanks"))
        }
        Ok(_) => None,
    }
}

/// What only an attempt tells: whether there are certificates to know the other side by.
fn unusable(section: &DecisionPointSection) -> Vec<String> {
    let settings = match section.settings() {
        Ok(settings) => settings,
        Err(error) => return vec![format!("decision_point.token_file: {error}")],
    };
    let installation =
        settings.installation.iter().map(|point| ("decision_point".to_owned(), point));
    let tenants = settings.tenants.iter().filter_map(|(name, point)| {
        Some((format!("decision_point.tenants.{name}"), point.as_ref()?))
    });
    installation
        .chain(tenants)
        .filter_map(|(key, point)| Some(format!("{key}.url: {}", external::check(point).err()?)))
        .collect()
}
