//! Profiles: what is known of people, by key, in layers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::value_schema::escaped;
use super::{
    AppliesTo, AttributeKey, Definitions, EffectiveValue, Error, FieldError, JsonValue, Layer,
    Offer, PrincipalId, Result, Standing, Timestamp, Values, ValuesPatch,
};

/// The values of one layer, as they are stored; none of them where nothing ever was.
#[derive(Debug, Clone, Default)]
pub struct StoredValues {
    /// The values.
    pub values: Values,
    /// When there first was one.
    pub created_at: Option<Timestamp>,
    /// When they last changed.
    pub updated_at: Option<Timestamp>,
    /// Counts their changes; 0 where there never was one.
    pub version: i64,
}

super::word::words! {
    /// Why a stored value does not count.
    pub enum IgnoredReason {
        /// The schema that its key has now does not accept it.
        Invalid = "invalid",
        /// Its key has no definition now.
        Undefined = "undefined",
    }
}

/// A stored value that does not count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IgnoredValue {
    /// Its key.
    pub key: AttributeKey,
    /// Whose it is.
    pub layer: Layer,
    /// Why it does not count.
    pub reason: IgnoredReason,
}

/// A profile, as one of its layers and those below it make it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Profile {
    /// Whose it is: an account, or the tenant for what its members have where nothing else is said.
    pub id: PrincipalId,
    /// The layer that a change changes.
    pub layer: Layer,
    /// The values that count, of those that the caller may see.
    #[schema(value_type = std::collections::HashMap<String, EffectiveValue>)]
    pub attributes: BTreeMap<AttributeKey, EffectiveValue>,
    /// Stored values that do not count.
    pub ignored: Vec<IgnoredValue>,
    /// When the layer first had a value; `null` where it never had one.
    pub created_at: Option<Timestamp>,
    /// When the layer last changed.
    pub updated_at: Option<Timestamp>,
    /// Counts the changes of the layer, from 0; the entity tag.
    pub version: i64,
}

/// One layer of a profile, to be resolved.
pub type ProfileLayer<'v> = (Layer, PrincipalId, &'v StoredValues);

impl Profile {
    /// What the layers make of a profile, for a caller; the last one is the one that a change changes.
    #[must_use]
    pub fn of(
        definitions: &Definitions,
        who: Standing,
        layers: &[ProfileLayer<'_>],
    ) -> Option<Self> {
        let (layer, id, stored) = *layers.last()?;
        let mut attributes = BTreeMap::new();
        for definition in definitions.of(AppliesTo::Profile) {
            let it = &definition.attribute;
            if !who.is_of(&it.readers) {
                continue;
            }
            let offers = layers.iter().filter_map(|(layer, id, stored)| {
                let value = stored.values.0.get(&it.key).filter(|value| definition.accepts(value));
                value.map(|value| Offer::new(*layer, Some(*id), value))
            });
            let offers = Definitions::default_of(definition).into_iter().chain(offers);
            if let Some(found) = EffectiveValue::of(AppliesTo::Profile, it.locked_at, offers) {
                attributes.insert(it.key.clone(), found);
            }
        }
        let StoredValues { created_at, updated_at, version, .. } = *stored;
        let ignored = ignored(definitions, who, layers);
        Some(Self { id, layer, attributes, ignored, created_at, updated_at, version })
    }
}

fn ignored(
    definitions: &Definitions,
    who: Standing,
    layers: &[ProfileLayer<'_>],
) -> Vec<IgnoredValue> {
    let mut found = Vec::new();
    for (layer, _, stored) in layers {
        for (key, value) in &stored.values.0 {
            let reason = match definitions.find(AppliesTo::Profile, key) {
                Some(it) if !who.is_of(&it.attribute.readers) || it.accepts(value) => continue,
                Some(_) => IgnoredReason::Invalid,
                // Who may see it, nobody says any more.
                None if who.is_own || who.is_admin => IgnoredReason::Undefined,
                None => continue,
            };
            found.push(IgnoredValue { key: key.clone(), layer: *layer, reason });
        }
    }
    found
}

impl StoredValues {
    /// What a patch makes of a layer's values, and the keys of those that change.
    ///
    /// # Errors
    /// [`Error::ForbiddenFields`] where the caller may not change a key; [`Error::Invalid`] for keys that are not
    /// defined or locked at a layer below, and for values that their schemas do not accept.
    pub fn patched(
        &self,
        definitions: &Definitions,
        who: Standing,
        layer: Layer,
        patch: &ValuesPatch,
    ) -> Result<(Values, Vec<AttributeKey>)> {
        let (mut denied, mut invalid, mut changed) = (Vec::new(), Vec::new(), Vec::new());
        let mut values = self.values.clone();
        for (name, value) in &patch.0 {
            let pointer = format!("/{}", escaped(name));
            let key = match AttributeKey::parse(name.as_str()) {
                Ok(key) => key,
                Err(detail) => {
                    invalid.push(FieldError::new(pointer, detail));
                    continue;
                }
            };
            match self.verdict(definitions, who, layer, &key, value.as_ref()) {
                Verdict::Fine => {}
                Verdict::Denied => denied.push(FieldError::new(pointer, "is not yours to change")),
                Verdict::Invalid(found) => {
                    invalid.extend(found.into_iter().map(|found| found.below(&pointer)));
                }
            }
            let before = match value {
                Some(value) => values.0.insert(key.clone(), value.clone()),
                None => values.0.remove(&key),
            };
            if before.as_ref() != value.as_ref() {
                changed.push(key);
            }
        }
        if !denied.is_empty() {
            return Err(Error::ForbiddenFields(denied));
        }
        let bytes = values.text().len();
        if bytes > Values::MAX_BYTES && invalid.is_empty() {
            let detail = format!("would have {bytes} bytes, {} at most", Values::MAX_BYTES);
            invalid.push(FieldError::new("", detail));
        }
        if invalid.is_empty() { Ok((values, changed)) } else { Err(Error::Invalid(invalid)) }
    }

    fn verdict(
        &self,
        definitions: &Definitions,
        who: Standing,
        layer: Layer,
        key: &AttributeKey,
        value: Option<&JsonValue>,
    ) -> Verdict {
        let invalid = |detail: &str| Verdict::Invalid(vec![FieldError::new("", detail)]);
        let Some(definition) = definitions.find(AppliesTo::Profile, key) else {
            // What lost its definition can still be taken away.
            let is_left = value.is_none() && self.values.0.contains_key(key);
            if is_left && (who.is_own || who.is_admin) {
                return Verdict::Fine;
            }
            return invalid("is no attribute of profiles");
        };
        if !who.is_of(&definition.attribute.writers) {
            return Verdict::Denied;
        }
        let Some(value) = value else { return Verdict::Fine };
        if let Some(locked) = definition.locked_out(layer) {
            return invalid(&locked);
        }
        match definition.findings(value) {
            found if found.is_empty() => Verdict::Fine,
            found => Verdict::Invalid(found),
        }
    }
}

/// What comes of a change of one key.
enum Verdict {
    Fine,
    Denied,
    Invalid(Vec<FieldError>),
}
