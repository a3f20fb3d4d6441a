//! The arguments of the verbs on tenants.

use clap::{Args, Subcommand};

use super::Json;
use crate::domain::{RowSecurityMode, Word};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Tenant {
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
pub(in crate::cli) struct RowSecurity {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// The mode that it shall be in.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(modes()))]
    pub(in crate::cli) mode: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn modes() -> Vec<&'static str> {
    RowSecurityMode::ALL.iter().map(|mode| mode.as_str()).collect()
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum TenantHost {
    /// Register a host name for a tenant.
    Add(OneHost),
    /// List a tenant's host names.
    List(OneTenant),
    /// Take a host name from a tenant.
    Remove(OneHost),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneHost {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// The host name, in any spelling.
    pub(in crate::cli) host: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateTenant {
    /// Its name in addresses.
    pub(in crate::cli) slug: String,
    /// What people call it; the slug where nothing is said.
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// What people say about it.
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    /// The account that becomes its first owner: its id, or an identity as `issuer|subject`.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) owner: Option<String>,
    /// Make it one person's own.
    #[arg(long)]
    pub(in crate::cli) personal: bool,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneTenant {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
