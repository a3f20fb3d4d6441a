//! `/members`.

use crate::domain::action::{Covers, TenantPlane};
use crate::domain::action::{
    CreateAdmin, CreateMember, CreateOwner, DeleteMember, ListMembers, ReadMember, ResumeMember,
    SuspendMember, UpdateMember,
};
use crate::domain::{
    AccountId, Action, ChangeMember, Member, MemberFilter, MemberId, NewMember, Role, TenantId,
};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::{accounts, members};

pub(in crate::http) async fn list(
    cx: TenantContext<ListMembers>,
    query: Query<MemberFilter>,
) -> Reply<Listed<Member>> {
    cx.list(cx.tenant(), query, |tx, filter, page| members::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateMember>,
    Body(new): Body<NewMember>,
) -> Reply<Created<Member>> {
    match new.role {
        Role::Owner => add(cx.act::<CreateOwner>(), new).await,
        Role::Admin => add(cx.act::<CreateAdmin>(), new).await,
        Role::Member | Role::Guest => add(cx, new).await,
    }
}

/// Looks the account up only for a caller that may add members.
async fn add<A>(cx: TenantContext<A>, new: NewMember) -> Reply<Created<Member>>
where
    A: Covers<CreateMember> + Action<Plane = TenantPlane, Resource = TenantId>,
{
    let (tenant, account) = (cx.tenant(), new.account_id);
    cx.read(tenant, |_| Ok(())).await?;
    let name = cx.run(move |registry, _| accounts::name(registry, account)).await?;
    cx.write(tenant, move |tx| members::create(tx, &new, name.as_ref())).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadMember>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Member>> {
    cx.read(MemberId(id), move |tx| members::read(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update(
    cx: TenantContext<UpdateMember>,
    Path(id): Path<AccountId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeMember>,
) -> Reply<Item<Member>> {
    let (tenant, role) = (cx.tenant(), change.role);
    let changed = match role {
        Role::Owner => {
            cx.act::<CreateOwner>()
                .write(tenant, move |tx| members::update(tx, id, role, version))
                .await
        }
        Role::Admin => {
            cx.act::<CreateAdmin>()
                .write(tenant, move |tx| members::update(tx, id, role, version))
                .await
        }
        _ => cx.write(MemberId(id), move |tx| members::update(tx, id, role, version)).await,
    };
    changed.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteMember>,
    Path(id): Path<AccountId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(MemberId(id), move |tx| members::delete(tx, id, version)).await.map(|_| NoContent)
}

pub(in crate::http) async fn suspend(
    cx: TenantContext<SuspendMember>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Member>> {
    cx.write(MemberId(id), move |tx| members::suspend(tx, id)).await.map(Item)
}

pub(in crate::http) async fn resume(
    cx: TenantContext<ResumeMember>,
    Path(id): Path<AccountId>,
) -> Reply<Item<Member>> {
    cx.write(MemberId(id), move |tx| members::resume(tx, id)).await.map(Item)
}
