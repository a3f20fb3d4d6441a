//! The configuration: the defaults, a file over them, the environment over both. What of it is unsafe, [`super::guard`]
//! says.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use config::{Config, Environment, File, FileFormat, Source, Value, ValueKind};
use serde::Deserialize;

use crate::outbound::WebhookSettings;

use super::application::Mode;
use super::decision_point::DecisionPointSection;
use super::issuers::Issuers;
use super::login::LoginSection;
use crate::domain::{
    ActionPattern, ApiKeyTimes, AssurancePolicy, Letters, PersonalTenants, Region, RetrySchedule,
    Secret, TokenTimes,
};

/// Letters in which a key may differ from the one that is meant.
const MAX_TYPOS: usize = 3;
/// Seconds of a day.
const DAY_S: u32 = 86_400;
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
    /// How browsers log in.
    pub login: LoginSection,
    /// What a question to the decision point may take.
    pub access: AccessSection,
    /// What counts as a strong log-in.
    pub assurance: AssuranceSection,
    /// How accounts are kept.
    pub accounts: AccountsSection,
    /// How people are asked in.
    pub invitations: InvitationsSection,
    /// What an installation begins with.
    pub seed: SeedSection,
    /// Who is asked besides.
    pub decision_point: DecisionPointSection,
    /// Where events are sent.
    pub webhooks: WebhooksSection,
    /// How audit logs are kept.
    pub audit: AuditSection,
    /// Who reads figures.
    pub metrics: MetricsSection,
    /// Spans.
    pub otel: OtelSection,
    /// What is logged.
    pub log: LogSection,
    /// The secrets that the file has.
    #[serde(skip)]
    pub(super) file_secrets: Option<FileSecrets>,
}

/// A configuration file, and the keys of the secrets in it.
#[derive(Debug, Clone)]
pub(super) struct FileSecrets {
    pub(super) path: PathBuf,
    pub(super) keys: Vec<String>,
}

/// Section `http`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpSection {
    pub(super) listen: String,
    pub(super) hosts: Vec<String>,
    pub(super) docs: bool,
    pub(super) base_domains: Vec<String>,
    pub(super) trusted_proxies: BTreeSet<IpAddr>,
    pub(super) max_connections: usize,
    pub(super) max_connections_per_address: usize,
    pub(super) anonymous_per_minute: u32,
    pub(super) max_requests_per_tenant: usize,
    pub(super) max_requests_per_caller: usize,
    pub(super) max_uri_bytes: usize,
    pub(super) max_headers: usize,
    pub(super) max_header_bytes: usize,
    pub(super) max_body_bytes: usize,
    pub(super) max_import_bytes: usize,
    pub(super) max_json_depth: usize,
    pub(super) max_page_bytes: usize,
    pub(super) workers: usize,
    pub(super) blocking_threads: usize,
    pub(super) keep_alive_s: u64,
    pub(super) client_timeout_s: u64,
    pub(super) body_timeout_s: u64,
    pub(super) write_timeout_s: u64,
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
    pub(super) token_ttl_s: u32,
    pub(super) max_token_ttl_s: u32,
    pub(super) api_key_ttl_days: u32,
    pub(super) max_api_key_ttl_days: u32,
    pub(super) key_overlap_s: u32,
    pub(super) rotate_after_days: u32,
    pub(super) local_issuer: bool,
    pub(super) allow_plain_loopback: bool,
    pub(super) private_issuer_hosts: Vec<String>,
    pub(super) jwks_ttl_s: u64,
    pub(super) jwks_max_stale_s: u64,
    pub(super) jwks_retry_s: u64,
    pub(super) issuers: Issuers,
}

/// Section `access`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessSection {
    pub(super) max_work_ms: u64,
    pub(super) max_answer_bytes: usize,
}

/// Section `assurance`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssuranceSection {
    pub(super) acr_values: Vec<String>,
    pub(super) amr_values: Vec<String>,
    pub(super) max_age_s: i64,
    pub(super) step_up: Vec<String>,
}

/// Section `accounts`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsSection {
    pub(super) personal_tenants: PersonalTenants,
}

