//! `/applications`: what a tenant has bound, and what becomes of its resource types.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::org::{Org, manifest};
use crate::shared;

shared!();

fn register(manifest: &Value) {
    app().operator().post("/v1/platform/applications", manifest).expect(201);
}

fn next(manifest: &Value) {
    let path = format!("/v1/platform/applications/{}", manifest["name"].as_str().unwrap());
    app().operator().patch(&path, &json!({"manifest": manifest})).expect(200);
}

fn bind(org: &Org, application: &str, body: &Value) -> Answer {
    org.owner.put_new(&format!("/applications/{application}"), body)
}

/// A manifest whose types are these.
fn of_types(name: &str, types: &Value) -> Value {
    let mut manifest = manifest(name);
    manifest["resource_types"] = types.clone();
    manifest["actions"][0]["resource_types"] = json!([types[0]["name"]]);
    manifest
}

#[test]
fn an_application_is_bound_read_bound_otherwise_and_let_go_of() {
    let org = Org::new(app(), "bind-life");
    let name = org.application("docs");
    let path = format!("/applications/{name}");
    org.owner.get(&path).problem(404, "not_found");
    let bound = bind(&org, &name, &json!({})).expect(201);
    assert_eq!((&bound["id"], &bound["application"]), (&json!(name), &json!(name)));
    assert_eq!((&bound["manifest_version"], &bound["version"]), (&json!(1), &json!(1)));
    assert_eq!(bound["scopes"], json!(["bind_life_docs:view"]));
    assert_eq!(org.admin.get(&path).expect(200).json, bound.json);
    assert_eq!(org.owner.all("/applications", 50), [bound.json]);
    bind(&org, &name, &json!({})).problem(412, "stale_version");

    let mut other = manifest(&name);
    other["title"] = json!("Docs 2");
    next(&other);
    assert_eq!(org.owner.get(&path).expect(200)["manifest_version"], 1, "until it is bound anew");
    let again = org.owner.put_over(&path, &json!({"scopes": []})).expect(200);
    assert_eq!((&again["manifest_version"], &again["version"]), (&json!(2), &json!(2)));
    assert_eq!(again["scopes"], json!([]));
    let back = org.owner.put_over(&path, &json!({"manifest_version": 1})).expect(200);
    assert_eq!(back["manifest_version"], 1);
    let far = org.owner.put_over(&path, &json!({"manifest_version": 3})).problem(422, "invalid");
    assert_eq!(far.fields(), ["/manifest_version"]);

    let delete = |tag: &str| org.owner.request("DELETE", &path).header("if-match", tag).send();
    delete("\"1\"").problem(412, "stale_version");
    delete("\"3\"").expect(204);
    delete("\"3\"").problem(404, "not_found");
    org.owner.get(&path).problem(404, "not_found");
}

#[test]
fn what_is_bound_here_is_bound_nowhere_else() {
    let (here, there) = (Org::new(app(), "bind-here"), Org::new(app(), "bind-there"));
    let name = here.bound("docs");
    let path = format!("/applications/{name}");
    there.owner.get(&path).problem(404, "not_found");
    assert!(there.owner.all("/applications", 50).is_empty());
    let delete = there.owner.request("DELETE", &path).header("if-match", "\"1\"").send();
    delete.problem(404, "not_found");
    here.owner.get(&path).expect(200);
    bind(&there, "never-was", &json!({})).problem(404, "not_found");
    bind(&there, "freehold", &json!({})).problem(409, "already_exists");
    here.seen_by(&there.owner).get("/applications").problem(404, "not_found");
}

