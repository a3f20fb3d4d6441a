//! Webhooks: where events are sent, in their order, until each was taken or is a dead letter.
//!
//! Owner of a webhook and of how far it is: its row in the file whose events it is sent. Step: the registry notes first
//! that a tenant may have one. Recovery: what was noted is looked at when the program starts, and whatever was sent and
//! not written down is sent again, under the same id.

use crate::domain::action::{
    CreatesWebhook, DeletesWebhook, ListsWebhooks, ReplaysWebhook, RotatesWebhook, TestsWebhook,
    UpdatesWebhook,
};
use crate::domain::{
    Action, ActionPattern, Attempt, ChangeWebhook, Conflict, DeadLetter, Delivery, DeliveryFilter,
    DeliveryState, Description, Error, EventEntry, EventSource, EventType, NewWebhook, Page,
    PageRequest, Patterns, ReplayWebhook, Result, RetrySchedule, RotateWebhook, SystemTask, Target,
    TenantReference, TenantStatus, Timestamp, Webhook, WebhookDisabledReason, WebhookId,
    WebhookSaid, WebhookState, Word,
};
use crate::storage::webhooks::{self, Endpoint, Tried};
use crate::storage::{ReadTx, Registry, TenantStore, Tx, WriteTx};

/// Events that are looked at in one go.
const STRIDE: u32 = 100;
/// Events that are passed over before it is written down that they were.
const SILENCE: i64 = 1000;

/// Lists webhooks.
///
/// # Errors
/// Storage failed.
pub fn list<A: ListsWebhooks>(tx: &ReadTx<'_, A>, page: &PageRequest) -> Result<Page<Webhook>> {
    webhooks::page(tx, page)
}

/// Reads one.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: ListsWebhooks>(tx: &ReadTx<'_, A>, id: WebhookId) -> Result<Webhook> {
    webhooks::find(tx, id)?.ok_or(Error::NotFound)
}

/// Lists what became of each attempt to tell it of something.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn deliveries<A: ListsWebhooks>(
    tx: &ReadTx<'_, A>,
    id: WebhookId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>> {
    webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    webhooks::deliveries(tx, id, filter, page)
}

/// Makes one, which is told of everything that happens from now on; and which of its secrets signs. The address was
/// checked before.
///
/// # Errors
/// [`Conflict::WebhookLimit`]; a pattern that means no event.
pub fn create<A: CreatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    new: &NewWebhook,
) -> Result<(Webhook, i64)> {
    let every = || ActionPattern::parse("*").map(|every| Patterns::new(vec![every]));
    let event_types = new.event_types.clone().map_or_else(every, Ok).map_err(Error::Internal)?;
    check_types(&event_types)?;
    if webhooks::count(tx)? >= Webhook::MAX {
        return Err(Error::Conflict(Conflict::WebhookLimit));
    }
    let by = tx.caller().subject.name();
    let description = new.description.clone().unwrap_or_default();
    let made = webhooks::insert(tx, (&new.url, &description, &event_types), &by)?;
    let made = made.ok_or_else(|| Error::Internal("a webhook did not come back".to_owned()))?;
    tell(tx, EventType::WebhookCreated, &made);
    Ok((made, 1))
}

/// Every pattern must mean a type of event that there is.
fn check_types(patterns: &Patterns) -> Result<()> {
    for (index, pattern) in patterns.iter().enumerate() {
        if !EventType::ALL.iter().any(|kind| pattern.covers(kind.as_str())) {
            let detail = format!("no type of event is meant by {pattern}");
            return Err(Error::invalid(format!("/event_types/{index}"), detail));
        }
    }
    Ok(())
}

/// Changes where events are sent, which, or whether.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Stale`]; [`Conflict::WrongState`]; a pattern that means no event.
pub fn update<A: UpdatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    change: &ChangeWebhook,
    version: i64,
) -> Result<Webhook> {
    let found = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    if let Some(event_types) = &change.event_types {
        check_types(event_types)?;
    }
    let url = change.url.as_ref().unwrap_or(&found.url);
    let description: &Description = change.description.as_ref().unwrap_or(&found.description);
    let event_types = change.event_types.as_ref().unwrap_or(&found.event_types);
    if !webhooks::update(tx, id, (url, description, event_types), version)? {
        return Err(Error::Stale);
    }
    if let Some(state) = change.state {
        let reason = (state == WebhookState::Disabled).then_some(WebhookDisabledReason::Asked);
        webhooks::set_state(tx, id, found.state.to(state)?, reason)?;
    }
    told(tx, EventType::WebhookUpdated, id)
}

