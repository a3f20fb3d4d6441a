//! What a change uses, held against what the tenant may use: by the door, behind every change and before its audit row.

use super::{reservations, usage};
use crate::domain::action::TenantPlane;
use crate::domain::{
    Call, Dimension, Error, Event, EventType, QuotaExceeded, QuotaWarning, ReservationId, Result,
    Target, TenantLimits, Timestamp,
};
use crate::storage::door::{Tx, sql};
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
    if moved.is_empty() {
        return Ok(Vec::new());
    }
    usage::date(sql, since, now, &call.correlation_id)?;
    let mut warnings = Vec::new();
    // What comes late for a period that is over is recorded, and refused no more.
    let current = moved.iter().filter(|moved| moved.period.start(now) == moved.period_start);
    for moved in current.filter(|moved| moved.delta > 0) {
        let Some(limits) = limits else { continue };
        if let Some(id) = call.reservation {
            draw(sql, id, (&moved.dimension, moved.delta), now)?;
        }
        check(sql, limits, (&moved.dimension, moved.delta), moved.used, now)?;
        warnings.extend(warning(limits, (&moved.dimension, moved.delta), moved.used, tenant));
    }
    Ok(warnings)
}

/// Takes what is used from the reservation that the request names.
fn draw(
    sql: Sql<'_>,
    id: ReservationId,
    (dimension, delta): (&Dimension, i64),
    now: Timestamp,
) -> Result<()> {
    let Some((of, left)) = reservations::left(sql, id, now)? else {
        let detail = "no reservation has this id here, or it is over";
        return Err(Error::invalid("Freehold-Reservation", detail));
    };
    if of == *dimension {
        reservations::take(sql, id, (left, left.min(delta)), now)?;
    }
    Ok(())
}

fn check(
    sql: Sql<'_>,
    limits: &TenantLimits,
    (dimension, delta): (&Dimension, i64),
    used: i64,
    now: Timestamp,
) -> Result<()> {
    let Some((limit, _)) = limits.hard(dimension) else { return Ok(()) };
    let taken = used.saturating_add(reservations::kept(sql, dimension, now)?);
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

/// What is kept free of a dimension.
pub(crate) fn reserved(tx: &impl Tx<Plane = TenantPlane>, dimension: &Dimension) -> Result<i64> {
    Ok(reservations::kept(sql(tx), dimension, tx.now())?)
}

/// Whether so much more could be used now; as a change that uses it would be refused.
pub(crate) fn check_room(
    tx: &impl Tx<Plane = TenantPlane>,
    limits: &TenantLimits,
    dimension: &Dimension,
    amount: i64,
    used: i64,
) -> Result<()> {
    check(sql(tx), limits, (dimension, amount), used.saturating_add(amount), tx.now())
}
