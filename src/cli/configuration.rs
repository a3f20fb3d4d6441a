//! The configuration: the defaults, a file over them, the environment over both; and what of it is unsafe.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use config::{Config, Environment, File, FileFormat};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

use super::application::Mode;
use crate::domain::Region;
use crate::storage::{OLDEST_SQLITE, sqlite_version};

const DEFAULTS: &str = include_str!("../../config/default.toml");

/// Every key; `config/default.toml` says what each means.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// Where requests come in.
    pub http: HttpSection,
    /// How files are kept.
    pub storage: StorageSection,
    /// Who signs.
    pub identity: IdentitySection,
    /// What is logged.
    pub log: LogSection,
}

/// Section `http`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    pub(super) listen: String,
    pub(super) base_domains: Vec<String>,
    pub(super) trusted_proxies: BTreeSet<IpAddr>,
    pub(super) max_body_bytes: usize,
    pub(super) max_import_bytes: usize,
    pub(super) workers: usize,
    pub(super) blocking_threads: usize,
    pub(super) client_timeout_s: u64,
    pub(super) body_timeout_s: u64,
    pub(super) shutdown_timeout_s: u64,
}

/// Section `storage`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StorageSection {
    pub(super) max_open_tenants: usize,
    pub(super) readers_per_tenant: u32,
    pub(super) registry_readers: u32,
    pub(super) writer_threads: usize,
    pub(super) max_waiting_writes: usize,
    pub(super) max_batch: usize,
    pub(super) read_steps: u32,
    pub(super) reader_timeout_ms: u64,
    pub(super) reader_idle_s: u64,
    pub(super) min_free_bytes: u64,
    pub(super) max_opening_tenants: usize,
    pub(super) regions: BTreeMap<String, PathBuf>,
}

/// Section `identity`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdentitySection {
    pub(super) issuer: String,
    pub(super) audience: String,
    pub(super) local_issuer: bool,
}

/// Section `log`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSection {
    pub(super) format: LogFormat,
    pub(super) level: String,
}

/// How log lines are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

impl Configuration {
    /// Reads the configuration.
    ///
    /// # Errors
    /// A file that cannot be read; a key that is not known or has a wrong value.
    pub fn load(file: Option<&Path>) -> Result<Self> {
        let mut builder = Config::builder().add_source(File::from_str(DEFAULTS, FileFormat::Toml));
        if let Some(file) = file {
            if !file.exists() {
                bail!("{}: there is no such configuration file", file.display());
            }
            builder = builder.add_source(File::from(file).format(FileFormat::Toml));
        }
        let environment = Environment::with_prefix("FREEHOLD")
            .prefix_separator("__")
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .with_list_parse_key("http.base_domains")
            .with_list_parse_key("http.trusted_proxies");
        let built =
            builder.add_source(environment).build().context("the configuration cannot be read")?;
        built.try_deserialize().context("the configuration cannot be used")
    }

    /// The address to listen on.
    ///
    /// # Errors
    /// It is none.
    pub fn listen(&self) -> Result<SocketAddr> {
        let listen = &self.http.listen;
        listen.parse().with_context(|| {
            format!("http.listen: {listen:?} is no address with a port, as 127.0.0.1:8080 is")
        })
    }

