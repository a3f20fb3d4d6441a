//! Deliveries: events on their way to webhooks, in their order, until each was taken or is a dead letter.
//!
//! Owner of how far a webhook is: its row in the file whose events it is sent. Recovery: what the registry has noted is
//! looked at when the program starts, and whatever was sent and not written down is sent again, under the same id.

use super::webhooks::told;
use crate::domain::action::ListsWebhooks;
use crate::domain::{
    Action, Attempt, DeadLetter, Delivery, DeliveryFilter, DeliveryState, Error, EventEntry,
    EventSource, EventType, Page, PageRequest, Result, RetrySchedule, Subject, SystemTask, Target,
    TenantReference, TenantStatus, Timestamp, Webhook, WebhookDisabledReason, WebhookId,
    WebhookState, Word,
};
use crate::storage::deliveries::{self, Tried};
use crate::storage::webhooks::{self, Endpoint, Progress, Wait};
use crate::storage::{ReadTx, Registry, TenantStore, Tx, WriteTx};

/// Events that are looked at in one go.
const STRIDE: u32 = 100;
/// Events that are passed over before it is written down that they were.
const SILENCE: i64 = 1000;

/// Lists what became of each attempt to tell it of something.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn list<A: ListsWebhooks>(
    tx: &ReadTx<'_, A>,
    id: WebhookId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>> {
    webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    deliveries::page(tx, id, filter, page)
}

/// The file whose events are sent.
#[derive(Debug, Clone)]
pub enum Outbox {
    /// A tenant's.
    Tenant(TenantStore),
    /// The platform's.
    Platform(Registry),
}

/// Does the same in either kind of file.
macro_rules! either {
    ($outbox:expr, $method:ident, $body:expr) => {
        match $outbox {
            Outbox::Tenant(store) => store.$method(SystemTask::Deliver, $body),
            Outbox::Platform(registry) => registry.$method(SystemTask::Deliver, $body),
        }
    };
}

impl Outbox {
    /// Opens the file of a source, if it is in service.
    ///
    /// # Errors
    /// It is not; storage failed.
    pub fn open(registry: &Registry, source: EventSource) -> Result<Self> {
        let EventSource::Tenant(id) = source else { return Ok(Self::Platform(registry.clone())) };
        let entry = registry.resolve(&TenantReference::Id(id))?.ok_or(Error::NotFound)?;
        if entry.status != TenantStatus::Active {
            return Err(Error::TenantUnavailable(entry.status));
        }
        registry.open_blocking(&entry).map(Self::Tenant)
    }

    /// The webhooks that are sent events.
    ///
    /// # Errors
    /// Storage failed.
    pub fn active(&self) -> Result<Vec<WebhookId>> {
        either!(self, look, |tx| webhooks::active(tx))
    }

    /// What a webhook is still to be told, behind a place that is known to have nothing for it.
    ///
    /// # Errors
    /// Storage failed.
    pub fn ahead(&self, id: WebhookId, passed: Passed) -> Result<Ahead> {
        either!(self, look, |tx| ahead(tx, id, passed))
    }

    /// Whether the next event of a backlog may be sent: the webhook is unchanged, and its maker may still read
    /// events. To be asked before each attempt.
    ///
    /// # Errors
    /// The tenant is out of service; storage failed.
    pub fn may_send(&self, webhook: &Webhook) -> Result<bool> {
        let (id, version) = (webhook.id, webhook.version);
        either!(self, look, |tx| {
            let found = webhooks::find(tx, id)?;
            let is_same = |it: &Webhook| it.version == version && it.state == WebhookState::Active;
            found.filter(is_same).map_or(Ok(false), |webhook| hears(tx, &webhook))
        })
    }

    /// Moves the end of a webhook's wait.
    ///
    /// # Errors
    /// Storage failed.
    pub fn wait(&self, id: WebhookId, moved: MovedWait) -> Result<()> {
        let MovedWait { before, wait } = moved;
        either!(self, system, move |tx| webhooks::set_wait(tx, id, before, wait))
    }

