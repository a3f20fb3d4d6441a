//! What addresses, names and words may be.

use std::net::{IpAddr, Ipv4Addr};

use tracing_subscriber::EnvFilter;

use super::when;
use crate::cli::application::{LOCAL_ISSUER, Mode};
use crate::cli::configuration::{AssuranceSection, Configuration};
use crate::domain::{ActionPattern, Identity, ImportFile, action, has_true_labels};

/// Characters of an issuer's or an audience's name at most.
const MAX_NAME: usize = 255;
/// Characters of a base domain at most: a host name has 253, and a tenant's slug with its dot comes before it.
const MAX_DOMAIN: usize = 253 - 64;
/// Seconds for which a log-in counts as recent at most: a month.
const MAX_AGE_S: i64 = 31 * 86_400;
const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error", "off"];

pub(super) fn findings(configuration: &Configuration, mode: Mode) -> Vec<String> {
    let (http, identity) = (&configuration.http, &configuration.identity);
    let proxies = http.trusted_proxies.iter().filter_map(proxy);
    let mut findings: Vec<String> = listen(configuration, mode).into_iter().collect();
    findings.extend(proxies);
    findings.extend(hosts(&http.hosts));
    findings.extend(domains(&http.base_domains));
    findings.extend(name("identity.issuer", &identity.issuer));
    findings.extend(name("identity.audience", &identity.audience));
    findings.extend(when(
        identity.issuer == LOCAL_ISSUER,
        "identity.issuer: \"local\" is the local issuer's name; choose another",
    ));
    findings.extend(when(
        mode == Mode::Production && identity.local_issuer,
        "identity.local_issuer: must be false; the local issuer signs for everybody and is for `freehold dev` alone",
    ));
    findings.extend(when(
        Identity::HOSTS_ISSUERS.contains(&identity.issuer.as_str())
            || identity.issuer == ImportFile::ISSUER,
        "identity.issuer: is the name of an issuer that is the host's own; choose another",
    ));
    findings.extend(level(&configuration.log.level));
    findings.extend(collector(&configuration.otel.endpoint));
    findings.extend(openers(configuration));
    findings.extend(assurance(&configuration.assurance));
    findings
}

/// What demands a stronger log-in must be an action, and there must be a log-in that is strong.
fn assurance(section: &AssuranceSection) -> Vec<String> {
    let mut findings = Vec::new();
    let names: Vec<_> =
        action::ALL.iter().map(|action| action.name).chain(["owner.update"]).collect();
    for text in &section.step_up {
        let pattern = ActionPattern::parse(text.as_str());
        if !pattern.is_ok_and(|pattern| names.iter().any(|name| pattern.covers(name))) {
            findings.push(format!("assurance.step_up: {text:?} covers no action"));
        }
    }
    let nothing = section.acr_values.is_empty() && section.amr_values.is_empty();
    findings.extend(when(
        nothing && !section.step_up.is_empty(),
        "assurance.acr_values: neither it nor assurance.amr_values says what a strong log-in is",
    ));
    for (key, values) in [("acr_values", &section.acr_values), ("amr_values", &section.amr_values)]
    {
        findings.extend(values.iter().filter_map(|value| name(&format!("assurance.{key}"), value)));
    }
    findings.extend(when(
        !(1..=MAX_AGE_S).contains(&section.max_age_s),
        format!("assurance.max_age_s: must be 1 to {MAX_AGE_S}"),
    ));
    findings
}

/// Whoever opens a file may wait for another to close, and that one may need a thread to be done.
fn openers(configuration: &Configuration) -> Option<String> {
    let (openers, threads) =
        (configuration.storage.max_opening_tenants, configuration.http.blocking_threads);
    when(
        openers >= threads && threads > 1,
        format!(
            "storage.max_opening_tenants: is {openers}, must be less than http.blocking_threads, which is {threads}"
        ),
    )
}

fn listen(configuration: &Configuration, mode: Mode) -> Option<String> {
    let Ok(address) = configuration.listen() else {
        return Some(format!(
            "http.listen: {:?} is no address with a port, as 127.0.0.1:8080 is",
            configuration.http.listen
        ));
    };
    let ip = address.ip();
    when(mode == Mode::Development && !ip.is_loopback(), "http.listen: development mode takes loopback addresses alone; `freehold serve` is for all others")
        .or_else(|| when(is_of_many(ip), format!("http.listen: {ip} is the address of many; give one of this host's")))
}

