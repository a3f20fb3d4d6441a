//! Every decision there is, as a table that people read: `decisions.txt` beside this file.
//!
//! A policy change is a diff of it. `FREEHOLD_ACCEPT=1` writes it anew.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

use freehold::domain::{
    AccountState, ActionInfo, AssuranceFacts, Circumstances, DecisionPoint, Facts, MemberState,
    OperatorRole, Permission, PlaneName, PrincipalType, Role, SubjectFacts, SubjectKind,
    TargetFacts, TeamRole, TenantStatus, Word, action,
};
use freehold::policy::Policy;

use crate::tickets;

const SCHEMA: &str = include_str!("../../config/policy/schema.cedarschema");

const ACTIVE: Option<AccountState> = Some(AccountState::Active);

/// Who asks: a letter, what it stands for, what is known of them, and what of their credential.
pub(crate) type Class = (char, &'static str, SubjectFacts, Circumstances);

fn account(
    state: Option<AccountState>,
    operator: Option<OperatorRole>,
    membership: Option<(Role, MemberState)>,
) -> SubjectFacts {
    SubjectFacts {
        kind: SubjectKind::Account,
        live: true,
        account: state,
        operator,
        role: membership.map(|(role, _)| role),
        membership: membership.map(|(_, state)| state),
        granted: false,
        break_glass: false,
    }
}

/// What is known of most credentials: they are not narrowed, and their log-in is as strong as any.
const PLAIN: Circumstances = Circumstances {
    tenant: None,
    actor: None,
    in_scope: true,
    assurance: AssuranceFacts { is_demanded: false, is_strong: true, is_recent: true },
};

/// A log-in that is weak, where a strong one is demanded.
const WEAK: Circumstances = Circumstances {
    assurance: AssuranceFacts { is_demanded: true, is_strong: false, is_recent: true },
    ..PLAIN
};

/// A strong log-in that is long ago, where a recent one is demanded.
const STALE: Circumstances = Circumstances {
    assurance: AssuranceFacts { is_demanded: true, is_strong: true, is_recent: false },
    ..PLAIN
};

fn nobody(kind: SubjectKind) -> SubjectFacts {
    SubjectFacts { kind, ..account(None, None, None) }
}

fn classes() -> Vec<Class> {
    use MemberState::{Removed, Suspended};
    let member = |role| account(ACTIVE, None, Some((role, MemberState::Active)));
    let operator = |role| account(ACTIVE, Some(role), None);
    let gone = Some(AccountState::Suspended);
    let granted = |role| SubjectFacts { granted: true, ..member(role) };
    let by_glass = |role| SubjectFacts { break_glass: true, ..operator(role) };
    let plain = [
        ('o', "owner", member(Role::Owner)),
        ('a', "admin", member(Role::Admin)),
        ('m', "member", member(Role::Member)),
        ('g', "guest", member(Role::Guest)),
        ('n', "no member", account(ACTIVE, None, None)),
        ('s', "suspended owner", account(ACTIVE, None, Some((Role::Owner, Suspended)))),
        ('r', "removed owner", account(ACTIVE, None, Some((Role::Owner, Removed)))),
        (
            'S',
            "owner, account suspended",
            account(gone, None, Some((Role::Owner, MemberState::Active))),
        ),
        ('x', "no account", account(None, None, None)),
        ('p', "platform-admin", operator(OperatorRole::PlatformAdmin)),
        ('u', "support", operator(OperatorRole::Support)),
        ('t', "auditor", operator(OperatorRole::Auditor)),
        (
            'P',
            "platform-admin, account suspended",
            account(gone, Some(OperatorRole::PlatformAdmin), None),
        ),
        ('h', "host", nobody(SubjectKind::Host)),
        ('y', "the program itself", nobody(SubjectKind::System)),
        ('c', "member with a custom role for the action", granted(Role::Member)),
        ('d', "guest with a custom role for the action", granted(Role::Guest)),
        (
            'e',
            "no member, with a custom role for the action",
            SubjectFacts { granted: true, ..account(ACTIVE, None, None) },
        ),
        (
            'B',
            "platform-admin with break-glass for the action",
            by_glass(OperatorRole::PlatformAdmin),
        ),
        ('b', "support with break-glass for the action", by_glass(OperatorRole::Support)),
        (
            'z',
            "no operator any more, with break-glass for the action",
            SubjectFacts { break_glass: true, ..account(ACTIVE, None, None) },
        ),
    ];
    let mut classes: Vec<Class> =
        plain.into_iter().map(|(letter, words, subject)| (letter, words, subject, PLAIN)).collect();
    let out_of_scope = Circumstances { in_scope: false, ..PLAIN };
    let both = |name| account(ACTIVE, Some(name), Some((Role::Owner, MemberState::Active)));
    let all = both(OperatorRole::PlatformAdmin);
    classes.extend([
        (
            '1',
            "owner and platform-admin at once, which no credential is, out of scope",
            all,
            out_of_scope,
        ),
        ('2', "the same with a weak log-in, where a strong one is demanded", all, WEAK),
        ('3', "the same with an old log-in, where a recent one is demanded", all, STALE),
    ]);
    classes
}

const PERMISSIONS: [Option<Permission>; 4] =
    [None, Some(Permission::Read), Some(Permission::Write), Some(Permission::Admin)];

fn permission(permission: Option<Permission>) -> &'static str {
    permission.map_or("nothing", Word::as_str)
}

