//! Who calls: a bearer token, or the local socket.

use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header;

use super::failure::Failure;
use super::state::State;
use crate::domain::{AccountId, Caller, Error, Identity, IdentityPart};
use crate::identity::{Subject, Verified};
use crate::services::accounts;

/// Marks a connection that came by the local socket, which only the host's operator may open.
#[derive(Debug, Clone, Copy)]
pub(super) struct LocalSocket;

/// The verified caller of a request.
pub(super) fn caller(request: &HttpRequest, state: &State) -> Result<Arc<Caller>, Failure> {
    let mut values = request.headers().get_all(header::AUTHORIZATION);
    let (first, second) = (values.next(), values.next());
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
    of_verified(&verified, state).map(Arc::new)
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

/// The account that a token is about.
fn of_verified(verified: &Verified, state: &State) -> Result<Caller, Failure> {
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
        actor: verified.actor.clone(),
        assurance: verified.assurance.clone(),
        expires_at: verified.expires_at,
    })
}
