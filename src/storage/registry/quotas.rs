//! Statements on `tenant_quotas`; and the limits that count for a tenant, which its door decides by.

use std::sync::Arc;

use moka::sync::Cache;

use super::RegistryFile;
use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, DEFAULT_PLAN, Error, Limits, PutQuotas, Result, TenantId, TenantLimits, TenantQuotas,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};

/// Tenants' limits, each with the epoch that it was read in.
pub(super) type Kept = Cache<TenantId, (u64, Arc<TenantLimits>)>;

impl RegistryFile {
    /// The limits that count for a tenant now.
    pub(in crate::storage) fn limits(&self, tenant: TenantId) -> Result<Arc<TenantLimits>> {
        let epoch = self.gate.epoch();
        if let Some((kept, limits)) = self.limits.get(&tenant)
            && kept == epoch
        {
            return Ok(limits);
        }
        let conn = self.lookups.get()?;
        let limits = Arc::new(read(Sql::on(&conn), tenant)?.ok_or(Error::NotFound)?);
        self.limits.insert(tenant, (epoch, limits.clone()));
        Ok(limits)
    }
}

fn read(sql: Sql<'_>, tenant: TenantId) -> Result<Option<TenantLimits>, SqlError> {
    sql.one(
        "select p.limits, p.soft_limits, q.limits, q.soft_limits
        from tenants t
        left join tenant_quotas q on q.tenant_id = t.id
        left join plans p on p.name = coalesce(q.plan, ?2)
        where t.id = ?1",
        params![tenant, DEFAULT_PLAN],
        |row| {
            let mut next = || -> Result<Limits, SqlError> {
                Ok(row.next::<Option<Limits>>()?.unwrap_or_default())
            };
            Ok(TenantLimits { plan: (next()?, next()?), own: (next()?, next()?) })
        },
    )
}

fn quotas(row: &mut Row<'_>) -> Result<TenantQuotas, SqlError> {
    let (id, plan) = (row.next()?, row.next()?);
    let limits: Option<Limits> = row.next()?;
    let soft_limits: Option<Limits> = row.next()?;
    Ok(TenantQuotas {
        id,
        plan,
        limits: limits.unwrap_or_default(),
        soft_limits: soft_limits.unwrap_or_default(),
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// What a tenant was given; nothing, in version 1, where nobody gave it anything.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
) -> Result<Option<TenantQuotas>> {
    Ok(sql(tx).one(
        "select t.id, q.plan, q.limits, q.soft_limits, t.created_at, coalesce(q.updated_at, t.created_at),
            coalesce(q.version, 1)
        from tenants t left join tenant_quotas q on q.tenant_id = t.id where t.id = ?1",
        params![tenant],
        quotas,
    )?)
}

/// Gives a tenant what is put, if its quotas have the version expected; says whether they had.
pub(crate) fn put<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    new: &PutQuotas,
    version: i64,
) -> Result<bool> {
    let put = sql(tx).execute(
        "insert into tenant_quotas (tenant_id, plan, limits, soft_limits, updated_at, version)
        select t.id, ?2, ?3, ?4, ?5, coalesce(q.version, 1) + 1
        from tenants t left join tenant_quotas q on q.tenant_id = t.id
        where t.id = ?1 and coalesce(q.version, 1) = ?6
        on conflict (tenant_id) do update
        set plan = excluded.plan, limits = excluded.limits, soft_limits = excluded.soft_limits,
            updated_at = excluded.updated_at, version = excluded.version",
        params![tenant, new.plan.as_ref(), &new.limits, &new.soft_limits, tx.now(), version],
    )?;
    Ok(put > 0)
}
