//! Resources: the envelopes of what applications keep.

use crate::domain::action::{
    CreateResource, DeleteResource, ListResources, ReadResource, UpdateResource,
};
use crate::domain::{
    Action, ChangeResource, Covers, Error, EventType, NewResource, Page, PageRequest, Permission,
    PrincipalId, Resource, ResourceFilter, ResourceGone, ResourceId, ResourceSaid, Result, Target,
    TargetFacts, Visibility,
};
use crate::storage::tenant::resources;
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists the resources that the caller may read.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListResources>>(
    tx: &ReadTx<'_, A>,
    filter: &ResourceFilter,
    page: &PageRequest,
) -> Result<Page<Resource>> {
    resources::page(tx, filter, page)
}

/// Reads a resource.
///
/// # Errors
/// [`Error::NotFound`] where there is none that the caller may read.
pub fn read<A: Covers<ReadResource>>(tx: &ReadTx<'_, A>, id: ResourceId) -> Result<Resource> {
    resources::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a resource, owned by whoever makes it.
///
/// # Errors
/// A type that is not registered.
pub fn create<A: Covers<CreateResource>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResource,
) -> Result<Resource> {
    let owner = tx.caller().subject.principal();
    add(tx, new, owner)
}

/// Makes a resource that nobody owns.
///
/// # Errors
/// A type that is not registered.
pub fn create_unowned<A: Covers<CreateResource>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResource,
) -> Result<Resource> {
    add(tx, new, None)
}

fn add<A: Covers<CreateResource>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewResource,
    owner: Option<PrincipalId>,
) -> Result<Resource> {
    let attributes = new.attributes.clone().unwrap_or_default();
    let resource = resources::insert(
        tx,
        &resources::Insert {
            id: tx.new_id(),
            kind: &new.kind,
            workspace: new.workspace_id,
            name: &new.name,
            visibility: new.visibility.unwrap_or(Visibility::Private),
            attributes: attributes.as_str(),
            owner,
        },
    )?;
    tell(tx, EventType::ResourceCreated, &resource);
    Ok(resource)
}

/// Changes a resource.
///
/// # Errors
/// [`Error::Stale`].
pub fn update<A: Covers<UpdateResource>>(
    tx: &mut WriteTx<'_, A>,
    id: ResourceId,
    change: &ChangeResource,
    version: i64,
) -> Result<Resource> {
    // A change of whom it is seen by is sharing, and a change all the same: what is demanded of either is demanded of both.
    if A::NAME != UpdateResource::NAME {
        tx.permits::<UpdateResource>(id)?;
    }
    let permission = match tx.facts() {
        Some(TargetFacts::Resource { permission: Some(permission) }) => permission,
        _ => Permission::Write,
    };
    let resource = resources::update(tx, id, change, permission, version)?.ok_or(Error::Stale)?;
    tell(tx, EventType::ResourceUpdated, &resource);
    Ok(resource)
}

/// Deletes a resource.
///
/// # Errors
/// [`Error::Stale`].
pub fn delete<A: Covers<DeleteResource>>(
    tx: &mut WriteTx<'_, A>,
    id: ResourceId,
    version: i64,
) -> Result<()> {
    let workspace = resources::delete(tx, id, version)?.ok_or(Error::Stale)?;
    tx.concerns(Some(workspace.to_string()), Some(id.to_string()));
    tx.emit(EventType::ResourceDeleted, &Target::Resource(id), &ResourceGone { id, version });
    Ok(())
}

fn tell<A: crate::domain::Action>(tx: &mut WriteTx<'_, A>, kind: EventType, resource: &Resource) {
    let envelope = ResourceSaid {
        id: resource.id,
        r#type: resource.kind.clone(),
        workspace_id: resource.workspace_id,
        visibility: resource.visibility,
        owner_id: resource.owner_id,
        version: resource.version,
    };
    tx.concerns(Some(resource.workspace_id.to_string()), Some(resource.id.to_string()));
    tx.emit(kind, &Target::Resource(resource.id), &envelope);
}
