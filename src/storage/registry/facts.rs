//! What the registry's door knows, and the snapshots of it that tenants' doors decide by.
//!
//! A snapshot is kept with the epoch that it was read in, and read again when the epoch has moved. The epoch is noted
//! before the reading: a snapshot may be newer than its epoch says, never older.

use std::sync::Arc;

use super::{RegistryFile, api_keys, applications, break_glass, credentials};
use crate::domain::{
    AccountId, AccountState, Caller, Error, FileId, IdentityPart, OperatorRole, Region, Result,
    Revocations, RowSecurityMode, ServiceAccountId, Slug, Subject, SubjectFacts, Target,
    TargetFacts, TenantId, TenantKind, TenantReference, TenantStatus,
};
use crate::storage::audit::Head;
use crate::storage::door::{Known, nobody};
use crate::storage::engine::{Session, Sql, params};

/// What the registry knows of an account.
#[derive(Debug, Clone, Copy)]
pub struct AccountEntry {
    /// Its state; `None` where there is no such account.
    pub state: Option<AccountState>,
    /// Its platform role.
    pub operator: Option<OperatorRole>,
    /// What of it was revoked by time.
    pub revocations: Revocations,
}

/// What the registry knows of a tenant and of its file.
#[derive(Debug, Clone)]
pub struct TenantEntry {
    /// The tenant.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What it is for.
    pub kind: TenantKind,
    /// Its state.
    pub status: TenantStatus,
    /// What its row-level security does.
    pub row_security: RowSecurityMode,
    /// Where its file lies.
    pub data_region: Region,
    /// Which file it is.
    pub file_id: FileId,
    /// The version of its schema.
    pub schema_version: u32,
    /// Whether its outbox may hold something that the registry has not followed.
    pub dirty: bool,
    /// The audit row that it must contain.
    pub audit_seq: i64,
    /// That row's hash.
    pub audit_hash: String,
    /// What was last found wrong with it.
    pub problem: Option<String>,
    /// Days for which its audit log is kept; for good, where there are none.
    pub audit_retention_days: Option<u32>,
}

impl TenantEntry {
    /// The audit row that the file must contain, where the registry has seen any.
    pub(in crate::storage) fn anchor(&self) -> Option<Head> {
        let head = Head { seq: self.audit_seq, hash: self.audit_hash.clone() };
        (head.seq > 0).then_some(head)
    }
}

const ENTRY: &str = "select t.id, t.slug, t.kind, t.status, t.row_security, t.data_region, f.file_id, f.schema_version, f.dirty, \
        f.audit_seq, f.audit_hash, f.problem, t.audit_retention_days \
    from tenants t join tenant_files f on f.tenant_id = t.id ";

impl RegistryFile {
    /// What the registry knows of an account now.
    pub(in crate::storage) fn account(&self, account: AccountId) -> Result<AccountEntry> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.accounts.get(&account)
            && kept == epoch
        {
            return Ok(entry);
        }
        let conn = self.lookups.get()?;
        let entry = read_account(Sql::on(&conn), account)?;
        self.accounts.insert(account, (epoch, entry));
        Ok(entry)
    }

    /// What the registry knows of a tenant now.
    pub(in crate::storage) fn entry(
        &self,
        reference: &TenantReference,
    ) -> Result<Option<Arc<TenantEntry>>> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.tenants.get(reference)
            && kept == epoch
        {
            return Ok(entry);
        }
        let entry = self.entry_anew(reference)?;
        self.tenants.insert(reference.clone(), (epoch, entry.clone()));
        Ok(entry)
    }

    /// The same as it stands on disk: what is remembered may be of before the last audit row that was seen.
    pub(in crate::storage) fn entry_anew(
        &self,
        reference: &TenantReference,
    ) -> Result<Option<Arc<TenantEntry>>> {
        let conn = self.lookups.get()?;
        Ok(read_entry(Sql::on(&conn), reference)?.map(Arc::new))
    }

    /// Whether any tenant has a host name of its own now.
    pub(in crate::storage) fn has_hosts(&self) -> Result<bool> {
        let conn = self.lookups.get()?;
        let found: Option<i64> =
            Sql::on(&conn).one("select 1 from tenant_hosts limit 1", &[], |row| row.next())?;
        Ok(found.is_some())
    }

    /// A tenant's state now, and what its row-level security does.
    pub(in crate::storage) fn standing(
        &self,
        tenant: TenantId,
    ) -> Result<(TenantStatus, RowSecurityMode)> {
        let entry = self.entry(&TenantReference::Id(tenant))?.ok_or(Error::NotFound)?;
        Ok((entry.status, entry.row_security))
    }
}

/// Who people are, for the tenants that ask.
impl RegistryFile {
    /// Whose an identity is now.
    pub(in crate::storage) fn account_of(
        &self,
        issuer: &IdentityPart,
        subject: &str,
    ) -> Result<Option<AccountId>> {
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).one(
            "select account_id from account_identities where issuer = ?1 and subject = ?2",
            params![issuer, subject],
            |row| row.next(),
        )?)
    }

    /// What an issuer calls each of these accounts now, in the order of account and subject.
    pub(in crate::storage) fn subjects_of(
        &self,
        issuer: &IdentityPart,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, String)>> {
        let accounts = serde_json::to_string(accounts).unwrap_or_default();
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).all(
            "select account_id, subject from account_identities
            where account_id in (select value from json_each(?2)) and issuer = ?1
            order by account_id, subject",
            params![issuer, accounts],
            |row| Ok((row.next()?, row.next()?)),
        )?)
    }

    /// Whether somebody calls an account so now, whoever it is.
    pub(in crate::storage) fn is_subject(&self, account: AccountId, subject: &str) -> Result<bool> {
        let conn = self.lookups.get()?;
        let found: Option<i64> = Sql::on(&conn).one(
            "select 1 from account_identities where account_id = ?1 and subject = ?2 limit 1",
            params![account, subject],
            |row| row.next(),
        )?;
        Ok(found.is_some())
    }
}

