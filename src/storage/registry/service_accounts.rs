//! Statements on the platform's `service_accounts`.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, AccountState, Action, ChangePlatformServiceAccount, NewPlatformServiceAccount, Page,
    PageRequest, PlatformServiceAccount, Position, Result, ServiceAccountFilter, ServiceAccountId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::params;
use crate::storage::service_accounts::{self, Change, New};

/// One service account.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: ServiceAccountId,
) -> Result<Option<PlatformServiceAccount>> {
    service_accounts::find(sql(tx), id)
}

/// A page of service accounts, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &ServiceAccountFilter,
    page: &PageRequest,
) -> Result<Page<PlatformServiceAccount>> {
    service_accounts::page(sql(tx), filter, page, |found: &PlatformServiceAccount| Position {
        key: found.name.to_string(),
        id: found.id.to_string(),
    })
}

/// How many there are.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>) -> Result<i64> {
    service_accounts::count(sql(tx))
}

/// Adds a service account.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: ServiceAccountId,
    new: &NewPlatformServiceAccount,
    created_by: Option<AccountId>,
) -> Result<PlatformServiceAccount> {
    let description = new.description.clone().unwrap_or_default();
    let (name, role, now) = (&new.name, new.role, tx.now());
    service_accounts::insert(
        sql(tx),
        &New { id, name, description: &description, role, created_by, now },
    )
}

/// Changes a service account, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: ServiceAccountId,
    change: &ChangePlatformServiceAccount,
    version: i64,
) -> Result<Option<PlatformServiceAccount>> {
    let change = Change {
        name: change.name.as_ref(),
        description: change.description.as_ref(),
        role: change.role,
        now: tx.now(),
    };
    service_accounts::update(sql(tx), id, &change, version)
}

/// Puts a service account into a state. Whether the state may follow is the caller's business, by [`AccountState::to`].
pub(crate) fn set_state<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: ServiceAccountId,
    state: AccountState,
) -> Result<Option<PlatformServiceAccount>> {
    Ok(sql(tx).one(
        "update service_accounts set state = ?2, updated_at = ?3, version = version + 1 where id = ?1
        returning id, name, description, role, state, created_by, created_at, updated_at, version",
        params![id, state, tx.now()],
        service_accounts::noun,
    )?)
}

/// Deletes a service account with its keys, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: ServiceAccountId,
    version: i64,
) -> Result<bool> {
    service_accounts::delete(sql(tx), id, version)
}
