//! Permission patterns: which actions a custom role, a scope or a break-glass request is for.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};

/// Characters of a pattern at most.
const MAX: usize = 127;
/// Patterns that count together at most.
const MOST: usize = 100;
const PATTERN: &str = r"^(\*|[a-z][a-z0-9_]*(\.([a-z][a-z0-9_]*|\*))?)$";

/// `*` for every action, `noun.*` for every action of a noun, or the name of one action.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct ActionPattern(String);

impl ActionPattern {
    /// Checks a pattern.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn parse(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let (noun, verb) = text.split_once('.').unwrap_or((&text, "*"));
        let is_good = text == "*" || (is_word(noun) && (verb == "*" || is_word(verb)));
        if is_good && text.len() <= MAX {
            return Ok(Self(text));
        }
        Err("must be *, noun.* or an action's name, as resource.read is".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the names of the actions begin with that it stands for, those included that are yet to come; `None` where
    /// it names one action.
    #[must_use]
    pub fn beginning(&self) -> Option<&str> {
        self.0.strip_suffix('*')
    }

    /// Whether an action is meant.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        match self.beginning() {
            Some(beginning) => action.starts_with(beginning),
            None => self.0 == action,
        }
    }
}

fn is_word(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

impl fmt::Display for ActionPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ActionPattern {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(Cow::<str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for ActionPattern {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .max_length(Some(MAX))
            .pattern(Some(PATTERN))
            .into()
    }
}

impl utoipa::ToSchema for ActionPattern {}

/// Patterns that count together: what any of them covers.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Patterns(Arc<[ActionPattern]>);

impl Patterns {
    /// These.
    #[must_use]
    pub fn new(patterns: Vec<ActionPattern>) -> Self {
        Self(patterns.into())
    }

    /// Whether an action is meant by any of them.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        self.0.iter().any(|pattern| pattern.covers(action))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &ActionPattern> {
        self.0.iter()
    }

    /// These and others.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        self.iter().chain(others.iter()).cloned().collect()
    }
}

impl<'de> Deserialize<'de> for Patterns {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let patterns = Vec::<ActionPattern>::deserialize(deserializer)?;
        if patterns.len() > MOST {
            return Err(D::Error::custom(format!("must have at most {MOST} patterns")));
        }
        Ok(Self::new(patterns))
    }
}

impl utoipa::PartialSchema for Patterns {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new().items(ActionPattern::schema()).max_items(Some(MOST)).into()
    }
}

impl utoipa::ToSchema for Patterns {}

impl Default for Patterns {
    fn default() -> Self {
        Self(Arc::new([]))
    }
}

impl FromIterator<ActionPattern> for Patterns {
    fn from_iter<I: IntoIterator<Item = ActionPattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}
