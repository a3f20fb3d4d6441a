//! Preconditions: what a change is meant for (RFC 9110, section 13.1).

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest};
use utoipa::openapi::Required;

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use crate::domain::Precondition;

/// The version that a change is meant for, by `If-Match`.
#[derive(Debug, Clone, Copy)]
pub(super) struct IfMatch(pub(super) i64);

/// What a `PUT` is meant for: a version by `If-Match`, or nothing there yet by `If-None-Match: *`.
#[derive(Debug, Clone, Copy)]
pub(super) struct PutCondition(pub(super) Precondition);

/// An entity tag: a version in quotes.
pub(super) fn tag(version: i64) -> String {
    format!("\"{version}\"")
}

fn if_match(request: &HttpRequest) -> Result<Option<i64>, Failure> {
    let mut values = request.headers().get_all(header::IF_MATCH);
    let (first, second) = (values.next(), values.next());
    let Some(value) = first else { return Ok(None) };
    let refused =
        || Failure::parameter("If-Match", "must be one entity tag, as an answer's ETag has it");
    if second.is_some() {
        return Err(refused());
    }
    let version = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    version.map(Some).ok_or_else(refused)
}

impl FromRequest for IfMatch {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let version = if_match(request);
        ready(
            version.and_then(|version| {
                version.map(Self).ok_or(Failure::PreconditionRequired("If-Match"))
            }),
        )
    }
}

impl FromRequest for PutCondition {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(put_condition(request).map(Self))
    }
}

fn put_condition(request: &HttpRequest) -> Result<Precondition, Failure> {
    let absent = request.headers().get(header::IF_NONE_MATCH);
    match (if_match(request)?, absent) {
        (Some(version), None) => Ok(Precondition::Version(version)),
        (None, Some(value)) if value.as_bytes() == b"*" => Ok(Precondition::Absent),
        (None, None) => {
            Err(Failure::PreconditionRequired("If-Match, or If-None-Match: * to create"))
        }
        _ => Err(Failure::parameter("If-None-Match", "must be *, without If-Match")),
    }
}

impl Describe for IfMatch {
    fn describe(sketch: &mut Sketch) {
        sketch.header(
            "If-Match",
            "The ETag of the version that the change is meant for.",
            Required::False,
        );
        problems(sketch);
    }
}

impl Describe for PutCondition {
    fn describe(sketch: &mut Sketch) {
        sketch.header(
            "If-Match",
            "The ETag of the version that the change is meant for.",
            Required::False,
        );
        sketch.header("If-None-Match", "`*` to create what is not there yet.", Required::False);
        problems(sketch);
    }
}

fn problems(sketch: &mut Sketch) {
    sketch.problems(&[
        (400, "A parameter cannot be accepted"),
        (412, "It has another version"),
        (428, "The precondition is missing"),
    ]);
}
