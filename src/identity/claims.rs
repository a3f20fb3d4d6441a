//! The claims of a system JWT (RFC 7519, RFC 8693, RFC 9068).

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::{ApiKeyId, SessionId, TenantId, TokenName};

/// Who acts for the subject (RFC 8693, section 4.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// Who.
    pub sub: String,
}

/// The claims. Times are whole seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who signed it.
    pub iss: String,
    /// Whom it is about.
    pub sub: String,
    /// Whom it is for.
    pub aud: String,
    /// Until when it is good.
    pub exp: i64,
    /// From when it is good.
    pub nbf: i64,
    /// When it was signed.
    pub iat: i64,
    /// Its own id.
    pub jti: String,
    /// The id of the tenant that it is for; absent for the platform. The authority.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tid: Option<TenantId>,
    /// `tenant:<slug>` or `tenant:platform`, for people to read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// What it is narrowed to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// The authentication context class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acr: Option<String>,
    /// How the subject logged in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub amr: Vec<String>,
    /// When the subject logged in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_time: Option<i64>,
    /// Who acts for the subject.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act: Option<Actor>,
    /// The log-in that it came of (OpenID Connect Front-Channel Logout 1.0, section 3).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sid: Option<SessionId>,
    /// The tokens that it was exchanged for, one after the other: a claim of Freehold's own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exchanged_for: Vec<TokenName>,
    /// The API key that it was exchanged for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<ApiKeyId>,
    /// The subject's e-mail address (OpenID Connect Core, section 5.1). What is none is not heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Value>,
    /// Whether the issuer says that the address is theirs: the JSON value `true`, and nothing else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email_verified: Option<Value>,
}