    /// Disables a webhook whose maker may no longer read events.
    ///
    /// # Errors
    /// Storage failed.
    pub fn orphan(&self, id: WebhookId, granted_by: &str) -> Result<()> {
        let granted_by = granted_by.to_owned();
        either!(self, system, move |tx| {
            let found = webhooks::find(tx, id)?;
            // Somebody may have taken it over meanwhile.
            let is_it =
                |it: &Webhook| it.state == WebhookState::Active && it.granted_by == granted_by;
            let Some(found) = found.filter(is_it) else { return Ok(()) };
            disable(tx, &found, WebhookDisabledReason::Orphaned)
        })
    }

    /// Writes down what became of a backlog.
    ///
    /// # Errors
    /// Storage failed; what was sent is sent again.
    pub fn settle(&self, settlement: Settlement) -> Result<()> {
        either!(self, system, move |tx| settle(tx, &settlement))
    }

    /// The event that a test has emitted, and what came of it, where that is known.
    ///
    /// # Errors
    /// Storage failed; [`Error::NotFound`] where there is none.
    pub fn tested(
        &self,
        id: WebhookId,
        correlation_id: &str,
    ) -> Result<(EventEntry, Option<Delivery>)> {
        let correlation_id = correlation_id.to_owned();
        either!(self, look, |tx| {
            let event = webhooks::event_of(tx, EventType::WebhookTested, &correlation_id)?;
            let event = event.ok_or(Error::NotFound)?;
            let delivery = deliveries::last_of(tx, id, &event.id)?;
            Ok((event, delivery))
        })
    }

    /// Writes down what came of a test.
    ///
    /// # Errors
    /// Storage failed.
    pub fn log_test(
        &self,
        id: WebhookId,
        event: &EventEntry,
        outcome: &Attempt,
    ) -> Result<Delivery> {
        let state = if outcome.is_taken() { DeliveryState::Delivered } else { DeliveryState::Dead };
        let tried = tried(event, 1, state, outcome.clone());
        let tried = Tried { sequence: None, ..tried };
        either!(self, system, move |tx| deliveries::log(tx, id, &tried)?.ok_or(Error::NotFound))
    }
}

/// How far a webhook was looked at in memory: events that were not for it are passed over without a word.
#[derive(Debug, Clone, Copy, Default)]
pub struct Passed {
    /// Where it stood, as written down.
    stood: i64,
    /// The last event that was not for it.
    place: i64,
}

impl Passed {
    /// The place behind which to look, where a webhook stands now.
    fn behind(self, stands: i64) -> i64 {
        if stands == self.stood { self.place.max(stands) } else { stands }
    }
}

/// What comes next for a webhook.
#[derive(Debug)]
pub enum Ahead {
    /// Nothing: it was told everything, or is told nothing.
    Nothing,
    /// What failed is tried again at this time.
    Later(Timestamp),
    /// The clock was set back: the wait must be moved, so that it does not last longer.
    Moved(MovedWait),
    /// Its maker, named here, may no longer read events.
    Orphaned(String),
    /// It is to be told this.
    Now(Box<Backlog>),
}

/// A wait that ends sooner than was written down.
#[derive(Debug, Clone, Copy)]
pub struct MovedWait {
    before: Timestamp,
    wait: Wait,
}

/// What is left of a wait: never more than the whole of it, also after the clock was set back.
fn waiting(now: Timestamp, until: Timestamp, wait_ms: Option<i64>) -> Ahead {
    let whole = wait_ms.map(|ms| Wait::from(now, ms));
    match whole.filter(|whole| whole.until < until) {
        Some(wait) => Ahead::Moved(MovedWait { before: until, wait }),
        None => Ahead::Later(until),
    }
}

