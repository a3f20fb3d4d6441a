//! Resources: the envelope of a thing that an application keeps, and who may do what to it.

use serde::{Deserialize, Serialize};

use super::{
    Attributes, Direction, Name, PrincipalId, ResourceId, ResourceTypeName, SearchText, Timestamp,
    WorkspaceId,
};

super::word::words! {
    /// Who sees a resource apart from those whom it is shared with.
    pub enum Visibility {
        /// Nobody.
        Private = "private",
        /// Those whom the workspace's owner contains.
        Workspace = "workspace",
        /// The tenant's members, guests left out.
        Tenant = "tenant",
    }
}

super::word::words! {
    /// What somebody may do to a resource; each includes those before it.
    pub enum Permission {
        /// Read it.
        Read = "read",
        /// Change it.
        Write = "write",
        /// Delete it and share it.
        Admin = "admin",
    }
}

impl Permission {
    /// The permission of a level: 0 for none, 1 to 3 for `read` to `admin`.
    #[must_use]
    pub fn of_level(level: i64) -> Option<Self> {
        match level {
            1 => Some(Self::Read),
            2 => Some(Self::Write),
            3 => Some(Self::Admin),
            _ => None,
        }
    }

    /// 1 to 3.
    #[must_use]
    pub fn level(self) -> i64 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 3,
        }
    }
}

/// A resource.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Resource {
    /// The resource's id.
    pub id: ResourceId,
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub kind: ResourceTypeName,
    /// Where it is kept.
    pub workspace_id: WorkspaceId,
    /// What it is called.
    pub name: Name,
    /// Who sees it apart from those whom it is shared with.
    pub visibility: Visibility,
    /// What the application keeps with it.
    pub attributes: Attributes,
    /// Whose it is, if anybody's.
    pub owner_id: Option<PrincipalId>,
    /// What the caller may do to it.
    pub permission: Permission,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// A resource to be made; its maker becomes its owner.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResource {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    pub kind: ResourceTypeName,
    /// Where it is kept.
    pub workspace_id: WorkspaceId,
    /// What it is called.
    pub name: Name,
    /// Who sees it apart from those whom it is shared with; nobody where nothing is said.
    #[serde(default)]
    pub visibility: Option<Visibility>,
    /// What the application keeps with it.
    #[serde(default)]
    pub attributes: Option<Attributes>,
}

/// A change of a resource.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeResource {
    /// What it is called.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// Who sees it apart from those whom it is shared with.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub visibility: Option<Visibility>,
    /// What the application keeps with it, in place of what was there.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub attributes: Option<Attributes>,
}

super::word::words! {
    /// The order of a list of resources.
    pub enum ResourceSort {
        /// As they were made, oldest first.
        Created = "created_at",
        /// As they were made, newest first.
        CreatedDescending = "-created_at",
        /// By name.
        Name = "name",
        /// By name, backwards.
        NameDescending = "-name",
        /// By last change, oldest first.
        Updated = "updated_at",
        /// By last change, newest first.
        UpdatedDescending = "-updated_at",
    }
}

impl ResourceSort {
    /// The direction of the order.
    #[must_use]
    pub fn direction(self) -> Direction {
        match self {
            Self::Created | Self::Name | Self::Updated => Direction::Ascending,
            Self::CreatedDescending | Self::NameDescending | Self::UpdatedDescending => {
                Direction::Descending
            }
        }
    }
}

/// Which resources are listed: those that the caller may read.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ResourceFilter {
    /// Of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub kind: Option<ResourceTypeName>,
    /// In this workspace.
    pub workspace_id: Option<WorkspaceId>,
    /// Whose name begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub name_prefix: Option<SearchText>,
    /// Owned by this account or service account.
    pub owner_id: Option<PrincipalId>,
    /// Changed at this time or later.
    pub updated_since: Option<Timestamp>,
    /// The order; `created_at` where nothing is said.
    pub sort: Option<ResourceSort>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
