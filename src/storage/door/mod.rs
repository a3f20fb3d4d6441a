//! The doors: no statement without a transaction, no transaction without a permit for this action on this target.
//!
//! [`ReadTx`] and [`WriteTx`] are typed by the action that they were permitted for. Only this folder makes them. Here
//! stands what is asked before either is made: what is known of caller and target, in the transaction that is decided.

mod asked;
mod authority;
mod change;
pub(in crate::storage) mod consent;
mod trail;
mod transaction;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use serde_json::json;

pub(crate) use self::asked::{Asked, Basis, Ruling};
pub(in crate::storage) use self::change::{Reply, write, write_for_system};
pub(in crate::storage) use self::trail::{Trace, exceeded, leave};
use self::transaction::Inner;
pub use self::transaction::{ReadTx, Tx, WriteTx};
pub(in crate::storage) use self::transaction::{
    account_values, applications, decisions, definitions, has_webhooks, limits, offer, seek_many,
    sql, standing,
};
use super::budget::Budget;
use super::denials::Denials;
use super::engine::{Conn, Pool, Session, Sql, Writes};
use super::queue::Queue;
use super::shadow::Shadow;
use super::tenant::application_bindings::Bound;
use super::told::Told;
use super::turns::Turns;
use super::writer::Writers;
use crate::domain::{
    AccountId, Action, ActorKind, ApplicationName, ApplicationPolicy, AssuranceFacts,
    AssurancePolicy, AuditDecision, AuditRecord, Call, Caller, Circumstances, Clock, DecisionPoint,
    Definitions, Error, Event, ExternalDecisionPoints, Facts, Hypothesis, IdentityPart, Patterns,
    Plane, PlaneName, Result, Role, RowLevels, Slug, StepUp, StoredValues, Subject, SubjectFacts,
    SubjectKind, Target, TargetFacts, TenantId, TenantLimits, TenantStatus, Timestamp,
    is_grantable,
};

/// How audit rows name the platform.
const PLATFORM: &str = "platform";

/// The policy by which whatever was taken back is refused.
const REVOKED: &str = "revoked-credential";

/// What a file's doors have in common.
pub(in crate::storage) struct Core {
    /// The tenant's id, or `platform`.
    pub(in crate::storage) name: Arc<str>,
    pub(in crate::storage) pool: Pool,
    pub(in crate::storage) queue: Arc<Queue>,
    pub(in crate::storage) writers: Arc<Writers>,
    pub(in crate::storage) decisions: Arc<dyn DecisionPoint>,
    /// Who is asked besides, before a change is queued.
    pub(in crate::storage) external: Arc<dyn ExternalDecisionPoints>,
    pub(in crate::storage) assurance: Arc<AssurancePolicy>,
    pub(in crate::storage) clock: Arc<dyn Clock>,
    pub(in crate::storage) denials: Denials,
    pub(in crate::storage) shadow: Shadow,
    /// Something happened that the registry's projection must follow.
    pub(in crate::storage) to_project: AtomicBool,
    /// Who is told of what happens.
    pub(in crate::storage) told: Arc<Told>,
    /// Turns of this file's reads on the blocking pool.
    pub(in crate::storage) elsewhere: Turns,
    /// Steps that a read may take on the thread that asks.
    pub(in crate::storage) read_steps: u32,
    /// How long the work of one read may take on the blocking pool.
    pub(in crate::storage) max_work: Duration,
}

impl Core {
    /// The log-in that is demanded where one falls short.
    fn step_up(&self) -> StepUp {
        let AssurancePolicy { acr_values, max_age_s, .. } = &*self.assurance;
        StepUp { acr_values: acr_values.clone(), max_age_s: *max_age_s }
    }
}

/// What is known of a caller, in the transaction that will be decided.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Known {
    /// What holds whatever the action is.
    pub(in crate::storage) subject: SubjectFacts,
    pub(in crate::storage) tenant: Option<TenantStatus>,
    /// What the caller's custom roles permit.
    pub(in crate::storage) roles: Patterns,
    /// What the caller may do to every row.
    pub(in crate::storage) levels: RowLevels,
    /// What an open break-glass entry permits.
    pub(in crate::storage) break_glass: Patterns,
    /// What the credential is narrowed to.
    pub(in crate::storage) scopes: Option<Arc<[String]>>,
    pub(in crate::storage) actor: Option<ActorKind>,
    /// How strong the log-in is, and how recent.
    pub(in crate::storage) assurance: AssuranceFacts,
}

