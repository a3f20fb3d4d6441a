//! Log-ins of browsers, and the sessions that they begin.
//!
//! A log-in is three steps, each whole: the account with its identity, in the registry; what comes of an arrival besides
//! (membership by a verified domain, a personal tenant), in [`arrived`]; the session, in the registry. Where the process
//! dies between them there is no session, and the next log-in does what is left.

use std::sync::Arc;

use crate::domain::action::{
    EndAccountSessions, EndSession, ListSessions, MoveSession, PlatformPlane, ReadSession,
};
use crate::domain::{
    Account, AccountId, AccountSaid, AccountState, Action, Arrival, Assurance, BegunSession, Call,
    Caller, Covers, Email, Error, EventType, Issued, KnownIdentity, LoginProblem, MemberState,
    MyTenant, Name, Page, PageRequest, PersonalTenants, Reach, Result, Said, Session,
    SessionFilter, SessionId, SessionLimits, SessionSaid, Slug, SystemTask, Target, TenantId,
    TenantReference, TenantStatus, Timestamp,
};
use crate::storage::registry::sessions::NewSession;
use crate::storage::registry::{
    accounts, credentials, domains, invitations, memberships, sessions,
};
use crate::storage::{ReadTx, Registry, RegistryAction, Tx, WriteTx};

/// Sessions of one account at once; a further one ends the oldest.
const MAX_SESSIONS: i64 = 50;
/// Characters of a name at most.
const MAX_NAME: usize = 200;

/// What a log-in is to come to.
#[derive(Debug, Clone)]
pub struct LogIn {
    /// Who has arrived.
    pub arrival: Arrival,
    /// The tenant that the session is to be for, as it was written.
    pub tenant: Option<String>,
    /// Whether an account is made for an identity that nobody has.
    pub create_accounts: bool,
    /// How long the session is.
    pub limits: SessionLimits,
    /// When people get a tenant of their own.
    pub personal_tenants: PersonalTenants,
    /// When the provider was asked to have the person sign in again, if it was.
    pub asked_anew_at: Option<Timestamp>,
}

/// Lets somebody in: finds or makes the account, and begins a session.
///
/// # Errors
/// [`LoginProblem::AccountUnknown`], [`LoginProblem::AccountSuspended`], [`LoginProblem::SignInRevoked`].
pub fn begin(registry: &Registry, call: &Call, log_in: LogIn) -> Result<BegunSession> {
    let log_in = Arc::new(log_in);
    let arrival = log_in.clone();
    let account = registry.system_for(call, SystemTask::LogIn, move |tx| account(tx, &arrival))?;
    arrived(registry, call, account, &log_in)?;
    registry.system_for(call, SystemTask::LogIn, move |tx| session(tx, account, &log_in))
}

/// Begins a session of an account that may act.
fn session<A: RegistryAction>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    log_in: &LogIn,
) -> Result<BegunSession> {
    let known = accounts::find(tx, account)?.ok_or(LoginProblem::AccountUnknown)?;
    if known.state != AccountState::Active {
        return Err(LoginProblem::AccountSuspended.into());
    }
    check_sign_in(tx, account, log_in)?;
    let LogIn { arrival, tenant: wanted, limits, .. } = log_in;
    let tenant = wanted.as_deref().map(|wanted| membership(tx, account, wanted)).transpose()?;
    let tenant = tenant.flatten();
    let new = NewSession {
        account,
        identity: &arrival.identity,
        tenant: tenant.as_ref().map(|(id, _)| *id),
        refused_tenant: wanted.as_deref().filter(|_| tenant.is_none()),
        assurance: &arrival.assurance,
        idle_s: limits.idle_s,
        expires_at: tx.now().plus_seconds(limits.max_s),
    };
    let begun = start(tx, &new, tenant.clone())?;
    sessions::end_oldest(tx, account, MAX_SESSIONS)?;
    let data = SessionSaid {
        session_id: Some(begun.id),
        issuer: Some(new.identity.issuer.clone()),
        tenant_id: new.tenant,
        ..SessionSaid::of(account)
    };
    tx.emit(EventType::SessionCreated, &Target::Account(account), &data);
    Ok(begun)
}

