//! API keys: by what service accounts call. Each is shown once, and kept as a digest.

use serde::{Deserialize, Serialize};

use super::{AccountId, ApiKeyId, Name, ScopeName, ServiceAccountId, Timestamp};

/// An API key, without its secret.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// The key's id, which is a part of it.
    pub id: ApiKeyId,
    /// Whose it is.
    pub service_account_id: ServiceAccountId,
    /// What it is called.
    pub name: Name,
    /// What it is narrowed to: names of scopes; `null` where it is not.
    pub scopes: Option<Vec<ScopeName>>,
    /// Who made it, and whose authority it never exceeds; `null` for the host.
    pub created_by: Option<AccountId>,
    /// Until when it is good.
    pub expires_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl ApiKey {
    /// Keys of a service account at most.
    pub const MAX: i64 = 50;
    /// Scopes of a key at most.
    pub const MAX_SCOPES: usize = 50;
    /// Seconds that a key is good for beside the one that took its place, where nothing is said: a day.
    pub const OVERLAP_S: u32 = 86_400;
    /// Seconds of that at most: a month.
    pub const MAX_OVERLAP_S: u32 = 31 * 86_400;
}

/// An API key to be made.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApiKey {
    /// What it is called.
    pub name: Name,
    /// What it is narrowed to: names of scopes; nothing where nothing is said.
    #[serde(default)]
    #[schema(max_items = 50)]
    pub scopes: Option<Vec<ScopeName>>,
    /// Seconds that it is good for, as the configuration allows: 90 days where nothing is said, 366 at most.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 31_622_400)]
    pub ttl_s: Option<u32>,
}

/// How a key is replaced.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RotateApiKey {
    /// Seconds that the old key is good for beside the new one: a day where nothing is said, a month at most.
    #[serde(default)]
    #[schema(maximum = 2_678_400)]
    pub overlap_s: Option<u32>,
    /// Seconds that the new key is good for, as for one that is made.
    #[serde(default)]
    #[schema(minimum = 60, maximum = 31_622_400)]
    pub ttl_s: Option<u32>,
}

/// A key that has just been made.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct IssuedApiKey {
    /// What is known of it.
    #[serde(flatten)]
    pub api_key: ApiKey,
    /// The key itself, to send as `Authorization: Bearer`. It is told this once: `null` where a request with the same
    /// `Idempotency-Key` was answered before.
    pub key: Option<String>,
}

impl std::fmt::Debug for IssuedApiKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IssuedApiKey({})", self.api_key.id)
    }
}

/// Which keys of a service account are listed: all of them, the oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

/// Seconds that keys are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ApiKeyTimes {
    /// Where nothing is said.
    pub usual_s: u32,
    /// At most.
    pub most_s: u32,
}

impl ApiKeyTimes {
    /// Seconds that a key is good for at least.
    pub const LEAST_S: u32 = 60;
}
