//! The log: to standard error, as text or JSON. Beside it, where that is wanted, spans for OpenTelemetry.

use std::io::{IsTerminal, stderr};

use anyhow::{Context, Result};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer, fmt};

use super::configuration::{Configuration, LogFormat};
use super::spans::{self, Spans};

/// Starts the log; spans are sent for as long as what is returned is kept. A verb that only asks says nothing below a
/// warning, and sends no spans.
pub(super) fn start(configuration: &Configuration, serves: bool) -> Result<Spans> {
    let section = &configuration.log;
    let level = if serves { section.level.as_str() } else { "warn" };
    let filter =
        EnvFilter::try_new(level).with_context(|| format!("log.level: {level:?} is no level"))?;
    // It says one thing on many lines; what was migrated is said where it is.
    let filter = filter.add_directive("refinery_core=warn".parse()?);
    let lines = fmt::layer().with_writer(stderr).with_ansi(stderr().is_terminal());
    let lines = match section.format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    let endpoint = if serves { configuration.otel.endpoint.as_str() } else { "" };
    let (layer, spans) = spans::start(endpoint)?;
    tracing_subscriber::registry().with(layer).with(filter).with(lines).init();
    Ok(spans)
}
