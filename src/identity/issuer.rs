//! Tokens that Freehold signs itself.

use std::sync::Arc;

use jsonwebtoken::{Algorithm, Header};

use super::claims::{Actor, Claims};
use super::keys::SigningKey;
use super::ring::KeyRing;
use crate::domain::{
    ApiKeyId, Assurance, Clock, Error, Issued, Result, SessionId, Slug, TenantId, Timestamp, Token,
    TokenName,
};

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct Grant {
    /// Whom it is about.
    pub subject: String,
    /// The tenant that it is for; the platform where there is none.
    pub tenant: Option<(TenantId, Slug)>,
    /// Who acts for the subject, if somebody does.
    pub actor: Option<String>,
    /// What it is narrowed to, if it is.
    pub scope: Option<String>,
    /// The log-in that it comes of, if it does.
    pub session: Option<SessionId>,
    /// The API key that it is exchanged for, if it is.
    pub api_key: Option<ApiKeyId>,
    /// The tokens that it is exchanged for, one after the other.
    pub exchanged_for: Vec<TokenName>,
    /// How strongly the subject logged in.
    pub assurance: Assurance,
    /// Seconds that it is good for.
    pub ttl_s: i64,
}

/// Signs for one issuer, with whatever key signs for it at the time.
#[derive(Debug, Clone)]
pub struct Signer {
    issuer: String,
    audience: String,
    ring: Arc<KeyRing>,
}

impl Signer {
    /// Signs as this issuer, for this audience, with one key.
    #[must_use]
    pub fn new(issuer: &str, audience: &str, key: SigningKey) -> Self {
        Self::with(issuer, audience, Arc::new(KeyRing::of(key)))
    }

    /// Signs as this issuer, for this audience, with the keys of a ring.
    #[must_use]
    pub fn with(issuer: &str, audience: &str, ring: Arc<KeyRing>) -> Self {
        Self { issuer: issuer.to_owned(), audience: audience.to_owned(), ring }
    }

    /// Its keys.
    #[must_use]
    pub fn ring(&self) -> &Arc<KeyRing> {
        &self.ring
    }

    /// Signs.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn sign(&self, grant: &Grant, clock: &dyn Clock) -> Result<Token> {
        self.sign_as(grant, Issued { at: clock.now(), id: clock.new_id() })
    }

    /// Signs what was issued then.
    ///
    /// # Errors
    /// The crypto library failed.
    pub fn sign_as(&self, grant: &Grant, issued: Issued) -> Result<Token> {
        let now = issued.at.seconds();
        let held = self.ring.held();
        let key = held.signing.as_ref();
        let key = key.ok_or_else(|| Error::Internal("no key signs".to_owned()))?;
        let tenant = match &grant.tenant {
            Some((_, slug)) => format!("tenant:{slug}"),
            None => "tenant:platform".to_owned(),
        };
        let claims = Claims {
            iss: self.issuer.clone(),
            sub: grant.subject.clone(),
            aud: self.audience.clone(),
            exp: now + grant.ttl_s,
            nbf: now,
            iat: now,
            jti: issued.id.to_string(),
            tid: grant.tenant.as_ref().map(|(id, _)| *id),
            tenant: Some(tenant),
            scope: grant.scope.clone(),
            acr: grant.assurance.acr.clone(),
            amr: grant.assurance.amr.clone(),
            auth_time: grant.assurance.auth_time_s,
            act: grant.actor.clone().map(|sub| Actor { sub }),
            sid: grant.session,
            exchanged_for: grant.exchanged_for.clone(),
            api_key: grant.api_key,
            email: None,
            email_verified: None,
        };
        let mut header = Header::new(Algorithm::EdDSA);
        header.typ = Some("at+jwt".to_owned());
        header.kid = Some(key.kid.clone());
        let token = jsonwebtoken::encode(&header, &claims, &key.encoding)
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Token { token, expires_at: Timestamp(claims.exp * 1_000_000) })
    }
}
