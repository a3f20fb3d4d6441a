//! The keys that sign: rotation, overlap, retirement, and what a crash leaves.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::org::Org;

const KEYS: &str = "/v1/platform/keys";

fn kid(token: &str) -> String {
    let header = token.split('.').next().unwrap();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).unwrap()).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn published(app: &TestApp) -> BTreeSet<String> {
    let jwks = app.stranger().get("/.well-known/jwks.json").expect(200);
    jwks["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| key["kid"].as_str().unwrap().to_owned())
        .collect()
}

/// The files of private parts.
fn files(place: &Place) -> usize {
    let names = std::fs::read_dir(place.data().join("keys")).unwrap();
    let names = names.map(|it| it.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("system")).count()
}

#[test]
fn a_new_key_signs_and_the_old_one_verifies_until_it_is_retired() {
    let app = TestApp::dev();
    let org = Org::new(&app, "rotated");
    let first = kid(org.owner.token());
    assert_eq!(published(&app), BTreeSet::from([first.clone()]));
    let made = app.host().act(&format!("{KEYS}/rotate")).expect(200);
    assert_eq!(made["state"], "active");
    let fresh = org.caller("owner");
    assert_eq!(kid(fresh.token()), made.id());
    assert_eq!(published(&app), BTreeSet::from([first.clone(), made.id()]));
    org.owner.get("").expect(200);
    fresh.get("").expect(200);
    let jwks = app.stranger().get("/.well-known/jwks.json").expect(200);
    assert_eq!(jwks.header("cache-control"), "public, max-age=300");
    // The one that signs is not retired, and what is retired is not retired again.
    app.host().act(&format!("{KEYS}/{}/retire", made.id())).problem(409, "wrong_state");
    let retired = app.host().act(&format!("{KEYS}/{first}/retire")).expect(200);
    assert_eq!(retired["state"], "retired");
    app.host().act(&format!("{KEYS}/{first}/retire")).problem(409, "wrong_state");
    org.owner.get("").problem(401, "unauthenticated");
    fresh.get("").expect(200);
    assert_eq!(published(&app), BTreeSet::from([made.id()]));
    assert_eq!(files(app.place()), 1);
    let states = app.host().column(KEYS, "state");
    assert_eq!(states, ["active", "retired"]);
    // It is the same after a restart.
    let (old, fresh) = (org.owner.token().to_owned(), fresh.token().to_owned());
    let app = TestApp::dev_at(&app.stop());
    assert_eq!(published(&app), BTreeSet::from([made.id()]));
    let fresh = app.bearer(&fresh).at("/v1/tenants/rotated");
    fresh.get("").expect(200);
    app.bearer(&old).get("/v1/me").problem(401, "unauthenticated");
}

#[test]
fn no_good_token_is_refused_while_keys_rotate() {
    let app = TestApp::dev();
    let org = Org::new(&app, "rotating");
    let is_over = AtomicBool::new(false);
    let served = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut served = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        org.caller("member").get("").expect(200);
                        org.owner.get("").expect(200);
                        served += 2;
                    }
                    served
                })
            })
            .collect();
        // Two at once, again and again: each gets a key of its own.
        let rotations: Vec<_> = (0..2)
            .map(|_| {
                let host = app.host();
                let rotate = move || host.act(&format!("{KEYS}/rotate")).expect(200).id();
                scope.spawn(move || (0..10).map(|_| rotate()).collect::<Vec<_>>())
            })
            .collect();
        let made: Vec<_> = rotations.into_iter().flat_map(|it| it.join().unwrap()).collect();
        assert_eq!(made.iter().collect::<BTreeSet<_>>().len(), 20);
        is_over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|it| it.join().unwrap()).sum::<usize>()
    });
    assert!(served > 20, "{served}");
    assert_eq!(published(&app).len(), 21);
    let active = app.host().get(&format!("{KEYS}?state=active")).expect(200);
    assert_eq!(active["items"].as_array().unwrap().len(), 1);
    assert_eq!(files(app.place()), 21);
    // There is an end to it.
    for _ in 0..11 {
        app.host().act(&format!("{KEYS}/rotate")).expect(200);
    }
    app.host().act(&format!("{KEYS}/rotate")).problem(409, "signing_key_limit");
    assert_eq!(files(app.place()), 32);
}

