//! Questions about an application's action: what its policies are told, and what they say.
//!
//! What is stored here is a fact. What whoever asks says of a resource counts where the manifest declares that it comes
//! from requests and nothing is stored, and of an action where the manifest declares it; the rest of it counts nowhere.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, ApplicationAction, ApplicationFacts, ApplicationPolicy, ApplicationResourceType,
    AttributeDeclaration, AttributeSource, AttributeType, Attributes, Error, Manifest, PrincipalId,
    Properties, Reason, ResourceId, ResourceKeeper, ResourceKey, Result, RoleId, Subject, Target,
};
use crate::storage::door::{self, Asked, ReadTx, Ruling};
use crate::storage::engine::params;
use crate::storage::tenant::application_bindings::Bound;

/// The applications that the tenant has bound, each with the policies of the version that is in force.
pub(crate) fn applications<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
) -> Result<Vec<(Bound, Arc<dyn ApplicationPolicy>)>> {
    door::applications(tx)
}

/// What somebody would do to a resource of an application.
#[derive(Clone, Copy)]
pub(crate) struct Asking<'q> {
    /// The application as it is bound.
    pub(crate) bound: &'q Bound,
    /// Its policies.
    pub(crate) policy: &'q dyn ApplicationPolicy,
    /// The action that it declares.
    pub(crate) action: &'q ApplicationAction,
    /// The resource type that it declares.
    pub(crate) kind: &'q ApplicationResourceType,
    /// The action's properties, as they came.
    pub(crate) properties: Option<&'q Properties>,
    /// The resource's properties, as they came.
    pub(crate) attributes: Option<&'q Properties>,
}

/// What is stored of a resource, and what the row rule gives somebody there.
pub(super) struct Row<'r> {
    pub(super) level: i64,
    pub(super) attributes: &'r Attributes,
}

/// What an application's policies say of one resource, by the key of its type.
pub(crate) fn evaluate_application<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    asking: Asking<'_>,
    key: &str,
) -> Result<Ruling> {
    // How long an application's policies take is the application's to say: no thread that serves others waits for them.
    tx.take_time()?;
    if asking.kind.kept_by == Some(ResourceKeeper::Application) {
        return evaluate_with(tx, asked, asking, key, None);
    }
    let Some(id) = resource_named(tx, asking.kind, key)? else {
        return Ok(Ruling::unknown(Reason::UnknownResource));
    };
    let stored = tx.seen_whole(|sql| {
        Ok(sql.one("select attributes from resources where id = ?1", params![id], |row| {
            row.next::<Attributes>()
        })?)
    })?;
    let Some(attributes) = stored else {
        return Ok(Ruling::unknown(Reason::UnknownResource));
    };
    let level = level(tx, asked, id)?;
    let row = Row { level, attributes: &attributes };
    let ruling = evaluate_with(tx, asked, asking, key, Some(&row))?;
    Ok(Ruling { target: Some(Target::Resource(id)), ..ruling })
}

/// What the row rule gives somebody; what is delivered without it may be read.
fn level<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    id: ResourceId,
) -> Result<i64> {
    let found: Option<i64> = tx.seen_by(asked, |sql| {
        Ok(sql.one("select max(level, 1) from resources where id = ?1", params![id], |row| {
            row.next()
        })?)
    })?;
    Ok(found.unwrap_or(0))
}

/// The resource of a type that a key names. A name that several have names none.
pub(crate) fn resource_named<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    kind: &ApplicationResourceType,
    key: &str,
) -> Result<Option<ResourceId>> {
    let statement = match kind.key {
        Some(ResourceKey::Name) => {
            "select id from resources where name = ?1 and type = ?2 order by id limit 2"
        }
        // Ids are written one way.
        _ => "select id from resources where id = ?1 and type = ?2",
    };
    let found: Vec<ResourceId> = tx.seen_whole(|sql| {
        Ok(sql.all(statement, params![key, kind.name.as_str()], |row| row.next())?)
    })?;
    Ok(if let [id] = found[..] { Some(id) } else { None })
}

/// The same, of a resource that was found, or that the application keeps.
pub(super) fn evaluate_with<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    asking: Asking<'_>,
    key: &str,
    row: Option<&Row<'_>>,
) -> Result<Ruling> {
    let action = asking.action.name.as_str();
    let manifest = asking.policy.manifest();
    let (subject, circumstances) =
        tx.known_of(asked, action, |scope| leaves(asking.bound, manifest, scope, action));
    let Some(account) = asked.caller().subject.principal() else {
        return Ok(Ruling::unknown(Reason::UnknownSubject));
    };
    let facts = ApplicationFacts {
        action: action.to_owned(),
        subject,
        account: account.to_string(),
        roles: roles(tx, asked)?.to_vec(),
        principals: principals(asked)?,
        circumstances,
        resource_type: asking.kind.name.to_string(),
        resource: key.to_owned(),
        level: row.map_or(0, |row| row.level),
        attributes: attributes(tx, manifest, asking, row)?,
        properties: properties(tx, manifest, asking)?,
    };
    tx.decide_for(asking.policy, facts)
}

