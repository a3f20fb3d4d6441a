//! Statements on `tenants_with_webhooks`: whose outboxes are looked at when the program starts.

use crate::domain::action::PlatformPlane;
use crate::domain::{Action, Result, TenantId};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::params;

/// Every one of them that is in service.
pub(crate) fn all(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<TenantId>> {
    Ok(sql(tx).all(
        "select w.tenant_id from tenants_with_webhooks w join tenants t on t.id = w.tenant_id
        where t.status = 'active' order by w.tenant_id",
        &[],
        |row| row.next(),
    )?)
}

/// Notes one.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute(
        "insert into tenants_with_webhooks (tenant_id) values (?1) on conflict (tenant_id) do nothing",
        params![tenant],
    )?;
    Ok(())
}
