//! Tenants, as operators keep them.
//!
//! A tenant is a row of the registry and a file. Owner: the row. Step: while the row says `provisioning`, the file is
//! made, the first owner added, and then the row made `active`. Recovery: [`recover`], at every start, for every row
//! that still says so.

use crate::domain::action::{
    CreateTenant, InspectTenant, ListTenants, MoveTenant as MoveAction, PlatformPlane,
    ResumeTenant, SuspendTenant,
};
use crate::domain::{
    Action, Call, Covers, Error, EventType, MoveTenant, NewTenant, Page, PageRequest, Platform,
    Region, Result, SystemTask, Tenant, TenantFilter, TenantId, TenantReference, TenantStatus,
};
use crate::storage::registry::accounts;
use crate::storage::registry::tenants::{self, Purpose, Unfinished};
use crate::storage::{ReadTx, Registry, WriteTx};

/// Lists tenants.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListTenants>>(
    tx: &ReadTx<'_, A>,
    filter: &TenantFilter,
    page: &PageRequest,
) -> Result<Page<Tenant>> {
    tenants::page(tx, filter, page)
}

/// Reads a tenant's entry in the registry.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn inspect<A: Covers<InspectTenant>>(tx: &ReadTx<'_, A>, id: TenantId) -> Result<Tenant> {
    tenants::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a tenant: its row, its file, its first owner.
///
/// # Errors
/// [`crate::domain::Conflict::SlugTaken`]; an owner or a data region that is not there.
pub fn create(registry: &Registry, call: &Call, new: &NewTenant) -> Result<Tenant> {
    // What is there is told to those alone who may ask.
    registry.read_blocking::<CreateTenant, _>(call, Platform, |_| Ok(()))?;
    let region = registry.region(new.data_region.as_ref())?;
    let new = new.clone();
    let tenant = registry.write_blocking::<CreateTenant, _, _>(call, Platform, move |tx| {
        register(tx, &new, &region, Purpose::Create)
    })?;
    let unfinished = registry.unfinished()?;
    for unfinished in unfinished.iter().filter(|unfinished| unfinished.tenant.id == tenant.id) {
        finish(registry, unfinished)?;
    }
    // As it was when it had been made, however often and however late the request is repeated.
    Ok(Tenant { status: tenant.status.to(TenantStatus::Active)?, ..tenant })
}

/// Adds a tenant's row, and what its file will be.
pub(super) fn register<A: Covers<CreateTenant>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewTenant,
    region: &Region,
    purpose: Purpose,
) -> Result<Tenant> {
    if let Some(owner) = new.owner_id
        && accounts::find(tx, owner)?.is_none()
    {
        return Err(Error::invalid("/owner_id", "no account has this id"));
    }
    let tenant = tenants::insert(tx, tx.new_id(), new, region, purpose)?;
    Registry::register_file(tx, &tenant)?;
    tx.emit(EventType::TenantCreated, &tenant.id.into(), &tenant);
    Ok(tenant)
}

/// Takes what a tenant that is being made still lacks: its file, its first owner, its place in service.
fn finish(registry: &Registry, unfinished: &Unfinished) -> Result<()> {
    let tenant = &unfinished.tenant;
    registry.provision(tenant)?;
    if let Some(owner) = unfinished.first_owner
        && let Some(name) = super::accounts::name(registry, owner)?
    {
        let entry = registry.resolve(&TenantReference::Id(tenant.id))?.ok_or(Error::NotFound)?;
        let store = registry.open_blocking(&entry)?;
        store.system(SystemTask::Provision, move |tx| {
            super::members::create_first_owner(tx, owner, &name)
        })?;
        store.project()?;
    }
    activate(registry, tenant.id)
}

/// Puts a tenant that was being made into service.
pub(super) fn activate(registry: &Registry, id: TenantId) -> Result<()> {
    registry.system(SystemTask::Provision, move |tx| {
        let tenant = tenants::find(tx, id)?.ok_or(Error::NotFound)?;
        if tenant.status == TenantStatus::Provisioning {
            let tenant = tenants::set_status(tx, id, tenant.status.to(TenantStatus::Active)?)?;
            tx.emit(EventType::TenantUpdated, &id.into(), &tenant);
        }
        Ok(())
    })
}

/// Finishes every tenant that a crash left half made. One whose import had not ended waits for it to be run again.
///
/// # Errors
/// Storage failed.
pub fn recover(registry: &Registry) -> Result<()> {
    for unfinished in registry.unfinished()? {
        tracing::info!(tenant.id = %unfinished.tenant.id, "finishing a tenant that was half made");
        let finished = match unfinished.purpose {
            Purpose::Create => finish(registry, &unfinished),
            Purpose::Import => registry.provision(&unfinished.tenant),
        };
        // One that cannot be finished does not keep the others from being served.
        if let Err(error) = finished {
            let id = unfinished.tenant.id;
            tracing::error!(tenant.id = %id, error = %error, "a tenant that was half made is quarantined");
            registry.quarantine(id, error.code())?;
        }
    }
    Ok(())
}

/// Gives a tenant another slug; the old one stays its own.
///
/// # Errors
/// [`Error::Stale`]; [`crate::domain::Conflict::SlugTaken`].
pub fn update<A: Covers<MoveAction>>(
    tx: &mut WriteTx<'_, A>,
    id: TenantId,
    change: &MoveTenant,
    version: i64,
) -> Result<Tenant> {
    let tenant = tenants::set_slug(tx, id, &change.slug, version)?.ok_or(Error::Stale)?;
    tx.emit(EventType::TenantUpdated, &id.into(), &tenant);
    Ok(tenant)
}

/// Takes a tenant out of service.
///
/// # Errors
/// [`crate::domain::Conflict::WrongState`].
pub fn suspend<A: Covers<SuspendTenant>>(tx: &mut WriteTx<'_, A>, id: TenantId) -> Result<Tenant> {
    change_status(tx, id, TenantStatus::Suspended, EventType::TenantSuspended)
}

/// Puts a suspended tenant back into service.
///
/// # Errors
/// [`crate::domain::Conflict::WrongState`].
pub fn resume<A: Covers<ResumeTenant>>(tx: &mut WriteTx<'_, A>, id: TenantId) -> Result<Tenant> {
    let current = tenants::find(tx, id)?.ok_or(Error::NotFound)?.status;
    if current != TenantStatus::Suspended {
        return Err(Error::Conflict(crate::domain::Conflict::WrongState));
    }
    change_status(tx, id, TenantStatus::Active, EventType::TenantResumed)
}

fn change_status<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: TenantId,
    next: TenantStatus,
    kind: EventType,
) -> Result<Tenant> {
    let current = tenants::find(tx, id)?.ok_or(Error::NotFound)?.status;
    let tenant = tenants::set_status(tx, id, current.to(next)?)?;
    tx.emit(kind, &id.into(), &tenant);
    Ok(tenant)
}
