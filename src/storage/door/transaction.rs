//! Transactions: what the nouns run their statements in, typed by the action that was permitted.

use std::marker::PhantomData;
use std::sync::Arc;

use serde_json::Value;
use uuid::Uuid;

use super::{Applications, Door, Known, Offer, consent};
use crate::domain::{
    AccountId, Action, ApplicationName, Call, Caller, DecisionPoint, DecisionRequest, Definitions,
    Error, Event, EventData, EventType, Facts, MemberState, Plane, Resource, Result, Role,
    Standing, StoredValues, Target, TargetFacts, TenantLimits, Timestamp, WithheldReason,
};
use crate::storage::budget::Budget;
use crate::storage::engine::Sql;

/// A transaction of a plane: what the nouns run their statements in.
pub trait Tx: sealed::Statements {
    /// The plane of the action that it was permitted for.
    type Plane: Plane;

    /// Who calls.
    fn caller(&self) -> &Caller;

    /// The time of the transaction.
    fn now(&self) -> Timestamp;
}

mod sealed {
    /// Runs statements; implemented by the transactions here and by nothing else.
    pub trait Statements {
        #[doc(hidden)]
        fn statements(&self) -> super::Statements<'_>;
    }
}

/// Statements of a transaction and the door that it came through, for the noun files of storage alone.
#[doc(hidden)]
pub struct Statements<'t> {
    sql: Sql<'t>,
    door: &'t dyn Door,
    known: &'t Known,
    may_wait: bool,
}

impl std::fmt::Debug for Statements<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Statements").field(&self.sql).finish()
    }
}

/// Reaches the statements of a transaction, inside storage.
pub(in crate::storage) fn sql<T: Tx + ?Sized>(tx: &T) -> Sql<'_> {
    tx.statements().sql
}

/// Reaches whoever decides, inside storage.
pub(in crate::storage) fn decisions<T: Tx + ?Sized>(tx: &T) -> &dyn DecisionPoint {
    &*tx.statements().door.core().decisions
}

/// What the tenant can bind of an application, as [`Door::offer`] says.
pub(in crate::storage) fn offer<T: Tx + ?Sized>(
    tx: &T,
    application: &ApplicationName,
    version: Option<i64>,
) -> Result<Offer> {
    let Statements { door, may_wait, .. } = tx.statements();
    door.offer(application, version, may_wait)
}

/// The applications that the tenant has bound, by name, each with the policies of the version that is in force. One
/// whose manifest is none to this program is left out: it decides nothing.
pub(in crate::storage) fn applications<T: Tx + ?Sized>(tx: &T) -> Result<Applications> {
    let Statements { sql, door, may_wait, .. } = tx.statements();
    door.applications(sql, may_wait)
}

/// Says that somebody is to be sent events from now on.
pub(in crate::storage) fn has_webhooks<T: Tx + ?Sized>(tx: &T) {
    tx.statements().door.core().told.has_webhooks();
}

/// Every definition of layered values now.
pub(in crate::storage) fn definitions<T: Tx + ?Sized>(tx: &T) -> Result<Arc<Definitions>> {
    let Statements { door, may_wait, .. } = tx.statements();
    door.definitions(may_wait)
}

/// The limits that count here now; `None` where nothing is limited.
pub(in crate::storage) fn limits<T: Tx + ?Sized>(tx: &T) -> Result<Option<Arc<TenantLimits>>> {
    tx.statements().door.limits()
}

/// What an account's own profile says now, by the registry.
pub(in crate::storage) fn account_values<T: Tx + ?Sized>(
    tx: &T,
    account: AccountId,
) -> Result<StoredValues> {
    tx.statements().door.account_values(account)
}

/// What the caller is to values of an account's, or to nobody's.
pub(in crate::storage) fn standing<T: Tx + ?Sized>(tx: &T, account: Option<AccountId>) -> Standing {
    let subject = tx.statements().known.subject;
    let is_member = subject.membership == Some(MemberState::Active);
    let caller = tx.caller();
    Standing {
        is_own: account.is_some() && caller.subject.account() == account,
        maintains: false,
        is_member,
        is_admin: is_member && matches!(subject.role, Some(Role::Owner | Role::Admin)),
        is_operator: caller.tenant.is_none() && subject.operator.is_some(),
    }
}

/// Says that the transaction's statements look for many rows from now on: the policy view then chooses its shape by what
/// the caller can see.
pub(in crate::storage) fn seek_many<T: Tx + ?Sized>(tx: &T) {
    sql(tx).conn().amend(|session| session.seeks_many = true);
}

pub(super) struct Inner<'t> {
    pub(super) door: &'t dyn Door,
    pub(super) sql: Sql<'t>,
    pub(super) call: &'t Call,
    /// What was known of the caller when the transaction was permitted.
    pub(super) known: &'t Known,
    pub(super) target: Target,
    pub(super) now: Timestamp,
    /// Whether it runs where something may take long.
    pub(super) may_wait: bool,
}