fn read_account(sql: Sql<'_>, account: AccountId) -> Result<AccountEntry> {
    let found = sql.one(
        "select a.state, o.role, a.tokens_not_before, a.tokens_not_before_id, s.until
        from accounts a left join operators o on o.account_id = a.id
        left join sign_in_revocations s on s.account_id = a.id
        where a.id = ?1",
        params![account],
        |row| {
            let (state, operator) = (row.next()?, row.next()?);
            Ok(AccountEntry { state, operator, revocations: credentials::revocations(row)? })
        },
    )?;
    let nobody =
        || AccountEntry { state: None, operator: None, revocations: Revocations::default() };
    Ok(found.unwrap_or_else(nobody))
}

fn read_entry(sql: Sql<'_>, reference: &TenantReference) -> Result<Option<TenantEntry>> {
    let (statement, key) = match reference {
        TenantReference::Id(id) => (concat_entry("where t.id = ?1"), id.to_string()),
        TenantReference::Slug(slug) => (concat_entry("where t.slug = ?1"), slug.to_string()),
        TenantReference::Host(host) => (
            concat_entry("join tenant_hosts h on h.tenant_id = t.id where h.host = ?1"),
            host.to_string(),
        ),
    };
    Ok(sql.one(&statement, params![key], |row| {
        Ok(TenantEntry {
            id: row.next()?,
            slug: row.next()?,
            kind: row.next()?,
            status: row.next()?,
            row_security: row.next()?,
            data_region: row.next()?,
            file_id: row.next()?,
            schema_version: row.next()?,
            dirty: row.next()?,
            audit_seq: row.next()?,
            audit_hash: row.next()?,
            problem: row.next()?,
            audit_retention_days: row.next()?,
        })
    })?)
}

fn concat_entry(condition: &str) -> String {
    format!("{ENTRY}{condition}")
}

/// What is known of a caller of the platform or account plane.
pub(super) fn know(file: &RegistryFile, sql: Sql<'_>, caller: &Caller) -> Result<(Known, Session)> {
    let account = caller.subject.account();
    let session = Session {
        account: caller.subject.principal().map(|own| own.to_string().into()),
        ..nobody(&file.core.name)
    };
    let mut known = Known::of(&file.core, caller);
    // A tenant's own issuer speaks in that tenant alone.
    known.subject.live = credentials::is_live(file, sql, caller)? && !caller.credential.by_tenant;
    if let Some(account) = account {
        let entry = read_account(sql, account)?;
        known.subject.account = entry.state;
        // A platform role counts with a platform credential alone.
        known.subject.operator = entry.operator.filter(|_| caller.tenant.is_none());
    }
    if let (Subject::ServiceAccount(id), None) = (caller.subject, caller.tenant) {
        know_service(file, sql, (caller, id), &mut known.subject)?;
    }
    Ok((known, session))
}

/// One of the platform's service accounts: by the key that it calls with, or by any where it is only asked after.
fn know_service(
    file: &RegistryFile,
    sql: Sql<'_>,
    (caller, id): (&Caller, ServiceAccountId),
    subject: &mut SubjectFacts,
) -> Result<()> {
    let now = file.core.clock.now();
    let key = match caller.credential.api_key {
        Some(key) => Some(key),
        None => api_keys::newest(sql, id, now, caller.credential.outlives)?,
    };
    let found = key.map(|key| api_keys::read_service(sql, id, key)).transpose()?.flatten();
    let Some(entry) = found else { return Ok(()) };
    (subject.account, subject.operator) = (Some(entry.state), entry.operator);
    if let (true, Some(key), None) =
        (subject.live, caller.credential.api_key, &caller.credential.token)
    {
        file.uses.note(key, now);
    }
    Ok(())
}

/// What is known of a target of the platform or account plane.
pub(super) fn target(
    file: &RegistryFile,
    sql: Sql<'_>,
    caller: &Caller,
    target: &Target,
) -> Result<Option<TargetFacts>> {
    let found: Option<i64> = match target {
        Target::Platform => return Ok(Some(TargetFacts::Platform)),
        Target::BreakGlass(id) => {
            let account = caller.subject.account();
            let own = break_glass::is_own(sql, *id, &caller.subject.name(), account)?;
            return Ok(own.map(|own| TargetFacts::BreakGlass { own }));
        }
        Target::Application(name) => {
            return Ok(applications::is_there(sql, &*file.core.decisions, name)?
                .then_some(TargetFacts::Application));
        }
        Target::Tenant(id) => {
            sql.one("select 1 from tenants where id = ?1", params![*id], |row| row.next())?
        }
        Target::ServiceAccount(id) => {
            let found: Option<i64> =
                sql.one("select 1 from service_accounts where id = ?1", params![*id], |row| {
                    row.next()
                })?;
            return Ok(found.map(|_| TargetFacts::ServiceAccount));
        }
        Target::Account(id) => {
            sql.one("select 1 from accounts where id = ?1", params![*id], |row| row.next())?
        }
        _ => None,
    };
    Ok(found.map(|_| match target {
        Target::Account(id) => TargetFacts::Account { own: caller.subject.account() == Some(*id) },
        _ => TargetFacts::Tenant,
    }))
}
