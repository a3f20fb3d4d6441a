//! The verifier of tokens, by the rules of RFC 8725.
//!
//! The algorithm is the issuer's, never the token's; a header says `alg`, `typ` and `kid` and nothing else; `iss`, `aud`,
//! `exp`, `iat`, `nbf` and `sub` are required and of their types. What was verified is remembered by a digest of the
//! whole token, for a minute at most, and never beyond its own end.

use std::sync::Arc;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use moka::sync::Cache;
use serde::Deserialize;

use super::claims::Claims;
use super::keys::SigningKey;
use super::ring::{Held, KeyRing};
use crate::domain::{Error, Result, Revocable, TenantId, Timestamp};

/// Bytes of a token at most.
const MAX_BYTES: usize = 8 * 1024;
/// Seconds that clocks may differ by.
const SKEW_S: i64 = 5;
/// Seconds that a token may be good for at most.
const MAX_LIFETIME_S: i64 = 24 * 3600;
/// Seconds that a verified token is remembered at most.
const REMEMBERED_S: u64 = 60;
/// Verified tokens that are remembered at most.
const MAX_REMEMBERED: u64 = 100_000;

/// How an issuer means its subjects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// By an account's id.
    Account,
    /// By a subject of its own, which an identity maps to an account.
    Identity,
}

/// An issuer that is trusted.
#[derive(Clone)]
pub struct Issuer {
    name: String,
    subject: Subject,
    ring: Arc<KeyRing>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Issuer({})", self.name)
    }
}

impl Issuer {
    /// An issuer whose key is here.
    #[must_use]
    pub fn new(name: &str, subject: Subject, key: &SigningKey) -> Self {
        Self::with(name, subject, Arc::new(KeyRing::of(key.clone())))
    }

    /// An issuer whose keys are here, and change.
    #[must_use]
    pub fn with(name: &str, subject: Subject, ring: Arc<KeyRing>) -> Self {
        Self { name: name.to_owned(), subject, ring }
    }
}

/// What a good token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Who signed it.
    pub issuer: Arc<str>,
    /// Whom it is about.
    pub subject: String,
    /// How that is meant.
    pub meant: Subject,
    /// The tenant that it is for; `None` for the platform.
    pub tenant: Option<TenantId>,
    /// Who acts for the subject.
    pub actor: Option<Arc<str>>,
    /// How strongly the subject logged in.
    pub assurance: Arc<crate::domain::Assurance>,
    /// What it is narrowed to.
    pub scopes: Option<Arc<[String]>>,
    /// What of it can be taken back.
    pub credential: Arc<Revocable>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// The header of a token; any other member makes it unreadable.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Header {
    alg: String,
    typ: String,
    kid: String,
}

/// The claims that tell which issuer's rules hold.
#[derive(Deserialize)]
struct Unverified {
    iss: String,
}

/// Verifies tokens of the issuers that it trusts.
#[derive(Debug)]
pub struct Verifier {
    audience: String,
    issuers: Vec<Issuer>,
    /// With the generations of keys by which each was verified.
    remembered: Cache<[u8; 32], (u64, Arc<Verified>)>,
}

impl Verifier {
    /// Trusts these issuers, for this audience.
    #[must_use]
    pub fn new(audience: &str, issuers: Vec<Issuer>) -> Self {
        let remembered = Cache::builder()
            .max_capacity(MAX_REMEMBERED)
            .time_to_live(std::time::Duration::from_secs(REMEMBERED_S))
            .build();
        Self { audience: audience.to_owned(), issuers, remembered }
    }

