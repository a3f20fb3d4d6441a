//! Statements on `issuers`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Conflict, Direction, Error, IdentityPart, Issuer, IssuerId, IssuerState, IssuerTerms,
    Name, Page, PageRequest, Position, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

fn issuer(row: &mut Row<'_>) -> Result<Issuer, SqlError> {
    let (id, name, url, state) = (row.next()?, row.next()?, row.next()?, row.next()?);
    let terms: String = row.next()?;
    Ok(Issuer {
        id,
        name,
        url,
        state,
        terms: serde_json::from_str(&terms)
            .map_err(|error| SqlError::corrupt(4, &error.to_string()))?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

fn text(terms: &IssuerTerms) -> Result<String> {
    serde_json::to_string(terms).map_err(|error| Error::Internal(error.to_string()))
}

/// One issuer.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>, id: IssuerId) -> Result<Option<Issuer>> {
    Ok(sql(tx).one(
        "select id, name, url, state, terms, created_at, updated_at, version from issuers where id = ?1",
        params![id],
        issuer,
    )?)
}

/// Whether there is an issuer of this address.
pub(crate) fn has_url(tx: &impl Tx<Plane = TenantPlane>, url: &IdentityPart) -> Result<bool> {
    let found: Option<i64> = sql(tx).one(
        "select 1 from issuers where url = ?1 and tenant_id = current_tenant()",
        params![url],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

/// A page of issuers, by name.
pub(crate) fn page(tx: &impl Tx<Plane = TenantPlane>, page: &PageRequest) -> Result<Page<Issuer>> {
    let listing = Listing::new(
        "select id, name, url, state, terms, created_at, updated_at, version from issuers
        where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page(("name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, issuer)?;
    Ok(Page::cut(rows, page, |issuer| Position {
        key: issuer.name.to_string(),
        id: issuer.id.to_string(),
    }))
}

/// How many issuers there are.
pub(crate) fn count(tx: &impl Tx<Plane = TenantPlane>) -> Result<i64> {
    let count: Option<i64> = sql(tx).one(
        "select count(*) from issuers where tenant_id = current_tenant()",
        &[],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Adds an issuer.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: IssuerId,
    name: &Name,
    url: &IdentityPart,
    terms: &IssuerTerms,
) -> Result<Issuer> {
    let added = sql(tx)
        .one(
            "insert into issuers (id, tenant_id, name, url, state, terms, created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, 'active', ?4, ?5, ?5)
            returning id, name, url, state, terms, created_at, updated_at, version",
            params![id, name, url, text(terms)?, tx.now()],
            issuer,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))?;
    added.ok_or_else(|| Error::Internal("an inserted issuer did not come back".to_owned()))
}

/// Puts an issuer into a state, as part of a change. Whether the state may follow is the caller's business, by
/// [`IssuerState::to`].
pub(crate) fn set_state<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: IssuerId,
    state: IssuerState,
) -> Result<()> {
    sql(tx).execute("update issuers set state = ?2 where id = ?1", params![id, state])?;
    Ok(())
}

/// Changes an issuer, if it has the version expected; its state is [`set_state`]'s.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    after: &Issuer,
    version: i64,
) -> Result<Option<Issuer>> {
    sql(tx)
        .one(
            "update issuers
            set name = ?2, terms = ?3, updated_at = ?4, version = version + 1
            where id = ?1 and version = ?5
            returning id, name, url, state, terms, created_at, updated_at, version",
            params![after.id, &after.name, text(&after.terms)?, tx.now(), version],
            issuer,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))
}

/// Deletes an issuer, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: IssuerId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from issuers where id = ?1 and version = ?2", params![id, version])?;
    Ok(deleted > 0)
}

/// Whether an issuer may speak for the tenant, by the tenant's own file.
pub(super) fn may_speak(sql: Sql<'_>, url: &str) -> Result<bool> {
    let found: Option<i64> = sql.one(
        "select 1 from issuers where url = ?1 and state = 'active'",
        params![url],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

/// Every issuer, for the registry's projection.
pub(in crate::storage) fn every(sql: Sql<'_>) -> Result<Vec<Issuer>> {
    Ok(sql.all(
        "select id, name, url, state, terms, created_at, updated_at, version from issuers order by id",
        &[],
        issuer,
    )?)
}
