//! One context per request, made by extraction alone: who calls, which tenant is meant, and the way to the data.
//!
//! A context is typed by the action that its handler is for. It is the only way to a store, and asks the store with the
//! caller and that action.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::Method;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::Required;

use super::admission::Party;
use super::authentication::{self, Plane};
use super::body::{BodyDigest, digest};
use super::cursor::Scope;
use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::middleware::RequestIds;
use super::parameters::{Filter, Query};
use super::reply::{Listed, Reply};
use super::resolution::{Resolved, resolve};
use super::state::State;
use super::turns;
use crate::domain::action::{AccountPlane, PlatformPlane, TenantPlane};
use crate::domain::{
    AccountId, Action, AuditDecision, AuditRecord, Call, Caller, Error, IdempotencyKey,
    KnownIdentity, Letters, Page, PageRequest, Position, Result, Said, Target, TenantId,
    TenantReference,
};
use crate::identity::{Refused, Verified};
use crate::services::accounts;
use crate::storage::{ReadTx, Registry, TenantEntry, TenantStore, WriteTx};

const MAX_KEY: usize = 255;

/// What every context has.
#[derive(Clone, Debug)]
pub(super) struct Request {
    http: HttpRequest,
    state: Data<State>,
    caller: Arc<Caller>,
    ids: RequestIds,
}

impl Request {
    async fn of(request: &HttpRequest, plane: Plane) -> std::result::Result<Self, Failure> {
        let lost = |what: &str| Failure::from(Error::Internal(format!("no {what}")));
        let state = request.app_data::<Data<State>>().ok_or_else(|| lost("state"))?.clone();
        let ids =
            request.extensions().get::<RequestIds>().cloned().ok_or_else(|| lost("request id"))?;
        let caller = super::authentication::caller(request, &state, &ids, plane).await?;
        if let Some(own) = caller.subject.principal() {
            state.admission.enter(Party::Caller(own), request)?;
        }
        Ok(Self { http: request.clone(), state, caller, ids })
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
        self.state.admission.enter(Party::Tenant(entry.id), &self.http)?;
        turns::wait(&self.http, Party::Tenant(entry.id)).await;
        Ok(self.state.registry.open(entry).await?)
    }

    /// The call that the stores are asked with.
    fn call(&self) -> std::result::Result<Call, Failure> {
        Ok(Call {
            caller: self.caller.clone(),
            request_id: self.ids.request.clone(),
            correlation_id: self.ids.correlation.clone(),
            idempotency: self.idempotency()?,
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

    fn scope<'s>(&'s self, tenant: &'s str, filter: &'s str) -> Scope<'s> {
        Scope { tenant, list: list_of(&self.http), filter }
    }

    fn page<F: Filter>(
        &self,
        tenant: &str,
        query: &Query<F>,
    ) -> std::result::Result<PageRequest, Failure> {
        let filter = query.canonical();
        let after = query
            .0
            .cursor()
            .map(|cursor| self.state.cursors.verify(self.scope(tenant, &filter), cursor));
        let max_bytes = self.state.settings.max_page_bytes;
        Ok(PageRequest { limit: query.limit()?, max_bytes, after: after.transpose()? })
    }

    fn listed<T, F: Filter>(&self, tenant: &str, query: &Query<F>, mut page: Page<T>) -> Listed<T> {
        let filter = query.canonical();
        page.next_cursor = page
            .next
            .as_ref()
            .map(|position| self.state.cursors.sign(self.scope(tenant, &filter), position));
        Listed(page)
    }

    /// A refusal before any door, for the platform's audit log.
    fn refusal(&self, tenant: &str, error: &Error) -> AuditRecord {
        let caller = &self.caller;
        AuditRecord {
            at: self.state.registry.clock().now(),
            actor: caller.subject.name(),
            actor_tenant: caller
                .tenant
                .map_or_else(|| "platform".to_owned(), |tenant| tenant.to_string()),
            on_behalf: caller.actor.as_deref().map(str::to_owned),
            account: caller.subject.account(),
            target_tenant: tenant.chars().take(64).collect(),
            target_type: "tenant".to_owned(),
            target_id: tenant.chars().take(64).collect(),
            workspace_id: None,
            resource_id: None,
            action: "tenant.resolve".to_owned(),
            decision: AuditDecision::Deny,
            policies: "[]".to_owned(),
            correlation_id: self.ids.correlation.to_string(),
            request_id: self.ids.request.to_string(),
            summary: serde_json::json!({ "code": error.code() }).to_string(),
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

/// The context of the tenant plane.
#[derive(Debug)]
pub(super) struct TenantContext<A> {
    request: Request,
    entry: Arc<TenantEntry>,
    store: TenantStore,
    action: PhantomData<fn() -> A>,
}

impl<A: Action<Plane = TenantPlane>> FromRequest for TenantContext<A> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Self::of(Request::of(&request, Plane::Tenant).await?).await })
    }
}

