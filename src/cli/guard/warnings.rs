//! What is weak and not refused: it may be meant. `check` and `serve` say it.

use super::is_public_suffix;
use crate::cli::configuration::Configuration;

/// Characters of a metrics token below which it can be guessed: 128 random bits in base64.
const SHORT_TOKEN: usize = 22;

pub(super) fn findings(configuration: &Configuration) -> Vec<String> {
    let mut findings = Vec::new();
    findings.extend(plain_http(configuration));
    findings.extend(nameless_proxy(configuration));
    findings.extend(any_host(configuration));
    findings.extend(suffixes(&configuration.http.base_domains));
    findings.extend(short_token(configuration));
    findings.extend(lost_page(configuration));
    findings
}

/// Nothing says that a proxy does TLS in front.
fn plain_http(configuration: &Configuration) -> Option<String> {
    let address = configuration.listen().ok().filter(|address| !address.ip().is_loopback())?;
    let has_proxy = !configuration.http.trusted_proxies.is_empty()
        || !configuration.login.public_url.is_empty();
    (!has_proxy).then(|| {
        format!(
            "http.listen: {address} is reached from other hosts by plain HTTP, which shows every token to the network: \
            let a proxy do TLS (http.trusted_proxies, login.public_url), or listen on 127.0.0.1"
        )
    })
}

/// Other hosts reach the server by a proxy on this one, which is not named.
fn nameless_proxy(configuration: &Configuration) -> Option<String> {
    let http = &configuration.http;
    let is_local = configuration.listen().is_ok_and(|address| address.ip().is_loopback());
    let is_public = !configuration.login.public_url.is_empty();
    let is_limited = http.max_connections_per_address > 0 || http.anonymous_per_minute > 0;
    (is_local && is_public && is_limited && http.trusted_proxies.is_empty()).then(|| {
        "http.trusted_proxies: is empty, but login.public_url needs a proxy in front: all clients behind it share the \
        limits of one (http.max_connections_per_address, http.anonymous_per_minute); name the proxy's address"
            .to_owned()
    })
}

fn any_host(configuration: &Configuration) -> Option<String> {
    let nothing = configuration.hosts().is_empty() && configuration.http.base_domains.is_empty();
    nothing.then(|| {
        "http.hosts: is empty, as are http.base_domains and login.public_url: /docs and discovery documents answer on \
        every host, and name it, until a tenant has a host name; name the hosts of this installation"
            .to_owned()
    })
}

fn suffixes(base_domains: &[String]) -> Vec<String> {
    let domains = base_domains.iter().map(|domain| domain.to_ascii_lowercase());
    let suffixes = domains.filter(|domain| is_public_suffix(domain));
    suffixes
        .map(|domain| {
            format!(
                "http.base_domains: {domain:?} is a public suffix: anybody can register a name below it, and every such \
                name would mean a tenant; take a domain of your own"
            )
        })
        .collect()
}

fn short_token(configuration: &Configuration) -> Option<String> {
    let length = configuration.metrics.token.reveal().len();
    (1..SHORT_TOKEN).contains(&length).then(|| {
        format!(
            "metrics.token: has {length} characters and can be guessed; take {SHORT_TOKEN} random ones or more, as \
            `openssl rand -hex 32` prints"
        )
    })
}

/// A log-out ends on a page that is not there.
fn lost_page(configuration: &Configuration) -> Option<String> {
    let (login, http) = (&configuration.login, &configuration.http);
    let is_lost =
        !http.docs && !login.public_url.is_empty() && login.post_logout_path.starts_with("/docs");
    is_lost.then(|| {
        format!(
            "login.post_logout_path: {:?} is not found, since http.docs is false; take another page",
            login.post_logout_path
        )
    })
}
