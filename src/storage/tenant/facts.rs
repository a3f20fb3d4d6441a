//! What a tenant's door knows of callers and targets, read in the transaction that is to be decided.
//!
//! What is known of a member is kept with the version of the file's authority that it was read at, and looked up again
//! only when that version has moved; the version itself is read every time, in the same transaction.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::{TenantFile, invitations, issuers, service};
use crate::domain::{
    AccountId, Caller, Error, Facts, Hypothesis, InvitationId, MemberState, Patterns, Permission,
    PrincipalId, PrincipalRef, PrincipalType, Result, Role, RoleId, RowLevels, RowSecurityMode,
    Subject, Target, TargetFacts, TeamId, TeamRole,
};
use crate::storage::door::{Known, nobody};
use crate::storage::engine::sqlite::{resource_level, workspace_level};
use crate::storage::engine::{Principals, Reach, Session, Sql, Writes, params};

/// What is known of one account in this tenant.
#[derive(Debug)]
pub(super) struct MemberFacts {
    pub(super) authority: i64,
    pub(super) membership: Option<(Role, MemberState)>,
    pub(super) account: Arc<str>,
    pub(super) principals: Arc<Principals>,
    /// What its custom roles permit.
    pub(super) roles: Patterns,
    pub(super) levels: RowLevels,
    pub(super) reach: Arc<Reach>,
}

/// What is known of a caller.
pub(super) fn know(file: &TenantFile, sql: Sql<'_>, caller: &Caller) -> Result<(Known, Session)> {
    let (status, mode) = file.registry.standing(file.id)?;
    let authority = authority(sql)?;
    let mut known = Known::of(&file.core, caller);
    known.tenant = Some(status);
    let nobody = Session { mode, ..nobody(&file.core.name) };
    known.subject.live = file.registry.is_live(caller)? && may_speak(file, sql, caller)?;
    let account = match caller.subject {
        Subject::Account(account) => account,
        Subject::ServiceAccount(id) => {
            return service::know(file, sql, (caller, id), authority, (known, nobody));
        }
        Subject::Host | Subject::System(_) => return Ok((known, nobody)),
    };
    let entry = file.registry.account(account)?;
    known.subject.account = entry.state;
    if caller.tenant.is_none() {
        // A platform role counts with a platform credential alone.
        known.subject.operator = entry.operator;
        known.break_glass = opened(file, caller)?;
        let levels = RowLevels::of(&known.break_glass);
        known.levels = levels;
        return Ok((
            known,
            Session { account: Some(account.to_string().into()), levels, ..nobody },
        ));
    }
    // A membership counts with a credential for this tenant alone.
    if caller.tenant != Some(file.id) {
        return Ok((known, nobody));
    }
    let member = member(file, sql, account, authority)?;
    is_known_as(&mut known, &member);
    Ok((known, session(file, &member, mode)))
}

/// Whether the issuer of a credential may speak here: a tenant's own for that tenant, while that trusts it, and for
/// nobody who is more than one of its people.
fn may_speak(file: &TenantFile, sql: Sql<'_>, caller: &Caller) -> Result<bool> {
    if !caller.credential.by_tenant {
        return Ok(true);
    }
    let is_here = caller.tenant == Some(file.id) && issuers::may_speak(sql, &caller.issuer)?;
    Ok(is_here && !is_operator(file, caller)?)
}

fn is_operator(file: &TenantFile, caller: &Caller) -> Result<bool> {
    let Some(account) = caller.subject.account() else { return Ok(false) };
    Ok(file.registry.account(account)?.operator.is_some())
}

/// What the break-glass entry that a request names opens to the caller here and now.
fn opened(file: &TenantFile, caller: &Caller) -> Result<Patterns> {
    let (Some(id), Some(account)) = (caller.break_glass, caller.subject.account()) else {
        return Ok(Patterns::default());
    };
    let entry = file.registry.break_glass(id)?;
    let now = file.core.clock.now();
    Ok(entry.and_then(|entry| entry.opens(file.id, account, now).cloned()).unwrap_or_default())
}

