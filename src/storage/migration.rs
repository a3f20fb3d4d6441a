//! Migrating tenants' files: in parallel, those alone that the registry does not know to be current, each with a
//! snapshot before it is touched. A file that is not the one that the registry knows is not migrated into service. One
//! that is refused or fails is quarantined; the rest are served.

use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;

use super::engine::sqlite::{Maintenance, Schema, version_of};
use super::registry::files::KnownFile;
use super::registry::{Registry, files, tenants};
use super::{identity, provisioning};
use crate::domain::{
    Error, EventType, FileProblem, MigrationOutcome, MigrationReport, MigrationState, Result,
    SystemTask, TenantId, TenantMigration, TenantReference, TenantStatus,
};

/// Files that are migrated at once.
const WORKERS: usize = 4;

/// Told of every file that a run has dealt with: how many so far, of how many.
pub type OnProgress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Asked before each file whether a run may go on.
pub type MayGoOn<'a> = &'a (dyn Fn() -> Result<()> + Sync);

impl Registry {
    /// How every file stands to this program's schema, without opening any.
    ///
    /// # Errors
    /// Storage failed.
    pub fn migrations(&self) -> Result<MigrationReport> {
        let files = self.look(SystemTask::Migrate, |tx| files::all(tx))?;
        let mut report = self.report()?;
        for file in files {
            let state = state(&file);
            if state == MigrationState::Current {
                report.current += 1;
            } else {
                report.tenants.push(entry(&file, state, None, file.problem.clone()));
            }
        }
        Ok(report)
    }

    /// Brings every file to this program's schema, or one tenant's. Those that the registry knows to be current are not
    /// opened, but for one that is asked for and says itself that it is not: a second run does nothing.
    ///
    /// # Errors
    /// Storage failed. A file that cannot be migrated is no error: it stands in the report.
    pub fn migrate(
        &self,
        only: Option<TenantId>,
        progress: OnProgress<'_>,
    ) -> Result<MigrationReport> {
        self.migrate_while(only, progress, &|| Ok(()))
    }

