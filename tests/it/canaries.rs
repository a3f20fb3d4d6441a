//! Secrets that stand in headers, bodies, queries and errors: whatever became of the request, no log, audit row, event,
//! figure or export repeats one.

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually, measured};
use crate::client::{Answer, Client};
use crate::org::{Org, attribute};
use crate::receiver::Receiver;

/// Where a secret is put, and what becomes of the request.
struct Case {
    place: &'static str,
    status: u16,
    ask: fn(&Scene<'_>, &str) -> Answer,
}

struct Scene<'a> {
    org: &'a Org<'a>,
    platform: Client,
    everybody: Client,
}

impl Scene<'_> {
    /// A harmless request with a header.
    fn header(&self, name: &str, value: &str) -> Answer {
        self.org.owner.request("GET", "/teams").header(name, value).send()
    }

    /// A team whose body is not what it must be.
    fn body(&self, body: &Value) -> Answer {
        self.org.owner.post("/teams", body)
    }

    fn form(&self, path: &str, form: String) -> Answer {
        let request = self.everybody.request("POST", path);
        request.body("application/x-www-form-urlencoded", form).send()
    }
}

const fn case(place: &'static str, status: u16, ask: fn(&Scene<'_>, &str) -> Answer) -> Case {
    Case { place, status, ask }
}

#[rustfmt::skip]
const CASES: [Case; 40] = [
    case("a bearer token", 401, |it, x| it.org.seen_by(&it.everybody.with_token(x)).get("/teams")),
    case("a token of three parts", 401, |it, x| it.org.seen_by(&it.everybody.with_token(&format!("e30.{x}.e30"))).get("/teams")),
    case("an API key", 401, |it, x| it.org.seen_by(&it.everybody.with_token(&format!("fh_{x}"))).get("/teams")),
    case("another scheme", 401, |it, x| it.org.seen_by(&it.everybody).request("GET", "/teams").header("authorization", &format!("Basic {x}")).send()),
    case("a cookie of ours", 401, |it, x| it.org.seen_by(&it.everybody).request("GET", "/teams").header("cookie", &format!("__Host-freehold={x}")).send()),
    case("a cookie of somebody's", 200, |it, x| it.header("cookie", &format!("session={x}"))),
    case("a header of a gateway's", 200, |it, x| it.header("x-api-key", x)),
    case("a proxy's credential", 200, |it, x| it.header("proxy-authorization", &format!("Bearer {x}"))),
    case("a proof of possession", 200, |it, x| it.header("dpop", x)),
    case("a referrer", 200, |it, x| it.header("referer", &format!("https://example.com/?token={x}"))),
    case("a user agent", 200, |it, x| it.header("user-agent", x)),
    case("where it was forwarded from", 400, |it, x| it.header("forwarded", &format!("for={x}"))),
    case("trace state", 200, |it, x| it.header("tracestate", &format!("vendor={x}"))),
    case("baggage", 200, |it, x| it.header("baggage", &format!("secret={x}"))),
    case("a precondition", 400, |it, x| it.org.owner.request("PATCH", "").header("if-match", x).json(&json!({})).send()),
    case("an idempotency key", 201, |it, x| it.org.owner.request("POST", "/teams").header("idempotency-key", x).json(&json!({"name": "keyed"})).send()),
    case("a reservation", 400, |it, x| it.org.owner.request("POST", "/teams").header("freehold-reservation", x).json(&json!({"name": "reserved"})).send()),
    case("an unknown field", 422, |it, x| it.body(&json!({ x: "value" }))),
    case("the value of an unknown field", 422, |it, x| it.body(&json!({"password": x}))),
    case("a value of a wrong type", 422, |it, x| it.body(&json!({"name": [x]}))),
    case("a value that is too long", 422, |it, x| it.body(&json!({"name": x.repeat(40)}))),
    case("a value with odd characters", 422, |it, x| it.org.owner.post("/resource-types", &json!({"name": format!("Ä {x}")}))),
    case("a body that is cut off", 400, |it, x| it.org.owner.request("POST", "/teams").body("application/json", format!("{{\"name\": \"{x}")).send()),
    case("a body of another type", 415, |it, x| it.org.owner.request("POST", "/teams").body("text/plain", x).send()),
    case("a word for a number", 422, |it, x| it.org.owner.post("/reservations", &json!({"dimension": "teams", "amount": x}))),
    case("an id that is none", 422, |it, x| it.org.owner.post("/members", &json!({"account_id": x, "role": "member"}))),
    case("an import", 422, |it, x| it.org.app.host().post("/v1/platform/imports", &json!({"format": x, "tenants": []}))),
    case("a value of a profile", 200, |it, x| it.org.owner.patch("/profile-defaults", &json!({"canary": x}))),
    case("a value that a schema refuses", 422, |it, x| it.org.owner.patch("/profile-defaults", &json!({"canary": [x]}))),
    case("a value of the catalogue", 201, |it, x| it.org.owner.put_new("/catalog/tenant/canary", &json!({"value": {"word": x}}))),
    case("an attribute of a resource", 201, |it, x| it.org.owner.post("/resources", &json!({"type": "prompt", "workspace_id": it.org.everyone, "name": "kept", "attributes": {"word": x}}))),
    case("a password for a token", 422, |it, x| it.form("/v1/auth/token", format!("grant_type=password&password={x}"))),
    case("a token to exchange", 401, |it, x| it.form("/v1/auth/token", format!("grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token={x}&subject_token_type=urn:ietf:params:oauth:token-type:access_token"))),
    case("a token to take back", 200, |it, x| it.form("/v1/auth/revoke", format!("token={x}"))),
    case("an identity's token", 422, |it, x| it.org.app.person("import|canaries-owner").post("/v1/me/identities", &json!({ "token": x }))),
    case("a query that is none of ours", 400, |it, x| it.org.owner.get(&format!("/teams?access_token={x}"))),
    case("a cursor", 400, |it, x| it.org.owner.get(&format!("/teams?cursor={x}"))),
    case("a number in a query", 400, |it, x| it.org.owner.get(&format!("/teams?limit={x}"))),
    case("a query of what is not there", 404, |it, x| it.everybody.get(&format!("/nothing?code={x}"))),
    case("the path of what is not there", 404, |it, x| it.everybody.get(&format!("/reset/{x}"))),
];