/// Everything that can be known of a target of a kind, by name.
fn targets(kind: &str) -> Vec<(String, TargetFacts)> {
    match kind {
        "platform" => vec![("platform".to_owned(), TargetFacts::Platform)],
        "tenant" => vec![("tenant".to_owned(), TargetFacts::Tenant)],
        "resource_type" => vec![("resource type".to_owned(), TargetFacts::ResourceType)],
        "account" => [true, false]
            .map(|own| (format!("{} account", whose(own)), TargetFacts::Account { own }))
            .into(),
        "member" => [true, false]
            .iter()
            .flat_map(|own| Role::ALL.iter().map(move |role| (*own, *role)))
            .map(|(own, role)| {
                (format!("{} membership as {role}", whose(own)), TargetFacts::Member { own, role })
            })
            .collect(),
        "team" => [None, Some(TeamRole::Member), Some(TeamRole::Maintainer)]
            .map(|relation| {
                let word = relation.map_or("stranger", Word::as_str);
                (format!("team, as {word}"), TargetFacts::Team { relation })
            })
            .into(),
        "workspace_owner" => PrincipalType::ALL
            .iter()
            .flat_map(|kind| PERMISSIONS.iter().map(move |permission| (*kind, *permission)))
            .map(|(kind, may)| {
                let facts = TargetFacts::WorkspaceOwner { kind, permission: may };
                (format!("for {kind}, who lets {}", permission(may)), facts)
            })
            .collect(),
        "workspace" => PERMISSIONS
            .map(|may| {
                (
                    format!("workspace, {}", permission(may)),
                    TargetFacts::Workspace { permission: may },
                )
            })
            .into(),
        "resource" => PERMISSIONS
            .map(|may| {
                (
                    format!("resource, {}", permission(may)),
                    TargetFacts::Resource { permission: may },
                )
            })
            .into(),
        "role" => vec![("role".to_owned(), TargetFacts::Role)],
        "application" => vec![("application".to_owned(), TargetFacts::Application)],
        "issuer" => vec![("issuer".to_owned(), TargetFacts::Issuer)],
        "service_account" => vec![("service account".to_owned(), TargetFacts::ServiceAccount)],
        "break_glass" => [true, false]
            .map(|own| (format!("{} entry", whose(own)), TargetFacts::BreakGlass { own }))
            .into(),
        "invitation" => [true, false]
            .map(|own| (format!("{} invitation", whose(own)), TargetFacts::Invitation { own }))
            .into(),
        other => panic!("targets of the kind {other} are not in this table"),
    }
}

fn whose(own: bool) -> &'static str {
    if own { "own" } else { "another's" }
}

fn statuses() -> Vec<Option<TenantStatus>> {
    TenantStatus::ALL.iter().copied().map(Some).chain([None]).collect()
}

fn status_name(status: Option<TenantStatus>) -> &'static str {
    status.map_or("none", Word::as_str)
}

fn facts(
    action: &ActionInfo,
    subject: SubjectFacts,
    target: TargetFacts,
    tenant: Option<TenantStatus>,
) -> Facts {
    let circumstances = Circumstances { tenant, ..PLAIN };
    Facts { action: action.name, plane: action.plane, subject, target, circumstances }
}

/// What everybody may: one sign a class.
fn signs(
    policy: &Policy,
    action: &ActionInfo,
    target: TargetFacts,
    tenant: Option<TenantStatus>,
) -> String {
    let sign = |(_, _, subject, circumstances): &Class| {
        let circumstances = Circumstances { tenant, ..*circumstances };
        let facts = Facts { circumstances, ..facts(action, *subject, target, tenant) };
        let decision = policy.decide(&facts);
        if decision.allowed { '+' } else { '-' }
    };
    classes().iter().map(sign).collect()
}

