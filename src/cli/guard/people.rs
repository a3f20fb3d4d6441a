//! How people are asked in, and what an installation begins with.

use super::when;
use crate::cli::application::Mode;
use crate::cli::configuration::{Configuration, InvitationsSection};
use crate::domain::{HostName, Letters, Name, Slug};

/// Bytes of a link's template at most.
const MAX_LINK: usize = 2000;
/// Bytes of a letter's template at most.
const MAX_TEXT: usize = 20_000;

pub(super) fn findings(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let mut findings = link(&configuration.invitations, mode);
    findings.extend(text(&configuration.invitations));
    findings.extend(domains(&configuration.invitations.public_domains));
    let seed = &configuration.seed;
    findings.extend(Slug::parse(seed.slug.as_str()).err().map(|what| format!("seed.slug: {what}")));
    findings.extend(Name::parse(seed.name.as_str()).err().map(|what| format!("seed.name: {what}")));
    findings
}

/// Whoever follows the link logs in: it leads over a connection that nobody listens to.
fn link(section: &InvitationsSection, mode: Mode) -> Vec<String> {
    let says = |what: &str| format!("invitations.link: {what}");
    let link = section.link.as_str();
    let is_secure = link.starts_with("https://");
    let is_plain = link.starts_with("http://") && mode == Mode::Development;
    let rest = link.split_once("://").map_or("", |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let mut findings = Vec::new();
    findings.extend(when(!is_secure && !is_plain, says("must begin with https://")));
    findings.extend(when(
        host.is_empty() || host.contains(['{', '}', '@']),
        says("must name its host itself, without a placeholder and without a user"),
    ));
    findings.extend(when(
        !Letters::placeholders(link).contains(&"id"),
        says("must have {id} in it, which stands for the invitation's id"),
    ));
    findings.extend(unknown(link, Letters::IN_LINK).map(|name| says(&name)));
    findings.extend(when(
        link.len() > MAX_LINK || link.chars().any(|c| c.is_control() || c.is_whitespace()),
        says("must have at most 2,000 bytes, and no blanks"),
    ));
    findings
}

fn text(section: &InvitationsSection) -> Vec<String> {
    let says = |what: &str| format!("invitations.text: {what}");
    let text = section.text.as_str();
    let mut findings = Vec::new();
    findings.extend(when(
        !Letters::placeholders(text).contains(&"link"),
        says("must have {link} in it, which stands for where the invitation is taken"),
    ));
    findings.extend(unknown(text, Letters::IN_TEXT).map(|name| says(&name)));
    findings.extend(when(text.len() > MAX_TEXT, says("must have at most 20,000 bytes")));
    findings
}

/// The placeholders that nothing is filled in for.
fn unknown<'t>(text: &'t str, known: &'t [&str]) -> impl Iterator<Item = String> + 't {
    let names = Letters::placeholders(text).into_iter();
    let strange = names.filter(|name| !known.contains(name));
    let all = known.iter().map(|name| format!("{{{name}}}")).collect::<Vec<_>>().join(", ");
    strange.map(move |name| format!("nothing is known by {{{name}}}; there are {all}"))
}

fn domains(domains: &[String]) -> Vec<String> {
    let wrong = domains.iter().filter_map(|domain| {
        let what = HostName::exact(domain).err()?;
        Some(format!("invitations.public_domains: {domain:?} {what}"))
    });
    wrong.collect()
}