/// Refuses a sign-in that was revoked: the provider must date it after the revocation. A time within the same second will do
/// if the provider was asked after the revocation to have the person sign in again. One without a time never will: OpenID
/// Connect Core, section 2, requires `auth_time` where `max_age` was asked for.
fn check_sign_in(tx: &impl Tx, account: AccountId, log_in: &LogIn) -> Result<()> {
    let Some(until) = credentials::sign_ins_revoked_until(tx, account)? else { return Ok(()) };
    let signed_in_s = log_in.arrival.assurance.auth_time_s;
    let is_later = signed_in_s.is_some_and(|at| Timestamp::of_seconds(at) > until);
    let is_anew = log_in.asked_anew_at.is_some_and(|asked| asked > until)
        && signed_in_s.is_some_and(|at| at >= until.seconds());
    if is_later || is_anew { Ok(()) } else { Err(LoginProblem::SignInRevoked.into()) }
}

/// What comes of an arrival besides the session: what the provider's word of an address opens, and what an account has of
/// its own.
fn arrived(registry: &Registry, call: &Call, account: AccountId, log_in: &LogIn) -> Result<()> {
    let arrival = &log_in.arrival;
    if let Some((email, email_verified)) = &arrival.email
        && let Ok(email) = Email::parse(email.as_str())
    {
        let (identity, email_verified) = (arrival.identity.clone(), *email_verified);
        super::accounts::hear(registry, call, account, &Said { identity, email, email_verified })?;
    }
    super::domains::join(registry, call, account)?;
    super::tenants::personal(registry, call, account, log_in.personal_tenants)
}

/// The account that an identity means; a new one where there is none and one is to be made.
fn account<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    log_in: &LogIn,
) -> Result<AccountId> {
    let arrival = &log_in.arrival;
    if let Some(id) = accounts::find_by_identity(tx, &arrival.identity)? {
        let known = accounts::find(tx, id)?.ok_or(LoginProblem::AccountUnknown)?;
        return match known.state {
            AccountState::Active => check_sign_in(tx, id, log_in).map(|()| id),
            AccountState::Suspended => Err(LoginProblem::AccountSuspended.into()),
        };
    }
    if !log_in.create_accounts && !is_expected(tx, arrival)? {
        return Err(LoginProblem::AccountUnknown.into());
    }
    let name = name(arrival)?;
    // An address that cannot be one is none; it identifies nobody in any case.
    let email = arrival.email.as_ref().filter(|(_, seen_to)| *seen_to);
    let email = email.and_then(|(email, _)| Email::parse(email.as_str()).ok());
    let identities = std::slice::from_ref(&arrival.identity);
    let made = accounts::insert(tx, tx.new_id(), &name, email.as_ref(), identities)?;
    let data = AccountSaid { id: made.id, state: made.state, version: made.version };
    tx.emit(EventType::AccountCreated, &Target::Account(made.id), &data);
    Ok(made.id)
}

/// Whether somebody has asked whoever arrives in, or their mail domain belongs to a tenant: by what an issuer says that
/// the installation trusts.
fn is_expected(tx: &impl Tx<Plane = PlatformPlane>, arrival: &Arrival) -> Result<bool> {
    let said = arrival.email.as_ref();
    let known = KnownIdentity {
        identity: arrival.identity.clone(),
        email: said.and_then(|(email, _)| Email::parse(email.as_str()).ok()),
        email_verified: said.is_some_and(|(_, is_verified)| *is_verified),
        reach: Reach::Everybody,
    };
    if let Some(domain) = super::domains::domain_of(&known)
        && domains::find(tx, &domain)?.is_some()
    {
        return Ok(true);
    }
    let first = PageRequest { limit: 1, max_bytes: usize::MAX, after: None };
    Ok(!invitations::page_of(tx, &[known], &first)?.items.is_empty())
}

