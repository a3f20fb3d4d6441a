//! `/usage` and `/v1/platform/usage`.

use crate::domain::action::{ListPlatformUsage, ListUsage, RecordUsage};
use crate::domain::{
    NewUsage, Platform, RecordedUsage, TenantUsage, TenantUsageFilter, UsageFilter, UsageRecord,
    UsageSnapshot,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::Query;
use crate::http::reply::{Listed, Plain, Reply};
use crate::services::usage;

pub(in crate::http) async fn list(
    cx: TenantContext<ListUsage>,
    query: Query<UsageFilter>,
) -> Reply<Listed<UsageSnapshot>> {
    cx.list(cx.tenant(), query, |tx, filter, page| usage::list(tx, filter, page)).await
}

pub(in crate::http) async fn list_records(
    cx: TenantContext<ListUsage>,
    query: Query<UsageFilter>,
) -> Reply<Listed<UsageRecord>> {
    cx.list(cx.tenant(), query, |tx, filter, page| usage::list_records(tx, filter, page)).await
}

pub(in crate::http) async fn record(
    cx: TenantContext<RecordUsage>,
    Body(new): Body<NewUsage>,
) -> Reply<Plain<RecordedUsage>> {
    cx.write(cx.tenant(), move |tx| usage::record(tx, &new)).await.map(Plain)
}

pub(in crate::http) async fn list_tenants(
    cx: PlatformContext<ListPlatformUsage>,
    query: Query<TenantUsageFilter>,
) -> Reply<Listed<TenantUsage>> {
    cx.list(Platform, query, |tx, filter, page| usage::list_tenants(tx, filter, page)).await
}
