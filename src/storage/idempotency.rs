//! Answers kept under the keys that clients chose, so that a repeated request is done once.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::audit::hex;
use super::engine::{Sql, params};
use crate::domain::{Call, Error, Result, Timestamp};

/// How long an answer is kept, in seconds.
const KEPT_S: i64 = 24 * 60 * 60;
/// Answers that are dropped for each that is added, once they are old.
const SWEEP: i64 = 4;

/// The answer that the same request got before.
pub(in crate::storage) fn find<T: DeserializeOwned>(
    sql: Sql<'_>,
    call: &Call,
    action: &str,
) -> Result<Option<T>> {
    let Some(idempotency) = &call.idempotency else { return Ok(None) };
    let found = sql.one(
        "select action, fingerprint, answer from idempotency_keys where actor = ?1 and key = ?2",
        params![call.caller.subject.name(), &*idempotency.key],
        |row| Ok((row.next::<String>()?, row.next::<String>()?, row.next::<String>()?)),
    )?;
    let Some((kept_action, fingerprint, answer)) = found else { return Ok(None) };
    if kept_action != action || fingerprint != hex(&idempotency.fingerprint) {
        return Err(Error::IdempotencyMismatch);
    }
    serde_json::from_str(&answer).map(Some).map_err(|error| Error::Internal(error.to_string()))
}

/// Keeps an answer.
pub(in crate::storage) fn keep(
    sql: Sql<'_>,
    call: &Call,
    action: &str,
    answer: &impl Serialize,
    now: Timestamp,
) -> Result<()> {
    let Some(idempotency) = &call.idempotency else { return Ok(()) };
    let answer =
        serde_json::to_string(answer).map_err(|error| Error::Internal(error.to_string()))?;
    sql.execute(
        "delete from idempotency_keys where key in (
            select key from idempotency_keys where created_at < ?1 order by created_at limit ?2
        ) and created_at < ?1",
        params![now.plus_seconds(-KEPT_S), SWEEP],
    )?;
    sql.execute(
        "insert into idempotency_keys (key, actor, tenant_id, action, fingerprint, answer, created_at)
        values (?1, ?2, current_tenant(), ?3, ?4, ?5, ?6)",
        params![
            &*idempotency.key,
            call.caller.subject.name(),
            action,
            hex(&idempotency.fingerprint),
            answer,
            now,
        ],
    )?;
    Ok(())
}
