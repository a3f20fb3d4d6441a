//! Row-level security: what it does in a tenant, and what it would have withheld.

use serde::{Deserialize, Serialize};

use super::{PrincipalId, ResourceId, TenantId, Timestamp, Visibility};

super::word::words! {
    /// What row-level security does in a tenant's file.
    pub enum RowSecurityMode {
        /// Every row is returned to every active member.
        Off = "off",
        /// Every row is returned, and what would have been withheld is counted.
        Shadow = "shadow",
        /// Rows that the caller may not read are withheld.
        Enforce = "enforce",
    }
}

super::word::words! {
    /// Why a row would have been withheld.
    pub enum WithheldReason {
        /// It is private, and not the caller's, nor shared with the caller.
        Private = "private",
        /// It belongs to a workspace whose owner does not contain the caller.
        OutsideWorkspace = "outside_workspace",
        /// It is for the tenant's members, and the caller is a guest.
        Guest = "guest",
    }
}

impl WithheldReason {
    /// Why the row rule gives a caller nothing on a resource of this visibility.
    #[must_use]
    pub fn of(visibility: Visibility) -> Self {
        match visibility {
            Visibility::Private => Self::Private,
            Visibility::Workspace => Self::OutsideWorkspace,
            Visibility::Tenant => Self::Guest,
        }
    }
}

/// A line of the report: resources that mode `shadow` delivered to somebody and mode `enforce` would have withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Withheld {
    /// From whom: the principal's id.
    pub principal_id: PrincipalId,
    /// Why.
    pub reason: WithheldReason,
    /// Resources delivered, each time that they were.
    #[schema(minimum = 1)]
    pub rows: i64,
    /// The last of them.
    pub last_resource_id: ResourceId,
    /// When the first of them was delivered.
    pub created_at: Timestamp,
    /// When the last of them was delivered.
    pub updated_at: Timestamp,
}

/// What row-level security does in a tenant, as the tenant's own administrators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct RowSecurity {
    /// The mode.
    pub mode: RowSecurityMode,
    /// Resources that the report counts, each time that they were delivered.
    #[schema(minimum = 0)]
    pub rows: i64,
    /// Principals that the report names.
    #[schema(minimum = 0)]
    pub principals: i64,
}

/// What row-level security does in a tenant, as the platform keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantRowSecurity {
    /// The tenant's id.
    pub id: TenantId,
    /// The mode.
    pub mode: RowSecurityMode,
    /// When the tenant was made.
    pub created_at: Timestamp,
    /// When the tenant's entry was last changed.
    pub updated_at: Timestamp,
    /// The version of the tenant's entry.
    #[schema(minimum = 1)]
    pub version: i64,
}

/// Changes what row-level security does in a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeRowSecurity {
    /// The mode.
    pub mode: RowSecurityMode,
}

/// Which lines of the report a page has.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct WithheldFilter {
    /// Those about this principal.
    pub principal_id: Option<PrincipalId>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