impl<A: Action<Plane = TenantPlane>> TenantContext<A> {
    async fn of(request: Request) -> std::result::Result<Self, Failure> {
        let entry = match resolve(&request.http, &request.state, &request.caller)? {
            Resolved::Tenant(entry) => entry,
            Resolved::Refused(error, tenant) => {
                request.state.registry.note_refusal(request.refusal(&tenant, &error)).await?;
                return Err(error.into());
            }
        };
        let store = request.enter(&entry).await?;
        Ok(Self { request, entry, store, action: PhantomData })
    }

    /// The tenant.
    pub(super) fn tenant(&self) -> TenantId {
        self.entry.id
    }

    /// What the registry knows of the tenant.
    pub(super) fn entry(&self) -> Arc<TenantEntry> {
        self.entry.clone()
    }

    /// The registry, for what must be looked up there before a change is queued.
    pub(super) fn registry(&self) -> &Registry {
        &self.request.state.registry
    }

    /// What is written to whom somebody asks in.
    pub(super) fn letters(&self) -> Arc<Letters> {
        self.request.state.settings.letters.clone()
    }

    /// Who calls.
    pub(super) fn caller(&self) -> &Caller {
        &self.request.caller
    }

    /// What every request can reach.
    pub(super) fn state(&self) -> Data<State> {
        self.request.state.clone()
    }

    /// Waits until the registry knows what was changed here, so that what is acknowledged is in force.
    pub(super) async fn followed(&self) -> Reply<()> {
        let store = self.store.clone();
        let ended = actix_web::web::block(move || store.project()).await;
        Ok(ended.map_err(|error| Error::Internal(error.to_string()))??)
    }

    /// The same request, for another action of the same handler.
    pub(super) fn act<B: Action<Plane = TenantPlane>>(self) -> TenantContext<B> {
        TenantContext {
            request: self.request,
            entry: self.entry,
            store: self.store,
            action: PhantomData,
        }
    }

    /// The same request, for another action besides this one.
    pub(super) fn also<B: Action<Plane = TenantPlane>>(&self) -> TenantContext<B> {
        let Self { request, entry, store, .. } = self;
        let (request, entry, store) = (request.clone(), entry.clone(), store.clone());
        TenantContext { request, entry, store, action: PhantomData }
    }

    /// Reads.
    pub(super) async fn read<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        note::<A>(&resource);
        Ok(self.store.read(&self.request.call()?, resource, body).await?)
    }

    /// Changes.
    pub(super) async fn write<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        note::<A>(&resource);
        Ok(self.store.write(&self.request.call()?, resource, body).await?)
    }

    /// The position of a cursor that was signed here for this path and filter.
    pub(super) fn position(&self, filter: &str, cursor: &str) -> Reply<Position> {
        let tenant = self.entry.id.to_string();
        self.request.state.cursors.verify(self.request.scope(&tenant, filter), cursor)
    }

    /// A position as a cursor, for this path and filter.
    pub(super) fn cursor(&self, filter: &str, position: &Position) -> String {
        let tenant = self.entry.id.to_string();
        self.request.state.cursors.sign(self.request.scope(&tenant, filter), position)
    }

    /// Writes down what row-level security has counted, so that its report is whole; for those who may read it.
    pub(super) async fn catch_up(&self) -> Reply<()>
    where
        A: Action<Resource = TenantId>,
    {
        self.read(self.entry.id, |_| Ok(())).await?;
        Ok(self.store.write_down_withheld().await?)
    }

    /// Reads a page.
    pub(super) async fn list<T, Q, F>(
        &self,
        resource: A::Resource,
        query: Query<Q>,
        body: F,
    ) -> Reply<Listed<T>>
    where
        T: Send + 'static,
        Q: Filter,
        F: Fn(&ReadTx<'_, A>, &Q, &PageRequest) -> Result<Page<T>> + Send + 'static,
    {
        let tenant = self.entry.id.to_string();
        let page = self.request.page(&tenant, &query)?;
        let filter = query.0.clone();
        let found = self.read(resource, move |tx| body(tx, &filter, &page)).await?;
        Ok(self.request.listed(&tenant, &query, found))
    }
}

