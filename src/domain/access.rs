//! Questions to the policy decision point, in the shapes of AuthZEN's Authorization API 1.0.

use serde::{Deserialize, Serialize};

use super::RowSecurityMode;

/// A subject or a resource.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entity {
    /// What it is: `account` for a subject; a noun, or a resource type, for a resource.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
    /// Which one.
    #[schema(max_length = 255)]
    pub id: String,
}

/// An action, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NamedAction {
    /// The action's name, `noun.verb`.
    #[schema(max_length = 127)]
    pub name: String,
}

/// May this subject do this to that? What is unknown in the request is ignored, as the standard says.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationRequest {
    /// Who.
    #[serde(deserialize_with = "super::object::object")]
    pub subject: Entity,
    /// What.
    #[serde(deserialize_with = "super::object::object")]
    pub action: NamedAction,
    /// To what.
    #[serde(deserialize_with = "super::object::object")]
    pub resource: Entity,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evaluation {
    /// Whether it may be done.
    pub decision: bool,
}

/// What the database says of the caller, to see that a request reached the tenant it meant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenancyPing {
    /// `current_tenant()`: the id of the tenant whose file answered.
    pub current_tenant: String,
    /// `caller_principals()`: the ids of the caller's account, teams with all their ancestors, and tenant.
    pub caller_principals: Vec<String>,
    /// `caller_sees_all()`: whether the caller's role reaches every row.
    pub caller_sees_all: bool,
    /// `row_security_mode()`.
    pub row_security_mode: RowSecurityMode,
}
