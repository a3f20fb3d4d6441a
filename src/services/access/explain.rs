//! Why a decision is what it is.

use serde_json::Map;

use super::hearing::Hearing;
use crate::domain::action::{ExplainAccess, TenantPlane};
use crate::domain::{
    Action, ApplicationFacts, ApplicationPolicy, Covers, DecisionRequest, EvaluationRequest,
    Explanation, Facts, Permission, PlaneName, PolicyInfo, Reason, Result, SeenByApplication, Slug,
    Target, TargetFacts, TenantId,
};
use crate::storage::tenant::access::{self, Asked, Basis, Ruling};
use crate::storage::tenant::resources;
use crate::storage::{ReadTx, Tx};

/// Answers a question about anybody, and says why: the policies that decided, what they saw, and where a permission on a
/// resource comes from.
///
/// # Errors
/// Storage failed. What is not known is no error: its answer is no.
pub fn explain<A: Covers<ExplainAccess>>(
    tx: &ReadTx<'_, A>,
    (tenant, slug): (TenantId, &Slug),
    request: &EvaluationRequest,
) -> Result<Explanation> {
    let hearing = Hearing::new(tx, tenant);
    let Some(asked) = hearing.subject(&request.subject, &request.resource.kind)? else {
        return Ok(unknown(Reason::UnknownSubject));
    };
    let ruling = hearing.decide(&asked, &request.action, &request.resource)?;
    if !is_of_the_tenant(tx, &asked, &ruling.basis) {
        return Ok(unknown(Reason::UnknownSubject));
    }
    let seeing = Seeing { tx, asked: &asked, home: (tenant, slug), request };
    let (facts, application) = match &ruling.basis {
        Basis::Unknown(reason) => return Ok(unknown(*reason)),
        Basis::Own(facts) => (seeing.own(facts, ruling.target.as_ref()), None),
        Basis::Application(facts) => {
            let may_see = may_see(tx, ruling.target.as_ref())?;
            (seeing.of_application(facts), Some(seen(facts, may_see)))
        }
    };
    let sources = match ruling.target {
        Some(Target::Resource(id)) => access::sources(tx, &asked, id)?,
        _ => Vec::new(),
    };
    let asking = match &ruling.basis {
        Basis::Application(_) => hearing.asking(&request.action, &request.resource.kind, None)?,
        _ => None,
    };
    let policies = asking.map(|asking| asking.policy);
    Ok(Explanation {
        decision: ruling.decision,
        reason: reason(&ruling),
        policies: ruling.policies.iter().map(|id| policy_info(tx, policies, id)).collect(),
        facts: Some(facts),
        application,
        step_up: ruling.step_up.map(Into::into),
        permission: sources.first().map(|source| source.permission),
        sources,
    })
}

fn unknown(reason: Reason) -> Explanation {
    Explanation {
        decision: false,
        reason,
        policies: Vec::new(),
        facts: None,
        application: None,
        step_up: None,
        permission: None,
        sources: Vec::new(),
    }
}

fn reason(ruling: &Ruling) -> Reason {
    match (ruling.decision, ruling.policies.is_empty()) {
        (true, _) => Reason::Permitted,
        (false, true) => Reason::NothingPermits,
        (false, false) => Reason::Forbidden,
    }
}

/// What the policies saw, in the shape of every decision's request.
struct Seeing<'s, 't, A: Action> {
    tx: &'s ReadTx<'t, A>,
    asked: &'s Asked,
    home: (TenantId, &'s Slug),
    request: &'s EvaluationRequest,
}

impl<A: Action<Plane = TenantPlane>> Seeing<'_, '_, A> {
    fn own(&self, facts: &Facts, target: Option<&Target>) -> DecisionRequest {
        let (tenant, slug) = self.home;
        let home = Some((tenant, slug.clone()));
        let whole = Target::Tenant(tenant);
        let target = target.unwrap_or(&whole);
        DecisionRequest::of(facts, self.asked.caller(), self.tx.correlation_id(), target, home)
    }

    /// The application's own names of action and resource stand in place of Freehold's.
    fn of_application(&self, facts: &ApplicationFacts) -> DecisionRequest {
        let permission = Permission::of_level(facts.level);
        let shape = Facts {
            action: "",
            plane: PlaneName::Tenant,
            subject: facts.subject,
            target: TargetFacts::Resource { permission },
            circumstances: facts.circumstances,
        };
        let mut made = self.own(&shape, None);
        made.action.name.clone_from(&facts.action);
        made.resource.kind.clone_from(&self.request.resource.kind);
        made.resource.id.clone_from(&facts.resource);
        made
    }
}

/// Whether somebody has, or had, a place in the tenant, or asks about themselves: of nobody else is anything told.
fn is_of_the_tenant<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    basis: &Basis,
) -> bool {
    let membership = match basis {
        Basis::Unknown(_) => return true,
        Basis::Own(facts) => facts.subject.membership,
        Basis::Application(facts) => facts.subject.membership,
    };
    membership.is_some() || asked.caller().subject == tx.caller().subject
}

/// Whether whoever asks may read the resource itself, and so its attributes.
fn may_see<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    target: Option<&Target>,
) -> Result<bool> {
    match target {
        Some(Target::Resource(id)) => Ok(resources::find(tx, *id)?.is_some()),
        _ => Ok(true),
    }
}

fn seen(facts: &ApplicationFacts, may_see: bool) -> SeenByApplication {
    SeenByApplication {
        roles: facts.roles.clone(),
        principals: facts.principals.clone(),
        attributes: if may_see { facts.attributes.clone() } else { Map::new() },
        properties: facts.properties.clone(),
    }
}

/// What a policy says; one that could not be evaluated has no sentence of its own.
pub(super) fn policy_info<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    application: Option<&dyn ApplicationPolicy>,
    id: &str,
) -> PolicyInfo {
    let found = match application {
        Some(policies) => policies.policy(id),
        None => access::policy(tx, id),
    };
    found.unwrap_or_else(|| PolicyInfo {
        id: id.to_owned(),
        effect: "forbid".to_owned(),
        sentence: "A policy could not be evaluated, and what errs denies.".to_owned(),
    })
}
