//! Decision points that do not answer as they should: nothing is done, whatever they do instead.

use std::time::Duration;

use serde_json::json;

use super::pdp::{Pdp, Says, http};
use super::{ID, asking, asking_at, dump, last_row};
use crate::app::{Place, TestApp, eventually};
use crate::client::Client;
use crate::org::Org;

/// A way to misbehave, and what the audit row says of it.
type Way = (&'static str, fn() -> Says, &'static str);

/// The last one on its connection, and so it says.
fn answer(status: &str, body: &str) -> Says {
    let answer = String::from_utf8(http(status, body)).unwrap();
    Says::Bytes(answer.replacen("\r\n", "\r\nconnection: close\r\n", 1).into_bytes())
}

const WAYS: &[Way] = &[
    ("slow", || Says::Nothing(Duration::from_secs(3)), "it did not answer in time"),
    ("dripping", || Says::Drips(Duration::from_millis(40)), "it did not answer in time"),
    ("closing", || Says::Bytes(Vec::new()), ""),
    ("half", || Says::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{\"deci".to_vec()), ""),
    ("babbling", || Says::Bytes(b"\x16\x03\x01\x02\x00\x01".to_vec()), ""),
    ("failing", || answer("500 Internal Server Error", r#"{"decision": true}"#), "it answered 500"),
    ("unauthorized", || answer("401 Unauthorized", r#"{"decision": true}"#), "it answered 401"),
    ("created", || answer("201 Created", r#"{"decision": true}"#), "it answered 201"),
    ("empty", || answer("204 No Content", ""), "it answered 204"),
    ("malformed", || answer("200 OK", "{\"decision\": tru"), "its answer is no decision"),
    ("text", || answer("200 OK", r#"{"decision": "true"}"#), "its answer is no decision"),
    ("number", || answer("200 OK", r#"{"decision": 1}"#), "its answer is no decision"),
    ("array", || answer("200 OK", "[true]"), "its answer is no decision"),
    ("nothing", || answer("200 OK", "{}"), "its answer is no decision"),
    (
        "twice",
        || answer("200 OK", r#"{"decision": false, "decision": true}"#),
        "its answer is no decision",
    ),
    ("huge", huge, "its answer has more than 64 KiB"),
    ("endless", endless, "its answer has more than 64 KiB"),
];

fn huge() -> Says {
    let padding = " ".repeat(65_536);
    answer("200 OK", &format!("{{\"decision\": true}}{padding}"))
}

fn endless() -> Says {
    let mut bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
    for _ in 0..40 {
        bytes.extend_from_slice(b"1000\r\n");
        bytes.extend_from_slice(&[b' '; 4096]);
        bytes.extend_from_slice(b"\r\n");
    }
    Says::Bytes(bytes)
}

/// Somebody new who may make teams: a caller's denials are counted together within a minute.
fn admin(org: &Org, name: &str) -> Client {
    let account = org.newcomer(name, "admin");
    let wanted = json!({"tenant": org.slug, "account": account});
    // The registry hears of the membership a little later.
    let minted = eventually(|| {
        let minted = org.app.host().post("/v1/platform/tokens", &wanted);
        (minted.status == 200).then_some(minted)
    });
    org.seen_by(&org.app.bearer(minted["token"].as_str().unwrap()))
}

#[test]
fn whoever_does_not_answer_refuses() {
    let pdp = Pdp::permitting();
    let settings = [
        ("FREEHOLD__DECISION_POINT__TIMEOUT_MS", "400"),
        ("FREEHOLD__DECISION_POINT__BREAKER_FAILURES", "1000"),
    ];
    let app = asking(&pdp, "team.*", &settings);
    let org = Org::new(&app, "hostile");
    for (name, says, reason) in WAYS {
        let caller = admin(&org, name);
        let before = dump(&app, &org.id);
        pdp.says(move |_| says());
        let refused = caller.post("/teams", &json!({"name": name}));
        assert_eq!(refused.header("retry-after"), "1", "{name}");
        let refused = refused.problem(503, "decision_point_unavailable");
        assert!(!refused.text.contains("127.0.0.1"), "{}", refused.text);
        assert_eq!(dump(&app, &org.id), before, "{name}");
        let (policies, decision, summary) = last_row(&app, &org.id, "team.create");
        assert_eq!((policies, decision.as_str()), (vec![ID.to_owned()], "deny"), "{name}");
        assert_eq!((&summary["decision_point"], &summary["answer"]), (&json!(ID), &json!(null)));
        let said = summary["reason"].as_str().unwrap();
        assert!(!said.is_empty() && said.contains(reason), "{name}: {said}");
        pdp.says(|_| Says::Decision(true));
        caller.post("/teams", &json!({"name": name})).expect(201);
    }
}

#[test]
fn a_redirect_is_not_followed() {
    let (elsewhere, pdp) = (Pdp::permitting(), Pdp::permitting());
    let to = elsewhere.url();
    let app = asking(&pdp, "team.*", &[("FREEHOLD__DECISION_POINT__TOKEN", "hush")]);
    let org = Org::new(&app, "redirected");
    for status in [
        "301 Moved Permanently",
        "302 Found",
        "303 See Other",
        "307 Temporary Redirect",
        "308 Permanent Redirect",
    ] {
        let bytes = format!("HTTP/1.1 {status}\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        pdp.says(move |_| Says::Bytes(bytes.clone().into_bytes()));
        org.owner
            .post("/teams", &json!({"name": status}))
            .problem(503, "decision_point_unavailable");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[test]
fn whoever_is_not_there_refuses() {
    let gone = Pdp::permitting().url().replace("127.0.0.1", "localhost");
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = gone.rsplit_once(':').map(|(host, _)| format!("{host}:{port}/")).unwrap();
    let app = asking_at(&Place::new(), &url, "team.*", &[]);
    let org = Org::new(&app, "nobody-there");
    org.owner.post("/teams", &json!({"name": "t"})).problem(503, "decision_point_unavailable");
    let (policies, _, summary) = last_row(&app, &org.id, "team.create");
    assert_eq!(policies, ["external:localhost"], "{summary}");
}

/// What opens after three failures, for a second.
fn breaking(pdp: &Pdp) -> TestApp {
    let settings = [
        ("FREEHOLD__DECISION_POINT__BREAKER_FAILURES", "3"),
        ("FREEHOLD__DECISION_POINT__BREAKER_OPEN_S", "1"),
        ("FREEHOLD__DECISION_POINT__TIMEOUT_MS", "2000"),
    ];
    asking(pdp, "team.*", &settings)
}

#[test]
fn the_breaker_opens_tries_with_one_request_and_closes_without_a_restart() {
    let failing = || answer("500 Internal Server Error", "");
    let pdp = Pdp::new(move |_| failing());
    let app = breaking(&pdp);
    let org = Org::new(&app, "breaker");
    let make = |name: &str| org.owner.post("/teams", &json!({"name": name}));
    for n in 1..=10 {
        let refused = make("refused").problem(503, "decision_point_unavailable");
        assert_eq!(refused.header("retry-after"), "1");
        assert_eq!(pdp.connections(), n.min(3), "after {n} requests");
    }
    // The one that tries is held, so that all others come while it is under way.
    pdp.says(move |_| {
        std::thread::sleep(Duration::from_millis(500));
        failing()
    });
    std::thread::sleep(Duration::from_millis(1100));
    std::thread::scope(|scope| {
        for n in 0..8 {
            scope.spawn(move || {
                make(&format!("crowd {n}")).problem(503, "decision_point_unavailable")
            });
        }
    });
    assert_eq!(pdp.connections(), 4, "one request tries");
    pdp.says(|_| Says::Decision(true));
    make("still refused").problem(503, "decision_point_unavailable");
    assert_eq!(pdp.asked().len(), 4);
    let answer = eventually(|| {
        let answer = make("at last");
        (answer.status != 503).then_some(answer)
    });
    answer.expect(201);
    make("and again").expect(201);
    let said = |what: &str| app.log().matches(what).count();
    assert_eq!(said("a decision point does not answer"), 1, "{}", app.log());
    assert_eq!(said("a decision point answers again"), 1, "{}", app.log());
}

#[test]
fn a_denial_is_an_answer_and_opens_nothing() {
    let pdp = Pdp::new(|_| Says::Decision(false));
    let app = breaking(&pdp);
    let org = Org::new(&app, "denying");
    for n in 0..10 {
        let refused = org.owner.post("/teams", &json!({"name": format!("t{n}")}));
        assert_eq!(refused.header("retry-after"), "");
        refused.problem(403, "externally_denied");
    }
    assert_eq!(pdp.asked().len(), 10);
}

#[test]
fn the_token_is_shown_to_nobody_else() {
    let pdp = Pdp::permitting();
    let place = Place::new();
    let file = place.file("token", " s3cr3t-of-a-file\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(&file, mode).unwrap();
    let settings = [
        ("FREEHOLD__DECISION_POINT__TOKEN_FILE", file.to_str().unwrap()),
        ("FREEHOLD__LOG__LEVEL", "trace"),
        ("FREEHOLD__DECISION_POINT__BREAKER_FAILURES", "1"),
    ];
    let app = asking_at(&place, &pdp.url(), "team.*", &settings);
    let org = Org::new(&app, "hush");
    org.owner.post("/teams", &json!({"name": "t"})).expect(201);
    assert!(pdp.asked()[0].head.contains("Bearer s3cr3t-of-a-file\r\n"), "{:?}", pdp.asked());
    pdp.says(|_| answer("401 Unauthorized", "s3cr3t-of-a-file"));
    let refused = org.owner.post("/teams", &json!({"name": "u"})).expect(503);
    assert!(!refused.text.contains("s3cr3t"), "{}", refused.text);
    let log = app.log();
    assert!(log.contains("does not answer") && !log.contains("s3cr3t"), "the log has it");
    let (_, _, summary) = last_row(&app, &org.id, "team.create");
    assert!(!summary.to_string().contains("s3cr3t"), "{summary}");
}

#[test]
fn whoever_dies_while_asking_has_done_nothing() {
    let pdp = Pdp::permitting();
    let place = Place::new();
    let settings = [("FREEHOLD__DECISION_POINT__TIMEOUT_MS", "30000")];
    let app = asking_at(&place, &pdp.url(), "team.*", &settings);
    let (id, owner) = {
        let org = Org::new(&app, "dying");
        org.owner.post("/teams", &json!({"name": "before"})).expect(201);
        (org.id.clone(), org.owner.clone())
    };
    let before = dump(&app, &id);
    pdp.says(|_| Says::Nothing(Duration::from_mins(1)));
    let asked = std::thread::spawn(move || owner.post("/teams", &json!({"name": "late"})));
    eventually(|| (pdp.count("team.create") == 2).then_some(()));
    let place = app.kill();
    assert!(asked.join().is_err(), "the connection broke");
    pdp.says(|_| Says::Decision(true));
    let app = asking_at(&place, &pdp.url(), "team.*", &settings);
    assert_eq!(dump(&app, &id), before);
    let again = app.caller("dying", "import|dying-owner").at("/v1/tenants/dying");
    again.post("/teams", &json!({"name": "late"})).expect(201);
    place_is_well(&app);
}

fn place_is_well(app: &TestApp) {
    let report = app.freehold(&["doctor", "--json"]).ended(0);
    assert!(report.json().is_object() || report.json().is_array(), "{report:?}");
}
