//! May this subject do this to that? Answered by the decision point that guards the doors, from the same facts.

mod explain;
mod simulate;
mod suppose;

use std::sync::Arc;

pub use self::explain::explain;
pub use self::simulate::simulate;
use crate::domain::action::{self, EvaluateAccess, EvaluateOwnAccess, ReadTenant, TenantPlane};
use crate::domain::{
    AccountId, Action, Caller, Covers, Evaluation, EvaluationRequest, PlaneName, Reason,
    ResourceTypeName, Result, Subject, Target, TenancyPing, TenantId, Timestamp,
};
use crate::storage::ReadTx;
use crate::storage::tenant::access::{self, Asked, Ruling};

/// Answers a question about anybody.
///
/// # Errors
/// Storage failed. What is not known is no error: its answer is no.
pub fn evaluate<A: Covers<EvaluateAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Evaluation> {
    answer(tx, tenant, request)
}

/// Answers a caller's question about itself.
///
/// # Errors
/// As [`evaluate`].
pub fn evaluate_own<A: Covers<EvaluateOwnAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Evaluation> {
    answer(tx, tenant, request)
}

/// What the database says of the caller: which tenant's file answered, and whom it takes the caller for.
///
/// # Errors
/// Storage failed.
pub fn ping<A: Covers<ReadTenant>>(tx: &ReadTx<'_, A>) -> Result<TenancyPing> {
    access::ping(tx)
}

/// The account that a question is about, if it is about one.
#[must_use]
pub fn subject(request: &EvaluationRequest) -> Option<AccountId> {
    (request.subject.kind == "account").then(|| request.subject.id.parse().ok()).flatten()
}

fn answer<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Evaluation> {
    let Some(account) = subject(request) else { return Ok(Evaluation { decision: false }) };
    let asked = access::asked(tx, asked_about(tenant, account))?;
    Ok(Evaluation { decision: rule(tx, tenant, &asked, request)?.is_permitted() })
}

/// What came of a question about somebody.
enum Answer {
    /// It could not be asked: something in it is not known.
    Unknown(Reason),
    /// It was decided.
    Ruled(Target, Ruling),
}

impl Answer {
    fn is_permitted(&self) -> bool {
        matches!(self, Self::Ruled(_, ruling) if ruling.decision.allowed)
    }

    /// The ids of the policies that decided.
    fn policies(&self) -> &[String] {
        match self {
            Self::Unknown(_) => &[],
            Self::Ruled(_, ruling) => &ruling.decision.policies,
        }
    }
}

/// Answers a question about somebody. Whatever evaluates, explains or simulates asks here.
fn rule<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    asked: &Asked,
    request: &EvaluationRequest,
) -> Result<Answer> {
    let Some(name) = tenant_action(&request.action.name) else {
        return Ok(Answer::Unknown(Reason::UnknownAction));
    };
    let unknown = Answer::Unknown(Reason::UnknownResource);
    let Some((target, kind)) = target(tx, tenant, request)? else { return Ok(unknown) };
    let ruling = access::evaluate(tx, asked, name, &target, kind.as_ref())?;
    Ok(if ruling.facts.is_some() { Answer::Ruled(target, ruling) } else { unknown })
}

fn tenant_action(name: &str) -> Option<&'static str> {
    action::ALL
        .iter()
        .find(|action| action.plane == PlaneName::Tenant && action.name == name)
        .map(|action| action.name)
}

/// A caller as it would be with a credential for this tenant.
fn asked_about(tenant: TenantId, account: AccountId) -> Caller {
    Caller {
        subject: Subject::Account(account),
        tenant: Some(tenant),
        issuer: "evaluation".into(),
        actor: None,
        assurance: Arc::default(),
        scopes: None,
        break_glass: None,
        expires_at: Timestamp(i64::MAX),
    }
}

/// What a question is about: a noun by its own name, or a resource by its type.
fn target<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Option<(Target, Option<ResourceTypeName>)>> {
    let id = request.resource.id.as_str();
    let noun = match request.resource.kind.as_str() {
        "tenant" => id.parse().ok().filter(|id| *id == tenant).map(Target::Tenant),
        "member" => id.parse().ok().map(Target::Member),
        "team" => id.parse().ok().map(Target::Team),
        "workspace" => id.parse().ok().map(Target::Workspace),
        "resource_type" => ResourceTypeName::parse(id).ok().map(Target::ResourceType),
        _ => None,
    };
    if let Some(noun) = noun {
        return Ok(Some((noun, None)));
    }
    let (Ok(kind), Ok(id)) = (ResourceTypeName::parse(request.resource.kind.as_str()), id.parse())
    else {
        return Ok(None);
    };
    Ok(access::is_resource_type(tx, &kind)?.then_some((Target::Resource(id), Some(kind))))
}