/// Every log line of the request carries the workspace or resource that it is about.
fn note<A: Action>(resource: &A::Resource) {
    let target: Target = resource.clone().into();
    let field = match target {
        Target::Workspace(_) => "workspace.id",
        Target::Resource(_) => "resource.id",
        _ => return,
    };
    tracing::Span::current().record(field, tracing::field::display(target.id()));
}

/// The context of the platform plane.
#[derive(Debug)]
pub(super) struct PlatformContext<A> {
    request: Request,
    action: PhantomData<fn() -> A>,
}

impl<A: Action<Plane = PlatformPlane>> FromRequest for PlatformContext<A> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let request = Request::of(&request, Plane::Other).await?;
            Ok(Self { request: request.turn().await, action: PhantomData })
        })
    }
}

impl<A: Action<Plane = PlatformPlane>> PlatformContext<A> {
    /// The id of a tenant that a path names; nobody's where there is none, so that the door refuses it like any other.
    pub(super) fn tenant(&self, reference: &TenantReference) -> Reply<TenantId> {
        let entry = self.request.state.registry.resolve(reference)?;
        Ok(entry.map_or(TenantId(uuid::Uuid::nil()), |entry| entry.id))
    }

    /// What signs tokens.
    pub(super) fn state(&self) -> Data<State> {
        self.request.state.clone()
    }

    /// The call that the registry is asked with.
    pub(super) fn call(&self) -> Reply<Call> {
        self.request.call()
    }

    /// Reads.
    pub(super) async fn read<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.read(&self.request.call()?, resource, body).await?)
    }

    /// Changes.
    pub(super) async fn write<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.write(&self.request.call()?, resource, body).await?)
    }

    /// Reads a page.
    pub(super) async fn list<T, Q, F>(
        &self,
        resource: A::Resource,
        query: Query<Q>,
        body: F,
    ) -> Reply<Listed<T>>
    where
        T: Send + 'static,
        Q: Filter,
        F: Fn(&ReadTx<'_, A>, &Q, &PageRequest) -> Result<Page<T>> + Send + 'static,
    {
        let page = self.request.page("platform", &query)?;
        let filter = query.0.clone();
        let found = self.read(resource, move |tx| body(tx, &filter, &page)).await?;
        Ok(self.request.listed("platform", &query, found))
    }

    /// Runs a use case that spans files, on the blocking pool.
    pub(super) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        self.request.run(body).await
    }
}

/// The context of the account plane.
#[derive(Debug)]
pub(super) struct AccountContext<A> {
    request: Request,
    action: PhantomData<fn() -> A>,
}

impl<A: Action<Plane = AccountPlane, Resource = AccountId>> FromRequest for AccountContext<A> {
    type Error = Failure;
    type Future = LocalBoxFuture<'static, std::result::Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let request = Request::of(&request, Plane::Other).await?;
            Ok(Self { request: request.turn().await, action: PhantomData })
        })
    }
}

impl<A: Action<Plane = AccountPlane, Resource = AccountId>> AccountContext<A> {
    /// The caller's account.
    pub(super) fn account(&self) -> Reply<AccountId> {
        let account = self.request.caller.subject.account();
        account.ok_or_else(|| Error::Unauthenticated("the caller is no account").into())
    }

