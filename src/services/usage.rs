//! Usage: what applications meter, what is recorded of it, and a snapshot a minute.
//!
//! Owner of what is used: the tenant's records. Step: a snapshot, which the registry's view follows. Recovery: the next
//! snapshot; each counts everything since the last one.

use std::collections::BTreeMap;

use crate::domain::action::{ListPlatformUsage, ListUsage, RecordUsage, TenantPlane};
use crate::domain::{
    Amount, Covers, Dimension, Error, EventType, FieldError, MeterPeriod, NewUsage, Page,
    PageRequest, RecordedUsage, Result, SystemTask, TenantId, TenantReference, TenantUsage,
    TenantUsageFilter, UsageEvent, UsageFilter, UsageRecord, UsageSaid, UsageSnapshot,
};
use crate::storage::registry::usage as seen;
use crate::storage::tenant::{application_bindings, usage};
use crate::storage::{ReadTx, Registry, Tx, WriteTx};

/// Lists snapshots of what the tenant uses.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListUsage>>(
    tx: &ReadTx<'_, A>,
    filter: &UsageFilter,
    page: &PageRequest,
) -> Result<Page<UsageSnapshot>> {
    usage::page(tx, filter, page)
}

/// Lists the records that they are made of.
///
/// # Errors
/// Storage failed.
pub fn list_records<A: Covers<ListUsage>>(
    tx: &ReadTx<'_, A>,
    filter: &UsageFilter,
    page: &PageRequest,
) -> Result<Page<UsageRecord>> {
    usage::records(tx, filter, page)
}

/// Records what applications say was used: each event once, all of them or none.
///
/// # Errors
/// [`Error::QuotaExceeded`]; what of an event cannot be accepted, by its place.
pub fn record<A: Covers<RecordUsage>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewUsage,
) -> Result<RecordedUsage> {
    new.check()?;
    let meters = meters(tx)?;
    let (mut wrong, mut sums) = (Vec::new(), BTreeMap::<&Dimension, i64>::new());
    let mut recorded = 0;
    for (index, event) in new.events.iter().enumerate() {
        match record_one(tx, event, &meters)? {
            Ok(false) => {}
            Ok(true) => {
                recorded += 1;
                *sums.entry(&event.dimension).or_default() += quantity(event);
            }
            Err(error) => wrong.push(error.below(&format!("/events/{index}"))),
        }
    }
    if !wrong.is_empty() {
        return Err(Error::Invalid(wrong));
    }
    let of_all = i64::try_from(new.events.len()).unwrap_or(i64::MAX);
    if let (Some(tenant), true) = (tx.tenant(), recorded > 0) {
        let quantities = sums.into_iter().map(|(of, sum)| (of.clone(), sum)).collect();
        let data = UsageSaid { events: recorded, quantities };
        tx.emit(EventType::UsageRecorded, &tenant.into(), &data);
    }
    Ok(RecordedUsage { recorded, duplicates: of_all - recorded })
}

fn quantity(event: &UsageEvent) -> i64 {
    event.quantity.map_or(1, Amount::get)
}

fn record_one<A: Covers<RecordUsage>>(
    tx: &WriteTx<'_, A>,
    event: &UsageEvent,
    meters: &BTreeMap<Dimension, MeterPeriod>,
) -> Result<std::result::Result<bool, FieldError>> {
    let Some(period) = meters.get(&event.dimension) else {
        let detail = "no application that is bound here has this meter";
        return Ok(Err(FieldError::new("/dimension", detail)));
    };
    if quantity(event) == 0 {
        return Ok(Err(FieldError::new("/quantity", "must be 1 or more")));
    }
    let at = match event.time(tx.now()) {
        Ok(at) => at,
        Err(error) => return Ok(Err(error)),
    };
    let named = (&event.dimension, event.id.as_str());
    let is_new = usage::record(tx, named, *period, quantity(event), at)?;
    if is_new && usage::used(tx, &event.dimension, period.start(at))? > Amount::MAX {
        let detail = format!("more than can be counted: {} in a period", Amount::MAX);
        return Ok(Err(FieldError::new("/quantity", detail)));
    }
    Ok(Ok(is_new))
}

/// The meters of the applications that are bound here.
pub(super) fn meters(
    tx: &impl Tx<Plane = TenantPlane>,
) -> Result<BTreeMap<Dimension, MeterPeriod>> {
    let mut meters = BTreeMap::new();
    for manifest in application_bindings::manifests(tx)? {
        for meter in &manifest.meters {
            let name = format!("meters.{}.{}", manifest.name, meter.name);
            let dimension = Dimension::parse(name).map_err(Error::Internal)?;
            meters.insert(dimension, meter.period.unwrap_or(MeterPeriod::Always));
        }
    }
    Ok(meters)
}

/// Lists what tenants were last seen to use, as the platform knows it.
///
/// # Errors
/// Storage failed.
pub fn list_tenants<A: Covers<ListPlatformUsage>>(
    tx: &ReadTx<'_, A>,
    filter: &TenantUsageFilter,
    page: &PageRequest,
) -> Result<Page<TenantUsage>> {
    seen::page(tx, filter, page)
}

/// Takes snapshots of the tenants whose usage may have moved.
///
/// # Errors
/// Storage failed; what was not done is done the next time.
pub fn keep(registry: &Registry) -> Result<()> {
    for tenant in registry.moved_usage() {
        if let Err(error) = snapshot(registry, tenant) {
            registry.move_usage(tenant);
            tracing::warn!(tenant.id = %tenant, error = %error, "no snapshot was taken of what a tenant uses");
        }
    }
    Ok(())
}

fn snapshot(registry: &Registry, tenant: TenantId) -> Result<()> {
    let entry = registry.resolve(&TenantReference::Id(tenant))?.ok_or(Error::NotFound)?;
    let store = registry.open_blocking(&entry)?;
    let taken = store.system(SystemTask::CountUsage, |tx| usage::snapshot(tx))?;
    if taken.is_empty() {
        return Ok(());
    }
    registry.system_beside(SystemTask::CountUsage, move |tx| {
        taken.iter().try_for_each(|snapshot| seen::follow(tx, tenant, snapshot))
    })
}
