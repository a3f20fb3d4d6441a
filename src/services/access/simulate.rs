//! Which decisions a change would change: each question is asked of what is, and of what is supposed.
//!
//! Nothing is changed, and nobody waits: it reads, beside whatever is written meanwhile, one state of the file.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{asked_about, rule, suppose, tenant_action};
use crate::domain::action::{SimulateAccess, TenantPlane};
use crate::domain::{
    AccountId, Action, Covers, Entity, Error, EvaluationRequest, FieldError, Hypothesis,
    MAX_SIMULATED, MemberState, NamedAction, ResourceTypeName, ResourcesOfType, Result,
    SimulatedChange, SimulatedQuestions, SimulatedResources, SimulatedSubjects, Simulation,
    SimulationRequest, TenantId,
};
use crate::storage::ReadTx;
use crate::storage::tenant::access;

/// Says which decisions would be other ones, were the changes made. Nothing is changed.
///
/// # Errors
/// [`Error::Invalid`] for a change of what is not there, a question that nothing here can mean, and for more than
/// [`MAX_SIMULATED`] questions; [`Error::TooManySteps`] where it takes too long.
pub fn simulate<A: Covers<SimulateAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &SimulationRequest,
) -> Result<Simulation> {
    access::take_time(tx)?;
    let hypothesis = Arc::new(suppose::hypothesis(tx, tenant, &request.changes)?);
    let asking = Asking::of(tx, &request.questions, &hypothesis)?;
    let mut changes = Vec::new();
    for subject in &asking.subjects {
        let before = access::asked(tx, asked_about(tenant, *subject))?;
        let after = access::supposed(tx, &before, &hypothesis)?;
        for question in asking.about(*subject) {
            let now = rule(tx, tenant, &before, &question)?;
            let then = rule(tx, tenant, &after, &question)?;
            if now.is_permitted() != then.is_permitted() {
                changes.push(SimulatedChange {
                    subject: question.subject,
                    action: question.action.name,
                    resource: question.resource,
                    before: now.is_permitted(),
                    after: then.is_permitted(),
                    policies_before: now.policies().to_vec(),
                    policies_after: then.policies().to_vec(),
                });
            }
        }
    }
    Ok(Simulation { changes, evaluated: asking.count() })
}

/// What is asked, each part in its order and once.
struct Asking<'q> {
    subjects: BTreeSet<AccountId>,
    actions: &'q BTreeSet<String>,
    /// Types and ids.
    resources: BTreeSet<(String, String)>,
}

impl<'q> Asking<'q> {
    fn of<A: Action<Plane = TenantPlane>>(
        tx: &ReadTx<'_, A>,
        questions: &'q SimulatedQuestions,
        hypothesis: &Hypothesis,
    ) -> Result<Self> {
        check_actions(&questions.actions)?;
        let subjects = match &questions.subjects {
            SimulatedSubjects::Accounts(accounts) => accounts.clone(),
            SimulatedSubjects::Everybody => everybody(tx, hypothesis)?,
        };
        let per_resource = subjects.len() * questions.actions.len();
        let resources = resources(tx, &questions.resources, per_resource)?;
        let asking = Self { subjects, actions: &questions.actions, resources };
        check_count(asking.count())?;
        Ok(asking)
    }

    fn count(&self) -> usize {
        self.subjects.len() * self.actions.len() * self.resources.len()
    }

    /// Every question about somebody.
    fn about(&self, subject: AccountId) -> impl Iterator<Item = EvaluationRequest> {
        let entity = |kind: &str, id: &str| Entity { kind: kind.to_owned(), id: id.to_owned() };
        let subject = entity("account", &subject.to_string());
        self.actions.iter().flat_map(move |action| {
            let subject = subject.clone();
            self.resources.iter().map(move |(kind, id)| EvaluationRequest {
                subject: subject.clone(),
                action: NamedAction { name: action.clone() },
                resource: entity(kind, id),
            })
        })
    }
}

fn check_actions(actions: &BTreeSet<String>) -> Result<()> {
    let unknown = actions.iter().filter(|name| tenant_action(name).is_none());
    let unknown: Vec<_> = unknown
        .map(|name| FieldError::new("/questions/actions", format!("{name:?} is no action here")))
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
}

fn check_count(count: usize) -> Result<()> {
    if count <= MAX_SIMULATED {
        return Ok(());
    }
    let detail = format!("ask for {count} decisions, and {MAX_SIMULATED} are the most");
    Err(Error::invalid("/questions", detail))
}

/// Every member who is not removed, and would not be.
fn everybody<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    hypothesis: &Hypothesis,
) -> Result<BTreeSet<AccountId>> {
    let mut accounts: BTreeSet<AccountId> = access::members(tx)?.into_iter().collect();
    let supposed = hypothesis.members.iter();
    let supposed = supposed.filter(|(_, member)| member.state != Some(MemberState::Removed));
    accounts.extend(supposed.map(|(account, _)| *account));
    Ok(accounts)
}

fn resources<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &SimulatedResources,
    per_resource: usize,
) -> Result<BTreeSet<(String, String)>> {
    let kind = match asked {
        SimulatedResources::Listed(listed) => {
            return Ok(listed.iter().map(|one| (one.kind.clone(), one.id.clone())).collect());
        }
        SimulatedResources::OfType(ResourcesOfType { kind }) => kind,
    };
    let name = ResourceTypeName::parse(kind.as_str()).ok();
    let Some(name) = name.filter(|name| access::is_resource_type(tx, name).unwrap_or(true)) else {
        let detail = "must be a resource type of the tenant; name other things one by one";
        return Err(Error::invalid("/questions/resources/type", detail));
    };
    check_count(access::count_of_type(tx, &name)?.saturating_mul(per_resource))?;
    let ids = access::of_type(tx, &name)?;
    Ok(ids.into_iter().map(|id| (kind.clone(), id.to_string())).collect())
}
