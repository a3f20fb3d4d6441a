//! Parameters of the path and of the query.

use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::path::ParameterIn;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{IntoParams, PartialSchema};

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use crate::domain::{
    AccountFilter, AccountId, AccountState, AclFilter, ApiKeyFilter, ApiKeyId, ApplicationFilter,
    ApplicationName, AppliesTo, AttributeFilter, AttributeKey, AuditDecision, AuditFilter,
    BreakGlassFilter, BreakGlassId, BreakGlassState, CatalogFilter, CatalogItemFilter,
    DeliveryFilter, Dimension, Error, EventFilter, EventType, HostName, IdentityFilter,
    IdentityKey, InvitationFilter, InvitationId, InvitationState, IssuerFilter, IssuerId, KeyId,
    MemberFilter, MemberState, MyInvitationFilter, MyTenantFilter, OperatorFilter, OperatorRole,
    PageRequest, PlanFilter, PlanName, PrincipalFilter, PrincipalId, PrincipalType, QuotaFilter,
    ReservationFilter, ReservationId, ResourceFilter, ResourceId, ResourceSort, ResourceTypeFilter,
    ResourceTypeName, Role, RoleAssignmentFilter, RoleFilter, RoleId, ServiceAccountFilter,
    ServiceAccountId, SessionFilter, SessionId, SigningKeyFilter, SigningKeyState, TeamFilter,
    TeamId, TeamMemberFilter, TeamRole, TenantDomainFilter, TenantFilter, TenantHostFilter,
    TenantKind, TenantReference, TenantStatus, TenantUsageFilter, UsageFilter, WebhookFilter,
    WebhookId, WithheldFilter, Word, WorkspaceFilter, WorkspaceId,
};

/// A parameter of the path. What cannot be one names nothing: 404.
#[derive(Debug, Clone)]
pub(super) struct Path<T>(pub(super) T);

/// A type that stands in paths under one name.
pub(super) trait PathParameter: Sized + 'static {
    /// The name.
    const NAME: &'static str;
    /// What it means.
    const MEANING: &'static str;

    /// Reads it.
    fn parse(text: &str) -> Option<Self>;

    /// Its schema.
    fn schema() -> RefOr<Schema>;
}

fn uuid_schema() -> RefOr<Schema> {
    ObjectBuilder::new()
        .schema_type(Type::String)
        .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
        .into()
}

macro_rules! ids {
    ($($name:ty => $parameter:literal, $meaning:literal;)+) => {$(
        impl PathParameter for $name {
            const NAME: &'static str = $parameter;
            const MEANING: &'static str = $meaning;

            fn parse(text: &str) -> Option<Self> {
                // One spelling each: what could be written two ways could be cached or logged two ways.
                text.parse::<Self>().ok().filter(|id| id.to_string() == text)
            }

            fn schema() -> RefOr<Schema> {
                uuid_schema()
            }
        }
    )+};
}
ids! {
    AccountId => "account", "The account's id.";
    TeamId => "team", "The team's id.";
    WorkspaceId => "workspace", "The workspace's id.";
    ResourceId => "resource", "The resource's id.";
    BreakGlassId => "break_glass", "The break-glass entry's id.";
    SessionId => "session", "The session's id.";
    RoleId => "role", "The custom role's id.";
    InvitationId => "invitation", "The invitation's id.";
    IssuerId => "issuer", "The issuer's id.";
    ServiceAccountId => "service_account", "The service account's id.";
    ApiKeyId => "api_key", "The key's id.";
    WebhookId => "webhook", "The webhook's id.";
    ReservationId => "reservation", "The reservation's id.";
    PrincipalId => "principal", "The id of an account, a service account, a team or the tenant.";
}

impl PathParameter for ResourceTypeName {
    const NAME: &'static str = "resource_type";
    const MEANING: &'static str = "The resource type's name.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

impl PathParameter for ApplicationName {
    const NAME: &'static str = "application";
    const MEANING: &'static str = "The application's name.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

impl PathParameter for AttributeKey {
    const NAME: &'static str = "key";
    const MEANING: &'static str = "The key of an attribute, or of an item of the catalogue.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

impl PathParameter for EventType {
    const NAME: &'static str = "event_type";
    const MEANING: &'static str = "The type of an event.";

