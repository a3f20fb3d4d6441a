//! The context of the tenant plane: the caller, the tenant that the request means, and the way to its file.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::openapi::Required;

use super::{Request, secured};
use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Call, Caller, Error, Letters, Page, PageRequest, Position, Result, Target, TenantId,
};
use crate::http::authentication::Plane;
use crate::http::describe::{Describe, Sketch};
use crate::http::failure::Failure;
use crate::http::parameters::{Filter, Query};
use crate::http::reply::{Listed, Reply};
use crate::http::resolution::{Resolved, resolve};
use crate::http::state::State;
use crate::http::ties::Ties;
use crate::storage::{ReadTx, Registry, TenantEntry, TenantStore, WriteTx};

/// The context of the tenant plane.
#[derive(Debug)]
pub(in crate::http) struct TenantContext<A> {
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
    pub(in crate::http) fn tenant(&self) -> TenantId {
        self.entry.id
    }

    /// What the registry knows of the tenant.
    pub(in crate::http) fn entry(&self) -> Arc<TenantEntry> {
        self.entry.clone()
    }

    /// The registry, for what must be looked up there before a change is queued.
    pub(in crate::http) fn registry(&self) -> &Registry {
        &self.request.state.registry
    }

    /// Follows commits in which something happened here, as one of the few who may at once.
    pub(in crate::http) fn follow(&self) -> Reply<Ties> {
        self.request.stay(Some(self.entry.id))?;
        Ok(self.request.ties(self.store.follow()))
    }

    /// Waits until the next page of a long answer may be read, and authenticates the caller again.
    pub(in crate::http) async fn turn_page(&self) -> Reply<()> {
        self.request.turn_page(Some(self.entry.id)).await
    }

    /// For how long events are followed. Whoever entered by break-glass leaves an event with each reading, and is told
    /// what there is already.
    pub(in crate::http) fn follow_for(&self, seconds: Option<u32>) -> Reply<Option<u32>> {
        Ok(if self.call()?.caller.break_glass.is_some() { Some(0) } else { seconds })
    }

    /// Notes, for whoever may do what the handler is for, that the tenant may have webhooks.
    pub(in crate::http) async fn prepare_webhooks(&self) -> Reply<()>
    where
        A: Action<Resource = TenantId>,
    {
        self.read(self.entry.id, |_| Ok(())).await?;
        let tenant = self.entry.id;
        self.run(move |registry, _| registry.note_webhooks(tenant)).await
    }

    /// The call that the store is asked with.
    pub(in crate::http) fn call(&self) -> Reply<Call> {
        self.request.call()
    }

    /// What is written to whom somebody asks in.
    pub(in crate::http) fn letters(&self) -> Arc<Letters> {
        self.request.state.settings.letters.clone()
    }

    /// Who calls.
    pub(in crate::http) fn caller(&self) -> &Caller {
        &self.request.caller
    }

    /// Bytes of an answer that is computed at most.
    pub(in crate::http) fn max_answer_bytes(&self) -> usize {
        self.request.state.settings.max_answer_bytes
    }

    /// What every request can reach.
    pub(in crate::http) fn state(&self) -> Data<State> {
        self.request.state.clone()
    }

    /// Waits until the registry knows what was changed here, so that what is acknowledged is in force.
    pub(in crate::http) async fn followed(&self) -> Reply<()> {
        let store = self.store.clone();
        let ended = actix_web::web::block(move || store.project()).await;
        Ok(ended.map_err(|error| Error::Internal(error.to_string()))??)
    }

    /// Runs a use case that takes its time, on the blocking pool.
    pub(in crate::http) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        self.request.run(body).await
    }

    /// The same request, for another action of the same handler.
    pub(in crate::http) fn act<B: Action<Plane = TenantPlane>>(self) -> TenantContext<B> {
        TenantContext {
            request: self.request,
            entry: self.entry,
            store: self.store,
            action: PhantomData,
        }
    }

    /// The same request, for another action besides this one.
    pub(in crate::http) fn also<B: Action<Plane = TenantPlane>>(&self) -> TenantContext<B> {
        let Self { request, entry, store, .. } = self;
        let (request, entry, store) = (request.clone(), entry.clone(), store.clone());
        TenantContext { request, entry, store, action: PhantomData }
    }

    /// Reads.
    pub(in crate::http) async fn read<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        note::<A>(&resource);
        Ok(self.store.read(&self.request.call()?, resource, body).await?)
    }

    /// Reads as a simulation, one at a time in this tenant.
    pub(in crate::http) async fn simulate<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.store.simulate(&self.request.call()?, resource, body).await?)
    }

    /// Changes.
    pub(in crate::http) async fn write<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        note::<A>(&resource);
        Ok(self.store.write(&self.request.call()?, resource, body).await?)
    }

    /// The position of a cursor that was sealed here for this path, filter and subject.
    pub(in crate::http) fn position(&self, filter: &str, cursor: &str) -> Reply<Position> {
        let tenant = self.entry.id.to_string();
        self.request.position(&tenant, filter, cursor)
    }

    /// A position as a cursor for this path, filter and subject.
    pub(in crate::http) fn cursor(&self, filter: &str, position: &Position) -> Reply<String> {
        let tenant = self.entry.id.to_string();
        self.request.cursor(&tenant, filter, position)
    }

    /// Writes down what row-level security has counted, so that its report is whole; for those who may read it.
    pub(in crate::http) async fn catch_up(&self) -> Reply<()>
    where
        A: Action<Resource = TenantId>,
    {
        self.read(self.entry.id, |_| Ok(())).await?;
        Ok(self.store.write_down_withheld().await?)
    }

    /// Reads a page.
    pub(in crate::http) async fn list<T, Q, F>(
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
        self.request.listed(&tenant, &query, found)
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
            "Freehold-Reservation",
            "The reservation that what the request uses is taken from.",
            Required::False,
        );
        sketch.problems(&[(
            429,
            "A limit of requests a minute is used up: the tenant's, or the caller's share of it",
        )]);
        sketch.answer_header(429, "Retry-After", "Seconds until one is taken again.");
        sketch.header(
            "Freehold-Break-Glass",
            "The break-glass entry by which an operator, with a platform credential, enters the tenant.",
            Required::False,
        );
    }
}
