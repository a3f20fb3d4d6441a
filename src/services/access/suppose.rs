//! What is supposed in a simulation, held against what is there: a change of what is not there is refused by its field.
//!
//! Whether somebody may make the change, and whether it would stand, is not looked at.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::hearing::{Application, Hearing};
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ApplicationName, ChangedApplication, ChangedMember, ChangedPlace,
    ChangedRole, Error, FieldError, Hypothesis, Manifest, Member, MemberState, Name, Patterns,
    PrincipalId, Result, SupposedChanges, SupposedMember, SupposedRole,
};
use crate::services::roles::granting;
use crate::storage::tenant::{access, members, principals, roles, teams};

/// What a simulation supposes.
pub(super) struct Supposed {
    pub(super) hypothesis: Arc<Hypothesis>,
    /// The applications that are bound, with the policies that are supposed.
    pub(super) applications: Vec<Application>,
}

/// Puts together what is supposed, and what is wrong with it.
struct Supposing<'s, 'h, 't, A: Action<Plane = TenantPlane>> {
    hearing: &'s Hearing<'h, 't, A>,
    hypothesis: Hypothesis,
    applications: Vec<Application>,
    /// Applications that other policies are supposed of.
    supposed: BTreeSet<ApplicationName>,
    findings: Vec<FieldError>,
}

/// Findings that are told at most.
const MAX_FINDINGS: usize = 50;
/// Holders of a supposed role at most.
const MAX_PRINCIPALS: usize = 1000;

/// As many changes as the document says, and no more.
fn check_lengths(changes: &SupposedChanges) -> Result<()> {
    let lists = [
        ("members", changes.members.len(), 1000),
        ("team_members", changes.team_members.len(), 1000),
        ("roles", changes.roles.len(), 100),
        ("applications", changes.applications.len(), 20),
    ];
    let long = lists.into_iter().filter(|(_, length, most)| length > most);
    let long = long.map(|(list, length, most)| {
        let detail = format!("must have at most {most} entries, has {length}");
        FieldError::new(format!("/changes/{list}"), detail)
    });
    let long: Vec<_> = long.collect();
    if long.is_empty() { Ok(()) } else { Err(Error::Invalid(long)) }
}

/// What a simulation supposes.
pub(super) fn supposed<A: Action<Plane = TenantPlane>>(
    hearing: &Hearing<'_, '_, A>,
    changes: &SupposedChanges,
) -> Result<Supposed> {
    let hypothesis = Hypothesis { row_security: changes.row_security, ..Hypothesis::default() };
    check_lengths(changes)?;
    let applications = hearing.applications()?.to_vec();
    let mut supposing = Supposing {
        hearing,
        hypothesis,
        applications,
        supposed: BTreeSet::new(),
        findings: Vec::new(),
    };
    for (index, member) in changes.members.iter().enumerate() {
        access::check_budget(hearing.tx)?;
        supposing.member(&format!("/changes/members/{index}"), member)?;
    }
    for (index, place) in changes.team_members.iter().enumerate() {
        access::check_budget(hearing.tx)?;
        supposing.place(&format!("/changes/team_members/{index}"), place)?;
    }
    for (index, role) in changes.roles.iter().enumerate() {
        access::check_budget(hearing.tx)?;
        supposing.role(&format!("/changes/roles/{index}"), role)?;
    }
    for (index, application) in changes.applications.iter().enumerate() {
        supposing.application(&format!("/changes/applications/{index}"), application)?;
    }
    let Supposing { hypothesis, applications, findings, .. } = supposing;
    if !findings.is_empty() {
        return Err(Error::Invalid(findings));
    }
    Ok(Supposed { hypothesis: Arc::new(hypothesis), applications })
}

impl<A: Action<Plane = TenantPlane>> Supposing<'_, '_, '_, A> {
    fn complain(&mut self, field: String, detail: &str) {
        if self.findings.len() < MAX_FINDINGS {
            self.findings.push(FieldError::new(field, detail));
        }
    }

    fn member(&mut self, field: &str, changed: &ChangedMember) -> Result<()> {
        let account = changed.account_id;
        let found = members::find(self.hearing.tx, account)?;
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
        Ok(self.hearing.person(account)?.is_account())
    }

    fn place(&mut self, field: &str, changed: &ChangedPlace) -> Result<()> {
        let ChangedPlace { team_id: team, account_id: account, role } = *changed;
        if teams::find(self.hearing.tx, team)?.is_none() {
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
        let found = members::find(self.hearing.tx, account)?;
        let found = found.map(|Member { role, state, .. }| (role, state));
        let supposed = self.hypothesis.membership(account, found);
        Ok(supposed.is_some_and(|(_, state)| state != MemberState::Removed))
    }

    fn role(&mut self, field: &str, changed: &ChangedRole) -> Result<()> {
        let Some((name, permissions)) = self.role_meant(field, changed)? else { return Ok(()) };
        if changed.permissions.is_some() {
            let checked = granting::check(self.hearing.tx, &permissions);
            self.relocate(field, checked)?;
        }
        let principals = changed.principals.iter().flatten();
        if principals.clone().count() > MAX_PRINCIPALS {
            let detail = format!("must have at most {MAX_PRINCIPALS} entries");
            self.complain(format!("{field}/principals"), &detail);
            return Ok(());
        }
        for principal in principals {
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
                let Some(found) = roles::find(self.hearing.tx, id)? else {
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
        Ok(is_supposed || principals::find(self.hearing.tx, id)?.is_some())
    }

    /// Takes findings about a part of the body as findings about the body.
    fn relocate(&mut self, field: &str, checked: Result<()>) -> Result<()> {
        let Err(error) = checked else { return Ok(()) };
        let Error::Invalid(findings) = error else { return Err(error) };
        for one in findings {
            self.complain(format!("{field}{}", one.field), &one.detail);
        }
        Ok(())
    }

    fn application(&mut self, field: &str, changed: &ChangedApplication) -> Result<()> {
        if !self.supposed.insert(changed.application.clone()) {
            self.complain(format!("{field}/application"), "stands twice");
            return Ok(());
        }
        let bound = self.applications.iter_mut();
        let mut bound = bound.filter(|(bound, _)| bound.application == changed.application);
        let Some((_, policy)) = bound.next() else {
            self.complain(format!("{field}/application"), "is not bound here");
            return Ok(());
        };
        let manifest = Manifest::clone(policy.manifest());
        let manifest = Manifest { policies: changed.policies.clone(), ..manifest };
        match access::compile(self.hearing.tx, &Arc::new(manifest)) {
            Ok(compiled) => {
                *policy = compiled;
                Ok(())
            }
            Err(error) => self.relocate(field, Err(error)),
        }
    }
}
