//! Invitations: somebody asked into a tenant, and what becomes of it.
//!
//! Owner of an invitation: its row in the tenant's file, and it alone decides. Step: the registry's projection follows
//! it, so that whom it is for finds it. Recovery: as of memberships. Whoever takes one is found by the projection, and
//! then decided about, compared and made a member in one transaction of the tenant's file.

use super::roles::granting;
use super::{accounts, members, team_members};
use crate::domain::action::{
    AcceptInvitation, AnswerMyInvitation, CreateAdmin, CreateInvitation, CreateMember, CreateOwner,
    DeclineInvitation, ListInvitations, ListMyInvitations, ReadInvitation, RevokeInvitation,
    TenantPlane, UpdateTeamMember,
};
use crate::domain::{
    AccountId, Action, Call, Conflict, Covers, Error, EventType, FieldError, Identity, Invitation,
    InvitationFilter, InvitationId, InvitationSaid, InvitationState, Invitee, KnownIdentity,
    Letter, Letters, MadeInvitations, MemberState, MyInvitation, Name, NewInvitation,
    NewInvitations, NewMember, Page, PageRequest, PrincipalId, Result, Role, ServiceAccountId,
    Slug, Subject, SystemTask, Target, TeamId, TeamRole, TenantId, TenantReference, TenantStatus,
};
use crate::storage::registry::invitations as projected;
use crate::storage::tenant::invitations::{self, Words};
use crate::storage::tenant::{members as membership, organization, service_accounts, teams};
use crate::storage::{ReadTx, Registry, TenantStore, Tx, WriteTx, unavailable};

/// Invitations that are closed in one go at most.
const AT_ONCE: i64 = 200;

/// What is sent for whom, and in whose name; made before the transaction.
#[derive(Debug, Clone)]
pub struct Mailing {
    /// What is written.
    pub letters: std::sync::Arc<Letters>,
    /// The tenant's name in addresses.
    pub slug: Slug,
}

/// Lists invitations.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListInvitations>>(
    tx: &ReadTx<'_, A>,
    filter: &InvitationFilter,
    page: &PageRequest,
) -> Result<Page<Invitation>> {
    Ok(invitations::page(tx, filter, page)?.map(|found| as_of_now(tx, found)))
}

/// Reads an invitation.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadInvitation>>(tx: &ReadTx<'_, A>, id: InvitationId) -> Result<Invitation> {
    invitations::find(tx, id)?.map(|found| as_of_now(tx, found)).ok_or(Error::NotFound)
}

fn as_of_now(tx: &impl Tx, found: Invitation) -> Invitation {
    Invitation { state: found.state.at(tx.now(), found.expires_at), ..found }
}

/// The accounts that the identities of new invitations mean, for whoever is about to make them.
///
/// # Errors
/// Storage failed.
pub fn known(registry: &Registry, new: &[NewInvitation]) -> Result<Vec<Option<AccountId>>> {
    let account = |identity: &Identity| accounts::of_identity(registry, identity);
    new.iter().map(|new| new.identity.as_ref().map_or(Ok(None), account)).collect()
}

/// Asks somebody in. The account is the one that the identity means, where one does.
///
/// # Errors
/// [`Conflict::AlreadyInvited`]; [`Conflict::AlreadyMember`] for an identity; [`Conflict::InvitationLimit`]; what of it
/// cannot be accepted, by field; [`Error::Forbidden`] and [`Error::ExceedsGranter`] where the caller may not give what
/// it would.
pub fn create<A: Covers<CreateInvitation>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewInvitation,
    account: Option<AccountId>,
    mailing: &Mailing,
) -> Result<Invitation> {
    let made = add(tx, new, account, mailing)?;
    check_pending(tx)?;
    Ok(made)
}

/// Pending invitations are counted once for a request, however many it makes.
fn check_pending(tx: &impl Tx<Plane = TenantPlane>) -> Result<()> {
    if invitations::count_pending(tx)? > Invitation::MAX_PENDING {
        return Err(Error::Conflict(Conflict::InvitationLimit));
    }
    Ok(())
}

