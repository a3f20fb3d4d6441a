//! The client by which requests go: it follows nobody and reads no more than an answer may have.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, Url};

use super::public::is_public;

/// Bytes of an answer at most.
pub const MAX_ANSWER: usize = 64 * 1024;

/// A client for an address. Without TLS it needs no certificates of authorities, of which this host may have none.
pub fn builder(url: &Url) -> ClientBuilder {
    let builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .user_agent(concat!("freehold/", env!("CARGO_PKG_VERSION")));
    if url.scheme() == "https" { builder } else { builder.tls_certs_only([]) }
}

/// Lets a client go by TLS, and to public addresses alone.
pub fn to_public_alone(builder: ClientBuilder) -> ClientBuilder {
    let resolver = Checked { lookup: |name| Box::pin(system(name)), may: is_public };
    builder.https_only(true).dns_resolver(resolver)
}

type Looking = Pin<Box<dyn Future<Output = std::io::Result<Vec<SocketAddr>>> + Send>>;

async fn system(name: Name) -> std::io::Result<Vec<SocketAddr>> {
    Ok(tokio::net::lookup_host((name.as_str(), 0)).await?.collect())
}

/// Resolves names to addresses that may be gone to; a name that has any other is refused whole. A connection goes to what
/// was looked at, whatever the name comes to mean.
struct Checked {
    lookup: fn(Name) -> Looking,
    may: fn(IpAddr) -> bool,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let (looking, may) = ((self.lookup)(name), self.may);
        Box::pin(async move {
            let addresses = looking.await?;
            if addresses.iter().any(|address| !may(address.ip())) {
                return Err("its name means an address that is not public".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// Reads an answer, no more of it than [`MAX_ANSWER`].
///
/// # Errors
/// Says that it has more, or what went wrong.
pub async fn read(mut response: Response) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| cause(&error))? {
        if body.len() + chunk.len() > MAX_ANSWER {
            return Err("its answer has more than 64 KiB".to_owned());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// What went wrong, down to its cause, without the address.
pub fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use reqwest::Client;
    use reqwest::dns::Name;

    use super::{Checked, Looking};

    const OUTSIDE: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
    const INSIDE: Ipv4Addr = Ipv4Addr::LOCALHOST;
    static ASKED: AtomicUsize = AtomicUsize::new(0);

    /// A name that means another address each time, or both at once.
    fn rebinding(_: Name) -> Looking {
        let both = [OUTSIDE, INSIDE].map(|address| SocketAddr::from((address, 0)));
        let found = match ASKED.fetch_add(1, Ordering::SeqCst) % 3 {
            0 => both[..1].to_vec(),
            1 => both[1..].to_vec(),
            _ => both.to_vec(),
        };
        Box::pin(async move { Ok(found) })
    }

    /// How many connections come to an address, whatever is said there.
    fn counted(listener: TcpListener) -> Arc<AtomicUsize> {
        let count = Arc::new(AtomicUsize::new(0));
        let seen = count.clone();
        std::thread::spawn(move || {
            listener.incoming().for_each(|_| {
                seen.fetch_add(1, Ordering::SeqCst);
            });
        });
        count
    }

    #[tokio::test]
    async fn a_name_that_is_bound_anew_at_each_question_leads_nowhere_else() {
        let outside = TcpListener::bind((OUTSIDE, 0)).unwrap();
        let port = outside.local_addr().unwrap().port();
        let inside = TcpListener::bind((INSIDE, port)).unwrap();
        let (outside, inside) = (counted(outside), counted(inside));
        let resolver = Checked { lookup: rebinding, may: |address| address == IpAddr::V4(OUTSIDE) };
        let client = Client::builder().no_proxy().tls_certs_only([]).dns_resolver(resolver);
        let client = client.pool_max_idle_per_host(0).build().unwrap();
        for _ in 0..90 {
            let asked = client.get(format!("http://rebinding.example:{port}/")).send().await;
            assert!(asked.is_err(), "nobody speaks HTTP here");
        }
        assert_eq!(ASKED.load(Ordering::SeqCst), 90, "a name is looked up once for a connection");
        assert_eq!(outside.load(Ordering::SeqCst), 30);
        assert_eq!(inside.load(Ordering::SeqCst), 0);
    }
}
