//! The doors: no statement without a transaction, no transaction without a permit for this action on this target.
//!
//! [`ReadTx`] and [`WriteTx`] are typed by the action that they were permitted for. Only this file makes them. A write
//! loads what is known of caller and target from the file that it changes, in the transaction that changes it; asks
//! the decision point; runs the change; writes down what happened in audit log and outbox; and keeps the answer under
//! the request's idempotency key.

use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, oneshot};
use uuid::Uuid;

use super::denials::Denials;
use super::engine::{Conn, Pool, Session, Sql};
use super::writer::{Job, Queue, Writers};
use super::{audit, idempotency, outbox};
use crate::domain::{
    Action, AuditDecision, AuditRecord, Call, Caller, Clock, Decision, DecisionPoint, Error, Event,
    EventType, Facts, Plane, Result, Subject, SubjectFacts, Target, TargetFacts, TenantStatus,
    Timestamp,
};

/// What a file's doors have in common.
pub(in crate::storage) struct Core {
    /// The tenant's id, or `platform`.
    pub(in crate::storage) name: Arc<str>,
    pub(in crate::storage) pool: Pool,
    pub(in crate::storage) queue: Arc<Queue>,
    pub(in crate::storage) writers: Arc<Writers>,
    pub(in crate::storage) decisions: Arc<dyn DecisionPoint>,
    pub(in crate::storage) clock: Arc<dyn Clock>,
    pub(in crate::storage) denials: Denials,
    /// Something happened that the registry's projection must follow.
    pub(in crate::storage) to_project: AtomicBool,
    /// Turns of this file's reads on the blocking pool: no more than there are readers, so that one file's slow
    /// reads do not hold threads that others wait for.
    pub(in crate::storage) elsewhere: Arc<Semaphore>,
    /// Reads that wait for a turn.
    pub(in crate::storage) waiting: AtomicUsize,
    /// Steps that a read may take on the thread that asks.
    pub(in crate::storage) read_steps: u32,
}

/// What is known of a caller, in the transaction that will be decided.
pub(in crate::storage) struct Known {
    pub(in crate::storage) subject: SubjectFacts,
    pub(in crate::storage) tenant: Option<TenantStatus>,
    pub(in crate::storage) session: Session,
}

/// One file's door: what it knows of callers and targets.
pub(in crate::storage) trait Door: Send + Sync + 'static {
    /// What all doors have.
    fn core(&self) -> &Core;

    /// What is known of the caller.
    fn know(&self, sql: Sql<'_>, caller: &Caller) -> Result<Known>;

    /// What is known of the target; `None` where there is no such thing.
    fn target(&self, sql: Sql<'_>, caller: &Caller, target: &Target)
    -> Result<Option<TargetFacts>>;

    /// To be called before rows are written that no change asked for: the registry hears that the file changes.
    fn before_note(&self) -> Result<()>;

    /// The same facts, with what the registry says now.
    fn renew(&self, caller: &Caller, facts: Facts) -> Result<Facts>;
}

/// A refusal: what the caller hears, and what the audit log must hear.
pub(in crate::storage) struct Refusal {
    pub(in crate::storage) error: Error,
    pub(in crate::storage) record: Option<Box<AuditRecord>>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, record: None }
    }
}

impl From<super::engine::SqlError> for Refusal {
    fn from(error: super::engine::SqlError) -> Self {
        Error::from(error).into()
    }
}

/// A transaction of a plane: what the nouns run their statements in.
pub trait Tx: sealed::Statements {
    /// The plane of the action that it was permitted for.
    type Plane: Plane;

    /// Who calls.
    fn caller(&self) -> &Caller;

    /// The time of the transaction.
    fn now(&self) -> Timestamp;
}

mod sealed {
    /// Runs statements; implemented by the transactions here and by nothing else.
    pub trait Statements {
        #[doc(hidden)]
        fn statements(&self) -> super::Statements<'_>;
    }
}

/// Statements of a transaction, for the noun files of storage alone.
#[doc(hidden)]
#[derive(Debug)]
pub struct Statements<'t>(Sql<'t>);

/// Reaches the statements of a transaction, inside storage.
pub(in crate::storage) fn sql<T: Tx + ?Sized>(tx: &T) -> Sql<'_> {
    tx.statements().0
}

/// Says that the transaction's statements look for many rows from now on: the policy view then chooses its shape by what
/// the caller can see.
pub(in crate::storage) fn seek_many<T: Tx + ?Sized>(tx: &T) {
    sql(tx).conn().amend(|session| session.seeks_many = true);
}

