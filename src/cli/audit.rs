//! `freehold audit …`.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};
use futures_util::StreamExt;
use serde::Serialize;

use super::args::{Audit as Verb, ExportAudit, ExportFormat, ListAudit, VerifyAudit, Whose};
use super::client::{Client, query};
use super::configuration::Configuration;
use super::{copy, node, output, tenant};
use crate::domain::{AuditEntry, AuditVerification, Error, Tenant};

const PLATFORM: &str = "/v1/platform";

/// What came of a log's walk.
#[derive(Serialize)]
struct Walked {
    /// The tenant's slug, or `platform`.
    subject: String,
    #[serde(flatten)]
    outcome: Outcome,
    /// Whether a copy was read, since the data directory cannot be written.
    copy: bool,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Outcome {
    Walked(AuditVerification),
    /// It could not be walked.
    Refused {
        /// Why.
        error: String,
    },
}

impl From<Result<AuditVerification>> for Outcome {
    fn from(result: Result<AuditVerification>) -> Self {
        match result {
            Ok(verification) => Self::Walked(verification),
            Err(error) => Self::Refused { error: format!("{error:#}") },
        }
    }
}

impl Walked {
    fn of_copy((subject, verified): (String, Result<AuditVerification, Error>)) -> Self {
        Self { subject, outcome: verified.map_err(anyhow::Error::from).into(), copy: true }
    }

    fn is_intact(&self) -> bool {
        matches!(&self.outcome, Outcome::Walked(verification) if verification.intact)
    }
}

/// Walks one log; of what cannot be walked, the others are told all the same.
async fn walk_one(client: &Client, subject: &str, home: &str) -> Walked {
    let outcome = client.get(&format!("{home}/audit/verify")).await;
    Walked { subject: subject.to_owned(), outcome: outcome.into(), copy: false }
}

/// Reads audit logs, and walks their chains.
pub(super) async fn audit(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    if let Verb::Verify(verify) = verb {
        let tenant = verify.tenant.clone();
        let of_copy = copy::read(data, &configuration, move |copy| copy.verify(tenant.as_deref()));
        if let Some(verified) = of_copy.await? {
            let walked: Vec<_> = verified.into_iter().map(Walked::of_copy).collect();
            return tell(&walked, verify);
        }
    }
    node::with_client(data, configuration, |client| async move { ask(&client, verb).await }).await
}

async fn ask(client: &Client, verb: &Verb) -> Result<ExitCode> {
    match verb {
        Verb::List(list) => show(client, list).await,
        Verb::Verify(verify) => walk(client, verify).await,
        Verb::Export(export) => take(client, export).await,
    }
}

/// Who reads, and below which path: the host the platform's, an account of the tenant the tenant's.
pub(super) async fn reader(host: &Client, whose: &Whose) -> Result<(Client, String)> {
    match (&whose.tenant, &whose.account) {
        (Some(name), Some(account)) => {
            // What can be no tenant's name can be no part of a path.
            tenant::path(name)?;
            Ok((host.as_account(name, account).await?, format!("/v1/tenants/{name}")))
        }
        _ => Ok((host.clone(), PLATFORM.to_owned())),
    }
}

async fn show(host: &Client, list: &ListAudit) -> Result<ExitCode> {
    #[derive(serde::Deserialize)]
    struct Page {
        items: Vec<AuditEntry>,
    }
    let (client, home) = reader(host, &list.whose).await?;
    let filters = query(&[
        ("action", list.action.as_deref()),
        ("actor", list.actor.as_deref()),
        ("correlation_id", list.correlation.as_deref()),
        ("limit", Some(&list.limit.to_string())),
    ]);
    let page: Page = client.get(&format!("{home}/audit?{filters}")).await?;
    if list.json {
        output::json(&page.items)?;
        return Ok(ExitCode::SUCCESS);
    }
    let head = ["SEQ", "AT", "ACTOR", "ACTION", "TARGET", "DECISION"];
    let mut rows = vec![head.map(str::to_owned).to_vec()];
    for row in page.items {
        let target = format!("{}/{}", row.target_type, row.target_id);
        let (at, decision) = (row.at.to_string(), row.decision.to_string());
        rows.push(vec![row.seq.to_string(), at, row.actor, row.action, target, decision]);
    }
    output::table(&rows)?;
    Ok(ExitCode::SUCCESS)
}

async fn walk(client: &Client, verify: &VerifyAudit) -> Result<ExitCode> {
    let mut walked = Vec::new();
    let slugs = match &verify.tenant {
        Some(tenant) => vec![tenant.clone()],
        None => {
            walked.push(walk_one(client, "platform", PLATFORM).await);
            let tenants: Vec<Tenant> = client.all(&format!("{PLATFORM}/tenants")).await?;
            tenants.into_iter().map(|tenant| tenant.slug.to_string()).collect()
        }
    };
    let bar = output::files("walked");
    for (done, slug) in slugs.iter().enumerate() {
        bar.at(done, slugs.len());
        walked.push(walk_one(client, slug, &tenant::path(slug)?).await);
    }
    bar.end();
    tell(&walked, verify)
}

fn tell(walked: &[Walked], verify: &VerifyAudit) -> Result<ExitCode> {
    if verify.json {
        output::json(&walked)?;
    } else {
        walked.iter().try_for_each(say)?;
    }
    let intact = walked.iter().all(Walked::is_intact);
    Ok(if intact { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn say(walked: &Walked) -> Result<()> {
    let Walked { subject, outcome, .. } = walked;
    output::say(&match outcome {
        Outcome::Refused { error } => {
            format!(
                "{subject}: not looked at: {error} `freehold doctor --tenant {subject}` says more."
            )
        }
        Outcome::Walked(AuditVerification { bad: None, rows, .. }) => {
            format!("{subject}: ok, {rows} rows")
        }
        Outcome::Walked(AuditVerification { bad: Some(bad), rows, .. }) => {
            format!("{subject}: row {} is {}, behind {rows} good ones", bad.seq, bad.problem)
        }
    })
}

async fn take(host: &Client, export: &ExportAudit) -> Result<ExitCode> {
    let (client, home) = reader(host, &export.whose).await?;
    let format = match export.format {
        ExportFormat::Ndjson => "ndjson",
        ExportFormat::Csv => "csv",
    };
    let answer = client.read_raw(&format!("{home}/audit/export?format={format}")).await?;
    let mut chunks = answer.bytes_stream();
    let mut out = match &export.output {
        Some(path) => Some(File::create(path).with_context(|| path.display().to_string())?),
        None => None,
    };
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.context("the export was ended before its end")?;
        match &mut out {
            Some(file) => file.write_all(&chunk)?,
            None => output::write(&chunk)?,
        }
    }
    Ok(ExitCode::SUCCESS)
}
