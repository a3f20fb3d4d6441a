//! Changes: what a writer runs for somebody, each in a savepoint of its own.
//!
//! A write loads what is known of caller and target from the file that it changes, in the transaction that changes it;
//! asks the decision point; runs the change; writes down what happened in audit log and outbox; and keeps the answer
//! under the request's idempotency key.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::consent::Consent;
use super::trail::{self, Trace};
use super::transaction::Inner;
use super::{Door, Known, Permit, Refusal, WriteTx, ask, nobody, record};
use crate::domain::action::{CreateResource, ImportTenant};
use crate::domain::{
    Action, AuditDecision, AuditRecord, Call, Error, Event, EventType, Result, Subject, Target,
    TargetFacts, TenantLimits, personal,
};
use crate::storage::engine::{Conn, Sql, Writes};
use crate::storage::queue::Job;
use crate::storage::{audit, idempotency, outbox};

/// By what right a change is made.
enum Right {
    /// A decision, renewed if the registry moves before the commit, and what somebody else consented to.
    Decided { permit: Option<Permit>, limits: Option<Arc<TenantLimits>>, consent: Consent },
    /// The program's own work, which moves the registry's epoch or does not.
    System { moves_registry: bool },
}

/// A change that waits to be made through a door.
struct Change<A: Action, T, F> {
    door: Arc<dyn Door>,
    call: Call,
    target: Target,
    right: Right,
    body: F,
    /// Whether its denial is the one to be written down, once it has been counted; it stays so if the batch runs again.
    is_first_denial: Option<bool>,
    /// It has changed something.
    has_written: bool,
    /// Types of the events that it has written.
    happened: Vec<EventType>,
    /// The row that this file has of it, where the platform's log must have it too.
    told: Option<AuditRecord>,
    result: Option<Result<T>>,
    reply: Option<oneshot::Sender<Result<T>>>,
    action: PhantomData<fn() -> A>,
}

/// What comes back from a change that was queued.
pub(in crate::storage) type Reply<T> = oneshot::Receiver<Result<T>>;

/// Queues a change that the decision point must permit, and that whoever is asked besides has consented to.
pub(in crate::storage) fn write<A, T, F>(
    door: Arc<dyn Door>,
    call: Call,
    target: Target,
    consent: Consent,
    body: F,
) -> Result<Reply<T>>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    queue(door, call, target, Right::Decided { permit: None, limits: None, consent }, body)
}

/// Queues a change that the program itself makes.
pub(in crate::storage) fn write_for_system<A, T, F>(
    door: Arc<dyn Door>,
    call: Call,
    target: Target,
    moves_registry: bool,
    body: F,
) -> Result<Reply<T>>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    queue(door, call, target, Right::System { moves_registry }, body)
}

fn queue<A, T, F>(
    door: Arc<dyn Door>,
    call: Call,
    target: Target,
    right: Right,
    body: F,
) -> Result<Reply<T>>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    let (reply, receiver) = oneshot::channel();
    let change = Change::<A, T, F> {
        door: door.clone(),
        call,
        target,
        right,
        body,
        is_first_denial: None,
        has_written: false,
        happened: Vec::new(),
        told: None,
        result: None,
        reply: Some(reply),
        action: PhantomData,
    };
    let core = door.core();
    core.writers.submit(&core.queue, Box::new(change))?;
    Ok(receiver)
}

