//! The arguments of the verbs on custom roles.

use clap::{Args, Subcommand};

use super::Acting;

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Role {
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
pub(in crate::cli) struct OneRole {
    /// The role, by name or id.
    pub(in crate::cli) role: String,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct CreateRole {
    /// What it is called.
    pub(in crate::cli) name: String,
    /// A pattern of what it permits, as `resource.*`; may be given again.
    #[arg(long = "permission", value_name = "PATTERN", required = true)]
    pub(in crate::cli) permissions: Vec<String>,
    /// What people say about it.
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("change").args(["name", "permissions", "description"]).required(true).multiple(true))]
pub(in crate::cli) struct SetRole {
    /// The role, by name or id.
    pub(in crate::cli) role: String,
    /// What it is called from now on.
    #[arg(long)]
    pub(in crate::cli) name: Option<String>,
    /// A pattern of what it permits from now on, instead of those that it has; may be given again.
    #[arg(long = "permission", value_name = "PATTERN")]
    pub(in crate::cli) permissions: Vec<String>,
    /// What people say about it from now on.
    #[arg(long)]
    pub(in crate::cli) description: Option<String>,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct AssignRole {
    /// The role, by name or id.
    pub(in crate::cli) role: String,
    /// `tenant`, `team:` with a name or id behind it, or `account:` with an id or an identity behind it.
    pub(in crate::cli) principal: String,
    #[command(flatten)]
    pub(in crate::cli) acting: Acting,
}
