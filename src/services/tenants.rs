//! Tenants, as operators keep them.
//!
//! A tenant is a row of the registry and a file. Owner: the row. Step: while the row says `provisioning`, the file is
//! made, the first owner added, and then the row made `active`. Recovery: [`recover`], at every start, for every row
//! that still says so.

use crate::domain::action::{
    CreateMyTenant, CreateTenant, InspectTenant, ListTenants, MoveTenant as MoveAction,
    PlatformPlane, ResumeTenant, SuspendTenant,
};
use crate::domain::{
    AccountId, Action, ActorKind, Call, Conflict, Covers, Error, EventType, MoveTenant, Name,
    NewPersonalTenant, NewTenant, Page, PageRequest, PersonalTenants, Platform, PrincipalRef,
    PrincipalType, Region, Result, Slug, SystemTask, Target, Tenant, TenantFilter, TenantId,
    TenantKind, TenantReference, TenantStatus,
};
use crate::storage::registry::tenants::{self, Purpose, Unfinished};
use crate::storage::registry::{accounts, events};
use crate::storage::tenant::workspaces;
use crate::storage::{ReadTx, Registry, RegistryAction, TenantWork, WriteTx};

/// What a personal workspace is called, and what slugs begin with that no name gives.
const PERSONAL: &str = "personal";
/// Characters of a slug that come from a name at most.
const MAX_WORDS: usize = 40;
/// Numbers behind a slug that are tried.
const MAX_NUMBERED: u32 = 100;

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
    finish_one(registry, tenant)
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
    let cause = cause(registry, tenant.id)?;
    if let Some(owner) = unfinished.first_owner
        && let Some(name) = super::accounts::name(registry, owner)?
    {
        let entry = registry.resolve(&TenantReference::Id(tenant.id))?.ok_or(Error::NotFound)?;
        let store = registry.open_blocking(&entry)?;
        let is_personal = tenant.kind == TenantKind::Personal;
        store.system_by(cause, move |tx| {
            super::members::create_first_owner(tx, owner, &name)?;
            if is_personal { ensure_workspace(tx, owner) } else { Ok(()) }
        })?;
        store.project()?;
    }
    activate(registry, tenant.id)
}

/// The program's own call, for what the making of a tenant brings about.
fn cause(registry: &Registry, id: TenantId) -> Result<Call> {
    registry.look(SystemTask::Provision, |tx| {
        events::caused_by(tx, SystemTask::Provision, EventType::TenantCreated, &id.into())
    })
}

/// The workspace that the owner of a personal tenant begins with, where it is not there yet.
fn ensure_workspace(tx: &mut WriteTx<'_, TenantWork>, owner: AccountId) -> Result<()> {
    let owner = PrincipalRef { kind: PrincipalType::Account, id: owner.into() };
    let name = Name::parse(PERSONAL).map_err(Error::Internal)?;
    if workspaces::find_by_name(tx, owner, &name)?.is_none() {
        let workspace = workspaces::insert(tx, tx.new_id(), &name, owner)?;
        tx.emit(EventType::WorkspaceCreated, &Target::Workspace(workspace.id), &workspace);
    }
    Ok(())
}

/// Makes the caller's personal tenant, where they have none; else it is the one that they have. Says whether it was made.
///
/// # Errors
/// [`Error::Forbidden`] where the installation makes none; [`crate::domain::Conflict::HasPersonalTenant`] where another
/// slug or name was asked for than it has; [`crate::domain::Conflict::SlugTaken`].
pub fn create_mine(
    registry: &Registry,
    call: &Call,
    new: &NewPersonalTenant,
    when: PersonalTenants,
) -> Result<(Tenant, bool)> {
    let account = call.caller.subject.account().ok_or(Error::NotFound)?;
    let is_by_host = call.caller.actor_kind() == Some(ActorKind::Host);
    let may = when != PersonalTenants::Off || is_by_host;
    let (region, new) = (registry.region(None)?, new.clone());
    let (tenant, is_new) =
        registry.write_blocking::<CreateMyTenant, _, _>(call, account, move |tx| {
            if !may {
                return Err(Error::Forbidden);
            }
            match tenants::personal_of(tx, account)? {
                Some(own)
                    if new.slug.as_ref().is_none_or(|slug| *slug == own.slug)
                        && new.name.as_ref().is_none_or(|name| *name == own.name) =>
                {
                    Ok((own, false))
                }
                Some(_) => Err(Error::Conflict(Conflict::HasPersonalTenant)),
                None => Ok((register_personal(tx, account, &new, &region)?, true)),
            }
        })?;
    Ok((finish_one(registry, tenant)?, is_new))
}

