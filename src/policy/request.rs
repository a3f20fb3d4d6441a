//! A request as Cedar sees it, made from facts alone.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Context, Entities, Entity, EntityUid, Request, RestrictedExpression, Schema};

use crate::domain::{
    Circumstances, Facts, Permission, SubjectFacts, SubjectKind, TargetFacts, Word,
};

pub(super) type Attributes = HashMap<String, RestrictedExpression>;

/// The request and its entities; an error where they do not fit the schema.
pub(super) fn of(facts: &Facts, schema: &Schema) -> Result<(Request, Entities), String> {
    let (principal_type, principal) = subject(facts.subject);
    let (resource_type, resource) = target(facts.target);
    let principal_uid = uid(principal_type, "caller")?;
    let resource_uid = uid(resource_type, "target")?;
    let action = uid("Action", facts.action)?;
    let context = Context::from_pairs(circumstances(facts.circumstances))
        .map_err(|error| error.to_string())?;
    let request =
        Request::new(principal_uid.clone(), action, resource_uid.clone(), context, Some(schema))
            .map_err(|error| error.to_string())?;
    let entities = [entity(principal_uid, principal)?, entity(resource_uid, resource)?];
    let entities =
        Entities::from_entities(entities, Some(schema)).map_err(|error| error.to_string())?;
    Ok((request, entities))
}

/// The name of an entity.
pub(super) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = kind.parse().map_err(|error: cedar_policy::ParseErrors| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, cedar_policy::EntityId::new(id)))
}

fn entity(uid: EntityUid, attributes: Attributes) -> Result<Entity, String> {
    Entity::new(uid, attributes, HashSet::new()).map_err(|error| error.to_string())
}

/// A word, or "none" where there is none.
fn word<W: Word>(value: Option<W>) -> RestrictedExpression {
    RestrictedExpression::new_string(value.map_or("none", Word::as_str).to_owned())
}

pub(super) fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

fn level(permission: Option<Permission>) -> RestrictedExpression {
    RestrictedExpression::new_long(permission.map_or(0, Permission::level))
}

pub(super) fn truth(value: bool) -> RestrictedExpression {
    RestrictedExpression::new_bool(value)
}

fn attributes<const N: usize>(pairs: [(&str, RestrictedExpression); N]) -> Attributes {
    pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn subject(facts: SubjectFacts) -> (&'static str, Attributes) {
    match facts.kind {
        SubjectKind::Host => ("Host", attributes([])),
        SubjectKind::System => ("System", attributes([])),
        SubjectKind::Account | SubjectKind::ServiceAccount => ("Account", account(facts)),
    }
}

/// A person, as every policy sees it.
pub(super) fn account(facts: SubjectFacts) -> Attributes {
    attributes([
        ("person", truth(facts.kind == SubjectKind::Account)),
        ("live", truth(facts.live)),
        ("state", word(facts.account)),
        ("operator", word(facts.operator)),
        ("role", word(facts.role)),
        ("membership", word(facts.membership)),
        ("granted", truth(facts.granted)),
        ("break_glass", truth(facts.break_glass)),
    ])
}

/// What every policy sees besides subject and target.
pub(super) fn circumstances(facts: Circumstances) -> Attributes {
    attributes([
        ("tenant", word(facts.tenant)),
        ("actor", word(facts.actor)),
        ("in_scope", truth(facts.in_scope)),
        ("step_up", truth(facts.assurance.is_demanded)),
        ("strong", truth(facts.assurance.is_strong)),
        ("recent", truth(facts.assurance.is_recent)),
    ])
}

fn target(facts: TargetFacts) -> (&'static str, Attributes) {
    match facts {
        TargetFacts::Platform => ("Platform", attributes([])),
        TargetFacts::Tenant => ("Tenant", attributes([])),
        TargetFacts::Account { own } => ("Person", attributes([("own", truth(own))])),
        TargetFacts::Member { own, role } => {
            ("Member", attributes([("own", truth(own)), ("role", word(Some(role)))]))
        }
        TargetFacts::Team { relation } => ("Team", attributes([("relation", word(relation))])),
        TargetFacts::WorkspaceOwner { kind, permission } => (
            "WorkspaceOwner",
            attributes([("kind", word(Some(kind))), ("permission", level(permission))]),
        ),
        TargetFacts::Workspace { permission } => {
            ("Workspace", attributes([("permission", level(permission))]))
        }
        TargetFacts::ResourceType => ("ResourceType", attributes([])),
        TargetFacts::Role => ("Role", attributes([])),
        TargetFacts::Application => ("Application", attributes([])),
        TargetFacts::Issuer => ("Issuer", attributes([])),
        TargetFacts::ServiceAccount => ("ServiceAccount", attributes([])),
        TargetFacts::BreakGlass { own } => ("BreakGlass", attributes([("own", truth(own))])),
        TargetFacts::Invitation { own } => ("Invitation", attributes([("own", truth(own))])),
        TargetFacts::Resource { permission } => {
            ("Resource", attributes([("permission", level(permission))]))
        }
    }
}
