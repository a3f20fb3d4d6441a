//! Workspaces: containers of resources, each owned by a principal.

use serde::{Deserialize, Serialize};

use super::{Name, PrincipalRef, SearchText, Timestamp, WorkspaceId};

/// A workspace.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Workspace {
    /// The workspace's id.
    pub id: WorkspaceId,
    /// What it is called; unique for its owner.
    pub name: Name,
    /// Whose it is: a person's, a team's, or the whole tenant's.
    pub owner: PrincipalRef,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// A workspace to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspace {
    /// What it is called.
    pub name: Name,
    /// Whose it is.
    #[serde(deserialize_with = "super::object::object")]
    pub owner: PrincipalRef,
}

/// A change of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeWorkspace {
    /// What it is called.
    pub name: Name,
}

/// Which workspaces are listed; by name. Those that the caller's roles or principals reach, and no others.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WorkspaceFilter {
    /// Whose name begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub name_prefix: Option<SearchText>,
    /// Owned by this principal.
    pub owner_id: Option<super::PrincipalId>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
