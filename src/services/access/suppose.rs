//! What is supposed in a simulation, held against what is there: a change of what is not there is refused by its field.
//!
//! Whether somebody may make the change, and whether it would stand, is not looked at.

use super::asked_about;
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ChangedMember, ChangedPlace, ChangedRole, Error, FieldError, Hypothesis,
    Member, MemberState, Name, Patterns, PrincipalId, Result, SupposedChanges, SupposedMember,
    SupposedRole, TenantId,
};
use crate::services::roles::granting;
use crate::storage::ReadTx;
use crate::storage::tenant::{access, members, principals, roles, teams};

/// Puts a hypothesis together, and what is wrong with it.
struct Supposing<'s, 't, A: Action> {
    tx: &'s ReadTx<'t, A>,
    tenant: TenantId,
    hypothesis: Hypothesis,
    findings: Vec<FieldError>,
}

/// What a simulation supposes.
pub(super) fn hypothesis<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    changes: &SupposedChanges,
) -> Result<Hypothesis> {
    let hypothesis = Hypothesis { row_security: changes.row_security, ..Hypothesis::default() };
    let mut supposing = Supposing { tx, tenant, hypothesis, findings: Vec::new() };
    for (index, member) in changes.members.iter().enumerate() {
        supposing.member(&format!("/changes/members/{index}"), member)?;
    }
    for (index, place) in changes.team_members.iter().enumerate() {
        supposing.place(&format!("/changes/team_members/{index}"), place)?;
    }
    for (index, role) in changes.roles.iter().enumerate() {
        supposing.role(&format!("/changes/roles/{index}"), role)?;
    }
    let Supposing { hypothesis, findings, .. } = supposing;
    if findings.is_empty() { Ok(hypothesis) } else { Err(Error::Invalid(findings)) }
}

impl<A: Action<Plane = TenantPlane>> Supposing<'_, '_, A> {
    fn complain(&mut self, field: String, detail: &str) {
        self.findings.push(FieldError::new(field, detail));
    }

    fn member(&mut self, field: &str, changed: &ChangedMember) -> Result<()> {
        let account = changed.account_id;
        let found = members::find(self.tx, account)?;
        if found.is_none() && changed.role.is_none() {
            self.complain(format!("{field}/role"), "must be there: the account is no member");
        }
        if found.is_none() && !self.is_account(account)? {
            self.complain(format!("{field}/account_id"), "no account has this id");
        }
        let supposed = SupposedMember { role: changed.role, state: changed.state };
        if self.hypothesis.members.insert(account, supposed).is_some() {
            self.complain(format!("{field}/account_id"), "stands twice");
        }
        Ok(())
    }

    fn is_account(&self, account: AccountId) -> Result<bool> {
        Ok(access::asked(self.tx, asked_about(self.tenant, account))?.is_account())
    }

    fn place(&mut self, field: &str, changed: &ChangedPlace) -> Result<()> {
        let ChangedPlace { team_id: team, account_id: account, role } = *changed;
        if teams::find(self.tx, team)?.is_none() {
            self.complain(format!("{field}/team_id"), "no team has this id here");
        }
        if !self.would_belong(account)? {
            self.complain(format!("{field}/account_id"), "no member has this id, nor would one");
        }
        let places = self.hypothesis.places.entry(account).or_default();
        if places.insert(team, role).is_some() {
            self.complain(field.to_owned(), "stands twice");
        }
        Ok(())
    }

    /// Whether an account is a member, or would be one.
    fn would_belong(&self, account: AccountId) -> Result<bool> {
        let found = members::find(self.tx, account)?;
        let found = found.map(|Member { role, state, .. }| (role, state));
        let supposed = self.hypothesis.membership(account, found);
        Ok(supposed.is_some_and(|(_, state)| state != MemberState::Removed))
    }

    fn role(&mut self, field: &str, changed: &ChangedRole) -> Result<()> {
        let Some((name, permissions)) = self.role_meant(field, changed)? else { return Ok(()) };
        let patterns =
            changed.permissions.is_some().then(|| granting::check(self.tx, &permissions));
        match patterns.transpose() {
            Ok(_) => {}
            Err(Error::Invalid(wrong)) => {
                let wrong = wrong
                    .into_iter()
                    .map(|one| FieldError { field: format!("{field}{}", one.field), ..one });
                self.findings.extend(wrong);
            }
            Err(error) => return Err(error),
        }
        for principal in changed.principals.iter().flatten() {
            if !self.would_be_principal(*principal)? {
                let detail = format!("{principal} is no account, team or tenant here");
                self.complain(format!("{field}/principals"), &detail);
            }
        }
        let is_twice = changed.id.is_some()
            && self.hypothesis.roles.iter().any(|other| other.id == changed.id);
        if is_twice {
            self.complain(format!("{field}/id"), "stands twice");
        }
        let principals = match changed.id {
            Some(_) => changed.principals.clone(),
            None => Some(changed.principals.clone().unwrap_or_default()),
        };
        self.hypothesis.roles.push(SupposedRole { id: changed.id, name, permissions, principals });
        Ok(())
    }

    /// The name and the patterns of a role that is there, or of a new one.
    fn role_meant(
        &mut self,
        field: &str,
        changed: &ChangedRole,
    ) -> Result<Option<(Name, Patterns)>> {
        match (changed.id, &changed.name, &changed.permissions) {
            (Some(id), None, permissions) => {
                let Some(found) = roles::find(self.tx, id)? else {
                    self.complain(format!("{field}/id"), "no custom role has this id here");
                    return Ok(None);
                };
                Ok(Some((found.name, permissions.clone().unwrap_or(found.permissions))))
            }
            (None, Some(name), Some(permissions)) => Ok(Some((name.clone(), permissions.clone()))),
            (None, Some(_), None) => {
                self.complain(format!("{field}/permissions"), "must be there: the role is new");
                Ok(None)
            }
            _ => {
                self.complain(field.to_owned(), "must have either id or name");
                Ok(None)
            }
        }
    }

    fn would_be_principal(&self, id: PrincipalId) -> Result<bool> {
        let is_supposed = self.hypothesis.members.contains_key(&AccountId(id.0));
        Ok(is_supposed || principals::find(self.tx, id)?.is_some())
    }
}
