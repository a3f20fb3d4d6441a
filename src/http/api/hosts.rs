//! `/v1/platform/tenants/{tenant}/hosts`.

use crate::domain::action::{DeleteTenantHost, ListTenantHosts, UpdateTenantHost};
use crate::domain::{HostName, TenantHost, TenantHostFilter, TenantReference};
use crate::http::context::PlatformContext;
use crate::http::parameters::{NewHost, Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::hosts;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListTenantHosts>,
    Path(tenant): Path<TenantReference>,
    query: Query<TenantHostFilter>,
) -> Reply<Listed<TenantHost>> {
    let id = cx.tenant(&tenant)?;
    cx.list(id, query, move |tx, _, page| hosts::list(tx, id, page)).await
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ListTenantHosts>,
    Path(tenant): Path<TenantReference>,
    Path(host): Path<HostName>,
) -> Reply<Item<TenantHost>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| hosts::read(tx, id, &host)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdateTenantHost>,
    Path(tenant): Path<TenantReference>,
    NewHost(host): NewHost,
    PutCondition(condition): PutCondition,
) -> Reply<Put<TenantHost>> {
    let (id, state) = (cx.tenant(&tenant)?, cx.state());
    let put = cx
        .write(id, move |tx| hosts::put(tx, id, &host, &state.settings.base_domains, condition))
        .await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: PlatformContext<DeleteTenantHost>,
    Path(tenant): Path<TenantReference>,
    Path(host): Path<HostName>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| hosts::delete(tx, id, &host, version)).await.map(|()| NoContent)
}
