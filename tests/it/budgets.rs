//! Work outside the database: it ends at its bounds, goes on page by page to the same whole, and stops when its client
//! goes.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::client::{Answer, Client};
use crate::limits::memory;
use crate::org::Org;
use crate::wire::{Wire, with_body};

const SIMULATE: &str = "/access/v1/simulate";

/// A server on which no answer may be long.
fn narrow() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| {
        TestApp::dev_with(&Place::new(), &[("FREEHOLD__ACCESS__MAX_ANSWER_BYTES", "1024")])
    })
}

/// A server on which nothing may take long.
fn hurried() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| TestApp::dev_with(&Place::new(), &[("FREEHOLD__ACCESS__MAX_WORK_MS", "1")]))
}

/// A server on which a simulation may take longer than others wait for it.
fn patient() -> &'static TestApp {
    static APP: OnceLock<TestApp> = OnceLock::new();
    APP.get_or_init(|| {
        TestApp::dev_with(&Place::new(), &[("FREEHOLD__ACCESS__MAX_WORK_MS", "30000")])
    })
}

/// An application that keeps its resources itself, and whose policies take long over the sets that requests bring.
fn laborious(name: &str) -> Value {
    let word = name.replace('-', "_");
    let again = "resource.tags.containsAll(resource.tags) && ".repeat(30);
    let policies: Vec<_> = (0..20)
        .map(|n| {
            format!(
                "@id(\"labour-{n}\") @sentence(\"An administrator may do it after long labour {n}.\")\n\
                 permit (principal, action, resource) when {{ resource has tags && {again} principal.role == \"admin\" }};\n"
            )
        })
        .collect();
    let set = |name: &str| json!({"name": name, "type": "string_set", "source": "request"});
    let words = json!({"name": "words", "type": "string_set"});
    let action = |verb: &str| json!({"name": format!("{word}.{verb}"), "resource_types": [word], "properties": [words]});
    json!({
        "name": name,
        "title": name,
        "resource_types": [{"name": word, "kept_by": "application", "attributes": [set("tags")]}],
        "actions": [action("view"), action("edit")],
        "policies": [{"name": "main", "text": policies.concat()}],
    })
}

/// A tenant with such an application, and the word for its resources.
fn with_labour<'a>(app: &'a TestApp, slug: &str) -> (Org<'a>, String) {
    let (org, name) = (Org::new(app, slug), format!("{slug}-app"));
    app.operator().post("/v1/platform/applications", &laborious(&name)).expect(201);
    org.owner.put_new(&format!("/applications/{name}"), &json!({})).expect(201);
    (org, name.replace('-', "_"))
}

fn tags(count: usize) -> Value {
    (0..count).map(|n| format!("tag-{n}")).collect()
}

/// Every page of a simulation, and how many bytes the longest had.
fn pages(caller: &Client, request: &Value) -> (Vec<Answer>, usize) {
    let (mut request, mut pages, mut longest) = (request.clone(), Vec::new(), 0);
    loop {
        let page = caller.post(SIMULATE, &request).expect(200);
        longest = longest.max(page.text.len());
        let next = page["next_cursor"].clone();
        pages.push(page);
        if next.is_null() {
            return (pages, longest);
        }
        request["cursor"] = next;
    }
}

fn changes_of(pages: &[Answer]) -> Vec<Value> {
    pages.iter().flat_map(|page| page["changes"].as_array().unwrap().clone()).collect()
}

/// A simulation in pages, which is the same as all its questions one by one.
fn paged(org: &Org) -> (Vec<Answer>, usize) {
    let mut resources: Vec<_> =
        (0..12).map(|n| org.resource(&format!("r {n}"), "private")).collect();
    resources.sort();
    let listed = |ids: &[String]| -> Value {
        ids.iter().map(|id| json!({"type": "prompt", "id": id})).collect()
    };
    let mut people: Vec<_> = ["member", "other", "guest"].map(|name| org.account(name)).into();
    people.sort();
    let actions = ["resource.delete", "resource.read"];
    let members: Vec<_> =
        people.iter().map(|id| json!({"account_id": id, "role": "admin"})).collect();
    let ask = |subjects: &Value, actions: &[&str], resources: Value| {
        let request = json!({"changes": {"members": members},
            "questions": {"subjects": subjects, "actions": actions, "resources": resources}});
        pages(&org.owner, &request)
    };
    let (paged, longest) = ask(&json!(people), &actions, listed(&resources));
    let evaluated: u64 = paged.iter().map(|page| page["evaluated"].as_u64().unwrap()).sum();
    assert_eq!(evaluated, 72);
    let mut whole = Vec::new();
    for person in &people {
        for action in actions {
            for id in resources.chunks(1) {
                whole.extend(changes_of(&ask(&json!([person]), &[action], listed(id)).0));
            }
        }
    }
    assert_eq!(whole.len(), 72);
    assert_eq!(changes_of(&paged), whole);
    (paged, longest)
}

