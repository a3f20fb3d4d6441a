//! The arguments of the verbs on applications.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Acting, Json};
use crate::domain::{TenantKind, Word};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum App {
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
pub(in crate::cli) struct ManifestFile {
    /// The manifest, as JSON.
    pub(in crate::cli) file: PathBuf,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneApp {
    /// The application's name.
    pub(in crate::cli) name: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("for").args(["kinds", "none"]).required(true))]
pub(in crate::cli) struct RequireApp {
    /// The application's name.
    pub(in crate::cli) name: String,
    /// A kind of tenants that must bind it; may be given again.
    #[arg(long = "kind", value_name = "KIND", value_parser = clap::builder::PossibleValuesParser::new(kinds()))]
    pub(in crate::cli) kinds: Vec<String>,
    /// Nobody must.
    #[arg(long)]
    pub(in crate::cli) none: bool,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn kinds() -> Vec<&'static str> {
    TenantKind::ALL.iter().map(|kind| kind.as_str()).collect()
}

#[derive(Debug, Args)]
pub(in crate::cli) struct BindApp {
    /// The application's name.
    pub(in crate::cli) name: String,
    /// The version of its manifest; the newest where nothing is said.
    #[arg(long, value_name = "NUMBER")]
    pub(in crate::cli) manifest_version: Option<i64>,
    /// A scope that tokens may use; may be given again; all of them where nothing is said.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(in crate::cli) scopes: Vec<String>,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct UnbindApp {
    /// The application's name.
    pub(in crate::cli) name: String,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}
