//! What log-ins and sessions of browsers share: cookies, the defence against other sites, and what is sealed into them.
//!
//! The session's cookie carries a system JWT. It counts on the host of the public address alone, and never beside another
//! credential. Whatever it changes needs our own origin and a token that only our own pages can have read.

use std::collections::BTreeMap;
use std::time::Duration;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use aws_lc_rs::{constant_time, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::{Deserialize, Serialize};

use super::failure::Failure;
use super::origin;
use super::state::Settings;
use crate::domain::{
    Assurance, BegunSession, Error, LoginProblem, Result, ReturnPath, SessionId, SessionLimits,
    Timestamp,
};
use crate::identity::{Grant, Provider, Signer};

/// The cookie of a session. Its prefix has browsers send it by TLS, to this host alone, on every path.
pub(super) const SESSION: &str = "__Host-freehold";
/// The cookie of a log-in that has begun.
pub(super) const LOGIN: &str = "__Host-freehold-login";
/// What a change by the cookie brings besides.
const CSRF: HeaderName = HeaderName::from_static("freehold-csrf");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
/// Seconds that a log-in may take.
pub(super) const LOGIN_S: i64 = 600;
/// Log-ins that are remembered as done.
const MAX_DONE: u64 = 100_000;

/// How browsers log in.
#[derive(Debug, Clone)]
pub struct LoginSettings {
    /// Scheme and host of the address at which browsers reach this server.
    pub origin: String,
    /// Its host, and its port where it has one of its own.
    pub host: String,
    /// The provider to log in at where none is named.
    pub default_issuer: String,
    /// Whether an account is made for an identity that nobody has.
    pub create_accounts: bool,
    /// How long sessions are.
    pub limits: SessionLimits,
    /// Where browsers come back to from the provider's log-out.
    pub post_logout_path: String,
}

/// Lets browsers log in.
#[derive(Debug)]
pub struct Login {
    pub(super) settings: LoginSettings,
    pub(super) providers: BTreeMap<String, Provider>,
    key: hmac::Key,
    /// The log-ins that are done, so that none is done twice.
    done: Cache<String, ()>,
}

/// A log-in that has begun, as its cookie keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub(super) issuer: String,
    pub(super) state: String,
    pub(super) nonce: String,
    pub(super) verifier: String,
    pub(super) return_to: ReturnPath,
    pub(super) tenant: Option<String>,
    /// The session to whose account the identity is to be linked.
    pub(super) link: Option<SessionId>,
    /// When the provider was asked to have the person sign in again, if it was.
    #[serde(default)]
    pub(super) asked_anew_at: Option<Timestamp>,
    pub(super) until: i64,
}

