//! Statements on `break_glass`.

use super::RegistryFile;
use crate::domain::{
    AccountId, BreakGlassId, BreakGlassState, Patterns, Result, TenantId, Timestamp,
};
use crate::storage::engine::{Sql, params};

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
