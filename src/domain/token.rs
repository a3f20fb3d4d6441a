//! Tokens minted on the host that has the keys.

use serde::{Deserialize, Serialize};

use uuid::Uuid;

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

/// When a token is issued, and its own id; taken before it is decided whether it is, so that whatever is taken back
/// meanwhile takes it back too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Issued {
    /// When.
    pub at: Timestamp,
    /// Its id (RFC 7519, `jti`).
    pub id: Uuid,
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

/// A token to be exchanged (RFC 8693, section 2.1).
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenExchange {
    /// `urn:ietf:params:oauth:grant-type:token-exchange`.
    #[schema(max_length = 255)]
    pub grant_type: String,
    /// An API key, or an access token: of a configured issuer, or of Freehold's own.
    #[schema(max_length = 8192)]
    pub subject_token: String,
    /// `urn:ietf:params:oauth:token-type:access_token`, `urn:ietf:params:oauth:token-type:jwt`, or
    /// `urn:freehold:params:oauth:token-type:api-key`.
    #[schema(max_length = 255)]
    pub subject_token_type: String,
    /// `urn:ietf:params:oauth:token-type:access_token`, or `urn:ietf:params:oauth:token-type:jwt`; they are the same.
    #[serde(default)]
    #[schema(max_length = 255)]
    pub requested_token_type: Option<String>,
    /// The tenant that it is to be for, by slug or id, or `platform`; what the subject token is for where nothing is said.
    #[serde(default)]
    #[schema(max_length = 63)]
    pub tenant: Option<String>,
    /// What it is narrowed to: names of scopes, separated by blanks; what the subject token is where nothing is said.
    #[serde(default)]
    #[schema(max_length = 2000)]
    pub scope: Option<String>,
    /// Seconds that it is to be good for; it never outlives the subject token.
    #[serde(default, deserialize_with = "number")]
    #[schema(value_type = Option<u32>, minimum = 1, maximum = 3600)]
    pub ttl_s: Option<u32>,
}

impl std::fmt::Debug for TokenExchange {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TokenExchange({:?})", self.tenant)
    }
}

impl TokenExchange {
    /// The only grant type.
    pub const GRANT_TYPE: &'static str = "urn:ietf:params:oauth:grant-type:token-exchange";
    /// What is issued.
    pub const ACCESS_TOKEN: &'static str = "urn:ietf:params:oauth:token-type:access_token";
    /// The same, by its form.
    pub const JWT: &'static str = "urn:ietf:params:oauth:token-type:jwt";
    /// An API key.
    pub const API_KEY: &'static str = "urn:freehold:params:oauth:token-type:api-key";
}

/// A number, as JSON and as forms write it.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    struct Number;
    impl serde::de::Visitor<'_> for Number {
        type Value = Option<u32>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a number of seconds")
        }

        fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Self::Value, E> {
            u32::try_from(value).map(Some).map_err(|_| E::custom("must be a number of seconds"))
        }

        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
            text.parse().map(Some).map_err(|_| E::custom("must be a number of seconds"))
        }

        fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
            Ok(None)
        }
    }
    deserializer.deserialize_any(Number)
}

/// A token that was issued for another one (RFC 8693, section 2.2).
#[derive(Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ExchangedToken {
    /// The JWT to send as `Authorization: Bearer`.
    pub access_token: String,
    /// `urn:ietf:params:oauth:token-type:access_token`.
    pub issued_token_type: String,
    /// `Bearer`.
    pub token_type: String,
    /// Seconds that it is good for.
    pub expires_in: i64,
    /// What it is narrowed to, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
}

impl std::fmt::Debug for ExchangedToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ExchangedToken(for {} s)", self.expires_in)
    }
}

/// A token to be taken back (RFC 7009, section 2.1).
#[derive(Clone, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeToken {
    /// A token, or an API key.
    pub token: String,
    /// What the client takes it for; it does not matter.
    #[serde(default)]
    pub token_type_hint: Option<String>,
}

impl std::fmt::Debug for RevokeToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RevokeToken")
    }
}

/// Which of an account's tokens are to be taken back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeTokens {
    /// Those issued before this time, which is not yet to come; all that were issued so far where nothing is said.
    #[serde(default)]
    pub before: Option<Timestamp>,
}

/// Seconds that tokens are good for that are issued for others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenTimes {
    /// Where nothing is said.
    pub usual_s: u32,
    /// At most.
    pub most_s: u32,
}