impl Login {
    /// Lets browsers log in at these providers. The secret seals cookies.
    #[must_use]
    pub fn new(
        settings: LoginSettings,
        providers: BTreeMap<String, Provider>,
        secret: &[u8; 32],
    ) -> Self {
        // A key of its own: what is signed for one purpose is nothing for another.
        let own = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), b"freehold login 1");
        let done = Cache::builder()
            .max_capacity(MAX_DONE)
            // The newest is let in also where all places are taken.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(Duration::from_secs(LOGIN_S.unsigned_abs()))
            .build();
        Self { settings, providers, key: hmac::Key::new(hmac::HMAC_SHA256, own.as_ref()), done }
    }

    /// The provider of a name, or the default one.
    pub(super) fn provider(&self, name: Option<&str>) -> Option<(&str, &Provider)> {
        let name = name.unwrap_or(&self.settings.default_issuer);
        self.providers.get_key_value(name).map(|(name, provider)| (name.as_str(), provider))
    }

    /// The provider whose tokens say so in `iss`.
    pub(super) fn provider_of(&self, issuer: &str) -> Option<&Provider> {
        self.providers.values().find(|provider| provider.issuer() == issuer)
    }

    /// The cookie of a log-in that has begun.
    pub(super) fn seal(&self, pending: &Pending) -> HeaderValue {
        let text = serde_json::to_vec(pending).unwrap_or_default();
        let mut sealed = self.tag("log-in", &text).as_ref().to_vec();
        sealed.extend_from_slice(&text);
        set(LOGIN, &URL_SAFE_NO_PAD.encode(sealed), LOGIN_S)
    }

    /// The log-in of a cookie, if it was sealed here, is the one that the provider answers, and is neither over nor done.
    pub(super) fn open(
        &self,
        cookie: &str,
        state: &str,
        now: Timestamp,
    ) -> Result<Pending, LoginProblem> {
        let invalid = LoginProblem::StateInvalid;
        let sealed = URL_SAFE_NO_PAD.decode(cookie).map_err(|_| invalid)?;
        let (tag, text) = sealed.split_at_checked(32).ok_or(invalid)?;
        let own = self.tag("log-in", text);
        constant_time::verify_slices_are_equal(tag, own.as_ref()).map_err(|_| invalid)?;
        let pending: Pending = serde_json::from_slice(text).map_err(|_| invalid)?;
        let is_it =
            constant_time::verify_slices_are_equal(pending.state.as_bytes(), state.as_bytes());
        if is_it.is_err() || pending.until <= now.seconds() {
            return Err(invalid);
        }
        // Whoever comes first does it.
        let first = self.done.entry(pending.state.clone()).or_insert(()).is_fresh();
        if first { Ok(pending) } else { Err(invalid) }
    }

    /// What `Freehold-CSRF` must say in a session.
    pub(super) fn csrf_token(&self, session: SessionId) -> String {
        URL_SAFE_NO_PAD.encode(self.tag("csrf", session.to_string().as_bytes()))
    }

    fn tag(&self, purpose: &str, text: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(purpose.as_bytes());
        context.update(&[0]);
        context.update(text);
        context.sign()
    }

    /// Whether a request was sent to the public address.
    pub(super) fn is_here(&self, request: &HttpRequest, settings: &Settings) -> Result<bool> {
        Ok(origin::host(request, settings)?.as_deref() == Some(self.settings.host.as_str()))
    }

    /// Whether a change by the cookie was asked for by a page of ours.
    pub(super) fn check_site(
        &self,
        headers: &HeaderMap,
        session: SessionId,
    ) -> Result<(), Failure> {
        let is_ours = match only(headers, &header::ORIGIN)? {
            Some(origin) => origin == self.settings.origin,
            None => is_same_origin(headers)?,
        };
        let token = only(headers, &CSRF)?.unwrap_or_default();
        let own = self.csrf_token(session);
        let is_token =
            constant_time::verify_slices_are_equal(token.as_bytes(), own.as_bytes()).is_ok();
        if is_ours && is_token { Ok(()) } else { Err(Failure::CrossSite) }
    }

    /// The cookie of a session.
    pub(super) fn session_cookie(signer: &Signer, begun: &BegunSession) -> Result<HeaderValue> {
        let ttl_s = begun.expires_at.seconds() - begun.issued.at.seconds();
        let grant = Grant {
            subject: begun.account.to_string(),
            tenant: begun.tenant.clone(),
            actor: None,
            scope: None,
            session: Some(begun.id),
            api_key: None,
            exchanged_for: Vec::new(),
            assurance: Assurance {
                acr: begun.acr.clone(),
                amr: begun.amr.clone(),
                auth_time_s: begun.auth_time_s,
            },
            ttl_s,
        };
        Ok(set(SESSION, &signer.sign_as(&grant, begun.issued)?.token, ttl_s))
    }
}

/// Whether the browser says that a page of ours sent it (Fetch Metadata).
pub(super) fn is_same_origin(headers: &HeaderMap) -> Result<bool, Failure> {
    Ok(only(headers, &SITE)? == Some("same-origin"))
}

fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, Failure> {
    let mut values = headers.get_all(name);
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => value.to_str().map(Some).map_err(|_| Failure::CrossSite),
        _ => Err(Failure::CrossSite),
    }
}

/// The value of a cookie; two of one name are none that we set.
pub(super) fn cookie<'r>(request: &'r HttpRequest, name: &str) -> Result<Option<&'r str>> {
    let values = request.headers().get_all(header::COOKIE);
    let pairs = values.filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(';'));
    let mut found = pairs
        .filter_map(|pair| pair.trim().split_once('='))
        .filter(|(own, _)| *own == name)
        .map(|(_, value)| value);
    match (found.next(), found.next()) {
        (found, None) => Ok(found),
        _ => Err(Error::Unauthenticated("there are two cookies of one name")),
    }
}

