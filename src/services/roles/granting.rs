//! Nobody exceeds their granter: who writes a custom role, gives it, or brings somebody to where it reaches them, holds
//! everything that it covers, everywhere in the tenant.
//!
//! What the built-in roles hold is not looked at here: `member.create`, `admin.create` and `owner.create` say who gives
//! those.

use std::borrow::Cow;

use crate::domain::action::{self, ImportTenant, TenantPlane};
use crate::domain::{
    AccountId, Action, ActionPattern, CustomRole, Error, FieldError, Name, Patterns, PlaneName,
    Result, Role, TeamId, follows_from, is_grantable, missing_beside,
};
use crate::storage::tenant::{application_bindings, roles, teams};
use crate::storage::{Tx, WriteTx};

/// An action that a role can give, or one that a pattern may name though no role gives it.
type ActionName = Cow<'static, str>;

/// The names of all actions of a tenant: Freehold's own, and those of the applications that it has bound.
fn actions(tx: &impl Tx<Plane = TenantPlane>) -> Result<Vec<ActionName>> {
    let own = action::ALL.iter().filter(|action| action.plane == PlaneName::Tenant);
    let of_applications = application_bindings::actions(tx)?.into_iter().map(Cow::Owned);
    Ok(own.map(|action| action.name.into()).chain(of_applications).collect())
}

/// Patterns must be of a good number, and each must be able to give something.
pub(in crate::services) fn check(
    tx: &impl Tx<Plane = TenantPlane>,
    patterns: &Patterns,
) -> Result<()> {
    if patterns.is_empty() {
        return Err(Error::invalid("/permissions", "must have 1 to 100 patterns"));
    }
    let actions = actions(tx)?;
    let wrong = patterns.iter().enumerate().filter_map(|(index, pattern)| {
        let is_again = patterns.iter().take(index).any(|before| before == pattern);
        let detail = if is_again {
            format!("{pattern} stands there twice")
        } else {
            unfit(pattern, patterns, &actions)?
        };
        Some(FieldError::new(format!("/permissions/{index}"), detail))
    });
    let wrong: Vec<_> = wrong.collect();
    if wrong.is_empty() { Ok(()) } else { Err(Error::Invalid(wrong)) }
}

/// Why a pattern can give nothing, or not without others beside it.
fn unfit(pattern: &ActionPattern, patterns: &Patterns, actions: &[ActionName]) -> Option<String> {
    let mut covered = actions.iter().filter(|action| pattern.covers(action)).peekable();
    if covered.peek().is_none() {
        let is_platforms = action::ALL.iter().any(|action| pattern.covers(action.name));
        return Some(if is_platforms {
            format!("{pattern} is nothing that a tenant can permit")
        } else {
            format!("{pattern} is no action here, nor of an application that is bound")
        });
    }
    if !covered.any(|action| is_grantable(action)) {
        return Some(format!("{pattern} belongs to built-in roles and operators alone"));
    }
    let missing = missing_beside(pattern, patterns);
    (!missing.is_empty()).then(|| format!("{pattern} needs {} beside it", missing.join(", ")))
}

/// Whoever writes a role holds what it will give; a complaint names each pattern in the body.
pub(super) fn may_write<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &Name,
    patterns: &Patterns,
) -> Result<()> {
    let actions = actions(tx)?;
    let mut exceeding = Vec::new();
    for (index, pattern) in patterns.iter().enumerate() {
        if let Some(lack) = lack(tx, pattern, &actions)? {
            exceeding.push(FieldError::new(format!("/permissions/{index}"), lack));
        }
    }
    exceeding.extend(name_lack(tx, name)?.map(|lack| FieldError::new("/name", lack)));
    refuse(exceeding)
}

/// Whoever gives roles holds what each of them gives; a complaint names the field that would give them.
pub(in crate::services) fn may_give<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    given: &[CustomRole],
    field: &str,
) -> Result<()> {
    if given.is_empty() || is_import::<A>() {
        return Ok(());
    }
    let actions = actions(tx)?;
    let mut exceeding = Vec::new();
    for role in given {
        for pattern in role.permissions.iter() {
            let lack = lack(tx, pattern, &actions)?;
            exceeding.extend(lack.map(|lack| of_role(field, role, &lack)));
        }
        exceeding.extend(name_lack(tx, &role.name)?.map(|lack| of_role(field, role, &lack)));
    }
    refuse(exceeding)
}

/// Whoever imports fills the tenant from outside, and is nobody in it.
fn is_import<A: Action>() -> bool {
    A::NAME == ImportTenant::NAME
}

fn of_role(field: &str, role: &CustomRole, lack: &str) -> FieldError {
    FieldError::new(field, format!("of the role {}: {lack}", role.name))
}

fn refuse(exceeding: Vec<FieldError>) -> Result<()> {
    if exceeding.is_empty() { Ok(()) } else { Err(Error::ExceedsGranter(exceeding)) }
}

/// Whoever gives somebody a place in a team holds what the team, and all that it is a part of, has.
pub(in crate::services) fn may_place<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    team: TeamId,
    field: &str,
) -> Result<()> {
    may_give(tx, &roles::of_team(tx, team)?, field)
}

/// Whoever moves a team holds what its members have by its new place and had not by the old one.
pub(in crate::services) fn may_move<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    team: TeamId,
    parent: Option<TeamId>,
) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    if teams::lineage(tx, team)?.get(1) == Some(&parent) {
        return Ok(());
    }
    let before = roles::of_team(tx, team)?;
    let mut new = roles::of_team(tx, parent)?;
    new.retain(|role| before.iter().all(|had| had.id != role.id));
    may_give(tx, &new, "/parent_id")
}

/// Whoever lets an account act as a member, or as a guest, holds what custom roles then give it.
pub(in crate::services) fn may_admit<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    standing: Role,
    field: &str,
) -> Result<()> {
    // Owners and administrators have nothing by custom roles that they had not without.
    if matches!(standing, Role::Owner | Role::Admin) || is_import::<A>() {
        return Ok(());
    }
    may_give(tx, &roles::of_account(tx, account, standing)?, field)
}

/// What of a pattern the caller does not hold.
fn lack<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    pattern: &ActionPattern,
    actions: &[ActionName],
) -> Result<Option<String>> {
    let covered = actions.iter().filter(|name| pattern.covers(name) && is_grantable(name));
    for name in covered.flat_map(|name| [Some(name.as_ref()), follows_from(name)]).flatten() {
        if !tx.holds(name)? {
            return Ok(Some(format!("{pattern} gives {name}, which you do not hold yourself")));
        }
    }
    let is_whole = pattern.beginning().is_none_or(|beginning| tx.holds_all(beginning));
    Ok((!is_whole).then(|| {
        format!(
            "{pattern} gives actions that are yet to come too, and you do not hold it as a whole"
        )
    }))
}

/// Policies of applications see the names of roles: a name gives what they say, so only who has it can give it.
fn name_lack<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    name: &Name,
) -> Result<Option<String>> {
    let is_free =
        tx.keeps_tenant() || !roles::are_seen_by_applications(tx)? || roles::is_callers(tx, name)?;
    Ok((!is_free).then(|| {
        "policies of applications can see this name, and you have no role of it yourself".to_owned()
    }))
}
