//! Log-ins of browsers, and the sessions that they begin.

use serde::{Deserialize, Serialize};

use super::{
    Account, AccountId, Assurance, Error, Identity, IdentityPart, Issued, Result, SessionId, Slug,
    TenantId, Timestamp,
};

super::word::words! {
    /// Why a log-in came to nothing.
    pub enum LoginProblem {
        /// The browser brings no log-in that it began here, or not this one, or one that is over or was used.
        StateInvalid = "login_state_invalid",
        /// The provider did not let the person in, or the person did not want to be.
        Refused = "login_refused",
        /// The provider does not answer, or says what cannot be trusted.
        ProviderFailed = "login_provider_failed",
        /// Nobody here has the identity, and no account is made for it.
        AccountUnknown = "account_unknown",
        /// The account is suspended.
        AccountSuspended = "account_suspended",
        /// The person signed in at the provider before the account's sign-ins were revoked.
        SignInRevoked = "sign_in_revoked",
    }
}

/// How a log-in is asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct LoginQuery {
    /// The configured issuer to log in at, by its name; the default one where nothing is said.
    #[param(max_length = 63)]
    pub issuer: Option<String>,
    /// The tenant that the session is to be for, by its slug or id; none where nothing is said.
    #[param(max_length = 63)]
    pub tenant: Option<String>,
    /// Where to go then: a path here.
    #[param(max_length = 1024)]
    pub return_to: Option<String>,
    /// Whether the identity is to be linked to the account whose session is there.
    pub link: Option<bool>,
    /// Whether the provider is to see the person anew, as strongly as is demanded.
    pub step_up: Option<bool>,
}

/// What a provider sends a browser back with (RFC 6749, section 4.1.2; RFC 9207).
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginAnswer {
    /// Which log-in it is about.
    pub state: Option<String>,
    /// What the log-in can be redeemed with.
    pub code: Option<String>,
    /// Why there is none.
    pub error: Option<String>,
    /// Who says so.
    pub iss: Option<String>,
}

/// A path of our own that a browser may be sent to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnPath(String);

/// Characters of such a path at most.
const MAX_PATH: usize = 1024;

impl ReturnPath {
    /// Where a browser goes where nothing is said.
    pub const DEFAULT: &str = "/v1/auth/session";

    /// Reads a path: one `/` first, then printable ASCII without backslashes, which browsers take for slashes.
    ///
    /// # Errors
    /// Says what it must be.
    pub fn parse(text: &str) -> Result<Self, String> {
        let is_path = text.starts_with('/') && !text.starts_with("//");
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
        if is_path && is_plain && text.len() <= MAX_PATH {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "must be a path here: one / first, then printable ASCII without \\, {MAX_PATH} characters at most"
        ))
    }

    /// The path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What a provider says of a person who logged in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrival {
    /// Whom it means.
    pub identity: Identity,
    /// What it calls them, as it wrote it.
    pub name: Option<String>,
    /// Where to write to, as it wrote it, and whether it says that the address is theirs. Identifies nobody.
    pub email: Option<(String, bool)>,
    /// How strongly they logged in.
    pub assurance: Assurance,
}

/// How long sessions are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionLimits {
    /// Seconds for which one may do nothing.
    pub idle_s: i64,
    /// Seconds after which one is over.
    pub max_s: i64,
}

/// A session that has begun, or was moved to another tenant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BegunSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The tenant that it is for.
    pub tenant: Option<(TenantId, Slug)>,
    /// When its token is issued, and that one's id.
    pub issued: Issued,
    /// The context class of the log-in.
    pub acr: Option<String>,
    /// The methods of the log-in.
    pub amr: Vec<String>,
    /// When the log-in was, in seconds since 1970.
    pub auth_time_s: Option<i64>,
    /// When it is over.
    pub expires_at: Timestamp,
}

/// A session, as its account sees it.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whether the request came by it.
    pub current: bool,
    /// The provider at which the person logged in.
    pub issuer: IdentityPart,
    /// The tenant that it is for; `null` for none.
    pub tenant_id: Option<TenantId>,
    /// The tenant that was asked for in vain, as it was written.
    pub refused_tenant: Option<String>,
    /// The authentication context class of the log-in.
    pub acr: Option<String>,
    /// The methods of the log-in (RFC 8176).
    pub amr: Vec<String>,
    /// When the provider saw the person.
    pub auth_time: Option<Timestamp>,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used; up to a minute behind.
    pub last_seen_at: Timestamp,
    /// When it is over, whatever is done.
    pub expires_at: Timestamp,
    /// Seconds for which it may do nothing.
    pub idle_s: i64,
}

/// The session of a request, for the page that shows who is there.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CurrentSession {
    /// The session.
    pub session: Session,
    /// Whose it is.
    pub account: Account,
    /// What `Freehold-CSRF` must say on every request by the cookie that changes something.
    pub csrf_token: String,
}

/// Where a session is to go.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SessionMove {
    /// The tenant that it is to be for, by slug or id; `null` for none.
    #[schema(max_length = 63)]
    pub tenant: Option<String>,
}

/// A session that was moved. It has a new id, and the cookie a new value.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct MovedSession {
    /// Its new id.
    pub id: SessionId,
    /// The tenant that it is for now.
    pub tenant_id: Option<TenantId>,
    /// When it is over, as before.
    pub expires_at: Timestamp,
    /// What `Freehold-CSRF` must say from now on.
    pub csrf_token: String,
}

/// What is left to do of a log-out.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct LoggedOut {
    /// Where the browser logs out at the provider too, if there is such a place.
    pub end_session_url: Option<String>,
}

/// Which sessions are listed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SessionFilter {
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}

impl From<LoginProblem> for Error {
    fn from(problem: LoginProblem) -> Self {
        Self::Login(problem)
    }
}

#[cfg(test)]
mod tests {
    use super::ReturnPath;

    #[test]
    fn a_browser_is_sent_to_a_path_of_our_own_and_nowhere_else() {
        for path in ["/", "/v1/me", "/a?b=c&d=%2F#e", "/..//evil.example", "/@evil.example", "/a:b"]
        {
            assert_eq!(ReturnPath::parse(path).unwrap().as_str(), path);
        }
        for path in [
            "",
            "v1/me",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "\\/evil.example",
            "/a\\b",
            "https://evil.example/",
            "https:evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            ".evil.example",
            ":8080/",
            "?a=b",
            "#a",
            " /v1/me",
            "/v1/me ",
            "/\t/evil.example",
            "/\n/evil.example",
            "/\r\nset-cookie: a=b",
            "/\0",
            "\t//evil.example",
            "/\u{2044}evil.example",
            "/caf\u{e9}",
            "/\u{ff0f}evil.example",
            "/\u{7f}",
        ] {
            assert!(ReturnPath::parse(path).is_err(), "{path:?}");
        }
        assert!(ReturnPath::parse(&format!("/{}", "x".repeat(1023))).is_ok());
        assert!(ReturnPath::parse(&format!("/{}", "x".repeat(1024))).is_err());
    }
}