#[test]
fn the_types_of_an_application_come_with_it_and_stay_without_it() {
    let org = Org::new(app(), "bind-types");
    org.owner.post("/resource-types", &json!({"name": "mine"})).expect(201);
    let types = json!([
        {"name": "fresh", "description": "New here."},
        {"name": "mine"},
        {"name": "elsewhere", "kept_by": "application"},
    ]);
    register(&of_types("bind-types-docs", &types));
    bind(&org, "bind-types-docs", &json!({})).expect(201);
    let whose = |kind: &str| org.owner.get(&format!("/resource-types/{kind}"));
    let fresh = whose("fresh").expect(200);
    assert_eq!(fresh["application"], "bind-types-docs");
    assert_eq!(fresh["description"], "New here.");
    let mine = whose("mine").expect(200);
    assert_eq!((&mine["application"], &mine["version"]), (&json!("bind-types-docs"), &json!(2)));
    whose("elsewhere").problem(404, "not_found");
    assert_eq!(whose("prompt").expect(200)["application"], json!(null));

    let body = json!({"type": "fresh", "workspace_id": org.everyone, "name": "a document"});
    let document = org.owner.post("/resources", &body).expect(201).id();
    next(&of_types("bind-types-docs", &json!([{"name": "mine"}, {"name": "later"}])));
    org.owner.put_over("/applications/bind-types-docs", &json!({})).expect(200);
    assert_eq!(whose("fresh").expect(200)["application"], json!(null));
    assert_eq!(whose("mine").expect(200)["application"], "bind-types-docs");
    assert_eq!(whose("later").expect(200)["application"], "bind-types-docs");

    org.owner.delete("/applications/bind-types-docs").expect(204);
    for kind in ["fresh", "mine", "later"] {
        assert_eq!(whose(kind).expect(200)["application"], json!(null), "{kind}");
    }
    org.owner.get(&format!("/resources/{document}")).expect(200);
    let db = app().db(&org.id);
    let events = "select type from outbox_events where type like 'application.%' \
        or (type = 'resource_type.created' and data like '%bind-types-docs%') order by seq";
    assert_eq!(
        db.texts(events, &[]),
        [
            "resource_type.created",
            "application.bound",
            "resource_type.created",
            "application.bound",
            "application.unbound"
        ]
    );
}

#[test]
fn two_applications_share_neither_types_nor_actions() {
    let org = Org::new(app(), "bind-clash");
    register(&of_types("bind-clash-one", &json!([{"name": "page"}])));
    let mut same_type = of_types("bind-clash-two", &json!([{"name": "page"}]));
    same_type["actions"][0]["name"] = json!("page.print");
    same_type["scopes"] = json!([]);
    register(&same_type);
    let mut same_action = of_types("bind-clash-three", &json!([{"name": "sheet"}]));
    same_action["actions"][0]["name"] = json!("bind_clash_one.view");
    same_action["scopes"] = json!([]);
    register(&same_action);
    bind(&org, "bind-clash-one", &json!({})).expect(201);
    for (name, what) in [("two", "resource type page"), ("three", "action bind_clash_one.view")] {
        let refused =
            bind(&org, &format!("bind-clash-{name}"), &json!({})).problem(409, "name_taken");
        let detail = refused["errors"][0]["detail"].as_str().unwrap();
        assert!(detail.contains(what) && detail.contains("bind-clash-one"), "{detail}");
        org.owner.get(&format!("/applications/bind-clash-{name}")).problem(404, "not_found");
    }
    org.owner.get("/resource-types/sheet").problem(404, "not_found");
    org.owner.delete("/applications/bind-clash-one").expect(204);
    bind(&org, "bind-clash-two", &json!({})).expect(201);
    bind(&org, "bind-clash-three", &json!({})).expect(201);
}

#[test]
fn scopes_are_those_of_the_manifest_and_what_it_requires_is_among_them() {
    let org = Org::new(app(), "bind-scopes");
    let mut declared = manifest("bind-scopes-docs");
    declared["scopes"] = json!([
        {"name": "view", "actions": ["bind_scopes_docs.view"], "required": true},
        {"name": "more", "actions": ["bind_scopes_docs.*"]},
    ]);
    register(&declared);
    let refused = |scopes: Value| {
        let body = json!({"scopes": scopes});
        let answer = bind(&org, "bind-scopes-docs", &body).problem(422, "invalid");
        answer.fields().into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(json!(["view", "less"])), ["/scopes/1"]);
    assert_eq!(refused(json!(["view", "view"])), ["/scopes/1"]);
    assert_eq!(refused(json!(["more"])), ["/scopes"]);
    assert_eq!(refused(json!([])), ["/scopes"]);
    assert_eq!(refused(json!(["not a scope"])), ["/scopes/0"]);
    let bound = bind(&org, "bind-scopes-docs", &json!({"scopes": ["view"]})).expect(201);
    assert_eq!(bound["scopes"], json!(["view"]));
}

