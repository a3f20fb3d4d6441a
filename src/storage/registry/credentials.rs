//! Whether a caller's credential is still valid: it was not revoked since it was issued.
//!
//! Five things can be revoked: one token, by its own id; all tokens that were issued for an account before a time; an
//! account's sign-ins until a time, with the tokens that come of them later; a session with its cookie; and an API key with
//! whatever it was exchanged for. What tenants' doors ask is kept with the epoch that it was read in.

use std::borrow::Cow;

use uuid::Uuid;

use super::{Registry, RegistryFile, api_keys, sessions};
use crate::domain::action::{AccountPlane, PlatformPlane};
use crate::domain::{
    AccountId, Action, Caller, Conflict, Error, NotBefore, Result, Revocations, SessionId, Subject,
    SystemTask, TenantId, Timestamp, TokenName,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};
use crate::storage::entry;

/// Revoked tokens of a tenant's own issuers that have not expired, at most.
const MAX_OF_TENANT: i64 = 10_000;

/// An issuer as rows of revoked tokens name it. A tenant's own is named with the tenant.
fn issuer_of(name: &TokenName) -> Cow<'_, str> {
    name.tid.map_or(Cow::Borrowed(&*name.iss), |tenant| format!("{tenant} {}", name.iss).into())
}

impl RegistryFile {
    /// Whether a credential is still good, by what the registry says now. Of what a tenant's own file knows, it says
    /// nothing.
    pub(in crate::storage) fn is_live(&self, caller: &Caller) -> Result<bool> {
        // A request takes time: its body comes, it waits for its turn.
        if caller.expires_at <= self.core.clock.now() {
            return Ok(false);
        }
        for name in caller.tokens() {
            if !self.is_token_live(name)? {
                return Ok(false);
            }
        }
        if let Some(session) = caller.credential.session
            && !self.is_session_live(session, caller, self.session(session)?)
        {
            return Ok(false);
        }
        match (caller.subject, &*caller.credential) {
            (Subject::Account(account), credential) => {
                Ok(self.account(account)?.revocations.spare(credential))
            }
            (Subject::ServiceAccount(id), own) if caller.tenant.is_none() => {
                let known = own.api_key.map(|key| self.service(id, key)).transpose()?.flatten();
                Ok(known.is_some_and(|known| known.is_live(own, self.core.clock.now())))
            }
            _ => Ok(true),
        }
    }

    fn is_token_live(&self, name: TokenName) -> Result<bool> {
        let epoch = self.gate.epoch();
        if let Some((kept, is_live)) = self.tokens.get(&name)
            && kept == epoch
        {
            return Ok(is_live);
        }
        let conn = self.lookups.get()?;
        let is_live = !is_revoked(Sql::on(&conn), &name)?;
        self.tokens.insert(name, (epoch, is_live));
        Ok(is_live)
    }

    /// What the registry knows of a session now.
    fn session(&self, id: SessionId) -> Result<Option<sessions::Entry>> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.sessions.get(&id)
            && kept == epoch
        {
            return Ok(entry);
        }
        let conn = self.lookups.get()?;
        let entry = sessions::entry(Sql::on(&conn), id)?;
        self.sessions.insert(id, (epoch, entry));
        Ok(entry)
    }

    /// Whether a session is the caller's and valid. Asking does not count as a use of it.
    fn is_session_live(
        &self,
        id: SessionId,
        caller: &Caller,
        entry: Option<sessions::Entry>,
    ) -> bool {
        entry.is_some_and(|entry| {
            caller.subject.account() == Some(entry.account)
                && self.touches.is_valid(id, &entry, self.core.clock.now())
        })
    }
}

/// Whether a credential is still good, in a transaction of the registry.
pub(super) fn is_live(file: &RegistryFile, sql: Sql<'_>, caller: &Caller) -> Result<bool> {
    let (credential, now) = (&*caller.credential, file.core.clock.now());
    if caller.expires_at <= now {
        return Ok(false);
    }
    if let Some(session) = credential.session
        && !file.is_session_live(session, caller, sessions::entry(sql, session)?)
    {
        return Ok(false);
    }
    for name in caller.tokens() {
        if is_revoked(sql, &name)? {
            return Ok(false);
        }
    }
    match caller.subject {
        Subject::Account(account) => Ok(read_revocations(sql, account)?.spare(credential)),
        Subject::ServiceAccount(id) if caller.tenant.is_none() => {
            let key = match credential.api_key {
                Some(key) => Some(key),
                None => api_keys::newest(sql, id, now, credential.outlives)?,
            };
            let known = key.map(|key| api_keys::read_service(sql, id, key)).transpose()?.flatten();
            Ok(known.is_some_and(|known| known.is_live(credential, now)))
        }
        _ => Ok(true),
    }
}

/// What was revoked of an account by time: `tokens_not_before`, `tokens_not_before_id`, and until when sign-ins are.
pub(super) fn revocations(row: &mut Row<'_>) -> Result<Revocations, SqlError> {
    let (at, id): (Option<Timestamp>, Option<String>) = (row.next()?, row.next()?);
    let id = id.map(|text| Uuid::parse_str(&text)).transpose();
    let id = id.map_err(|error| SqlError::corrupt(1, &error.to_string()))?;
    let tokens = at.zip(id).map(|(at, id)| NotBefore { at, id });
    Ok(Revocations { tokens, sign_ins: row.next()? })
}

