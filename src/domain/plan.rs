//! Plans: named sets of limits, of which each tenant has one.

use serde::{Deserialize, Serialize};

use super::{Description, Limits, Name, PlanName, Result, Timestamp};

/// The plan of tenants that have none of their own.
pub const DEFAULT_PLAN: &str = "default";
/// A named set of limits.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Plan {
    /// Its id, which is its name.
    pub id: PlanName,
    /// Its name. Tenants without a plan have the one that is called `default`, where there is one.
    pub name: PlanName,
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    pub description: Description,
    /// What a tenant may use at most.
    pub limits: Limits,
    /// From where on a tenant is warned.
    pub soft_limits: Limits,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl Plan {
    /// Plans of an installation at most.
    pub const MAX: i64 = 1000;
}

/// A plan, as it is put.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutPlan {
    /// What people call it.
    pub title: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// What a tenant may use at most.
    #[serde(default)]
    pub limits: Limits,
    /// From where on a tenant is warned.
    #[serde(default)]
    pub soft_limits: Limits,
}

impl PutPlan {
    /// Checks what no single field can.
    ///
    /// # Errors
    /// Too many dimensions.
    pub fn check(&self) -> Result<()> {
        self.limits.check("/limits")?;
        self.soft_limits.check("/soft_limits")
    }
}

/// Which plans are listed: all of them, by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PlanFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