/// The rows of an action on a target: one for each group of tenant states that make no difference,
/// but for those in which nobody may.
fn rows(action: &str, name: &str, signs: impl Fn(Option<TenantStatus>) -> String) -> String {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for status in statuses() {
        let signs = signs(status);
        match groups.iter_mut().find(|(known, _)| *known == signs) {
            Some((_, names)) => names.push(status_name(status)),
            None => groups.push((signs, vec![status_name(status)])),
        }
    }
    let same = groups.len() == 1;
    let mut text = String::new();
    for (signs, names) in groups {
        let never = !signs.contains('+');
        let when = match (same, never) {
            (true, true) => "never".to_owned(),
            (true, false) => "always".to_owned(),
            (false, true) => continue,
            (false, false) => names.join(", "),
        };
        writeln!(text, "{action:<26} {name:<36} {signs}  {when}").unwrap();
    }
    text
}

fn head(text: &mut String, title: &str, letters: &str) {
    writeln!(text, "\n# {title:<24} {:<36} {letters}  while the tenant is", "target").unwrap();
}

fn table(policy: &Policy) -> String {
    let mut text =
        "# Who may do what: the action, what it is done to, a sign for each class of callers, \
        and the states of\n\
        # the tenant in which it is so. In every state that is not named, nobody may.\n#\n"
            .to_owned();
    for (letter, words, ..) in classes() {
        writeln!(text, "# {letter} {words}").unwrap();
    }
    let letters: String = classes().iter().map(|(letter, ..)| *letter).collect();
    for plane in PlaneName::ALL {
        head(&mut text, &format!("{plane} plane"), &letters);
        for action in action::ALL.iter().filter(|action| action.plane == *plane) {
            for (name, target) in targets(action.target) {
                let signs = |status| signs(policy, action, target, status);
                text.push_str(&rows(action.name, &name, signs));
            }
        }
    }
    head(&mut text, "an application's", &letters);
    for case in tickets::cases() {
        let signs = |status| case.signs(&classes(), status);
        text.push_str(&rows(case.action, &case.name, signs));
    }
    text
}

#[test]
fn the_committed_table_is_what_the_policies_decide() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/rule/decisions.txt");
    let found = table(&Policy::embedded().unwrap());
    if std::env::var_os("FREEHOLD_ACCEPT").is_some_and(|value| value == "1") {
        std::fs::write(&path, &found).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    let differs = |(one, other): &(&str, &str)| one != other;
    let first = committed.lines().zip(found.lines()).find(differs);
    assert!(
        committed == found,
        "the policies decide otherwise than {}; the first row that differs: {first:#?}\n\
        read the difference, and accept it with FREEHOLD_ACCEPT=1 cargo test --test rule matrix",
        path.display()
    );
}

#[test]
fn the_schema_knows_the_actions_that_the_program_knows() {
    let mut known = Policy::embedded().unwrap().actions();
    let mut listed: Vec<String> = action::ALL.iter().map(|action| action.name.to_owned()).collect();
    known.sort();
    listed.sort();
    assert_eq!(known, listed);
}

#[test]
fn every_plane_and_kind_of_target_has_actions() {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for action in action::ALL {
        *kinds.entry(action.plane.as_str()).or_default() += 1;
        assert!(!targets(action.target).is_empty());
    }
    assert_eq!(kinds.len(), PlaneName::ALL.len());
}

/// Everything that can be known of an account with a credential for a tenant.
fn tenant_credentials() -> Vec<SubjectFacts> {
    let states: Vec<_> = AccountState::ALL.iter().copied().map(Some).chain([None]).collect();
    let memberships =
        Role::ALL.iter().flat_map(|role| MemberState::ALL.iter().map(move |state| (*role, *state)));
    let memberships: Vec<_> = memberships.map(Some).chain([None]).collect();
    let pairs = states
        .iter()
        .flat_map(|state| memberships.iter().map(move |membership| (*state, *membership)));
    pairs
        .flat_map(|(state, membership)| {
            let of = move |granted| SubjectFacts { granted, ..account(state, None, membership) };
            [of(false), of(true)]
        })
        .collect()
}

#[test]
fn no_credential_of_a_tenant_permits_a_platform_action() {
    let policy = Policy::embedded().unwrap();
    let actions = action::ALL.iter().filter(|action| action.plane == PlaneName::Platform);
    for (action, (name, target)) in
        actions.flat_map(|action| targets(action.target).into_iter().map(move |it| (action, it)))
    {
        for (subject, tenant) in tenant_credentials()
            .iter()
            .flat_map(|it| statuses().into_iter().map(move |status| (*it, status)))
        {
            let facts = facts(action, subject, target, tenant);
            assert!(!policy.decide(&facts).allowed, "{} on {name}: {facts:?}", action.name);
        }
    }
}

