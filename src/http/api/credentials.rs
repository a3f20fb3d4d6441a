//! `/v1/auth/revoke`, `/v1/me/revoke-tokens`, `/v1/platform/accounts/{account}/revoke-tokens`.

use crate::domain::action::{RevokeAccountTokens, RevokeOwnTokens};
use crate::domain::{AccountId, Error, RevokeToken, RevokeTokens};
use crate::http::body::{Body, Form};
use crate::http::context::{AccountContext, PlatformContext};
use crate::http::failure::Failure;
use crate::http::holder::Holder;
use crate::http::parameters::Path;
use crate::http::reply::{Done, NoContent, Reply};
use crate::services::credentials;

/// Whoever holds a token may take it back. What is no token, or is none any more, is taken back already.
pub(in crate::http) async fn revoke(
    holder: Holder,
    Form(wanted): Form<RevokeToken>,
) -> Reply<Done> {
    let caller = match holder.enter(&wanted.token).await {
        Ok(caller) => caller,
        Err(Failure::Domain(Error::Unauthenticated(_))) => return Ok(Done),
        Err(failure) => return Err(failure),
    };
    if !holder.state().registry.is_live(&caller)? {
        return Ok(Done);
    }
    holder
        .run(move |registry, call| match (&caller.credential.token, caller.credential.api_key) {
            (None, Some(key)) => credentials::revoke_key(registry, call, caller.tenant, key),
            _ => credentials::revoke(registry, call, &caller),
        })
        .await?;
    Ok(Done)
}

pub(in crate::http) async fn revoke_own(
    cx: AccountContext<RevokeOwnTokens>,
    Body(which): Body<RevokeTokens>,
) -> Reply<NoContent> {
    cx.write(move |tx| credentials::revoke_own(tx, &which)).await.map(|()| NoContent)
}

pub(in crate::http) async fn revoke_all(
    cx: PlatformContext<RevokeAccountTokens>,
    Path(account): Path<AccountId>,
    Body(which): Body<RevokeTokens>,
) -> Reply<NoContent> {
    cx.write(account, move |tx| credentials::revoke_all(tx, account, &which))
        .await
        .map(|()| NoContent)
}
