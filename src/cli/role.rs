//! `freehold role …`.
//!
//! A verb acts as an account, and can do what that account may.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::args::{Acting, AssignRole, CreateRole, Role as Verb, SetRole};
use super::client::Client;
use super::configuration::Configuration;
use super::{account, node, output, tenant};
use crate::domain::{CustomRole, PrincipalId, RoleAssignment, RoleId, Team, Tenant};

/// Keeps custom roles.
pub(super) async fn role(
    data: &Path,
    configuration: Configuration,
    verb: &Verb,
) -> Result<ExitCode> {
    node::with_client(data, configuration, |client| async move { ask(&client, verb).await })
        .await?;
    Ok(ExitCode::SUCCESS)
}

async fn ask(host: &Client, verb: &Verb) -> Result<()> {
    match verb {
        Verb::List(acting) => {
            let roles = Roles::of(host, acting).await?;
            listed(&roles.all().await?, acting.json)
        }
        Verb::Show(one) => {
            let roles = Roles::of(host, &one.acting).await?;
            let role = roles.find(&one.role).await?;
            let assignments = roles.client.all(&roles.assignments(role.id)).await?;
            show(&Shown { role, assignments }, one.acting.json)
        }
        Verb::Create(new) => create(host, new).await,
        Verb::Set(change) => set(host, change).await,
        Verb::Delete(one) => {
            let roles = Roles::of(host, &one.acting).await?;
            let role = roles.find(&one.role).await?;
            roles.client.delete(&roles.path(role.id), role.version).await?;
            listed_one(&role, one.acting.json)
        }
        Verb::Assign(one) => assign(host, one).await,
        Verb::Unassign(one) => unassign(host, one).await,
    }
}

async fn create(host: &Client, new: &CreateRole) -> Result<()> {
    let roles = Roles::of(host, &new.acting).await?;
    let mut body = json!({ "name": new.name, "permissions": new.permissions });
    if let Some(description) = &new.description {
        body["description"] = json!(description);
    }
    let made: CustomRole = roles.client.ask(Method::POST, &roles.list, Some(&body)).await?;
    listed_one(&made, new.acting.json)
}

async fn set(host: &Client, change: &SetRole) -> Result<()> {
    let roles = Roles::of(host, &change.acting).await?;
    let role = roles.find(&change.role).await?;
    let mut body = json!({});
    if let Some(name) = &change.name {
        body["name"] = json!(name);
    }
    if let Some(description) = &change.description {
        body["description"] = json!(description);
    }
    if !change.permissions.is_empty() {
        body["permissions"] = json!(change.permissions);
    }
    let changed: CustomRole = roles.client.patch(&roles.path(role.id), role.version, &body).await?;
    listed_one(&changed, change.acting.json)
}

/// Gives a role to a principal; one that has it already keeps it.
async fn assign(host: &Client, one: &AssignRole) -> Result<()> {
    let roles = Roles::of(host, &one.acting).await?;
    let (role, principal) = roles.named(host, one).await?;
    let assigned = match roles.assignment(role, principal).await? {
        Some(found) => found,
        None => roles.client.put_new(&format!("{}/{principal}", roles.assignments(role))).await?,
    };
    assigned_one(&assigned, one.acting.json)
}

async fn unassign(host: &Client, one: &AssignRole) -> Result<()> {
    let roles = Roles::of(host, &one.acting).await?;
    let (role, principal) = roles.named(host, one).await?;
    let found = roles.assignment(role, principal).await?;
    let found = found.with_context(|| format!("{} has not this role", one.principal))?;
    let path = format!("{}/{principal}", roles.assignments(role));
    roles.client.delete(&path, found.version).await?;
    assigned_one(&found, one.acting.json)
}

/// One tenant's roles, as one account sees them.
struct Roles {
    client: Client,
    /// Where the tenant stands.
    tenant: String,
    /// Where its roles stand.
    list: String,
}

