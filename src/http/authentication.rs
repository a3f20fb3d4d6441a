//! Who calls: a bearer token, the cookie of a session, or the local socket. One of them alone.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::failure::Failure;
use super::login;
use super::state::State;
use crate::domain::{AccountId, BreakGlassId, Caller, Error, Identity, IdentityPart};
use crate::identity::{Subject, Verified};
use crate::services::accounts;

/// Names the break-glass entry by which an operator enters a tenant.
const BREAK_GLASS: HeaderName = HeaderName::from_static("freehold-break-glass");

/// Marks a connection that came by the local socket, which only the host's operator may open.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalSocket;

/// The verified caller of a request.
pub(super) fn caller(request: &HttpRequest, state: &State) -> Result<Arc<Caller>, Failure> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (first, second) = (values.next(), values.next());
    if let Some(cookie) = session_cookie(request, state)? {
        if first.is_some() || request.conn_data::<LocalSocket>().is_some() {
            return Err(unauthenticated("there are two credentials"));
        }
        return by_cookie(request, state, cookie).map(Arc::new);
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
    let verified = state.verifier.verify(token, state.registry.clock().now())?;
    of_verified(&verified, state, break_glass(request)?).map(Arc::new)
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
fn by_cookie(request: &HttpRequest, state: &State, cookie: &str) -> Result<Caller, Failure> {
    let login = state.login.as_ref().ok_or_else(|| unauthenticated("nobody logs in here"))?;
    if !login.is_here(request, &state.settings)? {
        return Err(unauthenticated("the session is for another host"));
    }
    let verified = state.verifier.verify(cookie, state.registry.clock().now())?;
    let session = verified.credential.session.filter(|_| verified.meant == Subject::Account);
    let session = session.ok_or_else(|| unauthenticated("the cookie holds no session"))?;
    let caller = of_verified(&verified, state, break_glass(request)?)?;
    if !state.registry.is_live(&caller)? {
        return Err(unauthenticated("the session is over"));
    }
    if !request.method().is_safe() {
        login.check_site(request.headers(), session)?;
    }
    Ok(caller)
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

/// The account that a token is about.
fn of_verified(
    verified: &Verified,
    state: &State,
    break_glass: Option<BreakGlassId>,
) -> Result<Caller, Failure> {
    let account: AccountId = match verified.meant {
        Subject::Account => verified
            .subject
            .parse()
            .map_err(|_| unauthenticated("the subject is no account's id"))?,
        Subject::Identity => {
            let part = |text: &str| {
                IdentityPart::parse(text).map_err(|_| unauthenticated("the subject is odd"))
            };
            let identity =
                Identity { issuer: part(&verified.issuer)?, subject: part(&verified.subject)? };
            accounts::of_identity(&state.registry, &identity)?
                .ok_or_else(|| unauthenticated("no account has this identity"))?
        }
    };
    Ok(Caller {
        subject: crate::domain::Subject::Account(account),
        tenant: verified.tenant,
        issuer: verified.issuer.clone(),
        credential: verified.credential.clone(),
        actor: verified.actor.clone(),
        assurance: verified.assurance.clone(),
        scopes: verified.scopes.clone(),
        break_glass,
        expires_at: verified.expires_at,
    })
}
