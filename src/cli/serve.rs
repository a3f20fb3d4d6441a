//! Servers: for production and for development; and the checks that need no server.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::future::select_all;
use serde_json::json;
use tokio::net::TcpSocket;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::application::{Application, Mode, call};
use super::args::{Dev, Listen};
use super::configuration::Configuration;
use super::guard::{guard, warnings};
use super::{node, output};
use crate::domain::{Assurance, HOST_ACR, ImportOutcome, ImportProgress, TenantReference};
use crate::identity::Grant;
use crate::outbound;
use crate::policy::Policy;
use crate::services::imports::{self, Run};

const DEMO: &str = include_str!("../../config/demo.json");
/// Seconds that a demo token is good for.
const DEMO_TTL_S: i64 = 12 * 3600;
/// The signal of a file that would become larger than may be, on Linux.
const SIGXFSZ: i32 = 25;
/// Connections that wait to be taken at most.
const BACKLOG: u32 = 1024;

impl Listen {
    /// What is typed counts more than what is configured.
    fn over(&self, configuration: &mut Configuration) {
        if let Some(listen) = &self.listen {
            configuration.http.listen.clone_from(listen);
        }
    }
}

/// Serves for production.
pub(super) async fn serve(
    data: &Path,
    mut configuration: Configuration,
    listen: &Listen,
) -> Result<ExitCode> {
    listen.over(&mut configuration);
    guard(data, &configuration, Mode::Production)?;
    for warning in warnings(&configuration) {
        tracing::warn!("{warning}");
    }
    run(data, configuration, Mode::Production, |_, _| Ok(())).await
}

/// Serves for development.
pub(super) async fn dev(
    data: &Path,
    mut configuration: Configuration,
    dev: &Dev,
) -> Result<ExitCode> {
    dev.listen.over(&mut configuration);
    // All that develop here share the loopback address.
    configuration.http.max_connections_per_address = 0;
    configuration.http.anonymous_per_minute = 0;
    configuration.identity.local_issuer = true;
    configuration.identity.allow_plain_loopback = true;
    if !configuration.http.base_domains.iter().any(|domain| domain == "localhost") {
        configuration.http.base_domains.push("localhost".to_owned());
    }
    let listen = configuration.listen().map(|address| address.ip().to_string()).ok();
    let loopback = ["127.0.0.1", "::1"].map(str::to_owned);
    configuration.http.hosts.extend(loopback.into_iter().chain(listen));
    guard(data, &configuration, Mode::Development)?;
    let as_json = dev.json;
    run(data, configuration, Mode::Development, move |application, address| {
        import_demo(application)?;
        show_demo(application, address, as_json)
    })
    .await
}

/// Runs until a signal says to stop, and stops in order.
async fn run(
    data: &Path,
    configuration: Configuration,
    mode: Mode,
    ready: impl FnOnce(&Application, &str) -> Result<()> + Send + 'static,
) -> Result<ExitCode> {
    let listen = configuration.listen()?;
    // A signal that comes while files are opened stops the server in order too.
    let mut signals = Signals::new()?;
    node::refuse_taken(data)?;
    // The port is taken before anything is opened, so that a taken one costs nothing.
    let tcp = take(listen).with_context(|| {
        format!("http.listen: {listen} cannot be taken; choose another with --listen")
    })?;
    let address = tcp.local_addr()?.to_string();
    let application = node::start(data, configuration, mode).await?;
    let server = application.server(mode, Some(tcp))?;
    let handle = server.handle.clone();
    let mut running = Box::pin(server.running);
    tracing::info!(address, "serving");
    let (application, ready) = node::apart(move || {
        let mut application = application;
        application.deliver()?;
        let ready = ready(&application, &address);
        Ok((application, ready))
    })
    .await?;
    let ended = match ready {
        Ok(()) => signals.stop(&mut running).await,
        Err(error) => Err(error),
    };
    tracing::info!("stopping: running requests end, every file is closed");
    let (_stopped, _ended) = tokio::join!(handle.stop(true), running);
    node::stop(application).await?;
    ended.map(|()| ExitCode::SUCCESS)
}

/// Takes an address; connections beyond those that are served wait there, for a while.
fn take(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)?.into_std()
}

/// The signals that stop a server.
struct Signals {
    stops: Vec<Signal>,
    /// Heard by nobody: a write beyond the limit of a file's size fails like one on a full disk, and ends no process.
    _file_size: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let mut stops = vec![SignalKind::terminate(), SignalKind::interrupt(), SignalKind::quit()];
        // `nohup` lets a server outlive its terminal.
        if !is_ignored(SignalKind::hangup()) {
            stops.push(SignalKind::hangup());
        }
        Ok(Self {
            stops: stops.into_iter().map(signal).collect::<std::io::Result<_>>()?,
            _file_size: signal(SignalKind::from_raw(SIGXFSZ))?,
        })
    }

    /// Runs until a signal has come.
    async fn stop(
        &mut self,
        running: &mut (impl Future<Output = std::io::Result<()>> + Unpin),
    ) -> Result<()> {
        let signals = self.stops.iter_mut().map(|signal| Box::pin(signal.recv()));
        tokio::select! {
            _ = select_all(signals) => Ok(()),
            ended = running => ended.context("the server ended"),
        }
    }
}