#[test]
fn whatever_a_crash_leaves_of_keys_is_mended_at_the_start() {
    let app = TestApp::dev();
    let org = Org::new(&app, "crashed");
    let (token, first) = (org.owner.token().to_owned(), kid(org.owner.token()));
    app.host().act(&format!("{KEYS}/rotate")).expect(200);
    let second = kid(org.caller("owner").token());
    let place = app.kill();
    let keys = place.data().join("keys");
    // A key that was made, and no row of it.
    let lost = keys.join(format!("system-{second}.key"));
    let stray = keys.join(format!("system-{}.key", "a".repeat(43)));
    let strays = Place::new();
    let other = TestApp::dev_at(&strays);
    other.stop();
    std::fs::copy(strays.data().join("keys/system.key"), &stray).unwrap();
    let app = TestApp::dev_at(&place);
    assert!(!stray.exists());
    assert_eq!(published(&app), BTreeSet::from([first.clone(), second.clone()]));
    let place = app.stop();
    // The key that signs is lost: what it has signed is good, and another one signs.
    std::fs::remove_file(&lost).unwrap();
    let app = TestApp::dev_at(&place);
    assert_eq!(published(&app).len(), 3);
    app.bearer(&token).get("/v1/me").expect(200);
    app.operator().get("/v1/me").expect(200);
}

#[test]
fn keys_retire_and_rotate_by_themselves() {
    let place = Place::new();
    let app = TestApp::dev_at(&place);
    app.host().act(&format!("{KEYS}/rotate")).expect(200);
    let place = app.stop();
    // As if the time of the old one were over.
    let registry = rusqlite::Connection::open(place.data().join("registry.db")).unwrap();
    registry
        .execute("update signing_keys set retires_at = 1 where state = 'retiring'", [])
        .unwrap();
    drop(registry);
    let app = TestApp::dev_at(&place);
    eventually(|| (published(&app).len() == 1).then_some(()));
    assert_eq!(files(app.place()), 1);
    let events = app.db("platform").texts(
        "select type || ' ' || actor from outbox_events where type like 'signing_key.%' order by seq",
        &[],
    );
    let by_itself = "system:signing_keys";
    let expected =
        [format!("signing_key.rotated {by_itself}"), "signing_key.rotated host".to_owned()];
    assert_eq!(events, [&expected[..], &[format!("signing_key.retired {by_itself}")]].concat());
}

#[test]
fn keys_are_kept_by_strong_administrators_and_the_host() {
    let app = TestApp::dev();
    let admin = crate::glass::Operator::new(&app, "key-admin", "platform-admin");
    admin.client.act(&format!("{KEYS}/rotate")).expect(200);
    let weak = json!({"account": admin.account, "amr": ["pwd"]});
    let weak = app.host().post("/v1/platform/tokens", &weak).expect(200);
    let weak = app.bearer(weak["token"].as_str().unwrap());
    weak.get(KEYS).expect(200);
    weak.act(&format!("{KEYS}/rotate")).problem(401, "insufficient_user_authentication");
    let auditor = crate::glass::Operator::new(&app, "key-auditor", "auditor");
    auditor.client.get(KEYS).expect(200);
    auditor.client.act(&format!("{KEYS}/rotate")).problem(403, "forbidden");
    let run = |words: &[&str]| app.freehold(words);
    let listed = run(&["keys", "list", "--json"]).ended(0).json();
    let old = listed.as_array().unwrap().iter().find(|key| key["state"] == "retiring").unwrap();
    let made = run(&["keys", "rotate", "--json"]).ended(0).json();
    assert_eq!(made["state"], "active");
    run(&["keys", "retire", old["id"].as_str().unwrap()]).ended(0);
    run(&["keys", "retire", "../../etc"]).ended(1);
    assert!(run(&["keys", "list"]).ended(0).out.contains(made["id"].as_str().unwrap()));
}
