//! A node in this process: a registry over a temporary directory, its worker, and whoever calls.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use freehold::cli::SystemClock;
use freehold::domain::action::ListResources;
use freehold::domain::{
    AccountId, Call, Caller, Clock, Identity, IdentityPart, ImportReport, PageRequest, Resource,
    ResourceFilter, ResourceSort, Result, Slug, Subject, TenantId, TenantReference, Timestamp,
};
use freehold::policy::Policy;
use freehold::services::imports::{self, OnProgress, Run};
use freehold::services::{accounts, resources, tenants};
use freehold::storage::{Registry, Settings, TenantStore};
use freehold::worker::{self, Worker};
use serde_json::Value;
use tempfile::TempDir;

/// A place with a data directory in it; a temporary one is kept as long as anybody needs it.
#[derive(Clone)]
pub(crate) struct Place {
    root: PathBuf,
    _kept: Option<Arc<TempDir>>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let place = tempfile::tempdir().unwrap();
        let of = Self::of(place.path());
        Self { _kept: Some(Arc::new(place)), ..of }
    }

    /// A place that somebody else keeps.
    pub(crate) fn of(root: &Path) -> Self {
        Self { root: root.to_owned(), _kept: None }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The data directory; the program makes it.
    pub(crate) fn data(&self) -> PathBuf {
        self.root.join("data")
    }
}

/// Everything that a running program has, but for its servers.
pub(crate) struct Node {
    pub(crate) registry: Registry,
    worker: Worker,
    place: Place,
}

impl Node {
    /// A node on a data directory of its own.
    pub(crate) fn new() -> Self {
        Self::at(&Place::new(), |_| ())
    }

    /// A node on a data directory that may have been used before.
    pub(crate) fn at(place: &Place, tune: impl FnOnce(&mut Settings)) -> Self {
        Self::by(place, Arc::new(SystemClock), tune)
    }

    /// The same, by a clock of the test's own.
    pub(crate) fn by(
        place: &Place,
        clock: Arc<dyn Clock>,
        tune: impl FnOnce(&mut Settings),
    ) -> Self {
        let mut settings = Settings::new(place.data());
        tune(&mut settings);
        let policy = Arc::new(Policy::embedded().unwrap());
        let registry = Registry::start(settings, policy, clock).unwrap();
        registry.migrate(None, &|_, _| ()).unwrap();
        tenants::recover(&registry).unwrap();
        let worker = Worker::start(&registry, worker::Settings::default()).unwrap();
        Self { registry, worker, place: place.clone() }
    }

    /// Stops in order, and hands the data directory back once it is free.
    pub(crate) fn stop(self) -> Place {
        self.worker.stop();
        self.registry.close(Duration::from_secs(30));
        drop(self.registry);
        let lock = self.place.data().join("lock");
        eventually("the data directory is free", || {
            File::options().write(true).open(&lock).unwrap().try_lock().ok()
        });
        self.place
    }

    /// Imports a file.
    pub(crate) fn import(&self, file: &Value) -> ImportReport {
        let file = imports::parse(file.to_string().as_bytes()).unwrap();
        let problems = imports::check(&file);
        assert!(problems.is_empty(), "{problems:?}");
        let quiet: OnProgress = Arc::new(|_| ());
        imports::run(&self.registry, &host(), &file, Run::Real, &quiet).unwrap()
    }

    pub(crate) fn tenant(&self, slug: &str) -> TenantId {
        self.registry.resolve(&by_slug(slug)).unwrap().unwrap().id
    }

    pub(crate) fn store(&self, slug: &str) -> TenantStore {
        let entry = self.registry.resolve(&by_slug(slug)).unwrap().unwrap();
        self.registry.open_blocking(&entry).unwrap()
    }

    /// The account of somebody whom an import named.
    pub(crate) fn account(&self, subject: &str) -> AccountId {
        let part = |text: &str| IdentityPart::parse(text).unwrap();
        let identity = Identity { issuer: part("import"), subject: part(subject) };
        accounts::of_identity(&self.registry, &identity).unwrap().unwrap()
    }

    /// A call of somebody whom an import named, with a credential for a tenant.
    pub(crate) fn call(&self, slug: &str, subject: &str) -> Call {
        call_of(Some(self.tenant(slug)), self.account(subject))
    }
}

pub(crate) fn by_slug(slug: &str) -> TenantReference {
    TenantReference::Slug(Slug::parse(slug).unwrap())
}

/// The host's operator.
pub(crate) fn host() -> Call {
    call(Caller::host())
}

/// An account, with a credential for a tenant or for the platform.
pub(crate) fn call_of(tenant: Option<TenantId>, account: AccountId) -> Call {
    call(Caller {
        subject: Subject::Account(account),
        tenant,
        issuer: "test".into(),
        credential: Arc::default(),
        actor: None,
        assurance: Arc::default(),
        scopes: None,
        break_glass: None,
        expires_at: Timestamp(i64::MAX),
    })
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

/// Every resource that a caller lists, page by page.
pub(crate) fn listed(
    store: &TenantStore,
    call: &Call,
    sort: ResourceSort,
    limit: u32,
) -> Result<Vec<Resource>> {
    let filter = ResourceFilter { sort: Some(sort), ..ResourceFilter::default() };
    let mut request = PageRequest::first(limit);
    let mut found = Vec::new();
    loop {
        let page = store.read_blocking::<ListResources, _>(call, store.tenant(), |tx| {
            resources::list(tx, &filter, &request)
        })?;
        found.extend(page.items);
        let Some(next) = page.next else { return Ok(found) };
        request.after = Some(next);
    }
}

/// Waits, not for long, for a condition.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, mut happened: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3000 {
        if let Some(found) = happened() {
            return found;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never happened: {what}");
}
