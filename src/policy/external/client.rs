//! One external decision point: a request, and an answer that is clear, or none.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, StatusCode, Url};
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::breaker::{Breaker, Change, Pass};
use super::{PointSettings, point_id};
use crate::domain::{
    DecisionRequest, ExternalAnswer, ExternalDecisionPoint, OnExternalAnswer, Secret,
};
use crate::outbound::{self, Outside, cause};

/// Requests to one decision point at once.
const MAX_AT_ONCE: usize = 64;
/// How long a connection that nobody uses is kept: less than servers keep theirs.
const IDLE: Duration = Duration::from_secs(2);

/// One external decision point.
pub(super) struct Point {
    id: String,
    line: Arc<Line>,
    outside: Outside,
}

/// What a request needs.
struct Line {
    id: String,
    url: Url,
    http: Client,
    timeout: Duration,
    turns: Semaphore,
    breaker: Breaker,
}

/// Why there is no answer.
#[derive(Debug)]
struct Failed {
    reason: String,
    retry_after_s: u32,
    /// Whether it is the decision point's failing.
    is_theirs: bool,
}

impl Failed {
    fn theirs(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), retry_after_s: 1, is_theirs: true }
    }
}

/// An answer (AuthZEN's Authorization API 1.0, section 5.5). What else it has is for others.
#[derive(Deserialize)]
struct Answer {
    decision: bool,
}

pub(super) fn client(url: &Url, token: &Secret) -> Result<Client, String> {
    let builder = outbound::builder(url).pool_idle_timeout(IDLE).default_headers(headers(token)?);
    builder.build().map_err(|error| cause(&error))
}

fn headers(token: &Secret) -> Result<HeaderMap, String> {
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if !token.is_empty() {
        let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
        let mut value = value.map_err(|_| "the token is none that a header can carry")?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

impl Point {
    pub(super) fn new(settings: &PointSettings, outside: Outside) -> Result<Self, String> {
        let url: Url = settings.url.parse().map_err(|_| "is no URL".to_owned())?;
        let id = point_id(&url);
        let line = Line {
            id: id.clone(),
            http: client(&url, &settings.token)?,
            url,
            timeout: settings.timeout,
            turns: Semaphore::new(MAX_AT_ONCE),
            breaker: Breaker::new(settings.breaker),
        };
        Ok(Self { id, line: Arc::new(line), outside })
    }
}

impl ExternalDecisionPoint for Point {
    fn id(&self) -> &str {
        &self.id
    }

    fn ask(&self, request: &DecisionRequest, on_answer: OnExternalAnswer) {
        let line = self.line.clone();
        let body = serde_json::to_vec(request);
        let correlation = request.context.correlation_id.clone();
        self.outside.spawn(async move {
            let outcome = match body {
                Ok(body) => line.ask(body, &correlation).await,
                Err(error) => Err(Failed::theirs(error.to_string())),
            };
            on_answer(match outcome {
                Ok(true) => ExternalAnswer::Permit,
                Ok(false) => ExternalAnswer::Deny,
                Err(Failed { reason, retry_after_s, .. }) => {
                    ExternalAnswer::Silence { reason, retry_after_s }
                }
            });
        });
    }
}

/// A request under way; one that is given up has failed.
struct Asking<'l> {
    line: &'l Line,
    pass: Option<Pass>,
}

impl Asking<'_> {
    fn report(&mut self, answered: bool) {
        let change =
            self.pass.take().and_then(|pass| self.line.breaker.report(pass, answered, now()));
        let id = self.line.id.as_str();
        match change {
            Some(Change::Opened) => {
                tracing::warn!(
                    decision_point = id,
                    "a decision point does not answer: what it is asked about is refused"
                );
            }
            Some(Change::Closed) => {
                tracing::info!(decision_point = id, "a decision point answers again");
            }
            None => {}
        }
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        self.report(false);
    }
}

fn now() -> Instant {
    tokio::time::Instant::now().into()
}

impl Line {
    async fn ask(&self, body: Vec<u8>, correlation: &str) -> Result<bool, Failed> {
        let until = tokio::time::Instant::now() + self.timeout;
        let turn = tokio::time::timeout_at(until, self.turns.acquire()).await;
        let Ok(Ok(_turn)) = turn else {
            let reason = "too many are asking".to_owned();
            return Err(Failed { reason, retry_after_s: 1, is_theirs: false });
        };
        let pass = self.breaker.enter(now()).map_err(closed_to_all)?;
        let mut asking = Asking { line: self, pass: Some(pass) };
        let outcome = tokio::time::timeout_at(until, self.send(body, correlation)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(Failed::theirs("it did not answer in time")));
        asking.report(outcome.is_ok());
        if let Err(failed) = &outcome
            && failed.is_theirs
        {
            tracing::debug!(decision_point = self.id, reason = failed.reason, "no answer");
        }
        outcome
    }

    async fn send(&self, body: Vec<u8>, correlation: &str) -> Result<bool, Failed> {
        let request = self.http.post(self.url.clone()).body(body);
        let request = match HeaderValue::from_str(correlation) {
            Ok(id) => request.header("x-request-id", id),
            Err(_) => request,
        };
        let response = request.send().await.map_err(|error| Failed::theirs(cause(&error)))?;
        if response.status() != StatusCode::OK {
            return Err(Failed::theirs(format!("it answered {}", response.status().as_u16())));
        }
        decision(&outbound::read(response).await.map_err(Failed::theirs)?)
    }
}

/// A decision, if there is one: an object with a boolean of that name, once.
fn decision(body: &[u8]) -> Result<bool, Failed> {
    let is_object = body.trim_ascii_start().first() == Some(&b'{');
    let answer = serde_json::from_slice::<Answer>(body).ok().filter(|_| is_object);
    let answer = answer.ok_or_else(|| Failed::theirs("its answer is no decision"))?;
    Ok(answer.decision)
}

fn closed_to_all(wait: Duration) -> Failed {
    let seconds = u32::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u32::MAX);
    Failed {
        reason: "it did not answer before, and is not asked for a while".to_owned(),
        retry_after_s: seconds.max(1),
        is_theirs: false,
    }
}

#[cfg(test)]
mod tests {
    use super::decision;

    #[test]
    fn a_decision_is_a_boolean_of_an_object_and_nothing_else_is() {
        for (body, expected) in [
            (r#"{"decision": true}"#, true),
            (r#" {"decision": false, "context": {"decision": true}}"#, false),
        ] {
            assert_eq!(decision(body.as_bytes()).ok(), Some(expected), "{body}");
        }
        for body in [
            "",
            "{}",
            "true",
            "[true]",
            r#"{"decision": "true"}"#,
            r#"{"decision": 1}"#,
            r#"{"decision": null}"#,
            r#"{"decision": [true]}"#,
            r#"{"Decision": true}"#,
            r#"{"decision": true} true"#,
            r#"{"decision": false, "decision": true}"#,
            r#"{"decision": true"#,
        ] {
            assert!(decision(body.as_bytes()).is_err(), "{body}");
        }
    }
}
