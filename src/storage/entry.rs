//! Where work runs: small reads on the thread that asks, everything else on the blocking pool or a writer thread.

use std::sync::Arc;

use parking_lot::Mutex;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::audit;
use super::budget::{Budget, Waiter};
use super::door::consent::{self, Consent};
use super::door::{self, Core, Door, Outcome, ReadTx, Reply, WriteTx, nobody};
use super::engine::{Conn, Sql};
use crate::domain::{Action, Call, Error, Result, Target, Timestamp};

/// Steps that a read may take on the blocking pool: about a second's worth.
const BLOCKING_STEPS: u32 = 50_000_000;

/// Reads, on this thread where it is quick, else on the blocking pool.
pub(in crate::storage) async fn read<A, T, F>(
    door: Arc<dyn Door>,
    call: &Call,
    target: Target,
    body: F,
) -> Result<T>
where
    A: Action,
    T: Send + 'static,
    F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
{
    if let Some(outcome) = try_here(&*door, call, &target, &body) {
        return conclude(&door, outcome).await;
    }
    let turn = door.core().elsewhere.take().await?;
    let (there, call) = (door.clone(), call.clone());
    // Dropped with this future, when the client goes.
    let waiter = Waiter::default();
    let abandoned = waiter.abandoned();
    let work = move || -> Result<Outcome<T>> {
        let _turn = turn;
        let conn = there.core().pool.get()?;
        let budget = Budget::begin(BLOCKING_STEPS, there.core().max_work, abandoned);
        budget.check()?;
        Ok(door::read(&*there, &conn, &call, &target, &budget, &body))
    };
    let outcome = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Error::Internal(error.to_string()))??;
    conclude(&door, outcome).await
}

/// Looks something up before any door is asked: on this thread where a reader is free, else on the blocking pool, as one
/// of the few who may at once.
pub(in crate::storage) async fn look_up<D, T, F>(door: Arc<D>, body: F) -> Result<T>
where
    D: Door + 'static,
    T: Send + 'static,
    F: Fn(&D, &Conn) -> Result<T> + Send + 'static,
{
    if let Some(conn) = door.core().pool.try_get() {
        return body(&door, &conn);
    }
    let turn = door.core().elsewhere.take().await?;
    let work = move || {
        let _turn = turn;
        let conn = door.core().pool.get()?;
        body(&door, &conn)
    };
    tokio::task::spawn_blocking(work).await.map_err(|error| Error::Internal(error.to_string()))?
}