/// Whether the maker of a webhook may read events now.
fn hears<A: Action>(tx: &ReadTx<'_, A>, webhook: &Webhook) -> Result<bool> {
    Subject::parse(&webhook.granted_by).map_or(Ok(false), |subject| tx.lets_hear(subject))
}

fn ahead<A: Action>(tx: &ReadTx<'_, A>, id: WebhookId, passed: Passed) -> Result<Ahead> {
    let found = webhooks::endpoint_of(tx, id)?;
    let is_active = |it: &Endpoint| it.webhook.state == WebhookState::Active;
    let Some(endpoint) = found.filter(is_active) else { return Ok(Ahead::Nothing) };
    let Webhook { sequence, next_attempt_at, ref granted_by, .. } = endpoint.webhook;
    if let Some(until) = next_attempt_at.filter(|until| *until > tx.now()) {
        return Ok(waiting(tx.now(), until, endpoint.wait_ms));
    }
    if !hears(tx, &endpoint.webhook)? {
        return Ok(Ahead::Orphaned(granted_by.clone()));
    }
    let after = passed.behind(sequence);
    let events = webhooks::events_behind(tx, after, STRIDE)?;
    if events.is_empty() {
        return Ok(Ahead::Nothing);
    }
    Ok(Ahead::Now(Box::new(Backlog { endpoint, events, after })))
}

/// What a webhook is still to be told.
#[derive(Debug)]
pub struct Backlog {
    endpoint: Endpoint,
    /// Events behind the place, those that are not for it too.
    events: Vec<EventEntry>,
    after: i64,
}

impl Backlog {
    /// The webhook.
    #[must_use]
    pub fn webhook(&self) -> &Webhook {
        &self.endpoint.webhook
    }

    /// Which of its secrets sign at a time.
    #[must_use]
    pub fn generations(&self, now: Timestamp) -> Vec<i64> {
        let newest = self.endpoint.generation;
        let is_rotating = self.webhook().rotated_until.is_some_and(|until| now < until);
        if is_rotating { vec![newest, newest - 1] } else { vec![newest] }
    }

    /// Its events, in their order, each with whether the webhook is to be told of it.
    pub fn events(&self) -> impl Iterator<Item = (&EventEntry, bool)> {
        let types = &self.endpoint.webhook.event_types;
        let is_for_it = |event: &EventEntry| {
            types.covers(&event.kind) && event.kind != EventType::WebhookTested.as_str()
        };
        self.events.iter().map(move |event| (event, is_for_it(event)))
    }

    /// Begins to write down what becomes of it.
    #[must_use]
    pub fn begin(&self) -> Settlement {
        let Endpoint { webhook, dead, .. } = &self.endpoint;
        Settlement {
            id: webhook.id,
            progress: Progress {
                from: webhook.sequence,
                to: self.after,
                attempts: webhook.attempts,
                wait: None,
                dead: *dead,
            },
            passed: self.after,
            tried: Vec::new(),
            dead_letters: Vec::new(),
            disable: None,
        }
    }
}

/// What became of a backlog, or of its beginning.
#[derive(Debug)]
pub struct Settlement {
    id: WebhookId,
    progress: Progress,
    /// The last event that is not for it, behind those that were tried: written down with the next one that is tried.
    passed: i64,
    tried: Vec<Tried>,
    dead_letters: Vec<DeadLetter>,
    disable: Option<WebhookDisabledReason>,
}

impl Settlement {
    /// Passes over an event that is not for it.
    pub fn pass(&mut self, event: &EventEntry) {
        self.passed = event.sequence;
    }

