//! `/metrics`: figures, as Prometheus reads them. For whoever may open the local socket, or has the token of the
//! configuration.

use actix_web::body::BoxBody;
use actix_web::http::header;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, Responder};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use metrics::gauge;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{ContentBuilder, RefOr, Schema};

use crate::domain::Error;
use crate::http::authentication::is_local;
use crate::http::describe::{Describe, Sketch};
use crate::http::reply::Reply;
use crate::http::state::State;

const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Figures in the text format.
pub(in crate::http) struct Figures(String);

impl Responder for Figures {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().insert_header((header::CONTENT_TYPE, MEDIA_TYPE)).body(self.0)
    }
}

impl Describe for Figures {
    fn describe(sketch: &mut Sketch) {
        let text: RefOr<Schema> = ObjectBuilder::new().schema_type(Type::String).into();
        let content = ContentBuilder::new().schema(Some(text)).build();
        sketch.answer(200, "Figures, in Prometheus' text format", Some(("text/plain", content)));
        sketch.problems(&[(404, "They are not for whoever asks")]);
    }
}

pub(in crate::http) async fn read(state: Data<State>, request: HttpRequest) -> Reply<Figures> {
    let token = state.settings.metrics_token.reveal();
    if is_local(&request) || has_token(&request, token) {
        let remembered = u32::try_from(state.verifier.remembered_bytes()).unwrap_or(u32::MAX);
        gauge!("freehold_verified_tokens_bytes").set(f64::from(remembered));
        return Ok(Figures((state.figures.0)()));
    }
    Err(Error::NotFound.into())
}

fn has_token(request: &HttpRequest, token: &str) -> bool {
    let given = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = given.and_then(|value| value.strip_prefix("Bearer "));
    let is_it = |given: &str| verify_slices_are_equal(given.as_bytes(), token.as_bytes()).is_ok();
    !token.is_empty() && given.is_some_and(is_it)
}
