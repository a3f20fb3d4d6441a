//! The registry: which tenants there are, and the doors of the platform and account planes over its own file.

pub(crate) mod accounts;
pub(crate) mod addresses;
pub(crate) mod api_keys;
pub(crate) mod applications;
pub(crate) mod attributes;
pub(crate) mod audit;
pub(crate) mod audit_retention;
pub(crate) mod break_glass;
pub(crate) mod catalog;
pub(crate) mod credentials;
pub(crate) mod domains;
pub(crate) mod events;
mod facts;
mod file;
pub(crate) mod files;
pub(crate) mod hosts;
mod housekeeping;
pub(crate) mod identities;
pub(crate) mod invitations;
pub(crate) mod memberships;
mod named;
pub(crate) mod operators;
pub(crate) mod plans;
pub(crate) mod profiles;
pub(crate) mod quotas;
pub(crate) mod row_security;
pub(crate) mod service_accounts;
pub(crate) mod sessions;
pub(crate) mod signing_keys;
pub(crate) mod tenant_issuers;
pub(crate) mod tenants;
pub(crate) mod tenants_with_webhooks;
pub(crate) mod usage;

use std::sync::{Arc, mpsc};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use self::facts::{AccountEntry, TenantEntry};
pub(in crate::storage) use self::file::RegistryFile;
use super::disk::Disk;
use super::door::{self, Door, ReadTx, WriteTx};
use super::engine::sqlite::Setting;
use super::settings::Settings;
use super::tenant::{TenantFile, TenantStore};
use super::walks::Walk;
use super::webhooks;
use super::{entry, identity, provisioning};
use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, Call, Clock, DecisionPoint, Error, EventSource, EventType, FileProblem,
    FileSaid, IdentityPart, Manifest, Platform, Region, Result, SystemTask, Target, TenantId,
    TenantReference, Word,
};

/// The program's own work in the registry. Nobody is ever permitted it: it has a door of its own.
#[derive(Debug)]
pub struct PlatformWork;

impl Action for PlatformWork {
    const NAME: &'static str = "system.work";
    type Plane = PlatformPlane;
    type Resource = Platform;
}

/// A cheap handle on the registry, and the only maker of handles on tenants.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) file: Arc<RegistryFile>,
}

impl Registry {
    /// Takes a data directory: makes it where it is not there, migrates the registry, and finishes what a crash left.
    ///
    /// # Errors
    /// Another process owns the directory; SQLite is too old; the registry cannot be read or migrated.
    pub fn start(
        settings: Settings,
        decisions: Arc<dyn DecisionPoint>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self> {
        let disk = Disk::new(
            &settings.data,
            settings.regions.clone(),
            settings.min_free_bytes,
            settings.faults.clone(),
        )?;
        let lock = disk.lock()?;
        provisioning::prepare_registry(&disk, &*clock)?;
        provisioning::prepare_template(&disk)?;
        let path = disk.registry();
        let file = RegistryFile::open(settings, disk, lock, decisions, clock)
            .map_err(|error| identity::about_registry(&path, error))?;
        let registry = Self { file };
        housekeeping::keep_house(&registry.file);
        Ok(registry)
    }

    /// The registry's entry of a tenant, whatever its state.
    ///
    /// # Errors
    /// Storage failed.
    pub fn resolve(&self, reference: &TenantReference) -> Result<Option<Arc<TenantEntry>>> {
        self.file.entry(reference)
    }

    /// The same as it stands on disk, with the audit row that was seen last.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn resolve_anew(
        &self,
        reference: &TenantReference,
    ) -> Result<Option<Arc<TenantEntry>>> {
        self.file.entry_anew(reference)
    }

    /// Whether any tenant has a host name of its own now.
    ///
    /// # Errors
    /// Storage failed.
    pub fn has_hosts(&self) -> Result<bool> {
        self.file.has_hosts()
    }

    /// What the registry knows of an account now.
    ///
    /// # Errors
    /// Storage failed.
    pub fn account(&self, account: AccountId) -> Result<AccountEntry> {
        self.file.account(account)
    }

