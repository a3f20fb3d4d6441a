//! `/v1/me`, and one's own tenants.

use crate::domain::action::{CreateMyTenant, EvaluateOwnAccess, ListMyTenants, ReadMe, UpdateMe};
use crate::domain::{
    Account, ChangeAccount, Me, MyTenant, MyTenantFilter, NewPersonalTenant, Tenant,
};
use crate::http::body::Body;
use crate::http::context::AccountContext;
use crate::http::parameters::Query;
use crate::http::precondition::IfMatch;
use crate::http::reply::{Ensured, Item, Listed, Reply};
use crate::services::{me, tenants};

pub(in crate::http) async fn read(cx: AccountContext<ReadMe>) -> Reply<Item<Me>> {
    let me = cx.read(|tx| me::read(tx)).await?;
    let caller = cx.caller().clone();
    let permissions = cx
        .read_tenant::<EvaluateOwnAccess, _, _>(move |tx, tenant| {
            me::permissions(tx, &caller, tenant)
        })
        .await?;
    Ok(Item(Me { permissions: permissions.unwrap_or_default(), ..me }))
}

pub(in crate::http) async fn update(
    cx: AccountContext<UpdateMe>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeAccount>,
) -> Reply<Item<Account>> {
    cx.write(move |tx| me::update(tx, &change, version)).await.map(Item)
}

pub(in crate::http) async fn list_tenants(
    cx: AccountContext<ListMyTenants>,
    query: Query<MyTenantFilter>,
) -> Reply<Listed<MyTenant>> {
    cx.hear().await?;
    cx.list(query, |tx, _, page| me::tenants(tx, page)).await
}

pub(in crate::http) async fn create_tenant(
    cx: AccountContext<CreateMyTenant>,
    Body(new): Body<NewPersonalTenant>,
) -> Reply<Ensured<Tenant>> {
    let when = cx.state().settings.personal_tenants;
    let (thing, is_new) =
        cx.run(move |registry, call| tenants::create_mine(registry, call, &new, when)).await?;
    let location = format!("/v1/tenants/{}", thing.slug);
    Ok(Ensured { thing, is_new, location })
}
