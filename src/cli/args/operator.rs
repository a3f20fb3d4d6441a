//! The arguments of the verbs on operators, and on their entries into tenants.

use clap::{Args, Subcommand};

use super::{Json, ttl};
use crate::domain::{OperatorRole, Word};

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Operator {
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
pub(in crate::cli) struct OneOperator {
    /// The account: its id, or an identity as `issuer|subject`.
    pub(in crate::cli) account: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct SetOperator {
    /// The account: its id, or an identity as `issuer|subject`.
    pub(in crate::cli) account: String,
    /// The role.
    #[arg(value_parser = clap::builder::PossibleValuesParser::new(roles()))]
    pub(in crate::cli) role: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

fn roles() -> Vec<&'static str> {
    OperatorRole::ALL.iter().map(|role| role.as_str()).collect()
}

#[derive(Debug, Subcommand)]
pub(in crate::cli) enum BreakGlass {
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
pub(in crate::cli) struct RequestBreakGlass {
    /// The tenant, by slug or id.
    pub(in crate::cli) tenant: String,
    /// Why; at least ten characters.
    #[arg(long)]
    pub(in crate::cli) reason: String,
    /// What is to be done, as a pattern: *, noun.* or an action's name; may be given again.
    #[arg(long, required = true, value_name = "PATTERN")]
    pub(in crate::cli) action: Vec<String>,
    /// How long it is to be open for, from the approval: 60s to 24h.
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = ttl)]
    pub(in crate::cli) duration: u32,
    /// For whom: an operator's account id or identity; the host's own operator where nothing is said.
    #[arg(long, value_name = "ACCOUNT")]
    pub(in crate::cli) account: Option<String>,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct OneBreakGlass {
    /// The entry's id.
    pub(in crate::cli) entry: String,
    /// Print JSON.
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
