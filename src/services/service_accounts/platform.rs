//! Service accounts of the platform: for automation, made by its administrators and by the host.

use crate::domain::action::{
    CreatePlatformServiceAccount, DeletePlatformServiceAccount, ListPlatformServiceAccounts,
    PlatformPlane, ReadPlatformServiceAccount, ResumePlatformServiceAccount,
    SuspendPlatformServiceAccount, UpdatePlatformServiceAccount,
};
use crate::domain::{
    AccountState, Action, ChangePlatformServiceAccount, Conflict, Covers, Error, EventType,
    NewPlatformServiceAccount, Page, PageRequest, PlatformServiceAccount, Result, ServiceAccount,
    ServiceAccountFilter, ServiceAccountId, Target,
};
use crate::storage::registry::service_accounts;
use crate::storage::{ReadTx, Tx, WriteTx};

/// Lists service accounts.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListPlatformServiceAccounts>>(
    tx: &ReadTx<'_, A>,
    filter: &ServiceAccountFilter,
    page: &PageRequest,
) -> Result<Page<PlatformServiceAccount>> {
    service_accounts::page(tx, filter, page)
}

/// Reads a service account.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadPlatformServiceAccount>>(
    tx: &ReadTx<'_, A>,
    id: ServiceAccountId,
) -> Result<PlatformServiceAccount> {
    service_accounts::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes a service account; it has no keys yet.
///
/// # Errors
/// [`Conflict::NameTaken`]; [`Conflict::ServiceAccountLimit`].
pub fn create<A: Covers<CreatePlatformServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewPlatformServiceAccount,
) -> Result<PlatformServiceAccount> {
    if service_accounts::count(tx)? >= ServiceAccount::MAX {
        return Err(Error::Conflict(Conflict::ServiceAccountLimit));
    }
    let made = service_accounts::insert(tx, tx.new_id(), new, tx.caller().subject.account())?;
    tell(tx, EventType::ServiceAccountCreated, &made);
    Ok(made)
}

/// Changes name, description or role.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::NameTaken`].
pub fn update<A: Covers<UpdatePlatformServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    change: &ChangePlatformServiceAccount,
    version: i64,
) -> Result<PlatformServiceAccount> {
    let changed = service_accounts::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    tell(tx, EventType::ServiceAccountUpdated, &changed);
    Ok(changed)
}

/// Lets a service account do nothing until it is resumed.
///
/// # Errors
/// [`Conflict::WrongState`].
pub fn suspend<A: Covers<SuspendPlatformServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
) -> Result<PlatformServiceAccount> {
    change_state(tx, id, AccountState::Suspended)
}

/// Lets a suspended service account act again.
///
/// # Errors
/// [`Conflict::WrongState`].
pub fn resume<A: Covers<ResumePlatformServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
) -> Result<PlatformServiceAccount> {
    change_state(tx, id, AccountState::Active)
}

fn change_state<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    next: AccountState,
) -> Result<PlatformServiceAccount> {
    let found = service_accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    let changed = service_accounts::set_state(tx, id, found.state.to(next)?)?;
    let changed = changed.ok_or(Error::NotFound)?;
    tell(tx, EventType::ServiceAccountUpdated, &changed);
    Ok(changed)
}

/// Deletes a service account with its keys.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`].
pub fn delete<A: Covers<DeletePlatformServiceAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: ServiceAccountId,
    version: i64,
) -> Result<()> {
    let found = service_accounts::find(tx, id)?.ok_or(Error::NotFound)?;
    if !service_accounts::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::ServiceAccountDeleted, &found);
    Ok(())
}

fn tell<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    about: &PlatformServiceAccount,
) {
    tx.emit(kind, &Target::ServiceAccount(about.id), about);
}
