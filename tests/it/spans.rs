//! Spans for OpenTelemetry: sent to a collector, as part of the trace that the client names.

use crate::app::{Place, TestApp, eventually};
use crate::receiver::Receiver;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn a_requests_span_reaches_the_collector_in_its_clients_trace() {
    let collector = Receiver::new();
    let settings = [("FREEHOLD__OTEL__ENDPOINT", collector.root())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let app = TestApp::dev_with(&Place::new(), &settings);
    let request = app.stranger().request("GET", "/readyz");
    let traceparent = format!("00-{TRACE}-00f067aa0ba902b7-01");
    request.header("traceparent", &traceparent).send().expect(200);
    app.stop();
    let trace = u128::from_str_radix(TRACE, 16).unwrap().to_be_bytes();
    let sent = eventually(|| {
        let sent = collector.received().into_iter();
        sent.into_iter().find(|one| one.body.windows(16).any(|bytes| bytes == trace))
    });
    assert_eq!(sent.header("content-type"), "application/x-protobuf");
    let has = |word: &[u8]| sent.body.windows(word.len()).any(|bytes| bytes == word);
    assert!(has(b"freehold") && has(b"request") && has(b"correlation.id"));
}

#[test]
fn an_endpoint_that_is_no_address_is_refused_by_its_key() {
    let settings = [("FREEHOLD__OTEL__ENDPOINT", "collector")];
    let refused = Place::new().freehold_with(&["check"], &settings).ended(1);
    assert!(refused.err.contains("otel.endpoint: must be an address"), "{}", refused.err);
}
