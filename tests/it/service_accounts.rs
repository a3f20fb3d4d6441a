//! `/service-accounts`: callers that are no persons, and that nobody but persons keeps.

use serde_json::{Value, json};

use crate::org::Org;
use crate::shared;

shared!();

#[test]
fn a_service_account_is_made_changed_suspended_and_deleted() {
    let org = Org::new(app(), "robots");
    let new = json!({"name": "builder", "role": "member", "description": "builds"});
    let made = org.owner.post("/service-accounts", &new).expect(201);
    assert_eq!((&made["state"], &made["role"]), (&json!("active"), &json!("member")));
    assert_eq!(made["created_by"], json!(org.account("owner")));
    let path = format!("/service-accounts/{}", made.id());
    assert_eq!(org.admin.get(&path).expect(200).json, made.json);
    org.owner.post("/service-accounts", &new).problem(409, "name_taken");
    let changed = org.admin.patch(&path, &json!({"role": "guest"})).expect(200);
    assert_eq!(changed["role"], "guest");
    let of_type = org.member.get("/principals?type=service_account").expect(200);
    assert_eq!(of_type["items"][0]["name"], "builder");
    org.owner.act(&format!("{path}/suspend")).expect(200);
    org.owner.act(&format!("{path}/suspend")).problem(409, "wrong_state");
    org.owner.act(&format!("{path}/resume")).expect(200);
    org.owner.delete(&path).expect(204);
    org.owner.get(&path).problem(404, "not_found");
    let events = app().db(&org.id).texts(
        "select type from outbox_events where type like 'service_account.%' order by seq",
        &[],
    );
    let updated = "service_account.updated";
    let expected = ["service_account.created", updated, updated, updated];
    assert_eq!(events, [&expected[..], &["service_account.deleted"]].concat());
}

#[test]
fn a_service_account_owns_no_tenant() {
    let org = Org::new(app(), "robot-roles");
    for role in ["owner", "platform-admin", "king"] {
        let body = json!({"name": "x", "role": role});
        org.owner.post("/service-accounts", &body).problem(422, "invalid");
    }
    let operator = app().operator();
    let body = json!({"name": "robot-roles", "role": "admin"});
    operator.post("/v1/platform/service-accounts", &body).problem(422, "invalid");
}

#[test]
fn a_service_account_keeps_no_service_accounts() {
    let org = Org::new(app(), "robot-kings");
    let (robot, id, key) = org.robot("admin", "admin");
    let path = format!("/service-accounts/{id}");
    robot.get("/service-accounts").expect(200);
    robot.get(&format!("{path}/keys")).expect(200);
    robot
        .post("/service-accounts", &json!({"name": "x", "role": "guest"}))
        .problem(403, "forbidden");
    robot.patch(&path, &json!({"role": "guest"})).problem(403, "forbidden");
    robot.post(&format!("{path}/keys"), &json!({"name": "x"})).problem(403, "forbidden");
    let rotate = format!("{path}/keys/{key}/rotate");
    robot.post(&rotate, &json!({})).problem(403, "forbidden");
    robot.delete(&format!("{path}/keys/{key}")).problem(403, "forbidden");
    robot.act(&format!("{path}/suspend")).problem(403, "forbidden");
    robot.delete(&path).problem(403, "forbidden");
    // What an administrator does otherwise, it does.
    robot.post("/teams", &json!({"name": "by a robot"})).expect(201);
    let seen = org.owner.get("/audit?limit=1").expect(200);
    assert_eq!(seen["items"][0]["actor"], json!(format!("service_account:{id}")));
    // Nor does a custom role let anybody.
    let role = json!({"name": "k", "permissions": ["service_account.create"]});
    org.owner.post("/roles", &role).problem(422, "invalid");
}

