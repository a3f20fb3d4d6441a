//! The JSON Schema (2020-12) of each type of event, made of the types that the program emits.

use serde_json::{Map, Value, json};

use super::{EventType, data};
use crate::domain::Word;

/// Where the schemas stand below an installation's address.
const HOME: &str = "/schemas/events/";

/// The schema of events of a type: the envelope (`CloudEvents` 1.0) with what they say.
#[must_use]
pub fn event_schema(kind: EventType) -> Value {
    let mut defs = Map::new();
    let mut said = Vec::new();
    for (schema, others) in data::of(kind) {
        said.push(local(serde_json::to_value(schema).unwrap_or_default()));
        for (name, other) in others {
            let other = serde_json::to_value(other).unwrap_or_default();
            defs.insert(name, local(other));
        }
    }
    let said = if said.len() == 1 { said.remove(0) } else { json!({ "anyOf": said }) };
    let text = |description: &str| json!({ "type": "string", "description": description });
    let mut schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("{HOME}{kind}"),
        "title": kind.as_str(),
        "description": kind.meaning(),
        "type": "object",
        "required": [
            "specversion", "id", "source", "type", "subject", "time", "datacontenttype", "dataschema", "data",
            "tenantref", "actor", "actortenantref", "correlationid", "sequence",
        ],
        "properties": {
            "specversion": { "const": "1.0" },
            "id": { "type": "string", "format": "uuid", "description": "The event's id." },
            "source": text("Where it happened: `/v1/tenants/<id>`, or `/v1/platform`."),
            "type": { "const": kind.as_str() },
            "subject": text("What it happened to."),
            "time": { "type": "string", "format": "date-time", "description": "When." },
            "datacontenttype": { "const": "application/json" },
            "dataschema": { "const": event_schema_path(kind.as_str()) },
            "data": said,
            "tenantid": { "type": ["string", "null"], "format": "uuid", "description": "The tenant that it happened in." },
            "tenantref": text("The same in words."),
            "actor": text("Who: `account:<id>`, `service_account:<id>`, `host`, or `system:<task>`."),
            "actortenantref": text("The tenant that the actor's credential was for, in words."),
            "correlationid": text("What connects everything that one cause brought about."),
            "sequence": { "type": "integer", "minimum": 1, "description": "Its place among the events of the same source." },
        },
    });
    if !defs.is_empty() {
        schema["$defs"] = Value::Object(defs);
    }
    schema
}

/// Where the schema of what events of a type say stands: in the schema of those events.
#[must_use]
pub fn event_schema_path(kind: &str) -> String {
    format!("{HOME}{kind}#/properties/data")
}

/// The same schema, which refers to others beside it.
fn local(mut schema: Value) -> Value {
    match &mut schema {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                match member {
                    Value::String(text) if name == "$ref" => {
                        *text = text.replace("#/components/schemas/", "#/$defs/");
                    }
                    _ => *member = local(std::mem::take(member)),
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                *item = local(std::mem::take(item));
            }
        }
        _ => {}
    }
    schema
}

/// Every type of event, as documentation: what it means, and what it says.
#[must_use]
pub fn event_catalogue() -> String {
    let mut text = String::new();
    for kind in EventType::ALL {
        text.extend(["### `", kind.as_str(), "`\n\n", kind.meaning(), "\n\n"]);
        let schema = event_schema(*kind);
        let said = &schema["properties"]["data"];
        let variants = match said["anyOf"].as_array() {
            Some(variants) => variants.clone(),
            None => vec![said.clone()],
        };
        for variant in variants {
            text.push_str(&rows(&variant));
        }
    }
    text
}

/// A table of the members of what is said.
fn rows(said: &Value) -> String {
    let mut text = String::from("| field | type | meaning |\n|---|---|---|\n");
    let empty = Map::new();
    for (name, member) in said["properties"].as_object().unwrap_or(&empty) {
        let meaning = member["description"].as_str().unwrap_or_default().replace('\n', " ");
        let kind = type_of(member);
        text.extend(["| `", name, "` | ", &kind, " | ", &meaning, " |\n"]);
    }
    text.push('\n');
    text
}

/// The type of a member, in a word or two.
fn type_of(member: &Value) -> String {
    if let Some(name) = member["$ref"].as_str() {
        return name.rsplit('/').next().unwrap_or_default().to_owned();
    }
    if let Some(kinds) = member["oneOf"].as_array().or_else(|| member["anyOf"].as_array()) {
        return kinds.iter().map(type_of).collect::<Vec<_>>().join(" or ");
    }
    match &member["type"] {
        Value::String(kind) if kind == "array" => format!("array of {}", type_of(&member["items"])),
        Value::String(kind) => kind.clone(),
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or ")
        }
        _ => "any".to_owned(),
    }
}
