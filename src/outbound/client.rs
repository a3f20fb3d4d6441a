//! The client by which requests go: it follows nobody and reads no more than an answer may have.

use std::net::SocketAddr;

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
    builder.https_only(true).dns_resolver(PublicAlone)
}

/// Resolves names to public addresses alone; a name that has any other is refused whole.
struct PublicAlone;

impl Resolve for PublicAlone {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            if addresses.iter().any(|address| !is_public(address.ip())) {
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
