//! `freehold import`.

use std::collections::HashMap;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use indicatif::ProgressBar;

use super::args::Import;
use super::client::Client;
use super::configuration::Configuration;
use super::output::Bars;
use super::{node, output};
use crate::domain::{ImportOutcome, ImportProgress, ImportReport, TenantImport};

/// Imports a file.
pub(super) async fn import(
    data: &Path,
    configuration: Configuration,
    import: &Import,
) -> Result<ExitCode> {
    let text = std::fs::read(&import.file).with_context(|| import.file.display().to_string())?;
    let path =
        if import.dry_run { "/v1/platform/imports?dry_run=true" } else { "/v1/platform/imports" };
    let report =
        node::with_client(
            data,
            configuration,
            |client| async move { send(&client, path, text).await },
        )
        .await
        .with_context(|| import.file.display().to_string())?;
    if import.json {
        output::json(&report)?;
    } else {
        show(&report)?;
    }
    let failed = report.tenants.iter().any(|tenant| tenant.outcome == ImportOutcome::Failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Sends a file, shows how far it is, and returns what was done.
pub(super) async fn send(client: &Client, path: &str, text: Vec<u8>) -> Result<ImportReport> {
    let mut response = client.send(path, text).await?;
    let mut progress = Progress { bars: Bars::new(), by_stage: HashMap::new() };
    let mut rest = Vec::new();
    while let Some(chunk) =
        response.chunk().await.context("the import was cut off; run it again to go on")?
    {
        rest.extend_from_slice(&chunk);
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            match serde_json::from_slice(&line).context("the answer cannot be read")? {
                ImportProgress::Progress { stage, done, total } => progress.at(&stage, done, total),
                ImportProgress::Report(report) => return Ok(report),
                ImportProgress::Error { detail, report: Some(report), .. } => {
                    show(&report)?;
                    bail!(detail)
                }
                ImportProgress::Error { detail, .. } => bail!("{detail}; run it again to go on"),
            }
        }
    }
    bail!("the import was cut off; run it again to go on")
}

struct Progress {
    bars: Bars,
    by_stage: HashMap<String, ProgressBar>,
}

impl Progress {
    fn at(&mut self, stage: &str, done: u64, total: u64) {
        let bars = &self.bars;
        let bar = self.by_stage.entry(stage.to_owned()).or_insert_with(|| bars.add(stage, total));
        bar.set_position(done);
        if done >= total {
            bar.finish();
        }
    }
}

fn show(report: &ImportReport) -> Result<()> {
    let accounts = if report.dry_run { "would be added" } else { "added" };
    output::say(&format!("{} accounts {accounts}", report.accounts_added))?;
    let mut rows = vec![["TENANT", "OUTCOME", "ADDED"].map(str::to_owned).to_vec()];
    for tenant in &report.tenants {
        rows.push(vec![tenant.slug.to_string(), tenant.outcome.to_string(), added(tenant)]);
    }
    output::table(&rows)
}

fn added(tenant: &TenantImport) -> String {
    if let Some(problem) = &tenant.problem {
        return problem.clone();
    }
    let nouns: Vec<String> =
        tenant.added.iter().map(|(noun, count)| format!("{count} {noun}")).collect();
    if nouns.is_empty() { "-".to_owned() } else { nouns.join(", ") }
}
