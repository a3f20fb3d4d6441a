//! `/events` and `/v1/platform/events`.

use crate::domain::action::{ListEvents, ListPlatformEvents};
use crate::domain::{EventEntry, EventFilter, FollowFilter, PageRequest, Platform};
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{Asked, Query};
use crate::http::reply::{Listed, Reply};
use crate::http::stream::{EventStream, LastEventId};
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

pub(in crate::http) async fn follow(
    cx: TenantContext<ListEvents>,
    last: LastEventId,
    Asked(asked): Asked<FollowFilter>,
) -> Reply<EventStream> {
    let begins = (asked.begins(last.0), cx.follow_for(asked.for_s)?);
    let ties = cx.follow()?;
    EventStream::begin(asked, begins, ties, async move |after| {
        let (filter, page) =
            (EventFilter::behind(after), PageRequest::first(PageRequest::MAX_LIMIT));
        cx.turn_page().await?;
        cx.read(cx.tenant(), move |tx| events::list(tx, &filter, &page)).await
    })
    .await
}

pub(in crate::http) async fn follow_platform(
    cx: PlatformContext<ListPlatformEvents>,
    last: LastEventId,
    Asked(asked): Asked<FollowFilter>,
) -> Reply<EventStream> {
    let (begins, ties) = ((asked.begins(last.0), asked.for_s), cx.follow()?);
    EventStream::begin(asked, begins, ties, async move |after| {
        let (filter, page) =
            (EventFilter::behind(after), PageRequest::first(PageRequest::MAX_LIMIT));
        cx.turn_page().await?;
        cx.read(Platform, move |tx| events::list_platform(tx, &filter, &page)).await
    })
    .await
}
