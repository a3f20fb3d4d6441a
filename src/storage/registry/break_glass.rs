//! Statements on `break_glass`.

use super::{Registry, RegistryFile};
use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, BreakGlass, BreakGlassFilter, BreakGlassId, BreakGlassState, Direction,
    Error, Page, PageRequest, Patterns, Position, Result, SystemTask, TenantId, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};
use crate::storage::entry;

/// An entry, as tenants' doors must know it.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Entry {
    tenant: TenantId,
    account: AccountId,
    actions: Patterns,
    state: BreakGlassState,
    expires_at: Timestamp,
}

impl Entry {
    /// What it opens to an account in a tenant now.
    pub(in crate::storage) fn opens(
        &self,
        tenant: TenantId,
        account: AccountId,
        now: Timestamp,
    ) -> Option<&Patterns> {
        let is_open = self.state == BreakGlassState::Approved && now < self.expires_at;
        (is_open && self.tenant == tenant && self.account == account).then_some(&self.actions)
    }
}

impl RegistryFile {
    /// What the registry knows of an entry now.
    pub(in crate::storage) fn break_glass(
        &self,
        id: BreakGlassId,
    ) -> Result<Option<std::sync::Arc<Entry>>> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.entries.get(&id)
            && kept == epoch
        {
            return Ok(entry);
        }
        let conn = self.lookups.get()?;
        let entry = read_entry(Sql::on(&conn), id)?.map(std::sync::Arc::new);
        self.entries.insert(id, (epoch, entry.clone()));
        Ok(entry)
    }
}

fn read_entry(sql: Sql<'_>, id: BreakGlassId) -> Result<Option<Entry>> {
    Ok(sql.one(
        "select tenant_id, account_id, actions, state, expires_at from break_glass where id = ?1",
        params![id],
        |row| {
            Ok(Entry {
                tenant: row.next()?,
                account: row.next()?,
                actions: row.next()?,
                state: row.next()?,
                expires_at: row.next()?,
            })
        },
    )?)
}

/// Whether an entry is an account's own: asked for by it, or for it. `None` where there is no such entry.
pub(super) fn is_own(
    sql: Sql<'_>,
    id: BreakGlassId,
    actor: &str,
    account: Option<AccountId>,
) -> Result<Option<bool>> {
    Ok(sql.one(
        "select requested_by = ?2 or account_id = coalesce(?3, '') from break_glass where id = ?1",
        params![id, actor, account],
        |row| row.next(),
    )?)
}

fn break_glass(row: &mut Row<'_>) -> Result<BreakGlass, SqlError> {
    Ok(BreakGlass {
        id: row.next()?,
        tenant_id: row.next()?,
        account_id: row.next()?,
        reason: row.next()?,
        actions: row.next()?,
        duration_s: row.next()?,
        state: row.next()?,
        requested_by: row.next()?,
        decided_by: row.next()?,
        decided_at: row.next()?,
        expires_at: row.next()?,
        ended_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One entry.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    id: BreakGlassId,
) -> Result<Option<BreakGlass>> {
    Ok(sql(tx).one(
        "select id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, decided_by, decided_at,
            expires_at, ended_at, created_at, updated_at, version
        from break_glass where id = ?1",
        params![id],
        break_glass,
    )?)
}

/// A page of entries, the newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &BreakGlassFilter,
    page: &PageRequest,
) -> Result<Page<BreakGlass>> {
    let mut listing = Listing::new(
        "select id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, decided_by, decided_at,
            expires_at, ended_at, created_at, updated_at, version
        from break_glass where true",
    );
    listing.and_if("state = ?", filter.state);
    listing.and_if("tenant_id = ?", filter.tenant_id);
    listing.and_if("account_id = ?", filter.account_id);
    let (text, params) = listing.page_by_id("id", Direction::Descending, page);
    let rows = sql(tx).all(&text, &params, break_glass)?;
    Ok(Page::cut(rows, page, |entry| Position { key: String::new(), id: entry.id.to_string() }))
}

/// An account's entries that are asked for or approved, and not over.
pub(crate) fn open_of(
    tx: &impl Tx<Plane = PlatformPlane>,
    account: AccountId,
) -> Result<Vec<BreakGlass>> {
    Ok(sql(tx).all(
        "select id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, decided_by, decided_at,
            expires_at, ended_at, created_at, updated_at, version
        from break_glass where account_id = ?1 and state in ('requested', 'approved') and expires_at > ?2 order by id",
        params![account, tx.now()],
        break_glass,
    )?)
}

/// The entries that are asked for or approved although their time is over.
pub(crate) fn due(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<BreakGlassId>> {
    Ok(sql(tx).all(
        "select id from break_glass where state in ('requested', 'approved') and expires_at <= ?1 order by id",
        params![tx.now()],
        |row| row.next(),
    )?)
}

/// The entries that their tenants' files have not been told everything of, with what those know.
pub(crate) fn untold(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Vec<(BreakGlass, i64)>> {
    Ok(sql(tx).all(
        "select id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, decided_by, decided_at,
            expires_at, ended_at, created_at, updated_at, version, told_version
        from break_glass where told_version < version order by id",
        &[],
        |row| Ok((break_glass(row)?, row.next()?)),
    )?)
}

/// Adds an entry that is asked for.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    entry: &BreakGlass,
) -> Result<()> {
    sql(tx).execute(
        "insert into break_glass (id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, expires_at,
            created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)",
        params![
            entry.id,
            entry.tenant_id,
            entry.account_id,
            &entry.reason,
            &entry.actions,
            entry.duration_s,
            entry.state,
            &entry.requested_by,
            entry.expires_at,
            tx.now()
        ],
    )?;
    Ok(())
}

/// What else changes with an entry's state.
#[derive(Debug, Clone, Default)]
pub(crate) struct With {
    /// Who decided.
    pub(crate) decided_by: Option<String>,
    /// Until when it is open from now on.
    pub(crate) expires_at: Option<Timestamp>,
    /// When it was ended early.
    pub(crate) ended_at: Option<Timestamp>,
}

/// Puts an entry into a state. Whether the state may follow is the caller's business, by [`BreakGlassState::to`].
pub(crate) fn set_state<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: BreakGlassId,
    state: BreakGlassState,
    with: &With,
) -> Result<BreakGlass> {
    let changed = sql(tx).one(
        "update break_glass
        set state = ?2,
            decided_by = coalesce(?3, decided_by),
            decided_at = case when ?3 is null then decided_at else ?6 end,
            expires_at = coalesce(?4, expires_at),
            ended_at = coalesce(?5, ended_at),
            updated_at = ?6,
            version = version + 1
        where id = ?1
        returning id, tenant_id, account_id, reason, actions, duration_s, state, requested_by, decided_by, decided_at,
            expires_at, ended_at, created_at, updated_at, version",
        params![id, state, with.decided_by.as_deref(), with.expires_at, with.ended_at, tx.now()],
        break_glass,
    )?;
    changed.ok_or(Error::NotFound)
}

impl Registry {
    /// Notes what a tenant's own file was told of an entry.
    pub(crate) fn note_told(&self, id: BreakGlassId, version: i64) -> Result<()> {
        entry::wait(self.file.system(SystemTask::BreakGlass, false, move |tx| {
            sql(tx).execute(
                "update break_glass set told_version = ?2 where id = ?1 and told_version < ?2",
                params![id, version],
            )?;
            Ok(())
        })?)
    }
}