    /// Whose an identity is now.
    ///
    /// # Errors
    /// Storage failed.
    pub fn account_of(&self, issuer: &IdentityPart, subject: &str) -> Result<Option<AccountId>> {
        self.file.account_of(issuer, subject)
    }

    /// Whether any issuer calls an account so.
    ///
    /// # Errors
    /// Storage failed.
    pub fn is_subject(&self, account: AccountId, subject: &str) -> Result<bool> {
        self.file.is_subject(account, subject)
    }

    /// Opens the store of a tenant that is in service, or being filled.
    ///
    /// # Errors
    /// The tenant is out of service, its file is refused, or too many are open.
    pub async fn open(&self, entry: &Arc<TenantEntry>) -> Result<TenantStore> {
        if let Some(file) = self.file.open.get(entry.id) {
            return Ok(TenantStore::new(file));
        }
        let turn = self.file.opening.take().await?;
        let (this, entry) = (self.clone(), entry.clone());
        let open = move || {
            let _turn = turn;
            this.open_blocking(&entry)
        };
        tokio::task::spawn_blocking(open)
            .await
            .map_err(|error| Error::Internal(error.to_string()))?
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`Registry::open`].
    pub fn open_blocking(&self, entry: &TenantEntry) -> Result<TenantStore> {
        let file = &self.file;
        let opened = file.open.get_or_open(entry.id, || {
            // The entry may have been read before the file last closed.
            let fresh = file.entry(&TenantReference::Id(entry.id))?.ok_or(Error::NotFound)?;
            let opened = TenantFile::open(file, &fresh);
            self.note_problem(&fresh, opened.as_ref().err());
            opened
        });
        opened.map(TenantStore::new)
    }

    /// Writes down that a file is refused, or that it no longer is; once for each time that this changes.
    fn note_problem(&self, entry: &TenantEntry, error: Option<&Error>) {
        let found = match error {
            Some(Error::File(problem)) => Some(*problem),
            Some(_) => return,
            None => None,
        };
        let known = entry.problem.as_deref().and_then(FileProblem::parse);
        if found == known {
            return;
        }
        let (id, status) = (entry.id, entry.status);
        let noted = self.system(SystemTask::Open, move |tx| {
            files::set_problem(tx, id, found.map(Word::as_str))?;
            let kind = match found {
                Some(_) => EventType::TenantFileRefused,
                None => EventType::TenantFileAccepted,
            };
            tx.emit(kind, &id.into(), &FileSaid { id, status, problem: found });
            Ok(())
        });
        match (noted, found) {
            (Err(error), _) => {
                tracing::error!(tenant.id = %id, error = %error, "a file's problem could not be written down");
            }
            (Ok(()), Some(problem)) => {
                let path = self.file.disk.tenant(id, &entry.data_region);
                tracing::error!(tenant.id = %id, tenant.slug = %entry.slug, problem = problem.as_str(), file = %path.display(), "a tenant's file is refused; `freehold doctor` says what to do");
            }
            (Ok(()), None) => tracing::info!(tenant.id = %id, "a tenant's file is accepted again"),
        }
    }

