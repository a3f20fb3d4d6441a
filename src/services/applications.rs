//! Applications, as operators register and change them. Their owner file is the registry.

use std::sync::Arc;

use crate::domain::action::{
    CreateApplication, ListApplications, ReadApplication, UpdateApplication,
};
use crate::domain::{
    Action, Application, ApplicationName, ApplicationSaid, ApplicationVersion, Call,
    ChangeApplication, Conflict, Covers, Error, EventType, FieldError, Manifest, Page, PageRequest,
    Platform, Result,
};
use crate::storage::registry::applications;
use crate::storage::{ReadTx, Registry, WriteTx};

/// Lists applications, the one that comes with the program too.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListApplications>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<Application>> {
    applications::page(tx, page)
}

/// Reads an application.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadApplication>>(
    tx: &ReadTx<'_, A>,
    name: &ApplicationName,
) -> Result<Application> {
    applications::find(tx, name)?.ok_or(Error::NotFound)
}

/// Reads a version of an application's manifest.
///
/// # Errors
/// [`Error::NotFound`] where it has no such version.
pub fn read_version<A: Covers<ReadApplication>>(
    tx: &ReadTx<'_, A>,
    name: &ApplicationName,
    manifest_version: i64,
) -> Result<ApplicationVersion> {
    applications::find_version(tx, name, manifest_version)?.ok_or(Error::NotFound)
}

/// Registers an application. Its policies are read before the change is queued: that takes its time.
///
/// # Errors
/// What of the manifest cannot be accepted; [`Conflict::AlreadyExists`]; [`Conflict::ApplicationLimit`].
pub fn create(registry: &Registry, call: &Call, manifest: Manifest) -> Result<Application> {
    // Nobody lets the node read policies who may not register them.
    registry.read_blocking::<CreateApplication, _>(call, Platform, |_| Ok(()))?;
    let manifest = Arc::new(manifest);
    registry.check(&manifest)?;
    registry.write_blocking::<CreateApplication, _, _>(call, Platform, move |tx| {
        let added = applications::insert(tx, &manifest)?;
        let added = added.ok_or(Error::Conflict(Conflict::AlreadyExists))?;
        if applications::count(tx)? > Application::MAX {
            return Err(Error::Conflict(Conflict::ApplicationLimit));
        }
        tell(tx, EventType::ApplicationCreated, &added);
        Ok(added)
    })
}

/// Changes an application: another manifest becomes its next version, and takes the place of no other. What tenants
/// have bound stays in force.
///
/// # Errors
/// [`Error::Stale`]; [`Error::Forbidden`] for the application that comes with the program; what of the manifest cannot
/// be accepted; [`Conflict::ApplicationVersionLimit`].
pub fn update(
    registry: &Registry,
    call: &Call,
    name: ApplicationName,
    change: ChangeApplication,
    version: i64,
) -> Result<Application> {
    let found = registry.read_blocking::<UpdateApplication, _>(call, name.clone(), |tx| {
        applications::find(tx, &name)?.ok_or(Error::NotFound)
    })?;
    if found.built_in {
        return Err(Error::Forbidden);
    }
    let next = change.manifest.map(Arc::new);
    if let Some(next) = &next {
        check_next(registry, &name, next)?;
    }
    let required_for = change.required_for;
    registry.write_blocking::<UpdateApplication, _, _>(call, name.clone(), move |tx| {
        if !applications::touch(tx, &name, version)? {
            return Err(Error::Stale);
        }
        if let Some(next) = &next {
            applications::add_version(tx, next)?;
        }
        if let Some(kinds) = &required_for {
            applications::require(tx, &name, kinds)?;
        }
        let changed = applications::find(tx, &name)?.ok_or(Error::NotFound)?;
        if changed.manifest_version > Application::MAX_VERSIONS {
            return Err(Error::Conflict(Conflict::ApplicationVersionLimit));
        }
        tell(tx, EventType::ApplicationUpdated, &changed);
        Ok(changed)
    })
}

/// Whether a manifest can be the next of an application.
fn check_next(registry: &Registry, name: &ApplicationName, next: &Arc<Manifest>) -> Result<()> {
    if next.name != *name {
        return Err(Error::invalid("/manifest/name", format!("must be {name}: a name stays")));
    }
    registry.check(next).map_err(|error| match error {
        Error::Invalid(errors) => {
            let below =
                |one: FieldError| FieldError::new(format!("/manifest{}", one.field), one.detail);
            Error::Invalid(errors.into_iter().map(below).collect())
        }
        error => error,
    })
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, application: &Application) {
    let data = ApplicationSaid {
        name: application.name.clone(),
        manifest_version: application.manifest_version,
        required_for: application.required_for.clone(),
    };
    tx.emit(kind, &application.name.clone().into(), &data);
}
