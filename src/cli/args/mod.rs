//! The arguments, as typed.

mod app;
mod credential;
mod operator;
mod record;
mod role;
mod tenant;

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

pub(in crate::cli) use self::app::{App, BindApp, RequireApp};
pub(in crate::cli) use self::credential::{
    ApiKey, CreateApiKey, CreateServiceAccount, Keys, OneApiKey, OneServiceAccount, Plane,
    RotateApiKey, ServiceAccount, SetServiceAccount,
};
pub(in crate::cli) use self::operator::{
    BreakGlass, OneBreakGlass, OneOperator, Operator, RequestBreakGlass, SetOperator,
};
pub(in crate::cli) use self::record::{
    Audit, ChosenEvents, Events, ExportAudit, ExportFormat, ListAudit, ListEvents, OnePlan, Plan,
    Quota, SetPlan, SetQuota, TypedLimits, VerifyAudit, Whose,
};
pub(in crate::cli) use self::role::{AssignRole, CreateRole, Role, SetRole};
pub(in crate::cli) use self::tenant::{CreateTenant, OneHost, RowSecurity, Tenant, TenantHost};
use crate::storage::sqlite_version;

/// A tenancy engine in one binary: every tenant owns its own SQLite file.
#[derive(Debug, Parser)]
#[command(name = "freehold", max_term_width = 100)]
pub(in crate::cli) struct Arguments {
    /// The data directory.
    #[arg(long, global = true, env = "FREEHOLD_DATA", default_value = "data", value_name = "DIR")]
    pub(in crate::cli) data: PathBuf,
    /// A configuration file; it needs to name only what differs from the defaults.
    #[arg(long, global = true, env = "FREEHOLD_CONFIG", value_name = "FILE")]
    pub(in crate::cli) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(in crate::cli) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Verb {
    /// Serve for development: on loopback, with a local issuer and demo tenants; prints what to try.
    Dev(Dev),
    /// Serve for production.
    Serve(Listen),
    /// Check the configuration and the data directory as `serve` would, and do nothing else.
    Check,
    /// Mint a token on the host that has the keys, and print it.
    Token(Token),
    /// Keep tenants.
    #[command(subcommand)]
    Tenant(Tenant),
    /// Keep operators: accounts with a platform role.
    #[command(subcommand)]
    Operator(Operator),
    /// Keep operators' reasoned, approved, time-boxed entries into tenants.
    #[command(subcommand)]
    BreakGlass(BreakGlass),
    /// Keep the keys that sign.
    #[command(subcommand)]
    Keys(Keys),
    /// Keep service accounts: callers that are no persons.
    #[command(subcommand)]
    ServiceAccount(ServiceAccount),
    /// Keep the keys of service accounts.
    #[command(subcommand)]
    ApiKey(ApiKey),
    /// Keep a tenant's custom roles, in the name of an account.
    #[command(subcommand)]
    Role(Role),
    /// Keep applications, and bind them in the name of an account.
    #[command(subcommand)]
    App(App),
    /// Read audit logs, and walk their chains.
    #[command(subcommand)]
    Audit(Audit),
    /// Read and follow what happened.
    #[command(subcommand)]
    Events(Events),
    /// Keep plans, and what tenants may use.
    #[command(subcommand)]
    Quota(Quota),
    /// Make what every installation begins with, where it is not there; prints what is there.
    Seed(Seed),
    /// Import tenants from a file.
    Import(Import),
    /// Bring the registry and every tenant's file to this program's schema.
    Migrate(Migrate),
    /// Examine every file, and say what to do. Exits with 0 only when all is well.
    Doctor(Doctor),
    /// Print the OpenAPI document.
    Openapi,
    /// Print a script that completes commands in a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the manual: a page for the program and one for each verb.
    Man,
    /// Ask the configured address whether it serves.
    Healthcheck(Listen),
}

impl Verb {
    /// Whether the verb is a server, whose log is wanted.
    pub(in crate::cli) fn serves(&self) -> bool {
        matches!(self, Self::Dev(_) | Self::Serve(_))
    }

