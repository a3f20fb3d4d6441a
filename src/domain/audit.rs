//! The audit row: what was done or refused, by whom, and why.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AccountId, ActionPattern, ResourceId, SearchText, TenantId, Timestamp, WorkspaceId};

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

/// An audit row, as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Its place in the log, from 1 and without a gap.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Whose log it stands in; `null` for the platform's.
    pub tenant_id: Option<TenantId>,
    /// The same in words: `tenant:<id>`, or `tenant:platform`.
    pub tenant_ref: String,
    /// Who: `account:<id>`, `host`, or `system:<task>`.
    pub actor: String,
    /// The tenant that the actor's credential was for; `null` for the platform.
    pub actor_tenant_id: Option<TenantId>,
    /// The same in words.
    pub actor_tenant_ref: String,
    /// Who really acted, where it was somebody else.
    pub on_behalf: Option<String>,
    /// The account, where a person acted.
    pub account_id: Option<AccountId>,
    /// The tenant that it happened to; `null` for the platform, and where the request named none.
    pub target_tenant_id: Option<TenantId>,
    /// The same in words; of a request that no tenant was found for, behind `tenant:`, what it said.
    pub target_tenant_ref: String,
    /// The kind of what it happened to.
    pub target_type: String,
    /// The id of what it happened to.
    pub target_id: String,
    /// The workspace, where there is one.
    pub workspace_id: Option<WorkspaceId>,
    /// The resource, where there is one.
    pub resource_id: Option<ResourceId>,
    /// What was done; `system.<task>` where the program did it.
    pub action: String,
    /// What was decided.
    pub decision: AuditDecision,
    /// The ids of the policies that decided; none where no policy permitted.
    pub policies: Vec<String>,
    /// What connects everything that one cause brought about.
    pub correlation_id: String,
    /// The request.
    pub request_id: String,
    /// What changed, redacted.
    #[schema(value_type = Object)]
    pub summary: Value,
    /// The hash of the row before.
    pub previous_hash: String,
    /// The hash of this row, over the one before it and every column.
    pub hash: String,
}

/// How a tenant is called in words; the platform is one.
#[must_use]
pub fn tenant_ref(tenant: &str) -> String {
    format!("tenant:{tenant}")
}

/// Which audit rows are listed, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// By this actor: `account:<id>`, `host`, or `system:<task>`.
    #[param(value_type = Option<String>, max_length = 200)]
    pub actor: Option<SearchText>,
    /// Of this action, or of those that a pattern means: `team.create`, `team.*`.
    #[param(inline)]
    pub action: Option<ActionPattern>,
    /// Decided so.
    pub decision: Option<AuditDecision>,
    /// About something of this kind.
    #[param(value_type = Option<String>, max_length = 200)]
    pub target_type: Option<SearchText>,
    /// About what has this id.
    #[param(value_type = Option<String>, max_length = 200)]
    pub target_id: Option<SearchText>,
    /// Of this cause.
    #[param(value_type = Option<String>, max_length = 200)]
    pub correlation_id: Option<SearchText>,
    /// At this time or later.
    #[param(inline)]
    pub from: Option<Timestamp>,
    /// Before this time.
    #[param(inline)]
    pub to: Option<Timestamp>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