fn set(name: &str, value: &str, max_age_s: i64) -> HeaderValue {
    let text =
        format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age={max_age_s}");
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Takes a cookie from the browser.
pub(super) fn clear(name: &str) -> HeaderValue {
    set(name, "", 0)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};

    use super::{Login, LoginSettings, Pending};
    use crate::domain::{ReturnPath, SessionId, SessionLimits, Timestamp};

    fn login(secret: u8) -> Login {
        let settings = LoginSettings {
            origin: "https://id.example.com".to_owned(),
            host: "id.example.com".to_owned(),
            default_issuer: "corp".to_owned(),
            create_accounts: false,
            limits: SessionLimits { idle_s: 60, max_s: 600 },
            post_logout_path: "/".to_owned(),
        };
        Login::new(settings, BTreeMap::new(), &[secret; 32])
    }

    fn pending(state: &str) -> Pending {
        Pending {
            issuer: "corp".to_owned(),
            state: state.to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            return_to: ReturnPath::parse("/").unwrap(),
            tenant: None,
            link: None,
            asked_anew_at: None,
            until: 600,
        }
    }

    fn sealed(login: &Login, pending: &Pending) -> String {
        let cookie = login.seal(pending).to_str().unwrap().to_owned();
        let value = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
        value.to_owned()
    }

    #[test]
    fn a_log_in_is_opened_once_by_whoever_sealed_it_and_in_time() {
        let (login, now) = (login(1), Timestamp::of_seconds(10));
        let cookie = sealed(&login, &pending("s"));
        assert!(login.open(&cookie, "t", now).is_err(), "another state");
        assert!(login.open(&cookie, "", now).is_err(), "no state");
        assert!(login.open(&cookie, "s", Timestamp::of_seconds(600)).is_err(), "too late");
        assert!(self::login(2).open(&cookie, "s", now).is_err(), "another secret");
        assert_eq!(login.open(&cookie, "s", now).unwrap(), pending("s"));
        assert!(login.open(&cookie, "s", now).is_err(), "a second time");
    }

    #[test]
    fn a_cookie_that_was_touched_is_none() {
        let (login, now) = (login(1), Timestamp::of_seconds(10));
        let cookie = sealed(&login, &pending("s"));
        for at in 0..cookie.len() {
            let mut other = cookie.clone().into_bytes();
            other[at] = if other[at] == b'A' { b'B' } else { b'A' };
            let other = String::from_utf8(other).unwrap();
            assert!(login.open(&other, "s", now).is_err(), "{at}");
            assert!(login.open(&cookie[..at], "s", now).is_err(), "{at}");
        }
        // What is sealed for one purpose is nothing for another.
        assert!(login.open(&login.csrf_token(SessionId(uuid::Uuid::nil())), "s", now).is_err());
        assert!(login.open(&cookie, "s", now).is_ok());
    }

    #[test]
    fn a_change_needs_our_origin_and_the_token_of_its_session() {
        let login = login(1);
        let (session, other) =
            (SessionId(uuid::Uuid::from_u128(1)), SessionId(uuid::Uuid::from_u128(2)));
        let (good, foreign) = (login.csrf_token(session), login.csrf_token(other));
        let (ours, evil) = ("https://id.example.com", "https://evil.example");
        let origins: [(&[&str], Option<bool>); 10] = [
            (&[ours], Some(true)),
            (&[], None),
            (&[evil], Some(false)),
            (&["null"], Some(false)),
            (&[""], Some(false)),
            (&["http://id.example.com"], Some(false)),
            (&["https://id.example.com:444"], Some(false)),
            (&["https://id.example.com.evil.example"], Some(false)),
            (&[ours, evil], Some(false)),
            (&[ours, ours], Some(false)),
        ];
        let sites: [(&[&str], bool); 6] = [
            (&["same-origin"], true),
            (&[], false),
            (&["same-site"], false),
            (&["cross-site"], false),
            (&["none"], false),
            (&["same-origin", "same-origin"], false),
        ];
        let tokens: [(&[&str], bool); 6] = [
            (&[&good], true),
            (&[], false),
            (&[""], false),
            (&[&foreign], false),
            (&[&good[1..]], false),
            (&[&good, &good], false),
        ];
        let mut allowed = 0;
        for (origin, by_origin) in origins {
            for (site, by_site) in sites {
                for (token, by_token) in tokens {
                    let mut headers = HeaderMap::new();
                    let named =
                        [("origin", origin), ("sec-fetch-site", site), ("freehold-csrf", token)];
                    for (name, values) in named {
                        for value in values {
                            let value = HeaderValue::from_str(value).unwrap();
                            headers.append(HeaderName::from_static(name), value);
                        }
                    }
                    let expected = by_token && by_origin.unwrap_or(by_site);
                    let found = login.check_site(&headers, session).is_ok();
                    assert_eq!(found, expected, "{origin:?} {site:?} {token:?}");
                    allowed += usize::from(found);
                }
            }
        }
        assert_eq!(allowed, 7);
    }
}
