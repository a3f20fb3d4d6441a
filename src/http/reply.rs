//! Answers: one thing, a new thing, a page of things, or nothing.

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, Responder};
use serde::Serialize;
use utoipa::ToSchema;
use utoipa::openapi::Ref;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, SchemaType, Type};

use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::precondition::tag;
use crate::domain::{
    Account, AclEntry, ApiKey, Application, ApplicationBinding, ApplicationVersion, Attribute,
    AuditEntry, AuditRetention, AuditVerification, AuthzenConfiguration, BreakGlass, CatalogItem,
    CatalogValue, CurrentSession, CustomRole, Delivery, Diagnostics, DiagnosticsReport,
    Entitlement, Evaluation, EvaluationsAnswer, EventEntry, ExchangedToken, Explanation,
    Invitation, IssuedApiKey, IssuedWebhook, Issuer, IssuerStatuses, LoggedOut, MadeInvitations,
    Me, Member, MigrationReport, MovedSession, MyIdentity, MyInvitation, MyTenant, Operator, Page,
    Plan, PlatformServiceAccount, Precondition, Principal, Profile, Quota, RecordedUsage,
    Reservation, Resource, ResourceType, RoleAssignment, RowSecurity, SearchAnswer, SearchPage,
    ServiceAccount, Session, SigningKeyEntry, Simulation, Team, TeamMember, TenancyPing, Tenant,
    TenantAuditRetention, TenantDomain, TenantHost, TenantQuotas, TenantRowSecurity, TenantUsage,
    Token, UsageRecord, UsageSnapshot, Webhook, Withheld, Workspace,
};

/// What a handler answers.
pub(super) type Reply<T> = Result<T, Failure>;

/// One thing that has a version.
#[derive(Debug)]
pub(super) struct Item<T>(pub(super) T);

/// A thing that is new.
#[derive(Debug)]
pub(super) struct Created<T>(pub(super) T);

/// A thing that was made in the place of another one, by a verb below that one's path.
#[derive(Debug)]
pub(super) struct Replaced<T>(pub(super) T);

/// A thing of the caller's that is there now, whether it was made or had been; and where it is.
#[derive(Debug)]
pub(super) struct Ensured<T> {
    /// It.
    pub(super) thing: T,
    /// Whether it was made.
    pub(super) is_new: bool,
    /// Where it is.
    pub(super) location: String,
}

/// A thing that a `PUT` has made or changed.
#[derive(Debug)]
pub(super) struct Put<T>(pub(super) T, pub(super) Precondition);

/// One thing without a version.
#[derive(Debug)]
pub(super) struct Plain<T>(pub(super) T);

/// One thing, and a cookie.
#[derive(Debug)]
pub(super) struct Cookied<T>(pub(super) T, pub(super) header::HeaderValue);

/// Elsewhere, with cookies.
#[derive(Debug)]
pub(super) struct Redirect(pub(super) String, pub(super) Vec<header::HeaderValue>);

/// A page of things.
#[derive(Debug)]
pub(super) struct Listed<T>(pub(super) Page<T>);

/// One thing that everybody may keep for some seconds.
#[derive(Debug)]
pub(super) struct Cached<T>(pub(super) T, pub(super) u32);

/// Done; there is nothing to say.
#[derive(Debug)]
pub(super) struct Done;

/// Done; there is nothing to say.
#[derive(Debug)]
pub(super) struct NoContent;

/// A thing with a version and an id.
pub(super) trait Versioned: Serialize + ToSchema + 'static {
    /// Counts its changes.
    fn version(&self) -> i64;

    /// Its id, as it stands in paths.
    fn id(&self) -> String;
}

macro_rules! versioned {
    ($($name:ty),+) => {$(
        impl Versioned for $name {
            fn version(&self) -> i64 {
                self.version
            }

            fn id(&self) -> String {
                self.id.to_string()
            }
        }
    )+};
}
versioned!(
    Tenant,
    TenantRowSecurity,
    TenantHost,
    Account,
    Operator,
    BreakGlass,
    Member,
    Team,
    TeamMember,
    Workspace,
    ResourceType,
    Issuer,
    Resource,
    AclEntry,
    Application,
    ApplicationBinding,
    CustomRole,
    RoleAssignment,
    Invitation,
    TenantDomain,
    Attribute,
    Profile,
    CatalogItem,
    ServiceAccount,
    PlatformServiceAccount,
    ApiKey,
    SigningKeyEntry,
    Plan,
    TenantQuotas,
    Reservation,
    TenantAuditRetention,
    Webhook
);

impl Versioned for Me {
    /// The account's: what else is said of the caller has no version.
    fn version(&self) -> i64 {
        self.account.version
    }

    fn id(&self) -> String {
        self.account.id.to_string()
    }
}

impl Versioned for IssuedWebhook {
    fn version(&self) -> i64 {
        self.webhook.version
    }

