//! Statements on `sessions`, and what of them is kept for every request.
//!
//! That a session is used is noted in memory, and written down once a minute: after a crash one may have been idle for
//! so much longer than it was, never shorter.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::RegistryAction;
use crate::domain::{
    AccountId, Action, Assurance, Direction, Identity, Page, PageRequest, Position, Result,
    Session, SessionFilter, SessionId, TenantId, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

/// Seconds for which a session that is over is kept.
const KEPT_S: i64 = 7 * 86_400;

/// What decides whether a session is still good.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) account: AccountId,
    last_seen_at: Timestamp,
    idle_s: i64,
    expires_at: Timestamp,
    is_ended: bool,
}

/// A session to be begun.
#[derive(Debug, Clone)]
pub(crate) struct NewSession<'n> {
    pub(crate) account: AccountId,
    pub(crate) identity: &'n Identity,
    pub(crate) tenant: Option<TenantId>,
    pub(crate) refused_tenant: Option<&'n str>,
    pub(crate) assurance: &'n Assurance,
    pub(crate) idle_s: i64,
    pub(crate) expires_at: Timestamp,
}

/// When sessions were last used, as far as it is not written down.
#[derive(Debug, Default)]
pub(super) struct Touches(Mutex<HashMap<SessionId, Touch>>);

/// When a session was last used, and whether that is written down.
#[derive(Debug, Clone, Copy)]
struct Touch {
    at: Timestamp,
    is_written: bool,
}

impl Touches {
    /// Whether a session is valid: it has not ended, has not expired, and is not idle.
    pub(super) fn is_valid(&self, id: SessionId, entry: &Entry, now: Timestamp) -> bool {
        last_use(&self.0.lock(), id, entry, now).is_some()
    }

    /// Notes that a session is used, if it is valid.
    pub(super) fn touch(&self, id: SessionId, entry: &Entry, now: Timestamp) {
        let mut touched = self.0.lock();
        if let Some(last) = last_use(&touched, id, entry, now) {
            touched.insert(id, Touch { at: last.max(now), is_written: false });
        }
    }

    /// What is to be written down. It stays here: what is kept of the rows does not hear of it.
    pub(super) fn unwritten(&self) -> Vec<(SessionId, Timestamp)> {
        let touched = self.0.lock();
        let unwritten = touched.iter().filter(|(_, touch)| !touch.is_written);
        unwritten.map(|(id, touch)| (*id, touch.at)).collect()
    }

    /// Notes what has been written down.
    pub(super) fn written(&self, written: &[(SessionId, Timestamp)]) {
        let mut touched = self.0.lock();
        for (id, at) in written {
            if let Some(touch) = touched.get_mut(id) {
                touch.is_written |= touch.at == *at;
            }
        }
    }

    /// Forgets those that cannot matter any more.
    pub(super) fn forget(&self, before: Timestamp) {
        self.0.lock().retain(|_, touch| touch.at >= before);
    }
}

/// When a session was last used, if it is valid.
fn last_use(
    touched: &HashMap<SessionId, Touch>,
    id: SessionId,
    entry: &Entry,
    now: Timestamp,
) -> Option<Timestamp> {
    let last =
        touched.get(&id).map_or(entry.last_seen_at, |touch| entry.last_seen_at.max(touch.at));
    let is_over = entry.is_ended || entry.expires_at <= now;
    (!is_over && now < last.plus_seconds(entry.idle_s)).then_some(last)
}

/// What decides whether a session is still good.
pub(super) fn entry(sql: Sql<'_>, id: SessionId) -> Result<Option<Entry>> {
    Ok(sql.one(
        "select account_id, last_seen_at, idle_s, expires_at, ended_at is not null from sessions where id = ?1",
        params![id],
        |row| {
            Ok(Entry {
                account: row.next()?,
                last_seen_at: row.next()?,
                idle_s: row.next()?,
                expires_at: row.next()?,
                is_ended: row.next::<i64>()? != 0,
            })
        },
    )?)
}

const COLUMNS: &str = "select id, issuer, tenant_id, refused_tenant, acr, amr, auth_time_s, created_at, last_seen_at, \
        expires_at, idle_s from sessions ";

fn session(row: &mut Row<'_>) -> Result<Session, SqlError> {
    Ok(Session {
        id: row.next()?,
        current: false,
        issuer: row.next()?,
        tenant_id: row.next()?,
        refused_tenant: row.next()?,
        acr: row.next()?,
        amr: methods(&row.next::<String>()?),
        auth_time: row.next::<Option<i64>>()?.map(Timestamp::of_seconds),
        created_at: row.next()?,
        last_seen_at: row.next()?,
        expires_at: row.next()?,
        idle_s: row.next()?,
    })
}

