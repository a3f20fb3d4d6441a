//! The applications that a tenant has bound. Their owner file is the tenant's; of the registry, what can be bound is
//! only read, before the change is queued.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::action::{
    CreateResourceType, DeleteApplicationBinding, ListApplicationBindings, UpdateApplicationBinding,
};
use crate::domain::{
    ApplicationBinding, ApplicationName, ApplicationResourceType, BindingSaid, Covers, Error,
    EventType, FieldError, Manifest, NewResourceType, Page, PageRequest, Precondition,
    PutApplicationBinding, ResourceKeeper, ResourceTypeName, Result, ScopeName, Target,
};
use crate::storage::tenant::application_bindings::{self, Bound};
use crate::storage::tenant::resource_types;
use crate::storage::{ReadTx, WriteTx};

/// What a binding shall be, and the manifest that it is of.
#[derive(Debug, Clone)]
pub struct Terms {
    bound: Bound,
    manifest: Arc<Manifest>,
}

/// Lists what the tenant has bound.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListApplicationBindings>>(
    tx: &ReadTx<'_, A>,
    page: &PageRequest,
) -> Result<Page<ApplicationBinding>> {
    application_bindings::page(tx, page)
}

/// Reads a binding.
///
/// # Errors
/// [`Error::NotFound`] where the application is not bound.
pub fn read<A: Covers<ListApplicationBindings>>(
    tx: &ReadTx<'_, A>,
    application: &ApplicationName,
) -> Result<ApplicationBinding> {
    application_bindings::find(tx, application)?.ok_or(Error::NotFound)
}

/// What a binding would be. Reads policies where nobody has yet, so that the change itself need not.
///
/// # Errors
/// [`Error::NotFound`] where there is no such application; a version that it has not; scopes that it has not, or cannot
/// do without.
pub fn terms<A: Covers<UpdateApplicationBinding>>(
    tx: &ReadTx<'_, A>,
    application: &ApplicationName,
    asked: &PutApplicationBinding,
) -> Result<Terms> {
    let offer = application_bindings::offer(tx, application, asked.manifest_version)?;
    // Policies that nobody has read yet are read here, and not while the change is made.
    application_bindings::manifests(tx)?;
    let manifest = offer.policy.manifest().clone();
    let scopes = scopes(&manifest, asked.scopes.as_deref())?;
    let (application, manifest_version) = (application.clone(), offer.manifest_version);
    Ok(Terms { bound: Bound { application, manifest_version, scopes }, manifest })
}

/// The scopes that a binding shall have: those asked for, or all.
fn scopes(manifest: &Manifest, asked: Option<&[ScopeName]>) -> Result<Vec<ScopeName>> {
    let Some(asked) = asked else {
        return Ok(manifest.scopes.iter().map(|scope| scope.name.clone()).collect());
    };
    let mut errors = Vec::new();
    let mut known = BTreeSet::new();
    for (index, name) in asked.iter().enumerate() {
        let place = format!("/scopes/{index}");
        if manifest.scopes.iter().all(|scope| scope.name != *name) {
            errors.push(FieldError::new(place, format!("{name} is no scope of the application")));
        } else if !known.insert(name) {
            errors.push(FieldError::new(place, format!("{name} stands twice")));
        }
    }
    let required = manifest.scopes.iter().filter(|scope| scope.required);
    for scope in required.filter(|scope| !known.contains(&scope.name)) {
        let detail = format!("must have {}, which the application requires", scope.name);
        errors.push(FieldError::new("/scopes", detail));
    }
    if errors.is_empty() { Ok(asked.to_vec()) } else { Err(Error::Invalid(errors)) }
}

/// Binds an application, or binds it otherwise: its resource types that are kept here become its own.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold; [`Error::NamesTaken`] where another application that is bound
/// has a resource type or an action of the same name; [`Error::ExceedsGranter`] where the caller is neither owner nor
/// administrator: what an application permits, and to whom, is more than anybody else holds.
pub fn put<A: Covers<UpdateApplicationBinding> + Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    terms: &Terms,
    precondition: Precondition,
) -> Result<ApplicationBinding> {
    if !tx.keeps_tenant() {
        let lack = "only owners and administrators bind an application";
        return Err(Error::ExceedsGranter(vec![FieldError::new("/manifest_version", lack)]));
    }
    let put = match precondition {
        Precondition::Absent => application_bindings::insert(tx, &terms.bound)?,
        Precondition::Version(version) => application_bindings::update(tx, &terms.bound, version)?,
    };
    let put = put.ok_or(Error::Stale)?;
    let mut taken = taken_actions(tx, terms)?;
    taken.extend(take_types(tx, terms)?);
    if !taken.is_empty() {
        return Err(Error::NamesTaken(taken));
    }
    let types = resource_types::of_application(tx, &put.application)?;
    let data = BindingSaid {
        application: put.application.clone(),
        manifest_version: Some(put.manifest_version),
        scopes: Some(put.scopes.clone()),
        resource_types: types,
    };
    tx.emit(EventType::ApplicationBound, &Target::Application(put.application.clone()), &data);
    Ok(put)
}

