//! `/v1/platform/plans`.

use crate::domain::action::{DeletePlan, ListPlans, UpdatePlan};
use crate::domain::{Plan, PlanFilter, PlanName, Platform, PutPlan};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{NewPlan, Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::plans;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListPlans>,
    query: Query<PlanFilter>,
) -> Reply<Listed<Plan>> {
    cx.list(Platform, query, |tx, _, page| plans::list(tx, page)).await
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ListPlans>,
    Path(plan): Path<PlanName>,
) -> Reply<Item<Plan>> {
    cx.read(Platform, move |tx| plans::read(tx, &plan)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: PlatformContext<UpdatePlan>,
    NewPlan(plan): NewPlan,
    PutCondition(condition): PutCondition,
    Body(new): Body<PutPlan>,
) -> Reply<Put<Plan>> {
    let put = cx.write(Platform, move |tx| plans::put(tx, &plan, &new, condition)).await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: PlatformContext<DeletePlan>,
    Path(plan): Path<PlanName>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(Platform, move |tx| plans::delete(tx, &plan, version)).await.map(|()| NoContent)
}
