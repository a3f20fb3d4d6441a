//! The bounds of every number.

use crate::cli::configuration::Configuration;

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const HOUR_S: u64 = 3600;

/// A key, its value, and the least and the most that it may be.
type Bound = (&'static str, u64, u64, u64);

pub(super) fn findings(configuration: &Configuration) -> Vec<String> {
    let bounds = [
        http(configuration),
        http_times(configuration),
        storage(configuration),
        identity(configuration),
        access(configuration),
        others(configuration),
    ]
    .concat();
    let is_outside = |(_, value, least, most): &Bound| !(*least..=*most).contains(value);
    let outside = bounds.into_iter().filter(is_outside);
    outside
        .map(|(key, value, least, most)| format!("{key}: is {value}, must be {least} to {most}"))
        .collect()
}

#[rustfmt::skip]
fn http(configuration: &Configuration) -> Vec<Bound> {
    let http = &configuration.http;
    vec![
        ("http.max_connections",         http.max_connections as u64,         16,      1_000_000),
        ("http.max_connections_per_address", http.max_connections_per_address as u64, 0, 1_000_000),
        ("http.anonymous_per_minute",    http.anonymous_per_minute.into(),    0,       1_000_000),
        ("http.max_requests_per_tenant", http.max_requests_per_tenant as u64, 1,       1_000_000),
        ("http.max_requests_per_caller", http.max_requests_per_caller as u64, 1,       1_000_000),
        ("http.max_uri_bytes",           http.max_uri_bytes as u64,           256,     60 * KIB),
        ("http.max_headers",             http.max_headers as u64,             16,      96),
        ("http.max_header_bytes",        http.max_header_bytes as u64,        KIB,     64 * KIB),
        ("http.max_body_bytes",          http.max_body_bytes as u64,          KIB,     256 * MIB),
        ("http.max_import_bytes",        http.max_import_bytes as u64,        KIB,     1024 * MIB),
        ("http.max_json_depth",          http.max_json_depth as u64,          10,      100),
        ("http.max_page_bytes",          http.max_page_bytes as u64,          KIB,     64 * MIB),
        ("http.workers",                 http.workers as u64,                 0,       512),
        ("http.blocking_threads",        http.blocking_threads as u64,        1,       512),
    ]
}

#[rustfmt::skip]
fn http_times(configuration: &Configuration) -> Vec<Bound> {
    let http = &configuration.http;
    vec![
        ("http.keep_alive_s",            http.keep_alive_s,                   1,       HOUR_S),
        ("http.client_timeout_s",        http.client_timeout_s,               1,       300),
        ("http.body_timeout_s",          http.body_timeout_s,                 1,       HOUR_S),
        ("http.write_timeout_s",         http.write_timeout_s,                1,       HOUR_S),
        ("http.shutdown_timeout_s",      http.shutdown_timeout_s,             1,       HOUR_S),
    ]
}

#[rustfmt::skip]
fn storage(configuration: &Configuration) -> Vec<Bound> {
    let storage = &configuration.storage;
    vec![
        ("storage.max_open_tenants",     storage.max_open_tenants as u64,     1,       100_000),
        ("storage.readers_per_tenant",   storage.readers_per_tenant.into(),   1,       64),
        ("storage.registry_readers",     storage.registry_readers.into(),     1,       64),
        ("storage.writer_threads",       storage.writer_threads as u64,       1,       64),
        ("storage.max_waiting_writes",   storage.max_waiting_writes as u64,   1,       1_000_000),
        ("storage.max_batch",            storage.max_batch as u64,            1,       10_000),
        ("storage.read_steps",           storage.read_steps.into(),           1_000,   1_000_000_000),
        ("storage.reader_timeout_ms",    storage.reader_timeout_ms,           1,       60_000),
        ("storage.reader_idle_s",        storage.reader_idle_s,               1,       24 * HOUR_S),
        ("storage.min_free_bytes",       storage.min_free_bytes,              0,       1024 * 1024 * 1024 * MIB),
        ("storage.max_opening_tenants",  storage.max_opening_tenants as u64,  1,       64),
    ]
}

#[rustfmt::skip]
fn access(configuration: &Configuration) -> Vec<Bound> {
    let access = &configuration.access;
    vec![
        ("access.max_work_ms",           access.max_work_ms,                  1,       60_000),
        ("access.max_answer_bytes",      access.max_answer_bytes as u64,      KIB,     64 * MIB),
    ]
}

#[rustfmt::skip]
fn others(configuration: &Configuration) -> Vec<Bound> {
    let webhooks = &configuration.webhooks;
    let longest = webhooks.retry_delays_s.iter().copied().max().unwrap_or_default();
    vec![
        ("webhooks.timeout_s",            webhooks.timeout_s,                   1,      60),
        ("webhooks.retry_delays_s",       longest.into(),                       0,      7 * 24 * HOUR_S),
        ("webhooks.max_dead_letters",     webhooks.max_dead_letters.into(),     1,      1_000_000),
        ("audit.platform_retention_days", configuration.audit.platform_retention_days.into(), 0, 36_500),
    ]
}

/// What a key has signed must be good for as long as any token that it can have signed: a day.
#[rustfmt::skip]
fn identity(configuration: &Configuration) -> Vec<Bound> {
    let identity = &configuration.identity;
    let most_s = u64::from(identity.max_token_ttl_s);
    let most_days = u64::from(identity.max_api_key_ttl_days);
    vec![
        ("identity.max_token_ttl_s",      most_s,                               60,     24 * HOUR_S),
        ("identity.token_ttl_s",          identity.token_ttl_s.into(),          30,     most_s),
        ("identity.max_api_key_ttl_days", most_days,                            1,      366),
        ("identity.api_key_ttl_days",     identity.api_key_ttl_days.into(),     1,      most_days),
        ("identity.key_overlap_s",        identity.key_overlap_s.into(),        86_460, 31 * 24 * HOUR_S),
        ("identity.rotate_after_days",    identity.rotate_after_days.into(),    0,      3650),
    ]
}