#[test]
fn a_service_account_is_a_principal_like_others() {
    let org = Org::new(app(), "robot-rights");
    let (robot, id, _) = org.robot("reader", "guest");
    let (member, _, _) = org.robot("worker", "member");
    let resource = org.resource("secret", "private");
    let path = format!("/resources/{resource}");
    for robot in [&robot, &member] {
        robot.get(&path).problem(404, "not_found");
    }
    let common = format!("/resources/{}", org.resource("common", "tenant"));
    robot.get(&common).problem(404, "not_found");
    member.get(&common).expect(200);
    org.share(&resource, &id, "write");
    assert_eq!(robot.get(&path).expect(200)["permission"], "write");
    robot.patch(&path, &json!({"name": "seen"})).expect(200);
    assert_eq!(robot.column("/resources", "name"), ["seen"]);
    // A custom role.
    robot.get("/audit").problem(403, "forbidden");
    let role = org.role("auditors", &json!(["audit.list"]));
    org.assign(&role, &id);
    robot.get("/audit").expect(200);
    // A workspace and resources of its own.
    let (own, own_id, _) = org.robot("owner", "member");
    let owner = json!({"type": "service_account", "id": own_id});
    let workspace = own.post("/workspaces", &json!({"name": "w", "owner": owner})).expect(201).id();
    let new = json!({"type": "prompt", "workspace_id": workspace, "name": "mine"});
    let made = own.post("/resources", &new).expect(201);
    assert_eq!((&made["owner_id"], &made["permission"]), (&json!(own_id), &json!("admin")));
    org.member.get(&format!("/resources/{}", made.id())).problem(404, "not_found");
    org.owner.delete(&format!("/service-accounts/{own_id}")).problem(409, "not_empty");
}

fn question(subject: &Value, action: &str, resource: &str) -> Value {
    json!({
        "subject": subject,
        "action": {"name": action},
        "resource": {"type": "prompt", "id": resource},
    })
}

