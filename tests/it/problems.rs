//! What a bad request is answered: one status, one stable code, and the field named.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::org::Org;
use crate::shared;

shared!();

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";
const MANY: usize = 1_048_577;

fn long(length: usize) -> String {
    "a".repeat(length)
}

/// JSON that nests so many objects.
fn deep(levels: usize) -> Value {
    (0..levels).fold(json!(1), |inner, _| json!({ "in": inner }))
}

#[track_caller]
fn complains_of(answer: &Answer, field: &str, what: &dyn std::fmt::Debug) {
    answer.clone().problem(422, "invalid");
    assert_eq!(answer.fields(), [field], "{what:?}: {}", answer.text);
}

/// Sends each body, and expects a complaint of the field beside it.
#[track_caller]
fn each_complains(client: &crate::client::Client, path: &str, cases: &[(Value, &str)]) {
    for (body, field) in cases {
        complains_of(&client.post(path, body), field, body);
    }
}

#[test]
fn a_body_that_is_no_json_is_malformed() {
    let org = Org::new(app(), "malformed");
    let bad = [
        "",
        "{",
        "nope",
        "{}{}",
        "{} x",
        "{\"name\": \"x\"",
        "{\"name\": \"\\ud800\"}",
        "\u{feff}{}",
    ];
    for text in bad {
        let request = org.owner.request("POST", "/teams").body("application/json", text);
        request.send().problem(400, "malformed_json");
    }
}

#[test]
fn null_is_no_way_to_leave_a_field_out_of_a_change() {
    let org = Org::new(app(), "nulled");
    let team = format!("/teams/{}", org.team("nulled"));
    let resource = format!("/resources/{}", org.resource("nulled", "private"));
    let role = format!("/roles/{}", org.role("nulled", &json!(["audit.list"])));
    let robot = format!("/service-accounts/{}", org.service_account("nulled", "guest"));
    for (path, fields) in [
        (team.as_str(), &["name", "description"][..]),
        (&resource, &["name", "visibility", "attributes"]),
        (&role, &["name", "description", "permissions"]),
        (&robot, &["name", "description", "role"]),
        ("", &["name", "description"]),
    ] {
        for field in fields {
            let body = json!({*field: null});
            complains_of(&org.owner.patch(path, &body), &format!("/{field}"), &body);
        }
    }
    assert_eq!(org.owner.get(&team).expect(200)["version"], 1);
    org.owner.patch(&team, &json!({"parent_id": null})).expect(200);
}

#[test]
fn a_name_that_cannot_be_one_is_named_as_the_field() {
    let org = Org::new(app(), "bad-names");
    let cases = [
        (json!({}), "/name"),
        (json!({"name": 7}), "/name"),
        (json!({"name": null}), "/name"),
        (json!({"name": ""}), "/name"),
        (json!({"name": " x"}), "/name"),
        (json!({"name": "x "}), "/name"),
        (json!({"name": "a\u{7}b"}), "/name"),
        (json!({"name": long(201)}), "/name"),
        (json!({"name": "x", "odd": 1}), "/odd"),
        (json!({"name": "x", "description": long(2001)}), "/description"),
        (json!({"name": "x", "parent_id": "nope"}), "/parent_id"),
        (json!({"name": "x", "parent_id": NOBODY}), "/parent_id"),
    ];
    each_complains(&org.owner, "/teams", &cases);
    assert_eq!(org.owner.all("/teams", 200).len(), 0);
}

#[test]
fn a_field_that_stands_twice_is_refused() {
    let org = Org::new(app(), "twice-named");
    let text = r#"{"name": "a", "name": "b"}"#;
    let answer = org.owner.request("POST", "/teams").body("application/json", text).send();
    complains_of(&answer, "/name", &text);
}

#[test]
fn a_body_of_another_shape_than_an_object_is_refused() {
    let org = Org::new(app(), "odd-shapes");
    for body in [json!(["by position"]), json!("x"), json!(1), json!(null), json!(true)] {
        org.owner.post("/teams", &body).problem(422, "invalid");
    }
    assert_eq!(org.owner.column("/teams", "name"), [""; 0]);
}

