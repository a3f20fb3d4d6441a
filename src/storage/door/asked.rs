//! Somebody who is asked about: what the door knows of them, found out once for all questions of a transaction.

use std::cell::OnceCell;

use super::transaction::ReadTx;
use super::{Known, nobody};
use crate::domain::AccountId;
use crate::domain::{
    Action, ApplicationFacts, ApplicationPolicy, Caller, Circumstances, Error, Evaluation, Facts,
    IdentityPart, Plane, Result, RowLevels, SubjectFacts, Target, TargetFacts,
};
use crate::storage::engine::{Session, Sql};

/// Somebody who is asked about.
pub(crate) struct Asked {
    caller: Caller,
    known: Known,
    session: Session,
    /// The names of their custom roles, once somebody has asked for them.
    pub(in crate::storage) roles: OnceCell<Vec<String>>,
}

impl std::fmt::Debug for Asked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Asked({})", self.caller.subject.name())
    }
}

impl Asked {
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
        Ok(Asked { caller, known, session, roles: OnceCell::new() })
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
        self.seen_by(asked, |sql| self.inner.door.target(sql, &asked.caller, target))
    }

    /// What Freehold's own policies say.
    pub(in crate::storage) fn decide(
        &self,
        asked: &Asked,
        action: &'static str,
        target: TargetFacts,
    ) -> Evaluation {
        let core = self.inner.door.core();
        let facts: Facts = asked.known.facts(core, action, A::Plane::NAME, target);
        if core.decisions.decide(&facts).allowed {
            return Evaluation::plain(true);
        }
        let is_demanded = facts.circumstances.assurance.is_demanded;
        self.refused(is_demanded && core.decisions.decide(&facts.stepped_up()).allowed)
    }

    /// What an application's policies say.
    pub(in crate::storage) fn decide_for(
        &self,
        policy: &dyn ApplicationPolicy,
        facts: ApplicationFacts,
    ) -> Evaluation {
        if policy.decide(&facts).allowed {
            return Evaluation::plain(true);
        }
        if !facts.circumstances.assurance.is_demanded {
            return Evaluation::plain(false);
        }
        let circumstances = facts.circumstances.stepped_up();
        self.refused(policy.decide(&ApplicationFacts { circumstances, ..facts }).allowed)
    }

    /// A no, which a stronger log-in may make a yes.
    fn refused(&self, unless_stepped_up: bool) -> Evaluation {
        if unless_stepped_up {
            Evaluation::needing(&self.inner.door.core().step_up())
        } else {
            Evaluation::plain(false)
        }
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
