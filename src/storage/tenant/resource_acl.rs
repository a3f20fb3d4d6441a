//! Statements on `resource_acl`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AclEntry, Action, Direction, Page, PageRequest, Permission, Position, PrincipalId,
    PrincipalRef, PrincipalType, ResourceId, Result,
};
use crate::storage::door::{ReadTx, Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn acl_entry(row: &mut Row<'_>) -> Result<AclEntry, SqlError> {
    let id: PrincipalId = row.next()?;
    Ok(AclEntry {
        id,
        principal: PrincipalRef { kind: row.next()?, id },
        permission: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// A page of a resource's entries, by principal. The door must have permitted sharing that resource.
pub(crate) fn page<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    resource: ResourceId,
    page: &PageRequest,
) -> Result<Page<AclEntry>> {
    tx.share(&resource.to_string());
    let mut listing = Listing::new(
        "select a.principal_id, p.type, a.permission, a.created_at, a.updated_at, a.version
        from resource_acl a join principals p on p.id = a.principal_id
        where a.tenant_id = current_tenant()",
    );
    listing.and("a.resource_id = ?", resource);
    let (text, params) = listing.page_by_id("a.principal_id", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, acl_entry)?;
    Ok(Page::cut(rows, page, |entry| Position { key: String::new(), id: entry.id.to_string() }))
}

/// One entry. The door must have permitted sharing that resource.
pub(crate) fn find<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
) -> Result<Option<AclEntry>> {
    tx.share(&resource.to_string());
    Ok(sql(tx).one(
        "select a.principal_id, p.type, a.permission, a.created_at, a.updated_at, a.version
        from resource_acl a join principals p on p.id = a.principal_id
        where a.resource_id = ?1 and a.principal_id = ?2",
        params![resource, principal],
        acl_entry,
    )?)
}

fn returned(
    kind: PrincipalType,
    id: PrincipalId,
) -> impl Fn(&mut Row<'_>) -> Result<AclEntry, SqlError> {
    move |row| {
        Ok(AclEntry {
            id,
            principal: PrincipalRef { kind, id },
            permission: row.next()?,
            created_at: row.next()?,
            updated_at: row.next()?,
            version: row.next()?,
        })
    }
}

/// Adds an entry; `None` where the principal has one already.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalRef,
    permission: Permission,
) -> Result<Option<AclEntry>> {
    Ok(sql(tx).one(
        "insert into resource_acl (resource_id, principal_id, tenant_id, permission, created_at, updated_at)
        values (?1, ?2, current_tenant(), ?3, ?4, ?4)
        on conflict (resource_id, principal_id) do nothing
        returning permission, created_at, updated_at, version",
        params![resource, principal.id, permission, tx.now()],
        returned(principal.kind, principal.id),
    )?)
}

/// Changes an entry, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalRef,
    permission: Permission,
    version: i64,
) -> Result<Option<AclEntry>> {
    Ok(sql(tx).one(
        "update resource_acl set permission = ?3, updated_at = ?4, version = version + 1
        where resource_id = ?1 and principal_id = ?2 and version = ?5
        returning permission, created_at, updated_at, version",
        params![resource, principal.id, permission, tx.now(), version],
        returned(principal.kind, principal.id),
    )?)
}

/// Removes an entry, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from resource_acl where resource_id = ?1 and principal_id = ?2 and version = ?3",
        params![resource, principal, version],
    )?;
    Ok(deleted > 0)
}

/// Whether there is an entry. A change may not look at entries, but it may touch them.
pub(crate) fn is_there<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
) -> Result<bool> {
    let touched = sql(tx).execute(
        "update resource_acl set version = version where resource_id = ?1 and principal_id = ?2",
        params![resource, principal],
    )?;
    Ok(touched > 0)
}
