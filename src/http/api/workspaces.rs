//! `/workspaces`.

use crate::domain::action::{
    CreateWorkspace, DeleteWorkspace, ListWorkspaces, ReadWorkspace, UpdateWorkspace,
};
use crate::domain::{
    ChangeWorkspace, NewWorkspace, Workspace, WorkspaceFilter, WorkspaceId, WorkspaceOwner,
};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::workspaces;

pub(in crate::http) async fn list(
    cx: TenantContext<ListWorkspaces>,
    query: Query<WorkspaceFilter>,
) -> Reply<Listed<Workspace>> {
    cx.list(cx.tenant(), query, |tx, filter, page| workspaces::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateWorkspace>,
    Body(new): Body<NewWorkspace>,
) -> Reply<Created<Workspace>> {
    cx.write(WorkspaceOwner(new.owner), move |tx| workspaces::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadWorkspace>,
    Path(id): Path<WorkspaceId>,
) -> Reply<Item<Workspace>> {
    cx.read(id, move |tx| workspaces::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateWorkspace>,
    Path(id): Path<WorkspaceId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeWorkspace>,
) -> Reply<Item<Workspace>> {
    cx.write(id, move |tx| workspaces::update(tx, id, &change, version)).await.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteWorkspace>,
    Path(id): Path<WorkspaceId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| workspaces::delete(tx, id, version)).await.map(|()| NoContent)
}
