//! A tenant's file: its doors, and one file of statements per noun.

pub(crate) mod access;
pub(crate) mod api_keys;
pub(crate) mod application_bindings;
pub(crate) mod audit;
mod break_glass;
pub(crate) mod catalog;
pub(crate) mod events;
mod facts;
pub(crate) mod invitations;
pub(crate) mod issuers;
pub(crate) mod members;
pub(crate) mod organization;
pub(crate) mod principals;
pub(crate) mod profiles;
pub(crate) mod quotas;
pub(crate) mod reservations;
pub(crate) mod resource_acl;
pub(crate) mod resource_types;
pub(crate) mod resources;
pub(crate) mod role_assignments;
pub(crate) mod roles;
pub(crate) mod row_security;
mod service;
pub(crate) mod service_accounts;
mod standing;
pub(crate) mod team_members;
pub(crate) mod teams;
mod upkeep;
pub(crate) mod usage;
pub(crate) mod workspaces;

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use moka::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;

use self::facts::MemberFacts;
use self::service::ServiceFacts;
pub use self::standing::Standing;
use super::door::{self, Core, Door, ReadTx, WriteTx};
use super::engine::sqlite::{FileIdentity, Maintenance, Setting, Side};
use super::engine::{Conn, Pool, Session, Sql};
use super::entry;
use super::queue::{Epoch, Queue, WrittenFile};
use super::registry::{RegistryFile, TenantEntry};
use super::told::Told;
use super::turns::Turns;
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ApiKeyId, ApplicationName, Call, Caller, Definitions, Error, Event,
    EventSource, FileProblem, Hypothesis, IdentityPart, QuotaExceeded, Result, ServiceAccountId,
    Slug, StoredValues, SystemTask, Target, TenantId, TenantLimits, TenantReference, Timestamp,
    Withheld, Word,
};

/// The program's own work in a tenant's file. Nobody is ever permitted it: it has a door of its own.
#[derive(Debug)]
pub struct TenantWork;

impl Action for TenantWork {
    const NAME: &'static str = "system.work";
    type Plane = TenantPlane;
    type Resource = TenantId;
}

/// One tenant's open file, and what storage keeps for it.
pub(in crate::storage) struct TenantFile {
    pub(super) id: TenantId,
    core: Core,
    registry: Arc<RegistryFile>,
    members: Cache<AccountId, Arc<MemberFacts>>,
    /// Service accounts, each by one of its keys.
    services: Cache<(ServiceAccountId, ApiKeyId), Arc<ServiceFacts>>,
    /// What of keys never changes.
    keys: Cache<ApiKeyId, Arc<super::api_keys::KnownKey>>,
    /// Uses of keys that are not written down yet.
    uses: super::api_keys::Uses,
    /// The newest version of the file's authority that is known to be committed.
    committed_authority: AtomicI64,
    /// The registry knows that the file is being written to.
    known_dirty: AtomicBool,
    /// Turns of simulations: one at a time.
    simulations: Turns,
    /// Audit rows were written that the registry must anchor, but no event that it must follow.
    noted: AtomicBool,
    /// Something was committed since the end of the audit chain was last anchored.
    has_grown: AtomicBool,
}

impl std::fmt::Debug for TenantFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TenantFile({})", self.id)
    }
}

