//! What may stand in an answer, and in which it may differ from another.

use std::collections::BTreeMap;
use std::sync::Mutex;

use super::cases::{Case, World};
use super::rules::Outcome;
use super::world::Standing;
use crate::client::Answer;

/// One id for all requests, so that their answers can be compared byte by byte.
pub(crate) const REQUEST_ID: &str = "isolation";

/// Every refusal of a kind is the same, byte by byte: what is unknown, foreign, deleted or hidden cannot be told apart.
#[derive(Default)]
pub(crate) struct Refusals(Mutex<BTreeMap<(u16, String), String>>);

impl Refusals {
    /// What is wrong with the answer to a request that must be refused.
    pub(crate) fn wrong(&self, case: &Case<'_>, answer: &Answer) -> Option<String> {
        let Outcome::Refused(status, _) = case.outcome else { return None };
        let code = answer.json["code"].as_str().unwrap_or_default();
        if answer.status != status || (case.method != "HEAD" && code != code_of(status)) {
            return Some(format!("{case}: {} {}", answer.status, answer.text));
        }
        // What is wrong with a body is said of its fields, which are the route's own.
        let kind = if status == 422 { case.route.operation_id } else { case.method };
        let kind = if status == 422 || kind == "HEAD" { kind } else { "" };
        // Who brings no credential is told of none that is wrong (RFC 6750, section 3.1).
        let bare = if status == 401 && case.who.actor.is_empty() { " without a token" } else { "" };
        let (found, mut known) = (bytes(answer), self.0.lock().unwrap());
        let first = known.entry((status, format!("{kind}{bare}"))).or_insert_with(|| found.clone());
        (*first != found).then(|| format!("{case}: {found}\nothers are told\n{first}"))
    }

    /// The different refusals that there were.
    pub(crate) fn kinds(&self) -> Vec<(u16, String)> {
        self.0.lock().unwrap().keys().cloned().collect()
    }
}

fn code_of(status: u16) -> &'static str {
    match status {
        400 => "tenant_conflict",
        401 => "unauthenticated",
        403 => "forbidden",
        404 => "not_found",
        422 => "invalid",
        428 => "precondition_required",
        _ => "none",
    }
}

/// All that a caller can see of an answer, but for its date, and whether the connection ends: it does where a body was
/// still on its way when the request was refused.
pub(crate) fn bytes(answer: &Answer) -> String {
    let headers =
        answer.headers.iter().filter(|(name, _)| !["date", "connection"].contains(&name.as_str()));
    let mut lines: Vec<_> = headers.map(|(name, value)| format!("{name}: {value:?}")).collect();
    lines.sort();
    format!("{}\n{}\n\n{}", answer.status, lines.join("\n"), answer.text)
}

/// What each side may not be told of the other.
pub(crate) struct Secrets {
    here: Vec<String>,
    there: Vec<String>,
}

impl Secrets {
    pub(crate) fn of(world: &World<'_>) -> Self {
        Self { here: world.here.secrets(), there: world.there.secrets() }
    }

    /// A secret in an answer that the request had not said itself. A refusal tells nothing of either side.
    pub(crate) fn leak(&self, case: &Case<'_>, answer: &Answer) -> Option<String> {
        let said = case.said();
        let (shown, kept) = (bytes(answer), self.kept_from(case));
        let leaked =
            kept.iter().find(|secret| shown.contains(**secret) && !said.contains(**secret));
        leaked.map(|secret| format!("{case}: tells of {secret}: {shown}"))
    }

    fn kept_from(&self, case: &Case<'_>) -> Vec<&String> {
        let both = self.here.iter().chain(&self.there);
        match case.who.standing {
            _ if case.is_refused() => both.collect(),
            Standing::Nobody => both.collect(),
            Standing::Role(_) | Standing::Outcast => self.there.iter().collect(),
            Standing::Elsewhere => self.here.iter().collect(),
            // The platform plane tells operators of every tenant.
            Standing::Operator(_) | Standing::Opened(_) => Vec::new(),
        }
    }
}