#[test]
fn the_decision_point_answers_about_service_accounts_what_they_are_answered() {
    let org = Org::new(app(), "robot-questions");
    let (robot, id, key) = org.robot("asked", "member");
    let (_, other, _) = org.robot("other", "guest");
    let resource = org.resource("common", "tenant");
    let subject = json!({"type": "service_account", "id": id});
    let ask = |subject: &Value, action| {
        let asked = question(subject, action, &resource);
        org.owner.post("/access/v1/evaluation", &asked).expect(200)["decision"].clone()
    };
    assert_eq!(ask(&subject, "resource.read"), true);
    assert_eq!(ask(&subject, "resource.update"), false);
    assert_eq!(ask(&json!({"type": "service_account", "id": other}), "resource.read"), false);
    let own = question(&subject, "resource.read", &resource);
    assert_eq!(robot.post("/access/v1/evaluation", &own).expect(200)["decision"], true);
    let search = json!({
        "subject": {"type": "service_account"},
        "action": {"name": "resource.read"},
        "resource": {"type": "prompt", "id": resource},
    });
    let found = || {
        let found = org.owner.post("/access/v1/search/subject", &search).expect(200);
        found["results"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(found(), [json!(id)]);
    let search_resources = json!({
        "subject": subject, "action": {"name": "resource.read"}, "resource": {"type": "prompt"}
    });
    let of = org.owner.post("/access/v1/search/resource", &search_resources).expect(200);
    let listed = robot.column("/resources", "id");
    assert_eq!(of["results"].as_array().unwrap().len(), listed.len());
    assert_eq!(of["results"][0]["id"], json!(listed[0]));
    // One that has no key cannot act.
    org.owner.delete(&format!("/service-accounts/{id}/keys/{key}")).expect(204);
    assert_eq!(ask(&subject, "resource.read"), false);
    assert!(found().is_empty());
}

#[test]
fn a_suspended_service_account_finds_nothing() {
    let org = Org::new(app(), "robot-halt");
    let (robot, id, _) = org.robot("halted", "admin");
    robot.get("/teams").expect(200);
    org.owner.act(&format!("/service-accounts/{id}/suspend")).expect(200);
    robot.get("/teams").problem(404, "not_found");
    robot.post("/teams", &json!({"name": "x"})).problem(404, "not_found");
    org.owner.act(&format!("/service-accounts/{id}/resume")).expect(200);
    robot.get("/teams").expect(200);
    org.owner.delete(&format!("/service-accounts/{id}")).expect(204);
    robot.get("/teams").problem(401, "unauthenticated");
}

#[test]
fn the_platform_has_service_accounts_of_its_own() {
    let list = "/v1/platform/service-accounts";
    let made = app().operator().post(list, &json!({"name": "ops", "role": "platform-admin"}));
    let path = format!("{list}/{}", made.expect(201).id());
    let keys = format!("{path}/keys");
    let key = app().operator().post(&keys, &json!({"name": "ops"})).expect(201);
    let robot = app().bearer(key["key"].as_str().unwrap());
    robot.get("/v1/platform/tenants").expect(200);
    let tenant = json!({"slug": "by-a-robot", "name": "x"});
    robot.post("/v1/platform/tenants", &tenant).expect(201);
    robot.get("/v1/tenants/by-a-robot").problem(404, "not_found");
    // It keeps no others, asks for no entry, and has no strong log-in.
    robot.post(list, &json!({"name": "more", "role": "support"})).problem(403, "forbidden");
    robot.post(&keys, &json!({"name": "more"})).problem(403, "forbidden");
    let entry = crate::glass::request("by-a-robot", &["team.list"]);
    robot.post("/v1/platform/break-glass", &entry).problem(403, "forbidden");
    robot.act("/v1/platform/keys/rotate").problem(401, "insufficient_user_authentication");
    app().operator().act(&format!("{path}/suspend")).expect(200);
    robot.get("/v1/platform/tenants").problem(404, "not_found");
}

#[test]
fn a_platforms_key_goes_with_whoever_made_it() {
    let maker = crate::glass::Operator::new(app(), "robot-maker", "platform-admin");
    let list = "/v1/platform/service-accounts";
    let body = json!({"name": "robot-of-maker", "role": "platform-admin"});
    let id = maker.client.post(list, &body).expect(201).id();
    let key = maker.client.post(&format!("{list}/{id}/keys"), &json!({"name": "k"})).expect(201);
    let robot = app().bearer(key["key"].as_str().unwrap());
    robot.get("/v1/platform/audit").expect(200);
    let operator = format!("/v1/platform/operators/{}", maker.account);
    app().host().put_over(&operator, &json!({"role": "support"})).expect(200);
    robot.get("/v1/platform/tenants").expect(200);
    robot.get("/v1/platform/audit").problem(403, "forbidden");
    app().host().delete(&operator).expect(204);
    robot.get("/v1/platform/tenants").problem(401, "unauthenticated");
}

#[test]
fn service_accounts_and_keys_are_kept_on_the_command_line() {
    let org = Org::new(app(), "robot-verbs");
    let owner = format!("import|{}-owner", org.slug);
    let plane = ["--tenant", &org.slug, "--account", &owner];
    let run = |words: &[&str], plane: &[&str]| app().freehold(&[words, plane].concat());
    for (plane, role) in [(&plane[..], "member"), (&["--platform"][..], "support")] {
        let made = ["service-account", "create", "verbs", "--role", role, "--json"];
        let made = run(&made, plane).ended(0).json();
        assert_eq!((&made["name"], &made["role"]), (&json!("verbs"), &json!(role)));
        let key = run(&["api-key", "create", "verbs", "--name", "first"], plane).ended(0);
        let text = key.out.trim().to_owned();
        assert!(text.starts_with("fh_") && text.len() == 103, "{text}");
        let keys = run(&["api-key", "list", "verbs", "--json"], plane).ended(0).json();
        let id = keys[0]["id"].as_str().unwrap();
        assert!(!keys.to_string().contains(&text));
        let next =
            run(&["api-key", "rotate", "verbs", id, "--overlap", "0", "--ttl", "30d"], plane)
                .ended(0);
        assert_ne!(next.out.trim(), text);
        run(&["api-key", "revoke", "verbs", id], plane).ended(0);
        run(&["service-account", "suspend", "verbs"], plane).ended(0);
        run(&["service-account", "resume", "verbs"], plane).ended(0);
        run(&["service-account", "set", "verbs", "--description", "d"], plane).ended(0);
        assert!(run(&["service-account", "list"], plane).ended(0).out.contains("verbs"));
        run(&["service-account", "delete", "verbs"], plane).ended(0);
        run(&["service-account", "show", "verbs"], plane).ended(1);
    }
    app().freehold(&["service-account", "list"]).ended(2);
}