struct Inner<'t> {
    door: &'t dyn Door,
    sql: Sql<'t>,
    call: &'t Call,
    target: Target,
    now: Timestamp,
}

/// A transaction that reads, permitted for action `A`, under row-level security.
pub struct ReadTx<'t, A: Action> {
    inner: Inner<'t>,
    action: PhantomData<fn() -> A>,
}

/// A transaction that changes, permitted for action `A`.
pub struct WriteTx<'t, A: Action> {
    inner: Inner<'t>,
    facts: Option<TargetFacts>,
    events: Vec<Event>,
    workspace: Option<String>,
    resource: Option<String>,
    action: PhantomData<fn() -> A>,
}

macro_rules! transactions {
    ($($name:ident),+) => {$(
        impl<A: Action> std::fmt::Debug for $name<'_, A> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}<{}>", stringify!($name), A::NAME)
            }
        }

        impl<A: Action> sealed::Statements for $name<'_, A> {
            fn statements(&self) -> Statements<'_> {
                Statements(self.inner.sql)
            }
        }

        impl<A: Action> Tx for $name<'_, A> {
            type Plane = A::Plane;

            fn caller(&self) -> &Caller {
                &self.inner.call.caller
            }

            fn now(&self) -> Timestamp {
                self.inner.now
            }
        }
    )+};
}
transactions!(ReadTx, WriteTx);

impl<A: Action> ReadTx<'_, A> {
    /// What the decision point says of another caller, asked in this transaction. A condition on what that caller sees
    /// can make it a denial.
    pub(in crate::storage) fn evaluate(
        &self,
        subject: &Caller,
        action: &'static str,
        target: &Target,
        condition: impl Fn(Sql<'_>) -> Result<bool>,
    ) -> Result<Decision> {
        let door = self.inner.door;
        let sql = self.inner.sql;
        let known = door.know(sql, subject)?;
        let _session = sql.conn().session(known.session);
        let Some(target) = door.target(sql, subject, target)? else { return Ok(denied()) };
        if !condition(sql)? {
            return Ok(denied());
        }
        let facts = Facts {
            action,
            plane: A::Plane::NAME,
            subject: known.subject,
            tenant: known.tenant,
            target,
        };
        Ok(door.core().decisions.decide(&facts))
    }

    /// Names the resource whose access-control entries may be read: the one that the door permitted sharing for.
    pub(in crate::storage) fn share(&self, resource: &str) {
        self.inner.sql.conn().amend(|session| session.shares = Some(resource.into()));
    }
}

fn denied() -> Decision {
    Decision { allowed: false, policies: Arc::new([]) }
}

impl<A: Action> WriteTx<'_, A> {
    /// A new id, later than every one before it.
    pub fn new_id<I: From<Uuid>>(&self) -> I {
        self.inner.door.core().clock.new_id().into()
    }

    /// The tenant whose file it is; `None` in the registry.
    #[must_use]
    pub fn tenant(&self) -> Option<crate::domain::TenantId> {
        self.inner.door.core().name.parse().ok()
    }

    /// What the door knew of the target when it permitted the change.
    #[must_use]
    pub fn facts(&self) -> Option<TargetFacts> {
        self.facts
    }

    /// Says what happened: an event in the outbox, and the summary of the audit row. Never a secret.
    pub fn emit(&mut self, kind: EventType, target: &Target, data: &impl Serialize) {
        let data = serde_json::to_value(data).unwrap_or(Value::Null);
        self.events.push(Event {
            kind,
            subject: format!("{}/{}", target.kind(), target.id()),
            data,
        });
    }

    /// Names the workspace, and the resource, that the change concerns beyond its target.
    pub fn concerns(&mut self, workspace: Option<String>, resource: Option<String>) {
        self.workspace = workspace.or(self.workspace.take());
        self.resource = resource.or(self.resource.take());
    }
}

/// A permit: the facts that it was decided from, and the policies that decided.
struct Permit {
    facts: Facts,
    policies: Arc<[String]>,
}

