//! Statements on `applications`, `application_versions` and `application_requirements`; and the policies of their
//! versions, ready to decide.
//!
//! A version never changes once it is there, so what was made of it is kept for good, as far as there is room. The
//! application that comes with the program stands in no table: the decision point knows it.

use std::sync::Arc;

use moka::sync::Cache;

use super::RegistryFile;
use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Application, ApplicationName, ApplicationPolicy, ApplicationVersion, Conflict,
    DecisionPoint, Description, Direction, Error, FieldError, Manifest, Page, PageRequest,
    Position, Result, TenantKind, Timestamp,
};
use crate::storage::door::{self, Tx, WriteTx, decisions, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};

/// Bytes of manifests whose policies are kept ready, all of them together.
const MAX_READY_BYTES: u64 = 32 << 20;
/// What a version weighs at least.
const MIN_READY_BYTES: u32 = 4 << 10;

/// What became of a version's policies.
#[derive(Debug, Clone)]
pub(in crate::storage) enum Compiled {
    /// They decide.
    Ready(Arc<dyn ApplicationPolicy>),
    /// This program cannot accept them: they decide nothing.
    Refused(Arc<[FieldError]>),
}

/// A version of an application.
pub(super) type VersionKey = (ApplicationName, i64);

/// A version's policies, and the bytes of its manifest.
pub(super) type Kept = (Compiled, u32);

/// Room for the policies of versions.
pub(super) fn cache() -> Cache<VersionKey, Kept> {
    // One of few bytes is not free either.
    let weight = |_: &VersionKey, kept: &Kept| kept.1.max(MIN_READY_BYTES);
    Cache::builder().max_capacity(MAX_READY_BYTES).weigher(weight).build()
}

/// Why there is nothing to keep of a version.
enum Absent {
    Unknown,
    Failed(Error),
}

impl RegistryFile {
    /// The policies of a version of an application; `None` where there is no such version, or none that this program
    /// can accept.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn application(
        &self,
        name: &ApplicationName,
        manifest_version: i64,
    ) -> Result<Option<Arc<dyn ApplicationPolicy>>> {
        Ok(match self.compiled(name, manifest_version)? {
            Some(Compiled::Ready(policy)) => Some(policy),
            Some(Compiled::Refused(_)) | None => None,
        })
    }

    /// Whether a version's policies are ready: whoever asks for them need not wait.
    pub(in crate::storage) fn is_ready(&self, name: &ApplicationName, version: i64) -> bool {
        self.applications.contains_key(&(name.clone(), version))
    }

    /// What became of a version's policies; `None` where there is no such version.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn compiled(
        &self,
        name: &ApplicationName,
        manifest_version: i64,
    ) -> Result<Option<Compiled>> {
        let key = (name.clone(), manifest_version);
        // Of several who ask at once, one compiles.
        let found = self.applications.try_get_with(key, || self.compile(name, manifest_version));
        match found {
            Ok((compiled, _)) => Ok(Some(compiled)),
            Err(absent) => match &*absent {
                Absent::Unknown => Ok(None),
                Absent::Failed(error) => Err(error.clone()),
            },
        }
    }

    fn compile(&self, name: &ApplicationName, version: i64) -> Result<Kept, Absent> {
        let text = self.manifest_text(name, version).map_err(Absent::Failed)?;
        let text = text.ok_or(Absent::Unknown)?;
        let bytes = u32::try_from(text.len()).unwrap_or(u32::MAX);
        let compiled = serde_json::from_str::<Manifest>(&text)
            .map_err(|error| vec![FieldError::new("", error.to_string())])
            .and_then(|manifest| self.core.decisions.compile(&Arc::new(manifest)));
        match compiled {
            Ok(policy) => Ok((Compiled::Ready(policy), bytes)),
            Err(errors) => {
                tracing::error!(application = %name, version, errors = ?errors, "an application's manifest is none to this program: it decides nothing");
                Ok((Compiled::Refused(errors.into()), bytes))
            }
        }
    }

    /// A version that a tenant can bind: the one named, or the newest.
    ///
    /// # Errors
    /// As [`door::Door::offer`].
    pub(in crate::storage) fn offer(
        &self,
        name: &ApplicationName,
        version: Option<i64>,
        may_wait: bool,
    ) -> Result<door::Offer> {
        if *name == self.core.decisions.manifest().name {
            // It is bound everywhere.
            return Err(Error::Conflict(Conflict::AlreadyExists));
        }
        let newest = self.newest(name)?.ok_or(Error::NotFound)?;
        let manifest_version = version.unwrap_or(newest);
        if !(1..=newest).contains(&manifest_version) {
            let detail = format!("must be 1 to {newest}, the newest version");
            return Err(Error::invalid("/manifest_version", detail));
        }
        if !may_wait && !self.is_ready(name, manifest_version) {
            return Err(Error::TooManySteps);
        }
        let policy = self.application(name, manifest_version)?.ok_or_else(|| {
            Error::invalid("/manifest_version", "is none that this program can accept")
        })?;
        Ok(door::Offer { manifest_version, policy })
    }

    /// The applications that tenants of a kind must bind, by name.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn required_for(
        &self,
        kind: TenantKind,
    ) -> Result<Vec<ApplicationName>> {
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).all(
            "select application from application_requirements where kind = ?1 order by application",
            params![kind],
            |row| row.next(),
        )?)
    }

    fn newest(&self, name: &ApplicationName) -> Result<Option<i64>> {
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).one(
            "select manifest_version from applications where name = ?1",
            params![name],
            |row| row.next(),
        )?)
    }

    fn manifest_text(&self, name: &ApplicationName, version: i64) -> Result<Option<String>> {
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).one(
            "select manifest from application_versions where application = ?1 and manifest_version = ?2",
            params![name, version],
            |row| row.next(),
        )?)
    }
}

