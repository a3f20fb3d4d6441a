//! A node in this process, over a data directory that a world watches or that nobody does.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use freehold::cli::SystemClock;
use freehold::domain::{
    AccountId, Call, Caller, Error, Identity, IdentityPart, ImportReport, Result, Slug, Subject,
    TenantId, TenantReference, Timestamp,
};
use freehold::policy::Policy;
use freehold::services::imports::{self, OnProgress, Run};
use freehold::services::{accounts, tenants};
use freehold::storage::{Registry, Settings, TenantStore};
use freehold::worker::{self, Worker};
use freehold_rig::World;
use serde_json::Value;
use tempfile::TempDir;

/// A temporary place, in memory where that can be had: what is durable is the model's business.
pub(crate) struct Place(TempDir);

impl Place {
    pub(crate) fn new() -> Self {
        freehold_rig::install();
        let memory = Path::new("/dev/shm");
        let place =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self(place.unwrap())
    }

    /// A place with the same data directory.
    pub(crate) fn copied(&self) -> Self {
        let copy = Self::new();
        copy_all(&self.data(), &copy.data());
        copy
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.path().join("data")
    }
}

fn copy_all(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(std::result::Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Everything that a running program has, but for its servers.
pub(crate) struct Node {
    pub(crate) registry: Registry,
    worker: Worker,
    data: PathBuf,
}

impl Node {
    /// Starts over a data directory.
    pub(crate) fn start(data: PathBuf, tune: impl FnOnce(&mut Settings)) -> Result<Self> {
        static POLICY: OnceLock<Arc<Policy>> = OnceLock::new();
        let policy = POLICY.get_or_init(|| Arc::new(Policy::embedded().unwrap())).clone();
        let mut settings = Settings::new(data.clone());
        tune(&mut settings);
        let registry = Registry::start(settings, policy, Arc::new(SystemClock))?;
        let started = registry
            .migrate(None, &|_, _| ())
            .and_then(|_| tenants::recover(&registry))
            .and_then(|()| Worker::start(&registry, worker::Settings::default()));
        match started {
            Ok(worker) => Ok(Self { registry, worker, data }),
            Err(error) => {
                close(registry, &data);
                Err(error)
            }
        }
    }

    /// Starts over a data directory that a world watches.
    pub(crate) fn watched(world: &Arc<World>, place: &Place) -> Self {
        Self::start(place.data(), |settings| settings.faults = world.clone()).unwrap()
    }

    /// Lets the projection catch up, and goes on without it.
    pub(crate) fn settle(self) -> Registry {
        self.worker.stop();
        self.registry
    }

    /// Stops in order.
    pub(crate) fn stop(self) {
        let data = self.data.clone();
        close(self.settle(), &data);
    }

    pub(crate) fn import(&self, file: &Value) -> Result<ImportReport> {
        let file = imports::parse(file.to_string().as_bytes()).unwrap();
        let quiet: OnProgress = Arc::new(|_| ());
        imports::run(&self.registry, &host(), &file, Run::Real, &quiet)
    }

    pub(crate) fn tenant(&self, slug: &str) -> Result<TenantId> {
        Ok(self.registry.resolve(&by_slug(slug))?.ok_or(Error::NotFound)?.id)
    }

    pub(crate) fn store(&self, slug: &str) -> Result<TenantStore> {
        let entry = self.registry.resolve(&by_slug(slug))?.ok_or(Error::NotFound)?;
        self.registry.open_blocking(&entry)
    }

    /// The account of somebody whom an import named.
    pub(crate) fn account(&self, subject: &str) -> Result<AccountId> {
        let part = |text: &str| IdentityPart::parse(text).unwrap();
        let identity = Identity { issuer: part("import"), subject: part(subject) };
        accounts::of_identity(&self.registry, &identity)?.ok_or(Error::NotFound)
    }

    /// A call of the owner, with a credential for a tenant.
    pub(crate) fn owner_of(&self, slug: &str) -> Result<Call> {
        Ok(call(Caller {
            subject: Subject::Account(self.account("olga")?),
            tenant: Some(self.tenant(slug)?),
            issuer: "test".into(),
            credential: Arc::default(),
            actor: None,
            assurance: Arc::default(),
            scopes: None,
            break_glass: None,
            expires_at: Timestamp(i64::MAX),
        }))
    }
}

/// Closes a registry, and waits until the data directory is free.
pub(crate) fn close(registry: Registry, data: &Path) {
    registry.close(Duration::from_secs(30));
    drop(registry);
    let lock = File::options().write(true).open(data.join("lock")).unwrap();
    for _ in 0..3000 {
        if lock.try_lock().is_ok() {
            return;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    panic!("the data directory is never free");
}

pub(crate) fn by_slug(slug: &str) -> TenantReference {
    TenantReference::Slug(Slug::parse(slug).unwrap())
}

/// The host's operator.
pub(crate) fn host() -> Call {
    call(Caller::host())
}

fn call(caller: Caller) -> Call {
    Call {
        caller: Arc::new(caller),
        request_id: "test".into(),
        correlation_id: "test".into(),
        idempotency: None,
        reservation: None,
    }
}
