//! Break-glass: operators' reasoned, approved, time-boxed entries into tenants.
//!
//! Owner of an entry: its row in the registry, and it alone decides. Step: what becomes of it is told to the tenant's
//! own file, where it leaves an audit row and an event; the row says what the file was told. Recovery: [`keep`], at the
//! start and from time to time, tells what a crash, or a tenant out of service, has left untold.

use std::collections::BTreeSet;

use crate::domain::action::{
    self, ApproveBreakGlass, CreateBreakGlass, DenyBreakGlass, EndBreakGlass, ListBreakGlass,
    ListTenants, PlatformPlane, ReadBreakGlass,
};
use crate::domain::{
    AccountId, AccountState, Action, ActionInfo, ActionPattern, AssuranceFacts, BreakGlass,
    BreakGlassFilter, BreakGlassId, BreakGlassState, Call, Circumstances, Conflict, Covers,
    DecisionPoint, Error, EventType, Facts, FieldError, Identity, IdentityPart, NewBreakGlass,
    OperatorRole, Page, PageRequest, Patterns, PlaneName, Platform, Result, RowLevels, Subject,
    SubjectFacts, SubjectKind, SystemTask, Target, TargetFacts, TenantId, TenantReference,
    TenantStatus, is_grantable, missing_beside,
};
use crate::storage::registry::break_glass::{self, With};
use crate::storage::registry::{accounts, events, operators};
use crate::storage::{ReadTx, Registry, Tx, WriteTx};

/// Lists entries.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListBreakGlass>>(
    tx: &ReadTx<'_, A>,
    filter: &BreakGlassFilter,
    page: &PageRequest,
) -> Result<Page<BreakGlass>> {
    break_glass::page(tx, filter, page)
}

/// Reads an entry.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadBreakGlass>>(tx: &ReadTx<'_, A>, id: BreakGlassId) -> Result<BreakGlass> {
    break_glass::find(tx, id)?.ok_or(Error::NotFound)
}

/// Asks for entry into a tenant.
///
/// # Errors
/// What of the request cannot be accepted, by field; [`Conflict::BreakGlassLimit`].
pub fn create(registry: &Registry, call: &Call, new: &NewBreakGlass) -> Result<BreakGlass> {
    let tenant = tenant(registry, call, &new.tenant)?;
    let (new, decisions) = (new.clone(), registry.decisions());
    let entry = registry.write_blocking::<CreateBreakGlass, _, _>(call, tenant, move |tx| {
        let problems = problems(&new, &*decisions);
        if !problems.is_empty() {
            return Err(Error::Invalid(problems));
        }
        let account_id = whom(tx, new.account_id)?;
        add(tx, tenant, account_id, &new)
    })?;
    tell(registry, entry.id);
    Ok(entry)
}

/// Approves somebody else's entry: it is open from now on, for as long as was asked.
///
/// # Errors
/// [`Conflict::WrongState`] where it is decided, or over.
pub fn approve(registry: &Registry, call: &Call, id: BreakGlassId) -> Result<BreakGlass> {
    let entry = registry.write_blocking::<ApproveBreakGlass, _, _>(call, id, move |tx| {
        let entry = current(tx, id)?;
        let with = With {
            decided_by: Some(tx.caller().subject.name()),
            expires_at: Some(tx.now().plus_seconds(i64::from(entry.duration_s))),
            ended_at: None,
        };
        let entry =
            break_glass::set_state(tx, id, entry.state.to(BreakGlassState::Approved)?, &with)?;
        emit(tx, EventType::BreakGlassApproved, &entry);
        Ok(entry)
    })?;
    tell(registry, id);
    Ok(entry)
}

/// Refuses somebody else's entry.
///
/// # Errors
/// [`Conflict::WrongState`] where it is decided, or over.
pub fn deny(registry: &Registry, call: &Call, id: BreakGlassId) -> Result<BreakGlass> {
    let entry = registry.write_blocking::<DenyBreakGlass, _, _>(call, id, move |tx| {
        let entry = current(tx, id)?;
        let with = With { decided_by: Some(tx.caller().subject.name()), ..With::default() };
        let entry =
            break_glass::set_state(tx, id, entry.state.to(BreakGlassState::Denied)?, &with)?;
        emit(tx, EventType::BreakGlassDenied, &entry);
        Ok(entry)
    })?;
    tell(registry, id);
    Ok(entry)
}

/// Ends an entry before its time, or takes a request back.
///
/// # Errors
/// [`Conflict::WrongState`] where it is over, or was refused.
pub fn end(registry: &Registry, call: &Call, id: BreakGlassId) -> Result<BreakGlass> {
    let entry = registry.write_blocking::<EndBreakGlass, _, _>(call, id, move |tx| {
        let entry = current(tx, id)?;
        close(tx, &entry)
    })?;
    tell(registry, id);
    Ok(entry)
}

/// Whether operators of a role may ask for entry into tenants.
pub(super) fn may_enter(role: OperatorRole) -> bool {
    matches!(role, OperatorRole::PlatformAdmin | OperatorRole::Support)
}

