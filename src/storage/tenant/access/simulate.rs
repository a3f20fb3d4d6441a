//! What a simulation asks about, and whom: as they are, and as they are supposed.

use std::sync::Arc;

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ApplicationPolicy, Error, Hypothesis, Manifest, ResourceId,
    ResourceTypeName, Result, Uncompiled,
};
use crate::storage::budget::Budget;
use crate::storage::door::{Asked, ReadTx, decisions, seek_many, sql};
use crate::storage::engine::params;
use crate::storage::tenant::facts;

/// What would be known of somebody, were what is supposed so.
pub(crate) fn supposed<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    hypothesis: &Arc<Hypothesis>,
) -> Result<Asked> {
    tx.supposed(asked, hypothesis)
}

/// Makes candidate policies ready to decide, within the transaction's budget.
///
/// # Errors
/// [`Error::Invalid`] where the manifest cannot be accepted; [`Error::TooMuchWork`].
pub(crate) fn compile<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    manifest: &Arc<Manifest>,
) -> Result<Arc<dyn ApplicationPolicy>> {
    let budget = tx.budget();
    let compiled = decisions(tx).compile_while(manifest, &|| !budget.is_some_and(Budget::is_spent));
    compiled.map_err(|uncompiled| match uncompiled {
        Uncompiled::Refused(errors) => Error::Invalid(errors),
        Uncompiled::Stopped => Error::TooMuchWork,
    })
}

/// Counts what of the tenant's file decisions are made from: it moves with every change of authority.
pub(crate) fn authority_version<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>) -> Result<i64> {
    facts::authority(sql(tx))
}

/// Every member who is not removed.
pub(crate) fn everybody<A: Action<Plane = TenantPlane>>(
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

/// The resources of a type that the caller may read, each with its name.
pub(crate) fn of_type<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    kind: &ResourceTypeName,
) -> Result<Vec<(ResourceId, String)>> {
    seek_many(tx);
    Ok(sql(tx).all(
        "select id, name from resources where tenant_id = current_tenant() and type = ?1 order by id",
        params![kind],
        |row| Ok((row.next()?, row.next()?)),
    )?)
}
