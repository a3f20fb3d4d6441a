//! Quotas: what operators give a tenant, and what the tenant has of it.
//!
//! Limits are the registry's; what is used is counted in the tenant's file, in the transaction that uses it. A change of
//! limits is in force for every change that is decided after it; what is used already stays, even where it is more.

use std::collections::BTreeMap;

use crate::domain::action::{ListQuotas, ReadTenantQuotas, TenantPlane, UpdateTenantQuotas};
use crate::domain::{
    Amount, Covers, Dimension, Entitlement, Error, EventType, Page, PageRequest, Position,
    PutQuotas, Quota, QuotasSaid, Result, TenantId, TenantLimits, TenantQuotas, Timestamp,
};
use crate::storage::registry::{plans, quotas as given};
use crate::storage::tenant::usage::Counter;
use crate::storage::tenant::{quotas, usage};
use crate::storage::{ReadTx, Tx, WriteTx};

/// What a tenant was given.
///
/// # Errors
/// [`Error::NotFound`] where there is no such tenant.
pub fn inspect<A: Covers<ReadTenantQuotas>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
) -> Result<TenantQuotas> {
    given::find(tx, tenant)?.ok_or(Error::NotFound)
}

/// Gives a tenant a plan and limits of its own, in place of all that it had.
///
/// # Errors
/// [`Error::Stale`]; a plan that is not there; too many dimensions.
pub fn put<A: Covers<UpdateTenantQuotas>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    new: &PutQuotas,
    version: i64,
) -> Result<TenantQuotas> {
    new.check()?;
    if let Some(plan) = &new.plan
        && plans::find(tx, plan)?.is_none()
    {
        return Err(Error::invalid("/plan", "no plan has this name"));
    }
    if !given::put(tx, tenant, new, version)? {
        return Err(Error::Stale);
    }
    let put = given::find(tx, tenant)?.ok_or(Error::NotFound)?;
    let data = QuotasSaid {
        id: put.id,
        plan: put.plan.clone(),
        limits: put.limits.clone(),
        soft_limits: put.soft_limits.clone(),
        version: put.version,
    };
    tx.emit(EventType::QuotaUpdated, &tenant.into(), &data);
    Ok(put)
}

/// Lists what the tenant has of every dimension that is limited or counted, by dimension.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListQuotas>>(tx: &ReadTx<'_, A>, page: &PageRequest) -> Result<Page<Quota>> {
    let limits = quotas::limits(tx)?;
    let mut counters: BTreeMap<_, _> = usage::counters(tx)?
        .into_iter()
        .map(|counter| (counter.dimension.clone(), Some(counter)))
        .collect();
    let always = Dimension::ALWAYS.iter().filter_map(|name| Dimension::parse(*name).ok());
    for dimension in limits.dimensions().cloned().chain(always) {
        counters.entry(dimension).or_default();
    }
    let after = page.after.as_ref().map_or("", |position| &position.id);
    let rows = counters.into_iter().filter(|(dimension, _)| dimension.as_str() > after);
    let rows: Result<Vec<_>> = rows
        .take(page.limit as usize + 1)
        .map(|(dimension, counter)| quota(tx, &limits, dimension, counter))
        .collect();
    let position = |quota: &Quota| Position { key: String::new(), id: quota.dimension.to_string() };
    Ok(Page::cut(rows?, page, position))
}

/// Whether the tenant may use so much more of a dimension now.
///
/// # Errors
/// Storage failed.
pub fn entitlement<A: Covers<ListQuotas>>(
    tx: &ReadTx<'_, A>,
    dimension: &Dimension,
    amount: Option<Amount>,
) -> Result<Entitlement> {
    let amount = amount.map_or(1, Amount::get);
    let limits = quotas::limits(tx)?;
    let quota = quota(tx, &limits, dimension.clone(), usage::find(tx, dimension)?)?;
    let allowed = quota.left.is_none_or(|left| amount <= left);
    Ok(Entitlement { amount, allowed, quota })
}

fn quota(
    tx: &impl Tx<Plane = TenantPlane>,
    limits: &TenantLimits,
    dimension: Dimension,
    counter: Option<Counter>,
) -> Result<Quota> {
    let now = tx.now();
    let period = counter.as_ref().map_or(crate::domain::MeterPeriod::Always, |it| it.period);
    let start = period.start(now);
    // A counter of a period that is over counts no more.
    let used = counter.filter(|it| it.period_start == start).map_or(0, |it| it.used);
    let reserved = quotas::kept_free(tx, &dimension)?;
    let hard = limits.hard(&dimension);
    Ok(Quota {
        limit: hard.map(|(limit, _)| limit),
        soft_limit: limits.soft(&dimension),
        source: hard.map(|(_, source)| source),
        used,
        reserved,
        left: hard.map(|(limit, _)| limit.saturating_sub(used).saturating_sub(reserved).max(0)),
        period_started_at: Some(start).filter(|start| *start != Timestamp(0)),
        period_ends_at: period.end(start),
        dimension,
    })
}
