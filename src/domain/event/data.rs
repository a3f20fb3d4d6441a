//! What events say: one type of data for each type of event, which is all that can be emitted.
//!
//! Of values that people keep nothing is said but their keys, and of secrets nothing at all. What is said of persons
//! because somebody must act on it, an address that mail is sent to, is marked here, and the audit log does not keep it.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::{
    AccountId, AccountState, ApiKeyId, ApplicationName, AppliesTo, AttributeKey, Audience,
    AuditCheckpoint, BreakGlass, BreakGlassId, CustomRole, Description, Dimension, Email,
    FileProblem, HostName, Identity, IdentityPart, InvitationId, InvitationState,
    IssuerRegistration, JoinRole, KeyId, Layer, Limits, Membership, Name, OperatorRole, Patterns,
    Permission, PlanName, PlatformServiceAccount, PrincipalId, PrincipalRef, QuotaExceeded,
    ReservationId, ResourceId, ResourceType, ResourceTypeName, Role, RoleId, ScopeName,
    ServiceAccount, ServiceAccountId, SessionId, Team, TeamId, TeamRole, Tenant,
    TenantAuditRetention, TenantId, TenantKind, TenantRenamed, TenantRowSecurity, TenantStatus,
    Timestamp, Visibility, WebhookId, Workspace, WorkspaceId,
};
use super::EventType;

/// What an event says.
pub trait EventData: Serialize + utoipa::ToSchema {
    /// The types of events that say it.
    const KINDS: &'static [EventType];
    /// Its fields that say something of a person, or are for whoever is to be told alone: the audit log does not keep
    /// them.
    const PERSONAL: &'static [&'static str];
}

/// A schema of data, with those that it refers to.
pub(super) type Described = (
    utoipa::openapi::RefOr<utoipa::openapi::Schema>,
    Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::Schema>)>,
);

fn described<D: EventData>() -> Described {
    let mut others = Vec::new();
    D::schemas(&mut others);
    (D::schema(), others)
}

macro_rules! says {
    ($($data:ty: $($kind:ident),+ $(; but $($personal:literal),+)?.)+) => {
        $(
            impl EventData for $data {
                const KINDS: &'static [EventType] = &[$(EventType::$kind),+];
                const PERSONAL: &'static [&'static str] = &[$($($personal),+)?];
            }
        )+

        /// What events of a type say: one of these.
        pub(super) fn of(kind: EventType) -> Vec<Described> {
            let mut found: Vec<Described> = Vec::new();
            $(if <$data as EventData>::KINDS.contains(&kind) { found.push(described::<$data>()); })+
            found
        }

        /// The fields of what events of a type say that the audit log does not keep.
        #[must_use]
        pub fn personal(kind: EventType) -> Vec<&'static str> {
            let mut found = Vec::new();
            $(if <$data as EventData>::KINDS.contains(&kind) { found.extend(<$data as EventData>::PERSONAL); })+
            found
        }
    };
}

