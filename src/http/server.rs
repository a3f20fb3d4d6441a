//! The server: listeners, workers, and how they stop.

use std::any::Any;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use actix_web::dev::{Extensions, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::web::{self, Data};
use actix_web::{App, HttpResponse, HttpServer};
use utoipa_swagger_ui::{Config, SwaggerUi};

use super::authentication::LocalSocket;
use super::failure::Failure;
use super::state::State;
use super::{middleware, openapi, route, routes};
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
    pub running: actix_web::dev::Server,
    /// Stops it.
    pub handle: ServerHandle,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

/// Makes a server. It handles no signals: whoever runs it stops it.
///
/// # Errors
/// A listener cannot be used.
pub fn serve(state: State, listeners: Listeners) -> std::io::Result<Server> {
    let settings = state.settings.clone();
    let state = Data::new(state);
    let development = settings.development;
    let document = web::Bytes::from(openapi::document().to_json().unwrap_or_default());
    let mut server = HttpServer::new(move || {
        let document = document.clone();
        App::new()
            .app_data(state.clone())
            .wrap(from_fn(middleware::around))
            .configure(|config| route::register(&served(development), config))
            .service(description(document))
            .route("/docs", web::get().to(to_docs))
            .service(SwaggerUi::new("/docs/{_:.*}").config(Config::from("/openapi.json")))
            .default_service(web::to(nothing_here))
    })
    .on_connect(mark_local)
    .workers(settings.workers)
    .worker_max_blocking_threads(settings.blocking_threads)
    .client_request_timeout(Duration::from_secs(settings.client_timeout_s))
    .shutdown_timeout(settings.shutdown_timeout_s)
    .disable_signals();
    if let Some(tcp) = listeners.tcp {
        server = server.listen(tcp)?;
    }
    if let Some(local) = listeners.local {
        server = server.listen_uds(local)?;
    }
    let running = server.run();
    let handle = running.handle();
    Ok(Server { running, handle })
}

/// The routes that this server has.
fn served(development: bool) -> Vec<route::Route> {
    let mut table = routes::table();
    table.retain(|route| development || route.info.mount != route::Mount::Internal);
    table
}

fn mark_local(connection: &dyn Any, data: &mut Extensions) {
    if connection.is::<tokio::net::UnixStream>() {
        data.insert(LocalSocket);
    }
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

async fn to_docs() -> HttpResponse {
    HttpResponse::PermanentRedirect().insert_header(("location", "/docs/")).finish()
}

async fn nothing_here() -> Result<HttpResponse, Failure> {
    Err(Error::NotFound.into())
}