const APPLICATION: &str = "select a.name, a.title, a.description, a.manifest_version, v.manifest, \
        (select json_group_array(r.kind) from application_requirements r where r.application = a.name), \
        a.created_at, a.updated_at, a.version \
    from applications a join application_versions v \
        on v.application = a.name and v.manifest_version = a.manifest_version where true";

fn application(row: &mut Row<'_>) -> Result<Application, SqlError> {
    let name: ApplicationName = row.next()?;
    Ok(Application {
        id: name.clone(),
        name,
        title: row.next()?,
        description: row.next()?,
        manifest_version: row.next()?,
        manifest: row.next()?,
        required_for: row.next()?,
        built_in: false,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// Whether there is an application.
pub(super) fn is_there(
    sql: Sql<'_>,
    decisions: &dyn DecisionPoint,
    name: &ApplicationName,
) -> Result<bool> {
    if *name == decisions.manifest().name {
        return Ok(true);
    }
    let found: Option<i64> =
        sql.one("select 1 from applications where name = ?1", params![name], |row| row.next())?;
    Ok(found.is_some())
}

/// The application that comes with the program; it is as old as the registry.
fn built_in(tx: &impl Tx<Plane = PlatformPlane>) -> Result<Application> {
    let since = sql(tx).one("select created_at from identity", &[], |row| row.next())?;
    let since: Timestamp = since.ok_or_else(|| Error::Storage("no identity".to_owned()))?;
    let manifest = decisions(tx).manifest();
    Ok(Application {
        id: manifest.name.clone(),
        name: manifest.name.clone(),
        title: manifest.title.clone(),
        description: manifest.description.clone().unwrap_or_default(),
        manifest_version: 1,
        manifest: Manifest::clone(manifest),
        required_for: Vec::new(),
        built_in: true,
        created_at: since,
        updated_at: since,
        version: 1,
    })
}

/// One application, the one that comes with the program too.
pub(crate) fn find(
    tx: &impl Tx<Plane = PlatformPlane>,
    name: &ApplicationName,
) -> Result<Option<Application>> {
    if *name == decisions(tx).manifest().name {
        return built_in(tx).map(Some);
    }
    let statement = format!("{APPLICATION} and a.name = ?1");
    Ok(sql(tx).one(&statement, params![name], application)?)
}

/// A page of applications, by name, the one that comes with the program among them.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    page: &PageRequest,
) -> Result<Page<Application>> {
    let (text, params) = Listing::new(APPLICATION).page_by_id("a.name", Direction::Ascending, page);
    let mut rows = sql(tx).all(&text, &params, application)?;
    let built_in = built_in(tx)?;
    if page.after.as_ref().is_none_or(|after| *after.id < *built_in.name.as_str()) {
        let place = rows.partition_point(|row| row.name < built_in.name);
        rows.insert(place, built_in);
    }
    let weight = |one: &Application| serde_json::to_vec(one).map_or(0, |text| text.len());
    let position = |one: &Application| Position { key: String::new(), id: one.name.to_string() };
    Ok(Page::cut_by_weight(rows, page, weight, position))
}

/// A version of an application's manifest.
pub(crate) fn find_version(
    tx: &impl Tx<Plane = PlatformPlane>,
    name: &ApplicationName,
    manifest_version: i64,
) -> Result<Option<ApplicationVersion>> {
    if *name == decisions(tx).manifest().name {
        let built_in = built_in(tx)?;
        let found = ApplicationVersion {
            application: built_in.name,
            manifest_version: built_in.manifest_version,
            manifest: built_in.manifest,
            created_at: built_in.created_at,
        };
        return Ok((found.manifest_version == manifest_version).then_some(found));
    }
    Ok(sql(tx).one(
        "select application, manifest_version, manifest, created_at from application_versions
        where application = ?1 and manifest_version = ?2",
        params![name, manifest_version],
        |row| {
            Ok(ApplicationVersion {
                application: row.next()?,
                manifest_version: row.next()?,
                manifest: row.next()?,
                created_at: row.next()?,
            })
        },
    )?)
}

/// How many applications are registered.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>) -> Result<i64> {
    let count: Option<i64> =
        sql(tx).one("select count(*) from applications", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Registers an application with the first version of its manifest; `None` where one has the name.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    manifest: &Manifest,
) -> Result<Option<Application>> {
    if manifest.name == decisions(tx).manifest().name {
        return Ok(None);
    }
    let added = sql(tx).execute(
        "insert into applications (name, title, description, manifest_version, created_at, updated_at)
        values (?1, ?2, ?3, 1, ?4, ?4)
        on conflict (name) do nothing",
        params![&manifest.name, &manifest.title, manifest.description.as_ref().unwrap_or(&Description::default()), tx.now()],
    )?;
    if added == 0 {
        return Ok(None);
    }
    insert_version(tx, manifest, 1)?;
    find(tx, &manifest.name)
}

/// Makes a manifest the next version of its application.
pub(crate) fn add_version<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    manifest: &Manifest,
) -> Result<()> {
    let next = sql(tx).one(
        "update applications
        set title = ?2, description = ?3, manifest_version = manifest_version + 1
        where name = ?1
        returning manifest_version",
        params![
            &manifest.name,
            &manifest.title,
            manifest.description.as_ref().unwrap_or(&Description::default())
        ],
        |row| row.next(),
    )?;
    insert_version(tx, manifest, next.ok_or(Error::NotFound)?)
}

fn insert_version<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    manifest: &Manifest,
    manifest_version: i64,
) -> Result<()> {
    let text =
        serde_json::to_string(manifest).map_err(|error| Error::Internal(error.to_string()))?;
    sql(tx).execute(
        "insert into application_versions (application, manifest_version, manifest, created_at)
        values (?1, ?2, ?3, ?4)",
        params![&manifest.name, manifest_version, text, tx.now()],
    )?;
    Ok(())
}

/// Counts a change of an application, if it has the version expected; says whether it had.
pub(crate) fn touch<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ApplicationName,
    version: i64,
) -> Result<bool> {
    let touched = sql(tx).execute(
        "update applications set updated_at = ?3, version = version + 1 where name = ?1 and version = ?2",
        params![name, version, tx.now()],
    )?;
    Ok(touched > 0)
}

/// Says which kinds of tenants must bind an application.
pub(crate) fn require<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    name: &ApplicationName,
    kinds: &[TenantKind],
) -> Result<()> {
    sql(tx)
        .execute("delete from application_requirements where application = ?1", params![name])?;
    for kind in kinds {
        sql(tx).execute(
            "insert into application_requirements (application, kind) values (?1, ?2)
            on conflict (application, kind) do nothing",
            params![name, *kind],
        )?;
    }
    Ok(())
}
