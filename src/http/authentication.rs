//! Who calls: a bearer token, an API key, the cookie of a session, or the local socket. One of them alone.
//!
//! A key names its tenant and is checked before anything is looked up: one that this installation has not made opens no
//! file. Whether a token or a key is still valid, the doors find out, in the transaction that they decide.
//!
//! Which issuers are trusted, a stranger learns neither from the content of a refusal nor from its time: a token that names
//! another issuer than our own, and whose signature was not verified, is refused [`KEY_WAIT`] after it came, whether its
//! issuer is known or not, and whether its keys had to be fetched or not.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use super::admission::Party;
use super::failure::Failure;
use super::login;
use super::middleware::RequestIds;
use super::refusal::refusal;
use super::resolution;
use super::state::State;
use crate::domain::{
    AccountId, AuditRecord, BreakGlassId, Caller, Error, Identity, IdentityPart, Revocable,
    ServiceAccountId, SessionId, TenantId, TenantReference, TenantStatus, Timestamp,
};
use crate::identity::{ApiKeys, Checked, Presented, PresentedKey, Refused, Subject, Verified};
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
/// Characters of what a refused token says that are written down.
const MAX_SHOWN: usize = 100;
/// How the paths of event streams end. Browsers open a stream again by themselves: following events is no use of a
/// session.
const STREAM: &str = "/events/stream";
/// How long a token waits for its issuer's keys at most, and how long the refusal of another issuer's token takes.
const KEY_WAIT: Duration = Duration::from_millis(300);
/// Tenants' issuers at most by which one request verifies a token. Those of one address are mostly one provider.
const MAX_READINGS: usize = 16;
/// Who is refused, in audit rows.
const NOBODY: &str = "nobody";

/// Marks a connection that came by the local socket, which only the host's operator may open.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalSocket;

/// Whether a request comes by the local socket.
pub(super) fn is_local(request: &HttpRequest) -> bool {
    request.conn_data::<LocalSocket>().is_some()
}

/// Whether issuers of the addressed tenant's own may speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plane {
    /// They may, for their tenant.
    Tenant,
    /// They may not.
    Other,
}

/// What a request says of its caller, and is refused for, where it is.
struct Credential<'r> {
    request: &'r HttpRequest,
    state: &'r State,
    plane: Plane,
    /// Until when its issuer's keys are waited for.
    until: Instant,
}

/// The verified caller of a request, whose session is thereby used. A token that is refused is written down in the
/// platform's audit log.
pub(super) async fn caller(
    request: &HttpRequest,
    state: &State,
    ids: &RequestIds,
    plane: Plane,
) -> Result<Arc<Caller>, Failure> {
    let until = Instant::now() + KEY_WAIT;
    let found = identify(request, state, plane, until).await?;
    let caller = accept(found, state, ids, until).await?;
    if !request.path().ends_with(STREAM) {
        state.registry.use_session(&caller)?;
    }
    Ok(Arc::new(caller))
}

/// Authenticates a request's caller again, for a later page of a long answer: the credential must not have expired since,
/// and its signing key and its issuer must still be trusted. The doors ask for everything else.
pub(super) async fn again(
    request: &HttpRequest,
    state: &State,
    plane: Plane,
    caller: &Caller,
) -> Result<(), Failure> {
    // The doors look an API key up in every transaction, with its expiry.
    if &*caller.issuer == BY_KEY {
        return Ok(());
    }
    match identify(request, state, plane, Instant::now() + KEY_WAIT).await? {
        Ok(now) if now == *caller => Ok(()),
        Ok(_) => Err(unauthenticated("the credential speaks for somebody else now")),
        Err(refused) => Err(unauthenticated(refused.why)),
    }
}

/// The caller of a request, or why its credential is refused.
async fn identify(
    request: &HttpRequest,
    state: &State,
    plane: Plane,
    until: Instant,
) -> Result<Result<Caller, Refused>, Failure> {
    let brought = token(request);
    let caller = match (session_cookie(request, state)?, brought) {
        (Some(cookie), None) if !is_local(request) => by_cookie(request, state, cookie)?,
        (Some(_), _) => return Err(unauthenticated("there are two credentials")),
        (None, Some(Ok(token))) => {
            bearer_of(token, Credential { request, state, plane, until }).await?
        }
        (None, Some(Err(why))) => Err(Refused::of(why)),
        (None, None) if is_local(request) => return Ok(Ok(Caller::host())),
        (None, None) => return Err(Failure::CredentialMissing),
    };
    Ok(match caller {
        Ok(caller) => Ok(Caller { break_glass: break_glass(request)?, ..caller }),
        Err(refused) => Err(refused),
    })
}

