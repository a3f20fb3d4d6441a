//! Which decisions a change would change: each question is asked of what is, and of what is supposed.
//!
//! Nothing is changed. It reads one snapshot of the file; writes go on meanwhile. A page
//! ends when the budget of the request is spent, in time or in bytes; it goes on only while the tenant's authority has
//! not moved, so that all pages are decided by the same authority.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::hearing::{Hearing, Kind, is_elsewhere};
use super::search::unless_spent;
use super::{policy_info, suppose};
use crate::domain::action::{SimulateAccess, TenantPlane};
use crate::domain::{
    AccountId, Action, Conflict, Covers, Entity, Error, FieldError, Hypothesis, MAX_SIMULATED,
    MemberState, NamedAction, PageRequest, PolicyInfo, Position, ResourceKey, ResourceTypeName,
    Result, SimulatedChange, SimulatedPolicy, SimulatedQuestions, SimulatedResources,
    SimulatedSubjects, Simulation, SimulationRequest, TenantId, check_entity, weight,
};
use crate::storage::ReadTx;
use crate::storage::tenant::access::{self, Asked, Ruling};

/// Actions that one simulation asks about at most.
const MAX_ACTIONS: usize = 200;

/// Says which decisions would be other ones, were the changes made. Nothing is changed.
///
/// # Errors
/// [`Error::Invalid`] for a change of what is not there, a question that nothing here can mean, and for more than
/// [`MAX_SIMULATED`] questions; [`Conflict::MovedOn`] where the tenant's authority has changed since the page before;
/// [`Error::TooMuchWork`] and [`Error::TooManySteps`] where the budget is spent before the first question is answered.
pub fn simulate<A: Covers<SimulateAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &SimulationRequest,
    page: &PageRequest,
) -> Result<Simulation> {
    access::take_time(tx)?;
    let authority = access::authority_version(tx)?.to_string();
    if page.after.as_ref().is_some_and(|after| after.key != authority) {
        return Err(Error::Conflict(Conflict::MovedOn));
    }
    let now = Hearing::new(tx, tenant);
    let supposed = suppose::supposed(&now, &request.changes)?;
    let then = Hearing::new(tx, tenant).supposing(supposed.applications);
    let asking = Asking::of([&now, &then], &request.questions, &supposed.hypothesis)?;
    let hypothesis = supposed.hypothesis;
    let sides = Sides { now: &now, then: &then, hypothesis: &hypothesis };
    let after = page.after.as_ref().map(|after| Place::parse(&after.id)).transpose()?;
    let mut answer = Answer { max_bytes: page.max_bytes, ..Answer::default() };
    let end = answer.fill(&sides, &asking, after.as_ref())?;
    Ok(answer.finish(end.map(|end| Position { key: authority, id: end.text() })))
}

/// A question's place in the order of all.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    account: AccountId,
    action: String,
    kind: String,
    id: String,
}

impl Place {
    fn of(account: AccountId, action: &NamedAction, resource: &Entity) -> Self {
        let (action, kind, id) = (action.name.clone(), resource.kind.clone(), resource.id.clone());
        Self { account, action, kind, id }
    }

    fn text(&self) -> String {
        let parts = (self.account, &self.action, &self.kind, &self.id);
        serde_json::to_string(&parts).unwrap_or_default()
    }

    fn parse(text: &str) -> Result<Self> {
        let (account, action, kind, id) =
            serde_json::from_str(text).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(Self { account, action, kind, id })
    }
}

/// What is, and what is supposed.
struct Sides<'s, 'h, 't, A: Action<Plane = TenantPlane>> {
    now: &'s Hearing<'h, 't, A>,
    then: &'s Hearing<'h, 't, A>,
    hypothesis: &'s Arc<Hypothesis>,
}

impl<A: Action<Plane = TenantPlane>> Sides<'_, '_, '_, A> {
    /// Somebody as they are, and as they would be.
    fn of(&self, account: AccountId) -> Result<(Asked, Asked)> {
        access::check_budget(self.now.tx)?;
        let before = self.now.passer_by(account)?;
        let after = access::supposed(self.now.tx, &before, self.hypothesis)?;
        Ok((before, after))
    }

    fn decide(
        &self,
        (before, after): &(Asked, Asked),
        action: &NamedAction,
        resource: &Entity,
    ) -> Result<(Ruling, Ruling)> {
        let before = self.now.decide(before, action, resource)?;
        Ok((before, self.then.decide(after, action, resource)?))
    }

    /// The policies that a change names.
    fn policies(&self, change: &SimulatedChange) -> Result<Vec<SimulatedPolicy>> {
        let mut found = Vec::new();
        for id in &change.policies_before {
            found.push(SimulatedPolicy { policy: policy_of(self.now, id)?, supposed: false });
        }
        for id in &change.policies_after {
            let policy = policy_of(self.then, id)?;
            let supposed = policy_of(self.now, id)? != policy;
            found.push(SimulatedPolicy { policy, supposed });
        }
        Ok(found)
    }
}