#[test]
fn diagnostics_say_what_a_tenant_must_bind_and_has_not() {
    let app = crate::app::TestApp::dev();
    let operator = app.operator().at("/v1/platform");
    let org = Org::new(&app, "bind-doctor");
    let name = org.application("docs");
    let checks = || {
        let report = operator.get("/tenants/bind-doctor/diagnostics").expect(200);
        let checks = report["reports"][0]["checks"].as_array().unwrap().clone();
        let failed = checks.into_iter().filter(|check| check["state"] != "ok");
        failed.map(|check| (check["name"].clone(), check["found"].clone())).collect::<Vec<_>>()
    };
    assert_eq!(checks(), []);
    let path = format!("/applications/{name}");
    operator.patch(&path, &json!({"required_for": ["personal"]})).expect(200);
    assert_eq!(checks(), [], "it is of another kind");
    operator.patch(&path, &json!({"required_for": ["organization"]})).expect(200);
    let found = format!("{name} is required and not bound");
    assert_eq!(checks(), [(json!("applications"), json!(found))]);
    app.freehold(&["doctor", "--tenant", "bind-doctor"]).ended(1);
    org.owner.put_new(&path, &json!({})).expect(201);
    assert_eq!(checks(), []);
    app.freehold(&["doctor", "--tenant", "bind-doctor"]).ended(0);
}

#[test]
fn applications_are_kept_on_the_command_line() {
    let app = crate::app::TestApp::dev();
    let org = Org::new(&app, "bind-cli");
    let run = |words: &[&str]| app.freehold(&[&["app"], words].concat());
    let mut declared = manifest("cli-docs");
    let file = app.place().file("manifest.json", &declared.to_string());
    let file = file.to_str().unwrap();
    let made = run(&["register", file, "--json"]).ended(0).json();
    assert_eq!((&made["name"], &made["manifest_version"]), (&json!("cli-docs"), &json!(1)));
    let again = run(&["register", file]).ended(1);
    assert!(again.err.contains("there already"), "{again:?}");
    declared["policies"][0]["text"] = json!("@id(\"a\")\n@sentence(\"S.\")\npermit (");
    std::fs::write(file, declared.to_string()).unwrap();
    let broken = run(&["update", file]).ended(1);
    assert!(broken.err.contains("/manifest/policies/0/text: line 3: "), "{broken:?}");
    declared["policies"] = json!([]);
    std::fs::write(file, declared.to_string()).unwrap();
    assert_eq!(run(&["update", file, "--json"]).ended(0).json()["manifest_version"], 2);
    let listed = run(&["list"]).ended(0).out;
    assert!(listed.contains("cli-docs") && listed.contains("freehold"), "{listed}");
    run(&["require", "cli-docs"]).ended(2);
    run(&["require", "cli-docs", "--kind", "organization"]).ended(0);
    assert!(run(&["show", "cli-docs"]).ended(0).out.contains("organization"));

    let as_owner = ["--tenant", "bind-cli", "--account", "import|bind-cli-owner"];
    let as_member = ["--tenant", "bind-cli", "--account", "import|bind-cli-member"];
    run(&[&["bind", "cli-docs"][..], &as_member].concat()).ended(1);
    let first = ["bind", "cli-docs", "--manifest-version", "1", "--json"];
    let bound = run(&[&first[..], &as_owner].concat()).ended(0).json();
    assert_eq!(bound["manifest_version"], 1);
    let scoped = ["bind", "cli-docs", "--scope", "cli_docs:view"];
    let shown = run(&[&scoped[..], &as_owner].concat()).ended(0).out;
    assert!(shown.contains("cli_docs:view"), "{shown}");
    assert_eq!(org.owner.get("/applications/cli-docs").expect(200)["manifest_version"], 2);
    run(&[&["unbind", "cli-docs"][..], &as_owner].concat()).ended(0);
    let gone = run(&[&["unbind", "cli-docs"][..], &as_owner].concat()).ended(1);
    assert!(gone.err.contains("has not bound"), "{gone:?}");
    run(&["require", "cli-docs", "--none"]).ended(0);
}

