//! Places in teams.

use super::roles::granting;
use crate::domain::action::{DeleteTeamMember, ListTeamMembers, UpdateTeamMember};
use crate::domain::{
    AccountId, Covers, Error, EventType, MemberState, Page, PageRequest, Precondition, Result,
    Target, TeamId, TeamMember, TeamMemberFilter, TeamPlaceSaid, TeamRole,
};
use crate::storage::tenant::{members, team_members};
use crate::storage::{ReadTx, WriteTx};

/// Lists a team's members.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListTeamMembers>>(
    tx: &ReadTx<'_, A>,
    team: TeamId,
    filter: &TeamMemberFilter,
    page: &PageRequest,
) -> Result<Page<TeamMember>> {
    team_members::page(tx, team, filter, page)
}

/// Reads somebody's place in a team.
///
/// # Errors
/// [`Error::NotFound`] where they have none.
pub fn read<A: Covers<ListTeamMembers>>(
    tx: &ReadTx<'_, A>,
    team: TeamId,
    account: AccountId,
) -> Result<TeamMember> {
    team_members::find(tx, team, account)?.ok_or(Error::NotFound)
}

/// Gives a member a place in a team, or another one.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Error::NotFound`] for an account that is no member;
/// [`Error::ExceedsGranter`] where the place gives custom roles that cover what the caller does not hold.
pub fn put<A: Covers<UpdateTeamMember>>(
    tx: &mut WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    role: TeamRole,
    precondition: Precondition,
) -> Result<TeamMember> {
    let member = members::find(tx, account)?.filter(|member| member.state != MemberState::Removed);
    if member.is_none() {
        return Err(Error::NotFound);
    }
    if precondition == Precondition::Absent {
        granting::may_place(tx, team, "team")?;
    }
    match precondition {
        Precondition::Absent if !team_members::insert(tx, team, account, role)? => {
            return Err(Error::Stale);
        }
        Precondition::Version(version)
            if !team_members::update(tx, team, account, role, version)? =>
        {
            return Err(Error::Stale);
        }
        _ => {}
    }
    tx.emit(
        EventType::TeamMemberUpdated,
        &Target::Team(team),
        &TeamPlaceSaid { team_id: team, account_id: account, role: Some(role) },
    );
    team_members::find(tx, team, account)?.ok_or(Error::NotFound)
}

/// Gives a member a place in a team if they have none yet; says whether they had none.
///
/// # Errors
/// Storage failed.
pub fn ensure<A: Covers<UpdateTeamMember>>(
    tx: &mut WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    role: TeamRole,
) -> Result<bool> {
    let added = team_members::insert(tx, team, account, role)?;
    if added {
        let place = TeamPlaceSaid { team_id: team, account_id: account, role: Some(role) };
        tx.emit(EventType::TeamMemberUpdated, &Target::Team(team), &place);
    }
    Ok(added)
}

/// Takes somebody's place in a team away.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where they have none.
pub fn delete<A: Covers<DeleteTeamMember>>(
    tx: &mut WriteTx<'_, A>,
    team: TeamId,
    account: AccountId,
    version: i64,
) -> Result<()> {
    if !team_members::delete(tx, team, account, version)? {
        return Err(
            team_members::find(tx, team, account)?.map_or(Error::NotFound, |_| Error::Stale)
        );
    }
    tx.emit(
        EventType::TeamMemberDeleted,
        &Target::Team(team),
        &TeamPlaceSaid { team_id: team, account_id: account, role: None },
    );
    Ok(())
}
