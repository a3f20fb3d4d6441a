//! The events of the platform, to read; their statements stand beside both planes.

use crate::domain::action::PlatformPlane;
use crate::domain::{EventEntry, EventFilter, Page, PageRequest, Result};
use crate::storage::door::{Tx, sql};
use crate::storage::outbox;

/// A page of events, oldest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &EventFilter,
    page: &PageRequest,
) -> Result<Page<EventEntry>> {
    outbox::page(sql(tx), filter, page)
}
