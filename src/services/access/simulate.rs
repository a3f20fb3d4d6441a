//! Which decisions a change would change: each question is asked of what is, and of what is supposed.
//!
//! Nothing is changed, and nobody waits: it reads, beside whatever is written meanwhile, one state of the file.

use std::collections::BTreeSet;

use super::hearing::{Hearing, Kind, is_elsewhere};
use super::suppose;
use crate::domain::action::{SimulateAccess, TenantPlane};
use crate::domain::{
    AccountId, Action, Covers, Entity, Error, FieldError, Hypothesis, MAX_SIMULATED, MemberState,
    NamedAction, ResourceKey, ResourceTypeName, Result, SimulatedChange, SimulatedQuestions,
    SimulatedResources, SimulatedSubjects, Simulation, SimulationRequest, TenantId,
};
use crate::storage::ReadTx;
use crate::storage::tenant::access::{self, Ruling};

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
    let now = Hearing::new(tx, tenant);
    let supposed = suppose::supposed(&now, &request.changes)?;
    let then = Hearing::new(tx, tenant).supposing(supposed.applications);
    let asking = Asking::of([&now, &then], &request.questions, &supposed.hypothesis)?;
    let mut changes = Vec::new();
    if asking.count() == 0 {
        return Ok(Simulation { changes, evaluated: 0 });
    }
    for account in &asking.subjects {
        let before = now.person(*account)?;
        let after = access::supposed(tx, &before, &supposed.hypothesis)?;
        let subject =
            Entity { kind: "account".to_owned(), id: account.to_string(), properties: None };
        for (action, resource) in asking.pairs() {
            let before = now.decide(&before, action, resource)?;
            let after = then.decide(&after, action, resource)?;
            if before.decision != after.decision {
                changes.push(change(&subject, action, resource, &before, &after));
            }
        }
    }
    Ok(Simulation { changes, evaluated: asking.count() })
}

fn change(
    subject: &Entity,
    action: &NamedAction,
    resource: &Entity,
    before: &Ruling,
    after: &Ruling,
) -> SimulatedChange {
    SimulatedChange {
        subject: subject.clone(),
        action: action.name.clone(),
        resource: resource.clone(),
        before: before.decision,
        after: after.decision,
        policies_before: before.policies.to_vec(),
        policies_after: after.policies.to_vec(),
    }
}

/// What is asked, each part in its order and once.
struct Asking {
    subjects: BTreeSet<AccountId>,
    actions: Vec<NamedAction>,
    resources: Vec<Entity>,
}

impl Asking {
    fn of<A: Action<Plane = TenantPlane>>(
        hearings: [&Hearing<'_, '_, A>; 2],
        questions: &SimulatedQuestions,
        hypothesis: &Hypothesis,
    ) -> Result<Self> {
        check_actions(hearings, &questions.actions)?;
        let [now, _] = hearings;
        let subjects = match &questions.subjects {
            SimulatedSubjects::Accounts(accounts) => accounts.clone(),
            SimulatedSubjects::Everybody => everybody(now.tx, hypothesis)?,
        };
        check_count(subjects.len())?;
        let named = |name: &String| NamedAction { name: name.clone(), properties: None };
        let actions: Vec<_> = questions.actions.iter().map(named).collect();
        let mut resources = match &questions.resources {
            SimulatedResources::Listed(listed) => listed.clone(),
            SimulatedResources::OfType(asked) => {
                of_type(now, &asked.kind, subjects.len().saturating_mul(actions.len()))?
            }
        };
        resources.sort_by(|one, other| (&one.kind, &one.id).cmp(&(&other.kind, &other.id)));
        resources.dedup();
        let asking = Self { subjects, actions, resources };
        check_count(asking.count())?;
        Ok(asking)
    }

    fn count(&self) -> usize {
        self.subjects.len() * self.actions.len() * self.resources.len()
    }

    /// Every action with every resource.
    fn pairs(&self) -> impl Iterator<Item = (&NamedAction, &Entity)> {
        let of = |action| self.resources.iter().map(move |resource| (action, resource));
        self.actions.iter().flat_map(of)
    }
}

fn check_actions<A: Action<Plane = TenantPlane>>(
    hearings: [&Hearing<'_, '_, A>; 2],
    actions: &BTreeSet<String>,
) -> Result<()> {
    let mut unknown = Vec::new();
    for name in actions {
        if !hearings[0].has_action(name)? && !hearings[1].has_action(name)? {
            let detail = format!("{name:?} is no action here, nor of an application that is bound");
            unknown.push(FieldError::new("/questions/actions", detail));
        }
    }
    if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
}

fn check_count(count: usize) -> Result<()> {
    if count <= MAX_SIMULATED {
        return Ok(());
    }
    let detail = format!("ask for {count} decisions, and {MAX_SIMULATED} are the most");
    Err(Error::invalid("/questions", detail))
}

/// Every member who is not removed, and whoever would be one.
fn everybody<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    hypothesis: &Hypothesis,
) -> Result<BTreeSet<AccountId>> {
    let mut accounts: BTreeSet<AccountId> = access::everybody(tx)?.into_iter().collect();
    let supposed = hypothesis.members.iter();
    let supposed = supposed.filter(|(_, member)| member.state != Some(MemberState::Removed));
    accounts.extend(supposed.map(|(account, _)| *account));
    Ok(accounts)
}

/// Every resource of a type that the caller may read, as questions name it.
fn of_type<A: Action<Plane = TenantPlane>>(
    hearing: &Hearing<'_, '_, A>,
    kind: &str,
    per_resource: usize,
) -> Result<Vec<Entity>> {
    let by_name = match hearing.kind(kind)? {
        Kind::Own => Some(false),
        Kind::Of(_, declared) if !is_elsewhere(declared) => {
            Some(declared.key == Some(ResourceKey::Name))
        }
        _ => None,
    };
    let name = ResourceTypeName::parse(kind).ok();
    let Some((by_name, name)) = by_name.zip(name) else {
        let detail =
            "must be a resource type of which resources are kept here; name others one by one";
        return Err(Error::invalid("/questions/resources/type", detail));
    };
    check_count(access::count_of_type(hearing.tx, &name)?.saturating_mul(per_resource))?;
    let found = access::of_type(hearing.tx, &name)?.into_iter();
    let keys = found.map(|(id, name)| if by_name { name } else { id.to_string() });
    Ok(keys.map(|id| Entity { kind: kind.to_owned(), id, properties: None }).collect())
}
