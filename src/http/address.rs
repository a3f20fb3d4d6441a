//! The networks that clients send from, and what one of them may send without a credential.
//!
//! A network is one IPv4 address, or the /64 of an IPv6 address: one subscriber has all of it. A configured proxy is no
//! client: what it says of the client's address counts instead, and what cannot be read of that counts as the proxy's.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;

use actix_web::{HttpMessage, HttpRequest};

use super::forwarded::{self, Told};
use super::meter::Meter;
use super::rate::Left;
use super::state::State;
use crate::domain::{Error, RequestShare, Result};

/// Networks that are counted at once.
const MAX_NETWORKS: u64 = 100_000;

/// A client's network.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Network(IpAddr);

impl Network {
    pub(super) fn of(address: IpAddr) -> Self {
        // A socket of both families shows an IPv4 address as an IPv6 one.
        match address.to_canonical() {
            IpAddr::V6(address) => {
                let prefix = address.to_bits() & !u128::from(u64::MAX);
                Self(Ipv6Addr::from_bits(prefix).into())
            }
            address @ IpAddr::V4(_) => Self(address),
        }
    }
}

/// Whether an address is a configured proxy's.
pub(super) fn is_proxy(address: IpAddr, proxies: &BTreeSet<IpAddr>) -> bool {
    let address = address.to_canonical();
    proxies.iter().any(|proxy| proxy.to_canonical() == address)
}

/// The network of a request's client; `None` for the local socket, and for a proxy that asks for itself.
fn client(request: &HttpRequest, proxies: &BTreeSet<IpAddr>) -> Option<Network> {
    let peer = request.peer_addr()?.ip();
    if !is_proxy(peer, proxies) {
        return Some(Network::of(peer));
    }
    match forwarded::client(request.headers(), proxies) {
        Told::Nothing => None,
        Told::Client(address) => Some(Network::of(address)),
        Told::Unreadable => Some(Network::of(peer)),
    }
}

/// Counts the requests of networks that need no credential.
#[derive(Debug)]
pub(super) struct Anonymous {
    meter: Meter<Network>,
    limit: Option<NonZeroU32>,
}

impl Anonymous {
    /// Limits each network to this many requests a minute; 0 means unlimited.
    pub(super) fn new(per_minute: u32) -> Self {
        Self { meter: Meter::new(MAX_NETWORKS), limit: NonZeroU32::new(per_minute) }
    }
}

/// Counts a request that needs no credential; a request is counted once.
///
/// # Errors
/// [`Error::TooManyRequests`].
pub(super) fn count(request: &HttpRequest, state: &State) -> Result<()> {
    let Some(limit) = state.anonymous.limit else { return Ok(()) };
    let Some(network) = client(request, &state.settings.trusted_proxies) else { return Ok(()) };
    if request.extensions().get::<Left>().is_some() {
        return Ok(());
    }
    let taken = state.anonymous.meter.take(network, limit);
    let share = RequestShare::Address;
    let left = taken.unwrap_or_default();
    request.extensions_mut().insert(Left { share, limit: limit.get(), left });
    taken.map(drop).map_err(|retry_after_s| {
        let limit = limit.get().into();
        Error::TooManyRequests { share, limit, retry_after_s }
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::test::TestRequest;

    use super::{IpAddr, Network, client};

    fn network(text: &str) -> Network {
        Network::of(text.parse().unwrap())
    }

    #[test]
    fn a_network_is_an_ipv4_address_or_a_64th_of_ipv6() {
        assert_eq!(network("2001:db8::1"), network("2001:db8:0:0:ffff::2"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }

    #[test]
    fn what_is_forwarded_counts_from_a_proxy_alone() {
        let proxies: BTreeSet<IpAddr> = BTreeSet::from(["127.0.0.1".parse().unwrap()]);
        let of = |peer: &str, headers: &[(&str, &str)]| {
            let request = TestRequest::default().peer_addr(format!("{peer}:9").parse().unwrap());
            let request =
                headers.iter().fold(request, |request, header| request.append_header(*header));
            client(&request.to_http_request(), &proxies)
        };
        let other = [("x-forwarded-for", "192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        for header in other {
            assert_eq!(of("192.0.2.1", &[header]), Some(network("192.0.2.1")), "{header:?}");
            assert_eq!(of("127.0.0.1", &[header]), Some(network("192.0.2.7")), "{header:?}");
        }
        assert_eq!(of("127.0.0.1", &[]), None);
        assert_eq!(of("127.0.0.1", &[("x-forwarded-for", "?")]), Some(network("127.0.0.1")));
        assert_eq!(client(&TestRequest::default().to_http_request(), &proxies), None);
    }
}
