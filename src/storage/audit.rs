//! The audit log of a file: append-only, and hash-chained from its first row.
//!
//! A row's hash is SHA-256 over the hash before it and every column, each preceded by its length in eight bytes, so
//! that no two rows can be written the same way.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

use super::engine::{Listing, Raw, Row, Sql, SqlError, params};
use crate::domain::{
    AuditCheckpoint, AuditDecision, AuditEntry, AuditFilter, AuditProblem, AuditRecord,
    AuditVerification, BadAuditRow, Direction, Page, PageRequest, Position, Result, Timestamp,
    Word, tenant_ref,
};

/// The hash before the first row's.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Rows that are looked at in one go.
const STRIDE: i64 = 1000;
/// What a row's hash is made of: the hash before it, and its columns.
const COLUMNS: usize = 18;
/// Where among the columns, behind the hash before, the action and the summary stand.
const ACTION: usize = 11;
const SUMMARY: usize = 16;
/// What the program does when it lets rows go.
const RETAINED: &str = "system.retain";

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct Head {
    /// The last row's place; 0 in an empty log.
    pub(in crate::storage) seq: i64,
    /// The last row's hash.
    pub(in crate::storage) hash: String,
}

/// The end of the chain.
pub(in crate::storage) fn head(sql: Sql<'_>) -> Result<Head, SqlError> {
    let head =
        sql.one("select seq, hash from audit_log order by seq desc limit 1", &[], |row| {
            Ok(Head { seq: row.next()?, hash: row.next()? })
        })?;
    Ok(head.unwrap_or_else(|| Head { seq: 0, hash: GENESIS.to_owned() }))
}

/// Appends a row.
pub(in crate::storage) fn append(sql: Sql<'_>, record: &AuditRecord) -> Result<()> {
    let head = head(sql)?;
    let seq = head.seq + 1;
    let hash = hash(&head.hash, seq, record);
    sql.execute(
        "insert into audit_log (seq, tenant_id, at, actor, actor_tenant, on_behalf, account_id, target_tenant,
            target_type, target_id, workspace_id, resource_id, action, decision, policies, correlation_id, request_id,
            summary, previous_hash, hash)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)",
        params![
            seq,
            record.at,
            &record.actor,
            &record.actor_tenant,
            record.on_behalf.as_deref(),
            record.account,
            &record.target_tenant,
            &record.target_type,
            &record.target_id,
            record.workspace_id.as_deref(),
            record.resource_id.as_deref(),
            &record.action,
            record.decision,
            &record.policies,
            &record.correlation_id,
            &record.request_id,
            &record.summary,
            &head.hash,
            &hash,
        ],
    )?;
    Ok(())
}

fn hash(previous: &str, seq: i64, record: &AuditRecord) -> String {
    let account = record.account.map(|id| id.to_string());
    let (seq, at) = (seq.to_string(), record.at.0.to_string());
    let columns: [Option<&str>; COLUMNS] = [
        Some(previous),
        Some(&seq),
        Some(&at),
        Some(&record.actor),
        Some(&record.actor_tenant),
        record.on_behalf.as_deref(),
        account.as_deref(),
        Some(&record.target_tenant),
        Some(&record.target_type),
        Some(&record.target_id),
        record.workspace_id.as_deref(),
        record.resource_id.as_deref(),
        Some(&record.action),
        Some(record.decision.as_str()),
        Some(&record.policies),
        Some(&record.correlation_id),
        Some(&record.request_id),
        Some(&record.summary),
    ];
    digest(columns.iter().map(|column| column.map(str::as_bytes)))
}

/// The hash of columns, in their order.
fn digest<'c>(columns: impl Iterator<Item = Option<&'c [u8]>>) -> String {
    let mut digest = Context::new(&SHA256);
    for column in columns {
        // Absence has a length that no text has.
        let length = column.map_or(u64::MAX, |text| text.len() as u64);
        digest.update(&length.to_be_bytes());
        digest.update(column.unwrap_or_default());
    }
    hex(digest.finish().as_ref())
}

