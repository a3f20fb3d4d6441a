//! Reservations: places that are kept free for work that takes long, so that its end is not refused.

use super::quotas::period;
use crate::domain::action::{CreateReservation, DeleteReservation, ListReservations};
use crate::domain::{
    Action, Conflict, Covers, Error, EventType, NewReservation, Page, PageRequest, Reservation,
    ReservationId, ReservationSaid, Result,
};
use crate::storage::tenant::{quotas, reservations, usage};
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists those that are not over.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListReservations>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<Reservation>> {
    reservations::page(tx, page)
}

/// Reads one.
///
/// # Errors
/// [`Error::NotFound`] where there is none that is not over.
pub fn read<A: Covers<ListReservations>>(
    tx: &ReadTx<'_, A>,
    id: ReservationId,
) -> Result<Reservation> {
    reservations::find(tx, id)?.ok_or(Error::NotFound)
}

/// Keeps places free, if there are so many.
///
/// # Errors
/// [`Error::QuotaExceeded`]; [`Conflict::ReservationLimit`]; what of it cannot be accepted.
pub fn create<A: Covers<CreateReservation>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewReservation,
) -> Result<Reservation> {
    let seconds = new.check()?;
    let by = tx.caller().subject.principal().ok_or(Error::Forbidden)?;
    if reservations::sweep(tx)? >= Reservation::MAX_PER_TENANT {
        return Err(Error::Conflict(Conflict::ReservationLimit));
    }
    let Some(period) = period(tx, &new.dimension)? else {
        return Err(Error::invalid("/dimension", "nothing here is counted by this"));
    };
    for dimension in std::iter::once(new.dimension.clone()).chain(new.dimension.whole()) {
        let used = usage::used(tx, &dimension, period.start(tx.now()))?;
        quotas::check_room(tx, &dimension, new.amount.get(), used)?;
    }
    let expires_at = tx.now().plus_seconds(i64::from(seconds));
    let made = reservations::insert(tx, new, by, expires_at)?;
    let made = made.ok_or_else(|| Error::Internal("a reservation did not come back".to_owned()))?;
    tell(tx, EventType::ReservationCreated, &made);
    Ok(made)
}

/// Keeps them free no more.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Stale`].
pub fn delete<A: Covers<DeleteReservation>>(
    tx: &mut WriteTx<'_, A>,
    id: ReservationId,
    version: i64,
) -> Result<()> {
    let found = reservations::find(tx, id)?.ok_or(Error::NotFound)?;
    if !reservations::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::ReservationDeleted, &found);
    Ok(())
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, it: &Reservation) {
    let Some(tenant) = tx.tenant() else { return };
    let data = ReservationSaid {
        id: it.id,
        dimension: it.dimension.clone(),
        amount: it.amount,
        created_by: it.created_by,
        expires_at: it.expires_at,
    };
    tx.emit(kind, &tenant.into(), &data);
}