/// Section `invitations`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InvitationsSection {
    pub(super) link: String,
    pub(super) text: String,
    pub(super) public_domains: Vec<String>,
}

/// Section `seed`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeedSection {
    pub(super) slug: String,
    pub(super) name: String,
}

/// Section `webhooks`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WebhooksSection {
    pub(super) private_hosts: Vec<String>,
    pub(super) allow_loopback: bool,
    pub(super) timeout_s: u64,
    pub(super) retry_delays_s: Vec<u32>,
    pub(super) max_dead_letters: u32,
}

impl WebhooksSection {
    /// Where events may be sent.
    pub(super) fn settings(&self, mode: Mode) -> WebhookSettings {
        WebhookSettings {
            private_hosts: self.private_hosts.clone(),
            allow_loopback: self.allow_loopback || mode == Mode::Development,
            timeout: Duration::from_secs(self.timeout_s),
        }
    }

    /// When what failed is tried again.
    pub(super) fn schedule(&self) -> RetrySchedule {
        RetrySchedule { delays_s: self.retry_delays_s.clone(), max_dead: self.max_dead_letters }
    }
}

/// Section `audit`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditSection {
    pub(super) platform_retention_days: u32,
}

/// Section `metrics`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetricsSection {
    pub(super) token: Secret,
}