/// Actions that another application has which is bound: a question could mean either.
fn taken_actions<A: Covers<UpdateApplicationBinding>>(
    tx: &WriteTx<'_, A>,
    terms: &Terms,
) -> Result<Vec<FieldError>> {
    let manifests = application_bindings::manifests(tx)?;
    let others = manifests.iter().filter(|other| other.name != terms.manifest.name);
    let taken = others.flat_map(|other| {
        let same = terms.manifest.actions.iter();
        let same = same.filter(|action| other.action(action.name.as_str()).is_some());
        same.map(|action| taken("action", action.name.as_str(), &other.name))
    });
    Ok(taken.collect())
}

fn taken(what: &str, name: &str, by: &ApplicationName) -> FieldError {
    let detail = format!("its {what} {name} is one of {by}, which is bound too");
    FieldError::new("application", detail)
}

/// Makes the application's types its own, and lets go of those that it has no more. Those that another has are in the
/// way.
fn take_types<A: Covers<UpdateApplicationBinding> + Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    terms: &Terms,
) -> Result<Vec<FieldError>> {
    let kept = kept_here(&terms.manifest)?;
    for name in resource_types::of_application(tx, &terms.bound.application)? {
        if kept.iter().all(|(kept, _)| *kept != name) {
            resource_types::release(tx, &name)?;
        }
    }
    let mut in_the_way = Vec::new();
    for (name, declared) in kept {
        in_the_way.extend(take_type(tx, &terms.bound.application, name, declared)?);
    }
    Ok(in_the_way)
}

/// The types of which resources are kept here.
fn kept_here(manifest: &Manifest) -> Result<Vec<(ResourceTypeName, &ApplicationResourceType)>> {
    let here = |kind: &&ApplicationResourceType| kind.kept_by != Some(ResourceKeeper::Application);
    let kinds = manifest.resource_types.iter().filter(here);
    kinds
        .map(|kind| {
            let name = ResourceTypeName::parse(kind.name.as_str()).map_err(Error::Internal)?;
            Ok((name, kind))
        })
        .collect()
}

fn take_type<A: Covers<UpdateApplicationBinding> + Covers<CreateResourceType>>(
    tx: &mut WriteTx<'_, A>,
    application: &ApplicationName,
    name: ResourceTypeName,
    declared: &ApplicationResourceType,
) -> Result<Option<FieldError>> {
    let found = resource_types::find(tx, &name)?;
    match found.map(|found| found.application) {
        Some(Some(other)) if other != *application => {
            return Ok(Some(taken("resource type", name.as_str(), &other)));
        }
        Some(Some(_)) => {}
        Some(None) => resource_types::give(tx, &name, application)?,
        None => {
            let new = NewResourceType { name, description: declared.description.clone() };
            super::resource_types::add(tx, &new, Some(application))?;
        }
    }
    Ok(None)
}

/// Lets go of an application. Its resource types and their resources stay, and are the tenant's own.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where it is not bound.
pub fn delete<A: Covers<DeleteApplicationBinding>>(
    tx: &mut WriteTx<'_, A>,
    application: &ApplicationName,
    version: i64,
) -> Result<()> {
    let types = resource_types::of_application(tx, application)?;
    for name in &types {
        resource_types::release(tx, name)?;
    }
    if !application_bindings::delete(tx, application, version)? {
        let found = application_bindings::find(tx, application)?;
        return Err(found.map_or(Error::NotFound, |_| Error::Stale));
    }
    let data = BindingSaid {
        application: application.clone(),
        manifest_version: None,
        scopes: None,
        resource_types: types,
    };
    tx.emit(EventType::ApplicationUnbound, &Target::Application(application.clone()), &data);
    Ok(())
}
