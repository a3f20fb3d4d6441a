//! Events: what happened, in the order in which it did. Each plane reads its own.

use crate::domain::action::{ListEvents, ListPlatformEvents};
use crate::domain::{Covers, EventEntry, EventFilter, Page, PageRequest, Result};
use crate::storage::ReadTx;
use crate::storage::registry::events as platform;
use crate::storage::tenant::events as tenant;

/// Lists what happened, oldest first: the tenant's own.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListEvents>>(
    tx: &ReadTx<'_, A>,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<EventEntry>> {
    tenant::page(tx, filter, page)
}

/// Lists what happened, oldest first: the platform's.
///
/// # Errors
/// Storage failed.
pub fn list_platform<A: Covers<ListPlatformEvents>>(
    tx: &ReadTx<'_, A>,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<EventEntry>> {
    platform::page(tx, filter, page)
}
