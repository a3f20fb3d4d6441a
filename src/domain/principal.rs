//! Principals: whatever an access-control entry can name, or a workspace can belong to.

use serde::{Deserialize, Serialize};

use super::{Name, PrincipalId, SearchText, Timestamp};

super::word::words! {
    /// What a principal stands for.
    pub enum PrincipalType {
        /// A person who is a member.
        Account = "account",
        /// A team, with the teams below it.
        Team = "team",
        /// All members of the tenant, guests left out.
        Tenant = "tenant",
        /// A caller that is no person.
        ServiceAccount = "service_account",
    }
}

/// A principal, named.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PrincipalRef {
    /// What it stands for.
    #[serde(rename = "type")]
    pub kind: PrincipalType,
    /// The id of what it stands for.
    pub id: PrincipalId,
}

/// A principal, as a picker shows it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Principal {
    /// The id of what it stands for.
    pub id: PrincipalId,
    /// What it stands for.
    #[serde(rename = "type")]
    pub kind: PrincipalType,
    /// What that is called.
    pub name: Name,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes.
    pub version: i64,
}

/// Which principals are found; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct PrincipalFilter {
    /// Whose name has this in it, whatever its case.
    #[param(value_type = Option<String>, max_length = 200)]
    pub q: Option<SearchText>,
    /// Of this type.
    #[serde(rename = "type")]
    #[param(rename = "type")]
    pub kind: Option<PrincipalType>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