#[test]
fn a_simulation_ends_at_its_bytes_and_goes_on_to_the_same_whole() {
    let (paged, longest) = paged(&Org::new(narrow(), "bounded-bytes"));
    // The bound is 1,024 bytes of changes and policies; a page has one change at the least.
    assert!(longest < 2 * 1024, "{longest}");
    assert!(paged.len() > 20, "{}", paged.len());
    for page in &paged {
        let changes = page["changes"].as_array().unwrap().iter();
        let named: BTreeSet<_> = changes.flat_map(named).collect();
        let told = page["policies"].as_array().unwrap().iter();
        let told: Vec<_> = told.map(|policy| policy["id"].as_str().unwrap().to_owned()).collect();
        assert_eq!(told, named.into_iter().collect::<Vec<_>>(), "each once: {}", page.text);
    }
}

#[test]
fn a_simulation_ends_with_its_time_and_goes_on_to_the_same_whole() {
    let (paged, _) = paged(&Org::new(hurried(), "bounded-time"));
    assert!(paged.len() > 1, "72 questions in a millisecond");
}

/// The ids of the policies that a change names.
fn named(change: &Value) -> Vec<String> {
    let of = |side: &str| change[side].as_array().unwrap().clone();
    let ids = [of("policies_before"), of("policies_after")].concat();
    ids.iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_simulation_goes_on_only_where_its_tenant_has_not_moved_on() {
    let org = Org::new(narrow(), "moved-on");
    let resources: Value = (0..5)
        .map(|n| json!({"type": "prompt", "id": org.resource(&format!("r {n}"), "private")}))
        .collect();
    let mut request = json!({"changes": {"row_security": "off"},
        "questions": {"subjects": "everybody", "actions": ["resource.read"], "resources": resources}});
    let first = org.owner.post(SIMULATE, &request).expect(200);
    request["cursor"] = first["next_cursor"].clone();
    assert!(request["cursor"].is_string(), "{}", first.text);
    org.owner.post(SIMULATE, &request).expect(200);
    let others = org.admin.post(SIMULATE, &request).problem(400, "invalid_parameter");
    assert_eq!(others.fields(), ["/cursor"], "a cursor is good for its subject alone");
    let mut another = request.clone();
    another["changes"]["row_security"] = json!("shadow");
    org.owner.post(SIMULATE, &another).problem(400, "invalid_parameter");
    org.newcomer("late", "member");
    org.owner.post(SIMULATE, &request).problem(409, "moved_on");
}

#[test]
fn a_search_answers_the_page_that_it_has_and_is_whole_in_the_end() {
    assert!(searched(&Org::new(narrow(), "bounded-search")) > 2, "pages of 1,024 bytes");
    assert!(searched(&Org::new(hurried(), "hurried-search")) > 1, "pages of a millisecond");
}

/// How many pages a search has that finds everything.
fn searched(org: &Org) -> usize {
    let word = org.bound("papers").replace('-', "_");
    let thing = |n: usize| {
        let body = json!({"type": word, "workspace_id": org.everyone, "name": format!("t {n}"), "visibility": "tenant"});
        org.owner.post("/resources", &body).expect(201).id()
    };
    let made: BTreeSet<String> = (0..30).map(thing).collect();
    let subject = json!({"type": "account", "id": org.account("member")});
    let mut search = json!({"subject": subject, "action": {"name": format!("{word}.view")},
        "resource": {"type": word}, "page": {"limit": 1000}});
    let (mut found, mut count) = (Vec::new(), 0);
    loop {
        let page = org.owner.post("/access/v1/search/resource", &search).expect(200);
        found.extend(
            page["results"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["id"].as_str().unwrap().to_owned()),
        );
        count += 1;
        if page["page"]["next_token"] == "" {
            break;
        }
        search["page"]["token"] = page["page"]["next_token"].clone();
        let others = org.admin.post("/access/v1/search/resource", &search);
        assert_eq!(others.problem(400, "invalid_parameter").fields(), ["/page/token"]);
    }
    assert_eq!(found.len(), 30);
    assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), made);
    count
}

#[test]
fn questions_that_take_too_much_together_are_refused_as_a_whole() {
    let (org, word) = with_labour(hurried(), "bounded-batch");
    let items: Vec<_> = (0..400).map(|n| json!({"resource": {"type": word, "id": n.to_string(), "properties": {"tags": tags(50)}}})).collect();
    let batch = json!({"subject": {"type": "account", "id": org.account("member")},
        "action": {"name": format!("{word}.view")}, "evaluations": items});
    let refused = org.owner.post("/access/v1/evaluations", &batch).problem(503, "too_much_work");
    assert_eq!(refused.header("retry-after"), "", "it is not a matter of time");
}