impl Known {
    /// What the caller's credential says, and nothing else.
    pub(in crate::storage) fn of(core: &Core, caller: &Caller) -> Self {
        let kind = match caller.subject {
            Subject::Account(_) => SubjectKind::Account,
            Subject::ServiceAccount(_) => SubjectKind::ServiceAccount,
            Subject::Host => SubjectKind::Host,
            Subject::System(_) => SubjectKind::System,
        };
        Self {
            subject: SubjectFacts {
                kind,
                live: true,
                account: None,
                operator: None,
                role: None,
                membership: None,
                granted: false,
                break_glass: false,
            },
            tenant: None,
            roles: Patterns::default(),
            levels: RowLevels::default(),
            break_glass: Patterns::default(),
            scopes: caller.scopes.clone(),
            actor: caller.actor_kind(),
            assurance: AssuranceFacts {
                is_demanded: false,
                is_strong: core.assurance.is_strong(&caller.assurance),
                // Recency was asked when the work began.
                is_recent: caller.credential.outlives
                    || core.assurance.is_recent(&caller.assurance, core.clock.now()),
            },
        }
    }

    /// What is known of the caller for an action; a further rule may say which scopes leave it.
    pub(in crate::storage) fn of_action(
        &self,
        core: &Core,
        action: &str,
        leaves: impl Fn(&str) -> bool,
    ) -> (SubjectFacts, Circumstances) {
        let is_grantable = is_grantable(action);
        let subject = SubjectFacts {
            granted: is_grantable && self.roles.covers(action),
            break_glass: is_grantable && self.break_glass.covers(action),
            ..self.subject
        };
        let leaves = |scope: &String| leaves(scope);
        let circumstances = Circumstances {
            tenant: self.tenant,
            actor: self.actor,
            in_scope: self.scopes.as_ref().is_none_or(|scopes| scopes.iter().any(leaves)),
            assurance: AssuranceFacts {
                is_demanded: core.assurance.step_up.covers(action),
                ..self.assurance
            },
        };
        (subject, circumstances)
    }

    /// The facts of a question about an action of Freehold's own.
    pub(in crate::storage) fn facts(
        &self,
        core: &Core,
        action: &'static str,
        plane: PlaneName,
        target: TargetFacts,
    ) -> Facts {
        let leaves = |scope: &str| core.decisions.scope_covers(scope, action);
        let (subject, circumstances) = self.of_action(core, action, leaves);
        let mut facts = Facts { action, plane, subject, target, circumstances };
        facts.circumstances.assurance.is_demanded |= demands_as_owner(core, action, target);
        facts
    }
}

/// Whether a change of an owner's membership demands what changes of owners do: `owner.update` and its like.
fn demands_as_owner(core: &Core, action: &str, target: TargetFacts) -> bool {
    let TargetFacts::Member { role: Role::Owner, .. } = target else { return false };
    let verb = action.strip_prefix("member.").filter(|verb| *verb != "read");
    verb.is_some_and(|verb| core.assurance.step_up.covers(&format!("owner.{verb}")))
}

