//! Questions to the policy decision point, in the shapes of AuthZEN's Authorization API 1.0.
//!
//! What is unknown in a question is ignored, as the standard says; what is wrong in one is named.

mod evaluations;
mod search;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use self::evaluations::{
    EvaluationItem, Evaluations, EvaluationsAnswer, EvaluationsOptions, EvaluationsRequest,
    EvaluationsSemantic, Inquiry, PartialAction, PartialEntity, QuestionParts, Questions,
};
pub use self::search::{
    ActionSearchRequest, FoundAction, FoundEntity, ResourceSearchRequest, SearchAnswer, SearchPage,
    SearchPageRequest, SearchRequest, SoughtEntity, SubjectSearchRequest,
};
use super::{FieldError, RowSecurityMode, StepUp};

/// Members of an object that the standard leaves to whoever asks.
pub type Properties = Map<String, Value>;

/// Characters of a type, of an id and of an action's name at most: no name of anything is longer.
const MAX_TYPE: usize = 63;
const MAX_ID: usize = 255;
const MAX_NAME: usize = 127;
/// Bytes of the properties of one subject, action or resource at most, as JSON: policies are decided over all of them.
const MAX_PROPERTIES: usize = 64 * 1024;

/// A subject or a resource.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Entity {
    /// What it is: for a subject `account` or a subject type of a bound application; for a resource a noun or a resource
    /// type.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
    /// Which one.
    #[schema(max_length = 255)]
    pub id: String,
    /// What else whoever asks says of it. Of a resource, what its application declares to come from requests counts,
    /// where nothing is stored; of a subject, nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Properties>,
}

/// An action, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NamedAction {
    /// The action's name: `noun.verb`, or what a bound application calls it.
    #[schema(max_length = 127)]
    pub name: String,
    /// How it would be done: what its application declares of it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Properties>,
}

/// May this subject do this to that? What is unknown in the request is ignored, as the standard says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationRequest {
    /// Who.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub subject: Entity,
    /// What.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub action: NamedAction,
    /// To what.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub resource: Entity,
    /// Under which circumstances; no decision is made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Properties>,
}

/// The answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evaluation {
    /// Whether it may be done.
    pub decision: bool,
    /// What would make a no a yes; it is there where something would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<EvaluationContext>,
}

/// The log-in that would make a no a yes (RFC 9470).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationContext {
    /// Context classes of which any will do, with blanks between them.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub acr_values: String,
    /// Seconds since the log-in at most.
    pub max_age: i64,
}

impl Evaluation {
    /// A plain yes or no.
    #[must_use]
    pub fn plain(decision: bool) -> Self {
        Self { decision, context: None }
    }

    /// No, unless the subject logs in more strongly.
    #[must_use]
    pub fn needing(step_up: &StepUp) -> Self {
        let context = EvaluationContext {
            acr_values: step_up.acr_values.join(" "),
            max_age: step_up.max_age_s,
        };
        Self { decision: false, context: Some(context) }
    }
}

/// A body that asks the decision point something.
pub trait Asking {
    /// Finds the field that nothing here can mean.
    ///
    /// # Errors
    /// That field.
    fn check(&self) -> Result<(), FieldError>;
}

impl Asking for EvaluationRequest {
    fn check(&self) -> Result<(), FieldError> {
        check_entity("/subject", &self.subject)?;
        check_action("/action", &self.action)?;
        check_entity("/resource", &self.resource)
    }
}

/// Finds what of a subject or a resource is longer than anything here can mean.
///
/// # Errors
/// The field.
pub fn check_entity(field: &str, entity: &Entity) -> Result<(), FieldError> {
    check_length(&format!("{field}/type"), &entity.kind, MAX_TYPE)?;
    check_length(&format!("{field}/id"), &entity.id, MAX_ID)?;
    check_properties(field, entity.properties.as_ref())
}

fn check_action(field: &str, action: &NamedAction) -> Result<(), FieldError> {
    check_length(&format!("{field}/name"), &action.name, MAX_NAME)?;
    check_properties(field, action.properties.as_ref())
}

fn check_properties(field: &str, properties: Option<&Properties>) -> Result<(), FieldError> {
    let bytes = properties.map_or(0, super::weight);
    if bytes > MAX_PROPERTIES {
        let detail = format!("must have at most {MAX_PROPERTIES} bytes as JSON");
        return Err(FieldError::new(format!("{field}/properties"), detail));
    }
    Ok(())
}

fn check_length(field: &str, value: &str, max: usize) -> Result<(), FieldError> {
    if value.chars().count() > max {
        return Err(FieldError::new(field, format!("must have at most {max} characters")));
    }
    Ok(())
}

/// Where a tenant's decision point is asked, as AuthZEN 1.0 describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuthzenConfiguration {
    /// The decision point's identifier.
    pub policy_decision_point: String,
    /// Where one question is asked.
    pub access_evaluation_endpoint: String,
    /// Where several are asked at once.
    pub access_evaluations_endpoint: String,
    /// Where is asked who may.
    pub search_subject_endpoint: String,
    /// Where is asked to what.
    pub search_resource_endpoint: String,
    /// Where is asked what.
    pub search_action_endpoint: String,
}

impl AuthzenConfiguration {
    /// The decision point of this identifier.
    #[must_use]
    pub fn of(identifier: &str) -> Self {
        let at = |path: &str| format!("{identifier}/access/v1/{path}");
        Self {
            policy_decision_point: identifier.to_owned(),
            access_evaluation_endpoint: at("evaluation"),
            access_evaluations_endpoint: at("evaluations"),
            search_subject_endpoint: at("search/subject"),
            search_resource_endpoint: at("search/resource"),
            search_action_endpoint: at("search/action"),
        }
    }
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