#[test]
fn a_word_of_a_list_is_written_as_a_word_alone() {
    let org = Org::new(app(), "odd-words");
    let account = org.outsider("odd-word");
    let cases = [json!("king"), json!("Member"), json!({"member": null}), json!(0), json!(null)];
    let cases = cases.map(|role| (json!({"account_id": account, "role": role}), "/role"));
    each_complains(&org.owner, "/members", &cases);
}

#[test]
fn a_member_must_be_an_account() {
    let org = Org::new(app(), "odd-members");
    let cases = [
        (json!({"account_id": NOBODY, "role": "member"}), "/account_id"),
        (json!({"account_id": "nope", "role": "member"}), "/account_id"),
        (json!({"role": "member"}), "/account_id"),
        (json!({"account_id": NOBODY}), "/role"),
    ];
    each_complains(&org.owner, "/members", &cases);
}

#[test]
fn a_resource_must_be_one_in_every_field() {
    let org = Org::new(app(), "odd-resources");
    let with = |field: &str, value: Value| {
        let mut body = json!({"type": "prompt", "workspace_id": org.everyone, "name": "x"});
        body[field] = value;
        (body, format!("/{field}"))
    };
    let cases = [
        with("type", json!("unheard-of")),
        with("type", json!("Not A Type")),
        with("workspace_id", json!("nope")),
        with("name", json!(long(201))),
        with("visibility", json!("public")),
        with("attributes", json!([])),
        with("attributes", json!("text")),
        with("attributes", deep(9)),
        with("attributes", json!({"text": long(16 * 1024)})),
        with("owner_id", json!(NOBODY)),
        with("permission", json!("admin")),
    ];
    for (body, field) in &cases {
        complains_of(&org.owner.post("/resources", body), field, body);
    }
    let (good, _) = with("attributes", deep(8));
    org.owner.post("/resources", &good).expect(201);
}

#[test]
fn a_slug_that_cannot_be_a_host_name_or_means_something_is_refused() {
    let (operator, long) = (app().operator(), long(64));
    let bad = [
        "",
        "ab",
        "Acme",
        "a--b",
        "ab-",
        "-ab",
        "1ab",
        "a_b",
        "a.b",
        "ä-b",
        "xn--p1ai",
        "admin",
        "www",
        "platform",
        "localhost",
        "tenant",
        "me",
        "api",
        &long,
    ];
    for slug in bad {
        let body = json!({"slug": slug, "name": "x"});
        complains_of(&operator.post("/v1/platform/tenants", &body), "/slug", &slug);
    }
}

#[test]
fn a_new_tenant_needs_an_owner_and_a_region_that_are_there() {
    let cases = [
        (json!({"slug": "owner-lost", "name": "x", "owner_id": NOBODY}), "/owner_id"),
        (json!({"slug": "region-lost", "name": "x", "data_region": "moon"}), "/data_region"),
        (json!({"slug": "kind-odd", "name": "x", "kind": "club"}), "/kind"),
        (json!({"slug": "status-given", "name": "x", "status": "active"}), "/status"),
    ];
    each_complains(&app().operator(), "/v1/platform/tenants", &cases);
}

#[test]
fn an_account_needs_an_identity_that_can_be_one() {
    let one = |issuer: &str, subject: &str| json!({"issuer": issuer, "subject": subject});
    let account = |identities: Value| json!({"display_name": "x", "identities": identities});
    let many: Vec<_> = (0..17).map(|n| one("local", &format!("many-{n}"))).collect();
    let cases = [
        (account(json!([])), "/identities"),
        (account(json!(many)), "/identities"),
        (account(json!([one("local", "")])), "/identities/0/subject"),
        (account(json!([one("local", "with blank")])), "/identities/0/subject"),
        (account(json!([one("ä", "x")])), "/identities/0/issuer"),
        (account(json!([{"issuer": "local"}])), "/identities/0/subject"),
        (account(json!([["local", "by position"]])), "/identities/0"),
        (
            json!({"display_name": "x", "email": "no address", "identities": [one("a", "b")]}),
            "/email",
        ),
    ];
    each_complains(&app().operator(), "/v1/platform/accounts", &cases);
}

#[test]
fn another_media_type_than_json_is_refused() {
    let org = Org::new(app(), "media-types");
    let with = |media_type: &str| {
        org.owner
            .request("POST", "/teams")
            .body(media_type, json!({"name": media_type}).to_string())
    };
    for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonl", ""] {
        with(media_type).send().problem(415, "unsupported_media_type");
    }
    for media_type in ["application/json", "application/json; charset=utf-8", "Application/JSON"] {
        with(media_type).send().expect(201);
    }
    org.owner.act("/teams").problem(415, "unsupported_media_type");
}

