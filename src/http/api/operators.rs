//! `/v1/platform/operators`.

use crate::domain::action::{DeleteOperator, ListOperators, ReadOperator, UpdateOperator};
use crate::domain::{AccountId, Operator, OperatorFilter, Platform, PutOperator};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::operators;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListOperators>,
    query: Query<OperatorFilter>,
) -> Reply<Listed<Operator>> {
    cx.list(Platform, query, |tx, filter, page| operators::list(tx, filter, page)).await
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadOperator>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Operator>> {
    cx.read(id, move |tx| operators::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdateOperator>,
    Path(id): Path<AccountId>,
    PutCondition(condition): PutCondition,
    Body(operator): Body<PutOperator>,
) -> Reply<Put<Operator>> {
    let put = cx
        .run(move |registry, call| operators::put(registry, call, id, operator.role, condition))
        .await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: PlatformContext<DeleteOperator>,
    Path(id): Path<AccountId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.run(move |registry, call| operators::delete(registry, call, id, version))
        .await
        .map(|()| NoContent)
}