impl TenantFile {
    /// Opens the file that the registry names, if it is that file.
    pub(in crate::storage) fn open(
        registry: &Arc<RegistryFile>,
        entry: &TenantEntry,
    ) -> Result<Arc<Self>> {
        let path = registry.disk.tenant(entry.id, &entry.data_region);
        super::identity::check_header(&registry.disk, &path)?;
        // By a connection of its own, which fails at once where a pool would try again until its time is over.
        super::identity::open_known(&path, entry)?.abandon()?;
        let pool =
            Pool::new(&path, Side::Tenant, &registry.settings.tenant_pool(&registry.housekeeping))?;
        look_through(registry, entry.id, &path)?;
        let identity = FileIdentity { tenant: entry.id.to_string().into(), file: entry.file_id };
        pool.hold_to(identity.clone());
        let written = WrittenFile { path, side: Side::Tenant, identity };
        let file = Arc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let after_commit = Box::new(move || {
                if let Some(file) = this.upgrade() {
                    file.committed();
                }
            });
            let queue = Queue::new(
                written,
                registry.disk.clone(),
                Epoch::Follows(registry.gate.clone()),
                registry.settings.limits(),
                (after_commit, vec![pool.clone()]),
            );
            Self {
                id: entry.id,
                core: Core {
                    name: entry.id.to_string().into(),
                    pool,
                    queue: Arc::new(queue),
                    writers: registry.tenant_writers.clone(),
                    decisions: registry.core().decisions.clone(),
                    external: registry.core().external.clone(),
                    assurance: registry.core().assurance.clone(),
                    clock: registry.core().clock.clone(),
                    denials: super::denials::Denials::default(),
                    shadow: super::shadow::Shadow::default(),
                    to_project: AtomicBool::new(false),
                    told: Arc::new(Told::new(
                        EventSource::Tenant(entry.id),
                        registry.wakes.clone(),
                    )),
                    elsewhere: registry.settings.turns(registry.settings.readers_per_tenant),
                    read_steps: registry.settings.read_steps,
                    max_work: registry.settings.max_work,
                },
                registry: registry.clone(),
                members: Cache::new(registry.settings.known_members_per_tenant),
                services: Cache::new(registry.settings.known_members_per_tenant),
                keys: Cache::new(registry.settings.known_members_per_tenant),
                uses: super::api_keys::Uses::default(),
                committed_authority: AtomicI64::new(0),
                known_dirty: AtomicBool::new(entry.dirty),
                simulations: super::settings::turns_to_simulate(),
                noted: AtomicBool::new(false),
                has_grown: AtomicBool::new(false),
            }
        });
        tracing::debug!(tenant.id = %entry.id, "opened a tenant");
        file.look_for_webhooks()?;
        Ok(file)
    }

    pub(in crate::storage) fn is_fenced(&self) -> bool {
        self.core.queue.is_fenced() || self.core.pool.is_refused()
    }

    /// Whether anybody is to be sent events: whoever sends them then looks at what is left of before.
    fn look_for_webhooks(&self) -> Result<()> {
        let conn = self.core.pool.get()?;
        let _session = conn.session(door::nobody(&self.core.name));
        if super::webhooks::is_any_active(Sql::on(&conn))? {
            self.core.told.has_webhooks();
            self.core.told.wake();
        }
        Ok(())
    }

    fn committed(&self) {
        self.has_grown.store(true, Ordering::Release);
        self.core.told.committed();
        if self.core.to_project.swap(false, Ordering::AcqRel) {
            self.registry.wants_projection(self.id);
        }
    }
}

impl Door for TenantFile {
    fn core(&self) -> &Core {
        &self.core
    }

    fn know(
        &self,
        sql: Sql<'_>,
        caller: &crate::domain::Caller,
    ) -> Result<(door::Known, super::engine::Session)> {
        facts::know(self, sql, caller)
    }

    fn target(
        &self,
        sql: Sql<'_>,
        caller: &crate::domain::Caller,
        target: &Target,
    ) -> Result<Option<crate::domain::TargetFacts>> {
        facts::target(self, sql, caller, target)
    }

    fn suppose(
        &self,
        sql: Sql<'_>,
        caller: &Caller,
        found: (&door::Known, &Session),
        hypothesis: &Hypothesis,
    ) -> Result<(door::Known, Session)> {
        facts::suppose(self, sql, caller, found, hypothesis)
    }

    fn applications(&self, sql: Sql<'_>, may_wait: bool) -> Result<door::Applications> {
        application_bindings::policies(&self.registry, sql, may_wait)
    }

    fn account_of(&self, issuer: &IdentityPart, subject: &str) -> Result<Option<AccountId>> {
        self.registry.account_of(issuer, subject)
    }

    fn subjects_of(
        &self,
        issuer: &IdentityPart,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, String)>> {
        self.registry.subjects_of(issuer, accounts)
    }

    fn offer(
        &self,
        application: &ApplicationName,
        version: Option<i64>,
        may_wait: bool,
    ) -> Result<door::Offer> {
        self.registry.offer(application, version, may_wait)
    }

    fn definitions(&self, may_wait: bool) -> Result<Arc<Definitions>> {
        self.registry.definitions(may_wait)
    }

    fn account_values(&self, account: AccountId) -> Result<StoredValues> {
        self.registry.account_values(account)
    }

    fn limits(&self) -> Result<Option<Arc<TenantLimits>>> {
        self.registry.limits(self.id).map(Some)
    }

    fn last_record(&self, sql: Sql<'_>) -> Result<i64> {
        Ok(usage::last(sql)?)
    }

    fn settle(
        &self,
        sql: Sql<'_>,
        call: &Call,
        since: i64,
        limits: Option<&TenantLimits>,
        now: Timestamp,
    ) -> Result<Vec<Event>> {
        if usage::last(sql)? == since {
            return Ok(Vec::new());
        }
        self.registry.moved_usage.lock().insert(self.id);
        quotas::settle(sql, call, since, limits, (&self.id.into(), now))
    }

