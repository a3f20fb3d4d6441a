//! Access-control entries: what one principal may do to one resource.

use serde::{Deserialize, Serialize};

use super::{Permission, PrincipalId, PrincipalRef, Timestamp};

/// An access-control entry.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AclEntry {
    /// The entry's id, which is the principal's.
    pub id: PrincipalId,
    /// Who may.
    pub principal: PrincipalRef,
    /// What they may.
    pub permission: Permission,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// An access-control entry, as it shall be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutAclEntry {
    /// What the principal may.
    pub permission: Permission,
}

/// Which entries are listed: all of them, by principal.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AclFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