/// Whether a scope that the tenant has enabled leaves an action.
fn leaves(bound: &Bound, manifest: &Manifest, scope: &str, action: &str) -> bool {
    let is_enabled = bound.scopes.iter().any(|enabled| enabled.as_str() == scope);
    let mut declared = manifest.scopes.iter().filter(|one| one.name.as_str() == scope);
    is_enabled && declared.any(|one| one.actions.covers(action))
}

/// The names of somebody's custom roles, found out once.
fn roles<'s, A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &'s Asked,
) -> Result<&'s [String]> {
    if let Some(known) = asked.roles.get() {
        return Ok(known);
    }
    // A service account's count no further than its keys reach.
    let is_service = matches!(asked.caller().subject, Subject::ServiceAccount(_));
    if is_service && asked.known().roles.iter().next().is_none() {
        return Ok(&[]);
    }
    // Whoever is nobody in the tenant has no principals, not even none.
    if asked.principals().is_empty() {
        return Ok(&[]);
    }
    let found: Vec<(RoleId, String)> = tx.seen_by(asked, |sql| {
        Ok(sql.all(
            "select r.id, r.name from roles r
            where r.id in (
                select a.role_id from role_assignments a
                where a.principal_id in (select value from json_each(?1))
            )
            order by r.name",
            params![asked.principals()],
            |row| Ok((row.next()?, row.next()?)),
        )?)
    })?;
    let mut found: Vec<String> = match asked.hypothesis() {
        None => found.into_iter().map(|(_, name)| name).collect(),
        Some(hypothesis) => {
            hypothesis.held(|id| asked.has(&id.to_string()), found, |role| role.name.to_string())
        }
    };
    found.sort_unstable();
    Ok(asked.roles.get_or_init(|| found))
}

fn principals(asked: &Asked) -> Result<Vec<PrincipalId>> {
    let principals = asked.principals();
    if principals.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(principals).map_err(|error| Error::Internal(error.to_string()))
}

/// What is declared and known of the resource: as it is stored, else, where it may, as it came.
fn attributes<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    manifest: &Manifest,
    asking: Asking<'_>,
    row: Option<&Row<'_>>,
) -> Result<Map<String, Value>> {
    let stored = row.map(|row| serde_json::from_str(row.attributes.as_str())).transpose();
    let stored: Option<Map<String, Value>> =
        stored.map_err(|error| Error::Storage(error.to_string()))?;
    let mut known = Map::new();
    for declared in &asking.kind.attributes {
        let name = declared.name.as_str();
        let is_asked = declared.source == Some(AttributeSource::Request);
        let came = asking.attributes.filter(|_| is_asked).and_then(|came| came.get(name));
        let kept = stored.as_ref().and_then(|stored| stored.get(name));
        if let Some(value) = kept.filter(|value| !value.is_null()).or(came) {
            known.insert(name.to_owned(), value_of(tx, manifest, declared, value)?);
        }
    }
    Ok(known)
}

/// What is declared of the action and came with the question.
fn properties<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    manifest: &Manifest,
    asking: Asking<'_>,
) -> Result<Map<String, Value>> {
    let Some(came) = asking.properties else { return Ok(Map::new()) };
    let mut known = Map::new();
    for declared in &asking.action.properties {
        if let Some(value) = came.get(declared.name.as_str()) {
            known.insert(declared.name.to_string(), value_of(tx, manifest, declared, value)?);
        }
    }
    Ok(known)
}

/// A value as policies see it: an account by its id. One that nobody is stays a value, and is nobody's id.
fn value_of<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    manifest: &Manifest,
    declared: &AttributeDeclaration,
    value: &Value,
) -> Result<Value> {
    let (AttributeType::Account, Value::String(subject)) = (declared.kind, value) else {
        return Ok(value.clone());
    };
    let named =
        declared.subject_type.as_ref().and_then(|name| manifest.subject_type(name.as_str()));
    let account = match named {
        Some(named) => tx.account_of(&named.issuer, subject)?,
        None => None,
    };
    Ok(Value::String(account.map(|account| account.to_string()).unwrap_or_default()))
}
