//! `/webhooks/{webhook}/deliveries`, on either plane.

use crate::domain::action::{ListPlatformWebhooks, ListWebhooks};
use crate::domain::{Delivery, DeliveryFilter, Platform, WebhookId};
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::{Path, Query};
use crate::http::reply::{Listed, Reply};
use crate::services::deliveries;

pub(in crate::http) async fn list(
    cx: TenantContext<ListWebhooks>,
    Path(id): Path<WebhookId>,
    query: Query<DeliveryFilter>,
) -> Reply<Listed<Delivery>> {
    cx.list(cx.tenant(), query, move |tx, filter, page| deliveries::list(tx, id, filter, page))
        .await
}

pub(in crate::http) async fn list_platform(
    cx: PlatformContext<ListPlatformWebhooks>,
    Path(id): Path<WebhookId>,
    query: Query<DeliveryFilter>,
) -> Reply<Listed<Delivery>> {
    cx.list(Platform, query, move |tx, filter, page| deliveries::list(tx, id, filter, page)).await
}
