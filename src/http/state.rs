//! What every request can reach.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::watch;

use super::address::Anonymous;
use super::admission::Admission;
use super::cursor::CursorKey;
use super::login::Login;
use super::observe::Observed;
use super::rate::Rates;
use crate::domain::{ApiKeyTimes, Letters, PersonalTenants, Secret, TokenTimes};
use crate::identity::{ApiKeys, KeyRing, Signer, Verifier};
use crate::outbound::Webhooks;
use crate::storage::Registry;

/// What the HTTP floor is told.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Names and addresses of hosts on which this installation answers, besides base domains and tenants' own.
    pub hosts: Vec<String>,
    /// Whether the documentation is shown.
    pub docs: bool,
    /// Domains of which a tenant's slug can be the subdomain.
    pub base_domains: Vec<String>,
    /// Proxies whose forwarded headers count.
    pub trusted_proxies: BTreeSet<IpAddr>,
    /// Connections at once, over all workers.
    pub max_connections: usize,
    /// Connections of one client address at once, an IPv4 address or the /64 of an IPv6 one; 0 for any number.
    pub max_connections_per_address: usize,
    /// Log-in and token requests of one client address a minute; 0 for any number.
    pub anonymous_per_minute: u32,
    /// Requests of one tenant at once.
    pub max_requests_per_tenant: usize,
    /// Requests of one account at once, wherever they go.
    pub max_requests_per_caller: usize,
    /// Bytes of a request's target at most.
    pub max_uri_bytes: usize,
    /// Header fields of a request at most.
    pub max_headers: usize,
    /// Bytes of a header field's value at most.
    pub max_header_bytes: usize,
    /// Bytes of a request's body at most.
    pub max_body_bytes: usize,
    /// Levels of nesting of a body at most.
    pub max_json_depth: usize,
    /// Bytes of a page's items at most, unless a single one is longer.
    pub max_page_bytes: usize,
    /// Bytes of an answer that is computed at most: of a simulation, a search, an explanation.
    pub max_answer_bytes: usize,
    /// Bytes of an import's body at most.
    pub max_import_bytes: usize,
    /// Mail domains where anybody can have an address, which no tenant can have.
    pub public_domains: Vec<String>,
    /// What is written to whom somebody asks in.
    pub letters: Arc<Letters>,
    /// When accounts get a personal tenant.
    pub personal_tenants: PersonalTenants,
    /// Whether the routes of development mode are served.
    pub development: bool,
    /// Threads that serve requests.
    pub workers: usize,
    /// Threads for blocking work, per worker.
    pub blocking_threads: usize,
    /// Seconds that a client may take to send a request's head.
    pub client_timeout_s: u64,
    /// Seconds that a connection is kept on which no request comes.
    pub keep_alive_s: u64,
    /// Seconds that a client may take to take an answer.
    pub write_timeout_s: u64,
    /// Seconds that a request's body may take to come.
    pub body_timeout_s: u64,
    /// Seconds that requests may take to end when the server stops.
    pub shutdown_timeout_s: u64,
    /// What whoever reads figures brings; nobody may, where it is empty, but for the host's operator.
    pub metrics_token: Secret,
    /// Seconds that tokens are good for that are issued for others.
    pub tokens: TokenTimes,
    /// Seconds that API keys are good for.
    pub api_keys: ApiKeyTimes,
    /// Seconds that what a key has signed is good once another key signs.
    pub key_overlap_s: u32,
}

/// Makes the text of everything that was counted.
#[derive(Clone)]
pub struct Figures(pub Arc<dyn Fn() -> String + Send + Sync>);

impl std::fmt::Debug for Figures {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Figures")
    }
}

/// What the floor is given to work with.
#[derive(Debug)]
pub struct Equipment {
    /// The data.
    pub registry: Registry,
    /// Verifies callers' tokens.
    pub verifier: Verifier,
    /// Signs system JWTs.
    pub signer: Signer,
    /// Makes and reads API keys.
    pub api_keys: ApiKeys,
    /// Sends events, and makes the secrets that they are signed with.
    pub webhooks: Arc<Webhooks>,
    /// Makes the text of what was counted.
    pub figures: Figures,
}

/// What every request can reach.
#[derive(Debug)]
pub struct State {
    /// The data.
    pub registry: Registry,
    /// Verifies callers' tokens.
    pub verifier: Verifier,
    /// Signs system JWTs.
    pub signer: Signer,
    /// The keys of system JWTs.
    pub ring: Arc<KeyRing>,
    /// Makes and reads API keys.
    pub api_keys: ApiKeys,
    /// Sends events, and makes the secrets that they are signed with.
    pub webhooks: Arc<Webhooks>,
    /// Makes the text of what was counted.
    pub figures: Figures,
    /// What the floor is told.
    pub settings: Settings,
    /// Lets browsers log in, where they can.
    pub(super) login: Option<Login>,
    pub(super) cursors: CursorKey,
    pub(super) admission: Admission,
    pub(super) rates: Rates,
    pub(super) anonymous: Anonymous,
    pub(super) observed: Observed,
    /// Whether the server stops.
    pub(super) closing: watch::Sender<bool>,
}

impl State {
    /// Puts the parts together. The secret seals cursors.
    #[must_use]
    pub fn new(equipment: Equipment, settings: Settings, secret: &[u8; 32]) -> Self {
        let Equipment { registry, verifier, signer, api_keys, webhooks, figures } = equipment;
        let ring = signer.ring().clone();
        let admission = Admission::new(&settings);
        let anonymous = Anonymous::new(settings.anonymous_per_minute);
        let cursors = CursorKey::new(secret);
        let login = None;
        let rates = Rates::new();
        Self {
            registry,
            verifier,
            signer,
            ring,
            api_keys,
            webhooks,
            figures,
            settings,
            login,
            cursors,
            admission,
            rates,
            anonymous,
            observed: Observed::default(),
            closing: watch::channel(false).0,
        }
    }

    /// The same, where browsers can log in.
    #[must_use]
    pub fn with_login(self, login: Option<Login>) -> Self {
        Self { login, ..self }
    }
}
