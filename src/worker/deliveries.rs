//! Sends events to webhooks: each webhook its own, in their order, one at a time; one that does not answer holds up
//! itself alone.
//!
//! One thread with a task for each webhook that has something to be told. A task ends when there is nothing left; a
//! commit in which something happened begins it anew. What was sent is written down in stretches: where the program ends
//! between, it is sent again under the same id.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use metrics::{counter, histogram};
use parking_lot::Mutex;
use tokio::runtime::Builder;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::sync::{Notify, RwLock, Semaphore, oneshot};
use tokio::time::{Instant, sleep, timeout};

use crate::domain::{
    Attempt, Clock, Error, EventEntry, EventSource, Result, RetrySchedule, WebhookId,
};
use crate::outbound::{Shipment, Webhooks};
use crate::services::deliveries::{Ahead, Backlog, Outbox, Passed, Settlement};
use crate::storage::Registry;

/// Requests under way at once.
const MAX_AT_ONCE: usize = 256;
/// Of one file's, so many: whose receivers take their time holds up no other's.
const MAX_OF_ONE: usize = 4;
/// Attempts that are written down together.
const STRETCH: usize = 50;
/// How long attempts are not written down at most.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a task waits for something to happen before it ends.
const REST: Duration = Duration::from_secs(30);
/// How long a webhook is left alone that something failed at, at the least: whatever else happens meanwhile.
const GLANCE: Duration = Duration::from_secs(1);
/// How long a task sleeps at most before it looks at the clock on the wall again, which may have been set.
const ROUND: Duration = Duration::from_mins(1);
/// How long a file is left alone that could not be read or written.
const PENANCE: Duration = Duration::from_secs(5);

/// How events are sent.
#[derive(Debug, Clone)]
pub struct Sending {
    /// Sends them.
    pub webhooks: Arc<Webhooks>,
    /// When what failed is tried again.
    pub schedule: RetrySchedule,
}

/// One webhook of one file.
type Address = (EventSource, WebhookId);

/// What all tasks share.
struct Shared {
    registry: Registry,
    sending: Sending,
    clock: Arc<dyn Clock>,
    /// The webhooks that have a task, and what wakes it.
    running: Mutex<HashMap<Address, Arc<Notify>>>,
    at_once: Semaphore,
    /// The places of each file that has tasks.
    places: Mutex<HashMap<EventSource, Arc<Semaphore>>>,
    /// Held for writing when everything is to end: no file is used after it.
    open: Arc<RwLock<()>>,
}

/// The running sender.
#[derive(Debug)]
pub(super) struct Deliveries {
    thread: JoinHandle<()>,
    end: oneshot::Sender<()>,
}

impl Deliveries {
    /// Starts it.
    pub(super) fn start(registry: &Registry, sending: Sending) -> Result<Self> {
        let wakes = registry.wakes()?;
        let runtime = Builder::new_current_thread().enable_all().max_blocking_threads(8).build();
        let runtime = runtime.map_err(|error| Error::Internal(error.to_string()))?;
        let shared = Arc::new(Shared {
            registry: registry.clone(),
            sending,
            clock: registry.clock(),
            running: Mutex::default(),
            at_once: Semaphore::new(MAX_AT_ONCE),
            places: Mutex::default(),
            open: Arc::default(),
        });
        let (end, ended) = oneshot::channel();
        let thread = super::spawn("deliveries", move || {
            let open = shared.open.clone();
            runtime.block_on(async {
                tokio::select! {
                    () = listen(shared, wakes) => {}
                    // It was dropped, which is the same.
                    _ = ended => {}
                }
                // Whatever is being written is written to its end; nothing is begun.
                let closed = open.write_owned().await;
                std::mem::forget(closed);
            });
            runtime.shutdown_background();
        })?;
        Ok(Self { thread, end })
    }

    /// Ends it: what is under way is cut off, and sent again at the next start.
    pub(super) fn stop(self, registry: &Registry) {
        registry.end_wakes();
        drop(self.end);
        if self.thread.join().is_err() {
            tracing::error!("whoever sends events had panicked");
        }
    }
}

