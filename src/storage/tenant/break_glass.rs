//! What becomes of operators' entries, as a tenant's own file is told it. The entries are the registry's.

use std::sync::Arc;

use super::{TenantStore, TenantWork};
use crate::domain::{
    BreakGlass, BreakGlassStep, BreakGlassTold, Call, IdempotencyKey, Result, Target,
};
use crate::storage::{door, entry};

impl TenantStore {
    /// Writes down, once, something that became of an entry into this tenant.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn tell_break_glass(
        &self,
        cause: Call,
        entry: &BreakGlass,
        step: BreakGlassStep,
    ) -> Result<()> {
        self.mark_dirty_blocking()?;
        let target = Target::BreakGlass(entry.id);
        let data = BreakGlassTold {
            id: entry.id,
            account_id: entry.account_id,
            reason: entry.reason.clone(),
            actions: entry.actions.clone(),
            duration_s: entry.duration_s,
            requested_by: entry.requested_by.clone(),
            decided_by: entry.decided_by.clone().filter(|_| step.version > 1),
            at: step.at,
            expires_at: entry.expires_at,
            version: step.version,
        };
        let about = target.clone();
        // The key makes it once, where the program ends between this file and the registry.
        let call = Call {
            idempotency: Some(IdempotencyKey {
                key: Arc::from(format!("break-glass:{}:{}", entry.id, step.version)),
                fingerprint: [0; 32],
            }),
            ..cause
        };
        entry::wait(door::write_for_system::<TenantWork, (), _>(
            self.door(),
            call,
            target,
            false,
            move |tx| {
                tx.emit(step.kind, &about, &data);
                Ok(())
            },
        )?)
    }
}