impl<A, T, F> Change<A, T, F>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    /// Makes the change in a savepoint; a refusal leaves its audit row and nothing else.
    fn attempt(&mut self, conn: &Conn) -> Result<T> {
        conn.savepoint()?;
        let outcome = catch_unwind(AssertUnwindSafe(|| self.change(conn)))
            .unwrap_or_else(|_| Err(Error::Internal("a change panicked".to_owned()).into()));
        conn.set_change(false);
        match outcome {
            Ok(answer) => {
                conn.release().inspect_err(|_| conn.rollback())?;
                Ok(answer)
            }
            Err(refusal) => {
                if conn.in_transaction() {
                    undo(conn)?;
                    let used =
                        || self.permit().and_then(|permit| self.used(permit, &refusal.error));
                    let trace = refusal.trace.clone().or_else(used);
                    self.note(conn, trace)?;
                }
                Err(refusal.error)
            }
        }
    }

    fn permit(&self) -> Option<&Permit> {
        match &self.right {
            Right::Decided { permit, .. } => permit.as_ref(),
            Right::System { .. } => None,
        }
    }

    /// What the change is held against: nothing that the program does itself is.
    fn limits(&self) -> Option<&TenantLimits> {
        match &self.right {
            Right::Decided { limits, .. } => limits.as_deref(),
            Right::System { .. } => None,
        }
    }

    /// What a change that came to nothing leaves, where it was asked for by break-glass.
    fn used(&self, permit: &Permit, error: &Error) -> Option<Box<Trace>> {
        trail::used::<A>(&*self.door, &self.call, &self.target, permit, Some(error)).map(Box::new)
    }

    fn note(&mut self, conn: &Conn, trace: Option<Box<Trace>>) -> Result<()> {
        let core = self.door.core();
        let Some(trace) = trace else { return Ok(()) };
        let is_denial = trace.record.decision == AuditDecision::Deny;
        self.told = Some(trace.record.clone());
        if is_denial
            && !*self.is_first_denial.get_or_insert_with(|| core.denials.is_first(&trace.record))
        {
            return Ok(());
        }
        let _session = conn.session(nobody(&core.name));
        trace.append(Sql::on(conn), core)?;
        self.happened.extend(trace.event.map(|event| event.kind));
        Ok(())
    }

    fn change(&mut self, conn: &Conn) -> Result<T, Refusal> {
        let sql = Sql::on(conn);
        let door = self.door.clone();
        let (known, session) = door.know(sql, &self.call.caller)?;
        let _session = conn.session(session);
        let policies = match &mut self.right {
            Right::System { .. } => Arc::new([]) as Arc<[String]>,
            Right::Decided { permit, limits, consent } => {
                (*permit, *limits) = (None, door.limits()?);
                let asked = ask::<A>(&*door, sql, &self.call, &known, &self.target)?;
                consent.check(&*door, &self.call, &self.target, &asked.facts)?;
                let policies = consent.joined(asked.policies.clone());
                *permit = Some(asked);
                policies
            }
        };
        if let Some(answer) = idempotency::find(sql, &self.call, A::NAME)? {
            self.told = self.append_use(sql)?;
            return Ok(answer);
        }
        let since = door.last_record(sql)?;
        let mut tx = self.open(&*door, sql, &known);
        conn.amend(|session| session.writes = self.writes());
        conn.set_change(true);
        let answer = (self.body)(&mut tx);
        conn.set_change(false);
        let answer = answer.map_err(|error| self.refused(&*door, error))?;
        let warnings = door.settle(sql, &self.call, since, self.limits(), tx.inner.now);
        tx.events.extend(warnings.map_err(|error| self.refused(&*door, error))?);
        let written = self.write_down(&tx, &policies)?;
        idempotency::keep(sql, &self.call, A::NAME, &answer, tx.inner.now)?;
        let happened = tx.events.iter().map(|event| event.kind).collect();
        drop(tx);
        (self.has_written, self.happened) = (written.is_some(), happened);
        // What a platform's credential does without break-glass, an import, has its row there already.
        self.told = match written {
            Some(record) => Some(record).filter(|_| self.is_by_break_glass()),
            None => self.append_use(sql)?,
        };
        Ok(answer)
    }

    /// A change that is found to exceed what its caller holds is a denial like any other.
    fn refused(&self, door: &dyn Door, error: Error) -> Refusal {
        let is_denial = matches!(
            error,
            Error::ExceedsGranter(_)
                | Error::Forbidden
                | Error::ForbiddenFields(_)
                | Error::StepUp(_)
                | Error::QuotaExceeded(_)
        );
        let trace = is_denial.then(|| {
            let decision = AuditDecision::Deny;
            let record = record(door, &self.call, A::NAME, &self.target, decision, &[]);
            Box::new(trail::refused(record, &error))
        });
        Refusal { error, trace }
    }

    fn open<'t>(&'t self, door: &'t dyn Door, sql: Sql<'t>, known: &'t Known) -> WriteTx<'t, A> {
        let facts = self.permit().map(|permit| permit.facts.target);
        let inner = Inner {
            door,
            sql,
            call: &self.call,
            known,
            target: self.target.clone(),
            now: door.core().clock.now(),
            may_wait: true,
        };
        WriteTx::new(inner, facts)
    }

    /// Which rows of guarded tables the permit lets be written.
    fn writes(&self) -> Writes {
        let facts = match &self.right {
            Right::System { .. } => return Writes::Everything,
            Right::Decided { permit, .. } => permit.as_ref().map(|permit| permit.facts.target),
        };
        match (&self.target, facts) {
            (Target::Tenant(_), _) if A::NAME == ImportTenant::NAME => Writes::Everything,
            (Target::Workspace(id), _) if A::NAME == CreateResource::NAME => {
                Writes::Workspace(id.to_string().into())
            }
            (Target::Resource(id), Some(TargetFacts::Resource { permission: Some(most) })) => {
                Writes::Resource(id.to_string().into(), most.level())
            }
            (Target::Member(id), _) => Writes::Principal(id.to_string().into()),
            (Target::Team(id), _) => Writes::Principal(id.to_string().into()),
            (Target::ServiceAccount(id), _) => Writes::Principal(id.to_string().into()),
            _ => Writes::Nothing,
        }
    }

    fn is_by_break_glass(&self) -> bool {
        self.permit().is_some_and(|permit| permit.facts.subject.break_glass)
    }

    /// What is left where nothing was changed by break-glass: that it was used.
    fn append_use(&self, sql: Sql<'_>) -> Result<Option<AuditRecord>> {
        let door = &*self.door;
        let Some(permit) = self.permit() else { return Ok(None) };
        let used = trail::used::<A>(door, &self.call, &self.target, permit, None);
        let Some(trace) = used else { return Ok(None) };
        trace.append(sql, door.core())?;
        Ok(Some(trace.record))
    }

    /// The audit row of what was done, and its events. What changed nothing leaves neither.
    fn write_down(&self, tx: &WriteTx<'_, A>, policies: &[String]) -> Result<Option<AuditRecord>> {
        if tx.events.is_empty() {
            return Ok(None);
        }
        let door = &*self.door;
        let action = match self.call.caller.subject {
            Subject::System(task) => format!("system.{task}"),
            _ => A::NAME.to_owned(),
        };
        let mut record =
            record(door, &self.call, &action, &tx.inner.target, AuditDecision::Permit, policies);
        record.workspace_id = tx.workspace.clone().or(record.workspace_id);
        record.resource_id = tx.resource.clone().or(record.resource_id);
        let mut events = tx.events.clone();
        let mut summary = summary(&events);
        if self.is_by_break_glass() {
            trail::name(&self.call.caller, &mut summary);
            for event in &mut events {
                trail::name(&self.call.caller, &mut event.data);
            }
        }
        record.summary = summary.to_string();
        audit::append(tx.inner.sql, &record)?;
        outbox::append(tx.inner.sql, &*door.core().clock, &record, &events)?;
        door.core().told.happens();
        if tx.events.iter().any(|event| outbox::is_projected(event.kind)) {
            door.core().to_project.store(true, Ordering::Release);
        }
        Ok(Some(record))
    }
}

