//! Teams: groups of members that nest. A member of a team counts as one of every ancestor of it.

use serde::{Deserialize, Serialize};

use super::account::nullable;
use super::{AccountId, Description, Name, SearchText, TeamId, Timestamp};

super::word::words! {
    /// What a member is in a team.
    pub enum TeamRole {
        /// Keeps the team: its name, its members, its workspaces.
        Maintainer = "maintainer",
        /// Belongs to it.
        Member = "member",
    }
}

/// A team.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Team {
    /// The team's id; as a principal it has the same.
    pub id: TeamId,
    /// What it is called; unique in the tenant.
    pub name: Name,
    /// What people say about it.
    pub description: Description,
    /// The team that it is a part of.
    pub parent_id: Option<TeamId>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Team {
    /// Levels of nesting at most.
    pub const MAX_DEPTH: usize = 8;
}

/// A team to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// What it is called.
    pub name: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// The team that it is a part of.
    #[serde(default)]
    pub parent_id: Option<TeamId>,
}

/// A change of a team.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTeam {
    /// What it is called.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// What people say about it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub description: Option<Description>,
    /// The team that it becomes a part of; `null` makes it a part of none.
    #[serde(default, deserialize_with = "nullable")]
    #[schema(value_type = Option<TeamId>)]
    pub parent_id: Option<Option<TeamId>>,
}

/// Which teams are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TeamFilter {
    /// Whose name begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub name_prefix: Option<SearchText>,
    /// The direct parts of this team.
    pub parent_id: Option<TeamId>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Somebody's place in a team.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TeamMember {
    /// Its id, which is the account's.
    pub id: AccountId,
    /// Whose place it is.
    pub account_id: AccountId,
    /// What the person is called.
    pub display_name: Name,
    /// What they are in the team.
    pub role: TeamRole,
    /// When they joined.
    pub created_at: Timestamp,
    /// When their place last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// Somebody's place in a team, as it shall be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutTeamMember {
    /// What they are in the team.
    pub role: TeamRole,
}

/// Which places of a team are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TeamMemberFilter {
    /// With this role.
    pub role: Option<TeamRole>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
