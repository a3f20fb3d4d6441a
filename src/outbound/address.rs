//! Where the program's own requests may go: addresses in their one spelling, by TLS, or on this host where that is allowed.

use std::net::IpAddr;

use reqwest::Url;

use super::public::is_public;

/// What is wrong with a host that is not written as everybody writes it.
pub const ONE_SPELLING: &str =
    "must have its host in its one spelling, as https://id.example.com has";
/// Characters of an address at most.
const MAX_URL: usize = 2000;

/// An address by TLS, or on this host without it where that is allowed; with no user and no fragment.
///
/// # Errors
/// Says what it must be; never what it is.
pub fn check(text: &str, allow_plain_loopback: bool) -> Result<Url, &'static str> {
    if text.len() > MAX_URL {
        return Err("is too long: at most 2000 characters");
    }
    let url: Url = text.parse().map_err(|_| "is no address, as https://id.example.com is")?;
    if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("must be ASCII without blanks");
    }
    match url.scheme() {
        "https" => {}
        "http" if allow_plain_loopback && is_loopback(&url) => {}
        _ => return Err("must begin with https://"),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must name no user");
    }
    if url.fragment().is_some() {
        return Err("must have no fragment");
    }
    let written = text.split_once("://").map_or(text, |(_, rest)| rest);
    let authority = written.split(['/', '?']).next().unwrap_or_default();
    if text.contains('\\') || written_host(&url).is_none_or(|host| host != authority) {
        // 127.1, 0x7f.1 and the like are spellings of another host.
        return Err(ONE_SPELLING);
    }
    Ok(url)
}

/// Whether what goes to an address leaves no cable.
#[must_use]
pub fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    host == "localhost"
        || host.ends_with(".localhost")
        || literal(url).is_some_and(|address| address.to_canonical().is_loopback())
}

/// Where requests may go.
#[derive(Debug, Clone, Default)]
pub struct Destinations {
    /// Whether this host may be asked without TLS.
    pub allow_plain_loopback: bool,
    /// Hosts, each with its port where it has one, to which tenants may send though their addresses are not public.
    pub private_hosts: Vec<String>,
}

/// On whose word an address is gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// The configuration's.
    Host,
    /// A tenant's.
    Tenant,
}

impl Destinations {
    /// An address that may be gone to.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check(&self, text: &str, word: Word) -> Result<Url, &'static str> {
        let url = check(text, self.allow_plain_loopback)?;
        if !self.is_for_public_alone(&url, word) {
            return Ok(url);
        }
        if url.scheme() != "https" {
            return Err("must begin with https://");
        }
        if !may_be_public(&url) {
            return Err("must have a public host");
        }
        Ok(url)
    }

    /// Whether it is gone to only where its host is public: on a tenant's word, unless the host is known.
    #[must_use]
    pub fn is_for_public_alone(&self, url: &Url, word: Word) -> bool {
        let host = written_host(url).unwrap_or_default();
        word == Word::Tenant && !self.private_hosts.contains(&host)
    }
}

/// The host with its port, as an address in its one spelling has it.
fn written_host(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

fn literal(url: &Url) -> Option<IpAddr> {
    url.host_str()?.trim_matches(['[', ']']).parse().ok()
}

/// Whether a host can be public by what it is called: an address that is, or a name of the public DNS.
fn may_be_public(url: &Url) -> bool {
    const NEVER: &[&str] = &["localhost", "local", "internal", "home.arpa", "lan", "intranet"];
    if let Some(address) = literal(url) {
        return is_public(address);
    }
    let host = url.host_str().unwrap_or_default();
    let is_below = |name: &str| {
        host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    host.contains('.') && !host.ends_with('.') && !NEVER.iter().any(|name| is_below(name))
}

#[cfg(test)]
mod tests {
    use super::{Destinations, Word};

    #[test]
    fn a_tenant_names_public_hosts_alone() {
        let destinations = Destinations { allow_plain_loopback: true, ..Destinations::default() };
        for good in [
            "https://id.example.com",
            "https://id.example.com/realms/acme",
            "https://8.8.8.8",
            "https://id.example.com:8443/a?b=c",
            "https://[2606:4700::1111]/",
        ] {
            assert!(destinations.check(good, Word::Tenant).is_ok(), "{good}");
        }
        for bad in [
            "",
            "id.example.com",
            "http://id.example.com",
            "ftp://id.example.com",
            "file:///etc/passwd",
            "gopher://id.example.com",
            "https://",
            "https:///a",
            "https://localhost",
            "https://idp",
            "https://a.localhost",
            "https://idp.internal",
            "https://idp.local",
            "https://idp.home.arpa",
            "https://127.0.0.1",
            "https://127.1",
            "https://2130706433",
            "https://0x7f000001",
            "https://0177.0.0.1",
            "https://0x7f.1",
            "https://[::1]",
            "https://[::ffff:127.0.0.1]",
            "https://[::ffff:7f00:1]",
            "https://[64:ff9b::7f00:1]",
            "https://[fe80::1]",
            "https://[fc00::1]",
            "https://10.0.0.1",
            "https://192.168.1.1",
            "https://172.16.0.1",
            "https://169.254.169.254",
            "https://100.64.0.1",
            "https://0.0.0.0",
            "https://user@id.example.com",
            "https://user:word@id.example.com",
            "https://id.example.com@127.0.0.1",
            "https://id.example.com#@127.0.0.1",
            "https://id.example.com/#x",
            "https://id.example.com/a b",
            "https://id.example.com/\r\nx",
            "https://id.example.com.",
            "https://ID.example.com",
            "https://id.ex\u{e4}mple.com",
            "https://id.example.com\\@127.0.0.1",
            "https://id.example.com:443",
            "http://127.0.0.1:1",
            "https://%31%32%37.0.0.1",
            "https:id.example.com",
            "https://127.0.0.1:8443",
        ] {
            assert!(destinations.check(bad, Word::Tenant).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_host_allows_is_allowed() {
        let named = vec!["127.0.0.1:4000".to_owned(), "idp.internal".to_owned()];
        let destinations = Destinations { allow_plain_loopback: true, private_hosts: named };
        for good in ["http://127.0.0.1:4000/a", "https://idp.internal/a"] {
            assert!(destinations.check(good, Word::Tenant).is_ok(), "{good}");
        }
        for bad in ["http://127.0.0.1:4001", "http://idp.internal", "https://a.idp.internal"] {
            assert!(destinations.check(bad, Word::Tenant).is_err(), "{bad}");
        }
        assert!(destinations.check("http://127.0.0.1:1", Word::Host).is_ok());
        assert!(destinations.check("https://10.0.0.1", Word::Host).is_ok());
        assert!(destinations.check("http://10.0.0.1", Word::Host).is_err());
        assert!(Destinations::default().check("http://127.0.0.1:1", Word::Host).is_err());
    }
}