fn add<A: Covers<CreateInvitation>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewInvitation,
    account: Option<AccountId>,
    mailing: &Mailing,
) -> Result<Invitation> {
    let invited_by = tx.caller().subject.principal().ok_or(Error::Forbidden)?;
    let (invitee, expires_in_s) = check(tx, new)?;
    may_give(tx, new.role, &new.team_ids, None)?;
    if let Some(account) = account
        && is_member(tx, account)?
    {
        return Err(Error::Conflict(Conflict::AlreadyMember));
    }
    make_room(tx, &invitee)?;
    let words = Words {
        invitee: &invitee,
        role: new.role,
        team_ids: &new.team_ids,
        message: &new.message.clone().unwrap_or_default(),
        expires_at: tx.now().plus_seconds(i64::from(expires_in_s)),
        invited_by,
    };
    let made = invitations::insert(tx, tx.new_id(), &words)?;
    let name = organization::find(tx)?.name;
    let (link, text) = mailing.letters.write(&made, (&mailing.slug, &name));
    let recipient = made.email.as_ref().map(ToString::to_string);
    let delivery = Letter { recipient, link, text };
    tell(tx, EventType::InvitationCreated, &made, Some(delivery));
    Ok(made)
}

/// Whether several are no more than can be asked in at once.
///
/// # Errors
/// They are more, or none.
pub fn check_count(new: &NewInvitations) -> Result<()> {
    let most = Invitation::MAX_AT_ONCE;
    if (1..=most).contains(&new.invitations.len()) {
        return Ok(());
    }
    Err(Error::invalid("/invitations", format!("must have 1 to {most} entries")))
}

/// Asks several in, all of them or none.
///
/// # Errors
/// As [`create`]; what is wrong with each, by its place.
pub fn create_many<A: Covers<CreateInvitation>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewInvitations,
    accounts: &[Option<AccountId>],
    mailing: &Mailing,
) -> Result<MadeInvitations> {
    check_count(new)?;
    let (mut items, mut wrong, mut exceeding) = (Vec::new(), Vec::new(), Vec::new());
    for (index, (new, account)) in new.invitations.iter().zip(accounts).enumerate() {
        let at = format!("/invitations/{index}");
        let placed = |errors: Vec<FieldError>| {
            let of =
                |error: FieldError| FieldError::new(format!("{at}{}", error.field), error.detail);
            errors.into_iter().map(of).collect::<Vec<_>>()
        };
        match add(tx, new, *account, mailing) {
            Ok(made) => items.push(made),
            Err(Error::Invalid(errors)) => wrong.extend(placed(errors)),
            Err(Error::ExceedsGranter(errors)) => exceeding.extend(placed(errors)),
            // What does not fit what is there is told of each too: the request is one.
            Err(Error::Conflict(conflict)) => wrong.push(FieldError::new(at, conflict.to_string())),
            Err(error) => return Err(error),
        }
    }
    match (wrong.is_empty(), exceeding.is_empty()) {
        (_, false) => Err(Error::ExceedsGranter(exceeding)),
        (false, true) => Err(Error::Invalid(wrong)),
        (true, true) => check_pending(tx).map(|()| MadeInvitations { items }),
    }
}

/// The invitee of a new invitation, and for how many seconds it is valid.
///
/// # Errors
/// [`Error::Invalid`], by field, for every caller alike.
fn check(tx: &impl Tx<Plane = TenantPlane>, new: &NewInvitation) -> Result<(Invitee, u32)> {
    let mut wrong = Vec::new();
    let invitee = Invitee::of(new.email.clone(), new.identity.clone());
    if invitee.is_none() {
        wrong.push(FieldError::new("/email", "exactly one of email and identity must be given"));
    }
    let (min, max) = (Invitation::MIN_S, Invitation::MAX_S);
    let expires_in_s = new.expires_in_s.unwrap_or(Invitation::DEFAULT_S);
    if !(min..=max).contains(&expires_in_s) {
        wrong.push(FieldError::new("/expires_in_s", format!("must be {min} to {max}")));
    }
    if new.team_ids.len() > Invitation::MAX_TEAMS {
        let detail = format!("must have at most {} entries", Invitation::MAX_TEAMS);
        wrong.push(FieldError::new("/team_ids", detail));
    } else {
        wrong.extend(wrong_teams(tx, &new.team_ids)?);
    }
    match invitee {
        Some(invitee) if wrong.is_empty() => Ok((invitee, expires_in_s)),
        _ => Err(Error::Invalid(wrong)),
    }
}

