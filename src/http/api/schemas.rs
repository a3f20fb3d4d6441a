//! `/schemas/events`: the JSON Schema of every type of event, for everybody.

use crate::domain::{EventType, event_schema};
use crate::http::parameters::Path;
use crate::http::reply::{Cached, JsonSchemaDocument, Reply};

/// Seconds that a schema can be kept.
const KEPT_S: u32 = 3600;

pub(in crate::http) async fn read(
    Path(kind): Path<EventType>,
) -> Reply<Cached<JsonSchemaDocument>> {
    Ok(Cached(JsonSchemaDocument(event_schema(kind)), KEPT_S))
}
