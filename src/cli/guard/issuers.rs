//! What issuers elsewhere may be: addresses that nobody listens on the way to, and terms that can be kept.

use super::when;
use crate::cli::application::{LOCAL_ISSUER, Mode};
use crate::cli::configuration::{Configuration, IdentitySection};
use crate::cli::issuers::IssuerSection;
use crate::domain::{Identity, ImportFile};
use crate::outbound::{Destinations, Word};

/// Issuers at most.
const MAX_ISSUERS: usize = 32;

pub(super) fn findings(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let section = &configuration.identity;
    let mut destinations = section.destinations();
    destinations.allow_plain_loopback |= mode == Mode::Development;
    let mut findings = keeping(section);
    findings.extend(when(
        section.issuers.len() > MAX_ISSUERS,
        format!("identity.issuers: must be at most {MAX_ISSUERS}"),
    ));
    for host in &section.private_issuer_hosts {
        let is_host = !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/@#?\\*".contains(&byte));
        findings.extend(when(
            !is_host,
            format!(
                "identity.private_issuer_hosts: {host:?} is no host, as id.internal or 10.0.0.7:8443 is"
            ),
        ));
    }
    for (name, issuer) in &section.issuers {
        findings.extend(one(name, issuer, section, &destinations));
    }
    findings
}

/// Whether a type says no more than that a token is a JWT, as that of ID tokens does.
fn is_untyped(typ: &str) -> bool {
    typ.strip_prefix("application/").unwrap_or(typ).eq_ignore_ascii_case("JWT")
}

/// Whether it is the name of an issuer whose word is the program's own.
fn is_own(url: &str) -> bool {
    Identity::HOSTS_ISSUERS.contains(&url) || [LOCAL_ISSUER, ImportFile::ISSUER].contains(&url)
}

fn keeping(section: &IdentitySection) -> Vec<String> {
    let bounds = [
        ("jwks_ttl_s", section.jwks_ttl_s, 1, 3600),
        ("jwks_max_stale_s", section.jwks_max_stale_s, 0, 604_800),
        ("jwks_retry_s", section.jwks_retry_s, 1, 3600),
    ];
    let outside =
        bounds.into_iter().filter(|(_, value, least, most)| !(least..=most).contains(&value));
    outside
        .map(|(key, value, least, most)| {
            format!("identity.{key}: is {value}, must be {least} to {most}")
        })
        .collect()
}

fn one(
    name: &str,
    issuer: &IssuerSection,
    section: &IdentitySection,
    destinations: &Destinations,
) -> Vec<String> {
    let key = format!("identity.issuers.{name}");
    let is_name = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_' || byte == b'-'
    };
    let mut findings = Vec::new();
    findings.extend(when(
        name.len() > 63 || !name.bytes().all(is_name),
        format!("{key}: is named by 1 to 63 of a-z, 0-9, _ and -"),
    ));
    findings.extend(
        destinations.check(&issuer.url, Word::Host).err().map(|what| format!("{key}.url: {what}")),
    );
    findings.extend(when(
        issuer.url.len() > 255,
        format!("{key}.url: must be at most 255 characters long"),
    ));
    findings.extend(when(
        issuer.url == section.issuer || is_own(&issuer.url),
        format!("{key}.url: is the name of our own tokens' issuer"),
    ));
    let twice = section.issuers.iter().filter(|(_, other)| other.url == issuer.url).count() > 1;
    findings.extend(when(twice, format!("{key}.url: two issuers have it")));
    if let Some(uri) = &issuer.jwks_uri {
        let what = destinations.check(uri, Word::Host).err();
        findings.extend(what.map(|what| format!("{key}.jwks_uri: {what}")));
    }
    match issuer.terms(&section.audience) {
        Err((field, what)) => findings.push(format!("{key}.{field}: {what}")),
        Ok(terms) => {
            findings.extend(when(
                issuer.client_id == terms.audience.as_str() && terms.typ.iter().any(|typ| is_untyped(typ)),
                format!("{key}.typ: takes JWT, which ID tokens say too, and {key}.audience is the client_id: give access tokens an audience of their own, or the type at+jwt"),
            ));
            let flaws = terms.flaws().into_iter();
            findings.extend(
                flaws.map(|(field, what)| format!("{key}.{}: {what}", field.replace('/', "."))),
            );
        }
    }
    findings
}
