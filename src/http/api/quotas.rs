//! `/v1/platform/tenants/{tenant}/quotas` and `/quotas`.

use crate::domain::action::{ListQuotas, ReadTenantQuotas, UpdateTenantQuotas};
use crate::domain::{
    Dimension, Entitlement, EntitlementQuestion, PutQuotas, Quota, QuotaFilter, TenantQuotas,
    TenantReference,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{Asked, Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Item, Listed, Plain, Reply};
use crate::services::quotas;

pub(in crate::http) async fn inspect(
    cx: PlatformContext<ReadTenantQuotas>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<TenantQuotas>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| quotas::inspect(tx, id)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdateTenantQuotas>,
    Path(tenant): Path<TenantReference>,
    IfMatch(version): IfMatch,
    Body(new): Body<PutQuotas>,
) -> Reply<Item<TenantQuotas>> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| quotas::put(tx, id, &new, version)).await.map(Item)
}

pub(in crate::http) async fn list(
    cx: TenantContext<ListQuotas>,
    query: Query<QuotaFilter>,
) -> Reply<Listed<Quota>> {
    cx.list(cx.tenant(), query, |tx, _, page| quotas::list(tx, page)).await
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListQuotas>,
    Path(dimension): Path<Dimension>,
    Asked(question): Asked<EntitlementQuestion>,
) -> Reply<Plain<Entitlement>> {
    let amount = question.amount;
    cx.read(cx.tenant(), move |tx| quotas::entitlement(tx, &dimension, amount)).await.map(Plain)
}
