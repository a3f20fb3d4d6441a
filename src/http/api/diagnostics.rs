//! `/v1/platform/diagnostics`, `/v1/platform/tenants/{tenant}/diagnostics` and `/diagnostics`.

use crate::domain::action::{FixDiagnostics, ReadDiagnostics, ReadTenantDiagnostics};
use crate::domain::{Diagnostics, DiagnosticsReport, DiagnosticsRequest, TenantReference};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::parameters::Path;
use crate::http::reply::{Plain, Reply};
use crate::services::diagnostics;

pub(in crate::http) async fn read(
    cx: PlatformContext<ReadDiagnostics>,
) -> Reply<Plain<DiagnosticsReport>> {
    cx.run(|registry, call| diagnostics::read(registry, call, None)).await.map(Plain)
}

pub(in crate::http) async fn read_tenant(
    cx: PlatformContext<ReadDiagnostics>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Plain<DiagnosticsReport>> {
    let tenant = cx.tenant(&tenant)?;
    cx.run(move |registry, call| diagnostics::read_tenant(registry, call, tenant)).await.map(Plain)
}

pub(in crate::http) async fn run(
    cx: PlatformContext<FixDiagnostics>,
    Body(request): Body<DiagnosticsRequest>,
) -> Reply<Plain<DiagnosticsReport>> {
    cx.run(move |registry, call| diagnostics::run(registry, call, &request)).await.map(Plain)
}

pub(in crate::http) async fn read_own(
    cx: TenantContext<ReadTenantDiagnostics>,
) -> Reply<Plain<Diagnostics>> {
    let tenant = cx.tenant();
    cx.run(move |registry, call| diagnostics::read_own(registry, call, tenant)).await.map(Plain)
}
