//! Whether what a caller came with is still good: nobody has taken it back since it was issued.
//!
//! Four things can be taken back: one token, by its own id; all that were issued for an account before a time; a session
//! with its cookie; and an API key with whatever it was exchanged for. What tenants' doors ask is kept with the epoch that
//! it was read in.

use std::sync::Arc;

use uuid::Uuid;

use super::{Registry, RegistryFile, api_keys, sessions};
use crate::domain::action::{AccountPlane, PlatformPlane};
use crate::domain::{
    AccountId, Action, Caller, Error, NotBefore, Result, Revocable, SessionId, Subject, SystemTask,
    Timestamp,
};
use crate::storage::door::{WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};
use crate::storage::entry;

/// An issuer's token, by the ids of both.
pub(super) type TokenName = (Arc<str>, Arc<str>);

impl RegistryFile {
    /// Whether a credential is still good, by what the registry says now. Of what a tenant's own file knows, it says
    /// nothing.
    pub(in crate::storage) fn is_live(&self, caller: &Caller) -> Result<bool> {
        if !self.is_token_live(caller)? {
            return Ok(false);
        }
        if let Some(session) = caller.credential.session
            && !self.is_session_live(session, caller, self.session(session)?)
        {
            return Ok(false);
        }
        match (caller.subject, &*caller.credential) {
            (Subject::Account(account), credential) => {
                Ok(is_recent_enough(credential, self.account(account)?.tokens_not_before))
            }
            (Subject::ServiceAccount(id), Revocable { api_key, .. }) if caller.tenant.is_none() => {
                let known = api_key.map(|key| self.service(id, key)).transpose()?.flatten();
                Ok(known.is_some_and(|known| known.is_live(self.core.clock.now())))
            }
            _ => Ok(true),
        }
    }

    fn is_token_live(&self, caller: &Caller) -> Result<bool> {
        let Some(token) = &caller.credential.token else { return Ok(true) };
        let (epoch, name) = (self.gate.epoch(), (caller.issuer.clone(), token.clone()));
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
    if let Some(session) = credential.session
        && !file.is_session_live(session, caller, sessions::entry(sql, session)?)
    {
        return Ok(false);
    }
    if let Some(token) = &credential.token
        && is_revoked(sql, &(caller.issuer.clone(), token.clone()))?
    {
        return Ok(false);
    }
    match caller.subject {
        Subject::Account(account) => {
            Ok(is_recent_enough(credential, tokens_not_before(sql, account)?))
        }
        Subject::ServiceAccount(id) if caller.tenant.is_none() => {
            let key = match credential.api_key {
                Some(key) => Some(key),
                None => api_keys::newest(sql, id, now)?,
            };
            let known = key.map(|key| api_keys::read_service(sql, id, key)).transpose()?.flatten();
            Ok(known.is_some_and(|known| known.is_live(now)))
        }
        _ => Ok(true),
    }
}

fn is_recent_enough(credential: &Revocable, not_before: Option<NotBefore>) -> bool {
    not_before.is_none_or(|then| !credential.is_before(then))
}

/// When every token was taken back, if that was ever so.
pub(super) fn not_before(row: &mut Row<'_>) -> Result<Option<NotBefore>, SqlError> {
    let (at, id): (Option<Timestamp>, Option<String>) = (row.next()?, row.next()?);
    let id = id.map(|text| Uuid::parse_str(&text)).transpose();
    let id = id.map_err(|error| SqlError::corrupt(1, &error.to_string()))?;
    Ok(at.zip(id).map(|(at, id)| NotBefore { at, id }))
}

fn is_revoked(sql: Sql<'_>, (issuer, token): &TokenName) -> Result<bool> {
    let found: Option<i64> = sql.one(
        "select 1 from revoked_tokens where issuer = ?1 and jti = ?2",
        params![&**issuer, &**token],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

fn tokens_not_before(sql: Sql<'_>, account: AccountId) -> Result<Option<NotBefore>> {
    let found = sql.one(
        "select tokens_not_before, tokens_not_before_id from accounts where id = ?1",
        params![account],
        not_before,
    )?;
    Ok(found.flatten())
}

/// Takes a token back until it would have expired; says whether it was good.
pub(crate) fn revoke<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    caller: &Caller,
) -> Result<bool> {
    use crate::storage::door::Tx as _;
    let Some(token) = &caller.credential.token else { return Ok(false) };
    let added = sql(tx).execute(
        "insert into revoked_tokens (issuer, jti, subject, expires_at, created_at)
        values (?1, ?2, ?3, ?4, ?5)
        on conflict (issuer, jti) do nothing",
        params![&*caller.issuer, &**token, caller.subject.name(), caller.expires_at, tx.now()],
    )?;
    Ok(added > 0)
}

/// A plane on which an account's tokens are taken back.
pub(crate) trait Revoking {}
impl Revoking for PlatformPlane {}
impl Revoking for AccountPlane {}

/// Takes back every token of an account that was issued before a time. Such a time is never put back.
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
    if changed == 0 { Err(Error::NotFound) } else { Ok(()) }
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