    /// Notes an attempt; says whether the next event can be tried.
    pub fn note(
        &mut self,
        event: &EventEntry,
        outcome: Attempt,
        schedule: &RetrySchedule,
        chance: f64,
    ) -> bool {
        self.progress.to = self.passed.max(self.progress.to);
        let attempt = self.progress.attempts + 1;
        if outcome.is_taken() {
            self.progress = Progress { to: event.sequence, attempts: 0, dead: 0, ..self.progress };
            self.tried.push(tried(event, attempt, DeliveryState::Delivered, outcome));
            return true;
        }
        if outcome.is_gone() {
            self.disable = Some(WebhookDisabledReason::Gone);
            self.tried.push(tried(event, attempt, DeliveryState::Failed, outcome));
            return false;
        }
        if let Some(delay_ms) = schedule.delay_ms(attempt, outcome.retry_after_s, chance) {
            let ended = Timestamp(outcome.at.0 + outcome.duration_ms * 1000);
            (self.progress.attempts, self.progress.wait) =
                (attempt, Some(Wait::from(ended, delay_ms)));
            self.tried.push(tried(event, attempt, DeliveryState::Failed, outcome));
            return false;
        }
        self.bury(event, attempt, outcome, schedule)
    }

    /// The event is a dead letter; the one behind it is tried, unless there are too many.
    fn bury(
        &mut self,
        event: &EventEntry,
        attempts: i64,
        outcome: Attempt,
        schedule: &RetrySchedule,
    ) -> bool {
        let dead = self.progress.dead + 1;
        self.progress = Progress { to: event.sequence, attempts: 0, dead, ..self.progress };
        let (id, event_id, sequence) = (self.id, event.id.clone(), event.sequence);
        self.dead_letters.push(DeadLetter { id, event_id, sequence, attempts });
        self.tried.push(tried(event, attempts, DeliveryState::Dead, outcome));
        let is_failing = dead >= i64::from(schedule.max_dead);
        self.disable = is_failing.then_some(WebhookDisabledReason::Failing);
        !is_failing
    }

    /// How many attempts it has.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.tried.len()
    }

    /// Whether it must be written down; else what to remember of it.
    ///
    /// # Errors
    /// What to remember, where nothing must be written down.
    pub fn worth_writing(mut self) -> std::result::Result<Self, Passed> {
        if self.tried.is_empty() {
            let from = self.progress.from;
            if self.passed - from < SILENCE {
                return Err(Passed { stood: from, place: self.passed });
            }
            self.progress.to = self.passed;
        }
        Ok(self)
    }
}

fn tried(event: &EventEntry, attempt: i64, state: DeliveryState, outcome: Attempt) -> Tried {
    Tried {
        event_id: event.id.clone(),
        event_type: event.kind.clone(),
        sequence: Some(event.sequence),
        attempt,
        state,
        outcome,
    }
}

fn settle<A: Action>(tx: &mut WriteTx<'_, A>, it: &Settlement) -> Result<()> {
    let Some(webhook) = webhooks::find(tx, it.id)? else { return Ok(()) };
    it.tried.iter().try_for_each(|tried| deliveries::log(tx, it.id, tried).map(drop))?;
    if !webhooks::set_progress(tx, it.id, it.progress)? {
        return Ok(());
    }
    let whose = tx.tenant().map_or(Target::Platform, Into::into);
    for letter in &it.dead_letters {
        // The number in the log: an event that is sent again after a replay was tried more often than in this round.
        let last = deliveries::last_of(tx, it.id, &letter.event_id)?;
        let attempts = last.map_or(letter.attempts, |last| last.attempt);
        let data = DeadLetter { attempts, event_id: letter.event_id.clone(), ..*letter };
        tx.emit(EventType::WebhookDeadLettered, &whose, &data);
    }
    match it.disable {
        Some(reason) if webhook.state == WebhookState::Active => disable(tx, &webhook, reason),
        _ => Ok(()),
    }
}

fn disable<A: Action>(
    tx: &mut WriteTx<'_, A>,
    webhook: &Webhook,
    reason: WebhookDisabledReason,
) -> Result<()> {
    let id = webhook.id;
    webhooks::set_state(tx, id, webhook.state.to(WebhookState::Disabled)?, Some(reason))?;
    told(tx, EventType::WebhookDisabled, id).map(drop)
}
