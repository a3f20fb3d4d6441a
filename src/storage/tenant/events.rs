//! The events of the tenant, to read; their statements stand beside both planes.

use crate::domain::action::TenantPlane;
use crate::domain::{EventEntry, EventFilter, Page, PageRequest, Result};
use crate::storage::door::{Tx, sql};
use crate::storage::outbox;

/// A page of events, oldest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<EventEntry>> {
    outbox::page(sql(tx), filter, page)
}
