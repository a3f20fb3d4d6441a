//! Somebody who is asked about: what the door knows of them, found out once for all questions of a transaction; or what
//! it would know, were things as they are supposed.

use std::cell::OnceCell;
use std::sync::Arc;

use super::transaction::ReadTx;
use super::{Known, nobody};
use crate::domain::{
    AccountId, Action, ApplicationFacts, ApplicationPolicy, Caller, Circumstances, Decision, Error,
    Evaluation, Facts, Hypothesis, IdentityPart, Plane, PolicyInfo, Reason, Result, RowLevels,
    StepUp, SubjectFacts, Target, TargetFacts,
};
use crate::storage::engine::{Session, Sql};

/// Somebody who is asked about.
pub(crate) struct Asked {
    caller: Caller,
    known: Known,
    session: Session,
    /// What is supposed, where something is.
    hypothesis: Option<Arc<Hypothesis>>,
    /// The names of their custom roles, once somebody has asked for them.
    pub(in crate::storage) roles: OnceCell<Vec<String>>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({})", self.caller.subject.name())
    }
}

/// What came of a question, and what it came from.
#[derive(Debug, Clone)]
pub(crate) struct Ruling {
    /// Whether it may be done.
    pub(crate) decision: bool,
    /// The ids of the policies that decided; none where no policy permitted.
    pub(crate) policies: Arc<[String]>,
    /// The log-in that would turn a refusal.
    pub(crate) step_up: Option<StepUp>,
    /// What it was decided about, where that is not an application's.
    pub(crate) target: Option<Target>,
    /// What it was made from.
    pub(crate) basis: Basis,
}

/// What a decision is made from.
#[derive(Debug, Clone)]
pub(crate) enum Basis {
    /// Nothing: something in the question is not known.
    Unknown(Reason),
    /// What Freehold's own policies see.
    Own(Facts),
    /// What an application's policies see.
    Application(Box<ApplicationFacts>),
}

impl Ruling {
    /// No, since something is not known.
    pub(crate) fn unknown(reason: Reason) -> Self {
        let (policies, basis) = (Arc::default(), Basis::Unknown(reason));
        Self { decision: false, policies, step_up: None, target: None, basis }
    }

    fn of(decision: Decision, basis: Basis, step_up: Option<StepUp>) -> Self {
        let Decision { allowed, policies } = decision;
        Self { decision: allowed, policies, step_up, target: None, basis }
    }

    /// The same as an answer to whoever evaluates.
    pub(crate) fn evaluation(&self) -> Evaluation {
        match &self.step_up {
            Some(step_up) => Evaluation::needing(step_up),
            None => Evaluation::plain(self.decision),
        }
    }
}

impl Asked {
    /// Who it is, as they would call.
    pub(crate) fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Whether the installation knows the account.
    pub(crate) fn is_account(&self) -> bool {
        self.known.subject.account.is_some()
    }

    /// What is known of them.
    pub(in crate::storage) fn known(&self) -> &Known {
        &self.known
    }

    /// What is supposed, where something is.
    pub(in crate::storage) fn hypothesis(&self) -> Option<&Hypothesis> {
        self.hypothesis.as_deref()
    }

    /// Whether they are a principal.
    pub(in crate::storage) fn has(&self, principal: &str) -> bool {
        self.session.principals.has(principal)
    }

    /// Which account it is.
    pub(in crate::storage) fn account(&self) -> Option<AccountId> {
        self.caller.subject.account()
    }

    /// The ids of their principals, as a JSON array.
    pub(in crate::storage) fn principals(&self) -> &str {
        self.session.principals.as_json()
    }
}

