//! Statements on `api_keys`, which both planes have. A key that is there and has not expired is good; one that is revoked
//! is not there.
//!
//! When a key was last used is counted in memory, to the minute, and written down from time to time: never on the way of
//! a request.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::audit;
use super::door::{Tx, WriteTx, decisions, sql};
use super::engine::{Listing, Row, Sql, SqlError, params};
use crate::domain::{
    AccountId, Action, ApiKey, ApiKeyId, AuditDecision, AuditRecord, Call, Direction, Error, Name,
    Page, PageRequest, PlaneName, Position, Result, ScopeName, ServiceAccountId, Subject,
    SystemTask, Timestamp, action,
};

/// What of a key never changes, as whoever comes with it must be known.
#[derive(Debug, Clone)]
pub struct KnownKey {
    /// Whose it is.
    pub service_account: ServiceAccountId,
    /// SHA-256 of the whole key, in hexadecimal.
    pub digest: String,
    /// What it is narrowed to.
    pub scopes: Option<std::sync::Arc<[String]>>,
    /// Until when it was good when it was looked up; the door looks again.
    pub expires_at: Timestamp,
}

/// Whether a scope of Freehold's own leaves anything on a plane.
pub(crate) fn is_scope(tx: &impl Tx, plane: PlaneName, scope: &ScopeName) -> bool {
    let decisions = decisions(tx);
    let mut actions = action::ALL.iter().filter(|action| action.plane == plane);
    actions.any(|action| decisions.scope_covers(scope.as_str(), action.name))
}

