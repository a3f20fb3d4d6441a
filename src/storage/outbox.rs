//! The outbox of a file: events, written in the transaction that caused them.

use metrics::counter;

use super::engine::{Listing, Row, Sql, SqlError, params};
use crate::domain::{
    AuditRecord, Clock, Direction, Error, Event, EventEntry, EventFilter, EventType, Invited,
    IssuerRegistration, Membership, MembershipChange, Page, PageRequest, Position, Result,
    TenantId, TenantRenamed, Timestamp, Word, event_schema_path, tenant_ref,
};

/// Whether the registry's projection follows events of this type.
pub(in crate::storage) fn is_projected(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::MemberCreated
            | EventType::MemberUpdated
            | EventType::MemberDeleted
            | EventType::TenantUpdated
            | EventType::IssuerCreated
            | EventType::IssuerUpdated
            | EventType::IssuerDeleted
    ) || is_of_invitation(kind)
}

fn is_of_invitation(kind: EventType) -> bool {
    matches!(
        kind,
        EventType::InvitationCreated
            | EventType::InvitationAccepted
            | EventType::InvitationDeclined
            | EventType::InvitationRevoked
            | EventType::InvitationExpired
    )
}

/// The place of the last event.
pub(in crate::storage) fn end(sql: Sql<'_>) -> Result<i64, SqlError> {
    let last = sql.one("select coalesce(max(seq), 0) from outbox_events", &[], |row| row.next())?;
    Ok(last.unwrap_or(0))
}

/// Refuses a place beyond the last event: a reader who waited there would miss every event before it.
///
/// # Errors
/// [`Error::PositionUnknown`].
pub(in crate::storage) fn check_place(sql: Sql<'_>, place: i64) -> Result<()> {
    let newest = end(sql)?;
    if place > newest { Err(Error::PositionUnknown { newest }) } else { Ok(()) }
}

/// What the newest event of a type that happened to something belongs to.
pub(in crate::storage) fn correlation_of(
    sql: Sql<'_>,
    kind: EventType,
    subject: &str,
) -> Result<Option<String>, SqlError> {
    sql.one(
        "select correlation_id from outbox_events where type = ?1 and subject = ?2 order by seq desc limit 1",
        params![kind, subject],
        |row| row.next(),
    )
}

/// How many events that the projection follows stand behind a place, and when the first of them happened.
pub(in crate::storage) fn unfollowed(
    sql: Sql<'_>,
    after: i64,
) -> Result<Option<(i64, Timestamp)>, SqlError> {
    let events = sql.all(
        "select type, occurred_at from outbox_events where seq > ?1 order by seq",
        params![after],
        |row| Ok((row.next::<EventType>()?, row.next::<Timestamp>()?)),
    )?;
    let mut followed = events.into_iter().filter(|(kind, _)| is_projected(*kind));
    let first = followed.next().map(|(_, at)| at);
    Ok(first.map(|at| (1 + i64::try_from(followed.count()).unwrap_or(i64::MAX), at)))
}

/// Counts events that are on disk.
pub(in crate::storage) fn count(kinds: impl IntoIterator<Item = EventType>) {
    for kind in kinds {
        counter!("freehold_events_total", "type" => kind.as_str()).increment(1);
    }
}

/// Appends the events of one change.
pub(in crate::storage) fn append(
    sql: Sql<'_>,
    clock: &dyn Clock,
    record: &AuditRecord,
    events: &[Event],
) -> Result<()> {
    let mut seq = end(sql)?;
    for event in events {
        seq += 1;
        sql.execute(
            "insert into outbox_events (seq, id, tenant_id, type, subject, data, actor, actor_tenant, correlation_id,
                occurred_at)
            values (?1, ?2, current_tenant(), ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                seq,
                clock.new_id().to_string(),
                event.kind,
                &event.subject,
                event.data.to_string(),
                &record.actor,
                &record.actor_tenant,
                &record.correlation_id,
                record.at,
            ],
        )?;
    }
    Ok(())
}

