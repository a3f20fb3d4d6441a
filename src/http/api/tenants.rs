//! `/v1/platform/tenants`.

use crate::domain::action::{
    CreateTenant, InspectTenant, ListTenants, MoveTenant as MoveAction, ResumeTenant, SuspendTenant,
};
use crate::domain::{MoveTenant, NewTenant, Platform, Tenant, TenantFilter, TenantReference};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, Reply};
use crate::services::tenants;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListTenants>,
    query: Query<TenantFilter>,
) -> Reply<Listed<Tenant>> {
    cx.list(Platform, query, |tx, filter, page| tenants::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateTenant>,
    Body(new): Body<NewTenant>,
) -> Reply<Created<Tenant>> {
    cx.run(move |registry, call| tenants::create(registry, call, &new)).await.map(Created)
}

pub(in crate::http) async fn inspect(
    cx: PlatformContext<InspectTenant>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<Tenant>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| tenants::inspect(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: PlatformContext<MoveAction>,
    Path(tenant): Path<TenantReference>,
    IfMatch(version): IfMatch,
    Body(change): Body<MoveTenant>,
) -> Reply<Item<Tenant>> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| tenants::update(tx, id, &change, version)).await.map(Item)
}

pub(in crate::http) async fn suspend(
    cx: PlatformContext<SuspendTenant>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<Tenant>> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| tenants::suspend(tx, id)).await.map(Item)
}

pub(in crate::http) async fn resume(
    cx: PlatformContext<ResumeTenant>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<Tenant>> {
    let id = cx.tenant(&tenant)?;
    let resumed = cx.write(id, move |tx| tenants::resume(tx, id)).await?;
    // What happened before it was suspended, and was not told yet, is told now.
    cx.state().registry.wake(id);
    Ok(Item(resumed))
}
