//! Applications' policies, as dice throw them: whatever they permit, they permit no action of Freehold's own or of
//! another application, and nothing to those whom the boundaries keep out.

use std::cell::Cell;
use std::sync::Arc;

use freehold::domain::{
    AccountState, ApplicationFacts, ApplicationPolicy, AssuranceFacts, Circumstances,
    DecisionPoint, Manifest, MemberState, OperatorRole, Role, SubjectFacts, SubjectKind,
    TenantStatus, Uncompiled, Word, action,
};
use freehold::policy::Policy;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, json};

use crate::draft::runner;

const ACTIONS: &[&str] = &["document.view", "document.edit", "publish"];
const TYPES: &[&str] = &["document", "folder"];
/// What another application has.
const FOREIGN: &[&str] = &["invoice.pay", "document.burn"];

fn manifest(text: &str) -> Arc<Manifest> {
    let flag = json!([{"name": "draft", "type": "boolean"}]);
    let types: Vec<_> =
        TYPES.iter().map(|name| json!({"name": name, "attributes": flag})).collect();
    let actions: Vec<_> = ACTIONS
        .iter()
        .map(|name| json!({"name": name, "resource_types": TYPES, "properties": flag}))
        .collect();
    let manifest = json!({
        "name": "thrown", "title": "Thrown", "resource_types": types, "actions": actions,
        "policies": [{"name": "all", "text": text}],
    });
    Arc::new(serde_json::from_value(manifest).unwrap())
}

fn compiled(text: &str) -> Arc<dyn ApplicationPolicy> {
    let policy = Policy::embedded().unwrap();
    policy.compile(&manifest(text)).unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
}

/// Something that is true or false.
fn condition() -> impl Strategy<Value = String> {
    let leaf = select(vec![
        "true",
        "false",
        "principal.role == \"owner\"",
        "principal.role != \"none\"",
        "principal.state != \"active\"",
        "principal.membership != \"active\"",
        "principal.operator != \"none\"",
        "principal.granted",
        "principal.break_glass",
        "principal.roles.contains(\"editors\")",
        "context.in_scope",
        "context.tenant != \"active\"",
        "context.step_up",
        "context.strong",
        "resource.permission >= 2",
        "resource.key like \"a*\"",
        "(resource has draft && resource.draft)",
        "(context.properties has draft && context.properties.draft)",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            inner.clone().prop_map(|one| format!("!({one})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one}) && ({two})")),
            (inner.clone(), inner.clone()).prop_map(|(one, two)| format!("({one}) || ({two})")),
            (inner.clone(), inner.clone(), inner)
                .prop_map(|(one, two, three)| format!("if ({one}) then ({two}) else ({three})")),
        ]
    })
}

fn policy() -> impl Strategy<Value = String> {
    let action = prop_oneof![
        2 => Just("action".to_owned()),
        1 => select(ACTIONS).prop_map(|name| format!("action == Action::\"{name}\"")),
        1 => Just("action in [Action::\"publish\", Action::\"document.view\"]".to_owned()),
    ];
    let resource = prop_oneof![
        2 => Just("resource".to_owned()),
        1 => select(TYPES).prop_map(|name| format!("resource is {name}")),
    ];
    let effect = prop_oneof![4 => Just("permit"), 1 => Just("forbid")];
    let principal = select(vec!["principal", "principal is Account"]);
    let when = option::of(condition()).prop_map(|it| it.map(|it| format!(" when {{ {it} }}")));
    let unless = option::weighted(0.2, condition());
    let unless = unless.prop_map(|it| it.map(|it| format!(" unless {{ {it} }}")));
    (effect, principal, action, resource, when, unless).prop_map(
        |(effect, principal, action, resource, when, unless)| {
            let (when, unless) = (when.unwrap_or_default(), unless.unwrap_or_default());
            format!("{effect} ({principal}, {action}, {resource}){when}{unless};")
        },
    )
}

/// A text of policies; most permit everything besides.
fn policies() -> impl Strategy<Value = String> {
    (vec(policy(), 0..5), prop::bool::weighted(0.7)).prop_map(|(mut policies, all)| {
        if all {
            policies.push("permit (principal, action, resource);".to_owned());
        }
        let named = policies.iter().enumerate();
        let named = named.map(|(n, text)| format!("@id(\"p{n}\") @sentence(\"S.\") {text}"));
        named.collect::<Vec<_>>().join("\n")
    })
}

fn word<W: Word + std::fmt::Debug + 'static>(all: &'static [W]) -> impl Strategy<Value = W> {
    select(all)
}

