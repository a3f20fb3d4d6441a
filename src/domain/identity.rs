//! Identities of an account, as the account itself keeps them.

use serde::{Deserialize, Serialize};

use super::{IdentityPart, Timestamp};

/// The name of an identity in paths: a digest of issuer and subject, 22 characters of base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityKey(pub String);

impl IdentityKey {
    /// Reads one; `None` for what can be none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let is_word = text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        (text.len() == 22 && is_word).then(|| Self(text.to_owned()))
    }
}

/// An identity of the caller's account.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MyIdentity {
    /// Its name in paths.
    pub id: String,
    /// Who means the account.
    pub issuer: IdentityPart,
    /// By what.
    pub subject: IdentityPart,
    /// When it was linked.
    pub created_at: Timestamp,
}

/// An identity to be linked.
#[derive(Debug, Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IdentityLink {
    /// An access token of the issuer, for the identity.
    #[schema(value_type = String, min_length = 1, max_length = 8192)]
    pub token: super::Secret,
}

/// Which identities are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IdentityFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
