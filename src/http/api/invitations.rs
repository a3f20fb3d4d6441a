//! `/invitations`, and what they are to whom they are for: `/v1/me/invitations`.

use crate::domain::action::{
    AnswerMyInvitation, CreateInvitation, ListInvitations, ListMyInvitations, ReadInvitation,
    RevokeInvitation,
};
use crate::domain::{
    Invitation, InvitationFilter, InvitationId, MadeInvitations, MyInvitation, MyInvitationFilter,
    NewInvitation, NewInvitations,
};
use crate::http::body::Body;
use crate::http::context::{AccountContext, TenantContext};
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Created, Item, Listed, Plain, Reply};
use crate::services::invitations::{self, Mailing};

pub(in crate::http) async fn list(
    cx: TenantContext<ListInvitations>,
    query: Query<InvitationFilter>,
) -> Reply<Listed<Invitation>> {
    cx.list(cx.tenant(), query, |tx, filter, page| invitations::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateInvitation>,
    Body(new): Body<NewInvitation>,
) -> Reply<Created<Invitation>> {
    let mailing = mailing(&cx);
    cx.read(cx.tenant(), |_| Ok(())).await?;
    let account = invitations::known(cx.registry(), std::slice::from_ref(&new))?.pop().flatten();
    cx.write(cx.tenant(), move |tx| invitations::create(tx, &new, account, &mailing))
        .await
        .map(Created)
}

pub(in crate::http) async fn create_many(
    cx: TenantContext<CreateInvitation>,
    Body(new): Body<NewInvitations>,
) -> Reply<Plain<MadeInvitations>> {
    let mailing = mailing(&cx);
    // Who may not ask has nobody looked up.
    cx.read(cx.tenant(), |_| Ok(())).await?;
    invitations::check_count(&new)?;
    let accounts = invitations::known(cx.registry(), &new.invitations)?;
    cx.write(cx.tenant(), move |tx| invitations::create_many(tx, &new, &accounts, &mailing))
        .await
        .map(Plain)
}

fn mailing(cx: &TenantContext<CreateInvitation>) -> Mailing {
    Mailing { letters: cx.letters(), slug: cx.entry().slug.clone() }
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadInvitation>,
    Path(id): Path<InvitationId>,
) -> Reply<Item<Invitation>> {
    cx.read(id, move |tx| invitations::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn revoke(
    cx: TenantContext<RevokeInvitation>,
    Path(id): Path<InvitationId>,
) -> Reply<Item<Invitation>> {
    cx.write(id, move |tx| invitations::revoke(tx, id)).await.map(Item)
}

pub(in crate::http) async fn list_mine(
    cx: AccountContext<ListMyInvitations>,
    query: Query<MyInvitationFilter>,
) -> Reply<Listed<MyInvitation>> {
    cx.hear().await?;
    let identities = cx.identities().await?;
    cx.list(query, move |tx, _, page| invitations::list_mine(tx, &identities, page)).await
}

pub(in crate::http) async fn accept(
    cx: AccountContext<AnswerMyInvitation>,
    Path(id): Path<InvitationId>,
) -> Reply<Plain<MyInvitation>> {
    cx.hear().await?;
    cx.run(move |registry, call| invitations::accept(registry, call, id)).await.map(Plain)
}

pub(in crate::http) async fn decline(
    cx: AccountContext<AnswerMyInvitation>,
    Path(id): Path<InvitationId>,
) -> Reply<Plain<MyInvitation>> {
    cx.hear().await?;
    cx.run(move |registry, call| invitations::decline(registry, call, id)).await.map(Plain)
}