/// Asks for a permit. The caller's session must be set on the connection.
fn ask<A: Action>(
    door: &dyn Door,
    sql: Sql<'_>,
    call: &Call,
    subject: SubjectFacts,
    tenant: Option<TenantStatus>,
    target: &Target,
) -> Result<Permit, Refusal> {
    let refuse = |error, policies: &[String]| {
        let record = record(door, call, A::NAME, target, AuditDecision::Deny, policies);
        Refusal { error, record: Some(Box::new(record)) }
    };
    let Some(known) = door.target(sql, &call.caller, target)? else {
        return Err(refuse(Error::NotFound, &[]));
    };
    let facts = Facts { action: A::NAME, plane: A::Plane::NAME, subject, tenant, target: known };
    let decisions = &door.core().decisions;
    let decision = decisions.decide(&facts);
    if decision.allowed {
        return Ok(Permit { facts, policies: decision.policies });
    }
    // What the caller may not even know of answers as what is not there.
    let may_know = decisions.decide(&facts.of_reading(target.read_action())).allowed;
    Err(refuse(if may_know { Error::Forbidden } else { Error::NotFound }, &decision.policies))
}

fn record(
    door: &dyn Door,
    call: &Call,
    action: &str,
    target: &Target,
    decision: AuditDecision,
    policies: &[String],
) -> AuditRecord {
    let caller = &call.caller;
    let core = door.core();
    AuditRecord {
        at: core.clock.now(),
        actor: caller.subject.name(),
        actor_tenant: caller
            .tenant
            .map_or_else(|| "platform".to_owned(), |tenant| tenant.to_string()),
        on_behalf: caller.actor.as_deref().map(str::to_owned),
        account: caller.subject.account(),
        target_tenant: match target {
            Target::Tenant(id) => id.to_string(),
            _ => core.name.to_string(),
        },
        target_type: target.kind().to_owned(),
        target_id: target.id(),
        workspace_id: matches!(target, Target::Workspace(_)).then(|| target.id()),
        resource_id: matches!(target, Target::Resource(_)).then(|| target.id()),
        action: action.to_owned(),
        decision,
        policies: json!(policies).to_string(),
        correlation_id: call.correlation_id.to_string(),
        request_id: call.request_id.to_string(),
        summary: "{}".to_owned(),
    }
}

/// Ends a reading transaction when dropped.
struct Reading<'c>(&'c Conn);

impl<'c> Reading<'c> {
    fn begin(conn: &'c Conn) -> Result<Self> {
        conn.begin()?;
        Ok(Self(conn))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.rollback();
    }
}

/// Reads: in one transaction, the facts, the permit, and the body.
pub(in crate::storage) fn read<A: Action, T>(
    door: &dyn Door,
    conn: &Conn,
    call: &Call,
    target: &Target,
    max_steps: Option<u32>,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Result<T, Refusal> {
    let _reading = Reading::begin(conn)?;
    let sql = Sql::on(conn);
    let _limit = max_steps.map(|steps| conn.limit_steps(steps));
    let known = door.know(sql, &call.caller)?;
    let _session = conn.session(known.session);
    ask::<A>(door, sql, call, known.subject, known.tenant, target)?;
    Ok(body(&read_tx(door, sql, call, target.clone()))?)
}

/// Reads for the program itself.
pub(in crate::storage) fn read_for_system<A: Action, T>(
    door: &dyn Door,
    conn: &Conn,
    call: &Call,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Result<T> {
    let _reading = Reading::begin(conn)?;
    let sql = Sql::on(conn);
    let known = door.know(sql, &call.caller)?;
    let _session = conn.session(known.session);
    body(&read_tx(door, sql, call, Target::Platform))
}

fn read_tx<'t, A: Action>(
    door: &'t dyn Door,
    sql: Sql<'t>,
    call: &'t Call,
    target: Target,
) -> ReadTx<'t, A> {
    let now = door.core().clock.now();
    ReadTx { inner: Inner { door, sql, call, target, now }, action: PhantomData }
}

/// By what right a change is made.
enum Right {
    /// A decision, renewed if the registry moves before the commit.
    Decided(Option<Facts>),
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
    /// Its denial is the one to be written down; it stays so if the batch runs again.
    is_first_denial: bool,
    /// It has changed something.
    has_written: bool,
    result: Option<Result<T>>,
    reply: Option<oneshot::Sender<Result<T>>>,
    action: PhantomData<fn() -> A>,
}

/// What comes back from a change that was queued.
pub(in crate::storage) type Reply<T> = oneshot::Receiver<Result<T>>;

