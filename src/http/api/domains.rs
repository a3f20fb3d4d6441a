//! `/v1/platform/tenants/{tenant}/domains`.

use crate::domain::action::{DeleteTenantDomain, ListTenantDomains, UpdateTenantDomain};
use crate::domain::{PutTenantDomain, TenantDomain, TenantDomainFilter, TenantReference};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{Domain, NewDomain, Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::domains;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListTenantDomains>,
    Path(tenant): Path<TenantReference>,
    query: Query<TenantDomainFilter>,
) -> Reply<Listed<TenantDomain>> {
    let id = cx.tenant(&tenant)?;
    cx.list(id, query, move |tx, _, page| domains::list(tx, id, page)).await
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ListTenantDomains>,
    Path(tenant): Path<TenantReference>,
    Path(Domain(domain)): Path<Domain>,
) -> Reply<Item<TenantDomain>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| domains::read(tx, id, &domain)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdateTenantDomain>,
    Path(tenant): Path<TenantReference>,
    NewDomain(domain): NewDomain,
    PutCondition(condition): PutCondition,
    Body(PutTenantDomain { join_role }): Body<PutTenantDomain>,
) -> Reply<Put<TenantDomain>> {
    let (id, state) = (cx.tenant(&tenant)?, cx.state());
    let put = cx.write(id, move |tx| {
        domains::put(tx, id, &domain, join_role, &state.settings.public_domains, condition)
    });
    Ok(Put(put.await?, condition))
}

pub(in crate::http) async fn delete(
    cx: PlatformContext<DeleteTenantDomain>,
    Path(tenant): Path<TenantReference>,
    Path(Domain(domain)): Path<Domain>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| domains::delete(tx, id, &domain, version)).await.map(|()| NoContent)
}
