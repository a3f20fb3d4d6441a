//! `/teams`.

use crate::domain::action::{CreateTeam, DeleteTeam, ListTeams, MoveTeam, ReadTeam, UpdateTeam};
use crate::domain::{ChangeTeam, NewTeam, Team, TeamFilter, TeamId};
use crate::http::body::Body;
use crate::http::context::TenantContext;
use crate::http::parameters::{Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Created, Item, Listed, NoContent, Reply};
use crate::services::teams;

pub(in crate::http) async fn list(
    cx: TenantContext<ListTeams>,
    query: Query<TeamFilter>,
) -> Reply<Listed<Team>> {
    cx.list(cx.tenant(), query, |tx, filter, page| teams::list(tx, filter, page)).await
}

pub(in crate::http) async fn create(
    cx: TenantContext<CreateTeam>,
    Body(new): Body<NewTeam>,
) -> Reply<Created<Team>> {
    cx.write(cx.tenant(), move |tx| teams::create(tx, &new)).await.map(Created)
}

pub(in crate::http) async fn read(
    cx: TenantContext<ReadTeam>,
    Path(id): Path<TeamId>,
) -> Reply<Item<Team>> {
    cx.read(id, move |tx| teams::read(tx, id)).await.map(Item)
}

/// A maintainer may change a team; where it stands among the others, its administrators alone.
pub(in crate::http) async fn update(
    cx: TenantContext<UpdateTeam>,
    Path(id): Path<TeamId>,
    IfMatch(version): IfMatch,
    Body(change): Body<ChangeTeam>,
) -> Reply<Item<Team>> {
    let changed = if change.parent_id.is_some() {
        cx.act::<MoveTeam>().write(id, move |tx| teams::place(tx, id, &change, version)).await
    } else {
        cx.write(id, move |tx| teams::update(tx, id, &change, version)).await
    };
    changed.map(Item)
}

pub(in crate::http) async fn delete(
    cx: TenantContext<DeleteTeam>,
    Path(id): Path<TeamId>,
    IfMatch(version): IfMatch,
) -> Reply<NoContent> {
    cx.write(id, move |tx| teams::delete(tx, id, version)).await.map(|()| NoContent)
}
