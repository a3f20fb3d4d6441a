//! One cause, found again everywhere: in the audit log, the events, what is sent, and the log of the program.

use serde_json::json;

use crate::app::{Place, TestApp, eventually};
use crate::org::Org;
use crate::receiver::Receiver;

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

#[test]
fn one_correlation_id_leads_from_a_request_through_audit_event_webhook_and_log() {
    let settings = [("FREEHOLD__LOG__LEVEL", "debug"), ("FREEHOLD__LOG__FORMAT", "json")];
    let app = TestApp::dev_with(&Place::new(), &settings);
    let (org, receiver) = (Org::new(&app, "traced"), Receiver::new());
    org.owner
        .post("/webhooks", &json!({"url": receiver.url(), "event_types": ["team.*"]}))
        .expect(201);
    let request = org.owner.request("POST", "/teams").header("x-request-id", "one-request");
    let request = request.header("traceparent", &format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let answer = request.json(&json!({"name": "traced"})).send().expect(201);
    assert_eq!(answer.header("x-request-id"), "one-request");
    let rows = org.owner.all(&format!("/audit?correlation_id={TRACE}"), 200);
    assert_eq!((rows.len(), rows[0]["request_id"].clone()), (1, json!("one-request")));
    let events = org.owner.all(&format!("/events?correlation_id={TRACE}"), 200);
    assert_eq!((events.len(), events[0]["type"].clone()), (1, json!("team.created")));
    let sent = eventually(|| receiver.received().pop());
    assert_eq!(sent.event["correlationid"], TRACE);
    assert!(sent.header("traceparent").starts_with(&format!("00-{TRACE}-")));
    let records = org.owner.all("/usage/records?dimension=teams", 200);
    assert_eq!(records[0]["correlation_id"], TRACE);
    let log = eventually(|| {
        let log = app.log();
        let of_it: Vec<_> =
            log.lines().filter(|line| line.contains(TRACE)).map(str::to_owned).collect();
        let all = of_it.join("\n");
        (all.contains("a request was answered") && all.contains("an event was sent")).then_some(all)
    });
    assert!(log.contains("one-request") && log.contains(&org.id), "{log}");
}

#[test]
fn a_change_that_spans_files_has_one_correlation_in_each() {
    let app = TestApp::dev();
    let owner = app.account("spanning");
    let body = json!({"slug": "spanning", "name": "Spanning", "owner_id": owner});
    let request =
        app.operator().request("POST", "/v1/platform/tenants").header("x-request-id", "spans");
    let made = request.json(&body).send().expect(201);
    for file in ["platform".to_owned(), made.id()] {
        let count = "select count(*) from audit_log where correlation_id = 'spans'";
        assert!(app.db(&file).number(count, &[]) >= 1, "{file}");
    }
}
