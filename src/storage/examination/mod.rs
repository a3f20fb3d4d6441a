//! Examinations: what is wrong with a file, why it matters, and what to do.
//!
//! Here stands what is looked at of files, and how they stand to the registry; what a tenant's file itself holds, in
//! [`content`].

mod content;

use std::path::Path;

use crate::domain::{
    ApplicationPolicy, AuditVerification, Check, Diagnostics, DiagnosticsReport, Error, FieldError,
    FileProblem, Result, SystemTask, TenantId, TenantReference, TenantStatus,
};
use crate::storage::audit;
use crate::storage::engine::Conn;
use crate::storage::engine::Sql;
use crate::storage::engine::sqlite::{Maintenance, Role, Schema, Side};
use crate::storage::identity;
use crate::storage::migration::MayGoOn;
use crate::storage::projection::{self, Projected};
use crate::storage::registry::applications::Compiled;
use crate::storage::registry::files::KnownFile;
use crate::storage::registry::{Registry, files};
use crate::storage::tenant::application_bindings::{self, Bound};

/// Tries to find a moment at which a tenant's memberships do not change.
const MOMENTS: usize = 100;

const WHY_INTEGRITY: &str = "A damaged file loses or invents data.";
const WHY_IDENTITY: &str =
    "A file that is not the tenant's would show one tenant's data to another.";
const WHY_SCHEMA: &str = "A file of another schema cannot be served by this program.";
const WHY_CHAIN: &str =
    "Somebody changed the audit log behind the program's back, or the file was damaged.";
const WHY_REGISTRY: &str =
    "What the registry does not know is not served, and what it knows must be there.";
const WHY_MEMBERSHIPS: &str = "People would not find their tenants, or find ones that they left.";
const WHY_APPLICATIONS: &str =
    "What the installation counts on for tenants of this kind does not work for this one.";
const WHY_POLICIES: &str = "An application whose policies cannot be read permits nothing.";
const WHY_SCOPES: &str = "The application cannot do without the scope.";
const BIND: &str = "Have an owner or administrator of the tenant bind it: `freehold app bind`.";
const BIND_ANEW: &str =
    "Register a manifest that is accepted, and have the tenant bind that version.";
const WHY_QUARANTINE: &str =
    "The tenant is out of service until its file can be trusted and migrated.";
const RESTORE: &str =
    "Stop the server, put the newest good copy of the file back, and run `freehold doctor` again.";
const PUT_RIGHT: &str = "Find the file with this tenant's data and put it back, without a `-wal` or `-shm` file of another one beside it; it is \
    served as soon as it is there.";

impl Registry {
    /// Examines the registry and every tenant's file, or one tenant's; mends, where asked, what can be mended without
    /// losing anything.
    ///
    /// # Errors
    /// The registry itself cannot be read.
    pub fn examine(&self, only: Option<TenantId>, mend: Mend) -> Result<DiagnosticsReport> {
        self.examine_while(only, mend, &|| Ok(()))
    }

    /// The same, as long as it may go on.
    ///
    /// # Errors
    /// As [`Self::examine`]; what `may_go_on` says.
    pub fn examine_while(
        &self,
        only: Option<TenantId>,
        mend: Mend,
        may_go_on: MayGoOn<'_>,
    ) -> Result<DiagnosticsReport> {
        let known = self.look(SystemTask::Examine, |tx| files::all(tx))?;
        let mut reports = Vec::new();
        if only.is_none() {
            reports.push(Diagnostics::of("registry", self.examine_registry(&known)?));
        }
        for file in known.iter().filter(|file| only.is_none_or(|only| file.tenant == only)) {
            may_go_on()?;
            let checks = self.examine_tenant(file, mend);
            reports.push(Diagnostics::of_tenant(file.slug.as_str(), checks));
        }
        Ok(DiagnosticsReport { healthy: reports.iter().all(|report| report.healthy), reports })
    }

    fn examine_registry(&self, known: &[KnownFile]) -> Result<Vec<Check>> {
        let path = self.file.disk.registry();
        let version = identity::check_file(&self.file.disk, &path)?;
        let newest = Schema::Registry.newest();
        let schema = if version == newest {
            Check::ok("schema", format!("version {newest}"))
        } else {
            let found = format!("version {version}, this program's is {newest}");
            Check::failed("schema", found, WHY_SCHEMA, "Run `freehold migrate`.")
        };
        let file = Maintenance::open(&path)?;
        let reader = self.file.core_pool().get()?;
        Ok(vec![
            integrity(file.integrity()),
            schema,
            self.files_known(known)?,
            chain(audit::verify(Sql::on(&reader), "platform", None)),
            values(self.file.unfit_values()),
        ])
    }

