//! Schemas of layered values: JSON Schema 2020-12, bounded in what it costs to hold a value against one.
//!
//! A schema fetches nothing: a reference leads to another place of the same schema, and never back to itself, so that
//! what it unfolds to is known, and bounded, when it is registered. Patterns run in linear time.

use std::collections::BTreeMap;
use std::fmt;

use jsonschema::{Draft, PatternOptions, Validator};
use serde_json::Value;

use super::FieldError;
use super::text::depth;

/// What a schema refers to by its text, or names for others to refer to: all of it is refused but `$ref`.
const UNSUPPORTED: &[&str] = &["$id", "$anchor", "$dynamicAnchor", "$dynamicRef", "$recursiveRef"];
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
/// Bytes of the text at most.
const MAX_BYTES: usize = 16 * 1024;
/// Levels of nesting at most.
const MAX_DEPTH: usize = 24;
/// Subschemas and members at most, each counted where it stands and where it is referred to from.
const MAX_UNFOLDED: usize = 10_000;
/// Patterns at most.
const MAX_PATTERNS: usize = 16;
/// Bytes that a compiled pattern takes at most.
const MAX_PATTERN_BYTES: usize = 128 * 1024;
/// Findings that are told of one value.
const MAX_FINDINGS: usize = 10;

/// A schema, ready to hold values against.
pub struct ValueSchema(Validator);

impl fmt::Debug for ValueSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueSchema")
    }
}

impl ValueSchema {
    /// Makes a schema ready.
    ///
    /// # Errors
    /// What of it cannot be accepted; fields are JSON pointers into the schema.
    pub fn new(schema: &Value) -> Result<Self, FieldError> {
        check(schema)?;
        jsonschema::options()
            .with_draft(Draft::Draft202012)
            .offline()
            .should_validate_formats(true)
            .with_pattern_options(
                PatternOptions::regex()
                    .size_limit(MAX_PATTERN_BYTES)
                    .dfa_size_limit(MAX_PATTERN_BYTES),
            )
            .build(schema)
            .map(Self)
            .map_err(|error| FieldError::new(error.instance_path().to_string(), error.to_string()))
    }

    /// Whether a value is valid.
    #[must_use]
    pub fn accepts(&self, value: &Value) -> bool {
        self.0.is_valid(value)
    }

    /// What is wrong with a value; fields are JSON pointers into it. The value itself is not repeated.
    #[must_use]
    pub fn findings(&self, value: &Value) -> Vec<FieldError> {
        let errors = self.0.iter_errors(value).take(MAX_FINDINGS);
        errors
            .map(|error| {
                let place = error.instance_path().to_string();
                let rule = error.schema_path().to_string();
                FieldError::new(place, format!("{}, by {rule} of its schema", error.masked()))
            })
            .collect()
    }
}

fn check(schema: &Value) -> Result<(), FieldError> {
    let refuse = |detail: String| Err(FieldError::new("", detail));
    if !schema.is_object() {
        return refuse("must be an object".to_owned());
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_BYTES {
        return refuse(format!("must have at most {MAX_BYTES} bytes, has {bytes}"));
    }
    if depth(schema) > MAX_DEPTH {
        return refuse(format!("must be at most {MAX_DEPTH} levels deep"));
    }
    if schema.get("$schema").is_some_and(|dialect| dialect != DIALECT) {
        return Err(FieldError::new("/$schema", format!("must be {DIALECT}")));
    }
    if patterns(schema) > MAX_PATTERNS {
        return refuse(format!("must have at most {MAX_PATTERNS} patterns"));
    }
    let mut unfolding = Unfolding { schema, known: BTreeMap::new() };
    if unfolding.size("", schema)? > MAX_UNFOLDED {
        let detail = format!("must unfold to at most {MAX_UNFOLDED} parts, references followed");
        return refuse(detail);
    }
    Ok(())
}

fn patterns(part: &Value) -> usize {
    match part {
        Value::Object(members) => {
            let of = |(name, member): (&String, &Value)| match (name.as_str(), member) {
                ("pattern", Value::String(_)) => 1,
                ("patternProperties", Value::Object(those)) => those.len() + patterns(member),
                _ => patterns(member),
            };
            members.iter().map(of).sum()
        }
        Value::Array(items) => items.iter().map(patterns).sum(),
        _ => 0,
    }
}

/// Counts what a schema unfolds to when its references are followed.
struct Unfolding<'s> {
    schema: &'s Value,
    /// What places that are referred to unfold to; `None` while it is being counted.
    known: BTreeMap<&'s str, Option<usize>>,
}

impl<'s> Unfolding<'s> {
    fn size(&mut self, place: &str, part: &'s Value) -> Result<usize, FieldError> {
        let mut size = 1_usize;
        match part {
            Value::Object(members) => {
                for (name, member) in members {
                    let place = format!("{place}/{}", escaped(name));
                    size = size.saturating_add(match member {
                        Value::String(reference) if name == "$ref" => {
                            self.referred(&place, reference)?
                        }
                        Value::String(_) if UNSUPPORTED.contains(&name.as_str()) => {
                            return Err(FieldError::new(place, "is not supported"));
                        }
                        member => self.size(&place, member)?,
                    });
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    size = size.saturating_add(self.size(&format!("{place}/{index}"), item)?);
                }
            }
            _ => {}
        }
        Ok(size)
    }

