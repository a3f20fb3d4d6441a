//! The arguments of the verbs on signing keys, service accounts and API keys.

use clap::{Args, Subcommand};

use super::{Json, span};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Keys {
    /// Let a new key sign; what the old one has signed is good for a while.
    Rotate(Json),
    /// List the keys that sign, or did, the newest first.
    List(Json),
    /// Retire a key that signs no more, before its time.
    Retire(OneSigningKey),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneSigningKey {
    /// The key's id.
    pub(in crate::cli) kid: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

/// Of the platform, by the host; or of a tenant, in the name of an account.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("plane").args(["platform", "tenant"]).required(true))]
pub(in crate::cli) struct Plane {
    /// Of the platform.
    #[arg(long)]
    pub(in crate::cli) platform: bool,
    /// Of this tenant, by slug or id; with `--account`.
    #[arg(long, requires = "account", value_name = "TENANT")]
    pub(in crate::cli) tenant: Option<String>,
    /// The account that acts, which `--tenant` needs: its id, or an identity as `issuer|subject`.
    #[arg(long, requires = "tenant", value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ServiceAccount {
    /// List service accounts.
    List(Plane),
    /// Show one service account.
    Show(OneServiceAccount),
    /// Make a service account; it has no keys yet.
    Create(CreateServiceAccount),
    /// Change a service account.
    Set(SetServiceAccount),
    /// Let a service account do nothing.
    Suspend(OneServiceAccount),
    /// Let a suspended service account act again.
    Resume(OneServiceAccount),
    /// Delete a service account with its keys.
    Delete(OneServiceAccount),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneServiceAccount {
    /// The service account, by name or id.
    pub(in crate::cli) service_account: String,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateServiceAccount {
    /// What it is called.
    pub(in crate::cli) name: String,
    /// What it may do: admin, member or guest in a tenant; platform-admin, support or auditor on the platform.
    #[arg(long)]
    pub(in crate::cli) role: String,
    /// What people say about it.
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["name", "role", "description"]).required(true).multiple(true))]
pub(in crate::cli) struct SetServiceAccount {
    /// The service account, by name or id.
    pub(in crate::cli) service_account: String,
    /// What it is called from now on.
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// What it may do from now on.
    #[arg(long)]
    pub(in crate::cli) role: Option<String>,
    /// What people say about it from now on.
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum ApiKey {
    /// List a service account's keys.
    List(OneServiceAccount),
    /// Make a key, and print it: this once.
    Create(CreateApiKey),
    /// Replace a key, and print the new one: this once.
    Rotate(RotateApiKey),
    /// Take a key back.
    Revoke(OneApiKey),
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateApiKey {
    /// The service account, by name or id.
    pub(in crate::cli) service_account: String,
    /// What the key is called.
    #[arg(long)]
    pub(in crate::cli) name: String,
    /// A scope that it is narrowed to; may be given again.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(in crate::cli) scopes: Vec<String>,
    /// How long it is good for: seconds, or with s, m, h or d behind the number; as `identity.api_key_ttl_days` where
    /// nothing is said.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(in crate::cli) ttl: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct RotateApiKey {
    /// The service account, by name or id.
    pub(in crate::cli) service_account: String,
    /// The key's id.
    pub(in crate::cli) key: String,
    /// How long the old key is good for beside the new one: seconds, or with s, m, h or d behind the number.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(in crate::cli) overlap: Option<u32>,
    /// How long the new key is good for: seconds, or with s, m, h or d behind the number.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(in crate::cli) ttl: Option<u32>,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneApiKey {
    /// The service account, by name or id.
    pub(in crate::cli) service_account: String,
    /// The key's id.
    pub(in crate::cli) key: String,
    #[command(flatten)]
    pub(in crate::cli) plane: Plane,
}