fn try_here<A: Action, T>(
    door: &dyn Door,
    call: &Call,
    target: &Target,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Option<Outcome<T>> {
    let core = door.core();
    let conn = core.pool.try_get()?;
    match door::read(door, &conn, call, target, &Budget::of_steps(core.read_steps), body) {
        Outcome { answer: Err(Error::TooManySteps), .. } => None,
        outcome => Some(outcome),
    }
}

/// Reads on this thread, however long it takes.
pub(in crate::storage) fn read_blocking<A: Action, T>(
    door: &Arc<dyn Door>,
    call: &Call,
    target: &Target,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Result<T> {
    let outcome = {
        let conn = door.core().pool.get()?;
        door::read(&**door, &conn, call, target, &Budget::default(), body)
    };
    conclude_blocking(door, outcome)
}

fn conclude_blocking<T>(door: &Arc<dyn Door>, outcome: Outcome<T>) -> Result<T> {
    if let Some(written) = door::leave(door, outcome.trace) {
        wait(written)?;
    }
    outcome.answer
}

/// Answers; what it leaves is on disk before anybody hears of it.
async fn conclude<T>(door: &Arc<dyn Door>, outcome: Outcome<T>) -> Result<T> {
    if let Some(written) = door::leave(door, outcome.trace) {
        answer(written).await?;
    }
    outcome.answer
}

/// Waits for the answer to what was queued.
pub(in crate::storage) async fn answer<T>(reply: Reply<T>) -> Result<T> {
    reply.await.unwrap_or_else(|_| Err(Error::Internal("a change was dropped".to_owned())))
}

/// Waits on this thread for the answer to what was queued.
pub(in crate::storage) fn wait<T>(reply: Reply<T>) -> Result<T> {
    reply
        .blocking_recv()
        .unwrap_or_else(|_| Err(Error::Internal("a change was dropped".to_owned())))
}

/// Appends the audit rows that count denials, of the windows that have ended by now; beside the queue, since nobody
/// waits for them. What cannot be written is kept.
pub(in crate::storage) fn write_down_denials(core: &Core, now: Timestamp) -> Result<()> {
    let records = core.denials.ended(now);
    if records.is_empty() {
        return Ok(());
    }
    let written = core.queue.transact(|conn| {
        let _session = conn.session(nobody(&core.name));
        records.iter().try_for_each(|record| audit::append(Sql::on(conn), record))
    });
    written.inspect_err(|_| core.denials.put_back(records))
}

/// How often the external decision point is asked about one change: once more each time that things have moved.
const MAX_ASKS: usize = 3;

/// Queues a change that the decision point must permit, and waits. Where somebody is asked besides, that comes first.
pub(in crate::storage) async fn write<A, T, F>(
    door: Arc<dyn Door>,
    call: &Call,
    target: Target,
    body: F,
) -> Result<T>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    let Some(point) = consent::asked::<A>(&*door)? else {
        let reply = door::write(door, call.clone(), target, Consent::NotNeeded, body)?;
        return answer(reply).await;
    };
    let body = shared(body);
    for _ in 0..MAX_ASKS {
        let ask = |tx: &ReadTx<'_, A>| tx.request();
        let request = read(door.clone(), call, target.clone(), ask).await?;
        let said = consent::ask(&*point, &request).await.ok();
        let given = consent::given::<A>(&*door, call, &target, point.clone(), request, said);
        let given = conclude(&door, given.into()).await?;
        let (moved, consent) = (given.moved(), Consent::Given(given));
        let reply = door::write(door.clone(), call.clone(), target.clone(), consent, body.clone())?;
        let result = answer(reply).await;
        if !moved.has_moved() {
            return result;
        }
    }
    Err(Error::Busy { retry_after_s: 1 })
}

/// The same, on this thread.
pub(in crate::storage) fn write_blocking<A, T, F>(
    door: Arc<dyn Door>,
    call: &Call,
    target: Target,
    body: F,
) -> Result<T>
where
    A: Action,
    T: Serialize + DeserializeOwned + Send + 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    let Some(point) = consent::asked::<A>(&*door)? else {
        return wait(door::write(door, call.clone(), target, Consent::NotNeeded, body)?);
    };
    let body = shared(body);
    for _ in 0..MAX_ASKS {
        let ask = |tx: &ReadTx<'_, A>| tx.request();
        let request = read_blocking(&door, call, &target, &ask)?;
        let said = consent::ask(&*point, &request).blocking_recv().ok();
        let given = consent::given::<A>(&*door, call, &target, point.clone(), request, said);
        let given = conclude_blocking(&door, given.into())?;
        let (moved, consent) = (given.moved(), Consent::Given(given));
        let reply = door::write(door.clone(), call.clone(), target.clone(), consent, body.clone())?;
        let result = wait(reply);
        if !moved.has_moved() {
            return result;
        }
    }
    Err(Error::Busy { retry_after_s: 1 })
}

/// A body that can be queued again.
fn shared<A, T, F>(body: F) -> impl Fn(&mut WriteTx<'_, A>) -> Result<T> + Clone + Send + 'static
where
    A: Action,
    T: 'static,
    F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
{
    let body = Arc::new(Mutex::new(body));
    move |tx: &mut WriteTx<'_, A>| (body.lock())(tx)
}