    /// Verifies a token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`], with what is wrong in words for the log, not for the caller.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Arc<Verified>> {
        if token.len() > MAX_BYTES {
            return Err(Error::Unauthenticated("the token is too long"));
        }
        let mut key = [0_u8; 32];
        key.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
        // Noted before the keys are looked at: what is verified may be newer than it says, never older.
        let generation = self.generation();
        let known = self.remembered.get(&key).filter(|(of, _)| *of == generation);
        let verified = match known {
            Some((_, verified)) => verified,
            None => {
                let verified = Arc::new(self.verify_anew(token, now)?);
                self.remembered.insert(key, (generation, verified.clone()));
                verified
            }
        };
        if verified.expires_at <= now {
            return Err(Error::Unauthenticated("the token has expired"));
        }
        Ok(verified)
    }

    /// Moves whenever a key comes or goes.
    fn generation(&self) -> u64 {
        self.issuers.iter().map(|issuer| issuer.ring.held().generation).sum()
    }

    fn verify_anew(&self, token: &str, now: Timestamp) -> Result<Verified> {
        let (header, claims) = split(token)?;
        let header: Header =
            read(header).ok_or(Error::Unauthenticated("the header is not one of ours"))?;
        let unverified: Unverified =
            read(claims).ok_or(Error::Unauthenticated("the claims cannot be read"))?;
        if header.alg != "EdDSA" || header.typ != "at+jwt" {
            return Err(Error::Unauthenticated("the algorithm or type is not the issuer's"));
        }
        let issuer = self
            .issuers
            .iter()
            .find(|issuer| issuer.name == unverified.iss)
            .ok_or(Error::Unauthenticated("the issuer is not known"))?;
        let held: Arc<Held> = issuer.ring.held();
        let key: &DecodingKey =
            held.key(&header.kid, now).ok_or(Error::Unauthenticated("the key is not known"))?;
        let decoded = jsonwebtoken::decode::<Claims>(token, key, &self.rules(issuer))
            .map_err(|_| Error::Unauthenticated("the signature or a claim is wrong"))?;
        check_times(&decoded.claims, now.seconds())?;
        Ok(of(issuer, decoded.claims))
    }

    fn rules(&self, issuer: &Issuer) -> Validation {
        let mut rules = Validation::new(Algorithm::EdDSA);
        rules.set_issuer(&[&issuer.name]);
        rules.set_audience(&[&self.audience]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub", "nbf"]);
        // Times are checked against the clock that was handed in.
        rules.validate_exp = false;
        rules.validate_nbf = false;
        rules
    }
}

fn check_times(claims: &Claims, now: i64) -> Result<()> {
    if claims.exp <= now {
        return Err(Error::Unauthenticated("the token has expired"));
    }
    if claims.nbf > now + SKEW_S || claims.iat > now + SKEW_S {
        return Err(Error::Unauthenticated("the token is not good yet"));
    }
    if claims.exp.saturating_sub(claims.iat) > MAX_LIFETIME_S {
        return Err(Error::Unauthenticated("the token is good for too long"));
    }
    Ok(())
}

fn of(issuer: &Issuer, claims: Claims) -> Verified {
    Verified {
        issuer: issuer.name.as_str().into(),
        subject: claims.sub,
        meant: issuer.subject,
        tenant: claims.tid,
        actor: claims.act.map(|actor| actor.sub.into()),
        assurance: Arc::new(crate::domain::Assurance {
            acr: claims.acr,
            amr: claims.amr,
            auth_time_s: claims.auth_time,
        }),
        scopes: claims.scope.map(|scope| {
            scope.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect()
        }),
        credential: Arc::new(Revocable {
            token: Some(claims.jti.into()),
            issued_at: Timestamp::of_seconds(claims.iat),
            session: claims.sid,
            api_key: claims.api_key,
            by_tenant: false,
        }),
        expires_at: Timestamp(claims.exp.saturating_mul(1_000_000)),
    }
}

/// The first two of exactly three parts.
fn split(token: &str) -> Result<(&str, &str)> {
    let mut parts = token.split('.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(header), Some(claims), Some(_), None) => Ok((header, claims)),
        _ => Err(Error::Unauthenticated("the token has not three parts")),
    }
}

fn read<T: serde::de::DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}
