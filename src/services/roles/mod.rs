//! Custom roles: what a tenant lets its principals do everywhere in it.
//!
//! [`granting`] holds whoever gives one to what they hold themselves.

pub(super) mod granting;

use crate::domain::action::{CreateRole, DeleteRole, ListRoles, ReadRole, UpdateRole};
use crate::domain::{
    ChangeRole, Conflict, Covers, CustomRole, Error, EventType, NewRole, Page, PageRequest, Result,
    RoleId, Target,
};
use crate::storage::tenant::roles;
use crate::storage::{ReadTx, WriteTx};

/// Lists roles.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListRoles>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<CustomRole>> {
    roles::page(tx, page)
}

/// Reads a role.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadRole>>(tx: &ReadTx<'_, A>, id: RoleId) -> Result<CustomRole> {
    roles::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a role; nobody has it yet.
///
/// # Errors
/// Patterns that can give nothing; [`Error::ExceedsGranter`]; [`Conflict::NameTaken`]; [`Conflict::RoleLimit`].
pub fn create<A: Covers<CreateRole>>(tx: &mut WriteTx<'_, A>, new: &NewRole) -> Result<CustomRole> {
    granting::check(tx, &new.permissions)?;
    granting::may_write(tx, &new.name, &new.permissions)?;
    if roles::count(tx)? >= CustomRole::MAX_PER_TENANT {
        return Err(Error::Conflict(Conflict::RoleLimit));
    }
    let description = new.description.clone().unwrap_or_default();
    let role = roles::insert(tx, tx.new_id(), &new.name, &description, &new.permissions)?;
    tx.emit(EventType::RoleCreated, &Target::Role(role.id), &role);
    Ok(role)
}

/// Changes a role, for everybody who has it.
///
/// # Errors
/// [`Error::Stale`]; as [`create`].
pub fn update<A: Covers<UpdateRole>>(
    tx: &mut WriteTx<'_, A>,
    id: RoleId,
    change: &ChangeRole,
    version: i64,
) -> Result<CustomRole> {
    let before = roles::find(tx, id)?.ok_or(Error::NotFound)?;
    if before.version != version {
        return Err(Error::Stale);
    }
    if let Some(permissions) = &change.permissions {
        granting::check(tx, permissions)?;
    }
    let name = change.name.as_ref().unwrap_or(&before.name);
    let permissions = change.permissions.as_ref().unwrap_or(&before.permissions);
    granting::may_write(tx, name, permissions)?;
    let role = roles::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    tx.emit(EventType::RoleUpdated, &Target::Role(id), &role);
    Ok(role)
}

/// Deletes a role, and takes it from everybody.
///
/// # Errors
/// [`Error::Stale`].
pub fn delete<A: Covers<DeleteRole>>(
    tx: &mut WriteTx<'_, A>,
    id: RoleId,
    version: i64,
) -> Result<()> {
    let role = roles::find(tx, id)?.ok_or(Error::NotFound)?;
    if !roles::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tx.emit(EventType::RoleDeleted, &Target::Role(id), &role);
    Ok(())
}
