//! Mail domains of tenants, as operators keep them, and how people join by them.
//!
//! Joining: owner of a membership is the tenant's file. Step: whoever an issuer says has an address in the domain, and
//! never was a member, becomes one. Recovery: none is needed, it is looked at again when they come again.

use crate::domain::action::{DeleteTenantDomain, ListTenantDomains, UpdateTenantDomain};
use crate::domain::{
    AccountId, AccountState, Call, Conflict, Covers, DomainSaid, Error, EventType, HostName,
    JoinRole, KnownIdentity, Name, NewMember, Page, PageRequest, Precondition, Reach, Result,
    SystemTask, TenantDomain, TenantId, TenantReference, TenantStatus, mail_domain,
};
use crate::storage::registry::domains;
use crate::storage::tenant::members as membership;
use crate::storage::{ReadTx, Registry, WriteTx};

/// Lists a tenant's mail domains.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListTenantDomains>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    page: &PageRequest,
) -> Result<Page<TenantDomain>> {
    domains::page(tx, tenant, page)
}

/// Reads a tenant's mail domain.
///
/// # Errors
/// [`Error::NotFound`] where it is not this tenant's.
pub fn read<A: Covers<ListTenantDomains>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
) -> Result<TenantDomain> {
    let found = domains::find(tx, domain)?;
    found.filter(|found| found.tenant_id == tenant).ok_or(Error::NotFound)
}

/// Registers a mail domain for a tenant, or changes what its people become.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Conflict::DomainTaken`] where it is another tenant's;
/// [`Conflict::DomainLimit`]; a domain where anybody can have an address.
pub fn put<A: Covers<UpdateTenantDomain>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    role: JoinRole,
    public: &[String],
    precondition: Precondition,
) -> Result<TenantDomain> {
    if public.iter().any(|public| public == domain.as_str()) {
        return Err(Error::invalid("domain", "is one where anybody can have an address"));
    }
    match domains::find(tx, domain)? {
        Some(found) if found.tenant_id != tenant => Err(Error::Conflict(Conflict::DomainTaken)),
        found => match (precondition, found) {
            (Precondition::Absent, None) => create(tx, tenant, domain, role),
            (Precondition::Version(version), Some(_)) => {
                let changed = domains::update(tx, tenant, domain, role, version)?;
                let changed = changed.ok_or(Error::Stale)?;
                tell(tx, EventType::TenantDomainUpdated, tenant, domain, Some(role));
                Ok(changed)
            }
            _ => Err(Error::Stale),
        },
    }
}

fn create<A: Covers<UpdateTenantDomain>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    role: JoinRole,
) -> Result<TenantDomain> {
    if domains::count(tx, tenant)? >= TenantDomain::MAX_PER_TENANT {
        return Err(Error::Conflict(Conflict::DomainLimit));
    }
    let made = domains::insert(tx, tenant, domain, role)?;
    let made = made.ok_or(Error::Conflict(Conflict::DomainTaken))?;
    tell(tx, EventType::TenantDomainCreated, tenant, domain, Some(role));
    Ok(made)
}

/// Takes a mail domain from a tenant; whoever joined by it stays a member.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where it is not this tenant's.
pub fn delete<A: Covers<DeleteTenantDomain>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    domain: &HostName,
    version: i64,
) -> Result<()> {
    if !domains::delete(tx, tenant, domain, version)? {
        let own = domains::find(tx, domain)?.filter(|found| found.tenant_id == tenant);
        return Err(own.map_or(Error::NotFound, |_| Error::Stale));
    }
    tell(tx, EventType::TenantDomainDeleted, tenant, domain, None);
    Ok(())
}

fn tell<A: crate::domain::Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    tenant: TenantId,
    domain: &HostName,
    join_role: Option<JoinRole>,
) {
    tx.emit(
        kind,
        &tenant.into(),
        &DomainSaid { tenant_id: tenant, domain: domain.clone(), join_role },
    );
}

/// Lets an account join the tenants of its mail domains, where it never was a member: by what issuers that the
/// installation trusts say of it, and nobody else. To be called at every log-in.
///
/// # Errors
/// Storage failed.
pub fn join(registry: &Registry, call: &Call, account: AccountId) -> Result<()> {
    if registry.account(account)?.state != Some(AccountState::Active) {
        return Ok(());
    }
    let identities = registry.identities(account)?;
    let mut domains: Vec<HostName> = identities.iter().filter_map(domain_of).collect();
    domains.sort();
    domains.dedup();
    for domain in domains {
        let found = registry.look(SystemTask::Join, |tx| domains::find(tx, &domain))?;
        if let Some(found) = found {
            admit(registry, call, account, &found)?;
        }
    }
    Ok(())
}

/// The whole domain of an address that the installation may go by.
pub(super) fn domain_of(known: &KnownIdentity) -> Option<HostName> {
    mail_domain(known.verified_email().filter(|_| known.reach == Reach::Everybody)?)
}

fn admit(
    registry: &Registry,
    call: &Call,
    account: AccountId,
    domain: &TenantDomain,
) -> Result<()> {
    let entry = registry.resolve(&TenantReference::Id(domain.tenant_id))?;
    let Some(entry) =
        entry.filter(|entry| entry.status == TenantStatus::Active && entry.problem.is_none())
    else {
        return Ok(());
    };
    let Some(name) = super::accounts::name(registry, account)? else { return Ok(()) };
    let store = registry.open_blocking(&entry)?;
    let new = NewMember { account_id: account, role: domain.join_role.into() };
    let is_new =
        store.system_by(call.by_system(SystemTask::Join), move |tx| first(tx, &new, &name))?;
    if is_new { store.project() } else { Ok(()) }
}

/// Makes a member of whoever never was one; who was removed does not come back so.
fn first(
    tx: &mut WriteTx<'_, crate::storage::TenantWork>,
    new: &NewMember,
    name: &Name,
) -> Result<bool> {
    if membership::find(tx, new.account_id)?.is_some() {
        return Ok(false);
    }
    Ok(super::members::admit(tx, new, name)?.is_some())
}
