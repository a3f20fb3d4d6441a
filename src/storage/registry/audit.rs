//! The audit log of the platform, to read; its statements stand beside both planes.

use crate::domain::action::PlatformPlane;
use crate::domain::{AuditEntry, AuditFilter, Page, PageRequest, Result};
use crate::storage::audit;
use crate::storage::door::{Tx, sql};

/// A page of the log, newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    audit::page(sql(tx), filter, page)
}