#[test]
fn a_body_that_is_too_long_is_refused() {
    let org = Org::new(app(), "long-bodies");
    let body = json!({"name": "x", "description": long(MANY)}).to_string();
    let answer = org.owner.request("POST", "/teams").body("application/json", body).send();
    answer.problem(413, "body_too_large");
}

#[test]
fn an_address_that_leads_nowhere_is_not_found() {
    let org = Org::new(app(), "nowhere");
    let paths = [
        "/",
        "/v1",
        "/v2/me",
        "/v1/me/",
        "/v1/platform",
        "/v1/tenants",
        "/v1//me",
        "/v1/tenants/nowhere/nothing",
    ];
    for path in paths {
        org.owner.root().get(path).problem(404, "not_found");
    }
}

#[test]
fn a_method_that_an_address_has_not_is_told_with_those_that_it_has() {
    let org = Org::new(app(), "odd-methods");
    let owner = org.owner.root();
    let cases = [
        ("PUT", "/v1/tenants/odd-methods/teams", "GET, POST"),
        ("DELETE", "/v1/tenant/teams", "GET, POST"),
        ("POST", "/v1/me", "GET, PATCH"),
        ("PATCH", "/v1/platform/tenants", "GET, POST"),
        ("GET", "/v1/platform/tokens", "POST"),
        ("BREW", "/livez", "GET"),
    ];
    for (method, path, allowed) in cases {
        let answer = owner.request(method, path).send().problem(405, "method_not_allowed");
        let mut told: Vec<_> = answer.header("allow").split(", ").collect();
        told.retain(|method| *method != "HEAD");
        assert_eq!(told.join(", "), allowed, "{method} {path}");
    }
}

#[test]
fn the_openapi_document_can_only_be_read() {
    let answer = app().stranger().request("POST", "/openapi.json").send();
    assert!(answer.problem(405, "method_not_allowed").header("allow").contains("GET"));
}

#[test]
fn head_is_answered_as_get_without_a_body() {
    let org = Org::new(app(), "heads");
    for path in ["/livez", "/openapi.json", "/v1/me", "/v1/tenants/heads/teams"] {
        let answer = org.owner.root().request("HEAD", path).send();
        assert_eq!((answer.status, answer.text.as_str()), (200, ""), "{path}");
    }
}

/// Paths to things by id; the id is to be put in.
const BY_ID: &[(&str, &str)] = &[
    ("member", "/members/{}"),
    ("team", "/teams/{}"),
    ("team", "/teams/{}/members"),
    ("workspace", "/workspaces/{}"),
    ("resource", "/resources/{}"),
    ("resource", "/resources/{}/acl"),
    ("role", "/roles/{}"),
    ("role", "/roles/{}/assignments"),
    ("account", "/teams/{own}/members/{}"),
    ("account", "/resources/{own}/acl/{}"),
];

/// An id of every noun, in one tenant.
fn ids(org: &Org) -> impl Fn(&str) -> String {
    let (team, resource) = (org.team("theirs"), org.resource("theirs", "tenant"));
    let (workspace, member) = (org.everyone.clone(), org.account("member"));
    let role = org.role("theirs", &json!(["team.list"]));
    move |noun| match noun {
        "team" => team.clone(),
        "workspace" => workspace.clone(),
        "resource" => resource.clone(),
        "role" => role.clone(),
        _ => member.clone(),
    }
}

#[test]
fn another_tenants_ids_are_answered_as_unknown_ones() {
    let (org, theirs) = (Org::new(app(), "ids-own"), Org::new(app(), "ids-foreign"));
    let foreign = ids(&theirs);
    let own = |path: &str| {
        if path.starts_with("/teams") { org.team(path) } else { org.resource("own", "tenant") }
    };
    for (noun, path) in BY_ID {
        let path =
            path.replace("{own}", &if path.contains("{own}") { own(path) } else { String::new() });
        let ask = |id: &str| org.owner.get(&path.replace("{}", id)).problem(404, "not_found");
        let unknown = ask(NOBODY).anonymous();
        assert_eq!(ask(&foreign(noun)).anonymous(), unknown, "{path}");
        assert_eq!(ask("nonsense").anonymous(), unknown, "{path}");
    }
}

