//! Whatever a server is doing when it dies: each change left exactly one audit row and its events, or none of both; and
//! what was acknowledged is there.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use freehold::http::{Mount, RouteInfo, infos};

use crate::app::{Place, TestApp, measured};
use crate::asks::ask;
use crate::audit::{is_change, trace};
use crate::client::{Request, run};
use crate::isolation::is_long;
use crate::org::Org;

/// Changes that are under way when a server dies.
const AT_ONCE: usize = 24;

/// A change under way.
struct Change {
    operation: &'static str,
    /// The file that it changes.
    file: String,
    id: String,
    trace: String,
}

fn change(route: &RouteInfo, org: &Org, round: usize) -> (Change, Request) {
    let (caller, file) = match route.mount {
        Mount::Tenant => (org.owner.clone(), org.id.clone()),
        _ => (org.app.host(), "platform".to_owned()),
    };
    let operation = route.operation_id;
    let (id, trace) = (format!("{operation}-{round}"), trace(&format!("{operation}-{round}")));
    let request = ask(route, org, &format!("{operation}-{round}")).request(route, org, &caller);
    let request = request.header("x-request-id", &id);
    let request = request.header("traceparent", &format!("00-{trace}-00000000000000ff-01"));
    (Change { operation, file, id, trace }, request)
}

/// Sends all, and kills the server in the middle; what was answered of each, if anything was.
fn cut_off(app: TestApp, requests: Vec<Request>, after: Duration) -> (Place, Vec<Option<u16>>) {
    let answers = std::thread::spawn(move || {
        let attempts = requests.into_iter().map(Request::attempt);
        run(futures_util::future::join_all(attempts))
    });
    std::thread::sleep(after);
    let place = app.kill();
    (place, answers.join().unwrap())
}

#[test]
fn a_change_that_was_under_way_left_its_audit_row_and_its_events_or_neither() {
    let dice = RandomState::new();
    let routes = infos();
    let changes: Vec<_> = routes
        .iter()
        .filter(|route| is_change(route) && matches!(route.mount, Mount::Tenant | Mount::Platform))
        .collect();
    let rounds = if is_long() { 100 } else { changes.len().div_ceil(AT_ONCE) };
    let mut place = Place::new();
    let mut seen = BTreeMap::new();
    for round in 0..rounds {
        let app = TestApp::dev_at(&place);
        let org = Org::new(&app, &format!("killed-{round}"));
        let some = (0..AT_ONCE).map(|n| changes[(round * AT_ONCE + n) % changes.len()]);
        let (made, requests): (Vec<_>, Vec<_>) =
            some.map(|route| change(route, &org, round)).unzip();
        drop(org);
        let after = Duration::from_micros(dice.hash_one(round) % 20_000);
        let (left, answers) = cut_off(app, requests, after);
        place = left;
        let app = TestApp::dev_at(&place);
        for (change, answer) in made.iter().zip(answers) {
            *seen.entry(found(&app, change, answer)).or_insert(0) += 1;
        }
        assert!(app.host().get("/v1/platform/audit/verify").expect(200)["intact"] == true);
        app.stop();
    }
    measured(&format!("kills: {rounds} servers died over {} changes: {seen:?}", rounds * AT_ONCE));
}

/// What a change left: nothing, or one row and its events.
fn found(app: &TestApp, change: &Change, answer: Option<u16>) -> &'static str {
    let Change { operation, file, id, trace } = change;
    let db = app.db(file);
    let rows = db.number(
        "select count(*) from audit_log where request_id = ?1 and decision = 'permit'",
        &[id],
    );
    let events =
        db.number("select count(*) from outbox_events where correlation_id = ?1", &[trace]);
    let is_acknowledged = answer.is_some_and(|status| (200..300).contains(&status));
    // An import is one change for its people, and one for each tenant that it makes.
    assert!(rows <= 1 || *operation == "import_create", "{id} left {rows} rows");
    assert_eq!(rows > 0, events > 0, "{id} left {rows} rows and {events} events");
    assert!(!is_acknowledged || rows > 0, "{id} was acknowledged");
    match (rows > 0, is_acknowledged) {
        (true, true) => "acknowledged",
        (true, false) => "done and not acknowledged",
        _ => "nothing",
    }
}
