//! Step-up (RFC 9470): what needs a strong and recent log-in, and what is said to whoever has none.

use freehold::cli::SystemClock;
use freehold::domain::{Assurance, Clock, Slug};
use freehold::identity::{Grant, Signer, SigningKey, install_crypto};
use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

/// What the defaults say to whoever must log in again.
const CHALLENGE: &str = "Bearer error=\"insufficient_user_authentication\", \
    error_description=\"A stronger or more recent log-in is needed\", acr_values=\"phr phrh\", max_age=\"3600\"";

/// Somebody of an organisation, by a log-in as the host says that it was.
fn by(org: &Org, name: &str, log_in: &Value) -> Client {
    let mut wanted = json!({"tenant": org.slug, "account": org.account(name)});
    wanted.as_object_mut().unwrap().extend(log_in.as_object().unwrap().clone());
    let minted = org.app.host().post("/v1/platform/tokens", &wanted).expect(200);
    org.seen_by(&org.app.bearer(minted["token"].as_str().unwrap()))
}

/// A log-in that is recent, and not strong.
fn weak(org: &Org, name: &str) -> Client {
    by(org, name, &json!({"amr": ["pwd"]}))
}

/// Somebody of an organisation, by a token of the system's key, with whatever it says of the log-in.
fn signed(org: &Org, name: &str, acr: Option<&str>, auth_time_s: Option<i64>) -> Client {
    install_crypto();
    let key = org.app.place().data().join("keys/system.key");
    let signer = Signer::new("freehold", "freehold", SigningKey::load(&key).unwrap().unwrap());
    let grant = Grant {
        subject: org.account(name),
        tenant: Some((org.id.parse().unwrap(), Slug::parse(org.slug.clone()).unwrap())),
        actor: None,
        scope: None,
        session: None,
        api_key: None,
        exchanged_for: Vec::new(),
        assurance: Assurance { acr: acr.map(str::to_owned), amr: Vec::new(), auth_time_s },
        ttl_s: 600,
    };
    org.seen_by(&org.app.bearer(&signer.sign(&grant, &SystemClock).unwrap().token))
}

#[track_caller]
fn challenged(answer: Answer, challenge: &str) {
    let answer = answer.problem(401, "insufficient_user_authentication");
    assert_eq!(answer.header("www-authenticate"), challenge);
    assert_eq!(answer["detail"], "This needs a stronger or more recent log-in.");
}

/// Makes an account an owner.
fn make_owner(caller: &Client, account: &str) -> Answer {
    caller.post("/members", &json!({"account_id": account, "role": "owner"}))
}

#[test]
fn making_an_owner_needs_a_strong_and_recent_log_in() {
    let org = Org::new(app(), "strong");
    let good = [
        json!({}),
        json!({"acr": "phr"}),
        json!({"acr": "phrh", "amr": ["pwd"]}),
        json!({"amr": ["mfa"]}),
        json!({"amr": ["hwk"]}),
        json!({"amr": ["pwd", "otp", "mfa"]}),
        json!({"acr": "1", "amr": ["mfa"]}),
        json!({"acr": "phr", "auth_age_s": 3500}),
    ];
    let bad = [
        json!({"amr": ["pwd"]}),
        json!({"amr": ["otp", "pwd"]}),
        json!({"amr": ["MFA"]}),
        json!({"amr": ["mfa hwk"]}),
        json!({"acr": "1"}),
        json!({"acr": "PHR"}),
        json!({"acr": "phr phrh"}),
        json!({"acr": "host "}),
        json!({"acr": "phr", "auth_age_s": 3601}),
        json!({"amr": ["mfa"], "auth_age_s": 86400}),
        json!({"auth_age_s": 3700}),
    ];
    for (n, log_in) in good.iter().enumerate() {
        let account = org.outsider(&format!("good-{n}"));
        make_owner(&by(&org, "owner", log_in), &account).expect(201);
    }
    let account = org.outsider("nobody");
    for log_in in &bad {
        challenged(make_owner(&by(&org, "owner", log_in), &account), CHALLENGE);
    }
    org.owner.get(&format!("/members/{account}")).problem(404, "not_found");
}

