//! `/roles/{role}/assignments`.

use crate::domain::action::{DeleteRoleAssignment, ListRoleAssignments, UpdateRoleAssignment};
use crate::domain::{PrincipalId, RoleAssignment, RoleAssignmentFilter, RoleId};
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::role_assignments;

pub(in crate::http) async fn list(
    cx: TenantContext<ListRoleAssignments>,
    Path(role): Path<RoleId>,
    query: Query<RoleAssignmentFilter>,
) -> Reply<Listed<RoleAssignment>> {
    cx.list(role, query, move |tx, _, page| role_assignments::list(tx, role, page)).await
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListRoleAssignments>,
    Path(role): Path<RoleId>,
    Path(principal): Path<PrincipalId>,
) -> Reply<Item<RoleAssignment>> {
    cx.read(role, move |tx| role_assignments::read(tx, role, principal)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: TenantContext<UpdateRoleAssignment>,
    Path(role): Path<RoleId>,
    Path(principal): Path<PrincipalId>,
    PutCondition(condition): PutCondition,
) -> Reply<Put<RoleAssignment>> {
    let put =
        cx.write(role, move |tx| role_assignments::put(tx, role, principal, condition)).await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteRoleAssignment>,
    Path(role): Path<RoleId>,
    Path(principal): Path<PrincipalId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(role, move |tx| role_assignments::delete(tx, role, principal, version))
        .await
        .map(|()| NoContent)
}