/// A transaction that reads, permitted for action `A`, under row-level security.
pub struct ReadTx<'t, A: Action> {
    pub(super) inner: Inner<'t>,
    /// What it was permitted by; `None` for the program itself.
    facts: Option<Facts>,
    /// What it may take; unlimited if omitted.
    budget: Option<&'t Budget>,
    action: PhantomData<fn() -> A>,
}

/// A transaction that changes, permitted for action `A`.
pub struct WriteTx<'t, A: Action> {
    pub(super) inner: Inner<'t>,
    facts: Option<TargetFacts>,
    pub(super) events: Vec<Event>,
    pub(super) workspace: Option<String>,
    pub(super) resource: Option<String>,
    action: PhantomData<fn() -> A>,
}

macro_rules! transactions {
    ($($name:ident),+) => {$(
        impl<A: Action> std::fmt::Debug for $name<'_, A> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}<{}>", stringify!($name), A::NAME)
            }
        }

        impl<A: Action> sealed::Statements for $name<'_, A> {
            fn statements(&self) -> Statements<'_> {
                let Inner { sql, door, known, may_wait, .. } = self.inner;
                Statements { sql, door, known, may_wait }
            }
        }

        impl<A: Action> Tx for $name<'_, A> {
            type Plane = A::Plane;

            fn caller(&self) -> &Caller {
                &self.inner.call.caller
            }

            fn now(&self) -> Timestamp {
                self.inner.now
            }
        }
    )+};
}
transactions!(ReadTx, WriteTx);

impl<'t, A: Action> ReadTx<'t, A> {
    pub(super) fn new(inner: Inner<'t>, facts: Option<Facts>) -> Self {
        Self { inner, facts, budget: None, action: PhantomData }
    }

    /// The same, within a budget.
    pub(super) fn within(self, budget: &'t Budget) -> Self {
        Self { budget: Some(budget), ..self }
    }

    /// What it may take; unlimited if omitted.
    pub(in crate::storage) fn budget(&self) -> Option<&'t Budget> {
        self.budget
    }

    /// Whether the time for work outside the engine is over, or the client is gone.
    pub(in crate::storage) fn is_spent(&self) -> bool {
        self.budget.is_some_and(Budget::is_spent)
    }

    /// Refuses further work where the budget is spent.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`].
    pub(in crate::storage) fn check_budget(&self) -> Result<()> {
        self.budget.map_or(Ok(()), Budget::check)
    }

    /// What the decision that permitted this transaction was asked with.
    pub(in crate::storage) fn request(&self) -> Result<DecisionRequest> {
        let Inner { door, call, target, .. } = &self.inner;
        let facts = self.facts.ok_or_else(|| Error::Internal("nobody was asked".to_owned()))?;
        consent::request(*door, call, target, &facts)
    }

    /// Counts a resource that is delivered although the row rule withholds it from the caller.
    pub(in crate::storage) fn withheld(&self, resource: &Resource) {
        let reason = WithheldReason::of(resource.visibility);
        let Inner { door, call, now, .. } = &self.inner;
        if let Some(principal) = call.caller.subject.principal() {
            door.core().shadow.count(principal, reason, resource.id, *now);
        }
    }

    /// Names the resource whose access-control entries may be read: the one that the door permitted sharing for.
    pub(in crate::storage) fn share(&self, resource: &str) {
        self.inner.sql.conn().amend(|session| session.shares = Some(resource.into()));
    }
}

impl<'t, A: Action> WriteTx<'t, A> {
    pub(super) fn new(inner: Inner<'t>, facts: Option<TargetFacts>) -> Self {
        Self {
            inner,
            facts,
            events: Vec::new(),
            workspace: None,
            resource: None,
            action: PhantomData,
        }
    }

    /// A new id, later than every one before it.
    pub fn new_id<I: From<Uuid>>(&self) -> I {
        self.inner.door.core().clock.new_id().into()
    }

    /// The tenant whose file it is; `None` in the registry.
    #[must_use]
    pub fn tenant(&self) -> Option<crate::domain::TenantId> {
        self.inner.door.core().name.parse().ok()
    }

    /// What connects everything that this request's cause brings about.
    #[must_use]
    pub fn correlation_id(&self) -> &str {
        &self.inner.call.correlation_id
    }

    /// What the door knew of the target when it permitted the change.
    #[must_use]
    pub fn facts(&self) -> Option<TargetFacts> {
        self.facts
    }

    /// Says what happened: an event in the outbox, and the summary of the audit row. Never a secret.
    pub fn emit<D: EventData>(&mut self, kind: EventType, target: &Target, data: &D) {
        debug_assert!(D::KINDS.contains(&kind), "{kind} does not say this");
        let data = serde_json::to_value(data).unwrap_or(Value::Null);
        self.events.push(Event {
            kind,
            subject: format!("{}/{}", target.kind(), target.id()),
            data,
        });
    }

    /// Names the workspace, and the resource, that the change concerns beyond its target.
    pub fn concerns(&mut self, workspace: Option<String>, resource: Option<String>) {
        self.workspace = workspace.or(self.workspace.take());
        self.resource = resource.or(self.resource.take());
    }
}
