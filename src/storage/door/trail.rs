//! What calls leave beside what they change: refusals, and whatever is done by break-glass.
//!
//! What a credential of the platform does in a tenant is written down on both planes: in the tenant's own file first,
//! then in the platform's log. Nobody hears of anything before. Whoever asked may go meanwhile: the rows are written all
//! the same.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::change::{Reply, undo};
use super::{Core, Door, Permit, nobody, record};
use crate::domain::{
    Action, AuditDecision, AuditRecord, BreakGlassId, BreakGlassUse, Call, Caller, Error, Event,
    EventType, Result, Target, TargetSaid, TenantId,
};
use crate::storage::engine::{Conn, Sql};
use crate::storage::queue::Job;
use crate::storage::{audit, outbox};

/// An audit row, and the event beside it where there is one.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Trace {
    pub(in crate::storage) record: AuditRecord,
    pub(super) event: Option<Event>,
}

impl From<AuditRecord> for Trace {
    fn from(record: AuditRecord) -> Self {
        Self { record, event: None }
    }
}

impl Trace {
    pub(super) fn append(&self, sql: Sql<'_>, core: &Core) -> Result<()> {
        let Core { clock, told, .. } = core;
        audit::append(sql, &self.record)?;
        if self.event.is_some() {
            told.happens();
        }
        outbox::append(sql, &**clock, &self.record, self.event.as_slice())
    }
}

/// What a refusal leaves; of what would have been more than the tenant may use, an event too.
pub(super) fn refused(mut record: AuditRecord, error: &Error) -> Trace {
    let Error::QuotaExceeded(exceeded) = error else { return record.into() };
    let data = json!(exceeded);
    // Counted apart from whatever else the caller is refused.
    record.policies = json!([format!("quota:{}", exceeded.dimension)]).to_string();
    record.summary = json!({ "event": EventType::QuotaExceeded, "data": data }).to_string();
    let subject = format!("tenant/{}", record.target_tenant);
    Trace { record, event: Some(Event { kind: EventType::QuotaExceeded, subject, data }) }
}

/// Counts what would have been more than a tenant may use.
pub(super) fn count_exceeded() {
    metrics::counter!("freehold_quota_exceeded_total").increment(1);
}

/// What is left of a request that was one too many.
pub(in crate::storage) fn exceeded(
    door: &dyn Door,
    call: &Call,
    tenant: TenantId,
    error: &Error,
) -> Trace {
    let decision = AuditDecision::Deny;
    count_exceeded();
    refused(record(door, call, "tenant.resolve", &tenant.into(), decision, &[]), error)
}

/// The break-glass entry that a request with a credential of the platform names.
fn entry(caller: &Caller) -> Option<BreakGlassId> {
    caller.break_glass.filter(|_| caller.tenant.is_none())
}

/// What an audit row says at the least: the break-glass entry that the request names.
pub(super) fn named(caller: &Caller) -> Value {
    let mut summary = json!({});
    name(caller, &mut summary);
    summary
}

/// Adds the break-glass entry that the request names.
pub(super) fn name(caller: &Caller, summary: &mut Value) {
    if let (Some(id), Some(members)) = (entry(caller), summary.as_object_mut()) {
        members.insert("break_glass".to_owned(), json!(id));
    }
}

