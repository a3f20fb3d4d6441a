//! The import file, `freehold-import/1`: tenants with everything in them.
//!
//! What it means is the row rule's business; here is its shape, and the findings of reading it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Attributes, Description, IdentityPart, Name, Permission, ResourceTypeName, Slug, TenantId,
    TenantKind, Visibility,
};

/// An import file.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportFile {
    /// `freehold-import/1`.
    #[schema(pattern = "^freehold-import/1$")]
    pub format: String,
    /// The issuer of the people's identities; `import` where nothing is said.
    #[serde(default)]
    pub issuer: Option<IdentityPart>,
    /// Resource types that every tenant of the file gets.
    #[serde(default, deserialize_with = "super::object::objects")]
    pub resource_types: Vec<ImportResourceType>,
    /// The tenants.
    #[serde(deserialize_with = "super::object::objects")]
    pub tenants: Vec<ImportTenant>,
}

impl ImportProgress {
    /// The end of an import whose caller may no longer import.
    #[must_use]
    pub fn stopped(report: ImportReport) -> Self {
        let detail = "The account that started this import may no longer import: an account that may import can run the file again.";
        Self::Error {
            code: "import_stopped".to_owned(),
            detail: detail.to_owned(),
            report: Some(report),
        }
    }
}

impl ImportFile {
    /// The only format that there is so far.
    pub const FORMAT: &'static str = "freehold-import/1";
    /// The issuer of people's identities where the file names none.
    pub const ISSUER: &'static str = "import";
}

/// A resource type.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportResourceType {
    /// Its name.
    pub name: ResourceTypeName,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
}

/// A tenant.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTenant {
    /// Its name in addresses.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// What it is for.
    #[serde(default)]
    pub kind: Option<TenantKind>,
    /// Its owners, as subjects of the file's issuer.
    pub owners: Vec<IdentityPart>,
    /// Its administrators.
    #[serde(default)]
    pub admins: Vec<IdentityPart>,
    /// Its members.
    #[serde(default)]
    pub members: Vec<IdentityPart>,
    /// Its guests.
    #[serde(default)]
    pub guests: Vec<IdentityPart>,
    /// Its teams, in any order.
    #[serde(default, deserialize_with = "super::object::objects")]
    pub teams: Vec<ImportTeam>,
    /// Its workspaces.
    #[serde(default, deserialize_with = "super::object::objects")]
    pub workspaces: Vec<ImportWorkspace>,
    /// Its resources.
    #[serde(default, deserialize_with = "super::object::objects")]
    pub resources: Vec<ImportResource>,
}

impl ImportTenant {
    /// How many entries it has: what its progress counts.
    #[must_use]
    pub fn entries(&self) -> u64 {
        let people = self.owners.len() + self.admins.len() + self.members.len() + self.guests.len();
        let places: usize =
            self.teams.iter().map(|team| 1 + team.maintainers.len() + team.members.len()).sum();
        let resources: usize = self.resources.iter().map(|resource| 1 + resource.acl.len()).sum();
        (people + places + self.workspaces.len() + resources) as u64
    }
}

/// A team.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportTeam {
    /// What it is called; unique in the tenant.
    pub name: Name,
    /// The name of the team that it is a part of.
    #[serde(default)]
    pub parent: Option<Name>,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// Who keeps it.
    #[serde(default)]
    pub maintainers: Vec<IdentityPart>,
    /// Who belongs to it.
    #[serde(default)]
    pub members: Vec<IdentityPart>,
}

/// Whom a workspace belongs to.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportWorkspaceOwner {
    /// The whole tenant.
    Tenant,
    /// A team, by name.
    Team(Name),
    /// A person.
    Account(IdentityPart),
}

/// A workspace.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportWorkspace {
    /// What it is called; unique in the file's tenant.
    pub name: Name,
    /// Whom it belongs to: `"tenant"`, `{"team": …}` or `{"account": …}`.
    pub owner: ImportWorkspaceOwner,
}

/// A resource; it has no owner.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportResource {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub kind: ResourceTypeName,
    /// The name of the workspace that it is kept in.
    pub workspace: Name,
    /// What it is called; with its type and workspace it says whether it is there already.
    pub name: Name,
    /// Who sees it apart from those whom it is shared with.
    pub visibility: Visibility,
    /// What the application keeps with it.
    #[serde(default)]
    pub attributes: Option<Attributes>,
    /// Whom it is shared with.
    #[serde(default, deserialize_with = "super::object::objects")]
    pub acl: Vec<ImportAcl>,
}

/// Whom a resource is shared with: `{"team": …}` or `{"account": …}` and a permission.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportAcl {
    /// A team, by name.
    #[serde(default)]
    pub team: Option<Name>,
    /// A person.
    #[serde(default)]
    pub account: Option<IdentityPart>,
    /// What they may.
    pub permission: Permission,
}

/// One bad entry of a file.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportProblem {
    /// Where, as a JSON pointer (RFC 6901) into the file.
    pub pointer: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

super::word::words! {
    /// What an import did, or would do, to one tenant.
    pub enum ImportOutcome {
        /// Made it.
        Created = "created",
        /// Added what was missing.
        Changed = "changed",
        /// Found everything there.
        Unchanged = "unchanged",
        /// Left it as it was, because of the problem named.
        Failed = "failed",
    }
}

/// What an import did, or would do, to one tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantImport {
    /// The tenant's slug.
    pub slug: Slug,
    /// The tenant's id, where there is one.
    pub id: Option<TenantId>,
    /// What was done.
    pub outcome: ImportOutcome,
    /// How many of each noun were added, or would be.
    pub added: BTreeMap<String, u64>,
    /// Why it failed.
    pub problem: Option<String>,
}

/// What an import did, or would do.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ImportReport {
    /// Whether nothing was really done.
    pub dry_run: bool,
    /// How many accounts were added, or would be.
    pub accounts_added: u64,
    /// Each tenant of the file, in its order; if it stopped, those that it came to.
    pub tenants: Vec<TenantImport>,
    /// Whether it stopped, because the account that started it may no longer import.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
}

/// How far an import is: one line of its answer.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportProgress {
    /// A stage, done so far of so much.
    Progress {
        /// The tenant's slug, or `accounts`.
        stage: String,
        /// Entries done.
        done: u64,
        /// Entries in all.
        total: u64,
    },
    /// The end, with everything that was done.
    Report(ImportReport),
    /// The end, before everything was done.
    Error {
        /// The error's stable code; `import_stopped` if the caller may no longer import.
        code: String,
        /// What happened.
        detail: String,
        /// With `import_stopped`: the tenants that it came to before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<ImportReport>,
    },
}
