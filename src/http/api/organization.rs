//! The tenant's own entry.

use crate::domain::action::{ReadTenant, UpdateTenant};
use crate::domain::{ChangeTenant, Tenant};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::precondition::IfMatch;
use crate::http::reply::{Item, Reply};
use crate::services::organization;

pub(in crate::http) async fn read(cx: TenantContext<ReadTenant>) -> Reply<Item<Tenant>> {
    let entry = cx.entry();
    cx.read(cx.tenant(), move |tx| organization::read(tx, &entry)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateTenant>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeTenant>,
) -> Reply<Item<Tenant>> {
    let entry = cx.entry();
    cx.write(cx.tenant(), move |tx| organization::update(tx, &entry, &change, version))
        .await
        .map(Item)
}
