//! `/audit` and `/v1/platform/audit`.

use crate::domain::action::{
    ExportAudit, ExportPlatformAudit, InspectAuditRetention, ListAudit, ListPlatformAudit,
    ReadAuditRetention, UpdateAuditRetention, VerifyAudit, VerifyPlatformAudit, VerifyTenantAudit,
};
use crate::domain::{
    AuditEntry, AuditExport, AuditFilter, AuditRetention, AuditVerification, PageRequest, Platform,
    PutAuditRetention, TenantAuditRetention, TenantReference,
};
use crate::http::body::Body;
use crate::http::context::{PlatformContext, TenantContext};
use crate::http::export::Export;
use crate::http::parameters::{Asked, Path, Query};
use crate::http::precondition::IfMatch;
use crate::http::reply::{Item, Listed, Plain, Reply};
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

pub(in crate::http) async fn verify(
    cx: TenantContext<VerifyAudit>,
) -> Reply<Plain<AuditVerification>> {
    let id = cx.tenant();
    cx.run(move |registry, call| audit::verify(registry, call, id)).await.map(Plain)
}

pub(in crate::http) async fn verify_tenant(
    cx: PlatformContext<VerifyTenantAudit>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Plain<AuditVerification>> {
    let id = cx.tenant(&tenant)?;
    cx.run(move |registry, call| audit::verify_tenant(registry, call, id)).await.map(Plain)
}

pub(in crate::http) async fn verify_platform(
    cx: PlatformContext<VerifyPlatformAudit>,
) -> Reply<Plain<AuditVerification>> {
    cx.run(move |registry, call| audit::verify_platform(registry, call)).await.map(Plain)
}

pub(in crate::http) async fn export(
    cx: TenantContext<ExportAudit>,
    Asked(asked): Asked<AuditExport>,
) -> Reply<Export> {
    let filter = asked.filter();
    Export::begin(asked.format, async move |after| {
        let page = PageRequest { after, ..PageRequest::first(PageRequest::MAX_LIMIT) };
        let (filter, tenant) = (filter.clone(), cx.tenant());
        cx.turn_page().await?;
        cx.read(tenant, move |tx| audit::export(tx, &filter, &page)).await
    })
    .await
}

pub(in crate::http) async fn export_platform(
    cx: PlatformContext<ExportPlatformAudit>,
    Asked(asked): Asked<AuditExport>,
) -> Reply<Export> {
    let filter = asked.filter();
    Export::begin(asked.format, async move |after| {
        let page = PageRequest { after, ..PageRequest::first(PageRequest::MAX_LIMIT) };
        let filter = filter.clone();
        cx.turn_page().await?;
        cx.read(Platform, move |tx| audit::export_platform(tx, &filter, &page)).await
    })
    .await
}

pub(in crate::http) async fn read_retention(
    cx: TenantContext<ReadAuditRetention>,
) -> Reply<Plain<AuditRetention>> {
    let known = cx.entry();
    cx.read(cx.tenant(), move |tx| audit::read_retention(tx, &known)).await.map(Plain)
}

pub(in crate::http) async fn inspect_retention(
    cx: PlatformContext<InspectAuditRetention>,
    Path(tenant): Path<TenantReference>,
) -> Reply<Item<TenantAuditRetention>> {
    let id = cx.tenant(&tenant)?;
    cx.read(id, move |tx| audit::inspect_retention(tx, id)).await.map(Item)
}

pub(in crate::http) async fn update_retention(
    cx: PlatformContext<UpdateAuditRetention>,
    Path(tenant): Path<TenantReference>,
    IfMatch(version): IfMatch,
    Body(new): Body<PutAuditRetention>,
) -> Reply<Item<TenantAuditRetention>> {
    let id = cx.tenant(&tenant)?;
    cx.write(id, move |tx| audit::update_retention(tx, id, &new, version)).await.map(Item)
}