    /// Whether every tenant's file is known, and every known file there.
    fn files_known(&self, known: &[KnownFile]) -> Result<Check> {
        let there = self.file.disk.tenants()?;
        let strange = there
            .iter()
            .filter(|(id, _)| !known.iter().any(|file| Some(file.tenant) == *id))
            .count();
        let missing = known
            .iter()
            .filter(|file| !there.iter().any(|(id, _)| *id == Some(file.tenant)))
            .count();
        if strange == 0 && missing == 0 {
            return Ok(Check::ok(
                "registry",
                format!("{} files, all known and there", known.len()),
            ));
        }
        let found = format!("{missing} files missing, {strange} files that no tenant has");
        let remedy = "Put missing files back from a copy. Where files are strange, an older registry was put back, or they were put \
             there: restore a data directory of one moment, or move them out.";
        Ok(Check::failed("registry", found, WHY_REGISTRY, remedy))
    }

    fn examine_tenant(&self, known: &KnownFile, mend: Mend) -> Vec<Check> {
        let disk = &self.file.disk;
        let path = disk.tenant(known.tenant, &known.region);
        if let Err(error) = identity::check_header(disk, &path) {
            return vec![not_opened(known, &error)];
        }
        let schema = Check::ok("schema", format!("version {}", Schema::Tenant.newest()));
        let identity = self.check_identity(known);
        // What a wrong file holds must not reach what the registry says of this tenant.
        match identity {
            Ok(identity) => {
                let mut checks = vec![schema, identity];
                checks.extend(self.examine_file(known, &path, mend));
                checks
            }
            Err(refused) => vec![schema, refused],
        }
    }

    /// Examines what the right file holds.
    fn examine_file(&self, known: &KnownFile, path: &Path, mend: Mend) -> Vec<Check> {
        let mut checks = vec![match Maintenance::open(path) {
            Ok(file) => integrity(file.integrity()),
            Err(error) => Check::failed("integrity", error.to_string(), WHY_INTEGRITY, RESTORE),
        }];
        match Conn::open(path, Side::Tenant, Role::Reader) {
            Ok(conn) => {
                checks.push(self.audit(known, &conn));
                checks.push(content::owners(known, Sql::on(&conn)));
                checks.push(self.memberships(known, &conn, mend));
                checks.extend(self.applications(known, &conn));
                checks.push(values(self.file.unfit_values_of(Sql::on(&conn))));
                checks.push(self.usage(known, &conn, mend));
                checks.push(self.outbox(known, &conn));
            }
            Err(error) => {
                checks.push(Check::failed("integrity", error.to_string(), WHY_INTEGRITY, RESTORE));
            }
        }
        checks
    }

    /// Whether the file is the one that the registry knows; an error is a file that is none, or cannot be opened.
    fn check_identity(&self, known: &KnownFile) -> Result<Check, Check> {
        let opened = self
            .resolve(&TenantReference::Id(known.tenant))
            .and_then(|entry| entry.ok_or(Error::NotFound))
            .and_then(|entry| self.open_blocking(&entry));
        match opened {
            Ok(_) if known.status == TenantStatus::Quarantined => Ok(quarantined(known)),
            Ok(_) => Ok(Check::ok("identity", "the file is the one that the registry knows")),
            Err(error) => Err(not_opened(known, &error)),
        }
    }

    /// Whether the registry's projection says of memberships what the file says.
    fn memberships(&self, known: &KnownFile, conn: &Conn, mend: Mend) -> Check {
        match self.compare_memberships(known, conn, mend) {
            Ok(check) => check,
            Err(error) => {
                Check::failed("memberships", error.to_string(), WHY_MEMBERSHIPS, remedy_for(&error))
            }
        }
    }

    /// What the registry and what the file says, as of the same place in the file's outbox.
    fn at_one_moment(&self, known: &KnownFile, conn: &Conn) -> Result<(Projected, Projected, i64)> {
        for _ in 0..MOMENTS {
            projection::follow(&self.file, known.tenant, conn)?;
            let (truth, seq) = projection::truth(conn, known.tenant)?;
            let (projected, followed) = self.projected(known.tenant)?;
            if followed == seq {
                return Ok((projected, truth, seq));
            }
        }
        Err(Error::Busy { retry_after_s: 1 })
    }

