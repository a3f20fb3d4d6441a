//! `/v1/platform/applications`: manifests, their versions, and everything that can be wrong with one.

use std::time::Duration;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Answer, Client};
use crate::isolation::now;
use crate::org::manifest;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

fn register(manifest: &Value) -> Answer {
    operator().post("/applications", manifest)
}

/// A manifest whose policies are this text.
fn with_policies(name: &str, text: &str) -> Value {
    let mut manifest = manifest(name);
    manifest["policies"] = json!([{"name": "main", "text": text}]);
    manifest
}

/// What is said of a manifest with these policies, which is refused.
#[track_caller]
fn complaint(text: &str) -> (Vec<String>, String) {
    let answer = register(&with_policies("never-comes", text)).problem(422, "invalid");
    let fields = answer.fields().into_iter().map(str::to_owned).collect();
    (fields, answer["errors"][0]["detail"].as_str().unwrap().to_owned())
}

#[test]
fn applications_and_their_versions_are_limited() {
    let app = TestApp::dev();
    let operator = app.operator().at("/v1/platform");
    operator.post("/applications", &manifest("limit-first")).expect(201);
    // Made in the file itself: ten thousand would take their time.
    let registry = rusqlite::Connection::open(app.place().data().join("registry.db")).unwrap();
    registry.busy_timeout(Duration::from_secs(10)).unwrap();
    let rows = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 9998)
        insert into applications (name, title, description, manifest_version, created_at, updated_at)
        select 'limit-' || n, 'Title', '', 1, 0, 0 from n";
    registry.execute(rows, []).unwrap();
    operator.post("/applications", &manifest("limit-last")).expect(201);
    let more = operator.post("/applications", &manifest("limit-more"));
    more.problem(409, "application_limit");
    let last = "update applications set manifest_version = 9999 where name = 'limit-first'";
    registry.execute(last, []).unwrap();
    registry
        .execute(
            "update application_versions set manifest_version = 9999 where application = 'limit-first'",
            [],
        )
        .unwrap();
    let change = json!({"manifest": manifest("limit-first")});
    operator.patch("/applications/limit-first", &change).expect(200);
    let more = operator.patch("/applications/limit-first", &change);
    more.problem(409, "application_version_limit");
    operator.patch("/applications/limit-first", &json!({"required_for": []})).expect(200);
}

const HEAD: &str = "@id(\"x\") @sentence(\"S.\")\n";

#[test]
fn an_application_is_registered_read_and_changed() {
    let first = manifest("app-life");
    let made = register(&first).expect(201);
    assert_eq!(made.header("location"), "/v1/platform/applications/app-life");
    assert_eq!((&made["id"], &made["name"]), (&json!("app-life"), &json!("app-life")));
    assert_eq!((&made["manifest_version"], &made["version"]), (&json!(1), &json!(1)));
    assert_eq!((&made["built_in"], &made["required_for"]), (&json!(false), &json!([])));
    assert_eq!(made["manifest"]["actions"][0]["name"], "app_life.view");
    let path = "/applications/app-life";
    assert_eq!(operator().get(path).expect(200).json, made.json);
    register(&first).problem(409, "already_exists");

    let mut next = first.clone();
    next["title"] = json!("Another title");
    let change = json!({"manifest": next, "required_for": ["personal", "personal"]});
    let changed = operator().patch(path, &change).expect(200);
    assert_eq!((&changed["manifest_version"], &changed["version"]), (&json!(2), &json!(2)));
    assert_eq!(changed["title"], "Another title");
    assert_eq!(changed["required_for"], json!(["personal"]));
    let stale = operator().request("PATCH", path).header("if-match", "\"1\"");
    stale.json(&json!({"required_for": []})).send().problem(412, "stale_version");
    operator().request("PATCH", path).json(&json!({})).send().problem(428, "precondition_required");

    let version = |number: u32| operator().get(&format!("{path}/versions/{number}"));
    assert_eq!(version(1).expect(200)["manifest"]["title"], "app-life");
    assert_eq!(version(2).expect(200)["manifest"]["title"], "Another title");
    version(3).problem(404, "not_found");
    let freed = operator().patch(path, &json!({"required_for": []})).expect(200);
    assert_eq!((&freed["manifest_version"], &freed["version"]), (&json!(2), &json!(3)));
    assert_eq!(freed["required_for"], json!([]));
}

