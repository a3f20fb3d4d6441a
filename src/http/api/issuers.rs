//! `/issuers`: those that a tenant trusts; `/v1/platform/issuers`: those of the installation.

use crate::domain::action::{
    CreateIssuer, DeleteIssuer, ListIssuerStatuses, ListIssuers, ReadIssuer, UpdateIssuer,
};
use crate::domain::{
    ChangeIssuer, Issuer, IssuerFilter, IssuerId, IssuerStatuses, NewIssuer, Platform,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Plain, Reply};
use crate::services::issuers;

pub(in crate::http) async fn list(
    cx: TenantContext<ListIssuers>,
    query: Query<IssuerFilter>,
) -> Reply<Listed<Issuer>> {
    cx.list(cx.tenant(), query, |tx, filter, page| issuers::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateIssuer>,
    Body(new): Body<NewIssuer>,
) -> Reply<Created<Issuer>> {
    let state = cx.state();
    let made = cx.write(cx.tenant(), move |tx| issuers::create(tx, &new, &state.verifier)).await?;
    cx.followed().await.map(|()| Created(made))
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadIssuer>,
    Path(id): Path<IssuerId>,
) -> Reply<Item<Issuer>> {
    cx.read(id, move |tx| issuers::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateIssuer>,
    Path(id): Path<IssuerId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeIssuer>,
) -> Reply<Item<Issuer>> {
    let state = cx.state();
    let changed =
        cx.write(id, move |tx| issuers::update(tx, id, &change, version, &state.verifier)).await?;
    cx.followed().await.map(|()| Item(changed))
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteIssuer>,
    Path(id): Path<IssuerId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| issuers::delete(tx, id, version)).await?;
    cx.followed().await.map(|()| NoContent)
}

pub(in crate::http) async fn statuses(
    cx: PlatformContext<ListIssuerStatuses>,
) -> Reply<Plain<IssuerStatuses>> {
    let state = cx.state();
    let items = cx.read(Platform, move |tx| issuers::statuses(tx, &state.verifier)).await?;
    Ok(Plain(IssuerStatuses { items }))
}
