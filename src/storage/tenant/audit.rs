//! The audit log of the tenant; its statements stand beside both planes.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, AuditCheckpoint, AuditEntry, AuditFilter, AuditVerification, Page, PageRequest, Result,
    Timestamp,
};
use crate::storage::audit::{self, Head};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::registry::TenantEntry;

/// A page of the log, newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    audit::page(sql(tx), filter, page)
}

/// A page of the log, oldest first.
pub(crate) fn stretch(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    audit::stretch(sql(tx), filter, page)
}

/// Walks the chain, to the row that the registry has seen at the least.
pub(crate) fn verify(
    tx: &impl Tx<Plane = TenantPlane>,
    known: &TenantEntry,
) -> Result<AuditVerification> {
    Ok(audit::verify(sql(tx), &known.id.to_string(), known.anchor())?)
}

/// What is left of the rows that went.
pub(crate) fn checkpoint(tx: &impl Tx<Plane = TenantPlane>) -> Result<Option<AuditCheckpoint>> {
    Ok(audit::checkpoint(sql(tx))?)
}

/// Lets rows go that are older than a time, but for what the registry has seen last.
pub(crate) fn trim<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    older_than: Timestamp,
    known: &TenantEntry,
) -> Result<Option<AuditCheckpoint>> {
    let Some(Head { seq, .. }) = known.anchor() else { return Ok(None) };
    Ok(audit::trim(sql(tx), older_than, seq, tx.now())?)
}
