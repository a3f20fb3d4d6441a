//! Custom roles: permission patterns that a tenant puts together and gives to its principals.

use serde::{Deserialize, Serialize};

use super::{ActionPattern, Description, Name, Patterns, PrincipalRef, RoleId, Timestamp, action};

/// A custom role.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CustomRole {
    /// The role's id.
    pub id: RoleId,
    /// What it is called; unique in the tenant.
    pub name: Name,
    /// What people say about it.
    pub description: Description,
    /// What it permits, everywhere in the tenant.
    pub permissions: Patterns,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl CustomRole {
    /// Custom roles of a tenant at most.
    pub const MAX_PER_TENANT: i64 = 100;
}

/// A custom role to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRole {
    /// What it is called.
    pub name: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// What it permits; 1 to 100 patterns.
    pub permissions: Patterns,
}

/// A change of a custom role.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRole {
    /// What it is called.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// What people say about it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub description: Option<Description>,
    /// What it permits from now on; 1 to 100 patterns.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub permissions: Option<Patterns>,
}

/// A custom role that a principal has.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RoleAssignment {
    /// Its id: the principal's.
    pub id: super::PrincipalId,
    /// The role.
    pub role_id: RoleId,
    /// Who has it: an account, a service account, a team with all its parts, or the whole tenant.
    pub principal: PrincipalRef,
    /// When it was given.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// Which custom roles are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoleFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Who of those that have a custom role are listed: all of them, by principal.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RoleAssignmentFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// What the actions on single resources come to, weakest first: each level needs every action up to it.
const RESOURCE_LEVELS: &[(&str, i64)] =
    &[("resource.read", 1), ("resource.update", 2), ("resource.delete", 3), ("resource.share", 3)];
/// The same for workspaces, where nothing lies between reading and keeping.
const WORKSPACE_LEVELS: &[(&str, i64)] =
    &[("workspace.read", 1), ("workspace.update", 3), ("workspace.delete", 3)];

/// What permission patterns give on every row of a kind, 0 to 3.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RowLevels {
    /// On every resource.
    pub resources: i64,
    /// On every workspace.
    pub workspaces: i64,
}

impl RowLevels {
    /// Everything.
    pub const ALL: Self = Self { resources: 3, workspaces: 3 };

    /// What patterns give.
    #[must_use]
    pub fn of(patterns: &Patterns) -> Self {
        Self {
            resources: level(RESOURCE_LEVELS, patterns),
            workspaces: level(WORKSPACE_LEVELS, patterns),
        }
    }

    /// Whether patterns have a part in what is given on resources.
    #[must_use]
    pub fn touches_resources(patterns: &Patterns) -> bool {
        RESOURCE_LEVELS.iter().any(|(action, _)| patterns.covers(action))
    }
}

/// The highest level up to which every action is covered.
fn level(levels: &[(&str, i64)], patterns: &Patterns) -> i64 {
    let missing = levels.iter().filter(|(action, _)| !patterns.covers(action));
    match missing.map(|(_, level)| *level).min() {
        Some(first) => {
            levels.iter().map(|(_, level)| *level).filter(|level| *level < first).max().unwrap_or(0)
        }
        None => 3,
    }
}

/// What an action on rows lacks beside it, for patterns to give a level that includes it.
#[must_use]
pub fn missing_beside(pattern: &ActionPattern, patterns: &Patterns) -> Vec<&'static str> {
    let mut missing = Vec::new();
    for levels in [RESOURCE_LEVELS, WORKSPACE_LEVELS] {
        let highest = levels.iter().filter(|(action, _)| pattern.covers(action));
        let Some(highest) = highest.map(|(_, level)| *level).max() else { continue };
        missing.extend(
            levels
                .iter()
                .filter(|(action, level)| *level <= highest && !patterns.covers(action))
                .map(|(action, _)| *action),
        );
    }
    missing
}

/// What a member may do besides, once patterns let them do an action everywhere: whoever reads a workspace may make
/// resources in it.
#[must_use]
pub fn follows_from(action: &str) -> Option<&'static str> {
    use super::Action as _;
    (action == action::ReadWorkspace::NAME).then_some(action::CreateResource::NAME)
}

/// Whether patterns can give an action at all: some belong to owners, administrators and operators alone,
/// and some to whom an invitation is for.
#[must_use]
pub fn is_grantable(action: &str) -> bool {
    use super::Action as _;
    const KEPT: &[&str] = &[
        action::CreateOwner::NAME,
        action::CreateAdmin::NAME,
        action::ImportTenant::NAME,
        action::AcceptInvitation::NAME,
        action::DeclineInvitation::NAME,
        action::CreateIssuer::NAME,
        action::UpdateIssuer::NAME,
        action::DeleteIssuer::NAME,
        action::CreateServiceAccount::NAME,
        action::UpdateServiceAccount::NAME,
        action::DeleteServiceAccount::NAME,
        action::SuspendServiceAccount::NAME,
        action::ResumeServiceAccount::NAME,
        action::CreateApiKey::NAME,
        action::RotateApiKey::NAME,
        action::RevokeApiKey::NAME,
        action::ExchangeToken::NAME,
    ];
    !KEPT.contains(&action)
}
