//! Diagnostics, as operators read them.

use crate::domain::action::{
    FixDiagnostics, InspectTenant, ReadDiagnostics, ReadTenantDiagnostics,
};
use crate::domain::{
    Call, Diagnostics, DiagnosticsReport, DiagnosticsRequest, Error, EventType, FilesAsked,
    Platform, Result, Target, TenantId, TenantReference,
};
use crate::storage::{Mend, Registry};

/// Examines one tenant's file, or every file.
///
/// # Errors
/// The caller may not; the registry cannot be read.
pub fn read(
    registry: &Registry,
    call: &Call,
    tenant: Option<TenantId>,
) -> Result<DiagnosticsReport> {
    registry.read_blocking::<ReadDiagnostics, _>(call, Platform, |_| Ok(()))?;
    registry.examine(tenant, Mend::Nothing)
}

/// Examines one tenant's file.
///
/// # Errors
/// As [`read`]; [`crate::domain::Error::NotFound`] where there is no such tenant.
pub fn read_tenant(
    registry: &Registry,
    call: &Call,
    tenant: TenantId,
) -> Result<DiagnosticsReport> {
    registry.read_blocking::<InspectTenant, _>(call, tenant, |_| Ok(()))?;
    read(registry, call, Some(tenant))
}

/// Examines the tenant that its own people ask about.
///
/// # Errors
/// As [`read`]; [`Error::Busy`] where somebody's is being examined already.
pub fn read_own(registry: &Registry, call: &Call, tenant: TenantId) -> Result<Diagnostics> {
    let entry = registry.resolve(&TenantReference::Id(tenant))?.ok_or(Error::NotFound)?;
    let store = registry.open_blocking(&entry)?;
    store.read_blocking::<ReadTenantDiagnostics, _>(call, tenant, |_| Ok(()))?;
    registry.examine_alone(tenant)?.ok_or(Error::NotFound)
}

/// Examines, and mends what can be mended without losing anything.
///
/// # Errors
/// As [`read`]; there is no such tenant.
pub fn run(
    registry: &Registry,
    call: &Call,
    request: &DiagnosticsRequest,
) -> Result<DiagnosticsReport> {
    let tenant = request
        .tenant
        .as_deref()
        .map(|tenant| super::migrations::find(registry, tenant))
        .transpose();
    if !request.fix {
        registry.read_blocking::<ReadDiagnostics, _>(call, Platform, |_| Ok(()))?;
        return registry.examine(tenant?, Mend::Nothing);
    }
    let asked = tenant.clone();
    registry.write_blocking::<FixDiagnostics, _, _>(call, Platform, move |tx| {
        let data = FilesAsked { tenant_id: asked.clone()? };
        tx.emit(EventType::DiagnosticsRun, &Target::Platform, &data);
        Ok(())
    })?;
    registry.examine(tenant?, Mend::WhatIsSafe)
}
