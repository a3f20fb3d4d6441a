//! Statements on `tenant_domains`.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Direction, HostName, JoinRole, Page, PageRequest, Position, Result, TenantDomain,
    TenantId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn tenant_domain(row: &mut Row<'_>) -> Result<TenantDomain, SqlError> {
    let domain: HostName = row.next()?;
    Ok(TenantDomain {
        id: domain.clone(),
        domain,
        tenant_id: row.next()?,
        join_role: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// A mail domain, whosever it is.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    domain: &HostName,
) -> Result<Option<TenantDomain>> {
    Ok(sql(tx).one(
        "select domain, tenant_id, join_role, created_at, updated_at, version from tenant_domains where domain = ?1",
        params![domain],
        tenant_domain,
    )?)
}

/// A page of a tenant's mail domains, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
    page: &PageRequest,
) -> Result<Page<TenantDomain>> {
    let mut listing = Listing::new(
        "select domain, tenant_id, join_role, created_at, updated_at, version from tenant_domains where true",
    );
    listing.and("tenant_id = ?", tenant);
    let (text, params) = listing.page_by_id("domain", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, tenant_domain)?;
    Ok(Page::cut(rows, page, |found| Position { key: String::new(), id: found.domain.to_string() }))
}

/// How many mail domains a tenant has.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>, tenant: TenantId) -> Result<i64> {
    let count = sql(tx).one(
        "select count(*) from tenant_domains where tenant_id = ?1",
        params![tenant],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Registers a mail domain; `None` where it is a tenant's already.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    role: JoinRole,
) -> Result<Option<TenantDomain>> {
    Ok(sql(tx).one(
        "insert into tenant_domains (domain, tenant_id, join_role, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?4)
        on conflict (domain) do nothing
        returning domain, tenant_id, join_role, created_at, updated_at, version",
        params![domain, tenant, role, tx.now()],
        tenant_domain,
    )?)
}

/// Changes what a tenant's mail domain comes to, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    role: JoinRole,
    version: i64,
) -> Result<Option<TenantDomain>> {
    Ok(sql(tx).one(
        "update tenant_domains set join_role = ?3, updated_at = ?5, version = version + 1
        where domain = ?1 and tenant_id = ?2 and version = ?4
        returning domain, tenant_id, join_role, created_at, updated_at, version",
        params![domain, tenant, role, version, tx.now()],
        tenant_domain,
    )?)
}

/// Takes a mail domain from a tenant, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from tenant_domains where domain = ?1 and tenant_id = ?2 and version = ?3",
        params![domain, tenant, version],
    )?;
    Ok(deleted > 0)
}