    /// What a tenant has bound: what is required of its kind, by manifests that this program accepts, with the scopes
    /// that they require.
    fn applications(&self, known: &KnownFile, conn: &Conn) -> Vec<Check> {
        self.compare_bindings(known, conn).unwrap_or_else(|error| {
            let remedy = remedy_for(&error);
            vec![Check::failed("applications", error.to_string(), WHY_APPLICATIONS, remedy)]
        })
    }

    fn compare_bindings(&self, known: &KnownFile, conn: &Conn) -> Result<Vec<Check>> {
        let bound = application_bindings::bound(Sql::on(conn))?;
        let entry = self.resolve(&TenantReference::Id(known.tenant))?.ok_or(Error::NotFound)?;
        let mut required = self.file.required_for(entry.kind)?;
        required.retain(|name| bound.iter().all(|bound| bound.application != *name));
        let missing = required.iter().map(|name| format!("{name} is required and not bound"));
        let (mut policies, mut scopes) = (Vec::new(), Vec::new());
        for bound in &bound {
            match self.file.compiled(&bound.application, bound.manifest_version)? {
                Some(Compiled::Ready(policy)) => scopes.extend(missing_scopes(bound, &*policy)),
                Some(Compiled::Refused(errors)) => policies.push(refused_manifest(bound, &errors)),
                None => policies.push(format!("{} is not registered", version_of(bound))),
            }
        }
        let count = format!("{} bound", bound.len());
        Ok(vec![
            found("applications", &count, missing.collect(), WHY_APPLICATIONS, BIND),
            found("policies", &count, policies, WHY_POLICIES, BIND_ANEW),
            found("scopes", &count, scopes, WHY_SCOPES, BIND_ANEW),
        ])
    }

    fn compare_memberships(&self, known: &KnownFile, conn: &Conn, mend: Mend) -> Result<Check> {
        let (projected, truth, seq) = self.at_one_moment(known, conn)?;
        if truth == projected {
            return Ok(Check::ok(
                "memberships",
                format!("{} in the file and in the registry", counts(&truth)),
            ));
        }
        let found = format!(
            "{} in the file, {} in the registry, not the same",
            counts(&truth),
            counts(&projected)
        );
        if mend == Mend::Nothing {
            let remedy =
                "Run `freehold doctor --fix`; the registry is made to say what the file says.";
            return Ok(Check::failed("memberships", found, WHY_MEMBERSHIPS, remedy));
        }
        self.reproject(known.tenant, truth, seq)?;
        Ok(Check::fixed("memberships", found, WHY_MEMBERSHIPS))
    }
}

/// How many of each there are.
fn counts(of: &Projected) -> String {
    format!("{} memberships and {} invitations", of.memberships.len(), of.invitations.len())
}

/// What an examination does about what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mend {
    /// Nothing.
    Nothing,
    /// Mends what can be mended without losing anything.
    WhatIsSafe,
}

/// A check that ends well where nothing is missing.
fn found(name: &str, all: &str, missing: Vec<String>, why: &str, remedy: &str) -> Check {
    if missing.is_empty() {
        return Check::ok(name, all);
    }
    Check::failed(name, missing.join("; "), why, remedy)
}

/// Whether stored values count.
fn values(check: Result<Check>) -> Check {
    check.unwrap_or_else(|error| {
        let why = "Profiles and the catalogue are made of them.";
        Check::failed("values", error.to_string(), why, remedy_for(&error))
    })
}

fn version_of(bound: &Bound) -> String {
    format!("version {} of {}", bound.manifest_version, bound.application)
}

fn refused_manifest(bound: &Bound, errors: &[FieldError]) -> String {
    let first = errors.first().map(|error| format!("{} {}", error.field, error.detail));
    format!("{}: {}", version_of(bound), first.unwrap_or_default())
}

fn missing_scopes<'b>(
    bound: &'b Bound,
    policy: &'b dyn ApplicationPolicy,
) -> impl Iterator<Item = String> + 'b {
    let required = policy.manifest().scopes.iter().filter(|scope| scope.required);
    let missing = required.filter(|scope| !bound.scopes.contains(&scope.name));
    missing.map(|scope| format!("{} requires the scope {}", version_of(bound), scope.name))
}

