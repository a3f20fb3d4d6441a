//! `/resources/{resource}/acl`.

use serde::{Deserialize, Serialize};

use crate::domain::action::ShareResource;
use crate::domain::{AclEntry, PrincipalId, PutAclEntry, ResourceId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::acl;

/// Which entries are listed: all of them, by principal.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AclFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub(in crate::http) limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub(in crate::http) cursor: Option<String>,
}

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
