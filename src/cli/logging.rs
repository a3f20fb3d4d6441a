//! The log: to standard error, as text or JSON.

use std::io::{IsTerminal, stderr};

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use super::configuration::{LogFormat, LogSection};

/// Starts the log. A verb that only asks says nothing below a warning.
pub(super) fn start(section: &LogSection, serves: bool) -> Result<()> {
    let level = if serves { section.level.as_str() } else { "warn" };
    let filter =
        EnvFilter::try_new(level).with_context(|| format!("log.level: {level:?} is no level"))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal());
    match section.format {
        LogFormat::Text => builder.with_target(false).init(),
        LogFormat::Json => builder.json().init(),
    }
    Ok(())
}