/// A caller who was not refused. A refusal is written down in the platform's audit log, and told no sooner than it may be.
async fn accept(
    found: Result<Caller, Refused>,
    state: &State,
    ids: &RequestIds,
    until: Instant,
) -> Result<Caller, Failure> {
    match found {
        Ok(caller) => Ok(caller),
        Err(refused) => {
            note(state, ids, &refused).await?;
            pace(&refused, until).await;
            Err(unauthenticated(refused.why))
        }
    }
}

/// Waits until a refusal may be told, holding no thread.
async fn pace(refused: &Refused, until: Instant) {
    if refused.is_foreign {
        sleep_until(until).await;
    }
}

/// The caller that holds a token or a key, or the reason for its refusal.
async fn bearer_of(
    token: &str,
    credential: Credential<'_>,
) -> Result<Result<Caller, Refused>, Failure> {
    let Credential { request, state, .. } = credential;
    if ApiKeys::is_meant(token) {
        return Ok(of_key(token, request, state).await?.map_err(Refused::of));
    }
    let checked = match credential.verify(token).await {
        Ok(checked) => checked,
        Err(refused) => return Ok(Err(refused)),
    };
    let verified = checked.verified.clone();
    Ok(match of_verified(&verified, state)? {
        Ok(caller) => {
            state.verifier.keep(checked);
            if let Some(said) = &verified.said {
                request.extensions_mut().insert(said.clone());
            }
            Ok(caller)
        }
        Err(why) => Err(Refused { issuer: Some(verified.issuer.to_string()), ..Refused::of(why) }),
    })
}

/// Verifies a token by every issuer that may have signed it, of the installation or of tenants, active or not. One that
/// cannot be verified yet is refused from now on; a refusal is audited.
pub(super) async fn readings_of(
    token: &str,
    state: &State,
    ids: &RequestIds,
) -> Result<Vec<Arc<Verified>>, Failure> {
    let (token, until) = (Presented::new(token), Instant::now() + KEY_WAIT);
    let verifier = &state.verifier;
    let refused = match with_keys(state, until, |now| verifier.verify(&token, now)).await {
        Ok(checked) => return Ok(vec![checked.verified]),
        Err(refused) => refused,
    };
    let mut readings = Vec::new();
    let mut is_undecided = refused.is_undecided();
    let mut issuers = Vec::new();
    if let (true, Some(url)) = (refused.is_unknown, url_of(&refused)) {
        let registry = state.registry.clone();
        let found = actix_web::web::block(move || registry.issuers_at(&url)).await;
        issuers = found.map_err(|error| Error::Internal(error.to_string()))??;
        is_undecided |= issuers.len() > MAX_READINGS;
        for issuer in issuers.iter().take(MAX_READINGS) {
            let verify = |now| verifier.verify_for(&token, issuer, now);
            match with_keys(state, until, verify).await {
                Ok(checked) => readings.push(checked.verified),
                Err(refused) => is_undecided |= refused.is_undecided(),
            }
        }
    }
    if is_undecided {
        verifier.revoke_unverified(&token, &issuers);
    }
    if readings.is_empty() {
        note(state, ids, &refused).await?;
        pace(&refused, until).await;
    }
    Ok(readings)
}

/// The caller that holds a credential which came in a body. A refused one is written down in the platform's audit log.
pub(super) async fn holder_of(
    credential: &str,
    request: &HttpRequest,
    state: &State,
    ids: &RequestIds,
) -> Result<Caller, Failure> {
    let (plane, until) = (Plane::Other, Instant::now() + KEY_WAIT);
    let found = bearer_of(credential, Credential { request, state, plane, until }).await?;
    let caller = accept(found, state, ids, until).await?;
    state.registry.use_session(&caller)?;
    Ok(caller)
}

fn has_token_in_query(request: &HttpRequest) -> bool {
    let mut names = form_urlencoded::parse(request.query_string().as_bytes());
    names.any(|(name, _)| name == IN_QUERY)
}

/// The token of a request, or what is wrong with how it came.
type Brought<'r> = Option<Result<&'r str, &'static str>>;

fn token(request: &HttpRequest) -> Brought<'_> {
    if has_token_in_query(request) {
        return Some(Err("there is a token in the query"));
    }
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (value, second) = (values.next()?, values.next());
    if second.is_some() {
        return Some(Err("there are two tokens"));
    }
    let token = value.to_str().ok().and_then(bearer);
    Some(token.ok_or("it is no bearer token"))
}

