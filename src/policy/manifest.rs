//! What must hold of an application's manifest besides the types of its fields.

use std::collections::BTreeSet;

use super::application::BOUNDARIES;
use crate::domain::{
    ActionPattern, AttributeDeclaration, AttributeType, FieldError, Manifest, ResourceTypeName,
    action,
};

/// Attributes that every resource has.
const GIVEN: &[&str] = &["key", "permission"];
/// Entries of a list within an entry at most.
const MAX_WITHIN: usize = 50;
const MAX_POLICY_BYTES: usize = 64 * 1024;
/// Bytes of a manifest, as JSON.
const MAX_BYTES: usize = 256 * 1024;
/// What checking policies may take: their bytes, once for every pair of an action and a type that it can be done to.
const MAX_CHECKED_BYTES: usize = 40_000_000;

/// Everything that is wrong with a manifest, by field.
pub(super) fn check(manifest: &Manifest) -> Vec<FieldError> {
    let mut findings = Findings { manifest, errors: Vec::new() };
    findings.lengths();
    findings.subject_types();
    findings.resource_types();
    findings.actions();
    findings.scopes();
    findings.meters();
    findings.policies();
    findings.errors
}

struct Findings<'m> {
    manifest: &'m Manifest,
    errors: Vec<FieldError>,
}

impl Findings<'_> {
    fn find(&mut self, field: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(FieldError::new(field, detail));
    }

    fn lengths(&mut self) {
        let it = self.manifest;
        let lists = [
            ("/subject_types", it.subject_types.len(), 20),
            ("/resource_types", it.resource_types.len(), 100),
            ("/actions", it.actions.len(), 400),
            ("/scopes", it.scopes.len(), 100),
            ("/meters", it.meters.len(), 100),
            ("/policies", it.policies.len(), 20),
        ];
        if serde_json::to_vec(it).map_or(0, |text| text.len()) > MAX_BYTES {
            self.find("", format!("must have at most {MAX_BYTES} bytes in all"));
        }
        for (field, length, most) in lists {
            if length > most {
                self.find(field, format!("must have at most {most} entries, has {length}"));
            }
        }
    }

    fn most(&mut self, field: &str, length: usize) {
        if length > MAX_WITHIN {
            self.find(field, format!("must have at most {MAX_WITHIN} entries, has {length}"));
        }
    }

    /// Names that stand twice in a list.
    fn twice<'n>(&mut self, list: &str, names: impl Iterator<Item = &'n str>) {
        let mut known = BTreeSet::new();
        for (index, name) in names.enumerate() {
            if !known.insert(name) {
                self.find(format!("/{list}/{index}/name"), format!("{name} stands twice"));
            }
        }
    }

    fn subject_types(&mut self) {
        let it = self.manifest;
        self.twice("subject_types", it.subject_types.iter().map(|kind| kind.name.as_str()));
        for (index, kind) in it.subject_types.iter().enumerate() {
            if ["account", "service_account"].contains(&kind.name.as_str()) {
                self.find(format!("/subject_types/{index}/name"), "is a subject type of its own");
            }
        }
    }

    fn resource_types(&mut self) {
        let it = self.manifest;
        self.twice("resource_types", it.resource_types.iter().map(|kind| kind.name.as_str()));
        for (index, kind) in it.resource_types.iter().enumerate() {
            let place = format!("/resource_types/{index}");
            if let Err(detail) = ResourceTypeName::parse(kind.name.as_str()) {
                self.find(format!("{place}/name"), detail);
            }
            self.attributes(&format!("{place}/attributes"), &kind.attributes, GIVEN);
        }
    }

    fn attributes(&mut self, place: &str, declared: &[AttributeDeclaration], given: &[&str]) {
        self.most(place, declared.len());
        let mut known: BTreeSet<_> = given.iter().copied().collect();
        for (index, one) in declared.iter().enumerate() {
            if !known.insert(one.name.as_str()) {
                self.find(format!("{place}/{index}/name"), format!("{} stands twice", one.name));
            }
            let subject_type = one.subject_type.as_ref();
            let is_known = subject_type
                .is_some_and(|name| self.manifest.subject_type(name.as_str()).is_some());
            match one.kind {
                AttributeType::Account if !is_known => self.find(
                    format!("{place}/{index}/subject_type"),
                    "must be one of the manifest's subject types",
                ),
                AttributeType::Account => {}
                _ if subject_type.is_some() => {
                    self.find(format!("{place}/{index}/subject_type"), "is for the type account");
                }
                _ => {}
            }
        }
    }

    fn actions(&mut self) {
        let it = self.manifest;
        self.twice("actions", it.actions.iter().map(|action| action.name.as_str()));
        for (index, one) in it.actions.iter().enumerate() {
            let place = format!("/actions/{index}");
            let name = one.name.as_str();
            if action::ALL.iter().any(|known| known.name == name) {
                self.find(format!("{place}/name"), "is an action of Freehold's own");
            }
            if one.resource_types.is_empty() {
                self.find(format!("{place}/resource_types"), "must have an entry");
            }
            self.most(&format!("{place}/resource_types"), one.resource_types.len());
            for (number, kind) in one.resource_types.iter().enumerate() {
                if one.resource_types.iter().take(number).any(|other| other == kind) {
                    let detail = format!("{kind} stands twice");
                    self.find(format!("{place}/resource_types/{number}"), detail);
                }
                if it.resource_type(kind.as_str()).is_none() {
                    self.find(
                        format!("{place}/resource_types/{number}"),
                        "must be one of the manifest's resource types",
                    );
                }
            }
            self.attributes(&format!("{place}/properties"), &one.properties, &[]);
        }
    }

    fn meters(&mut self) {
        let it = self.manifest;
        self.twice("meters", it.meters.iter().map(|meter| meter.name.as_str()));
    }

    fn scopes(&mut self) {
        let it = self.manifest;
        self.twice("scopes", it.scopes.iter().map(|scope| scope.name.as_str()));
        for (index, scope) in it.scopes.iter().enumerate() {
            let own = |pattern: &ActionPattern| {
                it.actions.iter().any(|action| pattern.covers(action.name.as_str()))
            };
            for (number, pattern) in scope.actions.iter().enumerate() {
                if !own(pattern) {
                    self.find(
                        format!("/scopes/{index}/actions/{number}"),
                        "must cover an action of the manifest",
                    );
                }
            }
        }
    }

    fn policies(&mut self) {
        let it = self.manifest;
        self.twice("policies", it.policies.iter().map(|policy| policy.name.as_str()));
        for (index, policy) in it.policies.iter().enumerate() {
            if policy.text.len() > MAX_POLICY_BYTES {
                let detail = format!("must have at most {MAX_POLICY_BYTES} bytes");
                self.find(format!("/policies/{index}/text"), detail);
            }
        }
        let bytes: usize = it.policies.iter().map(|policy| policy.text.len()).sum();
        let pairs: usize = it.actions.iter().map(|action| action.resource_types.len()).sum();
        if (bytes + BOUNDARIES.len()).saturating_mul(pairs) > MAX_CHECKED_BYTES {
            let detail = format!(
                "{pairs} pairs of an action and a resource type are too many for {bytes} bytes of policies"
            );
            self.find("/policies", detail);
        }
    }
}