/// Begins tasks as files ask for them.
async fn listen(shared: Arc<Shared>, mut wakes: UnboundedReceiver<EventSource>) {
    while let Some(first) = wakes.recv().await {
        let mut sources = HashSet::from([first]);
        while let Ok(further) = wakes.try_recv() {
            sources.insert(further);
        }
        for source in sources {
            begin(&shared, source).await;
        }
    }
}

/// Begins, or wakes, the tasks of a file's webhooks.
async fn begin(shared: &Arc<Shared>, source: EventSource) {
    let active = match shared.on(source, |outbox| outbox.active()).await {
        Ok(active) => active,
        Err(error) if is_out_of_service(&error) => return,
        Err(error) => {
            tracing::warn!(source = %source, error = %error, "webhooks could not be looked at");
            return;
        }
    };
    for id in active {
        let address = (source, id);
        let mut running = shared.running.lock();
        if let Some(wake) = running.get(&address) {
            wake.notify_one();
            continue;
        }
        let wake = Arc::new(Notify::new());
        running.insert(address, wake.clone());
        tokio::spawn(serve(shared.clone(), address, wake));
    }
}

/// Tells one webhook everything, until there is nothing left.
async fn serve(shared: Arc<Shared>, address: Address, wake: Arc<Notify>) {
    let mut passed = Passed::default();
    loop {
        let pause = match shared.step(address, &mut passed).await {
            Ok(Next::Again) => continue,
            Ok(Next::Rest) => None,
            Ok(Next::Wait(pause)) => Some(pause),
            // Whoever puts the file into service again wakes its webhooks.
            Err(error) if is_out_of_service(&error) => {
                if shared.retire(address, &wake) {
                    return;
                }
                continue;
            }
            Err(error) => {
                let (source, id) = address;
                tracing::warn!(source = %source, webhook.id = %id, error = %error, "a webhook could not be served");
                Some(PENANCE)
            }
        };
        let Some(pause) = pause else {
            let woken = timeout(REST, wake.notified()).await.is_ok();
            if woken || !shared.retire(address, &wake) {
                continue;
            }
            return;
        };
        // Another address, or a replay, does not wait for the end of the pause.
        tokio::select! {
            () = sleep(pause) => {}
            () = async { tokio::join!(wake.notified(), sleep(GLANCE)); } => {}
        }
    }
}

fn is_out_of_service(error: &Error) -> bool {
    matches!(error, Error::TenantUnavailable(_) | Error::NotFound)
}

/// What a task does next.
enum Next {
    /// There is more.
    Again,
    /// Nothing is left.
    Rest,
    /// What failed is tried again after this.
    Wait(Duration),
}