/// Changes what the registry holds of an application, behind the back of a program that does not run.
#[test]
fn diagnostics_say_which_bindings_decide_nothing() {
    let app = crate::app::TestApp::dev();
    let org = Org::new(&app, "bind-broken");
    let (broken, lost, short) = (org.bound("broken"), org.bound("lost"), org.bound("short"));
    let id = org.id.clone();
    drop(org);
    let place = app.stop();
    let open = |path: std::path::PathBuf| rusqlite::Connection::open(path).unwrap();
    let registry = open(place.data().join("registry.db"));
    let spoil = "update application_versions set manifest = replace(manifest, 'permit', 'perhaps') where application = ?1";
    registry.execute(spoil, [&broken]).unwrap();
    let spoil = "update application_versions set manifest = replace(manifest, '\"required\":false', '\"required\":true') where application = ?1";
    registry.execute(spoil, [&short]).unwrap();
    drop(registry);
    let folders = std::fs::read_dir(place.data().join("tenants")).unwrap();
    let mut files = folders.map(|folder| folder.unwrap().path().join(format!("{id}.db")));
    let tenant = open(files.find(|file| file.exists()).unwrap());
    let spoil = "update application_bindings set manifest_version = 9 where application = ?1";
    tenant.execute(spoil, [&lost]).unwrap();
    let spoil = "update application_bindings set scopes = '[]' where application = ?1";
    tenant.execute(spoil, [&short]).unwrap();
    drop(tenant);

    let app = crate::app::TestApp::dev_at(&place);
    let report = app.operator().get("/v1/platform/tenants/bind-broken/diagnostics").expect(200);
    let check = |name: &str| {
        let checks = report["reports"][0]["checks"].as_array().unwrap();
        let check = checks.iter().find(|check| check["name"] == name).unwrap();
        assert_eq!(check["state"], "failed", "{check}");
        check["found"].as_str().unwrap().to_owned()
    };
    let policies = check("policies");
    assert!(policies.contains(&format!("version 1 of {broken}: /policies/0/text")), "{policies}");
    assert!(policies.contains(&format!("version 9 of {lost} is not registered")), "{policies}");
    let scopes = check("scopes");
    assert_eq!(scopes, format!("version 1 of {short} requires the scope bind_broken_short:view"));
    // The others decide, and what is broken can be let go of.
    let owner = app.caller("bind-broken", "import|bind-broken-owner").at("/v1/tenants/bind-broken");
    owner.delete(&format!("/applications/{broken}")).expect(204);
}

#[test]
fn a_custom_role_gives_an_action_of_a_bound_application_while_it_is_bound() {
    let org = Org::new(app(), "bind-roles");
    let action = "bind_roles_docs.view";
    let role = json!({"name": "Viewers", "permissions": [action]});
    let refused = org.owner.post("/roles", &role).problem(422, "invalid");
    assert_eq!(refused.fields(), ["/permissions/0"], "nothing is bound yet");
    org.bound("docs");
    org.owner.post("/roles", &role).expect(201);
    org.owner
        .post("/roles", &json!({"name": "All", "permissions": ["bind_roles_docs.*"]}))
        .expect(201);
}

#[test]
fn nobody_but_owners_and_administrators_binds() {
    let org = Org::new(app(), "bind-held");
    let name = org.application("docs");
    let role = org.role("Binders", &json!(["application_binding.*"]));
    org.assign(&role, &org.account("member"));
    let refused = org.member.put_new(&format!("/applications/{name}"), &json!({}));
    refused.problem(403, "exceeds_granter");
    bind(&org, &name, &json!({})).expect(201);
}
