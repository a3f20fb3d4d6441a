//! Forwarded headers: what a proxy says of the host that it was asked for, and of the client that asked.
//!
//! They count from the configured proxies alone. A host that another address forwards is refused and not overlooked, so
//! that a proxy that is missing in the configuration is noticed at once.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::address::{Network, is_proxy};
use crate::domain::{Error, Result};

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// The authorities that a proxy forwards: by `X-Forwarded-Host`, by `Forwarded` (RFC 7239).
pub(super) fn hosts<'r>(
    request: &'r HttpRequest,
    proxies: &BTreeSet<IpAddr>,
) -> Result<impl Iterator<Item = &'r str>> {
    let headers = request.headers();
    let is_there = |name| headers.contains_key(name);
    if (is_there(FORWARDED_HOST) || is_there(header::FORWARDED)) && !is_by_proxy(request, proxies) {
        return Err(Error::ForwardedUntrusted);
    }
    let forwarded_host = only(headers, &FORWARDED_HOST, &Error::HostInvalid)?;
    // One proxy after another has added its own: they do not speak of one host.
    if forwarded_host.is_some_and(|hosts| hosts.contains(',')) {
        return Err(Error::TenantConflict);
    }
    let forwarded = only(headers, &header::FORWARDED, &Error::HostInvalid)?.map(forwarded);
    Ok(forwarded_host.into_iter().chain(forwarded.transpose()?.flatten()))
}

fn is_by_proxy(request: &HttpRequest, proxies: &BTreeSet<IpAddr>) -> bool {
    request.peer_addr().is_some_and(|peer| is_proxy(peer.ip(), proxies))
}

/// The one value of a header; two contradict each other whatever they say. One that is no ASCII is refused as told.
pub(super) fn only<'r>(
    headers: &'r HeaderMap,
    name: &HeaderName,
    odd: &Error,
) -> Result<Option<&'r str>> {
    let mut values = headers.get_all(name);
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Error::TenantConflict);
    }
    first.map(|value| value.to_str().map_err(|_| odd.clone())).transpose()
}

/// The one `host=` of a `Forwarded` header.
fn forwarded(value: &str) -> Result<Option<&str>> {
    let mut host = None;
    for pair in parts(value, &[',', ';']) {
        let (name, value) = pair.split_once('=').ok_or(Error::HostInvalid)?;
        if name.eq_ignore_ascii_case("host") && host.replace(unquoted(value)?).is_some() {
            return Err(Error::TenantConflict);
        }
    }
    Ok(host)
}

/// What stands between some characters that are not in quotes, without blanks around it.
fn parts<'v>(value: &'v str, ends: &'static [char]) -> impl Iterator<Item = &'v str> {
    let (mut quoted, mut escaped) = (false, false);
    let parts = value.split(move |c| {
        let is_end = !quoted && ends.contains(&c);
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        is_end
    });
    parts.map(str::trim).filter(|part| !part.is_empty())
}

/// A token, or what is in the quotes of a quoted one. No host and no address has a character that needs an escape.
fn unquoted(value: &str) -> Result<&str> {
    let Some(rest) = value.strip_prefix('"') else { return Ok(value) };
    rest.strip_suffix('"').ok_or(Error::HostInvalid)
}

/// What proxies say of the client for which they ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    /// Nothing, or of proxies alone.
    Nothing,
    /// Its address.
    Client(IpAddr),
    /// What is no address (`unknown`, `_hidden`), or two that differ.
    Unreadable,
}

/// The client for which a proxy asks: by `Forwarded` (RFC 7239), else by `X-Forwarded-For`.
///
/// The last entry is the proxy's own word; those before it came from outside, and count only as far as further proxies
/// have written them. Where both headers name a client they must agree: a proxy that writes one of them may pass on the
/// other as it came.
pub(super) fn client(headers: &HeaderMap, proxies: &BTreeSet<IpAddr>) -> Told {
    let entries = lines(headers, FORWARDED_FOR).flat_map(|line| parts(line, &[',']));
    let listed = last(entries.map(address).collect(), proxies);
    let elements = lines(headers, header::FORWARDED).flat_map(|line| parts(line, &[',']));
    let named = last(elements.filter_map(node).map(address).collect(), proxies);
    match (named, listed) {
        (Told::Nothing, told) | (told, Told::Nothing) => told,
        (Told::Client(one), Told::Client(other)) if Network::of(one) == Network::of(other) => named,
        _ => Told::Unreadable,
    }
}

/// The lines of a header; one that is no ASCII is no address either.
fn lines(headers: &HeaderMap, name: HeaderName) -> impl Iterator<Item = &str> {
    headers.get_all(name).map(|value| value.to_str().unwrap_or("?"))
}

/// The last of several that is no proxy's.
fn last(addresses: Vec<Option<IpAddr>>, proxies: &BTreeSet<IpAddr>) -> Told {
    let is_client = |told: &Option<IpAddr>| told.is_none_or(|told| !is_proxy(told, proxies));
    match addresses.into_iter().rev().find(is_client) {
        None => Told::Nothing,
        Some(None) => Told::Unreadable,
        Some(Some(address)) => Told::Client(address),
    }
}

