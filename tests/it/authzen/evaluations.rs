//! Several questions at once: what an item inherits, where answers end, and how many there may be.

use std::time::Instant;

use serde_json::{Value, json};

use super::{app, ask, entity, question};
use crate::app::{Place, TestApp, measured};
use crate::org::Org;

/// The decisions, in order.
#[track_caller]
fn decisions(org: &Org, request: &Value) -> Vec<bool> {
    let answer = ask(&org.admin, "evaluations", request).expect(200);
    let items = answer["evaluations"].as_array().unwrap().iter();
    items.map(|item| item["decision"].as_bool().unwrap()).collect()
}

/// Resources of which the member may read the first two, and change none.
fn asked(org: &Org) -> (Value, [Value; 3]) {
    let kinds = ["tenant", "tenant", "private"].into_iter().enumerate();
    let ids = kinds.map(|(number, seen)| org.resource(&format!("several-{number}"), seen));
    let resources: Vec<Value> = ids.map(|id| entity("prompt", &id)).collect();
    (entity("account", &org.account("member")), resources.try_into().unwrap())
}

#[test]
fn answers_end_where_the_semantic_says() {
    let org = Org::new(app(), "semantics");
    let (subject, [one, two, hidden]) = asked(&org);
    let items = |order: [&Value; 4]| order.map(|it| json!({"resource": it}));
    let request = |items: [Value; 4], semantic: &str| {
        json!({"subject": subject, "action": {"name": "resource.read"}, "evaluations": items,
            "options": {"evaluations_semantic": semantic, "another": 1}})
    };
    let mixed = || items([&one, &hidden, &two, &hidden]);
    let none_first = || items([&hidden, &json!({}), &one, &two]);
    let cases = [
        (mixed(), "execute_all", vec![true, false, true, false]),
        (mixed(), "deny_on_first_deny", vec![true, false]),
        (mixed(), "permit_on_first_permit", vec![true]),
        (none_first(), "execute_all", vec![false, false, true, true]),
        (none_first(), "deny_on_first_deny", vec![false]),
        (none_first(), "permit_on_first_permit", vec![false, false, true]),
    ];
    for (items, semantic, expected) in cases {
        assert_eq!(decisions(&org, &request(items, semantic)), expected, "{semantic}");
    }
    let odd = ask(&org.admin, "evaluations", &request(mixed(), "all_of_them"));
    assert_eq!(odd.problem(400, "invalid_parameter").fields(), ["/options/evaluations_semantic"]);
}

#[test]
fn an_item_replaces_a_default_as_a_whole() {
    let org = Org::new(app(), "defaults");
    let (subject, [one, _, hidden]) = asked(&org);
    let owner = entity("account", &org.account("owner"));
    let request = json!({
    "subject": subject, "action": {"name": "resource.read", "properties": {"a": 1}},
    "resource": hidden,
    "evaluations": [
        {}, {"subject": owner}, {"resource": one}, {"action": {"name": "resource.delete"}},
        {"action": {"name": "resource.delete"}, "subject": owner},
        {"resource": {"id": one["id"]}}, {"subject": {"id": owner["id"]}},
        {"resource": null}, {"resource": "text"}, {"subject": ["account", owner["id"]]},
        {"action": {"name": 1}}, 1, "text", [], null, {"resource": {"type": "x", "id": 7}},
    ]});
    let no = [false; 9];
    let expected = [&[false, true, true, false, true, true, true][..], &no[..]].concat();
    assert_eq!(decisions(&org, &request), expected);
}

#[test]
fn what_is_wrong_with_the_whole_is_a_bad_request() {
    let org = Org::new(app(), "whole");
    let (subject, [one, ..]) = asked(&org);
    let good = question(&subject, "resource.read", &one);
    let with = |name: &str, value: Value| {
        let mut request = good.clone();
        request[name] = value;
        request
    };
    let items = |count: usize| json!(vec![json!({}); count]);
    let cases = [
        (with("evaluations", json!("text")), "/evaluations"),
        (with("evaluations", json!({})), "/evaluations"),
        (with("subject", json!("text")), "/subject"),
        (with("subject", json!({"type": "account"})), "/subject/id"),
        (with("action", json!({})), "/action/name"),
        (with("resource", Value::Null), "/resource"),
        (with("options", json!([])), "/options"),
        (with("evaluations", items(1001)), "/evaluations"),
    ];
    for (request, field) in cases {
        let answer = ask(&org.admin, "evaluations", &request).problem(400, "invalid_parameter");
        assert_eq!(answer.fields(), [field]);
    }
    assert_eq!(decisions(&org, &with("evaluations", items(1000))), vec![true; 1000]);
}

#[test]
fn everybody_may_ask_several_questions_about_themselves_alone() {
    let org = Org::new(app(), "several-own");
    let (subject, [one, ..]) = asked(&org);
    let other = entity("account", &org.account("other"));
    let request = |subjects: &[&Value]| {
        let items: Vec<Value> = subjects.iter().map(|it| json!({"subject": it})).collect();
        json!({"action": {"name": "resource.read"}, "resource": one, "evaluations": items})
    };
    ask(&org.member, "evaluations", &request(&[&subject, &subject])).expect(200);
    let mixed = request(&[&subject, &other]);
    ask(&org.member, "evaluations", &mixed).problem(403, "forbidden");
    assert_eq!(decisions(&org, &mixed), [true, true]);
}

#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
#[test]
fn a_hundred_questions_about_one_subject_are_cheap() {
    let org = Org::new(app(), "hundred");
    let (subject, [one, ..]) = asked(&org);
    let items = vec![json!({"resource": one}); 100];
    let single = question(&subject, "resource.read", &one);
    let several =
        json!({"subject": subject, "action": {"name": "resource.read"}, "evaluations": items});
    let time = |path: &str, request: &Value| {
        ask(&org.admin, path, request).expect(200);
        let begun = Instant::now();
        for _ in 0..20 {
            ask(&org.admin, path, request).expect(200);
        }
        begun.elapsed() / 20
    };
    let (one, hundred) = (time("evaluation", &single), time("evaluations", &several));
    measured(&format!("one question {one:?}, a hundred at once {hundred:?}"));
    assert!(hundred < one * 40, "{one:?}, {hundred:?}");
}

#[test]
fn what_a_stronger_log_in_would_permit_says_which() {
    let settings = [
        ("FREEHOLD__ASSURANCE__STEP_UP", "tenant.update"),
        ("FREEHOLD__ASSURANCE__ACR_VALUES", "urn:strong,urn:stronger"),
        ("FREEHOLD__ASSURANCE__MAX_AGE_S", "300"),
    ];
    let app = TestApp::serve_at(&Place::new(), &settings);
    let org = Org::new(&app, "stepping-up");
    let about = |who: &str, action: &str| {
        question(&entity("account", &org.account(who)), action, &entity("tenant", &org.id))
    };
    let items = [("owner", "tenant.update"), ("member", "tenant.update"), ("owner", "tenant.read")];
    let request = json!({"evaluations": items.map(|(who, action)| about(who, action))});
    let context = json!({"acr_values": "urn:strong urn:stronger", "max_age": 300});
    let answer = ask(&org.admin, "evaluations", &request).expect(200);
    let expected =
        json!([{"decision": false, "context": context}, {"decision": false}, {"decision": true}]);
    assert_eq!(answer["evaluations"], expected);
    // Whoever asks is known by the log-in that they have, and the host's token is as strong as can be.
    let own = ask(&org.admin, "evaluation", &about("admin", "tenant.update")).expect(200);
    assert_eq!(own.json, json!({"decision": true}));
}