impl Shared {
    /// Does something with a file, off this thread; nothing is begun once everything is to end.
    async fn on<T: Send + 'static>(
        &self,
        source: EventSource,
        work: impl FnOnce(&Outbox) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let open = self.open.clone().read_owned().await;
        let registry = self.registry.clone();
        let done = tokio::task::spawn_blocking(move || {
            let _open = open;
            Outbox::open(&registry, source).and_then(|outbox| work(&outbox))
        });
        done.await.map_err(|error| Error::Internal(error.to_string()))?
    }

    /// Lets a task go, unless it was woken meanwhile.
    fn retire(&self, address: Address, wake: &Notify) -> bool {
        let mut running = self.running.lock();
        let woken = std::pin::pin!(wake.notified()).as_mut().enable();
        if !woken {
            running.remove(&address);
            if !running.keys().any(|(source, _)| *source == address.0) {
                self.places.lock().remove(&address.0);
            }
        }
        !woken
    }

    /// The places of a file.
    fn places_of(&self, source: EventSource) -> Arc<Semaphore> {
        let places = || Arc::new(Semaphore::new(MAX_OF_ONE));
        self.places.lock().entry(source).or_insert_with(places).clone()
    }

    /// Sends a stretch of what a webhook is still to be told.
    async fn step(&self, address: Address, passed: &mut Passed) -> Result<Next> {
        let (source, id) = address;
        let known = *passed;
        let backlog = match self.on(source, move |outbox| outbox.ahead(id, known)).await? {
            Ahead::Nothing => return Ok(Next::Rest),
            Ahead::Later(at) => {
                let pause = Duration::from_micros(at.0.abs_diff(self.clock.now().0));
                return Ok(Next::Wait(pause.min(ROUND)));
            }
            Ahead::Moved(wait) => {
                self.on(source, move |outbox| outbox.wait(id, wait)).await?;
                return Ok(Next::Again);
            }
            Ahead::Orphaned(granted_by) => {
                self.on(source, move |outbox| outbox.orphan(id, &granted_by)).await?;
                return Ok(Next::Rest);
            }
            Ahead::Now(backlog) => backlog,
        };
        let (settlement, failure) = self.send(source, &backlog).await;
        match settlement.worth_writing() {
            Ok(settlement) => self.on(source, move |outbox| outbox.settle(settlement)).await?,
            Err(further) => *passed = further,
        }
        failure.map_or(Ok(Next::Again), Err)
    }

    /// Sends events until one fails, or enough are to be written down; and why the next could not be looked at.
    async fn send(&self, source: EventSource, backlog: &Backlog) -> (Settlement, Option<Error>) {
        let mut settlement = backlog.begin();
        let began = Instant::now();
        for (event, is_for_it) in backlog.events() {
            if !is_for_it {
                settlement.pass(event);
                continue;
            }
            if settlement.attempts() >= STRETCH || began.elapsed() > PATIENCE {
                break;
            }
            let outcome = match self.send_one(source, backlog, event).await {
                Ok(Some(outcome)) => outcome,
                Ok(None) => break,
                Err(error) => return (settlement, Some(error)),
            };
            if !settlement.note(event, outcome, &self.sending.schedule, self.chance()) {
                break;
            }
        }
        (settlement, None)
    }

    /// Sends one event; `None` if it must not be sent any more.
    async fn send_one(
        &self,
        source: EventSource,
        backlog: &Backlog,
        event: &EventEntry,
    ) -> Result<Option<Attempt>> {
        let own = self.places_of(source);
        let (_own, _place) = (own.acquire().await, self.at_once.acquire().await);
        // Asked last: the right can be lost while the event before is sent, or while this one waits for a place.
        let known = backlog.webhook().clone();
        if !self.on(source, move |outbox| outbox.may_send(&known)).await? {
            return Ok(None);
        }
        let (webhook, now) = (backlog.webhook(), self.clock.now());
        let generations = backlog.generations(now).into_iter();
        let webhooks = &self.sending.webhooks;
        let secrets =
            generations.map(|generation| webhooks.secret(source, webhook.id, generation)).collect();
        let shipment = Shipment { url: &webhook.url, event, secrets };
        let outcome = webhooks.send(shipment, now).await;
        let result = if outcome.is_taken() { "taken" } else { "failed" };
        counter!("freehold_webhook_attempts_total", "outcome" => result).increment(1);
        let took = Duration::from_millis(outcome.duration_ms.unsigned_abs());
        histogram!("freehold_webhook_attempt_duration_seconds").record(took.as_secs_f64());
        tracing::debug!(
            tenant.id = %source,
            webhook.id = %webhook.id,
            event.id = %event.id,
            correlation.id = %event.correlationid,
            response.status = outcome.status,
            duration_ms = outcome.duration_ms,
            error = outcome.error,
            "an event was sent"
        );
        Ok(Some(outcome))
    }

    /// A number from 0 to 1 that nobody foresees.
    fn chance(&self) -> f64 {
        let random = self.clock.new_id().as_u128() & 0xffff_ffff;
        f64::from(u32::try_from(random).unwrap_or(0)) / f64::from(u32::MAX)
    }
}
