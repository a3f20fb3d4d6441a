//! Profiles: what is known of people, resolved from the platform's, the account's, the tenant's and the member's layer.
//!
//! Definitions and what an account says of itself stand in the registry, the rest in the tenant's file. A reading takes
//! the registry's part as it is now, beside the tenant's transaction; a change changes one layer, in the file that owns
//! it. Definitions that move meanwhile do no harm: what they do not accept any more is left out when it is read.

use crate::domain::action::TenantPlane;
use crate::domain::action::{
    ReadMyProfile, ReadProfile, ReadProfileDefaults, UpdateMyProfile, UpdateProfile,
    UpdateProfileDefaults,
};
use crate::domain::{
    AccountId, Action, AttributeKey, Covers, Definitions, Error, EventType, Layer, MemberState,
    Profile, ProfileSaid, Result, Standing, StoredValues, Target, TenantId, ValuesPatch,
};
use crate::storage::registry::attributes;
use crate::storage::registry::profiles as own;
use crate::storage::tenant::{members, profiles};
use crate::storage::{ReadTx, Tx, WriteTx};

/// Whom a profile is shown to, and what every value of it must be.
struct View<'v> {
    definitions: &'v Definitions,
    who: Standing,
}

impl View<'_> {
    fn of(&self, layers: &[crate::domain::ProfileLayer<'_>]) -> Result<Profile> {
        let profile = Profile::of(self.definitions, self.who, layers);
        profile.ok_or_else(|| Error::Internal("a profile has no layers".to_owned()))
    }
}

/// What the caller's own profile says wherever no tenant says otherwise.
///
/// # Errors
/// Storage failed.
pub fn read_own<A: Covers<ReadMyProfile>>(
    tx: &ReadTx<'_, A>,
    account: AccountId,
) -> Result<Profile> {
    let definitions = attributes::definitions(tx)?;
    let view = View { definitions: &definitions, who: own::standing(tx, account) };
    view.of(&[(Layer::Account, account.into(), &own::find(tx, account)?)])
}

/// Changes what the caller's own profile says wherever no tenant says otherwise. It goes into every tenant of theirs, so
/// that a credential for one tenant does not do.
///
/// # Errors
/// [`Error::Stale`]; [`Error::Forbidden`] with a credential for a tenant; keys or values that cannot be accepted, or
/// are not the caller's to change.
pub fn update_own<A: Covers<UpdateMyProfile>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    patch: &ValuesPatch,
    version: i64,
) -> Result<Profile> {
    if tx.caller().tenant.is_some() {
        return Err(Error::Forbidden);
    }
    let definitions = attributes::definitions(tx)?;
    let view = View { definitions: &definitions, who: own::standing(tx, account) };
    let stored = expected(own::find(tx, account)?, version)?;
    let (values, keys) = stored.patched(&definitions, view.who, Layer::Account, patch)?;
    let stored = if keys.is_empty() {
        stored
    } else {
        own::put(tx, account, &values, version)?.ok_or(Error::Stale)?
    };
    tell(tx, &Target::Account(account), Layer::Account, &keys);
    view.of(&[(Layer::Account, account.into(), &stored)])
}

fn expected(stored: StoredValues, version: i64) -> Result<StoredValues> {
    if stored.version == version { Ok(stored) } else { Err(Error::Stale) }
}

/// What members' profiles say where neither they nor the tenant say anything of them.
///
/// # Errors
/// Storage failed.
pub fn read_defaults<A: Covers<ReadProfileDefaults>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
) -> Result<Profile> {
    let definitions = profiles::definitions(tx)?;
    let view = View { definitions: &definitions, who: profiles::standing(tx, None) };
    view.of(&[(Layer::Tenant, tenant.into(), &profiles::defaults(tx)?)])
}

/// Changes what members' profiles say where the tenant says nothing of them.
///
/// # Errors
/// [`Error::Stale`]; keys or values that cannot be accepted, or are not the caller's to change.
pub fn update_defaults<A: Covers<UpdateProfileDefaults>>(
    tx: &mut WriteTx<'_, A>,
    tenant: TenantId,
    patch: &ValuesPatch,
    version: i64,
) -> Result<Profile> {
    let definitions = profiles::definitions(tx)?;
    let view = View { definitions: &definitions, who: profiles::standing(tx, None) };
    let stored = expected(profiles::defaults(tx)?, version)?;
    let (values, keys) = stored.patched(&definitions, view.who, Layer::Tenant, patch)?;
    let stored = if keys.is_empty() {
        stored
    } else {
        profiles::put_defaults(tx, tenant, &values, version)?.ok_or(Error::Stale)?
    };
    tell(tx, &tenant.into(), Layer::Tenant, &keys);
    view.of(&[(Layer::Tenant, tenant.into(), &stored)])
}

/// What counts in a member's profile, of that which the caller may see.
///
/// # Errors
/// [`Error::NotFound`] where the account is no member, or none any more.
pub fn read<A: Covers<ReadProfile>>(tx: &ReadTx<'_, A>, account: AccountId) -> Result<Profile> {
    is_member(tx, account)?;
    let definitions = profiles::definitions(tx)?;
    let view = View { definitions: &definitions, who: profiles::standing(tx, Some(account)) };
    of_member(tx, &view, account, &profiles::find(tx, account)?)
}

/// Changes the tenant's values of a member's profile.
///
/// # Errors
/// [`Error::NotFound`] where the account is no member, or none any more; [`Error::Stale`]; keys or values that cannot be
/// accepted, or are not the caller's to change.
pub fn update<A: Covers<UpdateProfile>>(
    tx: &mut WriteTx<'_, A>,
    account: AccountId,
    patch: &ValuesPatch,
    version: i64,
) -> Result<Profile> {
    is_member(tx, account)?;
    let definitions = profiles::definitions(tx)?;
    let view = View { definitions: &definitions, who: profiles::standing(tx, Some(account)) };
    let stored = expected(profiles::find(tx, account)?, version)?;
    let (values, keys) = stored.patched(&definitions, view.who, Layer::Member, patch)?;
    let stored = if keys.is_empty() {
        stored
    } else {
        profiles::put(tx, account, &values, version)?.ok_or(Error::Stale)?
    };
    tell(tx, &Target::Member(account), Layer::Member, &keys);
    of_member(tx, &view, account, &stored)
}

/// Who has left is not looked after any more.
fn is_member(tx: &impl Tx<Plane = TenantPlane>, account: AccountId) -> Result<()> {
    let found = members::find(tx, account)?;
    found.filter(|member| member.state != MemberState::Removed).map(drop).ok_or(Error::NotFound)
}

fn of_member<T: Tx<Plane = TenantPlane>>(
    tx: &T,
    view: &View<'_>,
    account: AccountId,
    stored: &StoredValues,
) -> Result<Profile> {
    let tenant = profiles::tenant(tx)?;
    view.of(&[
        (Layer::Account, account.into(), &profiles::global(tx, account)?),
        (Layer::Tenant, tenant.into(), &profiles::defaults(tx)?),
        (Layer::Member, account.into(), stored),
    ])
}

/// What the events say: which keys, and never a value. What changed nothing says nothing.
fn tell<A: Action>(tx: &mut WriteTx<'_, A>, target: &Target, layer: Layer, keys: &[AttributeKey]) {
    if !keys.is_empty() {
        tx.emit(EventType::ProfileUpdated, target, &ProfileSaid { layer, keys: keys.to_vec() });
    }
}
