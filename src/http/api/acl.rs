//! `/resources/{resource}/acl`.

use crate::domain::action::ShareResource;
use crate::domain::{AclEntry, AclFilter, PrincipalId, PutAclEntry, ResourceId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::acl;

pub(in crate::http) async fn list(
    cx: TenantContext<ShareResource>,
    Path(resource): Path<ResourceId>,
    query: Query<AclFilter>,
) -> Reply<Listed<AclEntry>> {
    cx.list(resource, query, move |tx, _, page| acl::list(tx, resource, page)).await
}

pub(in crate::http) async fn read(
    cx: TenantContext<ShareResource>,
    Path(resource): Path<ResourceId>,
    Path(principal): Path<PrincipalId>,
) -> Reply<Item<AclEntry>> {
    cx.read(resource, move |tx| acl::read(tx, resource, principal)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: TenantContext<ShareResource>,
    Path(resource): Path<ResourceId>,
    Path(principal): Path<PrincipalId>,
    PutCondition(condition): PutCondition,
    Body(entry): Body<PutAclEntry>,
) -> Reply<Put<AclEntry>> {
    let put = cx
        .write(resource, move |tx| acl::put(tx, resource, principal, entry.permission, condition))
        .await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: TenantContext<ShareResource>,
    Path(resource): Path<ResourceId>,
    Path(principal): Path<PrincipalId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(resource, move |tx| acl::delete(tx, resource, principal, version))
        .await
        .map(|()| NoContent)
}
