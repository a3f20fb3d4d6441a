//! The way to an issuer's documents: its discovery document (OpenID Connect Discovery 1.0) and its keys.
//!
//! Promises: what is fetched has come by TLS, or from this host where that is allowed; no redirect and no proxy is
//! followed; an answer has 64 KiB and takes 3 seconds at most; and on a tenant's word no address is gone to that is not
//! public, which is looked at when a connection is made and not before. Runs on a thread of its own.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};
use serde_json::Value;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use super::jose::object;
use crate::domain::egress;

/// Bytes of a document at most.
const MAX_ANSWER: usize = 64 * 1024;
/// How long a document may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);
/// Characters of an address at most.
const MAX_URL: usize = 2000;

/// Where issuers may be.
#[derive(Debug, Clone, Default)]
pub struct Reach {
    /// Whether an issuer on this host may be asked without TLS.
    pub allow_plain_loopback: bool,
    /// Hosts, each with its port where it has one, that tenants' issuers may have though their addresses are not public.
    pub private_issuer_hosts: Vec<String>,
}

/// On whose word an address is gone to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Word {
    /// The configuration's.
    Host,
    /// A tenant's.
    Tenant,
}

impl Reach {
    /// What is wrong with an address, if something is.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check(&self, text: &str, word: Word) -> Result<(), &'static str> {
        self.url(text, word).map(drop)
    }

    fn url(&self, text: &str, word: Word) -> Result<Url, &'static str> {
        let is_text = text.len() <= MAX_URL && text.bytes().all(|byte| byte.is_ascii_graphic());
        let url: Url = text.parse().map_err(|_| "is no address, as https://id.example.com is")?;
        if !is_text {
            return Err("must be ASCII without blanks, and at most 2000 characters long");
        }
        let is_known = word == Word::Tenant && self.is_named(&url);
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) && self.allow_plain_loopback => {
                if word == Word::Tenant && !is_known {
                    return Err("must begin with https://");
                }
            }
            _ => return Err("must begin with https://"),
        }
        if !url.username().is_empty() || url.password().is_some() || text.contains('@') {
            return Err("must name no user");
        }
        if url.fragment().is_some() || text.contains('#') {
            return Err("must have no fragment");
        }
        let written = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = written.split(['/', '?']).next().unwrap_or_default();
        if text.contains('\\') || written_host(&url).is_none_or(|host| host != authority) {
            // 127.1, 0x7f.1 and the like are spellings of another host.
            return Err("must have its host in its one spelling, as https://id.example.com has");
        }
        if word == Word::Tenant && !is_known && !may_be_public(&url) {
            return Err("must have a public host");
        }
        Ok(url)
    }

    fn is_named(&self, url: &Url) -> bool {
        let host = written_host(url).unwrap_or_default();
        self.private_issuer_hosts.contains(&host)
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

fn is_loopback(url: &Url) -> bool {
    let is_name = url.host_str() == Some("localhost");
    is_name || literal(url).is_some_and(|address| address.is_loopback())
}

/// Whether a host can be public by what it is called: an address that is, or a name of the public DNS.
fn may_be_public(url: &Url) -> bool {
    const NEVER: &[&str] = &["localhost", "local", "internal", "home.arpa", "lan", "intranet"];
    if let Some(address) = literal(url) {
        return egress::is_public(address);
    }
    let host = url.host_str().unwrap_or_default();
    let is_below = |name: &str| {
        host.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    host.contains('.') && !host.ends_with('.') && !NEVER.iter().any(|name| is_below(name))
}

/// Resolves names to public addresses alone; a name that has any other is refused whole.
struct PublicAlone;

impl Resolve for PublicAlone {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let addresses: Vec<SocketAddr> = found.collect();
            if addresses.iter().any(|address| !egress::is_public(address.ip())) {
                return Err("its name means an address that is not public".into());
            }
            Ok(Box::new(addresses.into_iter()) as Addrs)
        })
    }
}

/// What came of a client that is made when it is first needed.
type Lazy = OnceLock<Result<Client, String>>;

/// Fetches documents.
pub struct Fetcher {
    reach: Reach,
    runtime: Handle,
    /// For addresses of the configuration; for the same without TLS; for addresses of tenants.
    clients: [Lazy; 3],
    /// Ends the thread when dropped.
    _thread: oneshot::Sender<()>,
}

impl std::fmt::Debug for Fetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fetcher")
    }
}