    /// The same, as long as it may go on.
    ///
    /// # Errors
    /// As [`Self::migrate`]; what `may_go_on` says: what was done stays done.
    pub fn migrate_while(
        &self,
        only: Option<TenantId>,
        progress: OnProgress<'_>,
        may_go_on: MayGoOn<'_>,
    ) -> Result<MigrationReport> {
        let mut report = self.report()?;
        let mut pending = self.look(SystemTask::Migrate, |tx| files::all(tx))?;
        pending.retain(|file| only.is_none_or(|only| file.tenant == only));
        let before = pending.len();
        pending.retain(|file| {
            state(file) != MigrationState::Current || (only.is_some() && self.is_behind(file))
        });
        report.current = (before - pending.len()) as u64;
        let next = AtomicUsize::new(0);
        let done = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..WORKERS.min(pending.len()) {
                scope.spawn(|| {
                    while let Some(file) = pending.get(next.fetch_add(1, Ordering::Relaxed)) {
                        results.lock().push(may_go_on().and_then(|()| self.migrate_one(file)));
                        progress(done.fetch_add(1, Ordering::Relaxed) + 1, pending.len());
                    }
                });
            }
        });
        report.tenants = results.into_inner().into_iter().collect::<Result<Vec<_>>>()?;
        report.tenants.sort_by(|one, other| one.slug.cmp(&other.slug));
        Ok(report)
    }

    fn report(&self) -> Result<MigrationReport> {
        Ok(MigrationReport {
            registry_version: identity::check_file(&self.file.disk, &self.file.disk.registry())?,
            newest_version: Schema::Tenant.newest(),
            current: 0,
            tenants: Vec::new(),
        })
    }

    /// Whether a file is older than the registry has it: the copy from before a migration was put back.
    fn is_behind(&self, known: &KnownFile) -> bool {
        let disk = &self.file.disk;
        let path = disk.tenant(known.tenant, &known.region);
        identity::check_header(disk, &path) == Err(Error::File(FileProblem::Outdated))
    }

    fn migrate_one(&self, known: &KnownFile) -> Result<TenantMigration> {
        self.close_tenant(known.tenant)?;
        match self.migrate_file(known) {
            Ok(version) => {
                self.migrated(known, version)?;
                let known = KnownFile { schema_version: version, ..known.clone() };
                Ok(entry(&known, MigrationState::Current, Some(MigrationOutcome::Migrated), None))
            }
            Err(error) => {
                let problem = match error {
                    Error::File(problem) => problem.to_string(),
                    error => error.to_string(),
                };
                tracing::error!(tenant.id = %known.tenant, error = %problem, "a tenant's file could not be migrated");
                self.quarantine(known.tenant, &problem)?;
                Ok(entry(
                    known,
                    MigrationState::Failed,
                    Some(MigrationOutcome::Failed),
                    Some(problem),
                ))
            }
        }
    }

    fn migrate_file(&self, known: &KnownFile) -> Result<u32> {
        let disk = &self.file.disk;
        let path = disk.tenant(known.tenant, &known.region);
        if known.status == TenantStatus::Provisioning && !disk.exists(&path)? {
            // An older program had not made it yet; it will be made of this schema.
            return Ok(Schema::Tenant.newest());
        }
        if identity::check_file(disk, &path)? > Schema::Tenant.newest() {
            return Err(Error::File(FileProblem::Newer));
        }
        // A swapped or an older file is not migrated into service.
        let entry = self.file.entry(&TenantReference::Id(known.tenant))?.ok_or(Error::NotFound)?;
        let mut file = identity::open_known(&path, &entry)?;
        self.keep_snapshot(known, &file)?;
        let version = Schema::Tenant.migrate(&mut file).map_err(Error::Storage)?;
        file.close()?;
        Ok(version)
    }

    fn keep_snapshot(&self, known: &KnownFile, file: &Maintenance) -> Result<()> {
        let disk = &self.file.disk;
        let version = version_of(file)?;
        let snapshot = disk.snapshot(known.tenant, version);
        if version == Schema::Tenant.newest() || disk.exists(&snapshot)? {
            return Ok(());
        }
        provisioning::keep_copy(disk, file, &snapshot)
    }

    fn migrated(&self, known: &KnownFile, version: u32) -> Result<()> {
        let (id, status) = (known.tenant, known.status);
        self.system(SystemTask::Migrate, move |tx| {
            files::set_schema_version(tx, id, version)?;
            if status == TenantStatus::Quarantined {
                let before = tenants::status_before(tx, id)?.unwrap_or(TenantStatus::Suspended);
                let tenant = tenants::set_status(tx, id, status.to(before)?)?;
                tx.emit(EventType::TenantResumed, &id.into(), &tenant);
            }
            Ok(())
        })
    }

    /// Takes a tenant out of service because its file cannot be trusted or migrated.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn quarantine(&self, id: TenantId, problem: &str) -> Result<()> {
        let problem = problem.to_owned();
        self.system(SystemTask::Migrate, move |tx| {
            files::set_problem(tx, id, Some(&problem))?;
            let tenant = tenants::find(tx, id)?.ok_or(Error::NotFound)?;
            if tenant.status != TenantStatus::Quarantined {
                let tenant =
                    tenants::set_status(tx, id, tenant.status.to(TenantStatus::Quarantined)?)?;
                tx.emit(EventType::TenantSuspended, &id.into(), &tenant);
            }
            Ok(())
        })
    }
}

fn state(file: &KnownFile) -> MigrationState {
    let newest = Schema::Tenant.newest();
    if file.status == TenantStatus::Quarantined && file.problem.is_some() {
        MigrationState::Failed
    } else if file.schema_version == newest {
        MigrationState::Current
    } else {
        MigrationState::Pending
    }
}

fn entry(
    file: &KnownFile,
    state: MigrationState,
    outcome: Option<MigrationOutcome>,
    problem: Option<String>,
) -> TenantMigration {
    TenantMigration {
        id: file.tenant,
        slug: file.slug.clone(),
        version: file.schema_version,
        state,
        outcome,
        problem,
    }
}
