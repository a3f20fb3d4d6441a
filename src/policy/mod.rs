//! The policy decision point: Cedar over the facts of one request.
//!
//! Policies and schema are embedded from `config/policy/`. Requests and entities are validated against the schema, and
//! any evaluation error denies: Cedar alone would skip a `forbid` that errs. What Cedar sees is made from
//! [`Facts`] and from nothing else, so that a decision can be remembered by them.

mod request;

use std::collections::HashMap;
use std::sync::Arc;

use cedar_policy::{
    Authorizer, Decision as Verdict, PolicyId, PolicySet, Schema, ValidationMode, Validator,
};
use parking_lot::RwLock;

use crate::domain::{Decision, DecisionPoint, Facts};

const SCHEMA: &str = include_str!("../../config/policy/schema.cedarschema");
const POLICIES: &[(&str, &str)] = &[
    ("platform.cedar", include_str!("../../config/policy/platform.cedar")),
    ("tenant.cedar", include_str!("../../config/policy/tenant.cedar")),
];
/// Decisions that are remembered; there are fewer different facts than this.
const MAX_REMEMBERED: usize = 100_000;

/// A policy set that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct PolicyError {
    file: String,
    message: String,
}

impl PolicyError {
    fn new(file: &str, message: impl ToString) -> Self {
        Self { file: file.to_owned(), message: message.to_string() }
    }
}

/// The decision point.
pub struct Policy {
    authorizer: Authorizer,
    schema: Schema,
    policies: PolicySet,
    names: HashMap<PolicyId, String>,
    remembered: RwLock<HashMap<Facts, Decision>>,
}

impl std::fmt::Debug for Policy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policy").field("policies", &self.names.len()).finish_non_exhaustive()
    }
}

impl Policy {
    /// The policies that come with the program.
    ///
    /// # Errors
    /// One of them does not parse or does not fit the schema.
    pub fn embedded() -> Result<Self, PolicyError> {
        Self::new(SCHEMA, POLICIES)
    }

    /// Policies from their texts, validated against a schema.
    ///
    /// # Errors
    /// One of them does not parse or does not fit the schema; the error names the file and the line.
    pub fn new(schema: &str, files: &[(&str, &str)]) -> Result<Self, PolicyError> {
        let (schema, _) = Schema::from_cedarschema_str(schema).map_err(|error| {
            PolicyError::new("schema.cedarschema", format!("{:?}", miette(&error)))
        })?;
        let mut policies = PolicySet::new();
        let mut names = HashMap::new();
        let mut origins = HashMap::new();
        for (file, text) in files {
            for id in add(&mut policies, &mut names, file, text)? {
                origins.insert(id, *file);
            }
        }
        let validation = Validator::new(schema.clone()).validate(&policies, ValidationMode::Strict);
        if let Some(error) = validation.validation_errors().next() {
            let file = origins.get(error.policy_id()).copied().unwrap_or("policies");
            return Err(PolicyError::new(file, error));
        }
        Ok(Self {
            authorizer: Authorizer::new(),
            schema,
            policies,
            names,
            remembered: RwLock::default(),
        })
    }

    /// The names of the actions that the schema knows.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        let leaves = self
            .schema
            .actions()
            .filter(|uid| self.schema.action_groups().all(|group| group != *uid));
        leaves.map(|uid| uid.id().unescaped().to_owned()).collect()
    }

    fn evaluate(&self, facts: &Facts) -> Decision {
        let (request, entities) = match request::of(facts, &self.schema) {
            Ok(made) => made,
            Err(message) => {
                tracing::debug!(
                    action = facts.action,
                    message,
                    "a request does not fit the schema"
                );
                return Decision { allowed: false, policies: Arc::new([]) };
            }
        };
        let response = self.authorizer.is_authorized(&request, &self.policies, &entities);
        let failed = response.diagnostics().errors().next().is_some();
        let mut reasons: Vec<String> =
            response.diagnostics().reason().filter_map(|id| self.names.get(id).cloned()).collect();
        reasons.sort();
        if failed {
            tracing::error!(action = facts.action, "a policy could not be evaluated; denied");
            reasons.push("evaluation-error".to_owned());
        }
        Decision {
            allowed: response.decision() == Verdict::Allow && !failed,
            policies: reasons.into(),
        }
    }
}

fn miette(error: &impl std::fmt::Display) -> String {
    error.to_string()
}

/// Adds a file's policies, each under the id that it is annotated with; says which.
fn add(
    policies: &mut PolicySet,
    names: &mut HashMap<PolicyId, String>,
    file: &str,
    text: &str,
) -> Result<Vec<PolicyId>, PolicyError> {
    let mut added = Vec::new();
    let parsed: PolicySet = text.parse().map_err(|error| PolicyError::new(file, error))?;
    for policy in parsed.policies() {
        let Some(name) = policy.annotation("id").filter(|name| !name.is_empty()) else {
            return Err(PolicyError::new(file, "every policy has an @id"));
        };
        if policy.annotation("sentence").is_none() {
            return Err(PolicyError::new(file, format!("policy {name} has no @sentence")));
        }
        if names.values().any(|known| known == name) {
            return Err(PolicyError::new(file, format!("policy {name} stands twice")));
        }
        let id = PolicyId::new(name);
        names.insert(id.clone(), name.to_owned());
        added.push(id.clone());
        policies.add(policy.new_id(id)).map_err(|error| PolicyError::new(file, error))?;
    }
    Ok(added)
}

impl DecisionPoint for Policy {
    fn decide(&self, facts: &Facts) -> Decision {
        if let Some(decision) = self.remembered.read().get(facts) {
            return decision.clone();
        }
        let decision = self.evaluate(facts);
        let mut remembered = self.remembered.write();
        if remembered.len() < MAX_REMEMBERED {
            remembered.insert(*facts, decision.clone());
        }
        decision
    }
}
