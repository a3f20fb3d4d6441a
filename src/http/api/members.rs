//! `/members`.

use crate::domain::action::{
    CreateAdmin, CreateMember, CreateOwner, DeleteMember, ListMembers, ReadMember, ResumeMember,
    SuspendMember, UpdateMember,
};
use crate::domain::{AccountId, ChangeMember, Member, MemberFilter, MemberId, NewMember, Role};
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
    let (tenant, name) = (cx.tenant(), accounts::name(cx.registry(), new.account_id)?);
    let made = match new.role {
        Role::Owner => {
            cx.act::<CreateOwner>()
                .write(tenant, move |tx| members::create(tx, &new, name.as_ref()))
                .await
        }
        Role::Admin => {
            cx.act::<CreateAdmin>()
                .write(tenant, move |tx| members::create(tx, &new, name.as_ref()))
                .await
        }
        _ => cx.write(tenant, move |tx| members::create(tx, &new, name.as_ref())).await,
    };
    made.map(Created)
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
