//! Statements on `catalog_items` of a tenant's file: the layers of the tenant, its teams and its members.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, AttributeKey, CatalogItem, Direction, ItemLayer, ItemOwner, JsonValue, Page,
    PageRequest, Position, Result, StoredItem, TeamId, TeamPlace,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

/// Every item behind one, some at a time.
pub(in crate::storage) const EVERY: &str =
    "select owner_id, key, value, defined from catalog_items where (owner_id, key) > (?1, ?2)
            order by owner_id, key limit ?3";

fn item(row: &mut Row<'_>) -> Result<StoredItem, SqlError> {
    let key: AttributeKey = row.next()?;
    let (layer, owner_id) = (row.next::<ItemLayer>()?, row.next()?);
    let (value, defined) = (row.next()?, row.next()?);
    let item = CatalogItem {
        id: key.clone(),
        key,
        layer: layer.into(),
        owner_id: Some(owner_id),
        value,
        valid: false,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    };
    Ok(StoredItem { item, defined })
}

/// One item.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    owner: ItemOwner,
    key: &AttributeKey,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "select key, layer, owner_id, value, defined, created_at, updated_at, version from catalog_items
        where owner_id = ?1 and key = ?2",
        params![owner.id(), key],
        item,
    )?)
}

/// A page of an owner's items but for those of some keys, by key.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    owner: ItemOwner,
    hidden: &[AttributeKey],
    page: &PageRequest,
) -> Result<Page<StoredItem>> {
    let mut listing = Listing::new(
        "select key, layer, owner_id, value, defined, created_at, updated_at, version from catalog_items
        where tenant_id = current_tenant()",
    );
    listing.and("owner_id = ?", owner.id());
    let hidden = serde_json::to_string(hidden).unwrap_or_default();
    listing.and("key not in (select value from json_each(?))", hidden);
    let (text, params) = listing.page_by_id("key", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, item)?;
    let weight = |it: &StoredItem| it.item.value.text().len();
    let position = |it: &StoredItem| Position { key: String::new(), id: it.item.key.to_string() };
    Ok(Page::cut_by_weight(rows, page, weight, position))
}

/// The teams that an account counts in: its own and all above them.
pub(crate) fn teams_of(
    tx: &impl Tx<Plane = TenantPlane>,
    account: AccountId,
) -> Result<Vec<TeamPlace>> {
    Ok(sql(tx).all(
        "with recursive mine (id) as (
            select team_id from team_members where account_id = ?1
            union
            select t.parent_id from teams t join mine on t.id = mine.id where t.parent_id is not null
        )
        select t.id, t.parent_id from teams t join mine on t.id = mine.id",
        params![account],
        |row| Ok(TeamPlace { id: row.next()?, parent_id: row.next()? }),
    )?)
}

/// Every item of these owners.
pub(crate) fn of_owners(
    tx: &impl Tx<Plane = TenantPlane>,
    owners: &[ItemOwner],
) -> Result<Vec<StoredItem>> {
    let owners: Vec<_> = owners.iter().map(|owner| owner.id()).collect();
    let owners = serde_json::to_string(&owners).unwrap_or_default();
    Ok(sql(tx).all(
        "select key, layer, owner_id, value, defined, created_at, updated_at, version from catalog_items
        where owner_id in (select value from json_each(?1))",
        params![owners],
        item,
    )?)
}

/// Whether the caller maintains a team.
pub(crate) fn maintains(tx: &impl Tx<Plane = TenantPlane>, team: TeamId) -> Result<bool> {
    let found = sql(tx).one("select caller_maintains(?1)", params![team], |row| row.next())?;
    Ok(found.unwrap_or(false))
}

/// How many items an owner has.
pub(crate) fn count(tx: &impl Tx<Plane = TenantPlane>, owner: ItemOwner) -> Result<i64> {
    let count = sql(tx).one(
        "select count(*) from catalog_items where owner_id = ?1",
        params![owner.id()],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Adds an item; `None` where there is one.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    owner: ItemOwner,
    key: &AttributeKey,
    value: &JsonValue,
    defined: bool,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "insert into catalog_items (owner_id, key, tenant_id, layer, value, defined, created_at, updated_at)
        values (?1, ?2, current_tenant(), ?3, ?4, ?5, ?6, ?6)
        on conflict (owner_id, key) do nothing
        returning key, layer, owner_id, value, defined, created_at, updated_at, version",
        params![owner.id(), key, owner.layer(), value, defined, tx.now()],
        item,
    )?)
}

/// Changes an item, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    owner: ItemOwner,
    key: &AttributeKey,
    value: (&JsonValue, bool),
    version: i64,
) -> Result<Option<StoredItem>> {
    Ok(sql(tx).one(
        "update catalog_items set value = ?3, defined = ?4, updated_at = ?5, version = version + 1
        where owner_id = ?1 and key = ?2 and version = ?6
        returning key, layer, owner_id, value, defined, created_at, updated_at, version",
        params![owner.id(), key, value.0, value.1, tx.now(), version],
        item,
    )?)
}

/// Takes an item away, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    owner: ItemOwner,
    key: &AttributeKey,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from catalog_items where owner_id = ?1 and key = ?2 and version = ?3",
        params![owner.id(), key, version],
    )?;
    Ok(deleted > 0)
}

/// Takes away what a former member had in the catalogue.
pub(crate) fn forget<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
) -> Result<()> {
    sql(tx).execute("delete from catalog_items where owner_id = ?1", params![account])?;
    Ok(())
}
