//! Statements on `service_accounts`, which both planes have; each plane's own stand in its folder.

use super::engine::{Listing, Param, Row, Sql, SqlError, params};
use crate::domain::{
    AccountId, AccountState, Conflict, Description, Direction, Error, Name, Page, PageRequest,
    Position, Result, ServiceAccountFilter, ServiceAccountId, ServiceAccountNoun,
    ServiceAccountParts, Timestamp, Word,
};

pub(in crate::storage) fn noun<S: ServiceAccountNoun>(row: &mut Row<'_>) -> Result<S, SqlError> {
    Ok(S::of(ServiceAccountParts {
        id: row.next()?,
        name: row.next()?,
        description: row.next()?,
        role: row.next()?,
        state: row.next()?,
        created_by: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    }))
}

/// One of them.
pub(in crate::storage) fn find<S: ServiceAccountNoun>(
    sql: Sql<'_>,
    id: ServiceAccountId,
) -> Result<Option<S>> {
    Ok(sql.one(
        "select id, name, description, role, state, created_by, created_at, updated_at, version
        from service_accounts where id = ?1",
        params![id],
        noun,
    )?)
}

/// A page of them, by name.
pub(in crate::storage) fn page<S: ServiceAccountNoun>(
    sql: Sql<'_>,
    filter: &ServiceAccountFilter,
    page: &PageRequest,
    position: impl Fn(&S) -> Position,
) -> Result<Page<S>> {
    let mut listing = Listing::new(
        "select id, name, description, role, state, created_by, created_at, updated_at, version
        from service_accounts where tenant_id = current_tenant()",
    );
    listing.and_if("state = ?", filter.state);
    listing.and_prefix("name >= ?", "name < ?", filter.name_prefix.as_deref());
    let (text, params) = listing.page(("name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql.all(&text, &params, noun)?;
    Ok(Page::cut(rows, page, position))
}

/// How many there are.
pub(in crate::storage) fn count(sql: Sql<'_>) -> Result<i64> {
    let count = sql.one("select count(*) from service_accounts", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// One that is to be made.
pub(in crate::storage) struct New<'n, R> {
    pub(in crate::storage) id: ServiceAccountId,
    pub(in crate::storage) name: &'n Name,
    pub(in crate::storage) description: &'n Description,
    pub(in crate::storage) role: R,
    pub(in crate::storage) created_by: Option<AccountId>,
    pub(in crate::storage) now: Timestamp,
}

/// Adds one.
pub(in crate::storage) fn insert<S: ServiceAccountNoun>(
    sql: Sql<'_>,
    new: &New<'_, S::Role>,
) -> Result<S> {
    let added = sql
        .one(
            "insert into service_accounts (id, tenant_id, name, description, role, state, created_by, created_at,
                updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?7)
            returning id, name, description, role, state, created_by, created_at, updated_at, version",
            params![
                new.id,
                new.name,
                new.description,
                new.role,
                AccountState::Active,
                new.created_by,
                new.now
            ],
            noun,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))?;
    added.ok_or_else(|| Error::Internal("an inserted row did not come back".to_owned()))
}

/// What is to change.
pub(in crate::storage) struct Change<'c, R> {
    pub(in crate::storage) name: Option<&'c Name>,
    pub(in crate::storage) description: Option<&'c Description>,
    pub(in crate::storage) role: Option<R>,
    pub(in crate::storage) now: Timestamp,
}

/// Changes one, if it has the version expected.
pub(in crate::storage) fn update<S: ServiceAccountNoun>(
    sql: Sql<'_>,
    id: ServiceAccountId,
    change: &Change<'_, S::Role>,
    version: i64,
) -> Result<Option<S>> {
    sql.one(
        "update service_accounts
        set name = coalesce(?2, name), description = coalesce(?3, description), role = coalesce(?4, role),
            updated_at = ?5, version = version + 1
        where id = ?1 and version = ?6
        returning id, name, description, role, state, created_by, created_at, updated_at, version",
        params![
            id,
            change.name,
            change.description,
            change.role.map(Word::as_str),
            change.now,
            version
        ],
        noun,
    )
    .map_err(SqlError::unique(Conflict::NameTaken))
}

/// Deletes one with its keys, if it has the version expected; says whether it had.
pub(in crate::storage) fn delete(sql: Sql<'_>, id: ServiceAccountId, version: i64) -> Result<bool> {
    let deleted = sql.execute(
        "delete from service_accounts where id = ?1 and version = ?2",
        params![id, version],
    )?;
    Ok(deleted > 0)
}
