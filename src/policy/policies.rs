//! A set of policies that fits a schema, and what people read of each.

use std::collections::BTreeMap;

use cedar_policy::{
    Authorizer, Decision as Verdict, Effect, Entities, ParseErrors, Policy, PolicyId, PolicySet,
    Request, Schema, ValidationMode, Validator,
};
use miette::Diagnostic;

use crate::domain::{Decision, PolicyInfo};

/// Findings that are told at most.
const MAX_FINDINGS: usize = 50;
/// Bytes of the policies that are decided or validated without a look at whether the work goes on.
const MAX_AT_ONCE: usize = 4 * 1024;

/// What is wrong with a text of policies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Finding {
    /// Which of the texts.
    pub(super) text: usize,
    /// The line, counted from 1, where one can be told.
    pub(super) line: Option<usize>,
    /// The policy's id, where it has one.
    pub(super) policy: Option<String>,
    /// What is wrong.
    pub(super) message: String,
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        if let Some(policy) = &self.policy {
            write!(f, "policy {policy}: ")?;
        }
        f.write_str(&self.message)
    }
}

/// Texts of policies; the ids of each text's policies are shown behind its prefix.
pub(super) struct Text<'t> {
    pub(super) prefix: String,
    pub(super) text: &'t str,
}

/// A set of policies that fits a schema.
pub(super) struct Policies {
    authorizer: Authorizer,
    schema: Schema,
    /// The policies, in sets of limited size that are asked one after the other.
    sets: Vec<PolicySet>,
    /// Bytes of the last set.
    last_bytes: usize,
    infos: BTreeMap<PolicyId, PolicyInfo>,
}

/// Why a set of policies was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unmade {
    /// Something is wrong with the texts.
    Findings(Vec<Finding>),
    /// The work ended before they were validated.
    Stopped,
}

impl std::fmt::Debug for Policies {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Policies").field("policies", &self.infos.len()).finish_non_exhaustive()
    }
}

impl Policies {
    /// Reads texts, and validates them against a schema, while the work goes on.
    pub(super) fn new(
        schema: Schema,
        texts: &[Text<'_>],
        goes_on: &dyn Fn() -> bool,
    ) -> Result<Self, Unmade> {
        let mut this = Self {
            authorizer: Authorizer::new(),
            schema,
            sets: vec![PolicySet::new()],
            last_bytes: 0,
            infos: BTreeMap::new(),
        };
        let mut origins = BTreeMap::new();
        let mut refused = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            if !goes_on() {
                return Err(Unmade::Stopped);
            }
            match this.add(index, text) {
                Ok(ids) => origins.extend(ids.into_iter().map(|id| (id, index))),
                Err(findings) => refused.extend(findings),
            }
        }
        if !refused.is_empty() {
            return Err(Unmade::Findings(ordered(refused)));
        }
        let findings = this.invalid(&origins, texts, goes_on).ok_or(Unmade::Stopped)?;
        if findings.is_empty() { Ok(this) } else { Err(Unmade::Findings(findings)) }
    }

    /// The schema that they fit.
    pub(super) fn schema(&self) -> &Schema {
        &self.schema
    }

    /// What a policy says.
    pub(super) fn info(&self, id: &str) -> Option<&PolicyInfo> {
        self.infos.get(&PolicyId::new(id))
    }

    /// Adds a text's policies, each under the id that it is annotated with.
    fn add(&mut self, index: usize, text: &Text<'_>) -> Result<Vec<PolicyId>, Vec<Finding>> {
        let lines = super::bounds::check(text.text).map_err(|(line, message)| {
            vec![Finding { text: index, line: Some(line), policy: None, message }]
        })?;
        let parsed: PolicySet = text.text.parse().map_err(|errors: ParseErrors| {
            let errors = errors.iter().take(MAX_FINDINGS);
            errors.map(|error| finding(index, text.text, error, None)).collect::<Vec<_>>()
        })?;
        let mut findings = Vec::new();
        for template in parsed.templates() {
            let message = "templates have no place here".to_owned();
            findings.push(at(index, &lines, template.id(), message));
        }
        let mut added = Vec::new();
        for policy in parsed.policies() {
            match self.add_one(policy, &text.prefix) {
                Ok(id) => added.push(id),
                Err(message) => {
                    findings.push(at(index, &lines, policy.id(), message));
                }
            }
        }
        if findings.is_empty() { Ok(added) } else { Err(findings) }
    }