says! {
    Tenant: TenantCreated, TenantUpdated, TenantSuspended, TenantResumed.
    TenantRenamed: TenantUpdated.
    TenantRowSecurity: RowSecurityUpdated.
    FileSaid: TenantFileRefused, TenantFileAccepted.
    HostSaid: TenantHostCreated, TenantHostUpdated, TenantHostDeleted.
    DomainSaid: TenantDomainCreated, TenantDomainUpdated, TenantDomainDeleted.
    AccountSaid: AccountCreated, AccountUpdated, AccountSuspended, AccountResumed.
    HeardSaid: AccountHeard.
    IdentitySaid: IdentityLinked, IdentityUnlinked.
    SessionSaid: SessionCreated, SessionMoved, SessionEnded.
    OperatorSaid: OperatorUpdated, OperatorDeleted.
    BreakGlass: BreakGlassRequested, BreakGlassApproved, BreakGlassDenied, BreakGlassEnded, BreakGlassExpired.
    BreakGlassTold: BreakGlassRequested, BreakGlassApproved, BreakGlassDenied, BreakGlassEnded, BreakGlassExpired.
    BreakGlassUse: BreakGlassUsed.
    ApplicationSaid: ApplicationCreated, ApplicationUpdated.
    BindingSaid: ApplicationBound, ApplicationUnbound.
    IssuerRegistration: IssuerCreated, IssuerUpdated, IssuerDeleted.
    CustomRole: RoleCreated, RoleUpdated, RoleDeleted.
    AssignmentSaid: RoleAssigned, RoleUnassigned.
    AttributeSaid: AttributeCreated, AttributeUpdated, AttributeDeleted.
    ProfileSaid: ProfileUpdated.
    CatalogItemSaid: CatalogItemCreated, CatalogItemUpdated, CatalogItemDeleted.
    AuditCheckpoint: AuditRetained.
    TenantAuditRetention: AuditRetentionUpdated.
    PlanSaid: PlanCreated, PlanUpdated, PlanDeleted.
    QuotasSaid: QuotaUpdated.
    QuotaExceeded: QuotaExceeded.
    QuotaWarning: QuotaWarned.
    ReservationSaid: ReservationCreated, ReservationDeleted.
    UsageSaid: UsageRecorded.
    WebhookSaid: WebhookCreated, WebhookUpdated, WebhookDeleted, WebhookDisabled, WebhookRotated, WebhookReplayed, WebhookTested.
    DeadLetter: WebhookDeadLettered.
    TokenMade: TokenCreated.
    TokenSwapped: TokenExchanged.
    TokenTaken: TokenRevoked.
    TokensTaken: AccountTokensRevoked.
    SigningKeySaid: SigningKeyRotated, SigningKeyRetired.
    ServiceAccount: ServiceAccountCreated, ServiceAccountUpdated, ServiceAccountDeleted.
    PlatformServiceAccount: ServiceAccountCreated, ServiceAccountUpdated, ServiceAccountDeleted.
    ApiKeySaid: ApiKeyCreated, ApiKeyRotated, ApiKeyRevoked.
    FilesAsked: MigrationsRun, DiagnosticsRun.
    Membership: MemberCreated, MemberUpdated, MemberDeleted.
    InvitationSaid: InvitationCreated, InvitationAccepted, InvitationDeclined, InvitationRevoked, InvitationExpired; but "email", "message", "delivery".
    Team: TeamCreated, TeamUpdated, TeamDeleted.
    TeamPlaceSaid: TeamMemberUpdated, TeamMemberDeleted.
    Workspace: WorkspaceCreated, WorkspaceUpdated, WorkspaceDeleted.
    ResourceType: ResourceTypeCreated.
    ResourceSaid: ResourceCreated, ResourceUpdated.
    ResourceGone: ResourceDeleted.
    Shared: ResourceShared.
}

macro_rules! data {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$doc:meta])* pub $field:ident: $kind:ty,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
        pub struct $name {
            $($(#[$doc])* pub $field: $kind,)+
        }
    )+};
}

