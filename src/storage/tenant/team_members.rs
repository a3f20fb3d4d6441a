//! Statements on `team_members`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Direction, Page, PageRequest, Position, Result, TeamId, TeamMember,
    TeamMemberFilter, TeamRole,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn team_member(row: &mut Row<'_>) -> Result<TeamMember, SqlError> {
    let account_id: AccountId = row.next()?;
    Ok(TeamMember {
        id: account_id,
        account_id,
        display_name: row.next()?,
        role: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// Somebody's place in a team.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    team: TeamId,
    account: AccountId,
) -> Result<Option<TeamMember>> {
    Ok(sql(tx).one(
        "select t.account_id, m.display_name, t.role, t.created_at, t.updated_at, t.version
        from team_members t join org_members m on m.account_id = t.account_id
        where t.team_id = ?1 and t.account_id = ?2",
        params![team, account],
        team_member,
    )?)
}

/// A page of a team's members, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    team: TeamId,
    filter: &TeamMemberFilter,
    page: &PageRequest,
) -> Result<Page<TeamMember>> {
    let mut listing = Listing::new(
        "select t.account_id, m.display_name, t.role, t.created_at, t.updated_at, t.version
        from team_members t join org_members m on m.account_id = t.account_id
        where t.tenant_id = current_tenant()",
    );
    listing.and("t.team_id = ?", team);
    listing.and_if("t.role = ?", filter.role);
    let (text, params) =
        listing.page(("m.display_name", "t.account_id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, team_member)?;
    Ok(Page::cut(rows, page, |member| Position {
        key: member.display_name.to_string(),
        id: member.account_id.to_string(),
    }))
}

/// Gives somebody a place; says whether they had none.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    role: TeamRole,
) -> Result<bool> {
    let added = sql(tx).execute(
        "insert into team_members (team_id, account_id, tenant_id, role, created_at, updated_at)
        values (?1, ?2, current_tenant(), ?3, ?4, ?4)
        on conflict (team_id, account_id) do nothing",
        params![team, account, role, tx.now()],
    )?;
    Ok(added > 0)
}

/// Changes somebody's place, if it has the version expected; says whether it had.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    role: TeamRole,
    version: i64,
) -> Result<bool> {
    let updated = sql(tx).execute(
        "update team_members set role = ?3, updated_at = ?4, version = version + 1
        where team_id = ?1 and account_id = ?2 and version = ?5",
        params![team, account, role, tx.now(), version],
    )?;
    Ok(updated > 0)
}

/// Takes somebody's place away, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from team_members where team_id = ?1 and account_id = ?2 and version = ?3",
        params![team, account, version],
    )?;
    Ok(deleted > 0)
}