    /// Whether the verb may begin an installation, or needs none.
    pub(in crate::cli) fn may_begin(&self) -> bool {
        match self {
            Self::Tenant(verb) => matches!(verb, Tenant::Create(_)),
            Self::Operator(verb) => matches!(verb, Operator::Set(_)),
            Self::ServiceAccount(verb) => matches!(verb, ServiceAccount::Create(_)),
            Self::App(verb) => matches!(verb, App::Register(_)),
            Self::Token(_)
            | Self::BreakGlass(_)
            | Self::Keys(_)
            | Self::ApiKey(_)
            | Self::Role(_)
            | Self::Audit(_)
            | Self::Quota(_)
            | Self::Migrate(_)
            | Self::Doctor(_) => false,
            Self::Events(verb) => matches!(verb, Events::Types),
            Self::Dev(_)
            | Self::Serve(_)
            | Self::Check
            | Self::Seed(_)
            | Self::Import(_)
            | Self::Openapi
            | Self::Completions { .. }
            | Self::Man
            | Self::Healthcheck(_) => true,
        }
    }
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Listen {
    /// Where requests are taken; as `http.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(in crate::cli) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Dev {
    #[command(flatten)]
    pub(in crate::cli) listen: Listen,
    /// Print what to try as JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Json {
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Seed {
    /// The slug of the default tenant; as `seed.slug`.
    #[arg(long, value_name = "SLUG")]
    pub(in crate::cli) slug: Option<String>,
    /// What people call the default tenant; as `seed.name`.
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) name: Option<String>,
    /// Whose personal tenant is made: an account's id, or an identity as `issuer|subject`; the host's operator's where
    /// nothing is said.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("for").args(["operator", "tenant", "account"]).required(true).multiple(true))]
pub(in crate::cli) struct Token {
    /// For the platform, as its administrator.
    #[arg(long, conflicts_with_all = ["tenant", "account"])]
    pub(in crate::cli) operator: bool,
    /// For this tenant, by slug or id.
    #[arg(long, requires = "account", value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// About this account: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// How long it is good for: seconds, or with s, m or h behind the number; a day at most.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub(in crate::cli) ttl: u32,
    /// What it is narrowed to: names of scopes, separated by blanks.
    #[arg(long, value_name = "SCOPES")]
    pub(in crate::cli) scope: Option<String>,
    /// The context class of the log-in that it stands for; `host` where neither this nor a method is given.
    #[arg(long, value_name = "CLASS")]
    pub(in crate::cli) acr: Option<String>,
    /// A method of that log-in (RFC 8176); may be given again.
    #[arg(long, value_name = "METHOD")]
    pub(in crate::cli) amr: Vec<String>,
    /// How long ago that log-in was.
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    pub(in crate::cli) auth_age: Option<u32>,
}

/// In whose name a verb is done in which tenant.
#[derive(Debug, Args)]
pub(in crate::cli) struct Acting {
    /// The tenant, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(in crate::cli) tenant: String,
    /// The account that acts: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) account: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Import {
    /// The file.
    pub(in crate::cli) file: PathBuf,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Migrate {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(in crate::cli) plan: bool,
    /// This tenant alone, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Doctor {
    /// This tenant alone, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// Mend what can be mended without losing anything.
    #[arg(long)]
    pub(in crate::cli) fix: bool,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// A time of a day at most, in seconds.
fn ttl(text: &str) -> Result<u32, String> {
    let seconds = span(text)?;
    if (1..=86_400).contains(&seconds) { Ok(seconds) } else { Err("must be 1s to 24h".to_owned()) }
}

/// `90`, `90s`, `15m`, `1h` or `30d` as seconds.
pub(in crate::cli) fn span(text: &str) -> Result<u32, String> {
    let wrong =
        || "a time is a number of seconds, or a number with s, m, h or d behind it".to_owned();
    let (number, unit) = match text.find(|c: char| !c.is_ascii_digit()) {
        Some(end) => text.split_at(end),
        None => (text, "s"),
    };
    let factor = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return Err(wrong()),
    };
    let number: u32 = number.parse().map_err(|_| wrong())?;
    number.checked_mul(factor).ok_or_else(wrong)
}

/// The command line, as it is defined.
pub(in crate::cli) fn command() -> clap::Command {
    // Asked for once in the life of the process, and needed to its end.
    let version: &'static str =
        format!("{} (SQLite {})", env!("CARGO_PKG_VERSION"), sqlite_version().0).leak();
    Arguments::command().version(version)
}

/// The arguments that the program was called with. The error is wrong usage, or the help or version that was asked for.
pub(in crate::cli) fn parse() -> Result<Arguments, clap::Error> {
    Arguments::from_arg_matches(&command().try_get_matches()?)
}