/// What somebody is called: what the provider says, without what no name may hold; else their subject.
fn name(arrival: &Arrival) -> Result<Name> {
    let said = arrival.name.as_deref().map(clean).filter(|name| !name.is_empty());
    let name = said.unwrap_or_else(|| arrival.identity.subject.as_str().to_owned());
    Name::parse(clean(&name)).map_err(Error::Internal)
}

/// A name without control characters, without marks that turn the direction of writing, without blanks at its ends, and
/// not too long.
fn clean(text: &str) -> String {
    let is_turn = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    let kept: String = text.chars().filter(|c| !c.is_control() && !is_turn(*c)).collect();
    let short: String = kept.trim().chars().take(MAX_NAME).collect();
    short.trim_end().to_owned()
}

/// The tenant that somebody asks for, if they are an active member of it and it is in service. Whether it is there at
/// all, others do not hear.
fn membership(tx: &impl Tx, account: AccountId, wanted: &str) -> Result<Option<(TenantId, Slug)>> {
    let is_it = |tenant: &MyTenant| match TenantReference::parse(wanted) {
        Some(TenantReference::Id(id)) => tenant.id == id,
        Some(TenantReference::Slug(slug)) => tenant.slug == slug,
        _ => false,
    };
    let mine = memberships::of_account(tx, account)?.into_iter();
    let found = mine.filter(is_it).find(|tenant| {
        tenant.state == MemberState::Active && tenant.status == TenantStatus::Active
    });
    Ok(found.map(|tenant| (tenant.id, tenant.slug)))
}

fn start<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    new: &NewSession<'_>,
    tenant: Option<(TenantId, Slug)>,
) -> Result<BegunSession> {
    let id = tx.new_id();
    sessions::insert(tx, id, new)?;
    Ok(BegunSession {
        id,
        account: new.account,
        tenant,
        issued: Issued { at: tx.now(), id: tx.new_id() },
        acr: new.assurance.acr.clone(),
        amr: new.assurance.amr.clone(),
        auth_time_s: new.assurance.auth_time_s,
        expires_at: new.expires_at,
    })
}

/// Lists the caller's sessions.
///
/// # Errors
/// [`Error::NotFound`] where the caller is no account.
pub fn list<A: Covers<ListSessions> + RegistryAction>(
    tx: &ReadTx<'_, A>,
    filter: &SessionFilter,
    page: &PageRequest,
) -> Result<Page<Session>> {
    let (account, current) = (own(tx.caller())?, tx.caller().credential.session);
    let mut found = sessions::page(tx, account, filter, page)?;
    for session in &mut found.items {
        session.current = current == Some(session.id);
    }
    Ok(found)
}

/// The session that the caller came by, and whose it is.
///
/// # Errors
/// [`Error::NotFound`] where the caller came by none.
pub fn read<A: Covers<ReadSession>>(tx: &ReadTx<'_, A>) -> Result<(Session, Account)> {
    let (account, session) = current(tx)?;
    let account = accounts::find(tx, account)?.ok_or(Error::NotFound)?;
    Ok((session, account))
}

fn own(caller: &Caller) -> Result<AccountId> {
    caller.subject.account().ok_or(Error::NotFound)
}

fn current(tx: &impl Tx) -> Result<(AccountId, Session)> {
    let (account, id) = (own(tx.caller())?, tx.caller().credential.session);
    let found = sessions::find(tx, account, id.ok_or(Error::NotFound)?)?.ok_or(Error::NotFound)?;
    Ok((account, Session { current: true, ..found }))
}

