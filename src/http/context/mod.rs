//! One context per request, made by extraction alone: who calls, which tenant is meant, and the way to the data.
//!
//! A context is typed by the action that its handler is for. It is the only way to a store, and asks the store with the
//! caller and that action.

mod account;
mod platform;
mod tenant;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{HttpMessage, HttpRequest};
use serde_json::json;
use tokio::sync::watch;

use super::admission::{Party, Place};
use super::authentication::{self, Plane};
use super::body::{BodyDigest, digest};
use super::cursor::Scope;
use super::describe::Sketch;
use super::failure::Failure;
use super::middleware::RequestIds;
use super::parameters::{Filter, Query};
use super::refusal::refusal;
use super::reply::{Listed, Reply};
use super::state::State;
use super::ties::Ties;
use super::{observe, turns};
use crate::domain::{
    Action, AuditRecord, Call, Caller, Error, IdempotencyKey, Page, PageRequest, Position,
    ReservationId, Result, TenantId,
};
use crate::storage::{Registry, TenantEntry, TenantStore};

pub(super) use self::account::AccountContext;
pub(super) use self::platform::PlatformContext;
pub(super) use self::tenant::TenantContext;

const MAX_KEY: usize = 255;

/// What every context has.
#[derive(Clone, Debug)]
pub(super) struct Request {
    http: HttpRequest,
    state: Data<State>,
    caller: Arc<Caller>,
    ids: RequestIds,
    plane: Plane,
}

impl Request {
    async fn of(request: &HttpRequest, plane: Plane) -> std::result::Result<Self, Failure> {
        let lost = |what: &str| Failure::from(Error::Internal(format!("no {what}")));
        let state = request.app_data::<Data<State>>().ok_or_else(|| lost("state"))?.clone();
        let ids =
            request.extensions().get::<RequestIds>().cloned().ok_or_else(|| lost("request id"))?;
        let caller = authentication::caller(request, &state, &ids, plane).await?;
        if let Some(own) = caller.subject.principal() {
            state.admission.enter(Party::Caller(own), request)?;
        }
        Ok(Self { http: request.clone(), state, caller, ids, plane })
    }

    /// Gives the request's place back, and takes one among those who stay.
    fn stay(&self, tenant: Option<TenantId>) -> Reply<()> {
        self.http.extensions_mut().remove::<Place>();
        if let Some(own) = self.caller.subject.principal() {
            self.state.admission.enter(Party::Following(own), &self.http)?;
        }
        Ok(self.state.admission.enter(Party::Followers(tenant), &self.http)?)
    }

    /// Waits until the next page of a long answer may be read: of a tenant's answers, or the platform's, one in a round.
    /// The caller is authenticated again, so that the answer ends with the credential.
    async fn turn_page(&self, tenant: Option<TenantId>) -> Reply<()> {
        turns::wait(&self.http, Party::Followers(tenant)).await;
        authentication::again(&self.http, &self.state, self.plane, &self.caller).await
    }

    /// What a stream listens to.
    fn ties(&self, commits: watch::Receiver<u64>) -> Ties {
        Ties {
            commits,
            authority: self.state.registry.follow_authority(),
            keys: self.state.ring.follow(),
            closing: self.state.closing.subscribe(),
            clock: self.state.registry.clock(),
            expires_at: self.caller.expires_at,
        }
    }

    /// Waits for the caller's turn, where no tenant is asked whose turn it could be.
    async fn turn(self) -> Self {
        if let Some(own) = self.caller.subject.principal() {
            turns::wait(&self.http, Party::Caller(own)).await;
        }
        self
    }

    /// The way into a tenant: its place among the requests of all, its turn on this worker, its file.
    async fn enter(&self, entry: &Arc<TenantEntry>) -> Reply<TenantStore> {
        tracing::Span::current().record("tenant.id", tracing::field::display(entry.id));
        observe::enters(&self.http, entry.id);
        self.state.admission.enter(Party::Tenant(entry.id), &self.http)?;
        turns::wait(&self.http, Party::Tenant(entry.id)).await;
        let store = self.state.registry.open(entry).await?;
        self.state.rates.admit(&store, &self.call()?, &self.http).await?;
        Ok(store)
    }

    /// The call that the stores are asked with.
    fn call(&self) -> std::result::Result<Call, Failure> {
        Ok(Call {
            caller: self.caller.clone(),
            request_id: self.ids.request.clone(),
            correlation_id: self.ids.correlation.clone(),
            idempotency: self.idempotency()?,
            reservation: self.reservation()?,
        })
    }

