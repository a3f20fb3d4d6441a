//! The server: listeners, workers, and how they stop.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixListener;
use std::time::Duration;

use actix_http::HttpService;
use actix_http::error::DispatchError;
use actix_server::{GracefulShutdownSignal, ServerBuilder};
use actix_service::{ServiceFactory, ServiceFactoryExt, fn_service, map_config};
use actix_web::body::BoxBody;
use actix_web::dev::{AppConfig, Extensions, ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, Error as WebError, HttpResponse};
use futures_util::future::LocalBoxFuture;
use metrics::counter;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::watch;

use super::address::{self, Network};
use super::admission::Place;
use super::authentication::LocalSocket;
use super::connection::{Patience, Watched};
use super::failure::Failure;
use super::state::{Settings, State};
use super::turns::Turns;
use super::{docs, middleware, openapi, route, routes};
use crate::domain::Error;

/// Where requests come in.
#[derive(Debug)]
pub struct Listeners {
    /// The address that everybody may reach.
    pub tcp: Option<TcpListener>,
    /// The local socket, which only the host's operator may open.
    pub local: Option<UnixListener>,
}

/// A server that runs once it is awaited.
pub struct Server {
    /// Runs it until it is stopped.
    pub running: LocalBoxFuture<'static, io::Result<()>>,
    /// Stops it.
    pub handle: Handle,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

/// Stops a server.
#[derive(Debug, Clone)]
pub struct Handle {
    servers: Vec<ServerHandle>,
    /// Tells those who stay that it is time to go.
    closing: watch::Sender<bool>,
}

impl Handle {
    /// Takes no more connections; in order, running requests end first.
    pub async fn stop(&self, in_order: bool) {
        self.closing.send_replace(true);
        futures_util::future::join_all(self.servers.iter().map(|one| one.stop(in_order))).await;
    }
}

/// What every worker makes its services from.
#[derive(Clone)]
struct Parts {
    state: Data<State>,
    document: web::Bytes,
}

/// Makes a server. It handles no signals: whoever runs it stops it.
///
/// The local socket has a worker of its own, so that the operator gets in when the address is flooded.
///
/// # Errors
/// A listener cannot be used.
pub fn serve(state: State, listeners: Listeners) -> io::Result<Server> {
    let settings = state.settings.clone();
    let document = web::Bytes::from(openapi::document().to_json().unwrap_or_default());
    let closing = state.closing.clone();
    let parts = Parts { state: Data::new(state), document };
    let mut servers = Vec::new();
    if let Some(tcp) = listeners.tcp {
        let builder = builder(&settings, settings.workers);
        let signal = builder.graceful_shutdown_signal();
        let parts = parts.clone();
        let made = builder.listen("address", tcp, move || over_tcp(&parts, &signal))?;
        servers.push(made.run());
    }
    if let Some(local) = listeners.local {
        let builder = builder(&settings, 1);
        let signal = builder.graceful_shutdown_signal();
        let made =
            builder.listen_uds("local", local, move || over_local_socket(&parts, &signal))?;
        servers.push(made.run());
    }
    let handle =
        Handle { servers: servers.iter().map(actix_web::dev::Server::handle).collect(), closing };
    let running = futures_util::future::try_join_all(servers);
    Ok(Server { running: Box::pin(async move { running.await.map(drop) }), handle })
}

fn builder(settings: &Settings, workers: usize) -> ServerBuilder {
    actix_server::Server::build()
        .workers(workers)
        .max_concurrent_connections(settings.max_connections.div_ceil(workers))
        .worker_max_blocking_threads(settings.blocking_threads)
        .shutdown_timeout(settings.shutdown_timeout_s)
        .disable_signals()
}

fn over_tcp(
    parts: &Parts,
    signal: &GracefulShutdownSignal,
) -> impl ServiceFactory<TcpStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
+ use<> {
    let patience = patience(&parts.state.settings);
    let state = parts.state.clone();
    let stream = fn_service(move |stream: TcpStream| {
        let admitted = admit(&state, &stream);
        std::future::ready(match admitted {
            Ok((peer, place)) => Ok((Watched::new(stream, reset, patience, place), Some(peer))),
            Err(error) => {
                reset(&stream);
                Err(DispatchError::Io(error))
            }
        })
    });
    stream.and_then(requests(parts, signal, |_| {}))
}

/// The address of a connection's peer, and its place among those of its network. A proxy has as many as it wants.
fn admit(state: &State, stream: &TcpStream) -> io::Result<(SocketAddr, Option<Place>)> {
    let peer = stream.peer_addr()?;
    if address::is_proxy(peer.ip(), &state.settings.trusted_proxies) {
        return Ok((peer, None));
    }
    let place = state.admission.connect(Network::of(peer.ip()));
    let place = place.map_err(|error| {
        counter!("freehold_refused_connections_total").increment(1);
        tracing::debug!(client.address = %peer.ip(), "a connection beyond `http.max_connections_per_address` was closed");
        io::Error::other(error.to_string())
    })?;
    Ok((peer, Some(place)))
}

fn over_local_socket(
    parts: &Parts,
    signal: &GracefulShutdownSignal,
) -> impl ServiceFactory<UnixStream, Config = (), Response = (), Error = DispatchError, InitError = ()>
+ use<> {
    let patience = patience(&parts.state.settings);
    let stream = fn_service(move |stream: UnixStream| async move {
        Ok((Watched::new(stream, |_| {}, patience, None), None))
    });
    stream.and_then(requests(parts, signal, |data| {
        data.insert(LocalSocket);
    }))
}

/// Closed as usual, a connection would go on sending what nobody takes.
fn reset(stream: &TcpStream) {
    if let Err(error) = stream.set_zero_linger() {
        tracing::debug!(error = %error, "a connection could not be reset");
    }
}

fn patience(settings: &Settings) -> Patience {
    Patience {
        head: Duration::from_secs(settings.keep_alive_s + settings.client_timeout_s),
        answer: Duration::from_secs(settings.write_timeout_s),
    }
}

/// The service of the requests on a watched stream.
fn requests<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    parts: &Parts,
    signal: &GracefulShutdownSignal,
    mark: fn(&mut Extensions),
) -> impl ServiceFactory<
    (Watched<S>, Option<SocketAddr>),
    Config = (),
    Response = (),
    Error = DispatchError,
    InitError = (),