/// Moves the caller's session to another tenant of theirs, or to none: a new session with what is left of the old one's
/// time, which ends.
///
/// # Errors
/// The tenant is none of theirs; [`Error::Forbidden`] where the caller came by less than the session;
/// [`Error::NotFound`] where by none.
pub fn relocate<A: Covers<MoveSession>>(
    tx: &mut WriteTx<'_, A>,
    wanted: Option<&str>,
) -> Result<BegunSession> {
    let (account, old) = current(tx)?;
    if !is_whole(tx.caller(), &old) {
        return Err(Error::Forbidden);
    }
    let tenant = wanted.map(|wanted| membership(tx, account, wanted)).transpose()?.flatten();
    if wanted.is_some() && tenant.is_none() {
        return Err(Error::invalid(
            "/tenant",
            "is no tenant in service that you are an active member of",
        ));
    }
    let identity = sessions::identity(tx, old.id)?.ok_or(Error::NotFound)?;
    let assurance = Assurance {
        acr: old.acr.clone(),
        amr: old.amr.clone(),
        auth_time_s: old.auth_time.map(|time| time.seconds()),
    };
    let new = NewSession {
        account,
        identity: &identity,
        tenant: tenant.as_ref().map(|(id, _)| *id),
        refused_tenant: None,
        assurance: &assurance,
        idle_s: old.idle_s,
        expires_at: old.expires_at,
    };
    let begun = start(tx, &new, tenant.clone())?;
    sessions::end(tx, account, old.id)?;
    sessions::end_oldest(tx, account, MAX_SESSIONS)?;
    let data = SessionSaid {
        session_id: Some(begun.id),
        from: Some(old.id),
        tenant_id: new.tenant,
        ..SessionSaid::of(account)
    };
    tx.emit(EventType::SessionMoved, &Target::Account(account), &data);
    Ok(begun)
}

/// Whether a credential is all that the session is: what was exchanged for less of it does not become more again.
fn is_whole(caller: &Caller, session: &Session) -> bool {
    caller.scopes.is_none()
        && caller.actor.is_none()
        && caller.tenant == session.tenant_id
        && caller.expires_at.seconds() == session.expires_at.seconds()
}

/// Ends a session of the caller's: the one named, or else the one that they came by. Says by which issuer it began.
///
/// # Errors
/// [`Error::NotFound`] where there is none such.
pub fn end<A: Covers<EndSession> + RegistryAction>(
    tx: &mut WriteTx<'_, A>,
    named: Option<SessionId>,
) -> Result<String> {
    let account = own(tx.caller())?;
    let id = named.or(tx.caller().credential.session).ok_or(Error::NotFound)?;
    let found = sessions::find(tx, account, id)?.ok_or(Error::NotFound)?;
    sessions::end(tx, account, id)?;
    let data = SessionSaid { session_id: Some(id), ..SessionSaid::of(account) };
    tx.emit(EventType::SessionEnded, &Target::Account(account), &data);
    Ok(found.issuer.as_str().to_owned())
}

/// Ends every session of an account, and revokes its sign-ins so far.
///
/// # Errors
/// Storage failed.
pub fn end_all<A: Covers<EndAccountSessions> + Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
) -> Result<()> {
    let count = sessions::end_all(tx, account)?;
    credentials::revoke_sign_ins(tx, account, tx.now())?;
    let data = SessionSaid { count: i64::try_from(count).ok(), ..SessionSaid::of(account) };
    tx.emit(EventType::SessionEnded, &Target::Account(account), &data);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::clean;

    #[test]
    fn a_name_keeps_what_a_name_may_hold() {
        for (said, kept) in [
            ("Ada Lovelace", "Ada Lovelace"),
            ("  Ada\r\n\tLovelace\0 ", "AdaLovelace"),
            ("\u{202e}ecilA\u{2069}", "ecilA"),
            ("\u{feff}\u{200f} ", ""),
            ("", ""),
        ] {
            assert_eq!(clean(said), kept, "{said:?}");
        }
        assert_eq!(clean(&"\u{e9}".repeat(300)).chars().count(), 200);
        assert_eq!(clean(&format!("{} b", "a".repeat(199))), "a".repeat(199));
    }
}