/// What the registry's projection must follow after a place in the outbox, in order, and the outbox's end.
pub(in crate::storage) fn changes(
    sql: Sql<'_>,
    after: i64,
    limit: i64,
) -> Result<Vec<MembershipChange>, SqlError> {
    let rows = sql.all(
        "select seq, occurred_at, type, data from outbox_events where seq > ?1 order by seq limit ?2",
        params![after, limit],
        |row| Ok((row.next::<i64>()?, row.next::<Timestamp>()?, row.next::<EventType>()?, row.next::<String>()?)),
    )?;
    rows.into_iter()
        .map(|(seq, at, kind, data)| {
            let corrupt = |error: serde_json::Error| SqlError::corrupt(3, &error.to_string());
            let mut change = MembershipChange {
                seq,
                at,
                membership: None,
                renamed: None,
                invited: None,
                issuer: None,
            };
            match kind {
                EventType::TenantUpdated => {
                    change.renamed =
                        Some(serde_json::from_str::<TenantRenamed>(&data).map_err(corrupt)?);
                }
                kind if is_of_invitation(kind) => {
                    change.invited = Some(serde_json::from_str::<Invited>(&data).map_err(corrupt)?);
                }
                EventType::IssuerCreated | EventType::IssuerUpdated | EventType::IssuerDeleted => {
                    change.issuer =
                        Some(serde_json::from_str::<IssuerRegistration>(&data).map_err(corrupt)?);
                }
                kind if is_projected(kind) => {
                    change.membership =
                        Some(serde_json::from_str::<Membership>(&data).map_err(corrupt)?);
                }
                _ => {}
            }
            Ok(change)
        })
        .collect()
}

fn entry(row: &mut Row<'_>) -> Result<EventEntry, SqlError> {
    let (sequence, id, tenant) = (row.next()?, row.next()?, row.next::<String>()?);
    let (kind, subject, data) = (row.next::<String>()?, row.next()?, row.next::<String>()?);
    let tenant_id: Option<TenantId> = tenant.parse().ok();
    let dataschema = event_schema_path(&kind);
    Ok(EventEntry {
        specversion: "1.0".to_owned(),
        id,
        source: match tenant_id {
            Some(id) => format!("/v1/tenants/{id}"),
            None => "/v1/platform".to_owned(),
        },
        kind,
        subject,
        time: row.next()?,
        datacontenttype: "application/json".to_owned(),
        dataschema,
        data: serde_json::from_str(&data)
            .map_err(|error| SqlError::corrupt(5, &error.to_string()))?,
        tenantid: tenant_id,
        tenantref: tenant_ref(&tenant),
        actor: row.next()?,
        actortenantref: tenant_ref(&row.next::<String>()?),
        correlationid: row.next()?,
        sequence,
    })
}

/// The events behind a place, in their order.
pub(in crate::storage) fn behind(
    sql: Sql<'_>,
    after: i64,
    limit: u32,
) -> Result<Vec<EventEntry>, SqlError> {
    sql.all(
        "select seq, id, tenant_id, type, subject, data, occurred_at, actor, actor_tenant, correlation_id
        from outbox_events where seq > ?1 order by seq limit ?2",
        params![after, limit],
        entry,
    )
}

/// The last event of a type that a cause brought about.
pub(in crate::storage) fn last_of(
    sql: Sql<'_>,
    kind: EventType,
    correlation_id: &str,
) -> Result<Option<EventEntry>, SqlError> {
    sql.one(
        "select seq, id, tenant_id, type, subject, data, occurred_at, actor, actor_tenant, correlation_id
        from outbox_events where type = ?1 and correlation_id = ?2 order by seq desc limit 1",
        params![kind, correlation_id],
        entry,
    )
}

/// The place before the first event that happened at a time or later.
pub(in crate::storage) fn place_before(sql: Sql<'_>, at: Timestamp) -> Result<i64, SqlError> {
    let first = sql.one(
        "select seq - 1 from outbox_events where occurred_at >= ?1 order by seq limit 1",
        params![at],
        |row| row.next(),
    )?;
    first.map_or_else(|| end(sql), Ok)
}

/// A page of events, oldest first.
pub(in crate::storage) fn page(
    sql: Sql<'_>,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<EventEntry>> {
    let mut listing = Listing::new(
        "select seq, id, tenant_id, type, subject, data, occurred_at, actor, actor_tenant, correlation_id
        from outbox_events where tenant_id = current_tenant()",
    );
    listing.and_if("seq > ?", filter.after.map(i64::from));
    match filter.kind.as_ref().map(|kinds| (kinds.0.as_str(), kinds.0.beginning())) {
        Some((_, Some(beginning))) => listing.and_prefix("type >= ?", "type < ?", Some(beginning)),
        Some((kind, None)) => listing.and("type = ?", kind),
        None => {}
    }
    listing.and_if("subject = ?", filter.subject.as_deref());
    listing.and_if("correlation_id = ?", filter.correlation_id.as_deref());
    let (text, params) = listing.page_by_number("seq", Direction::Ascending, page);
    let rows = sql.all(&text, &params, entry)?;
    if let (true, Some(after)) = (rows.is_empty(), filter.after) {
        check_place(sql, after.into())?;
    }
    let weight = |event: &EventEntry| event.data.to_string().len();
    Ok(Page::cut_by_weight(rows, page, weight, |event| Position {
        key: event.sequence.to_string(),
        id: String::new(),
    }))
}