impl<A: Action> ReadTx<'_, A> {
    /// What is known of somebody, as they would be known if they called.
    pub(in crate::storage) fn asked(&self, caller: Caller) -> Result<Asked> {
        let (known, session) = self.inner.door.know(self.inner.sql, &caller)?;
        Ok(Asked { caller, known, session, hypothesis: None, roles: OnceCell::new() })
    }

    /// What would be known of them, were what is supposed so.
    pub(in crate::storage) fn supposed(
        &self,
        asked: &Asked,
        hypothesis: &Arc<Hypothesis>,
    ) -> Result<Asked> {
        let (door, found) = (self.inner.door, (&asked.known, &asked.session));
        let (known, session) = door.suppose(self.inner.sql, &asked.caller, found, hypothesis)?;
        let (caller, hypothesis) = (asked.caller.clone(), Some(hypothesis.clone()));
        Ok(Asked { caller, known, session, hypothesis, roles: OnceCell::new() })
    }

    /// Runs statements that see one resource with all its entries, by what principals somebody is.
    pub(in crate::storage) fn seen_through<T>(
        &self,
        asked: &Asked,
        resource: &str,
        body: impl FnOnce(Sql<'_>) -> Result<T>,
    ) -> Result<T> {
        let (session, shares) = (asked.session.clone(), Some(resource.into()));
        let session = Session { levels: RowLevels::ALL, shares, ..session };
        let _session = self.inner.sql.conn().session(session);
        body(self.inner.sql)
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

    /// Runs statements that see every row, for what an application's policies are told of one.
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
        let door = self.inner.door;
        let found = self.seen_by(asked, |sql| door.target(sql, &asked.caller, target))?;
        Ok(match asked.hypothesis() {
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
        let facts: Facts = asked.known.facts(core, action, A::Plane::NAME, target);
        let decision = core.decisions.decide(&facts);
        let turns = !decision.allowed
            && facts.circumstances.assurance.is_demanded
            && core.decisions.decide(&facts.stepped_up()).allowed;
        Ruling::of(decision, Basis::Own(facts), turns.then(|| core.step_up()))
    }

    /// What an application's policies say.
    ///
    /// # Errors
    /// [`Error::TooMuchWork`] where the budget is spent first.
    pub(in crate::storage) fn decide_for(
        &self,
        policy: &dyn ApplicationPolicy,
        facts: ApplicationFacts,
    ) -> Result<Ruling> {
        let decide = |facts: &ApplicationFacts| {
            policy.decide_while(facts, &|| !self.is_spent()).ok_or(Error::TooMuchWork)
        };
        let decision = decide(&facts)?;
        let turns = !decision.allowed && facts.circumstances.assurance.is_demanded && {
            let circumstances = facts.circumstances.stepped_up();
            decide(&ApplicationFacts { circumstances, ..facts.clone() })?.allowed
        };
        let step_up = turns.then(|| self.inner.door.core().step_up());
        Ok(Ruling::of(decision, Basis::Application(Box::new(facts)), step_up))
    }

    /// What a policy of Freehold's own says.
    pub(in crate::storage) fn policy(&self, id: &str) -> Option<PolicyInfo> {
        self.inner.door.core().decisions.policy(id)
    }

    /// What connects everything that this request's cause brings about.
    pub(crate) fn correlation_id(&self) -> &str {
        &self.inner.call.correlation_id
    }

    /// What is known of somebody for an application's action; a rule says which scopes leave it.
    pub(in crate::storage) fn known_of(
        &self,
        asked: &Asked,
        action: &str,
        leaves: impl Fn(&str) -> bool,
    ) -> (SubjectFacts, Circumstances) {
        asked.known.of_action(self.inner.door.core(), action, leaves)
    }

    /// Whose an identity is.
    pub(in crate::storage) fn account_of(
        &self,
        issuer: &IdentityPart,
        subject: &str,
    ) -> Result<Option<AccountId>> {
        self.inner.door.account_of(issuer, subject)
    }

    /// What an issuer calls each of these accounts, in the order of account and subject.
    pub(in crate::storage) fn subjects_of(
        &self,
        issuer: &IdentityPart,
        accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, String)>> {
        self.inner.door.subjects_of(issuer, accounts)
    }

    /// Says that what follows takes long: it goes where there is time for it.
    pub(in crate::storage) fn take_time(&self) -> Result<()> {
        if self.inner.may_wait { Ok(()) } else { Err(Error::TooManySteps) }
    }
}
