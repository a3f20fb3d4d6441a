//! The verifier of tokens, by the rules of RFC 8725.
//!
//! Our own tokens: the algorithm is `EdDSA`; a header says `alg`, `typ` and `kid` and nothing else; `iss`, `aud`, `exp`,
//! `iat`, `nbf` and `sub` are required and of their types. Access tokens of other issuers: [`rules`]; ID tokens of log-ins,
//! which are never valid as access tokens: [`id_token`]. A token is parsed once ([`Presented`]). What was verified is
//! remembered ([`memory`]) by a digest of the whole token, never beyond its own end, and for no longer than its issuer has
//! its key. Nothing here waits: where keys must be fetched first, that is said ([`Refused::ask`]).

mod id_token;
mod memory;
mod presented;
mod rules;
mod trust;

use std::sync::Arc;
use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use moka::policy::EvictionPolicy;
use moka::sync::Cache;
use serde::Deserialize;
use serde_json::Value;

pub use self::id_token::{IdToken, IdTokenRules, Person, Unfit};
pub use self::memory::Checked;
use self::memory::{Memory, Remembered};
use self::presented::Parsed;
pub use self::presented::Presented;
pub use self::trust::{Trust, TrustedIssuer};
use super::claims::Claims;
use super::jose::{MAX_BYTES, UNKNOWN_KEY};
use super::jwks::{Look, NO_KEYS, RemoteKeys};
use super::keys::SigningKey;
use super::ring::KeyRing;
use crate::domain::{
    Email, Error, HOST, Identity, IdentityPart, Result, Revocable, Said, SignIn, SigningAlgorithm,
    TenantId, TenantIssuer, Timestamp,
};

/// Seconds that clocks may differ by.
const SKEW_S: i64 = 5;
/// Seconds that a token may be good for at most.
const MAX_LIFETIME_S: i64 = 24 * 3600;

/// Why a token is refused whose time has not come.
const NOT_YET: &str = "the token is not valid yet";
/// Tokens at most that are revoked before they can be verified; the oldest are let go first.
const MAX_UNVERIFIED: u64 = 10_000;

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
    /// The tenant that it says it is for, where an issuer elsewhere said so: an id or a slug, which may be nobody's.
    pub tenant_name: Option<Arc<str>>,
    /// Who acts for the subject.
    pub actor: Option<Arc<str>>,
    /// How strongly the subject logged in.
    pub assurance: Arc<crate::domain::Assurance>,
    /// What it is narrowed to.
    pub scopes: Option<Arc<[String]>>,
    /// What of it can be taken back.
    pub credential: Arc<Revocable>,
    /// What the issuer says of the subject's e-mail address, where it says anything and means a subject of its own.
    pub said: Option<Arc<Said>>,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// A token that is refused, or not good yet.
#[derive(Debug)]
pub struct Refused {
    /// What is wrong, for the log and not for the caller.
    pub why: &'static str,
    /// Who it says signed it; nobody has verified that.
    pub issuer: Option<String>,
    /// The key that it says it is signed by.
    pub kid: Option<String>,
    /// Whether its issuer is none of the installation's: it may be a tenant's.
    pub is_unknown: bool,
    /// Whether it names another issuer than our own and its signature was not verified: how long the refusal takes must
    /// not tell whether that issuer is trusted.
    pub is_foreign: bool,
    /// Keys that must be fetched before it can be verified.
    pub ask: Option<Arc<RemoteKeys>>,
}

impl Refused {
    /// Whether the token may become valid: the key that would tell was not fetched yet, or its time has not come.
    #[must_use]
    pub fn is_undecided(&self) -> bool {
        self.ask.is_some() || [NO_KEYS, UNKNOWN_KEY, NOT_YET].contains(&self.why)
    }

    /// A refusal of what is no token at all.
    #[must_use]
    pub fn of(why: &'static str) -> Self {
        Self { why, issuer: None, kid: None, is_unknown: false, is_foreign: false, ask: None }
    }

    fn by(why: &'static str, token: &Parsed<'_>) -> Self {
        let (issuer, kid) = (Some(token.issuer.clone()), token.signed.kid().map(str::to_owned));
        Self { issuer, kid, ..Self::of(why) }
    }

    fn foreign(why: &'static str, token: &Parsed<'_>) -> Self {
        Self { is_foreign: true, ..Self::by(why, token) }
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Unauthenticated(refused.why)
    }
}

/// Verifies tokens of the issuers that it trusts.
pub struct Verifier {
    audience: String,
    issuers: Vec<Issuer>,
    trust: Trust,
    memory: Memory,
    /// Tokens that were revoked before they could be verified, by a digest of what is signed.
    unverified: Cache<String, ()>,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("issuers", &self.issuers).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Trusts these issuers, for this audience, and those elsewhere.
    #[must_use]
    pub fn new(audience: &str, issuers: Vec<Issuer>, trust: Trust) -> Self {
        let unverified = Cache::builder()
            .max_capacity(MAX_UNVERIFIED)
            // The newest is let in also where all places are taken.
            .eviction_policy(EvictionPolicy::lru())
            .time_to_live(Duration::from_secs(MAX_LIFETIME_S.unsigned_abs()))
            .build();
        let audience = audience.to_owned();
        Self { audience, issuers, trust, memory: Memory::new(), unverified }
    }