/// Section `otel`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OtelSection {
    pub(super) endpoint: String,
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
        let defaults = File::from_str(DEFAULTS, FileFormat::Toml);
        let environment = environment();
        let mut builder = Config::builder().add_source(defaults.clone());
        let (mut unknown, mut file_secrets) = (Vec::new(), None);
        if let Some(path) = file {
            if !path.is_file() {
                bail!("{}: there is no such configuration file", path.display());
            }
            let given = File::from(path).format(FileFormat::Toml);
            let keys = keys_of(&given);
            let keys = keys
                .with_context(|| format!("{}: the configuration cannot be read", path.display()))?;
            let secrets = secrets_of(&given)?;
            file_secrets = Some(FileSecrets { path: path.to_owned(), keys: secrets });
            let named = |key: String| format!("{}: {key}{}", path.display(), meant(&key));
            unknown.extend(unknown_among(keys)?.map(named));
            builder = builder.add_source(given);
        }
        let keys = keys_of(&environment).context("the environment cannot be read")?;
        unknown.extend(unknown_among(keys)?.map(|key| variable(&key) + &meant(&key)));
        unknown.extend(half_prefixed());
        if !unknown.is_empty() {
            bail!(
                "there is no such key (config/default.toml has them all):\n  {}",
                unknown.join("\n  ")
            );
        }
        let built = builder.add_source(environment).add_source(secrets());
        let built = built.build().context("the configuration cannot be read")?;
        let read: Self = built.try_deserialize().context("the configuration cannot be used")?;
        Ok(Self { file_secrets, ..read })
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

    /// What storage is told.
    #[must_use]
    pub fn storage(&self, data: &Path) -> crate::storage::Settings {
        let section = &self.storage;
        let regions = section.regions.iter();
        crate::storage::Settings {
            regions: regions
                .filter_map(|(name, path)| Some((Region::parse(name.as_str()).ok()?, path.clone())))
                .collect(),
            max_open_tenants: self.share().tenants,
            readers_per_tenant: section.readers_per_tenant,
            registry_readers: section.registry_readers,
            writer_threads: section.writer_threads,
            max_waiting_writes: section.max_waiting_writes,
            max_batch: section.max_batch,
            read_steps: section.read_steps,
            max_work: Duration::from_millis(self.access.max_work_ms),
            reader_timeout: Duration::from_millis(section.reader_timeout_ms),
            reader_idle: Duration::from_secs(section.reader_idle_s),
            min_free_bytes: section.min_free_bytes,
            max_opening_tenants: section.max_opening_tenants,
            assurance: Arc::new(self.assurance()),
            ..crate::storage::Settings::new(data.to_owned())
        }
    }

    /// What counts as a strong and recent log-in; patterns that are none the guard has refused.
    fn assurance(&self) -> AssurancePolicy {
        let section = &self.assurance;
        let patterns = section.step_up.iter();
        AssurancePolicy {
            acr_values: section.acr_values.clone(),
            amr_values: section.amr_values.clone(),
            max_age_s: section.max_age_s,
            step_up: patterns.filter_map(|text| ActionPattern::parse(text.as_str()).ok()).collect(),
        }
    }

    /// The hosts on which this installation answers, besides base domains and tenants' own.
    pub(super) fn hosts(&self) -> Vec<String> {
        let named = self.http.hosts.iter().map(|host| host.to_ascii_lowercase());
        named.chain(self.login.public_host()).collect()
    }

    /// What is written to whom somebody asks in.
    fn letters(&self) -> Letters {
        let InvitationsSection { link, text, .. } = &self.invitations;
        Letters { link: link.clone(), text: text.clone() }
    }

    /// What of tenants and connections the process's file descriptors suffice for.
    pub(super) fn share(&self) -> Share {
        let descriptors = descriptors();
        // A connection to a file takes the file, its log, and one index for all.
        let per_tenant = 2 * (self.storage.readers_per_tenant as usize + 1) + 1;
        Share {
            tenants: self.storage.max_open_tenants.min((descriptors / 2 / per_tenant).max(2)),
            connections: self.http.max_connections.min((descriptors / 10 * 3).max(1)),
        }
    }

    /// What the HTTP floor is told.
    #[must_use]
    pub fn http(&self, mode: Mode) -> crate::http::Settings {
        let section = &self.http;
        let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        crate::http::Settings {
            hosts: self.hosts(),
            docs: section.docs,
            base_domains: section
                .base_domains
                .iter()
                .map(|domain| domain.to_ascii_lowercase())
                .collect(),
            trusted_proxies: section.trusted_proxies.clone(),
            public_domains: self.invitations.public_domains.clone(),
            letters: Arc::new(self.letters()),
            personal_tenants: self.accounts.personal_tenants,
            development: mode == Mode::Development,
            metrics_token: self.metrics.token.clone(),
            max_connections: self.share().connections,
            max_connections_per_address: section.max_connections_per_address,
            anonymous_per_minute: section.anonymous_per_minute,
            max_requests_per_tenant: section.max_requests_per_tenant,
            max_requests_per_caller: section.max_requests_per_caller,
            max_uri_bytes: section.max_uri_bytes,
            max_headers: section.max_headers,
            max_header_bytes: section.max_header_bytes,
            max_body_bytes: section.max_body_bytes,
            max_import_bytes: section.max_import_bytes,
            max_json_depth: section.max_json_depth,
            max_answer_bytes: self.access.max_answer_bytes,
            max_page_bytes: section.max_page_bytes,
            workers: if section.workers == 0 { cores } else { section.workers },
            blocking_threads: section.blocking_threads,
            keep_alive_s: section.keep_alive_s,
            client_timeout_s: section.client_timeout_s,
            body_timeout_s: section.body_timeout_s,
            write_timeout_s: section.write_timeout_s,
            shutdown_timeout_s: section.shutdown_timeout_s,
            tokens: TokenTimes {
                usual_s: self.identity.token_ttl_s,
                most_s: self.identity.max_token_ttl_s,
            },
            api_keys: ApiKeyTimes {
                usual_s: self.identity.api_key_ttl_days.saturating_mul(DAY_S),
                most_s: self.identity.max_api_key_ttl_days.saturating_mul(DAY_S),
            },
            key_overlap_s: self.identity.key_overlap_s,
        }
    }
}

/// What the process's file descriptors suffice for: half of them are for tenants' files, three tenths for connections,
/// and a fifth is left for everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    /// Tenants that are open at once.
    pub(super) tenants: usize,
    /// Connections at once.
    pub(super) connections: usize,
}

/// File descriptors that the process may have open.
pub(super) fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(usize::MAX)
}

