//! What a client hears when something goes wrong: one table from code to status, one problem document (RFC 9457).

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpResponse, ResponseError};
use serde::{Deserialize, Serialize};

use crate::domain::{
    Conflict, Dimension, Error, FieldError, FileProblem, LoginProblem, QuotaExceeded, RequestShare,
    StepUp, TenantStatus, Word,
};

/// What can go wrong with a request.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// Something below refused or failed.
    #[error(transparent)]
    Domain(#[from] Error),
    /// The body is no JSON.
    #[error("the body is not JSON: {0}")]
    Malformed(String),
    /// A parameter of the address or a header cannot be accepted.
    #[error("a parameter cannot be accepted")]
    Parameter(FieldError),
    /// The body is of another media type than `application/json`.
    #[error("the body must be application/json")]
    MediaType,
    /// The body is compressed, or otherwise not as it is.
    #[error("the body must be sent as it is, without a content encoding")]
    Encoding,
    /// The body nests too deep.
    #[error("the body must nest at most {0} levels deep")]
    TooDeep(usize),
    /// The request's target is too long.
    #[error("the path and the query must have at most {0} bytes together")]
    UriTooLong(usize),
    /// The request has too many header fields.
    #[error("a request must have at most {0} header fields")]
    TooManyHeaders(usize),
    /// A header field of the request is too long.
    #[error("a header field must have at most {0} bytes")]
    HeaderTooLong(usize),
    /// The body is too long.
    #[error("the body must have at most {0} bytes")]
    TooLarge(usize),
    /// The body did not come in time.
    #[error("the body must come within {0} seconds")]
    TooSlow(u64),
    /// The change needs `If-Match` or `If-None-Match`.
    #[error("the change needs {0}")]
    PreconditionRequired(&'static str),
    /// No such method here.
    #[error("the method is not allowed here")]
    Method(String),
    /// A change by the cookie that our own pages did not ask for.
    #[error(
        "a change by the session's cookie needs the origin of the public address and the header Freehold-CSRF"
    )]
    CrossSite,
    /// The request brings no credential.
    #[error("A valid bearer token is needed.")]
    CredentialMissing,
    /// Neither path, host nor header names a tenant.
    #[error("neither path, host nor header names a tenant")]
    TenantMissing,
}

/// A problem document (RFC 9457).
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub(super) struct Problem {
    /// `urn:freehold:problem:<code>`.
    #[serde(rename = "type")]
    kind: String,
    /// The status in words.
    pub(super) title: String,
    /// The status.
    status: u16,
    /// The stable code that a program may rely on.
    pub(super) code: String,
    /// What happened, for people.
    pub(super) detail: String,
    /// The request, to find it again in the logs.
    pub(super) request_id: String,
    /// What is wrong with each field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError>,
    /// With `quota_exceeded`: what is counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<Dimension>,
    /// With `quota_exceeded`: what may be used at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    limit: Option<i64>,
    /// With `quota_exceeded`: what is used or kept free.
    #[serde(skip_serializing_if = "Option::is_none")]
    used: Option<i64>,
    /// With `position_unknown`: the log's newest place.
    #[serde(skip_serializing_if = "Option::is_none")]
    newest: Option<i64>,
}

impl Failure {
    /// A parameter that cannot be accepted.
    pub(super) fn parameter(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Parameter(FieldError::new(field, detail))
    }

    /// The stable code.
    pub(super) fn code(&self) -> &'static str {
        match self {
            Self::Domain(error) => error.code(),
            Self::Malformed(_) => "malformed_json",
            Self::Parameter(_) => "invalid_parameter",
            Self::MediaType => "unsupported_media_type",
            Self::Encoding => "unsupported_content_encoding",
            Self::TooDeep(_) => "json_too_deep",
            Self::UriTooLong(_) => "uri_too_long",
            Self::TooManyHeaders(_) => "too_many_headers",
            Self::HeaderTooLong(_) => "header_too_long",
            Self::TooLarge(_) => "body_too_large",
            Self::TooSlow(_) => "body_too_slow",
            Self::PreconditionRequired(_) => "precondition_required",
            Self::Method(_) => "method_not_allowed",
            Self::CrossSite => "cross_site_request",
            Self::CredentialMissing => "unauthenticated",
            Self::TenantMissing => "tenant_missing",
        }
    }

    /// What happened, for the client and for the log: none of the client's own words.
    pub(super) fn detail(&self) -> String {
        match self {
            Self::Domain(error) => detail(error).to_owned(),
            other => other.to_string(),
        }
    }

    fn errors(&self) -> Vec<FieldError> {
        match self {
            Self::Domain(
                Error::Invalid(errors)
                | Error::ExceedsGranter(errors)
                | Error::ForbiddenFields(errors)
                | Error::NamesTaken(errors),
            ) => errors.clone(),
            Self::Parameter(error) => vec![error.clone()],
            _ => Vec::new(),
        }
    }

    /// The document, for one request.
    pub(super) fn problem(&self, request_id: &str) -> Problem {
        let status = self.status_code();
        let quota = self.quota();
        Problem {
            kind: format!("urn:freehold:problem:{}", self.code()),
            title: status.canonical_reason().unwrap_or_default().to_owned(),
            status: status.as_u16(),
            code: self.code().to_owned(),
            detail: self.detail(),
            request_id: request_id.to_owned(),
            errors: self.errors(),
            dimension: quota.map(|exceeded| exceeded.dimension.clone()),
            limit: quota.map(|exceeded| exceeded.limit),
            used: quota.map(|exceeded| exceeded.used),
            newest: match self {
                Self::Domain(Error::PositionUnknown { newest }) => Some(*newest),
                _ => None,
            },
        }
    }

    fn quota(&self) -> Option<&QuotaExceeded> {
        match self {
            Self::Domain(Error::QuotaExceeded(exceeded)) => Some(exceeded),
            _ => None,
        }
    }
}