    /// The issuers elsewhere that are trusted.
    #[must_use]
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// What is wrong with an address that a tenant would have as an issuer of its own, if something is.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn check_tenant_issuer(&self, url: &str) -> Result<(), &'static str> {
        if self.issuers.iter().any(|own| own.name == url) || self.trust.is_ours(url) {
            return Err("is an issuer of the installation's");
        }
        self.trust.check(url)
    }

    /// Verifies a token by what is at hand.
    ///
    /// # Errors
    /// What is wrong with it, or whose keys must be fetched first.
    pub fn verify(&self, token: &Presented<'_>, now: Timestamp) -> Result<Checked, Refused> {
        self.remember(token.text(), None, now, || {
            let token = token.parsed().map_err(Refused::of)?;
            if let Some(own) = self.issuers.iter().find(|own| own.name == token.issuer) {
                let verified = self.verify_own(own, token, now);
                return Ok((verified.map_err(|why| Refused::by(why, token))?, None));
            }
            let Some(trusted) = self.trust.find(&token.issuer) else {
                let why = "the issuer or its key is not known";
                return Err(Refused { is_unknown: true, ..Refused::foreign(why, token) });
            };
            let (verified, key) = trusted
                .verify(token, now)
                .map_err(|(why, ask)| Refused { ask, ..Refused::foreign(why, token) })?;
            self.check_unrevoked(token)?;
            Ok((verified, Some(key)))
        })
    }

    /// Verifies a token of a tenant's own issuer, by what is at hand. It speaks for that tenant alone, whatever it says.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_for(
        &self,
        token: &Presented<'_>,
        issuer: &TenantIssuer,
        now: Timestamp,
    ) -> Result<Checked, Refused> {
        self.remember(token.text(), Some(issuer), now, || {
            let token = token.parsed().map_err(Refused::of)?;
            let named = &token.issuer;
            // An issuer of the installation speaks for no single tenant.
            let is_ours = self.issuers.iter().any(|own| own.name == *named);
            if is_ours || self.trust.find(named).is_some() || named != issuer.issuer.url.as_str() {
                return Err(Refused::foreign("the issuer is not the tenant's", token));
            }
            let trusted = self.trust.of_tenant(issuer);
            let (mut verified, key) = trusted
                .verify(token, now)
                .map_err(|(why, ask)| Refused { ask, ..Refused::foreign(why, token) })?;
            self.check_unrevoked(token)?;
            verified.tenant = Some(issuer.tenant);
            let credential = Revocable { by_tenant: true, ..(*verified.credential).clone() };
            verified.credential = Arc::new(credential);
            Ok((verified, Some(key)))
        })
    }

    /// What is remembered of a token, or what comes of it now.
    fn remember(
        &self,
        token: &str,
        issuer: Option<&TenantIssuer>,
        now: Timestamp,
        anew: impl FnOnce() -> Result<(Verified, Option<(Arc<RemoteKeys>, [u8; 32])>), Refused>,
    ) -> Result<Checked, Refused> {
        if token.len() > MAX_BYTES {
            return Err(Refused::of("the token is too long"));
        }
        let sum = sum(token, issuer);
        // Noted before the keys are looked at: what is verified may be newer than it says, never older.
        let generation = self.generation();
        let known = self.memory.find(&sum).filter(|known| known.generation == generation);
        let fresh = known.is_none().then_some(sum);
        let known = match known {
            Some(known) => known,
            None => {
                let (verified, key) = anew()?;
                Remembered { generation, verified: Arc::new(verified), key }
            }
        };
        if known.verified.expires_at <= now {
            return Err(Refused::of("the token has expired"));
        }
        if let Some((keys, digest)) = &known.key {
            match keys.look_again(digest) {
                Look::Known(()) => {}
                Look::Ask => {
                    let why = "the issuer's keys must be fetched";
                    return Err(Refused { ask: Some(keys.clone()), ..Refused::of(why) });
                }
                Look::Refused(why) => return Err(Refused::of(why)),
            }
        }
        Ok(Checked::of(known, fresh))
    }

    /// Revokes a token that these issuers of tenants, or one of the installation's, may have signed, and that cannot be
    /// verified yet: it is refused once it can be. Kept in memory, for as long as a token is valid at most.
    pub fn revoke_unverified(&self, token: &Presented<'_>, issuers: &[TenantIssuer]) {
        let Ok(parsed) = token.parsed() else { return };
        self.unverified.insert(parsed.signed.digest(), ());
        for issuer in issuers.iter().map(Some).chain([None]) {
            self.memory.forget(&sum(token.text(), issuer));
        }
    }

    /// Refuses a token that its holder revoked before it could be verified.
    fn check_unrevoked(&self, token: &Parsed<'_>) -> Result<(), Refused> {
        if self.unverified.contains_key(&token.signed.digest()) {
            return Err(Refused::by("the token was revoked", token));
        }
        Ok(())
    }

    /// Remembers a token, once its subject is known here.
    pub fn keep(&self, checked: Checked) {
        self.memory.keep(checked);
    }

    /// Bytes that remembered tokens take.
    #[must_use]
    pub fn remembered_bytes(&self) -> u64 {
        self.memory.bytes()
    }

    /// Moves whenever a key of ours comes or goes.
    fn generation(&self) -> u64 {
        self.issuers.iter().map(|issuer| issuer.ring.held().generation).sum()
    }

    fn trusts(&self, issuer: &str) -> bool {
        self.issuers.iter().any(|own| own.name == issuer) || self.trust.find(issuer).is_some()
    }

    fn verify_own(
        &self,
        issuer: &Issuer,
        token: &Parsed<'_>,
        now: Timestamp,
    ) -> Result<Verified, &'static str> {
        let kid = token.signed.own_kid()?;
        let held = issuer.ring.held();
        let key = held.key(kid, now).ok_or("the issuer or its key is not known")?;
        token.signed.check_signature(key, SigningAlgorithm::EdDsa)?;
        let claims = Claims::deserialize(&token.claims).map_err(|_| "a claim is wrong")?;
        if claims.iss != issuer.name || claims.aud != self.audience {
            return Err("the audience is not ours");
        }
        check_times(&claims, now.seconds())?;
        if !claims.exchanged_for.iter().all(|name| name.tid.is_some() || self.trusts(&name.iss)) {
            return Err("the issuer of what it was exchanged for is trusted no more");
        }
        Ok(of(issuer, claims))
    }
}

