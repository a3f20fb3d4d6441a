//! `/resource-types`.

use crate::domain::action::{CreateResourceType, ListResourceTypes, ReadResourceType};
use crate::domain::{NewResourceType, ResourceType, ResourceTypeFilter, ResourceTypeName};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Created, Item, Listed, Reply};
use crate::services::resource_types;

pub(in crate::http) async fn list(
    cx: TenantContext<ListResourceTypes>,
    query: Query<ResourceTypeFilter>,
) -> Reply<Listed<ResourceType>> {
    cx.list(cx.tenant(), query, |tx, _, page| resource_types::list(tx, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateResourceType>,
    Body(new): Body<NewResourceType>,
) -> Reply<Created<ResourceType>> {
    cx.write(cx.tenant(), move |tx| resource_types::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadResourceType>,
    Path(name): Path<ResourceTypeName>,
) -> Reply<Item<ResourceType>> {
    cx.read(name.clone(), move |tx| resource_types::read(tx, &name)).await.map(Item)
}
