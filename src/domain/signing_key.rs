//! The keys that sign system JWTs: one signs, others still verify, the rest are history.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Conflict, Error, Result, Timestamp};

/// Characters of a key's id: SHA-256 in base64url.
const LENGTH: usize = 43;

/// The id of a signing key: its thumbprint (RFC 7638).
#[derive(
    Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(transparent)]
#[schema(value_type = String, min_length = 43, max_length = 43, pattern = "^[A-Za-z0-9_-]{43}$")]
pub struct KeyId(String);

impl KeyId {
    /// Reads an id.
    ///
    /// # Errors
    /// Says what the text must be.
    pub fn parse(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
        if text.len() == LENGTH && text.bytes().all(is_good) {
            return Ok(Self(text));
        }
        Err("must be the thumbprint of a key: 43 characters of base64url".to_owned())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

super::word::words! {
    /// The state of a signing key. It changes through [`SigningKeyState::to`] alone.
    pub enum SigningKeyState {
        /// Signs.
        Active = "active",
        /// Signs no more; what it has signed is good until it retires.
        Retiring = "retiring",
        /// What it has signed is good for nothing, and its private part is destroyed.
        Retired = "retired",
    }
}

impl SigningKeyState {
    /// The state machine: the new state, where it may follow this one.
    ///
    /// # Errors
    /// [`Conflict::WrongState`] where it may not.
    pub fn to(self, next: Self) -> Result<Self> {
        let allowed = matches!(
            (self, next),
            (Self::Active, Self::Retiring) | (Self::Retiring, Self::Retired)
        );
        if allowed { Ok(next) } else { Err(Error::Conflict(Conflict::WrongState)) }
    }
}

/// A key that signs system JWTs, or did.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct SigningKeyEntry {
    /// Its id, the `kid` of what it signs.
    pub id: KeyId,
    /// Its state.
    pub state: SigningKeyState,
    /// Its public part, as a JWK's `x` (RFC 8037).
    pub public_key: String,
    /// Until when what it has signed is good, once it signs no more.
    pub retires_at: Option<Timestamp>,
    /// When it was retired.
    pub retired_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its state last changed.
    pub updated_at: Timestamp,
    /// Counts its changes; the entity tag.
    pub version: i64,
}

impl SigningKeyEntry {
    /// Keys that verify at once at most, the one that signs included: consumers bound what they read.
    pub const MAX_VERIFYING: usize = 32;
}

/// Which signing keys are listed; the newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SigningKeyFilter {
    /// In this state.
    pub state: Option<SigningKeyState>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::SigningKeyState::{Active, Retired, Retiring};

    #[test]
    fn a_key_goes_from_signing_to_verifying_to_history_and_never_back() {
        for state in [Active, Retiring, Retired] {
            for next in [Active, Retiring, Retired] {
                let allowed = [(Active, Retiring), (Retiring, Retired)].contains(&(state, next));
                assert_eq!(state.to(next).is_ok(), allowed, "{state} to {next}");
            }
        }
    }
}
