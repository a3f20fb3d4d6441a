//! `/docs`: the documentation of the API for people, with no file from outside. It is shown on the hosts of this
//! installation, unless `http.docs` is false.

use std::sync::Arc;

use actix_web::http::header::{self, ContentEncoding};
use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use utoipa_swagger_ui::Config;

use super::failure::Failure;
use super::origin;
use super::state::State;
use crate::domain::Error;

/// The page loads and asks this server alone, and no page embeds it. Its styles are partly inline.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(super) fn register(config: &mut web::ServiceConfig) {
    config.route("/docs", web::get().to(to_page)).route("/docs/{file:.*}", web::get().to(read));
}

fn check(request: &HttpRequest, state: &State) -> Result<(), Failure> {
    if !state.settings.docs {
        return Err(Error::NotFound.into());
    }
    origin::configured_host(request, state).map(drop)
}

async fn to_page(request: HttpRequest, state: Data<State>) -> Result<HttpResponse, Failure> {
    check(&request, &state)?;
    Ok(HttpResponse::PermanentRedirect().insert_header((header::LOCATION, "/docs/")).finish())
}

async fn read(
    request: HttpRequest,
    state: Data<State>,
    file: Path<String>,
) -> Result<HttpResponse, Failure> {
    check(&request, &state)?;
    // The page would have the document checked by a server of others.
    let config = Config::from("/openapi.json").validator_url("none");
    let found = utoipa_swagger_ui::serve(&file, Arc::new(config))
        .map_err(|error| Error::Internal(error.to_string()))?;
    let found = found.ok_or(Error::NotFound)?;
    let mut response = HttpResponse::Ok();
    if found.gzpipped {
        response.insert_header((header::CONTENT_ENCODING, ContentEncoding::Gzip));
    }
    response
        .content_type(found.content_type)
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header((header::REFERRER_POLICY, "no-referrer"));
    Ok(response.body(found.bytes.into_owned()))
}