/// Verifies a token that came by another way than as a request's own.
pub(super) async fn verify(
    request: &HttpRequest,
    state: &State,
    token: &str,
) -> Result<Arc<Verified>, Refused> {
    let (plane, until) = (Plane::Other, Instant::now() + KEY_WAIT);
    let checked = Credential { request, state, plane, until }.verify(token).await;
    if let Err(refused) = &checked {
        pace(refused, until).await;
    }
    checked.map(|checked| checked.verified)
}

/// Verifies a token; waits for its issuer's keys where they must be fetched first, but no longer than it may.
async fn with_keys(
    state: &State,
    until: Instant,
    verify: impl Fn(Timestamp) -> Result<Checked, Refused>,
) -> Result<Checked, Refused> {
    let now = state.registry.clock().now();
    match verify(now) {
        Err(Refused { ask: Some(keys), .. }) => {
            keys.refresh(until).await;
            verify(now)
        }
        tried => tried,
    }
}

/// The address of the issuer that a refused token names.
fn url_of(refused: &Refused) -> Option<IdentityPart> {
    refused.issuer.as_deref().and_then(|url| IdentityPart::parse(url).ok())
}

impl Credential<'_> {
    async fn verify(&self, token: &str) -> Result<Checked, Refused> {
        let token = Presented::new(token);
        with_keys(self.state, self.until, |now| self.try_to(&token, now)).await
    }

    fn try_to(&self, token: &Presented<'_>, now: Timestamp) -> Result<Checked, Refused> {
        let refused = match self.state.verifier.verify(token, now) {
            Err(refused) if refused.is_unknown && self.plane == Plane::Tenant => refused,
            verified => return verified,
        };
        // An issuer that the installation does not know may be one of the tenant that is asked for.
        let url = url_of(&refused);
        let tenant = resolution::addressed(self.request, self.state);
        let (Some(url), Some(tenant)) = (url, tenant) else { return Err(refused) };
        let issuer = match self.state.registry.issuer_of(tenant, &url) {
            Ok(Some(issuer)) => issuer,
            Ok(None) => return Err(refused),
            Err(error) => {
                tracing::error!(error = %error, "a tenant's issuers cannot be looked up");
                return Err(refused);
            }
        };
        self.state.verifier.verify_for(token, &issuer, now)
    }
}

/// Writes down that a token was refused: of the token nothing but who it says signed it, and by what key.
async fn note(state: &State, ids: &RequestIds, refused: &Refused) -> Result<(), Failure> {
    let said = |text: &Option<String>| text.as_deref().map(shown);
    let (issuer, kid) = (said(&refused.issuer), said(&refused.kid));
    tracing::debug!(issuer, kid, reason = refused.why, "a token was refused");
    let summary = json!({ "reason": refused.why, "iss": issuer, "kid": kid });
    let record = AuditRecord {
        target_type: "token".to_owned(),
        target_id: refused.why.to_owned(),
        ..refusal(state, ids, NOBODY, "token.verify", &summary)
    };
    Ok(state.registry.note_refusal(record).await?)
}

/// Escapes and truncates untrusted text for the audit log.
fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).flat_map(char::escape_default).collect()
}

/// The cookie of a session, where browsers can log in.
fn session_cookie<'r>(request: &'r HttpRequest, state: &State) -> Result<Option<&'r str>, Failure> {
    match &state.login {
        Some(_) => Ok(login::cookie(request, login::SESSION)?),
        None => Ok(None),
    }
}

/// The caller of a session's cookie: on the host that it is for, while the session lasts, and with what our own pages
/// send besides where something is to change.
fn by_cookie(
    request: &HttpRequest,
    state: &State,
    cookie: &str,
) -> Result<Result<Caller, Refused>, Failure> {
    let login = state.login.as_ref().ok_or_else(|| unauthenticated("nobody logs in here"))?;
    if !login.is_here(request, &state.settings)? {
        return Ok(Err(Refused::of("the session is for another host")));
    }
    Ok(match of_cookie(state, cookie)? {
        Ok((caller, session)) => {
            if !request.method().is_safe() {
                login.check_site(request.headers(), session)?;
            }
            Ok(caller)
        }
        Err(refused) => Err(refused),
    })
}