/// Undoes the change alone; where that fails, the whole transaction, so that no part of it is ever committed.
pub(super) fn undo(conn: &Conn) -> Result<()> {
    conn.undo().map_err(|error| {
        conn.rollback();
        error.into()
    })
}

/// What one event says; of several, how many of each.
fn summary(events: &[Event]) -> Value {
    if let [event] = events {
        let mut data = event.data.clone();
        if let Some(members) = data.as_object_mut() {
            // It is kept for long: what is said of persons is not.
            let personal = personal(event.kind);
            members.retain(|name, _| !personal.contains(&name.as_str()));
        }
        return json!({ "event": event.kind, "data": data });
    }
    let mut counts = Map::new();
    for event in events {
        let count = counts.entry(event.kind.to_string()).or_insert_with(|| json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    json!({ "events": counts })
}

impl<A, T, F> Job for Change<A, T, F>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    fn run(&mut self, conn: &Conn) {
        self.has_written = false;
        self.happened.clear();
        self.told = None;
        if let Right::Decided { consent, .. } = &self.right {
            consent.begin();
        }
        let result = self.attempt(conn);
        self.result = Some(result);
    }

    fn stands(&mut self) -> bool {
        let Right::Decided { permit: Some(permit), limits, consent } = &self.right else {
            return true;
        };
        let door = &*self.door;
        if !door.limits().is_ok_and(|now| now == *limits) {
            return false;
        }
        door.renew(&self.call.caller, permit.facts).is_ok_and(|facts| {
            door.core().decisions.decide(&facts).allowed
                && consent.is_for(door, &self.call, &self.target, &facts).is_ok_and(|is| is)
        })
    }

    fn moves_registry(&self) -> bool {
        match self.right {
            Right::Decided { .. } => self.has_written,
            Right::System { moves_registry } => moves_registry,
        }
    }

    fn finish(mut self: Box<Self>, committed: &Result<()>) {
        let result = match committed {
            Ok(()) => self
                .result
                .take()
                .unwrap_or_else(|| Err(Error::Internal("a change did not run".to_owned()))),
            Err(error) => Err(error.clone()),
        };
        if committed.is_ok() {
            outbox::count(self.happened.drain(..));
        }
        if matches!(result, Err(Error::QuotaExceeded(_))) {
            trail::count_exceeded();
        }
        let told = self.told.take().filter(|_| committed.is_ok());
        if let Some(reply) = self.reply.take() {
            // Whoever asked may have gone; the change stands all the same.
            trail::tell_platform(&*self.door, told, move |written| {
                let _gone = reply.send(written.and(result));
            });
        }
    }
}
