//! Attribute definitions: what a layered value must be, who sees and changes it, and where it is locked.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::account::nullable;
use super::{
    AppliesTo, AttributeKey, Description, Error, FieldError, JsonValue, Layer, Name, Offer, Result,
    Timestamp, ValueSchema,
};

super::word::words! {
    /// Who sees or changes values, of those whom the action is permitted to.
    pub enum Audience {
        /// Whose value it is.
        Account = "account",
        /// Whoever maintains the team whose value it is.
        Maintainer = "maintainer",
        /// Every member of the tenant.
        Member = "member",
        /// The tenant's owners and administrators.
        Admin = "admin",
        /// Operators, who come by break-glass.
        Operator = "operator",
    }
}

/// What a caller is to a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "one for each word of the audience")]
pub struct Standing {
    /// It is their own.
    pub is_own: bool,
    /// They maintain the team whose it is.
    pub maintains: bool,
    /// They are an active member of the tenant.
    pub is_member: bool,
    /// They own or administer the tenant.
    pub is_admin: bool,
    /// They are an operator, with a credential of the platform.
    pub is_operator: bool,
}

impl Standing {
    /// Whether the caller is of an audience.
    #[must_use]
    pub fn is_of(self, audience: &[Audience]) -> bool {
        audience.iter().any(|word| match word {
            Audience::Account => self.is_own,
            Audience::Maintainer => self.maintains,
            Audience::Member => self.is_member,
            Audience::Admin => self.is_admin,
            Audience::Operator => self.is_operator,
        })
    }
}

/// An attribute's definition.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Attribute {
    /// Its id, which is its key.
    pub id: AttributeKey,
    /// Its key; unique in the installation.
    pub key: AttributeKey,
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    pub description: Description,
    /// Whether it belongs to profiles or to the catalogue; this never changes.
    pub applies_to: AppliesTo,
    /// What a value must be: JSON Schema 2020-12.
    pub schema: JsonSchema,
    /// The platform's value of an attribute of profiles.
    #[schema(value_type = JsonValue)]
    pub default: Option<JsonValue>,
    /// The layer above which no value counts.
    pub locked_at: Option<Layer>,
    /// Who sees values.
    pub readers: Vec<Audience>,
    /// Who changes values.
    pub writers: Vec<Audience>,
    /// Whether it says something about a person.
    pub personal_data: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Attribute {
    /// Attributes of an installation at most.
    pub const MAX: i64 = 200;
}

/// A JSON Schema, as it was written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JsonSchema(pub Value);

impl utoipa::PartialSchema for JsonSchema {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        let description =
            "JSON Schema 2020-12, at most 16 KiB; `$ref` leads to another place of it alone";
        utoipa::openapi::schema::ObjectBuilder::new()
            .description(Some(description))
            .additional_properties(Some(utoipa::openapi::schema::AdditionalProperties::FreeForm(
                true,
            )))
            .into()
    }
}

impl utoipa::ToSchema for JsonSchema {}

/// An attribute's definition, as it shall be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAttribute {
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// Whether it belongs to profiles or to the catalogue.
    pub applies_to: AppliesTo,
    /// What a value must be: JSON Schema 2020-12.
    pub schema: JsonSchema,
    /// The platform's value; of attributes of profiles alone.
    #[serde(default, deserialize_with = "value")]
    #[schema(value_type = JsonValue, required = false)]
    pub default: Option<JsonValue>,
    /// The layer above which no value counts.
    #[serde(default)]
    pub locked_at: Option<Layer>,
    /// Who sees values.
    pub readers: Vec<Audience>,
    /// Who changes values.
    pub writers: Vec<Audience>,
    /// Whether it says something about a person.
    pub personal_data: bool,
}

/// A value, or `null` for none.
fn value<'de, D: serde::Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<Option<JsonValue>, D::Error> {
    nullable(deserializer).map(Option::flatten)
}

