//! Host names of tenants, as operators keep them.

use crate::domain::action::{DeleteTenantHost, ListTenantHosts, UpdateTenantHost};
use crate::domain::{
    Conflict, Covers, Error, EventType, HostName, HostSaid, Page, PageRequest, Precondition,
    Result, TenantHost, TenantId,
};
use crate::storage::registry::hosts;
use crate::storage::{ReadTx, WriteTx};

/// Lists a tenant's host names.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListTenantHosts>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    page: &PageRequest,
) -> Result<Page<TenantHost>> {
    hosts::page(tx, tenant, page)
}

/// Reads a tenant's host name.
///
/// # Errors
/// [`Error::NotFound`] where it does not mean this tenant.
pub fn read<A: Covers<ListTenantHosts>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
) -> Result<TenantHost> {
    let found = hosts::find(tx, host)?;
    found.filter(|found| found.tenant_id == tenant).ok_or(Error::NotFound)
}

/// Registers a host name for a tenant. Those within a base domain mean slugs, and can be registered for nobody.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::HostTaken`] where the name means another tenant;
/// [`Conflict::HostLimit`]; a name within a base domain.
pub fn put<A: Covers<UpdateTenantHost>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
    base_domains: &[String],
    precondition: Precondition,
) -> Result<TenantHost> {
    if let Some(base) = base_domains.iter().find(|base| host.is_within(base)) {
        return Err(Error::invalid("host", format!("must not be within {base}, a base domain")));
    }
    match hosts::find(tx, host)? {
        Some(found) if found.tenant_id != tenant => Err(Error::Conflict(Conflict::HostTaken)),
        found => match (precondition, found) {
            (Precondition::Absent, None) => create(tx, tenant, host),
            (Precondition::Version(version), Some(_)) => renew(tx, tenant, host, version),
            _ => Err(Error::Stale),
        },
    }
}

fn create<A: Covers<UpdateTenantHost>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
) -> Result<TenantHost> {
    if hosts::count(tx, tenant)? >= TenantHost::MAX_PER_TENANT {
        return Err(Error::Conflict(Conflict::HostLimit));
    }
    let made = hosts::insert(tx, tenant, host)?.ok_or(Error::Conflict(Conflict::HostTaken))?;
    tell(tx, EventType::TenantHostCreated, tenant, host);
    Ok(made)
}

fn renew<A: Covers<UpdateTenantHost>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
    version: i64,
) -> Result<TenantHost> {
    let renewed = hosts::update(tx, tenant, host, version)?.ok_or(Error::Stale)?;
    tell(tx, EventType::TenantHostUpdated, tenant, host);
    Ok(renewed)
}

/// Takes a host name from a tenant; from then on it means nobody, and anybody may get it.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where it does not mean this tenant.
pub fn delete<A: Covers<DeleteTenantHost>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    host: &HostName,
    version: i64,
) -> Result<()> {
    if !hosts::delete(tx, tenant, host, version)? {
        let own = hosts::find(tx, host)?.filter(|found| found.tenant_id == tenant);
        return Err(own.map_or(Error::NotFound, |_| Error::Stale));
    }
    tell(tx, EventType::TenantHostDeleted, tenant, host);
    Ok(())
}

fn tell<A: crate::domain::Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    tenant: TenantId,
    host: &HostName,
) {
    tx.emit(kind, &tenant.into(), &HostSaid { tenant_id: tenant, host: host.clone() });
}
