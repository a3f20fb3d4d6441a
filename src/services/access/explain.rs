//! Why a decision is what it is.

use super::{Answer, asked_about, rule, subject};
use crate::domain::action::{ExplainAccess, TenantPlane};
use crate::domain::{
    Action, Covers, DecisionRequest, EvaluationRequest, Explanation, PolicyInfo, Reason, Result,
    Slug, Target, TenantId,
};
use crate::storage::ReadTx;
use crate::storage::tenant::access::{self, Asked, Ruling};

/// Answers a question about anybody, and says why: the policies that decided, what they saw, and where a permission on a
/// resource comes from.
///
/// # Errors
/// Storage failed. What is not known is no error: its answer is no.
pub fn explain<A: Covers<ExplainAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: (TenantId, &Slug),
    request: &EvaluationRequest,
) -> Result<Explanation> {
    let Some(account) = subject(request) else { return Ok(unknown(Reason::UnknownSubject)) };
    let asked = access::asked(tx, asked_about(tenant.0, account))?;
    match rule(tx, tenant.0, &asked, request)? {
        Answer::Unknown(reason) => Ok(unknown(reason)),
        Answer::Ruled(target, ruling) => explained(tx, tenant, &asked, &target, ruling),
    }
}

fn unknown(reason: Reason) -> Explanation {
    Explanation {
        decision: false,
        reason,
        policies: Vec::new(),
        facts: None,
        step_up: None,
        permission: None,
        sources: Vec::new(),
    }
}

fn explained<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    (tenant, slug): (TenantId, &Slug),
    asked: &Asked,
    target: &Target,
    ruling: Ruling,
) -> Result<Explanation> {
    let Ruling { decision, facts, step_up } = ruling;
    let reason = match (decision.allowed, decision.policies.is_empty()) {
        (true, _) => Reason::Permitted,
        (false, true) => Reason::NothingPermits,
        (false, false) => Reason::Forbidden,
    };
    let sources = match target {
        Target::Resource(id) => access::sources(tx, asked, *id)?,
        _ => Vec::new(),
    };
    let facts = facts.map(|facts| {
        let home = Some((tenant, slug.clone()));
        DecisionRequest::of(&facts, asked.caller(), tx.correlation_id(), target, home)
    });
    Ok(Explanation {
        decision: decision.allowed,
        reason,
        policies: decision.policies.iter().map(|id| policy(tx, id)).collect(),
        facts,
        step_up: step_up.map(Into::into),
        permission: sources.first().map(|source| source.permission),
        sources,
    })
}

/// What a policy says; one that could not be evaluated has no sentence of its own.
fn policy<A: Action<Plane = TenantPlane>>(tx: &ReadTx<'_, A>, id: &str) -> PolicyInfo {
    access::policy(tx, id).unwrap_or_else(|| PolicyInfo {
        id: id.to_owned(),
        effect: "forbid".to_owned(),
        sentence: "A policy could not be evaluated, and what errs denies.".to_owned(),
    })
}