    /// The key under which a `POST` is done once.
    fn idempotency(&self) -> std::result::Result<Option<IdempotencyKey>, Failure> {
        let request = &self.http;
        let Some(value) =
            request.headers().get("idempotency-key").filter(|_| request.method() == Method::POST)
        else {
            return Ok(None);
        };
        let key = value.to_str().unwrap_or_default();
        if key.is_empty() || key.len() > MAX_KEY || !key.chars().all(|c| c.is_ascii_graphic()) {
            return Err(Failure::parameter(
                "Idempotency-Key",
                "must be 1 to 255 printable ASCII characters",
            ));
        }
        let body =
            request.extensions().get::<BodyDigest>().map_or_else(|| digest(b""), |digest| digest.0);
        let mut whole = request.uri().to_string().into_bytes();
        whole.push(0);
        whole.extend_from_slice(&body);
        Ok(Some(IdempotencyKey { key: key.into(), fingerprint: digest(&whole) }))
    }

    /// The reservation that the request takes from.
    fn reservation(&self) -> std::result::Result<Option<ReservationId>, Failure> {
        let Some(value) = self.http.headers().get("freehold-reservation") else { return Ok(None) };
        let id = value.to_str().ok().and_then(|text| text.parse().ok());
        let odd = || Failure::parameter("Freehold-Reservation", "must be a reservation's id");
        id.map(Some).ok_or_else(odd)
    }

    /// Runs a use case that spans files, on the blocking pool.
    async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        let (registry, call) = (self.state.registry.clone(), self.call()?);
        let ended = actix_web::web::block(move || body(&registry, &call)).await;
        Ok(ended.map_err(|error| Error::Internal(error.to_string()))??)
    }

    /// Opens a cursor that was sealed here for the same tenant, path, filter and subject.
    fn position(
        &self,
        tenant: &str,
        filter: &str,
        cursor: &str,
    ) -> std::result::Result<Position, Failure> {
        let subject = self.caller.subject.name();
        let scope = Scope { tenant, list: list_of(&self.http), filter, subject: &subject };
        self.state.cursors.open(scope, cursor)
    }

    /// A position as a cursor for this tenant, path, filter and subject.
    fn cursor(&self, tenant: &str, filter: &str, position: &Position) -> Reply<String> {
        let subject = self.caller.subject.name();
        let scope = Scope { tenant, list: list_of(&self.http), filter, subject: &subject };
        self.state.cursors.seal(scope, position)
    }

    fn page<F: Filter>(
        &self,
        tenant: &str,
        query: &Query<F>,
    ) -> std::result::Result<PageRequest, Failure> {
        let filter = query.canonical();
        let after = query.0.cursor().map(|cursor| self.position(tenant, &filter, cursor));
        let max_bytes = self.state.settings.max_page_bytes;
        Ok(PageRequest { limit: query.limit()?, max_bytes, after: after.transpose()? })
    }

    fn listed<T, F: Filter>(
        &self,
        tenant: &str,
        query: &Query<F>,
        mut page: Page<T>,
    ) -> Reply<Listed<T>> {
        let filter = query.canonical();
        let next = page.next.as_ref().map(|next| self.cursor(tenant, &filter, next));
        page.next_cursor = next.transpose()?;
        Ok(Listed(page))
    }

    /// A refusal before any door, for the platform's audit log.
    fn refusal(&self, tenant: &str, error: &Error) -> AuditRecord {
        let caller = &self.caller;
        let code = json!({ "code": error.code() });
        AuditRecord {
            actor_tenant: caller
                .tenant
                .map_or_else(|| "platform".to_owned(), |tenant| tenant.to_string()),
            on_behalf: caller.actor.as_deref().map(str::to_owned),
            account: caller.subject.account(),
            target_tenant: tenant.chars().take(64).collect(),
            target_type: "tenant".to_owned(),
            target_id: tenant.chars().take(64).collect(),
            ..refusal(&self.state, &self.ids, &caller.subject.name(), "tenant.resolve", &code)
        }
    }
}

/// The list that a path names, the same on both mounts of the tenant plane.
fn list_of(request: &HttpRequest) -> &str {
    let path = request.path();
    match path.strip_prefix("/v1/tenants/").and_then(|rest| rest.split_once('/')) {
        Some((_, list)) => list,
        None => path.strip_prefix("/v1/tenant/").unwrap_or(path),
    }
}

fn secured<A: Action>(sketch: &mut Sketch) {
    sketch.action = Some(A::NAME);
    sketch.secured = true;
    sketch.problems(&[
        (401, "A valid bearer token is needed, or a stronger or more recent log-in"),
        (403, "The caller may not do this, somebody who is asked besides refuses it, or the tenant is out of service"),
        (404, "There is no such thing, or none that the caller may know of"),
        (503, "Too much at once, somebody who is asked besides does not answer, or the tenant is out of service"),
    ]);
    sketch.answer_header(401, "WWW-Authenticate", "What is needed: `Bearer` (RFC 6750), with `acr_values` and `max_age` where a log-in falls short (RFC 9470).");
    sketch.answer_header(503, "Retry-After", "Seconds until a try may succeed.");
}
