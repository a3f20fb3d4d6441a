//! The OpenAPI 3.1 document, made from the route table and the types of its handlers.

use std::collections::BTreeMap;

use actix_web::http::Method;
use utoipa::openapi::path::{
    HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContactBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder,
    PathItem, Paths, RefOr, Required, ResponsesBuilder, Schema, ServerBuilder,
};

use super::describe::Sketch;
use super::failure::codes;
use super::parameters::PathParameter;
use super::route::{Mount, Route};
use crate::domain::TenantReference;

const TAGS: &[(&str, &str)] = &[
    (
        "platform",
        "The installation: tenants, accounts, imports, migrations, diagnostics. For operators.",
    ),
    (
        "tenant",
        "One tenant. The same paths stand under `/v1/tenant`, for a tenant named by host or header.",
    ),
    ("account", "The caller's own account."),
    ("public", "For everybody."),
];

/// Operations that are done anew each time they are asked for: questions, and what is the same done twice.
const REPEATED: &[&str] = &["access_evaluate", "token_create", "import_create"];

/// The document.
#[must_use]
pub fn document() -> OpenApi {
    let mut table = super::routes::table();
    table.retain(|route| route.info.mount != Mount::Internal);
    let mut schemas: BTreeMap<String, RefOr<Schema>> = BTreeMap::new();
    let mut paths = Paths::new();
    for route in &table {
        let sketch = (route.sketch)();
        schemas.extend(sketch.schemas.iter().cloned());
        let prefix = route.info.mount.prefixes()[0];
        let path = format!("{prefix}{}", route.info.path);
        paths.add_path_operation(path, vec![method(&route.info.method)], operation(route, sketch));
    }
    describe_paths(&mut paths);
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme("bearer", bearer())
        .build();
    let tags = TAGS
        .iter()
        .map(|(name, text)| TagBuilder::new().name(*name).description(Some(*text)).build());
    OpenApiBuilder::new()
        .info(info())
        .servers(Some([ServerBuilder::new().url("/").build()]))
        .tags(Some(tags))
        .components(Some(components))
        .paths(paths)
        .build()
}

fn info() -> utoipa::openapi::Info {
    let codes = codes().join("`, `");
    InfoBuilder::new()
        .title("Freehold")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(format!(
            "A tenancy engine: every tenant owns its own SQLite file.\n\nProblems are RFC 9457 documents. Their `code` \
             is stable; it is one of `{codes}`."
        )))
        .license(Some(LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build()))
        .contact(Some(ContactBuilder::new().name(Some("Freehold")).build()))
        .build()
}

fn bearer() -> SecurityScheme {
    let scheme = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT");
    SecurityScheme::Http(scheme.description(Some("A system JWT (RFC 7519)")).build())
}

fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

fn tag(mount: Mount) -> &'static str {
    match mount {
        Mount::Platform => "platform",
        Mount::Tenant => "tenant",
        Mount::Account => "account",
        Mount::Public | Mount::Internal => "public",
    }
}

fn operation(route: &Route, mut sketch: Sketch) -> Operation {
    let info = &route.info;
    if info.mount == Mount::Tenant {
        sketch.path(TenantReference::NAME, TenantReference::MEANING, TenantReference::schema());
    }
    if info.method == Method::POST && sketch.secured && !REPEATED.contains(&info.operation_id) {
        sketch.header(
            "Idempotency-Key",
            "Does the request once, however often it is sent.",
            Required::False,
        );
        sketch.problems(&[(422, "Some fields, or the idempotency key, cannot be accepted")]);
    }
    if info.method != Method::GET && info.operation_id != "access_evaluate" {
        sketch.problems(&[(409, "It contradicts what is there")]);
    }
    let is_after = |parameter: &Parameter| parameter.name == "after";
    if sketch.parameters.iter().any(is_after) || info.operation_id.ends_with("webhook_replay") {
        sketch.problems(&[(410, "The place is beyond the newest event; `newest` is that one's")]);
    }
    sketch.problems(&[
        (414, "The path and the query are too long"),
        (431, "The header fields are too many or too long"),
    ]);
    let action = info
        .action
        .map_or_else(|| "Needs no credential.".to_owned(), |name| format!("Action `{name}`."));
    let mut builder = OperationBuilder::new()
        .operation_id(Some(info.operation_id))
        .summary(Some(route.summary))
        .description(Some(format!("{}. {action}", route.summary)))
        .tag(tag(info.mount))
        .responses(
            ResponsesBuilder::new().responses_from_iter(
                sketch
                    .responses
                    .into_iter()
                    .map(|(status, response)| (status.to_string(), response.build())),
            ),
        )
        .request_body(sketch.body);
    for parameter in ordered(sketch.parameters) {
        builder = builder.parameter(parameter);
    }
    if sketch.secured {
        builder = builder.security(SecurityRequirement::new("bearer", [""; 0]));
    }
    builder.build()
}

/// Parameters of the path first, as they are read.
fn ordered(parameters: Vec<Parameter>) -> Vec<Parameter> {
    let (path, other): (Vec<_>, Vec<_>) = parameters
        .into_iter()
        .partition(|parameter| matches!(parameter.parameter_in, ParameterIn::Path));
    path.into_iter()
        .chain(other)
        .map(|parameter| ParameterBuilder::from(parameter).build())
        .collect()
}

/// The document describes itself too.
fn describe_paths(paths: &mut Paths) {
    let content = utoipa::openapi::ContentBuilder::new()
        .schema(Some(RefOr::from(utoipa::openapi::schema::ObjectBuilder::new().build())))
        .build();
    let response = utoipa::openapi::ResponseBuilder::new()
        .description("The document")
        .content("application/json", content)
        .build();
    let operation = OperationBuilder::new()
        .operation_id(Some("openapi_read"))
        .summary(Some("This document"))
        .description(Some("This document. Needs no credential."))
        .tag("public")
        .response("200", response)
        .build();
    paths.paths.insert("/openapi.json".to_owned(), PathItem::new(HttpMethod::Get, operation));
}