    fn parse(text: &str) -> Option<Self> {
        <Self as Word>::parse(text)
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

impl PathParameter for PlanName {
    const NAME: &'static str = "plan";
    const MEANING: &'static str = "The plan's name.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

/// A plan's name to be used. Whoever asks for one hears what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct NewPlan(pub(super) PlanName);

impl FromRequest for NewPlan {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = <PlanName as PathParameter>::NAME;
        let text = request.match_info().get(name).unwrap_or_default();
        let refused = |message| Error::invalid(name, message).into();
        ready(PlanName::parse(text).map(Self).map_err(refused))
    }
}

impl Describe for NewPlan {
    fn describe(sketch: &mut Sketch) {
        Path::<PlanName>::describe(sketch);
        sketch.problems(&[(422, "It can be no plan's name")]);
    }
}

impl PathParameter for Dimension {
    const NAME: &'static str = "dimension";
    const MEANING: &'static str = "What is counted: `members`, `resources.prompt`, and so on.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

/// A key to be used. Whoever asks for one hears what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct NewKey(pub(super) AttributeKey);

impl FromRequest for NewKey {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let name = <AttributeKey as PathParameter>::NAME;
        let text = request.match_info().get(name).unwrap_or_default();
        let refused = |message| Error::invalid(name, message).into();
        ready(AttributeKey::parse(text).map(Self).map_err(refused))
    }
}

impl Describe for NewKey {
    fn describe(sketch: &mut Sketch) {
        Path::<AttributeKey>::describe(sketch);
        sketch.problems(&[(422, "It can be no key")]);
    }
}

impl PathParameter for IdentityKey {
    const NAME: &'static str = "identity";
    const MEANING: &'static str = "The identity's name, as the list tells it.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(22))
            .max_length(Some(22))
            .pattern(Some("^[0-9A-Za-z_-]{22}$"))
            .into()
    }
}

impl PathParameter for KeyId {
    const NAME: &'static str = "kid";
    const MEANING: &'static str = "The signing key's id.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

/// A version of a manifest.
#[derive(Debug, Clone, Copy)]
pub(super) struct ManifestVersion(pub(super) i64);

impl PathParameter for ManifestVersion {
    const NAME: &'static str = "manifest_version";
    const MEANING: &'static str = "Which version; they count from 1.";

    fn parse(text: &str) -> Option<Self> {
        text.parse().ok().filter(|version: &i64| version.to_string() == text).map(Self)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).into()
    }
}

impl PathParameter for TenantReference {
    const NAME: &'static str = "tenant";
    const MEANING: &'static str = "The tenant's slug or id.";

    fn parse(text: &str) -> Option<Self> {
        Self::parse(text)
    }

    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(3))
            .max_length(Some(63))
            .into()
    }
}

impl PathParameter for HostName {
    const NAME: &'static str = "host";
    const MEANING: &'static str = "The host name: lower case, A-labels, no dot at its end.";

    fn parse(text: &str) -> Option<Self> {
        Self::exact(text).ok()
    }

    fn schema() -> RefOr<Schema> {
        <Self as PartialSchema>::schema()
    }
}

/// A host name to be registered. Whoever asks for one hears what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct NewHost(pub(super) HostName);

impl FromRequest for NewHost {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get(HostName::NAME).unwrap_or_default();
        let refused = |message| Error::invalid(HostName::NAME, message).into();
        ready(HostName::exact(text).map(Self).map_err(refused))
    }
}

impl Describe for NewHost {
    fn describe(sketch: &mut Sketch) {
        Path::<HostName>::describe(sketch);
        sketch.problems(&[(422, "It is no host name, or one of the installation's own")]);
    }
}

/// A mail domain of a tenant.
#[derive(Debug, Clone)]
pub(super) struct Domain(pub(super) HostName);

impl PathParameter for Domain {
    const NAME: &'static str = "domain";
    const MEANING: &'static str = "The mail domain: lower case, A-labels, no dot at its end.";

    fn parse(text: &str) -> Option<Self> {
        HostName::exact(text).ok().map(Self)
    }

    fn schema() -> RefOr<Schema> {
        <HostName as PartialSchema>::schema()
    }
}

/// A mail domain to be registered. Whoever asks for one hears what is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct NewDomain(pub(super) HostName);

impl FromRequest for NewDomain {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let text = request.match_info().get(Domain::NAME).unwrap_or_default();
        let refused = |message| Error::invalid(Domain::NAME, message).into();
        ready(HostName::exact(text).map(Self).map_err(refused))
    }
}

impl Describe for NewDomain {
    fn describe(sketch: &mut Sketch) {
        Path::<Domain>::describe(sketch);
        sketch.problems(&[(422, "It is no domain, or one where anybody can have an address")]);
    }
}

impl<T: PathParameter> FromRequest for Path<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let parsed = request.match_info().get(T::NAME).and_then(T::parse);
        ready(parsed.map(Self).ok_or_else(|| Error::NotFound.into()))
    }
}

impl<T: PathParameter> Describe for Path<T> {
    fn describe(sketch: &mut Sketch) {
        sketch.path(T::NAME, T::MEANING, T::schema());
        sketch.problems(&[(404, "There is no such thing, or none that the caller may know of")]);
    }
}