fn is_of_many(ip: IpAddr) -> bool {
    ip.is_multicast() || ip == IpAddr::V4(Ipv4Addr::BROADCAST)
}

/// A proxy is one host, written as its requests come from it.
fn proxy(ip: &IpAddr) -> Option<String> {
    let says = |what: &str| Some(format!("http.trusted_proxies: {ip} {what}"));
    match ip {
        _ if ip.is_unspecified() || is_of_many(*ip) => {
            says("is no host's address; name each proxy by its own")
        }
        IpAddr::V6(v6) => v6.to_ipv4_mapped().and_then(|v4| says(&format!("must be written {v4}"))),
        IpAddr::V4(_) => None,
    }
}

fn hosts(hosts: &[String]) -> Vec<String> {
    let is_host = |host: &str| {
        host.parse::<IpAddr>().is_ok() || not_a_domain(&host.to_ascii_lowercase()).is_none()
    };
    let wrong = hosts.iter().filter(|host| !is_host(host));
    wrong
        .map(|host| {
            format!(
                "http.hosts: {host:?} is no host, as login.example.com or 192.0.2.1 is, without port, in ASCII"
            )
        })
        .collect()
}

fn domains(domains: &[String]) -> Vec<String> {
    let lower: Vec<String> = domains.iter().map(|domain| domain.to_ascii_lowercase()).collect();
    let mut findings = Vec::new();
    for (n, domain) in lower.iter().enumerate() {
        let says = |what: String| format!("http.base_domains: {domain:?} {what}");
        let is_below = |other: &&String| {
            domain.strip_suffix(other.as_str()).is_some_and(|rest| rest.ends_with('.'))
        };
        findings.extend(not_a_domain(domain).map(|what| says(what.to_owned())));
        findings.extend(when(lower[..n].contains(domain), says("stands there twice".to_owned())));
        findings.extend(lower.iter().find(is_below).map(|other| {
            says(format!("is below {other:?}: a host could mean tenants of both; keep one of them"))
        }));
    }
    findings
}

fn not_a_domain(domain: &str) -> Option<&'static str> {
    let is_address = |text: &str| text.parse::<IpAddr>().is_ok();
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    if is_address(domain) || is_address(domain.trim_matches(['[', ']'])) {
        Some("is an address; a subdomain needs a name, as example.com is")
    } else if domain.len() > MAX_DOMAIN {
        Some("is too long for a tenant's slug to come before it")
    } else if !domain.split('.').all(is_label) || !has_true_labels(domain) || ends_in_number(domain)
    {
        Some(
            "is no host name, as example.com is, without port, without a dot at either end, in ASCII",
        )
    } else {
        None
    }
}

/// What ends so is an address, in one notation or another.
fn ends_in_number(domain: &str) -> bool {
    let last = domain.rsplit('.').next().unwrap_or(domain);
    last.strip_prefix("0x").unwrap_or(last).bytes().all(|byte| byte.is_ascii_hexdigit())
        && last.bytes().next().is_some_and(|byte| byte.is_ascii_digit())
}

fn name(key: &str, value: &str) -> Option<String> {
    let is_name =
        (1..=MAX_NAME).contains(&value.len()) && value.bytes().all(|byte| byte.is_ascii_graphic());
    when(!is_name, format!("{key}: must be 1 to {MAX_NAME} ASCII characters without blanks"))
}

/// Where spans are sent, which this program may not know how to do.
fn collector(endpoint: &str) -> Option<String> {
    if endpoint.is_empty() {
        return None;
    }
    if !cfg!(feature = "otel") {
        return Some("otel.endpoint: this program was built without the feature `otel`".to_owned());
    }
    let is_address = endpoint.starts_with("http://") || endpoint.starts_with("https://");
    when(
        !is_address || endpoint.parse::<reqwest::Url>().is_err(),
        "otel.endpoint: must be an address, as http://127.0.0.1:4318 is",
    )
}

/// A bare word would be taken as a target of which everything is logged.
fn level(level: &str) -> Option<String> {
    let is_level = |word: &str| LEVELS.contains(&word.to_ascii_lowercase().as_str());
    let is_directive = |part: &str| part.contains(['=', '[']) || is_level(part);
    let is_good =
        EnvFilter::try_new(level).is_ok() && level.split(',').map(str::trim).all(is_directive);
    when(
        !is_good,
        format!(
            "log.level: {level:?} is neither a level ({}) nor directives, as \"info,freehold::http=debug\" is",
            LEVELS.join(", ")
        ),
    )
}