fn environment() -> Environment {
    Environment::with_prefix("FREEHOLD")
        .prefix_separator("__")
        .separator("__")
        .try_parsing(true)
        .list_separator(",")
        .with_list_parse_key("http.hosts")
        .with_list_parse_key("http.base_domains")
        .with_list_parse_key("http.trusted_proxies")
        .with_list_parse_key("invitations.public_domains")
        .with_list_parse_key("identity.private_issuer_hosts")
        .with_list_parse_key("webhooks.private_hosts")
        .with_list_parse_key("webhooks.retry_delays_s")
        .with_list_parse_key("assurance.acr_values")
        .with_list_parse_key("assurance.amr_values")
        .with_list_parse_key("assurance.step_up")
        .with_list_parse_key("decision_point.actions")
        .with_list_parse_key("decision_point.platform_actions")
}

/// The secrets of the environment, as they are: one that looks like a number is none.
fn secrets() -> Environment {
    let is_secret = |name: &str| {
        ["__TOKEN", "__CLIENT_SECRET", "__CLIENT_ID"]
            .iter()
            .any(|end| name.to_ascii_uppercase().ends_with(end))
    };
    let texts = std::env::vars_os()
        .filter_map(|(name, text)| Some((name.into_string().ok()?, text.into_string().ok()?)));
    let secrets = texts.filter(|(name, _)| is_secret(name)).collect();
    Environment::with_prefix("FREEHOLD")
        .prefix_separator("__")
        .separator("__")
        .source(Some(secrets))
}

/// A key of the environment, by its variable and by its own name.
fn variable(key: &str) -> String {
    format!("FREEHOLD__{}: {key}", key.to_uppercase().replace('.', "__"))
}

/// Variables that lack one of the two underscores that every key's has behind `FREEHOLD`.
fn half_prefixed() -> Vec<String> {
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let halves = names.filter_map(|name| {
        let key = name.strip_prefix("FREEHOLD_")?;
        let is_half = !key.starts_with('_') && key.contains("__");
        is_half.then(|| format!("{name}: write FREEHOLD__{key}"))
    });
    halves.collect()
}

/// The key that was probably meant, in words.
fn meant(key: &str) -> String {
    let known = keys_of(&File::from_str(DEFAULTS, FileFormat::Toml)).unwrap_or_default();
    let distance = |known: &String| strsim::damerau_levenshtein(known, key);
    let nearest =
        known.into_iter().min_by_key(distance).filter(|known| distance(known) <= MAX_TYPOS);
    nearest.map_or_else(String::new, |known| format!("; is {known} meant?"))
}

/// The keys that a source sets, each with its sections.
fn keys_of(source: &impl Source) -> Result<Vec<String>> {
    Ok(values_of(source)?.into_keys().collect())
}

/// The keys of a source's secrets; an empty value is no secret.
fn secrets_of(source: &impl Source) -> Result<Vec<String>> {
    let is_secret = |key: &str| [".token", ".client_secret"].iter().any(|end| key.ends_with(end));
    let is_empty = |kind: &ValueKind| matches!(kind, ValueKind::String(text) if text.is_empty());
    let values = values_of(source)?.into_iter();
    let secrets = values.filter(|(key, kind)| is_secret(key) && !is_empty(kind));
    Ok(secrets.map(|(key, _)| key).collect())
}

fn values_of(source: &impl Source) -> Result<BTreeMap<String, ValueKind>> {
    let mut values = BTreeMap::new();
    for (key, value) in source.collect()? {
        flatten(key, value, &mut values);
    }
    Ok(values)
}

fn flatten(key: String, value: Value, values: &mut BTreeMap<String, ValueKind>) {
    match value.kind {
        ValueKind::Table(table) => {
            for (name, value) in table {
                flatten(format!("{key}.{name}"), value, values);
            }
        }
        kind => {
            values.insert(key, kind);
        }
    }
}

/// Those keys that nothing is known by. Regions, tenants and issuers have names of their own.
fn unknown_among(keys: Vec<String>) -> Result<impl Iterator<Item = String>> {
    let known = keys_of(&File::from_str(DEFAULTS, FileFormat::Toml))?;
    let is_named = |key: &str| {
        key.starts_with("storage.regions.")
            || key.starts_with("decision_point.tenants.")
            || key.starts_with("identity.issuers.")
    };
    let is_unknown = move |key: &String| !known.contains(key) && !is_named(key);
    Ok(keys.into_iter().filter(is_unknown))
}
