//! Work that no caller asked for: events are sent to webhooks; the registry's projection follows each tenant's outbox;
//! what tenants use is counted; audit rows that were kept long enough go; break-glass entries and invitations are closed
//! when their time is over; signing keys are retired and rotated, and what was revoked is forgotten once it has expired.
//!
//! Threads of its own: one that sends events, one that tenants' writers wake after a commit that concerns the registry,
//! one that looks from time to time. What they had not done when the process ended, they do at the next start: the registry knows which
//! files were being written to, and what tenants were told.

mod deliveries;

use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;
use std::time::Duration;

use self::deliveries::Deliveries;
pub use self::deliveries::Sending;
use crate::domain::{Error, Result, TenantId, TenantReference};
use crate::identity::KeyRing;
use crate::services::{audit, break_glass, credentials, invitations, signing_keys, usage};
use crate::storage::Registry;

/// How often it is looked for what nobody wakes a thread for.
const EVERY: Duration = Duration::from_secs(10);
/// In how many of these rounds a snapshot is taken of what tenants use.
const ROUNDS_TO_COUNT: u64 = 6;
/// In how many of them audit rows are looked for that were kept long enough.
const ROUNDS_TO_RETAIN: u64 = 360;

/// What is looked after of the keys that sign.
#[derive(Debug, Clone)]
pub struct KeyKeeping {
    /// The keys.
    pub ring: Arc<KeyRing>,
    /// Seconds that what a key has signed is good once another key signs.
    pub overlap_s: u32,
    /// Days after which a new key signs by itself; 0 for never.
    pub rotate_after_days: u32,
}

/// What the worker is told.
#[derive(Debug, Default)]
pub struct Settings {
    /// The keys that sign.
    pub keys: Option<KeyKeeping>,
    /// Days for which the platform's audit log is kept; 0 for good.
    pub audit_retention_days: u32,
}

/// The running worker.
#[derive(Debug)]
pub struct Worker {
    registry: Registry,
    projector: JoinHandle<()>,
    keeper: JoinHandle<()>,
    deliveries: Option<Deliveries>,
    /// Ends the keeper when it goes.
    end: mpsc::Sender<()>,
}

impl Worker {
    /// Starts the worker: first it does what was left undone.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn start(registry: &Registry, settings: Settings) -> Result<Self> {
        let Settings { keys, audit_retention_days } = settings;
        let (wanted, theirs) = (registry.projections(), registry.clone());
        let projector = spawn("projector", move || {
            catch_up(&theirs);
            count(&theirs);
            for tenant in wanted {
                project(&theirs, tenant);
            }
        })?;
        let ((end, ended), theirs) = (mpsc::channel(), registry.clone());
        let keeper = spawn("keeper", move || {
            for round in 0.. {
                keep(&theirs, keys.as_ref());
                if round % ROUNDS_TO_COUNT == 0 {
                    count(&theirs);
                }
                if round % ROUNDS_TO_RETAIN == 0 {
                    retain(&theirs, audit_retention_days);
                }
                if ended.recv_timeout(EVERY) != Err(mpsc::RecvTimeoutError::Timeout) {
                    return;
                }
            }
        })?;
        Ok(Self { registry: registry.clone(), projector, keeper, deliveries: None, end })
    }

    /// Begins to send events to webhooks: what a server does, and nobody who only looks.
    ///
    /// # Errors
    /// A thread cannot be started; the registry cannot be read.
    pub fn deliver(&mut self, sending: Sending) -> Result<()> {
        self.deliveries = Some(Deliveries::start(&self.registry, sending)?);
        Ok(())
    }

    /// Lets the worker finish what it was asked for, and ends it.
    pub fn stop(self) {
        let Self { registry, projector, keeper, deliveries, end } = self;
        drop(end);
        if let Some(deliveries) = deliveries {
            deliveries.stop(&registry);
        }
        if keeper.join().is_err() {
            tracing::error!("the keeper had panicked");
        }
        registry.end_projections();
        if projector.join().is_err() {
            tracing::error!("the projector had panicked");
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let thread = std::thread::Builder::new().name(name.to_owned());
    thread.spawn(work).map_err(|error| Error::Internal(error.to_string()))
}

fn keep(registry: &Registry, keys: Option<&KeyKeeping>) {
    if let Err(error) = break_glass::keep(registry) {
        tracing::warn!(error = %error, "break-glass entries could not be looked after");
    }
    if let Err(error) = invitations::keep(registry) {
        tracing::warn!(error = %error, "invitations could not be looked after");
    }
    if let Err(error) = credentials::keep(registry) {
        tracing::warn!(error = %error, "what was revoked and has expired could not be forgotten");
    }
    let Some(KeyKeeping { ring, overlap_s, rotate_after_days }) = keys else { return };
    if let Err(error) = signing_keys::keep(registry, ring, *overlap_s, *rotate_after_days) {
        tracing::warn!(error = %error, "the keys that sign could not be looked after");
    }
}

fn count(registry: &Registry) {
    if let Err(error) = usage::keep(registry) {
        tracing::warn!(error = %error, "no snapshots were taken of what tenants use");
    }
}

fn retain(registry: &Registry, platform_days: u32) {
    if let Err(error) = audit::keep(registry, platform_days) {
        tracing::warn!(error = %error, "audit rows that were kept long enough are still there");
    }
}

fn catch_up(registry: &Registry) {
    match registry.unfollowed() {
        Ok(tenants) => tenants.into_iter().for_each(|tenant| {
            registry.move_usage(tenant);
            project(registry, tenant);
        }),
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
