//! Row-level security: what it does in a tenant, and what it would have withheld.

use serde::{Deserialize, Serialize};

use super::{Timestamp, Visibility};

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

super::word::words! {
    /// What kind of row would have been withheld.
    pub enum WithheldTarget {
        /// A resource.
        Resource = "resource",
        /// A workspace.
        Workspace = "workspace",
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

/// A line of the report: what mode `shadow` delivered to somebody that mode `enforce` would have withheld.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Withheld {
    /// From whom: the principal's id.
    pub principal_id: String,
    /// What kind of row.
    pub target: WithheldTarget,
    /// Why.
    pub reason: WithheldReason,
    /// Rows delivered, each time that they were.
    #[schema(minimum = 1)]
    pub rows: i64,
    /// The last of them.
    pub last_target_id: String,
    /// When the first of them was delivered.
    pub created_at: Timestamp,
    /// When the last of them was delivered.
    pub updated_at: Timestamp,
}
