//! `/v1/platform/break-glass`.

use crate::domain::action::{
    ApproveBreakGlass, CreateBreakGlass, DenyBreakGlass, EndBreakGlass, ListBreakGlass,
    ReadBreakGlass,
};
use crate::domain::{BreakGlass, BreakGlassFilter, BreakGlassId, NewBreakGlass, Platform};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Created, Item, Listed, Reply};
use crate::services::break_glass;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListBreakGlass>,
    query: Query<BreakGlassFilter>,
) -> Reply<Listed<BreakGlass>> {
    cx.list(Platform, query, |tx, filter, page| break_glass::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateBreakGlass>,
    Body(new): Body<NewBreakGlass>,
) -> Reply<Created<BreakGlass>> {
    cx.run(move |registry, call| break_glass::create(registry, call, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadBreakGlass>,
    Path(id): Path<BreakGlassId>,
) -> Reply<Item<BreakGlass>> {
    cx.read(id, move |tx| break_glass::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn approve(
    cx: PlatformContext<ApproveBreakGlass>,
    Path(id): Path<BreakGlassId>,
) -> Reply<Item<BreakGlass>> {
    cx.run(move |registry, call| break_glass::approve(registry, call, id)).await.map(Item)
}

pub(in crate::http) async fn deny(
    cx: PlatformContext<DenyBreakGlass>,
    Path(id): Path<BreakGlassId>,
) -> Reply<Item<BreakGlass>> {
    cx.run(move |registry, call| break_glass::deny(registry, call, id)).await.map(Item)
}

pub(in crate::http) async fn end(
    cx: PlatformContext<EndBreakGlass>,
    Path(id): Path<BreakGlassId>,
) -> Reply<Item<BreakGlass>> {
    cx.run(move |registry, call| break_glass::end(registry, call, id)).await.map(Item)
}