/// Bytes as lower-case hexadecimal text.
pub(in crate::storage) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

struct Link {
    seq: i64,
    previous: String,
    hash: String,
    record: AuditRecord,
}

fn link(row: &mut Row<'_>) -> Result<Link, SqlError> {
    let seq = row.next()?;
    let record = AuditRecord {
        at: row.next()?,
        actor: row.next()?,
        actor_tenant: row.next()?,
        on_behalf: row.next()?,
        account: row.next()?,
        target_tenant: row.next()?,
        target_type: row.next()?,
        target_id: row.next()?,
        workspace_id: row.next()?,
        resource_id: row.next()?,
        action: row.next()?,
        decision: row.next::<AuditDecision>()?,
        policies: row.next()?,
        correlation_id: row.next()?,
        request_id: row.next()?,
        summary: row.next()?,
    };
    Ok(Link { seq, previous: row.next()?, hash: row.next()?, record })
}

/// How far a walk along the chain has come.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Walk {
    head: Head,
    rows: i64,
    checkpoint: Option<AuditCheckpoint>,
    /// A row says that the checkpoint was made.
    is_founded: bool,
    /// The row that the registry has seen, which must be there.
    anchor: Option<Head>,
    bad: Option<BadAuditRow>,
}

/// A row as it is stored, whatever that is: each column in bytes.
struct Stored {
    seq: i64,
    tenant: Raw,
    /// Those that are hashed, but for the hash before, in their order.
    columns: Vec<Raw>,
    previous: Raw,
    hash: Raw,
}

fn stored(row: &mut Row<'_>) -> Result<Stored, SqlError> {
    let (seq, tenant) = (row.next()?, row.next()?);
    let columns: Result<Vec<Raw>, SqlError> = (1..COLUMNS).map(|_| row.next()).collect();
    Ok(Stored { seq, tenant, columns: columns?, previous: row.next()?, hash: row.next()? })
}

/// The newest checkpoint, where rows have gone.
pub(in crate::storage) fn checkpoint(sql: Sql<'_>) -> Result<Option<AuditCheckpoint>, SqlError> {
    sql.one(
        "select seq, hash, removed, first_at, last_at from audit_checkpoints order by seq desc limit 1",
        &[],
        |row| {
            Ok(AuditCheckpoint {
                seq: row.next()?,
                hash: row.next()?,
                removed: row.next()?,
                first_at: row.next()?,
                last_at: row.next()?,
            })
        },
    )
}

impl Walk {
    /// Begins behind the newest checkpoint.
    pub(in crate::storage) fn begin(sql: Sql<'_>, anchor: Option<Head>) -> Result<Self, SqlError> {
        let checkpoint = checkpoint(sql)?;
        let genesis = || Head { seq: 0, hash: GENESIS.to_owned() };
        let head = checkpoint.as_ref().map_or_else(genesis, |checkpoint| Head {
            seq: checkpoint.seq,
            hash: checkpoint.hash.clone(),
        });
        let is_founded = checkpoint.is_none();
        Ok(Self { head, rows: 0, checkpoint, is_founded, anchor, bad: None })
    }

    /// Looks at the next rows; says whether there are more to look at.
    pub(in crate::storage) fn step(
        &mut self,
        sql: Sql<'_>,
        tenant: &str,
    ) -> Result<bool, SqlError> {
        let rows = sql.all(
            "select seq, tenant_id, seq, at, actor, actor_tenant, on_behalf, account_id, target_tenant, target_type,
                target_id, workspace_id, resource_id, action, decision, policies, correlation_id, request_id, summary,
                previous_hash, hash
            from audit_log where seq > ?1 order by seq limit ?2",
            params![self.head.seq, STRIDE],
            stored,
        )?;
        let is_end = rows.is_empty();
        for row in rows {
            if let Some(problem) = self.look_at(&row, tenant) {
                let seq = self.head.seq + 1;
                self.bad = Some(BadAuditRow { seq, problem });
                return Ok(false);
            }
        }
        Ok(!is_end)
    }

