//! The identities of the caller's own account: which issuers mean it, and by what.
//!
//! Whoever has an identity's issuer say so is the account. So what a tenant's own issuer signed keeps no identities: it
//! speaks for that tenant alone.

use crate::domain::action::{LinkIdentity, ListIdentities, UnlinkIdentity};
use crate::domain::{
    AccountId, Caller, Conflict, Covers, Error, EventType, Identity, IdentityKey, IdentitySaid,
    MyIdentity, NotBefore, Page, PageRequest, Position, Result, Target,
};
use crate::storage::registry::{accounts, credentials, identities, sessions};
use crate::storage::{ReadTx, RegistryAction, Tx, WriteTx};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Lists the caller's identities.
///
/// # Errors
/// [`Error::NotFound`] where the caller is no account.
pub fn list<A: Covers<ListIdentities> + RegistryAction>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<MyIdentity>> {
    let account = tx.caller().subject.account().ok_or(Error::NotFound)?;
    let position = |one: &MyIdentity| Position { key: one.issuer.to_string(), id: one.id.clone() };
    let is_after = |one: &MyIdentity| {
        page.after.as_ref().is_none_or(|after| {
            (one.issuer.as_str(), one.id.as_str()) > (after.key.as_str(), after.id.as_str())
        })
    };
    let mut found = all(tx, account)?;
    found.sort_by(|one, other| {
        (one.issuer.as_str(), &one.id).cmp(&(other.issuer.as_str(), &other.id))
    });
    let rows = found.into_iter().filter(is_after).take(page.limit as usize + 1).collect();
    Ok(Page::cut(rows, page, position))
}

fn all(tx: &impl Tx, account: AccountId) -> Result<Vec<MyIdentity>> {
    let found = identities::of_account(tx, account)?;
    Ok(found.into_iter().map(|one| MyIdentity { id: key(&of(&one)), ..one }).collect())
}

fn of(one: &MyIdentity) -> Identity {
    Identity { issuer: one.issuer.clone(), subject: one.subject.clone() }
}

/// The name of an identity in paths.
fn key(identity: &Identity) -> String {
    // Neither part has blanks, so no two identities are written the same way.
    let written = format!("{} {}", identity.issuer, identity.subject);
    URL_SAFE_NO_PAD.encode(&digest(&SHA256, written.as_bytes()).as_ref()[..16])
}

/// The account that may keep its identities by this credential.
fn keeper(caller: &Caller) -> Result<AccountId> {
    if caller.credential.by_tenant {
        return Err(Error::Forbidden);
    }
    caller.subject.account().ok_or(Error::NotFound)
}

/// Links an identity, which its issuer has vouched for, to the caller's account. One that it has stays.
///
/// # Errors
/// [`Conflict::IdentityTaken`], not by whom; [`Conflict::IdentityLimit`].
pub fn link<A: Covers<LinkIdentity>>(
    tx: &mut WriteTx<'_, A>,
    identity: &Identity,
) -> Result<MyIdentity> {
    let account = keeper(tx.caller())?;
    if identity.is_hosts() {
        return Err(Error::invalid("/token", "is by an issuer that is the host's own"));
    }
    let is_it = |one: &MyIdentity| of(one) == *identity;
    let known = all(tx, account)?;
    if let Some(found) = known.iter().find(|one| is_it(one)) {
        return Ok(found.clone());
    }
    if accounts::find_by_identity(tx, identity)?.is_some() {
        return Err(Error::Conflict(Conflict::IdentityTaken));
    }
    if known.len() >= Identity::MAX {
        return Err(Error::Conflict(Conflict::IdentityLimit));
    }
    identities::insert(tx, account, identity)?;
    tell(tx, EventType::IdentityLinked, account, identity);
    let made = all(tx, account)?.into_iter().find(is_it);
    made.ok_or_else(|| Error::Internal("a linked identity did not come back".to_owned()))
}

/// Takes an identity from the caller's account, ends the sessions that began with it, and takes back every token of the
/// account that was issued before.
///
/// # Errors
/// [`Conflict::LastIdentity`]; [`Error::NotFound`].
pub fn unlink<A: Covers<UnlinkIdentity> + RegistryAction>(
    tx: &mut WriteTx<'_, A>,
    named: &IdentityKey,
) -> Result<()> {
    let account = keeper(tx.caller())?;
    let known = all(tx, account)?;
    let found = known.iter().find(|one| one.id == named.0).ok_or(Error::NotFound)?;
    if known.len() == 1 {
        return Err(Error::Conflict(Conflict::LastIdentity));
    }
    let identity = of(found);
    identities::delete(tx, account, &identity)?;
    sessions::end_of_identity(tx, account, &identity)?;
    // What was exchanged for a token of its issuer does not say so.
    let before = NotBefore { at: tx.now(), id: tx.new_id() };
    credentials::revoke_before(tx, account, before)?;
    tell(tx, EventType::IdentityUnlinked, account, &identity);
    Ok(())
}

/// What the events say: which identity, by its name in paths, not by its subject.
fn tell<A: crate::domain::Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    account: AccountId,
    identity: &Identity,
) {
    let data = IdentitySaid {
        account_id: account,
        identity: key(identity),
        issuer: identity.issuer.clone(),
    };
    tx.emit(kind, &Target::Account(account), &data);
}