fn subject() -> impl Strategy<Value = SubjectFacts> {
    let flags = (any::<bool>(), any::<bool>());
    let words = (
        option::weighted(0.9, word(AccountState::ALL)),
        option::weighted(0.3, word(OperatorRole::ALL)),
        option::weighted(0.8, word(Role::ALL)),
        option::weighted(
            0.8,
            prop_oneof![3 => Just(MemberState::Active), 1 => word(MemberState::ALL)],
        ),
    );
    (words, flags).prop_map(|((account, operator, role, membership), (granted, break_glass))| {
        let (kind, live) = (SubjectKind::Account, true);
        SubjectFacts { kind, live, account, operator, role, membership, granted, break_glass }
    })
}

fn circumstances() -> impl Strategy<Value = Circumstances> {
    let tenant = prop_oneof![
        4 => Just(Some(TenantStatus::Active)),
        1 => option::of(word(TenantStatus::ALL)),
    ];
    let mostly = || prop::bool::weighted(0.8);
    (tenant, mostly(), any::<bool>(), mostly(), mostly()).prop_map(
        |(tenant, in_scope, is_demanded, is_strong, is_recent)| {
            let assurance = AssuranceFacts { is_demanded, is_strong, is_recent };
            Circumstances { tenant, actor: None, in_scope, assurance }
        },
    )
}

fn facts() -> impl Strategy<Value = ApplicationFacts> {
    let flag = || {
        option::of(any::<bool>()).prop_map(|draft| {
            draft.map(|draft| ("draft".to_owned(), json!(draft))).into_iter().collect::<Map<_, _>>()
        })
    };
    let question = (select(ACTIONS), select(TYPES), select(vec!["a", "b"]), 0..4_i64);
    let roles = vec(select(vec!["editors".to_owned(), "others".to_owned()]), 0..2);
    (question, roles, subject(), circumstances(), flag(), flag()).prop_map(
        |((action, kind, key, level), roles, subject, circumstances, attributes, properties)| {
            ApplicationFacts {
                action: action.to_owned(),
                subject,
                account: "somebody".to_owned(),
                roles,
                principals: Vec::new(),
                circumstances,
                resource_type: kind.to_owned(),
                resource: key.to_owned(),
                level,
                attributes,
                properties,
            }
        },
    )
}

/// Whether the boundaries let anything be decided: the page's words, not the policies'.
fn is_within(facts: &ApplicationFacts) -> bool {
    let ApplicationFacts { subject, circumstances, .. } = facts;
    let Circumstances { tenant, in_scope, assurance, .. } = *circumstances;
    let by_membership = subject.membership == Some(MemberState::Active);
    let by_glass = subject.operator.is_some() && subject.break_glass;
    subject.account == Some(AccountState::Active)
        && (by_membership || by_glass)
        && tenant == Some(TenantStatus::Active)
        && in_scope
        && (!assurance.is_demanded || (assurance.is_strong && assurance.is_recent))
}

fn every_foreign_action() -> impl Iterator<Item = &'static str> {
    action::ALL.iter().map(|action| action.name).chain(FOREIGN.iter().copied())
}

#[test]
fn no_policy_of_an_application_reaches_beyond_it() {
    let (permitted, asked) = (Cell::new(0), Cell::new(0));
    let thrown = (policies(), vec(facts(), 60));
    let outcome = runner(150, 3000).run(&thrown, |(text, questions)| {
        let policy = compiled(&text);
        for facts in questions {
            asked.set(asked.get() + 1);
            let allowed = policy.decide(&facts).allowed;
            permitted.set(permitted.get() + usize::from(allowed));
            prop_assert!(!allowed || is_within(&facts), "{text}\n{facts:?}");
        }
        Ok(())
    });
    outcome.unwrap();
    let (permitted, asked) = (permitted.get(), asked.get());
    assert!(permitted * 20 > asked, "{permitted} of {asked} were permitted: that says little");
}

#[test]
fn no_policy_of_an_application_decides_what_is_not_its_own() {
    let thrown = (policies(), facts());
    let outcome = runner(30, 300).run(&thrown, |(text, facts)| {
        let policy = compiled(&text);
        let kinds =
            TYPES.iter().chain(&["tenant", "member", "platform", "resource", "Account", ""]);
        for (name, kind) in kinds.flat_map(|kind| every_foreign_action().map(move |it| (it, *kind)))
        {
            let (action, resource_type) = (name.to_owned(), kind.to_owned());
            let facts = ApplicationFacts { action, resource_type, ..facts.clone() };
            prop_assert!(!policy.decide(&facts).allowed, "{name} on {kind}: {text}");
        }
        Ok(())
    });
    outcome.unwrap();
}

