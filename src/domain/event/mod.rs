//! Events: what happened, written in the transaction that caused it. What each type of them says stands in [`data`], and
//! the schemas of it, made from there, in [`schema`].

mod data;
mod end;
mod schema;

use serde::{Deserialize, Serialize};

pub use self::data::*;
pub use self::end::{EndReason, StreamEnd};
pub use self::schema::{event_catalogue, event_schema, event_schema_path};
use crate::domain::{
    AccountId, ActionPattern, Description, IssuerRegistration, MemberState, Name, Role, SearchText,
    TenantId, Timestamp, Word,
};

macro_rules! types {
    ($(#[doc = $meaning:literal] $variant:ident = $word:literal,)+) => {
        crate::domain::word::words! {
            /// What happened.
            pub enum EventType { $(#[doc = $meaning] $variant = $word,)+ }
        }

        impl EventType {
            /// What it means, in a sentence.
            #[must_use]
            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning.trim_ascii()),+ }
            }
        }
    };
}

types! {
    /// A tenant was made.
    TenantCreated = "tenant.created",
    /// A tenant's name, description or slug changed.
    TenantUpdated = "tenant.updated",
    /// A tenant went out of service.
    TenantSuspended = "tenant.suspended",
    /// A tenant came back into service.
    TenantResumed = "tenant.resumed",
    /// What row-level security does in a tenant changed.
    RowSecurityUpdated = "row_security.updated",
    /// A tenant's file was found not to be the one that the registry knows.
    TenantFileRefused = "tenant_file.refused",
    /// A tenant's file that was refused is the one that the registry knows again.
    TenantFileAccepted = "tenant_file.accepted",
    /// A host name was registered for a tenant.
    TenantHostCreated = "tenant_host.created",
    /// A host name was registered anew for the same tenant.
    TenantHostUpdated = "tenant_host.updated",
    /// A host name means the tenant no more.
    TenantHostDeleted = "tenant_host.deleted",
    /// A mail domain was registered for a tenant.
    TenantDomainCreated = "tenant_domain.created",
    /// People of a mail domain join the tenant otherwise.
    TenantDomainUpdated = "tenant_domain.updated",
    /// A mail domain is the tenant's no more.
    TenantDomainDeleted = "tenant_domain.deleted",
    /// An account was made.
    AccountCreated = "account.created",
    /// An account changed.
    AccountUpdated = "account.updated",
    /// An account was suspended.
    AccountSuspended = "account.suspended",
    /// An account was resumed.
    AccountResumed = "account.resumed",
    /// An issuer said something new of the address of somebody whom it means.
    AccountHeard = "account.heard",
    /// An identity was linked to an account.
    IdentityLinked = "identity.linked",
    /// An identity was taken from an account.
    IdentityUnlinked = "identity.unlinked",
    /// Somebody logged in with a browser.
    SessionCreated = "session.created",
    /// A session was moved to another tenant.
    SessionMoved = "session.moved",
    /// A session was ended.
    SessionEnded = "session.ended",
    /// An account was given a platform role.
    OperatorUpdated = "operator.updated",
    /// An account lost its platform role.
    OperatorDeleted = "operator.deleted",
    /// An operator asked for entry into a tenant.
    BreakGlassRequested = "break_glass.requested",
    /// An operator's entry into a tenant was approved.
    BreakGlassApproved = "break_glass.approved",
    /// An operator's entry into a tenant was refused.
    BreakGlassDenied = "break_glass.denied",
    /// An operator's entry into a tenant was ended before its time.
    BreakGlassEnded = "break_glass.ended",
    /// The time of an operator's entry into a tenant is over.
    BreakGlassExpired = "break_glass.expired",
    /// An operator read something in a tenant by break-glass, or wanted to change something there that came to nothing.
    BreakGlassUsed = "break_glass.used",
    /// An application was registered.
    ApplicationCreated = "application.created",
    /// An application changed.
    ApplicationUpdated = "application.updated",
    /// A tenant bound an application, or bound it otherwise.
    ApplicationBound = "application.bound",
    /// A tenant let go of an application.
    ApplicationUnbound = "application.unbound",
    /// A tenant trusts an issuer.
    IssuerCreated = "issuer.created",
    /// What an issuer is trusted for changed.
    IssuerUpdated = "issuer.updated",
    /// A tenant trusts an issuer no more.
    IssuerDeleted = "issuer.deleted",
    /// A custom role was made.
    RoleCreated = "role.created",
    /// A custom role changed.
    RoleUpdated = "role.updated",
    /// A custom role was deleted.
    RoleDeleted = "role.deleted",
    /// A principal was given a custom role.
    RoleAssigned = "role.assigned",
    /// A custom role was taken from a principal.
    RoleUnassigned = "role.unassigned",
    /// An attribute was defined.
    AttributeCreated = "attribute.created",
    /// An attribute's definition changed.
    AttributeUpdated = "attribute.updated",
    /// An attribute is defined no more.
    AttributeDeleted = "attribute.deleted",
    /// Values of a profile's layer changed.
    ProfileUpdated = "profile.updated",
    /// An item was put into the catalogue.
    CatalogItemCreated = "catalog_item.created",
    /// An item of the catalogue changed.
    CatalogItemUpdated = "catalog_item.updated",
    /// An item was taken out of the catalogue.
    CatalogItemDeleted = "catalog_item.deleted",
    /// Audit rows that were kept long enough went.
    AuditRetained = "audit.retained",
    /// For how long a tenant's audit log is kept changed.
    AuditRetentionUpdated = "audit_retention.updated",
    /// A plan was made.
    PlanCreated = "plan.created",
    /// A plan changed.
    PlanUpdated = "plan.updated",
    /// A plan was deleted.
    PlanDeleted = "plan.deleted",
    /// A tenant was given another plan, or other limits.
    QuotaUpdated = "quota.updated",
    /// Somebody was refused what would have been more than the tenant may use.
    QuotaExceeded = "quota.exceeded",
    /// The tenant uses as much as it wants to be warned of.
    QuotaWarned = "quota.warned",
    /// Places were kept free for somebody.
    ReservationCreated = "reservation.created",
    /// Places are kept free no more, as somebody wanted. Of what is used up or has run out, nothing is said.
    ReservationDeleted = "reservation.deleted",
    /// An application said what was used.
    UsageRecorded = "usage.recorded",
    /// Events are sent somewhere.
    WebhookCreated = "webhook.created",
    /// Where events are sent, or which, changed.
    WebhookUpdated = "webhook.updated",
    /// Events are sent there no more.
    WebhookDeleted = "webhook.deleted",
    /// Nothing is sent to a webhook any more, since it is gone or has failed for days.
    WebhookDisabled = "webhook.disabled",
    /// Events are signed with a new secret.
    WebhookRotated = "webhook.rotated",
    /// Events are sent again from a time on.
    WebhookReplayed = "webhook.replayed",
    /// A webhook was sent an event that means nothing.
    WebhookTested = "webhook.tested",
    /// A webhook could not be told of an event for days.
    WebhookDeadLettered = "webhook.dead_lettered",
    /// A token was minted on the host.
    TokenCreated = "token.created",
    /// A token was issued for another credential.
    TokenExchanged = "token.exchanged",
    /// A token was taken back.
    TokenRevoked = "token.revoked",
    /// Every token of an account was taken back.
    AccountTokensRevoked = "account.tokens_revoked",
    /// A new key signs.
    SigningKeyRotated = "signing_key.rotated",
    /// What a key has signed is good no more.
    SigningKeyRetired = "signing_key.retired",
    /// A service account was made.
    ServiceAccountCreated = "service_account.created",
    /// A service account or its state changed.
    ServiceAccountUpdated = "service_account.updated",
    /// A service account was deleted with its keys.
    ServiceAccountDeleted = "service_account.deleted",
    /// An API key was made.
    ApiKeyCreated = "api_key.created",
    /// An API key was replaced.
    ApiKeyRotated = "api_key.rotated",
    /// An API key was taken back.
    ApiKeyRevoked = "api_key.revoked",
    /// An operator had files migrated.
    MigrationsRun = "migrations.run",
    /// An operator had files examined and mended.
    DiagnosticsRun = "diagnostics.run",
    /// A member was added.
    MemberCreated = "member.created",
    /// A member's role or state changed.
    MemberUpdated = "member.updated",
    /// A member was removed.
    MemberDeleted = "member.deleted",
    /// Somebody was asked in.
    InvitationCreated = "invitation.created",
    /// An invitation was taken.
    InvitationAccepted = "invitation.accepted",
    /// An invitation was turned down.
    InvitationDeclined = "invitation.declined",
    /// An invitation was taken back.
    InvitationRevoked = "invitation.revoked",
    /// The time of an invitation is over.
    InvitationExpired = "invitation.expired",
    /// A team was made.
    TeamCreated = "team.created",
    /// A team changed.
    TeamUpdated = "team.updated",
    /// A team was deleted.
    TeamDeleted = "team.deleted",
    /// Somebody's place in a team changed.
    TeamMemberUpdated = "team_member.updated",
    /// Somebody left a team.
    TeamMemberDeleted = "team_member.deleted",
    /// A workspace was made.
    WorkspaceCreated = "workspace.created",
    /// A workspace changed.
    WorkspaceUpdated = "workspace.updated",
    /// A workspace was deleted.
    WorkspaceDeleted = "workspace.deleted",
    /// A resource type was registered.
    ResourceTypeCreated = "resource_type.created",
    /// A resource was made.
    ResourceCreated = "resource.created",
    /// A resource changed.
    ResourceUpdated = "resource.updated",
    /// A resource was deleted.
    ResourceDeleted = "resource.deleted",
    /// A resource was shared with somebody, or with them no more.
    ResourceShared = "resource.shared",
}

