//! Statements on `teams`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, ChangeTeam, Conflict, Description, Direction, Error, Name, Page, PageRequest, Position,
    Result, Team, TeamFilter, TeamId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn team(row: &mut Row<'_>) -> Result<Team, SqlError> {
    Ok(Team {
        id: row.next()?,
        name: row.next()?,
        description: row.next()?,
        parent_id: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One team.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>, id: TeamId) -> Result<Option<Team>> {
    Ok(sql(tx).one(
        "select id, name, description, parent_id, created_at, updated_at, version from teams where id = ?1",
        params![id],
        team,
    )?)
}

/// One team, by its name.
pub(crate) fn find_by_name(tx: &impl Tx<Plane = TenantPlane>, name: &Name) -> Result<Option<Team>> {
    Ok(sql(tx).one(
        "select id, name, description, parent_id, created_at, updated_at, version from teams
        where tenant_id = current_tenant() and name = ?1",
        params![name],
        team,
    )?)
}

/// A page of teams, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &TeamFilter,
    page: &PageRequest,
) -> Result<Page<Team>> {
    let mut listing = Listing::new(
        "select id, name, description, parent_id, created_at, updated_at, version from teams
        where tenant_id = current_tenant()",
    );
    listing.and_if("parent_id = ?", filter.parent_id);
    listing.and_prefix("name >= ?", "name < ?", filter.name_prefix.as_deref());
    let (text, params) = listing.page(("name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, team)?;
    Ok(Page::cut(rows, page, |team| Position {
        key: team.name.to_string(),
        id: team.id.to_string(),
    }))
}

/// The ids of a team and of all its ancestors, the team first.
pub(crate) fn lineage(tx: &impl Tx<Plane = TenantPlane>, id: TeamId) -> Result<Vec<TeamId>> {
    Ok(sql(tx).all(
        "with recursive lineage (id, depth) as (
            select id, 0 from teams where id = ?1
            union
            select t.parent_id, l.depth + 1 from teams t join lineage l on t.id = l.id
            where t.parent_id is not null and l.depth < 64
        )
        select id from lineage order by depth",
        params![id],
        |row| row.next(),
    )?)
}

/// How many levels of teams stand below a team.
pub(crate) fn height(tx: &impl Tx<Plane = TenantPlane>, id: TeamId) -> Result<i64> {
    let height: Option<i64> = sql(tx).one(
        "with recursive below (id, depth) as (
            select id, 0 from teams where id = ?1
            union
            select t.id, b.depth + 1 from teams t join below b on t.parent_id = b.id where b.depth < 64
        )
        select max(depth) from below",
        params![id],
        |row| row.next(),
    )?;
    Ok(height.unwrap_or(0))
}

/// Adds a team; its principal must be there.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: TeamId,
    name: &Name,
    description: &Description,
    parent: Option<TeamId>,
) -> Result<Team> {
    let added = sql(tx)
        .one(
            "insert into teams (id, tenant_id, name, description, parent_id, created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?5)
            returning id, name, description, parent_id, created_at, updated_at, version",
            params![id, name, description, parent, tx.now()],
            team,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))?;
    added.ok_or_else(|| Error::Internal("an inserted team did not come back".to_owned()))
}

/// Changes a team, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: TeamId,
    change: &ChangeTeam,
    version: i64,
) -> Result<Option<Team>> {
    sql(tx)
        .one(
            "update teams
            set name = coalesce(?2, name), description = coalesce(?3, description),
                parent_id = case when ?4 then ?5 else parent_id end, updated_at = ?6, version = version + 1
            where id = ?1 and version = ?7
            returning id, name, description, parent_id, created_at, updated_at, version",
            params![
                id,
                change.name.as_ref(),
                change.description.as_ref(),
                change.parent_id.is_some(),
                change.parent_id.flatten(),
                tx.now(),
                version
            ],
            team,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))
}

/// Deletes a team, if it has the version expected; whatever still belongs to it keeps it.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: TeamId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from teams where id = ?1 and version = ?2", params![id, version])
        .map_err(SqlError::reference(Error::Conflict(Conflict::NotEmpty)))?;
    Ok(deleted > 0)
}
