//! `/v1/platform/tenants/{tenant}/row-security` and `/row-security`.

use crate::domain::action::{InspectRowSecurity, ReadRowSecurity, UpdateRowSecurity};
use crate::domain::{
    ChangeRowSecurity, RowSecurity, TenantReference, TenantRowSecurity, Withheld, WithheldFilter,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Item, Listed, Plain, Reply};
use crate::services::row_security;

pub(in crate::http) async fn inspect(
    cx: PlatformContext<InspectRowSecurity>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<TenantRowSecurity>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| row_security::inspect(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: PlatformContext<UpdateRowSecurity>,
    Path(tenant): Path<TenantReference>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeRowSecurity>,
) -> Reply<Item<TenantRowSecurity>> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| row_security::update(tx, id, change.mode, version)).await.map(Item)
}

pub(in crate::http) async fn read(cx: TenantContext<ReadRowSecurity>) -> Reply<Plain<RowSecurity>> {
    cx.catch_up().await?;
    cx.read(cx.tenant(), |tx| row_security::read(tx)).await.map(Plain)
}

pub(in crate::http) async fn report(
    cx: TenantContext<ReadRowSecurity>,
    query: Query<WithheldFilter>,
) -> Reply<Listed<Withheld>> {
    cx.catch_up().await?;
    cx.list(cx.tenant(), query, |tx, filter, page| row_security::report(tx, filter, page)).await
}