fn methods(text: &str) -> Vec<String> {
    serde_json::from_str(text).unwrap_or_default()
}

/// One session of an account that has not ended.
pub(crate) fn find(tx: &impl Tx, account: AccountId, id: SessionId) -> Result<Option<Session>> {
    let text = format!("{COLUMNS}where id = ?1 and account_id = ?2 and ended_at is null");
    Ok(sql(tx).one(&text, params![id, account], session)?)
}

/// Whom the provider meant, when a session began.
pub(crate) fn identity(tx: &impl Tx, id: SessionId) -> Result<Option<Identity>> {
    Ok(sql(tx).one("select issuer, subject from sessions where id = ?1", params![id], |row| {
        Ok(Identity { issuer: row.next()?, subject: row.next()? })
    })?)
}

/// A page of an account's sessions that have not ended, the oldest first.
pub(crate) fn page(
    tx: &impl Tx,
    account: AccountId,
    _: &SessionFilter,
    page: &PageRequest,
) -> Result<Page<Session>> {
    let account = account.to_string();
    let mut listing = Listing::new(
        "select id, issuer, tenant_id, refused_tenant, acr, amr, auth_time_s, created_at, last_seen_at, expires_at, idle_s
        from sessions where ended_at is null",
    );
    listing.and("account_id = ?", account.as_str());
    listing.and("expires_at > ?", tx.now());
    let (text, params) = listing.page(("id", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, session)?;
    Ok(Page::cut(rows, page, |session| Position {
        key: session.id.to_string(),
        id: session.id.to_string(),
    }))
}

/// Begins a session.
pub(crate) fn insert<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    id: SessionId,
    new: &NewSession<'_>,
) -> Result<()> {
    let amr = serde_json::to_string(&new.assurance.amr).unwrap_or_else(|_| "[]".to_owned());
    sql(tx).execute(
        "insert into sessions (id, account_id, issuer, subject, tenant_id, refused_tenant, acr, amr, auth_time_s, idle_s,
            created_at, last_seen_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?11, ?12)",
        params![
            id,
            new.account,
            &new.identity.issuer,
            &new.identity.subject,
            new.tenant,
            new.refused_tenant,
            new.assurance.acr.as_deref(),
            amr,
            new.assurance.auth_time_s,
            new.idle_s,
            tx.now(),
            new.expires_at
        ],
    )?;
    Ok(())
}

/// Ends a session of an account; says whether it was there and had not ended.
pub(crate) fn end<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    id: SessionId,
) -> Result<bool> {
    let ended = sql(tx).execute(
        "update sessions set ended_at = ?3 where id = ?1 and account_id = ?2 and ended_at is null",
        params![id, account, tx.now()],
    )?;
    Ok(ended > 0)
}

/// Ends every session of an account; says how many.
pub(crate) fn end_all<A: RegistryAction>(tx: &WriteTx<'_, A>, account: AccountId) -> Result<usize> {
    Ok(sql(tx).execute(
        "update sessions set ended_at = ?2 where account_id = ?1 and ended_at is null and expires_at > ?2",
        params![account, tx.now()],
    )?)
}

/// Ends the sessions of an account that began with an identity; says how many.
pub(crate) fn end_of_identity<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    identity: &Identity,
) -> Result<usize> {
    Ok(sql(tx).execute(
        "update sessions set ended_at = ?4
        where account_id = ?1 and issuer = ?2 and subject = ?3 and ended_at is null",
        params![account, &identity.issuer, &identity.subject, tx.now()],
    )?)
}

/// Ends the oldest sessions of an account, but for so many of the youngest.
pub(crate) fn end_oldest<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    but: i64,
) -> Result<usize> {
    Ok(sql(tx).execute(
        "update sessions set ended_at = ?2
        where account_id = ?1 and ended_at is null and id not in (
            select id from sessions where account_id = ?1 and ended_at is null order by id desc limit ?3
        )",
        params![account, tx.now(), but],
    )?)
}

/// Writes down when sessions were last used, and forgets those that are long over.
pub(super) fn keep<A: Action>(
    tx: &WriteTx<'_, A>,
    touched: &[(SessionId, Timestamp)],
) -> Result<()> {
    for (id, at) in touched {
        sql(tx).execute(
            "update sessions set last_seen_at = ?2 where id = ?1 and last_seen_at < ?2",
            params![*id, *at],
        )?;
    }
    sql(tx).execute(
        "delete from sessions where expires_at < ?1",
        params![tx.now().plus_seconds(-KEPT_S)],
    )?;
    Ok(())
}
