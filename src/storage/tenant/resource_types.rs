//! Statements on `resource_types`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, ApplicationName, Description, Direction, Page, PageRequest, Position, ResourceType,
    ResourceTypeName, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn resource_type(row: &mut Row<'_>) -> Result<ResourceType, SqlError> {
    let name: ResourceTypeName = row.next()?;
    Ok(ResourceType {
        id: name.clone(),
        name,
        description: row.next()?,
        built_in: row.next()?,
        application: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One resource type.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    name: &ResourceTypeName,
) -> Result<Option<ResourceType>> {
    Ok(sql(tx).one(
        "select name, description, built_in, application, created_at, updated_at, version from resource_types where name = ?1",
        params![name],
        resource_type,
    )?)
}

/// A page of resource types, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    page: &PageRequest,
) -> Result<Page<ResourceType>> {
    let listing = Listing::new(
        "select name, description, built_in, application, created_at, updated_at, version from resource_types
        where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page_by_id("name", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, resource_type)?;
    Ok(Page::cut(rows, page, |kind| Position { key: String::new(), id: kind.name.to_string() }))
}

/// How many resource types the tenant has.
pub(crate) fn count(tx: &impl Tx<Plane = TenantPlane>) -> Result<i64> {
    let count: Option<i64> =
        sql(tx).one("select count(*) from resource_types", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Registers a resource type; `None` where it is there already.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ResourceTypeName,
    description: &Description,
    application: Option<&ApplicationName>,
) -> Result<Option<ResourceType>> {
    Ok(sql(tx).one(
        "insert into resource_types (name, tenant_id, description, application, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?4, ?3, ?3)
        on conflict (name) do nothing
        returning name, description, built_in, application, created_at, updated_at, version",
        params![name, description, tx.now(), application],
        resource_type,
    )?)
}

/// Gives an application a resource type that is the tenant's own.
pub(crate) fn give<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ResourceTypeName,
    application: &ApplicationName,
) -> Result<()> {
    sql(tx).execute(
        "update resource_types set application = ?2, updated_at = ?3, version = version + 1
        where name = ?1 and application is null",
        params![name, application, tx.now()],
    )?;
    Ok(())
}

/// The names of an application's resource types.
pub(crate) fn of_application(
    tx: &impl Tx<Plane = TenantPlane>,
    application: &ApplicationName,
) -> Result<Vec<ResourceTypeName>> {
    Ok(sql(tx).all(
        "select name from resource_types where application = ?1 order by name",
        params![application],
        |row| row.next(),
    )?)
}

/// Makes a resource type the tenant's own again.
pub(crate) fn release<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ResourceTypeName,
) -> Result<()> {
    sql(tx).execute(
        "update resource_types set application = null, updated_at = ?2, version = version + 1 where name = ?1",
        params![name, tx.now()],
    )?;
    Ok(())
}