/// The same facts, with what the registry says now.
pub(super) fn renew(file: &TenantFile, caller: &Caller, mut facts: Facts) -> Result<Facts> {
    facts.circumstances.tenant = Some(file.registry.standing(file.id)?.0);
    // What the tenant's own file says of the credential was read in the same transaction.
    facts.subject.live &= file.registry.is_live(caller)?
        && !(caller.credential.by_tenant && is_operator(file, caller)?);
    // Whose an invitation is was the registry's to say: it is asked again, in another run.
    if let TargetFacts::Invitation { own } = &mut facts.target {
        *own = false;
    }
    if let Subject::Account(account) = caller.subject {
        let known = file.registry.account(account)?;
        facts.subject.account = known.state;
        facts.subject.operator = known.operator.filter(|_| caller.tenant.is_none());
        facts.subject.break_glass =
            facts.subject.break_glass && opened(file, caller)?.covers(facts.action);
    }
    if let Subject::ServiceAccount(id) = caller.subject {
        service::renew(file, caller, id, &mut facts.subject)?;
    }
    Ok(facts)
}

/// Counts what of the file decisions are made from.
pub(super) fn authority(sql: Sql<'_>) -> Result<i64> {
    let found = sql.one("select authority_version from organizations", &[], |row| row.next())?;
    found.ok_or_else(|| Error::Storage("the file has no organization".to_owned()))
}

fn member(
    file: &TenantFile,
    sql: Sql<'_>,
    account: AccountId,
    authority: i64,
) -> Result<Arc<MemberFacts>> {
    let known = file.members.get(&account);
    if let Some(known) = known.as_ref().filter(|known| known.authority == authority) {
        return Ok(known.clone());
    }
    let reach = known.map(|known| known.reach.clone()).unwrap_or_default();
    let facts = read_member(file, sql, account, &Hypothesis::default())?;
    let facts = Arc::new(MemberFacts { authority, reach, ..facts });
    // What a writer sees may yet be undone, and its authority's version be given to something else.
    if sql.conn().is_reader() {
        file.committed_authority.fetch_max(authority, Ordering::AcqRel);
    }
    if authority <= file.committed_authority.load(Ordering::Acquire) {
        file.members.insert(account, facts.clone());
    }
    Ok(facts)
}

/// What is known of an account, but for what is supposed of it instead.
fn read_member(
    file: &TenantFile,
    sql: Sql<'_>,
    account: AccountId,
    hypothesis: &Hypothesis,
) -> Result<MemberFacts> {
    let membership = sql.one(
        "select role, state from org_members where account_id = ?1",
        params![account],
        |row| Ok((row.next::<Role>()?, row.next::<MemberState>()?)),
    )?;
    let membership = hypothesis.membership(account, membership);
    let active =
        membership.filter(|(_, state)| *state == MemberState::Active).map(|(role, _)| role);
    let principals = match active {
        Some(role) => principals(file, sql, account, role, hypothesis)?,
        None => Principals::default(),
    };
    let roles = custom_roles(sql, &principals, hypothesis)?;
    let levels = match active {
        Some(Role::Owner | Role::Admin) => RowLevels::ALL,
        Some(_) => RowLevels::of(&roles),
        None => RowLevels::default(),
    };
    Ok(MemberFacts {
        authority: 0,
        membership,
        account: account.to_string().into(),
        principals: Arc::new(principals),
        roles,
        levels,
        reach: Arc::default(),
    })
}

/// The ids of an active member's principals: the account, its teams with all their ancestors, and, but for guests, the
/// tenant.
fn principals(
    file: &TenantFile,
    sql: Sql<'_>,
    account: AccountId,
    role: Role,
    hypothesis: &Hypothesis,
) -> Result<Principals> {
    let places: Vec<(TeamId, TeamRole)> = sql.all(
        "select team_id, role from team_members where account_id = ?1",
        params![account],
        |row| Ok((row.next()?, row.next()?)),
    )?;
    let places = hypothesis.places(account, places);
    let teams: Vec<String> = places.iter().map(|(team, _)| team.to_string()).collect();
    let mut principals: Vec<String> = sql.all(
        "with recursive mine (id) as (
            select value from json_each(?1)
            union
            select t.parent_id from teams t join mine on t.id = mine.id where t.parent_id is not null
        )
        select id from mine order by id",
        params![serde_json::to_string(&teams).unwrap_or_default()],
        |row| row.next(),
    )?;
    principals.push(account.to_string());
    if role != Role::Guest {
        principals.push(file.id.to_string());
    }
    let maintained = places.iter().filter(|(_, role)| *role == TeamRole::Maintainer);
    let maintained = maintained.map(|(team, _)| team.to_string()).collect();
    Ok(Principals::new(principals).maintaining(maintained))
}

