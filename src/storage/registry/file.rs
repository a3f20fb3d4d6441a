//! The registry's open file: its pools, its queue, and what is remembered of it; the door to it.

use std::collections::HashSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, mpsc};

use moka::sync::Cache;
use parking_lot::Mutex;
use scheduled_thread_pool::ScheduledThreadPool;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{
    AccountEntry, PlatformWork, TenantEntry, api_keys, applications, attributes, break_glass,
    facts, files, named, quotas, sessions, tenant_issuers,
};
use crate::domain::{
    AccountId, ApiKeyId, BreakGlassId, Call, Caller, Clock, DecisionPoint, Definitions,
    EventSource, Facts, Result, ServiceAccountId, SessionId, Slug, StoredValues, SystemTask,
    Target, TargetFacts, TenantId, TenantReference, TokenName,
};
use crate::storage::api_keys::{KnownKey, Uses};
use crate::storage::audit::Head;
use crate::storage::denials::Denials;
use crate::storage::disk::Disk;
use crate::storage::door::{self, Core, Door, Reply, WriteTx};
use crate::storage::engine::sqlite::FileIdentity;
use crate::storage::engine::sqlite::Side;
use crate::storage::engine::{Pool, Session, Sql};
use crate::storage::gate::Gate;
use crate::storage::open_tenants::OpenTenants;
use crate::storage::queue::{Epoch, Queue, WrittenFile};
use crate::storage::settings::Settings;
use crate::storage::shadow::Shadow;
use crate::storage::told::{Told, Wakes};
use crate::storage::turns::Turns;
use crate::storage::walks::Walks;
use crate::storage::writer::Writers;
use crate::storage::{entry, identity};

/// Break-glass entries that are remembered.
const MAX_ENTRIES: u64 = 1_000;

/// The registry's open file, and everything that is kept once per data directory.
pub(in crate::storage) struct RegistryFile {
    pub(in crate::storage) disk: Disk,
    pub(in crate::storage) settings: Settings,
    pub(in crate::storage) gate: Arc<Gate>,
    pub(in crate::storage) housekeeping: Arc<ScheduledThreadPool>,
    /// Closes tenants' files; apart from housekeeping, since closing waits for the registry.
    pub(in crate::storage) closing: Arc<ScheduledThreadPool>,
    pub(in crate::storage) tenant_writers: Arc<Writers>,
    pub(in crate::storage) open: OpenTenants,
    /// Readers for what is looked up for every request: nobody's long read keeps them.
    pub(super) lookups: Pool,
    /// Turns to open a tenant's file.
    pub(super) opening: Turns,
    /// Tenants whose usage has moved since a snapshot was last taken.
    pub(in crate::storage) moved_usage: Mutex<HashSet<TenantId>>,
    /// Tenants whose files failed while they were open: they are looked through before they are used again.
    pub(in crate::storage) suspects: Mutex<HashSet<TenantId>>,
    /// Held while a tenant's file is examined for its own people.
    pub(in crate::storage) walks: Walks,
    /// Held while a tenant's file is being made.
    pub(in crate::storage) provisioning: Mutex<()>,
    pub(super) core: Core,
    pub(super) accounts: Cache<AccountId, (u64, AccountEntry)>,
    pub(super) tenants: Cache<TenantReference, (u64, Option<Arc<TenantEntry>>)>,
    /// Sessions, with the epoch that each was read in.
    pub(super) sessions: Cache<SessionId, (u64, Option<sessions::Entry>)>,
    /// When sessions were last used.
    pub(super) touches: sessions::Touches,
    /// Break-glass entries, with the epoch that each was read in.
    pub(super) entries: Cache<BreakGlassId, (u64, Option<Arc<break_glass::Entry>>)>,
    /// What tenants may use.
    pub(super) limits: quotas::Kept,
    /// Issuers that tenants trust, by address, with the epoch that each was read in.
    pub(super) issuers: tenant_issuers::Kept,
    /// Tokens, with the epoch in which each was looked for among those that were taken back.
    pub(super) tokens: Cache<TokenName, (u64, bool)>,
    /// The platform's service accounts by their keys, with the epoch that each was read in.
    pub(super) services: Cache<(ServiceAccountId, ApiKeyId), (u64, Option<api_keys::ServiceEntry>)>,
    /// What of the platform's keys never changes.
    pub(super) keys: Cache<ApiKeyId, Arc<KnownKey>>,
    /// Uses of those keys that are not written down yet.
    pub(in crate::storage) uses: Uses,
    /// The policies of applications' versions.
    pub(super) applications: Cache<applications::VersionKey, applications::Kept>,
    /// Definitions of layered values.
    pub(super) definitions: attributes::Known,
    pub(super) projections: Mutex<Option<mpsc::Sender<TenantId>>>,
    /// The way to whoever sends events to webhooks.
    pub(in crate::storage) wakes: Wakes,
    /// Held as long as the process owns the data directory.
    pub(super) lock: std::fs::File,
}

impl std::fmt::Debug for RegistryFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RegistryFile")
    }
}

