//! `/v1/platform/attributes`.

use crate::domain::action::{DeleteAttribute, ListAttributes, ReadAttribute, UpdateAttribute};
use crate::domain::{Attribute, AttributeFilter, AttributeKey, Platform, PutAttribute};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{NewKey, Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::attributes;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListAttributes>,
    query: Query<AttributeFilter>,
) -> Reply<Listed<Attribute>> {
    cx.list(Platform, query, |tx, filter, page| attributes::list(tx, filter, page)).await
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadAttribute>,
    Path(key): Path<AttributeKey>,
) -> Reply<Item<Attribute>> {
    cx.read(Platform, move |tx| attributes::read(tx, &key)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdateAttribute>,
    NewKey(key): NewKey,
    PutCondition(condition): PutCondition,
    Body(new): Body<PutAttribute>,
) -> Reply<Put<Attribute>> {
    let put = cx.write(Platform, move |tx| attributes::put(tx, &key, &new, condition)).await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: PlatformContext<DeleteAttribute>,
    Path(key): Path<AttributeKey>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(Platform, move |tx| attributes::delete(tx, &key, version)).await.map(|()| NoContent)
}
