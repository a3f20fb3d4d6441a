//! Accounts, as operators keep them.

use crate::domain::action::{
    CreateAccount, ListAccounts, ReadAccount, ResumeAccount, SuspendAccount, UpdateAccount,
};
use crate::domain::{
    Account, AccountFilter, AccountId, AccountState, ChangeAccount, Covers, Error, EventType,
    Identity, Name, NewAccount, Page, PageRequest, Result, Subject, SystemTask, Target,
};
use crate::storage::registry::accounts;
use crate::storage::{ReadTx, Registry, Tx, WriteTx};

/// Identities of one account at most.
const MAX_IDENTITIES: usize = 16;

/// Lists accounts.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListAccounts>>(
    tx: &ReadTx<'_, A>,
    filter: &AccountFilter,
    page: &PageRequest,
) -> Result<Page<Account>> {
    accounts::page(tx, filter, page)
}

/// Reads an account.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadAccount>>(tx: &ReadTx<'_, A>, id: AccountId) -> Result<Account> {
    accounts::find(tx, id)?.ok_or(Error::NotFound)
}

/// Makes an account.
///
/// # Errors
/// [`crate::domain::Conflict::IdentityTaken`]; no identity, or too many.
pub fn create<A: Covers<CreateAccount>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewAccount,
) -> Result<Account> {
    if new.identities.is_empty() || new.identities.len() > MAX_IDENTITIES {
        return Err(Error::invalid("/identities", "must have 1 to 16 entries"));
    }
    if tx.caller().subject != Subject::Host {
        check_issuers(&new.identities)?;
    }
    let account =
        accounts::insert(tx, tx.new_id(), &new.display_name, new.email.as_ref(), &new.identities)?;
    tell(tx, EventType::AccountCreated, &account);
    Ok(account)
}

/// Issuers whose word is the host's own: nobody else makes accounts for them.
fn check_issuers(identities: &[Identity]) -> Result<()> {
    const OWN: &[&str] = &["host", "system"];
    match identities.iter().position(|identity| OWN.contains(&identity.issuer.as_str())) {
        Some(index) => {
            Err(Error::invalid(format!("/identities/{index}/issuer"), "is the host's own"))
        }
        None => Ok(()),
    }
}

/// Changes name or address.
///
/// # Errors
/// [`Error::Stale`].
pub fn update<A: Covers<UpdateAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: AccountId,
    change: &ChangeAccount,
    version: i64,
) -> Result<Account> {
    let account = accounts::update(tx, id, change, version)?.ok_or(Error::Stale)?;
    tell(tx, EventType::AccountUpdated, &account);
    Ok(account)
}

/// Lets an account do nothing anywhere until resumed.
///
/// # Errors
/// [`crate::domain::Conflict::WrongState`].
pub fn suspend<A: Covers<SuspendAccount>>(
    tx: &mut WriteTx<'_, A>,
    id: AccountId,
) -> Result<Account> {
    let current = accounts::find(tx, id)?.ok_or(Error::NotFound)?.state;
    let account = accounts::set_state(tx, id, current.to(AccountState::Suspended)?)?;
    tell(tx, EventType::AccountSuspended, &account);
    Ok(account)
}

/// Lets a suspended account act again.
///
/// # Errors
/// [`crate::domain::Conflict::WrongState`].
pub fn resume<A: Covers<ResumeAccount>>(tx: &mut WriteTx<'_, A>, id: AccountId) -> Result<Account> {
    let current = accounts::find(tx, id)?.ok_or(Error::NotFound)?.state;
    let account = accounts::set_state(tx, id, current.to(AccountState::Active)?)?;
    tell(tx, EventType::AccountResumed, &account);
    Ok(account)
}

/// What the events say: no address, no name.
fn tell<A: crate::domain::Action>(tx: &mut WriteTx<'_, A>, kind: EventType, account: &Account) {
    let data =
        serde_json::json!({ "id": account.id, "state": account.state, "version": account.version });
    tx.emit(kind, &Target::Account(account.id), &data);
}

/// Whose an identity is, for whoever verifies tokens.
///
/// # Errors
/// Storage failed.
pub fn of_identity(registry: &Registry, identity: &Identity) -> Result<Option<AccountId>> {
    registry.look(SystemTask::Examine, |tx| accounts::find_by_identity(tx, identity))
}

/// What an account is called, for whoever is about to make it a member.
///
/// # Errors
/// Storage failed.
pub fn name(registry: &Registry, id: AccountId) -> Result<Option<Name>> {
    registry.look(SystemTask::Examine, |tx| {
        Ok(accounts::find(tx, id)?.map(|account| account.display_name))
    })
}
