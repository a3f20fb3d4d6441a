//! Tokens minted on the host that has the keys.

use serde::{Deserialize, Serialize};

use super::{AccountReference, Timestamp};

/// A token to be minted.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The tenant that it is for, by slug or id; the platform where nothing is said.
    #[serde(default)]
    pub tenant: Option<String>,
    /// Whose it is; the host's operator where nothing is said, which only the platform knows.
    #[serde(default)]
    pub account: Option<AccountReference>,
    /// Seconds that it is good for: 1 to 86,400; 3,600 where nothing is said.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 86400)]
    pub ttl_s: Option<u32>,
    /// What it is narrowed to: names of scopes, separated by blanks; nothing where nothing is said.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub scope: Option<String>,
    /// The context class of the log-in that it stands for; `host` where neither this nor a method is said.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub acr: Option<String>,
    /// The methods of that log-in (RFC 8176).
    #[serde(default)]
    #[schema(max_items = 10)]
    pub amr: Vec<String>,
    /// Seconds since that log-in; 0 where nothing is said.
    #[serde(default)]
    #[schema(maximum = 31_536_000)]
    pub auth_age_s: Option<u32>,
}

/// A token.
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Token {
    /// The JWT (RFC 7519) to send as `Authorization: Bearer`.
    pub token: String,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Token(until {})", self.expires_at)
    }
}
