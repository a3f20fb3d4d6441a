//! The trace that a request belongs to (W3C Trace Context), as its client names it.

use actix_web::http::header::{HeaderMap, HeaderName};
use tracing::Span;

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// The trace id of a request, where its client named one.
pub(super) fn id(headers: &HeaderMap) -> Option<&str> {
    headers.get(&TRACEPARENT).and_then(|value| value.to_str().ok()).and_then(trace_id)
}

/// The trace id of `00-<32 hex>-<16 hex>-<2 hex>`.
fn trace_id(traceparent: &str) -> Option<&str> {
    let mut parts = traceparent.split('-');
    let (_version, trace) = (parts.next().filter(|version| version.len() == 2)?, parts.next()?);
    let is_hex = |text: &str| text.chars().all(|c| c.is_ascii_digit() || ('a'..='f').contains(&c));
    (trace.len() == 32 && is_hex(trace) && trace.chars().any(|c| c != '0')).then_some(trace)
}

/// Makes a request's span one of the trace that its client named, where spans are sent anywhere.
#[cfg(feature = "otel")]
pub(super) fn join(span: &Span, headers: &HeaderMap) {
    use opentelemetry::Context;
    use opentelemetry::trace::{
        SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState,
    };
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    let parent = headers.get(&TRACEPARENT).and_then(|value| value.to_str().ok());
    let ids = || {
        let trace = TraceId::from_hex(id(headers)?).ok()?;
        let parent = SpanId::from_hex(parent?.split('-').nth(2)?).ok()?;
        Some((trace, parent))
    };
    let Some((trace, parent)) = ids() else { return };
    let context = SpanContext::new(trace, parent, TraceFlags::SAMPLED, true, TraceState::default());
    if let Err(error) = span.set_parent(Context::new().with_remote_span_context(context)) {
        tracing::debug!(error = %error, "a span is none of its client's trace");
    }
}

/// Nothing: no span is sent anywhere.
#[cfg(not(feature = "otel"))]
pub(super) fn join(_: &Span, _: &HeaderMap) {}