/// As much as one policy may have, of everything that nests.
fn largest() -> Vec<String> {
    let chain = |link: &str, begin: &str| format!("{begin}{}", link.repeat(120));
    let ands = chain(" && true", "true");
    let sums = format!("{} > 0", chain("+1", "1"));
    let ifs = format!("{}true", "if principal.granted then true else ".repeat(120));
    let brackets = format!("{}true{}", "(".repeat(28), ")".repeat(28));
    [ands, sums, ifs, brackets].into()
}

/// A member's question.
fn question() -> ApplicationFacts {
    ApplicationFacts {
        action: "publish".to_owned(),
        subject: SubjectFacts {
            kind: SubjectKind::Account,
            live: true,
            account: Some(AccountState::Active),
            operator: None,
            role: Some(Role::Member),
            membership: Some(MemberState::Active),
            granted: false,
            break_glass: false,
        },
        account: "somebody".to_owned(),
        roles: Vec::new(),
        principals: Vec::new(),
        circumstances: Circumstances {
            tenant: Some(TenantStatus::Active),
            actor: None,
            in_scope: true,
            assurance: AssuranceFacts { is_demanded: false, is_strong: false, is_recent: false },
        },
        resource_type: "folder".to_owned(),
        resource: "a".to_owned(),
        level: 0,
        attributes: Map::new(),
        properties: Map::new(),
    }
}

/// More policies than are asked at once.
fn many(last: &str) -> String {
    let permits = (0..200).map(|n| {
        format!(
            "@id(\"p-{n:03}\") @sentence(\"{}\") permit (principal, action, resource) when {{ {} }};\n",
            "long ".repeat(30),
            n == 7 || n == 190,
        )
    });
    permits.collect::<String>() + last
}

#[test]
fn policies_that_are_asked_in_parts_decide_as_one() {
    let question = question();
    let id = |name: &str| format!("thrown/{name}");
    let permitted = compiled(&many("")).decide(&question);
    assert!(permitted.allowed);
    assert_eq!(*permitted.policies, [id("p-007"), id("p-190")]);
    let forbid = "@id(\"no\") @sentence(\"No.\") forbid (principal, action, resource);";
    let forbidden = compiled(&many(forbid)).decide(&question);
    assert!(!forbidden.allowed);
    assert_eq!(*forbidden.policies, [id("no")]);
    let fails = "@id(\"err\") @sentence(\"E.\") permit (principal, action, resource) when { resource.permission + 9223372036854775807 > 0 };";
    let question = ApplicationFacts { level: 1, ..question };
    let failed = compiled(&many(fails)).decide(&question);
    assert!(!failed.allowed);
    assert_eq!(failed.policies.last().unwrap(), "evaluation-error");
}

#[test]
fn deciding_and_compiling_end_when_the_work_does() {
    let (policy, text) = (Policy::embedded().unwrap(), many(""));
    let calls = std::sync::atomic::AtomicUsize::new(0);
    let first = || calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) < 1;
    assert!(compiled(&text).decide_while(&question(), &first).is_none());
    calls.store(0, std::sync::atomic::Ordering::Relaxed);
    let ended = policy.compile_while(&manifest(&text), &first).map(|_| ());
    assert_eq!(ended, Err(Uncompiled::Stopped));
}

#[test]
fn the_largest_policies_that_are_accepted_are_decided_on_a_small_stack() {
    let question = question();
    for condition in largest() {
        let text = format!(
            "@id(\"p\") @sentence(\"S.\") permit (principal, action, resource) when {{ {condition} }};"
        );
        let (policy, question) = (compiled(&text), question.clone());
        let small = std::thread::Builder::new().stack_size(1 << 20);
        let decided = small.spawn(move || policy.decide(&question)).unwrap().join().unwrap();
        assert!(decided.allowed, "{decided:?}: {condition}");
    }
}

#[test]
fn what_is_checked_is_checked_however_deep_it_stands() {
    let policy = Policy::embedded().unwrap();
    let head = "@id(\"p\") @sentence(\"S.\") permit (principal, action, resource) when";
    let ifs = "if principal.granted then true else ".repeat(120);
    for condition in [
        format!("{ifs}principal.height > 1"),
        format!("principal{}", ".height".repeat(240)),
        format!("{}principal.height > 1", "principal.granted || ".repeat(120)),
    ] {
        let text = format!("{head} {{ {condition} }};");
        let errors = policy.compile(&manifest(&text)).map(|_| ()).unwrap_err();
        assert!(errors[0].detail.contains("height"), "{errors:?}");
    }
}