/// Queues a change that the decision point must permit.
pub(in crate::storage) fn write<A, T, F>(
    door: Arc<dyn Door>,
    call: Call,
    target: Target,
    body: F,
) -> Result<Reply<T>>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    queue(door, call, target, Right::Decided(None), body)
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
        is_first_denial: false,
        has_written: false,
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
                    self.note(conn, refusal.record)?;
                }
                Err(refusal.error)
            }
        }
    }

    fn note(&mut self, conn: &Conn, record: Option<Box<AuditRecord>>) -> Result<()> {
        let core = self.door.core();
        let Some(record) = record else { return Ok(()) };
        self.is_first_denial = self.is_first_denial || core.denials.is_first(&record);
        if !self.is_first_denial {
            return Ok(());
        }
        let _session = conn.session(nobody(&core.name));
        audit::append(Sql::on(conn), &record)
    }

    fn change(&mut self, conn: &Conn) -> Result<T, Refusal> {
        let sql = Sql::on(conn);
        let door = self.door.clone();
        let known = door.know(sql, &self.call.caller)?;
        let _session = conn.session(known.session);
        let policies = match &mut self.right {
            Right::System { .. } => Arc::new([]) as Arc<[String]>,
            Right::Decided(facts) => {
                *facts = None;
                let permit =
                    ask::<A>(&*door, sql, &self.call, known.subject, known.tenant, &self.target)?;
                *facts = Some(permit.facts);
                permit.policies
            }
        };
        if let Some(answer) = idempotency::find(sql, &self.call, A::NAME)? {
            return Ok(answer);
        }
        let mut tx = self.open(&*door, sql);
        conn.set_change(true);
        let answer = (self.body)(&mut tx);
        conn.set_change(false);
        let answer = answer?;
        let has_written = self.write_down(&tx, &policies)?;
        idempotency::keep(sql, &self.call, A::NAME, &answer, tx.inner.now)?;
        drop(tx);
        self.has_written = has_written;
        Ok(answer)
    }

    fn open<'t>(&'t self, door: &'t dyn Door, sql: Sql<'t>) -> WriteTx<'t, A> {
        let facts = match self.right {
            Right::Decided(Some(facts)) => Some(facts.target),
            _ => None,
        };
        let inner = Inner {
            door,
            sql,
            call: &self.call,
            target: self.target.clone(),
            now: door.core().clock.now(),
        };
        WriteTx {
            inner,
            facts,
            events: Vec::new(),
            workspace: None,
            resource: None,
            action: PhantomData,
        }
    }

    /// The audit row of what was done, and its events. What changed nothing leaves neither, and is told so.
    fn write_down(&self, tx: &WriteTx<'_, A>, policies: &[String]) -> Result<bool> {
        if tx.events.is_empty() {
            return Ok(false);
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
        record.summary = summary(&tx.events).to_string();
        audit::append(tx.inner.sql, &record)?;
        outbox::append(tx.inner.sql, &*door.core().clock, &record, &tx.events)?;
        if tx.events.iter().any(|event| outbox::is_projected(event.kind)) {
            door.core().to_project.store(true, Ordering::Release);
        }
        Ok(true)
    }
}

/// Undoes the change alone; where that fails, the whole transaction, so that no part of it is ever committed.
fn undo(conn: &Conn) -> Result<()> {
    conn.undo().map_err(|error| {
        conn.rollback();
        error.into()
    })
}

/// What one event says; of several, how many of each.
fn summary(events: &[Event]) -> Value {
    if let [event] = events {
        return json!({ "event": event.kind, "data": event.data });
    }
    let mut counts = Map::new();
    for event in events {
        let count = counts.entry(event.kind.to_string()).or_insert_with(|| json!(0));
        *count = json!(count.as_u64().unwrap_or(0) + 1);
    }
    json!({ "events": counts })
}

/// A session in which nothing is seen, for what the door itself writes.
pub(in crate::storage) fn nobody(tenant: &Arc<str>) -> Session {
    Session {
        tenant: tenant.clone(),
        account: None,
        principals: Arc::default(),
        sees_all: false,
        reach: Arc::default(),
        seeks_many: false,
        shares: None,
        mode: crate::domain::RowSecurityMode::Enforce,
    }
}

impl<A, T, F> Job for Change<A, T, F>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    fn run(&mut self, conn: &Conn) {
        self.has_written = false;
        let result = self.attempt(conn);
        self.result = Some(result);
    }

    fn stands(&mut self) -> bool {
        let Right::Decided(Some(facts)) = self.right else { return true };
        let core = self.door.core();
        self.door
            .renew(&self.call.caller, facts)
            .is_ok_and(|facts| core.decisions.decide(&facts).allowed)
    }

    fn moves_registry(&self) -> bool {
        match self.right {
            Right::Decided(_) => self.has_written,
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
        if let Some(reply) = self.reply.take() {
            // Whoever asked may have gone; the change stands all the same.
            let _gone = reply.send(result);
        }
    }
}
