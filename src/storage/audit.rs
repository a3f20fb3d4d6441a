//! The audit log of a file: append-only, and hash-chained from its first row.
//!
//! A row's hash is SHA-256 over the hash before it and every column, each preceded by its length in eight bytes, so
//! that no two rows can be written the same way.

use std::fmt::Write as _;

use aws_lc_rs::digest::{Context, SHA256};

use super::engine::{Listing, Row, Sql, SqlError, params};
use crate::domain::{
    AuditDecision, AuditEntry, AuditFilter, AuditRecord, Direction, Page, PageRequest, Position,
    Result, Word, tenant_ref,
};

/// The hash before the first row's.
const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

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
    let columns: [Option<&str>; 18] = [
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
    let mut digest = Context::new(&SHA256);
    for column in columns {
        // Absence has a length that no text has.
        let length = column.map_or(u64::MAX, |text| text.len() as u64);
        digest.update(&length.to_be_bytes());
        digest.update(column.unwrap_or_default().as_bytes());
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

/// Walks the chain from its first row: how many rows are good, and the first one that is not, if any.
pub(in crate::storage) fn verify(sql: Sql<'_>) -> Result<(i64, Option<i64>), SqlError> {
    const STRIDE: i64 = 1000;
    let mut head = Head { seq: 0, hash: GENESIS.to_owned() };
    loop {
        let links = sql.all(
            "select seq, at, actor, actor_tenant, on_behalf, account_id, target_tenant, target_type, target_id,
                workspace_id, resource_id, action, decision, policies, correlation_id, request_id, summary,
                previous_hash, hash
            from audit_log where seq > ?1 order by seq limit ?2",
            params![head.seq, STRIDE],
            link,
        )?;
        if links.is_empty() {
            return Ok((head.seq, None));
        }
        for link in links {
            let good = link.seq == head.seq + 1
                && link.previous == head.hash
                && link.hash == hash(&link.previous, link.seq, &link.record);
            if !good {
                return Ok((head.seq, Some(link.seq)));
            }
            head = Head { seq: link.seq, hash: link.hash };
        }
    }
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
    let (text, params) = listing.page_by_number("seq", Direction::Descending, page);
    let rows = sql.all(&text, &params, entry)?;
    let weight = |row: &AuditEntry| row.summary.to_string().len();
    Ok(Page::cut_by_weight(rows, page, weight, |row| Position {
        key: row.seq.to_string(),
        id: String::new(),
    }))
}
