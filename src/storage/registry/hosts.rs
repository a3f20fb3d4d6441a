//! Statements on `tenant_hosts`.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Direction, HostName, Page, PageRequest, Position, Result, TenantHost, TenantId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn tenant_host(row: &mut Row<'_>) -> Result<TenantHost, SqlError> {
    let host: HostName = row.next()?;
    Ok(TenantHost {
        id: host.clone(),
        host,
        tenant_id: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// A host name, whosever it is.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    host: &HostName,
) -> Result<Option<TenantHost>> {
    Ok(sql(tx).one(
        "select host, tenant_id, created_at, updated_at, version from tenant_hosts where host = ?1",
        params![host],
        tenant_host,
    )?)
}

/// A page of a tenant's host names, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
    page: &PageRequest,
) -> Result<Page<TenantHost>> {
    let mut listing = Listing::new(
        "select host, tenant_id, created_at, updated_at, version from tenant_hosts where true",
    );
    listing.and("tenant_id = ?", tenant);
    let (text, params) = listing.page_by_id("host", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, tenant_host)?;
    Ok(Page::cut(rows, page, |host| Position { key: String::new(), id: host.host.to_string() }))
}

/// How many host names a tenant has.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>, tenant: TenantId) -> Result<i64> {
    let count = sql(tx).one(
        "select count(*) from tenant_hosts where tenant_id = ?1",
        params![tenant],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Registers a host name; `None` where it means a tenant already.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
) -> Result<Option<TenantHost>> {
    Ok(sql(tx).one(
        "insert into tenant_hosts (host, tenant_id, created_at, updated_at) values (?1, ?2, ?3, ?3)
        on conflict (host) do nothing
        returning host, tenant_id, created_at, updated_at, version",
        params![host, tenant, tx.now()],
        tenant_host,
    )?)
}

/// Registers a tenant's host name anew, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
    version: i64,
) -> Result<Option<TenantHost>> {
    Ok(sql(tx).one(
        "update tenant_hosts set updated_at = ?4, version = version + 1
        where host = ?1 and tenant_id = ?2 and version = ?3
        returning host, tenant_id, created_at, updated_at, version",
        params![host, tenant, version, tx.now()],
        tenant_host,
    )?)
}

/// Takes a host name from a tenant, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from tenant_hosts where host = ?1 and tenant_id = ?2 and version = ?3",
        params![host, tenant, version],
    )?;
    Ok(deleted > 0)
}