/// The query of a list: a filter, and which page.
#[derive(Debug, Clone)]
pub(super) struct Query<T>(pub(super) T);

/// A filter that carries which page is asked for.
pub(super) trait Filter:
    DeserializeOwned + Serialize + IntoParams + Clone + Send + Sync + 'static
{
    /// Items at most.
    fn limit(&self) -> Option<u32>;

    /// The cursor.
    fn cursor(&self) -> Option<&str>;

    /// The filter alone, without the page.
    fn bare(&self) -> Self;
}

macro_rules! filters {
    ($($name:ty),+ $(,)?) => {$(
        impl Filter for $name {
            fn limit(&self) -> Option<u32> {
                self.limit
            }

            fn cursor(&self) -> Option<&str> {
                self.cursor.as_deref()
            }

            fn bare(&self) -> Self {
                let mut bare = self.clone();
                (bare.limit, bare.cursor) = (None, None);
                bare
            }
        }
    )+};
}
filters!(
    TenantFilter,
    IssuerFilter,
    TenantHostFilter,
    AccountFilter,
    OperatorFilter,
    BreakGlassFilter,
    MemberFilter,
    TeamFilter,
    TeamMemberFilter,
    PrincipalFilter,
    WorkspaceFilter,
    ResourceTypeFilter,
    ResourceFilter,
    AclFilter,
    WithheldFilter,
    AuditFilter,
    EventFilter,
    ApplicationFilter,
    RoleAssignmentFilter,
    RoleFilter,
    TenantDomainFilter,
    InvitationFilter,
    MyTenantFilter,
    MyInvitationFilter,
    AttributeFilter,
    CatalogFilter,
    CatalogItemFilter,
    SessionFilter,
    IdentityFilter,
    ServiceAccountFilter,
    ApiKeyFilter,
    SigningKeyFilter,
    PlanFilter,
    QuotaFilter,
    ReservationFilter,
    UsageFilter,
    TenantUsageFilter,
    WebhookFilter,
    DeliveryFilter,
);

impl<T: Filter> Query<T> {
    /// The filter, written one way.
    pub(super) fn canonical(&self) -> String {
        serde_json::to_string(&self.0.bare()).unwrap_or_default()
    }

    /// Items at most.
    pub(super) fn limit(&self) -> Result<u32, Failure> {
        let limit = self.0.limit().unwrap_or(PageRequest::DEFAULT_LIMIT);
        if (1..=PageRequest::MAX_LIMIT).contains(&limit) {
            return Ok(limit);
        }
        Err(Failure::parameter("limit", format!("must be 1 to {}", PageRequest::MAX_LIMIT)))
    }
}

/// Reads a query string; a complaint names the key.
pub(super) fn parse_query<T: DeserializeOwned>(text: &str) -> Result<T, Failure> {
    let reader = serde_urlencoded::Deserializer::new(form_urlencoded::parse(text.as_bytes()));
    serde_path_to_error::deserialize(reader).map_err(|error| {
        let detail = error.inner().to_string();
        let path = error.path().to_string();
        let named =
            detail.split('`').nth(1).filter(|_| path == "." || path == "?").map(str::to_owned);
        Failure::parameter(named.unwrap_or(path), detail)
    })
}

impl<T: Filter> FromRequest for Query<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

impl<T: Filter> Describe for Query<T> {
    fn describe(sketch: &mut Sketch) {
        sketch.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        sketch.problems(&[(400, "A parameter cannot be accepted")]);
        words(sketch);
    }
}

/// The query of something that is no list.
#[derive(Debug, Clone)]
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned + 'static> FromRequest for Asked<T> {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(parse_query(request.query_string()).map(Self))
    }
}

impl<T: IntoParams> Describe for Asked<T> {
    fn describe(sketch: &mut Sketch) {
        sketch.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        sketch.problems(&[(400, "A parameter cannot be accepted")]);
    }
}

/// The enumerations that filters refer to.
fn words(sketch: &mut Sketch) {
    sketch.schema::<ResourceSort>();
    sketch.schema::<PrincipalType>();
    sketch.schema::<TeamRole>();
    sketch.schema::<Role>();
    sketch.schema::<MemberState>();
    sketch.schema::<InvitationState>();
    sketch.schema::<AccountState>();
    sketch.schema::<OperatorRole>();
    sketch.schema::<BreakGlassState>();
    sketch.schema::<TenantStatus>();
    sketch.schema::<TenantKind>();
    sketch.schema::<AuditDecision>();
    sketch.schema::<AppliesTo>();
    sketch.schema::<SigningKeyState>();
}
