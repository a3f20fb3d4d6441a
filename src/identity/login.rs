//! Log-in at an OpenID Connect provider: authorization code with PKCE, by the `openidconnect` crate over a client of our
//! own, which follows no redirects, waits for nobody long, and reads no more than an answer may have.
//!
//! What a provider says of itself is kept for a while and asked for anew when a token names a key that is not there. It
//! answers whom the provider means; which account that is, the floors above find out.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use openidconnect::core::{
    CoreAuthDisplay, CoreAuthenticationFlow, CoreClaimName, CoreClaimType, CoreClient,
    CoreClientAuthMethod, CoreGrantType, CoreIdTokenClaims, CoreJsonWebKey,
    CoreJweContentEncryptionAlgorithm, CoreJweKeyManagementAlgorithm, CoreJwsSigningAlgorithm,
    CoreResponseMode, CoreResponseType, CoreSubjectIdentifierType, CoreTokenResponse,
    CoreUserInfoClaims,
};
use openidconnect::{
    AccessToken, AdditionalProviderMetadata, AuthType, AuthenticationContextClass,
    AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken,
    EndpointMaybeSet, EndpointNotSet, EndpointSet, HttpRequest, HttpResponse, IssuerUrl, Nonce,
    OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, ProviderMetadata, RedirectUrl, Scope,
    TokenResponse,
};
use reqwest::{Client as Http, Url};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex, Semaphore};
use tokio::time::Instant;

use crate::domain::{
    Arrival, Assurance, Clock, Error, HOST_ACR, Identity, IdentityPart, LoginProblem, Result,
    Secret,
};
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
/// Seconds by which clocks may differ.
const SKEW_S: i64 = 30;
/// The algorithms that a token of a provider's may be signed with.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 4] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EdDsa,
];
/// Context classes and methods that are kept of a log-in at most, and their characters.
const MAX_METHODS: usize = 10;
const MAX_WORD: usize = 255;

/// What a provider says of itself beyond the common.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Besides {
    end_session_endpoint: Option<Url>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl AdditionalProviderMetadata for Besides {}

type Metadata = ProviderMetadata<
    Besides,
    CoreAuthDisplay,
    CoreClientAuthMethod,
    CoreClaimName,
    CoreClaimType,
    CoreGrantType,
    CoreJweContentEncryptionAlgorithm,
    CoreJweKeyManagementAlgorithm,
    CoreJsonWebKey,
    CoreResponseMode,
    CoreResponseType,
    CoreSubjectIdentifierType,
>;

