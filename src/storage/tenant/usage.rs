//! Statements on `usage_records`, `usage_counters` and `quota_snapshots`.
//!
//! Triggers write the records; what is written here are usage events, and what belongs to a whole transaction: its time
//! and its cause.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Dimension, Direction, MeterPeriod, Page, PageRequest, Position, Result, Timestamp,
    UsageFilter, UsageRecord, UsageSnapshot,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

/// What a transaction changed of what is used.
#[derive(Debug)]
pub(in crate::storage) struct Moved {
    pub(in crate::storage) dimension: Dimension,
    pub(in crate::storage) period: MeterPeriod,
    pub(in crate::storage) period_start: Timestamp,
    pub(in crate::storage) delta: i64,
    pub(in crate::storage) used: i64,
}

/// The sum of a dimension's records, of one period.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counter {
    pub(crate) dimension: Dimension,
    pub(crate) period_start: Timestamp,
    pub(crate) period: MeterPeriod,
    pub(crate) used: i64,
}

impl Counter {
    /// What is counted by rows, and for good.
    pub(in crate::storage) fn of_rows(dimension: Dimension, used: i64) -> Self {
        Self { dimension, period_start: Timestamp(0), period: MeterPeriod::Always, used }
    }
}

/// The place of the last record.
pub(in crate::storage) fn last(sql: Sql<'_>) -> Result<i64, SqlError> {
    let last = sql.one("select coalesce(max(seq), 0) from usage_records", &[], |row| row.next())?;
    Ok(last.unwrap_or(0))
}

/// What the records behind a place come to.
pub(in crate::storage) fn moved(sql: Sql<'_>, since: i64) -> Result<Vec<Moved>, SqlError> {
    sql.all(
        "select c.dimension, max(r.period), c.period_start, sum(r.delta), c.used
        from usage_records r
        join usage_counters c on c.dimension = r.dimension and c.period_start = r.period_start
        where r.seq > ?1
        group by c.dimension, c.period_start, c.used",
        params![since],
        |row| {
            Ok(Moved {
                dimension: row.next()?,
                period: row.next()?,
                period_start: row.next()?,
                delta: row.next()?,
                used: row.next()?,
            })
        },
    )
}

/// Gives the records behind a place their time and their cause.
pub(in crate::storage) fn date(
    sql: Sql<'_>,
    since: i64,
    now: Timestamp,
    correlation: &str,
) -> Result<(), SqlError> {
    sql.execute(
        "update usage_records
        set recorded_at = ?2, correlation_id = ?3, occurred_at = case occurred_at when 0 then ?2 else occurred_at end
        where seq > ?1",
        params![since, now, correlation],
    )?;
    Ok(())
}

/// Records a usage event; says whether it is new.
pub(crate) fn record<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    event: (&Dimension, &str),
    period: MeterPeriod,
    quantity: i64,
    at: Timestamp,
) -> Result<bool> {
    let (dimension, id) = event;
    let recorded = sql(tx).execute(
        "insert into usage_records (tenant_id, dimension, period, period_start, delta, occurred_at, event_id)
        values (current_tenant(), ?1, ?2, ?3, ?4, ?5, ?6)
        on conflict (dimension, event_id) where event_id is not null do nothing",
        params![dimension, period, period.start(at), quantity, at, id],
    )?;
    Ok(recorded > 0)
}

/// What is used of a dimension in a period.
pub(crate) fn used(
    tx: &impl Tx<Plane = TenantPlane>,
    dimension: &Dimension,
    period_start: Timestamp,
) -> Result<i64> {
    let used = sql(tx).one(
        "select used from usage_counters where dimension = ?1 and period_start = ?2",
        params![dimension, period_start],
        |row| row.next(),
    )?;
    Ok(used.unwrap_or(0))
}

fn counter(row: &mut Row<'_>) -> Result<Counter, SqlError> {
    Ok(Counter {
        dimension: row.next()?,
        period_start: row.next()?,
        period: row.next()?,
        used: row.next()?,
    })
}

/// Every dimension that was ever counted.
pub(crate) fn dimensions(tx: &impl Tx<Plane = TenantPlane>) -> Result<Vec<Dimension>> {
    Ok(sql(tx).all("select distinct dimension from usage_counters", &[], |row| row.next())?)
}

/// Takes a snapshot of every counter that has moved since its last one; what was taken.
pub(crate) fn snapshot<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
) -> Result<Vec<UsageSnapshot>> {
    Ok(sql(tx).all(
        "insert into quota_snapshots (dimension, period_start, record_seq, tenant_id, used, taken_at)
        select c.dimension, c.period_start, r.seq, c.tenant_id, c.used, ?1
        from usage_counters c
        join (
            select dimension, period_start, max(seq) as seq from usage_records
            where seq > (select coalesce(max(record_seq), 0) from quota_snapshots)
            group by dimension, period_start
        ) r on r.dimension = c.dimension and r.period_start = c.period_start
        where true
        on conflict (dimension, period_start, record_seq) do nothing
        returning dimension, period_start, used, record_seq, taken_at",
        params![tx.now()],
        taken,
    )?)
}

fn taken(row: &mut Row<'_>) -> Result<UsageSnapshot, SqlError> {
    Ok(UsageSnapshot {
        dimension: row.next()?,
        period_started_at: begun(row)?,
        used: row.next()?,
        sequence: row.next()?,
        taken_at: row.next()?,
    })
}

