//! Statements on `role_assignments`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Direction, Page, PageRequest, Position, PrincipalId, PrincipalRef, Result,
    RoleAssignment, RoleId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn assignment(row: &mut Row<'_>) -> Result<RoleAssignment, SqlError> {
    let (role_id, id) = (row.next()?, row.next()?);
    Ok(RoleAssignment {
        id,
        role_id,
        principal: PrincipalRef { kind: row.next()?, id },
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// A page of those who have a role, by principal.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    role: RoleId,
    page: &PageRequest,
) -> Result<Page<RoleAssignment>> {
    let mut listing = Listing::new(
        "select a.role_id, a.principal_id, p.type, a.created_at, a.updated_at, a.version
        from role_assignments a join principals p on p.id = a.principal_id
        where a.tenant_id = current_tenant()",
    );
    listing.and("a.role_id = ?", role);
    let (text, params) = listing.page_by_id("a.principal_id", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, assignment)?;
    Ok(Page::cut(rows, page, |found| Position { key: String::new(), id: found.id.to_string() }))
}

/// That a principal has a role.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    role: RoleId,
    principal: PrincipalId,
) -> Result<Option<RoleAssignment>> {
    Ok(sql(tx).one(
        "select a.role_id, a.principal_id, p.type, a.created_at, a.updated_at, a.version
        from role_assignments a join principals p on p.id = a.principal_id
        where a.role_id = ?1 and a.principal_id = ?2",
        params![role, principal],
        assignment,
    )?)
}

/// Gives a role to a principal; says whether it had it not.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
) -> Result<bool> {
    let added = sql(tx).execute(
        "insert into role_assignments (role_id, principal_id, tenant_id, created_at, updated_at)
        values (?1, ?2, current_tenant(), ?3, ?3)
        on conflict (role_id, principal_id) do nothing",
        params![role, principal, tx.now()],
    )?;
    Ok(added > 0)
}

/// Gives a role anew to a principal that has it, if that has the version expected; says whether it had.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
    version: i64,
) -> Result<bool> {
    let updated = sql(tx).execute(
        "update role_assignments set updated_at = ?3, version = version + 1
        where role_id = ?1 and principal_id = ?2 and version = ?4",
        params![role, principal, tx.now(), version],
    )?;
    Ok(updated > 0)
}

/// Takes a role from a principal, if that has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    role: RoleId,
    principal: PrincipalId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from role_assignments where role_id = ?1 and principal_id = ?2 and version = ?3",
        params![role, principal, version],
    )?;
    Ok(deleted > 0)
}
