//! Several questions at once.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Asking, Entity, Evaluation, EvaluationRequest, MAX_ID, MAX_NAME, MAX_TYPE, NamedAction,
    Properties, check_action, check_entity, check_length, check_properties,
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
    /// Several.
    Many(Box<Questions>, EvaluationsSemantic),
}

/// Several questions. A default that many of them share is kept once, however long it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Questions {
    /// `None` stands for an item that is no question.
    items: Vec<Option<QuestionItem>>,
    subject: Option<Entity>,
    action: Option<NamedAction>,
    resource: Option<Entity>,
}

/// What an item says itself; the default, if omitted.
#[derive(Debug, Clone, PartialEq, Eq)]
struct QuestionItem {
    subject: Option<Entity>,
    action: Option<NamedAction>,
    resource: Option<Entity>,
}

/// One of several questions, put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuestionParts<'q> {
    /// Who.
    pub subject: &'q Entity,
    /// What.
    pub action: &'q NamedAction,
    /// To what.
    pub resource: &'q Entity,
}

impl Questions {
    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Each in its order; `None` stands for an item that is no question.
    pub fn iter(&self) -> impl Iterator<Item = Option<QuestionParts<'_>>> {
        self.items.iter().map(|item| self.parts(item.as_ref()?))
    }

    fn parts<'q>(&'q self, item: &'q QuestionItem) -> Option<QuestionParts<'q>> {
        Some(QuestionParts {
            subject: item.subject.as_ref().or(self.subject.as_ref())?,
            action: item.action.as_ref().or(self.action.as_ref())?,
            resource: item.resource.as_ref().or(self.resource.as_ref())?,
        })
    }
}

impl EvaluationRequest {
    /// The question's parts.
    #[must_use]
    pub fn parts(&self) -> QuestionParts<'_> {
        QuestionParts { subject: &self.subject, action: &self.action, resource: &self.resource }
    }
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
        let questions = Questions {
            items: items.iter().map(|item| self.question(item)).collect(),
            subject: whole("", self.subject.as_ref()).ok(),
            action: whole_action(self.action.as_ref()).ok(),
            resource: whole("", self.resource.as_ref()).ok(),
        };
        Ok(Inquiry::Many(Box::new(questions), semantic.unwrap_or(EvaluationsSemantic::ExecuteAll)))
    }

    fn single(&self) -> Result<EvaluationRequest, FieldError> {
        Ok(EvaluationRequest {
            subject: whole("/subject", self.subject.as_ref())?,
            action: whole_action(self.action.as_ref())?,
            resource: whole("/resource", self.resource.as_ref())?,
            context: self.context.clone(),
        })
    }

    /// What an item says itself, if that and the defaults can make a question.
    fn question(&self, item: &Value) -> Option<QuestionItem> {
        // An array would be taken for the object's fields.
        let item = item.is_object().then(|| EvaluationItem::deserialize(item))?.ok()?;
        let question = QuestionItem {
            subject: entity(item.subject, self.subject.as_ref())?,
            action: action(item.action, self.action.as_ref())?,
            resource: entity(item.resource, self.resource.as_ref())?,
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

/// What an item says of an entity, completed; `Some(None)` for the default, and `None` where something is missing.
#[expect(clippy::option_option, reason = "what is omitted is not what is missing")]
fn entity(item: Option<PartialEntity>, default: Option<&PartialEntity>) -> Option<Option<Entity>> {
    let Some(item) = item else { return Some(None) };
    Some(Some(Entity {
        kind: item.kind.or_else(|| default?.kind.clone())?,
        id: item.id.or_else(|| default?.id.clone())?,
        properties: item.properties,
    }))
}

#[expect(clippy::option_option, reason = "what is omitted is not what is missing")]
fn action(
    item: Option<PartialAction>,
    default: Option<&PartialAction>,
) -> Option<Option<NamedAction>> {
    let Some(item) = item else { return Some(None) };
    let name = item.name.or_else(|| default?.name.clone())?;
    Some(Some(NamedAction { name, properties: item.properties }))
}

impl QuestionItem {
    /// Finds what is too long. The defaults are checked once for all.
    fn check(&self) -> Result<(), FieldError> {
        for entity in [&self.subject, &self.resource].into_iter().flatten() {
            check_entity("", entity)?;
        }
        self.action.as_ref().map_or(Ok(()), |action| check_action("", action))
    }
}

impl Asking for EvaluationsRequest {
    fn check(&self) -> Result<(), FieldError> {
        for (field, entity) in [("/subject", &self.subject), ("/resource", &self.resource)] {
            let Some(PartialEntity { kind, id, properties }) = entity else { continue };
            check_length(&format!("{field}/type"), kind.as_deref().unwrap_or_default(), MAX_TYPE)?;
            check_length(&format!("{field}/id"), id.as_deref().unwrap_or_default(), MAX_ID)?;
            check_properties(field, properties.as_ref())?;
        }
        if let Some(PartialAction { name, properties }) = &self.action {
            check_length("/action/name", name.as_deref().unwrap_or_default(), MAX_NAME)?;
            check_properties("/action", properties.as_ref())?;
        }
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