fn key(row: &mut Row<'_>) -> Result<ApiKey, SqlError> {
    Ok(ApiKey {
        id: row.next()?,
        service_account_id: row.next()?,
        name: row.next()?,
        scopes: row.next()?,
        created_by: row.next()?,
        expires_at: row.next()?,
        last_used_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// What of a key never changes.
pub(in crate::storage) fn known(sql: Sql<'_>, id: ApiKeyId) -> Result<Option<KnownKey>> {
    Ok(sql.one(
        "select service_account_id, digest, scopes, expires_at from api_keys where id = ?1",
        params![id],
        |row| {
            let (service_account, digest) = (row.next()?, row.next()?);
            let scopes: Option<Vec<ScopeName>> = row.next()?;
            let scopes =
                scopes.map(|scopes| scopes.iter().map(|scope| scope.as_str().to_owned()).collect());
            Ok(KnownKey { service_account, digest, scopes, expires_at: row.next()? })
        },
    )?)
}

/// One key of a service account.
pub(crate) fn find(tx: &impl Tx, of: ServiceAccountId, id: ApiKeyId) -> Result<Option<ApiKey>> {
    Ok(sql(tx).one(
        "select id, service_account_id, name, scopes, created_by, expires_at, last_used_at, created_at, updated_at,
            version
        from api_keys where service_account_id = ?1 and id = ?2",
        params![of, id],
        key,
    )?)
}

/// A page of a service account's keys, the oldest first.
pub(crate) fn page(tx: &impl Tx, of: ServiceAccountId, page: &PageRequest) -> Result<Page<ApiKey>> {
    let mut listing = Listing::new(
        "select id, service_account_id, name, scopes, created_by, expires_at, last_used_at, created_at, updated_at,
            version
        from api_keys where tenant_id = current_tenant()",
    );
    listing.and("service_account_id = ?", of);
    let (text, params) = listing.page_by_id("id", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, key)?;
    Ok(Page::cut(rows, page, |key| Position { key: String::new(), id: key.id.to_string() }))
}

/// How many keys a service account has that have not expired.
pub(crate) fn count(tx: &impl Tx, of: ServiceAccountId) -> Result<i64> {
    let count = sql(tx).one(
        "select count(*) from api_keys where service_account_id = ?1 and expires_at > ?2",
        params![of, tx.now()],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Drops the keys of a service account that expired before a time.
pub(crate) fn drop_expired<A: Action>(
    tx: &WriteTx<'_, A>,
    of: ServiceAccountId,
    before: Timestamp,
) -> Result<()> {
    sql(tx).execute(
        "delete from api_keys where service_account_id = ?1 and expires_at < ?2",
        params![of, before],
    )?;
    Ok(())
}

/// A key that is to be kept.
pub(crate) struct Kept<'k> {
    pub(crate) id: ApiKeyId,
    pub(crate) of: ServiceAccountId,
    pub(crate) name: &'k Name,
    pub(crate) digest: &'k str,
    pub(crate) scopes: Option<&'k Vec<ScopeName>>,
    pub(crate) created_by: Option<AccountId>,
    pub(crate) expires_at: Timestamp,
}

/// Adds a key.
pub(crate) fn insert<A: Action>(tx: &WriteTx<'_, A>, new: &Kept<'_>) -> Result<ApiKey> {
    sql(tx).execute(
        "insert into api_keys (id, tenant_id, service_account_id, name, digest, scopes, created_by, expires_at,
            created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)",
        params![
            new.id,
            new.of,
            new.name,
            new.digest,
            new.scopes,
            new.created_by,
            new.expires_at,
            tx.now()
        ],
    )?;
    find(tx, new.of, new.id)?
        .ok_or_else(|| Error::Internal("an inserted key did not come back".to_owned()))
}

/// Lets a key expire at a time, if that is sooner.
pub(crate) fn shorten<A: Action>(
    tx: &WriteTx<'_, A>,
    id: ApiKeyId,
    expires_at: Timestamp,
) -> Result<()> {
    sql(tx).execute(
        "update api_keys set expires_at = ?2, updated_at = ?3, version = version + 1
        where id = ?1 and expires_at > ?2",
        params![id, expires_at, tx.now()],
    )?;
    Ok(())
}

/// Takes a key back, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action>(
    tx: &WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from api_keys where service_account_id = ?1 and id = ?2 and version = ?3",
        params![of, id, version],
    )?;
    Ok(deleted > 0)
}

/// Takes a key back whatever its version; whose it was, if it was there.
pub(crate) fn take<A: Action>(
    tx: &WriteTx<'_, A>,
    id: ApiKeyId,
) -> Result<Option<ServiceAccountId>> {
    Ok(sql(tx).one(
        "delete from api_keys where id = ?1 returning service_account_id",
        params![id],
        |row| row.next(),
    )?)
}

/// Uses of keys that are not written down yet.
#[derive(Debug, Default)]
pub(in crate::storage) struct Uses(Mutex<HashMap<ApiKeyId, Timestamp>>);

const MINUTE: i64 = 60_000_000;
const HOUR: i64 = 60 * MINUTE;

impl Uses {
    /// Notes a use.
    pub(in crate::storage) fn note(&self, id: ApiKeyId, now: Timestamp) {
        let minute = Timestamp(now.0 - now.0.rem_euclid(MINUTE));
        self.0.lock().insert(id, minute);
    }

    /// What was noted; it is noted no more.
    pub(in crate::storage) fn take(&self) -> Vec<(ApiKeyId, Timestamp)> {
        std::mem::take(&mut *self.0.lock()).into_iter().collect()
    }

    /// Notes again what could not be written down.
    pub(in crate::storage) fn put_back(&self, uses: Vec<(ApiKeyId, Timestamp)>) {
        let mut noted = self.0.lock();
        for (id, at) in uses {
            noted.entry(id).or_insert(at);
        }
    }
}

/// Writes uses down, of a file's keys; the first one in an hour is audited. It moves no version: nobody has changed
/// anything.
pub(in crate::storage) fn note_uses(
    sql: Sql<'_>,
    file: &str,
    uses: &[(ApiKeyId, Timestamp)],
) -> Result<()> {
    for (id, at) in uses {
        let before = sql.one(
            "select service_account_id, coalesce(last_used_at, 0) from api_keys where id = ?1",
            params![*id],
            |row| Ok((row.next::<ServiceAccountId>()?, row.next::<Timestamp>()?)),
        )?;
        let Some((account, before)) = before.filter(|(_, before)| before < at) else { continue };
        sql.execute("update api_keys set last_used_at = ?2 where id = ?1", params![*id, *at])?;
        if before.0.div_euclid(HOUR) != at.0.div_euclid(HOUR) {
            audit::append(sql, &used(file, account, *id, *at))?;
        }
    }
    Ok(())
}

/// What the audit log says of a key that is used.
fn used(file: &str, account: ServiceAccountId, id: ApiKeyId, at: Timestamp) -> AuditRecord {
    let call = Call::system(SystemTask::NoteUses);
    AuditRecord {
        at,
        actor: Subject::ServiceAccount(account).name(),
        actor_tenant: file.to_owned(),
        on_behalf: None,
        account: None,
        target_tenant: file.to_owned(),
        target_type: "api_key".to_owned(),
        target_id: id.to_string(),
        workspace_id: None,
        resource_id: None,
        action: "api_key.use".to_owned(),
        decision: AuditDecision::Permit,
        policies: "[]".to_owned(),
        correlation_id: call.correlation_id.to_string(),
        request_id: call.request_id.to_string(),
        summary: "{}".to_owned(),
    }
}
