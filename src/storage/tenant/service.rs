//! What a tenant's door knows of a service account that calls: by one of its keys, and never more than whoever made that
//! key holds at the time.
//!
//! A key is good while it is there, has not run out, and whoever made it is an active member whose account is not
//! suspended. The service account's role counts as far as that member's reaches, and its custom roles while that member
//! is an owner or an administrator, who hold everything that those can give.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::TenantFile;
use super::facts::{MemberFacts, custom_roles, is_known_as, session};
use crate::domain::{
    AccountId, AccountState, ApiKeyId, Caller, Hypothesis, MemberState, Patterns, Result,
    Revocable, Role, RowLevels, ServiceAccountId, ServiceRole, SubjectFacts, Timestamp,
};
use crate::storage::door::Known;
use crate::storage::engine::{Principals, Session, Sql, params};

/// What is known of one service account by one of its keys.
#[derive(Debug)]
pub(super) struct ServiceFacts {
    state: AccountState,
    /// Who made the key; somebody who is an active member, or nobody whom it could be good by.
    creator: Option<AccountId>,
    expires_at: Timestamp,
    /// What the creator may do, who keeps the tenant or does not.
    member: MemberFacts,
}

impl ServiceFacts {
    /// Whether the key is valid for what a credential stands for, by what the registry says now of its creator.
    fn is_live(&self, file: &TenantFile, credential: &Revocable) -> Result<bool> {
        let Some(creator) = self.creator else { return Ok(false) };
        let account = file.registry.account(creator)?;
        let has_expired = !credential.outlives && self.expires_at <= file.core.clock.now();
        Ok(account.state == Some(AccountState::Active) && !has_expired)
    }
}

/// What is known of a service account that calls, beside what holds for every caller.
pub(super) fn know(
    file: &TenantFile,
    sql: Sql<'_>,
    (caller, id): (&Caller, ServiceAccountId),
    authority: i64,
    (mut known, nobody): (Known, Session),
) -> Result<(Known, Session)> {
    let mode = nobody.mode;
    if caller.tenant.is_none() {
        of_the_platform(file, caller, id, &mut known.subject)?;
        let account = Some(id.to_string().into());
        return Ok((known, Session { account, ..nobody }));
    }
    // A role counts with a credential for this tenant alone.
    if caller.tenant != Some(file.id) {
        return Ok((known, nobody));
    }
    let found = match caller.credential.api_key {
        Some(key) => by_key(file, sql, id, key, authority)?,
        None => by_any_key(file, sql, id, &caller.credential)?,
    };
    let Some(found) = found else {
        known.subject.live = false;
        return Ok((known, nobody));
    };
    known.subject.live = known.subject.live && found.is_live(file, &caller.credential)?;
    known.subject.account = Some(found.state);
    is_known_as(&mut known, &found.member);
    // What was exchanged for the key is not a use of it.
    if let (true, Some(key), None) =
        (known.subject.live, caller.credential.api_key, &caller.credential.token)
    {
        file.uses.note(key, file.core.clock.now());
    }
    Ok((known, session(file, &found.member, mode)))
}

/// One of the platform's: nobody here, but for what operators may do.
fn of_the_platform(
    file: &TenantFile,
    caller: &Caller,
    id: ServiceAccountId,
    subject: &mut SubjectFacts,
) -> Result<()> {
    let Some(key) = caller.credential.api_key else { return Ok(()) };
    let entry = file.registry.service(id, key)?;
    subject.account = entry.map(|entry| entry.state);
    subject.operator = entry.and_then(|entry| entry.operator);
    Ok(())
}

/// The same, by what the registry says before a commit.
pub(super) fn renew(
    file: &TenantFile,
    caller: &Caller,
    id: ServiceAccountId,
    subject: &mut SubjectFacts,
) -> Result<()> {
    if caller.tenant.is_none() {
        return of_the_platform(file, caller, id, subject);
    }
    let Some(key) = caller.credential.api_key else { return Ok(()) };
    // Who made a key and until when it is good does not change while it is there and its file's writer is busy with
    // what it was used for: what is remembered of it will do.
    let known = match file.services.get(&(id, key)) {
        Some(known) => Some(known),
        None => {
            let conn = file.core.pool.get()?;
            let _session = conn.session(crate::storage::door::nobody(&file.core.name));
            read(file, Sql::on(&conn), id, key)?.map(Arc::new)
        }
    };
    let is_live = known.map(|known| known.is_live(file, &caller.credential)).transpose()?;
    subject.live = subject.live && is_live.unwrap_or(false);
    Ok(())
}

