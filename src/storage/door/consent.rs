//! The external decision point, asked before a change is queued: outside of every transaction and lock.
//!
//! What it consents to is a request. The writer makes the request anew from what holds in its own transaction; where the
//! two differ, the change is not made, and whoever queued it asks again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::{Door, Refusal, record};
use crate::domain::{
    Action, AuditDecision, Call, DecisionRequest, Error, ExternalAnswer, ExternalDecisionPoint,
    Facts, Plane, Result, Target,
};

/// What a change is queued with, besides our own decision.
pub(in crate::storage) enum Consent {
    /// Nobody is asked about it.
    NotNeeded,
    /// Somebody was asked, and permits it.
    Given(Box<Given>),
}

/// A permit of the external decision point.
pub(in crate::storage) struct Given {
    by: Arc<dyn ExternalDecisionPoint>,
    request: DecisionRequest,
    has_moved: Moved,
}

/// Told whether what was consented to was no longer what is so when the change was to be made.
#[derive(Clone, Default)]
pub(in crate::storage) struct Moved(Arc<AtomicBool>);

impl Moved {
    /// Whether it was not made for that reason.
    pub(in crate::storage) fn has_moved(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self, moved: bool) {
        self.0.store(moved, Ordering::Release);
    }
}

/// Who is asked about an action besides.
pub(in crate::storage) fn asked<A: Action>(
    door: &dyn Door,
) -> Result<Option<Arc<dyn ExternalDecisionPoint>>> {
    let points = &door.core().external;
    if points.is_empty() {
        return Ok(None);
    }
    let home = door.home()?;
    Ok(points.asked(A::Plane::NAME, home.as_ref().map(|(id, slug)| (*id, slug)), A::NAME))
}

/// The request about facts that hold at a door.
pub(super) fn request(
    door: &dyn Door,
    call: &Call,
    target: &Target,
    facts: &Facts,
) -> Result<DecisionRequest> {
    Ok(DecisionRequest::of(facts, &call.caller, &call.correlation_id, target, door.home()?))
}

/// Asks; the answer comes when it comes.
pub(in crate::storage) fn ask(
    point: &dyn ExternalDecisionPoint,
    request: &DecisionRequest,
) -> oneshot::Receiver<ExternalAnswer> {
    let (sender, receiver) = oneshot::channel();
    let on_answer = move |answer| {
        // Whoever asked may have gone: nothing is done then.
        let _gone = sender.send(answer);
    };
    point.ask(request, Box::new(on_answer));
    receiver
}

/// What an answer comes to: a consent, or a refusal that is audited as the external decision point's own.
pub(in crate::storage) fn given<A: Action>(
    door: &dyn Door,
    call: &Call,
    target: &Target,
    by: Arc<dyn ExternalDecisionPoint>,
    request: DecisionRequest,
    answer: Option<ExternalAnswer>,
) -> Result<Box<Given>, Refusal> {
    let silence =
        || ExternalAnswer::Silence { reason: "it was given up".to_owned(), retry_after_s: 1 };
    let (error, said) = match answer.unwrap_or_else(silence) {
        ExternalAnswer::Permit => {
            return Ok(Box::new(Given { by, request, has_moved: Moved::default() }));
        }
        ExternalAnswer::Deny => (Error::ExternallyDenied, json!({ "answer": "deny" })),
        ExternalAnswer::Silence { reason, retry_after_s } => {
            let said = json!({ "answer": null, "reason": reason });
            (Error::ExternalUnavailable { reason, retry_after_s }, said)
        }
    };
    let policies = [by.id().to_owned()];
    let mut record = record(door, call, A::NAME, target, AuditDecision::Deny, &policies);
    record.summary = summary(by.id(), said).to_string();
    Err(Refusal { error, trace: Some(Box::new(record.into())) })
}

fn summary(id: &str, mut said: Value) -> Value {
    said["decision_point"] = json!(id);
    said
}

impl Given {
    /// Tells whether the change was not made because things had moved.
    pub(in crate::storage) fn moved(&self) -> Moved {
        self.has_moved.clone()
    }
}

impl Consent {
    /// Begins a run of the change.
    pub(super) fn begin(&self) {
        if let Self::Given(given) = self {
            given.has_moved.set(false);
        }
    }

    /// Whether it was given for what these facts come to.
    pub(super) fn is_for(
        &self,
        door: &dyn Door,
        call: &Call,
        target: &Target,
        facts: &Facts,
    ) -> Result<bool> {
        match self {
            Self::NotNeeded => Ok(true),
            Self::Given(given) => Ok(given.request == request(door, call, target, facts)?),
        }
    }

    /// Refuses what it was not given for.
    pub(super) fn check(
        &self,
        door: &dyn Door,
        call: &Call,
        target: &Target,
        facts: &Facts,
    ) -> Result<()> {
        if self.is_for(door, call, target, facts)? {
            return Ok(());
        }
        if let Self::Given(given) = self {
            given.has_moved.set(true);
        }
        Err(Error::Busy { retry_after_s: 1 })
    }

    /// The policies that decided, and whoever was asked besides.
    pub(super) fn joined(&self, policies: Arc<[String]>) -> Arc<[String]> {
        match self {
            Self::NotNeeded => policies,
            Self::Given(given) => {
                policies.iter().cloned().chain([given.by.id().to_owned()]).collect()
            }
        }
    }
}
