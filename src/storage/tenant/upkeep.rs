//! What becomes of a tenant's file while nobody asks: counts are written down, its audit chain is anchored in the
//! registry, and it is settled with the registry before it is closed.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{TenantFile, TenantStore, row_security};
use crate::domain::{ApiKeyId, AuditRecord, Result, TenantId, Timestamp, Withheld};
use crate::storage::audit::{self, Head};
use crate::storage::engine::Sql;
use crate::storage::queue::Queue;
use crate::storage::registry::RegistryFile;
use crate::storage::{api_keys, door, entry, projection};

impl TenantFile {
    /// Writes down what was counted: denials, and what row-level security would have withheld.
    pub(in crate::storage) fn write_down(self: &Arc<Self>) -> Result<()> {
        let written = entry::write_down_denials(&self.core, self.core.clock.now());
        let withheld = TenantStore::new(self.clone()).write_down_withheld_blocking();
        self.write_down_uses().and(withheld).and(written)
    }

    /// The end of the audit chain, where it has grown since it was last asked for.
    pub(in crate::storage) fn grown(&self) -> Result<Option<(TenantId, Head)>> {
        if !self.has_grown.swap(false, Ordering::AcqRel) {
            return Ok(None);
        }
        let read = || -> Result<Head> {
            let conn = self.core.pool.get()?;
            let _session = conn.session(door::nobody(&self.core.name));
            Ok(audit::head(Sql::on(&conn))?)
        };
        let head = read().inspect_err(|_| self.has_grown.store(true, Ordering::Release))?;
        Ok(Some((self.id, head)))
    }

    /// Lets the registry's projection follow the outbox to its end.
    pub(in crate::storage) fn project(&self) -> Result<()> {
        let conn = self.core.pool.get()?;
        projection::follow(&self.registry, self.id, &conn)
    }
}

/// What is left to be written down of a file that is about to be closed.
struct Rest {
    denials: Vec<AuditRecord>,
    withheld: Vec<Withheld>,
    uses: Vec<(ApiKeyId, Timestamp)>,
}

impl Rest {
    fn is_empty(&self) -> bool {
        self.denials.is_empty() && self.withheld.is_empty() && self.uses.is_empty()
    }
}

impl Drop for TenantFile {
    fn drop(&mut self) {
        let (id, registry) = (self.id, self.registry.clone());
        let rest = Rest {
            denials: self.core.denials.ended(Timestamp(i64::MAX)),
            withheld: self.core.shadow.take(),
            uses: self.uses.take(),
        };
        let is_changed = self.known_dirty.load(Ordering::Acquire)
            || self.noted.load(Ordering::Acquire)
            || !rest.is_empty();
        let is_fenced = self.is_fenced();
        let (queue, name) = (self.core.queue.clone(), self.core.name.clone());
        let closing = registry.closing.clone();
        // Closing writes and syncs: not on the thread that happened to be the last user.
        closing.execute(move || {
            if is_fenced {
                registry.suspects.lock().insert(id);
            } else if is_changed && let Err(error) = settle(&registry, id, &name, &queue, &rest) {
                tracing::warn!(tenant.id = %id, error = %error, "a tenant was closed unsettled");
            }
            queue.close();
            registry.open.forget(id);
            tracing::debug!(tenant.id = %id, "closed a tenant");
        });
    }
}

/// Writes down the rest, and tells the registry everything about a file that is about to be closed.
fn settle(
    registry: &Arc<RegistryFile>,
    id: TenantId,
    name: &Arc<str>,
    queue: &Queue,
    rest: &Rest,
) -> Result<()> {
    if !rest.is_empty() {
        queue.transact(|conn| {
            let _session = conn.session(door::nobody(name));
            row_security::add(Sql::on(conn), &rest.withheld)?;
            api_keys::note_uses(Sql::on(conn), name, &rest.uses)?;
            rest.denials.iter().try_for_each(|record| audit::append(Sql::on(conn), record))
        })?;
    }
    let head = queue.with_writer(|conn| {
        let _session = conn.session(door::nobody(name));
        projection::follow(registry, id, conn)?;
        Ok(audit::head(Sql::on(conn))?)
    })?;
    registry.settled(id, &head)
}
