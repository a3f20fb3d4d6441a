//! An issuer's documents: its discovery document (OpenID Connect Discovery 1.0) and its keys.
//!
//! Promises: they come by the way out (`outbound`), on a thread of its own, within 3 seconds.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::{Client, StatusCode, Url};
use serde_json::Value;

use super::jose::object;
use crate::outbound::{self, Destinations, Outside, Word, cause};

/// How long a document may take.
const TIMEOUT: Duration = Duration::from_secs(3);
/// How long an unused connection is kept.
const IDLE: Duration = Duration::from_secs(30);

/// What came of a client that is made when it is first needed.
type Lazy = OnceLock<Result<Client, String>>;

/// Fetches documents.
pub struct Fetcher {
    destinations: Destinations,
    outside: Outside,
    /// For addresses of the configuration; for the same without TLS; for addresses of tenants.
    clients: [Lazy; 3],
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
    pub fn start(destinations: Destinations) -> Result<Arc<Self>, String> {
        let outside = Outside::start("issuers")?;
        Ok(Arc::new(Self { destinations, outside, clients: Default::default() }))
    }

    /// Where issuers may be.
    #[must_use]
    pub fn destinations(&self) -> &Destinations {
        &self.destinations
    }

    pub(super) fn outside(&self) -> &Outside {
        &self.outside
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
        let url = self.destinations.check(text, word);
        let url = url.map_err(|what| format!("the address {what}"))?;
        let client = self.client(&url, word)?;
        let fetched = tokio::time::timeout(TIMEOUT, fetch(&client, url)).await;
        fetched.unwrap_or_else(|_| Err("it did not answer in time".to_owned()))
    }

    fn client(&self, url: &Url, word: Word) -> Result<Client, String> {
        let is_plain = url.scheme() != "https";
        let is_for_public_alone = self.destinations.is_for_public_alone(url, word);
        let lazy = &self.clients[if is_for_public_alone { 2 } else { usize::from(is_plain) }];
        lazy.get_or_init(|| client(url, is_for_public_alone)).clone()
    }
}

fn client(url: &Url, is_for_public_alone: bool) -> Result<Client, String> {
    let builder = outbound::builder(url).pool_idle_timeout(IDLE);
    let builder = if is_for_public_alone { outbound::to_public_alone(builder) } else { builder };
    builder.build().map_err(|error| cause(&error))
}

async fn fetch(client: &Client, url: Url) -> Result<Vec<u8>, String> {
    let request = client.get(url).header("accept", "application/json");
    let response = request.send().await.map_err(|error| cause(&error))?;
    if response.status() != StatusCode::OK {
        return Err(format!("it answered {}", response.status().as_u16()));
    }
    outbound::read(response).await
}
