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
    /// Who: `account:<id>`, `service_account:<id>`, `host`, or `system:<task>`.
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

/// Why a row of an audit log is not what it must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct BadAuditRow {
    /// Its place in the log.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// What is wrong with it.
    pub problem: AuditProblem,
}

super::word::words! {
    /// What can be wrong with an audit log.
    pub enum AuditProblem {
        /// There is no such row, though there must be.
        Missing = "missing",
        /// The row does not follow from the one before it.
        Detached = "detached",
        /// The row is not what was written.
        Changed = "changed",
        /// The row is not the one that the registry has seen in its place.
        Replaced = "replaced",
        /// The log begins behind a checkpoint of which no row says that it was made.
        Unfounded = "unfounded",
    }
}

/// What is left of rows that were kept long enough.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditCheckpoint {
    /// The last row that went.
    #[schema(minimum = 1)]
    pub seq: i64,
    /// Its hash, from which the row behind it follows.
    pub hash: String,
    /// How many rows went with it.
    #[schema(minimum = 1)]
    pub removed: i64,
    /// When the first of them was written.
    pub first_at: Timestamp,
    /// When the last of them was.
    pub last_at: Timestamp,
}

/// What came of walking the chain of an audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditVerification {
    /// Whether every row is what was written, and none is missing.
    pub intact: bool,
    /// The rows that are good, before the first bad one.
    #[schema(minimum = 0)]
    pub rows: i64,
    /// The place of the last good row; 0 in an empty log.
    #[schema(minimum = 0)]
    pub last_seq: i64,
    /// That row's hash.
    pub last_hash: String,
    /// The last row that the registry has seen, and that the log must have; `null` where it has seen none.
    pub anchored_seq: Option<i64>,
    /// What is left of the rows before the first one, where some went.
    pub checkpoint: Option<AuditCheckpoint>,
    /// The first bad row; `null` where all are good.
    pub bad: Option<BadAuditRow>,
}

super::word::words! {
    /// In which form an audit log is taken elsewhere.
    pub enum AuditFormat {
        /// A JSON object a line.
        Ndjson = "ndjson",
        /// A table, for spreadsheets (RFC 4180).
        Csv = "csv",
    }
}

/// What of an audit log is taken elsewhere; the oldest row first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AuditExport {
    /// In which form; `ndjson`, where nothing is said.
    #[param(inline)]
    pub format: Option<AuditFormat>,
    /// By this actor: `account:<id>`, `service_account:<id>`, `host`, or `system:<task>`.
    #[param(value_type = Option<String>, max_length = 200)]
    pub actor: Option<SearchText>,
    /// Of this action, or of those that a pattern means: `team.create`, `team.*`.
    #[param(inline)]
    pub action: Option<ActionPattern>,
    /// Decided so.
    #[param(inline)]
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
}

impl AuditExport {
    /// The rows that it asks for.
    #[must_use]
    pub fn filter(&self) -> AuditFilter {
        let Self { format: _, actor, action, decision, target_type, target_id, .. } = self.clone();
        let Self { correlation_id, from, to, .. } = self.clone();
        AuditFilter {
            actor,
            action,
            decision,
            target_type,
            target_id,
            correlation_id,
            from,
            to,
            ..AuditFilter::default()
        }
    }
}

/// For how long a tenant's audit log is kept, as the platform keeps it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantAuditRetention {
    /// The tenant's id.
    pub id: TenantId,
    /// Days; `null` for good.
    #[schema(minimum = 1, maximum = 36500)]
    pub days: Option<u32>,
    /// When the tenant was made.
    pub created_at: Timestamp,
    /// When the tenant's entry was last changed.
    pub updated_at: Timestamp,
    /// The version of the tenant's entry.
    #[schema(minimum = 1)]
    pub version: i64,
}

/// Changes for how long a tenant's audit log is kept.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAuditRetention {
    /// Days, 1 to 36,500; for good, where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 36500)]
    pub days: Option<u32>,
}

impl PutAuditRetention {
    /// Days at most.
    pub const MAX_DAYS: u32 = 36_500;

    /// Checks it.
    ///
    /// # Errors
    /// It is no number of days that can be.
    pub fn check(&self) -> super::Result<()> {
        if self.days.is_none_or(|days| (1..=Self::MAX_DAYS).contains(&days)) {
            return Ok(());
        }
        Err(super::Error::invalid("/days", format!("must be 1 to {}", Self::MAX_DAYS)))
    }
}

/// For how long a tenant's audit log is kept, as its own people see it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditRetention {
    /// Days; `null` for good.
    #[schema(minimum = 1, maximum = 36500)]
    pub days: Option<u32>,
    /// What is left of the rows that went; `null` where none did.
    pub checkpoint: Option<AuditCheckpoint>,
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
    /// By this actor: `account:<id>`, `service_account:<id>`, `host`, or `system:<task>`.
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
