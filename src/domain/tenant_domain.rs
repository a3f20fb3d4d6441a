//! Mail domains of tenants: whoever an issuer says has an address there joins by themselves.

use serde::{Deserialize, Serialize};

use super::{Email, HostName, Role, TenantId, Timestamp};

super::word::words! {
    /// What people of a mail domain become in the tenant that has it.
    pub enum JoinRole {
        /// A member.
        Member = "member",
        /// A guest.
        Guest = "guest",
    }
}

impl From<JoinRole> for Role {
    fn from(role: JoinRole) -> Self {
        match role {
            JoinRole::Member => Self::Member,
            JoinRole::Guest => Self::Guest,
        }
    }
}

/// A mail domain of a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantDomain {
    /// Its id, which is the domain.
    pub id: HostName,
    /// The domain.
    pub domain: HostName,
    /// The tenant that its people join.
    pub tenant_id: TenantId,
    /// What they become there.
    pub join_role: JoinRole,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl TenantDomain {
    /// Mail domains of one tenant at most.
    pub const MAX_PER_TENANT: i64 = 100;
}

/// A mail domain, as it shall be.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PutTenantDomain {
    /// What its people become.
    pub join_role: JoinRole,
}

/// Which mail domains of a tenant are listed: all of them, by name.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantDomainFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// The domain of an e-mail address in its one spelling, where it is one that can be registered.
#[must_use]
pub fn mail_domain(email: &Email) -> Option<HostName> {
    let (_, domain) = email.as_str().rsplit_once('@')?;
    HostName::exact(&domain.to_ascii_lowercase()).ok()
}
