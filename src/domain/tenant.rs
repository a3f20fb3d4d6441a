//! Tenants: who the customers are and what state each is in.

use serde::{Deserialize, Serialize};

use super::{
    Conflict, Description, Error, Name, Region, Result, SearchText, Slug, TenantId, Timestamp,
};

super::word::words! {
    /// What a tenant is for.
    pub enum TenantKind {
        /// A customer with members.
        Organization = "organization",
        /// One person's own.
        Personal = "personal",
    }
}

super::word::words! {
    /// The state of a tenant. It changes through [`TenantStatus::to`] alone.
    pub enum TenantStatus {
        /// Its file is being made, or its import has not ended.
        Provisioning = "provisioning",
        /// In service.
        Active = "active",
        /// Out of service until it is resumed.
        Suspended = "suspended",
        /// Out of service for good, its data kept.
        Archived = "archived",
        /// Its file cannot be trusted or migrated; an operator must look at it.
        Quarantined = "quarantined",
        /// Its data is gone; its row stays, so that nothing is named so again by mistake.
        Erased = "erased",
    }
}

impl TenantStatus {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        use TenantStatus::{Active, Archived, Erased, Provisioning, Quarantined, Suspended};
        let allowed = match self {
            Provisioning => matches!(next, Active | Quarantined | Erased),
            Active => matches!(next, Suspended | Archived | Quarantined),
            Suspended => matches!(next, Active | Archived | Quarantined),
            Archived => matches!(next, Erased | Quarantined),
            // One that was being made goes on being made.
            Quarantined => {
                matches!(next, Provisioning | Active | Suspended | Archived | Erased)
            }
            Erased => false,
        };
        if allowed { Ok(next) } else { Err(Error::Conflict(Conflict::WrongState)) }
    }
}

/// A tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Tenant {
    /// Its id, which is never used again.
    pub id: TenantId,
    /// Its name in addresses.
    pub slug: Slug,
    /// Its reference, `tenant:<slug>`.
    #[serde(rename = "ref")]
    pub reference: String,
    /// What people call it; its own administrators change it.
    pub name: Name,
    /// What people say about it.
    pub description: Description,
    /// What it is for.
    pub kind: TenantKind,
    /// Its state.
    pub status: TenantStatus,
    /// Where its file lies.
    pub data_region: Region,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

/// A tenant to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Its name in addresses.
    pub slug: Slug,
    /// What people call it.
    pub name: Name,
    /// What people say about it.
    #[serde(default)]
    pub description: Option<Description>,
    /// What it is for; an organization where nothing is said.
    #[serde(default)]
    pub kind: Option<TenantKind>,
    /// Where its file lies; the installation's default where nothing is said.
    #[serde(default)]
    pub data_region: Option<Region>,
    /// The account that becomes its first owner.
    #[serde(default)]
    pub owner_id: Option<super::AccountId>,
}

/// A change of what a tenant's own administrators decide.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeTenant {
    /// What people call it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub name: Option<Name>,
    /// What people say about it.
    #[serde(default, deserialize_with = "super::object::present")]
    #[schema(nullable = false)]
    pub description: Option<Description>,
}

/// A change of what the platform decides about a tenant.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveTenant {
    /// Its new name in addresses; the old one stays reserved for it.
    pub slug: Slug,
}

/// Which tenants are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct TenantFilter {
    /// Of this state.
    pub status: Option<TenantStatus>,
    /// Of this kind.
    pub kind: Option<TenantKind>,
    /// Whose slug begins so.
    #[param(value_type = Option<String>, max_length = 200)]
    pub slug_prefix: Option<SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
