//! Statements on `webhooks`, which both planes have.

use super::door::{Tx, WriteTx, has_webhooks, sql};
use super::engine::{Listing, Row, Sql, SqlError, params};
use crate::domain::{
    Action, Description, Direction, EventEntry, EventType, Page, PageRequest, Patterns, Position,
    Result, Timestamp, Webhook, WebhookDisabledReason, WebhookId, WebhookState,
};
use crate::storage::outbox;

/// A webhook as whoever sends must know it.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    pub(crate) webhook: Webhook,
    /// Which of its secrets signs.
    pub(crate) generation: i64,
    /// Dead letters in a row.
    pub(crate) dead: i64,
    /// Milliseconds from the last failure to the next attempt.
    pub(crate) wait_ms: Option<i64>,
}

/// How far a webhook is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Progress {
    /// The place that it had.
    pub(crate) from: i64,
    /// The place that it has now.
    pub(crate) to: i64,
    /// Failed attempts at the next event.
    pub(crate) attempts: i64,
    /// When the next attempt is due, if one failed.
    pub(crate) wait: Option<Wait>,
    /// Dead letters in a row.
    pub(crate) dead: i64,
}

/// A wait for the next attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When it ends.
    pub(crate) until: Timestamp,
    /// How long it is, in milliseconds: what is left of it is never more, wherever the clock was set.
    pub(crate) ms: i64,
}

impl Wait {
    /// A wait that begins at a time.
    pub(crate) fn from(at: Timestamp, ms: i64) -> Self {
        Self { until: Timestamp(at.0.saturating_add(ms.saturating_mul(1000))), ms }
    }
}