/// Ends every entry of an account that is asked for or open.
pub(super) fn end_all<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
) -> Result<Vec<BreakGlassId>> {
    let open = break_glass::open_of(tx, account)?;
    open.iter().map(|entry| close(tx, entry).map(|entry| entry.id)).collect()
}

fn close<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    entry: &BreakGlass,
) -> Result<BreakGlass> {
    let with = With { ended_at: Some(tx.now()), ..With::default() };
    let entry =
        break_glass::set_state(tx, entry.id, entry.state.to(BreakGlassState::Ended)?, &with)?;
    emit(tx, EventType::BreakGlassEnded, &entry);
    Ok(entry)
}

/// An entry whose time is not over.
fn current(tx: &impl Tx<Plane = PlatformPlane>, id: BreakGlassId) -> Result<BreakGlass> {
    let entry = break_glass::find(tx, id)?.ok_or(Error::NotFound)?;
    if tx.now() < entry.expires_at { Ok(entry) } else { Err(Error::Conflict(Conflict::WrongState)) }
}

fn add(
    tx: &mut WriteTx<'_, CreateBreakGlass>,
    tenant_id: TenantId,
    account_id: AccountId,
    new: &NewBreakGlass,
) -> Result<BreakGlass> {
    if break_glass::open_of(tx, account_id)?.len() >= BreakGlass::MAX_OPEN {
        return Err(Error::Conflict(Conflict::BreakGlassLimit));
    }
    let now = tx.now();
    let entry = BreakGlass {
        id: tx.new_id(),
        tenant_id,
        account_id,
        reason: new.reason.clone(),
        actions: new.actions.clone(),
        duration_s: new.duration_s,
        state: BreakGlassState::Requested,
        requested_by: tx.caller().subject.name(),
        decided_by: None,
        decided_at: None,
        expires_at: now.plus_seconds(BreakGlass::LAPSES_AFTER_S),
        ended_at: None,
        created_at: now,
        updated_at: now,
        version: 1,
    };
    break_glass::insert(tx, &entry)?;
    emit(tx, EventType::BreakGlassRequested, &entry);
    Ok(entry)
}

fn emit<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, entry: &BreakGlass) {
    tx.emit(kind, &Target::BreakGlass(entry.id), entry);
}

/// The tenant that a request names. What is there is told to those alone who may know.
fn tenant(registry: &Registry, call: &Call, named: &str) -> Result<TenantId> {
    let reference = TenantReference::parse(named);
    let entry = reference.map(|reference| registry.resolve(&reference)).transpose()?.flatten();
    match entry.filter(|entry| entry.status != TenantStatus::Erased) {
        Some(entry) => Ok(entry.id),
        None => {
            registry.read_blocking::<ListTenants, _>(call, Platform, |_| Ok(()))?;
            Err(Error::invalid("/tenant", "no tenant has this slug or id"))
        }
    }
}

/// For whom an entry is asked: the host may ask for any operator, everybody else for themselves.
fn whom(tx: &WriteTx<'_, CreateBreakGlass>, asked: Option<AccountId>) -> Result<AccountId> {
    const FIELD: &str = "/account_id";
    let account = match (tx.caller().subject.account(), asked) {
        (Some(own), asked) if asked.is_none_or(|asked| asked == own) => own,
        (Some(_), _) => {
            return Err(Error::invalid(
                FIELD,
                "is the host's alone to give: others ask for themselves",
            ));
        }
        (None, Some(asked)) => asked,
        (None, None) => host_operator(tx)?
            .ok_or_else(|| Error::invalid(FIELD, "must be given: the host is no operator yet"))?,
    };
    match operators::find(tx, account)? {
        Some(operator) if may_enter(operator.role) => Ok(account),
        _ => Err(Error::invalid(FIELD, "must be an operator of role platform-admin or support")),
    }
}

/// The account of the host's operator, if there is one already.
fn host_operator(tx: &WriteTx<'_, CreateBreakGlass>) -> Result<Option<AccountId>> {
    if tx.caller().subject != Subject::Host {
        return Ok(None);
    }
    let part = |text: &str| IdentityPart::parse(text).map_err(Error::Internal);
    accounts::find_by_identity(tx, &Identity { issuer: part("host")?, subject: part("operator")? })
}

/// What of a request cannot be accepted.
fn problems(new: &NewBreakGlass, decisions: &dyn DecisionPoint) -> Vec<FieldError> {
    let mut problems = Vec::new();
    if new.reason.as_str().trim().chars().count() < BreakGlass::MIN_REASON {
        let detail = format!("must have at least {} characters", BreakGlass::MIN_REASON);
        problems.push(FieldError::new("/reason", detail));
    }
    let (min, max) = (BreakGlass::MIN_DURATION_S, BreakGlass::MAX_DURATION_S);
    if !(min..=max).contains(&new.duration_s) {
        problems.push(FieldError::new("/duration_s", format!("must be {min} to {max}")));
    }
    problems.extend(unusable(&new.actions, decisions));
    problems
}

