//! The audit row: what was done or refused, by whom, and why.

use super::{AccountId, Timestamp};

super::word::words! {
    /// What was decided.
    pub enum AuditDecision {
        /// Permitted, and done.
        Permit = "permit",
        /// Refused.
        Deny = "deny",
    }
}

/// An audit row, before its place in the chain is known.
#[derive(Debug, Clone)]
pub struct AuditRecord {
    /// When.
    pub at: Timestamp,
    /// Who, in words.
    pub actor: String,
    /// The tenant that the actor's credential is for, or `platform`.
    pub actor_tenant: String,
    /// Who really acted, where it was somebody else.
    pub on_behalf: Option<String>,
    /// The account, where a person acted.
    pub account: Option<AccountId>,
    /// The tenant that it happened in, or `platform`.
    pub target_tenant: String,
    /// The kind of what it happened to.
    pub target_type: String,
    /// The id of what it happened to.
    pub target_id: String,
    /// The workspace, where there is one.
    pub workspace_id: Option<String>,
    /// The resource, where there is one.
    pub resource_id: Option<String>,
    /// What was done.
    pub action: String,
    /// What was decided.
    pub decision: AuditDecision,
    /// The policies that decided, as a JSON array of their ids.
    pub policies: String,
    /// What connects everything that one cause brought about.
    pub correlation_id: String,
    /// The request.
    pub request_id: String,
    /// What changed, redacted, as a JSON object.
    pub summary: String,
}