/// Makes an account's personal tenant where it has none, for whoever logs it in.
///
/// # Errors
/// Storage failed.
pub fn personal(
    registry: &Registry,
    call: &Call,
    account: AccountId,
    when: PersonalTenants,
) -> Result<()> {
    if when != PersonalTenants::AtFirstLogIn {
        return Ok(());
    }
    if registry.look(SystemTask::Provision, |tx| tenants::personal_of(tx, account))?.is_some() {
        return Ok(());
    }
    let region = registry.region(None)?;
    let tenant =
        registry.system_for(call, SystemTask::Provision, move |tx| match tenants::personal_of(
            tx, account,
        )? {
            Some(own) => Ok(own),
            None => register_personal(tx, account, &NewPersonalTenant::default(), &region),
        })?;
    finish_one(registry, tenant).map(drop)
}

/// Adds the row of an account's personal tenant.
fn register_personal<A: RegistryAction>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    new: &NewPersonalTenant,
    region: &Region,
) -> Result<Tenant> {
    let owner = accounts::find(tx, account)?.ok_or(Error::NotFound)?;
    let name = new.name.clone().unwrap_or(owner.display_name);
    let slug = match &new.slug {
        Some(slug) => slug.clone(),
        None => free_slug(tx, &name)?,
    };
    let new = NewTenant {
        slug,
        name,
        description: None,
        kind: Some(TenantKind::Personal),
        data_region: None,
        owner_id: Some(account),
    };
    let tenant = tenants::insert(tx, tx.new_id(), &new, region, Purpose::Create)?;
    Registry::register_file(tx, &tenant)?;
    tenants::set_personal(tx, account, tenant.id)?;
    tx.emit(EventType::TenantCreated, &tenant.id.into(), &tenant);
    Ok(tenant)
}

/// A slug that comes from a name and that nobody ever had.
fn free_slug(tx: &WriteTx<'_, impl RegistryAction>, name: &Name) -> Result<Slug> {
    let words = slug_words(name);
    let numbered = (2..MAX_NUMBERED).map(|number| format!("{words}-{number}"));
    let random = tx.new_id::<uuid::Uuid>().simple().to_string();
    let candidates = [words.clone()].into_iter().chain(numbered);
    for candidate in candidates.chain([format!("{PERSONAL}-{random}")]) {
        if let Ok(slug) = Slug::parse(candidate)
            && !tenants::is_slug_taken(tx, &slug)?
        {
            return Ok(slug);
        }
    }
    Err(Error::Conflict(Conflict::SlugTaken))
}

/// The letters and digits of a name, as a slug has them.
fn slug_words(name: &Name) -> String {
    let lower = name.as_str().to_ascii_lowercase();
    let words = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let joined = words.collect::<Vec<_>>().join("-");
    let short: String = joined.chars().take(MAX_WORDS).collect();
    let short = short.trim_end_matches('-');
    if short.starts_with(|c: char| c.is_ascii_lowercase()) && short.len() >= 3 {
        short.to_owned()
    } else {
        format!("{PERSONAL}-{short}").trim_end_matches('-').to_owned()
    }
}

/// Takes what a tenant still lacks, and shows it as it was when it had been made.
fn finish_one(registry: &Registry, tenant: Tenant) -> Result<Tenant> {
    if tenant.status != TenantStatus::Provisioning {
        return Ok(tenant);
    }
    let unfinished = registry.unfinished()?;
    for unfinished in unfinished.iter().filter(|unfinished| unfinished.tenant.id == tenant.id) {
        finish(registry, unfinished)?;
    }
    // However often and however late the request is repeated.
    Ok(Tenant { status: tenant.status.to(TenantStatus::Active)?, ..tenant })
}

/// Puts a tenant that was being made into service.
pub(super) fn activate(registry: &Registry, id: TenantId) -> Result<()> {
    let cause = cause(registry, id)?;
    registry.system_for(&cause, SystemTask::Provision, move |tx| {
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
