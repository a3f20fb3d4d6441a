//! The audit log of the platform; its statements stand beside both planes.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, AuditCheckpoint, AuditEntry, AuditFilter, AuditVerification, Page, PageRequest, Result,
    Timestamp,
};
use crate::storage::audit;
use crate::storage::door::{Tx, WriteTx, sql};

/// A page of the log, newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    audit::page(sql(tx), filter, page)
}

/// A page of the log, oldest first.
pub(crate) fn stretch(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    audit::stretch(sql(tx), filter, page)
}

/// Walks the chain. Nobody else has seen where it ends.
pub(crate) fn verify(tx: &impl Tx<Plane = PlatformPlane>) -> Result<AuditVerification> {
    Ok(audit::verify(sql(tx), "platform", None)?)
}

/// Lets rows go that are older than a time, but for the last one.
pub(crate) fn trim<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    older_than: Timestamp,
) -> Result<Option<AuditCheckpoint>> {
    let head = audit::head(sql(tx))?;
    Ok(audit::trim(sql(tx), older_than, head.seq, tx.now())?)
}
