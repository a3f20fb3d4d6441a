//! Imports: tenants with everything in them, from one file.
//!
//! A file is checked whole before anything is done. People become accounts first; then each tenant is filled in one
//! transaction of its own file, and stays `provisioning` until that has been committed. An import adds what is missing
//! and neither changes nor removes what is there, so that it can be run again after a crash, or just again.
//!
//! It goes on after the request: each tenant begins with the question whether the account, or the service account, that
//! started it may still import. If not, the import stops, and somebody who may can run the file again.

mod check;
mod fill;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

pub use self::check::{check, parse, pointer};
use crate::domain::action::{CreateImport, ImportTenant as FillTenant};
use crate::domain::{
    Account, AccountId, Call, Covers, Error, Identity, IdentityPart, ImportFile, ImportOutcome,
    ImportProgress, ImportReport, ImportTenant, Name, NewAccount, NewTenant, Platform, Result,
    Slug, TenantId, TenantImport, TenantReference, TenantStatus,
};
use crate::storage::registry::accounts;
use crate::storage::registry::tenants::Purpose;
use crate::storage::{Registry, Tx, WriteTx};

/// Told how far an import is.
pub type OnProgress = Arc<dyn Fn(ImportProgress) + Send + Sync>;

/// The people of a file, by the subject that the file names them with.
type People = HashMap<IdentityPart, (AccountId, Name)>;

/// What a run is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Run {
    /// To import.
    Real,
    /// To learn what importing would do.
    Dry,
}

/// Imports a file that [`check`] found nothing wrong with.
///
/// # Errors
/// The caller may not; storage failed. A tenant that cannot be filled, and a stop for a lost right, are no
/// errors: the report has them.
pub fn run(
    registry: &Registry,
    call: &Call,
    file: &ImportFile,
    run: Run,
    progress: &OnProgress,
) -> Result<ImportReport> {
    let call = call.lasting();
    let mut report = ImportReport { dry_run: run == Run::Dry, ..ImportReport::default() };
    let (people, added) = people(registry, &call, file, run, progress)?;
    report.accounts_added = added;
    let import = Import { registry, call, file, run, people: Arc::new(people), progress };
    for tenant in &file.tenants {
        let Some(done) = import.as_long_as_permitted(tenant)? else {
            report.stopped = true;
            break;
        };
        report.tenants.push(done);
    }
    Ok(report)
}

/// Finds or makes the account of everybody whom a file names.
fn people(
    registry: &Registry,
    call: &Call,
    file: &ImportFile,
    run: Run,
    progress: &OnProgress,
) -> Result<(People, u64)> {
    let issuer = match &file.issuer {
        Some(issuer) => issuer.clone(),
        None => IdentityPart::parse(ImportFile::ISSUER).map_err(Error::Internal)?,
    };
    let subjects: BTreeSet<&IdentityPart> = file.tenants.iter().flat_map(everybody).collect();
    let total = subjects.len() as u64;
    let identities: Vec<Identity> = subjects
        .into_iter()
        .map(|subject| Identity { issuer: issuer.clone(), subject: subject.clone() })
        .collect();
    progress(ImportProgress::Progress { stage: "accounts".to_owned(), done: 0, total });
    let found: Vec<(IdentityPart, AccountId, Name, bool)> = match run {
        Run::Real => registry.write_blocking::<CreateImport, _, _>(call, Platform, move |tx| {
            identities.iter().map(|identity| ensure_account(tx, identity)).collect()
        })?,
        Run::Dry => registry.read_blocking::<CreateImport, _>(call, Platform, |tx| {
            identities.iter().map(|identity| known_account(tx, identity)).collect()
        })?,
    };
    progress(ImportProgress::Progress { stage: "accounts".to_owned(), done: total, total });
    let added = found.iter().filter(|(.., is_new)| *is_new).count() as u64;
    Ok((found.into_iter().map(|(subject, id, name, _)| (subject, (id, name))).collect(), added))
}

fn everybody(tenant: &ImportTenant) -> impl Iterator<Item = &IdentityPart> {
    tenant.owners.iter().chain(&tenant.admins).chain(&tenant.members).chain(&tenant.guests)
}

fn ensure_account<A: Covers<crate::domain::action::CreateAccount>>(
    tx: &mut WriteTx<'_, A>,
    identity: &Identity,
) -> Result<(IdentityPart, AccountId, Name, bool)> {
    if let Some(account) = find_account(tx, identity)? {
        return Ok((identity.subject.clone(), account.id, account.display_name, false));
    }
    let new = NewAccount {
        display_name: name_of(identity)?,
        email: None,
        identities: vec![identity.clone()],
    };
    let account = super::accounts::create(tx, &new)?;
    Ok((identity.subject.clone(), account.id, account.display_name, true))
}