    fn look_at(&mut self, row: &Stored, tenant: &str) -> Option<AuditProblem> {
        if row.seq != self.head.seq + 1 {
            return Some(AuditProblem::Missing);
        }
        let previous = self.head.hash.as_bytes();
        if row.previous.0.as_deref() != Some(previous) {
            return Some(AuditProblem::Detached);
        }
        let columns = row.columns.iter().map(|column| column.0.as_deref());
        let hash = digest(std::iter::once(Some(previous)).chain(columns));
        let is_own = row.tenant.0.as_deref() == Some(tenant.as_bytes());
        if row.hash.0.as_deref() != Some(hash.as_bytes()) || !is_own {
            return Some(AuditProblem::Changed);
        }
        let is_anchor = |anchor: &Head| anchor.seq == row.seq && anchor.hash != hash;
        if self.anchor.as_ref().is_some_and(is_anchor) {
            return Some(AuditProblem::Replaced);
        }
        self.is_founded |= self.founds(row);
        self.head = Head { seq: row.seq, hash };
        self.rows += 1;
        None
    }

    /// Whether a row says that the checkpoint was made.
    fn founds(&self, row: &Stored) -> bool {
        let Some(checkpoint) = &self.checkpoint else { return false };
        let text = |index: usize| row.columns.get(index).and_then(|raw| raw.0.as_deref());
        let says = || {
            let summary: Value = serde_json::from_slice(text(SUMMARY)?).ok()?;
            let made = serde_json::to_value(checkpoint).ok()?;
            Some(summary.get("data")? == &made)
        };
        text(ACTION) == Some(RETAINED.as_bytes()) && says().unwrap_or(false)
    }

    /// What came of it.
    pub(in crate::storage) fn end(mut self) -> AuditVerification {
        let anchored_seq = self.anchor.as_ref().map(|anchor| anchor.seq);
        if self.bad.is_none() && anchored_seq.is_some_and(|seq| seq > self.head.seq) {
            let problem = AuditProblem::Missing;
            self.bad = Some(BadAuditRow { seq: self.head.seq + 1, problem });
        }
        if let (None, false, Some(checkpoint)) = (&self.bad, self.is_founded, &self.checkpoint) {
            let (seq, problem) = (checkpoint.seq, AuditProblem::Unfounded);
            self.bad = Some(BadAuditRow { seq, problem });
        }
        AuditVerification {
            intact: self.bad.is_none(),
            rows: self.rows,
            last_seq: self.head.seq,
            last_hash: self.head.hash,
            anchored_seq,
            checkpoint: self.checkpoint,
            bad: self.bad,
        }
    }
}

/// Walks the whole chain.
pub(in crate::storage) fn verify(
    sql: Sql<'_>,
    tenant: &str,
    anchor: Option<Head>,
) -> Result<AuditVerification, SqlError> {
    let mut walk = Walk::begin(sql, anchor)?;
    while walk.step(sql, tenant)? {}
    Ok(walk.end())
}

/// Lets rows go that are older than a time, but for the last one and what lies behind `before`; what is left of them.
pub(in crate::storage) fn trim(
    sql: Sql<'_>,
    older_than: Timestamp,
    before: i64,
    now: Timestamp,
) -> Result<Option<AuditCheckpoint>, SqlError> {
    let first = sql.one("select seq, at from audit_log order by seq limit 1", &[], |row| {
        Ok((row.next::<i64>()?, row.next::<Timestamp>()?))
    })?;
    let Some((first_seq, first_at)) = first else { return Ok(None) };
    let last = sql.one(
        "select seq, hash, at from audit_log
        where seq < coalesce((select min(seq) from audit_log where at >= ?1), ?2) and seq < ?2
        order by seq desc limit 1",
        params![older_than, before],
        |row| Ok((row.next::<i64>()?, row.next::<String>()?, row.next::<Timestamp>()?)),
    )?;
    let Some((seq, hash, last_at)) = last else { return Ok(None) };
    let removed = seq - first_seq + 1;
    sql.execute(
        "insert into audit_checkpoints (seq, tenant_id, hash, removed, first_at, last_at, created_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6)",
        params![seq, &hash, removed, first_at, last_at, now],
    )?;
    sql.conn().let_go(|| sql.execute("delete from audit_log where seq <= ?1", params![seq]))?;
    Ok(Some(AuditCheckpoint { seq, hash, removed, first_at, last_at }))
}

