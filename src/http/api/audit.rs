//! `/audit` and `/v1/platform/audit`.

use crate::domain::action::{ListAudit, ListPlatformAudit};
use crate::domain::{AuditEntry, AuditFilter, Platform};
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::Query;
use crate::http::reply::{Listed, Reply};
use crate::services::audit;

pub(in crate::http) async fn list(
    cx: TenantContext<ListAudit>,
    query: Query<AuditFilter>,
) -> Reply<Listed<AuditEntry>> {
    cx.list(cx.tenant(), query, |tx, filter, page| audit::list(tx, filter, page)).await
}

pub(in crate::http) async fn list_platform(
    cx: PlatformContext<ListPlatformAudit>,
    query: Query<AuditFilter>,
) -> Reply<Listed<AuditEntry>> {
    cx.list(Platform, query, |tx, filter, page| audit::list_platform(tx, filter, page)).await
}
