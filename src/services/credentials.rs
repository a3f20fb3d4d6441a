//! Taking credentials back: one token or key, by whoever holds it; every token of an account, by the account or by an
//! operator.

use crate::domain::action::{RevokeAccountTokens, RevokeOwnTokens};
use crate::domain::{
    AccountId, Action, ApiKeyId, ApiKeySaid, Call, Caller, Covers, Error, EventType, NotBefore,
    Result, RevokeTokens, ServiceAccountId, Subject, SystemTask, Target, TenantId, TenantReference,
    Timestamp, TokenTaken, TokensTaken,
};
use crate::storage::registry::credentials;
use crate::storage::{Registry, Tx, WriteTx};

/// Takes a token back, for whoever holds it. One that was taken back before stays so.
///
/// # Errors
/// The token has no id to know it by again: its issuer alone can take it back; storage failed.
pub fn revoke(registry: &Registry, call: &Call, holder: &Caller) -> Result<()> {
    if holder.credential.token.is_none() {
        return Err(Error::invalid("/token", "has no id (jti): its issuer alone can take it back"));
    }
    let holder = holder.clone();
    registry.system_for(call, SystemTask::Revoke, move |tx| {
        if credentials::revoke(tx, &holder)? {
            let data = TokenTaken {
                subject: holder.subject.name(),
                issuer: holder.issuer.to_string(),
                token_id: holder.credential.token.as_deref().map(str::to_owned),
                tenant_id: holder.tenant,
                expires_at: holder.expires_at,
            };
            tx.emit(EventType::TokenRevoked, &about(&holder), &data);
        }
        Ok(())
    })
}

fn about(holder: &Caller) -> Target {
    match holder.subject {
        Subject::Account(id) => Target::Account(id),
        Subject::ServiceAccount(id) => Target::ServiceAccount(id),
        Subject::Host | Subject::System(_) => Target::Platform,
    }
}

/// Takes an API key back, for whoever holds it.
///
/// # Errors
/// Storage failed.
pub fn revoke_key(
    registry: &Registry,
    call: &Call,
    tenant: Option<TenantId>,
    id: ApiKeyId,
) -> Result<()> {
    let data = move |of: ServiceAccountId| ApiKeySaid {
        id,
        service_account_id: of,
        name: None,
        scopes: None,
        expires_at: None,
        replaces: None,
    };
    let Some(tenant) = tenant else {
        return registry.take_api_key(call, id, move |tx, of| {
            tx.emit(EventType::ApiKeyRevoked, &Target::ServiceAccount(of), &data(of));
        });
    };
    let entry = registry.resolve(&TenantReference::Id(tenant))?.ok_or(Error::NotFound)?;
    registry.open_blocking(&entry)?.take_api_key(call, id, move |tx, of| {
        tx.emit(EventType::ApiKeyRevoked, &Target::ServiceAccount(of), &data(of));
    })
}

/// Takes back every token of an account, for an operator.
///
/// # Errors
/// A time that is yet to come.
pub fn revoke_all<A: Covers<RevokeAccountTokens>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    which: &RevokeTokens,
) -> Result<()> {
    let before = before(tx, which)?;
    credentials::revoke_before(tx, account, before)?;
    tell(tx, account, before.at);
    Ok(())
}

/// Takes back every token of the caller's own.
///
/// # Errors
/// A time that is yet to come.
pub fn revoke_own<A: Covers<RevokeOwnTokens>>(
    tx: &mut WriteTx<'_, A>,
    which: &RevokeTokens,
) -> Result<()> {
    let account = tx.caller().subject.account().ok_or(Error::NotFound)?;
    let before = before(tx, which)?;
    credentials::revoke_before(tx, account, before)?;
    tell(tx, account, before.at);
    Ok(())
}

fn before<A: Action>(tx: &WriteTx<'_, A>, which: &RevokeTokens) -> Result<NotBefore> {
    let now = tx.now();
    match which.before {
        Some(at) if at > now => Err(Error::invalid("/before", "must not be yet to come")),
        Some(at) => Ok(NotBefore::of(at)),
        None => Ok(NotBefore { at: now, id: tx.new_id() }),
    }
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, account: AccountId, before: Timestamp) {
    let data = TokensTaken { account_id: account, before };
    tx.emit(EventType::AccountTokensRevoked, &Target::Account(account), &data);
}

/// Forgets what was taken back and has expired since; to be called from time to time.
///
/// # Errors
/// Storage failed.
pub fn keep(registry: &Registry) -> Result<()> {
    registry.forget_revoked()
}
