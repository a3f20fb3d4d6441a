//! Somebody who is asked about: what the door knows of them, found out once for all questions of a transaction; or what
//! it would know, were things as they are supposed.

use std::sync::Arc;

use super::transaction::ReadTx;
use super::{Known, nobody};
use crate::domain::{
    AccountId, Action, Caller, Decision, Error, Facts, Hypothesis, Plane, PolicyInfo, Result,
    RowLevels, StepUp, Target, TargetFacts,
};
use crate::storage::engine::{Session, Sql};

/// Somebody who is asked about.
#[derive(Debug)]
pub(crate) struct Asked {
    caller: Caller,
    known: Known,
    session: Session,
    /// What is supposed, where something is.
    hypothesis: Option<Arc<Hypothesis>>,
}

/// What came of a question, and what it came from.
#[derive(Debug, Clone)]
pub(crate) struct Ruling {
    /// The decision.
    pub(crate) decision: Decision,
    /// What it was made from; `None` where nothing was decided, since something is not known.
    pub(crate) facts: Option<Facts>,
    /// The log-in that would turn a refusal.
    pub(crate) step_up: Option<StepUp>,
}

impl Ruling {
    /// No, since something is not known.
    pub(crate) fn unknown() -> Self {
        let decision = Decision { allowed: false, policies: Arc::new([]) };
        Self { decision, facts: None, step_up: None }
    }
}

impl Asked {
    /// Who it is, as they would call.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Which account it is.
    pub(in crate::storage) fn account(&self) -> Option<AccountId> {
        self.caller.subject.account()
    }

    /// Whether the installation knows the account.
    pub(crate) fn is_account(&self) -> bool {
        self.known.subject.account.is_some()
    }

    /// What is known of them.
    pub(in crate::storage) fn known(&self) -> &Known {
        &self.known
    }

    /// What statements see by whom they run for.
    pub(in crate::storage) fn session(&self) -> &Session {
        &self.session
    }
}

impl<A: Action> ReadTx<'_, A> {
    /// What is known of somebody, as they would be known if they called.
    pub(in crate::storage) fn asked(&self, caller: Caller) -> Result<Asked> {
        let (known, session) = self.inner.door.know(self.inner.sql, &caller)?;
        Ok(Asked { caller, known, session, hypothesis: None })
    }

    /// What would be known of them, were what is supposed so.
    pub(in crate::storage) fn supposed(
        &self,
        asked: &Asked,
        hypothesis: &Arc<Hypothesis>,
    ) -> Result<Asked> {
        let found = (&asked.known, &asked.session);
        let (known, session) =
            self.inner.door.suppose(self.inner.sql, &asked.caller, found, hypothesis)?;
        let (caller, hypothesis) = (asked.caller.clone(), Some(hypothesis.clone()));
        Ok(Asked { caller, known, session, hypothesis })
    }

    /// Runs statements that see what somebody would see.
    pub(in crate::storage) fn seen_by<T>(
        &self,
        asked: &Asked,
        body: impl FnOnce(Sql<'_>) -> Result<T>,
    ) -> Result<T> {
        let _session = self.inner.sql.conn().session(asked.session.clone());
        body(self.inner.sql)
    }

    /// Runs statements that see one resource with all its entries, whoever may; by what principals somebody is.
    pub(in crate::storage) fn seen_through<T>(
        &self,
        asked: &Asked,
        resource: &str,
        body: impl FnOnce(Sql<'_>) -> Result<T>,
    ) -> Result<T> {
        let session = asked.session.clone();
        let shares = Some(resource.into());
        let _session =
            self.inner.sql.conn().session(Session { levels: RowLevels::ALL, shares, ..session });
        body(self.inner.sql)
    }

    /// Runs statements that see every row, for what is decided of one.
    pub(in crate::storage) fn seen_whole<T>(
        &self,
        body: impl FnOnce(Sql<'_>) -> Result<T>,
    ) -> Result<T> {
        let session = Session { levels: RowLevels::ALL, ..nobody(&self.inner.door.core().name) };
        let _session = self.inner.sql.conn().session(session);
        body(self.inner.sql)
    }

    /// What somebody would know of a target; `None` where they would find nothing.
    pub(in crate::storage) fn target_of(
        &self,
        asked: &Asked,
        target: &Target,
    ) -> Result<Option<TargetFacts>> {
        let found =
            self.seen_by(asked, |sql| self.inner.door.target(sql, &asked.caller, target))?;
        Ok(match &asked.hypothesis {
            Some(hypothesis) => hypothesis.target(target, found, asked.account()),
            None => found,
        })
    }

    /// What Freehold's own policies say.
    pub(in crate::storage) fn decide(
        &self,
        asked: &Asked,
        action: &'static str,
        target: TargetFacts,
    ) -> Ruling {
        let core = self.inner.door.core();
        let facts = asked.known.facts(core, action, A::Plane::NAME, target);
        let decision = core.decisions.decide(&facts);
        let is_demanded = facts.circumstances.assurance.is_demanded;
        let turns =
            !decision.allowed && is_demanded && core.decisions.decide(&facts.stepped_up()).allowed;
        Ruling { decision, facts: Some(facts), step_up: turns.then(|| core.step_up()) }
    }

    /// What a policy of Freehold's own says.
    pub(in crate::storage) fn policy(&self, id: &str) -> Option<PolicyInfo> {
        self.inner.door.core().decisions.policy(id)
    }

    /// What connects everything that this request's cause brings about.
    pub(crate) fn correlation_id(&self) -> &str {
        &self.inner.call.correlation_id
    }

    /// Says that what follows takes long: it goes where there is time for it.
    ///
    /// # Errors
    /// It is not there yet, and begins anew where it is.
    pub(in crate::storage) fn take_time(&self) -> Result<()> {
        if self.inner.may_wait { Ok(()) } else { Err(Error::TooManySteps) }
    }
}
