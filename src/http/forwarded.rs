//! Forwarded headers: what a proxy says of the host that it was asked for.
//!
//! They count from the configured proxies alone. From anybody else they are refused and not overlooked: whoever sends
//! one means something by it, and a proxy that is missing in the configuration is noticed at once.

use std::collections::BTreeSet;
use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use crate::domain::{Error, Result};

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
    // A socket of both families shows an IPv4 address as an IPv6 one.
    let peer = request.peer_addr().map(|address| address.ip().to_canonical());
    peer.is_some_and(|peer| proxies.iter().any(|proxy| proxy.to_canonical() == peer))
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
    for pair in pairs(value).map(str::trim).filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').ok_or(Error::HostInvalid)?;
        if name.eq_ignore_ascii_case("host") && host.replace(unquoted(value)?).is_some() {
            return Err(Error::TenantConflict);
        }
    }
    Ok(host)
}

/// What stands between commas and semicolons that are not in quotes.
fn pairs(value: &str) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    value.split(move |c| {
        let ends = !quoted && matches!(c, ',' | ';');
        quoted ^= c == '"' && !escaped;
        escaped = quoted && c == '\\' && !escaped;
        ends
    })
}

/// A token, or what is in the quotes of a quoted one. No host has a character that needs an escape.
fn unquoted(value: &str) -> Result<&str> {
    let Some(rest) = value.strip_prefix('"') else { return Ok(value) };
    rest.strip_suffix('"').ok_or(Error::HostInvalid)
}

#[cfg(test)]
mod tests {
    use super::forwarded;
    use crate::domain::Error;

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
