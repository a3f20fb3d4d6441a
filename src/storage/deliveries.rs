//! Statements on `webhook_deliveries`, which both planes have.

use super::door::{Tx, WriteTx, sql};
use super::engine::{Listing, Row, SqlError, params};
use crate::domain::{
    Action, Attempt, Delivery, DeliveryFilter, DeliveryState, Direction, Page, PageRequest,
    Position, Result, WebhookId,
};

/// Days for which attempts are kept.
const KEPT_S: i64 = 30 * 24 * 3600;
/// Old attempts that are dropped for each that is added.
const SWEEP: i64 = 4;

/// The last attempt to tell a webhook of an event.
pub(crate) fn last_of(tx: &impl Tx, id: WebhookId, event_id: &str) -> Result<Option<Delivery>> {
    Ok(sql(tx).one(
        "select id, event_id, event_type, outbox_seq, attempt, state, response_status, error, duration_ms, attempted_at
        from webhook_deliveries where webhook_id = ?1 and event_id = ?2 order by id desc limit 1",
        params![id, event_id],
        delivery,
    )?)
}

/// What was tried: which event, at least how often, and what came of it.
#[derive(Debug, Clone)]
pub(crate) struct Tried {
    pub(crate) event_id: String,
    pub(crate) event_type: String,
    pub(crate) sequence: Option<i64>,
    pub(crate) attempt: i64,
    pub(crate) state: DeliveryState,
    pub(crate) outcome: Attempt,
}

/// Writes down an attempt. Attempts at one event are numbered on, also after a replay and while the webhook was disabled.
pub(crate) fn log<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    tried: &Tried,
) -> Result<Option<Delivery>> {
    let Tried { event_id, event_type, sequence, attempt, state, outcome } = tried;
    sql(tx).execute(
        "delete from webhook_deliveries where id in (
            select id from webhook_deliveries where attempted_at < ?1 order by attempted_at limit ?2
        )",
        params![tx.now().plus_seconds(-KEPT_S), SWEEP],
    )?;
    Ok(sql(tx).one(
        "insert into webhook_deliveries (tenant_id, webhook_id, event_id, event_type, outbox_seq, attempt, state,
            response_status, error, duration_ms, attempted_at)
        values (current_tenant(), ?1, ?2, ?3, ?4,
            max(?5, 1 + coalesce((
                select max(attempt) from webhook_deliveries where webhook_id = ?1 and event_id = ?2
            ), 0)),
            ?6, ?7, ?8, ?9, ?10)
        returning id, event_id, event_type, outbox_seq, attempt, state, response_status, error, duration_ms, attempted_at",
        params![
            id,
            event_id,
            event_type,
            *sequence,
            *attempt,
            *state,
            outcome.status.map(i64::from),
            outcome.error.as_deref(),
            outcome.duration_ms,
            outcome.at
        ],
        delivery,
    )?)
}

fn delivery(row: &mut Row<'_>) -> Result<Delivery, SqlError> {
    Ok(Delivery {
        id: row.next()?,
        event_id: row.next()?,
        event_type: row.next()?,
        sequence: row.next()?,
        attempt: row.next()?,
        state: row.next()?,
        response_status: row.next()?,
        error: row.next()?,
        duration_ms: row.next()?,
        attempted_at: row.next()?,
    })
}

/// A page of attempts, the newest first.
pub(crate) fn page(
    tx: &impl Tx,
    id: WebhookId,
    filter: &DeliveryFilter,
    page: &PageRequest,
) -> Result<Page<Delivery>> {
    let mut listing = Listing::new(
        "select id, event_id, event_type, outbox_seq, attempt, state, response_status, error, duration_ms, attempted_at
        from webhook_deliveries where tenant_id = current_tenant()",
    );
    listing.and("webhook_id = ?", id);
    listing.and_if("state = ?", filter.state);
    listing.and_if("event_id = ?", filter.event_id.as_deref());
    let (text, params) = listing.page_by_number("id", Direction::Descending, page);
    let rows = sql(tx).all(&text, &params, delivery)?;
    Ok(Page::cut(rows, page, |it| Position { key: it.id.to_string(), id: String::new() }))
}
