//! Teams: groups of members that nest, never in a circle.

use super::roles::granting;
use crate::domain::action::{
    CreateTeam, DeleteTeam, ListTeams, MoveTeam, ReadTeam, TenantPlane, UpdateTeam,
};
use crate::domain::{
    Action, ChangeTeam, Conflict, Covers, Error, EventType, NewTeam, Page, PageRequest,
    PrincipalType, Result, Target, Team, TeamFilter, TeamId,
};
use crate::storage::tenant::{principals, teams};
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists teams.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListTeams>>(
    tx: &ReadTx<'_, A>,
    filter: &TeamFilter,
    page: &PageRequest,
) -> Result<Page<Team>> {
    teams::page(tx, filter, page)
}

/// Reads a team.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadTeam>>(tx: &ReadTx<'_, A>, id: TeamId) -> Result<Team> {
    teams::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a team; it has no members yet.
///
/// # Errors
/// [`Conflict::NameTaken`]; [`Conflict::TeamDepth`]; a parent that is not there.
pub fn create<A: Covers<CreateTeam>>(tx: &mut WriteTx<'_, A>, new: &NewTeam) -> Result<Team> {
    let id: TeamId = tx.new_id();
    check_parent(tx, new.parent_id, id, 0)?;
    principals::put(tx, id.into(), PrincipalType::Team, &new.name)?;
    let description = new.description.clone().unwrap_or_default();
    let team = teams::insert(tx, id, &new.name, &description, new.parent_id)?;
    tx.emit(EventType::TeamCreated, &Target::Team(id), &team);
    Ok(team)
}

/// Changes name or description.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NameTaken`].
pub fn update<A: Covers<UpdateTeam>>(
    tx: &mut WriteTx<'_, A>,
    id: TeamId,
    change: &ChangeTeam,
    version: i64,
) -> Result<Team> {
    let change = ChangeTeam { parent_id: None, ..change.clone() };
    apply(tx, id, &change, version)
}

/// Changes a team and its place among the others.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NameTaken`]; [`Conflict::TeamCycle`]; [`Conflict::TeamDepth`]; a parent that is not
/// there; [`Error::ExceedsGranter`] where the new place gives custom roles that cover what the caller does not hold.
pub fn place<A: Covers<MoveTeam>>(
    tx: &mut WriteTx<'_, A>,
    id: TeamId,
    change: &ChangeTeam,
    version: i64,
) -> Result<Team> {
    if change.name.is_some() || change.description.is_some() {
        tx.permits::<UpdateTeam>(id)?;
    }
    check_parent(tx, change.parent_id.flatten(), id, teams::height(tx, id)?)?;
    granting::may_move(tx, id, change.parent_id.flatten())?;
    apply(tx, id, change, version)
}

fn apply<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: TeamId,
    change: &ChangeTeam,
    version: i64,
) -> Result<Team> {
    let team = teams::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    principals::put(tx, id.into(), PrincipalType::Team, &team.name)?;
    tx.emit(EventType::TeamUpdated, &Target::Team(id), &team);
    Ok(team)
}

/// A parent must be there, must not be the team itself nor below it, and leave room for what is below the team.
fn check_parent(
    tx: &impl Tx<Plane = TenantPlane>,
    parent: Option<TeamId>,
    team: TeamId,
    height: i64,
) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    let lineage = teams::lineage(tx, parent)?;
    if lineage.is_empty() {
        return Err(Error::invalid("/parent_id", "no team has this id here"));
    }
    if lineage.contains(&team) {
        return Err(Error::Conflict(Conflict::TeamCycle));
    }
    if lineage.len() + usize::try_from(height).unwrap_or(usize::MAX) + 1 > Team::MAX_DEPTH {
        return Err(Error::Conflict(Conflict::TeamDepth));
    }
    Ok(())
}

/// Deletes a team that has no parts and owns nothing.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NotEmpty`].
pub fn delete<A: Covers<DeleteTeam>>(
    tx: &mut WriteTx<'_, A>,
    id: TeamId,
    version: i64,
) -> Result<()> {
    let team = teams::find(tx, id)?.ok_or(Error::NotFound)?;
    if !teams::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    principals::delete(tx, id.into())?;
    tx.emit(EventType::TeamDeleted, &Target::Team(id), &team);
    Ok(())
}