fn by_key(
    file: &TenantFile,
    sql: Sql<'_>,
    id: ServiceAccountId,
    key: ApiKeyId,
    authority: i64,
) -> Result<Option<Arc<ServiceFacts>>> {
    let known = file.services.get(&(id, key));
    if let Some(known) = known.as_ref().filter(|known| known.member.authority == authority) {
        return Ok(Some(known.clone()));
    }
    let reach = known.map(|known| known.member.reach.clone()).unwrap_or_default();
    let Some(found) = read(file, sql, id, key)? else { return Ok(None) };
    let member = MemberFacts { authority, reach, ..found.member };
    let facts = Arc::new(ServiceFacts { member, ..found });
    // What a writer sees may yet be undone, and its authority's version be given to something else.
    if sql.conn().is_reader() {
        file.committed_authority.fetch_max(authority, Ordering::AcqRel);
    }
    if authority <= file.committed_authority.load(Ordering::Acquire) {
        file.services.insert((id, key), facts.clone());
    }
    Ok(Some(facts))
}

/// By whichever of its keys gives it most: what a question about it means.
fn by_any_key(
    file: &TenantFile,
    sql: Sql<'_>,
    id: ServiceAccountId,
    credential: &Revocable,
) -> Result<Option<Arc<ServiceFacts>>> {
    let keys: Vec<ApiKeyId> = sql.all(
        "select id from api_keys where service_account_id = ?1 and (expires_at > ?2 or ?3) order by id",
        params![id, file.core.clock.now(), credential.outlives],
        |row| row.next(),
    )?;
    let mut best: Option<ServiceFacts> = None;
    for key in keys {
        let Some(found) = read(file, sql, id, key)? else { continue };
        // The fewer, the more: roles are declared from the most powerful to the least.
        let rank = |facts: &ServiceFacts| {
            (
                facts.member.membership.map(|(role, _)| role),
                facts.member.roles.iter().next().is_none(),
            )
        };
        if found.is_live(file, credential)?
            && best.as_ref().is_none_or(|best| rank(&found) < rank(best))
        {
            best = Some(found);
        }
    }
    Ok(best.map(Arc::new))
}

/// A service account, one of its keys, and whoever made that.
struct Row {
    role: ServiceRole,
    state: AccountState,
    creator: Option<AccountId>,
    expires_at: Timestamp,
    /// The creator's role, where they are an active member.
    standing: Option<Role>,
}

fn read(
    file: &TenantFile,
    sql: Sql<'_>,
    id: ServiceAccountId,
    key: ApiKeyId,
) -> Result<Option<ServiceFacts>> {
    let row = sql.one(
        "select s.role, s.state, k.created_by, k.expires_at, m.role, m.state
        from service_accounts s join api_keys k on k.service_account_id = s.id
        left join org_members m on m.account_id = k.created_by
        where s.id = ?1 and k.id = ?2",
        params![id, key],
        |row| {
            let (role, state, creator) = (row.next()?, row.next()?, row.next()?);
            let (expires_at, standing) = (row.next()?, row.next::<Option<Role>>()?);
            let membership: Option<MemberState> = row.next()?;
            let standing = standing.filter(|_| membership == Some(MemberState::Active));
            Ok(Row { role, state, creator, expires_at, standing })
        },
    )?;
    let Some(row) = row else { return Ok(None) };
    let member = member(file, sql, id, &row)?;
    let creator = row.creator.filter(|_| row.standing.is_some());
    Ok(Some(ServiceFacts { state: row.state, creator, expires_at: row.expires_at, member }))
}

/// What it is in the tenant, by the standing of whoever made the key.
fn member(file: &TenantFile, sql: Sql<'_>, id: ServiceAccountId, row: &Row) -> Result<MemberFacts> {
    let role = row.standing.map(|creator| row.role.within(creator));
    let mut principals = Vec::new();
    principals.extend(role.map(|_| id.to_string()));
    // The tenant contains its members, guests left out.
    principals.extend(role.filter(|role| *role != Role::Guest).map(|_| file.id.to_string()));
    let principals = Principals::new(principals);
    let keeps = matches!(row.standing, Some(Role::Owner | Role::Admin));
    let roles = if keeps {
        custom_roles(sql, &principals, &Hypothesis::default())?
    } else {
        Patterns::default()
    };
    let levels = match role {
        Some(Role::Owner | Role::Admin) => RowLevels::ALL,
        Some(_) => RowLevels::of(&roles),
        None => RowLevels::default(),
    };
    Ok(MemberFacts {
        authority: 0,
        membership: role.map(|role| (role, MemberState::Active)),
        account: id.to_string().into(),
        principals: Arc::new(principals),
        roles,
        levels,
        reach: Arc::default(),
    })
}