/// Whose a session's cookie is, while the session lasts.
fn of_cookie(state: &State, cookie: &str) -> Result<Result<(Caller, SessionId), Refused>, Failure> {
    let cookie = Presented::new(cookie);
    let checked = match state.verifier.verify(&cookie, state.registry.clock().now()) {
        Ok(checked) => checked,
        Err(refused) => return Ok(Err(refused)),
    };
    let verified = checked.verified.clone();
    let session = verified.credential.session.filter(|_| verified.meant == Subject::Account);
    let Some(session) = session else {
        return Ok(Err(Refused::of("the cookie holds no session")));
    };
    Ok(match of_verified(&verified, state)? {
        Ok(caller) if state.registry.is_live(&caller)? => {
            state.verifier.keep(checked);
            Ok((caller, session))
        }
        Ok(_) => Err(Refused::of("the session is over")),
        Err(why) => Err(Refused::of(why)),
    })
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

/// The subject of a token, or why it is unknown here.
pub(super) fn subject_of(
    verified: &Verified,
    state: &State,
) -> Result<Result<crate::domain::Subject, &'static str>, Failure> {
    Ok(match verified.meant {
        Subject::Account => of_ours(verified).ok_or("the subject is no account's id"),
        Subject::Identity => of_identity(verified, state)?
            .map(crate::domain::Subject::Account)
            .ok_or("no account has this identity"),
    })
}

/// Whom a token is about, as a caller; or why it speaks for nobody.
fn of_verified(
    verified: &Verified,
    state: &State,
) -> Result<Result<Caller, &'static str>, Failure> {
    let subject = match subject_of(verified, state)? {
        Ok(subject) => subject,
        Err(why) => return Ok(Err(why)),
    };
    let registry = &state.registry;
    // What a tenant's issuer says is said in that tenant alone; an operator is more than one of its people.
    if verified.credential.by_tenant
        && let Some(account) = subject.account()
        && registry.account(account)?.operator.is_some()
    {
        return Ok(Err("a tenant's issuer speaks for no operator"));
    }
    let named =
        verified.tenant_name.as_deref().map(|name| name.strip_prefix("tenant:").unwrap_or(name));
    let named = match named {
        None => None,
        Some(name) => {
            match TenantReference::parse(name).map(|name| registry.resolve(&name)).transpose()? {
                Some(Some(entry)) => Some(entry.id),
                _ => return Ok(Err("the tenant that the token is for is none")),
            }
        }
    };
    if verified.tenant.is_some() && named.is_some() && verified.tenant != named {
        return Ok(Err("a tenant's issuer speaks for no other tenant"));
    }
    Ok(Ok(Caller {
        subject,
        tenant: verified.tenant.or(named),
        issuer: verified.issuer.clone(),
        credential: verified.credential.clone(),
        actor: verified.actor.clone(),
        assurance: verified.assurance.clone(),
        scopes: verified.scopes.clone(),
        break_glass: None,
        expires_at: verified.expires_at,
    }))
}

fn of_identity(verified: &Verified, state: &State) -> Result<Option<AccountId>, Failure> {
    let part = |text: &str| IdentityPart::parse(text).ok();
    let (Some(issuer), Some(subject)) = (part(&verified.issuer), part(&verified.subject)) else {
        return Ok(None);
    };
    Ok(accounts::of_identity(&state.registry, &Identity { issuer, subject })?)
}

/// Whom a system JWT is about. A service account's was exchanged for a key, and says which.
fn of_ours(verified: &Verified) -> Option<crate::domain::Subject> {
    let Some(id) = verified.subject.strip_prefix(SERVICE_ACCOUNT) else {
        return verified.subject.parse().ok().map(crate::domain::Subject::Account);
    };
    let id: ServiceAccountId = id.parse().ok()?;
    verified.credential.api_key.map(|_| crate::domain::Subject::ServiceAccount(id))
}

/// Whose an API key is; or why it is nobody's.
async fn of_key(
    text: &str,
    request: &HttpRequest,
    state: &State,
) -> Result<Result<Caller, &'static str>, Failure> {
    let Some(key) = state.api_keys.read(text) else { return Ok(Err("it is no key of ours")) };
    let known = match key.tenant {
        None => state.registry.api_key(key.id)?,
        Some(tenant) => of_tenant(&key, tenant, request, state).await?,
    };
    let known = known.filter(|known| key.is(&known.digest));
    Ok(known.map(|known| by_key(&key, &known)).ok_or("there is no such key"))
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
    let Some(entry) = entry.filter(|entry| is_there(entry.status)) else { return Ok(None) };
    state.admission.enter(Party::Tenant(tenant), request)?;
    Ok(state.registry.open(&entry).await?.api_key(key.id).await?)
}

fn by_key(key: &PresentedKey, known: &KnownKey) -> Caller {
    Caller {
        subject: crate::domain::Subject::ServiceAccount(known.service_account),
        tenant: key.tenant,
        issuer: BY_KEY.into(),
        credential: Arc::new(Revocable { api_key: Some(key.id), ..Revocable::default() }),
        actor: None,
        assurance: Arc::default(),
        scopes: known.scopes.clone(),
        break_glass: None,
        expires_at: known.expires_at,
    }
}
