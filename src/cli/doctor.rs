//! `freehold doctor`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::args::Doctor;
use super::configuration::Configuration;
use super::{copy, node, output};
use crate::domain::{Check, CheckState, DiagnosticsReport};

/// A report, and what it is about.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    report: DiagnosticsReport,
    /// Whether a copy was examined, since the data directory cannot be written.
    copy: bool,
}

/// Examines, and says what to do.
pub(super) async fn doctor(
    data: &Path,
    configuration: Configuration,
    doctor: &Doctor,
) -> Result<ExitCode> {
    let (fix, tenant) = (doctor.fix, doctor.tenant.clone());
    let of_copy = copy::read(data, &configuration, move |copy| {
        if fix {
            bail!("--fix: what cannot be written cannot be mended");
        }
        copy.examine(tenant.as_deref())
    });
    let shown = match of_copy.await? {
        Some(report) => Shown { report, copy: true },
        None => Shown { report: ask(data, configuration, doctor).await?, copy: false },
    };
    if doctor.json {
        output::json(&shown)?;
    } else {
        show(&shown.report)?;
    }
    Ok(if shown.report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn ask(
    data: &Path,
    configuration: Configuration,
    doctor: &Doctor,
) -> Result<DiagnosticsReport> {
    let mut body = json!({ "fix": doctor.fix });
    if let Some(tenant) = &doctor.tenant {
        body["tenant"] = json!(tenant);
    }
    node::with_client(data, configuration, |client| async move {
        client.ask(Method::POST, "/v1/platform/diagnostics", Some(&body)).await
    })
    .await
}

fn show(report: &DiagnosticsReport) -> Result<()> {
    for subject in &report.reports {
        let word = if subject.healthy { "ok" } else { "FAILED" };
        output::say(&format!("{}: {word}", subject.subject))?;
        subject.checks.iter().try_for_each(show_check)?;
    }
    Ok(())
}

fn show_check(check: &Check) -> Result<()> {
    output::say(&format!("  {:<12} {:<7} {}", check.name, check.state.to_string(), check.found))?;
    if check.state != CheckState::Ok {
        output::say(&format!("               {}", check.why))?;
    }
    if check.state == CheckState::Failed {
        output::say(&format!("               {}", check.remedy))?;
    }
    Ok(())
}
