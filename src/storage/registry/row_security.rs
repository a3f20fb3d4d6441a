//! Statements on `tenants.row_security`.

use crate::domain::action::PlatformPlane;
use crate::domain::{Action, Result, RowSecurityMode, TenantId, TenantRowSecurity};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, SqlError, params};

fn row_security(row: &mut Row<'_>) -> Result<TenantRowSecurity, SqlError> {
    Ok(TenantRowSecurity {
        id: row.next()?,
        mode: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// What row-level security does in a tenant.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: TenantId,
) -> Result<Option<TenantRowSecurity>> {
    Ok(sql(tx).one(
        "select id, row_security, created_at, updated_at, version from tenants where id = ?1",
        params![id],
        row_security,
    )?)
}

/// Changes it, if the tenant's entry has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    mode: RowSecurityMode,
    version: i64,
) -> Result<Option<TenantRowSecurity>> {
    Ok(sql(tx).one(
        "update tenants set row_security = ?2, updated_at = ?3, version = version + 1
        where id = ?1 and version = ?4
        returning id, row_security, created_at, updated_at, version",
        params![id, mode, tx.now(), version],
        row_security,
    )?)
}
