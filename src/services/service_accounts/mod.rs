//! Service accounts: callers that are no persons, of a tenant; those of the platform stand beside.

pub mod platform;

use crate::domain::action::{
    CreateServiceAccount, DeleteServiceAccount, ListServiceAccounts, ReadServiceAccount,
    ResumeServiceAccount, SuspendServiceAccount, TenantPlane, UpdateServiceAccount,
};
use crate::domain::{
    AccountState, Action, ChangeServiceAccount, Conflict, Covers, Error, EventType,
    NewServiceAccount, Page, PageRequest, PrincipalType, Result, ServiceAccount,
    ServiceAccountFilter, ServiceAccountId, Target,
};
use crate::storage::tenant::{principals, service_accounts};
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists service accounts.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListServiceAccounts>>(
    tx: &ReadTx<'_, A>,
    filter: &ServiceAccountFilter,
    page: &PageRequest,
) -> Result<Page<ServiceAccount>> {
    service_accounts::page(tx, filter, page)
}

/// Reads a service account.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadServiceAccount>>(
    tx: &ReadTx<'_, A>,
    id: ServiceAccountId,
) -> Result<ServiceAccount> {
    service_accounts::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a service account; it has no keys yet.
///
/// # Errors
/// [`Conflict::NameTaken`]; [`Conflict::ServiceAccountLimit`].
pub fn create<A: Covers<CreateServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewServiceAccount,
) -> Result<ServiceAccount> {
    if service_accounts::count(tx)? >= ServiceAccount::MAX {
        return Err(Error::Conflict(Conflict::ServiceAccountLimit));
    }
    let id: ServiceAccountId = tx.new_id();
    principals::put(tx, id.into(), PrincipalType::ServiceAccount, &new.name)?;
    let made = service_accounts::insert(tx, id, new, tx.caller().subject.account())?;
    tell(tx, EventType::ServiceAccountCreated, &made);
    Ok(made)
}

/// Changes name, description or role.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NameTaken`].
pub fn update<A: Covers<UpdateServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    change: &ChangeServiceAccount,
    version: i64,
) -> Result<ServiceAccount> {
    let changed = service_accounts::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    principals::put(tx, id.into(), PrincipalType::ServiceAccount, &changed.name)?;
    tell(tx, EventType::ServiceAccountUpdated, &changed);
    Ok(changed)
}

/// Lets a service account do nothing until it is resumed.
///
/// # Errors
/// [`Conflict::WrongState`].
pub fn suspend<A: Covers<SuspendServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
) -> Result<ServiceAccount> {
    change_state(tx, id, AccountState::Suspended)
}

/// Lets a suspended service account act again.
///
/// # Errors
/// [`Conflict::WrongState`].
pub fn resume<A: Covers<ResumeServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
) -> Result<ServiceAccount> {
    change_state(tx, id, AccountState::Active)
}

fn change_state<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    next: AccountState,
) -> Result<ServiceAccount> {
    let found = service_accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    let changed = service_accounts::set_state(tx, id, found.state.to(next)?)?;
    let changed = changed.ok_or(Error::NotFound)?;
    tell(tx, EventType::ServiceAccountUpdated, &changed);
    Ok(changed)
}

/// Deletes a service account that owns nothing, with its keys, its custom roles and every entry that names it.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NotEmpty`].
pub fn delete<A: Covers<DeleteServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    version: i64,
) -> Result<()> {
    let found = service_accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    if !service_accounts::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    principals::delete(tx, id.into())?;
    tell(tx, EventType::ServiceAccountDeleted, &found);
    Ok(())
}

fn tell<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    about: &ServiceAccount,
) {
    tx.emit(kind, &Target::ServiceAccount(about.id), about);
}