    fn id(&self) -> String {
        self.webhook.id.to_string()
    }
}

impl Versioned for IssuedApiKey {
    fn version(&self) -> i64 {
        self.api_key.version
    }

    fn id(&self) -> String {
        self.api_key.id.to_string()
    }
}

/// A thing that a page can hold.
pub(super) trait Listable: Serialize + ToSchema + 'static {}

impl<T: Versioned> Listable for T {}
impl Listable for Delivery {}
impl Listable for Principal {}
impl Listable for Quota {}
impl Listable for UsageSnapshot {}
impl Listable for UsageRecord {}
impl Listable for TenantUsage {}
impl Listable for CatalogValue {}
impl Listable for Withheld {}
impl Listable for AuditEntry {}
impl Listable for EventEntry {}
impl Listable for MyTenant {}
impl Listable for MyInvitation {}
impl Listable for Session {}
impl Listable for MyIdentity {}

fn json(status: StatusCode, body: &impl Serialize) -> HttpResponse {
    match serde_json::to_vec(body) {
        Ok(body) => HttpResponse::build(status).content_type("application/json").body(body),
        Err(error) => HttpResponse::from_error(Failure::from(crate::domain::Error::Internal(
            error.to_string(),
        ))),
    }
}

fn tagged(mut response: HttpResponse, version: i64) -> HttpResponse {
    if let Ok(value) = header::HeaderValue::from_str(&tag(version)) {
        response.headers_mut().insert(header::ETAG, value);
    }
    response
}

impl<T: Versioned> Responder for Item<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        tagged(json(StatusCode::OK, &self.0), self.0.version())
    }
}

impl<T: Versioned> Responder for Created<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let made = tagged(json(StatusCode::CREATED, &self.0), self.0.version());
        located(made, &format!("{}/{}", request.path().trim_end_matches('/'), self.0.id()))
    }
}

impl<T: Versioned> Responder for Replaced<T> {
    type Body = BoxBody;

    fn respond_to(self, request: &HttpRequest) -> HttpResponse {
        let made = tagged(json(StatusCode::CREATED, &self.0), self.0.version());
        // Behind the collection stand the id of the other one, and the verb.
        let collection = request.path().trim_end_matches('/').rsplitn(3, '/').nth(2);
        located(made, &format!("{}/{}", collection.unwrap_or_default(), self.0.id()))
    }
}

impl<T: Versioned> Responder for Ensured<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = if self.is_new { StatusCode::CREATED } else { StatusCode::OK };
        located(tagged(json(status, &self.thing), self.thing.version()), &self.location)
    }
}

fn located(mut response: HttpResponse, location: &str) -> HttpResponse {
    if let Ok(location) = header::HeaderValue::from_str(location) {
        response.headers_mut().insert(header::LOCATION, location);
    }
    response
}

impl<T: Versioned> Responder for Put<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = match self.1 {
            Precondition::Absent => StatusCode::CREATED,
            Precondition::Version(_) => StatusCode::OK,
        };
        tagged(json(status, &self.0), self.0.version())
    }
}

impl<T: Serialize> Responder for Plain<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(StatusCode::OK, &self.0)
    }
}

impl<T: Serialize> Responder for Cookied<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::OK, &self.0);
        response.headers_mut().append(header::SET_COOKIE, self.1);
        response
    }
}

impl Responder for Redirect {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::SeeOther();
        // What stands in the address is told to nobody else.
        response.insert_header((header::REFERRER_POLICY, "no-referrer"));
        response.insert_header((header::LOCATION, self.0));
        for cookie in self.1 {
            response.append_header((header::SET_COOKIE, cookie));
        }
        response.finish()
    }
}

impl<T> Describe for Cookied<T>
where
    Plain<T>: Describe,
{
    fn describe(sketch: &mut Sketch) {
        Plain::<T>::describe(sketch);
        sketch.answer_header(200, "Set-Cookie", "The session's cookie, new or taken away.");
    }
}

impl Describe for Redirect {
    fn describe(sketch: &mut Sketch) {
        sketch.answer(303, "Elsewhere", None);
        sketch.answer_header(303, "Location", "Where.");
        sketch.answer_header(303, "Set-Cookie", "The cookie of the log-in, or of the session.");
    }
}

impl<T: Serialize> Responder for Listed<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        json(StatusCode::OK, &self.0)
    }
}

impl Responder for NoContent {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::NoContent().finish()
    }
}

impl<T: Serialize> Responder for Cached<T> {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = json(StatusCode::OK, &self.0);
        let lasts = format!("public, max-age={}", self.1);
        if let Ok(lasts) = header::HeaderValue::from_str(&lasts) {
            response.headers_mut().insert(header::CACHE_CONTROL, lasts);
        }
        response
    }
}

