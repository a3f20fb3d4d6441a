//! What is supposed of a tenant, in place of what is so: for the question which decisions a change would change.
//!
//! Nothing is ever written of it. It speaks of facts alone: what is supposed is put in place of what was found, before
//! anything is decided.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    AccountId, MemberState, Name, Patterns, PrincipalId, Role, RoleId, RowSecurityMode, Target,
    TargetFacts, TeamId, TeamRole,
};

/// What is supposed of a tenant. Nothing is, by default.
#[derive(Debug, Clone, Default)]
pub struct Hypothesis {
    /// Of memberships: what is said of role and state, the rest as it is.
    pub members: BTreeMap<AccountId, SupposedMember>,
    /// Of places in teams: none, where nothing stands for one.
    pub places: BTreeMap<AccountId, BTreeMap<TeamId, Option<TeamRole>>>,
    /// Of custom roles.
    pub roles: Vec<SupposedRole>,
    /// What row-level security does.
    pub row_security: Option<RowSecurityMode>,
}

/// What is supposed of a membership.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SupposedMember {
    /// The role; for one who is no member yet there must be one.
    pub role: Option<Role>,
    /// The state; who is no member yet is active where nothing is said.
    pub state: Option<MemberState>,
}

/// What is supposed of a custom role.
#[derive(Debug, Clone)]
pub struct SupposedRole {
    /// Which one; `None` for one that is not there yet.
    pub id: Option<RoleId>,
    /// What it is called.
    pub name: Name,
    /// What it permits.
    pub permissions: Patterns,
    /// Who has it, all of them; as it is, where nothing is said.
    pub principals: Option<BTreeSet<PrincipalId>>,
}

impl Hypothesis {
    /// An account's membership.
    #[must_use]
    pub fn membership(
        &self,
        account: AccountId,
        found: Option<(Role, MemberState)>,
    ) -> Option<(Role, MemberState)> {
        let Some(supposed) = self.members.get(&account) else { return found };
        let role = supposed.role.or(found.map(|(role, _)| role))?;
        let state = supposed.state.or(found.map(|(_, state)| state));
        Some((role, state.unwrap_or(MemberState::Active)))
    }

    /// An account's places in teams.
    #[must_use]
    pub fn places(
        &self,
        account: AccountId,
        found: Vec<(TeamId, TeamRole)>,
    ) -> Vec<(TeamId, TeamRole)> {
        let Some(supposed) = self.places.get(&account) else { return found };
        let kept = found.into_iter().filter(|(team, _)| !supposed.contains_key(team));
        let given = supposed.iter().filter_map(|(team, role)| Some((*team, (*role)?)));
        kept.chain(given).collect()
    }

    /// Something of each custom role that somebody has, by what principals they are, in place of what was found.
    #[must_use]
    pub fn held<T>(
        &self,
        has: impl Fn(PrincipalId) -> bool,
        found: Vec<(RoleId, T)>,
        of: impl Fn(&SupposedRole) -> T,
    ) -> Vec<T> {
        let supposed_of = |id| self.roles.iter().find(|role| role.id == Some(id));
        let kept = found.into_iter().filter_map(|(id, found)| match supposed_of(id) {
            None => Some(found),
            Some(role) if role.principals.is_none() => Some(of(role)),
            Some(_) => None,
        });
        let given = self.roles.iter().filter(|role| {
            role.principals.as_ref().is_some_and(|all| all.iter().any(|one| has(*one)))
        });
        kept.chain(given.map(&of)).collect()
    }

    /// What is known of a target.
    #[must_use]
    pub fn target(
        &self,
        target: &Target,
        found: Option<TargetFacts>,
        caller: Option<AccountId>,
    ) -> Option<TargetFacts> {
        let Target::Member(account) = target else { return found };
        let Some(SupposedMember { role: Some(role), .. }) = self.members.get(account) else {
            return found;
        };
        Some(TargetFacts::Member { own: caller == Some(*account), role: *role })
    }
}
