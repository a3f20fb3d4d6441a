//! Revocation: one token or key, by its holder; every token of an account, by the account or by an operator.

use crate::domain::action::{RevokeAccountTokens, RevokeOwnTokens};
use crate::domain::{
    AccountId, Action, ApiKeyId, ApiKeySaid, Call, Covers, Error, EventType, NotBefore, Result,
    Revocable, RevokeTokens, ServiceAccountId, Subject, SystemTask, Target, TenantId,
    TenantReference, Timestamp, TokenName, TokenTaken, TokensTaken,
};
use crate::identity::Verified;
use crate::storage::registry::credentials::{self, HeldToken};
use crate::storage::{Registry, Tx, WriteTx};

/// The subject of a token without an account here.
const NOBODY: &str = "nobody";

/// Revokes a verified token for its holder until it expires, also one that is of no use now: an account, an issuer or a
/// tenant that is missing today may be there tomorrow.
///
/// # Errors
/// Storage failed.
pub fn revoke(
    registry: &Registry,
    call: &Call,
    token: &Verified,
    subject: Option<Subject>,
) -> Result<()> {
    let Revocable { token: id, by_tenant, .. } = &*token.credential;
    let id = id.clone().ok_or_else(|| Error::Internal("a token has no name".to_owned()))?;
    let held = HeldToken {
        name: TokenName {
            iss: token.issuer.clone(),
            tid: token.tenant.filter(|_| *by_tenant),
            jti: id,
        },
        subject: subject.map_or_else(|| NOBODY.to_owned(), |subject| subject.name()),
        expires_at: token.expires_at,
    };
    let tenant_id = token.tenant;
    registry.system_for(call, SystemTask::Revoke, move |tx| {
        if credentials::revoke(tx, &held)? {
            let data = TokenTaken {
                subject: held.subject.clone(),
                issuer: held.name.iss.to_string(),
                token_id: Some(held.name.jti.to_string()),
                tenant_id,
                expires_at: held.expires_at,
            };
            tx.emit(EventType::TokenRevoked, &about(subject), &data);
        }
        Ok(())
    })
}

fn about(subject: Option<Subject>) -> Target {
    match subject {
        Some(Subject::Account(id)) => Target::Account(id),
        Some(Subject::ServiceAccount(id)) => Target::ServiceAccount(id),
        Some(Subject::Host | Subject::System(_)) | None => Target::Platform,
    }
}

/// Revokes an API key for its holder.
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

/// Revokes every token of an account and its sign-ins so far, for an operator.
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

/// Revokes every token of the caller's account and its sign-ins so far.
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