    fn before_note(&self) -> Result<()> {
        self.noted.store(true, Ordering::Release);
        Ok(())
    }

    fn home(&self) -> Result<Option<(TenantId, Slug)>> {
        let entry = self.registry.entry(&TenantReference::Id(self.id))?.ok_or(Error::NotFound)?;
        Ok(Some((entry.id, entry.slug.clone())))
    }

    fn renew(
        &self,
        caller: &crate::domain::Caller,
        facts: crate::domain::Facts,
    ) -> Result<crate::domain::Facts> {
        facts::renew(self, caller, facts)
    }

    fn platform(&self) -> Option<Arc<dyn Door>> {
        Some(self.registry.clone())
    }
}

/// Looks through a file that failed while it was open, before it is used again.
fn look_through(registry: &RegistryFile, tenant: TenantId, path: &Path) -> Result<()> {
    if !registry.suspects.lock().contains(&tenant) {
        return Ok(());
    }
    registry.disk.opening(path)?;
    if !Maintenance::open(path)?.is_sound()? {
        return Err(Error::File(FileProblem::Damaged));
    }
    registry.suspects.lock().remove(&tenant);
    tracing::info!(tenant.id = %tenant, "a file that had failed was looked through, and is sound");
    Ok(())
}

/// A cheap handle on exactly one tenant's file. It can neither read nor write; it can only be asked, with a caller, an
/// action and a target. Made by [`super::Registry::open`] alone.
#[derive(Clone, Debug)]
pub struct TenantStore {
    file: Arc<TenantFile>,
}

impl TenantStore {
    pub(in crate::storage) fn new(file: Arc<TenantFile>) -> Self {
        Self { file }
    }

    /// Whose file it is.
    #[must_use]
    pub fn tenant(&self) -> TenantId {
        self.file.id
    }

    fn door(&self) -> Arc<dyn Door> {
        self.file.clone()
    }