/// The `for=` of an element of `Forwarded`, if it has one; nothing readable, where it has two.
fn node(element: &str) -> Option<&str> {
    let pairs = parts(element, &[';']).filter_map(|pair| pair.split_once('='));
    let mut nodes = pairs.filter(|(name, _)| name.eq_ignore_ascii_case("for"));
    let (_, value) = nodes.next()?;
    let is_one = nodes.next().is_none();
    Some(unquoted(value).ok().filter(|_| is_one).unwrap_or_default())
}

/// An address, with its port or without: `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let bracketed = bare.and_then(|text| text.parse::<Ipv6Addr>().ok()).map(IpAddr::from);
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    bracketed.or_else(|| text.parse().ok()).or_else(with_port)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Told::{Client, Nothing, Unreadable};
    use super::{HeaderMap, HeaderName, IpAddr, client, forwarded};
    use crate::domain::Error;

    #[test]
    fn the_client_is_what_the_last_proxy_says() {
        let proxies: BTreeSet<IpAddr> =
            ["10.0.0.1", "10.0.0.2"].map(|ip| ip.parse().unwrap()).into();
        let told = |lines: &[(&'static str, &str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in lines {
                headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            client(&headers, &proxies)
        };
        let (list, named) = ("x-forwarded-for", "forwarded");
        let one = Client("192.0.2.1".parse().unwrap());
        let six = Client("2001:db8::1".parse().unwrap());
        let cases: &[(&[(&str, &str)], _)] = &[
            (&[], Nothing),
            (&[(list, "")], Nothing),
            (&[(list, "192.0.2.1")], one),
            (&[(list, "203.0.113.9, 192.0.2.1:4711 ")], one),
            (&[(list, "203.0.113.9"), (list, "192.0.2.1")], one),
            (&[(list, "192.0.2.1, 10.0.0.2")], one),
            (&[(list, "10.0.0.2, 10.0.0.1")], Nothing),
            (&[(list, "2001:db8::1")], six),
            (&[(list, "[2001:db8::1]")], six),
            (&[(list, "[2001:db8::1]:80")], six),
            (&[(list, "192.0.2.1, unknown")], Unreadable),
            (&[(list, "192.0.2.1, _hidden")], Unreadable),
            (&[(list, "192.0.2.1:port")], Unreadable),
            (&[(list, "example.com")], Unreadable),
            (&[(list, "192.0.2.256")], Unreadable),
            (&[(named, "for=192.0.2.1")], one),
            (&[(named, "For=\"192.0.2.1:4711\";proto=https;by=203.0.113.1")], one),
            (&[(named, "for=203.0.113.9, for=192.0.2.1;host=a.example")], one),
            (&[(named, "for=203.0.113.9"), (named, "for=192.0.2.1")], one),
            (&[(named, "for=192.0.2.1, for=10.0.0.2")], one),
            (&[(named, "for=\"[2001:db8::1]\"")], six),
            (&[(named, "for=\"[2001:db8::1]:4711\"")], six),
            (&[(named, "by=\"a,for=203.0.113.9\";for=192.0.2.1")], one),
            (&[(named, "host=a.example")], Nothing),
            (&[(named, "for=unknown")], Unreadable),
            (&[(named, "for=\"_hidden\"")], Unreadable),
            (&[(named, "for=\"192.0.2.1:_port\"")], Unreadable),
            (&[(named, "for=192.0.2.1;for=192.0.2.2")], Unreadable),
            (&[(named, "for=\"192.0.2.1")], Unreadable),
            (&[(named, "for=192.0.2.1"), (list, "192.0.2.1")], one),
            (&[(named, "host=a.example"), (list, "192.0.2.1")], one),
            (&[(named, "for=192.0.2.1"), (list, "10.0.0.2")], one),
            (&[(named, "for=203.0.113.9"), (list, "192.0.2.1")], Unreadable),
            (&[(named, "for=unknown"), (list, "192.0.2.1")], Unreadable),
        ];
        for (lines, expected) in cases {
            assert_eq!(told(lines), *expected, "{lines:?}");
        }
    }

    #[test]
    fn one_host_is_found_among_what_else_is_forwarded() {
        let with = [
            "host=acme.example",
            "HOST=acme.example",
            "for=192.0.2.1;host=acme.example;proto=https",
            "for=192.0.2.1, for=192.0.2.2 ; host=\"acme.example\"",
            "for=\"[2001:db8::1]:80;host=globex\"; Host=\"acme.example\" , ",
            "by=\"a\\\"b;host=globex\";host=acme.example",
        ];
        for value in with {
            assert_eq!(forwarded(value), Ok(Some("acme.example")), "{value}");
        }
        for value in ["", "for=192.0.2.1", "for=\"host=acme.example\"", "proto=https;by=x"] {
            assert_eq!(forwarded(value), Ok(None), "{value}");
        }
    }

    #[test]
    fn two_hosts_and_what_cannot_be_read_are_refused() {
        for value in ["host=a, host=a", "host=a;host=b", "host=a,for=x;HOST=\"a\""] {
            assert_eq!(forwarded(value), Err(Error::TenantConflict), "{value}");
        }
        for value in ["acme.example", "host=\"a", "for=x;host", "host=\"a;for=x"] {
            assert_eq!(forwarded(value), Err(Error::HostInvalid), "{value}");
        }
    }
}
