//! Resource types: what kinds of things a tenant keeps.

use serde::{Deserialize, Serialize};

use super::{ApplicationName, Description, ResourceTypeName, Timestamp};

/// A resource type.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ResourceType {
    /// Its id, which is its name.
    pub id: ResourceTypeName,
    /// Its name, unique in the tenant.
    pub name: ResourceTypeName,
    /// What people say about it.
    pub description: Description,
    /// Whether every tenant has it from the start.
    pub built_in: bool,
    /// The application whose type it is, while the tenant has that bound; `null` where it is the tenant's own.
    pub application: Option<ApplicationName>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

impl ResourceType {
    /// The types that every tenant has from the start.
    pub const BUILT_IN: &'static [&'static str] =
        &["prompt", "collection", "model", "integration", "tag"];
    /// Types of a tenant at most, those included: each one that is used is a dimension of its usage, which the registry
    /// keeps too.
    pub const MAX_PER_TENANT: i64 = 1_000;
}

/// A resource type to be registered.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResourceType {
    /// Its name.
    pub name: ResourceTypeName,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
}

/// Which resource types are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ResourceTypeFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