/// What a token is remembered by: for whom it speaks is a part of it.
fn sum(token: &str, issuer: Option<&TenantIssuer>) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    match issuer {
        None => context.update(&[0]),
        Some(TenantIssuer { tenant, issuer }) => {
            context.update(&[1]);
            context.update(tenant.0.as_bytes());
            context.update(issuer.id.0.as_bytes());
            context.update(&issuer.version.to_be_bytes());
        }
    }
    context.update(token.as_bytes());
    let mut sum = [0_u8; 32];
    sum.copy_from_slice(context.finish().as_ref());
    sum
}

fn check_times(claims: &Claims, now: i64) -> Result<(), &'static str> {
    if claims.exp <= now {
        return Err("the token has expired");
    }
    if claims.nbf > now + SKEW_S || claims.iat > now + SKEW_S {
        return Err(NOT_YET);
    }
    if claims.exp.saturating_sub(claims.iat) > MAX_LIFETIME_S {
        return Err("the token is good for too long");
    }
    Ok(())
}

/// What an issuer says of its subject's e-mail address; it identifies nobody.
fn said(
    issuer: &str,
    subject: &str,
    email: Option<&str>,
    verified: Option<&Value>,
) -> Option<Said> {
    let identity = Identity {
        issuer: IdentityPart::parse(issuer).ok()?,
        subject: IdentityPart::parse(subject).ok()?,
    };
    let email = Email::parse(email?).ok()?;
    // `"true"` and `1` are not what an issuer says who has looked.
    Some(Said { identity, email, email_verified: verified == Some(&Value::Bool(true)) })
}

fn of(issuer: &Issuer, claims: Claims) -> Verified {
    let said = (issuer.subject == Subject::Identity)
        .then(|| {
            let email = claims.email.as_ref().and_then(Value::as_str);
            said(&issuer.name, &claims.sub, email, claims.email_verified.as_ref())
        })
        .flatten()
        .map(Arc::new);
    // What the host minted is a sign-in of that moment, and a session ends by its own row.
    let by_host = claims.act.as_ref().is_some_and(|actor| actor.sub == HOST);
    let is_apart = issuer.subject == Subject::Account && (by_host || claims.sid.is_some());
    let signed_in = if is_apart { SignIn::Apart } else { SignIn::of(claims.auth_time) };
    Verified {
        issuer: issuer.name.as_str().into(),
        subject: claims.sub,
        meant: issuer.subject,
        tenant: claims.tid,
        tenant_name: None,
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
            exchanged_for: claims.exchanged_for,
            issued_at: Timestamp::of_seconds(claims.iat),
            session: claims.sid,
            api_key: claims.api_key,
            by_tenant: false,
            signed_in,
            outlives: false,
        }),
        said,
        expires_at: Timestamp(claims.exp.saturating_mul(1_000_000)),
    }
}
