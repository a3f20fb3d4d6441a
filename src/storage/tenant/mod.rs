//! A tenant's file: its doors, and one file of statements per noun.

pub(crate) mod access;
mod facts;
pub(crate) mod members;
pub(crate) mod organization;
pub(crate) mod principals;
pub(crate) mod resource_acl;
pub(crate) mod resource_types;
pub(crate) mod resources;
pub(crate) mod team_members;
pub(crate) mod teams;
pub(crate) mod workspaces;

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use moka::sync::Cache;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;

use self::facts::MemberFacts;
use super::door::{self, Core, Door, ReadTx, WriteTx};
use super::engine::sqlite::{Setting, Side};
use super::engine::{Pool, Sql};
use super::registry::{RegistryFile, TenantEntry};
use super::writer::{Epoch, Queue};
use super::{audit, entry, projection};
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Call, Error, FileProblem, Result, SystemTask, Target, TenantId, Word,
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
    /// The newest version of the file's authority that is known to be committed.
    committed_authority: AtomicI64,
    /// The registry knows that the file is being written to.
    known_dirty: AtomicBool,
    /// Audit rows were written that the registry must anchor, but no event that it must follow.
    noted: AtomicBool,
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
        let pool =
            Pool::new(&path, Side::Tenant, &registry.settings.tenant_pool(&registry.housekeeping))?;
        super::identity::check(&pool, entry)?;
        let file = Arc::new_cyclic(|this: &Weak<Self>| {
            let this = this.clone();
            let after_commit = Box::new(move || {
                if let Some(file) = this.upgrade() {
                    file.committed();
                }
            });
            let queue = Queue::new(
                path,
                Side::Tenant,
                registry.disk.clone(),
                Epoch::Follows(registry.gate.clone()),
                registry.settings.limits(),
                after_commit,
            );
            Self {
                id: entry.id,
                core: Core {
                    name: entry.id.to_string().into(),
                    pool,
                    queue: Arc::new(queue),
                    writers: registry.tenant_writers.clone(),
                    decisions: registry.core().decisions.clone(),
                    clock: registry.core().clock.clone(),
                    denials: super::denials::Denials::default(),
                    to_project: AtomicBool::new(false),
                    elsewhere: Arc::new(Semaphore::new(
                        registry.settings.readers_per_tenant as usize,
                    )),
                    waiting: AtomicUsize::new(0),
                    read_steps: registry.settings.read_steps,
                },
                registry: registry.clone(),
                members: Cache::new(registry.settings.known_members_per_tenant),
                committed_authority: AtomicI64::new(0),
                known_dirty: AtomicBool::new(entry.dirty),
                noted: AtomicBool::new(false),
            }
        });
        tracing::debug!(tenant.id = %entry.id, "opened a tenant");
        Ok(file)
    }

    pub(in crate::storage) fn is_fenced(&self) -> bool {
        self.core.queue.is_fenced()
    }

    fn committed(&self) {
        if self.core.to_project.swap(false, Ordering::AcqRel) {
            self.registry.wants_projection(self.id);
        }
    }

    /// Writes down what denials were counted.
    pub(in crate::storage) fn flush_denials(&self) -> Result<()> {
        entry::append_records(&self.core, &self.core.denials.ended(self.core.clock.now()))
    }

    /// Lets the registry's projection follow the outbox to its end.
    pub(in crate::storage) fn project(&self) -> Result<()> {
        let conn = self.core.pool.get()?;
        projection::follow(&self.registry, self.id, &conn)
    }
}

impl Drop for TenantFile {
    fn drop(&mut self) {
        let (id, registry, known_dirty) = (
            self.id,
            self.registry.clone(),
            self.known_dirty.load(Ordering::Acquire) || self.noted.load(Ordering::Acquire),
        );
        let (queue, name) = (self.core.queue.clone(), self.core.name.clone());
        let records = self.core.denials.ended(crate::domain::Timestamp(i64::MAX));
        let closing = registry.closing.clone();
        // Closing writes and syncs: not on the thread that happened to be the last user.
        closing.execute(move || {
            if (known_dirty || !records.is_empty())
                && !queue.is_fenced()
                && let Err(error) = settle(&registry, id, &name, &queue, &records)
            {
                tracing::warn!(tenant.id = %id, error = %error, "a tenant was closed unsettled");
            }
            queue.close();
            registry.open.forget(id);
            tracing::debug!(tenant.id = %id, "closed a tenant");
        });
    }
}

/// Tells the registry everything about a file that is about to be closed.
fn settle(
    registry: &Arc<RegistryFile>,
    id: TenantId,
    name: &Arc<str>,
    queue: &Queue,
    records: &[crate::domain::AuditRecord],
) -> Result<()> {
    let head = queue.with_writer(|conn| {
        let _session = conn.session(door::nobody(name));
        if !records.is_empty() {
            conn.begin_immediate()?;
            let written =
                records.iter().try_for_each(|record| audit::append(Sql::on(conn), record));
            let ended = written.and_then(|()| Ok(conn.commit()?));
            conn.rollback();
            ended?;
        }
        projection::follow(registry, id, conn)?;
        Ok(audit::head(Sql::on(conn))?)
    })?;
    registry.settled(id, &head)
}

impl Door for TenantFile {
    fn core(&self) -> &Core {
        &self.core
    }

    fn know(&self, sql: Sql<'_>, caller: &crate::domain::Caller) -> Result<door::Known> {
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

    fn before_note(&self) -> Result<()> {
        self.noted.store(true, Ordering::Release);
        Ok(())
    }

    fn renew(
        &self,
        caller: &crate::domain::Caller,
        facts: crate::domain::Facts,
    ) -> Result<crate::domain::Facts> {
        facts::renew(self, caller, facts)
    }
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
        entry::wait(door::write(self.door(), call.clone(), resource.into(), body)?)
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
        self.mark_dirty_blocking()?;
        let call = Call::system(task);
        entry::wait(door::write_for_system(self.door(), call, self.tenant().into(), false, body)?)
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
