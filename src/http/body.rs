//! Bodies: read within a limit, parsed once, every complaint naming its field.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::web::{Bytes, BytesMut, Data};
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use aws_lc_rs::digest::{Context, SHA256};
use futures_util::StreamExt;
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use utoipa::ToSchema;

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::json;
use super::state::State;
use crate::domain::{Asking, Error, FieldError, ImportFile, ImportProblem};
use crate::services::imports;

/// A JSON body.
#[derive(Debug)]
pub(super) struct Body<T>(pub(super) T);

/// What a request was, in short; for its idempotency key.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyDigest(pub(super) [u8; 32]);

/// Reads a body within a limit and a time.
async fn read(request: &HttpRequest, payload: Payload, limit: usize) -> Result<Bytes, Failure> {
    let within = Duration::from_secs(state(request)?.settings.body_timeout_s);
    match tokio::time::timeout(within, collect(request, payload, limit)).await {
        Ok(body) => body,
        Err(_) => Err(Failure::TooSlow(within.as_secs())),
    }
}

async fn collect(
    request: &HttpRequest,
    mut payload: Payload,
    limit: usize,
) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|error| Failure::Malformed(error.to_string()))?;
        if body.len() + chunk.len() > limit {
            return Err(Failure::TooLarge(limit));
        }
        body.extend_from_slice(&chunk);
    }
    request.extensions_mut().insert(BodyDigest(digest(&body)));
    Ok(body.freeze())
}

pub(super) fn digest(body: &[u8]) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(body);
    let mut digest = [0; 32];
    digest.copy_from_slice(context.finish().as_ref());
    digest
}

/// `application/json`, with whatever parameters, and as it is.
fn check_media_type(request: &HttpRequest) -> Result<(), Failure> {
    if !media_type(request).eq_ignore_ascii_case("application/json") {
        return Err(Failure::MediaType);
    }
    check_encoding(request)
}

/// The media type, without its parameters.
fn media_type(request: &HttpRequest) -> &str {
    let value = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim()
}

fn check_encoding(request: &HttpRequest) -> Result<(), Failure> {
    // A short body can hide a long one.
    let mut encodings = request.headers().get_all(header::CONTENT_ENCODING);
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(Failure::Encoding);
    }
    Ok(())
}

fn state(request: &HttpRequest) -> Result<&Data<State>, Failure> {
    request.app_data::<Data<State>>().ok_or_else(|| Error::Internal("no state".to_owned()).into())
}

impl<T: DeserializeOwned + 'static> FromRequest for Body<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            check_media_type(&request)?;
            let settings = &state(&request)?.settings;
            let body = read(&request, payload, settings.max_body_bytes).await?;
            json::parse(&body, settings.max_json_depth).map(Self)
        })
    }
}

impl<T: ToSchema> Describe for Body<T> {
    fn describe(sketch: &mut Sketch) {
        let schema = sketch.schema::<T>();
        sketch.json_body(schema);
    }
}

/// A body of an OAuth client: a form (RFC 6749), or JSON.
#[derive(Debug)]
pub(super) struct Form<T>(pub(super) T);

const FORM: &str = "application/x-www-form-urlencoded";

impl<T: DeserializeOwned + 'static> FromRequest for Form<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let is_form = media_type(&request).eq_ignore_ascii_case(FORM);
            if !is_form {
                check_media_type(&request)?;
            }
            check_encoding(&request)?;
            let settings = &state(&request)?.settings;
            let limit = settings.max_body_bytes.min(MAX_FORM);
            let body = read(&request, payload, limit).await?;
            if is_form { form(&body) } else { json::parse(&body, settings.max_json_depth) }
                .map(Self)
        })
    }
}

/// Bytes of a form at most: two tokens, and some words.
const MAX_FORM: usize = 32 * 1024;

/// Reads a form, each of whose names stands there once.
fn form<T: DeserializeOwned>(body: &[u8]) -> Result<T, Failure> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(body));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let detail = error.inner().to_string();
        let path = error.path().to_string();
        let named = detail.split('`').nth(1).filter(|_| path == "." || path == "?");
        let field = named.map_or(path.clone(), str::to_owned);
        Error::invalid(format!("/{field}"), detail).into()
    })
}

impl<T: ToSchema> Describe for Form<T> {
    fn describe(sketch: &mut Sketch) {
        let schema = sketch.schema::<T>();
        sketch.json_body(schema.clone());
        sketch.form_body(schema);
    }
}

/// A question to the decision point: whatever is wrong with one is a bad request, as AuthZEN 1.0 says.
#[derive(Debug)]
pub(super) struct Question<T>(pub(super) T);

impl<T: Asking + DeserializeOwned + 'static> FromRequest for Question<T> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let body = Body::<T>::from_request(request, payload);
        Box::pin(async move {
            match body.await {
                Ok(Body(question)) => {
                    question.check().map_err(Failure::Parameter)?;
                    Ok(Self(question))
                }
                Err(Failure::Domain(Error::Invalid(mut errors))) => {
                    Err(errors.pop().map_or(Failure::MediaType, Failure::Parameter))
                }
                Err(Failure::MediaType) => {
                    Err(Failure::parameter("Content-Type", "must be application/json"))
                }
                Err(Failure::Encoding) => {
                    Err(Failure::parameter("Content-Encoding", "must not be there"))
                }
                Err(failure) => Err(failure),
            }
        })
    }
}

impl<T: ToSchema> Describe for Question<T> {
    fn describe(sketch: &mut Sketch) {
        Body::<T>::describe(sketch);
        sketch.responses.remove(&415);
        sketch.responses.remove(&422);
    }
}

/// The body of an import, not read yet: nobody fills the node's memory who may not import.
pub(super) struct ImportBody {
    request: HttpRequest,
    payload: Payload,
}

impl ImportBody {
    /// Reads the file, if nothing is wrong with it.
    pub(super) async fn read(self) -> Result<ImportFile, Failure> {
        check_media_type(&self.request)?;
        let settings = &state(&self.request)?.settings;
        let (limit, max_depth) = (settings.max_import_bytes, settings.max_json_depth);
        let body = read(&self.request, self.payload, limit).await?;
        let parsed = actix_web::web::block(move || check(&body, max_depth)).await;
        parsed.map_err(|error| Error::Internal(error.to_string()))?
    }
}

fn check(body: &[u8], max_depth: usize) -> Result<ImportFile, Failure> {
    let invalid = |problems: Vec<ImportProblem>| {
        let errors =
            problems.into_iter().map(|problem| FieldError::new(problem.pointer, problem.detail));
        Failure::Domain(Error::Invalid(errors.collect()))
    };
    json::check(body, max_depth)?;
    let file = imports::parse(body).map_err(|problem| invalid(vec![problem]))?;
    let problems = imports::check(&file);
    if problems.is_empty() { Ok(file) } else { Err(invalid(problems)) }
}

impl FromRequest for ImportBody {
    type Error = Failure;
    type Future = std::future::Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { request: request.clone(), payload: payload.take() }))
    }
}

impl Describe for ImportBody {
    fn describe(sketch: &mut Sketch) {
        Body::<ImportFile>::describe(sketch);
    }
}
