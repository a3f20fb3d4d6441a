//! The requests of `config/policy/fixtures.json`, which people read, are decided as it says; and what Freehold declares
//! of itself in `config/policy/freehold.json` names what there is.

use std::collections::BTreeSet;

use freehold::domain::{
    AccountState, ActionInfo, AssuranceFacts, Circumstances, DecisionPoint, Facts, MemberState,
    OperatorRole, PlaneName, Role, SubjectFacts, SubjectKind, TargetFacts, TeamRole, TenantStatus,
    Word, action,
};
use freehold::policy::Policy;
use serde::Deserialize;

const FIXTURES: &str = include_str!("../../config/policy/fixtures.json");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fixtures {
    about: String,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    what: String,
    who: Who,
    does: String,
    to: To,
    may: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Who {
    role: Option<Role>,
    membership: Option<MemberState>,
    account: Option<AccountState>,
    operator: Option<OperatorRole>,
    tenant: Option<TenantStatus>,
    #[serde(default)]
    custom_role: bool,
    #[serde(default)]
    break_glass: bool,
    in_scope: Option<bool>,
    log_in: Option<LogIn>,
}

/// How strongly somebody logged in, where a strong and recent log-in is demanded.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum LogIn {
    Strong,
    Weak,
    Old,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
enum To {
    Platform,
    Tenant,
    Role,
    Account { own: bool },
    Member { own: bool, role: Role },
    Team { relation: Option<TeamRole> },
    BreakGlass { own: bool },
}

fn cases() -> Vec<Case> {
    let fixtures: Fixtures = serde_json::from_str(FIXTURES).unwrap();
    assert!(!fixtures.about.is_empty());
    fixtures.cases
}

fn info(name: &str) -> &'static ActionInfo {
    let found = action::ALL.iter().find(|info| info.name == name);
    found.unwrap_or_else(|| panic!("there is no action {name}"))
}

fn subject(who: &Who) -> SubjectFacts {
    SubjectFacts {
        kind: SubjectKind::Account,
        live: true,
        account: Some(who.account.unwrap_or(AccountState::Active)),
        operator: who.operator,
        role: who.role,
        membership: who.role.map(|_| who.membership.unwrap_or(MemberState::Active)),
        granted: who.custom_role,
        break_glass: who.break_glass,
    }
}

fn circumstances(who: &Who, plane: PlaneName) -> Circumstances {
    let tenant = who.tenant.unwrap_or(TenantStatus::Active);
    Circumstances {
        tenant: (plane == PlaneName::Tenant).then_some(tenant),
        actor: None,
        in_scope: who.in_scope.unwrap_or(true),
        assurance: AssuranceFacts {
            is_demanded: who.log_in.is_some(),
            is_strong: who.log_in != Some(LogIn::Weak),
            is_recent: who.log_in != Some(LogIn::Old),
        },
    }
}

fn target(to: To) -> (&'static str, TargetFacts) {
    match to {
        To::Platform => ("platform", TargetFacts::Platform),
        To::Tenant => ("tenant", TargetFacts::Tenant),
        To::Role => ("role", TargetFacts::Role),
        To::Account { own } => ("account", TargetFacts::Account { own }),
        To::Member { own, role } => ("member", TargetFacts::Member { own, role }),
        To::Team { relation } => ("team", TargetFacts::Team { relation }),
        To::BreakGlass { own } => ("break_glass", TargetFacts::BreakGlass { own }),
    }
}

#[test]
fn the_requests_that_people_read_are_decided_as_they_say() {
    let policy = Policy::embedded().unwrap();
    let mut wrong = Vec::new();
    for case in cases() {
        let info = info(&case.does);
        let (kind, target) = target(case.to);
        assert_eq!(kind, info.target, "{}: {} is done to a {}", case.what, case.does, info.target);
        let facts = Facts {
            action: info.name,
            plane: info.plane,
            subject: subject(&case.who),
            target,
            circumstances: circumstances(&case.who, info.plane),
        };
        let decision = policy.decide(&facts);
        if decision.allowed != case.may {
            wrong.push(format!("{} — decided by {:?}", case.what, decision.policies));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_requests_are_many_and_each_is_there_once() {
    let cases = cases();
    assert!(cases.len() >= 60, "{}", cases.len());
    let sentences: BTreeSet<_> = cases.iter().map(|case| case.what.as_str()).collect();
    assert_eq!(sentences.len(), cases.len());
    assert!(sentences.iter().all(|sentence| sentence.ends_with('.')));
    let permitted = cases.iter().filter(|case| case.may).count();
    assert!(permitted >= 20 && cases.len() - permitted >= 20, "{permitted} of {}", cases.len());
}

/// Actions that no scope leaves: what a narrowed token never does.
const IN_NO_SCOPE: &[&str] = &["token.exchange", "platform_token.exchange", "token.create"];

#[test]
fn every_action_of_both_planes_is_left_by_a_scope() {
    let policy = Policy::embedded().unwrap();
    let scopes = &policy.manifest().scopes;
    let planes = [PlaneName::Tenant, PlaneName::Platform];
    let actions = action::ALL.iter().filter(|action| planes.contains(&action.plane));
    let left: Vec<_> = actions
        .filter(|action| scopes.iter().all(|scope| !scope.actions.covers(action.name)))
        .map(|action| action.name)
        .collect();
    assert_eq!(left, IN_NO_SCOPE);
}

#[test]
fn no_scope_names_an_action_that_there_is_not() {
    let policy = Policy::embedded().unwrap();
    for scope in &policy.manifest().scopes {
        for pattern in scope.actions.iter() {
            let names = action::ALL.iter().any(|action| pattern.covers(action.name));
            assert!(names, "{} names {pattern}", scope.name);
        }
        assert_ne!(scope.description.as_ref().map_or("", |text| text.as_str()), "");
    }
}

#[test]
fn what_freehold_declares_of_itself_is_what_the_program_has() {
    let policy = Policy::embedded().unwrap();
    let manifest = policy.manifest();
    let declared: Vec<_> = manifest
        .actions
        .iter()
        .map(|action| (action.name.as_str(), action.resource_types[0].as_str()))
        .collect();
    let there: Vec<_> = action::ALL.iter().map(|info| (info.name, info.target)).collect();
    assert_eq!(declared, there);
    assert!(there.iter().all(|(_, kind)| manifest.resource_type(kind).is_some()));
    let ids =
        ["owner", "admin", "custom-role", "tenant-boundary"].map(|id| format!("@id(\"{id}\")"));
    let texts: String = manifest.policies.iter().map(|policy| policy.text.as_str()).collect();
    assert!(ids.iter().all(|id| texts.contains(id)));
    assert!(PlaneName::ALL.iter().all(|plane| texts.contains(plane.as_str())));
}