/// A place in a log; 0 is before its first entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "i64", into = "i64")]
pub struct Sequence(i64);

impl TryFrom<i64> for Sequence {
    type Error = &'static str;

    fn try_from(value: i64) -> Result<Self, Self::Error> {
        if value < 0 { Err("must not be below 0") } else { Ok(Self(value)) }
    }
}

impl From<Sequence> for i64 {
    fn from(sequence: Sequence) -> Self {
        sequence.0
    }
}

/// An event that a change emits.
#[derive(Debug, Clone)]
pub struct Event {
    /// What happened.
    pub kind: EventType,
    /// What it happened to, in words: `team/0192…`.
    pub subject: String,
    /// What is worth knowing, as a JSON object without secrets.
    pub data: serde_json::Value,
}

/// What the registry must know of a membership; the data of every `member.*` event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Membership {
    /// Whose.
    pub account_id: AccountId,
    /// Their role.
    pub role: Role,
    /// The membership's state.
    pub state: MemberState,
}

/// What the registry must know of a tenant's own entry; the data of `tenant.updated` in the tenant's file.
#[derive(Debug, Clone, Serialize, Deserialize, utoipa::ToSchema)]
pub struct TenantRenamed {
    /// What people call it.
    pub name: Name,
    /// What people say about it.
    pub description: Description,
}