    fn referred(&mut self, place: &str, reference: &'s str) -> Result<usize, FieldError> {
        match self.known.get(reference) {
            Some(Some(size)) => return Ok(*size),
            Some(None) => return Err(FieldError::new(place, "leads back to itself")),
            None => {}
        }
        let pointer = reference.strip_prefix('#').filter(|rest| rest.starts_with('/'));
        let Some(pointer) = pointer.filter(|rest| !rest.contains('%')) else {
            let detail = "must be # and a JSON pointer: a schema refers to itself alone";
            return Err(FieldError::new(place, detail));
        };
        let Some(target) = self.schema.pointer(pointer) else {
            return Err(FieldError::new(place, "leads nowhere"));
        };
        self.known.insert(reference, None);
        let size = self.size(pointer, target)?;
        self.known.insert(reference, Some(size));
        Ok(size)
    }
}

/// A name as it stands in a JSON pointer (RFC 6901).
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::ValueSchema;

    fn refused(schema: &Value) -> String {
        let error = ValueSchema::new(schema).unwrap_err();
        format!("{} {}", error.field, error.detail)
    }

    #[test]
    fn a_schema_refers_to_itself_alone_and_never_in_a_circle() {
        let cases = [
            (json!({"$ref": "https://example.com/a"}), "/$ref must be # and a JSON pointer"),
            (json!({"$ref": "file:///etc/passwd"}), "/$ref must be # and"),
            (json!({"items": {"$ref": "other.json"}}), "/items/$ref must be # and"),
            (json!({"$ref": "#"}), "/$ref must be # and"),
            (json!({"$ref": "#/$defs/a%62"}), "/$ref must be # and"),
            (json!({"$ref": "#/$defs/a"}), "/$ref leads nowhere"),
            (json!({"$defs": {"a": {"items": {"$ref": "#/$defs/a"}}}}), "leads back to itself"),
            (
                json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"not": {"$ref": "#/$defs/a"}}}}),
                "leads back to itself",
            ),
            (json!({"$id": "https://example.com/"}), "/$id is not supported"),
            (json!({"$dynamicRef": "#a"}), "/$dynamicRef is not supported"),
            (json!({"$schema": "http://json-schema.org/draft-07/schema#"}), "/$schema must be"),
        ];
        for (schema, sentence) in cases {
            let found = refused(&schema);
            assert!(found.contains(sentence), "{schema}: {found}");
        }
        let fine = json!({"$defs": {"a": {"type": "string"}}, "items": {"$ref": "#/$defs/a"}});
        let fine = ValueSchema::new(&fine).unwrap();
        assert!(fine.accepts(&json!(["x"])) && !fine.accepts(&json!([1])));
    }

    /// Each definition names the next one twice: what is written in a few lines unfolds to more than there is time for.
    #[test]
    fn a_schema_that_unfolds_without_end_is_refused_at_once() {
        let mut definitions = json!({"d40": {"type": "string"}});
        for n in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            definitions[format!("d{n}")] = json!({"allOf": [next, next]});
        }
        let found = refused(&json!({"$defs": definitions, "$ref": "#/$defs/d0"}));
        assert!(found.contains("must unfold to at most"), "{found}");
    }

    #[test]
    fn what_is_no_schema_or_too_large_is_refused() {
        let mut deep = json!({});
        for _ in 0..30 {
            deep = json!({"not": deep});
        }
        let busy: Vec<_> = (0..17).map(|n| json!({"pattern": format!("^{n}$")})).collect();
        let long = json!({"enum": ["x".repeat(20_000)]});
        let cases = [
            (json!(true), "must be an object"),
            (json!({"type": "sting"}), "/type"),
            (json!({"minLength": -1}), "/minLength"),
            (json!({"pattern": "(a"}), "/pattern"),
            (json!({"pattern": "(a{1000}){1000}"}), "/pattern"),
            (json!({"anyOf": busy}), "at most 16 patterns"),
            (deep, "levels deep"),
            (long, "must have at most 16384 bytes"),
        ];
        for (schema, sentence) in cases {
            let found = refused(&schema);
            assert!(found.contains(sentence), "{found}");
        }
    }

    #[test]
    fn findings_name_place_and_rule_and_never_the_value() {
        let schema =
            json!({"type": "object", "properties": {"n": {"type": "integer", "maximum": 9}}});
        let schema = ValueSchema::new(&schema).unwrap();
        let found = schema.findings(&json!({"n": "kittiwake"}));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].field, "/n");
        assert!(found[0].detail.contains("/properties/n/type"), "{found:?}");
        assert!(!found[0].detail.contains("kittiwake"), "{found:?}");
    }

    /// Nested repetition, on which an engine that goes back and forth spends a lifetime.
    #[test]
    fn a_pattern_takes_no_longer_than_the_text_is_long() {
        let schema = ValueSchema::new(&json!({"pattern": "^(a+)+$"})).unwrap();
        assert!(!schema.accepts(&json!(format!("{}b", "a".repeat(16_000)))));
    }
}