type Client = CoreClient<
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// A provider, as it is configured.
#[derive(Debug, Clone)]
pub struct ProviderSettings {
    /// What its tokens say in `iss`, and below which it describes itself.
    pub url: String,
    /// What we are called there.
    pub client_id: String,
    /// What we prove it with; nothing for a public client.
    pub client_secret: Secret,
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

/// Why a provider's answer is none.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Failed(String);

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
    /// Its address is none; there are no certificates of authorities to know it by.
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
        let client = self.client(&metadata)?;
        let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
        let mut request = client
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                CsrfToken::new_random,
                Nonce::new_random,
            )
            .add_scopes(self.settings.scopes.iter().cloned().map(Scope::new))
            .set_pkce_challenge(challenge);
        if wanted.step_up {
            let classes = self.settings.acr_values.iter().cloned();
            for class in classes.map(AuthenticationContextClass::new) {
                request = request.add_auth_context_value(class);
            }
            request = request.set_max_age(Duration::ZERO);
        }
        let (url, state, nonce) = request.url();
        Ok(BegunLogin {
            url: url.into(),
            state: state.into_secret(),
            nonce: nonce.secret().clone(),
            verifier: verifier.into_secret(),
        })
    }

    /// Redeems what a browser brought back.
    ///
    /// # Errors
    /// [`LoginProblem::ProviderFailed`]; [`LoginProblem::Refused`] where the provider takes the code for none;
    /// [`LoginProblem::StateInvalid`] where somebody else sent the browser.
    pub async fn finish(&self, redeemed: Redeemed) -> Result<Arrival> {
        let _turn = self.turn().await?;
        let metadata = self.metadata().await?;
        self.check_sender(&metadata, redeemed.iss.as_deref())?;
        let client = self.client(&metadata)?;
        let answer = self.redeem(&client, redeemed.code, redeemed.verifier).await?;
        let nonce = Nonce::new(redeemed.nonce);
        let claims = self.claims(&client, &answer, &nonce);
        let claims = match claims {
            // The key may be newer than what is kept.
            Err(ClaimsVerificationError::SignatureVerification(_)) => {
                let newer = self.newer_metadata().await?;
                let client = self.client(&newer)?;
                self.claims(&client, &answer, &nonce)
            }
            claims => claims,
        };
        let claims = claims.map_err(|error| self.failed("its token", &error))?;
        self.arrival(&client, &claims, answer.access_token()).await
    }

    /// Where a browser logs out, if the provider has such a place: only by what is known of it already, or quickly said.
    pub async fn end_session_url(&self, post_logout: &str) -> Option<String> {
        let metadata = self.metadata().await.ok()?;
        let mut url = metadata.additional_metadata().end_session_endpoint.clone()?;
        self.check(&url).ok()?;
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

    fn failed(&self, what: &str, error: &(dyn std::error::Error + 'static)) -> Error {
        let reason = cause(error);
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
        let issuer = IssuerUrl::new(self.settings.url.clone())
            .map_err(|error| Error::Internal(error.to_string()))?;
        let send = |request| self.send(request);
        let metadata = Metadata::discover_async(issuer, &send).await;
        let metadata = metadata.map_err(|error| self.failed("its description", &error))?;
        for url in endpoints(&metadata) {
            self.check(url).map_err(|error| self.failed("its description", &error))?;
        }
        Ok(Arc::new(metadata))
    }

    fn check(&self, url: &Url) -> std::result::Result<(), Failed> {
        check_url(url.as_str(), self.settings.allow_plain_loopback)
            .map(drop)
            .map_err(|what| Failed(format!("{} {what}", url.host_str().unwrap_or_default())))
    }

    fn client(&self, metadata: &Metadata) -> Result<Client> {
        let secret = &self.settings.client_secret;
        let secret = (!secret.is_empty()).then(|| ClientSecret::new(secret.reveal().to_owned()));
        let id = ClientId::new(self.settings.client_id.clone());
        let redirect = RedirectUrl::new(self.settings.redirect_uri.clone())
            .map_err(|error| Error::Internal(error.to_string()))?;
        let client = CoreClient::from_provider_metadata(metadata.clone(), id, secret);
        Ok(client.set_redirect_uri(redirect).set_auth_type(auth_type(metadata)))
    }

    /// Whoever answers must be whom we asked (RFC 9207).
    fn check_sender(&self, metadata: &Metadata, iss: Option<&str>) -> Result<()> {
        let is_promised =
            metadata.additional_metadata().authorization_response_iss_parameter_supported;
        match iss {
            Some(iss) if iss == self.settings.url => Ok(()),
            None if !is_promised => Ok(()),
            _ => Err(LoginProblem::StateInvalid.into()),
        }
    }

    async fn redeem(
        &self,
        client: &Client,
        code: String,
        verifier: String,
    ) -> Result<CoreTokenResponse> {
        use openidconnect::RequestTokenError;
        let request = client
            .exchange_code(AuthorizationCode::new(code))
            .map_err(|error| self.failed("its description", &error))?
            .set_pkce_verifier(PkceCodeVerifier::new(verifier));
        let send = |request| self.send(request);
        match request.request_async(&send).await {
            Ok(answer) => Ok(answer),
            Err(RequestTokenError::ServerResponse(said)) => {
                let code = said.error().to_string();
                tracing::debug!(
                    issuer = self.settings.url,
                    code,
                    "a provider took a code for none"
                );
                Err(LoginProblem::Refused.into())
            }
            Err(error) => Err(self.failed("its token endpoint", &error)),
        }
    }

    /// The claims of its token, verified: issuer, audience, authorized party, signature, times and nonce.
    fn claims(
        &self,
        client: &Client,
        answer: &CoreTokenResponse,
        nonce: &Nonce,
    ) -> std::result::Result<CoreIdTokenClaims, ClaimsVerificationError> {
        let token = answer
            .id_token()
            .ok_or_else(|| ClaimsVerificationError::Other("there is no ID token".to_owned()))?;
        let now = self.clock.now();
        let time = move || DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default();
        let latest = now.seconds() + SKEW_S;
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(time)
            .set_issue_time_verifier_fn(move |at| {
                if at.timestamp() > latest { Err("it is of the future".to_owned()) } else { Ok(()) }
            });
        let claims = token.claims(&verifier, nonce)?;
        // The crate leaves it to us for whom a token was made that is for us too (OpenID Connect Core, section 3.1.3.7).
        let is_ours = |party: &ClientId| party.as_str() == self.settings.client_id;
        if claims.authorized_party().is_some_and(|party| !is_ours(party)) {
            return Err(ClaimsVerificationError::InvalidAudience("azp is another".to_owned()));
        }
        Ok(claims.clone())
    }

    async fn arrival(
        &self,
        client: &Client,
        claims: &CoreIdTokenClaims,
        access: &AccessToken,
    ) -> Result<Arrival> {
        let part = |text: &str| {
            let part = IdentityPart::parse(text);
            part.map_err(|what| self.failed("its token", &Failed(format!("a name {what}"))))
        };
        let identity =
            Identity { issuer: part(claims.issuer())?, subject: part(claims.subject())? };
        let named = claims.name().and_then(|name| name.get(None)).map(|name| name.to_string());
        let named = named.or_else(|| claims.preferred_username().map(|name| name.to_string()));
        let said = |email: Option<String>, seen_to: Option<bool>| {
            email.map(|email| (email, seen_to == Some(true)))
        };
        let email = claims.email().map(|email| email.to_string());
        let mut arrival = Arrival {
            identity,
            name: named,
            email: said(email, claims.email_verified()),
            assurance: assurance(claims),
        };
        if (arrival.name.is_none() || arrival.email.is_none())
            && let Some(more) = self.more(client, claims, access).await
        {
            let name = more.name().and_then(|name| name.get(None)).map(|name| name.to_string());
            let name = name.or_else(|| more.preferred_username().map(|name| name.to_string()));
            arrival.name = arrival.name.or(name);
            let email = more.email().map(|email| email.to_string());
            arrival.email = arrival.email.or(said(email, more.email_verified()));
        }
        Ok(arrival)
    }

    /// What the provider tells of the same person elsewhere, if it does; a log-in does without.
    async fn more(
        &self,
        client: &Client,
        claims: &CoreIdTokenClaims,
        access: &AccessToken,
    ) -> Option<CoreUserInfoClaims> {
        let request = client.user_info(access.clone(), Some(claims.subject().clone())).ok()?;
        let send = |request| self.send(request);
        let told = request.request_async(&send).await;
        told.inspect_err(|error| {
            let reason = cause(error);
            tracing::debug!(issuer = self.settings.url, reason, "a provider tells no more");
        })
        .ok()
    }

    async fn send(&self, request: HttpRequest) -> std::result::Result<HttpResponse, Failed> {
        let request: reqwest::Request =
            request.try_into().map_err(|error: reqwest::Error| Failed(cause(&error)))?;
        self.check(request.url())?;
        let failed = |error: reqwest::Error| Failed(cause(&error));
        let response = self.http.execute(request).await.map_err(failed)?;
        let mut answer = openidconnect::http::Response::builder().status(response.status());
        for (name, value) in response.headers() {
            answer = answer.header(name, value);
        }
        let body = outbound::read(response).await.map_err(Failed)?;
        answer.body(body).map_err(|error| Failed(error.to_string()))
    }
}

/// Every address by which we, or a browser with something of ours, go.
fn endpoints(metadata: &Metadata) -> impl Iterator<Item = &Url> {
    let token = metadata.token_endpoint().map(|url| url.url());
    let user_info = metadata.userinfo_endpoint().map(|url| url.url());
    let own = [metadata.authorization_endpoint().url(), metadata.jwks_uri().url()];
    own.into_iter().chain(token).chain(user_info)
}

/// How we prove who we are: by the header, unless the provider takes the body alone.
fn auth_type(metadata: &Metadata) -> AuthType {
    let methods = metadata.token_endpoint_auth_methods_supported();
    let takes = |method| methods.is_some_and(|methods| methods.contains(&method));
    let body = takes(CoreClientAuthMethod::ClientSecretPost);
    if body && !takes(CoreClientAuthMethod::ClientSecretBasic) {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

/// How strongly the person logged in, as far as words can be kept.
fn assurance(claims: &CoreIdTokenClaims) -> Assurance {
    let word = |text: &str| {
        let is_word = (1..=MAX_WORD).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic());
        is_word.then(|| text.to_owned())
    };
    let methods = claims.auth_method_refs().into_iter().flatten();
    Assurance {
        // The host's own word counts as strong wherever it comes from.
        acr: claims
            .auth_context_ref()
            .and_then(|class| word(class))
            .filter(|class| class != HOST_ACR),
        amr: methods.filter_map(|method| word(method)).take(MAX_METHODS).collect(),
        auth_time_s: claims.auth_time().map(|time| time.timestamp()),
    }
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
