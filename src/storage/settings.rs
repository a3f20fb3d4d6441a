//! What storage is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use scheduled_thread_pool::ScheduledThreadPool;

use super::disk::{Faults, NoFaults};
use super::engine::sqlite::PoolSettings;
use super::queue::Limits;
use super::turns::Turns;
use crate::domain::{AssurancePolicy, ExternalDecisionPoints, NobodyElse, Region};

/// Those who wait for a turn at most.
const MAX_WAITING: usize = 256;
/// How long a simulation waits for the one before.
const SIMULATION_PATIENCE: Duration = Duration::from_secs(2);

/// What storage is told.
#[derive(Clone)]
pub struct Settings {
    /// The data directory.
    pub data: PathBuf,
    /// Directories of data regions that are not `<data>/tenants`.
    pub regions: BTreeMap<Region, PathBuf>,
    /// Tenants that are open at once, 1 to 100,000; a quarter more while some are closing.
    pub max_open_tenants: usize,
    /// Reading connections per open tenant, 1 to 64.
    pub readers_per_tenant: u32,
    /// Reading connections of the registry, 1 to 64.
    pub registry_readers: u32,
    /// Threads that write to tenants' files, 1 to 64.
    pub writer_threads: usize,
    /// Writes of one file that wait at most; more are refused.
    pub max_waiting_writes: usize,
    /// Writes in one transaction at most, 1 to 10,000.
    pub max_batch: usize,
    /// Virtual-machine steps that a read may take on the thread that asks.
    pub read_steps: u32,
    /// How long the work of one read may take on the blocking pool.
    pub max_work: Duration,
    /// How long somebody waits for a reading connection.
    pub reader_timeout: Duration,
    /// How long a reading connection that nobody uses is kept.
    pub reader_idle: Duration,
    /// Accounts that are remembered.
    pub known_accounts: u64,
    /// Tenants' entries that are remembered.
    pub known_tenants: u64,
    /// Members that are remembered per open tenant.
    pub known_members_per_tenant: u64,
    /// Bytes that must be free on a file's disk for writes to be taken; 0 for none.
    pub min_free_bytes: u64,
    /// Tenants' files that are opened at once, 1 to 64; others wait.
    pub max_opening_tenants: usize,
    /// What counts as a strong and recent log-in, and which actions demand one.
    pub assurance: Arc<AssurancePolicy>,
    /// Issuers that the installation trusts: what they say of people counts everywhere.
    pub trusted_issuers: Arc<[String]>,
    /// Who is asked besides, before a change is queued.
    pub external: Arc<dyn ExternalDecisionPoints>,
    /// Faults to inject.
    pub faults: Arc<dyn Faults>,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("data", &self.data).finish_non_exhaustive()
    }
}

impl Settings {
    /// What suits a small node, over this data directory.
    #[must_use]
    pub fn new(data: PathBuf) -> Self {
        Self {
            data,
            regions: BTreeMap::new(),
            max_open_tenants: 512,
            readers_per_tenant: 4,
            registry_readers: 8,
            writer_threads: 4,
            max_waiting_writes: 4096,
            max_batch: 128,
            read_steps: 200_000,
            max_work: Duration::from_secs(2),
            reader_timeout: Duration::from_secs(5),
            reader_idle: Duration::from_mins(1),
            known_accounts: 100_000,
            known_tenants: 100_000,
            known_members_per_tenant: 10_000,
            min_free_bytes: 64 * 1024 * 1024,
            max_opening_tenants: 8,
            assurance: Arc::default(),
            trusted_issuers: Arc::from([]),
            external: Arc::new(NobodyElse),
            faults: Arc::new(NoFaults),
        }
    }

    pub(in crate::storage) fn limits(&self) -> Limits {
        Limits { max_waiting: self.max_waiting_writes, max_batch: self.max_batch }
    }

    pub(in crate::storage) fn tenant_pool(
        &self,
        housekeeping: &Arc<ScheduledThreadPool>,
    ) -> PoolSettings {
        self.pool(self.readers_per_tenant, housekeeping)
    }

    pub(in crate::storage) fn registry_pool(
        &self,
        housekeeping: &Arc<ScheduledThreadPool>,
    ) -> PoolSettings {
        self.pool(self.registry_readers, housekeeping)
    }

    /// Turns of one file's reads on the blocking pool: no more than there are readers, so that one file's slow reads do
    /// not hold threads that others wait for.
    pub(in crate::storage) fn turns(&self, readers: u32) -> Turns {
        Turns::new(readers as usize, MAX_WAITING, self.reader_timeout)
    }

    /// Turns to open files: those who wait for a place hold no thread that others need.
    pub(in crate::storage) fn turns_to_open(&self) -> Turns {
        Turns::new(self.max_opening_tenants, MAX_WAITING, self.reader_timeout)
    }

    fn pool(&self, max_size: u32, housekeeping: &Arc<ScheduledThreadPool>) -> PoolSettings {
        PoolSettings {
            max_size,
            idle_timeout: self.reader_idle,
            timeout: self.reader_timeout,
            housekeeping: housekeeping.clone(),
        }
    }
}

/// Turns of one tenant's simulations.
pub(in crate::storage) fn turns_to_simulate() -> Turns {
    Turns::new(1, MAX_WAITING, SIMULATION_PATIENCE)
}
