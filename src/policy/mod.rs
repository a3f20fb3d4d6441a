//! The policy decision point: Cedar over the facts of one request.
//!
//! Policies and schema are embedded from `config/policy/`. Requests and entities are validated against the schema, and
//! any evaluation error denies: Cedar alone would skip a `forbid` that errs. What Cedar sees is made from
//! [`Facts`] and from nothing else, so that a decision can be remembered by them. An application's policies are a set of
//! their own, over a schema that is made from its manifest.

mod application;
mod bounds;
pub mod external;
mod manifest;
mod policies;
mod request;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use cedar_policy::Schema;
use moka::sync::Cache;
use parking_lot::RwLock;

use self::application::Application;
use self::policies::{Policies, Text, Unmade};
use crate::domain::{
    ActionInfo, ApplicationAction, ApplicationActionName, ApplicationPolicy,
    ApplicationResourceType, ApplicationWord, Decision, DecisionPoint, Facts, Manifest, Name,
    PolicyInfo, PolicyText, Uncompiled, action,
};

const SCHEMA: &str = include_str!("../../config/policy/schema.cedarschema");
const MANIFEST: &str = include_str!("../../config/policy/freehold.json");
const POLICIES: &[(&str, &str)] = &[
    ("platform.cedar", include_str!("../../config/policy/platform.cedar")),
    ("tenant.cedar", include_str!("../../config/policy/tenant.cedar")),
];
/// Stack of a thread that reads an application's policies.
const STACK_BYTES: usize = 16 << 20;
/// Decisions that are remembered; there are fewer different facts than this.
const MAX_REMEMBERED: usize = 100_000;
/// Bytes of manifests whose policies are kept for a moment, all of them together.
const MAX_COMPILED_BYTES: u64 = 512 * 1024;
/// That moment.
const COMPILED_FOR: Duration = Duration::from_mins(1);

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
#[derive(Debug)]
pub struct Policy {
    policies: Policies,
    /// What Freehold declares of itself: its scopes.
    manifest: Arc<Manifest>,
    remembered: RwLock<HashMap<Facts, Decision>>,
    /// What was compiled a moment ago, by the manifest's JSON: the pages of a simulation suppose the same policies.
    compiled: Cache<String, Arc<Application>>,
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
        let (schema, _) = Schema::from_cedarschema_str(schema)
            .map_err(|error| PolicyError::new("schema.cedarschema", error))?;
        let texts: Vec<_> =
            files.iter().map(|(_, text)| Text { prefix: String::new(), text }).collect();
        let policies = Policies::new(schema, &texts, &|| true).map_err(|unmade| {
            let Unmade::Findings(findings) = unmade else {
                return PolicyError::new("", "validating ended too soon");
            };
            let first = findings.first();
            let file =
                first.and_then(|finding| files.get(finding.text)).map_or("", |(file, _)| file);
            PolicyError::new(file, first.map(ToString::to_string).unwrap_or_default())
        })?;
        let manifest =
            own_manifest(files).map_err(|message| PolicyError::new("freehold.json", message))?;
        let compiled = Cache::builder()
            .max_capacity(MAX_COMPILED_BYTES)
            .weigher(|text: &String, _: &Arc<Application>| {
                u32::try_from(text.len()).unwrap_or(u32::MAX)
            })
            .time_to_live(COMPILED_FOR)
            .build();
        let (manifest, remembered) = (Arc::new(manifest), RwLock::default());
        Ok(Self { policies, manifest, remembered, compiled })
    }

    /// The names of the actions that the schema knows.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        let schema = self.policies.schema();
        let leaves =
            schema.actions().filter(|uid| schema.action_groups().all(|group| group != *uid));
        leaves.map(|uid| uid.id().unescaped().to_owned()).collect()
    }

    fn evaluate(&self, facts: &Facts) -> Decision {
        let (request, entities) = match request::of(facts, self.policies.schema()) {
            Ok(made) => made,
            Err(message) => {
                let action = facts.action;
                tracing::debug!(action, message, "a request does not fit the schema");
                return Decision { allowed: false, policies: Arc::new([]) };
            }
        };
        let Some(decision) = self.policies.decide(&request, &entities, &|| true) else {
            return Decision { allowed: false, policies: Arc::new([]) };
        };
        if decision.policies.iter().any(|id| id == "evaluation-error") {
            tracing::error!(action = facts.action, "a policy could not be evaluated; denied");
        }
        decision
    }
}

/// What Freehold declares of itself: its scopes from their file; actions, and what they are done to, from the list of
/// actions; policies as they are.
fn own_manifest(files: &[(&str, &str)]) -> Result<Manifest, String> {
    let mut manifest: Manifest =
        serde_json::from_str(MANIFEST).map_err(|error| error.to_string())?;
    let kinds: BTreeSet<&str> = action::ALL.iter().map(|action| action.target).collect();
    manifest.resource_types = kinds.into_iter().map(own_type).collect::<Result<_, _>>()?;
    manifest.actions = action::ALL.iter().map(own_action).collect::<Result<_, _>>()?;
    let policy = |(name, text): &(&str, &str)| {
        Ok(PolicyText { name: Name::parse(*name)?, text: (*text).to_owned() })
    };
    manifest.policies = files.iter().map(policy).collect::<Result<_, String>>()?;
    Ok(manifest)
}

fn own_type(name: &str) -> Result<ApplicationResourceType, String> {
    let name = ApplicationWord::parse(name)?;
    Ok(ApplicationResourceType {
        name,
        description: None,
        kept_by: None,
        key: None,
        attributes: Vec::new(),
    })
}

fn own_action(info: &ActionInfo) -> Result<ApplicationAction, String> {
    Ok(ApplicationAction {
        name: ApplicationActionName::parse(info.name)?,
        description: None,
        resource_types: vec![ApplicationWord::parse(info.target)?],
        properties: Vec::new(),
    })
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

    fn scope_covers(&self, scope: &str, action: &str) -> bool {
        let declared = self.manifest.scopes.iter().find(|one| one.name.as_str() == scope);
        declared.is_some_and(|one| one.actions.covers(action))
    }

    fn policy(&self, id: &str) -> Option<PolicyInfo> {
        self.policies.info(id).cloned()
    }

    fn manifest(&self) -> &Arc<Manifest> {
        &self.manifest
    }

    fn compile_while(
        &self,
        manifest: &Arc<Manifest>,
        goes_on: &(dyn Fn() -> bool + Sync),
    ) -> Result<Arc<dyn ApplicationPolicy>, Uncompiled> {
        let text = serde_json::to_string(manifest)
            .map_err(|error| Uncompiled::refused("", &error.to_string()))?;
        if let Some(known) = self.compiled.get(&text) {
            return Ok(known);
        }
        // Policies are read and checked by recursion, and the caller's thread may have little stack left.
        let read = std::thread::scope(|scope| {
            let reader =
                std::thread::Builder::new().name("policies".to_owned()).stack_size(STACK_BYTES);
            let reading = reader
                .spawn_scoped(scope, || Application::new(manifest, goes_on))
                .map_err(|error| Uncompiled::refused("", &error.to_string()))?;
            reading.join().map_err(|_| Uncompiled::refused("", "reading it failed"))?
        })?;
        let read = Arc::new(read);
        self.compiled.insert(text, read.clone());
        Ok(read)
    }
}
