//! The arguments, as typed.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::credential_args::{ApiKey, Keys, ServiceAccount};
use crate::domain::{OperatorRole, RowSecurityMode, TenantKind, Word};
use crate::storage::sqlite_version;

/// A tenancy engine in one binary: every tenant owns its own SQLite file.
#[derive(Debug, Parser)]
#[command(name = "freehold", max_term_width = 100)]
pub(super) struct Arguments {
    /// The data directory.
    #[arg(long, global = true, env = "FREEHOLD_DATA", default_value = "data", value_name = "DIR")]
    pub(super) data: PathBuf,
    /// A configuration file; it needs to name only what differs from the defaults.
    #[arg(long, global = true, env = "FREEHOLD_CONFIG", value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) verb: Verb,
}

#[derive(Debug, Subcommand)]
pub(super) enum Verb {
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
    pub(super) fn serves(&self) -> bool {
        matches!(self, Self::Dev(_) | Self::Serve(_))
    }

    /// Whether the verb may begin an installation, or needs none.
    pub(super) fn may_begin(&self) -> bool {
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
            | Self::Migrate(_)
            | Self::Doctor(_) => false,
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
pub(super) struct Listen {
    /// Where requests are taken; as `http.listen`.
    #[arg(long, value_name = "ADDRESS")]
    pub(super) listen: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Dev {
    #[command(flatten)]
    pub(super) listen: Listen,
    /// Print what to try as JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Json {
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Seed {
    /// The slug of the default tenant; as `seed.slug`.
    #[arg(long, value_name = "SLUG")]
    pub(super) slug: Option<String>,
    /// What people call the default tenant; as `seed.name`.
    #[arg(long, value_name = "NAME")]
    pub(super) name: Option<String>,
    /// Whose personal tenant is made: an account's id, or an identity as `issuer|subject`; the host's operator's where
    /// nothing is said.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("for").args(["operator", "tenant", "account"]).required(true).multiple(true))]
pub(super) struct Token {
    /// For the platform, as its administrator.
    #[arg(long, conflicts_with_all = ["tenant", "account"])]
    pub(super) operator: bool,
    /// For this tenant, by slug or id.
    #[arg(long, requires = "account", value_name = "TENANT")]
    pub(super) tenant: Option<String>,
    /// About this account: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// How long it is good for: seconds, or with s, m or h behind the number; a day at most.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub(super) ttl: u32,
    /// What it is narrowed to: names of scopes, separated by blanks.
    #[arg(long, value_name = "SCOPES")]
    pub(super) scope: Option<String>,
    /// The context class of the log-in that it stands for; `host` where neither this nor a method is given.
    #[arg(long, value_name = "CLASS")]
    pub(super) acr: Option<String>,
    /// A method of that log-in (RFC 8176); may be given again.
    #[arg(long, value_name = "METHOD")]
    pub(super) amr: Vec<String>,
    /// How long ago that log-in was.
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    pub(super) auth_age: Option<u32>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Tenant {
    /// Make a tenant.
    Create(CreateTenant),
    /// List tenants.
    List(Json),
    /// Show one tenant.
    Show(OneTenant),
    /// Take a tenant out of service.
    Suspend(OneTenant),
    /// Put a suspended tenant back into service.
    Resume(OneTenant),
    /// Keep a tenant's host names.
    #[command(subcommand)]
    Host(TenantHost),
    /// Show, or change, what row-level security does in a tenant.
    RowSecurity(RowSecurity),
}

#[derive(Debug, Args)]
pub(super) struct RowSecurity {
    /// The tenant, by slug or id.
    pub(super) tenant: String,
    /// The mode that it shall be in.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(modes()))]
    pub(super) mode: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn modes() -> Vec<&'static str> {
    RowSecurityMode::ALL.iter().map(|mode| mode.as_str()).collect()
}

/// In whose name a verb is done in which tenant.
#[derive(Debug, Args)]
pub(super) struct Acting {
    /// The tenant, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: String,
    /// The account that acts: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum App {
    /// Register an application.
    Register(ManifestFile),
    /// Give an application its next manifest; what tenants have bound stays in force.
    Update(ManifestFile),
    /// List applications.
    List(Json),
    /// Show one application.
    Show(OneApp),
    /// Say which kinds of tenants must bind an application.
    Require(RequireApp),
    /// Have a tenant bind an application, or bind it otherwise.
    Bind(BindApp),
    /// Have a tenant let go of an application.
    Unbind(UnbindApp),
}

#[derive(Debug, Args)]
pub(super) struct ManifestFile {
    /// The manifest, as JSON.
    pub(super) file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct OneApp {
    /// The application's name.
    pub(super) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("for").args(["kinds", "none"]).required(true))]
pub(super) struct RequireApp {
    /// The application's name.
    pub(super) name: String,
    /// A kind of tenants that must bind it; may be given again.
    #[arg(long = "kind", value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(kinds()))]
    pub(super) kinds: Vec<String>,
    /// Nobody must.
    #[arg(long)]
    pub(super) none: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn kinds() -> Vec<&'static str> {
    TenantKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

#[derive(Debug, Args)]
pub(super) struct BindApp {
    /// The application's name.
    pub(super) name: String,
    /// The version of its manifest; the newest where nothing is said.
    #[arg(long, value_name = "NUMBER")]
    pub(super) manifest_version: Option<i64>,
    /// A scope that tokens may use; may be given again; all of them where nothing is said.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Args)]
pub(super) struct UnbindApp {
    /// The application's name.
    pub(super) name: String,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Subcommand)]
pub(super) enum Role {
    /// List custom roles.
    List(Acting),
    /// Show one custom role, and who has it.
    Show(OneRole),
    /// Make a custom role.
    Create(CreateRole),
    /// Change a custom role, for everybody who has it.
    Set(SetRole),
    /// Delete a custom role, and take it from everybody.
    Delete(OneRole),
    /// Give a custom role to a principal.
    Assign(AssignRole),
    /// Take a custom role from a principal.
    Unassign(AssignRole),
}

#[derive(Debug, Args)]
pub(super) struct OneRole {
    /// The role, by name or id.
    pub(super) role: String,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Args)]
pub(super) struct CreateRole {
    /// What it is called.
    pub(super) name: String,
    /// A pattern of what it permits, as `resource.*`; may be given again.
    #[arg(long = "permission", value_name = "PATTERN", required = true)]
    pub(super) permissions: Vec<String>,
    /// What people say about it.
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["name", "permissions", "description"]).required(true).multiple(true))]
pub(super) struct SetRole {
    /// The role, by name or id.
    pub(super) role: String,
    /// What it is called from now on.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// A pattern of what it permits from now on, instead of those that it has; may be given again.
    #[arg(long = "permission", value_name = "PATTERN")]
    pub(super) permissions: Vec<String>,
    /// What people say about it from now on.
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Args)]
pub(super) struct AssignRole {
    /// The role, by name or id.
    pub(super) role: String,
    /// `tenant`, `team:` with a name or id behind it, or `account:` with an id or an identity behind it.
    pub(super) principal: String,
    #[command(flatten)]
    pub(super) acting: Acting,
}

#[derive(Debug, Subcommand)]
pub(super) enum Operator {
    /// List operators.
    List(Json),
    /// Show one operator.
    Show(OneOperator),
    /// Give an account a platform role, or another one.
    Set(SetOperator),
    /// Take an account's platform role away, and end its entries into tenants.
    Remove(OneOperator),
}

#[derive(Debug, Args)]
pub(super) struct OneOperator {
    /// The account: its id, or an identity as `issuer|subject`.
    pub(super) account: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct SetOperator {
    /// The account: its id, or an identity as `issuer|subject`.
    pub(super) account: String,
    /// The role.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(roles()))]
    pub(super) role: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

fn roles() -> Vec<&'static str> {
    OperatorRole::ALL.iter().map(|role| role.as_str()).collect()
}

#[derive(Debug, Subcommand)]
pub(super) enum BreakGlass {
    /// Ask for an operator's entry into a tenant; somebody else approves it.
    Request(RequestBreakGlass),
    /// List entries, the newest first.
    List(Json),
    /// Show one entry.
    Show(OneBreakGlass),
    /// Approve an entry that the host did not ask for.
    Approve(OneBreakGlass),
    /// Refuse an entry that the host did not ask for.
    Deny(OneBreakGlass),
    /// End an entry before its time, or take a request back.
    End(OneBreakGlass),
}

#[derive(Debug, Args)]
pub(super) struct RequestBreakGlass {
    /// The tenant, by slug or id.
    pub(super) tenant: String,
    /// Why; at least ten characters.
    #[arg(long)]
    pub(super) reason: String,
    /// What is to be done, as a pattern: *, noun.* or an action's name; may be given again.
    #[arg(long, required = true, value_name = "PATTERN")]
    pub(super) action: Vec<String>,
    /// How long it is to be open for, from the approval: 60s to 24h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub(super) duration: u32,
    /// For whom: an operator's account id or identity; the host's own operator where nothing is said.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct OneBreakGlass {
    /// The entry's id.
    pub(super) entry: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum TenantHost {
    /// Register a host name for a tenant.
    Add(OneHost),
    /// List a tenant's host names.
    List(OneTenant),
    /// Take a host name from a tenant.
    Remove(OneHost),
}

#[derive(Debug, Args)]
pub(super) struct OneHost {
    /// The tenant, by slug or id.
    pub(super) tenant: String,
    /// The host name, in any spelling.
    pub(super) host: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct CreateTenant {
    /// Its name in addresses.
    pub(super) slug: String,
    /// What people call it; the slug where nothing is said.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// What people say about it.
    #[arg(long)]
    pub(super) description: Option<String>,
    /// The account that becomes its first owner: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(super) owner: Option<String>,
    /// Make it one person's own.
    #[arg(long)]
    pub(super) personal: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct OneTenant {
    /// The tenant, by slug or id.
    pub(super) tenant: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Import {
    /// The file.
    pub(super) file: PathBuf,
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Migrate {
    /// Say what would be done, and do nothing.
    #[arg(long)]
    pub(super) plan: bool,
    /// This tenant alone, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Args)]
pub(super) struct Doctor {
    /// This tenant alone, by slug or id.
    #[arg(long, value_name = "TENANT")]
    pub(super) tenant: Option<String>,
    /// Mend what can be mended without losing anything.
    #[arg(long)]
    pub(super) fix: bool,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// A time of a day at most, in seconds.
fn ttl(text: &str) -> Result<u32, String> {
    let seconds = span(text)?;
    if (1..=86_400).contains(&seconds) { Ok(seconds) } else { Err("must be 1s to 24h".to_owned()) }
}

/// `90`, `90s`, `15m`, `1h` or `30d` as seconds.
pub(super) fn span(text: &str) -> Result<u32, String> {
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
pub(super) fn command() -> clap::Command {
    // Asked for once in the life of the process, and needed to its end.
    let version: &'static str =
        format!("{} (SQLite {})", env!("CARGO_PKG_VERSION"), sqlite_version().0).leak();
    Arguments::command().version(version)
}

/// The arguments that the program was called with. Ends the program where they cannot be read.
pub(super) fn parse() -> Arguments {
    let matches = command().get_matches();
    Arguments::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
}