/// What the custom roles of any of these principals permit.
pub(super) fn custom_roles(
    sql: Sql<'_>,
    principals: &Principals,
    hypothesis: &Hypothesis,
) -> Result<Patterns> {
    let found: Vec<(RoleId, Patterns)> = sql.all(
        "select r.id, r.permissions from roles r
        where r.id in (
            select a.role_id from role_assignments a
            where a.principal_id in (select value from json_each(?1))
        )
        order by r.id",
        params![principals.as_json()],
        |row| Ok((row.next()?, row.next()?)),
    )?;
    let has = |id: PrincipalId| principals.has(&id.to_string());
    let found = hypothesis.held(has, found, |role| role.permissions.clone());
    // What several roles name counts once: every request looks through it.
    let distinct: BTreeSet<_> = found.iter().flat_map(Patterns::iter).collect();
    Ok(distinct.into_iter().cloned().collect())
}

/// What would be known of a caller, and what its session would be, were what is supposed so. What the registry says of
/// the caller stays as it was found.
pub(super) fn suppose(
    file: &TenantFile,
    sql: Sql<'_>,
    caller: &Caller,
    found: (&Known, &Session),
    hypothesis: &Hypothesis,
) -> Result<(Known, Session)> {
    let (mut known, mut supposed) = (found.0.clone(), found.1.clone());
    let mode = hypothesis.row_security.unwrap_or(supposed.mode);
    if let (Subject::Account(account), true) = (caller.subject, caller.tenant == Some(file.id)) {
        let member = read_member(file, sql, account, hypothesis)?;
        is_known_as(&mut known, &member);
        supposed = session(file, &member, mode);
    }
    Ok((known, Session { mode, ..supposed }))
}

pub(super) fn is_known_as(known: &mut Known, member: &MemberFacts) {
    known.subject.role = member.membership.map(|(role, _)| role);
    known.subject.membership = member.membership.map(|(_, state)| state);
    known.roles = member.roles.clone();
    known.levels = member.levels;
}

pub(super) fn session(file: &TenantFile, member: &MemberFacts, mode: RowSecurityMode) -> Session {
    Session {
        tenant: file.core.name.clone(),
        account: Some(member.account.clone()),
        principals: member.principals.clone(),
        levels: member.levels,
        reach: member.reach.clone(),
        seeks_many: false,
        shares: None,
        mode,
        writes: Writes::Nothing,
    }
}

/// What is known of a target. The caller's session must be set.
pub(super) fn target(
    file: &TenantFile,
    sql: Sql<'_>,
    caller: &Caller,
    target: &Target,
) -> Result<Option<TargetFacts>> {
    let own = |account: AccountId| caller.subject.account() == Some(account);
    match target {
        Target::Tenant(id) if *id == file.id => Ok(Some(TargetFacts::Tenant)),
        Target::Member(account) => {
            Ok(role_of(sql, *account)?.map(|role| TargetFacts::Member { own: own(*account), role }))
        }
        Target::Team(id) => team(sql, &id.to_string()),
        Target::WorkspaceOwner(owner) => workspace_owner(file, sql, *owner),
        Target::Workspace(id) => workspace(sql, &id.to_string()),
        Target::ResourceType(name) => {
            let found: Option<i64> =
                sql.one("select 1 from resource_types where name = ?1", params![name], |row| {
                    row.next()
                })?;
            Ok(found.map(|_| TargetFacts::ResourceType))
        }
        Target::Resource(id) => resource(sql, &id.to_string()),
        Target::Role(id) => {
            let found: Option<i64> =
                sql.one("select 1 from roles where id = ?1", params![*id], |row| row.next())?;
            Ok(found.map(|_| TargetFacts::Role))
        }
        Target::Invitation(id) => invitation(file, sql, caller, *id),
        Target::Issuer(id) => {
            let found: Option<i64> =
                sql.one("select 1 from issuers where id = ?1", params![*id], |row| row.next())?;
            Ok(found.map(|_| TargetFacts::Issuer))
        }
        Target::ServiceAccount(id) => {
            let found: Option<i64> =
                sql.one("select 1 from service_accounts where id = ?1", params![*id], |row| {
                    row.next()
                })?;
            Ok(found.map(|_| TargetFacts::ServiceAccount))
        }
        Target::Tenant(_)
        | Target::Platform
        | Target::Account(_)
        | Target::Application(_)
        | Target::BreakGlass(_) => Ok(None),
    }
}