/// One step of a tenant's outbox that the registry's projection follows.
#[derive(Debug, Clone)]
pub struct MembershipChange {
    /// The event's place in the outbox.
    pub seq: i64,
    /// When it happened.
    pub at: Timestamp,
    /// The membership, where the event is about one.
    pub membership: Option<Membership>,
    /// The tenant's new name, where the event is about that.
    pub renamed: Option<TenantRenamed>,
    /// The invitation, where the event is about one.
    pub invited: Option<crate::domain::Invited>,
    /// The issuer, where the event is about one.
    pub issuer: Option<IssuerRegistration>,
}

/// Whose events they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventSource {
    /// A tenant's.
    Tenant(TenantId),
    /// The platform's.
    Platform,
}

impl std::fmt::Display for EventSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tenant(id) => id.fmt(f),
            Self::Platform => f.write_str("platform"),
        }
    }
}

/// An event, as it is read: `CloudEvents` 1.0 in JSON, with extension attributes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct EventEntry {
    /// `1.0`.
    pub specversion: String,
    /// The event's id.
    pub id: String,
    /// Where it happened: `/v1/tenants/<id>`, or `/v1/platform`.
    pub source: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it happened to: `team/0192…`.
    pub subject: String,
    /// When.
    pub time: Timestamp,
    /// `application/json`.
    pub datacontenttype: String,
    /// Where the JSON Schema of `data` stands, below the installation's address: in that of events of its type.
    pub dataschema: String,
    /// What is worth knowing of it.
    #[schema(value_type = Object)]
    pub data: serde_json::Value,
    /// The tenant that it happened in; `null` for the platform.
    pub tenantid: Option<TenantId>,
    /// The same in words: `tenant:<id>`, or `tenant:platform`.
    pub tenantref: String,
    /// Who: `account:<id>`, `service_account:<id>`, `host`, or `system:<task>`.
    pub actor: String,
    /// The tenant that the actor's credential was for, in words.
    pub actortenantref: String,
    /// What connects everything that one cause brought about.
    pub correlationid: String,
    /// Its place among the events of the same source, from 1 and without a gap.
    #[schema(minimum = 1)]
    pub sequence: i64,
}

