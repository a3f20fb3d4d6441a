//! Several questions at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Asking, Entity, Evaluation, EvaluationRequest, MAX_ID, MAX_NAME, MAX_TYPE, NamedAction,
    Properties, check_length,
};
use crate::domain::FieldError;

/// Questions in one request at most.
const MAX_QUESTIONS: usize = 1000;

/// Several questions at once. What stands beside `evaluations` is what an item that does not say it is asked with: a whole
/// object for a whole object, but for the type, id or name that an item leaves out. Without `evaluations` it is one
/// question.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationsRequest {
    /// Who, where an item does not say.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub subject: Option<PartialEntity>,
    /// What, where an item does not say.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub action: Option<PartialAction>,
    /// To what, where an item does not say.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub resource: Option<PartialEntity>,
    /// Under which circumstances, where an item does not say.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Properties>,
    /// The questions: each with `subject`, `action`, `resource` and `context` as above. One that is no question is answered
    /// with no, and not refused: the standard says so, and an item may therefore be anything.
    #[serde(default)]
    #[schema(value_type = Option<Vec<Value>>, max_items = 1000)]
    pub evaluations: Option<Vec<Value>>,
    /// How they are answered.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub options: Option<EvaluationsOptions>,
}

/// One of several questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationItem {
    /// Who.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub subject: Option<PartialEntity>,
    /// What.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub action: Option<PartialAction>,
    /// To what.
    #[serde(default, deserialize_with = "crate::domain::object::maybe")]
    pub resource: Option<PartialEntity>,
    /// Under which circumstances.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Properties>,
}

/// A subject or a resource of which something may be said elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartialEntity {
    /// What it is.
    #[serde(rename = "type", default)]
    #[schema(max_length = 63)]
    pub kind: Option<String>,
    /// Which one.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub id: Option<String>,
    /// What else whoever asks says of it.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Properties>,
}

/// An action of which something may be said elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct PartialAction {
    /// Its name.
    #[serde(default)]
    #[schema(max_length = 127)]
    pub name: Option<String>,
    /// How it would be done.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Properties>,
}

/// How several questions are answered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EvaluationsOptions {
    /// Which of them are answered; all, where nothing is said.
    #[serde(default)]
    pub evaluations_semantic: Option<EvaluationsSemantic>,
}

crate::domain::word::words! {
    /// Which of several questions are answered.
    pub enum EvaluationsSemantic {
        /// All.
        ExecuteAll = "execute_all",
        /// All up to the first no.
        DenyOnFirstDeny = "deny_on_first_deny",
        /// All up to the first yes.
        PermitOnFirstPermit = "permit_on_first_permit",
    }
}

impl EvaluationsSemantic {
    /// Whether an answer is the last one.
    #[must_use]
    pub fn ends_with(self, decision: bool) -> bool {
        match self {
            Self::ExecuteAll => false,
            Self::DenyOnFirstDeny => !decision,
            Self::PermitOnFirstPermit => decision,
        }
    }
}

/// What a request for several questions comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Inquiry {
    /// One question.
    One(Box<EvaluationRequest>),
    /// Several; `None` stands for what is no question.
    Many(Vec<Option<EvaluationRequest>>, EvaluationsSemantic),
}

/// The answers, in the order of the questions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Evaluations {
    /// One for each question that was answered.
    pub evaluations: Vec<Evaluation>,
}

/// The answer to one question, or to several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub enum EvaluationsAnswer {
    /// To several.
    Many(Evaluations),
    /// To one, where there is no `evaluations`, or an empty one.
    One(Evaluation),
}

impl EvaluationsRequest {
    /// What is asked.
    ///
    /// # Errors
    /// The field that a single question lacks.
    pub fn inquiry(&self) -> Result<Inquiry, FieldError> {
        let Some(items) = self.evaluations.as_ref().filter(|items| !items.is_empty()) else {
            return self.single().map(Box::new).map(Inquiry::One);
        };
        let semantic = self.options.as_ref().and_then(|options| options.evaluations_semantic);
        let questions = items.iter().map(|item| self.question(item)).collect();
        Ok(Inquiry::Many(questions, semantic.unwrap_or(EvaluationsSemantic::ExecuteAll)))
    }

    fn single(&self) -> Result<EvaluationRequest, FieldError> {
        Ok(EvaluationRequest {
            subject: whole("/subject", self.subject.as_ref())?,
            action: whole_action(self.action.as_ref())?,
            resource: whole("/resource", self.resource.as_ref())?,
            context: self.context.clone(),
        })
    }

    /// An item with what it leaves out, if that makes a question.
    fn question(&self, item: &Value) -> Option<EvaluationRequest> {
        // An array would be taken for the object's fields.
        let item = item.is_object().then(|| EvaluationItem::deserialize(item))?.ok()?;
        let question = EvaluationRequest {
            subject: entity(item.subject, self.subject.as_ref())?,
            action: action(item.action, self.action.as_ref())?,
            resource: entity(item.resource, self.resource.as_ref())?,
            context: item.context.or_else(|| self.context.clone()),
        };
        question.check().is_ok().then_some(question)
    }
}

fn missing(field: String) -> FieldError {
    FieldError::new(field, "is missing")
}

fn whole(field: &str, entity: Option<&PartialEntity>) -> Result<Entity, FieldError> {
    let entity = entity.ok_or_else(|| missing(field.to_owned()))?;
    let part = |name: &str, value: &Option<String>| {
        value.clone().ok_or_else(|| missing(format!("{field}/{name}")))
    };
    Ok(Entity {
        kind: part("type", &entity.kind)?,
        id: part("id", &entity.id)?,
        properties: entity.properties.clone(),
    })
}

fn whole_action(action: Option<&PartialAction>) -> Result<NamedAction, FieldError> {
    let action = action.ok_or_else(|| missing("/action".to_owned()))?;
    let name = action.name.clone().ok_or_else(|| missing("/action/name".to_owned()))?;
    Ok(NamedAction { name, properties: action.properties.clone() })
}

fn entity(item: Option<PartialEntity>, default: Option<&PartialEntity>) -> Option<Entity> {
    let Some(item) = item else { return whole("", default).ok() };
    Some(Entity {
        kind: item.kind.or_else(|| default?.kind.clone())?,
        id: item.id.or_else(|| default?.id.clone())?,
        properties: item.properties,
    })
}

fn action(item: Option<PartialAction>, default: Option<&PartialAction>) -> Option<NamedAction> {
    let Some(item) = item else { return whole_action(default).ok() };
    let name = item.name.or_else(|| default?.name.clone())?;
    Some(NamedAction { name, properties: item.properties })
}

impl Asking for EvaluationsRequest {
    fn check(&self) -> Result<(), FieldError> {
        for (field, entity) in [("/subject", &self.subject), ("/resource", &self.resource)] {
            let Some(PartialEntity { kind, id, .. }) = entity else { continue };
            check_length(&format!("{field}/type"), kind.as_deref().unwrap_or_default(), MAX_TYPE)?;
            check_length(&format!("{field}/id"), id.as_deref().unwrap_or_default(), MAX_ID)?;
        }
        let name = self.action.as_ref().and_then(|action| action.name.as_deref());
        check_length("/action/name", name.unwrap_or_default(), MAX_NAME)?;
        match self.evaluations.as_ref().map_or(0, Vec::len) {
            0 => self.single().map(|_| ()),
            count if count > MAX_QUESTIONS => {
                let detail = format!("must have at most {MAX_QUESTIONS} entries, has {count}");
                Err(FieldError::new("/evaluations", detail))
            }
            _ => Ok(()),
        }
    }
}