fn wrong_teams(tx: &impl Tx<Plane = TenantPlane>, ids: &[TeamId]) -> Result<Vec<FieldError>> {
    let mut wrong = Vec::new();
    for (index, id) in ids.iter().enumerate() {
        let field = format!("/team_ids/{index}");
        if ids[..index].contains(id) {
            wrong.push(FieldError::new(field, "stands there twice"));
        } else if teams::find(tx, *id)?.is_none() {
            wrong.push(FieldError::new(field, "no team has this id here"));
        }
    }
    Ok(wrong)
}

/// Whoever asks somebody in could make them that member themselves, and give them each place. The account is known once
/// the invitation is taken.
fn may_give<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    role: Role,
    team_ids: &[TeamId],
    account: Option<AccountId>,
) -> Result<()> {
    let tenant = tx.tenant().ok_or(Error::NotFound)?;
    match role {
        Role::Owner => tx.permits::<CreateOwner>(tenant)?,
        Role::Admin => tx.permits::<CreateAdmin>(tenant)?,
        Role::Member | Role::Guest => tx.permits::<CreateMember>(tenant)?,
    }
    // Whatever the tenant's members have by custom roles, a new one will have too.
    let account = account.unwrap_or(AccountId(uuid::Uuid::nil()));
    granting::may_admit(tx, account, role, "/role")?;
    for (index, team) in team_ids.iter().enumerate() {
        tx.permits::<UpdateTeamMember>(*team)?;
        granting::may_place(tx, *team, &format!("/team_ids/{index}"))?;
    }
    Ok(())
}

fn is_member(tx: &impl Tx<Plane = TenantPlane>, account: AccountId) -> Result<bool> {
    let found = membership::find(tx, account)?;
    Ok(found.is_some_and(|member| member.state != MemberState::Removed))
}

/// Nobody is asked twice at once: what waits for them must be over, and is then closed.
fn make_room<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    invitee: &Invitee,
) -> Result<()> {
    if let Some(waiting) = invitations::find_pending(tx, invitee)? {
        if waiting.expires_at > tx.now() {
            return Err(Error::Conflict(Conflict::AlreadyInvited));
        }
        expire(tx, &waiting)?;
    }
    Ok(())
}

/// Takes an invitation back.
///
/// # Errors
/// [`Conflict::WrongState`] where it was taken, turned down or taken back already, or its time is over.
pub fn revoke<A: Covers<RevokeInvitation>>(
    tx: &mut WriteTx<'_, A>,
    id: InvitationId,
) -> Result<Invitation> {
    let found = invitations::find(tx, id)?.ok_or(Error::NotFound)?;
    found.state.at(tx.now(), found.expires_at).to(InvitationState::Revoked)?;
    close(tx, &found, InvitationState::Revoked, None)
}

/// Puts an invitation into a state that ends it, and says so.
fn close<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    found: &Invitation,
    state: InvitationState,
    by: Option<AccountId>,
) -> Result<Invitation> {
    let closed = invitations::set_state(tx, found.id, found.state.to(state)?, by)?;
    invitations::forget_oldest(tx)?;
    let kind = match state {
        InvitationState::Pending => EventType::InvitationCreated,
        InvitationState::Accepted => EventType::InvitationAccepted,
        InvitationState::Declined => EventType::InvitationDeclined,
        InvitationState::Revoked => EventType::InvitationRevoked,
        InvitationState::Expired => EventType::InvitationExpired,
    };
    tell(tx, kind, &closed, None);
    Ok(closed)
}

