//! `/v1/platform/catalog` and `/catalog`.

use crate::domain::action::{
    DeleteAccountCatalog, DeletePlatformCatalog, DeleteTeamCatalog, DeleteTenantCatalog,
    InspectCatalog, ListAccountCatalog, ListPlatformCatalog, ListTeamCatalog, ListTenantCatalog,
    ReadCatalog, UpdateAccountCatalog, UpdatePlatformCatalog, UpdateTeamCatalog,
    UpdateTenantCatalog,
};
use crate::domain::{
    AccountId, AttributeKey, CatalogFilter, CatalogItem, CatalogItemFilter, CatalogValue,
    ItemOwner, MemberId, Platform, PutCatalogItem, TeamId,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{NewKey, Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::catalog::{self, DeletesItems, ListsItems, PutsItems};

pub(in crate::http) async fn list_platform(
    cx: PlatformContext<ListPlatformCatalog>,
    query: Query<CatalogItemFilter>,
) -> Reply<Listed<CatalogItem>> {
    cx.list(Platform, query, |tx, _, page| catalog::list_platform(tx, page)).await
}

pub(in crate::http) async fn read_platform(
    cx: PlatformContext<ListPlatformCatalog>,
    Path(key): Path<AttributeKey>,
) -> Reply<Item<CatalogItem>> {
    cx.read(Platform, move |tx| catalog::read_platform(tx, &key)).await.map(Item)
}

pub(in crate::http) async fn put_platform(
    cx: PlatformContext<UpdatePlatformCatalog>,
    NewKey(key): NewKey,
    PutCondition(condition): PutCondition,
    Body(new): Body<PutCatalogItem>,
) -> Reply<Put<CatalogItem>> {
    let put = cx
        .write(Platform, move |tx| catalog::put_platform(tx, &key, &new.value, condition))
        .await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete_platform(
    cx: PlatformContext<DeletePlatformCatalog>,
    Path(key): Path<AttributeKey>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    let deleted = cx.write(Platform, move |tx| catalog::delete_platform(tx, &key, version)).await;
    deleted.map(|()| NoContent)
}

/// What counts for the caller; what counts for somebody else is another question.
pub(in crate::http) async fn read(
    cx: TenantContext<ReadCatalog>,
    query: Query<CatalogFilter>,
) -> Reply<Listed<CatalogValue>> {
    let tenant = cx.tenant();
    match query.0.account_id {
        Some(account) if cx.caller().subject.account() != Some(account) => {
            let cx = cx.act::<InspectCatalog>();
            cx.list(tenant, query, move |tx, _, page| catalog::inspect(tx, account, page)).await
        }
        _ => cx.list(tenant, query, |tx, _, page| catalog::read(tx, page)).await,
    }
}

async fn list_of<A>(
    cx: TenantContext<A>,
    owner: A::Resource,
    query: Query<CatalogItemFilter>,
) -> Reply<Listed<CatalogItem>>
where
    A: ListsItems<Resource: Into<ItemOwner> + Copy>,
{
    cx.list(owner, query, move |tx, _, page| catalog::list(tx, owner, page)).await
}

async fn read_of<A>(
    cx: TenantContext<A>,
    owner: A::Resource,
    key: AttributeKey,
) -> Reply<Item<CatalogItem>>
where
    A: ListsItems<Resource: Into<ItemOwner> + Copy>,
{
    cx.read(owner, move |tx| catalog::read_item(tx, owner, &key)).await.map(Item)
}

async fn put_of<A>(
    cx: TenantContext<A>,
    owner: A::Resource,
    key: AttributeKey,
    PutCondition(condition): PutCondition,
    Body(new): Body<PutCatalogItem>,
) -> Reply<Put<CatalogItem>>
where
    A: PutsItems<Resource: Into<ItemOwner> + Copy>,
{
    let put =
        cx.write(owner, move |tx| catalog::put(tx, owner, &key, &new.value, condition)).await?;
    Ok(Put(put, condition))
}

async fn delete_of<A>(
    cx: TenantContext<A>,
    owner: A::Resource,
    key: AttributeKey,
    IfMatch(version): IfMatch,
) -> Reply<NoContent>
where
    A: DeletesItems<Resource: Into<ItemOwner> + Copy>,
{
    let deleted = cx.write(owner, move |tx| catalog::delete(tx, owner, &key, version)).await;
    deleted.map(|()| NoContent)
}

pub(in crate::http) async fn list_tenant(
    cx: TenantContext<ListTenantCatalog>,
    query: Query<CatalogItemFilter>,
) -> Reply<Listed<CatalogItem>> {
    let tenant = cx.tenant();
    list_of(cx, tenant, query).await
}

pub(in crate::http) async fn read_tenant(
    cx: TenantContext<ListTenantCatalog>,
    Path(key): Path<AttributeKey>,
) -> Reply<Item<CatalogItem>> {
    let tenant = cx.tenant();
    read_of(cx, tenant, key).await
}

pub(in crate::http) async fn put_tenant(
    cx: TenantContext<UpdateTenantCatalog>,
    NewKey(key): NewKey,
    condition: PutCondition,
    body: Body<PutCatalogItem>,
) -> Reply<Put<CatalogItem>> {
    let tenant = cx.tenant();
    put_of(cx, tenant, key, condition, body).await
}

pub(in crate::http) async fn delete_tenant(
    cx: TenantContext<DeleteTenantCatalog>,
    Path(key): Path<AttributeKey>,
    version: IfMatch,
) -> Reply<NoContent> {
    let tenant = cx.tenant();
    delete_of(cx, tenant, key, version).await
}

pub(in crate::http) async fn list_team(
    cx: TenantContext<ListTeamCatalog>,
    Path(team): Path<TeamId>,
    query: Query<CatalogItemFilter>,
) -> Reply<Listed<CatalogItem>> {
    list_of(cx, team, query).await
}

pub(in crate::http) async fn read_team(
    cx: TenantContext<ListTeamCatalog>,
    Path(team): Path<TeamId>,
    Path(key): Path<AttributeKey>,
) -> Reply<Item<CatalogItem>> {
    read_of(cx, team, key).await
}

pub(in crate::http) async fn put_team(
    cx: TenantContext<UpdateTeamCatalog>,
    Path(team): Path<TeamId>,
    NewKey(key): NewKey,
    condition: PutCondition,
    body: Body<PutCatalogItem>,
) -> Reply<Put<CatalogItem>> {
    put_of(cx, team, key, condition, body).await
}

pub(in crate::http) async fn delete_team(
    cx: TenantContext<DeleteTeamCatalog>,
    Path(team): Path<TeamId>,
    Path(key): Path<AttributeKey>,
    version: IfMatch,
) -> Reply<NoContent> {
    delete_of(cx, team, key, version).await
}

pub(in crate::http) async fn list_account(
    cx: TenantContext<ListAccountCatalog>,
    Path(account): Path<AccountId>,
    query: Query<CatalogItemFilter>,
) -> Reply<Listed<CatalogItem>> {
    list_of(cx, MemberId(account), query).await
}

pub(in crate::http) async fn read_account(
    cx: TenantContext<ListAccountCatalog>,
    Path(account): Path<AccountId>,
    Path(key): Path<AttributeKey>,
) -> Reply<Item<CatalogItem>> {
    read_of(cx, MemberId(account), key).await
}

pub(in crate::http) async fn put_account(
    cx: TenantContext<UpdateAccountCatalog>,
    Path(account): Path<AccountId>,
    NewKey(key): NewKey,
    condition: PutCondition,
    body: Body<PutCatalogItem>,
) -> Reply<Put<CatalogItem>> {
    put_of(cx, MemberId(account), key, condition, body).await
}

pub(in crate::http) async fn delete_account(
    cx: TenantContext<DeleteAccountCatalog>,
    Path(account): Path<AccountId>,
    Path(key): Path<AttributeKey>,
    version: IfMatch,
) -> Reply<NoContent> {
    delete_of(cx, MemberId(account), key, version).await
}
