//! The context of the platform plane: the caller, and the way to the registry.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Request, secured};
use crate::domain::action::PlatformPlane;
use crate::domain::{Action, Call, Page, PageRequest, Platform, Result, TenantId, TenantReference};
use crate::http::authentication::Plane;
use crate::http::describe::{Describe, Sketch};
use crate::http::failure::Failure;
use crate::http::parameters::{Filter, Query};
use crate::http::reply::{Listed, Reply};
use crate::http::state::State;
use crate::http::ties::Ties;
use crate::storage::{ReadTx, Registry, WriteTx};

/// The context of the platform plane.
#[derive(Debug)]
pub(in crate::http) struct PlatformContext<A> {
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
    pub(in crate::http) fn tenant(&self, reference: &TenantReference) -> Reply<TenantId> {
        let entry = self.request.state.registry.resolve(reference)?;
        Ok(entry.map_or(TenantId(uuid::Uuid::nil()), |entry| entry.id))
    }

    /// What signs tokens.
    pub(in crate::http) fn state(&self) -> Data<State> {
        self.request.state.clone()
    }

    /// The call that the registry is asked with.
    pub(in crate::http) fn call(&self) -> Reply<Call> {
        self.request.call()
    }

    /// Follows commits in which something happened on the platform, as one of the few who may at once.
    pub(in crate::http) fn follow(&self) -> Reply<Ties> {
        self.request.stay(None)?;
        Ok(self.request.ties(self.request.state.registry.follow()))
    }

    /// Waits until the next page of a long answer may be read, and authenticates the caller again.
    pub(in crate::http) async fn turn_page(&self) -> Reply<()> {
        self.request.turn_page(None).await
    }

    /// Asks the door, for whoever may do what the handler is for.
    pub(in crate::http) async fn prepare_webhooks(&self) -> Reply<()>
    where
        A: Action<Resource = Platform>,
    {
        self.read(Platform, |_| Ok(())).await
    }

    /// Reads.
    pub(in crate::http) async fn read<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.read(&self.request.call()?, resource, body).await?)
    }

    /// Changes.
    pub(in crate::http) async fn write<T, F>(&self, resource: A::Resource, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.write(&self.request.call()?, resource, body).await?)
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
        let page = self.request.page("platform", &query)?;
        let filter = query.0.clone();
        let found = self.read(resource, move |tx| body(tx, &filter, &page)).await?;
        self.request.listed("platform", &query, found)
    }

    /// Runs a use case that spans files, on the blocking pool.
    pub(in crate::http) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        self.request.run(body).await
    }
}

impl<A: Action> Describe for PlatformContext<A> {
    fn describe(sketch: &mut Sketch) {
        secured::<A>(sketch);
        sketch.problems(&[(400, "A parameter cannot be accepted")]);
    }
}