    /// Reads under row-level security, if the decision point permits the action.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] where it does not; else what the body reports.
    pub async fn read<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        entry::read(self.door(), call, resource.into(), body).await
    }

    /// The same as a simulation: one at a time in this tenant, and others wait for a short time. Its turn ends with its
    /// work, and no sooner where the client goes.
    ///
    /// # Errors
    /// [`Error::Busy`] where the one before does not end; else as [`TenantStore::read`].
    pub async fn simulate<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        let turn = self.file.simulations.take().await?;
        let body = move |tx: &ReadTx<'_, A>| {
            let _turn = &turn;
            body(tx)
        };
        self.read(call, resource, body).await
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`TenantStore::read`].
    pub fn read_blocking<A, T>(
        &self,
        call: &Call,
        resource: A::Resource,
        body: impl Fn(&ReadTx<'_, A>) -> Result<T>,
    ) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
    {
        entry::read_blocking(&self.door(), call, &resource.into(), &body)
    }

    /// Changes, if the decision point permits the action: with its audit row and events, durable before it returns.
    /// The body may run more than once; all but its last run are undone.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] where it does not; [`Error::Busy`] where too many wait; else what
    /// the body reports.
    pub async fn write<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        self.mark_dirty().await?;
        entry::write(self.door(), call, resource.into(), body).await
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`TenantStore::write`].
    pub fn write_blocking<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        self.mark_dirty_blocking()?;
        entry::write_blocking(self.door(), call, resource.into(), body)
    }

    /// Makes a change and undoes it, to learn what it would do. It leaves nothing, no audit row either.
    ///
    /// # Errors
    /// As [`TenantStore::write`].
    pub fn rehearse_blocking<A, T, F>(
        &self,
        call: &Call,
        resource: A::Resource,
        body: F,
    ) -> Result<T>
    where
        A: Action<Plane = TenantPlane>,
        T: Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        let slot = Arc::new(parking_lot::Mutex::new(None));
        let result = slot.clone();
        let ended = self.write_blocking::<A, (), _>(call, resource, move |tx| {
            *slot.lock() = Some(body(tx)?);
            Err(Error::Rehearsed)
        });
        match (ended, result.lock().take()) {
            (Err(Error::Rehearsed), Some(answer)) => Ok(answer),
            (Err(error), _) => Err(error),
            (Ok(()), _) => Err(Error::Internal("a rehearsal was kept".to_owned())),
        }
    }

    /// Changes for the program itself, named by its task.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn system<T, F>(&self, task: SystemTask, body: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, TenantWork>) -> Result<T> + Send + 'static,
    {
        self.system_by(Call::system(task), body)
    }

    /// The same, for what something else has brought about.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn system_by<T, F>(&self, call: Call, body: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, TenantWork>) -> Result<T> + Send + 'static,
    {
        self.mark_dirty_blocking()?;
        entry::wait(door::write_for_system(self.door(), call, self.tenant().into(), false, body)?)
    }

    /// Reads for the program itself.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn look<T>(
        &self,
        task: SystemTask,
        body: impl Fn(&ReadTx<'_, TenantWork>) -> Result<T>,
    ) -> Result<T> {
        let conn = self.file.core.pool.get()?;
        door::read_for_system(&*self.file, &conn, &Call::system(task), &body)
    }

    /// Writes down what row-level security in mode `shadow` has counted.
    ///
    /// # Errors
    /// Storage failed; what was counted is kept.
    pub async fn write_down_withheld(&self) -> Result<()> {
        let _writing = self.file.core.shadow.writing.lock().await;
        let lines = self.file.core.shadow.take();
        if lines.is_empty() {
            return Ok(());
        }
        let written = match self.report(lines.clone()) {
            Ok(reply) => entry::answer(reply).await,
            Err(error) => Err(error),
        };
        written.inspect_err(|_| self.file.core.shadow.put_back(lines))
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`TenantStore::write_down_withheld`].
    pub(in crate::storage) fn write_down_withheld_blocking(&self) -> Result<()> {
        let _writing = self.file.core.shadow.writing.blocking_lock();
        let lines = self.file.core.shadow.take();
        if lines.is_empty() {
            return Ok(());
        }
        let written = self.report(lines.clone()).and_then(entry::wait);
        written.inspect_err(|_| self.file.core.shadow.put_back(lines))
    }

    /// What the tenant may use now.
    ///
    /// # Errors
    /// Storage failed.
    pub fn limits(&self) -> Result<Arc<TenantLimits>> {
        self.file.registry.limits(self.file.id)
    }

    /// What a caller is to the tenant: one of its own people, or of the platform's, or neither.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn standing(&self, caller: &Arc<Caller>) -> Result<Standing> {
        let caller = caller.clone();
        let look = move |file: &TenantFile, conn: &Conn| {
            let _session = conn.session(door::nobody(&file.core.name));
            let (known, _) = file.know(Sql::on(conn), &caller)?;
            Ok(Standing::of(&caller, known.subject))
        };
        entry::look_up(self.file.clone(), look).await
    }

    /// Writes down that a request was refused which was one too many.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn refuse(&self, call: &Call, exceeded: QuotaExceeded) -> Result<()> {
        let error = Error::QuotaExceeded(Box::new(exceeded));
        let trace = door::exceeded(&*self.file, call, self.tenant(), &error);
        match door::leave(&self.door(), Some(Box::new(trace))) {
            Some(written) => entry::answer(written).await,
            None => Ok(()),
        }
    }

    fn report(&self, lines: Vec<Withheld>) -> Result<door::Reply<()>> {
        let call = Call::system(SystemTask::ReportWithheld);
        let target = self.tenant().into();
        door::write_for_system::<TenantWork, _, _>(self.door(), call, target, false, move |tx| {
            row_security::add(door::sql(tx), &lines)
        })
    }

    /// Before the first write since the file was opened: the registry must know that its outbox may hold something.
    async fn mark_dirty(&self) -> Result<()> {
        if self.file.known_dirty.load(Ordering::Acquire) {
            return Ok(());
        }
        entry::answer(self.file.registry.mark_dirty(self.file.id)?).await?;
        self.file.known_dirty.store(true, Ordering::Release);
        Ok(())
    }

    fn mark_dirty_blocking(&self) -> Result<()> {
        if self.file.known_dirty.load(Ordering::Acquire) {
            return Ok(());
        }
        entry::wait(self.file.registry.mark_dirty(self.file.id)?)?;
        self.file.known_dirty.store(true, Ordering::Release);
        Ok(())
    }

    /// Follows commits in which something happened here.
    #[must_use]
    pub fn follow(&self) -> tokio::sync::watch::Receiver<u64> {
        self.file.core.told.follow()
    }

    /// Lets the registry's projection of memberships follow this tenant to the end of its outbox.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn project(&self) -> Result<()> {
        self.file.project()
    }

    /// What each of the readers, and the writer, are really set to, beside what they must be.
    ///
    /// # Errors
    /// Storage failed.
    pub fn contracts(&self) -> Result<Vec<Vec<(Setting, String)>>> {
        let core = &self.file.core;
        super::identity::contracts(&core.pool, &core.queue)
    }
}

/// Why a tenant that is not in service refuses.
#[must_use]
pub fn unavailable(entry: &TenantEntry) -> Error {
    match entry.problem.as_deref().and_then(FileProblem::parse) {
        Some(problem) => Error::File(problem),
        None => Error::TenantUnavailable(entry.status),
    }
}
