//! Audit logs: what was done and refused, by whom, and why. Each plane reads its own.

use crate::domain::action::{ListAudit, ListPlatformAudit};
use crate::domain::{AuditEntry, AuditFilter, Covers, Page, PageRequest, Result};
use crate::storage::ReadTx;
use crate::storage::registry::audit as platform;
use crate::storage::tenant::audit as tenant;

/// Lists what an audit log says, newest first: the tenant's own.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    tenant::page(tx, filter, page)
}

/// Lists what an audit log says, newest first: the platform's.
///
/// # Errors
/// Storage failed.
pub fn list_platform<A: Covers<ListPlatformAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    platform::page(tx, filter, page)
}
