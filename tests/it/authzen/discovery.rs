//! Discovery: where a tenant's decision point is asked, told to everybody and of every name alike.

use serde_json::{Value, json};

use super::app;
use crate::app::{Place, TestApp};
use crate::client::Answer;
use crate::org::Org;

const WELL_KNOWN: &str = "/.well-known/authzen-configuration/v1";

fn get(app: &TestApp, path: &str, headers: &[(&str, &str)]) -> Answer {
    let request = app.stranger().request("GET", &format!("{WELL_KNOWN}{path}"));
    headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
}

fn configuration(identifier: &str) -> Value {
    let at = |path: &str| format!("{identifier}/access/v1/{path}");
    json!({
        "policy_decision_point": identifier,
        "access_evaluation_endpoint": at("evaluation"),
        "access_evaluations_endpoint": at("evaluations"),
        "search_subject_endpoint": at("search/subject"),
        "search_resource_endpoint": at("search/resource"),
        "search_action_endpoint": at("search/action"),
    })
}

#[test]
fn a_tenants_decision_point_is_found_and_answers_where_it_says() {
    let org = Org::new(app(), "discovered");
    let found = get(app(), "/tenants/discovered", &[]).expect(200);
    assert_eq!(found.header("content-type"), "application/json");
    let identifier = format!("{}/v1/tenants/discovered", app().url());
    assert_eq!(found.json, configuration(&identifier));
    let question = json!({"subject": {"type": "account", "id": org.account("member")},
        "action": {"name": "tenant.read"}, "resource": {"type": "tenant", "id": org.id}});
    for (_, endpoint) in found.json.as_object().unwrap().iter().skip(1) {
        let path = endpoint.as_str().unwrap().strip_prefix(app().url()).unwrap();
        org.admin.root().post(path, &question).expect(200);
    }
}

#[test]
fn it_tells_nobody_which_tenants_there_are() {
    let org = Org::new(app(), "unlisted");
    for name in ["unlisted", "never-was", &org.id, "01a1fd7e-0000-7000-8000-000000000000"] {
        let found = get(app(), &format!("/tenants/{name}"), &[]).expect(200);
        assert_eq!(found.json, configuration(&format!("{}/v1/tenants/{name}", app().url())));
    }
    for name in ["NO", "a", "no--name", "a%2fb", "..", "x%22y"] {
        get(app(), &format!("/tenants/{name}"), &[]).expect(404);
    }
}

#[test]
fn a_hosts_decision_point_is_the_hosts() {
    let found = get(app(), "/tenant", &[("host", "acme.localhost:8080")]).expect(200);
    assert_eq!(found.json, configuration("http://acme.localhost:8080/v1/tenant"));
    get(app(), "/tenant", &[("host", "ACME.localhost")]).problem(400, "host_invalid");
    let forwarded = [("x-forwarded-host", "evil.example")];
    get(app(), "/tenant", &forwarded).problem(400, "forwarded_untrusted");
}

#[test]
fn it_names_hosts_of_the_installation_alone() {
    let settings = [
        ("FREEHOLD__HTTP__HOSTS", "auth.example"),
        ("FREEHOLD__HTTP__BASE_DOMAINS", "base.example"),
        ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
    ];
    let app = TestApp::serve_at(&Place::new(), &settings);
    for path in ["/tenant", "/tenants/acme"] {
        for host in ["auth.example", "base.example", "acme.base.example"] {
            let found = get(&app, path, &[("host", host)]).expect(200);
            let identifier = found["policy_decision_point"].as_str().unwrap();
            assert!(identifier.starts_with(&format!("https://{host}/v1/tenant")), "{identifier}");
            get(&app, path, &[("x-forwarded-host", host)]).expect(200);
        }
        for host in ["evil.example", "127.0.0.1:8080", "localhost", "auth.example.evil.example"] {
            let refused = get(&app, path, &[("host", host)]).problem(404, "not_found");
            assert!(!refused.text.contains(host), "{}", refused.text);
            get(&app, path, &[("x-forwarded-host", host)]).problem(404, "not_found");
        }
    }
}

#[test]
fn in_production_it_is_encrypted_and_a_configured_proxy_says_the_host() {
    let settings = [("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.1")];
    let app = TestApp::serve_at(&Place::new(), &settings);
    let host = app.url().strip_prefix("http://").unwrap();
    let found = get(&app, "/tenants/acme", &[]).expect(200);
    assert_eq!(found.json, configuration(&format!("https://{host}/v1/tenants/acme")));
    let forwarded = [("x-forwarded-host", "auth.example:8443")];
    let found = get(&app, "/tenants/acme", &forwarded).expect(200);
    assert_eq!(found.json, configuration("https://auth.example:8443/v1/tenants/acme"));
    let forwarded = [("forwarded", "for=192.0.2.1;host=acme.example;proto=http")];
    let found = get(&app, "/tenant", &forwarded).expect(200);
    assert_eq!(found.json, configuration("https://acme.example/v1/tenant"));
    let two = [("x-forwarded-host", "one.example"), ("forwarded", "host=two.example")];
    get(&app, "/tenant", &two).problem(400, "tenant_conflict");
}