    /// What is unsafe, or cannot work; each finding names its key.
    #[must_use]
    pub fn unsafe_settings(&self, mode: Mode, data: &Path) -> Vec<String> {
        let mut findings = Vec::new();
        let mut find = |bad: bool, text: &str| {
            if bad {
                findings.push(text.to_owned());
            }
        };
        let loopback = self.listen().map(|address| address.ip().is_loopback());
        find(
            loopback.is_err(),
            "http.listen: must be an address with a port, as 127.0.0.1:8080 is",
        );
        find(
            mode == Mode::Development && matches!(loopback, Ok(false)),
            "http.listen: development mode takes loopback addresses alone; `freehold serve` is for all others",
        );
        find(
            mode == Mode::Production && self.identity.local_issuer,
            "identity.local_issuer: must be false; the local issuer signs for everybody and is for `freehold dev` alone",
        );
        find(self.identity.audience.is_empty(), "identity.audience: must not be empty");
        find(self.identity.issuer.is_empty(), "identity.issuer: must not be empty");
        find(
            self.identity.issuer == "local",
            "identity.issuer: \"local\" is the local issuer's name",
        );
        find(
            sqlite_version().1 < OLDEST_SQLITE,
            "SQLite is older than 3.51.3, which may corrupt files; build with the bundled one",
        );
        find(readable_by_others(data), "the data directory can be read by others: chmod 700 it");
        find(
            EnvFilter::try_new(&self.log.level).is_err(),
            "log.level: is neither a level nor directives",
        );
        find(self.http.max_body_bytes == 0, "http.max_body_bytes: must be 1 or more");
        find(self.http.max_import_bytes == 0, "http.max_import_bytes: must be 1 or more");
        let storage = &self.storage;
        find(storage.max_open_tenants == 0, "storage.max_open_tenants: must be 1 or more");
        find(storage.readers_per_tenant == 0, "storage.readers_per_tenant: must be 1 or more");
        find(storage.registry_readers == 0, "storage.registry_readers: must be 1 or more");
        find(storage.writer_threads == 0, "storage.writer_threads: must be 1 or more");
        find(storage.max_waiting_writes == 0, "storage.max_waiting_writes: must be 1 or more");
        find(storage.max_opening_tenants == 0, "storage.max_opening_tenants: must be 1 or more");
        find(storage.max_batch == 0, "storage.max_batch: must be 1 or more");
        find(self.http.body_timeout_s == 0, "http.body_timeout_s: must be 1 or more");
        find(self.http.blocking_threads == 0, "http.blocking_threads: must be 1 or more");
        findings.extend(self.bad_regions());
        findings
    }

    fn bad_regions(&self) -> Vec<String> {
        let bad = |(name, path): (&String, &PathBuf)| match Region::parse(name.as_str()) {
            Err(message) => Some(format!("storage.regions.{name}: the name {message}")),
            Ok(_) if name == "default" => {
                Some("storage.regions.default: is <data>/tenants already".to_owned())
            }
            Ok(_) if !path.is_absolute() => {
                Some(format!("storage.regions.{name}: must be an absolute path"))
            }
            Ok(_) => None,
        };
        self.storage.regions.iter().filter_map(bad).collect()
    }

    /// What storage is told.
    #[must_use]
    pub fn storage(&self, data: &Path) -> crate::storage::Settings {
        let section = &self.storage;
        let regions = section.regions.iter();
        crate::storage::Settings {
            regions: regions
                .filter_map(|(name, path)| Some((Region::parse(name.as_str()).ok()?, path.clone())))
                .collect(),
            max_open_tenants: section.max_open_tenants.min(self.tenants_by_descriptors()),
            readers_per_tenant: section.readers_per_tenant,
            registry_readers: section.registry_readers,
            writer_threads: section.writer_threads,
            max_waiting_writes: section.max_waiting_writes,
            max_batch: section.max_batch,
            read_steps: section.read_steps,
            reader_timeout: Duration::from_millis(section.reader_timeout_ms),
            reader_idle: Duration::from_secs(section.reader_idle_s),
            min_free_bytes: section.min_free_bytes,
            max_opening_tenants: section.max_opening_tenants,
            ..crate::storage::Settings::new(data.to_owned())
        }
    }

    /// Tenants that the process's file descriptors suffice for: a file, its log and its index for each connection, and
    /// a fifth left for everything else.
    fn tenants_by_descriptors(&self) -> usize {
        let per_tenant = 2 * (self.storage.readers_per_tenant as usize + 1) + 1;
        (descriptors() / 5 * 4 / per_tenant).max(2)
    }

    /// What the HTTP floor is told.
    #[must_use]
    pub fn http(&self, mode: Mode) -> crate::http::Settings {
        let section = &self.http;
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        crate::http::Settings {
            base_domains: section
                .base_domains
                .iter()
                .map(|domain| domain.to_ascii_lowercase())
                .collect(),
            trusted_proxies: section.trusted_proxies.clone(),
            development: mode == Mode::Development,
            max_body_bytes: section.max_body_bytes,
            max_import_bytes: section.max_import_bytes,
            workers: if section.workers == 0 { cores } else { section.workers },
            blocking_threads: section.blocking_threads,
            client_timeout_s: section.client_timeout_s,
            body_timeout_s: section.body_timeout_s,
            shutdown_timeout_s: section.shutdown_timeout_s,
        }
    }
}

/// File descriptors that the process may have open.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(usize::MAX)
}

fn readable_by_others(data: &Path) -> bool {
    std::fs::metadata(data).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}
