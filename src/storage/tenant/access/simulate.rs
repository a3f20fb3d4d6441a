//! What a simulation asks about, and whom: as they are, and as they are supposed.

use std::sync::Arc;

use crate::domain::action::TenantPlane;
use crate::domain::{AccountId, Action, Hypothesis, ResourceId, ResourceTypeName, Result};
use crate::storage::door::{Asked, ReadTx, seek_many, sql};
use crate::storage::engine::params;

/// What would be known of somebody, were what is supposed so.
pub(crate) fn supposed<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    hypothesis: &Arc<Hypothesis>,
) -> Result<Asked> {
    tx.supposed(asked, hypothesis)
}

/// Says that what follows takes long: it goes where there is time for it.
///
/// # Errors
/// It is not there yet, and begins anew where it is.
pub(crate) fn take_time<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) -> Result<()> {
    tx.take_time()
}

/// Every member who is not removed.
pub(crate) fn members<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
) -> Result<Vec<AccountId>> {
    Ok(sql(tx).all(
        "select account_id from org_members
        where tenant_id = current_tenant() and state <> 'removed'
        order by account_id",
        &[],
        |row| row.next(),
    )?)
}

/// How many resources of a type the caller may read.
pub(crate) fn count_of_type<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    kind: &ResourceTypeName,
) -> Result<usize> {
    seek_many(tx);
    let count: Option<i64> = sql(tx).one(
        "select count(*) from resources where tenant_id = current_tenant() and type = ?1",
        params![kind],
        |row| row.next(),
    )?;
    Ok(count.and_then(|count| usize::try_from(count).ok()).unwrap_or(0))
}

/// The resources of a type that the caller may read.
pub(crate) fn of_type<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    kind: &ResourceTypeName,
) -> Result<Vec<ResourceId>> {
    seek_many(tx);
    Ok(sql(tx).all(
        "select id from resources where tenant_id = current_tenant() and type = ?1 order by id",
        params![kind],
        |row| row.next(),
    )?)
}
