//! JSON values that people choose: bounded, and never shown by accident.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType};
use utoipa::openapi::{RefOr, schema::AdditionalProperties};

use super::AttributeKey;
use super::text::depth;

/// Any JSON value but `null`: at most 16 KiB of text, at most 8 levels deep.
#[derive(Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct JsonValue(Value);

impl JsonValue {
    /// Bytes of JSON text at most.
    pub const MAX_BYTES: usize = 16 * 1024;
    /// Levels of nesting at most.
    pub const MAX_DEPTH: usize = 8;

    /// Checks a value.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn new(value: Value) -> Result<Self, String> {
        if value.is_null() {
            return Err("must not be null: what is absent is deleted".to_owned());
        }
        if depth(&value) > Self::MAX_DEPTH {
            return Err(format!("must be at most {} levels deep", Self::MAX_DEPTH));
        }
        let bytes = value.to_string().len();
        if bytes > Self::MAX_BYTES {
            return Err(format!("must have at most {} bytes, has {bytes}", Self::MAX_BYTES));
        }
        Ok(Self(value))
    }

    /// Takes JSON text that was checked before it was stored.
    ///
    /// # Errors
    /// The text is no JSON.
    pub fn stored(text: &str) -> Result<Self, String> {
        serde_json::from_str(text).map(Self).map_err(|error| error.to_string())
    }

    /// The value.
    #[must_use]
    pub fn get(&self) -> &Value {
        &self.0
    }

    /// Its JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        self.0.to_string()
    }
}

impl fmt::Debug for JsonValue {
    /// What people say of themselves stands in no log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JsonValue(..)")
    }
}

impl<'de> Deserialize<'de> for JsonValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl utoipa::PartialSchema for JsonValue {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(SchemaType::AnyValue)
            .description(Some("Any JSON but `null`, at most 16 KiB and 8 levels deep"))
            .into()
    }
}

impl utoipa::ToSchema for JsonValue {}

/// Values by key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values(pub BTreeMap<AttributeKey, JsonValue>);

impl Values {
    /// Bytes of JSON text at most, all of them together.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// Takes JSON text that was checked before it was stored.
    ///
    /// # Errors
    /// The text is no object, or has a key that can be none.
    pub fn stored(text: &str) -> Result<Self, String> {
        let values: BTreeMap<AttributeKey, Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        Ok(Self(values.into_iter().map(|(key, value)| (key, JsonValue(value))).collect()))
    }

    /// Their JSON text, an object.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(&self.0).unwrap_or_default()
    }
}

/// A change of values, as a merge patch (RFC 7396): what is `null` is taken away, so that the layer below shines through.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct ValuesPatch(pub BTreeMap<String, Option<JsonValue>>);

impl fmt::Debug for ValuesPatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl utoipa::PartialSchema for ValuesPatch {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .description(Some("Values by key; `null` takes a value away (RFC 7396)"))
            .additional_properties(Some(AdditionalProperties::FreeForm(true)))
            .into()
    }
}

impl utoipa::ToSchema for ValuesPatch {}
