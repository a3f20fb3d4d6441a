//! Migrations: which version each file has, and what was done about it.

use serde::{Deserialize, Serialize};

use super::{Slug, TenantId};

super::word::words! {
    /// How a tenant's file stands to the schema of this program.
    pub enum MigrationState {
        /// It has the newest version.
        Current = "current",
        /// It has an older version.
        Pending = "pending",
        /// Its last migration failed; the tenant is quarantined.
        Failed = "failed",
    }
}

super::word::words! {
    /// What a run did to a tenant's file.
    pub enum MigrationOutcome {
        /// Nothing: the registry knows that it is current.
        Skipped = "skipped",
        /// Brought it to the newest version.
        Migrated = "migrated",
        /// Left it as it was and quarantined the tenant.
        Failed = "failed",
    }
}

/// One tenant's file.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantMigration {
    /// The tenant.
    pub id: TenantId,
    /// Its slug.
    pub slug: Slug,
    /// The version that its file has.
    pub version: u32,
    /// How that stands to the newest.
    pub state: MigrationState,
    /// What this run did, where one ran.
    pub outcome: Option<MigrationOutcome>,
    /// Why it failed.
    pub problem: Option<String>,
}

/// How every file stands.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MigrationReport {
    /// The registry's version.
    pub registry_version: u32,
    /// The newest version of a tenant's file.
    pub newest_version: u32,
    /// Files that are current.
    pub current: u64,
    /// The files that are not, or that this run touched.
    pub tenants: Vec<TenantMigration>,
}