impl<T> Describe for Cached<T>
where
    Plain<T>: Describe,
{
    fn describe(sketch: &mut Sketch) {
        Plain::<T>::describe(sketch);
        sketch.answer_header(200, "Cache-Control", "For how long it can be kept.");
    }
}

impl Responder for Done {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        HttpResponse::Ok().finish()
    }
}

impl Describe for Done {
    fn describe(sketch: &mut Sketch) {
        sketch.answer(200, "Done", None);
        sketch.problems(&[(
            409,
            "As many tokens of the tenant's issuers are revoked as may be at once",
        )]);
    }
}

const ETAG: &str = "The version, for `If-Match`.";

impl<T: Versioned> Describe for Item<T> {
    fn describe(sketch: &mut Sketch) {
        let schema = sketch.schema::<T>();
        sketch.json(200, "It", schema);
        sketch.answer_header(200, "ETag", ETAG);
    }
}

impl<T: Versioned> Describe for Created<T> {
    fn describe(sketch: &mut Sketch) {
        let schema = sketch.schema::<T>();
        sketch.json(201, "It was made", schema);
        sketch.answer_header(201, "ETag", ETAG);
        sketch.answer_header(201, "Location", "Where it is.");
    }
}

impl<T: Versioned> Describe for Replaced<T> {
    fn describe(sketch: &mut Sketch) {
        Created::<T>::describe(sketch);
    }
}

impl<T: Versioned> Describe for Ensured<T> {
    fn describe(sketch: &mut Sketch) {
        for (status, description) in [(200, "It was there"), (201, "It was made")] {
            let schema = sketch.schema::<T>();
            sketch.json(status, description, schema);
            sketch.answer_header(status, "ETag", ETAG);
            sketch.answer_header(status, "Location", "Where it is.");
        }
    }
}

impl<T: Versioned> Describe for Put<T> {
    fn describe(sketch: &mut Sketch) {
        for (status, description) in [(200, "It was changed"), (201, "It was made")] {
            let schema = sketch.schema::<T>();
            sketch.json(status, description, schema);
            sketch.answer_header(status, "ETag", ETAG);
        }
    }
}

impl<T: Listable> Describe for Listed<T> {
    fn describe(sketch: &mut Sketch) {
        let item = sketch.schema::<T>();
        let cursor = ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .description(Some("Asks for the next page; `null` on the last."));
        let page = ObjectBuilder::new()
            .property("items", ArrayBuilder::new().items(item))
            .required("items")
            .property("next_cursor", cursor)
            .required("next_cursor")
            .description(Some("A page of a list."));
        let name = format!("{}Page", T::name());
        sketch.schemas.push((name.clone(), page.into()));
        sketch.json(200, "A page", Ref::from_schema_name(name).into());
    }
}

impl Describe for NoContent {
    fn describe(sketch: &mut Sketch) {
        sketch.answer(204, "Done", None);
    }
}

impl<T: ToSchema> Describe for Plain<SearchAnswer<T>> {
    fn describe(sketch: &mut Sketch) {
        let (item, page) = (sketch.schema::<T>(), sketch.schema::<SearchPage>());
        let answer = ObjectBuilder::new()
            .property("page", page)
            .required("page")
            .property("results", ArrayBuilder::new().items(item))
            .required("results")
            .description(Some("A page of what was found."));
        let name = format!("{}Search", T::name());
        sketch.schemas.push((name.clone(), answer.into()));
        sketch.json(200, "What was found", Ref::from_schema_name(name).into());
    }
}

/// A JSON Schema.
#[derive(Debug, Serialize, ToSchema)]
#[serde(transparent)]
#[schema(value_type = Object)]
pub(super) struct JsonSchemaDocument(pub(super) serde_json::Value);

macro_rules! plain {
    ($($name:ty => $status:literal;)+) => {$(
        impl Describe for Plain<$name> {
            fn describe(sketch: &mut Sketch) {
                let schema = sketch.schema::<$name>();
                sketch.json($status, "The answer", schema);
            }
        }
    )+};
}
plain! {
    AuditVerification => 200;
    Delivery => 200;
    JsonSchemaDocument => 200;
    AuditRetention => 200;
    Entitlement => 200;
    RecordedUsage => 200;
    MadeInvitations => 200;
    MyInvitation => 200;
    CurrentSession => 200;
    MovedSession => 200;
    LoggedOut => 200;
    MyIdentity => 200;
    Evaluation => 200;
    Explanation => 200;
    Simulation => 200;
    EvaluationsAnswer => 200;
    AuthzenConfiguration => 200;
    Token => 200;
    ExchangedToken => 200;
    MigrationReport => 200;
    IssuerStatuses => 200;
    RowSecurity => 200;
    TenancyPing => 200;
    Diagnostics => 200;
    DiagnosticsReport => 200;
    ApplicationVersion => 200;
    crate::identity::Jwks => 200;
}
