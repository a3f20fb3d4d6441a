//! `/v1/me/profile`, `/profile-defaults` and `/members/{account}/profile`.

use crate::domain::action::{
    ReadMyProfile, ReadProfile, ReadProfileDefaults, UpdateMyProfile, UpdateProfile,
    UpdateProfileDefaults,
};
use crate::domain::{AccountId, MemberId, Profile, ValuesPatch};
use crate::http::body::Body;
use crate::http::context::{AccountContext, TenantContext};
use crate::http::parameters::Path;
use crate::http::precondition::IfMatch;
use crate::http::reply::{Item, Reply};
use crate::services::profiles;

pub(in crate::http) async fn read_own(cx: AccountContext<ReadMyProfile>) -> Reply<Item<Profile>> {
    let account = cx.account()?;
    cx.read(move |tx| profiles::read_own(tx, account)).await.map(Item)
}

pub(in crate::http) async fn update_own(
    cx: AccountContext<UpdateMyProfile>,
    IfMatch(version): IfMatch,
    Body(patch): Body<ValuesPatch>,
) -> Reply<Item<Profile>> {
    let account = cx.account()?;
    cx.write(move |tx| profiles::update_own(tx, account, &patch, version)).await.map(Item)
}

pub(in crate::http) async fn read_defaults(
    cx: TenantContext<ReadProfileDefaults>,
) -> Reply<Item<Profile>> {
    let tenant = cx.tenant();
    cx.read(tenant, move |tx| profiles::read_defaults(tx, tenant)).await.map(Item)
}

pub(in crate::http) async fn update_defaults(
    cx: TenantContext<UpdateProfileDefaults>,
    IfMatch(version): IfMatch,
    Body(patch): Body<ValuesPatch>,
) -> Reply<Item<Profile>> {
    let tenant = cx.tenant();
    let changed =
        cx.write(tenant, move |tx| profiles::update_defaults(tx, tenant, &patch, version)).await?;
    Ok(Item(changed))
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadProfile>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Profile>> {
    cx.read(MemberId(id), move |tx| profiles::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateProfile>,
    Path(id): Path<AccountId>,
    IfMatch(version): IfMatch,
    Body(patch): Body<ValuesPatch>,
) -> Reply<Item<Profile>> {
    cx.write(MemberId(id), move |tx| profiles::update(tx, id, &patch, version)).await.map(Item)
}