/// What is left of a call that break-glass permitted, whatever came of it: that it was used. `None` for every other.
pub(super) fn used<A: Action>(
    door: &dyn Door,
    call: &Call,
    target: &Target,
    permit: &Permit,
    error: Option<&Error>,
) -> Option<Trace> {
    let id = entry(&call.caller).filter(|_| permit.facts.subject.break_glass)?;
    let mut record = record(door, call, A::NAME, target, AuditDecision::Permit, &permit.policies);
    let said = TargetSaid { r#type: target.kind().to_owned(), id: target.id() };
    let code = error.map(|error| error.code().to_owned());
    let data = json!(BreakGlassUse { id, action: A::NAME.to_owned(), target: said, code });
    if let Some(error) = error {
        record.summary = json!({ "break_glass": id, "code": error.code() }).to_string();
    }
    let event =
        Event { kind: EventType::BreakGlassUsed, subject: format!("break_glass/{id}"), data };
    Some(Trace { record, event: Some(event) })
}

/// Says once, to whoever waits, what came of writing down; that there was no room for it, where nobody came to it.
struct Done(Option<Box<dyn FnOnce(Result<()>) + Send>>);

impl Done {
    fn say(mut self, written: Result<()>) {
        if let Some(done) = self.0.take() {
            done(written);
        }
    }
}

impl Drop for Done {
    fn drop(&mut self) {
        if let Some(done) = self.0.take() {
            done(Err(Error::Busy { retry_after_s: 1 }));
        }
    }
}

/// Queues what must be on disk before a caller hears; `None` where nothing must.
pub(in crate::storage) fn leave(
    door: &Arc<dyn Door>,
    trace: Option<Box<Trace>>,
) -> Option<Reply<()>> {
    let trace = trace?;
    let here = is_written(&**door, &trace.record).then(|| (door.clone(), *trace.clone()));
    let there = on_the_platform(&**door, &trace.record);
    let notes: Vec<_> = here.into_iter().chain(there).collect();
    if notes.is_empty() {
        return None;
    }
    let (reply, receiver) = oneshot::channel();
    let done = move |written| drop(reply.send(written));
    write(notes.into_iter(), Done(Some(Box::new(done))));
    Some(receiver)
}

/// Writes the row of what a change left in a tenant's file into the platform's log too, where it is the platform's
/// business, and says when it is there.
pub(super) fn tell_platform(
    door: &dyn Door,
    record: Option<AuditRecord>,
    done: impl FnOnce(Result<()>) + Send + 'static,
) {
    let there = record.and_then(|record| on_the_platform(door, &record));
    write(there.into_iter().collect::<Vec<_>>().into_iter(), Done(Some(Box::new(done))));
}

/// Whether a row is written by itself, or counted.
fn is_written(door: &dyn Door, record: &AuditRecord) -> bool {
    record.decision == AuditDecision::Permit || door.core().denials.is_first(record)
}

/// The platform's row of what a credential of the platform did, or did not, in a tenant.
fn on_the_platform(door: &dyn Door, record: &AuditRecord) -> Option<(Arc<dyn Door>, Trace)> {
    let platform = door.platform().filter(|_| record.actor_tenant == super::PLATFORM)?;
    is_written(&*platform, record).then(|| (platform, record.clone().into()))
}

type Notes = std::vec::IntoIter<(Arc<dyn Door>, Trace)>;

/// Queues the first of these; each other once the one before it is on disk.
fn write(mut notes: Notes, done: Done) {
    let Some((door, trace)) = notes.next() else { return done.say(Ok(())) };
    if let Err(error) = door.before_note() {
        return done.say(Err(error));
    }
    let note = Note { door: door.clone(), trace, result: Ok(()), further: notes, done };
    let core = door.core();
    if let Err(error) = core.writers.submit(&core.queue, Box::new(note)) {
        tracing::warn!(error = %error, "what somebody did could not be written down");
    }
}

/// An audit row that no change wrote, waiting to be written.
struct Note {
    door: Arc<dyn Door>,
    trace: Trace,
    result: Result<()>,
    further: Notes,
    done: Done,
}

impl Note {
    fn append(&self, conn: &Conn) -> Result<()> {
        let core = self.door.core();
        let _session = conn.session(nobody(&core.name));
        conn.savepoint()?;
        match self.trace.append(Sql::on(conn), core) {
            Ok(()) => Ok(conn.release().inspect_err(|_| conn.rollback())?),
            Err(error) => {
                if conn.in_transaction() {
                    undo(conn)?;
                }
                Err(error)
            }
        }
    }
}

impl Job for Note {
    fn run(&mut self, conn: &Conn) {
        self.result = self.append(conn);
    }

    fn stands(&mut self) -> bool {
        true
    }

    fn moves_registry(&self) -> bool {
        false
    }

    fn finish(self: Box<Self>, committed: &Result<()>) {
        let Self { trace, result, further, done, .. } = *self;
        match committed.clone().and(result) {
            Ok(()) => {
                outbox::count(trace.event.map(|event| event.kind));
                write(further, done);
            }
            Err(error) => done.say(Err(error)),
        }
    }
}
