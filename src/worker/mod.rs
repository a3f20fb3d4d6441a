//! Work that no caller asked for: the registry's projection follows each tenant's outbox.
//!
//! A thread of its own, which tenants' writers wake after a commit that concerns the registry. What it had not done
//! when the process ended, it does at the next start: the registry knows which files were being written to.

use std::thread::JoinHandle;

use crate::domain::{Error, Result, TenantId, TenantReference};
use crate::storage::Registry;

/// The running worker.
#[derive(Debug)]
pub struct Worker {
    registry: Registry,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts the worker: first it does what was left undone.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(registry: &Registry) -> Result<Self> {
        let (wanted, theirs) = (registry.projections(), registry.clone());
        let run = move || {
            catch_up(&theirs);
            for tenant in wanted {
                project(&theirs, tenant);
            }
        };
        let thread = std::thread::Builder::new()
            .name("projector".to_owned())
            .spawn(run)
            .map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { registry: registry.clone(), thread })
    }

    /// Lets the worker finish what it was asked for, and ends it.
    pub fn stop(self) {
        self.registry.end_projections();
        if self.thread.join().is_err() {
            tracing::error!("the projector had panicked");
        }
    }
}

fn catch_up(registry: &Registry) {
    match registry.unfollowed() {
        Ok(tenants) => tenants.into_iter().for_each(|tenant| project(registry, tenant)),
        Err(error) => tracing::error!(error = %error, "what was left undone is not known"),
    }
}

fn project(registry: &Registry, tenant: TenantId) {
    let followed = registry
        .resolve(&TenantReference::Id(tenant))
        .and_then(|entry| entry.ok_or(Error::NotFound))
        .and_then(|entry| registry.open_blocking(&entry))
        .and_then(|store| store.project());
    if let Err(error) = followed {
        tracing::warn!(tenant.id = %tenant, error = %error, "an outbox could not be followed");
    }
}
