//! Statements on `tenants.audit_retention_days`.

use crate::domain::action::PlatformPlane;
use crate::domain::{Action, Result, TenantAuditRetention, TenantId};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, SqlError, params};

fn retention(row: &mut Row<'_>) -> Result<TenantAuditRetention, SqlError> {
    Ok(TenantAuditRetention {
        id: row.next()?,
        days: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// For how long a tenant's audit log is kept.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: TenantId,
) -> Result<Option<TenantAuditRetention>> {
    Ok(sql(tx).one(
        "select id, audit_retention_days, created_at, updated_at, version from tenants where id = ?1",
        params![id],
        retention,
    )?)
}

/// Changes it, if the tenant's entry has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    days: Option<u32>,
    version: i64,
) -> Result<Option<TenantAuditRetention>> {
    Ok(sql(tx).one(
        "update tenants set audit_retention_days = ?2, updated_at = ?3, version = version + 1
        where id = ?1 and version = ?4
        returning id, audit_retention_days, created_at, updated_at, version",
        params![id, days, tx.now(), version],
        retention,
    )?)
}

/// The tenants in service whose audit logs are not kept for good.
pub(crate) fn limited(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<TenantId>> {
    Ok(sql(tx).all(
        "select id from tenants where audit_retention_days is not null and status = 'active' order by id",
        &[],
        |row| row.next(),
    )?)
}
