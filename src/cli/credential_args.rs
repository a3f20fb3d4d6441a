//! The arguments of the verbs on signing keys, service accounts and API keys.

use clap::{Args, Subcommand};

use super::args::{Json, span};

#[derive(Debug, Subcommand)]
pub(super) enum Keys {
    /// Let a new key sign; what the old one has signed is good for a while.
    Rotate(Json),
    /// List the keys that sign, or did, the newest first.
    List(Json),
    /// Retire a key that signs no more, before its time.
    Retire(OneSigningKey),
}

#[derive(Debug, Args)]
pub(super) struct OneSigningKey {
    /// The key's id.
    pub(super) kid: String,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

/// Of the platform, by the host; or of a tenant, in the name of an account.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("plane").args(["platform", "tenant"]).required(true))]
pub(super) struct Plane {
    /// Of the platform.
    #[arg(long)]
    pub(super) platform: bool,
    /// Of this tenant, by slug or id; with `--account`.
    #[arg(long, requires = "account", value_name = "TENANT")]
    pub(super) tenant: Option<String>,
    /// The account that acts, which `--tenant` needs: its id, or an identity as `issuer|subject`.
    #[arg(long, requires = "tenant", value_name = "ACCOUNT")]
    pub(super) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Debug, Subcommand)]
pub(super) enum ServiceAccount {
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
pub(super) struct OneServiceAccount {
    /// The service account, by name or id.
    pub(super) service_account: String,
    #[command(flatten)]
    pub(super) plane: Plane,
}

#[derive(Debug, Args)]
pub(super) struct CreateServiceAccount {
    /// What it is called.
    pub(super) name: String,
    /// What it may do: admin, member or guest in a tenant; platform-admin, support or auditor on the platform.
    #[arg(long)]
    pub(super) role: String,
    /// What people say about it.
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) plane: Plane,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["name", "role", "description"]).required(true).multiple(true))]
pub(super) struct SetServiceAccount {
    /// The service account, by name or id.
    pub(super) service_account: String,
    /// What it is called from now on.
    #[arg(long)]
    pub(super) name: Option<String>,
    /// What it may do from now on.
    #[arg(long)]
    pub(super) role: Option<String>,
    /// What people say about it from now on.
    #[arg(long)]
    pub(super) description: Option<String>,
    #[command(flatten)]
    pub(super) plane: Plane,
}

#[derive(Debug, Subcommand)]
pub(super) enum ApiKey {
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
pub(super) struct CreateApiKey {
    /// The service account, by name or id.
    pub(super) service_account: String,
    /// What the key is called.
    #[arg(long)]
    pub(super) name: String,
    /// A scope that it is narrowed to; may be given again.
    #[arg(long = "scope", value_name = "SCOPE")]
    pub(super) scopes: Vec<String>,
    /// How long it is good for: seconds, or with s, m, h or d behind the number; as `identity.api_key_ttl_days` where
    /// nothing is said.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(super) ttl: Option<u32>,
    #[command(flatten)]
    pub(super) plane: Plane,
}

#[derive(Debug, Args)]
pub(super) struct RotateApiKey {
    /// The service account, by name or id.
    pub(super) service_account: String,
    /// The key's id.
    pub(super) key: String,
    /// How long the old key is good for beside the new one: seconds, or with s, m, h or d behind the number.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(super) overlap: Option<u32>,
    /// How long the new key is good for: seconds, or with s, m, h or d behind the number.
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(super) ttl: Option<u32>,
    #[command(flatten)]
    pub(super) plane: Plane,
}

#[derive(Debug, Args)]
pub(super) struct OneApiKey {
    /// The service account, by name or id.
    pub(super) service_account: String,
    /// The key's id.
    pub(super) key: String,
    #[command(flatten)]
    pub(super) plane: Plane,
}
