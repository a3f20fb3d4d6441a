//! Filling one tenant from its part of an import file, in one transaction.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::{OnProgress, People};
use crate::domain::action::ImportTenant as FillTenant;
use crate::domain::{
    AccountId, Error, IdentityPart, ImportFile, ImportProgress, ImportResource, ImportTeam,
    ImportTenant, ImportWorkspaceOwner, MemberState, Name, NewMember, NewResource, NewResourceType,
    NewTeam, NewWorkspace, PrincipalRef, PrincipalType, ResourceId, Result, Role, TeamId, TeamRole,
    TenantId, WorkspaceId,
};
use crate::services::{
    acl, members as member_service, resource_types, resources as resource_service,
};
use crate::services::{team_members, teams as team_service, workspaces as workspace_service};
use crate::storage::WriteTx;
use crate::storage::tenant::{members, resources, teams, workspaces};

/// Entries between two words on how far it is.
const STRIDE: u64 = 50;

type Fill<'t> = WriteTx<'t, FillTenant>;

/// How many of each noun were added.
type Added = BTreeMap<String, u64>;

/// What is to be there, and whom the file's names mean.
pub(super) struct Plan {
    tenant: ImportTenant,
    types: Vec<NewResourceType>,
    people: Arc<People>,
    progress: OnProgress,
    total: u64,
}

/// What a run of a plan knows so far.
#[derive(Default)]
struct State {
    added: Added,
    done: AtomicU64,
    teams: HashMap<Name, TeamId>,
    workspaces: HashMap<Name, WorkspaceId>,
}

/// What a tenant that is not there yet would get.
pub(super) fn everything(tenant: &ImportTenant, file: &ImportFile) -> Added {
    let people =
        tenant.owners.len() + tenant.admins.len() + tenant.members.len() + tenant.guests.len();
    let counts = [
        ("resource_types", file.resource_types.len()),
        ("members", people),
        ("teams", tenant.teams.len()),
        (
            "team_members",
            tenant.teams.iter().map(|team| team.maintainers.len() + team.members.len()).sum(),
        ),
        ("workspaces", tenant.workspaces.len()),
        ("resources", tenant.resources.len()),
        ("acl", tenant.resources.iter().map(|resource| resource.acl.len()).sum()),
    ];
    counts
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .map(|(noun, count)| (noun.to_owned(), count as u64))
        .collect()
}

impl Plan {
    pub(super) fn new(
        tenant: &ImportTenant,
        file: &ImportFile,
        people: Arc<People>,
        progress: OnProgress,
    ) -> Self {
        let types = file
            .resource_types
            .iter()
            .map(|kind| NewResourceType {
                name: kind.name.clone(),
                description: kind.description.clone(),
            })
            .collect();
        Self { total: tenant.entries(), tenant: tenant.clone(), types, people, progress }
    }

    /// Adds what is missing, and says how much that was.
    pub(super) fn apply(&self, tx: &mut Fill<'_>) -> Result<Added> {
        let mut state = State::default();
        for kind in &self.types {
            if resource_types::ensure(tx, kind)?.is_some() {
                state.count("resource_types");
            }
        }
        self.people(tx, &mut state)?;
        self.teams(tx, &mut state)?;
        self.workspaces(tx, &mut state)?;
        for resource in &self.tenant.resources {
            self.resource(tx, &mut state, resource)?;
        }
        self.say(self.total);
        Ok(state.added)
    }

    fn say(&self, done: u64) {
        let stage = self.tenant.slug.to_string();
        (self.progress)(ImportProgress::Progress { stage, done, total: self.total });
    }

    fn step(&self, state: &State) {
        let done = state.done.fetch_add(1, Ordering::Relaxed);
        if done.is_multiple_of(STRIDE) {
            self.say(done);
        }
    }

    fn person(&self, subject: &IdentityPart) -> Result<&(AccountId, Name)> {
        self.people
            .get(subject)
            .ok_or_else(|| Error::Internal(format!("{subject} was not looked up")))
    }

    fn people(&self, tx: &mut Fill<'_>, state: &mut State) -> Result<()> {
        let tenant = &self.tenant;
        let roles = [
            (Role::Owner, &tenant.owners),
            (Role::Admin, &tenant.admins),
            (Role::Member, &tenant.members),
            (Role::Guest, &tenant.guests),
        ];
        for (role, subjects) in roles {
            for subject in subjects {
                self.step(state);
                let (account, name) = self.person(subject)?;
                // Whoever was removed here stays so: somebody decided it.
                if members::find(tx, *account)?.is_none() {
                    member_service::create(
                        tx,
                        &NewMember { account_id: *account, role },
                        Some(name),
                    )?;
                    state.count("members");
                }
            }
        }
        Ok(())
    }

    /// Teams, each after the one that it is a part of.
    fn teams(&self, tx: &mut Fill<'_>, state: &mut State) -> Result<()> {
        let mut waiting: Vec<&ImportTeam> = self.tenant.teams.iter().collect();
        while !waiting.is_empty() {
            let before = waiting.len();
            let (ready, later) = waiting.into_iter().partition(|team| {
                team.parent.as_ref().is_none_or(|parent| state.teams.contains_key(parent))
            });
            waiting = later;
            for team in ready {
                self.team(tx, state, team)?;
            }
            if waiting.len() == before {
                return Err(Error::Internal(
                    "teams in a circle were not found by the check".to_owned(),
                ));
            }
        }
        Ok(())
    }

