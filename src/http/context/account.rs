//! The context of the account plane: the caller, and what is the caller's own wherever it is kept.

use std::marker::PhantomData;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use futures_util::future::LocalBoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Request, secured};
use crate::domain::action::{AccountPlane, TenantPlane};
use crate::domain::{
    AccountId, Action, Call, Caller, Error, KnownIdentity, Page, PageRequest, Result, Said,
    TenantId, TenantReference,
};
use crate::http::authentication::{self, Plane};
use crate::http::describe::{Describe, Sketch};
use crate::http::failure::Failure;
use crate::http::parameters::{Filter, Query};
use crate::http::reply::{Listed, Reply};
use crate::http::state::State;
use crate::identity::{Refused, Verified};
use crate::services::accounts;
use crate::storage::{ReadTx, Registry, WriteTx};

/// The context of the account plane.
#[derive(Debug)]
pub(in crate::http) struct AccountContext<A> {
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
    pub(in crate::http) fn account(&self) -> Reply<AccountId> {
        let account = self.request.caller.subject.account();
        account.ok_or_else(|| Error::Forbidden.into())
    }

    /// Reads the caller's own rows.
    pub(in crate::http) async fn read<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: Fn(&ReadTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.read(&self.request.call()?, self.account()?, body).await?)
    }

    /// Changes the caller's own rows.
    pub(in crate::http) async fn write<T, F>(&self, body: F) -> Reply<T>
    where
        T: Serialize + DeserializeOwned + Send + 'static,
        F: Fn(&mut WriteTx<'_, A>) -> Result<T> + Send + 'static,
    {
        Ok(self.request.state.registry.write(&self.request.call()?, self.account()?, body).await?)
    }

    /// Runs a use case that spans files, on the blocking pool.
    pub(in crate::http) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        self.account()?;
        self.request.run(body).await
    }

    /// Writes down what the credential's issuer says of the caller's address, if it says anything new; for what is
    /// answered by it. The door is asked first: whoever may do nothing is not listened to.
    pub(in crate::http) async fn hear(&self) -> Reply<()> {
        let account = self.account()?;
        let said = self.request.http.extensions().get::<Arc<Said>>().cloned();
        let Some(said) = said else { return Ok(()) };
        self.read(|_| Ok(())).await?;
        self.request.run(move |registry, call| accounts::hear(registry, call, account, &said)).await
    }

    /// Verifies a token that the request carries besides its own.
    pub(in crate::http) async fn verify(
        &self,
        token: &str,
    ) -> std::result::Result<Arc<Verified>, Refused> {
        authentication::verify(&self.request.http, &self.request.state, token).await
    }

    /// The caller's identities, with what their issuers say of them.
    pub(in crate::http) async fn identities(&self) -> Reply<Vec<KnownIdentity>> {
        let account = self.account()?;
        self.request.run(move |registry, _| accounts::identities(registry, account)).await
    }

    /// Who calls.
    pub(in crate::http) fn caller(&self) -> &Arc<Caller> {
        &self.request.caller
    }

    /// What every request can reach.
    pub(in crate::http) fn state(&self) -> &State {
        &self.request.state
    }

    /// Reads a page of the caller's own rows.
    pub(in crate::http) async fn list<T, Q, F>(&self, query: Query<Q>, body: F) -> Reply<Listed<T>>
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
        self.request.listed(&whose, &query, found)
    }

    /// Reads the tenant that the credential is for, if it is in service and the caller belongs to it; for what the caller
    /// may learn about itself, so that what the credential is narrowed to does not matter.
    pub(in crate::http) async fn read_tenant<B, T, F>(&self, body: F) -> Reply<Option<T>>
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

impl<A: Action> Describe for AccountContext<A> {
    fn describe(sketch: &mut Sketch) {
        secured::<A>(sketch);
        sketch.problems(&[
            (400, "The request cannot be read"),
            (429, "A limit of requests a minute is used up: the tenant's, or the caller's share of it"),
        ]);
        sketch.answer_header(429, "Retry-After", "Seconds until one is taken again.");
    }
}