fn begun(row: &mut Row<'_>) -> Result<Option<Timestamp>, SqlError> {
    let start: Timestamp = row.next()?;
    Ok(Some(start).filter(|start| start.0 > 0))
}

/// The counters as their records say, behind the oldest snapshot of each.
pub(in crate::storage) fn rebuilt(sql: Sql<'_>) -> Result<Vec<Counter>, SqlError> {
    sql.all(
        "with bases as (
            select dimension, period_start, used, min(record_seq) as seq from quota_snapshots
            group by dimension, period_start
        )
        select n.dimension, n.period_start, max(n.period), coalesce(b.used, 0) + coalesce((
            select sum(r.delta) from usage_records r
            where r.dimension = n.dimension and r.period_start = n.period_start and r.seq > coalesce(b.seq, 0)
        ), 0)
        from (
            select dimension, period_start, period from usage_records
            union
            select dimension, period_start, 'always' from quota_snapshots
            union
            select dimension, period_start, period from usage_counters
        ) n
        left join bases b on b.dimension = n.dimension and b.period_start = n.period_start
        group by n.dimension, n.period_start, b.used, b.seq
        order by n.dimension, n.period_start",
        &[],
        counter,
    )
}

/// What there is of everything that is counted by rows.
pub(in crate::storage) fn there(sql: Sql<'_>) -> Result<Vec<(Dimension, i64)>, SqlError> {
    sql.all(
        "select 'members', count(*) from org_members where state <> 'removed'
        union all select 'teams', count(*) from teams
        union all select 'workspaces', count(*) from workspaces
        union all select 'resources', count(*) from resources
        union all select 'resources.' || type, count(*) from resources group by type
        union all select 'storage_bytes', coalesce(sum(octet_length(name) + octet_length(attributes)), 0) from resources",
        &[],
        |row| Ok((row.next()?, row.next()?)),
    )
}

/// The counters as they stand.
pub(in crate::storage) fn standing(sql: Sql<'_>) -> Result<Vec<Counter>, SqlError> {
    sql.all(
        "select dimension, period_start, period, used from usage_counters order by dimension, period_start",
        &[],
        counter,
    )
}

/// Snapshots that do not follow from the one before them and the records between.
pub(in crate::storage) fn odd_snapshots(sql: Sql<'_>) -> Result<i64, SqlError> {
    let odd = sql.one(
        "select count(*) from (
            select used - lag(used) over before as risen, dimension, period_start, record_seq,
                lag(record_seq) over before as since
            from quota_snapshots
            window before as (partition by dimension, period_start order by record_seq)
        ) s
        where s.since is not null and s.risen <> (
            select coalesce(sum(r.delta), 0) from usage_records r
            where r.dimension = s.dimension and r.period_start = s.period_start
                and r.seq > s.since and r.seq <= s.record_seq
        )",
        &[],
        |row| row.next(),
    )?;
    Ok(odd.unwrap_or(0))
}

/// Puts a counter right.
pub(crate) fn put<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    counter: &Counter,
) -> Result<()> {
    let Counter { dimension, period_start, period, used } = counter;
    sql(tx).execute(
        "insert into usage_counters (dimension, period_start, tenant_id, period, used)
        values (?1, ?2, current_tenant(), ?3, ?4)
        on conflict (dimension, period_start) do update set period = excluded.period, used = excluded.used",
        params![dimension, *period_start, *period, *used],
    )?;
    Ok(())
}

/// A page of records, the newest first.
pub(crate) fn records(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &UsageFilter,
    page: &PageRequest,
) -> Result<Page<UsageRecord>> {
    let mut listing = Listing::new(
        "select seq, dimension, period_start, delta, occurred_at, recorded_at, event_id, correlation_id
        from usage_records where tenant_id = current_tenant()",
    );
    listing.and_if("dimension = ?", filter.dimension.as_ref());
    listing.and_if("occurred_at >= ?", filter.from);
    listing.and_if("occurred_at < ?", filter.to);
    let (text, params) = listing.page_by_number("seq", Direction::Descending, page);
    let rows = sql(tx).all(&text, &params, |row| {
        Ok(UsageRecord {
            sequence: row.next()?,
            dimension: row.next()?,
            period_started_at: begun(row)?,
            delta: row.next()?,
            occurred_at: row.next()?,
            recorded_at: row.next()?,
            event_id: row.next()?,
            correlation_id: row.next()?,
        })
    })?;
    let position = |it: &UsageRecord| Position { key: it.sequence.to_string(), id: String::new() };
    Ok(Page::cut(rows, page, position))
}

/// A page of snapshots, the newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &UsageFilter,
    page: &PageRequest,
) -> Result<Page<UsageSnapshot>> {
    let mut listing = Listing::new(
        "select dimension, period_start, used, record_seq, taken_at from quota_snapshots
        where tenant_id = current_tenant()",
    );
    listing.and_if("dimension = ?", filter.dimension.as_ref());
    listing.and_if("taken_at >= ?", filter.from);
    listing.and_if("taken_at < ?", filter.to);
    let number = |key: &str| Param::Int(key.parse().unwrap_or_default());
    let (text, params) =
        listing.page(("record_seq", "dimension"), Direction::Descending, page, number);
    let rows = sql(tx).all(&text, &params, taken)?;
    // A record is of one dimension; what was counted before there were records has none.
    let position = |it: &UsageSnapshot| Position {
        key: it.sequence.to_string(),
        id: it.dimension.to_string(),
    };
    Ok(Page::cut(rows, page, position))
}
