//! Statements on `tenant_usage`: what tenants were last seen to use, projected from their snapshots.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Direction, Page, PageRequest, Position, Result, TenantId, TenantUsage,
    TenantUsageFilter, Timestamp, UsageSnapshot,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn usage(row: &mut Row<'_>) -> Result<TenantUsage, SqlError> {
    let (tenant_id, dimension) = (row.next()?, row.next()?);
    let start: Timestamp = row.next()?;
    Ok(TenantUsage {
        tenant_id,
        dimension,
        period_started_at: Some(start).filter(|start| start.0 > 0),
        used: row.next()?,
        taken_at: row.next()?,
    })
}

/// Follows a tenant's snapshot; an older one changes nothing.
pub(crate) fn follow<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    snapshot: &UsageSnapshot,
) -> Result<()> {
    let start = snapshot.period_started_at.unwrap_or(Timestamp(0));
    sql(tx).execute(
        "insert into tenant_usage (tenant_id, dimension, period_start, used, taken_at) values (?1, ?2, ?3, ?4, ?5)
        on conflict (tenant_id, dimension) do update
        set period_start = excluded.period_start, used = excluded.used, taken_at = excluded.taken_at
        where excluded.taken_at >= taken_at and excluded.period_start >= period_start",
        params![tenant, &snapshot.dimension, start, snapshot.used, snapshot.taken_at],
    )?;
    Ok(())
}

/// A page of what tenants use, by tenant and dimension.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &TenantUsageFilter,
    page: &PageRequest,
) -> Result<Page<TenantUsage>> {
    let mut listing = Listing::new(
        "select tenant_id, dimension, period_start, used, taken_at from tenant_usage where true",
    );
    listing.and_if("tenant_id = ?", filter.tenant_id);
    listing.and_if("dimension = ?", filter.dimension.as_ref());
    let keys = ("tenant_id", "dimension");
    let (text, params) = listing.page(keys, Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, usage)?;
    Ok(Page::cut(rows, page, |it| Position {
        key: it.tenant_id.to_string(),
        id: it.dimension.to_string(),
    }))
}
