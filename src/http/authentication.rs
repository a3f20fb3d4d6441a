//! Who calls: a bearer token, an API key, or the local socket.
//!
//! A key names its tenant and is checked before anything is looked up: one that this installation has not made opens no
//! file. Whether a token or a key is still good, the doors find out, in the transaction that they decide.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::admission::Party;
use super::failure::Failure;
use super::state::State;
use crate::domain::{
    AccountId, BreakGlassId, Caller, Error, Identity, IdentityPart, Revocable, ServiceAccountId,
    TenantId, TenantReference, TenantStatus, Timestamp,
};
use crate::identity::{ApiKeys, PresentedKey, Subject, Verified};
use crate::services::accounts;
use crate::storage::KnownKey;

/// Names the break-glass entry by which an operator enters a tenant.
const BREAK_GLASS: HeaderName = HeaderName::from_static("freehold-break-glass");
/// What tokens name themselves where they must not stand (RFC 6750, section 2.3).
const IN_QUERY: &str = "access_token";
/// What a service account's token says before its id.
const SERVICE_ACCOUNT: &str = "service_account:";
/// Who signed an API key, in words.
const BY_KEY: &str = "api_key";

/// Marks a connection that came by the local socket, which only the host's operator may open.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalSocket;

/// The verified caller of a request.
pub(super) async fn caller(request: &HttpRequest, state: &State) -> Result<Arc<Caller>, Failure> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (first, second) = (values.next(), values.next());
    if has_token_in_query(request) {
        return Err(unauthenticated("there is a token in the query"));
    }
    let Some(value) = first else {
        return match request.conn_data::<LocalSocket>() {
            Some(_) => Ok(Arc::new(Caller::host())),
            None => Err(unauthenticated("there is no token")),
        };
    };
    if second.is_some() {
        return Err(unauthenticated("there are two tokens"));
    }
    let token = value
        .to_str()
        .ok()
        .and_then(bearer)
        .ok_or_else(|| unauthenticated("it is no bearer token"))?;
    let caller = bearer_of(token, request, state).await?;
    Ok(Arc::new(Caller { break_glass: break_glass(request)?, ..caller }))
}

/// Whoever holds a token or a key.
pub(super) async fn bearer_of(
    token: &str,
    request: &HttpRequest,
    state: &State,
) -> Result<Caller, Failure> {
    if ApiKeys::is_meant(token) {
        return of_key(token, request, state).await;
    }
    of_verified(&*state.verifier.verify(token, state.registry.clock().now())?, state)
}

fn has_token_in_query(request: &HttpRequest) -> bool {
    let mut names = form_urlencoded::parse(request.query_string().as_bytes());
    names.any(|(name, _)| name == IN_QUERY)
}

/// `Bearer <token>` (RFC 6750), the scheme in any case.
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() && !token.contains(' '))
        .then_some(token)
}

fn unauthenticated(why: &'static str) -> Failure {
    Error::Unauthenticated(why).into()
}

/// The break-glass entry that a request names; what can be none is one that nobody has.
fn break_glass(request: &HttpRequest) -> Result<Option<BreakGlassId>, Failure> {
    let mut values = request.headers().get_all(BREAK_GLASS);
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Failure::parameter("Freehold-Break-Glass", "must not stand there twice"));
    }
    let id = |value: &HeaderValue| value.to_str().ok().and_then(|text| text.parse().ok());
    Ok(first.map(|value| id(value).unwrap_or(BreakGlassId(uuid::Uuid::nil()))))
}

/// The account or the service account that a token is about.
fn of_verified(verified: &Verified, state: &State) -> Result<Caller, Failure> {
    let subject = match verified.meant {
        Subject::Account => of_ours(verified)?,
        Subject::Identity => crate::domain::Subject::Account(of_identity(verified, state)?),
    };
    Ok(Caller {
        subject,
        tenant: verified.tenant,
        issuer: verified.issuer.clone(),
        credential: verified.credential.clone(),
        actor: verified.actor.clone(),
        assurance: verified.assurance.clone(),
        scopes: verified.scopes.clone(),
        break_glass: None,
        expires_at: verified.expires_at,
    })
}

/// Whom a system JWT is about. A service account's was exchanged for a key, and says which.
fn of_ours(verified: &Verified) -> Result<crate::domain::Subject, Failure> {
    let unknown = || unauthenticated("the subject is no account's id");
    match verified.subject.strip_prefix(SERVICE_ACCOUNT) {
        Some(id) => {
            let id: ServiceAccountId = id.parse().map_err(|_| unknown())?;
            let key = verified.credential.api_key;
            key.map(|_| crate::domain::Subject::ServiceAccount(id)).ok_or_else(unknown)
        }
        None => {
            let id: AccountId = verified.subject.parse().map_err(|_| unknown())?;
            Ok(crate::domain::Subject::Account(id))
        }
    }
}

/// Whose an identity is that an issuer has vouched for: here it is heard of.
fn of_identity(verified: &Verified, state: &State) -> Result<AccountId, Failure> {
    let part =
        |text: &str| IdentityPart::parse(text).map_err(|_| unauthenticated("the subject is odd"));
    let identity = Identity { issuer: part(&verified.issuer)?, subject: part(&verified.subject)? };
    accounts::of_identity(&state.registry, &identity)?
        .ok_or_else(|| unauthenticated("no account has this identity"))
}

/// Whose an API key is.
async fn of_key(text: &str, request: &HttpRequest, state: &State) -> Result<Caller, Failure> {
    let key = state.api_keys.read(text).ok_or_else(|| unauthenticated("it is no key of ours"))?;
    let known = match key.tenant {
        None => state.registry.api_key(key.id)?,
        Some(tenant) => of_tenant(&key, tenant, request, state).await?,
    };
    let known = known
        .filter(|known| key.is(&known.digest))
        .ok_or_else(|| unauthenticated("there is no such key"))?;
    Ok(by_key(&key, &known))
}

/// A key of a tenant's, which its own file knows. Whoever comes with one has a place among the tenant's requests first.
async fn of_tenant(
    key: &PresentedKey,
    tenant: TenantId,
    request: &HttpRequest,
    state: &State,
) -> Result<Option<Arc<KnownKey>>, Failure> {
    let entry = state.registry.resolve(&TenantReference::Id(tenant))?;
    let is_there = |status| matches!(status, TenantStatus::Active | TenantStatus::Suspended);
    let entry = entry
        .filter(|entry| is_there(entry.status))
        .ok_or_else(|| unauthenticated("the key's tenant is not there"))?;
    state.admission.enter(Party::Tenant(tenant), request)?;
    Ok(state.registry.open(&entry).await?.api_key(key.id).await?)
}

fn by_key(key: &PresentedKey, known: &KnownKey) -> Caller {
    Caller {
        subject: crate::domain::Subject::ServiceAccount(known.service_account),
        tenant: key.tenant,
        issuer: BY_KEY.into(),
        credential: Arc::new(Revocable {
            token: None,
            issued_at: Timestamp(i64::MAX),
            session: None,
            api_key: Some(key.id),
            by_tenant: false,
        }),
        actor: None,
        assurance: Arc::default(),
        scopes: known.scopes.clone(),
        break_glass: None,
        expires_at: known.expires_at,
    }
}
