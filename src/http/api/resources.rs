//! `/resources`.

use crate::domain::action::{
    CreateResource, DeleteResource, ListResources, ReadResource, ShareResource, UpdateResource,
};
use crate::domain::{ChangeResource, NewResource, Resource, ResourceFilter, ResourceId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::resources;

pub(in crate::http) async fn list(
    cx: TenantContext<ListResources>,
    query: Query<ResourceFilter>,
) -> Reply<Listed<Resource>> {
    cx.list(cx.tenant(), query, |tx, filter, page| resources::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateResource>,
    Body(new): Body<NewResource>,
) -> Reply<Created<Resource>> {
    cx.write(new.workspace_id, move |tx| resources::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadResource>,
    Path(id): Path<ResourceId>,
) -> Reply<Item<Resource>> {
    cx.read(id, move |tx| resources::read(tx, id)).await.map(Item)
}

/// Whoever may write changes a resource; whom it is seen by, whoever may share it alone.
pub(in crate::http) async fn update(
    cx: TenantContext<UpdateResource>,
    Path(id): Path<ResourceId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeResource>,
) -> Reply<Item<Resource>> {
    let changed = if change.visibility.is_some() {
        cx.act::<ShareResource>()
            .write(id, move |tx| resources::update(tx, id, &change, version))
            .await
    } else {
        cx.write(id, move |tx| resources::update(tx, id, &change, version)).await
    };
    changed.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteResource>,
    Path(id): Path<ResourceId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| resources::delete(tx, id, version)).await.map(|()| NoContent)
}