#[test]
fn nobody_whose_account_or_membership_is_not_active_does_anything_in_a_tenant() {
    let policy = Policy::embedded().unwrap();
    let inactive =
        |it: &SubjectFacts| it.account != ACTIVE || it.membership != Some(MemberState::Active);
    let subjects: Vec<_> = tenant_credentials().into_iter().filter(inactive).collect();
    for action in action::ALL.iter().filter(|action| action.plane == PlaneName::Tenant) {
        for (name, target) in targets(action.target) {
            for subject in &subjects {
                // Whom an invitation is for is no member yet, or no more.
                let is_invitee = target == TargetFacts::Invitation { own: true }
                    && ["invitation.accept", "invitation.decline"].contains(&action.name)
                    && subject.account == ACTIVE
                    && subject.membership != Some(MemberState::Suspended);
                let facts = facts(action, *subject, target, Some(TenantStatus::Active));
                let allowed = policy.decide(&facts).allowed;
                assert_eq!(allowed, is_invitee, "{} on {name}: {facts:?}", action.name);
            }
        }
    }
}

const PERMIT: &str =
    "@id(\"all\") @sentence(\"All may do all.\") permit (principal, action, resource);\n";

/// A `forbid` that cannot be evaluated once anything may be done to the resource: the sum is too
/// large.
const OVERFLOW: &str = "@id(\"overflow\") @sentence(\"A sum that is too large.\")\n\
    forbid (principal, action == Action::\"resource.read\", resource is Resource)\n\
    when { (9223372036854775807 + resource.permission) < 0 };\n";

fn reading(permission: Option<Permission>) -> Facts {
    Facts {
        action: "resource.read",
        plane: PlaneName::Tenant,
        subject: account(ACTIVE, None, Some((Role::Member, MemberState::Active))),
        target: TargetFacts::Resource { permission },
        circumstances: Circumstances { tenant: Some(TenantStatus::Active), ..PLAIN },
    }
}

#[test]
fn a_policy_that_cannot_be_evaluated_denies() {
    let planted = [PERMIT, OVERFLOW].concat();
    let policy = Policy::new(SCHEMA, &[("planted.cedar", &planted)]).unwrap();
    let well = policy.decide(&reading(None));
    assert!(well.allowed, "where the sum is small enough the permit stands: {well:?}");
    let failed = policy.decide(&reading(Some(Permission::Admin)));
    assert!(!failed.allowed, "an evaluation error denies: {failed:?}");
    assert!(failed.policies.contains(&"evaluation-error".to_owned()), "{failed:?}");
    let again = policy.decide(&reading(Some(Permission::Admin)));
    assert_eq!(again, failed, "and is remembered as a denial");
}

#[test]
fn a_decision_names_the_policies_that_made_it() {
    let policy = Policy::embedded().unwrap();
    let permitted = policy.decide(&reading(Some(Permission::Read)));
    assert_eq!(permitted.policies, Arc::from(["resource-read".to_owned()]));
    let suspended =
        SubjectFacts { account: Some(AccountState::Suspended), ..reading(None).subject };
    let denied = policy.decide(&Facts { subject: suspended, ..reading(Some(Permission::Read)) });
    assert_eq!(denied.policies, Arc::from(["inactive-account".to_owned()]));
}

#[test]
fn facts_that_do_not_fit_the_schema_are_denied() {
    let policy = Policy::new(SCHEMA, &[("planted.cedar", PERMIT)]).unwrap();
    assert!(policy.decide(&reading(Some(Permission::Read))).allowed);
    for action in ["resource.read", "resource.unheard-of", "tenant", ""] {
        let facts = Facts { action, target: TargetFacts::Platform, ..reading(None) };
        assert!(!policy.decide(&facts).allowed, "{action} on the platform");
    }
}

#[test]
fn a_policy_that_cannot_be_used_is_refused_by_the_name_of_its_file() {
    let named = |id: &str, body: &str| format!("@id(\"{id}\") @sentence(\"A sentence.\") {body}");
    let forbid = "forbid (principal is Account, action, resource)";
    let cases = [
        (
            "has no id",
            "@sentence(\"A sentence.\") permit (principal, action, resource);".to_owned(),
        ),
        ("has an empty id", named("", "permit (principal, action, resource);")),
        ("has no sentence", "@id(\"mute\") permit (principal, action, resource);".to_owned()),
        ("does not parse", named("broken", "permit (principal, action;")),
        ("has a name that is taken", named("all", "forbid (principal, action, resource);")),
        (
            "reads what is not there",
            named("vague", &format!("{forbid} when {{ principal.height > 3 }};")),
        ),
        (
            "compares what cannot be compared",
            named("odd", &format!("{forbid} when {{ principal.role > 3 }};")),
        ),
        (
            "names an unknown action",
            named("far", "forbid (principal, action == Action::\"moon.land\", resource);"),
        ),
    ];
    for (what, text) in cases {
        let refused = Policy::new(SCHEMA, &[("good.cedar", PERMIT), ("planted.cedar", &text)]);
        let error = refused.expect_err(what).to_string();
        assert!(error.contains("planted.cedar"), "a policy that {what} is refused with: {error}");
    }
}

