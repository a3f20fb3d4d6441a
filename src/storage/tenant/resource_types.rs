//! Statements on `resource_types`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Description, Direction, Page, PageRequest, Position, ResourceType, ResourceTypeName,
    Result,
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
        "select name, description, built_in, created_at, updated_at, version from resource_types where name = ?1",
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
        "select name, description, built_in, created_at, updated_at, version from resource_types
        where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page_by_id("name", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, resource_type)?;
    Ok(Page::cut(rows, page, |kind| Position { key: String::new(), id: kind.name.to_string() }))
}

/// Registers a resource type; `None` where it is there already.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ResourceTypeName,
    description: &Description,
) -> Result<Option<ResourceType>> {
    Ok(sql(tx).one(
        "insert into resource_types (name, tenant_id, description, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?3)
        on conflict (name) do nothing
        returning name, description, built_in, created_at, updated_at, version",
        params![name, description, tx.now()],
        resource_type,
    )?)
}