/// Deletes it, with what is written down of its attempts.
///
/// # Errors
/// [`Error::NotFound`]; [`Error::Stale`].
pub fn delete<A: DeletesWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    version: i64,
) -> Result<()> {
    let found = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    if !webhooks::delete(tx, id, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::WebhookDeleted, &found);
    Ok(())
}

/// Lets another secret sign, and the one before it too for a time; and which one signs now.
///
/// # Errors
/// [`Error::NotFound`]; a time that is too long.
pub fn rotate<A: RotatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    asked: &RotateWebhook,
) -> Result<(Webhook, i64)> {
    let seconds = asked.check()?;
    let found = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    let until = tx.now().plus_seconds(i64::from(seconds));
    if !webhooks::rotate(tx, id, until, found.version)? {
        return Err(Error::Stale);
    }
    let rotated = told(tx, EventType::WebhookRotated, id)?;
    let endpoint = webhooks::endpoint_of(tx, id)?.ok_or(Error::NotFound)?;
    Ok((rotated, endpoint.generation))
}

/// Lets it be sent again what happened from a time or behind a place.
///
/// # Errors
/// [`Error::NotFound`]; a request that says no place, or two.
pub fn replay<A: ReplaysWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    from: &ReplayWebhook,
) -> Result<Webhook> {
    from.check()?;
    webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    let last = webhooks::last_event(tx)?;
    let place = match (from.from, from.after) {
        (Some(at), _) => webhooks::place_before(tx, at)?,
        (None, after) => after.unwrap_or(last).min(last),
    };
    webhooks::rewind(tx, id, place)?;
    told(tx, EventType::WebhookReplayed, id)
}

/// Emits an event that means nothing, to be sent at once and by itself.
///
/// # Errors
/// [`Error::NotFound`] where there is no such webhook.
pub fn begin_test<A: TestsWebhook>(tx: &mut WriteTx<'_, A>, id: WebhookId) -> Result<Webhook> {
    told(tx, EventType::WebhookTested, id)
}