/// What a client hears; no more than it may know.
fn detail(error: &Error) -> &'static str {
    match error {
        Error::NotFound => "There is no such thing, or none that you may know of.",
        Error::Forbidden | Error::ForbiddenFields(_) => "You may not do this.",
        Error::StepUp(_) => "This needs a stronger or more recent log-in.",
        Error::ExceedsGranter(_) => "This is more than you may grant.",
        Error::QuotaExceeded(_) => "This would be more than the tenant may use.",
        Error::TooManyRequests { share, .. } => rate_detail(*share),
        Error::ExternallyDenied => "The decision point that is asked besides refused this.",
        Error::ExternalUnavailable { .. } => {
            "The decision point that is asked besides does not answer: nothing was done."
        }
        Error::Unauthenticated(_) => "A valid bearer token is needed.",
        Error::Conflict(conflict) => conflict_detail(*conflict),
        Error::NamesTaken(_) => conflict_detail(Conflict::NameTaken),
        Error::Login(problem) => login_detail(*problem),
        Error::Invalid(_) => "Some fields cannot be accepted.",
        Error::Stale => {
            "The precondition does not hold: it is in another version, or there already. Read it again."
        }
        Error::PositionUnknown { .. } => {
            "This place is beyond the end of the log: go on behind `newest`, or read from the start."
        }
        Error::IdempotencyMismatch => "This idempotency key was used for another request.",
        Error::TenantConflict => "The sources that name the tenant disagree.",
        Error::HostInvalid => {
            "The host is not spelt as a host is: lower case, A-labels, no dot at its end."
        }
        Error::ForwardedUntrusted => "Forwarded headers count from configured proxies alone.",
        Error::TenantUnavailable(TenantStatus::Suspended) => "The tenant is suspended.",
        Error::TenantUnavailable(TenantStatus::Archived) => "The tenant is archived.",
        Error::TenantUnavailable(TenantStatus::Provisioning) => "The tenant is still being made.",
        Error::TenantUnavailable(_) | Error::File(_) => {
            "The tenant is out of service; its operator must look at it."
        }
        Error::Busy { .. } => "Too much at once: try again in a moment.",
        Error::DiskFull => "The disk is full: reads go on, nothing was changed.",
        Error::TooMuchWork => "This takes more work than one request may: ask for less at once.",
        Error::Storage(_) | Error::TooManySteps | Error::Rehearsed => {
            "The request could not be carried out."
        }
        Error::Internal(_) => "Something went wrong here.",
    }
}

fn rate_detail(share: RequestShare) -> &'static str {
    match share {
        RequestShare::Tenant => {
            "The tenant has sent as many requests as it may in a minute: try again in a moment."
        }
        RequestShare::Shared => {
            "The tenant's remaining requests of this minute are kept for its owners and administrators: try again in a moment."
        }
        RequestShare::Caller => {
            "Your half of the tenant's requests a minute is used up, refused requests included: try again in a moment."
        }
        RequestShare::Address => {
            "Your network address has sent as many log-in and token requests as it may in a minute: try again in a moment."
        }
    }
}

