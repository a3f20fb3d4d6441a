//! `freehold doctor`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::args::Doctor;
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::{Check, CheckState, DiagnosticsReport};

/// Examines, and says what to do.
pub(super) async fn doctor(
    data: &Path,
    configuration: Configuration,
    doctor: &Doctor,
) -> Result<ExitCode> {
    let mut body = json!({ "fix": doctor.fix });
    if let Some(tenant) = &doctor.tenant {
        body["tenant"] = json!(tenant);
    }
    let report: DiagnosticsReport = node::with_client(data, configuration, |client| async move {
        client.ask(Method::POST, "/v1/platform/diagnostics", Some(&body)).await
    })
    .await?;
    if doctor.json {
        output::json(&report)?;
    } else {
        show(&report);
    }
    Ok(if report.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn show(report: &DiagnosticsReport) {
    for subject in &report.reports {
        let word = if subject.healthy { "ok" } else { "FAILED" };
        output::say(&format!("{}: {word}", subject.subject));
        subject.checks.iter().for_each(show_check);
    }
}

fn show_check(check: &Check) {
    output::say(&format!("  {:<12} {:<7} {}", check.name, check.state.to_string(), check.found));
    if check.state != CheckState::Ok {
        output::say(&format!("               {}", check.why));
    }
    if check.state == CheckState::Failed {
        output::say(&format!("               {}", check.remedy));
    }
}
