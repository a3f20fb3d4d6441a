//! What happens around every request: its id, its span, the problem document, and headers that every answer has.

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage, ResponseError};
use tracing::Instrument;

use super::admission::Place;
use super::connection::{Attendance, Attended, Pulse};
use super::failure::Failure;
use super::pace::Arrival;
use super::rate::Left;
use super::state::State;
use super::{head, page, trace};
use crate::domain::{self, Clock};

/// The request's id, echoed.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const MAX_REQUEST_ID: usize = 128;

/// The ids that everything that a request causes carries.
#[derive(Debug, Clone)]
pub(super) struct RequestIds {
    /// The request's own.
    pub(super) request: Arc<str>,
    /// The trace's, where the client named one (W3C Trace Context), else the request's.
    pub(super) correlation: Arc<str>,
}

impl RequestIds {
    fn of(headers: &HeaderMap, clock: &dyn Clock) -> Self {
        let given =
            headers.get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| is_id(id));
        let request: Arc<str> = match given {
            Some(id) => id.into(),
            None => clock.new_id().to_string().into(),
        };
        Self {
            correlation: trace::id(headers).map_or_else(|| request.clone(), Into::into),
            request,
        }
    }
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= MAX_REQUEST_ID && id.chars().all(|c| c.is_ascii_graphic())
}

/// Goes around every request.
pub(super) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let state = request.app_data::<Data<State>>().cloned();
    let state =
        state.ok_or_else(|| Failure::from(domain::Error::Internal("no state".to_owned())))?;
    let arrival = Arrival::now();
    let pulse = request.conn_data::<Rc<Pulse>>().cloned().unwrap_or_default();
    let mut attendance = Attendance::begin(pulse);
    let ids = RequestIds::of(request.headers(), &*state.registry.clock());
    request.extensions_mut().insert(ids.clone());
    let response = match head::check(request.head(), &state.settings) {
        Ok(()) => answer(request, next, &ids).await?,
        Err(failure) => request.into_response(failure.error_response()),
    };
    let mut response = finish(response, &ids);
    let left = response.request().extensions().get::<Left>().copied();
    if let Some(left) = left {
        left.say(response.headers_mut());
    }
    if response.status() == StatusCode::NOT_FOUND {
        arrival.keep_pace().await;
    }
    let took = arrival.elapsed();
    state.observed.count(&response, took);
    tracing::debug!(
        request.id = &*ids.request,
        correlation.id = &*ids.correlation,
        http.method = %response.request().method(),
        http.route = response.request().match_pattern(),
        http.status = response.status().as_u16(),
        duration_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
        "a request was answered"
    );
    attendance.keep(response.request().extensions_mut().remove::<Place>());
    Ok(response.map_body(|_, body| BoxBody::new(Attended::new(body, attendance))))
}

/// Answers within the request's span.
async fn answer(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
    ids: &RequestIds,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let span = tracing::info_span!(
        "request",
        request.id = &*ids.request,
        correlation.id = &*ids.correlation,
        tenant.id = tracing::field::Empty,
        workspace.id = tracing::field::Empty,
        resource.id = tracing::field::Empty,
    );
    trace::join(&span, request.headers());
    let response = next.call(request).instrument(span.clone()).await?.map_into_boxed_body();
    let _entered = span.enter();
    note_failure(&response);
    Ok(response)
}

/// A failure is logged once, here.
fn note_failure(response: &ServiceResponse<BoxBody>) {
    if let Some(failure) = response.response().extensions().get::<Failure>() {
        log(failure, response.status());
    }
}

fn finish(mut response: ServiceResponse<BoxBody>, ids: &RequestIds) -> ServiceResponse<BoxBody> {
    let failure = response.response().extensions().get::<Failure>().cloned();
    if let Some(failure) = failure {
        let problem = failure.problem(&ids.request);
        let (media_type, body) = if page::is_wanted(response.request()) {
            ("text/html; charset=utf-8", page::of(&problem).into_bytes())
        } else {
            ("application/problem+json", serde_json::to_vec(&problem).unwrap_or_default())
        };
        page::protect(response.headers_mut(), media_type);
        response = response.map_body(|_, _| BoxBody::new(body));
    }
    let headers = response.headers_mut();
    if let Ok(id) = HeaderValue::from_str(&ids.request) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// What was the client's doing is logged quietly.
fn log(failure: &Failure, status: StatusCode) {
    // A caller who asks for too much does not fill the node's log too.
    let is_flood =
        matches!(failure, Failure::Domain(domain::Error::Busy { .. } | domain::Error::TooMuchWork));
    // What a provider fails is said where it is asked, and that a file is refused where it is opened.
    let is_said = status == StatusCode::BAD_GATEWAY
        || matches!(failure, Failure::Domain(domain::Error::File(_)));
    if status.is_server_error() && !is_flood && !is_said {
        tracing::error!(error.code = failure.code(), error = %failure, "a request failed");
    } else {
        // Not which fields: their names are the client's own words.
        tracing::debug!(
            error.code = failure.code(),
            error = failure.detail(),
            "a request was refused"
        );
    }
}
