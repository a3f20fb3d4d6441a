//! The application: every part, put together.

use std::collections::BTreeMap;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};

use super::clock::SystemClock;
use super::configuration::Configuration;
use super::figures;
use super::guard::guard;
use crate::domain::{Call, Caller, Clock, MigrationReport, TenantReference};
use crate::http::{self, Listeners, Server};
use crate::identity::{
    ApiKeys, Issuer, KeyRing, Provider, Signer, SigningKey, Subject, Verifier,
    load_or_create_secret,
};
use crate::outbound::Webhooks;
use crate::policy::Policy;
use crate::policy::external::External;
use crate::services::{signing_keys, tenants};
use crate::storage::Registry;
use crate::worker::{self, KeyKeeping, Sending, Worker};

/// How the program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// On loopback, with the local issuer.
    Development,
    /// For real.
    Production,
}

/// The name of the local issuer, and of the identities that it speaks for.
pub(super) const LOCAL_ISSUER: &str = "local";

/// Everything, running.
#[derive(Debug)]
pub struct Application {
    configuration: Configuration,
    data: PathBuf,
    registry: Registry,
    ring: Arc<KeyRing>,
    webhooks: Arc<Webhooks>,
    worker: Worker,
}

/// A call of the host's operator that comes from no request.
pub(super) fn call(id: &str) -> Call {
    Call {
        caller: Arc::new(Caller::host()),
        request_id: id.into(),
        correlation_id: id.into(),
        idempotency: None,
        reservation: None,
    }
}

/// The local socket of a data directory.
pub(super) fn socket(data: &Path) -> PathBuf {
    data.join("freehold.sock")
}

impl Application {
    /// Takes the data directory, migrates every file, and finishes what a crash left.
    ///
    /// # Errors
    /// The configuration is unsafe; the directory belongs to another process; the registry cannot be used.
    pub fn start(
        data: &Path,
        configuration: Configuration,
        mode: Mode,
        progress: &(dyn Fn(usize, usize) + Sync),
    ) -> Result<Self> {
        guard(data, &configuration, mode)?;
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data)
            .with_context(|| data.display().to_string())?;
        note_share(&configuration);
        let policy = Arc::new(Policy::embedded()?);
        let mut settings = configuration.storage(data);
        settings.external = Arc::new(external(&configuration)?);
        settings.trusted_issuers = trusted_issuers(&configuration, mode);
        let registry = Registry::start(settings, policy, Arc::new(SystemClock))?;
        report(&registry.migrate(None, progress)?);
        tenants::recover(&registry)?;
        note_strangers(&configuration, &registry)?;
        let ring = Arc::new(KeyRing::new(&data.join("keys")));
        let identity = &configuration.identity;
        signing_keys::open(&registry, &ring, identity.key_overlap_s)?;
        let keys = KeyKeeping {
            ring: ring.clone(),
            overlap_s: identity.key_overlap_s,
            rotate_after_days: identity.rotate_after_days,
        };
        let webhooks = webhooks(data, &registry, &configuration, mode)?;
        let settings = worker::Settings {
            keys: Some(keys),
            audit_retention_days: configuration.audit.platform_retention_days,
        };
        let worker = Worker::start(&registry, settings)?;
        Ok(Self { configuration, data: data.to_owned(), registry, ring, webhooks, worker })
    }

    /// Begins to send events to webhooks.
    ///
    /// # Errors
    /// The registry cannot be read.
    pub fn deliver(&mut self) -> Result<()> {
        let schedule = self.configuration.webhooks.schedule();
        Ok(self.worker.deliver(Sending { webhooks: self.webhooks.clone(), schedule })?)
    }

    /// The registry.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// A server over this application.
    ///
    /// # Errors
    /// Keys cannot be read; a listener cannot be used.
    pub fn server(&self, mode: Mode, tcp: Option<TcpListener>) -> Result<Server> {
        let identity = &self.configuration.identity;
        let mut issuers = vec![Issuer::with(&identity.issuer, Subject::Account, self.ring.clone())];
        if mode == Mode::Development {
            issuers.push(Issuer::new(LOCAL_ISSUER, Subject::Identity, &self.local_key()?));
        }
        let secret = load_or_create_secret(&self.key("cursor.key"))?;
        let trust = identity.trust().map_err(anyhow::Error::msg)?;
        // A verb that runs without a server has no caller whose token would wait.
        if tcp.is_some() {
            trust.prefetch();
        }
        let equipment = http::Equipment {
            registry: self.registry.clone(),
            verifier: Verifier::new(&identity.audience, issuers, trust),
            signer: Signer::with(&identity.issuer, &identity.audience, self.ring.clone()),
            api_keys: ApiKeys::new(&self.api_key_secret()?),
            webhooks: self.webhooks.clone(),
            figures: figures::begin(&self.registry),
        };
        let state = http::State::new(equipment, self.configuration.http(mode), &secret);
        let login = login(&self.configuration, mode, self.clock(), &secret)?;
        let state = state.with_login(login);
        Ok(http::serve(state, Listeners { tcp, local: Some(self.listen_locally()?) })?)
    }

    /// Signs as the local issuer, for development.
    ///
    /// # Errors
    /// Its key cannot be read.
    pub fn local_signer(&self) -> Result<Signer> {
        Ok(Signer::new(LOCAL_ISSUER, &self.configuration.identity.audience, self.local_key()?))
    }

    fn local_key(&self) -> Result<SigningKey> {
        Ok(SigningKey::load_or_create(&self.key("local.key"))?)
    }

    /// What proves API keys. Where it was lost, they are all worth nothing.
    fn api_key_secret(&self) -> Result<[u8; 32]> {
        let path = self.key("api.key");
        if !path.exists() && self.registry.has_tenants()? {
            tracing::warn!(
                file = %path.display(),
                "what proves API keys was lost: a new one is made, and every key that was given out is refused; to keep them, stop and put it back"
            );
        }
        Ok(load_or_create_secret(&path)?)
    }

    fn key(&self, name: &str) -> PathBuf {
        self.data.join("keys").join(name)
    }

    /// The local socket. Whoever owns the directory's lock owns the socket: one that lies there is dead.
    fn listen_locally(&self) -> Result<UnixListener> {
        let path = socket(&self.data);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| path.display().to_string());
            }
            _ => {}
        }
        let listener = UnixListener::bind(&path).with_context(|| {
            format!(
                "{}: the local socket cannot be made (its path may have 107 bytes at most)",
                path.display()
            )
        })?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    /// Finishes what was begun, writes every log back into its file, and closes.
    pub fn stop(self) {
        self.worker.stop();
        self.registry.close(Duration::from_secs(self.configuration.http.shutdown_timeout_s));
        if let Err(error) = fs::remove_file(socket(&self.data)) {
            tracing::debug!(error = %error, "the local socket was gone");
        }
    }

    /// The time now.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.registry.clock()
    }
}