#[test]
fn a_log_in_of_which_nobody_says_when_it_was_is_not_recent() {
    let org = Org::new(app(), "when");
    let account = org.outsider("new");
    let now = SystemClock.now().seconds();
    let cases = [None, Some(0), Some(-1), Some(now - 3660), Some(now + 3600), Some(i64::MAX)];
    for auth_time in cases {
        challenged(make_owner(&signed(&org, "owner", Some("phr"), auth_time), &account), CHALLENGE);
    }
    challenged(make_owner(&signed(&org, "owner", None, Some(now)), &account), CHALLENGE);
    make_owner(&signed(&org, "owner", Some("phr"), Some(now)), &account).expect(201);
}

#[test]
fn every_change_of_an_owners_membership_needs_one_too() {
    let org = Org::new(app(), "owners");
    let owner = weak(&org, "owner");
    let (second, other) = (org.newcomer("second", "owner"), org.account("other"));
    let (path, plain) = (format!("/members/{second}"), format!("/members/{other}"));
    owner.get(&path).expect(200);
    challenged(owner.patch(&path, &json!({"role": "member"})), CHALLENGE);
    challenged(owner.act(&format!("{path}/suspend")), CHALLENGE);
    challenged(owner.act(&format!("{path}/resume")), CHALLENGE);
    challenged(owner.delete(&path), CHALLENGE);
    challenged(owner.patch(&plain, &json!({"role": "owner"})), CHALLENGE);
    challenged(owner.delete(&format!("/members/{}", org.account("owner"))), CHALLENGE);
    assert_eq!(org.owner.get(&path).expect(200)["version"], 1);

    owner.act(&format!("{plain}/suspend")).expect(200);
    owner.act(&format!("{plain}/resume")).expect(200);
    owner.patch(&plain, &json!({"role": "admin"})).expect(200);
    owner.delete(&plain).expect(204);
    org.owner.act(&format!("{path}/suspend")).expect(200);
    challenged(owner.act(&format!("{path}/resume")), CHALLENGE);
    org.owner.delete(&path).expect(204);
}

#[test]
fn whoever_may_not_do_it_anyway_is_not_asked_to_log_in() {
    let org = Org::new(app(), "no-oracle");
    let account = org.outsider("new");
    let owner = format!("/members/{}", org.account("owner"));
    for name in ["admin", "member"] {
        let caller = weak(&org, name);
        make_owner(&caller, &account).problem(403, "forbidden");
        caller.act(&format!("{owner}/suspend")).problem(403, "forbidden");
    }
    make_owner(&weak(&org, "guest"), &account).problem(403, "forbidden");
    weak(&org, "guest").act(&format!("{owner}/suspend")).problem(404, "not_found");
    weak(&org, "owner").act(&format!("/members/{account}/suspend")).problem(404, "not_found");

    let elsewhere = Org::new(app(), "no-oracle-elsewhere");
    let stranger = org.seen_by(&weak(&elsewhere, "owner"));
    make_owner(&stranger, &account).problem(404, "not_found");
    stranger.act(&format!("{owner}/suspend")).problem(404, "not_found");

    let narrow = by(&org, "owner", &json!({"amr": ["pwd"], "scope": "people:read tenant:read"}));
    make_owner(&narrow, &account).problem(403, "forbidden");
    let suspended = weak(&org, "owner");
    app().operator().act("/v1/platform/tenants/no-oracle/suspend").expect(200);
    make_owner(&suspended, &account).problem(403, "tenant_suspended");
}