fn expire<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    found: &Invitation,
) -> Result<Invitation> {
    close(tx, found, InvitationState::Expired, None)
}

fn tell<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    invitation: &Invitation,
    delivery: Option<Letter>,
) {
    let it = invitation.clone();
    let notice = InvitationSaid {
        id: it.id,
        email: it.email,
        identity: it.identity,
        role: it.role,
        state: it.state,
        message: it.message,
        expires_at: it.expires_at,
        created_at: it.created_at,
        team_ids: it.team_ids,
        invited_by: it.invited_by,
        account_id: it.account_id,
        delivery,
    };
    tx.emit(kind, &Target::Invitation(invitation.id), &notice);
}

/// Lists the invitations that are for an account and can be taken.
///
/// # Errors
/// Storage failed.
pub fn list_mine<A: Covers<ListMyInvitations>>(
    tx: &ReadTx<'_, A>,
    identities: &[KnownIdentity],
    page: &PageRequest,
) -> Result<Page<MyInvitation>> {
    projected::page_of(tx, identities, page)
}

/// Takes an invitation: the caller becomes a member, once.
///
/// # Errors
/// [`Error::NotFound`] where it is not for the caller; [`Conflict::WrongState`] where something became of it before;
/// [`Conflict::InvitationExpired`]; [`Conflict::InvitationRevoked`] where whoever asked them in may do so no more;
/// [`Conflict::AlreadyMember`]; the tenant is out of service.
pub fn accept(registry: &Registry, call: &Call, id: InvitationId) -> Result<MyInvitation> {
    let (account, mine) = find_mine(registry, call, id)?;
    let store = open(registry, mine.tenant_id)?;
    let name = accounts::name(registry, account)?.ok_or(Error::NotFound)?;
    let taken = store.write_blocking::<AcceptInvitation, _, _>(call, id, move |tx| {
        take(tx, id, account, &name)
    })?;
    answered(&store, mine, &taken)
}

/// Turns an invitation down.
///
/// # Errors
/// As [`accept`].
pub fn decline(registry: &Registry, call: &Call, id: InvitationId) -> Result<MyInvitation> {
    let (account, mine) = find_mine(registry, call, id)?;
    let store = open(registry, mine.tenant_id)?;
    let closed = store.write_blocking::<DeclineInvitation, _, _>(call, id, move |tx| {
        let found = waiting(tx, id)?;
        if found.expires_at <= tx.now() {
            return expire(tx, &found);
        }
        close(tx, &found, InvitationState::Declined, Some(account))
    })?;
    answered(&store, mine, &closed)
}

/// An invitation that is for the caller, by the registry's projection.
fn find_mine(
    registry: &Registry,
    call: &Call,
    id: InvitationId,
) -> Result<(AccountId, MyInvitation)> {
    let account = call.caller.subject.account().ok_or(Error::NotFound)?;
    let identities = registry.identities(account)?;
    let found = registry.read_blocking::<AnswerMyInvitation, _>(call, account, |tx| {
        projected::find_for(tx, &identities, id)
    })?;
    Ok((account, found.ok_or(Error::NotFound)?))
}

/// The store of a tenant that is in service.
fn open(registry: &Registry, tenant: TenantId) -> Result<TenantStore> {
    let entry = registry.resolve(&TenantReference::Id(tenant))?.ok_or(Error::NotFound)?;
    if entry.status != TenantStatus::Active {
        return Err(unavailable(&entry));
    }
    registry.open_blocking(&entry)
}

/// What whoever answered hears; the registry has heard of it before.
fn answered(store: &TenantStore, mine: MyInvitation, found: &Invitation) -> Result<MyInvitation> {
    store.project()?;
    match found.state {
        InvitationState::Expired => Err(Error::Conflict(Conflict::InvitationExpired)),
        InvitationState::Revoked => Err(Error::Conflict(Conflict::InvitationRevoked)),
        state => Ok(MyInvitation { state, ..mine }),
    }
}