fn known_account(
    tx: &impl Tx,
    identity: &Identity,
) -> Result<(IdentityPart, AccountId, Name, bool)> {
    Ok(match find_account(tx, identity)? {
        Some(account) => (identity.subject.clone(), account.id, account.display_name, false),
        // Nobody's id: a rehearsal that needs it will not find them a member.
        None => (identity.subject.clone(), AccountId(uuid::Uuid::nil()), name_of(identity)?, true),
    })
}

fn find_account(tx: &impl Tx, identity: &Identity) -> Result<Option<Account>> {
    match accounts::find_by_identity(tx, identity)? {
        Some(id) => accounts::find(tx, id),
        None => Ok(None),
    }
}

fn name_of(identity: &Identity) -> Result<Name> {
    let name: String = identity.subject.as_str().chars().take(200).collect();
    Name::parse(name).map_err(Error::Internal)
}

/// One run over one file.
struct Import<'a> {
    registry: &'a Registry,
    call: Call,
    file: &'a ImportFile,
    run: Run,
    people: Arc<People>,
    progress: &'a OnProgress,
}

impl Import<'_> {
    /// Whether the caller may still import.
    fn is_permitted(&self) -> Result<bool> {
        match self.registry.read_blocking::<CreateImport, _>(&self.call, Platform, |_| Ok(())) {
            Ok(()) => Ok(true),
            Err(error) if error.is_denial() => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Imports one tenant; `None` once the caller may no longer import.
    fn as_long_as_permitted(&self, tenant: &ImportTenant) -> Result<Option<TenantImport>> {
        if !self.is_permitted()? {
            return Ok(None);
        }
        let result = self.tenant(tenant);
        let has_failed = result.as_ref().map_or(true, |it| it.outcome == ImportOutcome::Failed);
        // The right can be lost while a tenant is filled: its own door refuses it then.
        if has_failed && !self.is_permitted()? {
            return Ok(None);
        }
        result.map(Some)
    }

    fn tenant(&self, tenant: &ImportTenant) -> Result<TenantImport> {
        let result =
            match (self.registry.resolve(&TenantReference::Slug(tenant.slug.clone()))?, self.run) {
                (None, Run::Dry) => {
                    Ok((None, ImportOutcome::Created, fill::everything(tenant, self.file)))
                }
                (None, Run::Real) => {
                    let id = self.register(tenant)?;
                    self.fill(id, tenant).map(|added| (Some(id), ImportOutcome::Created, added))
                }
                (Some(entry), _) => match entry.status {
                    TenantStatus::Provisioning | TenantStatus::Active => self
                        .fill(entry.id, tenant)
                        .map(|added| (Some(entry.id), outcome(&added), added)),
                    status => Err(Error::TenantUnavailable(status)),
                },
            };
        Ok(match result {
            Ok((id, outcome, added)) => {
                TenantImport { slug: tenant.slug.clone(), id, outcome, added, problem: None }
            }
            Err(error) => failed(&tenant.slug, &error),
        })
    }

    fn register(&self, tenant: &ImportTenant) -> Result<TenantId> {
        let region = self.registry.region(None)?;
        let new = NewTenant {
            slug: tenant.slug.clone(),
            name: tenant.name.clone(),
            description: tenant.description.clone(),
            kind: tenant.kind,
            data_region: None,
            owner_id: None,
        };
        self.registry.write_blocking::<CreateImport, _, _>(&self.call, Platform, move |tx| {
            super::tenants::register(tx, &new, &region, Purpose::Import).map(|tenant| tenant.id)
        })
    }

    /// Fills a tenant in one transaction, and then puts it into service.
    fn fill(&self, id: TenantId, tenant: &ImportTenant) -> Result<BTreeMap<String, u64>> {
        let row = self.registry.read_blocking::<crate::domain::action::InspectTenant, _>(
            &self.call,
            id,
            |tx| super::tenants::inspect(tx, id),
        )?;
        self.registry.provision(&row)?;
        let entry = self.registry.resolve(&TenantReference::Id(id))?.ok_or(Error::NotFound)?;
        let store = self.registry.open_blocking(&entry)?;
        let plan = fill::Plan::new(tenant, self.file, self.people.clone(), self.progress.clone());
        let body = move |tx: &mut WriteTx<'_, FillTenant>| plan.apply(tx);
        if self.run == Run::Dry {
            return store.rehearse_blocking::<FillTenant, _, _>(&self.call, id, body);
        }
        let added = store.write_blocking::<FillTenant, _, _>(&self.call, id, body)?;
        super::tenants::activate(self.registry, id)?;
        store.project()?;
        Ok(added)
    }
}

fn outcome(added: &BTreeMap<String, u64>) -> ImportOutcome {
    if added.is_empty() { ImportOutcome::Unchanged } else { ImportOutcome::Changed }
}

fn failed(slug: &Slug, error: &Error) -> TenantImport {
    tracing::warn!(tenant.slug = %slug, error = %error, "a tenant could not be imported");
    TenantImport {
        slug: slug.clone(),
        id: None,
        outcome: ImportOutcome::Failed,
        added: BTreeMap::new(),
        problem: Some(error.to_string()),
    }
}