fn integrity(findings: Result<Vec<String>, crate::storage::engine::SqlError>) -> Check {
    match findings {
        Ok(findings) if findings.is_empty() => {
            Check::ok("integrity", "every page and reference is sound")
        }
        Ok(findings) => Check::failed("integrity", findings.join("; "), WHY_INTEGRITY, RESTORE),
        Err(error) => Check::failed("integrity", error.to_string(), WHY_INTEGRITY, RESTORE),
    }
}

fn chain(verified: Result<AuditVerification, crate::storage::engine::SqlError>) -> Check {
    match verified {
        Ok(AuditVerification { bad: None, rows, anchored_seq, .. }) => {
            let anchored = anchored_seq.map(|seq| format!(", anchored at row {seq}"));
            let found = format!("{rows} rows, unbroken{}", anchored.unwrap_or_default());
            Check::ok("audit_chain", found)
        }
        Ok(AuditVerification { bad: Some(bad), rows, .. }) => {
            let found = format!("row {} is {}, behind {rows} good ones", bad.seq, bad.problem);
            Check::failed(
                "audit_chain",
                found,
                WHY_CHAIN,
                "Compare the file with its copies, and find out who did it.",
            )
        }
        Err(error) => Check::failed("audit_chain", error.to_string(), WHY_CHAIN, RESTORE),
    }
}

/// What is said of a file that is refused, or cannot be opened.
fn not_opened(known: &KnownFile, error: &Error) -> Check {
    match error {
        Error::File(FileProblem::Outdated) if known.status == TenantStatus::Quarantined => {
            quarantined(known)
        }
        Error::File(problem) => {
            let found = format!("{problem}: {}", found_of(*problem));
            let (name, why) = match problem {
                FileProblem::Outdated | FileProblem::Newer => ("schema", WHY_SCHEMA),
                FileProblem::Damaged => ("integrity", WHY_INTEGRITY),
                _ => ("identity", WHY_IDENTITY),
            };
            Check::failed(name, found, why, remedy_of(*problem))
        }
        error => Check::failed("integrity", error.to_string(), WHY_INTEGRITY, remedy_for(error)),
    }
}

/// What helps against an error that came while a file was examined: the file itself may be sound.
fn remedy_for(error: &Error) -> &'static str {
    match error {
        Error::DiskFull => "Make room on the disk, and run `freehold doctor` again.",
        Error::Busy { .. } => "Run `freehold doctor` again.",
        _ => RESTORE,
    }
}

/// What is said of a tenant that was taken out of service, though its file may be right by now.
fn quarantined(known: &KnownFile) -> Check {
    let problem = known.problem.as_deref().unwrap_or("nobody wrote down why");
    let remedy = "Mend the file or put the right one back, then run `freehold migrate --tenant` for it. A copy from \
        before the migration is in `backups`.";
    Check::failed("schema", format!("quarantined: {problem}"), WHY_QUARANTINE, remedy)
}

pub(in crate::storage) fn found_of(problem: FileProblem) -> &'static str {
    match problem {
        FileProblem::Missing => "there is no file where the registry says",
        FileProblem::Linked => "the path is a symbolic link, or the file has more than one name",
        FileProblem::Truncated => "the file is shorter than it says that it is",
        FileProblem::Foreign => "it is no file of ours, or another tenant's",
        FileProblem::Replaced => "it is this tenant's, but not the file that the registry knows",
        FileProblem::RolledBack => "it lacks audit rows that the registry has seen in it",
        FileProblem::Newer => "a newer program has written it",
        FileProblem::Outdated => "it has an older schema than the registry knows of",
        FileProblem::Denied => {
            "the user that runs the program may not read and write it, or what lies beside it"
        }
        FileProblem::Damaged => {
            "its pages cannot be read, or its tables are not those that the program made"
        }
    }
}

fn remedy_of(problem: FileProblem) -> &'static str {
    match problem {
        FileProblem::Outdated => "Run `freehold migrate --tenant` for it.",
        FileProblem::Newer => {
            "Run the newer program, or put back the copy that was made before its migration."
        }
        FileProblem::Linked => {
            "Put the file itself where the link is, as a copy: `cp`, neither `ln` nor `cp -l`."
        }
        FileProblem::RolledBack => {
            "Put the newest copy of the file back. Where there is none, put back a whole data directory of one moment."
        }
        FileProblem::Denied => {
            "Give the file, and `-wal` and `-shm` beside it, back to that user: `chown`, and `chmod 600`. It may be sound."
        }
        FileProblem::Foreign | FileProblem::Replaced => PUT_RIGHT,
        FileProblem::Missing | FileProblem::Truncated | FileProblem::Damaged => RESTORE,
    }
}
