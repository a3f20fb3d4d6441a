//! What a signed-in account learns about itself.

use serde::{Deserialize, Serialize};

use super::{
    Account, IdentityPart, MemberState, Name, Role, Slug, TenantId, TenantKind, TenantStatus,
    Timestamp,
};

/// By what a caller is known.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Credential {
    /// Who signed it.
    pub issuer: IdentityPart,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// The tenant that it is for.
    pub tenant_id: Option<TenantId>,
    /// Who acts, where it is not the account itself (RFC 8693, section 4.1).
    pub actor: Option<String>,
    /// What it is narrowed to; `null` where it is not.
    #[serde(default)]
    pub scopes: Option<Vec<String>>,
    /// The authentication context class of the log-in.
    #[serde(default)]
    pub acr: Option<String>,
    /// The methods of the log-in (RFC 8176).
    #[serde(default)]
    pub amr: Vec<String>,
    /// When the log-in was.
    #[serde(default)]
    pub auth_time: Option<Timestamp>,
}

/// A tenant of an account.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyTenant {
    /// The tenant's id.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// What it is for.
    pub kind: TenantKind,
    /// Its state.
    pub status: TenantStatus,
    /// The account's role there.
    pub role: Role,
    /// The membership's state.
    pub state: MemberState,
}

/// Who the caller is.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Me {
    /// The account.
    pub account: Account,
    /// By what it is known.
    pub credential: Credential,
    /// The tenant that the credential is for, where the account is a member of it.
    pub tenant: Option<MyTenant>,
    /// The account's role there.
    pub role: Option<Role>,
    /// The actions that the account may take in that tenant as a whole.
    pub permissions: Vec<String>,
    /// Every tenant that the account is a member of.
    pub tenants: Vec<MyTenant>,
}

/// Which of one's own tenants are listed: all of them, by slug.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MyTenantFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// A personal tenant to be made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPersonalTenant {
    /// Its name in addresses; made from its name where nothing is said.
    #[serde(default)]
    pub slug: Option<Slug>,
    /// What people call it; as the account is called where nothing is said.
    #[serde(default)]
    pub name: Option<Name>,
}

super::word::words! {
    /// When accounts get a personal tenant.
    pub enum PersonalTenants {
        /// Never by themselves; the host makes one.
        Off = "off",
        /// When they ask for one.
        OnRequest = "on_request",
        /// When they ask for one, and when they first log in.
        AtFirstLogIn = "at_first_log_in",
    }
}
