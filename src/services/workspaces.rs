//! Workspaces: where resources are kept, and whose they are.

use crate::domain::action::{
    CreateWorkspace, DeleteWorkspace, ListWorkspaces, ReadWorkspace, UpdateWorkspace,
};
use crate::domain::{
    ChangeWorkspace, Covers, Error, EventType, NewWorkspace, Page, PageRequest, Result, Target,
    Workspace, WorkspaceFilter, WorkspaceId,
};
use crate::storage::tenant::{principals, workspaces};
use crate::storage::{ReadTx, WriteTx};

/// Lists the workspaces that the caller reaches.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListWorkspaces>>(
    tx: &ReadTx<'_, A>,
    filter: &WorkspaceFilter,
    page: &PageRequest,
) -> Result<Page<Workspace>> {
    workspaces::page(tx, filter, page)
}

/// Reads a workspace.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadWorkspace>>(tx: &ReadTx<'_, A>, id: WorkspaceId) -> Result<Workspace> {
    workspaces::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a workspace for its owner.
///
/// # Errors
/// [`crate::domain::Conflict::NameTaken`] where the owner has one of this name; an owner that is not there.
pub fn create<A: Covers<CreateWorkspace>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewWorkspace,
) -> Result<Workspace> {
    let owner = principals::find(tx, new.owner.id)?.filter(|owner| owner.kind == new.owner.kind);
    if owner.is_none() {
        return Err(Error::invalid("/owner", "no principal has this type and id here"));
    }
    let workspace = workspaces::insert(tx, tx.new_id(), &new.name, new.owner)?;
    tx.concerns(Some(workspace.id.to_string()), None);
    tx.emit(EventType::WorkspaceCreated, &Target::Workspace(workspace.id), &workspace);
    Ok(workspace)
}

/// Renames a workspace.
///
/// # Errors
/// [`Error::Stale`]; [`crate::domain::Conflict::NameTaken`].
pub fn update<A: Covers<UpdateWorkspace>>(
    tx: &mut WriteTx<'_, A>,
    id: WorkspaceId,
    change: &ChangeWorkspace,
    version: i64,
) -> Result<Workspace> {
    let workspace = workspaces::update(tx, id, &change.name, version)?.ok_or(Error::Stale)?;
    tx.emit(EventType::WorkspaceUpdated, &Target::Workspace(id), &workspace);
    Ok(workspace)
}

/// Deletes an empty workspace.
///
/// # Errors
/// [`Error::Stale`]; [`crate::domain::Conflict::NotEmpty`].
pub fn delete<A: Covers<DeleteWorkspace>>(
    tx: &mut WriteTx<'_, A>,
    id: WorkspaceId,
    version: i64,
) -> Result<()> {
    let workspace = workspaces::find(tx, id)?.ok_or(Error::NotFound)?;
    if !workspaces::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tx.emit(EventType::WorkspaceDeleted, &Target::Workspace(id), &workspace);
    Ok(())
}