    fn add_one(&mut self, policy: &Policy, prefix: &str) -> Result<PolicyId, String> {
        let info = info(policy, prefix)?;
        let id = PolicyId::new(&info.id);
        if self.infos.contains_key(&id) {
            return Err(format!("policy {id} stands twice"));
        }
        let bytes = policy.to_string().len();
        if self.last_bytes > 0 && self.last_bytes + bytes > MAX_AT_ONCE {
            self.sets.push(PolicySet::new());
            self.last_bytes = 0;
        }
        self.last_bytes += bytes;
        let renamed = policy.new_id(id.clone());
        if let Some(set) = self.sets.last_mut() {
            set.add(renamed).map_err(|error| error.to_string())?;
        }
        self.infos.insert(id.clone(), info);
        Ok(id)
    }

    /// What the schema does not accept; `None` where the work ended first.
    fn invalid(
        &self,
        origins: &BTreeMap<PolicyId, usize>,
        texts: &[Text<'_>],
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Vec<Finding>> {
        let validator = Validator::new(self.schema.clone());
        let mut findings = Vec::new();
        for set in &self.sets {
            if !goes_on() {
                return None;
            }
            let result = validator.validate(set, ValidationMode::Strict);
            findings.extend(result.validation_errors().map(|error| {
                let index = origins.get(error.policy_id()).copied().unwrap_or_default();
                let text = texts.get(index).map_or("", |text| text.text);
                finding(index, text, error, Some(error.policy_id()))
            }));
        }
        Some(ordered(findings))
    }

    /// Decides while the work goes on; `None` where it ended first. An error of any policy denies.
    pub(super) fn decide(
        &self,
        request: &Request,
        entities: &Entities,
        goes_on: &dyn Fn() -> bool,
    ) -> Option<Decision> {
        let (mut permits, mut forbids, mut failed) = (Vec::new(), Vec::new(), false);
        for set in &self.sets {
            if !goes_on() {
                return None;
            }
            let response = self.authorizer.is_authorized(request, set, entities);
            failed |= response.diagnostics().errors().next().is_some();
            // A set names its permits where it permits, else its forbids: a forbid of any set beats all permits.
            let reasons = match response.decision() {
                Verdict::Allow => &mut permits,
                Verdict::Deny => &mut forbids,
            };
            let known = response.diagnostics().reason().filter_map(|id| self.infos.get(id));
            reasons.extend(known.map(|info| info.id.clone()));
        }
        let allowed = forbids.is_empty() && !permits.is_empty();
        let mut reasons = if allowed { permits } else { forbids };
        reasons.sort();
        if failed {
            reasons.push("evaluation-error".to_owned());
        }
        Some(Decision { allowed: allowed && !failed, policies: reasons.into() })
    }
}

/// Findings as people look for them: each once, by place, and no more than anybody reads.
fn ordered(mut findings: Vec<Finding>) -> Vec<Finding> {
    findings.sort();
    findings.dedup();
    findings.truncate(MAX_FINDINGS);
    findings
}

/// A finding about a whole policy, with the line that it begins on; parsed policies are numbered as they come.
fn at(index: usize, lines: &[usize], id: &PolicyId, message: String) -> Finding {
    let id: &str = id.as_ref();
    let number = id.strip_prefix("policy").and_then(|number| number.parse::<usize>().ok());
    let line = number.and_then(|number| lines.get(number)).copied();
    Finding { text: index, line, policy: None, message }
}

/// What people read of a policy.
fn info(policy: &Policy, prefix: &str) -> Result<PolicyInfo, String> {
    let id = policy.annotation("id").unwrap_or_default();
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.is_empty() || !id.chars().all(is_word) {
        return Err("every policy has an @id of a-z, 0-9 and -".to_owned());
    }
    let sentence = policy.annotation("sentence").filter(|sentence| !sentence.is_empty());
    let sentence = sentence.ok_or_else(|| format!("policy {id} has no @sentence"))?;
    let effect = match policy.effect() {
        Effect::Permit => "permit",
        Effect::Forbid => "forbid",
    };
    Ok(PolicyInfo {
        id: format!("{prefix}{id}"),
        effect: effect.to_owned(),
        sentence: sentence.to_owned(),
    })
}

/// An error, with the line that it is about.
fn finding(
    index: usize,
    text: &str,
    error: &(impl Diagnostic + ?Sized),
    policy: Option<&PolicyId>,
) -> Finding {
    let label = error.labels().and_then(|mut labels| labels.next());
    let line = label.and_then(|label| text.get(..label.offset()));
    Finding {
        text: index,
        line: line.map(|before| before.matches('\n').count() + 1),
        policy: policy.map(ToString::to_string),
        message: error.to_string(),
    }
}