/// One file's door: what it knows of callers and targets.
pub(in crate::storage) trait Door: Send + Sync + 'static {
    /// What all doors have.
    fn core(&self) -> &Core;

    /// What is known of the caller, and the session that it gives the database.
    fn know(&self, sql: Sql<'_>, caller: &Caller) -> Result<(Known, Session)>;

    /// What would be known of a caller, were what is supposed so, in place of what was found.
    fn suppose(
        &self,
        _sql: Sql<'_>,
        _caller: &Caller,
        _found: (&Known, &Session),
        _hypothesis: &Hypothesis,
    ) -> Result<(Known, Session)> {
        Err(Error::Internal("nothing can be supposed here".to_owned()))
    }

    /// What is known of the target; `None` where there is no such thing.
    fn target(&self, sql: Sql<'_>, caller: &Caller, target: &Target)
    -> Result<Option<TargetFacts>>;

    /// The applications that are bound here, with their policies; none in the registry. Where something would take long
    /// that may not, [`Error::TooManySteps`].
    fn applications(&self, _: Sql<'_>, _may_wait: bool) -> Result<Applications> {
        Ok(Vec::new())
    }

    /// Whose an identity is, by the registry.
    fn account_of(&self, _issuer: &IdentityPart, _subject: &str) -> Result<Option<AccountId>> {
        Ok(None)
    }

    /// What an issuer calls each of these accounts, by the registry; in the order of account and subject. One that it
    /// does not know is not there, and one that it knows by several subjects is there with each.
    fn subjects_of(
        &self,
        _issuer: &IdentityPart,
        _accounts: &[AccountId],
    ) -> Result<Vec<(AccountId, String)>> {
        Ok(Vec::new())
    }

    /// What a tenant can bind of an application: the version named, or the newest. Otherwise as [`Door::applications`].
    ///
    /// # Errors
    /// [`Error::NotFound`] where there is no such application; a version that it has not.
    fn offer(&self, _: &ApplicationName, _version: Option<i64>, _may_wait: bool) -> Result<Offer> {
        Err(Error::NotFound)
    }

    /// Every definition of layered values now, by the registry. Where something would take long that may not,
    /// [`Error::TooManySteps`].
    fn definitions(&self, may_wait: bool) -> Result<Arc<Definitions>>;

    /// What an account's own profile says now, by the registry.
    fn account_values(&self, account: AccountId) -> Result<StoredValues>;

    /// The limits that count here now; `None` where nothing is limited.
    fn limits(&self) -> Result<Option<Arc<TenantLimits>>> {
        Ok(None)
    }

    /// The place of the last record of what is used; 0 where nothing is counted.
    fn last_record(&self, _: Sql<'_>) -> Result<i64> {
        Ok(0)
    }

    /// Holds what was recorded behind a place against limits; what is to be said of it besides.
    ///
    /// # Errors
    /// [`Error::QuotaExceeded`]; a reservation that is not there.
    fn settle(
        &self,
        _: Sql<'_>,
        _: &Call,
        _since: i64,
        _: Option<&TenantLimits>,
        _now: Timestamp,
    ) -> Result<Vec<Event>> {
        Ok(Vec::new())
    }

    /// To be called before rows are written that no change asked for: the registry hears that the file changes.
    fn before_note(&self) -> Result<()>;

    /// The tenant whose file it is, by its name now; `None` of the registry.
    fn home(&self) -> Result<Option<(TenantId, Slug)>>;

    /// The same facts, with what the registry says now.
    fn renew(&self, caller: &Caller, facts: Facts) -> Result<Facts>;

    /// The platform's door, which hears too of what its own people do here; `None` where this is it.
    fn platform(&self) -> Option<Arc<dyn Door>>;
}

/// Applications that a tenant has bound, each with the policies of the version that is in force.
pub(in crate::storage) type Applications = Vec<(Bound, Arc<dyn ApplicationPolicy>)>;

/// A version of an application that can be bound.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    /// Which version.
    pub(crate) manifest_version: i64,
    /// Its policies.
    pub(crate) policy: Arc<dyn ApplicationPolicy>,
}

/// A refusal: what the caller hears, and what the audit log must hear.
pub(in crate::storage) struct Refusal {
    pub(in crate::storage) error: Error,
    pub(in crate::storage) trace: Option<Box<Trace>>,
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self { error, trace: None }
    }
}

impl From<super::engine::SqlError> for Refusal {
    fn from(error: super::engine::SqlError) -> Self {
        Error::from(error).into()
    }
}

/// A permit: the facts that it was decided from, and the policies that decided.
#[derive(Clone)]
struct Permit {
    facts: Facts,
    policies: Arc<[String]>,
}

/// Asks for a permit. The caller's session must be set on the connection.
fn ask<A: Action>(
    door: &dyn Door,
    sql: Sql<'_>,
    call: &Call,
    known: &Known,
    target: &Target,
) -> Result<Permit, Refusal> {
    let refuse = |error, policies: &[String]| {
        let record = record(door, call, A::NAME, target, AuditDecision::Deny, policies);
        Refusal { error, trace: Some(Box::new(record.into())) }
    };
    // Whoever comes with what was taken back learns nothing, not even what is there.
    if !known.subject.live {
        let error = Error::Unauthenticated("the credential was taken back, or has run out");
        return Err(refuse(error, &[REVOKED.to_owned()]));
    }
    let Some(found) = door.target(sql, &call.caller, target)? else {
        return Err(refuse(Error::NotFound, &[]));
    };
    let core = door.core();
    let facts = known.facts(core, A::NAME, A::Plane::NAME, found);
    let decision = core.decisions.decide(&facts);
    if decision.allowed {
        return Ok(Permit { facts, policies: decision.policies });
    }
    let reading = target.read_action(A::Plane::NAME);
    let reading = known.facts(core, reading, A::Plane::NAME, found.of_reading());
    let error = if core.decisions.decide(&facts.stepped_up()).allowed {
        Error::StepUp(Box::new(core.step_up()))
    } else if core.decisions.decide(&reading).allowed {
        Error::Forbidden
    } else {
        // What the caller may not even know of answers as what is not there.
        Error::NotFound
    };
    Err(refuse(error, &decision.policies))
}

