//! `/v1/platform/tenants`: tenants, as operators keep them.

use serde_json::json;

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

#[test]
fn a_tenant_is_made_with_its_file_and_its_first_owner() {
    let owner = app().account("first-owner");
    let body = json!({"slug": "made", "name": "Made", "description": "By hand", "owner_id": owner});
    let made = operator().post("/tenants", &body).expect(201);
    assert_eq!((&made["slug"], &made["ref"]), (&json!("made"), &json!("tenant:made")));
    assert_eq!((&made["status"], &made["kind"]), (&json!("active"), &json!("organization")));
    assert_eq!(made.header("location"), format!("/v1/platform/tenants/{}", made.id()));
    assert_eq!(operator().get("/tenants/made").expect(200).json, made.json);
    let own = app().caller("made", &owner).at("/v1/tenants/made");
    assert_eq!(own.get("").expect(200)["description"], "By hand");
    assert_eq!(own.column("/members", "role"), ["owner"]);
}

#[test]
fn a_slug_is_never_given_twice() {
    let make = |slug: &str| operator().post("/tenants", &json!({"slug": slug, "name": "x"}));
    make("taken").expect(201);
    make("taken").problem(409, "slug_taken");
    operator().patch("/tenants/taken", &json!({"slug": "taken-moved"})).expect(200);
    make("taken").problem(409, "slug_taken");
    make("taken-moved").problem(409, "slug_taken");
}

#[test]
fn a_tenant_that_moves_is_found_by_its_new_slug_and_its_id() {
    let org = Org::new(app(), "moving");
    let moved = operator().patch("/tenants/moving", &json!({"slug": "moved"})).expect(200);
    assert_eq!((&moved["slug"], &moved["ref"]), (&json!("moved"), &json!("tenant:moved")));
    for path in ["/v1/tenants/moved".to_owned(), format!("/v1/tenants/{}", org.id)] {
        assert_eq!(org.owner.at(&path).get("").expect(200)["slug"], "moved");
    }
    org.owner.get("").problem(404, "not_found");
    let back = operator().patch("/tenants/moved", &json!({"slug": "moving"})).expect(200);
    assert_eq!(back["slug"], "moving", "its own former slug stays its own");
}

#[test]
fn a_tenant_goes_out_of_service_and_comes_back_as_its_machine_allows() {
    Org::new(app(), "in-and-out");
    let act = |verb: &str| operator().act(&format!("/tenants/in-and-out/{verb}"));
    act("resume").problem(409, "wrong_state");
    assert_eq!(act("suspend").expect(200)["status"], "suspended");
    act("suspend").problem(409, "wrong_state");
    assert_eq!(act("resume").expect(200)["status"], "active");
}

#[test]
fn tenants_are_listed_by_slug_status_and_kind() {
    for (slug, kind) in
        [("list-b", "organization"), ("list-a", "personal"), ("list-c", "organization")]
    {
        let body = json!({"slug": slug, "name": slug, "kind": kind});
        operator().post("/tenants", &body).expect(201);
    }
    operator().act("/tenants/list-c/suspend").expect(200);
    let slugs =
        |filter: &str| operator().column(&format!("/tenants?slug_prefix=list-{filter}"), "slug");
    assert_eq!(slugs(""), ["list-a", "list-b", "list-c"]);
    assert_eq!(slugs("&kind=personal"), ["list-a"]);
    assert_eq!(slugs("&status=suspended"), ["list-c"]);
    assert_eq!(slugs("zzz"), [""; 0]);
}

#[test]
fn a_tenant_that_is_not_there_is_not_found() {
    for (method, path) in [
        ("GET", "/tenants/never-was"),
        ("POST", "/tenants/never-was/suspend"),
        ("POST", "/tenants/never-was/resume"),
        ("GET", "/tenants/never-was/diagnostics"),
        ("GET", "/tenants/a--b"),
    ] {
        operator().request(method, path).send().problem(404, "not_found");
    }
}

#[test]
fn an_account_that_is_no_operator_finds_nothing_there() {
    app().account("nobody-special");
    let nobody = app().person("local|nobody-special").at("/v1/platform");
    for path in ["/tenants", "/tenants/acme", "/accounts", "/migrations", "/diagnostics"] {
        nobody.get(path).problem(404, "not_found");
    }
}

#[test]
fn an_operators_token_for_a_tenant_is_no_operators_token() {
    let me = app().operator().get("/v1/me").expect(200);
    let org = Org::new(app(), "operators-own");
    let account = me["account"]["id"].as_str().unwrap();
    let body = json!({"account_id": account, "role": "owner"});
    org.owner.post("/members", &body).expect(201);
    crate::app::eventually(|| {
        let me = app().operator().get("/v1/me").expect(200);
        me["tenants"].as_array().is_some_and(|mine| !mine.is_empty()).then_some(())
    });
    let as_member = app().caller("operators-own", account);
    as_member.get("/v1/tenants/operators-own").expect(200);
    as_member.get("/v1/platform/tenants").problem(404, "not_found");
    app().operator().get("/v1/tenants/operators-own").problem(404, "not_found");
}

#[test]
fn of_many_that_ask_for_one_slug_at_once_one_gets_it() {
    let make = |n: usize| {
        let body = json!({"slug": "contested", "name": format!("Number {n}")});
        operator().post("/tenants", &body).status
    };
    let make = &make;
    let mut statuses: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..8).map(|n| scope.spawn(move || make(n))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [[201].as_slice(), &[409; 7]].concat());
}
