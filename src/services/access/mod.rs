//! May this subject do this to that? Answered by the decision point that guards the doors, from the same facts.
//!
//! What is stored is a fact. What a question says besides counts where an application's manifest declares it, and
//! nowhere else.

mod evaluations;
mod explain;
mod hearing;
mod search;
mod simulate;
mod suppose;

use std::sync::Arc;

pub use self::explain::explain;
use self::explain::policy_info;
use self::hearing::Hearing;
pub use self::simulate::simulate;
use crate::domain::action::{EvaluateAccess, EvaluateOwnAccess, ReadTenant, TenantPlane};
use crate::domain::{
    Action, Caller, Covers, Entity, Error, Evaluation, EvaluationRequest, FoundEntity, Page,
    PageRequest, QuestionParts, Result, Subject, SubjectSearchRequest, TenancyPing, TenantId,
    Timestamp,
};
use crate::storage::tenant::access;
use crate::storage::{ReadTx, Registry};

/// A question that one may ask about oneself.
pub trait Question: Send + Sync + 'static {
    /// What answers it.
    type Answer: Send + 'static;

    /// Whom it is about.
    fn subjects(&self) -> Vec<Ask<'_>>;

    /// Answers it.
    #[doc(hidden)]
    fn answer<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        page: &PageRequest,
    ) -> Result<Self::Answer>;
}

/// Whom a question is about, and the type of resource that it is about: an application has words of its own for people.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'q> {
    subject: &'q Entity,
    resource_type: &'q str,
}

impl<'q> Ask<'q> {
    fn of(question: QuestionParts<'q>) -> Self {
        Self { subject: question.subject, resource_type: &question.resource.kind }
    }
}

/// Whether a question is about whoever asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// It is.
    Own,
    /// It is, if the tenant's applications mean the caller by the words that it uses.
    Perhaps,
    /// It is not.
    Others,
}

/// Whether questions are about whoever asks, as far as it can be told without the tenant.
///
/// # Errors
/// Storage failed.
pub fn whose(registry: &Registry, caller: &Caller, question: &impl Question) -> Result<Whose> {
    if let Subject::ServiceAccount(own) = caller.subject {
        let is_own = |ask: &Ask<'_>| {
            ask.subject.kind == "service_account" && ask.subject.id.parse() == Ok(own)
        };
        let is_own = question.subjects().iter().all(is_own);
        return Ok(if is_own { Whose::Own } else { Whose::Others });
    }
    let Some(caller) = caller.subject.account() else { return Ok(Whose::Others) };
    let mut whose = Whose::Own;
    let mut known: Option<&str> = None;
    for Ask { subject, .. } in question.subjects() {
        if subject.kind == "account" {
            if subject.id.parse() != Ok(caller) {
                return Ok(Whose::Others);
            }
            continue;
        }
        if known != Some(&subject.id) && !registry.is_subject(caller, &subject.id)? {
            return Ok(Whose::Others);
        }
        known = Some(&subject.id);
        whose = Whose::Perhaps;
    }
    Ok(whose)
}

/// Answers a question about anybody.
///
/// # Errors
/// Storage failed. What is not known is no error: its answer is no.
pub fn answer<A: Covers<EvaluateAccess>, Q: Question>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    question: &Q,
    page: &PageRequest,
) -> Result<Q::Answer> {
    question.answer(&Hearing::new(tx, tenant), page)
}

/// Answers a caller's question about itself; `None` where it is about somebody else.
///
/// # Errors
/// As [`answer`].
pub fn answer_own<A: Covers<EvaluateOwnAccess>, Q: Question>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    question: &Q,
    page: &PageRequest,
) -> Result<Option<Q::Answer>> {
    let hearing = Hearing::new(tx, tenant);
    for Ask { subject, resource_type } in question.subjects() {
        if !hearing.is_caller(subject, resource_type)? {
            return Ok(None);
        }
    }
    question.answer(&hearing, page).map(Some)
}

/// Answers a question about anybody.
///
/// # Errors
/// As [`answer`].
pub fn evaluate<A: Covers<EvaluateAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Evaluation> {
    answer(tx, tenant, request, &PageRequest::first(1))
}

/// Answers a caller's question about itself.
///
/// # Errors
/// [`Error::Forbidden`] where it is about somebody else; else as [`answer`].
pub fn evaluate_own<A: Covers<EvaluateOwnAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &EvaluationRequest,
) -> Result<Evaluation> {
    answer_own(tx, tenant, request, &PageRequest::first(1))?.ok_or(Error::Forbidden)
}

/// Finds subjects: a page of the members that may do something.
///
/// # Errors
/// As [`answer`].
pub fn search_subjects<A: Covers<EvaluateAccess>>(
    tx: &ReadTx<'_, A>,
    tenant: TenantId,
    request: &SubjectSearchRequest,
    page: &PageRequest,
) -> Result<Page<FoundEntity>> {
    search::subjects(&Hearing::new(tx, tenant), request, page)
}

/// What the database says of the caller: which tenant's file answered, and whom it takes the caller for.
///
/// # Errors
/// Storage failed.
pub fn ping<A: Covers<ReadTenant>>(tx: &ReadTx<'_, A>) -> Result<TenancyPing> {
    access::ping(tx)
}

impl Question for EvaluationRequest {
    type Answer = Evaluation;

    fn subjects(&self) -> Vec<Ask<'_>> {
        vec![Ask::of(self.parts())]
    }

    fn answer<A: Action<Plane = TenantPlane>>(
        &self,
        hearing: &Hearing<'_, '_, A>,
        _: &PageRequest,
    ) -> Result<Evaluation> {
        hearing.evaluate(self.parts())
    }
}

/// A caller as it would be with a credential for this tenant.
fn asked_about(tenant: TenantId, subject: Subject) -> Caller {
    Caller {
        subject,
        tenant: Some(tenant),
        issuer: "evaluation".into(),
        credential: Arc::default(),
        actor: None,
        assurance: Arc::default(),
        scopes: None,
        break_glass: None,
        expires_at: Timestamp(i64::MAX),
    }
}
