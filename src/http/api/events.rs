//! `/events` and `/v1/platform/events`.

use crate::domain::action::{ListEvents, ListPlatformEvents};
use crate::domain::{EventEntry, EventFilter, Platform};
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::Query;
use crate::http::reply::{Listed, Reply};
use crate::services::events;

pub(in crate::http) async fn list(
    cx: TenantContext<ListEvents>,
    query: Query<EventFilter>,
) -> Reply<Listed<EventEntry>> {
    cx.list(cx.tenant(), query, |tx, filter, page| events::list(tx, filter, page)).await
}

pub(in crate::http) async fn list_platform(
    cx: PlatformContext<ListPlatformEvents>,
    query: Query<EventFilter>,
) -> Reply<Listed<EventEntry>> {
    cx.list(Platform, query, |tx, filter, page| events::list_platform(tx, filter, page)).await
}