impl PutAttribute {
    /// Checks what its fields say together.
    ///
    /// # Errors
    /// [`Error::Invalid`], by field.
    pub fn check(&self) -> Result<()> {
        let mut errors = Vec::new();
        let kind = self.applies_to;
        if self.locked_at.is_some_and(|layer| !kind.layers().contains(&layer)) {
            let layers: Vec<_> = kind.layers().iter().map(ToString::to_string).collect();
            let detail = format!("must be one of {}", layers.join(", "));
            errors.push(FieldError::new("/locked_at", detail));
        }
        match (ValueSchema::new(&self.schema.0), &self.default) {
            (Err(found), _) => errors.push(found.below("/schema")),
            (Ok(_), Some(_)) if kind == AppliesTo::Catalog => {
                let detail = "is for profiles: the platform's items stand in its catalogue";
                errors.push(FieldError::new("/default", detail));
            }
            (Ok(schema), Some(default)) => {
                let found = schema.findings(default.get()).into_iter();
                errors.extend(found.map(|found| found.below("/default")));
            }
            (Ok(_), None) => {}
        }
        if errors.is_empty() { Ok(()) } else { Err(Error::Invalid(errors)) }
    }
}

/// Which attributes are listed; by key.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AttributeFilter {
    /// Of profiles, or of the catalogue.
    pub applies_to: Option<AppliesTo>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// A definition, ready to hold values against.
#[derive(Debug)]
pub struct Definition {
    /// What was registered.
    pub attribute: Attribute,
    /// Its schema; `None` where it is none to this program, which then takes no value for valid.
    schema: Option<Arc<ValueSchema>>,
}

impl Definition {
    /// Makes a definition ready.
    #[must_use]
    pub fn new(attribute: Attribute) -> Self {
        let schema = ValueSchema::new(&attribute.schema.0).ok().map(Arc::new);
        Self { attribute, schema }
    }

    /// The same, with what was made of an earlier definition where the schema is the same.
    #[must_use]
    pub fn again(attribute: Attribute, earlier: Option<&Self>) -> Self {
        match earlier.filter(|earlier| earlier.attribute.schema == attribute.schema) {
            Some(earlier) => Self { attribute, schema: earlier.schema.clone() },
            None => Self::new(attribute),
        }
    }

    /// Whether this program can read the schema.
    #[must_use]
    pub fn is_readable(&self) -> bool {
        self.schema.is_some()
    }

    /// Whether a value is valid.
    #[must_use]
    pub fn accepts(&self, value: &JsonValue) -> bool {
        self.schema.as_ref().is_some_and(|schema| schema.accepts(value.get()))
    }

    /// What is wrong with a value; fields are JSON pointers into it.
    #[must_use]
    pub fn findings(&self, value: &JsonValue) -> Vec<FieldError> {
        match &self.schema {
            Some(schema) => schema.findings(value.get()),
            None => vec![FieldError::new("", "has a schema that is none to this program")],
        }
    }

    /// Why a layer's value cannot be written, as far as it does not depend on the value.
    #[must_use]
    pub fn locked_out(&self, layer: Layer) -> Option<String> {
        let lock = self.attribute.locked_at?;
        let is_out = self.attribute.applies_to.is_locked_out(layer, Some(lock));
        is_out.then(|| format!("is locked at the layer {lock}"))
    }
}

/// An item of the platform's layer of the catalogue, as far as it counts.
#[derive(Debug, Clone)]
pub struct PlatformItem {
    /// The value.
    pub value: JsonValue,
    /// It was written under a definition of its key.
    pub defined: bool,
}

/// Every definition, and the platform's layer of the catalogue, at one time.
#[derive(Debug, Default)]
pub struct Definitions {
    /// By key.
    pub attributes: BTreeMap<AttributeKey, Arc<Definition>>,
    /// By key.
    pub items: BTreeMap<AttributeKey, PlatformItem>,
}

impl Definitions {
    /// The definition of a key, of profiles or of the catalogue.
    #[must_use]
    pub fn find(&self, kind: AppliesTo, key: &AttributeKey) -> Option<&Definition> {
        let found = self.attributes.get(key).map(|definition| &**definition);
        found.filter(|definition| definition.attribute.applies_to == kind)
    }

    /// Those of profiles, or of the catalogue, by key.
    pub fn of(&self, kind: AppliesTo) -> impl Iterator<Item = &Definition> {
        let all = self.attributes.values().map(|definition| &**definition);
        all.filter(move |definition| definition.attribute.applies_to == kind)
    }

    /// The platform's value of an attribute of profiles.
    #[must_use]
    pub fn default_of(definition: &Definition) -> Option<Offer<&JsonValue>> {
        let default = definition.attribute.default.as_ref();
        default.map(|value| Offer::new(Layer::Platform, None, value))
    }
}