#[test]
fn a_name_stays() {
    register(&manifest("app-name")).expect(201);
    let other = json!({"manifest": manifest("app-other-name")});
    let answer = operator().patch("/applications/app-name", &other).problem(422, "invalid");
    assert_eq!(answer.fields(), ["/manifest/name"]);
    let broken = json!({"manifest": with_policies("app-name", "permit (")});
    let answer = operator().patch("/applications/app-name", &broken).problem(422, "invalid");
    assert_eq!(answer.fields(), ["/manifest/policies/0/text"]);
    let as_array = json!({"manifest": ["app-name", "Title"]});
    operator().patch("/applications/app-name", &as_array).problem(422, "invalid");
    assert_eq!(operator().get("/applications/app-name").expect(200)["version"], 1);
}

#[test]
fn what_comes_with_the_program_is_an_application_too_and_stays_as_it_is() {
    let own = operator().get("/applications/freehold").expect(200);
    assert_eq!((&own["built_in"], &own["manifest_version"]), (&json!(true), &json!(1)));
    assert!(own["manifest"]["scopes"].as_array().unwrap().len() > 5);
    assert_eq!(
        operator().get("/applications/freehold/versions/1").expect(200)["manifest"],
        own["manifest"]
    );
    operator().get("/applications/freehold/versions/2").problem(404, "not_found");
    register(&manifest("freehold")).problem(409, "already_exists");
    let change = json!({"required_for": ["personal"]});
    operator().patch("/applications/freehold", &change).problem(403, "forbidden");
}

