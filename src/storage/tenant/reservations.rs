//! Statements on `reservations`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Dimension, Direction, NewReservation, Page, PageRequest, Position, PrincipalId,
    Reservation, ReservationId, Result, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};

fn reservation(row: &mut Row<'_>) -> Result<Reservation, SqlError> {
    Ok(Reservation {
        id: row.next()?,
        dimension: row.next()?,
        amount: row.next()?,
        created_by: row.next()?,
        expires_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// What is kept free of a dimension, and of what is counted as a part of it.
pub(in crate::storage) fn kept(
    sql: Sql<'_>,
    dimension: &Dimension,
    now: Timestamp,
) -> Result<i64, SqlError> {
    let sum = sql.one(
        "select coalesce(sum(amount), 0) from reservations
        where (dimension = ?1 or ?1 = 'resources' and dimension like 'resources.%') and expires_at > ?2",
        params![dimension, now],
        |row| row.next(),
    )?;
    Ok(sum.unwrap_or(0))
}

/// What is left of a reservation of somebody's, and of which dimension; `None` where it is over.
pub(in crate::storage) fn left(
    sql: Sql<'_>,
    id: ReservationId,
    of: PrincipalId,
    now: Timestamp,
) -> Result<Option<(Dimension, i64)>, SqlError> {
    sql.one(
        "select dimension, amount from reservations where id = ?1 and created_by = ?2 and expires_at > ?3",
        params![id, of, now],
        |row| Ok((row.next()?, row.next()?)),
    )
}

/// Takes from a reservation; one of which all is taken is gone.
pub(in crate::storage) fn take(
    sql: Sql<'_>,
    id: ReservationId,
    (left, taken): (i64, i64),
    now: Timestamp,
) -> Result<(), SqlError> {
    if taken >= left {
        sql.execute("delete from reservations where id = ?1", params![id])?;
    } else {
        sql.execute(
            "update reservations set amount = amount - ?2, updated_at = ?3, version = version + 1 where id = ?1",
            params![id, taken, now],
        )?;
    }
    Ok(())
}

/// One reservation that is not over.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    id: ReservationId,
) -> Result<Option<Reservation>> {
    Ok(sql(tx).one(
        "select id, dimension, amount, created_by, expires_at, created_at, updated_at, version
        from reservations where id = ?1 and expires_at > ?2",
        params![id, tx.now()],
        reservation,
    )?)
}

/// A page of those that are not over, the oldest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    page: &PageRequest,
) -> Result<Page<Reservation>> {
    let mut listing = Listing::new(
        "select id, dimension, amount, created_by, expires_at, created_at, updated_at, version
        from reservations where tenant_id = current_tenant()",
    );
    listing.and("expires_at > ?", tx.now());
    let (text, params) = listing.page_by_id("id", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, reservation)?;
    Ok(Page::cut(rows, page, |it| Position { key: String::new(), id: it.id.to_string() }))
}

/// Forgets those that are over, and says how many there are besides.
pub(crate) fn sweep<A: Action<Plane = TenantPlane>>(tx: &WriteTx<'_, A>) -> Result<i64> {
    sql(tx).execute("delete from reservations where expires_at <= ?1", params![tx.now()])?;
    let count = sql(tx).one("select count(*) from reservations", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Keeps places free.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    new: &NewReservation,
    by: PrincipalId,
    expires_at: Timestamp,
) -> Result<Option<Reservation>> {
    let id: ReservationId = tx.new_id();
    Ok(sql(tx).one(
        "insert into reservations (id, tenant_id, dimension, amount, created_by, expires_at, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?6)
        returning id, dimension, amount, created_by, expires_at, created_at, updated_at, version",
        params![id, &new.dimension, new.amount.get(), by, expires_at, tx.now()],
        reservation,
    )?)
}

/// Keeps them free no more, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: ReservationId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from reservations where id = ?1 and version = ?2", params![id, version])?;
    Ok(deleted > 0)
}
