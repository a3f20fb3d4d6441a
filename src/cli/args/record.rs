//! The arguments of the verbs on audit logs, events and quotas.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::Json;

/// Whose log or events: the platform's, where no tenant is named.
#[derive(Debug, Args)]
pub(in crate::cli) struct Whose {
    /// A tenant's, by slug or id; the platform's where nothing is said.
    #[arg(long, requires = "account", value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// The account that reads a tenant's: its id, or an identity as `issuer|subject`.
    #[arg(long, requires = "tenant", value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Audit {
    /// List what an audit log says, the newest first.
    List(ListAudit),
    /// Walk the chains of audit logs, and name the first bad row of each. Exits with 0 only when all are intact.
    Verify(VerifyAudit),
    /// Print an audit log, the oldest row first.
    Export(ExportAudit),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListAudit {
    #[command(flatten)]
    pub(in crate::cli) whose: Whose,
    /// Rows of this action, or of those that a pattern means, as `team.*`.
    #[arg(long, value_name = "PATTERN")]
    pub(in crate::cli) action: Option<String>,
    /// Rows by this actor, as `account:<id>`.
    #[arg(long, value_name = "ACTOR")]
    pub(in crate::cli) actor: Option<String>,
    /// Rows of this cause.
    #[arg(long, value_name = "ID")]
    pub(in crate::cli) correlation: Option<String>,
    /// Rows at most.
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=200))]
    pub(in crate::cli) limit: u32,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyAudit {
    /// One tenant's, by slug or id; the platform's and every tenant's where nothing is said.
    #[arg(long, value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(in crate::cli) enum ExportFormat {
    /// A JSON object a line.
    Ndjson,
    /// A table.
    Csv,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ExportAudit {
    #[command(flatten)]
    pub(in crate::cli) whose: Whose,
    /// In which form.
    #[arg(long, value_enum, default_value = "ndjson")]
    pub(in crate::cli) format: ExportFormat,
    /// The file to write; standard output where nothing is said.
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) output: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Events {
    /// List what happened, the oldest first.
    List(ListEvents),
    /// Print what happened, and what happens, an event a line, until it is stopped. If the stream ends, says why and exits
    /// with 1.
    Follow(ChosenEvents),
    /// Print every type of event, and what it says.
    Types,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ChosenEvents {
    #[command(flatten)]
    pub(in crate::cli) whose: Whose,
    /// Behind the event of this sequence; 0 for all of them.
    #[arg(long, value_name = "SEQUENCE", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
    pub(in crate::cli) after: i64,
    /// Events of this type, or of those that a pattern means: `team.*`.
    #[arg(long = "type", value_name = "TYPE")]
    pub(in crate::cli) kind: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct ListEvents {
    #[command(flatten)]
    pub(in crate::cli) chosen: ChosenEvents,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Quota {
    /// Show what a tenant was given, and what it was last seen to use.
    Show(OneQuota),
    /// Give a tenant a plan and limits, in place of all that it had.
    Set(SetQuota),
    /// Keep plans: named sets of limits.
    #[command(subcommand)]
    Plan(Plan),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneQuota {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Limits, as they are typed.
#[derive(Debug, Args)]
pub(in crate::cli) struct TypedLimits {
    /// A limit, as `members=50` or `resources.prompt=1000`; may be given again.
    #[arg(long = "limit", value_name = "DIMENSION=NUMBER", value_parser = limit)]
    pub(in crate::cli) limits: Vec<(String, i64)>,
    /// From where on to warn, as `members=40`; may be given again.
    #[arg(long = "soft-limit", value_name = "DIMENSION=NUMBER", value_parser = limit)]
    pub(in crate::cli) soft_limits: Vec<(String, i64)>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetQuota {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// Its plan; the default one where nothing is said.
    #[arg(long, value_name = "PLAN")]
    pub(in crate::cli) plan: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) limits: TypedLimits,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Plan {
    /// List plans.
    List(Json),
    /// Make a plan, or change it, in place of all that it had.
    Set(SetPlan),
    /// Delete a plan that no tenant has.
    Delete(OnePlan),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetPlan {
    /// What it is called; tenants without a plan have the one that is called `default`.
    pub(in crate::cli) name: String,
    /// What people call it; its name where nothing is said.
    #[arg(long, value_name = "TITLE")]
    pub(in crate::cli) title: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) limits: TypedLimits,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OnePlan {
    /// What it is called.
    pub(in crate::cli) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn limit(text: &str) -> Result<(String, i64), String> {
    let parts = text.split_once('=').ok_or("must be a dimension, = and a number, as members=50")?;
    let number = parts.1.parse().map_err(|_| format!("{:?} is no whole number", parts.1))?;
    Ok((parts.0.to_owned(), number))
}
