//! `/applications`: what a tenant has bound.

use crate::domain::action::{
    DeleteApplicationBinding, ListApplicationBindings, UpdateApplicationBinding,
};
use crate::domain::{
    ApplicationBinding, ApplicationFilter, ApplicationName, PutApplicationBinding,
};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::application_bindings;

pub(in crate::http) async fn list(
    cx: TenantContext<ListApplicationBindings>,
    query: Query<ApplicationFilter>,
) -> Reply<Listed<ApplicationBinding>> {
    cx.list(cx.tenant(), query, |tx, _, page| application_bindings::list(tx, page)).await
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListApplicationBindings>,
    Path(name): Path<ApplicationName>,
) -> Reply<Item<ApplicationBinding>> {
    cx.read(cx.tenant(), move |tx| application_bindings::read(tx, &name)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: TenantContext<UpdateApplicationBinding>,
    Path(name): Path<ApplicationName>,
    PutCondition(condition): PutCondition,
    Body(asked): Body<PutApplicationBinding>,
) -> Reply<Put<ApplicationBinding>> {
    let terms =
        cx.read(cx.tenant(), move |tx| application_bindings::terms(tx, &name, &asked)).await?;
    let put =
        cx.write(cx.tenant(), move |tx| application_bindings::put(tx, &terms, condition)).await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteApplicationBinding>,
    Path(name): Path<ApplicationName>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(cx.tenant(), move |tx| application_bindings::delete(tx, &name, version))
        .await
        .map(|()| NoContent)
}
