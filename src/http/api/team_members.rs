//! `/teams/{team}/members`.

use crate::domain::action::{DeleteTeamMember, ListTeamMembers, UpdateTeamMember};
use crate::domain::{AccountId, PutTeamMember, TeamId, TeamMember, TeamMemberFilter};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::{IfMatch, PutCondition};
use crate::http::reply::{Item, Listed, NoContent, Put, Reply};
use crate::services::team_members;

pub(in crate::http) async fn list(
    cx: TenantContext<ListTeamMembers>,
    Path(team): Path<TeamId>,
    query: Query<TeamMemberFilter>,
) -> Reply<Listed<TeamMember>> {
    cx.list(team, query, move |tx, filter, page| team_members::list(tx, team, filter, page)).await
}

pub(in crate::http) async fn read(
    cx: TenantContext<ListTeamMembers>,
    Path(team): Path<TeamId>,
    Path(account): Path<AccountId>,
) -> Reply<Item<TeamMember>> {
    cx.read(team, move |tx| team_members::read(tx, team, account)).await.map(Item)
}

pub(in crate::http) async fn put(
    cx: TenantContext<UpdateTeamMember>,
    Path(team): Path<TeamId>,
    Path(account): Path<AccountId>,
    PutCondition(condition): PutCondition,
    Body(place): Body<PutTeamMember>,
) -> Reply<Put<TeamMember>> {
    let put = cx
        .write(team, move |tx| team_members::put(tx, team, account, place.role, condition))
        .await?;
    Ok(Put(put, condition))
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteTeamMember>,
    Path(team): Path<TeamId>,
    Path(account): Path<AccountId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(team, move |tx| team_members::delete(tx, team, account, version))
        .await
        .map(|()| NoContent)
}
