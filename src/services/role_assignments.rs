//! Who has a custom role: accounts, service accounts, teams with all their parts, or the whole tenant.

use super::roles::granting;
use crate::domain::action::{DeleteRoleAssignment, ListRoleAssignments, UpdateRoleAssignment};
use crate::domain::{
    Action, AssignmentSaid, Covers, Error, EventType, Page, PageRequest, Precondition, PrincipalId,
    PrincipalRef, Result, RoleAssignment, RoleId, Target,
};
use crate::storage::tenant::{principals, role_assignments, roles};
use crate::storage::{ReadTx, WriteTx};

/// Lists who has a role.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListRoleAssignments>>(
    tx: &ReadTx<'_, A>,
    role: RoleId,
    page: &PageRequest,
) -> Result<Page<RoleAssignment>> {
    role_assignments::page(tx, role, page)
}

/// Reads that a principal has a role.
///
/// # Errors
/// [`Error::NotFound`] where it has it not.
pub fn read<A: Covers<ListRoleAssignments>>(
    tx: &ReadTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
) -> Result<RoleAssignment> {
    role_assignments::find(tx, role, principal)?.ok_or(Error::NotFound)
}

/// Gives a role to a principal, or gives it anew.
///
/// # Errors
/// [`Error::ExceedsGranter`] where the caller does not hold what the role covers; [`Error::Stale`] where the
/// precondition does not hold; [`Error::NotFound`] for a principal that is not there.
pub fn put<A: Covers<UpdateRoleAssignment>>(
    tx: &mut WriteTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
    precondition: Precondition,
) -> Result<RoleAssignment> {
    let given = roles::find(tx, role)?.ok_or(Error::NotFound)?;
    principals::find(tx, principal)?.ok_or(Error::NotFound)?;
    granting::may_give(tx, &[given], "role")?;
    let is_done = match precondition {
        Precondition::Absent => role_assignments::insert(tx, role, principal)?,
        Precondition::Version(version) => role_assignments::update(tx, role, principal, version)?,
    };
    if !is_done {
        return Err(Error::Stale);
    }
    let assignment = role_assignments::find(tx, role, principal)?.ok_or(Error::NotFound)?;
    tell(tx, EventType::RoleAssigned, role, assignment.principal);
    Ok(assignment)
}

/// Takes a role from a principal.
///
/// # Errors
/// [`Error::NotFound`] where it has it not; [`Error::Stale`] where that has another version.
pub fn delete<A: Covers<DeleteRoleAssignment>>(
    tx: &mut WriteTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
    version: i64,
) -> Result<()> {
    let found = role_assignments::find(tx, role, principal)?.ok_or(Error::NotFound)?;
    if !role_assignments::delete(tx, role, principal, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::RoleUnassigned, role, found.principal);
    Ok(())
}

fn tell<A: Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    role: RoleId,
    principal: PrincipalRef,
) {
    tx.emit(kind, &Target::Role(role), &AssignmentSaid { role_id: role, principal });
}