data! {
    /// A tenant's file, and what was found wrong with it.
    pub struct FileSaid {
        /// The tenant.
        pub id: TenantId,
        /// Its state.
        pub status: TenantStatus,
        /// What is wrong; `null` where nothing is any more.
        pub problem: Option<FileProblem>,
    }
    /// A host name of a tenant.
    pub struct HostSaid {
        /// The tenant.
        pub tenant_id: TenantId,
        /// The name.
        pub host: HostName,
    }
    /// A mail domain of a tenant.
    pub struct DomainSaid {
        /// The tenant.
        pub tenant_id: TenantId,
        /// The domain.
        pub domain: HostName,
        /// As what its people join; `null` where they do no more.
        pub join_role: Option<JoinRole>,
    }
    /// An account.
    pub struct AccountSaid {
        /// Which one.
        pub id: AccountId,
        /// Its state.
        pub state: AccountState,
        /// Its version.
        pub version: i64,
    }
    /// Something new that an issuer says of the address of somebody; the address itself is not told.
    pub struct HeardSaid {
        /// Whose.
        pub id: AccountId,
        /// Who says it.
        pub issuer: IdentityPart,
        /// Whether it vouches for the address.
        pub email_verified: bool,
    }
    /// An identity of an account.
    pub struct IdentitySaid {
        /// Whose.
        pub account_id: AccountId,
        /// Which one, by the name that its list has for it.
        pub identity: String,
        /// Who knows the account by it.
        pub issuer: IdentityPart,
    }
    /// A session of a browser.
    pub struct SessionSaid {
        /// Which one; `null` where all of an account ended.
        pub session_id: Option<SessionId>,
        /// The one that it stands in place of.
        pub from: Option<SessionId>,
        /// Whose.
        pub account_id: AccountId,
        /// Who let them in, where they logged in.
        pub issuer: Option<IdentityPart>,
        /// The tenant that it is for.
        pub tenant_id: Option<TenantId>,
        /// How many ended, where it was all of them.
        pub count: Option<i64>,
    }
    /// A platform role of an account.
    pub struct OperatorSaid {
        /// Whose.
        pub account_id: AccountId,
        /// The role; `null` where it was taken away.
        pub role: Option<OperatorRole>,
    }
    /// What became of an operator's entry into a tenant, as the tenant is told it.
    pub struct BreakGlassTold {
        /// Which one.
        pub id: BreakGlassId,
        /// The operator.
        pub account_id: AccountId,
        /// Why.
        pub reason: Description,
        /// What may be done.
        pub actions: Patterns,
        /// Seconds that it is open for.
        pub duration_s: u32,
        /// Who asked for it.
        pub requested_by: String,
        /// Who approved or refused it.
        pub decided_by: Option<String>,
        /// When this became of it.
        pub at: Timestamp,
        /// When it closes.
        pub expires_at: Timestamp,
        /// Its version.
        pub version: i64,
    }
    /// A use of an operator's entry.
    pub struct BreakGlassUse {
        /// Which entry.
        pub id: BreakGlassId,
        /// What was done.
        pub action: String,
        /// To what.
        pub target: TargetSaid,
        /// The code of the error, where it came to nothing.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub code: Option<String>,
    }
    /// What something was done to.
    pub struct TargetSaid {
        /// Its kind.
        pub r#type: String,
        /// Its id.
        pub id: String,
    }
    /// An application.
    pub struct ApplicationSaid {
        /// Its name.
        pub name: ApplicationName,
        /// The newest version of its manifest.
        pub manifest_version: i64,
        /// The kinds of tenants that must bind it.
        pub required_for: Vec<TenantKind>,
    }
    /// An application that a tenant binds, or binds no more.
    pub struct BindingSaid {
        /// Its name.
        pub application: ApplicationName,
        /// The version of its manifest; `null` where it is bound no more.
        pub manifest_version: Option<i64>,
        /// Its scopes that tokens may use.
        pub scopes: Option<Vec<ScopeName>>,
        /// Its resource types.
        pub resource_types: Vec<ResourceTypeName>,
    }
    /// A custom role that a principal has, or has no more.
    pub struct AssignmentSaid {
        /// The role.
        pub role_id: RoleId,
        /// The principal.
        pub principal: PrincipalRef,
    }
    /// An attribute's definition, without its schema and without values.
    pub struct AttributeSaid {
        /// Its key.
        pub key: AttributeKey,
        /// What it belongs to.
        pub applies_to: AppliesTo,
        /// The layer that it is locked at.
        pub locked_at: Option<Layer>,
        /// Who may read it.
        pub readers: Vec<Audience>,
        /// Who may write it.
        pub writers: Vec<Audience>,
        /// Whether it says something of a person.
        pub personal_data: bool,
        /// Its version.
        pub version: i64,
    }
    /// Which values of a profile's layer changed; the values themselves are not told.
    pub struct ProfileSaid {
        /// The layer.
        pub layer: Layer,
        /// The keys.
        pub keys: Vec<AttributeKey>,
    }
    /// An item of the catalogue; its value is not told.
    pub struct CatalogItemSaid {
        /// The layer.
        pub layer: Layer,
        /// Whose.
        pub owner_id: Option<PrincipalId>,
        /// Its key.
        pub key: AttributeKey,
    }
    /// A plan.
    pub struct PlanSaid {
        /// Its name.
        pub name: PlanName,
        /// What a tenant may use at most.
        pub limits: Limits,
        /// From where on a tenant is warned.
        pub soft_limits: Limits,
        /// Its version.
        pub version: i64,
    }
    /// What a tenant was given.
    pub struct QuotasSaid {
        /// The tenant.
        pub id: TenantId,
        /// Its plan.
        pub plan: Option<PlanName>,
        /// Limits of its own.
        pub limits: Limits,
        /// Soft limits of its own.
        pub soft_limits: Limits,
        /// The version of its quotas.
        pub version: i64,
    }
    /// As much as the tenant wants to be warned of.
    pub struct QuotaWarning {
        /// What is counted.
        pub dimension: Dimension,
        /// The soft limit.
        pub soft_limit: i64,
        /// What is used.
        pub used: i64,
    }
    /// A reservation.
    pub struct ReservationSaid {
        /// Which one.
        pub id: ReservationId,
        /// What is kept free.
        pub dimension: Dimension,
        /// How much.
        pub amount: i64,
        /// Who made it.
        pub created_by: PrincipalId,
        /// When it is over.
        pub expires_at: Timestamp,
    }
    /// What an application said was used.
    pub struct UsageSaid {
        /// How many usage events were recorded.
        pub events: i64,
        /// How much of each meter.
        #[schema(value_type = Object)]
        pub quantities: BTreeMap<Dimension, i64>,
    }
    /// A webhook; its secret is not told.
    pub struct WebhookSaid {
        /// Which one.
        pub id: WebhookId,
        /// The origin of the address that events are sent to: what follows it can be a secret.
        pub origin: String,
        /// The types of events that are.
        pub event_types: Patterns,
        /// Its state.
        pub state: crate::domain::WebhookState,
        /// Why it is disabled.
        pub disabled_reason: Option<crate::domain::WebhookDisabledReason>,
        /// Its version.
        pub version: i64,
    }
    /// An event that a webhook could not be told.
    pub struct DeadLetter {
        /// The webhook.
        pub id: WebhookId,
        /// The event that it was not told.
        pub event_id: String,
        /// That event's place.
        pub sequence: i64,
        /// How often it was tried.
        pub attempts: i64,
    }
    /// A token that was minted on the host.
    pub struct TokenMade {
        /// About whom.
        pub account_id: AccountId,
        /// For which tenant; `null` for the platform.
        pub tenant_id: Option<TenantId>,
    }
    /// A token that was issued for another credential.
    pub struct TokenSwapped {
        /// About whom.
        pub subject: String,
        /// Who signed the other credential.
        pub issuer: String,
        /// The key, where it was one.
        pub api_key_id: Option<ApiKeyId>,
        /// What it is narrowed to.
        pub scopes: Option<Vec<String>>,
        /// Seconds that it is good for.
        pub ttl_s: i64,
    }
    /// A token that was taken back.
    pub struct TokenTaken {
        /// About whom it was.
        pub subject: String,
        /// Who signed it.
        pub issuer: String,
        /// Its id (`jti`), or a digest of a token without one.
        pub token_id: Option<String>,
        /// The tenant that it was for.
        pub tenant_id: Option<TenantId>,
        /// Until when it would have been good.
        pub expires_at: Timestamp,
    }
    /// Every token of an account, taken back.
    pub struct TokensTaken {
        /// Whose.
        pub account_id: AccountId,
        /// Those that are older.
        pub before: Timestamp,
    }
    /// A key that signs, or signed.
    pub struct SigningKeySaid {
        /// Which one.
        pub id: KeyId,
        /// The one before it.
        pub before: Option<KeyId>,
        /// When what the one before has signed is good no more.
        pub retires_at: Option<Timestamp>,
    }
    /// An API key; the key itself is not told.
    pub struct ApiKeySaid {
        /// Which one.
        pub id: ApiKeyId,
        /// Whose.
        pub service_account_id: ServiceAccountId,
        /// What people call it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<Name>,
        /// What it is narrowed to.
        pub scopes: Option<Vec<ScopeName>>,
        /// Until when it is good.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub expires_at: Option<Timestamp>,
        /// The one that it replaces.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub replaces: Option<ReplacedKey>,
    }
    /// An API key that another one replaces.
    pub struct ReplacedKey {
        /// Which one.
        pub id: ApiKeyId,
        /// Until when it is good still.
        pub expires_at: Timestamp,
    }
    /// Files that an operator asked about.
    pub struct FilesAsked {
        /// The tenant's; `null` for every file.
        pub tenant_id: Option<TenantId>,
    }
    /// An invitation.
    pub struct InvitationSaid {
        /// Which one.
        pub id: InvitationId,
        /// For whom, by address.
        pub email: Option<Email>,
        /// For whom, by identity.
        pub identity: Option<Identity>,
        /// As what.
        pub role: Role,
        /// Its state.
        pub state: InvitationState,
        /// What is said to them.
        pub message: Description,
        /// Until when it can be taken.
        pub expires_at: Timestamp,
        /// When it was made.
        pub created_at: Timestamp,
        /// The teams that they join.
        pub team_ids: Vec<TeamId>,
        /// Who asked them in.
        pub invited_by: PrincipalId,
        /// Who took it or turned it down.
        pub account_id: Option<AccountId>,
        /// What is to be sent, to whom: for whoever sends mail.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub delivery: Option<Letter>,
    }
    /// What is to be sent to somebody who is asked in.
    pub struct Letter {
        /// The address, where there is one.
        pub recipient: Option<String>,
        /// Where they take it.
        pub link: String,
        /// What is written.
        pub text: String,
    }
    /// Somebody's place in a team.
    pub struct TeamPlaceSaid {
        /// The team.
        pub team_id: TeamId,
        /// Whose.
        pub account_id: AccountId,
        /// What they are in it; `null` where they left.
        pub role: Option<TeamRole>,
    }
    /// A resource's envelope, without what the application keeps in it.
    pub struct ResourceSaid {
        /// Which one.
        pub id: ResourceId,
        /// Its type.
        pub r#type: ResourceTypeName,
        /// The workspace that it lies in.
        pub workspace_id: WorkspaceId,
        /// Who sees it.
        pub visibility: Visibility,
        /// Whose it is.
        pub owner_id: Option<PrincipalId>,
        /// Its version.
        pub version: i64,
    }
    /// A resource that is no more.
    pub struct ResourceGone {
        /// Which one.
        pub id: ResourceId,
        /// Its last version.
        pub version: i64,
    }
    /// What a principal may do to a resource from now on.
    pub struct Shared {
        /// The resource.
        pub resource_id: ResourceId,
        /// The principal.
        pub principal_id: PrincipalId,
        /// What; `null` for nothing.
        pub permission: Option<Permission>,
    }
}

impl SessionSaid {
    /// Of an account, and nothing else.
    #[must_use]
    pub fn of(account_id: AccountId) -> Self {
        Self {
            session_id: None,
            from: None,
            account_id,
            issuer: None,
            tenant_id: None,
            count: None,
        }
    }
}