impl Fetcher {
    /// Makes ready to fetch.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(reach: Reach) -> Result<Arc<Self>, String> {
        let (runtime, thread) = thread()?;
        Ok(Arc::new(Self { reach, runtime, clients: Default::default(), _thread: thread }))
    }

    /// Where issuers may be.
    #[must_use]
    pub fn reach(&self) -> &Reach {
        &self.reach
    }

    pub(super) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    /// Where an issuer's keys are, by its discovery document.
    pub(super) async fn jwks_uri(&self, issuer: &str, word: Word) -> Result<String, String> {
        let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let document = self.get(&url, word).await?;
        let document = object(&document).ok_or("its discovery document is no JSON object")?;
        if document.get("issuer").and_then(Value::as_str) != Some(issuer) {
            return Err("its discovery document names another issuer".to_owned());
        }
        let uri = document.get("jwks_uri").and_then(Value::as_str);
        uri.map(str::to_owned).ok_or_else(|| "its discovery document names no keys".to_owned())
    }

    /// A document.
    pub(super) async fn get(&self, text: &str, word: Word) -> Result<Vec<u8>, String> {
        let url = self.reach.url(text, word).map_err(|what| format!("the address {what}"))?;
        let client = self.client(&url, word)?;
        let fetched = tokio::time::timeout(TIMEOUT, fetch(&client, url)).await;
        fetched.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
    }

    fn client(&self, url: &Url, word: Word) -> Result<Client, String> {
        let is_plain = url.scheme() != "https";
        let is_filtered = word == Word::Tenant && !self.reach.is_named(url);
        let lazy = &self.clients[if is_filtered { 2 } else { usize::from(is_plain) }];
        lazy.get_or_init(|| client(is_plain, is_filtered)).clone()
    }
}

fn client(is_plain: bool, is_filtered: bool) -> Result<Client, String> {
    let mut builder = Client::builder()
        .redirect(Policy::none())
        .no_proxy()
        .pool_idle_timeout(IDLE)
        .connect_timeout(TIMEOUT)
        .user_agent(concat!("freehold/", env!("CARGO_PKG_VERSION")));
    if is_plain {
        // Without certificates of authorities, of which this host may have none.
        builder = builder.tls_certs_only([]);
    }
    if is_filtered {
        builder = builder.https_only(true).dns_resolver(PublicAlone);
    }
    builder.build().map_err(|error| cause(&error))
}

async fn fetch(client: &Client, url: Url) -> Result<Vec<u8>, String> {
    let request = client.get(url).header("accept", "application/json");
    let mut response = request.send().await.map_err(|error| cause(&error))?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status().as_u16()));
    }
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
fn cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}

/// A thread that requests run on, until the sender is dropped.
fn thread() -> Result<(Handle, oneshot::Sender<()>), String> {
    let runtime =
        Builder::new_current_thread().enable_all().build().map_err(|error| error.to_string())?;
    let handle = runtime.handle().clone();
    let (sender, ended) = oneshot::channel::<()>();
    std::thread::Builder::new()
        .name("issuers".to_owned())
        .spawn(move || {
            // Ends when the sender is dropped, which is no error here.
            let _dropped = runtime.block_on(ended);
            runtime.shutdown_background();
        })
        .map_err(|error| error.to_string())?;
    Ok((handle, sender))
}

#[cfg(test)]
mod tests {
    use super::{Reach, Word};

    #[test]
    fn a_tenant_names_public_hosts_alone() {
        let reach = Reach { allow_plain_loopback: true, ..Reach::default() };
        for good in [
            "https://id.example.com",
            "https://id.example.com/realms/acme",
            "https://8.8.8.8",
            "https://id.example.com:8443/a?b=c",
            "https://[2606:4700::1111]/",
        ] {
            assert_eq!(reach.check(good, Word::Tenant), Ok(()), "{good}");
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
            assert!(reach.check(bad, Word::Tenant).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_the_host_allows_is_allowed() {
        let named = vec!["127.0.0.1:4000".to_owned(), "idp.internal".to_owned()];
        let reach = Reach { allow_plain_loopback: true, private_issuer_hosts: named };
        for good in ["http://127.0.0.1:4000/a", "https://idp.internal/a"] {
            assert_eq!(reach.check(good, Word::Tenant), Ok(()), "{good}");
        }
        for bad in ["http://127.0.0.1:4001", "http://idp.internal", "https://a.idp.internal"] {
            assert!(reach.check(bad, Word::Tenant).is_err(), "{bad}");
        }
        assert_eq!(reach.check("http://127.0.0.1:1", Word::Host), Ok(()));
        assert_eq!(reach.check("https://10.0.0.1", Word::Host), Ok(()));
        assert!(reach.check("http://10.0.0.1", Word::Host).is_err());
        assert!(Reach::default().check("http://127.0.0.1:1", Word::Host).is_err());
    }
}