/// Whether the process was started with a signal ignored, as `/proc` tells; not ignored where it cannot tell.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    (mask >> (kind.as_raw_value() - 1)) & 1 == 1
}

/// Checks what `serve` would check, and does nothing else.
pub(super) fn check(data: &Path, configuration: &Configuration) -> Result<ExitCode> {
    for warning in warnings(configuration) {
        output::tell(&format!("warning: {warning}"));
    }
    guard(data, configuration, Mode::Production)?;
    Policy::embedded()?;
    output::say("ok")?;
    Ok(ExitCode::SUCCESS)
}

/// Asks the configured address whether it serves.
pub(super) async fn healthcheck(
    mut configuration: Configuration,
    listen: &Listen,
) -> Result<ExitCode> {
    listen.over(&mut configuration);
    let mut address = configuration.listen()?;
    if address.ip().is_unspecified() {
        address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
    }
    let client = reqwest::Client::builder();
    // What is asked is this host: without certificates of authorities, of which it may have none.
    let client = client.timeout(Duration::from_secs(3)).tls_certs_only([]).build()?;
    let sent = client.get(format!("http://{address}/readyz")).send().await;
    let response = sent.map_err(|error| {
        anyhow::anyhow!("http.listen: nobody answers at {address}: {}", outbound::cause(&error))
    })?;
    if !response.status().is_success() {
        bail!("the server at {address} answers {}", response.status());
    }
    output::say("ready")?;
    Ok(ExitCode::SUCCESS)
}

fn import_demo(application: &Application) -> Result<()> {
    let file = imports::parse(DEMO.as_bytes()).map_err(|problem| anyhow::anyhow!("{problem:?}"))?;
    let quiet: imports::OnProgress = Arc::new(|_: ImportProgress| {});
    let report = imports::run(application.registry(), &call("dev"), &file, Run::Real, &quiet)?;
    for tenant in report.tenants.iter().filter(|tenant| tenant.outcome == ImportOutcome::Failed) {
        tracing::warn!(tenant.slug = %tenant.slug, problem = tenant.problem, "a demo tenant is not as it was made");
    }
    Ok(())
}

/// A person of the demo: name, role, tenant and token.
type Demonstrator = (&'static str, &'static str, &'static str, String);

/// Prints working URLs, tokens and requests to try.
fn show_demo(application: &Application, address: &str, as_json: bool) -> Result<()> {
    let people = [
        ("alice", "owner", "acme"),
        ("carol", "member", "acme"),
        ("gus", "guest", "acme"),
        ("erin", "owner", "globex"),
    ];
    let mut tokens = Vec::new();
    for (person, role, tenant) in people {
        tokens.push((person, role, tenant, demo_token(application, person, tenant)?));
    }
    let text = if as_json { demo_json(address, &tokens)? } else { demo_text(address, &tokens) };
    output::secret(&text, "the demo's tokens", "start again: every start prints new ones")
}

fn demo_json(address: &str, tokens: &[Demonstrator]) -> Result<String> {
    let url = format!("http://{address}");
    let tokens: Vec<_> = tokens
        .iter()
        .map(|(person, role, tenant, token)| json!({"person": person, "role": role, "tenant": tenant, "token": token}))
        .collect();
    let said = json!({ "url": url, "docs": format!("{url}/docs/"), "tokens": tokens });
    Ok(serde_json::to_string_pretty(&said)?)
}

fn demo_text(address: &str, tokens: &[Demonstrator]) -> String {
    let url = format!("http://{address}");
    let port = address.rsplit(':').next().unwrap_or_default();
    let exports: Vec<_> = tokens
        .iter()
        .map(|(person, role, tenant, token)| {
            let variable = person.to_uppercase();
            format!("  {person} is {role} of {tenant}\n  export {variable}={token}\n\n")
        })
        .collect();
    let (exports, alice, carol) = (exports.concat(), &tokens[0].3, &tokens[1].3);
    format!(
        "
Freehold serves for development at {url}

  API documentation   {url}/docs/
  OpenAPI             {url}/openapi.json
  A tenant by host    http://acme.localhost:{port}/v1/tenant/resources

Tokens, valid for twelve hours:

{exports}Try:

  curl -H 'Authorization: Bearer {alice}' {url}/v1/me

  curl -H 'Authorization: Bearer {carol}' {url}/v1/tenants/acme/resources

  curl -H 'Authorization: Bearer {alice}' -H 'Content-Type: application/json' -d '{{\"name\": \"design\"}}' {url}/v1/tenants/acme/teams

Stop it with Ctrl-C."
    )
}

fn demo_token(application: &Application, person: &str, tenant: &str) -> Result<String> {
    let reference = TenantReference::parse(tenant).context("a demo tenant has a slug")?;
    let entry =
        application.registry().resolve(&reference)?.context("a demo tenant is not there")?;
    let grant = Grant {
        subject: person.to_owned(),
        tenant: Some((entry.id, entry.slug.clone())),
        actor: None,
        scope: None,
        session: None,
        api_key: None,
        exchanged_for: Vec::new(),
        assurance: Assurance {
            acr: Some(HOST_ACR.to_owned()),
            amr: Vec::new(),
            auth_time_s: Some(application.clock().now().seconds()),
        },
        ttl_s: DEMO_TTL_S,
    };
    Ok(application.local_signer()?.sign(&grant, &*application.clock())?.token)
}
