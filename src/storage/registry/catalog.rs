//! Statements on `catalog_items` of the registry: the platform's layer.

use std::sync::Arc;

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, AttributeKey, CatalogItem, Definitions, Direction, JsonValue, Layer, Page, PageRequest,
    Position, Result, StoredItem,
};
use crate::storage::door::{self, Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn item(row: &mut Row<'_>) -> Result<StoredItem, SqlError> {
    let key: AttributeKey = row.next()?;
    let (value, defined) = (row.next()?, row.next()?);
    let item = CatalogItem {
        id: key.clone(),
        key,
        layer: Layer::Platform,
        owner_id: None,
        value,
        valid: false,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    };
    Ok(StoredItem { item, defined })
}

/// Every definition now.
pub(crate) fn definitions(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Arc<Definitions>> {
    door::definitions(tx)
}

/// One item.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    key: &AttributeKey,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "select key, value, defined, created_at, updated_at, version from catalog_items where key = ?1",
        params![key],
        item,
    )?)
}

/// A page of items, by key.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    page: &PageRequest,
) -> Result<Page<StoredItem>> {
    let listing = Listing::new(
        "select key, value, defined, created_at, updated_at, version from catalog_items where true",
    );
    let (text, params) = listing.page_by_id("key", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, item)?;
    let weight = |it: &StoredItem| it.item.value.text().len();
    let position = |it: &StoredItem| Position { key: String::new(), id: it.item.key.to_string() };
    Ok(Page::cut_by_weight(rows, page, weight, position))
}

/// How many items there are.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>) -> Result<i64> {
    let count = sql(tx).one("select count(*) from catalog_items", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Adds an item; `None` where there is one.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    value: &JsonValue,
    defined: bool,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "insert into catalog_items (key, value, defined, created_at, updated_at) values (?1, ?2, ?3, ?4, ?4)
        on conflict (key) do nothing
        returning key, value, defined, created_at, updated_at, version",
        params![key, value, defined, tx.now()],
        item,
    )?)
}

/// Changes an item, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    value: &JsonValue,
    defined: bool,
    version: i64,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "update catalog_items set value = ?2, defined = ?3, updated_at = ?4, version = version + 1
        where key = ?1 and version = ?5
        returning key, value, defined, created_at, updated_at, version",
        params![key, value, defined, tx.now(), version],
        item,
    )?)
}

/// Takes an item away, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    key: &AttributeKey,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from catalog_items where key = ?1 and version = ?2",
        params![key, version],
    )?;
    Ok(deleted > 0)
}