> + use<S> {
    let settings = &parts.state.settings;
    let signal = signal.clone();
    let app = map_config(app(parts), |()| AppConfig::default());
    HttpService::<Watched<S>, _, BoxBody>::build()
        // A client that closes its half while it waits has gone, as most servers take it: its request is dropped, and its
        // work stops.
        .h1_allow_half_closed(false)
        .graceful_shutdown_signal(move || {
            let signal = signal.clone();
            async move { signal.notified().await }
        })
        .keep_alive(Duration::from_secs(settings.keep_alive_s))
        .client_request_timeout(Duration::from_secs(settings.client_timeout_s))
        .on_connect_ext(move |stream: &Watched<S>, data: &mut Extensions| {
            data.insert(stream.pulse());
            mark(data);
        })
        .h1(app)
}

fn app(
    parts: &Parts,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<BoxBody>,
        Error = WebError,
        InitError = (),
    > + use<>,
> {
    App::new()
        .app_data(parts.state.clone())
        .app_data(Turns::default())
        .wrap(from_fn(middleware::around))
        .configure(|config| route::register(&served(&parts.state.settings), config))
        .service(description(parts.document.clone()))
        .configure(docs::register)
        .default_service(web::to(nothing_here))
}

/// The routes that this server has.
fn served(settings: &Settings) -> Vec<route::Route> {
    let mut table = routes::table();
    table.retain(|route| settings.development || route.info.mount != route::Mount::Internal);
    table
}

/// The OpenAPI document's own place.
fn description(document: web::Bytes) -> actix_web::Resource {
    let head = document.clone();
    let refuse = || async { Err::<HttpResponse, _>(Failure::Method("GET, HEAD".to_owned())) };
    web::resource("/openapi.json")
        .route(web::get().to(move || std::future::ready(json(document.clone()))))
        .route(web::head().to(move || std::future::ready(json(head.clone()))))
        .default_service(web::to(refuse))
}

fn json(document: web::Bytes) -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(document)
}

async fn nothing_here() -> Result<HttpResponse, Failure> {
    Err(Error::NotFound.into())
}
