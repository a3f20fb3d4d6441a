//! `/service-accounts/{service_account}/keys`, of a tenant and of the platform.
//!
//! The key is made before the change that keeps its digest, and joins the answer after it: the answer that is kept for a
//! repeated request has none, and such a request is told `null`.

use crate::domain::action::{CreateApiKey, ListApiKeys, RevokeApiKey, RotateApiKey as Rotate};
use crate::domain::{
    ApiKey, ApiKeyFilter, ApiKeyId, IssuedApiKey, NewApiKey, Result, RotateApiKey,
    ServiceAccountId, TenantId,
};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Replaced, Reply};
use crate::http::state::State;
use crate::identity::NewKey;
use crate::services::api_keys;

/// A key that nobody knows of yet.
fn make(state: &State, tenant: Option<TenantId>) -> Result<NewKey> {
    state.api_keys.make(tenant, ApiKeyId(state.registry.clock().new_id()))
}

/// The key with its secret, where it is the one that was made for this very request.
fn issued(api_key: ApiKey, made: NewKey) -> IssuedApiKey {
    let key = (api_key.id == made.id).then(|| made.reveal());
    IssuedApiKey { api_key, key }
}

pub(in crate::http) async fn list(
    cx: TenantContext<ListApiKeys>,
    Path(of): Path<ServiceAccountId>,
    query: Query<ApiKeyFilter>,
) -> Reply<Listed<ApiKey>> {
    cx.list(of, query, move |tx, _, page| api_keys::list(tx, of, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateApiKey>,
    Path(of): Path<ServiceAccountId>,
    Body(new): Body<NewApiKey>,
) -> Reply<Created<IssuedApiKey>> {
    let (state, made) = (cx.state(), make(&cx.state(), Some(cx.tenant()))?);
    let (key, times) = (made.clone(), state.settings.api_keys);
    let kept = cx.write(of, move |tx| api_keys::create(tx, of, &new, &key, times)).await?;
    Ok(Created(issued(kept, made)))
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListApiKeys>,
    Path(of): Path<ServiceAccountId>,
    Path(id): Path<ApiKeyId>,
) -> Reply<Item<ApiKey>> {
    cx.read(of, move |tx| api_keys::read(tx, of, id)).await.map(Item)
}

pub(in crate::http) async fn rotate(
    cx: TenantContext<Rotate>,
    Path(of): Path<ServiceAccountId>,
    Path(id): Path<ApiKeyId>,
    Body(how): Body<RotateApiKey>,
) -> Reply<Replaced<IssuedApiKey>> {
    let (state, made) = (cx.state(), make(&cx.state(), Some(cx.tenant()))?);
    let (key, times) = (made.clone(), state.settings.api_keys);
    let kept = cx.write(of, move |tx| api_keys::rotate(tx, of, id, &how, &key, times)).await?;
    Ok(Replaced(issued(kept, made)))
}

pub(in crate::http) async fn revoke(
    cx: TenantContext<RevokeApiKey>,
    Path(of): Path<ServiceAccountId>,
    Path(id): Path<ApiKeyId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(of, move |tx| api_keys::revoke(tx, of, id, version)).await.map(|()| NoContent)
}

/// `/v1/platform/service-accounts/{service_account}/keys`.
pub(in crate::http) mod platform {
    use super::{issued, make};
    use crate::domain::action::{
        CreatePlatformApiKey, ListPlatformApiKeys, RevokePlatformApiKey, RotatePlatformApiKey,
    };
    use crate::domain::{
        ApiKey, ApiKeyFilter, ApiKeyId, IssuedApiKey, NewApiKey, RotateApiKey, ServiceAccountId,
    };
    use crate::http::body::Body;
    use crate::http::context::PlatformContext;
    use crate::http::parameters::{Path, Query};
    use crate::http::precondition::IfMatch;
    use crate::http::reply::{Created, Item, Listed, NoContent, Replaced, Reply};
    use crate::services::api_keys::platform as api_keys;

    pub(in crate::http) async fn list(
        cx: PlatformContext<ListPlatformApiKeys>,
        Path(of): Path<ServiceAccountId>,
        query: Query<ApiKeyFilter>,
    ) -> Reply<Listed<ApiKey>> {
        cx.list(of, query, move |tx, _, page| api_keys::list(tx, of, page)).await
    }

    pub(in crate::http) async fn create(
        cx: PlatformContext<CreatePlatformApiKey>,
        Path(of): Path<ServiceAccountId>,
        Body(new): Body<NewApiKey>,
    ) -> Reply<Created<IssuedApiKey>> {
        let (state, made) = (cx.state(), make(&cx.state(), None)?);
        let (key, times) = (made.clone(), state.settings.api_keys);
        let kept = cx.write(of, move |tx| api_keys::create(tx, of, &new, &key, times)).await?;
        Ok(Created(issued(kept, made)))
    }

    pub(in crate::http) async fn read(
        cx: PlatformContext<ListPlatformApiKeys>,
        Path(of): Path<ServiceAccountId>,
        Path(id): Path<ApiKeyId>,
    ) -> Reply<Item<ApiKey>> {
        cx.read(of, move |tx| api_keys::read(tx, of, id)).await.map(Item)
    }

    pub(in crate::http) async fn rotate(
        cx: PlatformContext<RotatePlatformApiKey>,
        Path(of): Path<ServiceAccountId>,
        Path(id): Path<ApiKeyId>,
        Body(how): Body<RotateApiKey>,
    ) -> Reply<Replaced<IssuedApiKey>> {
        let (state, made) = (cx.state(), make(&cx.state(), None)?);
        let (key, times) = (made.clone(), state.settings.api_keys);
        let kept = cx.write(of, move |tx| api_keys::rotate(tx, of, id, &how, &key, times)).await?;
        Ok(Replaced(issued(kept, made)))
    }

    pub(in crate::http) async fn revoke(
        cx: PlatformContext<RevokePlatformApiKey>,
        Path(of): Path<ServiceAccountId>,
        Path(id): Path<ApiKeyId>,
        IfMatch(version): IfMatch,
    ) -> Reply<NoContent> {
        cx.write(of, move |tx| api_keys::revoke(tx, of, id, version)).await.map(|()| NoContent)
    }
}
