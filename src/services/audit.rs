//! Audit logs: what was done and refused, by whom, and why. Each plane reads its own.
//!
//! Owner of a log: its file. Step: the registry anchors where a tenant's chain ends. Rows that were kept long enough go
//! from the old end, behind a checkpoint that a row of the log itself says was made; the last anchored row stays.

use crate::domain::action::{
    ExportAudit, ExportPlatformAudit, InspectAuditRetention, ListAudit, ListPlatformAudit,
    ReadAuditRetention, UpdateAuditRetention, VerifyAudit, VerifyPlatformAudit, VerifyTenantAudit,
};
use crate::domain::{
    AuditEntry, AuditFilter, AuditRetention, AuditVerification, Call, Covers, Error, EventType,
    Page, PageRequest, PutAuditRetention, Result, SystemTask, Target, TenantAuditRetention,
    TenantId, TenantReference, Tenure,
};
use crate::storage::registry::{audit as platform, audit_retention as retention, files};
use crate::storage::tenant::audit as tenant;
use crate::storage::{ReadTx, Registry, TenantEntry, Tx, WriteTx};

/// Lists what an audit log says, newest first: the tenant's own.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    tenant::page(tx, filter, page)
}

/// Lists what an audit log says, newest first: the platform's.
///
/// # Errors
/// Storage failed.
pub fn list_platform<A: Covers<ListPlatformAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    platform::page(tx, filter, page)
}

/// A stretch of the tenant's log to be taken elsewhere, oldest first.
///
/// # Errors
/// Storage failed.
pub fn export<A: Covers<ExportAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    tenant::stretch(tx, filter, page)
}

/// A stretch of the platform's log to be taken elsewhere, oldest first.
///
/// # Errors
/// Storage failed.
pub fn export_platform<A: Covers<ExportPlatformAudit>>(
    tx: &ReadTx<'_, A>,
    filter: &AuditFilter,
    page: &PageRequest,
) -> Result<Page<AuditEntry>> {
    platform::stretch(tx, filter, page)
}

/// Walks the chain of the tenant's log. Takes its time.
///
/// # Errors
/// The caller may not; [`Error::Busy`] where its file is walked already; storage failed.
pub fn verify(registry: &Registry, call: &Call, id: TenantId) -> Result<AuditVerification> {
    let known = entry(registry, id)?;
    let store = registry.open_blocking(&known)?;
    store.read_blocking::<VerifyAudit, _>(call, id, |tx| {
        let _walk = registry.walk(Some(id))?;
        tenant::verify(tx, &known)
    })
}

/// The same, for operators.
///
/// # Errors
/// As [`verify`].
pub fn verify_tenant(registry: &Registry, call: &Call, id: TenantId) -> Result<AuditVerification> {
    registry.read_blocking::<VerifyTenantAudit, _>(call, id, |_| Ok(()))?;
    let known = entry(registry, id)?;
    let store = registry.open_blocking(&known)?;
    let _walk = registry.walk(Some(id))?;
    store.look(SystemTask::Examine, |tx| tenant::verify(tx, &known))
}

/// Walks the chain of the platform's log. Takes its time.
///
/// # Errors
/// The caller may not; storage failed.
pub fn verify_platform(registry: &Registry, call: &Call) -> Result<AuditVerification> {
    registry.read_blocking::<VerifyPlatformAudit, _>(call, crate::domain::Platform, |tx| {
        let _walk = registry.walk(None)?;
        platform::verify(tx)
    })
}

/// Walks the chain of one tenant's log, or the platform's and every tenant's. A log that cannot be read stops no other.
///
/// # Errors
/// There is no such tenant; the registry cannot be read.
pub fn verify_each(
    registry: &Registry,
    call: &Call,
    tenant: Option<&str>,
) -> Result<Vec<(String, Result<AuditVerification>)>> {
    if let Some(name) = tenant {
        let id = super::migrations::find(registry, name)?;
        return Ok(vec![(name.to_owned(), verify_tenant(registry, call, id))]);
    }
    let mut walked = vec![("platform".to_owned(), verify_platform(registry, call))];
    for known in registry.look(SystemTask::Examine, |tx| files::all(tx))? {
        walked.push((known.slug.to_string(), verify_tenant(registry, call, known.tenant)));
    }
    Ok(walked)
}

fn entry(registry: &Registry, id: TenantId) -> Result<std::sync::Arc<TenantEntry>> {
    registry.resolve_anew(&TenantReference::Id(id))?.ok_or(Error::NotFound)
}

/// For how long the tenant's log is kept, as its own people see it.
///
/// # Errors
/// Storage failed.
pub fn read_retention<A: Covers<ReadAuditRetention>>(
    tx: &ReadTx<'_, A>,
    known: &TenantEntry,
) -> Result<AuditRetention> {
    let checkpoint = tenant::checkpoint(tx)?;
    Ok(AuditRetention { days: known.audit_retention_days, checkpoint })
}

/// For how long a tenant's log is kept, as the platform keeps it.
///
/// # Errors
/// [`Error::NotFound`] where there is no such tenant.
pub fn inspect_retention<A: Covers<InspectAuditRetention>>(
    tx: &ReadTx<'_, A>,
    id: TenantId,
) -> Result<TenantAuditRetention> {
    retention::find(tx, id)?.ok_or(Error::NotFound)
}

/// Changes for how long a tenant's log is kept.
///
/// # Errors
/// [`Error::Stale`]; days that cannot be.
pub fn update_retention<A: Covers<UpdateAuditRetention>>(
    tx: &mut WriteTx<'_, A>,
    id: TenantId,
    new: &PutAuditRetention,
    version: i64,
) -> Result<TenantAuditRetention> {
    new.check()?;
    let changed = retention::update(tx, id, new.days, version)?.ok_or(Error::Stale)?;
    tx.emit(EventType::AuditRetentionUpdated, &id.into(), &changed);
    Ok(changed)
}

/// Lets rows go that were kept long enough: of every tenant that does not keep them for good, and of the platform.
///
/// # Errors
/// Storage failed; what was not done is done the next time.
pub fn keep(registry: &Registry, platform_days: u32) -> Result<()> {
    for id in registry.look(SystemTask::Retain, |tx| retention::limited(tx))? {
        if let Err(error) = retain(registry, id) {
            tracing::warn!(tenant.id = %id, error = %error, "audit rows that were kept long enough are still there");
        }
    }
    if platform_days == 0 {
        return Ok(());
    }
    registry.system_beside(SystemTask::Retain, move |tx| {
        if let Some(checkpoint) = platform::trim(tx, Tenure(platform_days).before(tx.now()))? {
            tx.emit(EventType::AuditRetained, &Target::Platform, &checkpoint);
        }
        Ok(())
    })
}

fn retain(registry: &Registry, id: TenantId) -> Result<()> {
    let known = entry(registry, id)?;
    let Some(days) = known.audit_retention_days else { return Ok(()) };
    let store = registry.open_blocking(&known)?;
    store.system(SystemTask::Retain, move |tx| {
        if let Some(checkpoint) = tenant::trim(tx, Tenure(days).before(tx.now()), &known)? {
            tx.emit(EventType::AuditRetained, &id.into(), &checkpoint);
        }
        Ok(())
    })
}
