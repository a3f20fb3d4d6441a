//! Log-in at an OpenID Connect provider: authorization code with PKCE, over a client of our own, which follows no redirects
//! and bounds how long an answer may take and how long it may be.
//!
//! The ID token goes through the verifier of all tokens, by a profile of its own. What a provider says of itself is kept for
//! a while, and fetched anew when a token names a key that is not there. This module answers which identity the provider
//! vouches for; which account that is, the floors above find out.

mod discovery;
mod exchange;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use reqwest::{Client as Http, RequestBuilder, Response, StatusCode, Url};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use self::discovery::{Endpoints, Metadata};
use self::exchange::{NoTokens, Tokens};
use super::jose::{KeySet, object};
use super::verifier::{IdToken, IdTokenRules, Person, Unfit};
use crate::domain::{Arrival, Clock, Error, LoginProblem, Result, Secret, SigningAlgorithm};
use crate::outbound::{self, cause, is_loopback};

/// How long a log-in waits for its turn.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Requests to one provider at once.
const MAX_AT_ONCE: usize = 32;
/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long it is kept what a provider says of itself.
const KEPT: Duration = Duration::from_mins(10);
/// How long a provider is left alone before it is asked again for keys that it did not show.
const REST: Duration = Duration::from_secs(30);
/// How long a provider that did not answer is not asked again.
const PAUSE: Duration = Duration::from_secs(2);

/// A provider, as it is configured.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// What its tokens say in `iss`, and below which it describes itself.
    pub url: String,
    /// What we are called there.
    pub client_id: String,
    /// What we prove it with; nothing for a public client.
    pub client_secret: Secret,
    /// What its ID tokens may be signed with.
    pub algorithms: Vec<SigningAlgorithm>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// What is asked for where a strong log-in is needed.
    pub acr_values: Vec<String>,
    /// Where it sends browsers back to.
    pub redirect_uri: String,
    /// Whether it may be on this host, without TLS.
    pub allow_plain_loopback: bool,
}

/// What a log-in is to be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Whether the provider is to see the person anew, as strongly as is demanded.
    pub step_up: bool,
}

/// A log-in that has begun: where the browser goes, and what it must bring back.
#[derive(Debug, Clone)]
pub struct BegunLogin {
    /// Where the browser goes.
    pub url: String,
    /// What tells this log-in from others.
    pub state: String,
    /// What the provider's token must say.
    pub nonce: String,
    /// What the code is redeemed with (RFC 7636).
    pub verifier: String,
}

/// A log-in that comes back.
#[derive(Debug, Clone)]
pub struct Redeemed {
    /// What the provider sent.
    pub code: String,
    /// Who says so (RFC 9207).
    pub iss: Option<String>,
    /// What the provider's token must say.
    pub nonce: String,
    /// What the code is redeemed with.
    pub verifier: String,
}

/// What a provider said of itself, and when; and when it last said nothing.
#[derive(Default)]
struct Kept {
    known: Option<(Arc<Metadata>, Instant)>,
    failed: Option<Instant>,
}

/// A provider.
pub struct Provider {
    settings: ProviderSettings,
    http: Http,
    turns: Semaphore,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Provider({})", self.settings.url)
    }
}

/// An address that a log-in may go by: by TLS and to somewhere else, or on this host where that is allowed.
///
/// # Errors
/// Says what the address must be.
pub fn check_url(text: &str, allow_loopback: bool) -> std::result::Result<Url, &'static str> {
    let url = outbound::check(text, true)?;
    if is_loopback(&url) && !allow_loopback {
        return Err("is on this host, which is for development alone");
    }
    Ok(url)
}

impl Provider {
    /// A provider.
    ///
    /// # Errors
    /// The address is malformed, or no CA certificates are available.
    pub fn new(
        settings: ProviderSettings,
        clock: Arc<dyn Clock>,
    ) -> std::result::Result<Self, String> {
        let url = check_url(&settings.url, settings.allow_plain_loopback)?;
        // A connection belongs to the thread that made it, and another may ask next.
        let builder = outbound::builder(&url).pool_max_idle_per_host(0).timeout(TIMEOUT);
        let http = builder.build().map_err(|error| cause(&error))?;
        let turns = Semaphore::new(MAX_AT_ONCE);
        Ok(Self { settings, http, turns, clock, kept: Mutex::default() })
    }

