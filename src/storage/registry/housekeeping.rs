//! What is done now and then while the registry is open: what was counted in memory is written down.

use std::sync::{Arc, Weak};
use std::time::Duration;

use super::file::RegistryFile;
use super::{files, sessions};
use crate::domain::{Result, SystemTask};
use crate::storage::entry;
use crate::storage::tenant::TenantFile;

/// Seconds that no session outlasts.
const MAX_SESSION_S: i64 = 24 * 3600;
/// Seconds after which it is written down when sessions were last used.
const KEEP_SESSIONS_S: u64 = 60;

/// Keeps house until the registry is dropped.
pub(super) fn keep_house(registry: &Arc<RegistryFile>) {
    let file: Weak<RegistryFile> = Arc::downgrade(registry);
    let every = Duration::from_secs(10);
    registry.housekeeping.execute_at_fixed_rate(every, every, move || {
        let Some(file) = file.upgrade() else { return };
        if !file.disk.is_locked_by(&file.lock) {
            tracing::error!(
                "the data directory's lock was removed: another process may write to the same files; stop every one, and start one"
            );
        }
        let mut result = entry::write_down_denials(&file.core, file.core.clock.now());
        result = result.and(file.write_down_uses());
        let live = file.open.live();
        for tenant in &live {
            result = result.and(tenant.write_down());
        }
        result = result.and(anchor(&file, &live));
        if let Err(error) = result {
            tracing::warn!(error = %error, "what was counted could not be written down");
        }
    });
    let file: Weak<RegistryFile> = Arc::downgrade(registry);
    let every = Duration::from_secs(KEEP_SESSIONS_S);
    registry.housekeeping.execute_at_fixed_rate(every, every, move || {
        let Some(file) = file.upgrade() else { return };
        if let Err(error) = keep_sessions(&file) {
            tracing::warn!(error = %error, "when sessions were last used could not be written down");
        }
    });
}

/// Writes down where the audit chains of tenants end that have grown.
fn anchor(registry: &Arc<RegistryFile>, tenants: &[Arc<TenantFile>]) -> Result<()> {
    let mut heads = Vec::new();
    for tenant in tenants {
        heads.extend(tenant.grown()?);
    }
    if heads.is_empty() {
        return Ok(());
    }
    let heads: Arc<[_]> = heads.into();
    entry::wait(registry.system(SystemTask::Anchor, false, move |tx| {
        heads.iter().try_for_each(|(tenant, head)| files::anchor(tx, *tenant, head))
    })?)
}

/// Writes down when sessions were last used.
pub(super) fn keep_sessions(registry: &Arc<RegistryFile>) -> Result<()> {
    let touched: Arc<[_]> = registry.touches.unwritten().into();
    if touched.is_empty() {
        return Ok(());
    }
    let oldest = registry.core.clock.now().plus_seconds(-MAX_SESSION_S);
    let keep = touched.clone();
    entry::wait(
        registry.system(SystemTask::KeepSessions, false, move |tx| sessions::keep(tx, &keep))?,
    )?;
    registry.touches.written(&touched);
    registry.touches.forget(oldest);
    Ok(())
}