    /// Reads the caller's own rows.
    pub(super) async fn read<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.read(&self.request.call()?, self.account()?, body).await?)
    }

    /// Changes the caller's own rows.
    pub(super) async fn write<T, F>(&self, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.write(&self.request.call()?, self.account()?, body).await?)
    }

    /// Runs a use case that spans files, on the blocking pool.
    pub(super) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        self.account()?;
        self.request.run(body).await
    }

    /// Writes down what the credential's issuer says of the caller's address, if it says anything new; for what is
    /// answered by it. The door is asked first: whoever may do nothing is not listened to.
    pub(super) async fn hear(&self) -> Reply<()> {
        let account = self.account()?;
        let said = self.request.http.extensions().get::<Arc<Said>>().cloned();
        let Some(said) = said else { return Ok(()) };
        self.read(|_| Ok(())).await?;
        self.request.run(move |registry, _| accounts::hear(registry, account, &said)).await
    }

    /// Verifies a token that the request carries besides its own.
    pub(super) async fn verify(&self, token: &str) -> std::result::Result<Arc<Verified>, Refused> {
        authentication::verify(&self.request.http, &self.request.state, token).await
    }

    /// The caller's identities, with what their issuers say of them.
    pub(super) async fn identities(&self) -> Reply<Vec<KnownIdentity>> {
        let account = self.account()?;
        self.request.run(move |registry, _| accounts::identities(registry, account)).await
    }

    /// Who calls.
    pub(super) fn caller(&self) -> &Arc<Caller> {
        &self.request.caller
    }

    /// What every request can reach.
    pub(super) fn state(&self) -> &State {
        &self.request.state
    }

    /// Reads a page of the caller's own rows.
    pub(super) async fn list<T, Q, F>(&self, query: Query<Q>, body: F) -> Reply<Listed<T>>
    where
        T: Send + 'static,
        Q: Filter,
        F: Fn(&ReadTx<'_, A>, &Q, &PageRequest) -> Result<Page<T>> + Send + 'static,
    {
        // A cursor is good for the account that it was told to.
        let whose = self.account()?.to_string();
        let page = self.request.page(&whose, &query)?;
        let filter = query.0.clone();
        let found = self.read(move |tx| body(tx, &filter, &page)).await?;
        Ok(self.request.listed(&whose, &query, found))
    }

    /// Reads the tenant that the credential is for, if it is in service and the caller belongs to it; for what the caller
    /// may learn about itself, so that what the credential is narrowed to does not matter.
    pub(super) async fn read_tenant<B, T, F>(&self, body: F) -> Reply<Option<T>>
    where
        B: Action<Plane = TenantPlane, Resource = TenantId>,
        T: Send + 'static,
        F: Fn(&ReadTx<'_, B>, TenantId) -> Result<T> + Send + 'static,
    {
        let registry = &self.request.state.registry;
        let Some(tenant) = self.request.caller.tenant else { return Ok(None) };
        let Some(entry) = registry.resolve(&TenantReference::Id(tenant))? else { return Ok(None) };
        if entry.status != crate::domain::TenantStatus::Active {
            return Ok(None);
        }
        let store = self.request.enter(&entry).await?;
        let call = self.request.call()?;
        let call =
            Call { caller: Arc::new(Caller { scopes: None, ..(*call.caller).clone() }), ..call };
        match store.read(&call, tenant, move |tx| body(tx, tenant)).await {
            Ok(found) => Ok(Some(found)),
            Err(Error::NotFound | Error::Forbidden) => Ok(None),
            Err(error) => Err(error.into()),
        }
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

impl<A: Action> Describe for TenantContext<A> {
    fn describe(sketch: &mut Sketch) {
        secured::<A>(sketch);
        sketch.problems(&[(
            400,
            "A parameter cannot be accepted, or the sources of the tenant disagree",
        )]);
        sketch.header(
            "Freehold-Tenant",
            "The tenant's slug or id; must agree with path and host.",
            Required::False,
        );
        sketch.header(
            "Freehold-Break-Glass",
            "The break-glass entry by which an operator, with a platform credential, enters the tenant.",
            Required::False,
        );
    }
}

impl<A: Action> Describe for PlatformContext<A> {
    fn describe(sketch: &mut Sketch) {
        secured::<A>(sketch);
        sketch.problems(&[(400, "A parameter cannot be accepted")]);
    }
}

impl<A: Action> Describe for AccountContext<A> {
    fn describe(sketch: &mut Sketch) {
        secured::<A>(sketch);
        sketch.problems(&[(400, "The request cannot be read")]);
    }
}
