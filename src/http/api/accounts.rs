//! `/v1/platform/accounts`.

use crate::domain::action::{
    CreateAccount, ListAccounts, ReadAccount, ResumeAccount, SuspendAccount, UpdateAccount,
};
use crate::domain::{Account, AccountFilter, AccountId, ChangeAccount, NewAccount, Platform};
use crate::http::body::Body;
use crate::http::context::PlatformContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, Reply};
use crate::services::accounts;

pub(in crate::http) async fn list(
    cx: PlatformContext<ListAccounts>,
    query: Query<AccountFilter>,
) -> Reply<Listed<Account>> {
    cx.list(Platform, query, |tx, filter, page| accounts::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: PlatformContext<CreateAccount>,
    Body(new): Body<NewAccount>,
) -> Reply<Created<Account>> {
    cx.write(Platform, move |tx| accounts::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadAccount>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Account>> {
    cx.read(id, move |tx| accounts::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: PlatformContext<UpdateAccount>,
    Path(id): Path<AccountId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeAccount>,
) -> Reply<Item<Account>> {
    cx.write(id, move |tx| accounts::update(tx, id, &change, version)).await.map(Item)
}

pub(in crate::http) async fn suspend(
    cx: PlatformContext<SuspendAccount>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Account>> {
    cx.write(id, move |tx| accounts::suspend(tx, id)).await.map(Item)
}

pub(in crate::http) async fn resume(
    cx: PlatformContext<ResumeAccount>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Account>> {
    cx.write(id, move |tx| accounts::resume(tx, id)).await.map(Item)
}