#[test]
fn the_list_is_by_name_page_by_page_with_the_one_that_comes_with_the_program() {
    for name in ["aaa-list", "freehnld-list", "freeholz-list", "zzz-list"] {
        register(&manifest(name)).expect(201);
    }
    let names = |limit| {
        let items = operator().all("/applications", limit);
        items.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let all = names(200);
    assert!(all.is_sorted(), "{all:?}");
    assert_eq!(all.iter().filter(|name| *name == "freehold").count(), 1);
    let ours = ["aaa-list", "freehnld-list", "freehold", "freeholz-list", "zzz-list"];
    assert!(ours.iter().all(|name| all.iter().any(|one| one == name)), "{all:?}");
}

#[test]
fn policies_that_cannot_be_accepted_are_named_with_their_line() {
    let good = "permit (principal, action, resource);";
    let cases = [
        // The text, the line, and a word of what is said.
        ("@id(\"a\")\n@sentence(\"S.\")\npermit (principal, action;".to_owned(), 3, "unexpected"),
        (format!("{HEAD}{good}\n\n@sentence(\"S.\")\n{good}"), 4, "@id"),
        (format!("{HEAD}{good}\n@id(\"y\")\n{good}"), 3, "@sentence"),
        (format!("@id(\"X y\") @sentence(\"S.\") {good}"), 1, "@id"),
        (format!("{HEAD}{good}\n{HEAD}{good}"), 3, "twice"),
        (format!("{HEAD}{good}\n@id(\"custom-role\") @sentence(\"S.\") {good}"), 0, ""),
        (
            format!("{HEAD}permit (principal, action, resource)\nwhen {{ principal.height > 3 }};"),
            3,
            "height",
        ),
        (
            format!("{HEAD}permit (principal, action, resource)\nwhen {{ principal.role > 3 }};"),
            3,
            "policy never-comes/x: ",
        ),
        (
            format!("{HEAD}permit (principal, action == Action::\"resource.read\", resource);"),
            2,
            "resource.read",
        ),
        (format!("{HEAD}permit (principal, action, resource is Tenant);"), 2, "Tenant"),
        (format!("{HEAD}permit (principal is Host, action, resource);"), 2, "Host"),
        (format!("{HEAD}permit (principal == ?principal, action, resource);"), 1, "templates"),
        ("@id(\"a\") \u{0} permit".to_owned(), 1, ""),
    ];
    for (text, line, word) in cases {
        if line == 0 {
            // What boundaries are called is behind no prefix: it is free.
            register(&with_policies("app-boundary-name", &text)).expect(201);
            continue;
        }
        let (fields, detail) = complaint(&text);
        assert_eq!(fields, ["/policies/0/text"], "{text}: {detail}");
        assert!(detail.starts_with(&format!("line {line}: ")), "{text}: {detail}");
        assert!(detail.contains(word), "{text}: {detail}");
    }
}

#[test]
fn every_text_of_policies_is_named_by_its_place() {
    let mut manifest = manifest("never-comes");
    manifest["policies"] = json!([
        {"name": "good", "text": format!("{HEAD}permit (principal, action, resource);")},
        {"name": "bad", "text": "forbid"},
        {"name": "worse", "text": "@id(\"b\") permit (principal, action, resource);"},
    ]);
    let answer = register(&manifest).problem(422, "invalid");
    assert_eq!(answer.fields(), ["/policies/1/text", "/policies/2/text"]);
}

#[test]
fn a_manifest_says_what_it_says_once_and_by_names_that_it_has() {
    let with = |change: &dyn Fn(&mut Value)| {
        let mut manifest = manifest("never-comes");
        change(&mut manifest);
        let answer = register(&manifest).problem(422, "invalid");
        answer.fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let kind = json!({"name": "never_comes"});
    assert_eq!(with(&|it| it["resource_types"] = json!([kind, kind])), ["/resource_types/1/name"]);
    let own = json!([{"name": "member.create", "resource_types": ["never_comes"]}]);
    assert!(with(&|it| it["actions"] = own.clone()).contains(&"/actions/0/name".to_owned()));
    let lost = |it: &mut Value| it["actions"][0]["resource_types"] = json!(["team"]);
    assert_eq!(with(&lost), ["/actions/0/resource_types/0"]);
    let twice = |it: &mut Value| {
        it["actions"][0]["resource_types"] = json!(["never_comes", "never_comes"]);
    };
    assert_eq!(with(&twice), ["/actions/0/resource_types/1"]);
    let foreign = |it: &mut Value| it["scopes"][0]["actions"] = json!(["member.*"]);
    assert_eq!(with(&foreign), ["/scopes/0/actions/0"]);
    let key = |it: &mut Value| {
        it["resource_types"][0]["attributes"] = json!([{"name": "permission", "type": "string"}]);
    };
    assert_eq!(with(&key), ["/resource_types/0/attributes/0/name"]);
    let account = |it: &mut Value| {
        it["resource_types"][0]["attributes"] = json!([{"name": "author", "type": "account"}]);
    };
    assert_eq!(with(&account), ["/resource_types/0/attributes/0/subject_type"]);
    let many = |it: &mut Value| {
        let attributes = (0..51).map(|n| json!({"name": format!("a{n}"), "type": "string"}));
        it["resource_types"][0]["attributes"] = attributes.collect();
    };
    assert_eq!(with(&many), ["/resource_types/0/attributes"]);
    assert_eq!(with(&|it| it["name"] = json!("No")), ["/name"]);
    assert_eq!(with(&|it| it["kind"] = json!("none")), ["/kind"]);
    assert_eq!(with(&|it| it["actions"][0]["verb"] = json!("none")), ["/actions/0/verb"]);
    assert_eq!(with(&|it| it["policies"][0] = json!(["main", ""])), ["/policies/0"]);
    assert_eq!(with(&|it| it["policies"] = json!({})), ["/policies"]);
    assert_eq!(
        with(&|it| it["resource_types"][0]["name"] = json!("in")),
        ["/resource_types/0/name"]
    );
}

/// Refuses a manifest, and says so soon.
#[track_caller]
fn refused_soon(manifest: &Value) -> Vec<String> {
    let began = now();
    let answer = register(manifest).problem(422, "invalid");
    let took = began.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");
    answer.fields().into_iter().map(str::to_owned).collect()
}

#[test]
fn what_nests_deeply_or_is_large_is_refused_soon_and_ends_nothing() {
    let condition =
        |text: &str| format!("{HEAD}permit (principal, action, resource) when {{ {text} }};");
    let deep = [
        "(".repeat(60_000),
        condition(&format!("{}true{}", "(".repeat(30_000), ")".repeat(30_000))),
        condition(&format!("{}1{} == 1", "[".repeat(300), "]".repeat(300))),
        // A carriage return ends a comment as a line feed does: what stands behind it counts.
        condition(&format!("//\r {}true{}", "(".repeat(20_000), ")".repeat(20_000))),
        condition(&format!("{}{{}}{} == 1", "{a:".repeat(10_000), "}".repeat(10_000))),
        condition(&format!("true{}", " && true".repeat(8000))),
        condition(&format!("1{} == 1", "+1".repeat(30_000))),
        condition(&format!("principal{}", ".a".repeat(30_000))),
        condition(&format!("principal has a{}", ".a".repeat(30_000))),
        condition(&format!("{}true", "if true then true else ".repeat(2500))),
        condition(&format!("{}true", "!".repeat(60_000))),
        format!("{HEAD}permit (principal, action, resource) {};", "when{true}".repeat(6000)),
        format!("{HEAD}permit (principal, action, resource) when {{ (;{} }};", "(;".repeat(30_000)),
    ];
    for text in deep {
        let fields = refused_soon(&with_policies("never-comes", &text));
        assert_eq!(fields, ["/policies/0/text"], "{}", &text[..90]);
    }
    let long = format!("{HEAD}permit (principal, action, resource); //{}", "x".repeat(70_000));
    assert_eq!(refused_soon(&with_policies("never-comes", &long)), ["/policies/0/text"]);

    let mut heavy = manifest("never-comes");
    let comment = format!("//{}", "x".repeat(60_000));
    heavy["policies"] = (0..5).map(|n| json!({"name": format!("p{n}"), "text": comment})).collect();
    assert_eq!(refused_soon(&heavy), [""]);
    app().stranger().get("/livez").expect(200);
}

#[test]
fn an_application_of_many_actions_and_policies_is_registered_soon() {
    let mut large = manifest("app-large");
    let kinds: Vec<String> = (0..20).map(|n| format!("kind_{n}")).collect();
    large["resource_types"] = kinds.iter().map(|name| json!({"name": name})).collect();
    let action = |n| json!({"name": format!("act_{n}"), "resource_types": kinds});
    large["actions"] = (0..50).map(action).collect();
    large["scopes"] = json!([]);
    let policy = |n| {
        format!(
            "@id(\"p{n}\") @sentence(\"Number {n}.\") permit (principal, action == \
            Action::\"act_{n}\", resource is kind_{}) when {{ resource.permission > 1 }};\n",
            n % 20
        )
    };
    let text: String = (0..50).map(policy).collect();
    large["policies"] = json!([{"name": "all", "text": text}]);
    let began = now();
    register(&large).expect(201);
    crate::app::measured(&format!("a large application took {:?}", began.elapsed()));
    // As much as one may have, and no more.
    large["name"] = json!("never-comes");
    let action = |n| json!({"name": format!("act_{n}"), "resource_types": kinds});
    large["actions"] = (0..400).map(action).collect();
    let filler = format!("{text}//{}", "x".repeat(40_000));
    large["policies"] = json!([{"name": "all", "text": filler}]);
    assert_eq!(refused_soon(&large), ["/policies"]);
}

#[test]
fn registering_is_done_once_under_a_key() {
    let ask = || {
        let request = operator().request("POST", "/applications");
        request.header("idempotency-key", "app-once").json(&manifest("app-once")).send()
    };
    let (first, second) = (ask().expect(201), ask().expect(201));
    assert_eq!(first.json, second.json);
}

#[test]
fn the_audit_log_and_the_outbox_say_what_became_of_an_application_and_not_all_that_it_says() {
    register(&manifest("app-audited")).expect(201);
    operator().patch("/applications/app-audited", &json!({"required_for": []})).expect(200);
    let db = app().db("platform");
    let sql = "select summary from audit_log where target_id = 'app-audited' order by seq";
    let mut said = db.texts(sql, &[]);
    let created = "select summary from audit_log where action = 'application.create' \
        and summary like '%app-audited%'";
    said.extend(db.texts(created, &[]));
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().all(|text| !text.contains("permit")), "{said:?}");
}
