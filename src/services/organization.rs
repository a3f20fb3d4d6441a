//! The tenant's own entry, as its own people read and change it.
//!
//! Name and description belong to the tenant's file; the registry follows them by the outbox. Slug, status and region
//! belong to the registry.

use crate::domain::action::{ReadTenant, UpdateTenant};
use crate::domain::{ChangeTenant, Covers, Error, EventType, PrincipalType, Result, Tenant};
use crate::storage::tenant::organization::{self, Organization};
use crate::storage::tenant::principals;
use crate::storage::{ReadTx, TenantEntry, WriteTx};

/// Reads the entry.
///
/// # Errors
/// Storage failed.
pub fn read<A: Covers<ReadTenant>>(tx: &ReadTx<'_, A>, entry: &TenantEntry) -> Result<Tenant> {
    Ok(answer(organization::find(tx)?, entry))
}

/// Changes name or description.
///
/// # Errors
/// [`Error::Stale`] where the entry has another version.
pub fn update<A: Covers<UpdateTenant>>(
    tx: &mut WriteTx<'_, A>,
    entry: &TenantEntry,
    change: &ChangeTenant,
    version: i64,
) -> Result<Tenant> {
    let changed = organization::update(tx, change, version)?.ok_or(Error::Stale)?;
    principals::put(tx, entry.id.into(), PrincipalType::Tenant, &changed.name)?;
    tx.emit(EventType::TenantUpdated, &entry.id.into(), &changed.renamed());
    Ok(answer(changed, entry))
}

fn answer(organization: Organization, entry: &TenantEntry) -> Tenant {
    Tenant {
        id: entry.id,
        slug: entry.slug.clone(),
        reference: format!("tenant:{}", entry.slug),
        name: organization.name,
        description: organization.description,
        kind: organization.kind,
        status: entry.status,
        data_region: entry.data_region.clone(),
        created_at: organization.created_at,
        updated_at: organization.updated_at,
        version: organization.version,
    }
}
