//! Refusals before any door, as rows of the platform's audit log.

use serde_json::Value;

use super::middleware::RequestIds;
use super::state::State;
use crate::domain::{AuditDecision, AuditRecord};

/// Whose log it is.
const PLATFORM: &str = "platform";

/// A refusal of an action by which nothing was reached yet. What more is known, callers put in its place.
pub(super) fn refusal(
    state: &State,
    ids: &RequestIds,
    actor: &str,
    action: &str,
    summary: &Value,
) -> AuditRecord {
    AuditRecord {
        at: state.registry.clock().now(),
        actor: actor.to_owned(),
        actor_tenant: PLATFORM.to_owned(),
        on_behalf: None,
        account: None,
        target_tenant: PLATFORM.to_owned(),
        target_type: PLATFORM.to_owned(),
        target_id: PLATFORM.to_owned(),
        workspace_id: None,
        resource_id: None,
        action: action.to_owned(),
        decision: AuditDecision::Deny,
        policies: "[]".to_owned(),
        correlation_id: ids.correlation.to_string(),
        request_id: ids.request.to_string(),
        summary: summary.to_string(),
    }
}
