//! The events of the platform, to read; their statements stand beside both planes.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Call, EventEntry, EventFilter, EventType, Page, PageRequest, Result, SystemTask, Target,
};
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

/// The program's own call, for what an event of the platform's brings about elsewhere.
pub(crate) fn caused_by(
    tx: &impl Tx<Plane = PlatformPlane>,
    task: SystemTask,
    kind: EventType,
    target: &Target,
) -> Result<Call> {
    let subject = format!("{}/{}", target.kind(), target.id());
    let correlation = outbox::correlation_of(sql(tx), kind, &subject)?;
    Ok(correlation.map_or_else(|| Call::system(task), |id| Call::caused(task, &id)))
}
