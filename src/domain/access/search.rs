//! Who may, to what, and what: questions with a part left open.

use serde::{Deserialize, Serialize};

use super::{
    Asking, Entity, MAX_TYPE, NamedAction, Properties, check_action, check_entity, check_length,
    check_properties,
};
use crate::domain::FieldError;

/// A subject or a resource that is looked for. An id is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SoughtEntity {
    /// What it is.
    #[serde(rename = "type")]
    #[schema(max_length = 63)]
    pub kind: String,
    /// What else whoever asks says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub properties: Option<Properties>,
}

/// Which part of what is found is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SearchPageRequest {
    /// The `next_token` of the page before.
    #[serde(default)]
    #[schema(max_length = 1024)]
    pub token: Option<String>,
    /// Results at most, 50 where nothing is said. A page can have fewer, and others follow all the same.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
}

/// Which subjects may do this to that?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SubjectSearchRequest {
    /// What kind of subjects.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub subject: SoughtEntity,
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
    /// Which part of what is found.
    #[serde(default, skip_serializing, deserialize_with = "crate::domain::object::maybe")]
    pub page: Option<SearchPageRequest>,
}

/// To which resources may this subject do this?
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResourceSearchRequest {
    /// Who.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub subject: Entity,
    /// What.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub action: NamedAction,
    /// What kind of resources.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub resource: SoughtEntity,
    /// Under which circumstances; no decision is made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Properties>,
    /// Which part of what is found.
    #[serde(default, skip_serializing, deserialize_with = "crate::domain::object::maybe")]
    pub page: Option<SearchPageRequest>,
}

/// What may this subject do to that? An action is ignored.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ActionSearchRequest {
    /// Who.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub subject: Entity,
    /// To what.
    #[serde(deserialize_with = "crate::domain::object::object")]
    pub resource: Entity,
    /// Under which circumstances; no decision is made from it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub context: Option<Properties>,
    /// Which part of what is found.
    #[serde(default, skip_serializing, deserialize_with = "crate::domain::object::maybe")]
    pub page: Option<SearchPageRequest>,
}

/// A question with a part left open. Its JSON, which has all of it but the page, is what its pages are bound to.
pub trait SearchRequest: Asking + Serialize + Send + Sync + 'static {
    /// Which part of what is found is asked for.
    fn page(&self) -> Option<&SearchPageRequest>;
}

/// A subject or a resource that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FoundEntity {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Which one.
    pub id: String,
}

/// An action that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FoundAction {
    /// Its name.
    pub name: String,
}

/// What follows a page.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SearchPage {
    /// Asks for the next page; empty on the last.
    pub next_token: String,
}

/// A page of what was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchAnswer<T> {
    /// What follows.
    pub page: SearchPage,
    /// What was found.
    pub results: Vec<T>,
}

impl SearchPageRequest {
    /// Results on a page where nothing else is asked.
    const DEFAULT_LIMIT: u32 = 50;
    /// Results on a page at most.
    const MAX_LIMIT: u32 = 1000;

    /// Results at most.
    #[must_use]
    pub fn limit(page: Option<&Self>) -> u32 {
        page.and_then(|page| page.limit).unwrap_or(Self::DEFAULT_LIMIT)
    }

    /// The token of the page before, if there was one.
    #[must_use]
    pub fn token(page: Option<&Self>) -> Option<&str> {
        page.and_then(|page| page.token.as_deref()).filter(|token| !token.is_empty())
    }

    fn check(page: Option<&Self>) -> Result<(), FieldError> {
        let limit = Self::limit(page);
        if (1..=Self::MAX_LIMIT).contains(&limit) {
            return Ok(());
        }
        let detail = format!("must be a number from 1 to {}", Self::MAX_LIMIT);
        Err(FieldError::new("/page/limit", detail))
    }
}

fn check_sought(field: &str, sought: &SoughtEntity) -> Result<(), FieldError> {
    check_length(&format!("{field}/type"), &sought.kind, MAX_TYPE)?;
    check_properties(field, sought.properties.as_ref())
}

impl Asking for SubjectSearchRequest {
    fn check(&self) -> Result<(), FieldError> {
        check_sought("/subject", &self.subject)?;
        check_action("/action", &self.action)?;
        check_entity("/resource", &self.resource)?;
        SearchPageRequest::check(self.page.as_ref())
    }
}

impl Asking for ResourceSearchRequest {
    fn check(&self) -> Result<(), FieldError> {
        check_entity("/subject", &self.subject)?;
        check_action("/action", &self.action)?;
        check_sought("/resource", &self.resource)?;
        SearchPageRequest::check(self.page.as_ref())
    }
}

impl Asking for ActionSearchRequest {
    fn check(&self) -> Result<(), FieldError> {
        check_entity("/subject", &self.subject)?;
        check_entity("/resource", &self.resource)?;
        SearchPageRequest::check(self.page.as_ref())
    }
}

macro_rules! searches {
    ($($name:ty),+) => {$(
        impl SearchRequest for $name {
            fn page(&self) -> Option<&SearchPageRequest> {
                self.page.as_ref()
            }
        }
    )+};
}
searches!(SubjectSearchRequest, ResourceSearchRequest, ActionSearchRequest);