#[test]
fn an_explanation_that_is_too_long_is_refused() {
    let org = Org::new(narrow(), "bounded-explanation");
    let shared = org.resource("shared", "private");
    for n in 0..6 {
        let team = org.team(&format!("team {n}"));
        org.join(&team, "member", "member");
        org.share(&shared, &team, "read");
    }
    let question = json!({"subject": {"type": "account", "id": org.account("member")},
        "action": {"name": "resource.read"}, "resource": {"type": "prompt", "id": shared}});
    org.owner.post("/access/v1/explain", &question).problem(503, "too_much_work");
}

/// A simulation that takes minutes if it is let.
fn endless(org: &Org, word: &str) -> Value {
    let resources: Vec<_> = (0..1000)
        .map(|n| json!({"type": word, "id": n.to_string(), "properties": {"tags": tags(80)}}))
        .collect();
    let actions = [format!("{word}.view"), format!("{word}.edit")];
    json!({"changes": {"members": [{"account_id": org.account("member"), "role": "guest"}]},
        "questions": {"subjects": "everybody", "actions": actions, "resources": resources}})
}

#[test]
fn a_second_simulation_waits_and_one_whose_client_has_gone_stops() {
    let (org, word) = with_labour(patient(), "abandoned");
    let path = format!("/v1/tenants/{}{SIMULATE}", org.slug);
    let mut wire = Wire::to(org.app);
    wire.write(with_body(&org.owner, "POST", &path, &endless(&org, &word).to_string()));
    let small = json!({"changes": {}, "questions": {"subjects": "everybody",
        "actions": ["tenant.read"], "resources": [{"type": "tenant", "id": org.id}]}});
    // Until the long one has begun, the short one is answered.
    let busy = crate::app::eventually(|| {
        Some(org.admin.post(SIMULATE, &small)).filter(|answer| answer.status != 200)
    });
    let busy = busy.problem(503, "busy");
    assert_eq!(busy.header("retry-after"), "1");
    let other = Org::new(org.app, "not-abandoned");
    let theirs = json!({"changes": {}, "questions": {"subjects": "everybody",
        "actions": ["tenant.read"], "resources": [{"type": "tenant", "id": other.id}]}});
    other.owner.post(SIMULATE, &theirs).expect(200);
    drop(wire);
    // It would go on for its whole budget, which is longer than the client waits.
    org.admin.post(SIMULATE, &small).expect(200);
}

#[test]
fn a_default_that_many_questions_share_is_kept_once() {
    let (org, word) = with_labour(patient(), "shared-default");
    let words: Value = (0..6000).map(|n| format!("w{n}")).collect();
    let items: Vec<_> =
        (0..1000).map(|n| json!({"resource": {"type": word, "id": n.to_string()}})).collect();
    let mut batch = json!({"subject": {"type": "account", "id": org.account("member")},
        "action": {"name": "unheard.of", "properties": {"words": words}}, "evaluations": items});
    let before = memory(org.app);
    let answer = org.owner.post("/access/v1/evaluations", &batch).expect(200);
    assert_eq!(answer["evaluations"].as_array().unwrap().len(), 1000);
    let grown = memory(org.app).saturating_sub(before);
    assert!(grown < 150 * 1024, "{grown} KiB for a body of 100 KiB");
    batch["action"]["properties"]["words"] = (0..9000).map(|n| format!("w{n}")).collect();
    let refused = org.owner.post("/access/v1/evaluations", &batch);
    assert_eq!(refused.problem(400, "invalid_parameter").fields(), ["/action/properties"]);
}

#[test]
fn what_is_asked_of_a_simulation_is_bounded_before_anything_is_looked_for() {
    let org = Org::new(patient(), "bounded-questions");
    let ask = |changes: &Value, actions: &Value, resources: &Value| {
        let body = json!({"changes": changes, "questions": {"subjects": "everybody", "actions": actions, "resources": resources}});
        org.owner.post(SIMULATE, &body)
    };
    let many: Value = (0..201).map(|n| format!("a{n}.b")).collect();
    assert_eq!(
        ask(&json!({}), &many, &json!([])).problem(422, "invalid").fields(),
        ["/questions/actions"]
    );
    let twice = json!([{"type": "prompt", "id": "x"}, {"type": "prompt", "id": "x", "properties": {"a": 1}}]);
    let refused = ask(&json!({}), &json!(["tenant.read"]), &twice).problem(422, "invalid");
    assert_eq!(refused.fields(), ["/questions/resources"]);
    let nobody = |n: usize| format!("01890000-0000-7000-8000-{n:012}");
    let members: Value =
        (0..900).map(|n| json!({"account_id": nobody(n), "role": "member"})).collect();
    let refused = ask(&json!({"members": members}), &json!([]), &json!([])).problem(422, "invalid");
    assert_eq!(refused.fields().len(), 50, "and no more than that many are told");
}
