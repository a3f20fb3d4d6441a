//! Ids in bodies: another tenant's is as unknown as one that nothing has.

use std::sync::Arc;

use freehold::http::{Mount, RouteInfo};
use serde_json::{Value, json};

use super::cases::{Case, World};
use super::objects::{Origin, wrong};
use super::rules::{Log, Outcome};
use super::world::Standing;
use crate::asks::Ask;
use crate::resolution::ways;

/// A field of a body that names an object.
struct Field {
    operation: &'static str,
    pointer: &'static str,
    /// As a path's parameter would be called.
    kind: &'static str,
    /// What comes of an id that is not there.
    outcome: Outcome,
}

const fn field(
    operation: &'static str,
    pointer: &'static str,
    kind: &'static str,
    outcome: Outcome,
) -> Field {
    Field { operation, pointer, kind, outcome }
}

const INVALID: Outcome = Outcome::Refused(422, None);
const DENIED: Outcome = Outcome::Refused(404, Some(Log::Tenant));
/// People are the installation's: whoever knows an account's id may make it a member.
const ANYBODY: Outcome = Outcome::Allowed("201");
/// A question about what is not there is answered no.
const ANSWERED: Outcome = Outcome::Allowed("200");

/// Every field of a body that names an object of a tenant.
const FIELDS: &[Field] = &[
    field("access_explain", "/resource/id", "tenant", ANSWERED),
    field("access_explain", "/subject/id", "account", ANSWERED),
    field("access_simulate", "/changes/members/0/account_id", "account", ANSWERED),
    field("access_simulate", "/questions/resources/0/id", "tenant", ANSWERED),
    field("access_simulate", "/questions/subjects/0", "account", ANSWERED),
    field("access_evaluate", "/resource/id", "tenant", ANSWERED),
    field("access_evaluate", "/subject/id", "account", ANSWERED),
    field("access_evaluate_many", "/evaluations/0/resource/id", "tenant", ANSWERED),
    field("access_evaluate_many", "/subject/id", "account", ANSWERED),
    field("access_search_action", "/resource/id", "tenant", ANSWERED),
    field("access_search_action", "/subject/id", "account", ANSWERED),
    field("access_search_resource", "/subject/id", "account", ANSWERED),
    field("access_search_subject", "/resource/id", "tenant", ANSWERED),
    field("invitation_create", "/team_ids", "team", INVALID),
    field("invitation_create_many", "/invitations/0/team_ids", "team", INVALID),
    field("member_create", "/account_id", "account", ANYBODY),
    field("resource_create", "/workspace_id", "workspace", DENIED),
    field("team_create", "/parent_id", "team", INVALID),
    field("team_update", "/parent_id", "team", INVALID),
    field("workspace_create", "/owner/id", "tenant", DENIED),
];

/// A route's requests with an id in the body that is not there, by those who may do what the route does.
pub(crate) fn cases<'w>(world: &'w World<'_>, route: &'w RouteInfo) -> Vec<Case<'w>> {
    if route.mount != Mount::Tenant {
        return Vec::new();
    }
    let good = world.ask(route, 1);
    let fields: Vec<_> =
        FIELDS.iter().filter(|field| field.operation == route.operation_id).collect();
    for pointer in ids(good.body.as_ref().unwrap_or(&Value::Null), "") {
        let is_known = fields.iter().any(|field| field.pointer == pointer);
        assert!(is_known, "bodies.rs does not know {pointer} of {}", route.operation_id);
    }
    let fields = fields.into_iter().filter(|field| matches!(field.outcome, Outcome::Refused(..)));
    fields.flat_map(|field| cases_of(world, route, field, &good)).collect()
}

fn cases_of<'w>(
    world: &'w World<'_>,
    route: &'w RouteInfo,
    field: &Field,
    good: &Ask,
) -> Vec<Case<'w>> {
    let may = [Standing::Role("admin"), Standing::Role("owner")];
    let mut cases = Vec::new();
    for ask in bad(world, field, good).into_iter().map(Arc::new) {
        for who in world.everybody.iter().filter(|who| may.contains(&who.standing)) {
            cases.extend(ways(&world.here.org).into_iter().map(|sources| Case {
                route,
                method: route.method.as_str(),
                who,
                sources,
                strange: None,
                ask: ask.clone(),
                outcome: field.outcome.clone(),
            }));
        }
    }
    cases
}

/// The good request with each id in the field that is one and is not there.
fn bad(world: &World<'_>, field: &Field, good: &Ask) -> Vec<Ask> {
    let values: Vec<_> = if field.kind == "tenant" {
        vec![world.there.org.id.clone(), super::world::NOBODY.to_owned()]
    } else {
        let wrong = wrong(field.kind, &world.here, &world.there).into_iter();
        wrong.filter(|(origin, _)| *origin != Origin::Malformed).map(|(_, value)| value).collect()
    };
    values.into_iter().map(|value| with(good, field.pointer, &value)).collect()
}

/// The same request with an id in a field of its body, whether or not it had that field.
fn with(good: &Ask, pointer: &str, id: &str) -> Ask {
    let mut body = good.body.clone().unwrap();
    match body.pointer_mut(pointer) {
        _ if pointer == "/team_ids" => body["team_ids"] = json!([id]),
        _ if pointer == "/invitations/0/team_ids" => {
            body["invitations"][0]["team_ids"] = json!([id]);
        }
        Some(field) => *field = json!(id),
        None => body[&pointer[1..]] = json!(id),
    }
    Ask { body: Some(body), ..good.clone() }
}

/// Where ids stand in a body.
fn ids(value: &Value, pointer: &str) -> Vec<String> {
    match value {
        Value::String(text) if is_id(text) => vec![pointer.to_owned()],
        Value::Object(members) => members
            .iter()
            .flat_map(|(name, value)| ids(value, &format!("{pointer}/{name}")))
            .collect(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .flat_map(|(place, value)| ids(value, &format!("{pointer}/{place}")))
            .collect(),
        _ => Vec::new(),
    }
}

fn is_id(text: &str) -> bool {
    text.len() == 36 && text.chars().all(|c| c == '-' || c.is_ascii_hexdigit())
}