fn told<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, id: WebhookId) -> Result<Webhook> {
    let webhook = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    tell(tx, kind, &webhook);
    Ok(webhook)
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, webhook: &Webhook) {
    let whose = tx.tenant().map_or(Target::Platform, Into::into);
    let Webhook { id, state, disabled_reason, version, .. } = *webhook;
    let (url, event_types) = (webhook.url.clone(), webhook.event_types.clone());
    tx.emit(kind, &whose, &WebhookSaid { id, url, event_types, state, disabled_reason, version });
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

    /// What a webhook is still to be told, behind a place that is known to have nothing for it; `None` where it is told
    /// nothing any more.
    ///
    /// # Errors
    /// Storage failed.
    pub fn backlog(&self, id: WebhookId, passed: Passed) -> Result<Option<Backlog>> {
        either!(self, look, |tx| {
            let Some(endpoint) = webhooks::endpoint_of(tx, id)? else { return Ok(None) };
            if endpoint.webhook.state != WebhookState::Active {
                return Ok(None);
            }
            let after = passed.behind(endpoint.webhook.sequence);
            let events = webhooks::events_behind(tx, after, STRIDE)?;
            Ok(Some(Backlog { endpoint, events, after }))
        })
    }

    /// Writes down what became of a backlog.
    ///
    /// # Errors
    /// Storage failed; what was sent is sent again.
    pub fn settle(&self, settlement: Settlement) -> Result<()> {
        either!(self, system, move |tx| settle(tx, &settlement))
    }

    /// The event that a test has emitted.
    ///
    /// # Errors
    /// Storage failed; [`Error::NotFound`] where there is none.
    pub fn tested(&self, correlation_id: &str) -> Result<EventEntry> {
        let correlation_id = correlation_id.to_owned();
        let found: Option<EventEntry> = either!(self, look, |tx| {
            let last = webhooks::last_event(tx)?;
            let events = webhooks::events_behind(tx, last.saturating_sub(SILENCE), 1 << 10)?;
            let is_it = |event: &EventEntry| {
                event.correlationid == correlation_id
                    && event.kind == EventType::WebhookTested.as_str()
            };
            Ok(events.into_iter().rev().find(is_it))
        })?;
        found.ok_or(Error::NotFound)
    }

    /// What signs for a webhook.
    ///
    /// # Errors
    /// Storage failed; [`Error::NotFound`].
    pub fn generation(&self, id: WebhookId) -> Result<i64> {
        let found = either!(self, look, |tx| webhooks::endpoint_of(tx, id))?;
        found.map(|endpoint| endpoint.generation).ok_or(Error::NotFound)
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
        either!(self, system, move |tx| webhooks::log(tx, id, &tried)?.ok_or(Error::NotFound))
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

    /// Whether nothing has happened.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
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
            from: webhook.sequence,
            to: self.after,
            attempts: webhook.attempts,
            next_attempt_at: None,
            dead: *dead,
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
    from: i64,
    to: i64,
    attempts: i64,
    next_attempt_at: Option<Timestamp>,
    dead: i64,
    tried: Vec<Tried>,
    dead_letters: Vec<DeadLetter>,
    disable: Option<WebhookDisabledReason>,
}

impl Settlement {
    /// Passes over an event that is not for it.
    pub fn pass(&mut self, event: &EventEntry) {
        self.to = event.sequence;
    }

    /// Notes an attempt; says whether the next event can be tried.
    pub fn note(
        &mut self,
        event: &EventEntry,
        outcome: Attempt,
        schedule: &RetrySchedule,
        chance: f64,
    ) -> bool {
        let attempt = self.attempts + 1;
        if outcome.is_taken() {
            (self.to, self.attempts, self.dead) = (event.sequence, 0, 0);
            self.tried.push(tried(event, attempt, DeliveryState::Delivered, outcome));
            return true;
        }
        if outcome.is_gone() {
            self.disable = Some(WebhookDisabledReason::Gone);
            self.tried.push(tried(event, attempt, DeliveryState::Failed, outcome));
            return false;
        }
        if let Some(delay_ms) = schedule.delay_ms(attempt, outcome.retry_after_s, chance) {
            let ended = outcome.at.0 + outcome.duration_ms * 1000;
            (self.attempts, self.next_attempt_at) =
                (attempt, Some(Timestamp(ended + delay_ms * 1000)));
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
        (self.to, self.attempts, self.dead) = (event.sequence, 0, self.dead + 1);
        let (id, event_id, sequence) = (self.id, event.id.clone(), event.sequence);
        self.dead_letters.push(DeadLetter { id, event_id, sequence, attempts });
        self.tried.push(tried(event, attempts, DeliveryState::Dead, outcome));
        let is_failing = self.dead >= i64::from(schedule.max_dead);
        self.disable = is_failing.then_some(WebhookDisabledReason::Failing);
        !is_failing
    }

    /// How many attempts it has.
    #[must_use]
    pub fn attempts(&self) -> usize {
        self.tried.len()
    }

    /// When what failed is tried again.
    #[must_use]
    pub fn next_attempt_at(&self) -> Option<Timestamp> {
        self.next_attempt_at
    }

    /// Whether it must be written down; else what to remember of it.
    ///
    /// # Errors
    /// What to remember, where nothing must be written down.
    pub fn worth_writing(self) -> std::result::Result<Self, Passed> {
        if self.tried.is_empty() && self.to - self.from < SILENCE {
            return Err(Passed { stood: self.from, place: self.to });
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
    it.tried.iter().try_for_each(|tried| webhooks::log(tx, it.id, tried).map(drop))?;
    let (place, waits) = ((it.from, it.to), (it.attempts, it.next_attempt_at));
    if !webhooks::set_progress(tx, it.id, place, waits, it.dead)? {
        return Ok(());
    }
    let whose = tx.tenant().map_or(Target::Platform, Into::into);
    for letter in &it.dead_letters {
        tx.emit(EventType::WebhookDeadLettered, &whose, letter);
    }
    if let (Some(reason), WebhookState::Active) = (it.disable, webhook.state) {
        webhooks::set_state(tx, it.id, webhook.state.to(WebhookState::Disabled)?, Some(reason))?;
        told(tx, EventType::WebhookDisabled, it.id)?;
    }
    Ok(())
}