fn is_revoked(sql: Sql<'_>, name: &TokenName) -> Result<bool> {
    let found: Option<i64> = sql.one(
        "select 1 from revoked_tokens where issuer = ?1 and jti = ?2",
        params![&*issuer_of(name), &*name.jti],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

fn read_revocations(sql: Sql<'_>, account: AccountId) -> Result<Revocations> {
    let found = sql.one(
        "select a.tokens_not_before, a.tokens_not_before_id, s.until
        from accounts a left join sign_in_revocations s on s.account_id = a.id
        where a.id = ?1",
        params![account],
        revocations,
    )?;
    Ok(found.unwrap_or_default())
}

/// Until when the sign-ins of an account are revoked, if any are.
pub(crate) fn sign_ins_revoked_until(
    tx: &impl Tx,
    account: AccountId,
) -> Result<Option<Timestamp>> {
    Ok(read_revocations(sql(tx), account)?.sign_ins)
}

/// A token that is to be revoked.
#[derive(Debug, Clone)]
pub(crate) struct HeldToken {
    /// Its name.
    pub(crate) name: TokenName,
    /// The name of its subject.
    pub(crate) subject: String,
    /// When it expires.
    pub(crate) expires_at: Timestamp,
}

/// Revokes a token until it expires; says whether it was not revoked before.
pub(crate) fn revoke<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    held: &HeldToken,
) -> Result<bool> {
    let name = &held.name;
    let added = sql(tx).execute(
        "insert into revoked_tokens (issuer, jti, subject, expires_at, created_at)
        values (?1, ?2, ?3, ?4, ?5)
        on conflict (issuer, jti) do nothing",
        params![&*issuer_of(name), &*name.jti, &held.subject, held.expires_at, tx.now()],
    )?;
    if added > 0
        && let Some(tenant) = name.tid
    {
        check_limit(tx, tenant)?;
    }
    Ok(added > 0)
}

/// A tenant makes its own issuer: without a limit it could fill the registry with revocations.
fn check_limit<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    // The names of a tenant's issuers begin with its id and a space; `!` is the character after the space.
    let count: Option<i64> = sql(tx).one(
        "select count(*) from revoked_tokens
        where issuer > ?1 || ' ' and issuer < ?1 || '!' and expires_at > ?2",
        params![tenant.to_string(), tx.now()],
        |row| row.next(),
    )?;
    if count.unwrap_or(0) > MAX_OF_TENANT {
        return Err(Error::Conflict(Conflict::RevocationLimit));
    }
    Ok(())
}

/// A plane on which an account's tokens are taken back.
pub(crate) trait Revoking {}
impl Revoking for PlatformPlane {}
impl Revoking for AccountPlane {}

/// Revokes every token of an account that was issued before a time, and every sign-in until then. Such a time is never put
/// back.
pub(crate) fn revoke_before<A: Action>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    before: NotBefore,
) -> Result<()>
where
    A::Plane: Revoking,
{
    let changed = sql(tx).execute(
        "update accounts
        set tokens_not_before = max(coalesce(tokens_not_before, 0), ?2),
            tokens_not_before_id = max(coalesce(tokens_not_before_id, ''), ?3)
        where id = ?1",
        params![account, before.at, before.id.to_string()],
    )?;
    if changed == 0 { Err(Error::NotFound) } else { revoke_sign_ins(tx, account, before.at) }
}

/// Revokes every sign-in of an account until a time, with the tokens that come of them later.
pub(crate) fn revoke_sign_ins<A: Action>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    until: Timestamp,
) -> Result<()>
where
    A::Plane: Revoking,
{
    sql(tx).execute(
        "insert into sign_in_revocations (account_id, until) values (?1, ?2)
        on conflict (account_id) do update set until = max(until, excluded.until)",
        params![account, until],
    )?;
    Ok(())
}

impl Registry {
    /// Whether a credential is not revoked, as far as the registry knows. Asking does not count as a use of its session.
    ///
    /// # Errors
    /// Storage failed.
    pub fn is_live(&self, caller: &Caller) -> Result<bool> {
        self.file.is_live(caller)
    }

    /// Notes that the caller's session is used, if it has one and the credential is not revoked.
    ///
    /// # Errors
    /// Storage failed.
    pub fn use_session(&self, caller: &Caller) -> Result<()> {
        let Some(id) = caller.credential.session else { return Ok(()) };
        if self.file.is_live(caller)?
            && let Some(entry) = self.file.session(id)?
        {
            self.file.touches.touch(id, &entry, self.clock().now());
        }
        Ok(())
    }

    /// Follows changes of the registry that decide what callers may do.
    #[must_use]
    pub fn follow_authority(&self) -> tokio::sync::watch::Receiver<()> {
        self.file.gate.follow()
    }

    /// Forgets what was taken back and has expired since. Moves nothing that anybody decides by.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn forget_revoked(&self) -> Result<()> {
        let now = self.clock().now();
        let due: i64 = {
            let conn = self.file.lookups.get()?;
            let count = Sql::on(&conn).one(
                "select count(*) from (select 1 from revoked_tokens where expires_at < ?1 limit 1)",
                params![now],
                |row| row.next(),
            )?;
            count.unwrap_or(0)
        };
        if due == 0 {
            return Ok(());
        }
        entry::wait(self.file.system(SystemTask::Revoke, false, move |tx| {
            sql(tx).execute("delete from revoked_tokens where expires_at < ?1", params![now])?;
            Ok(())
        })?)
    }
}