#[test]
fn the_challenge_is_audited() {
    let org = Org::new(app(), "challenged");
    make_owner(&weak(&org, "owner"), &org.outsider("new")).expect(401);
    let db = app().db(&org.id);
    let sql = "select policies from audit_log where action = 'owner.create' and decision = 'deny'";
    assert_eq!(db.texts(sql, &[]), [r#"["step-up"]"#]);
}

#[test]
fn what_needs_it_is_the_configurations_to_say() {
    let settings = [
        ("FREEHOLD__ASSURANCE__STEP_UP", "team.*,tenant.suspend,account.update"),
        ("FREEHOLD__ASSURANCE__ACR_VALUES", "gold,urn:example:silver"),
        ("FREEHOLD__ASSURANCE__AMR_VALUES", "face"),
        ("FREEHOLD__ASSURANCE__MAX_AGE_S", "60"),
    ];
    let app = TestApp::serve_at(&Place::new(), &settings);
    let org = Org::new(&app, "configured");
    let challenge = CHALLENGE.replace("phr phrh", "gold urn:example:silver").replace("3600", "60");
    let team = json!({"name": "t"});
    let short =
        [json!({"acr": "phr"}), json!({"amr": ["mfa"]}), json!({"acr": "gold", "auth_age_s": 61})];
    for (n, log_in) in short.iter().enumerate() {
        let owner = by(&org, "owner", log_in);
        challenged(owner.post("/teams", &team), &challenge);
        challenged(owner.get("/teams"), &challenge);
        make_owner(&owner, &org.outsider(&format!("new-{n}"))).expect(201);
    }
    for (n, log_in) in [
        json!({"acr": "gold"}),
        json!({"acr": "urn:example:silver"}),
        json!({"amr": ["face"]}),
        json!({}),
    ]
    .iter()
    .enumerate()
    {
        by(&org, "owner", log_in).post("/teams", &json!({"name": format!("t{n}")})).expect(201);
    }

    let operator = app.operator();
    let me = operator.get("/v1/me").expect(200);
    let wanted = json!({"account": me["account"]["id"], "amr": ["pwd"]});
    let minted = app.host().post("/v1/platform/tokens", &wanted).expect(200);
    let weak = app.bearer(minted["token"].as_str().unwrap());
    let suspend = "/v1/platform/tenants/configured/suspend";
    challenged(weak.act(suspend), &challenge);
    let account = format!("/v1/platform/accounts/{}", org.account("guest"));
    challenged(weak.patch(&account, &json!({"display_name": "x"})), &challenge);
    weak.act("/v1/platform/tenants/no-such/suspend").problem(404, "not_found");
    weak.get("/v1/platform/tenants/configured").expect(200);
    org.owner.root().act(suspend).problem(404, "not_found");
    app.host().act(suspend).expect(200);
    operator.act("/v1/platform/tenants/configured/resume").expect(200);
}

#[test]
fn whoever_logs_in_is_told_by_what() {
    let org = Org::new(app(), "told");
    let me = |caller: &Client| caller.root().get("/v1/me").expect(200)["credential"].clone();
    let told =
        me(&by(&org, "owner", &json!({"acr": "1", "amr": ["pwd", "otp"], "auth_age_s": 60})));
    assert_eq!((&told["acr"], &told["amr"]), (&json!("1"), &json!(["pwd", "otp"])));
    assert!(told["auth_time"].as_str().unwrap().ends_with(".000000Z"), "{told}");
    let bare = me(&signed(&org, "owner", None, None));
    assert_eq!(
        (&bare["acr"], &bare["amr"], &bare["auth_time"]),
        (&Value::Null, &json!([]), &Value::Null)
    );
    assert_eq!(bare["scopes"], Value::Null);
}

#[test]
fn the_document_says_where_the_challenge_stands() {
    let document = app().stranger().get("/openapi.json").expect(200).json;
    let answer = &document["paths"]["/v1/tenants/{tenant}/members"]["post"]["responses"]["401"];
    assert!(answer["headers"]["WWW-Authenticate"].is_object(), "{answer}");
}
