//! Callers that are no persons: of one tenant, or of the platform.

use serde::{Deserialize, Serialize};

use super::{
    AccountId, AccountState, Description, Name, OperatorRole, Role, SearchText, ServiceAccountId,
    Timestamp, Word,
};

super::word::words! {
    /// What a service account may do in the tenant as a whole: never what owners alone do.
    pub enum ServiceRole {
        /// As an administrator, but for service accounts and their keys.
        Admin = "admin",
        /// As a member.
        Member = "member",
        /// As a guest.
        Guest = "guest",
    }
}

impl ServiceRole {
    /// What it may do by a key of somebody with this role: no more than they.
    #[must_use]
    pub fn within(self, creator: Role) -> Role {
        let own = match self {
            Self::Admin => Role::Admin,
            Self::Member => Role::Member,
            Self::Guest => Role::Guest,
        };
        // Roles are declared from the most powerful to the least.
        own.max(creator)
    }
}

impl OperatorRole {
    /// What a service account of this role may do by a key of an operator: no more than they. The two lower roles see
    /// different things: neither holds the other.
    #[must_use]
    pub fn within(self, creator: Self) -> Option<Self> {
        match (self, creator) {
            (own, Self::PlatformAdmin) => Some(own),
            (Self::PlatformAdmin, creator) => Some(creator),
            (own, creator) => (own == creator).then_some(own),
        }
    }
}

/// A noun of either plane, as its rows are read.
pub(crate) trait ServiceAccountNoun: Sized {
    /// What its role can be.
    type Role: Word;

    /// Puts it together.
    fn of(parts: ServiceAccountParts<Self::Role>) -> Self;
}

/// What both planes' service accounts have.
#[derive(Debug, Clone)]
pub(crate) struct ServiceAccountParts<R> {
    pub(crate) id: ServiceAccountId,
    pub(crate) name: Name,
    pub(crate) description: Description,
    pub(crate) role: R,
    pub(crate) state: AccountState,
    pub(crate) created_by: Option<AccountId>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) version: i64,
}

macro_rules! service_accounts {
    ($($(#[$doc:meta])* $name:ident, $new:ident, $change:ident, $role:ty;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
        pub struct $name {
            /// The service account's id.
            pub id: ServiceAccountId,
            /// What it is called.
            pub name: Name,
            /// What people say about it.
            pub description: Description,
            /// What it may do; by each key no more than whoever made the key.
            pub role: $role,
            /// Its state.
            pub state: AccountState,
            /// Who made it; `null` for the host.
            pub created_by: Option<AccountId>,
            /// When it was made.
            pub created_at: Timestamp,
            /// When it last changed.
            pub updated_at: Timestamp,
            /// Counts its changes; the entity tag.
            pub version: i64,
        }

        impl ServiceAccountNoun for $name {
            type Role = $role;

            fn of(parts: ServiceAccountParts<$role>) -> Self {
                let ServiceAccountParts {
                    id, name, description, role, state, created_by, created_at, updated_at, version,
                } = parts;
                Self { id, name, description, role, state, created_by, created_at, updated_at, version }
            }
        }

        /// A service account to be made.
        #[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $new {
            /// What it is called; no other one here has the name.
            pub name: Name,
            /// What people say about it.
            #[serde(default)]
            pub description: Option<Description>,
            /// What it may do.
            pub role: $role,
        }

        /// A change of a service account.
        #[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $change {
            /// What it is called.
            #[serde(default, deserialize_with = "super::object::present")]
            #[schema(nullable = false)]
            pub name: Option<Name>,
            /// What people say about it.
            #[serde(default, deserialize_with = "super::object::present")]
            #[schema(nullable = false)]
            pub description: Option<Description>,
            /// What it may do from now on.
            #[serde(default, deserialize_with = "super::object::present")]
            #[schema(nullable = false)]
            pub role: Option<$role>,
        }
    )+};
}

service_accounts! {
    /// A caller of one tenant that is no person.
    ServiceAccount, NewServiceAccount, ChangeServiceAccount, ServiceRole;
    /// A caller of the platform that is no person.
    PlatformServiceAccount, NewPlatformServiceAccount, ChangePlatformServiceAccount, OperatorRole;
}

impl ServiceAccount {
    /// Service accounts of a tenant, or of the platform, at most.
    pub const MAX: i64 = 1000;
}

/// Which service accounts are listed; by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ServiceAccountFilter {
    /// In this state.
    pub state: Option<AccountState>,
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

#[cfg(test)]
mod tests {
    use super::OperatorRole::{Auditor, PlatformAdmin, Support};
    use super::{OperatorRole, Role, ServiceRole};
    use crate::domain::Word;

    #[test]
    fn a_key_gives_no_more_than_its_creator_has() {
        for creator in Role::ALL {
            for role in ServiceRole::ALL {
                let given = role.within(*creator);
                assert!(given >= *creator, "{role} by {creator}: {given}");
                assert!(given > Role::Owner, "nobody owns a tenant by a key");
                assert!(given.as_str() == role.as_str() || given == *creator);
            }
        }
        for role in OperatorRole::ALL {
            assert_eq!(role.within(PlatformAdmin), Some(*role));
            assert_eq!(PlatformAdmin.within(*role), Some(*role));
            assert_eq!(role.within(*role), Some(*role));
        }
        assert_eq!((Support.within(Auditor), Auditor.within(Support)), (None, None));
    }
}
