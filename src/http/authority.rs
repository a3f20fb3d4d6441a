//! Authorities: the host that a request was sent to, as a header spells it.
//!
//! There is one spelling of a name. What could be written two ways could be taken for two hosts here, or for one at a
//! proxy: every other spelling is refused, whether it means a tenant or not.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::domain::{Error, has_true_labels};

/// What an authority names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Named<'r> {
    /// A host by its name, without the port.
    Name(&'r str),
    /// An address, which is no tenant's.
    Address(IpAddr),
}

/// Reads an authority: a name or an address, and perhaps a port.
pub(super) fn parse(authority: &str) -> Result<Named<'_>, Error> {
    read(authority).ok_or(Error::HostInvalid)
}

fn read(authority: &str) -> Option<Named<'_>> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (address, port) = rest.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok().filter(|_| is_port(port))?;
        return Some(Named::Address(address.into()));
    }
    let (name, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
    let (_, last) = name.rsplit_once('.').unwrap_or(("", name));
    if !is_port(port) || !is_name(name) {
        None
    } else if is_number(last) {
        name.parse::<Ipv4Addr>().ok().map(|address| Named::Address(address.into()))
    } else {
        Some(Named::Name(name))
    }
}

/// Nothing, or a colon and the number of a port.
fn is_port(text: &str) -> bool {
    let Some(digits) = text.strip_prefix(':') else { return text.is_empty() };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    plain && digits.parse::<u16>().is_ok()
}

/// Labels of lower-case letters, digits, `-` and `_`, which some give to hosts that only they know.
fn is_name(name: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_');
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(allowed)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label) && has_true_labels(name)
}

/// What makes a name an address in one notation or another, when it stands last: `1`, `0x7f`.
fn is_number(label: &str) -> bool {
    let (digits, radix) = label.strip_prefix("0x").map_or((label, 10), |hex| (hex, 16));
    digits.chars().all(|c| c.is_digit(radix))
}

#[cfg(test)]
mod tests {
    use super::{Named, parse};

    #[test]
    fn a_name_has_one_spelling() {
        let good = [
            ("localhost", "localhost"),
            ("acme.localhost:8080", "acme.localhost"),
            ("xn--mnchen-3ya.example:1", "xn--mnchen-3ya.example"),
            ("my_service:65535", "my_service"),
            ("3f2a9c1b7d4e", "3f2a9c1b7d4e"),
            ("1.2.3.4.example", "1.2.3.4.example"),
        ];
        for (text, name) in good {
            assert_eq!(parse(text), Ok(Named::Name(name)), "{text}");
        }
        for text in ["127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080", "[::ffff:1.2.3.4]:1"] {
            assert!(matches!(parse(text), Ok(Named::Address(_))), "{text}");
        }
    }

    #[test]
    fn every_other_spelling_is_refused() {
        let long = format!("{}.example", "a".repeat(64));
        let longest = ["a23456789."; 26].concat() + "com";
        let names = [
            "",
            ".",
            "acme.",
            "acme..example",
            ".acme",
            "ACME.example",
            "acme.examplE",
            "acme .example",
            " acme.example",
            "acme.example ",
            "acme\t",
            "acme\0",
            "acme\u{7f}",
            "ac%6de",
            "user@acme.example",
            "-acme.example",
            "acme-.example",
            "*.example",
            "münchen.example",
            "xn--.example",
            "xn--a.example",
            "xn--acme-.example",
            "xn--mnchen-3ya-.example",
            "xn--99999999.example",
            "acme,globex",
            "acme/",
            "a\\b",
            &long,
            &longest,
        ];
        let ports = [
            "acme:",
            "acme:0",
            "acme:00080",
            "acme:080",
            "acme:65536",
            "acme:100000",
            "acme:80:80",
            "acme:+80",
            "acme:-1",
            "acme: 80",
            "acme:8o",
            ":80",
            ":",
        ];
        let addresses = [
            "127.1",
            "0x7f.0.0.1",
            "0x7f000001",
            "2130706433",
            "127.0.0.01",
            "1.2.3.4.5",
            "256.1.1.1",
            "acme.1",
            "acme.0x",
            "::1",
            "[::1",
            "::1]",
            "[::1]8080",
            "[::1]:",
            "[fe80::1%25eth0]",
            "[fe80::1%eth0]",
            "[]",
            "[::g]",
            "[127.0.0.1]",
            "[v1.a]",
            "[[::1]]",
            "1:2",
        ];
        for text in names.iter().chain(&ports).chain(&addresses) {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }
}
