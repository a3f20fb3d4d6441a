//! What can go wrong, as everybody above storage sees it: one closed list, each with a stable code.

use super::{TenantStatus, Word};

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// One field of a request that cannot be accepted.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Where: a JSON pointer (RFC 6901) into the body, or the name of a parameter or header.
    pub field: String,
    /// What is wrong and what would be right.
    pub detail: String,
}

/// Findings in one line.
fn listed(errors: &[FieldError]) -> String {
    let each = errors.iter().map(|error| format!("{} {}", error.field, error.detail));
    each.collect::<Vec<_>>().join("; ")
}

impl FieldError {
    /// A finding about one field.
    pub fn new(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: field.into(), detail: detail.into() }
    }

    /// A finding about a part, as one about the whole that has the part in this place.
    #[must_use]
    pub fn below(self, place: &str) -> Self {
        Self { field: format!("{place}{}", self.field), ..self }
    }
}

super::word::words! {
    /// Why a change does not fit what is there.
    pub enum Conflict {
        /// A tenant, one that was archived or erased too, has this slug.
        SlugTaken = "slug_taken",
        /// The host name means another tenant.
        HostTaken = "host_taken",
        /// The tenant has as many host names as a tenant may have.
        HostLimit = "host_limit",
        /// The tenant has as many custom roles as a tenant may have.
        RoleLimit = "role_limit",
        /// The installation has as many attributes as it may have.
        AttributeLimit = "attribute_limit",
        /// The owner has as many items of the catalogue as one may have.
        CatalogLimit = "catalog_limit",
        /// There are as many webhooks as there may be.
        WebhookLimit = "webhook_limit",
        /// The webhook's secret before this one is good for a time yet.
        WebhookRotating = "webhook_rotating",
        /// There are as many plans as there may be.
        PlanLimit = "plan_limit",
        /// The tenant has as many reservations as a tenant may have.
        ReservationLimit = "reservation_limit",
        /// The request names a reservation that is not there, is used up, or whose time is over.
        ReservationOver = "reservation_over",
        /// The tenant has as many issuers as a tenant may have.
        IssuerLimit = "issuer_limit",
        /// There are as many service accounts as there may be.
        ServiceAccountLimit = "service_account_limit",
        /// The service account has as many keys as one may have.
        ApiKeyLimit = "api_key_limit",
        /// As many signing keys verify as may.
        SigningKeyLimit = "signing_key_limit",
        /// A sibling has this name.
        NameTaken = "name_taken",
        /// An account has this identity.
        IdentityTaken = "identity_taken",
        /// The account has as many identities as an account may have.
        IdentityLimit = "identity_limit",
        /// An account keeps one identity at least.
        LastIdentity = "last_identity",
        /// The account is a member already.
        AlreadyMember = "already_member",
        /// An invitation waits for the same person.
        AlreadyInvited = "already_invited",
        /// The tenant has as many invitations that wait as a tenant may have.
        InvitationLimit = "invitation_limit",
        /// The tenant has as many resource types as a tenant may have.
        ResourceTypeLimit = "resource_type_limit",
        /// The installation has as many applications as it may have.
        ApplicationLimit = "application_limit",
        /// The application has as many versions as one may have.
        ApplicationVersionLimit = "application_version_limit",
        /// As many tokens of the tenant's issuers are revoked as may be before some of them expire.
        RevocationLimit = "revocation_limit",
        /// The operator has as many open break-glass entries as one may have.
        BreakGlassLimit = "break_glass_limit",
        /// The time of the invitation is over.
        InvitationExpired = "invitation_expired",
        /// Whoever asked somebody in may do so no more: the invitation was taken back.
        InvitationRevoked = "invitation_revoked",
        /// The mail domain is another tenant's.
        DomainTaken = "domain_taken",
        /// The tenant has as many mail domains as a tenant may have.
        DomainLimit = "domain_limit",
        /// The account has a personal tenant already.
        HasPersonalTenant = "has_personal_tenant",
        /// The thing is there already, and the request asked for a new one.
        AlreadyExists = "already_exists",
        /// The team would become an ancestor of itself.
        TeamCycle = "team_cycle",
        /// Teams may nest eight deep.
        TeamDepth = "team_depth",
        /// A tenant always has an active owner.
        LastOwner = "last_owner",
        /// Something still belongs to it.
        NotEmpty = "not_empty",
        /// The change does not follow from the state that the thing is in.
        WrongState = "wrong_state",
        /// The tenant has changed since the pages before were made.
        MovedOn = "moved_on",
    }
}

