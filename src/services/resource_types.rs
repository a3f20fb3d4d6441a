//! Resource types: what kinds of things a tenant keeps.

use crate::domain::action::{CreateResourceType, ListResourceTypes, ReadResourceType};
use crate::domain::{
    ApplicationName, Conflict, Covers, Error, EventType, NewResourceType, Page, PageRequest,
    ResourceType, ResourceTypeName, Result, Target,
};
use crate::storage::tenant::resource_types;
use crate::storage::{ReadTx, WriteTx};

/// Lists resource types.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListResourceTypes>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<ResourceType>> {
    resource_types::page(tx, page)
}

/// Reads a resource type.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadResourceType>>(
    tx: &ReadTx<'_, A>,
    name: &ResourceTypeName,
) -> Result<ResourceType> {
    resource_types::find(tx, name)?.ok_or(Error::NotFound)
}

/// Registers a resource type.
///
/// # Errors
/// [`Conflict::AlreadyExists`]; [`Conflict::ResourceTypeLimit`].
pub fn create<A: Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResourceType,
) -> Result<ResourceType> {
    ensure(tx, new)?.ok_or(Error::Conflict(Conflict::AlreadyExists))
}

/// Registers a resource type that is not there yet; `None` where it is.
///
/// # Errors
/// [`Conflict::ResourceTypeLimit`].
pub fn ensure<A: Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResourceType,
) -> Result<Option<ResourceType>> {
    add(tx, new, None)
}

/// The same, for an application that the tenant has bound.
///
/// # Errors
/// [`Conflict::ResourceTypeLimit`].
pub(super) fn add<A: Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResourceType,
    application: Option<&ApplicationName>,
) -> Result<Option<ResourceType>> {
    let description = new.description.clone().unwrap_or_default();
    let added = resource_types::insert(tx, &new.name, &description, application)?;
    if let Some(added) = &added {
        if resource_types::count(tx)? > ResourceType::MAX_PER_TENANT {
            return Err(Error::Conflict(Conflict::ResourceTypeLimit));
        }
        tx.emit(EventType::ResourceTypeCreated, &Target::ResourceType(added.name.clone()), added);
    }
    Ok(added)
}