/// The patterns that would open nothing, or only a part of what they say.
fn unusable(actions: &Patterns, decisions: &dyn DecisionPoint) -> Vec<FieldError> {
    if actions.is_empty() {
        return vec![FieldError::new("/actions", "must have at least one pattern")];
    }
    let usable: Vec<_> = action::ALL.iter().filter(|one| is_usable(decisions, one)).collect();
    let problem = |pattern: &ActionPattern| {
        if !usable.iter().any(|one| pattern.covers(one.name)) {
            return Some("covers nothing that an operator can do in a tenant".to_owned());
        }
        let missing: BTreeSet<_> = missing_beside(pattern, actions).into_iter().collect();
        let missing: Vec<_> = missing.into_iter().collect();
        let (noun, _) = missing.first()?.split_once('.')?;
        Some(format!("needs {} beside it, as {noun}.* has", missing.join(", ")))
    };
    let patterns = actions.iter().enumerate();
    patterns
        .filter_map(|(index, pattern)| {
            Some(FieldError::new(format!("/actions/{index}"), problem(pattern)?))
        })
        .collect()
}

/// Whether an operator can do something in a tenant by break-glass at all.
#[must_use]
pub fn is_usable(decisions: &dyn DecisionPoint, action: &ActionInfo) -> bool {
    let Some(target) = TargetFacts::unrelated(action.target, RowLevels::default()) else {
        return false;
    };
    let subject = SubjectFacts {
        kind: SubjectKind::Account,
        live: true,
        account: Some(AccountState::Active),
        operator: Some(OperatorRole::PlatformAdmin),
        role: None,
        membership: None,
        granted: false,
        break_glass: is_grantable(action.name),
    };
    let circumstances = Circumstances {
        tenant: Some(TenantStatus::Active),
        actor: None,
        in_scope: true,
        assurance: AssuranceFacts { is_demanded: false, is_strong: true, is_recent: true },
    };
    let plane = PlaneName::Tenant;
    action.plane == plane
        && decisions
            .decide(&Facts { action: action.name, plane, subject, target, circumstances })
            .allowed
}

/// Closes the entries whose time is over, and tells tenants' files what they have not heard.
///
/// # Errors
/// Storage failed; what was not done is done the next time.
pub fn keep(registry: &Registry) -> Result<()> {
    for id in registry.look(SystemTask::BreakGlass, |tx| break_glass::due(tx))? {
        registry.system(SystemTask::BreakGlass, move |tx| {
            let entry = break_glass::find(tx, id)?.ok_or(Error::NotFound)?;
            // Somebody may have ended it meanwhile.
            if entry.state.is_open() {
                let entry = break_glass::set_state(
                    tx,
                    id,
                    entry.state.to(BreakGlassState::Expired)?,
                    &With::default(),
                )?;
                emit(tx, EventType::BreakGlassExpired, &entry);
            }
            Ok(())
        })?;
    }
    for (entry, told) in registry.look(SystemTask::BreakGlass, |tx| break_glass::untold(tx))? {
        tell_entry(registry, &entry, told);
    }
    Ok(())
}

/// Tells a tenant's file what became of an entry; what cannot be told now is told by [`keep`].
pub(super) fn tell(registry: &Registry, id: BreakGlassId) {
    let untold = registry.look(SystemTask::BreakGlass, |tx| break_glass::untold(tx));
    match untold {
        Ok(untold) => {
            let own = untold.iter().filter(|(entry, _)| entry.id == id);
            own.for_each(|(entry, told)| tell_entry(registry, entry, *told));
        }
        Err(error) => {
            tracing::warn!(break_glass.id = %id, error = %error, "a tenant was not told of an entry");
        }
    }
}

fn tell_entry(registry: &Registry, entry: &BreakGlass, told: i64) {
    if let Err(error) = try_tell(registry, entry, told) {
        tracing::warn!(tenant.id = %entry.tenant_id, break_glass.id = %entry.id, error = %error, "a tenant was not told of an entry");
    }
}

fn try_tell(registry: &Registry, entry: &BreakGlass, told: i64) -> Result<()> {
    let reference = TenantReference::Id(entry.tenant_id);
    let tenant = registry.resolve(&reference)?.ok_or(Error::NotFound)?;
    // One that is out of service is told when it is back.
    if tenant.status != TenantStatus::Active || tenant.problem.is_some() {
        return Ok(());
    }
    let store = registry.open_blocking(&tenant)?;
    for step in entry.steps().into_iter().filter(|step| step.version > told) {
        let cause = registry.look(SystemTask::BreakGlass, |tx| {
            events::caused_by(tx, SystemTask::BreakGlass, step.kind, &Target::BreakGlass(entry.id))
        })?;
        store.tell_break_glass(cause, entry, step)?;
    }
    registry.note_told(entry.id, entry.version)
}
