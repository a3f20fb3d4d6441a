//! A browser at the doors of the log-in: no caller yet, or one by the cookie of a session.

use actix_web::dev::Payload;
use actix_web::http::header::HeaderValue;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use serde_json::json;
use std::future::{Ready, ready};

use super::address;
use super::authentication::{self, Plane};
use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::login::{self, Login};
use super::middleware::RequestIds;
use super::refusal::refusal;
use super::reply::Reply;
use super::state::State;
use crate::domain::action::{EndSession, LinkIdentity};
use crate::domain::{
    AccountId, Arrival, AuditRecord, BegunSession, Call, Error, LoginProblem, SessionId, SystemTask,
};
use crate::services::sessions::LogIn;
use crate::services::{identities, sessions};

/// A browser that logs in.
#[derive(Debug)]
pub(super) struct Visit {
    http: HttpRequest,
    state: Data<State>,
    ids: RequestIds,
}

impl Visit {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let lost = |what: &str| Failure::from(Error::Internal(format!("no {what}")));
        let state = request.app_data::<Data<State>>().ok_or_else(|| lost("state"))?.clone();
        address::count(request, &state)?;
        let ids = request.extensions().get::<RequestIds>().cloned();
        Ok(Self { http: request.clone(), state, ids: ids.ok_or_else(|| lost("request id"))? })
    }

    /// What every request can reach.
    pub(super) fn state(&self) -> &State {
        &self.state
    }

    /// What lets browsers log in; nothing is here where they cannot, and on every other host.
    pub(super) fn login(&self) -> Reply<&Login> {
        let login = self.state.login.as_ref().ok_or(Error::NotFound)?;
        if login.is_here(&self.http, &self.state.settings)? {
            Ok(login)
        } else {
            Err(Error::NotFound.into())
        }
    }

    /// A cookie.
    pub(super) fn cookie(&self, name: &str) -> Reply<Option<&str>> {
        Ok(login::cookie(&self.http, name)?)
    }

    /// The call of whoever has a session here.
    async fn call(&self) -> Reply<(Call, AccountId, SessionId)> {
        let (http, state, ids) = (&self.http, &self.state, &self.ids);
        let caller = authentication::caller(http, state, ids, Plane::Other).await?;
        let none = || Failure::from(Error::Unauthenticated("there is no session"));
        let (account, session) = (caller.subject.account(), caller.credential.session);
        let (account, session) = (account.ok_or_else(none)?, session.ok_or_else(none)?);
        let call = Call {
            caller,
            request_id: self.ids.request.clone(),
            correlation_id: self.ids.correlation.clone(),
            idempotency: None,
            reservation: None,
        };
        Ok((call, account, session))
    }

    /// The session to whose account an identity may be linked, if a page of ours asks, and the log-in is as strong and
    /// as recent as that demands.
    pub(super) async fn linker(&self) -> Reply<SessionId> {
        let (call, account, session) = self.call().await?;
        if !login::is_same_origin(self.http.headers())? {
            return Err(Failure::CrossSite);
        }
        self.state.registry.read::<LinkIdentity, _, _>(&call, account, |_| Ok(())).await?;
        Ok(session)
    }

    /// Links whom the provider means to the account of the session that asked for it.
    pub(super) async fn link(&self, asked: SessionId, arrival: Arrival) -> Reply<()> {
        let (call, account, session) = self.call().await?;
        if session != asked {
            return Err(Error::from(LoginProblem::StateInvalid).into());
        }
        let identity = arrival.identity;
        let registry = &self.state.registry;
        let linked = registry.write::<LinkIdentity, _, _>(&call, account, move |tx| {
            identities::link(tx, &identity).map(drop)
        });
        Ok(linked.await?)
    }

    /// Lets somebody in, and answers the cookie of the new session; one that the browser had before ends.
    pub(super) async fn enter(&self, wanted: LogIn) -> Reply<HeaderValue> {
        let registry = self.state.registry.clone();
        let call = Call {
            request_id: self.ids.request.clone(),
            correlation_id: self.ids.correlation.clone(),
            ..Call::system(SystemTask::LogIn)
        };
        let begun = actix_web::web::block(move || sessions::begin(&registry, &call, wanted)).await;
        let begun: BegunSession = begun.map_err(|error| Error::Internal(error.to_string()))??;
        if let Ok((call, account, session)) = self.call().await {
            let registry = &self.state.registry;
            let ended = registry.write::<EndSession, _, _>(&call, account, move |tx| {
                sessions::end(tx, Some(session)).map(drop)
            });
            if let Err(error) = ended.await {
                tracing::debug!(error = %error, "the session before could not be ended");
            }
        }
        Ok(Login::session_cookie(&self.state.signer, &begun)?)
    }

    /// Writes down that a log-in failed, and why: in the platform's audit log, where further ones within a minute that
    /// fail alike are counted. The issuer is the one where it began, if it began here.
    pub(super) async fn note(&self, error: &Error, issuer: Option<&str>) -> Reply<()> {
        let summary = json!({ "code": error.code(), "issuer": issuer });
        let record = AuditRecord {
            target_type: "session".to_owned(),
            target_id: error.code().to_owned(),
            ..refusal(&self.state, &self.ids, "system:log_in", "session.begin", &summary)
        };
        Ok(self.state.registry.note_refusal(record).await?)
    }
}

impl FromRequest for Visit {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Describe for Visit {
    fn describe(sketch: &mut Sketch) {
        sketch.problems(&[
            (403, "The provider, or this installation, does not let the person in"),
            (404, "Nobody logs in here"),
            (409, "The identity is somebody's already"),
            (429, "The client's address has sent as many requests as it may in a minute"),
            (502, "The provider does not answer, or said what cannot be trusted"),
            (503, "Too much at once"),
        ]);
        sketch.answer_header(429, "Retry-After", "Seconds until one is taken again.");
    }
}