    /// Whether the registry takes writes: there is room, and what was fenced is tried again.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.file.disk.has_room() && self.file.core.queue.is_ready()
    }

    /// Whether there is a tenant's file.
    ///
    /// # Errors
    /// The data directory cannot be read.
    pub fn has_tenants(&self) -> Result<bool> {
        Ok(!self.file.disk.tenants()?.is_empty())
    }

    /// The data region that a new tenant's file goes to.
    ///
    /// # Errors
    /// No such region is configured.
    pub fn region(&self, asked: Option<&Region>) -> Result<Region> {
        let default = Region::parse("default").map_err(Error::Internal)?;
        match asked {
            None => Ok(default),
            Some(region)
                if *region == default || self.file.settings.regions.contains_key(region) =>
            {
                Ok(region.clone())
            }
            Some(_) => Err(Error::invalid("/data_region", "no such data region is configured")),
        }
    }

    /// Whether a manifest can be accepted. Takes its time.
    ///
    /// # Errors
    /// [`Error::Invalid`], by field, policy and line.
    pub fn check(&self, manifest: &Arc<Manifest>) -> Result<()> {
        self.file.core.decisions.compile(manifest).map(|_| ()).map_err(Error::Invalid)
    }

    fn door(&self) -> Arc<dyn Door> {
        self.file.clone()
    }

    /// Reads the registry, if the decision point permits the action.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] where it does not; else what the body reports.
    pub async fn read<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: RegistryAction,
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        entry::read(self.door(), call, resource.into(), body).await
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`Registry::read`].
    pub fn read_blocking<A, T>(
        &self,
        call: &Call,
        resource: A::Resource,
        body: impl Fn(&ReadTx<'_, A>) -> Result<T>,
    ) -> Result<T>
    where
        A: RegistryAction,
    {
        entry::read_blocking(&self.door(), call, &resource.into(), &body)
    }

    /// Changes the registry, if the decision point permits the action.
    ///
    /// # Errors
    /// As [`TenantStore::write`].
    pub async fn write<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: RegistryAction,
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        entry::write(self.door(), call, resource.into(), body).await
    }

    /// The same, on this thread.
    ///
    /// # Errors
    /// As [`Registry::write`].
    pub fn write_blocking<A, T, F>(&self, call: &Call, resource: A::Resource, body: F) -> Result<T>
    where
        A: RegistryAction,
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        entry::write_blocking(self.door(), call, resource.into(), body)
    }

    /// Changes the registry for the program itself, named by its task.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn system<T, F>(&self, task: SystemTask, body: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, PlatformWork>) -> Result<T> + Send + 'static,
    {
        entry::wait(self.file.system(task, true, body)?)
    }

    /// The same, where it changes nothing that anybody decides by.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn system_beside<T, F>(&self, task: SystemTask, body: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, PlatformWork>) -> Result<T> + Send + 'static,
    {
        entry::wait(self.file.system(task, false, body)?)
    }

    /// The same, for the sake of a request.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn system_for<T, F>(&self, call: &Call, task: SystemTask, body: F) -> Result<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, PlatformWork>) -> Result<T> + Send + 'static,
    {
        let (door, call) = (self.file.clone(), call.by_system(task));
        entry::wait(door::write_for_system(door, call, Target::Platform, true, body)?)
    }

    /// Reads the registry for the program itself.
    ///
    /// # Errors
    /// What the body reports.
    pub(crate) fn look<T>(
        &self,
        task: SystemTask,
        body: impl Fn(&ReadTx<'_, PlatformWork>) -> Result<T>,
    ) -> Result<T> {
        let conn = self.file.core.pool.get()?;
        door::read_for_system(&*self.file, &conn, &Call::system(task), &body)
    }

    /// Begins to walk a tenant's file, or the registry, from end to end.
    ///
    /// # Errors
    /// [`Error::Busy`] where it is walked already, or enough others are.
    pub(crate) fn walk(&self, of: Option<TenantId>) -> Result<Walk> {
        self.file.walks.begin(of)
    }

    /// Whether anybody has webhooks, or had some.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn has_webhooks(&self) -> Result<bool> {
        self.look(SystemTask::Deliver, |tx| {
            Ok(!tenants_with_webhooks::all(tx)?.is_empty() || webhooks::count(tx)? > 0)
        })
    }

    /// Has a tenant's webhooks looked at by whoever sends events.
    pub fn wake(&self, tenant: TenantId) {
        if let Some(wakes) = &*self.file.wakes.lock() {
            // Nobody listens any more where the program ends.
            let _gone = wakes.send(EventSource::Tenant(tenant));
        }
    }

    /// The tenants whose usage has moved since they were last asked for.
    pub(crate) fn moved_usage(&self) -> Vec<TenantId> {
        self.file.moved_usage.lock().drain().collect()
    }

    /// Says that a tenant's usage may have moved.
    pub(crate) fn move_usage(&self, tenant: TenantId) {
        self.file.moved_usage.lock().insert(tenant);
    }

    /// Writes down that a caller was refused before any door: in the platform's audit log.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn note_refusal(&self, record: crate::domain::AuditRecord) -> Result<()> {
        match door::leave(&self.door(), Some(Box::new(record.into()))) {
            Some(written) => entry::answer(written).await,
            None => Ok(()),
        }
    }

    /// The tenants whose outboxes want to be followed, as they come. There is one listener.
    pub(crate) fn projections(&self) -> mpsc::Receiver<TenantId> {
        let (sender, receiver) = mpsc::channel();
        *self.file.projections.lock() = Some(sender);
        receiver
    }

    /// Ends [`Registry::projections`] once everything sent has been received.
    pub(crate) fn end_projections(&self) {
        self.file.projections.lock().take();
    }

    /// The files whose events are to be looked at by whoever sends them, as they come; those of the platform, and of
    /// tenants that have webhooks, at once. There is one listener.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn wakes(&self) -> Result<tokio::sync::mpsc::UnboundedReceiver<EventSource>> {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        let tenants = self.look(SystemTask::Deliver, |tx| tenants_with_webhooks::all(tx))?;
        let sources = tenants.into_iter().map(EventSource::Tenant).chain([EventSource::Platform]);
        for source in sources {
            sender.send(source).map_err(|error| Error::Internal(error.to_string()))?;
        }
        *self.file.wakes.lock() = Some(sender);
        self.file.core.told.has_webhooks();
        Ok(receiver)
    }

    /// Ends [`Registry::wakes`].
    pub(crate) fn end_wakes(&self) {
        self.file.wakes.lock().take();
    }

    /// How many tenants' files are open.
    #[must_use]
    pub fn open_tenants(&self) -> usize {
        self.file.open.live().len()
    }

    /// Follows commits in which something happened on the platform.
    #[must_use]
    pub fn follow(&self) -> tokio::sync::watch::Receiver<u64> {
        self.file.core.told.follow()
    }

    /// Notes that a tenant may have webhooks: its events are looked at whenever the program starts.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn note_webhooks(&self, tenant: TenantId) -> Result<()> {
        self.system_beside(SystemTask::Deliver, move |tx| tenants_with_webhooks::insert(tx, tenant))
    }

    /// Whoever decides.
    pub(crate) fn decisions(&self) -> Arc<dyn DecisionPoint> {
        self.file.core.decisions.clone()
    }

    /// The time now, by the clock that storage was given.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.file.core.clock.clone()
    }

    /// Lets go of a tenant's file, and waits until it is closed.
    ///
    /// # Errors
    /// [`Error::Busy`] where somebody goes on using it.
    pub(crate) fn close_tenant(&self, tenant: TenantId) -> Result<()> {
        self.file.open.close(tenant)
    }

    /// Finishes what has queued, writes every log back into its file, and closes. Nothing can be asked after it.
    pub fn close(&self, within: Duration) {
        if !self.file.open.close_all(within) {
            tracing::warn!("some tenants were still in use when the time to close was over");
        }
        self.file.tenant_writers.stop();
        if let Err(error) = housekeeping::keep_sessions(&self.file) {
            tracing::warn!(error = %error, "when sessions were last used could not be written down");
        }
        let end = crate::domain::Timestamp(i64::MAX);
        let written = self.file.write_down_uses();
        if let Err(error) = entry::write_down_denials(&self.file.core, end).and(written) {
            tracing::warn!(error = %error, "counted denials could not be written down");
        }
        self.file.core.writers.stop();
        self.file.core.queue.close();
    }

    /// What each of the readers, and the writer, are really set to, beside what they must be.
    ///
    /// # Errors
    /// Storage failed.
    pub fn contracts(&self) -> Result<Vec<Vec<(Setting, String)>>> {
        identity::contracts(&self.file.core.pool, &self.file.core.queue)
    }
}

/// An action of the planes that live in the registry.
pub trait RegistryAction: Action {}

impl<A: Action> RegistryAction for A where A::Plane: RegistryPlane {}

/// A plane that lives in the registry.
pub trait RegistryPlane {}

impl RegistryPlane for PlatformPlane {}
impl RegistryPlane for crate::domain::action::AccountPlane {}
