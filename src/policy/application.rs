//! The policies of an application: Cedar over a schema that is made from the manifest.
//!
//! Each application has a policy set and a schema of its own, with its own types and actions alone, and with the
//! boundaries that no application can lift. It is asked about its own actions and nothing else.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use cedar_policy::{Context, Entities, Entity, Request, RestrictedExpression, Schema};
use serde_json::{Map, Value};

use super::manifest;
use super::policies::{Policies, Text, Unmade};
use super::request::{self, Attributes, text, truth, uid};
use crate::domain::{
    ApplicationFacts, ApplicationPolicy, ApplicationResourceType, AttributeDeclaration,
    AttributeType, Decision, FieldError, Manifest, PolicyInfo, Uncompiled,
};

/// What no application's own policies can lift.
pub(super) const BOUNDARIES: &str = include_str!("../../config/policy/application.cedar");

/// The policies of one version of one application.
#[derive(Debug)]
pub(super) struct Application {
    manifest: Arc<Manifest>,
    policies: Policies,
}

impl Application {
    /// Checks a manifest, and makes its policies ready, while the work goes on.
    pub(super) fn new(
        manifest: &Arc<Manifest>,
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Self, Uncompiled> {
        let errors = manifest::check(manifest);
        if !errors.is_empty() {
            return Err(Uncompiled::Refused(errors));
        }
        let (schema, _) = Schema::from_cedarschema_str(&schema(manifest))
            .map_err(|error| Uncompiled::refused("", &error.to_string()))?;
        let boundaries = Text { prefix: String::new(), text: BOUNDARIES };
        let own = manifest
            .policies
            .iter()
            .map(|policy| Text { prefix: format!("{}/", manifest.name), text: &policy.text });
        let texts: Vec<_> = std::iter::once(boundaries).chain(own).collect();
        let policies = Policies::new(schema, &texts, goes_on).map_err(|unmade| {
            let Unmade::Findings(findings) = unmade else { return Uncompiled::Stopped };
            let place = |finding: &super::policies::Finding| match finding.text.checked_sub(1) {
                Some(index) => format!("/policies/{index}/text"),
                None => "/actions".to_owned(),
            };
            let errors = findings.iter().map(|one| FieldError::new(place(one), one.to_string()));
            Uncompiled::Refused(errors.collect())
        })?;
        Ok(Self { manifest: manifest.clone(), policies })
    }

    fn request(&self, facts: &ApplicationFacts) -> Result<(Request, Entities), String> {
        let unknown = || "the manifest does not know it".to_owned();
        let action = self.manifest.action(&facts.action).ok_or_else(unknown)?;
        let kind = self.manifest.resource_type(&facts.resource_type).ok_or_else(unknown)?;
        let properties = declared(&action.properties, &facts.properties)?;
        let properties = RestrictedExpression::new_record(properties).map_err(|e| e.to_string())?;
        let mut circumstances = request::circumstances(facts.circumstances);
        circumstances.insert("properties".to_owned(), properties);
        let context = Context::from_pairs(circumstances).map_err(|error| error.to_string())?;
        let (principal, resource) =
            (uid("Account", &facts.account)?, uid(&facts.resource_type, &facts.resource)?);
        let entities = [
            entity(principal.clone(), principal_attributes(facts))?,
            entity(resource.clone(), resource_attributes(kind, facts)?)?,
        ];
        let schema = Some(self.policies.schema());
        let action = uid("Action", &facts.action)?;
        let request = Request::new(principal, action, resource, context, schema)
            .map_err(|error| error.to_string())?;
        let entities =
            Entities::from_entities(entities, schema).map_err(|error| error.to_string())?;
        Ok((request, entities))
    }
}

impl ApplicationPolicy for Application {
    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn decide_while(
        &self,
        facts: &ApplicationFacts,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Decision> {
        match self.request(facts) {
            Ok((request, entities)) => self.policies.decide(&request, &entities, goes_on),
            // What does not fit the declarations is no ground for a permit.
            Err(_) => {
                let policies = Arc::new(["evaluation-error".to_owned()]);
                Some(Decision { allowed: false, policies })
            }
        }
    }

    fn policy(&self, id: &str) -> Option<PolicyInfo> {
        self.policies.info(id).cloned()
    }
}

fn entity(uid: cedar_policy::EntityUid, attributes: Attributes) -> Result<Entity, String> {
    Entity::new(uid, attributes, HashSet::new()).map_err(|error| error.to_string())
}

fn principal_attributes(facts: &ApplicationFacts) -> Attributes {
    let mut attributes = request::account(facts.subject);
    let set = |values: Vec<String>| {
        RestrictedExpression::new_set(values.into_iter().map(RestrictedExpression::new_string))
    };
    let principals = facts.principals.iter().map(ToString::to_string).collect();
    attributes.insert("id".to_owned(), text(&facts.account));
    attributes.insert("roles".to_owned(), set(facts.roles.clone()));
    attributes.insert("principals".to_owned(), set(principals));
    attributes
}

fn resource_attributes(
    kind: &ApplicationResourceType,
    facts: &ApplicationFacts,
) -> Result<Attributes, String> {
    let mut attributes: Attributes =
        declared(&kind.attributes, &facts.attributes)?.into_iter().collect();
    attributes.insert("key".to_owned(), text(&facts.resource));
    attributes.insert("permission".to_owned(), RestrictedExpression::new_long(facts.level));
    Ok(attributes)
}

/// The values of what is declared; what is not is not seen.
fn declared(
    declarations: &[AttributeDeclaration],
    values: &Map<String, Value>,
) -> Result<Vec<(String, RestrictedExpression)>, String> {
    let mut known = Vec::new();
    for declaration in declarations {
        let name = declaration.name.as_str();
        match values.get(name) {
            None | Some(Value::Null) => {}
            Some(value) => {
                let value = expression(declaration.kind, value)
                    .ok_or_else(|| format!("{name} is no {}", declaration.kind))?;
                known.push((name.to_owned(), value));
            }
        }
    }
    Ok(known)
}

fn expression(kind: AttributeType, value: &Value) -> Option<RestrictedExpression> {
    match kind {
        AttributeType::String | AttributeType::Account => value.as_str().map(text),
        AttributeType::Boolean => value.as_bool().map(truth),
        AttributeType::Integer => value.as_i64().map(RestrictedExpression::new_long),
        AttributeType::StringSet => {
            let values: Option<Vec<_>> =
                value.as_array()?.iter().map(|value| value.as_str().map(text)).collect();
            values.map(RestrictedExpression::new_set)
        }
    }
}

/// The schema of an application: the account as every policy sees it, its own types, its own actions.
fn schema(manifest: &Manifest) -> String {
    let mut schema = String::from(
        "entity Account = { id: String, person: Bool, live: Bool, state: String, operator: String, role: String, \
         membership: String, granted: Bool, break_glass: Bool, roles: Set<String>, principals: Set<String> };\n",
    );
    for kind in &manifest.resource_types {
        let attributes = members(&kind.attributes);
        let _infallible = writeln!(
            schema,
            "entity {} = {{ key: String, permission: Long{attributes} }};",
            kind.name
        );
    }
    for action in &manifest.actions {
        let types: Vec<_> = action.resource_types.iter().map(|name| name.as_str()).collect();
        let _infallible = writeln!(
            schema,
            "action \"{}\" appliesTo {{ principal: [Account], resource: [{}], context: {{ tenant: String, \
             actor: String, in_scope: Bool, step_up: Bool, strong: Bool, recent: Bool, \
             properties: {{ {} }} }} }};",
            action.name,
            types.join(", "),
            members(&action.properties).trim_start_matches(", "),
        );
    }
    schema
}

/// Declared attributes as members of a record, each behind a comma; any of them may be absent.
fn members(declarations: &[AttributeDeclaration]) -> String {
    let mut text = String::new();
    for declaration in declarations {
        let kind = match declaration.kind {
            AttributeType::String | AttributeType::Account => "String",
            AttributeType::Boolean => "Bool",
            AttributeType::Integer => "Long",
            AttributeType::StringSet => "Set<String>",
        };
        let _infallible = write!(text, ", {}?: {kind}", declaration.name);
    }
    text
}
