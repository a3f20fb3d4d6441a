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
    let asks = || registry.read_blocking::<ReadDiagnostics, _>(call, Platform, |_| Ok(()));
    asks()?;
    registry.examine_while(tenant, Mend::Nothing, &asks)
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

/// Examines, and mends what can be mended without losing anything, as long as the caller may.
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
        // What is not there is told only to those who may ask.
        registry.read_blocking::<ReadDiagnostics, _>(call, Platform, |_| Ok(()))?;
        return read(registry, call, tenant?);
    }
    let asked = tenant.clone();
    registry.write_blocking::<FixDiagnostics, _, _>(call, Platform, move |tx| {
        let data = FilesAsked { tenant_id: asked.clone()? };
        tx.emit(EventType::DiagnosticsRun, &Target::Platform, &data);
        Ok(())
    })?;
    let call = call.lasting();
    let asks = || registry.read_blocking::<FixDiagnostics, _>(&call, Platform, |_| Ok(()));
    registry.examine_while(tenant?, Mend::WhatIsSafe, &asks)
}
