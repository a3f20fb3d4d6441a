//! Whoever brings a credential in a request's body: no caller yet.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::address;
use super::admission::Party;
use super::authentication;
use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::middleware::RequestIds;
use super::reply::Reply;
use super::state::State;
use super::turns;
use crate::domain::{
    AccountState, Call, Caller, Error, Result, Said, Subject, SystemTask, TenantReference,
    TenantStatus,
};
use crate::identity::Verified;
use crate::services::{accounts, tokens};
use crate::storage::Registry;

/// The context of whoever brings a credential in the body: it is no caller yet.
#[derive(Debug)]
pub(super) struct Holder {
    http: HttpRequest,
    state: Data<State>,
    ids: RequestIds,
}

impl FromRequest for Holder {
    type Error = Failure;
    type Future = Ready<std::result::Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let lost = |what: &str| Failure::from(Error::Internal(format!("no {what}")));
        let state = request.app_data::<Data<State>>().cloned().ok_or_else(|| lost("state"));
        let ids = request.extensions().get::<RequestIds>().cloned();
        let ids = ids.ok_or_else(|| lost("request id"));
        let http = request.clone();
        ready(state.and_then(|state| {
            address::count(&http, &state)?;
            Ok(Self { http, state, ids: ids? })
        }))
    }
}

/// Says what is answered where the credential in the body is not good for what is asked.
#[derive(Debug)]
pub(super) struct GoodCredential;

impl FromRequest for GoodCredential {
    type Error = Failure;
    type Future = Ready<std::result::Result<Self, Failure>>;

    fn from_request(_: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self))
    }
}

impl Describe for GoodCredential {
    fn describe(sketch: &mut Sketch) {
        sketch.problems(&[
            (401, "The credential is not good"),
            (404, "There is no such tenant, or none that the credential's holder may know of"),
        ]);
    }
}

impl Describe for Holder {
    fn describe(sketch: &mut Sketch) {
        sketch.problems(&[
            (403, "The tenant of the key is out of service"),
            (
                429,
                "The client's address, the caller or the tenant has sent as many requests as it may in a minute",
            ),
            (503, "Too much at once, or the tenant of the key is out of service"),
        ]);
        sketch.answer_header(429, "Retry-After", "Seconds until one is taken again.");
        sketch.answer_header(503, "Retry-After", "Seconds until a try may succeed.");
    }
}

impl Holder {
    /// What every request can reach.
    pub(super) fn state(&self) -> Data<State> {
        self.state.clone()
    }

    /// Whose a credential is. One that is refused is written down in the platform's audit log.
    pub(super) async fn of(&self, credential: &str) -> Reply<Caller> {
        let (http, state, ids) = (&self.http, &self.state, &self.ids);
        authentication::holder_of(credential, http, state, ids).await
    }

    /// The same, with a place among their requests.
    pub(super) async fn enter(&self, credential: &str) -> Reply<Arc<Caller>> {
        let caller = self.of(credential).await?;
        self.turn_of(caller.subject).await?;
        Ok(Arc::new(caller))
    }

    /// Takes a place among a subject's requests.
    async fn turn_of(&self, subject: Subject) -> Reply<()> {
        if let Some(own) = subject.principal() {
            self.state.admission.enter(Party::Caller(own), &self.http)?;
            turns::wait(&self.http, Party::Caller(own)).await;
        }
        Ok(())
    }

    /// Counts the request among those of the tenant that a credential is exchanged for, if it is for one.
    pub(super) async fn count(&self, caller: &Arc<Caller>, tenant: Option<&str>) -> Reply<()> {
        let registry = &self.state.registry;
        let Some(tenant) = tokens::tenant_of(registry, caller, tenant)? else { return Ok(()) };
        let entry = registry.resolve(&TenantReference::Id(tenant))?;
        let entry = entry.filter(|entry| entry.status == TenantStatus::Active);
        let entry = entry.ok_or(Error::NotFound)?;
        self.state.admission.enter(Party::Tenant(tenant), &self.http)?;
        turns::wait(&self.http, Party::Tenant(tenant)).await;
        let call = Call { caller: caller.clone(), ..self.call() };
        let store = registry.open(&entry).await?;
        Ok(self.state.rates.admit(&store, &call, &self.http).await?)
    }

    /// What a token says, by every issuer that may have signed it, each with its subject if that is known here.
    pub(super) async fn readings(
        &self,
        token: &str,
    ) -> Reply<Vec<(Arc<Verified>, Option<Subject>)>> {
        let mut readings = Vec::new();
        for verified in authentication::readings_of(token, &self.state, &self.ids).await? {
            let subject = authentication::subject_of(&verified, &self.state)?.ok();
            if let Some(subject) = subject.filter(|_| readings.is_empty()) {
                self.turn_of(subject).await?;
            }
            readings.push((verified, subject));
        }
        Ok(readings)
    }

    /// The tenant of an API key that was made here, if the tenant is out of service: whether the key is there cannot be
    /// found out now.
    pub(super) fn unavailable(&self, key: &str) -> Reply<Option<TenantStatus>> {
        let tenant = self.state.api_keys.read(key).and_then(|key| key.tenant);
        let Some(tenant) = tenant else { return Ok(None) };
        let entry = self.state.registry.resolve(&TenantReference::Id(tenant))?;
        let status = entry.map(|entry| entry.status);
        Ok(status.filter(|it| matches!(it, TenantStatus::Archived | TenantStatus::Quarantined)))
    }

    /// Writes down what the credential's issuer says of its holder's address, and lets them join where that lets them.
    pub(super) async fn hear(&self, caller: &Caller) -> Reply<()> {
        let said = self.http.extensions().get::<Arc<Said>>().cloned();
        let (Some(said), Some(account)) = (said, caller.subject.account()) else { return Ok(()) };
        // Whoever may do nothing is not listened to.
        let registry = &self.state.registry;
        let is_active = registry.account(account)?.state == Some(AccountState::Active);
        if !is_active || !registry.is_live(caller)? {
            return Ok(());
        }
        self.run(move |registry, call| accounts::hear(registry, call, account, &said)).await
    }

    fn call(&self) -> Call {
        Call {
            request_id: self.ids.request.clone(),
            correlation_id: self.ids.correlation.clone(),
            ..Call::system(SystemTask::Revoke)
        }
    }

    /// Runs a use case on the blocking pool; the call says which request it is for, and not yet whose.
    pub(super) async fn run<T, F>(&self, body: F) -> Reply<T>
    where
        T: Send + 'static,
        F: FnOnce(&Registry, &Call) -> Result<T> + Send + 'static,
    {
        let (registry, call) = (self.state.registry.clone(), self.call());
        let ended = actix_web::web::block(move || body(&registry, &call)).await;
        Ok(ended.map_err(|error| Error::Internal(error.to_string()))??)
    }
}