fn login_detail(problem: LoginProblem) -> &'static str {
    match problem {
        LoginProblem::StateInvalid => {
            "This log-in was not begun in this browser, took too long, or is done already: begin it again."
        }
        LoginProblem::Refused => "The provider did not let you in: begin again.",
        LoginProblem::ProviderFailed => {
            "The provider does not answer, or said what cannot be trusted: try again later."
        }
        LoginProblem::AccountUnknown => "Nobody here has this identity; ask for an account.",
        LoginProblem::AccountSuspended => "Your account is suspended.",
        LoginProblem::SignInRevoked => {
            "Your sign-ins were revoked: sign out at the provider, and sign in again. If that does not help, the provider does not say when you signed in (`auth_time`)."
        }
    }
}

fn conflict_detail(conflict: Conflict) -> &'static str {
    match conflict {
        Conflict::SlugTaken => "A tenant has, or had, this slug.",
        Conflict::HostTaken => "Another tenant has this host name.",
        Conflict::HostLimit => "A tenant has 100 host names at most.",
        Conflict::RoleLimit => "A tenant has 100 custom roles at most.",
        Conflict::AttributeLimit => "An installation has 200 attributes at most.",
        Conflict::CatalogLimit => "An owner has 500 items of the catalogue at most.",
        Conflict::WebhookLimit => "There are 50 webhooks at most.",
        Conflict::WebhookRotating => {
            "The secret before is good until `rotated_until`: wait, or rotate with `overlap_s` 0, which ends it at once."
        }
        Conflict::PlanLimit => "An installation has 1,000 plans at most.",
        Conflict::ReservationLimit => "A tenant has 1,000 reservations at once at most.",
        Conflict::ReservationOver => {
            "No reservation of yours has this id here, all of it is used, or its time is over."
        }
        Conflict::IssuerLimit => "A tenant has 100 issuers at most.",
        Conflict::ServiceAccountLimit => "There are 1,000 service accounts at most.",
        Conflict::ApiKeyLimit => "A service account has 50 keys at most.",
        Conflict::SigningKeyLimit => "32 keys verify at most: retire one that signs no more.",
        Conflict::NameTaken => "Another one here has this name.",
        Conflict::IdentityTaken => "An account has this identity.",
        Conflict::IdentityLimit => "An account has 16 identities at most.",
        Conflict::LastIdentity => "An account keeps one identity at least.",
        Conflict::AlreadyMember => "The account is a member already.",
        Conflict::AlreadyInvited => "An invitation waits for them already.",
        Conflict::InvitationLimit => "A tenant has 10,000 pending invitations at most.",
        Conflict::ResourceTypeLimit => "A tenant has 1,000 resource types at most.",
        Conflict::ApplicationLimit => "An installation has 10,000 applications at most.",
        Conflict::ApplicationVersionLimit => "An application has 10,000 versions at most.",
        Conflict::RevocationLimit => {
            "10,000 tokens of the tenant's issuers are revoked: nothing was revoked until one of them expires."
        }
        Conflict::BreakGlassLimit => {
            "An operator has 200 requested and approved entries at most: end one first."
        }
        Conflict::InvitationExpired => "The time of the invitation is over.",
        Conflict::InvitationRevoked => {
            "Whoever asked you in may do so no more: the invitation was taken back."
        }
        Conflict::DomainTaken => "Another tenant has this mail domain.",
        Conflict::DomainLimit => "A tenant has 100 mail domains at most.",
        Conflict::HasPersonalTenant => "The account has a personal tenant already.",
        Conflict::AlreadyExists => "It is there already.",
        Conflict::TeamCycle => "The team would become an ancestor of itself.",
        Conflict::TeamDepth => "Teams nest eight deep at most.",
        Conflict::LastOwner => "A tenant always has an active owner.",
        Conflict::NotEmpty => "Something still belongs to it.",
        Conflict::WrongState => "The state that it is in does not allow this.",
        Conflict::MovedOn => "The tenant has changed since the page before: begin again.",
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::Forbidden
        | Error::ForbiddenFields(_)
        | Error::ExceedsGranter(_)
        | Error::ExternallyDenied
        | Error::QuotaExceeded(_)
        | Error::TenantUnavailable(TenantStatus::Suspended | TenantStatus::Archived) => {
            StatusCode::FORBIDDEN
        }
        Error::Login(LoginProblem::StateInvalid) => StatusCode::BAD_REQUEST,
        Error::Login(LoginProblem::ProviderFailed) => StatusCode::BAD_GATEWAY,
        Error::Login(_) => StatusCode::FORBIDDEN,
        Error::Unauthenticated(_) | Error::StepUp(_) => StatusCode::UNAUTHORIZED,
        Error::Conflict(_) | Error::NamesTaken(_) => StatusCode::CONFLICT,
        Error::Invalid(_) | Error::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        Error::PositionUnknown { .. } => StatusCode::GONE,
        Error::Stale => StatusCode::PRECONDITION_FAILED,
        Error::TenantConflict | Error::HostInvalid | Error::ForwardedUntrusted => {
            StatusCode::BAD_REQUEST
        }
        Error::TooManyRequests { .. } => StatusCode::TOO_MANY_REQUESTS,
        Error::DiskFull => StatusCode::INSUFFICIENT_STORAGE,
        Error::TenantUnavailable(_)
        | Error::File(_)
        | Error::Busy { .. }
        | Error::ExternalUnavailable { .. }
        | Error::Storage(_)
        | Error::TooManySteps
        | Error::TooMuchWork => StatusCode::SERVICE_UNAVAILABLE,
        Error::Rehearsed | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

impl ResponseError for Failure {
    fn status_code(&self) -> StatusCode {
        match self {
            Self::Domain(error) => status(error),
            Self::Malformed(_) | Self::TooDeep(_) | Self::Parameter(_) | Self::TenantMissing => {
                StatusCode::BAD_REQUEST
            }
            Self::CredentialMissing => StatusCode::UNAUTHORIZED,
            Self::CrossSite => StatusCode::FORBIDDEN,
            Self::MediaType | Self::Encoding => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::UriTooLong(_) => StatusCode::URI_TOO_LONG,
            Self::TooManyHeaders(_) | Self::HeaderTooLong(_) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow(_) => StatusCode::REQUEST_TIMEOUT,
            Self::PreconditionRequired(_) => StatusCode::PRECONDITION_REQUIRED,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
        }
    }

    /// The head of the answer; the outermost middleware, which knows the request's id, writes the document.
    fn error_response(&self) -> HttpResponse {
        let mut response = HttpResponse::new(self.status_code());
        let headers = response.headers_mut();
        match self {
            // RFC 6750, section 3.1: no error where nothing was brought.
            Self::CredentialMissing => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            Self::Domain(Error::Unauthenticated(_)) => {
                let challenge = HeaderValue::from_static("Bearer error=\"invalid_token\"");
                headers.insert(header::WWW_AUTHENTICATE, challenge);
            }
            Self::Domain(Error::StepUp(needed)) => {
                if let Ok(challenge) = HeaderValue::from_str(&challenge(needed)) {
                    headers.insert(header::WWW_AUTHENTICATE, challenge);
                }
            }
            Self::Domain(
                Error::Busy { retry_after_s }
                | Error::TooManyRequests { retry_after_s, .. }
                | Error::ExternalUnavailable { retry_after_s, .. },
            ) => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from(*retry_after_s));
            }
            Self::Method(allowed) => {
                if let Ok(allowed) = HeaderValue::from_str(allowed) {
                    headers.insert(header::ALLOW, allowed);
                }
            }
            _ => {}
        }
        response.extensions_mut().insert(self.clone());
        response
    }
}

