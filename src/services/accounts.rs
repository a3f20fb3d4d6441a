//! Accounts, as operators keep them.

use crate::domain::action::{
    CreateAccount, ListAccounts, ReadAccount, ResumeAccount, SuspendAccount, UpdateAccount,
};
use crate::domain::{
    Account, AccountFilter, AccountId, AccountSaid, AccountState, Call, ChangeAccount, Covers,
    Error, EventType, HeardSaid, Identity, KnownIdentity, Name, NewAccount, Page, PageRequest,
    Result, Said, Subject, SystemTask, Target,
};
use crate::storage::registry::{accounts, addresses};
use crate::storage::{PlatformWork, ReadTx, Registry, Tx, WriteTx};

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
    if new.identities.is_empty() || new.identities.len() > Identity::MAX {
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

/// The host alone makes accounts for its own issuers.
fn check_issuers(identities: &[Identity]) -> Result<()> {
    match identities.iter().position(Identity::is_hosts) {
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
pub(super) fn tell<A: crate::domain::Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    account: &Account,
) {
    let data = AccountSaid { id: account.id, state: account.state, version: account.version };
    tx.emit(kind, &Target::Account(account.id), &data);
}

/// Whose an identity is, for whoever verifies tokens.
///
/// # Errors
/// Storage failed.
pub fn of_identity(registry: &Registry, identity: &Identity) -> Result<Option<AccountId>> {
    registry.account_of(&identity.issuer, identity.subject.as_str())
}

/// Writes down what an issuer says of the address of somebody whom it means; says whose identity that is, where the
/// issuer had said something else before.
///
/// # Errors
/// Storage failed.
pub fn heard(tx: &mut WriteTx<'_, PlatformWork>, said: &Said) -> Result<Option<AccountId>> {
    let account = addresses::set(tx, said)?;
    if let Some(account) = account {
        let data = HeardSaid {
            id: account,
            issuer: said.identity.issuer.clone(),
            email_verified: said.email_verified,
        };
        tx.emit(EventType::AccountHeard, &Target::Account(account), &data);
    }
    Ok(account)
}

/// An account's identities, with what their issuers say of the person.
///
/// # Errors
/// Storage failed.
pub fn identities(registry: &Registry, account: AccountId) -> Result<Vec<KnownIdentity>> {
    registry.identities(account)
}

/// Hears what a verified token says of its subject's address, and lets them join where that lets them. Nothing is written
/// where the issuer had said the same before.
///
/// # Errors
/// Storage failed.
pub fn hear(registry: &Registry, call: &Call, account: AccountId, said: &Said) -> Result<()> {
    let is_known = registry.identities(account)?.iter().any(|known| {
        known.identity == said.identity
            && known.email.as_ref() == Some(&said.email)
            && known.email_verified == said.email_verified
    });
    if is_known {
        return Ok(());
    }
    let said = said.clone();
    let heard = registry.system_for(call, SystemTask::Hear, move |tx| heard(tx, &said))?;
    match heard {
        Some(account) => super::domains::join(registry, call, account),
        None => Ok(()),
    }
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
