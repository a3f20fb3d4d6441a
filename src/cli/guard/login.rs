//! What log-in by browser may be: at an address that nobody listens on the way to, on a host that is nobody else's, with
//! secrets that nobody reads, and sessions that end.

use std::path::Path;

use reqwest::Url;

use super::decision_point::{is_token, token_file};
use super::{is_public_suffix, when};
use crate::cli::application::Mode;
use crate::cli::configuration::Configuration;
use crate::cli::issuers::IssuerSection;
use crate::cli::login::LoginSection;
use crate::domain::ReturnPath;
use crate::identity::{Provider, check_url};
use crate::outbound::ONE_SPELLING;

/// Characters of an address at most.
const MAX_URL: usize = 255;
/// Characters of an issuer's name, of a client's, of a scope and of a context class at most.
const MAX_NAME: usize = 63;
const MAX_WORD: usize = 255;
/// Seconds that a session may last at most: a day.
const MAX_SESSION_S: i64 = 86_400;

pub(super) fn findings(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let (section, issuers) = (&configuration.login, &configuration.identity.issuers);
    let allow_plain = mode == Mode::Development || configuration.identity.allow_plain_loopback;
    let mut findings = Vec::new();
    for (name, issuer) in issuers {
        let key = format!("identity.issuers.{name}");
        findings.extend(issuer_findings(&key, name, issuer, allow_plain));
    }
    for (name, issuer) in issuers {
        let twin = issuers.iter().find(|(other, one)| *other < name && one.url == issuer.url);
        findings.extend(twin.map(|(other, _)| {
            format!("identity.issuers.{name}.url: is that of identity.issuers.{other} too; keep one of them")
        }));
    }
    findings.extend(session(section));
    if !section.public_url.is_empty() {
        findings.extend(public_url(&section.public_url, mode));
        findings.extend(where_to(configuration));
        if findings.is_empty() {
            findings.extend(unusable(configuration, mode));
        }
    } else if let Some((name, _)) = issuers.iter().find(|(_, issuer)| issuer.is_for_browsers()) {
        findings.push(format!(
            "login.public_url: is empty, and browsers are to log in at identity.issuers.{name}"
        ));
    }
    findings
}

fn issuer_findings(
    key: &str,
    name: &str,
    issuer: &IssuerSection,
    allow_plain: bool,
) -> Vec<String> {
    let mut findings = Vec::new();
    let is_name = (1..=MAX_NAME).contains(&name.len())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_');
    findings.extend(when(
        !is_name,
        format!("{key}: the name must be 1 to {MAX_NAME} of a-z, 0-9, - and _"),
    ));
    findings.extend(issuer_url(key, &issuer.url, allow_plain));
    findings.extend(when(
        issuer.client_id.len() > MAX_WORD
            || !issuer.client_id.bytes().all(|b| b.is_ascii_graphic()),
        format!("{key}.client_id: must be 1 to {MAX_WORD} ASCII characters without blanks"),
    ));
    findings.extend(secrets(key, issuer));
    for (what, text) in [
        ("scopes", issuer.scopes.as_deref().unwrap_or_default()),
        ("acr_values", &issuer.acr_values),
    ] {
        let is_word = |word: &str| {
            word.len() <= MAX_WORD
                && word.bytes().all(|b| b.is_ascii_graphic() && !b"\"\\*".contains(&b))
        };
        let odd = text.split_whitespace().find(|word| !is_word(word));
        findings.extend(odd.map(|word| {
            format!("{key}.{what}: {word:?} must be ASCII characters but \", \\ and *")
        }));
    }
    findings
}

fn issuer_url(key: &str, text: &str, allow_plain: bool) -> Option<String> {
    let what = match check_url(text, allow_plain) {
        _ if text.is_empty() => "is missing: what the issuer's tokens say in `iss`".to_owned(),
        _ if text.len() > MAX_URL => "is too long".to_owned(),
        _ if !text.bytes().all(|b| b.is_ascii_graphic()) || text.contains('*') => {
            "must name one issuer, in ASCII".to_owned()
        }
        Err(what) => what.to_owned(),
        Ok(url) if url.query().is_some() || url.fragment().is_some() => {
            "must have no query and no fragment".to_owned()
        }
        Ok(_) => return None,
    };
    let is_here = !allow_plain && check_url(text, true).is_ok();
    let hint = ", unless identity.allow_plain_loopback is true, for a provider on this host";
    Some(format!("{key}.url: {what}{}", if is_here { hint } else { "" }))
}

fn secrets(key: &str, issuer: &IssuerSection) -> Vec<String> {
    let (secret, file) = (&issuer.client_secret, &issuer.client_secret_file);
    let mut findings = Vec::new();
    findings.extend(when(
        !secret.is_empty() && !file.is_empty(),
        format!("{key}.client_secret_file: {key}.client_secret is given too; keep one of them"),
    ));
    findings.extend(when(
        !secret.is_empty() && !is_token(secret),
        format!("{key}.client_secret: must be ASCII characters without blanks"),
    ));
    findings.extend(when(
        (!secret.is_empty() || !file.is_empty()) && issuer.client_id.is_empty(),
        format!("{key}.client_id: is empty, and there is a secret for it"),
    ));
    if !file.is_empty() {
        let what = token_file(Path::new(file));
        findings.extend(what.map(|what| format!("{key}.client_secret_file: {file} {what}")));
    }
    findings
}