/// Types of events: one, `noun.*`, or `*`; of those that there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "ActionPattern", into = "ActionPattern")]
pub struct EventPattern(pub ActionPattern);

impl TryFrom<ActionPattern> for EventPattern {
    type Error = String;

    fn try_from(pattern: ActionPattern) -> Result<Self, String> {
        if EventType::ALL.iter().any(|kind| pattern.covers(kind.as_str())) {
            return Ok(Self(pattern));
        }
        Err(format!("no type of event is meant by {pattern}"))
    }
}

impl From<EventPattern> for ActionPattern {
    fn from(pattern: EventPattern) -> Self {
        pattern.0
    }
}

/// Which events are followed.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FollowFilter {
    /// Behind the event of this `sequence`; from the first one, where nothing is said.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub after: Option<Sequence>,
    /// Of this type, or of those that a pattern means: `team.created`, `team.*`.
    #[serde(rename = "type")]
    #[param(rename = "type", value_type = Option<ActionPattern>, inline)]
    pub kind: Option<EventPattern>,
    /// Of what happened to this: `team/0192…`.
    #[param(value_type = Option<String>, max_length = 200)]
    pub subject: Option<SearchText>,
    /// Ends after so many seconds, for whoever comes back by itself; 0 for what is there already. Where nothing is said, it
    /// goes on.
    #[param(minimum = 0, maximum = 4_294_967_295_i64)]
    pub for_s: Option<u32>,
}

impl FollowFilter {
    /// Behind which place to begin, for somebody who has seen an event last.
    #[must_use]
    pub fn begins(&self, last: Option<Sequence>) -> i64 {
        last.or(self.after).map_or(0, i64::from)
    }

    /// Whether an event is asked for.
    #[must_use]
    pub fn chooses(&self, event: &EventEntry) -> bool {
        let is = |asked: &Option<SearchText>, it: &str| {
            asked.as_ref().is_none_or(|asked| asked.as_str() == it)
        };
        let is_of = |kinds: &EventPattern| kinds.0.covers(&event.kind);
        self.kind.as_ref().is_none_or(is_of) && is(&self.subject, &event.subject)
    }
}

impl EventFilter {
    /// Whatever happened behind a place.
    #[must_use]
    pub fn behind(place: i64) -> Self {
        Self { after: Sequence::try_from(place).ok(), ..Self::default() }
    }
}

/// Which events are listed, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct EventFilter {
    /// Behind the event of this `sequence`.
    #[param(value_type = Option<i64>, minimum = 0)]
    pub after: Option<Sequence>,
    /// Of this type, or of those that a pattern means: `team.created`, `team.*`.
    #[serde(rename = "type")]
    #[param(rename = "type", value_type = Option<ActionPattern>, inline)]
    pub kind: Option<EventPattern>,
    /// Of what happened to this: `team/0192…`.
    #[param(value_type = Option<String>, max_length = 200)]
    pub subject: Option<SearchText>,
    /// Of this cause.
    #[param(value_type = Option<String>, max_length = 200)]
    pub correlation_id: Option<SearchText>,
    /// Items at most, 50 where nothing is said.
    #[param(minimum = 1, maximum = 200)]
    pub limit: Option<u32>,
    /// The `next_cursor` of the page before.
    #[param(max_length = 1024)]
    pub cursor: Option<String>,
}
