//! `freehold migrate`.

use std::path::Path;
use std::process::ExitCode;

use anyhow::Result;
use reqwest::Method;
use serde_json::json;

use super::args::Migrate;
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::{MigrationReport, MigrationState};

const MIGRATIONS: &str = "/v1/platform/migrations";

/// Shows how every file stands, or brings every file to this program's schema.
pub(super) async fn migrate(
    data: &Path,
    configuration: Configuration,
    migrate: &Migrate,
) -> Result<ExitCode> {
    let report: MigrationReport = node::with_client(data, configuration, |client| async move {
        if migrate.plan {
            return client.get(MIGRATIONS).await;
        }
        let body = match &migrate.tenant {
            Some(tenant) => json!({ "tenant": tenant }),
            None => json!({}),
        };
        client.ask(Method::POST, MIGRATIONS, Some(&body)).await
    })
    .await?;
    if migrate.json {
        output::json(&report)?;
    } else {
        show(&report)?;
    }
    let failed = report.tenants.iter().any(|tenant| tenant.state == MigrationState::Failed);
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn show(report: &MigrationReport) -> Result<()> {
    output::say(&format!(
        "registry at version {}; tenants' files: {} of them at version {}, {} others",
        report.registry_version,
        report.current,
        report.newest_version,
        report.tenants.len()
    ))?;
    for tenant in &report.tenants {
        let outcome =
            tenant.outcome.map_or_else(|| tenant.state.to_string(), |outcome| outcome.to_string());
        let problem =
            tenant.problem.as_deref().map_or_else(String::new, |problem| format!(": {problem}"));
        output::say(&format!("{}  version {}  {outcome}{problem}", tenant.slug, tenant.version))?;
    }
    Ok(())
}
