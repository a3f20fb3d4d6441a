//! Statements on `application_bindings`, and on the resource types that belong to them.

use std::sync::Arc;

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, ApplicationBinding, ApplicationName, Direction, Error, Manifest, Page, PageRequest,
    Position, Result, ScopeName,
};
pub(crate) use crate::storage::door::Offer;
use crate::storage::door::{self, Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};
use crate::storage::registry::RegistryFile;

/// What is in force of an application that a tenant has bound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The application.
    pub(crate) application: ApplicationName,
    /// The version of its manifest.
    pub(crate) manifest_version: i64,
    /// Its scopes that tokens may use here.
    pub(crate) scopes: Vec<ScopeName>,
}

/// What is bound, by name.
pub(in crate::storage) fn bound(sql: Sql<'_>) -> Result<Vec<Bound>> {
    Ok(sql.all(
        "select application, manifest_version, scopes from application_bindings order by application",
        &[],
        |row| {
            Ok(Bound {
                application: row.next()?,
                manifest_version: row.next()?,
                scopes: row.next()?,
            })
        },
    )?)
}

/// What is bound, by name, each with its policies. What has none that this program can accept is left out.
pub(super) fn policies(
    registry: &RegistryFile,
    sql: Sql<'_>,
    may_wait: bool,
) -> Result<door::Applications> {
    let mut found = Vec::new();
    for bound in bound(sql)? {
        let (name, version) = (&bound.application, bound.manifest_version);
        if !may_wait && !registry.is_ready(name, version) {
            // Reading policies can take long: not on the thread that asks.
            return Err(Error::TooManySteps);
        }
        if let Some(policy) = registry.application(name, version)? {
            found.push((bound, policy));
        }
    }
    Ok(found)
}

/// The names of the actions of every application that the tenant has bound.
pub(crate) fn actions(tx: &impl Tx<Plane = TenantPlane>) -> Result<Vec<String>> {
    let manifests = manifests(tx)?;
    let names = manifests.iter().flat_map(|manifest| &manifest.actions);
    Ok(names.map(|action| action.name.to_string()).collect())
}

/// What the tenant can bind of an application: the version named, or the newest.
///
/// # Errors
/// [`Error::NotFound`] where there is no such application; a version that it has not.
pub(crate) fn offer(
    tx: &impl Tx<Plane = TenantPlane>,
    application: &ApplicationName,
    version: Option<i64>,
) -> Result<Offer> {
    door::offer(tx, application, version)
}

/// The manifests of every application that the tenant has bound.
pub(crate) fn manifests(tx: &impl Tx<Plane = TenantPlane>) -> Result<Vec<Arc<Manifest>>> {
    let bound = door::applications(tx)?;
    Ok(bound.iter().map(|(_, policy)| policy.manifest().clone()).collect())
}

fn binding(row: &mut Row<'_>) -> Result<ApplicationBinding, SqlError> {
    let application: ApplicationName = row.next()?;
    Ok(ApplicationBinding {
        id: application.clone(),
        application,
        manifest_version: row.next()?,
        scopes: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One binding.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    application: &ApplicationName,
) -> Result<Option<ApplicationBinding>> {
    Ok(sql(tx).one(
        "select application, manifest_version, scopes, created_at, updated_at, version
        from application_bindings where application = ?1",
        params![application],
        binding,
    )?)
}

/// A page of bindings, by the application's name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    page: &PageRequest,
) -> Result<Page<ApplicationBinding>> {
    let listing = Listing::new(
        "select application, manifest_version, scopes, created_at, updated_at, version
        from application_bindings where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page_by_id("application", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, binding)?;
    Ok(Page::cut(rows, page, |one| Position {
        key: String::new(),
        id: one.application.to_string(),
    }))
}

/// Binds an application; `None` where it is bound already.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    bound: &Bound,
) -> Result<Option<ApplicationBinding>> {
    Ok(sql(tx).one(
        "insert into application_bindings (application, tenant_id, manifest_version, scopes, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?4)
        on conflict (application) do nothing
        returning application, manifest_version, scopes, created_at, updated_at, version",
        params![&bound.application, bound.manifest_version, &*bound.scopes, tx.now()],
        binding,
    )?)
}

/// Binds an application otherwise, if the binding has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    bound: &Bound,
    version: i64,
) -> Result<Option<ApplicationBinding>> {
    Ok(sql(tx).one(
        "update application_bindings
        set manifest_version = ?2, scopes = ?3, updated_at = ?4, version = version + 1
        where application = ?1 and version = ?5
        returning application, manifest_version, scopes, created_at, updated_at, version",
        params![&bound.application, bound.manifest_version, &*bound.scopes, tx.now(), version],
        binding,
    )?)
}

/// Lets go of an application, if the binding has the version expected; says whether it had. Its resource types stay, and
/// are the tenant's own.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    application: &ApplicationName,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx).execute(
        "delete from application_bindings where application = ?1 and version = ?2",
        params![application, version],
    )?;
    Ok(deleted > 0)
}