/// An invitation of which nothing became yet.
fn waiting(tx: &impl Tx<Plane = TenantPlane>, id: InvitationId) -> Result<Invitation> {
    let found = invitations::find(tx, id)?.ok_or(Error::NotFound)?;
    match found.state {
        InvitationState::Pending => Ok(found),
        InvitationState::Expired => Err(Error::Conflict(Conflict::InvitationExpired)),
        _ => Err(Error::Conflict(Conflict::WrongState)),
    }
}

/// Makes whom an invitation is for a member, if its time is not over and whoever asked them in still may.
fn take(
    tx: &mut WriteTx<'_, AcceptInvitation>,
    id: InvitationId,
    account: AccountId,
    name: &Name,
) -> Result<Invitation> {
    let found = waiting(tx, id)?;
    if found.expires_at <= tx.now() {
        return expire(tx, &found);
    }
    if is_member(tx, account)? {
        return Err(Error::Conflict(Conflict::AlreadyMember));
    }
    let team_ids = still_there(tx, &found.team_ids)?;
    if !inviter_may(tx, &found, &team_ids, account)? {
        return close(tx, &found, InvitationState::Revoked, None);
    }
    let new = NewMember { account_id: account, role: found.role };
    members::admit(tx, &new, name)?.ok_or(Error::Conflict(Conflict::AlreadyMember))?;
    for team in team_ids {
        team_members::ensure(tx, team, account, TeamRole::Member)?;
    }
    close(tx, &found, InvitationState::Accepted, Some(account))
}

/// The teams that were not deleted meanwhile.
fn still_there(tx: &impl Tx<Plane = TenantPlane>, ids: &[TeamId]) -> Result<Vec<TeamId>> {
    let mut there = Vec::new();
    for id in ids {
        there.extend(teams::find(tx, *id)?.map(|team| team.id));
    }
    Ok(there)
}

/// Whether whoever asked somebody in may still do so, and give all that the invitation gives.
fn inviter_may<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    found: &Invitation,
    team_ids: &[TeamId],
    account: AccountId,
) -> Result<bool> {
    let tenant = tx.tenant().ok_or(Error::NotFound)?;
    let inviter = inviter(tx, found.invited_by)?;
    let asked = tx.in_place_of(inviter, |tx| {
        tx.permits::<CreateInvitation>(tenant)?;
        may_give(tx, found.role, team_ids, Some(account))
    });
    match asked {
        Ok(()) => Ok(true),
        Err(Error::NotFound | Error::Forbidden | Error::ExceedsGranter(_) | Error::StepUp(_)) => {
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

/// Whoever asked somebody in: a service account, or a person.
fn inviter(tx: &impl Tx<Plane = TenantPlane>, id: PrincipalId) -> Result<Subject> {
    let robot = ServiceAccountId(id.0);
    let is_robot = service_accounts::find(tx, robot)?.is_some();
    Ok(if is_robot { Subject::ServiceAccount(robot) } else { Subject::Account(AccountId(id.0)) })
}

/// Closes the invitations whose time is over.
///
/// # Errors
/// Storage failed; what was not done is done the next time.
pub fn keep(registry: &Registry) -> Result<()> {
    for (tenant, id) in registry.look(SystemTask::Invitations, |tx| projected::due(tx, AT_ONCE))? {
        if let Err(error) = end(registry, tenant, id) {
            tracing::warn!(tenant.id = %tenant, invitation.id = %id, error = %error, "an invitation whose time is over was not closed");
        }
    }
    Ok(())
}

fn end(registry: &Registry, tenant: TenantId, id: InvitationId) -> Result<()> {
    let store = open(registry, tenant)?;
    store.system(SystemTask::Invitations, move |tx| {
        // Something may have become of it meanwhile.
        if let Some(found) = invitations::find(tx, id)?
            && found.state == InvitationState::Pending
            && found.expires_at <= tx.now()
        {
            expire(tx, &found)?;
        }
        Ok(())
    })?;
    store.project()
}
