//! Statements on `signing_keys`. The private parts are in files, which are not storage's.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Direction, Error, KeyId, Page, PageRequest, Position, Result, SigningKeyEntry,
    SigningKeyFilter, SigningKeyState, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn key(row: &mut Row<'_>) -> Result<SigningKeyEntry, SqlError> {
    Ok(SigningKeyEntry {
        id: row.next()?,
        state: row.next()?,
        public_key: row.next()?,
        retires_at: row.next()?,
        retired_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One key.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: &KeyId,
) -> Result<Option<SigningKeyEntry>> {
    Ok(sql(tx).one(
        "select kid, state, public_key, retires_at, retired_at, created_at, updated_at, version
        from signing_keys where kid = ?1",
        params![id],
        key,
    )?)
}

/// Every key that verifies, the one that signs first.
pub(crate) fn verifying(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<SigningKeyEntry>> {
    Ok(sql(tx).all(
        "select kid, state, public_key, retires_at, retired_at, created_at, updated_at, version
        from signing_keys where state <> 'retired' order by state = 'active' desc, created_at desc, kid",
        &[],
        key,
    )?)
}

/// A page of keys, the newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &SigningKeyFilter,
    page: &PageRequest,
) -> Result<Page<SigningKeyEntry>> {
    let mut listing = Listing::new(
        "select kid, state, public_key, retires_at, retired_at, created_at, updated_at, version
        from signing_keys where true",
    );
    listing.and_if("state = ?", filter.state);
    let number = |text: &str| Param::Int(text.parse().unwrap_or_default());
    let (text, params) = listing.page(("created_at", "kid"), Direction::Descending, page, number);
    let rows = sql(tx).all(&text, &params, key)?;
    Ok(Page::cut(rows, page, |key| Position {
        key: key.created_at.0.to_string(),
        id: key.id.to_string(),
    }))
}

/// Adds a key that signs from now on.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: &KeyId,
    public_key: &str,
) -> Result<SigningKeyEntry> {
    sql(tx).execute(
        "insert into signing_keys (kid, state, public_key, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4)",
        params![id, SigningKeyState::Active, public_key, tx.now()],
    )?;
    find(tx, id)?.ok_or_else(|| Error::Internal("an inserted key did not come back".to_owned()))
}

/// Puts a key into a state, and says until when it verifies or that it does no more. Whether the state may follow is the
/// caller's business, by [`SigningKeyState::to`].
pub(crate) fn set_state<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: &KeyId,
    state: SigningKeyState,
    at: Timestamp,
) -> Result<SigningKeyEntry> {
    let changed = sql(tx).one(
        "update signing_keys
        set state = ?2,
            retires_at = case when ?2 = 'retiring' then ?3 else retires_at end,
            retired_at = case when ?2 = 'retired' then ?3 else retired_at end,
            updated_at = ?4, version = version + 1
        where kid = ?1
        returning kid, state, public_key, retires_at, retired_at, created_at, updated_at, version",
        params![id, state, at, tx.now()],
        key,
    )?;
    changed.ok_or(Error::NotFound)
}