/// The issuers whose word on people counts everywhere. Freehold's own tokens say nothing of addresses.
fn trusted_issuers(configuration: &Configuration, mode: Mode) -> Arc<[String]> {
    let local = (mode == Mode::Development).then(|| LOCAL_ISSUER.to_owned());
    let elsewhere = configuration.identity.issuers.values().map(|issuer| issuer.url.clone());
    elsewhere.chain(local).collect()
}

/// What sends events. Where what their secrets are made of was lost, no receiver knows them any more.
fn webhooks(
    data: &Path,
    registry: &Registry,
    configuration: &Configuration,
    mode: Mode,
) -> Result<Arc<Webhooks>> {
    let path = data.join("keys").join("webhook.key");
    if !path.exists() && registry.has_webhooks()? {
        tracing::error!(
            file = %path.display(),
            "what webhooks' secrets are made of was lost: a new one is made, and no receiver knows a signature any more; stop and put it back, or rotate every webhook"
        );
    }
    let key = load_or_create_secret(&path)?;
    let webhooks = Webhooks::new(&key, &configuration.webhooks.settings(mode));
    webhooks.map(Arc::new).map_err(anyhow::Error::msg).context("webhooks")
}

/// How browsers log in, if they do.
fn login(
    configuration: &Configuration,
    mode: Mode,
    clock: Arc<dyn Clock>,
    secret: &[u8; 32],
) -> Result<Option<http::Login>> {
    let issuers = &configuration.identity.issuers;
    let Some(settings) = configuration.login.settings(issuers) else { return Ok(None) };
    let allow_plain = mode == Mode::Development || configuration.identity.allow_plain_loopback;
    let mut providers = BTreeMap::new();
    for (name, issuer) in issuers.iter().filter(|(_, issuer)| issuer.is_for_browsers()) {
        let settings = issuer.provider(&settings.origin, allow_plain);
        let provider = settings.and_then(|settings| Provider::new(settings, clock.clone()));
        let provider = provider.map_err(anyhow::Error::msg);
        let provider = provider.with_context(|| format!("identity.issuers.{name}"))?;
        providers.insert(name.clone(), provider);
    }
    Ok(Some(http::Login::new(settings, providers, secret)))
}

/// Who is asked besides.
fn external(configuration: &Configuration) -> Result<External> {
    let settings = configuration.decision_point.settings();
    let external = settings.and_then(|settings| External::start(&settings));
    external.map_err(anyhow::Error::msg).context("decision_point")
}

/// Says which tenants have a decision point of their own, and are none.
fn note_strangers(configuration: &Configuration, registry: &Registry) -> Result<()> {
    for name in configuration.decision_point.tenants.keys() {
        let known = TenantReference::parse(name).map(|it| registry.resolve(&it)).transpose()?;
        if known.flatten().is_none() {
            tracing::warn!(
                key = format!("decision_point.tenants.{name}"),
                "there is no such tenant: nothing is asked for it"
            );
        }
    }
    Ok(())
}

/// Says what the process's file descriptors do not suffice for.
fn note_share(configuration: &Configuration) {
    let (share, http, storage) =
        (configuration.share(), &configuration.http, &configuration.storage);
    if share.tenants < storage.max_open_tenants || share.connections < http.max_connections {
        tracing::warn!(
            storage.max_open_tenants = share.tenants,
            http.max_connections = share.connections,
            "the limit of open files suffices for no more than these; raise it (ulimit -n, LimitNOFILE)"
        );
    }
}

fn report(report: &MigrationReport) {
    for tenant in &report.tenants {
        if let Some(problem) = &tenant.problem {
            tracing::error!(tenant.slug = %tenant.slug, error = %problem, "the tenant is quarantined");
        }
    }
}
