//! `/roles`.

use crate::domain::action::{CreateRole, DeleteRole, ListRoles, ReadRole, UpdateRole};
use crate::domain::{ChangeRole, CustomRole, NewRole, RoleFilter, RoleId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::roles;

pub(in crate::http) async fn list(
    cx: TenantContext<ListRoles>,
    query: Query<RoleFilter>,
) -> Reply<Listed<CustomRole>> {
    cx.list(cx.tenant(), query, |tx, _, page| roles::list(tx, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateRole>,
    Body(new): Body<NewRole>,
) -> Reply<Created<CustomRole>> {
    cx.write(cx.tenant(), move |tx| roles::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadRole>,
    Path(id): Path<RoleId>,
) -> Reply<Item<CustomRole>> {
    cx.read(id, move |tx| roles::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateRole>,
    Path(id): Path<RoleId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeRole>,
) -> Reply<Item<CustomRole>> {
    cx.write(id, move |tx| roles::update(tx, id, &change, version)).await.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteRole>,
    Path(id): Path<RoleId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| roles::delete(tx, id, version)).await.map(|()| NoContent)
}