#[test]
fn no_custom_role_permits_what_is_not_the_tenants_own() {
    let policy = Policy::embedded().unwrap();
    let circumstances = Circumstances { tenant: Some(TenantStatus::Active), ..PLAIN };
    for action in action::ALL.iter().filter(|action| action.plane != PlaneName::Tenant) {
        for role in Role::ALL {
            let subject = account(ACTIVE, None, Some((*role, MemberState::Active)));
            for (words, target) in targets(action.target) {
                let decide = |granted| {
                    let subject = SubjectFacts { granted, ..subject };
                    let (action, plane) = (action.name, action.plane);
                    policy.decide(&Facts { action, plane, subject, target, circumstances }).allowed
                };
                assert_eq!(decide(true), decide(false), "{} on {words}", action.name);
                let is_own = action.plane == PlaneName::Account;
                assert!(is_own || !decide(true), "{} on {words}", action.name);
            }
        }
    }
}

#[test]
fn whatever_a_tenants_action_is_done_to_may_be_something_that_one_has_nothing_to_do_with() {
    let levels = freehold::domain::RowLevels::default();
    for action in action::ALL {
        let found = TargetFacts::unrelated(action.target, levels);
        if action.plane == PlaneName::Tenant {
            let found = found.unwrap_or_else(|| panic!("{}", action.target));
            assert!(targets(action.target).iter().any(|(_, target)| *target == found));
        }
    }
}

/// What only people do.
const FOR_PEOPLE: &[&str] = &[
    "service_account.create",
    "service_account.update",
    "service_account.delete",
    "service_account.suspend",
    "service_account.resume",
    "api_key.create",
    "api_key.rotate",
    "api_key.revoke",
    "platform_service_account.create",
    "platform_service_account.update",
    "platform_service_account.delete",
    "platform_service_account.suspend",
    "platform_service_account.resume",
    "platform_api_key.create",
    "platform_api_key.rotate",
    "platform_api_key.revoke",
    "break_glass.create",
    "break_glass.approve",
    "break_glass.deny",
];

/// Every question about everybody: the action, who, and what is known.
fn every() -> impl Iterator<Item = (&'static ActionInfo, Class, Facts)> {
    let questions = action::ALL.iter().flat_map(|action| {
        targets(action.target).into_iter().map(move |(_, target)| (action, target))
    });
    questions.flat_map(|(action, target)| {
        classes().into_iter().map(move |class| {
            let facts = facts(action, class.2, target, Some(TenantStatus::Active));
            let tenant = facts.circumstances.tenant;
            let circumstances = Circumstances { tenant, ..class.3 };
            (action, class, Facts { circumstances, ..facts })
        })
    })
}

#[test]
fn a_service_account_may_do_what_a_person_may_but_for_what_is_peoples() {
    let policy = Policy::embedded().unwrap();
    let persons = every().filter(|(_, class, _)| class.2.kind == SubjectKind::Account);
    for (action, (_, name, ..), facts) in persons {
        let subject = SubjectFacts { kind: SubjectKind::ServiceAccount, ..facts.subject };
        let may = policy.decide(&Facts { subject, ..facts }).allowed;
        let person = policy.decide(&facts).allowed;
        let expected = person && !FOR_PEOPLE.contains(&action.name);
        assert_eq!(may, expected, "{} by {name}", action.name);
    }
}

#[test]
fn what_was_taken_back_is_good_for_nothing() {
    let policy = Policy::embedded().unwrap();
    let kinds = [SubjectKind::Account, SubjectKind::ServiceAccount];
    let known = every().filter(|(_, class, _)| class.2.kind == SubjectKind::Account);
    for (action, (_, name, ..), facts) in known {
        for kind in kinds {
            let subject = SubjectFacts { kind, live: false, ..facts.subject };
            let decision = policy.decide(&Facts { subject, ..facts });
            assert!(!decision.allowed, "{} by {name}", action.name);
        }
    }
}
