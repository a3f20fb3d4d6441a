//! A route: what the table of [`super::routes`] is made of.

use actix_web::http::Method;
use actix_web::{FromRequest, Handler, Responder, web};

use super::describe::{Describe, Sketch};
use super::failure::Failure;

/// Where a route is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mount {
    /// Under `/v1/tenants/{tenant}` and under `/v1/tenant`.
    Tenant,
    /// Under `/v1/platform`.
    Platform,
    /// Under `/v1`.
    Account,
    /// At the root, for everybody.
    Public,
    /// At the root, in development mode alone.
    Internal,
}

impl Mount {
    /// The prefixes under which it is reached, the documented one first.
    #[must_use]
    pub fn prefixes(self) -> &'static [&'static str] {
        match self {
            Self::Tenant => &["/v1/tenants/{tenant}", "/v1/tenant"],
            Self::Platform => &["/v1/platform"],
            Self::Account => &["/v1"],
            Self::Public | Self::Internal => &[""],
        }
    }
}

/// What can be told of a route without a server.
#[derive(Debug, Clone)]
pub struct RouteInfo {
    /// Its method.
    pub method: Method,
    /// Where it is reached.
    pub mount: Mount,
    /// Its path below the mount.
    pub path: &'static str,
    /// The action that its context is typed by; `None` where it needs no credential.
    pub action: Option<&'static str>,
    /// Its name in the OpenAPI document, `noun_verb`.
    pub operation_id: &'static str,
}

/// A route.
pub(super) struct Route {
    pub(super) info: RouteInfo,
    pub(super) summary: &'static str,
    pub(super) sketch: fn() -> Sketch,
    pub(super) handle: Box<dyn Fn(Method) -> actix_web::Route + Send + Sync>,
}

/// A route to a handler; its action, parameters, body and answers are read from the handler's types.
pub(super) fn route<F, Args>(
    mount: Mount,
    method: Method,
    path: &'static str,
    operation_id: &'static str,
    summary: &'static str,
    handler: F,
) -> Route
where
    F: Handler<Args> + Send + Sync,
    Args: FromRequest + Describe + 'static,
    F::Output: Responder + Describe + 'static,
{
    let sketch = sketch::<F, Args>;
    let action = sketch().action;
    Route {
        info: RouteInfo { method, mount, path, action, operation_id },
        summary,
        sketch,
        handle: Box::new(move |method| web::method(method).to(handler.clone())),
    }
}

fn sketch<F, Args>() -> Sketch
where
    F: Handler<Args>,
    Args: Describe,
    F::Output: Describe,
{
    let mut sketch = Sketch::default();
    Args::describe(&mut sketch);
    F::Output::describe(&mut sketch);
    sketch
}

/// Registers a table: each path once under each prefix, with a refusal of the methods that it has not.
pub(super) fn register(table: &[Route], config: &mut web::ServiceConfig) {
    let mut done: Vec<(Mount, &str)> = Vec::new();
    for route in table {
        let place = (route.info.mount, route.info.path);
        if done.contains(&place) {
            continue;
        }
        done.push(place);
        let here = || table.iter().filter(|other| (other.info.mount, other.info.path) == place);
        let mut methods: Vec<&str> = here().map(|route| route.info.method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        let allowed = methods.join(", ");
        for prefix in route.info.mount.prefixes() {
            let allowed = allowed.clone();
            let mut resource = web::resource(format!("{prefix}{}", route.info.path));
            for route in here() {
                resource = resource.route((route.handle)(route.info.method.clone()));
                // Whatever can be read can be asked for its head alone (RFC 9110, section 9.3.2).
                if route.info.method == Method::GET {
                    resource = resource.route((route.handle)(Method::HEAD));
                }
            }
            config.service(resource.default_service(web::to(move || {
                let allowed = allowed.clone();
                async move { Err::<String, Failure>(Failure::Method(allowed)) }
            })));
        }
    }
}
