//! Operators: accounts with a platform role.

use serde::{Deserialize, Serialize};

use super::{AccountId, Name, OperatorRole, Timestamp};

/// An operator.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Operator {
    /// The operator's id, which is the account's.
    pub id: AccountId,
    /// Who.
    pub account_id: AccountId,
    /// What the person is called.
    pub display_name: Name,
    /// What they may do on the platform plane.
    pub role: OperatorRole,
    /// When they became one.
    pub created_at: Timestamp,
    /// When their role last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// The platform role that an account is given.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutOperator {
    /// What they may do on the platform plane.
    pub role: OperatorRole,
}

/// Which operators are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OperatorFilter {
    /// With this role.
    pub role: Option<OperatorRole>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
