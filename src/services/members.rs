//! Members: who belongs to a tenant, in which role, in which state.

use super::roles::granting;
use crate::domain::action::{
    CreateMember, DeleteMember, ListMembers, ReadMember, ResumeMember, SuspendMember, TenantPlane,
    UpdateMember,
};
use crate::domain::{
    AccountId, Action, Conflict, Covers, Error, EventType, Member, MemberFilter, MemberId,
    MemberState, Membership, Name, NewMember, Page, PageRequest, PrincipalType, Result, Role,
    Target,
};
use crate::storage::tenant::{catalog, members, principals, profiles};
use crate::storage::{ReadTx, TenantWork, WriteTx};

/// Lists members.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListMembers>>(
    tx: &ReadTx<'_, A>,
    filter: &MemberFilter,
    page: &PageRequest,
) -> Result<Page<Member>> {
    members::page(tx, filter, page)
}

/// Reads a membership.
///
/// # Errors
/// [`Error::NotFound`] where there is none.
pub fn read<A: Covers<ReadMember>>(tx: &ReadTx<'_, A>, account: AccountId) -> Result<Member> {
    members::find(tx, account)?.ok_or(Error::NotFound)
}

/// Adds a member; the name is the account's, `None` where there is no such account.
///
/// # Errors
/// [`Conflict::AlreadyMember`]; an account that is not there; [`Error::ExceedsGranter`] where the tenant's members have
/// custom roles that cover what the caller does not hold.
pub fn create<A: Covers<CreateMember>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewMember,
    name: Option<&Name>,
) -> Result<Member> {
    let name = name.ok_or_else(|| Error::invalid("/account_id", "no account has this id"))?;
    granting::may_admit(tx, new.account_id, new.role, "/role")?;
    admit(tx, new, name)?.ok_or(Error::Conflict(Conflict::AlreadyMember))
}

/// Makes an account a tenant's first owner; one that is a member already stays what it is.
///
/// # Errors
/// Storage failed.
pub fn create_first_owner(
    tx: &mut WriteTx<'_, TenantWork>,
    account: AccountId,
    name: &Name,
) -> Result<()> {
    admit(tx, &NewMember { account_id: account, role: Role::Owner }, name).map(drop)
}

/// Adds a member, or brings a removed one back; `None` where they are one.
pub(super) fn admit<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    new: &NewMember,
    name: &Name,
) -> Result<Option<Member>> {
    principals::put(tx, new.account_id.into(), PrincipalType::Account, name)?;
    let Some(member) = members::insert(tx, new.account_id, name, new.role)? else {
        return Ok(None);
    };
    tell(tx, EventType::MemberCreated, &member);
    Ok(Some(member))
}

/// Changes a member's role. Whoever makes an administrator or an owner of a member may change that very member too.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::LastOwner`] where nobody else would own the tenant; [`Error::ExceedsGranter`] where a
/// guest becomes a member, and custom roles then cover for them what the caller does not hold.
pub fn update<A: Covers<UpdateMember>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    role: Role,
    version: i64,
) -> Result<Member> {
    if A::NAME != UpdateMember::NAME {
        tx.permits::<UpdateMember>(MemberId(account))?;
    }
    let is_guest = members::find(tx, account)?.is_some_and(|member| member.role == Role::Guest);
    if is_guest {
        granting::may_admit(tx, account, role, "/role")?;
    }
    let member = members::set_role(tx, account, role, version)?;
    settled(tx, account, member, EventType::MemberUpdated)
}

/// Lets a member do nothing here until resumed.
///
/// # Errors
/// [`Conflict::WrongState`]; [`Conflict::LastOwner`].
pub fn suspend<A: Covers<SuspendMember>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
) -> Result<Member> {
    change_state(tx, account, MemberState::Suspended, None)
}

/// Lets a suspended member act again.
///
/// # Errors
/// [`Conflict::WrongState`]; [`Error::ExceedsGranter`] where custom roles then cover for them what the caller does not
/// hold.
pub fn resume<A: Covers<ResumeMember>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
) -> Result<Member> {
    let current = members::find(tx, account)?.ok_or(Error::NotFound)?;
    if current.state != MemberState::Suspended {
        return Err(Error::Conflict(Conflict::WrongState));
    }
    granting::may_admit(tx, account, current.role, "account")?;
    change_state(tx, account, MemberState::Active, None)
}

/// Removes a member, and with the membership every place in a team, every custom role, every entry that names them, and
/// what profile and catalogue hold of them here.
///
/// # Errors
/// [`Error::Stale`]; [`Conflict::LastOwner`].
pub fn delete<A: Covers<DeleteMember>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    version: i64,
) -> Result<Member> {
    let member = change_state(tx, account, MemberState::Removed, Some(version))?;
    members::forget_grants(tx, account)?;
    profiles::forget(tx, account)?;
    catalog::forget(tx, account)?;
    Ok(member)
}

fn change_state<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    next: MemberState,
    version: Option<i64>,
) -> Result<Member> {
    let current = members::find(tx, account)?.ok_or(Error::NotFound)?;
    let version = version.unwrap_or(current.version);
    if version != current.version {
        return Err(Error::Stale);
    }
    let member = members::set_state(tx, account, current.state.to(next)?, version)?;
    let kind = if next == MemberState::Removed {
        EventType::MemberDeleted
    } else {
        EventType::MemberUpdated
    };
    settled(tx, account, member, kind)
}

/// What holds after every change of a membership: the tenant has an active owner, and the registry hears of it.
fn settled<A: Action<Plane = TenantPlane>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    member: Option<Member>,
    kind: EventType,
) -> Result<Member> {
    let Some(member) = member else {
        return Err(if members::find(tx, account)?.is_some() {
            Error::Stale
        } else {
            Error::NotFound
        });
    };
    if members::active_owners(tx)? == 0 {
        return Err(Error::Conflict(Conflict::LastOwner));
    }
    tell(tx, kind, &member);
    Ok(member)
}

fn tell<A: Action<Plane = TenantPlane>>(tx: &mut WriteTx<'_, A>, kind: EventType, member: &Member) {
    let data = Membership { account_id: member.account_id, role: member.role, state: member.state };
    tx.emit(kind, &Target::Member(member.account_id), &data);
}