/// Everything that is written down or told of what happens.
fn told(app: &TestApp, org: &Org, platform: &Client) -> Vec<(String, String)> {
    let mut told = vec![("the log".to_owned(), app.log())];
    for (plane, client) in [("tenant", &org.owner), ("platform", platform)] {
        for path in [
            "/audit?limit=200",
            "/events?limit=200",
            "/audit/export?format=ndjson",
            "/audit/export?format=csv",
            "/events/stream?for_s=0",
        ] {
            told.push((format!("{plane}{path}"), client.get(path).expect(200).text));
        }
    }
    for path in ["/usage", "/usage/records", "/quotas", "/webhooks"] {
        told.push((path.to_owned(), org.owner.get(path).expect(200).text));
    }
    told.push(("/metrics".to_owned(), app.host().get("/metrics").expect(200).text));
    for file in ["platform", &org.id] {
        for table in ["audit_log", "outbox_events", "webhooks", "webhook_deliveries"] {
            let db = app.db(file);
            let columns = db.texts(&format!("select name from pragma_table_info('{table}')"), &[]);
            let row =
                columns.iter().map(|name| format!("coalesce({name}, '')")).collect::<Vec<_>>();
            let rows = db.texts(&format!("select {} from {table}", row.join(" || ' ' || ")), &[]);
            told.push((format!("{table} of {file}"), rows.join("\n")));
        }
    }
    told
}

#[test]
fn no_secret_is_in_a_log_an_audit_row_an_event_a_figure_or_an_export() {
    let settings = [("FREEHOLD__LOG__LEVEL", "trace"), ("FREEHOLD__LOG__FORMAT", "json")];
    let app = TestApp::dev_with(&Place::new(), &settings);
    let org = Org::new(&app, "canaries");
    let mut body = attribute("profile");
    body["schema"] = json!({"type": "string"});
    let platform = app.host().at("/v1/platform");
    platform.put_new("/attributes/canary", &body).expect(201);
    let scene = Scene { org: &org, platform: platform.clone(), everybody: app.stranger() };
    let canaries: Vec<_> =
        (0..CASES.len()).map(|n| format!("kittiwake{n:02}x{:08x}", n * 7_919_999)).collect();
    let mut odd = Vec::new();
    for (case, canary) in CASES.iter().zip(&canaries) {
        let answer = (case.ask)(&scene, canary);
        if answer.status != case.status {
            odd.push(format!("{}: {} {}", case.place, answer.status, answer.text));
        }
    }
    assert!(odd.is_empty(), "{}", odd.join("\n"));
    let given = given_out(&scene);
    let told = told(&app, &org, &scene.platform);
    for (place, text) in &told {
        assert!(!text.is_empty() || place.starts_with("webhook"), "{place} tells nothing");
    }
    let mut looked_for = 0;
    for (place, canary) in CASES
        .iter()
        .map(|case| case.place)
        .zip(&canaries)
        .chain(given.iter().map(|(place, secret)| (*place, secret)))
    {
        for (where_, text) in &told {
            assert!(!text.contains(canary.as_str()), "{place} is in {where_}");
        }
        looked_for += 1;
    }
    measured(&format!("canaries: {looked_for} secrets in {} places", told.len()));
}

/// Secrets that the program itself gives out, and that of somebody who receives events.
fn given_out(scene: &Scene<'_>) -> Vec<(&'static str, String)> {
    let (org, receiver) = (scene.org, Receiver::new());
    let service = org.service_account("keyed", "member");
    let secret = |answer: Answer, member: &str| answer.done()[member].as_str().unwrap().to_owned();
    let key = org.owner.post(&format!("/service-accounts/{service}/keys"), &json!({"name": "key"}));
    let key = secret(key, "key");
    org.seen_by(&org.app.bearer(&key)).get("/teams").expect(200);
    receiver.answers(|_| (200, "x-token: kittiwakeheader\r\nset-cookie: kittiwakecookie\r\n"));
    let hook = org
        .owner
        .post("/webhooks", &json!({"url": receiver.url(), "event_types": ["team.*"]}))
        .expect(201);
    let first = hook["secret"].as_str().unwrap().to_owned();
    let path = format!("/webhooks/{}/rotate", hook.id());
    let etag = org.owner.get(&format!("/webhooks/{}", hook.id())).etag();
    let rotated =
        org.owner.request("POST", &path).header("if-match", &etag).json(&json!({})).send();
    let second = secret(rotated, "secret");
    org.team("delivered");
    eventually(|| receiver.received().pop());
    let body = json!({"tenant": org.slug, "account": "import|canaries-owner"});
    let token = secret(scene.platform.post("/tokens", &body), "token");
    org.seen_by(&org.app.bearer(&token)).get("/teams").expect(200);
    vec![
        ("an API key that was given out", key),
        ("a webhook's secret", first.trim_start_matches("whsec_").to_owned()),
        ("a webhook's next secret", second.trim_start_matches("whsec_").to_owned()),
        ("a token that was minted", token),
        ("a header of whoever receives", "kittiwakeheader".to_owned()),
        ("a cookie of whoever receives", "kittiwakecookie".to_owned()),
    ]
}