/// The challenge to log in more strongly or anew (RFC 9470, section 3).
fn challenge(needed: &StepUp) -> String {
    let quoted = needed.acr_values.join(" ").replace(['"', '\\'], "");
    let acr_values =
        if quoted.is_empty() { String::new() } else { format!(", acr_values=\"{quoted}\"") };
    format!(
        "Bearer error=\"insufficient_user_authentication\", \
         error_description=\"A stronger or more recent log-in is needed\"{acr_values}, max_age=\"{}\"",
        needed.max_age_s
    )
}

/// Every code that a problem can have, for the documentation.
pub(super) fn codes() -> Vec<&'static str> {
    let mut codes = vec![
        "malformed_json",
        "invalid_parameter",
        "json_too_deep",
        "unsupported_media_type",
        "unsupported_content_encoding",
        "uri_too_long",
        "too_many_headers",
        "header_too_long",
        "body_too_large",
        "body_too_slow",
        "precondition_required",
        "method_not_allowed",
        "cross_site_request",
        "tenant_missing",
        "not_found",
        "forbidden",
        "insufficient_user_authentication",
        "exceeds_granter",
        "quota_exceeded",
        "too_many_requests",
        "externally_denied",
        "decision_point_unavailable",
        "unauthenticated",
        "invalid",
        "stale_version",
        "position_unknown",
        "idempotency_key_reused",
        "tenant_conflict",
        "host_invalid",
        "forwarded_untrusted",
        "tenant_provisioning",
        "tenant_suspended",
        "tenant_archived",
        "tenant_quarantined",
        "busy",
        "disk_full",
        "storage_failed",
        "too_many_steps",
        "too_much_work",
        "internal",
    ];
    codes.extend(Conflict::ALL.iter().map(|conflict| conflict.as_str()));
    codes.extend(LoginProblem::ALL.iter().map(|problem| problem.as_str()));
    codes.extend(FileProblem::ALL.iter().map(|problem| problem.as_str()));
    codes
}
