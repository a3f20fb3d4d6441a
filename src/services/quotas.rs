//! Quotas: what operators give a tenant, and what the tenant has of it.
//!
//! Limits are the registry's; what is used is counted in the tenant's file, in the transaction that uses it. A change of
//! limits is in force for every change that is decided after it; what is used already stays, even where it is more.

use std::collections::BTreeSet;

use super::usage as metered;
use crate::domain::action::{ListQuotas, ReadTenantQuotas, TenantPlane, UpdateTenantQuotas};
use crate::domain::{
    Amount, Covers, Dimension, Entitlement, Error, EventType, MeterPeriod, Page, PageRequest,
    Position, PutQuotas, Quota, QuotasSaid, ResourceTypeName, Result, TenantId, TenantLimits,
    TenantQuotas, Timestamp,
};
use crate::storage::registry::{plans, quotas as given};
use crate::storage::tenant::{quotas, resource_types, usage};
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
    let (limits, meters) = (quotas::limits(tx)?, metered::meters(tx)?);
    let always = Dimension::ALWAYS.iter().filter_map(|name| Dimension::parse(*name).ok());
    let dimensions: BTreeSet<_> = usage::dimensions(tx)?
        .into_iter()
        .chain(limits.dimensions().cloned())
        .chain(meters.keys().cloned())
        .chain(always)
        .collect();
    let after = page.after.as_ref().map_or("", |position| &position.id);
    let rows = dimensions.into_iter().filter(|dimension| dimension.as_str() > after);
    // What is counted here no more is counted for good.
    let period = |of: &Dimension| meters.get(of).copied().unwrap_or(MeterPeriod::Always);
    let rows: Result<Vec<_>> = rows
        .take(page.limit as usize + 1)
        .map(|dimension| quota(tx, &limits, period(&dimension), dimension))
        .collect();
    let position = |quota: &Quota| Position { key: String::new(), id: quota.dimension.to_string() };
    Ok(Page::cut(rows?, page, position))
}

/// Whether the tenant may use so much more of a dimension now, and of what that is a part of.
///
/// # Errors
/// [`Error::NotFound`] where nothing here is counted by it.
pub fn entitlement<A: Covers<ListQuotas>>(
    tx: &ReadTx<'_, A>,
    dimension: &Dimension,
    amount: Option<Amount>,
) -> Result<Entitlement> {
    let amount = amount.map_or(1, Amount::get);
    let limits = quotas::limits(tx)?;
    let period = period(tx, dimension)?.ok_or(Error::NotFound)?;
    let part = quota(tx, &limits, period, dimension.clone())?;
    let whole = dimension.whole().map(|whole| quota(tx, &limits, period, whole)).transpose()?;
    let has_room = |quota: &Quota| quota.left.is_none_or(|left| amount <= left);
    let allowed = has_room(&part) && whole.as_ref().is_none_or(has_room);
    Ok(Entitlement { amount, allowed, quota: part })
}

/// By which periods a dimension is counted; `None` where nothing here is counted by it.
pub(super) fn period(
    tx: &impl Tx<Plane = TenantPlane>,
    dimension: &Dimension,
) -> Result<Option<MeterPeriod>> {
    if let Some(kind) = dimension.as_str().strip_prefix("resources.") {
        let kind = ResourceTypeName::parse(kind).map_err(Error::Internal)?;
        return Ok(resource_types::find(tx, &kind)?.map(|_| MeterPeriod::Always));
    }
    if Dimension::ALWAYS.contains(&dimension.as_str()) {
        return Ok(Some(MeterPeriod::Always));
    }
    Ok(metered::meters(tx)?.get(dimension).copied())
}

fn quota(
    tx: &impl Tx<Plane = TenantPlane>,
    limits: &TenantLimits,
    period: MeterPeriod,
    dimension: Dimension,
) -> Result<Quota> {
    let start = period.start(tx.now());
    let used = usage::used(tx, &dimension, start)?;
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