impl RegistryFile {
    pub(super) fn open(
        settings: Settings,
        disk: Disk,
        lock: std::fs::File,
        decisions: Arc<dyn DecisionPoint>,
        clock: Arc<dyn Clock>,
    ) -> Result<Arc<Self>> {
        let (path, gate) = (disk.registry(), Arc::new(Gate::default()));
        let housekeeping = threads("housekeeping-{}", 4);
        let limits = settings.registry_pool(&housekeeping);
        let pool = Pool::new(&path, Side::Registry, &limits)?;
        let identity = identity::of_registry(&pool)?;
        pool.hold_to(identity.clone());
        let wakes = Wakes::default();
        let told = Arc::new(Told::new(EventSource::Platform, wakes.clone()));
        let lookups = Pool::new(&path, Side::Registry, &limits)?;
        lookups.hold_to(identity.clone());
        let epoch = (Epoch::Leads(gate.clone()), vec![pool.clone(), lookups.clone()]);
        let queue = queue(&settings, &disk, identity, epoch, told.clone());
        let core = Core {
            name: "platform".into(),
            pool,
            queue: Arc::new(queue),
            // A thread of its own: tenants' writers wait for the registry's, never the other way round.
            writers: Writers::start("registry-writer", 1)?,
            decisions,
            external: settings.external.clone(),
            assurance: settings.assurance.clone(),
            clock,
            denials: Denials::default(),
            shadow: Shadow::default(),
            to_project: AtomicBool::new(false),
            told,
            elsewhere: settings.turns(settings.registry_readers),
            read_steps: settings.read_steps,
            max_work: settings.max_work,
        };
        Ok(Arc::new(Self {
            open: OpenTenants::new(settings.max_open_tenants),
            tenant_writers: Writers::start("tenant-writer", settings.writer_threads)?,
            accounts: Cache::new(settings.known_accounts),
            tenants: named::tenants(),
            sessions: Cache::new(settings.known_accounts),
            touches: sessions::Touches::default(),
            entries: Cache::new(MAX_ENTRIES),
            limits: Cache::new(settings.known_tenants),
            issuers: named::issuers(),
            tokens: named::tokens(),
            services: Cache::new(MAX_ENTRIES),
            keys: Cache::new(MAX_ENTRIES),
            uses: Uses::default(),
            applications: applications::cache(),
            definitions: attributes::Known::default(),
            lookups,
            opening: settings.turns_to_open(),
            moved_usage: Mutex::default(),
            suspects: Mutex::default(),
            walks: Walks::default(),
            provisioning: Mutex::new(()),
            projections: Mutex::new(None),
            wakes,
            lock,
            disk,
            settings,
            gate,
            closing: threads("closing-{}", 2),
            housekeeping,
            core,
        }))
    }

    pub(in crate::storage) fn core(&self) -> &Core {
        &self.core
    }

    pub(in crate::storage) fn core_pool(&self) -> &Pool {
        &self.core.pool
    }

    /// Asks the projector to follow a tenant's outbox.
    pub(in crate::storage) fn wants_projection(&self, tenant: TenantId) {
        if let Some(projections) = &*self.projections.lock()
            && projections.send(tenant).is_err()
        {
            tracing::debug!(tenant.id = %tenant, "nobody follows outboxes");
        }
    }

    /// Changes the registry for the program itself.
    pub(in crate::storage) fn system<T, F>(
        self: &Arc<Self>,
        task: SystemTask,
        moves: bool,
        body: F,
    ) -> Result<Reply<T>>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, PlatformWork>) -> Result<T> + Send + 'static,
    {
        door::write_for_system(self.clone(), Call::system(task), Target::Platform, moves, body)
    }

    /// Notes that a tenant's file is being written to.
    pub(in crate::storage) fn mark_dirty(self: &Arc<Self>, tenant: TenantId) -> Result<Reply<()>> {
        self.system(SystemTask::Project, false, move |tx| files::mark_dirty(tx, tenant))
    }

    /// Notes that the projection has followed a file to its end, and where its audit chain ends.
    pub(in crate::storage) fn settled(
        self: &Arc<Self>,
        tenant: TenantId,
        head: &Head,
    ) -> Result<()> {
        let head = head.clone();
        // What the registry expects of the file moves: entries that are kept must be read anew.
        entry::wait(
            self.system(SystemTask::Anchor, true, move |tx| files::settle(tx, tenant, &head))?,
        )
    }
}

/// Where changes of the registry wait for the disk; whoever follows events hears of each commit.
fn queue(
    settings: &Settings,
    disk: &Disk,
    identity: FileIdentity,
    (epoch, readers): (Epoch, Vec<Pool>),
    told: Arc<Told>,
) -> Queue {
    let written = WrittenFile { path: disk.registry(), side: Side::Registry, identity };
    let committed = Box::new(move || told.committed());
    Queue::new(written, disk.clone(), epoch, settings.limits(), (committed, readers))
}

fn threads(names: &str, count: usize) -> Arc<ScheduledThreadPool> {
    Arc::new(ScheduledThreadPool::builder().num_threads(count).thread_name_pattern(names).build())
}

impl Door for RegistryFile {
    fn core(&self) -> &Core {
        &self.core
    }

    fn know(&self, sql: Sql<'_>, caller: &Caller) -> Result<(door::Known, Session)> {
        facts::know(self, sql, caller)
    }

    fn target(
        &self,
        sql: Sql<'_>,
        caller: &Caller,
        target: &Target,
    ) -> Result<Option<TargetFacts>> {
        facts::target(self, sql, caller, target)
    }

    fn definitions(&self, may_wait: bool) -> Result<Arc<Definitions>> {
        self.definitions(may_wait)
    }

    fn account_values(&self, account: AccountId) -> Result<StoredValues> {
        self.account_values(account)
    }

    fn before_note(&self) -> Result<()> {
        Ok(())
    }

    fn home(&self) -> Result<Option<(TenantId, Slug)>> {
        Ok(None)
    }

    fn renew(&self, _: &Caller, facts: Facts) -> Result<Facts> {
        Ok(facts)
    }

    fn platform(&self) -> Option<Arc<dyn Door>> {
        None
    }
}
