//! `/v1/auth/revoke`, `/v1/me/revoke-tokens`, `/v1/platform/accounts/{account}/revoke-tokens`.

use crate::domain::action::{RevokeAccountTokens, RevokeOwnTokens};
use crate::domain::{AccountId, Error, RevokeToken, RevokeTokens};
use crate::http::body::{Body, Form};
use crate::http::context::{AccountContext, PlatformContext};
use crate::http::failure::Failure;
use crate::http::holder::Holder;
use crate::http::parameters::Path;
use crate::http::reply::{Done, NoContent, Reply};
use crate::identity::ApiKeys;
use crate::services::credentials;

/// The holder of a token or a key revokes it. Unknown and expired ones count as revoked (RFC 7009).
pub(in crate::http) async fn revoke(
    holder: Holder,
    Form(wanted): Form<RevokeToken>,
) -> Reply<Done> {
    if ApiKeys::is_meant(&wanted.token) {
        return revoke_key(&holder, &wanted.token).await;
    }
    let mut ended = Ok(Done);
    for (token, subject) in holder.readings(&wanted.token).await? {
        let revoked = holder
            .run(move |registry, call| credentials::revoke(registry, call, &token, subject))
            .await;
        // What one tenant's limit refuses is revoked in the others.
        ended = ended.and(revoked.map(|()| Done));
    }
    ended
}

async fn revoke_key(holder: &Holder, key: &str) -> Reply<Done> {
    let caller = match holder.enter(key).await {
        Ok(caller) => caller,
        Err(Failure::Domain(Error::Unauthenticated(_))) => {
            let status = holder.unavailable(key)?;
            return status.map_or(Ok(Done), |it| Err(Error::TenantUnavailable(it).into()));
        }
        Err(failure) => return Err(failure),
    };
    if let Some(id) = caller.credential.api_key {
        let tenant = caller.tenant;
        holder
            .run(move |registry, call| credentials::revoke_key(registry, call, tenant, id))
            .await?;
    }
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
