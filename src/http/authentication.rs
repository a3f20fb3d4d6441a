//! Who calls: a bearer token, the cookie of a session, or the local socket. One of them alone.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpMessage, HttpRequest};

use super::failure::Failure;
use super::login;
use super::middleware::RequestIds;
use super::resolution;
use super::state::State;
use crate::domain::{
    AccountId, AuditDecision, AuditRecord, BreakGlassId, Caller, Error, Identity, IdentityPart,
    SessionId, TenantReference, Timestamp,
};
use crate::identity::{Refused, Subject, Verified};
use crate::services::accounts;

/// Names the break-glass entry by which an operator enters a tenant.
const BREAK_GLASS: HeaderName = HeaderName::from_static("freehold-break-glass");

/// Characters of what a refused token says that are written down.
const MAX_SHOWN: usize = 100;
/// Who is refused, in audit rows.
const NOBODY: &str = "nobody";

/// Marks a connection that came by the local socket, which only the host's operator may open.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalSocket;

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
}

/// The verified caller of a request. A token that is refused is written down in the platform's audit log.
pub(super) async fn caller(
    request: &HttpRequest,
    state: &State,
    ids: &RequestIds,
    plane: Plane,
) -> Result<Arc<Caller>, Failure> {
    let brought = token(request);
    if let Some(cookie) = session_cookie(request, state)? {
        if brought.is_some() || request.conn_data::<LocalSocket>().is_some() {
            return Err(unauthenticated("there are two credentials"));
        }
        return by_cookie(request, state, ids, cookie).await.map(Arc::new);
    }
    let Some(token) = brought else {
        return match request.conn_data::<LocalSocket>() {
            Some(_) => Ok(Arc::new(Caller::host())),
            None => Err(unauthenticated("there is no token")),
        };
    };
    let credential = Credential { request, state, plane };
    let refused = match token {
        Ok(token) => match credential.verify(token).await {
            Ok(verified) => match of_verified(&verified, state)? {
                Ok(caller) => {
                    if let Some(said) = &verified.said {
                        request.extensions_mut().insert(said.clone());
                    }
                    let break_glass = break_glass(request)?;
                    return Ok(Arc::new(Caller { break_glass, ..caller }));
                }
                Err(why) => {
                    Refused { issuer: Some(verified.issuer.to_string()), ..Refused::of(why) }
                }
            },
            Err(refused) => refused,
        },
        Err(why) => Refused::of(why),
    };
    note(state, ids, &refused).await?;
    Err(unauthenticated(refused.why))
}

/// The token of a request, or what is wrong with how it came.
type Brought<'r> = Option<Result<&'r str, &'static str>>;

fn token(request: &HttpRequest) -> Brought<'_> {
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
    Credential { request, state, plane: Plane::Other }.verify(token).await
}

impl Credential<'_> {
    /// Verifies a token; waits for its issuer's keys where they must be fetched first.
    async fn verify(&self, token: &str) -> Result<Arc<Verified>, Refused> {
        let now = self.state.registry.clock().now();
        let tried = self.try_to(token, now).await;
        match tried {
            Err(Refused { ask: Some(keys), .. }) => {
                keys.refresh().await;
                self.try_to(token, now).await
            }
            tried => tried,
        }
    }

    async fn try_to(&self, token: &str, now: Timestamp) -> Result<Arc<Verified>, Refused> {
        let refused = match self.state.verifier.verify(token, now) {
            Err(refused) if refused.is_unknown && self.plane == Plane::Tenant => refused,
            verified => return verified,
        };
        // An issuer that the installation does not know may be one of the tenant that is asked for.
        let url = refused.issuer.as_deref().and_then(|url| IdentityPart::parse(url).ok());
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
    let record = AuditRecord {
        at: state.registry.clock().now(),
        actor: NOBODY.to_owned(),
        actor_tenant: "platform".to_owned(),
        on_behalf: None,
        account: None,
        target_tenant: "platform".to_owned(),
        target_type: "token".to_owned(),
        target_id: refused.why.to_owned(),
        workspace_id: None,
        resource_id: None,
        action: "token.verify".to_owned(),
        decision: AuditDecision::Deny,
        policies: "[]".to_owned(),
        correlation_id: ids.correlation.to_string(),
        request_id: ids.request.to_string(),
        summary: serde_json::json!({ "reason": refused.why, "iss": issuer, "kid": kid })
            .to_string(),
    };
    Ok(state.registry.note_refusal(record).await?)
}

/// A text of somebody whom nobody knows: printable, and no longer than it need be.
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
async fn by_cookie(
    request: &HttpRequest,
    state: &State,
    ids: &RequestIds,
    cookie: &str,
) -> Result<Caller, Failure> {
    let login = state.login.as_ref().ok_or_else(|| unauthenticated("nobody logs in here"))?;
    let caller = match login.is_here(request, &state.settings)? {
        true => of_cookie(state, cookie)?,
        false => Err(Refused::of("the session is for another host")),
    };
    let (caller, session) = match caller {
        Ok(found) => found,
        Err(refused) => {
            note(state, ids, &refused).await?;
            return Err(unauthenticated(refused.why));
        }
    };
    if !request.method().is_safe() {
        login.check_site(request.headers(), session)?;
    }
    Ok(Caller { break_glass: break_glass(request)?, ..caller })
}

/// Whose a session's cookie is, while the session lasts.
fn of_cookie(state: &State, cookie: &str) -> Result<Result<(Caller, SessionId), Refused>, Failure> {
    let verified = match state.verifier.verify(cookie, state.registry.clock().now()) {
        Ok(verified) => verified,
        Err(refused) => return Ok(Err(refused)),
    };
    let session = verified.credential.session.filter(|_| verified.meant == Subject::Account);
    let Some(session) = session else {
        return Ok(Err(Refused::of("the cookie holds no session")));
    };
    Ok(match of_verified(&verified, state)? {
        Ok(caller) if state.registry.is_live(&caller)? => Ok((caller, session)),
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

/// Whom a token is about, as a caller; or why it speaks for nobody.
fn of_verified(
    verified: &Verified,
    state: &State,
) -> Result<Result<Caller, &'static str>, Failure> {
    let account: AccountId = match verified.meant {
        Subject::Account => match verified.subject.parse() {
            Ok(account) => account,
            Err(_) => return Ok(Err("the subject is no account's id")),
        },
        Subject::Identity => match of_identity(verified, state)? {
            Some(account) => account,
            None => return Ok(Err("no account has this identity")),
        },
    };
    let registry = &state.registry;
    // What a tenant's issuer says is said in that tenant alone; an operator is more than one of its people.
    if verified.credential.by_tenant && registry.account(account)?.operator.is_some() {
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
        subject: crate::domain::Subject::Account(account),
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