fn session(section: &LoginSection) -> Vec<String> {
    let mut findings = Vec::new();
    for (key, value) in
        [("session_idle_s", section.session_idle_s), ("session_max_s", section.session_max_s)]
    {
        findings.extend(when(
            !(1..=MAX_SESSION_S).contains(&value),
            format!("login.{key}: is {value}, must be 1 to {MAX_SESSION_S}"),
        ));
    }
    findings.extend(when(
        section.session_idle_s > section.session_max_s,
        "login.session_idle_s: is more than login.session_max_s: no session would ever be idle",
    ));
    findings.extend(
        ReturnPath::parse(&section.post_logout_path)
            .err()
            .map(|what| format!("login.post_logout_path: {what}")),
    );
    findings
}

/// An origin, written as browsers write it: they send it with every change, and cookies are for its host.
fn public_url(text: &str, mode: Mode) -> Option<String> {
    let url = check_url(text, mode == Mode::Development);
    let what = match url {
        _ if text.contains('*') => "must name one host".to_owned(),
        _ if text.len() > MAX_URL => "is too long".to_owned(),
        Err(ONE_SPELLING) => {
            "must be written as browsers write it: lower case, A-labels, no default port".to_owned()
        }
        Err(what) => what.to_owned(),
        Ok(url) if url.query().is_some() => "must have no query".to_owned(),
        Ok(url) if url.fragment().is_some() => "must have no fragment".to_owned(),
        Ok(url) if url.path() != "/" || text.ends_with('/') => {
            "must end with the host: no path, no slash".to_owned()
        }
        Ok(url) if url.origin().ascii_serialization() != text => {
            "must be written as browsers write it: lower case, A-labels, no default port".to_owned()
        }
        Ok(url) => host(&url, mode)?,
    };
    Some(format!("login.public_url: {what}"))
}

fn host(url: &Url, mode: Mode) -> Option<String> {
    let host = url.host_str().unwrap_or_default();
    let production = mode == Mode::Production;
    if production && host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok() {
        Some("is an address; browsers know a server by its name".to_owned())
    } else if production && !host.contains('.') {
        Some("is a name of one label, which is everybody's below it".to_owned())
    } else if is_public_suffix(host) {
        Some("is a name below which everybody can have one; take one of your own".to_owned())
    } else {
        None
    }
}

/// There must be somewhere to log in, and the host must be no tenant's.
fn where_to(configuration: &Configuration) -> Vec<String> {
    let (section, issuers) = (&configuration.login, &configuration.identity.issuers);
    let is_open = |name: &str| issuers.get(name).is_some_and(IssuerSection::is_for_browsers);
    let mut findings = Vec::new();
    match section.default_issuer(issuers) {
        Some(name) => findings.extend(when(
            !is_open(name),
            format!("login.default_issuer: {name:?} is no issuer with a client_id in identity.issuers"),
        )),
        None if issuers.values().any(IssuerSection::is_for_browsers) => findings.push(
            "login.default_issuer: is empty, and there are several issuers to log in at".to_owned(),
        ),
        None => findings.push(
            "login.public_url: there is no issuer with a client_id in identity.issuers to log in at".to_owned(),
        ),
    }
    let host = section.public_url.parse::<Url>().ok();
    let host = host.as_ref().and_then(Url::host_str).unwrap_or_default();
    let bases = &configuration.http.base_domains;
    let base = bases.iter().map(|base| base.to_ascii_lowercase()).find(|base| {
        let label = host.strip_suffix(base.as_str()).and_then(|rest| rest.strip_suffix('.'));
        label.is_some_and(|label| crate::domain::Slug::parse(label).is_ok())
    });
    findings.extend(base.map(|base| {
        format!("login.public_url: {host} means a tenant, below {base:?} of http.base_domains; take {base} itself or a reserved name")
    }));
    findings
}

/// What only an attempt tells: whether there are certificates to know a provider by.
fn unusable(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let issuers = configuration.identity.issuers.iter();
    let clock = std::sync::Arc::new(crate::cli::SystemClock);
    let allow_plain = mode == Mode::Development || configuration.identity.allow_plain_loopback;
    issuers
        .filter(|(_, issuer)| issuer.is_for_browsers())
        .filter_map(|(name, issuer)| {
            let settings = issuer.provider(&configuration.login.public_url, allow_plain);
            let provider = settings.and_then(|settings| Provider::new(settings, clock.clone()));
            Some(format!("identity.issuers.{name}.url: {}", provider.err()?))
        })
        .collect()
}