    /// What its tokens say in `iss`.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.settings.url
    }

    /// Begins a log-in.
    ///
    /// # Errors
    /// [`LoginProblem::ProviderFailed`]; too much at once.
    pub async fn begin(&self, wanted: Wanted) -> Result<BegunLogin> {
        let metadata = self.metadata().await?;
        let (state, nonce, verifier) = (random()?, random()?, random()?);
        let challenge = URL_SAFE_NO_PAD.encode(digest(&SHA256, verifier.as_bytes()));
        let scopes: Vec<_> = std::iter::once("openid")
            .chain(self.settings.scopes.iter().map(String::as_str))
            .collect();
        let mut url = metadata.endpoints.authorization.clone();
        let mut query = url.query_pairs_mut();
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", &self.settings.redirect_uri)
            .append_pair("scope", &scopes.join(" "))
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if wanted.step_up {
            if !self.settings.acr_values.is_empty() {
                query.append_pair("acr_values", &self.settings.acr_values.join(" "));
            }
            query.append_pair("max_age", "0");
        }
        drop(query);
        Ok(BegunLogin { url: url.into(), state, nonce, verifier })
    }

    /// Redeems what a browser brought back.
    ///
    /// # Errors
    /// [`LoginProblem::ProviderFailed`]; [`LoginProblem::Refused`] where the provider takes the code for none;
    /// [`LoginProblem::StateInvalid`] where somebody else sent the browser.
    pub async fn finish(&self, redeemed: Redeemed) -> Result<Arrival> {
        let _turn = self.turn().await?;
        let metadata = self.metadata().await?;
        self.check_sender(&metadata.endpoints, redeemed.iss.as_deref())?;
        let tokens = self.redeem(&metadata.endpoints, &redeemed).await?;
        let token = match self.verify(&tokens, &redeemed.nonce, &metadata.keys) {
            Err(Unfit::Key(_)) => {
                let newer = self.newer_metadata().await?;
                self.verify(&tokens, &redeemed.nonce, &newer.keys)
            }
            verified => verified,
        };
        let token = token.map_err(|unfit| self.failed("its ID token", unfit.why()))?;
        Ok(self.arrival(&metadata.endpoints, token, &tokens.access_token).await)
    }

    /// The ID token, verified by these keys.
    fn verify(&self, tokens: &Tokens, nonce: &str, keys: &KeySet) -> Result<IdToken, Unfit> {
        let rules = IdTokenRules {
            issuer: &self.settings.url,
            client_id: &self.settings.client_id,
            algorithms: &self.settings.algorithms,
            nonce,
            access_token: &tokens.access_token,
        };
        rules.verify(&tokens.id_token, keys, self.clock.now())
    }

    /// Where a browser logs out, if the provider has such a place: only by what is known of it already, or quickly said.
    pub async fn end_session_url(&self, post_logout: &str) -> Option<String> {
        let metadata = self.metadata().await.ok()?;
        let mut url = metadata.endpoints.end_session.clone()?;
        url.query_pairs_mut()
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("post_logout_redirect_uri", post_logout);
        Some(url.into())
    }

    /// A turn, for which somebody may wait a little: who asks for nothing holds none for long.
    async fn turn(&self) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let busy = || Error::Busy { retry_after_s: 1 };
        let turn = tokio::time::timeout(MAX_WAIT, self.turns.acquire()).await;
        turn.map_err(|_| busy())?.map_err(|_| busy())
    }

    fn failed(&self, what: &str, reason: &str) -> Error {
        tracing::warn!(issuer = self.settings.url, what, reason, "a provider failed a log-in");
        LoginProblem::ProviderFailed.into()
    }

    /// What the provider says of itself, one asking for all.
    async fn metadata(&self) -> Result<Arc<Metadata>> {
        self.metadata_since(KEPT).await
    }

    async fn newer_metadata(&self) -> Result<Arc<Metadata>> {
        self.metadata_since(REST).await
    }

    async fn metadata_since(&self, age: Duration) -> Result<Arc<Metadata>> {
        let mut kept = self.kept.lock().await;
        if let Some((metadata, at)) = &kept.known
            && at.elapsed() < age
        {
            return Ok(metadata.clone());
        }
        if kept.failed.is_some_and(|at| at.elapsed() < PAUSE) {
            return Err(LoginProblem::ProviderFailed.into());
        }
        match self.discover().await {
            Ok(metadata) => {
                *kept = Kept { known: Some((metadata.clone(), Instant::now())), failed: None };
                Ok(metadata)
            }
            Err(error) => {
                kept.failed = Some(Instant::now());
                Err(error)
            }
        }
    }

    async fn discover(&self) -> Result<Arc<Metadata>> {
        let issuer = &self.settings.url;
        let failed = |why: String| self.failed("its description", &why);
        let document = self.document(&discovery::address(issuer)).await.map_err(failed)?;
        let allow_loopback = self.settings.allow_plain_loopback;
        let endpoints = Endpoints::parse(&document, issuer, allow_loopback).map_err(failed)?;
        let failed = |why: String| self.failed("its keys", &why);
        let keys = self.document(endpoints.jwks.as_str()).await.map_err(failed)?;
        let keys = KeySet::parse(&keys).map_err(|why| self.failed("its keys", why))?;
        Ok(Arc::new(Metadata { endpoints, keys }))
    }

    /// A document of the provider.
    async fn document(&self, address: &str) -> std::result::Result<Vec<u8>, String> {
        let request = self.http.get(address).header(ACCEPT, "application/json");
        let response = send(request).await?;
        match response.status() {
            StatusCode::OK => outbound::read(response).await,
            other => Err(format!("it answered {}", other.as_u16())),
        }
    }

    /// The browser must come from the provider that it was sent to (RFC 9207).
    fn check_sender(&self, endpoints: &Endpoints, iss: Option<&str>) -> Result<()> {
        match iss {
            Some(iss) if iss == self.settings.url => Ok(()),
            None if !endpoints.names_itself => Ok(()),
            _ => Err(LoginProblem::StateInvalid.into()),
        }
    }

    async fn redeem(&self, endpoints: &Endpoints, redeemed: &Redeemed) -> Result<Tokens> {
        let request = exchange::request(&self.http, endpoints, &self.settings, redeemed);
        let failed = |why: &str| self.failed("its token endpoint", why);
        let response = send(request).await.map_err(|why| failed(&why))?;
        exchange::read(response).await.map_err(|none| match none {
            NoTokens::Failed(why) => failed(&why),
            NoTokens::Refused(code) => {
                tracing::debug!(issuer = self.settings.url, code, "a provider refused a code");
                LoginProblem::Refused.into()
            }
        })
    }

    /// The person, with what the provider tells elsewhere where the token says too little.
    async fn arrival(&self, endpoints: &Endpoints, token: IdToken, access_token: &str) -> Arrival {
        let IdToken { identity, mut person, assurance } = token;
        if person.name.is_none() || person.email.is_none() {
            match self.more(endpoints, identity.subject.as_str(), access_token).await {
                Ok(more) => {
                    person.name = person.name.or(more.name);
                    person.email = person.email.or(more.email);
                }
                Err(reason) => {
                    tracing::debug!(issuer = self.settings.url, reason, "no user info can be had");
                }
            }
        }
        Arrival { identity, name: person.name, email: person.email, assurance }
    }

    /// What the userinfo endpoint says of a subject, if it speaks of the same one (OpenID Connect Core, section 5.3.4). A
    /// log-in does without.
    async fn more(
        &self,
        endpoints: &Endpoints,
        subject: &str,
        access_token: &str,
    ) -> std::result::Result<Person, String> {
        let url = endpoints.userinfo.clone().ok_or("there is no endpoint for it")?;
        let request = self.http.get(url).header(ACCEPT, "application/json");
        let response = send(request.bearer_auth(access_token)).await?;
        let media_type = response.headers().get(CONTENT_TYPE);
        let is_json = media_type.is_none_or(|value| value.to_str().is_ok_and(exchange::is_json));
        if response.status() != StatusCode::OK || !is_json {
            return Err(format!("it answered {}", response.status().as_u16()));
        }
        let claims = object(&outbound::read(response).await?).ok_or("it is no JSON object")?;
        if claims.get("sub").and_then(|sub| sub.as_str()) != Some(subject) {
            return Err("it speaks of another subject".to_owned());
        }
        Ok(Person::of(&claims))
    }
}

async fn send(request: RequestBuilder) -> std::result::Result<Response, String> {
    request.send().await.map_err(|error| cause(&error))
}

/// 256 random bits, in 43 characters: enough for a state, a nonce and a PKCE verifier.
fn random() -> Result<String> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Internal("no randomness could be had".to_owned()))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::check_url;

    #[test]
    fn a_log_in_goes_by_tls_or_on_this_host_in_development() {
        for good in ["https://id.example.com", "https://id.example.com/realms/a"] {
            assert!(check_url(good, false).is_ok(), "{good}");
        }
        for bad in [
            "http://id.example.com",
            "ftp://id.example.com",
            "id.example.com",
            "https://a@id.example.com",
            "https://a:b@id.example.com",
            "https://localhost",
            "https://a.localhost/",
            "https://127.9.9.9/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "http://127.0.0.1:1/",
        ] {
            assert!(check_url(bad, false).is_err(), "{bad}");
        }
        assert!(check_url("http://127.0.0.1:1/", true).is_ok());
        assert!(check_url("http://id.example.com/", true).is_err());
    }
}