impl Roles {
    async fn of(host: &Client, acting: &Acting) -> Result<Self> {
        // What can be no tenant's name can be no part of a path.
        tenant::path(&acting.tenant)?;
        let tenant = format!("/v1/tenants/{}", acting.tenant);
        let client = host.as_account(&acting.tenant, &acting.account).await?;
        Ok(Self { client, list: format!("{tenant}/roles"), tenant })
    }

    fn path(&self, role: RoleId) -> String {
        format!("{}/{role}", self.list)
    }

    fn assignments(&self, role: RoleId) -> String {
        format!("{}/assignments", self.path(role))
    }

    async fn all(&self) -> Result<Vec<CustomRole>> {
        self.client.all(&self.list).await
    }

    async fn find(&self, named: &str) -> Result<CustomRole> {
        let is_it = |role: &CustomRole| role.name.as_str() == named || role.id.to_string() == named;
        let found = self.all().await?.into_iter().find(is_it);
        found.with_context(|| format!("no custom role is called {named:?}"))
    }

    async fn named(&self, host: &Client, one: &AssignRole) -> Result<(RoleId, PrincipalId)> {
        Ok((self.find(&one.role).await?.id, self.principal(host, &one.principal).await?))
    }

    async fn principal(&self, host: &Client, named: &str) -> Result<PrincipalId> {
        match named.split_once(':') {
            None if named == "tenant" => {
                Ok(self.client.get::<Tenant>(&self.tenant).await?.id.into())
            }
            Some(("team", team)) => self.team(team).await,
            Some(("account", account)) => {
                Ok(account::find(host, "PRINCIPAL", account).await?.into())
            }
            _ => bail!("{named:?} is neither tenant, nor team:NAME, nor account:ACCOUNT"),
        }
    }

    async fn team(&self, named: &str) -> Result<PrincipalId> {
        let teams: Vec<Team> = self.client.all(&format!("{}/teams", self.tenant)).await?;
        let is_it = |team: &Team| team.name.as_str() == named || team.id.to_string() == named;
        let found = teams.into_iter().find(is_it);
        Ok(found.with_context(|| format!("no team is called {named:?}"))?.id.into())
    }

    async fn assignment(
        &self,
        role: RoleId,
        principal: PrincipalId,
    ) -> Result<Option<RoleAssignment>> {
        let all: Vec<RoleAssignment> = self.client.all(&self.assignments(role)).await?;
        Ok(all.into_iter().find(|found| found.id == principal))
    }
}

/// A role, and who has it.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    role: CustomRole,
    assignments: Vec<RoleAssignment>,
}

fn show(shown: &Shown, as_json: bool) -> Result<()> {
    if as_json {
        return output::json(shown);
    }
    listed(std::slice::from_ref(&shown.role), false)?;
    output::say("")?;
    assignments(&shown.assignments, false)
}

fn listed_one(role: &CustomRole, as_json: bool) -> Result<()> {
    if as_json { output::json(role) } else { listed(std::slice::from_ref(role), false) }
}

fn assigned_one(assignment: &RoleAssignment, as_json: bool) -> Result<()> {
    let one = std::slice::from_ref(assignment);
    if as_json { output::json(assignment) } else { assignments(one, false) }
}

fn listed(roles: &[CustomRole], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&roles);
    }
    let mut rows = vec![["NAME", "PERMISSIONS", "ID"].map(str::to_owned).to_vec()];
    for role in roles {
        let permissions: Vec<_> = role.permissions.iter().map(ToString::to_string).collect();
        rows.push(vec![role.name.to_string(), permissions.join(" "), role.id.to_string()]);
    }
    output::table(&rows)
}

fn assignments(assignments: &[RoleAssignment], as_json: bool) -> Result<()> {
    if as_json {
        return output::json(&assignments);
    }
    let mut rows = vec![["TYPE", "PRINCIPAL", "SINCE"].map(str::to_owned).to_vec()];
    for assignment in assignments {
        rows.push(vec![
            assignment.principal.kind.to_string(),
            assignment.id.to_string(),
            assignment.created_at.to_string(),
        ]);
    }
    output::table(&rows)
}
