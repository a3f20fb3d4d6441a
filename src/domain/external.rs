//! The external decision point: whoever is asked besides, before a write is queued.
//!
//! It can refuse what our own decision permits, and never permit what that refuses. Whatever is no clear permit is none.

use std::sync::Arc;

use super::{DecisionRequest, PlaneName, Slug, TenantId};

/// What an external decision point said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExternalAnswer {
    /// It may be done.
    Permit,
    /// It may not.
    Deny,
    /// Nothing that could be relied on.
    Silence {
        /// Why, in words that tell nothing secret.
        reason: String,
        /// Seconds until a try may succeed.
        retry_after_s: u32,
    },
}

/// Takes an answer. Dropped without one, nothing was said.
pub type OnExternalAnswer = Box<dyn FnOnce(ExternalAnswer) + Send>;

/// An external decision point.
pub trait ExternalDecisionPoint: Send + Sync + 'static {
    /// Its name in audit rows: `external:` and its host.
    fn id(&self) -> &str;

    /// Asks. It returns at once, and answers within its time limit, on a thread of its own.
    fn ask(&self, request: &DecisionRequest, on_answer: OnExternalAnswer);
}

/// Whom the configuration names to be asked besides.
pub trait ExternalDecisionPoints: Send + Sync + 'static {
    /// Who is asked about an action on a plane, of a tenant where it is one's business; `None` where nobody is.
    fn asked(
        &self,
        plane: PlaneName,
        tenant: Option<(TenantId, &Slug)>,
        action: &str,
    ) -> Option<Arc<dyn ExternalDecisionPoint>>;

    /// Whether nobody is ever asked about anything.
    fn is_empty(&self) -> bool;
}

/// Nobody is asked.
#[derive(Debug, Clone, Copy)]
pub struct NobodyElse;

impl ExternalDecisionPoints for NobodyElse {
    fn asked(
        &self,
        _: PlaneName,
        _: Option<(TenantId, &Slug)>,
        _: &str,
    ) -> Option<Arc<dyn ExternalDecisionPoint>> {
        None
    }

    fn is_empty(&self) -> bool {
        true
    }
}