/// What a policy of Freehold's own, or of an application that is bound, says.
fn policy_of<A: Action<Plane = TenantPlane>>(
    hearing: &Hearing<'_, '_, A>,
    id: &str,
) -> Result<PolicyInfo> {
    let mut applications = hearing.applications()?.iter();
    let found = applications.find_map(|(_, policy)| policy.policy(id));
    Ok(found.unwrap_or_else(|| policy_info(hearing.tx, None, id)))
}

/// A page in the making.
#[derive(Default)]
struct Answer {
    changes: Vec<SimulatedChange>,
    policies: BTreeMap<(String, bool), SimulatedPolicy>,
    evaluated: usize,
    bytes: usize,
    max_bytes: usize,
}

impl Answer {
    /// Asks every question behind a place until the budget is spent; the place of the last question, if others follow.
    fn fill<A: Action<Plane = TenantPlane>>(
        &mut self,
        sides: &Sides<'_, '_, '_, A>,
        asking: &Asking,
        after: Option<&Place>,
    ) -> Result<Option<Place>> {
        let mut last = after.cloned();
        let subjects = asking.subjects.iter();
        let behind = |account: &AccountId| after.is_none_or(|after| *account >= after.account);
        for account in subjects.copied().filter(behind) {
            let mut asked = None;
            for (action, resource) in asking.pairs() {
                let place = Place::of(account, action, resource);
                if after.is_some_and(|after| place <= *after) {
                    continue;
                }
                let asked = match &mut asked {
                    Some(asked) => asked,
                    none => match unless_spent(sides.of(account), self.evaluated)? {
                        Some(found) => none.insert(found),
                        None => return Ok(last),
                    },
                };
                let rulings = sides.decide(asked, action, resource);
                let Some(rulings) = unless_spent(rulings, self.evaluated)? else {
                    return Ok(last);
                };
                if rulings.0.decision != rulings.1.decision
                    && !self.add(sides, change(account, action, resource, rulings))?
                {
                    return Ok(last);
                }
                access::note_answer(sides.now.tx);
                self.evaluated += 1;
                last = Some(place);
            }
        }
        Ok(None)
    }

    /// Adds a change, and the policies that it names first; says whether there was room. The first one always has.
    fn add<A: Action<Plane = TenantPlane>>(
        &mut self,
        sides: &Sides<'_, '_, '_, A>,
        change: SimulatedChange,
    ) -> Result<bool> {
        let mut policies = sides.policies(&change)?;
        let key = |one: &SimulatedPolicy| (one.policy.id.clone(), one.supposed);
        policies.retain(|one| !self.policies.contains_key(&key(one)));
        let bytes = weight(&change) + policies.iter().map(weight).sum::<usize>();
        if self.bytes + bytes > self.max_bytes && !self.changes.is_empty() {
            return Ok(false);
        }
        self.bytes += bytes;
        self.policies.extend(policies.into_iter().map(|one| (key(&one), one)));
        self.changes.push(change);
        Ok(true)
    }

    fn finish(self, next: Option<Position>) -> Simulation {
        Simulation {
            changes: self.changes,
            policies: self.policies.into_values().collect(),
            evaluated: self.evaluated,
            next_cursor: None,
            next,
        }
    }
}

fn change(
    account: AccountId,
    action: &NamedAction,
    resource: &Entity,
    (before, after): (Ruling, Ruling),
) -> SimulatedChange {
    let entity = |kind: &str, id: String| Entity { kind: kind.to_owned(), id, properties: None };
    SimulatedChange {
        subject: entity("account", account.to_string()),
        action: action.name.clone(),
        resource: entity(&resource.kind, resource.id.clone()),
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
        check_lengths(questions)?;
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
        check_twice(&resources)?;
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

/// No more of anything than the document says, before anything is looked for.
fn check_lengths(questions: &SimulatedQuestions) -> Result<()> {
    let subjects = match &questions.subjects {
        SimulatedSubjects::Accounts(accounts) => accounts.len(),
        SimulatedSubjects::Everybody => 0,
    };
    let listed = match &questions.resources {
        SimulatedResources::Listed(listed) => listed.as_slice(),
        SimulatedResources::OfType(_) => &[],
    };
    let lists = [
        ("subjects", subjects, MAX_SIMULATED),
        ("actions", questions.actions.len(), MAX_ACTIONS),
        ("resources", listed.len(), MAX_SIMULATED),
    ];
    for (list, length, most) in lists {
        if length > most {
            let detail = format!("must have at most {most} entries, has {length}");
            return Err(Error::invalid(format!("/questions/{list}"), detail));
        }
    }
    for (index, resource) in listed.iter().enumerate() {
        check_entity(&format!("/questions/resources/{index}"), resource)
            .map_err(|error| Error::Invalid(vec![error]))?;
    }
    Ok(())
}

/// An answer names a resource by type and id: with two sets of properties it would mean either.
fn check_twice(resources: &[Entity]) -> Result<()> {
    let is_same = |pair: &&[Entity]| (&pair[0].kind, &pair[0].id) == (&pair[1].kind, &pair[1].id);
    match resources.windows(2).find(is_same) {
        None => Ok(()),
        Some(pair) => {
            let Entity { kind, id, .. } = &pair[0];
            let detail = format!("{kind} {id:?} stands twice, with other properties");
            Err(Error::invalid("/questions/resources", detail))
        }
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
