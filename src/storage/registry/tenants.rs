//! Statements on `tenants` and `tenant_slugs`.

use super::RegistryAction;
use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, Conflict, Direction, Error, NewTenant, Page, PageRequest, Position, Region,
    Result, Slug, Tenant, TenantFilter, TenantId, TenantKind, TenantRenamed, TenantStatus,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn tenant(row: &mut Row<'_>) -> Result<Tenant, SqlError> {
    let id = row.next()?;
    let slug: Slug = row.next()?;
    Ok(Tenant {
        id,
        reference: format!("tenant:{slug}"),
        slug,
        name: row.next()?,
        description: row.next()?,
        kind: row.next()?,
        status: row.next()?,
        data_region: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One tenant.
pub(crate) fn find(tx: &impl Tx, id: TenantId) -> Result<Option<Tenant>> {
    Ok(sql(tx).one(
        "select id, slug, name, description, kind, status, data_region, created_at, updated_at, version
        from tenants where id = ?1",
        params![id],
        tenant,
    )?)
}

/// A page of tenants, by slug.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &TenantFilter,
    page: &PageRequest,
) -> Result<Page<Tenant>> {
    let mut listing = Listing::new(
        "select id, slug, name, description, kind, status, data_region, created_at, updated_at, version
        from tenants where true",
    );
    listing.and_if("status = ?", filter.status);
    listing.and_if("kind = ?", filter.kind);
    listing.and_prefix("slug >= ?", "slug < ?", filter.slug_prefix.as_deref());
    let (text, params) = listing.page_by_id("slug", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, tenant)?;
    Ok(Page::cut(rows, page, |tenant| Position { key: String::new(), id: tenant.slug.to_string() }))
}

/// Takes a slug for a tenant, for good; one that it had before is its own.
fn take_slug<A: RegistryAction>(tx: &WriteTx<'_, A>, id: TenantId, slug: &Slug) -> Result<()> {
    let taken = sql(tx).execute(
        "insert into tenant_slugs (slug, tenant_id) values (?1, ?2)
        on conflict (slug) do update set tenant_id = excluded.tenant_id where tenant_id = excluded.tenant_id",
        params![slug, id],
    )?;
    if taken == 0 { Err(Error::Conflict(Conflict::SlugTaken)) } else { Ok(()) }
}

/// Adds a tenant whose file is still to be made, with what the crash recovery must know to make it.
pub(crate) fn insert<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    new: &NewTenant,
    region: &Region,
    purpose: Purpose,
) -> Result<Tenant> {
    sql(tx)
        .execute(
            "insert into tenants (id, slug, name, description, kind, status, data_region, importing, first_owner_id,
                created_at, updated_at)
            values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
            params![
                id,
                &new.slug,
                &new.name,
                new.description.as_ref().map_or("", |description| description.as_str()),
                new.kind.unwrap_or(TenantKind::Organization),
                TenantStatus::Provisioning,
                region,
                purpose == Purpose::Import,
                new.owner_id,
                tx.now()
            ],
        )
        .map_err(SqlError::unique(Conflict::SlugTaken))?;
    take_slug(tx, id, &new.slug)?;
    find(tx, id)?.ok_or_else(|| Error::Internal("an inserted tenant did not come back".to_owned()))
}

/// Whether a tenant has, or ever had, a slug.
pub(crate) fn is_slug_taken(tx: &impl Tx, slug: &Slug) -> Result<bool> {
    let found: Option<i64> =
        sql(tx)
            .one("select 1 from tenant_slugs where slug = ?1", params![slug], |row| row.next())?;
    Ok(found.is_some())
}

/// The tenant that is an account's own.
pub(crate) fn personal_of(tx: &impl Tx, account: AccountId) -> Result<Option<Tenant>> {
    Ok(sql(tx).one(
        "select t.id, t.slug, t.name, t.description, t.kind, t.status, t.data_region, t.created_at, t.updated_at,
            t.version
        from personal_tenants p join tenants t on t.id = p.tenant_id
        where p.account_id = ?1 and t.status <> 'erased'",
        params![account],
        tenant,
    )?)
}

/// Makes a tenant an account's own, in the place of one that was erased.
pub(crate) fn set_personal<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    id: TenantId,
) -> Result<()> {
    sql(tx).execute(
        "insert into personal_tenants (account_id, tenant_id) values (?1, ?2)
        on conflict (account_id) do update set tenant_id = excluded.tenant_id",
        params![account, id],
    )?;
    Ok(())
}

/// What a tenant that is being made waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Its file alone.
    Create,
    /// The last row of its import.
    Import,
}

/// What must be known to finish a tenant that is being made.
#[derive(Debug, Clone)]
pub(crate) struct Unfinished {
    pub(crate) tenant: Tenant,
    pub(crate) purpose: Purpose,
    pub(crate) first_owner: Option<AccountId>,
}

/// The tenants that are still being made.
pub(crate) fn unfinished(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<Unfinished>> {
    Ok(sql(tx).all(
        "select id, slug, name, description, kind, status, data_region, created_at, updated_at, version, importing,
            first_owner_id
        from tenants where status = 'provisioning' order by id",
        &[],
        |row| {
            Ok(Unfinished {
                tenant: tenant(row)?,
                purpose: if row.next()? { Purpose::Import } else { Purpose::Create },
                first_owner: row.next()?,
            })
        },
    )?)
}

/// Puts a tenant into a state. Whether the state may follow is the caller's business, by [`TenantStatus::to`].
pub(crate) fn set_status<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    status: TenantStatus,
) -> Result<Tenant> {
    let changed = sql(tx).one(
        "update tenants
        set status_before = status, status = ?2,
            importing = case when ?2 = 'active' then 0 else importing end,
            -- Being made is no change of what is made.
            updated_at = case when status = 'provisioning' then updated_at else ?3 end,
            version = case when status = 'provisioning' then version else version + 1 end
        where id = ?1
        returning id, slug, name, description, kind, status, data_region, created_at, updated_at, version",
        params![id, status, tx.now()],
        tenant,
    )?;
    changed.ok_or(Error::NotFound)
}

/// The state that a quarantined tenant had before.
pub(crate) fn status_before(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: TenantId,
) -> Result<Option<TenantStatus>> {
    let before: Option<Option<TenantStatus>> =
        sql(tx).one("select status_before from tenants where id = ?1", params![id], |row| {
            row.next()
        })?;
    Ok(before.flatten())
}

/// Gives a tenant another slug, if it has the version expected.
pub(crate) fn set_slug<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    slug: &Slug,
    version: i64,
) -> Result<Option<Tenant>> {
    take_slug(tx, id, slug)?;
    sql(tx)
        .one(
            "update tenants set slug = ?2, updated_at = ?3, version = version + 1 where id = ?1 and version = ?4
            returning id, slug, name, description, kind, status, data_region, created_at, updated_at, version",
            params![id, slug, tx.now(), version],
            tenant,
        )
        .map_err(SqlError::unique(Conflict::SlugTaken))
}

/// Follows what a tenant says of itself.
pub(crate) fn rename<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: TenantId,
    renamed: &TenantRenamed,
) -> Result<()> {
    sql(tx).execute(
        "update tenants set name = ?2, description = ?3, updated_at = ?4, version = version + 1
        where id = ?1 and (name <> ?2 or description <> ?3)",
        params![id, &renamed.name, &renamed.description, tx.now()],
    )?;
    Ok(())
}
