//! Webhooks: where events are sent.
//!
//! Owner of a webhook and of how far it is: its row in the file whose events it is sent. Step: the registry notes first
//! that a tenant may have one. Events are sent in the right of whoever made it, or changed it last.

use crate::domain::action::{
    CreatesWebhook, DeletesWebhook, ListsWebhooks, ReplaysWebhook, RotatesWebhook, TestsWebhook,
    UpdatesWebhook,
};
use crate::domain::{
    Action, ActionPattern, ChangeWebhook, Conflict, Description, Error, EventType, NewWebhook,
    Page, PageRequest, Patterns, ReplayWebhook, Result, RotateWebhook, Target, Webhook,
    WebhookDisabledReason, WebhookId, WebhookSaid, WebhookState, Word,
};
use crate::storage::webhooks;
use crate::storage::{ReadTx, Tx, WriteTx};

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

/// Makes one, which is told of everything that happens from now on; and which of its secrets signs. The address was
/// checked before.
///
/// # Errors
/// [`Error::Forbidden`] where the caller may not read events; [`Conflict::WebhookLimit`]; a pattern that means no event.
pub fn create<A: CreatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    new: &NewWebhook,
) -> Result<(Webhook, i64)> {
    tx.hears_events()?;
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
    if patterns.is_empty() {
        return Err(Error::invalid("/event_types", "must have at least one pattern"));
    }
    for (index, pattern) in patterns.iter().enumerate() {
        if !EventType::ALL.iter().any(|kind| pattern.covers(kind.as_str())) {
            let detail = format!("no type of event is meant by {pattern}");
            return Err(Error::invalid(format!("/event_types/{index}"), detail));
        }
    }
    Ok(())
}

/// Changes where events are sent, which, or whether; from now on in the right of whoever does.
///
/// # Errors
/// [`Error::Forbidden`] where the caller may not read events; [`Error::NotFound`]; [`Error::Stale`]; [`Conflict::WrongState`]; a pattern that means no event.
pub fn update<A: UpdatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    change: &ChangeWebhook,
    version: i64,
) -> Result<Webhook> {
    tx.hears_events()?;
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
    if let Some(state) = change.state.filter(|state| *state != found.state) {
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
/// [`Error::NotFound`]; [`Conflict::WebhookRotating`] while the secret before is good for a time yet; a time that is too
/// long.
pub fn rotate<A: RotatesWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    asked: &RotateWebhook,
) -> Result<(Webhook, i64)> {
    let seconds = asked.check()?;
    let found = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    // Two sign at most: a third would end before its time what somebody was promised.
    if seconds > 0 && found.rotated_until.is_some_and(|until| tx.now() < until) {
        return Err(Error::Conflict(Conflict::WebhookRotating));
    }
    let until = tx.now().plus_seconds(i64::from(seconds));
    webhooks::rotate(tx, id, until)?;
    let rotated = told(tx, EventType::WebhookRotated, id)?;
    let endpoint = webhooks::endpoint_of(tx, id)?.ok_or(Error::NotFound)?;
    Ok((rotated, endpoint.generation))
}

/// Lets it be sent again what happened from a time or behind a place; from now on in the right of whoever asks.
///
/// # Errors
/// [`Error::Forbidden`] if the caller may not read events; [`Error::NotFound`]; [`Error::PositionUnknown`] for a place
/// beyond the last event; a request that says no place, or two.
pub fn replay<A: ReplaysWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
    from: &ReplayWebhook,
) -> Result<Webhook> {
    from.check()?;
    tx.hears_events()?;
    webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    let place = match (from.from, from.after) {
        (Some(at), _) => webhooks::place_before(tx, at)?,
        (None, after) => webhooks::known_place(tx, after.unwrap_or(0))?,
    };
    webhooks::rewind(tx, id, place)?;
    told(tx, EventType::WebhookReplayed, id)
}

/// Emits an event that means nothing, to be sent at once and by itself; which secret signs it, and by what it is found.
///
/// # Errors
/// [`Error::NotFound`] where there is no such webhook.
pub fn begin_test<A: TestsWebhook>(
    tx: &mut WriteTx<'_, A>,
    id: WebhookId,
) -> Result<(Webhook, i64, String)> {
    let tested = told(tx, EventType::WebhookTested, id)?;
    let endpoint = webhooks::endpoint_of(tx, id)?.ok_or(Error::NotFound)?;
    Ok((tested, endpoint.generation, tx.correlation_id().to_owned()))
}

pub(super) fn told<A: Action>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    id: WebhookId,
) -> Result<Webhook> {
    let webhook = webhooks::find(tx, id)?.ok_or(Error::NotFound)?;
    tell(tx, kind, &webhook);
    Ok(webhook)
}

/// Scheme, host and port of an address: what follows them is often a secret.
fn origin(url: &str) -> String {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find(['/', '?']).map_or(url.len(), |at| host + at);
    url[..end].to_owned()
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, webhook: &Webhook) {
    let whose = tx.tenant().map_or(Target::Platform, Into::into);
    let Webhook { id, state, disabled_reason, version, .. } = *webhook;
    let (origin, event_types) = (origin(&webhook.url), webhook.event_types.clone());
    tx.emit(
        kind,
        &whose,
        &WebhookSaid { id, origin, event_types, state, disabled_reason, version },
    );
}
