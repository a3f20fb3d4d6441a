//! Making files: the registry's, the template, and each tenant's as a copy of it.
//!
//! A tenant's file is copied under another name, stamped, checkpointed, synced and then renamed into its place: it is
//! there whole or not at all. Every step can be taken again.

use std::path::Path;

use super::disk::Disk;
use super::engine::sqlite::{Maintenance, Schema};
use super::engine::{Param, params};
use super::identity::{about_registry, check_file};
use super::registry::{Registry, RegistryAction, files, tenants};
use crate::domain::{
    Clock, Error, FileId, PrincipalType, ResourceType, Result, SystemTask, Tenant, TenantReference,
    Timestamp,
};

fn damaged(path: &Path) -> impl FnOnce(String) -> Error {
    let path = path.to_owned();
    move |message| Error::Storage(format!("{}: {message}", path.display()))
}

/// Makes the registry's file where there is none, and migrates it.
pub(in crate::storage) fn prepare_registry(disk: &Disk, clock: &dyn Clock) -> Result<()> {
    let path = disk.registry();
    if !disk.exists(&path)? {
        if !disk.tenants()?.is_empty() {
            return Err(damaged(&path)(
                "the registry is gone, but tenants' files are there: restore it".to_owned(),
            ));
        }
        return make_registry(disk, &path, clock);
    }
    let version = check_file(disk, &path).map_err(|error| about_registry(&path, error))?;
    let newest = Schema::Registry.newest();
    if version == newest {
        return Ok(());
    }
    if version > newest {
        return Err(damaged(&path)(format!(
            "has version {version}, newer than this program's {newest}"
        )));
    }
    disk.opening(&path)?;
    let mut file = Maintenance::open(&path)?;
    keep_copy(disk, &file, &disk.registry_snapshot(version))?;
    Schema::Registry.migrate(&mut file).map_err(damaged(&path))?;
    Ok(file.close()?)
}

/// Keeps a copy of a file before it is migrated; it is there whole or not at all.
pub(in crate::storage) fn keep_copy(disk: &Disk, file: &Maintenance, copy: &Path) -> Result<()> {
    let new = copy.with_extension("new");
    disk.remove(&new)?;
    file.copy_to(&new)?;
    disk.restrict(&new)?;
    disk.put(&new, copy)
}

fn make_registry(disk: &Disk, path: &Path, clock: &dyn Clock) -> Result<()> {
    let new = path.with_extension("new");
    disk.remove(&new)?;
    disk.opening(&new)?;
    let mut file = Maintenance::create(&new)?;
    disk.restrict(&new)?;
    Schema::Registry.migrate(&mut file).map_err(damaged(&new))?;
    file.stamp("platform", FileId(clock.new_id()), clock.now())?;
    file.close()?;
    disk.put(&new, path)
}

/// Makes the template of this program's schema where there is none.
pub(in crate::storage) fn prepare_template(disk: &Disk) -> Result<()> {
    let version = Schema::Tenant.newest();
    let path = disk.template(version);
    if disk.exists(&path)? {
        return Ok(());
    }
    let new = path.with_extension("new");
    disk.remove(&new)?;
    disk.opening(&new)?;
    let mut file = Maintenance::create(&new)?;
    disk.restrict(&new)?;
    Schema::Tenant.migrate(&mut file).map_err(damaged(&new))?;
    file.close()?;
    disk.put(&new, &path)
}

impl Registry {
    /// Makes a tenant's file, where it is not there yet.
    ///
    /// # Errors
    /// Storage failed; the same call later goes on where it stopped.
    pub(crate) fn provision(&self, tenant: &Tenant) -> Result<()> {
        let file = &self.file;
        let entry = file.entry(&TenantReference::Id(tenant.id))?.ok_or(Error::NotFound)?;
        let disk = &file.disk;
        let path = disk.tenant(tenant.id, &tenant.data_region);
        // Two requests may be making the same tenant: the second finds what the first has made.
        let _alone = file.provisioning.lock();
        if disk.exists(&path)? {
            return Ok(());
        }
        if let Some(directory) = path.parent() {
            disk.make_directory(directory)?;
        }
        let new = path.with_extension("new");
        disk.remove(&new)?;
        disk.copy(&disk.template(Schema::Tenant.newest()), &new)?;
        disk.opening(&new)?;
        let copy = Maintenance::open(&new)?;
        stamp(&copy, tenant, entry.file_id, file.core().clock.now())?;
        copy.close()?;
        disk.put(&new, &path)
    }

    /// Registers what a tenant's file will be; in the transaction that adds the tenant.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn register_file<A: RegistryAction>(
        tx: &super::WriteTx<'_, A>,
        tenant: &Tenant,
    ) -> Result<()> {
        files::insert(tx, tenant.id, tx.new_id(), Schema::Tenant.newest())
    }

    /// The tenants that a crash left half made.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn unfinished(&self) -> Result<Vec<tenants::Unfinished>> {
        self.look(SystemTask::Provision, |tx| tenants::unfinished(tx))
    }
}

/// Fills a copy of the template with what makes it this tenant's.
fn stamp(file: &Maintenance, tenant: &Tenant, id: FileId, now: Timestamp) -> Result<()> {
    file.execute("begin immediate", &[])?;
    file.execute(
        "insert into organizations (id, name, description, kind, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?5)",
        params![tenant.id, &tenant.name, &tenant.description, tenant.kind, now],
    )?;
    file.stamp(&tenant.id.to_string(), id, now)?;
    file.execute(
        "insert into principals (id, tenant_id, type, name, created_at, updated_at) values (?1, ?1, ?2, ?3, ?4, ?4)",
        params![tenant.id, PrincipalType::Tenant, &tenant.name, now],
    )?;
    for name in ResourceType::BUILT_IN {
        file.execute(
            "insert into resource_types (name, tenant_id, built_in, created_at, updated_at)
            values (?1, ?2, 1, ?3, ?3)",
            &[Param::from(*name), tenant.id.into(), now.into()],
        )?;
    }
    Ok(file.execute("commit", &[])?)
}