fn entry(row: &mut Row<'_>) -> Result<AuditEntry, SqlError> {
    let tenant: String = row.next()?;
    let Link { seq, previous, hash, record } = link(row)?;
    let json = |column, text: &str| -> Result<serde_json::Value, SqlError> {
        serde_json::from_str(text).map_err(|error| SqlError::corrupt(column, &error.to_string()))
    };
    let policies = serde_json::from_value(json(14, &record.policies)?);
    Ok(AuditEntry {
        seq,
        at: record.at,
        tenant_id: tenant.parse().ok(),
        tenant_ref: tenant_ref(&tenant),
        actor: record.actor,
        actor_tenant_id: record.actor_tenant.parse().ok(),
        actor_tenant_ref: tenant_ref(&record.actor_tenant),
        on_behalf: record.on_behalf,
        account_id: record.account,
        target_tenant_id: record.target_tenant.parse().ok(),
        target_tenant_ref: tenant_ref(&record.target_tenant),
        target_type: record.target_type,
        target_id: record.target_id,
        workspace_id: record.workspace_id.as_deref().and_then(|id| id.parse().ok()),
        resource_id: record.resource_id.as_deref().and_then(|id| id.parse().ok()),
        action: record.action,
        decision: record.decision,
        policies: policies.map_err(|error| SqlError::corrupt(14, &error.to_string()))?,
        correlation_id: record.correlation_id,
        request_id: record.request_id,
        summary: json(17, &record.summary)?,
        previous_hash: previous,
        hash,
    })
}

/// A page of the log, newest first.
pub(in crate::storage) fn page(
    sql: Sql<'_>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    list(sql, filter, page, Direction::Descending)
}

/// A page of the log, oldest first.
pub(in crate::storage) fn stretch(
    sql: Sql<'_>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    list(sql, filter, page, Direction::Ascending)
}

fn list(
    sql: Sql<'_>,
    filter: &AuditFilter,
    page: &PageRequest,
    direction: Direction,
) -> Result<Page<AuditEntry>> {
    let mut listing = Listing::new(
        "select tenant_id, seq, at, actor, actor_tenant, on_behalf, account_id, target_tenant, target_type, target_id,
            workspace_id, resource_id, action, decision, policies, correlation_id, request_id, summary,
            previous_hash, hash
        from audit_log where tenant_id = current_tenant()",
    );
    listing.and_if("actor = ?", filter.actor.as_deref());
    match filter.action.as_ref().map(|pattern| (pattern.as_str(), pattern.beginning())) {
        Some((_, Some(beginning))) => {
            listing.and_prefix("action >= ?", "action < ?", Some(beginning));
        }
        Some((action, None)) => listing.and("action = ?", action),
        None => {}
    }
    listing.and_if("decision = ?", filter.decision);
    listing.and_if("target_type = ?", filter.target_type.as_deref());
    listing.and_if("target_id = ?", filter.target_id.as_deref());
    listing.and_if("correlation_id = ?", filter.correlation_id.as_deref());
    listing.and_if("at >= ?", filter.from);
    listing.and_if("at < ?", filter.to);
    let (text, params) = listing.page_by_number("seq", direction, page);
    let rows = sql.all(&text, &params, entry)?;
    let weight = |row: &AuditEntry| row.summary.to_string().len();
    Ok(Page::cut_by_weight(rows, page, weight, |row| Position {
        key: row.seq.to_string(),
        id: String::new(),
    }))
}
