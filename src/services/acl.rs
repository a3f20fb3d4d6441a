//! Access-control entries: sharing a resource with somebody.

use crate::domain::action::ShareResource;
use crate::domain::{
    AclEntry, Covers, Error, EventType, Page, PageRequest, Permission, Precondition, PrincipalId,
    PrincipalRef, ResourceId, Result, Shared, Target,
};
use crate::storage::tenant::{principals, resource_acl};
use crate::storage::{ReadTx, WriteTx};

/// Lists whom a resource is shared with.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ShareResource>>(
    tx: &ReadTx<'_, A>,
    resource: ResourceId,
    page: &PageRequest,
) -> Result<Page<AclEntry>> {
    resource_acl::page(tx, resource, page)
}

/// Reads one entry.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ShareResource>>(
    tx: &ReadTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
) -> Result<AclEntry> {
    resource_acl::find(tx, resource, principal)?.ok_or(Error::NotFound)
}

/// Shares a resource with a principal, or changes what it may.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Error::NotFound`] for a principal that is not there.
pub fn put<A: Covers<ShareResource>>(
    tx: &mut WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
    permission: Permission,
    precondition: Precondition,
) -> Result<AclEntry> {
    let kind = principals::find(tx, principal)?.ok_or(Error::NotFound)?.kind;
    let principal = PrincipalRef { kind, id: principal };
    let entry = match precondition {
        Precondition::Absent => {
            resource_acl::insert(tx, resource, principal, permission)?.ok_or(Error::Stale)?
        }
        Precondition::Version(version) => {
            resource_acl::update(tx, resource, principal, permission, version)?
                .ok_or(Error::Stale)?
        }
    };
    tell(tx, resource, principal.id, Some(permission));
    Ok(entry)
}

/// Shares a resource with a principal that has no entry yet; says whether it had none.
///
/// # Errors
/// Storage failed.
pub fn ensure<A: Covers<ShareResource>>(
    tx: &mut WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalRef,
    permission: Permission,
) -> Result<bool> {
    let added = resource_acl::insert(tx, resource, principal, permission)?.is_some();
    if added {
        tell(tx, resource, principal.id, Some(permission));
    }
    Ok(added)
}

/// Shares a resource with a principal no more.
///
/// # Errors
/// [`Error::NotFound`] where there is no entry; [`Error::Stale`] where it has another version.
pub fn delete<A: Covers<ShareResource>>(
    tx: &mut WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
    version: i64,
) -> Result<()> {
    if !resource_acl::delete(tx, resource, principal, version)? {
        let is_there = resource_acl::is_there(tx, resource, principal)?;
        return Err(if is_there { Error::Stale } else { Error::NotFound });
    }
    tell(tx, resource, principal, None);
    Ok(())
}

fn tell<A: Covers<ShareResource>>(
    tx: &mut WriteTx<'_, A>,
    resource: ResourceId,
    principal: PrincipalId,
    permission: Option<Permission>,
) {
    tx.concerns(None, Some(resource.to_string()));
    let grant = Shared { resource_id: resource, principal_id: principal, permission };
    tx.emit(EventType::ResourceShared, &Target::Resource(resource), &grant);
}
