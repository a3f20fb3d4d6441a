//! Members: an account's membership of one tenant.

use serde::{Deserialize, Serialize};

use super::{AccountId, Conflict, Error, Name, Result, SearchText, Timestamp};

super::word::words! {
    /// What a member may do in the tenant as a whole.
    pub enum Role {
        /// Everything, owners included.
        Owner = "owner",
        /// Everything but making and unmaking owners.
        Admin = "admin",
        /// Works with what is shared.
        Member = "member",
        /// Sees what is shared with them by name or by team, and nothing else.
        Guest = "guest",
    }
}

super::word::words! {
    /// The state of a membership. It changes through [`MemberState::to`] alone.
    pub enum MemberState {
        /// May act.
        Active = "active",
        /// May do nothing here until resumed.
        Suspended = "suspended",
        /// Gone; adding them again brings the membership back.
        Removed = "removed",
    }
}

impl MemberState {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        use MemberState::{Active, Removed, Suspended};
        let allowed = match self {
            Active => matches!(next, Suspended | Removed),
            Suspended => matches!(next, Active | Removed),
            Removed => matches!(next, Active),
        };
        if allowed { Ok(next) } else { Err(Error::Conflict(Conflict::WrongState)) }
    }
}

/// A member.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Member {
    /// The membership's id, which is the account's.
    pub id: AccountId,
    /// Whose membership it is.
    pub account_id: AccountId,
    /// What the person is called.
    pub display_name: Name,
    /// What they may do in the tenant as a whole.
    pub role: Role,
    /// The membership's state.
    pub state: MemberState,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// A member to be added.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// Whose membership it becomes.
    pub account_id: AccountId,
    /// What they may do.
    pub role: Role,
}

/// A change of a membership.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeMember {
    /// What they may do from now on.
    pub role: Role,
}

/// Which members are listed; by name. Removed ones only where asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MemberFilter {
    /// With this role.
    pub role: Option<Role>,
    /// In this state; `active` and `suspended` where nothing is said.
    pub state: Option<MemberState>,
    /// Whose name begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub name_prefix: Option<SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