super::word::words! {
    /// Why a file is not opened. It is never repaired by itself.
    pub enum FileProblem {
        /// It is not where the registry says.
        Missing = "file_missing",
        /// Its path is a link, or the file has another name too: somebody else may change it.
        Linked = "file_linked",
        /// It is shorter than it says that it is.
        Truncated = "file_truncated",
        /// It is no file of ours, or another tenant's.
        Foreign = "file_foreign",
        /// It is this tenant's, but not the file that the registry knows.
        Replaced = "file_replaced",
        /// It lacks audit rows that the registry has seen in it: an older copy was put back.
        RolledBack = "file_rolled_back",
        /// A newer program has written it.
        Newer = "file_newer",
        /// It is not migrated yet.
        Outdated = "file_outdated",
        /// It, or its log, may not be read and written by the user that runs the program.
        Denied = "file_denied",
        /// Its pages cannot be read.
        Damaged = "file_damaged",
    }
}

/// The log-in that is needed (RFC 9470, section 3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepUp {
    /// Context classes of which any will do.
    pub acr_values: Vec<String>,
    /// Seconds since the log-in at most.
    pub max_age_s: i64,
}

/// Which limit of requests a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestShare {
    /// The tenant's own.
    Tenant,
    /// What is not kept for the tenant's owners and administrators.
    Shared,
    /// What one caller takes of the tenant's.
    Caller,
    /// What one network address sends without a credential.
    Address,
}

/// What can go wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no such thing, or none that this caller may know of.
    #[error("not found")]
    NotFound,
    /// The caller may see it, but not do this.
    #[error("not permitted")]
    Forbidden,
    /// The caller might do this, had they logged in more strongly or more recently (RFC 9470).
    #[error("a stronger or more recent log-in is needed")]
    StepUp(Box<StepUp>),
    /// What is to be granted is more than the granter has.
    #[error("exceeds the granter: {}", listed(.0))]
    ExceedsGranter(Vec<FieldError>),
    /// Fields of what the caller may change that they may not.
    #[error("fields are not permitted: {0:?}")]
    ForbiddenFields(Vec<FieldError>),
    /// The external decision point refused.
    #[error("refused by the external decision point")]
    ExternallyDenied,
    /// The external decision point did not answer; so nothing was done.
    #[error("the external decision point did not answer: {reason}")]
    ExternalUnavailable {
        /// Why.
        reason: String,
        /// Seconds until a try may succeed.
        retry_after_s: u32,
    },
    /// It would be more than the tenant may use.
    #[error("the quota of {} is exceeded", .0.dimension)]
    QuotaExceeded(Box<super::QuotaExceeded>),
    /// More requests than this minute allows.
    #[error("too many requests this minute")]
    TooManyRequests {
        /// Which limit is used up.
        share: RequestShare,
        /// Requests a minute of that limit.
        limit: i64,
        /// Seconds until one is taken again.
        retry_after_s: u32,
    },
    /// No caller, or a token that proves nothing.
    #[error("not authenticated: {0}")]
    Unauthenticated(&'static str),
    /// A log-in came to nothing.
    #[error("the log-in came to nothing: {}", .0.as_str())]
    Login(super::LoginProblem),
    /// What is asked contradicts what is there.
    #[error("conflict: {0}")]
    Conflict(Conflict),
    /// Names that somebody else here has, each with whose it is.
    #[error("names are taken: {}", listed(.0))]
    NamesTaken(Vec<FieldError>),
    /// Fields that cannot be accepted.
    #[error("invalid: {}", listed(.0))]
    Invalid(Vec<FieldError>),
    /// The thing has another version than the one that the change was meant for.
    #[error("the version is stale")]
    Stale,
    /// The place is beyond the end of the log.
    #[error("the place is beyond the newest one, {newest}")]
    PositionUnknown {
        /// The log's newest place.
        newest: i64,
    },
    /// The same idempotency key came with another request.
    #[error("the idempotency key was used for another request")]
    IdempotencyMismatch,
    /// The sources that name the tenant disagree.
    #[error("the sources that name the tenant disagree")]
    TenantConflict,
    /// A host is spelt as none is: with upper case, a dot at its end, an odd port, an encoding of nothing.
    #[error("the host is spelt as none is")]
    HostInvalid,
    /// A forwarded header came from somebody who is no configured proxy.
    #[error("a forwarded header came from no configured proxy")]
    ForwardedUntrusted,
    /// The tenant is there, but not in service.
    #[error("the tenant is {}", .0.as_str())]
    TenantUnavailable(TenantStatus),
    /// Too much at once; try again after these seconds.
    #[error("busy")]
    Busy {
        /// Seconds until a try may succeed.
        retry_after_s: u32,
    },
    /// The tenant's file is not the one that it must be.
    #[error("the file is refused: {0}")]
    File(FileProblem),
    /// The disk is full, or nearly so: reads go on, nothing was changed.
    #[error("the disk is full")]
    DiskFull,
    /// The storage failed; nothing was acknowledged.
    #[error("storage failed: {0}")]
    Storage(String),
    /// A small read took more steps than it may take where it ran: do it elsewhere.
    #[error("the read takes too many steps")]
    TooManySteps,
    /// The request takes more work, or a longer answer, than one request may.
    #[error("the request takes too much work")]
    TooMuchWork,
    /// What was done was only a rehearsal, and is undone.
    #[error("a rehearsal")]
    Rehearsed,
    /// A defect.
    #[error("internal: {0}")]
    Internal(String),
}

