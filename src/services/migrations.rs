//! Migrations, as operators see and run them.

use crate::domain::action::{ListMigrations, RunMigrations};
use crate::domain::{
    Call, Error, EventType, FilesAsked, MigrationReport, Platform, Result, Target, TenantReference,
};
use crate::storage::{OnProgress, Registry};

/// How every file stands to this program's schema.
///
/// # Errors
/// The caller may not; storage failed.
pub fn list(registry: &Registry, call: &Call) -> Result<MigrationReport> {
    registry.read_blocking::<ListMigrations, _>(call, Platform, |_| Ok(()))?;
    registry.migrations()
}

/// Migrates every file, or one tenant's, as long as the caller may.
///
/// # Errors
/// The caller may not; there is no such tenant; storage failed.
pub fn run(
    registry: &Registry,
    call: &Call,
    tenant: Option<&str>,
    progress: OnProgress<'_>,
) -> Result<MigrationReport> {
    // What is asked for is written down before anything is done; what is not there is told to those alone who may ask.
    let only = tenant.map(|tenant| find(registry, tenant)).transpose();
    let asked = only.clone();
    registry.write_blocking::<RunMigrations, _, _>(call, Platform, move |tx| {
        let data = FilesAsked { tenant_id: asked.clone()? };
        tx.emit(EventType::MigrationsRun, &Target::Platform, &data);
        Ok(())
    })?;
    let (only, call) = (only?, call.lasting());
    let asks = || registry.read_blocking::<RunMigrations, _>(&call, Platform, |_| Ok(()));
    registry.migrate_while(only, progress, &asks)
}

/// The id of a tenant that a request's body names.
pub(super) fn find(registry: &Registry, tenant: &str) -> Result<crate::domain::TenantId> {
    let unknown = || Error::invalid("/tenant", "no tenant has this slug or id");
    let reference = TenantReference::parse(tenant).ok_or_else(unknown)?;
    Ok(registry.resolve(&reference)?.ok_or_else(unknown)?.id)
}