fn webhook(row: &mut Row<'_>) -> Result<Webhook, SqlError> {
    Ok(Webhook {
        id: row.next()?,
        url: row.next()?,
        description: row.next()?,
        event_types: row.next()?,
        state: row.next()?,
        disabled_reason: row.next()?,
        sequence: row.next()?,
        attempts: row.next()?,
        next_attempt_at: row.next()?,
        rotated_until: row.next()?,
        created_by: row.next()?,
        granted_by: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

fn endpoint(row: &mut Row<'_>) -> Result<Endpoint, SqlError> {
    Ok(Endpoint {
        webhook: webhook(row)?,
        generation: row.next()?,
        dead: row.next()?,
        wait_ms: row.next()?,
    })
}

/// One webhook.
pub(crate) fn find(tx: &impl Tx, id: WebhookId) -> Result<Option<Webhook>> {
    Ok(endpoint_of(tx, id)?.map(|endpoint| endpoint.webhook))
}

/// One webhook, with what signs.
pub(crate) fn endpoint_of(tx: &impl Tx, id: WebhookId) -> Result<Option<Endpoint>> {
    Ok(sql(tx).one(
        "select id, url, description, event_types, state, disabled_reason, outbox_seq, attempts, next_attempt_at,
            rotated_until, created_by, granted_by, created_at, updated_at, version, generation, dead, wait_ms
        from webhooks where id = ?1",
        params![id],
        endpoint,
    )?)
}

/// Those that are active, the oldest first.
pub(crate) fn active(tx: &impl Tx) -> Result<Vec<WebhookId>> {
    Ok(sql(tx)
        .all("select id from webhooks where state = 'active' order by id", &[], |row| row.next())?)
}

/// The last event of a type that a cause brought about.
pub(crate) fn event_of(
    tx: &impl Tx,
    kind: EventType,
    correlation_id: &str,
) -> Result<Option<EventEntry>> {
    Ok(outbox::last_of(sql(tx), kind, correlation_id)?)
}

/// Whether any is active.
pub(in crate::storage) fn is_any_active(sql: Sql<'_>) -> Result<bool, SqlError> {
    let found: Option<i64> =
        sql.one("select 1 from webhooks where state = 'active' limit 1", &[], |row| row.next())?;
    Ok(found.is_some())
}

/// A page of webhooks, the oldest first.
pub(crate) fn page(tx: &impl Tx, page: &PageRequest) -> Result<Page<Webhook>> {
    let listing = Listing::new(
        "select id, url, description, event_types, state, disabled_reason, outbox_seq, attempts, next_attempt_at,
            rotated_until, created_by, granted_by, created_at, updated_at, version
        from webhooks where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page_by_id("id", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, webhook)?;
    Ok(Page::cut(rows, page, |it| Position { key: String::new(), id: it.id.to_string() }))
}

/// How many there are.
pub(crate) fn count(tx: &impl Tx) -> Result<i64> {
    let count = sql(tx).one("select count(*) from webhooks", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// The place of the last event.
pub(crate) fn last_event(tx: &impl Tx) -> Result<i64> {
    Ok(outbox::end(sql(tx))?)
}

/// A place in the log.
///
/// # Errors
/// [`crate::domain::Error::PositionUnknown`] if it is beyond the last event.
pub(crate) fn known_place(tx: &impl Tx, place: i64) -> Result<i64> {
    outbox::check_place(sql(tx), place)?;
    Ok(place)
}

/// The place before the first event that happened at a time or later.
pub(crate) fn place_before(tx: &impl Tx, at: Timestamp) -> Result<i64> {
    Ok(outbox::place_before(sql(tx), at)?)
}

/// The events behind a place.
pub(crate) fn events_behind(tx: &impl Tx, after: i64, limit: u32) -> Result<Vec<EventEntry>> {
    Ok(outbox::behind(sql(tx), after, limit)?)
}

/// Makes a webhook, which is told of everything that happens from now on.
pub(crate) fn insert<A: Action>(
    tx: &WriteTx<'_, A>,
    (url, description, event_types): (&str, &Description, &Patterns),
    by: &str,
) -> Result<Option<Webhook>> {
    has_webhooks(tx);
    let id: WebhookId = tx.new_id();
    sql(tx).execute(
        "insert into webhooks (id, tenant_id, url, description, event_types, state, outbox_seq, created_by,
            granted_by, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?8, ?8)",
        params![
            id,
            url,
            description,
            event_types,
            WebhookState::Active,
            last_event(tx)?,
            by,
            tx.now()
        ],
    )?;
    find(tx, id)
}

/// Changes it, if it has the version expected; says whether it had. Another address is tried at once.
pub(crate) fn update<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    (url, description, event_types): (&str, &Description, &Patterns),
    version: i64,
) -> Result<bool> {
    let by = tx.caller().subject.name();
    let updated = sql(tx).execute(
        "update webhooks
        set url = ?2, description = ?3, event_types = ?4, granted_by = ?7, updated_at = ?5, version = version + 1,
            next_attempt_at = case when url = ?2 then next_attempt_at end
        where id = ?1 and version = ?6",
        params![id, url, description, event_types, tx.now(), version, &by],
    )?;
    Ok(updated > 0)
}

/// Puts it into a state, with the reason for it; it begins anew with what it was told last.
pub(crate) fn set_state<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    state: WebhookState,
    reason: Option<WebhookDisabledReason>,
) -> Result<()> {
    has_webhooks(tx);
    sql(tx).execute(
        "update webhooks
        set state = ?2, disabled_reason = ?3, attempts = 0, dead = 0, next_attempt_at = null, updated_at = ?4,
            version = version + 1
        where id = ?1",
        params![id, state, reason, tx.now()],
    )?;
    Ok(())
}

/// Lets another secret sign, and the one before it too until a time.
pub(crate) fn rotate<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    until: Timestamp,
) -> Result<()> {
    sql(tx).execute(
        "update webhooks
        set generation = generation + 1, rotated_until = ?2, updated_at = ?3, version = version + 1
        where id = ?1",
        params![id, until, tx.now()],
    )?;
    Ok(())
}

/// Lets it begin again behind a place.
pub(crate) fn rewind<A: Action>(tx: &WriteTx<'_, A>, id: WebhookId, place: i64) -> Result<()> {
    let by = tx.caller().subject.name();
    sql(tx).execute(
        "update webhooks
        set outbox_seq = ?2, attempts = 0, dead = 0, next_attempt_at = null, granted_by = ?4, updated_at = ?3,
            version = version + 1
        where id = ?1",
        params![id, place, tx.now(), &by],
    )?;
    Ok(())
}

/// Notes how far it is, unless somebody rewound it meanwhile; says whether it was noted.
pub(crate) fn set_progress<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    Progress { from, to, attempts, wait, dead }: Progress,
) -> Result<bool> {
    let moved = sql(tx).execute(
        "update webhooks set outbox_seq = ?3, attempts = ?4, next_attempt_at = ?5, wait_ms = ?6, dead = ?7
        where id = ?1 and outbox_seq = ?2",
        params![id, from, to, attempts, wait.map(|it| it.until), wait.map(|it| it.ms), dead],
    )?;
    Ok(moved > 0)
}

/// Moves the end of a wait, if nothing else did meanwhile.
pub(crate) fn set_wait<A: Action>(
    tx: &WriteTx<'_, A>,
    id: WebhookId,
    before: Timestamp,
    wait: Wait,
) -> Result<()> {
    sql(tx).execute(
        "update webhooks set next_attempt_at = ?3, wait_ms = ?4 where id = ?1 and next_attempt_at = ?2",
        params![id, before, wait.until, wait.ms],
    )?;
    Ok(())
}

/// Deletes it with its log, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action>(tx: &WriteTx<'_, A>, id: WebhookId, version: i64) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from webhooks where id = ?1 and version = ?2", params![id, version])?;
    Ok(deleted > 0)
}
