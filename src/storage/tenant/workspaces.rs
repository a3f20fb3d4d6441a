//! Statements on `workspaces`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Conflict, Direction, Error, Name, Page, PageRequest, Position, PrincipalRef, Result,
    Workspace, WorkspaceFilter, WorkspaceId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn workspace(row: &mut Row<'_>) -> Result<Workspace, SqlError> {
    Ok(Workspace {
        id: row.next()?,
        name: row.next()?,
        owner: PrincipalRef { kind: row.next()?, id: row.next()? },
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One workspace.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    id: WorkspaceId,
) -> Result<Option<Workspace>> {
    Ok(sql(tx).one(
        "select id, name, owner_type, owner_id, created_at, updated_at, version from workspaces where id = ?1",
        params![id],
        workspace,
    )?)
}

/// One workspace, by its owner and name.
pub(crate) fn find_by_name(
    tx: &impl Tx<Plane = TenantPlane>,
    owner: PrincipalRef,
    name: &Name,
) -> Result<Option<Workspace>> {
    Ok(sql(tx).one(
        "select id, name, owner_type, owner_id, created_at, updated_at, version from workspaces
        where tenant_id = current_tenant() and owner_id = ?1 and name = ?2",
        params![owner.id, name],
        workspace,
    )?)
}

/// A page of the workspaces that the caller reaches, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &WorkspaceFilter,
    page: &PageRequest,
) -> Result<Page<Workspace>> {
    let mut listing = Listing::new(
        "select id, name, owner_type, owner_id, created_at, updated_at, version from workspaces
        where tenant_id = current_tenant()",
    );
    listing.and_if("owner_id = ?", filter.owner_id);
    listing.and_prefix("name >= ?", "name < ?", filter.name_prefix.as_deref());
    let (text, params) = listing.page(("name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, workspace)?;
    Ok(Page::cut(rows, page, |workspace| Position {
        key: workspace.name.to_string(),
        id: workspace.id.to_string(),
    }))
}

/// Adds a workspace.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: WorkspaceId,
    name: &Name,
    owner: PrincipalRef,
) -> Result<Workspace> {
    let added = sql(tx)
        .one(
            "insert into workspaces (id, tenant_id, name, owner_type, owner_id, created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?5)
            returning id, name, owner_type, owner_id, created_at, updated_at, version",
            params![id, name, owner.kind, owner.id, tx.now()],
            workspace,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))?;
    added.ok_or_else(|| Error::Internal("an inserted workspace did not come back".to_owned()))
}

/// Renames a workspace, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: WorkspaceId,
    name: &Name,
    version: i64,
) -> Result<Option<Workspace>> {
    sql(tx)
        .one(
            "update workspaces set name = ?2, updated_at = ?3, version = version + 1 where id = ?1 and version = ?4
            returning id, name, owner_type, owner_id, created_at, updated_at, version",
            params![id, name, tx.now(), version],
            workspace,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))
}

/// Deletes a workspace, if it has the version expected; a resource in it keeps it.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: WorkspaceId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from workspaces where id = ?1 and version = ?2", params![id, version])
        .map_err(SqlError::reference(Error::Conflict(Conflict::NotEmpty)))?;
    Ok(deleted > 0)
}
