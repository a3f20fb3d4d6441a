//! What a caller holds, and can therefore give: asked of the decision point, in the transaction that would give it.

use std::sync::Arc;

use super::{Core, Inner, Known, ReadTx, WriteTx};
use crate::domain::action::{ListEvents, ListPlatformEvents, TenantPlane};
use crate::domain::{
    Action, Assurance, Call, Caller, Error, HOST_ACR, MemberState, PlaneName, Result, Role,
    Subject, Target, TargetFacts, TenantId, Timestamp, action,
};

impl<A: Action> WriteTx<'_, A> {
    /// Whether the caller holds an action everywhere in the tenant: whether the decision point permits it to them on
    /// something that they have nothing to do with. An action that is none of Freehold's own is an application's.
    ///
    /// # Errors
    /// [`Error::StepUp`] where a stronger or more recent log-in would do.
    pub(crate) fn holds(&self, action: &str) -> Result<bool> {
        let Inner { door, known, .. } = &self.inner;
        let core = door.core();
        let Some(info) = action::find(PlaneName::Tenant, action) else {
            return self.holds_of_application(action);
        };
        let Some(target) = TargetFacts::unrelated(info.target, known.levels) else {
            return Ok(false);
        };
        let facts = known.facts(core, info.name, info.plane, target);
        if core.decisions.decide(&facts).allowed {
            return Ok(true);
        }
        if core.decisions.decide(&facts.stepped_up()).allowed {
            return Err(Error::StepUp(Box::new(core.step_up())));
        }
        Ok(false)
    }

    /// Owners and administrators hold all actions of applications, others what their custom roles cover.
    fn holds_of_application(&self, action: &str) -> Result<bool> {
        let Inner { door, known, .. } = &self.inner;
        let core = door.core();
        let leaves = |scope: &str| core.decisions.scope_covers(scope, action);
        let (subject, circumstances) = known.of_action(core, action, leaves);
        if !circumstances.in_scope || !(known.keeps_tenant() || subject.granted) {
            return Ok(false);
        }
        let assurance = circumstances.assurance;
        if assurance.is_demanded && !(assurance.is_strong && assurance.is_recent) {
            return Err(Error::StepUp(Box::new(core.step_up())));
        }
        Ok(true)
    }

    /// Whether the caller holds whatever begins so, actions that are yet to come included: applications and later
    /// programs bring more of them.
    pub(crate) fn holds_all(&self, beginning: &str) -> bool {
        let Inner { door, known, .. } = &self.inner;
        let leaves = |scope: &String| door.core().decisions.scope_covers(scope, beginning);
        let in_scope = known.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(leaves));
        in_scope && (known.keeps_tenant() || known.roles.covers(beginning))
    }

    /// Whether the caller is an owner or an administrator of the tenant.
    pub(crate) fn keeps_tenant(&self) -> bool {
        self.inner.known.keeps_tenant()
    }

    /// Asks for a further permit, of what a use case does besides what it was permitted for.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`] where there is none, as the door says it.
    pub(crate) fn permits<B: Action<Plane = A::Plane>>(&self, target: B::Resource) -> Result<()> {
        let Inner { door, sql, call, known, .. } = &self.inner;
        let target = target.into();
        super::ask::<B>(*door, *sql, call, known, &target)
            .map(drop)
            .map_err(|refusal| refusal.error)
    }
}

impl<A: Action> WriteTx<'_, A> {
    /// Asks for what reading the file's events needs, besides what was permitted.
    ///
    /// # Errors
    /// [`Error::NotFound`] or [`Error::Forbidden`], as the door says it.
    pub(crate) fn hears_events(&self) -> Result<()> {
        let Inner { call, known, .. } = &self.inner;
        hear(&self.inner, call, known)
    }
}

impl<A: Action> ReadTx<'_, A> {
    /// Whether somebody else may read the file's events now, as strongly logged in as can be, whether or not the credential
    /// has expired by which they asked for that.
    pub(crate) fn lets_hear(&self, subject: Subject) -> Result<bool> {
        let Inner { door, sql, now, .. } = &self.inner;
        let caller = in_place_of(door.core(), subject, *now).lasting();
        let (known, session) = door.know(*sql, &caller)?;
        let call = Call { caller: Arc::new(caller), ..(*self.inner.call).clone() };
        let _session = sql.conn().session(session);
        match hear(&self.inner, &call, &known) {
            Ok(()) => Ok(true),
            Err(error) if error.is_denial() => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Asks whether a caller may read the events of the file.
fn hear(inner: &Inner<'_>, call: &Call, known: &Known) -> Result<()> {
    let Inner { door, sql, .. } = inner;
    let asked = match door.core().name.parse::<TenantId>() {
        Ok(id) => super::ask::<ListEvents>(*door, *sql, call, known, &id.into()),
        Err(_) => super::ask::<ListPlatformEvents>(*door, *sql, call, known, &Target::Platform),
    };
    asked.map(drop).map_err(|refusal| refusal.error)
}

/// A caller as strongly logged in as can be, in the tenant whose file it is, or on the platform.
fn in_place_of(core: &Core, subject: Subject, now: Timestamp) -> Caller {
    let assurance = Assurance {
        acr: Some(HOST_ACR.to_owned()),
        auth_time_s: Some(now.seconds()),
        ..Assurance::default()
    };
    Caller {
        subject,
        tenant: core.name.parse().ok(),
        assurance: Arc::new(assurance),
        ..Caller::host()
    }
}

impl<A: Action<Plane = TenantPlane>> WriteTx<'_, A> {
    /// Asks what somebody else holds now, who promised something: as if they were here, as strongly logged in as can be.
    ///
    /// # Errors
    /// What the question comes to.
    pub(crate) fn in_place_of<T>(
        &self,
        subject: Subject,
        question: impl FnOnce(&WriteTx<'_, A>) -> Result<T>,
    ) -> Result<T> {
        let Inner { door, sql, call, target, now, may_wait, .. } = &self.inner;
        let caller = in_place_of(door.core(), subject, *now);
        let (known, session) = door.know(*sql, &caller)?;
        let call = Call {
            caller: Arc::new(caller),
            idempotency: None,
            reservation: None,
            ..(*call).clone()
        };
        let _session = sql.conn().session(session);
        let (target, door, sql) = (target.clone(), *door, *sql);
        let inner =
            Inner { door, sql, call: &call, known: &known, target, now: *now, may_wait: *may_wait };
        question(&WriteTx::new(inner, None))
    }
}

impl Known {
    fn keeps_tenant(&self) -> bool {
        self.subject.membership == Some(MemberState::Active)
            && matches!(self.subject.role, Some(Role::Owner | Role::Admin))
    }
}
