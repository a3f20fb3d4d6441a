//! Statements on `operators`.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, Direction, Operator, OperatorFilter, OperatorRole, Page, PageRequest,
    Position, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn operator(row: &mut Row<'_>) -> Result<Operator, SqlError> {
    let id = row.next()?;
    Ok(Operator {
        id,
        account_id: id,
        display_name: row.next()?,
        role: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One operator.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    account: AccountId,
) -> Result<Option<Operator>> {
    Ok(sql(tx).one(
        "select o.account_id, a.display_name, o.role, o.created_at, o.updated_at, o.version
        from operators o join accounts a on a.id = o.account_id where o.account_id = ?1",
        params![account],
        operator,
    )?)
}

/// A page of operators, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &OperatorFilter,
    page: &PageRequest,
) -> Result<Page<Operator>> {
    let mut listing = Listing::new(
        "select o.account_id, a.display_name, o.role, o.created_at, o.updated_at, o.version
        from operators o join accounts a on a.id = o.account_id where true",
    );
    listing.and_if("o.role = ?", filter.role);
    let (text, params) =
        listing.page(("a.display_name", "a.id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, operator)?;
    Ok(Page::cut(rows, page, |operator| Position {
        key: operator.display_name.to_string(),
        id: operator.id.to_string(),
    }))
}

/// Makes an account an operator; one that is one already keeps its role. Says whether it was none.
pub(crate) fn ensure<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    role: OperatorRole,
) -> Result<bool> {
    let added = sql(tx).execute(
        "insert into operators (account_id, role, created_at, updated_at) values (?1, ?2, ?3, ?3)
        on conflict (account_id) do nothing",
        params![account, role, tx.now()],
    )?;
    Ok(added > 0)
}

/// Gives an operator another role, if it has the version expected; says whether it had.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    role: OperatorRole,
    version: i64,
) -> Result<bool> {
    let updated = sql(tx).execute(
        "update operators set role = ?2, updated_at = ?4, version = version + 1
        where account_id = ?1 and version = ?3",
        params![account, role, version, tx.now()],
    )?;
    Ok(updated > 0)
}

/// Takes an account's role away, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from operators where account_id = ?1 and version = ?2",
        params![account, version],
    )?;
    Ok(deleted > 0)
}