/// An invitation is somebody's own by what issuers say of them now, never by what they say of themselves.
fn invitation(
    file: &TenantFile,
    sql: Sql<'_>,
    caller: &Caller,
    id: InvitationId,
) -> Result<Option<TargetFacts>> {
    let Some(address) = invitations::address_of(sql, id)? else { return Ok(None) };
    let own = match caller.subject.account() {
        Some(account) => file.registry.is_invitee(account, &caller.issuer, &address, file.id)?,
        None => false,
    };
    Ok(Some(TargetFacts::Invitation { own }))
}

fn role_of(sql: Sql<'_>, account: AccountId) -> Result<Option<Role>> {
    Ok(sql.one("select role from org_members where account_id = ?1", params![account], |row| {
        row.next()
    })?)
}

fn team(sql: Sql<'_>, id: &str) -> Result<Option<TargetFacts>> {
    Ok(sql.one(
        "select caller_maintains(t.id), caller_has(t.id) from teams t where t.id = ?1",
        params![id],
        |row| {
            let (maintains, belongs) = (row.next::<bool>()?, row.next::<bool>()?);
            let member = belongs.then_some(TeamRole::Member);
            Ok(TargetFacts::Team {
                relation: if maintains { Some(TeamRole::Maintainer) } else { member },
            })
        },
    )?)
}

fn workspace_owner(
    file: &TenantFile,
    sql: Sql<'_>,
    owner: PrincipalRef,
) -> Result<Option<TargetFacts>> {
    let id = owner.id.to_string();
    let found: Option<PrincipalType> =
        sql.one("select type from principals where id = ?1", params![&id], |row| row.next())?;
    if found != Some(owner.kind) {
        return Ok(None);
    }
    let permission = match owner.kind {
        PrincipalType::Team => match team(sql, &id)? {
            Some(TargetFacts::Team { relation: Some(TeamRole::Maintainer) }) => {
                Some(Permission::Admin)
            }
            Some(TargetFacts::Team { relation: Some(TeamRole::Member) }) => Some(Permission::Write),
            _ => None,
        },
        PrincipalType::Tenant => {
            debug_assert_eq!(id, file.id.to_string(), "a file has one tenant");
            None
        }
        PrincipalType::Account | PrincipalType::ServiceAccount => {
            let own: Option<bool> =
                sql.one("select ?1 = current_account()", params![&id], |row| row.next())?;
            own.unwrap_or(false).then_some(Permission::Admin)
        }
    };
    Ok(Some(TargetFacts::WorkspaceOwner { kind: owner.kind, permission }))
}

fn workspace(sql: Sql<'_>, id: &str) -> Result<Option<TargetFacts>> {
    let statement = statements::workspace();
    Ok(sql.one(statement, params![id], |row| {
        Ok(TargetFacts::Workspace { permission: Permission::of_level(row.next()?) })
    })?)
}

fn resource(sql: Sql<'_>, id: &str) -> Result<Option<TargetFacts>> {
    let statement = if sql.conn().is_reader() { statements::SEEN } else { statements::resource() };
    Ok(sql.one(statement, params![id], |row| {
        let by_rule = Permission::of_level(row.next()?);
        let is_seen = row.next::<bool>()?;
        Ok(TargetFacts::Resource { permission: by_rule.or(is_seen.then_some(Permission::Read)) })
    })?)
}

mod statements {
    use std::sync::LazyLock;

    /// A reader looks through its policy view: what is there is seen.
    pub(super) const SEEN: &str = "select level, 1 from resources where id = ?1";

    static RESOURCE: LazyLock<String> = LazyLock::new(|| {
        format!(
            "select {}, row_security_mode() <> 'enforce' and caller_has(current_account())
            from main.resources r where r.id = ?1",
            super::resource_level()
        )
    });

    /// The writer has no view: the door asks the rule itself.
    pub(super) fn resource() -> &'static str {
        &RESOURCE
    }

    static WORKSPACE: LazyLock<String> = LazyLock::new(|| {
        format!("select {} from workspaces w where w.id = ?1", super::workspace_level())
    });

    pub(super) fn workspace() -> &'static str {
        &WORKSPACE
    }
}