    fn team(&self, tx: &mut Fill<'_>, state: &mut State, team: &ImportTeam) -> Result<()> {
        self.step(state);
        let parent_id = team.parent.as_ref().and_then(|parent| state.teams.get(parent)).copied();
        let id = match teams::find_by_name(tx, &team.name)? {
            Some(team) => team.id,
            None => {
                state.count("teams");
                let new = NewTeam {
                    name: team.name.clone(),
                    description: team.description.clone(),
                    parent_id,
                };
                team_service::create(tx, &new)?.id
            }
        };
        state.teams.insert(team.name.clone(), id);
        for (role, subjects) in
            [(TeamRole::Maintainer, &team.maintainers), (TeamRole::Member, &team.members)]
        {
            for subject in subjects {
                self.step(state);
                let (account, _) = self.person(subject)?;
                if is_member(tx, *account)? && team_members::ensure(tx, id, *account, role)? {
                    state.count("team_members");
                }
            }
        }
        Ok(())
    }

    fn workspaces(&self, tx: &mut Fill<'_>, state: &mut State) -> Result<()> {
        for workspace in &self.tenant.workspaces {
            self.step(state);
            let owner = self.owner(tx, state, &workspace.owner)?;
            let id = match workspaces::find_by_name(tx, owner, &workspace.name)? {
                Some(workspace) => workspace.id,
                None => {
                    state.count("workspaces");
                    workspace_service::create(
                        tx,
                        &NewWorkspace { name: workspace.name.clone(), owner },
                    )?
                    .id
                }
            };
            state.workspaces.insert(workspace.name.clone(), id);
        }
        Ok(())
    }

    fn owner(
        &self,
        tx: &Fill<'_>,
        state: &State,
        owner: &ImportWorkspaceOwner,
    ) -> Result<PrincipalRef> {
        Ok(match owner {
            ImportWorkspaceOwner::Tenant => {
                PrincipalRef { kind: PrincipalType::Tenant, id: tenant_of(tx)?.into() }
            }
            ImportWorkspaceOwner::Team(name) => {
                PrincipalRef { kind: PrincipalType::Team, id: state.team(name)?.into() }
            }
            ImportWorkspaceOwner::Account(subject) => {
                PrincipalRef { kind: PrincipalType::Account, id: self.person(subject)?.0.into() }
            }
        })
    }

    fn resource(
        &self,
        tx: &mut Fill<'_>,
        state: &mut State,
        resource: &ImportResource,
    ) -> Result<()> {
        self.step(state);
        let key = serde_json::json!([resource.kind, resource.workspace, resource.name]).to_string();
        let id = match resources::imported(tx, &key)? {
            Some(id) => id,
            None => new_resource(tx, state, resource, &key)?,
        };
        for entry in &resource.acl {
            self.step(state);
            let principal = match (&entry.team, &entry.account) {
                (Some(team), _) => {
                    PrincipalRef { kind: PrincipalType::Team, id: state.team(team)?.into() }
                }
                (None, Some(subject)) => {
                    let account = self.person(subject)?.0;
                    if !is_member(tx, account)? {
                        continue;
                    }
                    PrincipalRef { kind: PrincipalType::Account, id: account.into() }
                }
                (None, None) => {
                    return Err(Error::Internal(
                        "an entry for nobody was not found by the check".to_owned(),
                    ));
                }
            };
            if acl::ensure(tx, id, principal, entry.permission)? {
                state.count("acl");
            }
        }
        Ok(())
    }
}

fn new_resource(
    tx: &mut Fill<'_>,
    state: &mut State,
    resource: &ImportResource,
    key: &str,
) -> Result<ResourceId> {
    let workspace = state.workspaces.get(&resource.workspace);
    let new = NewResource {
        kind: resource.kind.clone(),
        workspace_id: *workspace
            .ok_or_else(|| Error::Internal("a workspace was not made".to_owned()))?,
        name: resource.name.clone(),
        visibility: Some(resource.visibility),
        attributes: resource.attributes.clone(),
    };
    let id = resource_service::create_unowned(tx, &new)?.id;
    resources::remember_import(tx, key, id)?;
    state.count("resources");
    Ok(id)
}

impl State {
    fn count(&mut self, noun: &str) {
        *self.added.entry(noun.to_owned()).or_default() += 1;
    }

    fn team(&self, name: &Name) -> Result<TeamId> {
        self.teams
            .get(name)
            .copied()
            .ok_or_else(|| Error::Internal(format!("team {name} was not made")))
    }
}

/// Whether an account is a member that was not removed: a former one is given nothing.
fn is_member(tx: &Fill<'_>, account: AccountId) -> Result<bool> {
    Ok(members::find(tx, account)?.is_some_and(|member| member.state != MemberState::Removed))
}

fn tenant_of(tx: &Fill<'_>) -> Result<TenantId> {
    tx.tenant().ok_or_else(|| Error::Internal("a tenant is filled in its own file".to_owned()))
}