impl Error {
    /// One field that cannot be accepted.
    pub fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::Invalid(vec![FieldError::new(field, detail)])
    }

    /// Whether the door refused the caller, in whatever words.
    #[must_use]
    pub fn is_denial(&self) -> bool {
        matches!(
            self,
            Self::NotFound
                | Self::Forbidden
                | Self::StepUp(_)
                | Self::ExternallyDenied
                | Self::Unauthenticated(_)
        )
    }

    /// The stable code that a program may rely on.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Forbidden | Self::ForbiddenFields(_) => "forbidden",
            Self::StepUp(_) => "insufficient_user_authentication",
            Self::ExceedsGranter(_) => "exceeds_granter",
            Self::QuotaExceeded(_) => "quota_exceeded",
            Self::TooManyRequests { .. } => "too_many_requests",
            Self::ExternallyDenied => "externally_denied",
            Self::ExternalUnavailable { .. } => "decision_point_unavailable",
            Self::Unauthenticated(_) => "unauthenticated",
            Self::Login(problem) => problem.as_str(),
            Self::Conflict(conflict) => conflict.as_str(),
            Self::NamesTaken(_) => Conflict::NameTaken.as_str(),
            Self::Invalid(_) => "invalid",
            Self::Stale => "stale_version",
            Self::PositionUnknown { .. } => "position_unknown",
            Self::IdempotencyMismatch => "idempotency_key_reused",
            Self::TenantConflict => "tenant_conflict",
            Self::HostInvalid => "host_invalid",
            Self::ForwardedUntrusted => "forwarded_untrusted",
            Self::TenantUnavailable(status) => match status {
                TenantStatus::Provisioning => "tenant_provisioning",
                TenantStatus::Suspended => "tenant_suspended",
                TenantStatus::Archived => "tenant_archived",
                TenantStatus::Erased => "tenant_erased",
                TenantStatus::Quarantined => "tenant_quarantined",
                TenantStatus::Active => "tenant_unavailable",
            },
            Self::Busy { .. } => "busy",
            Self::File(problem) => problem.as_str(),
            Self::DiskFull => "disk_full",
            Self::Storage(_) => "storage_failed",
            Self::TooManySteps => "too_many_steps",
            Self::TooMuchWork => "too_much_work",
            Self::Rehearsed => "rehearsed",
            Self::Internal(_) => "internal",
        }
    }
}
