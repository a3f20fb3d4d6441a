//! Figures: the recorder that every floor counts with, and their text for Prometheus.

use std::sync::{Arc, OnceLock};

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use crate::http::Figures;
use crate::storage::Registry;

/// Seconds, from less than a request takes to more than anybody waits.
const SECONDS: &[f64] = &[
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
    10.0,
];
const BATCHES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0];

/// The one recorder of the process.
static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();

/// Begins to count, and makes the text of what was counted.
pub(super) fn begin(registry: &Registry) -> Figures {
    let handle = RECORDER.get_or_init(handle).clone();
    let registry = registry.clone();
    Figures(Arc::new(move || {
        note(&registry);
        handle.run_upkeep();
        handle.render()
    }))
}

fn handle() -> PrometheusHandle {
    let builder = PrometheusBuilder::new();
    let builder =
        builder.set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), SECONDS).and_then(
            |builder| builder.set_buckets_for_metric(Matcher::Suffix("_jobs".to_owned()), BATCHES),
        );
    let recorder = builder.unwrap_or_else(|_| PrometheusBuilder::new()).build_recorder();
    let handle = recorder.handle();
    if metrics::set_global_recorder(recorder).is_err() {
        tracing::warn!("something else counts already: there are no figures");
    }
    describe();
    handle
}

/// What is not counted, but is so at the moment.
fn note(registry: &Registry) {
    let open = u32::try_from(registry.open_tenants()).unwrap_or(u32::MAX);
    gauge!("freehold_open_tenants").set(f64::from(open));
    gauge!("freehold_registry_ready").set(f64::from(u8::from(registry.is_ready())));
    gauge!("freehold_build_info", "version" => env!("CARGO_PKG_VERSION")).set(1.0);
}

fn describe() {
    describe_counter!(
        "freehold_http_requests_total",
        "Requests answered, by method, route and status."
    );
    describe_histogram!(
        "freehold_http_request_duration_seconds",
        Unit::Seconds,
        "How long requests took, by route."
    );
    describe_counter!(
        "freehold_tenant_requests_total",
        "Requests let into a tenant; of the first hundred by id, of the others together."
    );
    describe_counter!(
        "freehold_refused_connections_total",
        "Connections closed because their client address had too many."
    );
    describe_gauge!(
        "freehold_verified_tokens_bytes",
        "Bytes that verified tokens take while they are remembered, 16 MiB at most."
    );
    describe_counter!("freehold_commits_total", "Transactions made durable, by side.");
    describe_histogram!(
        "freehold_commit_duration_seconds",
        Unit::Seconds,
        "How long batches of changes took, their commit included, by side."
    );
    describe_histogram!(
        "freehold_commit_jobs",
        "Changes that were made durable together, by side."
    );
    describe_counter!(
        "freehold_audit_denials_total",
        "Refusals, by side; those too that are counted together in the audit log."
    );
    describe_counter!("freehold_events_total", "Events written, by type.");
    describe_counter!("freehold_quota_exceeded_total", "Changes and requests refused by quotas.");
    describe_counter!("freehold_webhook_attempts_total", "Attempts to send events, by outcome.");
    describe_histogram!(
        "freehold_webhook_attempt_duration_seconds",
        Unit::Seconds,
        "How long attempts to send events took."
    );
    // What has not happened yet is 0, and not unknown.
    counter!("freehold_quota_exceeded_total").increment(0);
    counter!("freehold_refused_connections_total").increment(0);
    for outcome in ["taken", "failed"] {
        counter!("freehold_webhook_attempts_total", "outcome" => outcome).increment(0);
    }
    describe_gauge!("freehold_open_tenants", "Tenants whose files are open.");
    describe_gauge!("freehold_registry_ready", "Whether the registry takes writes.");
    describe_gauge!("freehold_build_info", "1, with the program's version as label.");
}