#[test]
fn an_id_has_one_spelling() {
    let org = Org::new(app(), "spellings");
    let own = ids(&org);
    for (noun, path) in BY_ID.iter().filter(|(_, path)| !path.contains("{own}")) {
        let id = own(noun);
        org.owner.get(&path.replace("{}", &id)).expect(200);
        let odd =
            [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), format!("urn:uuid:{id}")];
        for spelling in odd {
            org.owner.get(&path.replace("{}", &spelling)).problem(404, "not_found");
        }
    }
}

#[test]
fn a_tenants_id_has_one_spelling_too() {
    let org = Org::new(app(), "tenant-spellings");
    let (owner, operator) = (org.owner.root(), app().operator());
    for spelling in [org.id.to_uppercase(), org.id.replace('-', ""), org.slug.to_uppercase()] {
        owner.get(&format!("/v1/tenants/{spelling}")).problem(404, "not_found");
        operator.get(&format!("/v1/platform/tenants/{spelling}")).problem(404, "not_found");
    }
}

#[test]
fn a_query_that_cannot_be_one_is_named_by_its_key() {
    let org = Org::new(app(), "queries");
    let cases = [
        ("/teams?odd=1", "odd"),
        ("/teams?limit=0", "limit"),
        ("/teams?limit=201", "limit"),
        ("/teams?limit=-1", "limit"),
        ("/teams?limit=many", "limit"),
        ("/teams?limit=1&limit=2", "limit"),
        ("/teams?parent_id=nope", "parent_id"),
        ("/members?role=king", "role"),
        ("/members?state=gone", "state"),
        ("/resources?sort=size", "sort"),
        ("/resources?type=Not%20A%20Type", "type"),
        ("/resources?updated_since=yesterday", "updated_since"),
        ("/principals?type=robot", "type"),
    ];
    for (path, key) in cases {
        let answer = org.owner.get(path).problem(400, "invalid_parameter");
        assert_eq!(answer.fields(), [key], "{path}: {}", answer.text);
    }
}

#[test]
fn every_answer_carries_the_requests_id() {
    let client = app().stranger();
    let ask = |path: &str, id: &str| client.request("GET", path).header("x-request-id", id).send();
    for path in ["/livez", "/v1/me", "/nothing", "/openapi.json"] {
        assert_eq!(ask(path, "mine-1").header("x-request-id"), "mine-1", "{path}");
    }
    let problem = ask("/v1/me", "mine-2").problem(401, "unauthenticated");
    assert_eq!(problem["request_id"], "mine-2");
    assert_eq!(problem["type"], "urn:freehold:problem:unauthenticated");
    assert_eq!(problem["title"], "Unauthorized");
    assert_eq!(problem["status"], 401);
    for odd in [long(129), "with blank".to_owned()] {
        let id = ask("/livez", &odd).header("x-request-id").to_owned();
        assert!(!id.is_empty() && id != odd, "{id}");
    }
}

#[test]
fn whoever_has_no_good_token_is_told_how_to_come_by_one() {
    let org = Org::new(app(), "strangers");
    let without = app().stranger().get("/v1/me").problem(401, "unauthenticated");
    assert_eq!(without.header("www-authenticate"), "Bearer");
    let with =
        |value: &str| app().stranger().request("GET", "/v1/me").header("authorization", value);
    let token = org.owner.token();
    let bad =
        ["Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", &format!("Bearer {token} x"), token];
    for value in bad {
        let answer = with(value).send().problem(401, "unauthenticated");
        assert_eq!(answer.header("www-authenticate"), "Bearer error=\"invalid_token\"", "{value}");
    }
    let two = with(&format!("Bearer {token}")).header("authorization", &format!("Bearer {token}"));
    two.send().problem(401, "unauthenticated");
    with(&format!("bearer {token}")).send().expect(200);
}

#[test]
fn answers_are_not_kept_by_caches_and_not_guessed_at() {
    let org = Org::new(app(), "caches");
    for path in ["/v1/me", "/v1/tenants/caches/teams", "/nothing"] {
        let answer = org.owner.root().get(path);
        assert_eq!(answer.header("cache-control"), "no-store", "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
    }
}
