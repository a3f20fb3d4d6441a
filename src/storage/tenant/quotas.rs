//! What a change uses, held against what the tenant may use: by the door, behind every change and before its audit row.

use std::sync::Arc;

use super::reservations;
use super::usage::{self, Moved};
use crate::domain::action::TenantPlane;
use crate::domain::{
    Amount, Call, Conflict, Dimension, Error, Event, EventType, QuotaExceeded, QuotaWarning,
    ReservationId, Result, Target, TenantLimits, Timestamp,
};
use crate::storage::door::{self, Tx, sql};
use crate::storage::engine::Sql;

/// Dates what a change has recorded, and refuses it where that is more than there is. What is to be said besides: that
/// the tenant uses as much as it wants to be warned of, once each time that it comes there.
pub(super) fn settle(
    sql: Sql<'_>,
    call: &Call,
    since: i64,
    limits: Option<&TenantLimits>,
    (tenant, now): (&Target, Timestamp),
) -> Result<Vec<Event>> {
    let moved = usage::moved(sql, since)?;
    usage::date(sql, since, now, &call.correlation_id)?;
    let mut warnings = Vec::new();
    // What comes late for a period that is over is recorded, and refused no more.
    let grown = |moved: &&Moved| moved.delta > 0 && moved.period_start >= moved.period.start(now);
    let grown: Vec<_> = moved.iter().filter(grown).collect();
    let (Some(limits), false) = (limits, grown.is_empty()) else { return Ok(warnings) };
    let reserved = call.reservation.map(|id| reserved(sql, call, id, now)).transpose()?;
    // What is kept free is kept free now, not in the period that comes.
    let is_now = |moved: &Moved| moved.period.start(now) == moved.period_start;
    if let Some((id, of, left)) = reserved {
        let taken = grown.iter().filter(|moved| is_now(moved) && moved.dimension == of);
        let taken: i64 = taken.map(|moved| moved.delta).sum();
        reservations::take(sql, id, (left, taken.min(left)), now)?;
    }
    for moved in grown {
        let kept = if is_now(moved) { reservations::kept(sql, &moved.dimension, now)? } else { 0 };
        check(limits, (&moved.dimension, moved.delta), moved.used, kept)?;
        warnings.extend(warning(limits, (&moved.dimension, moved.delta), moved.used, tenant));
    }
    Ok(warnings)
}

/// The reservation of the caller's that the request names, what it keeps free, and how much of that is left.
fn reserved(
    sql: Sql<'_>,
    call: &Call,
    id: ReservationId,
    now: Timestamp,
) -> Result<(ReservationId, Dimension, i64)> {
    let own = call.caller.subject.principal();
    let left = own.map(|own| reservations::left(sql, id, own, now)).transpose()?.flatten();
    left.map(|(of, left)| (id, of, left)).ok_or(Error::Conflict(Conflict::ReservationOver))
}

fn check(
    limits: &TenantLimits,
    (dimension, delta): (&Dimension, i64),
    used: i64,
    kept: i64,
) -> Result<()> {
    let Some((limit, _)) = limits.hard(dimension) else { return Ok(()) };
    let taken = used.saturating_add(kept);
    if taken <= limit {
        return Ok(());
    }
    let used = taken.saturating_sub(delta);
    Err(Error::QuotaExceeded(Box::new(QuotaExceeded { dimension: dimension.clone(), limit, used })))
}

fn warning(
    limits: &TenantLimits,
    (dimension, delta): (&Dimension, i64),
    used: i64,
    tenant: &Target,
) -> Option<Event> {
    let soft_limit = limits.soft(dimension)?;
    let has_crossed = used >= soft_limit && used.saturating_sub(delta) < soft_limit;
    has_crossed.then(|| Event {
        kind: EventType::QuotaWarned,
        subject: format!("{}/{}", tenant.kind(), tenant.id()),
        data: serde_json::json!(QuotaWarning { dimension: dimension.clone(), soft_limit, used }),
    })
}

/// The limits that count in the transaction.
pub(crate) fn limits(tx: &impl Tx<Plane = TenantPlane>) -> Result<Arc<TenantLimits>> {
    Ok(door::limits(tx)?.unwrap_or_default())
}

/// What is kept free of a dimension.
pub(crate) fn kept_free(tx: &impl Tx<Plane = TenantPlane>, dimension: &Dimension) -> Result<i64> {
    Ok(reservations::kept(sql(tx), dimension, tx.now())?)
}

/// Whether so much more could be used now, and be counted; as a change that uses it would be refused.
pub(crate) fn check_room(
    tx: &impl Tx<Plane = TenantPlane>,
    dimension: &Dimension,
    amount: i64,
    used: i64,
) -> Result<()> {
    let limits = limits(tx)?;
    let kept = reservations::kept(sql(tx), dimension, tx.now())?;
    if kept.saturating_add(amount) > Amount::MAX {
        let detail = format!("more than can be counted: {} in all", Amount::MAX);
        return Err(Error::invalid("/amount", detail));
    }
    check(&limits, (dimension, amount), used.saturating_add(amount), kept)
}