fn record(
    door: &dyn Door,
    call: &Call,
    action: &str,
    target: &Target,
    decision: AuditDecision,
    policies: &[String],
) -> AuditRecord {
    let caller = &call.caller;
    let core = door.core();
    AuditRecord {
        at: core.clock.now(),
        actor: caller.subject.name(),
        actor_tenant: caller
            .tenant
            .map_or_else(|| PLATFORM.to_owned(), |tenant| tenant.to_string()),
        on_behalf: caller.actor.as_deref().map(str::to_owned),
        account: caller.subject.account(),
        target_tenant: match target {
            Target::Tenant(id) => id.to_string(),
            _ => core.name.to_string(),
        },
        target_type: target.kind().to_owned(),
        target_id: target.id(),
        workspace_id: matches!(target, Target::Workspace(_)).then(|| target.id()),
        resource_id: matches!(target, Target::Resource(_)).then(|| target.id()),
        action: action.to_owned(),
        decision,
        policies: json!(policies).to_string(),
        correlation_id: call.correlation_id.to_string(),
        request_id: call.request_id.to_string(),
        summary: trail::named(caller).to_string(),
    }
}

/// Ends a reading transaction when dropped.
struct Reading<'c>(&'c Conn);

impl<'c> Reading<'c> {
    fn begin(conn: &'c Conn) -> Result<Self> {
        conn.begin()?;
        Ok(Self(conn))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        self.0.rollback();
    }
}

/// What came of a read, and what must be on disk before anybody hears of it.
pub(in crate::storage) struct Outcome<T> {
    pub(in crate::storage) answer: Result<T>,
    pub(in crate::storage) trace: Option<Box<Trace>>,
}

impl<T> From<Result<T, Refusal>> for Outcome<T> {
    fn from(result: Result<T, Refusal>) -> Self {
        match result {
            Ok(answer) => Self { answer: Ok(answer), trace: None },
            Err(Refusal { error, trace }) => Self { answer: Err(error), trace },
        }
    }
}

/// Reads: in one transaction, the facts, the permit, and the body.
pub(in crate::storage) fn read<A: Action, T>(
    door: &dyn Door,
    conn: &Conn,
    call: &Call,
    target: &Target,
    budget: &Budget,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Outcome<T> {
    permitted(door, conn, call, target, budget, body).unwrap_or_else(|refusal| {
        let Refusal { error, trace } = refusal;
        Outcome { answer: Err(error), trace }
    })
}

fn permitted<A: Action, T>(
    door: &dyn Door,
    conn: &Conn,
    call: &Call,
    target: &Target,
    budget: &Budget,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Result<Outcome<T>, Refusal> {
    let _reading = Reading::begin(conn)?;
    let sql = Sql::on(conn);
    let _heeded = conn.heed(budget.abandoned());
    let _limit = budget.max_steps.map(|steps| conn.limit_steps(steps));
    let (known, session) = door.know(sql, &call.caller)?;
    let _session = conn.session(session);
    let permit = ask::<A>(door, sql, call, &known, target)?;
    // The steps of the thread that asks are few; elsewhere there is time.
    let may_wait = budget.max_steps.is_none_or(|steps| steps > door.core().read_steps);
    let facts = Some(permit.facts);
    let tx = read_tx(door, sql, call, &known, target.clone(), may_wait, facts);
    let answer = body(&tx.within(budget));
    let used = trail::used::<A>(door, call, target, &permit, answer.as_ref().err());
    Ok(Outcome { answer, trace: used.map(Box::new) })
}

/// Reads for the program itself.
pub(in crate::storage) fn read_for_system<A: Action, T>(
    door: &dyn Door,
    conn: &Conn,
    call: &Call,
    body: &dyn Fn(&ReadTx<'_, A>) -> Result<T>,
) -> Result<T> {
    let _reading = Reading::begin(conn)?;
    let sql = Sql::on(conn);
    let (known, session) = door.know(sql, &call.caller)?;
    let _session = conn.session(session);
    body(&read_tx(door, sql, call, &known, Target::Platform, true, None))
}

fn read_tx<'t, A: Action>(
    door: &'t dyn Door,
    sql: Sql<'t>,
    call: &'t Call,
    known: &'t Known,
    target: Target,
    may_wait: bool,
    facts: Option<Facts>,
) -> ReadTx<'t, A> {
    let now = door.core().clock.now();
    ReadTx::new(Inner { door, sql, call, known, target, now, may_wait }, facts)
}

/// A session in which nothing is seen, for what the door itself writes.
pub(in crate::storage) fn nobody(tenant: &Arc<str>) -> Session {
    Session {
        tenant: tenant.clone(),
        account: None,
        principals: Arc::default(),
        levels: RowLevels::default(),
        reach: Arc::default(),
        seeks_many: false,
        shares: None,
        mode: crate::domain::RowSecurityMode::Enforce,
        writes: Writes::Nothing,
    }
}
