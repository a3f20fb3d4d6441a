//! `/events` and `/v1/platform/events`: what happened, in its order.

use std::collections::{BTreeMap, BTreeSet};

use freehold::domain::event_catalogue;
use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::org::Org;
use crate::shared;

shared!();

fn sequences(events: &[Value]) -> Vec<i64> {
    events.iter().map(|event| event["sequence"].as_i64().unwrap()).collect()
}

#[test]
fn events_are_read_in_their_order_and_none_is_left_out() {
    let org = Org::new(app(), "events-order");
    (0..5).for_each(|n| drop(org.team(&format!("team {n}"))));
    let whole = org.owner.all("/events", 200);
    let count = app().db(&org.id).number("select max(seq) from outbox_events", &[]);
    assert_eq!(sequences(&whole), (1..=count).collect::<Vec<_>>());
    assert_eq!(org.admin.all("/events", 3), whole);
    let ids: BTreeSet<_> = whole.iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), whole.len());
}

#[test]
fn whoever_knows_the_last_event_reads_on_behind_it() {
    let org = Org::new(app(), "events-after");
    let last = sequences(&org.owner.all("/events", 200)).pop().unwrap();
    let behind = format!("/events?after={last}");
    assert_eq!(org.owner.all(&behind, 200), Vec::<Value>::new());
    let team = org.team("later");
    let events = org.owner.all(&behind, 1);
    assert_eq!(sequences(&events), [last + 1]);
    assert_eq!(events[0]["subject"], json!(format!("team/{team}")));
    for bad in ["x", "-1", "1.5", "9223372036854775808"] {
        let refused = org.owner.get(&format!("/events?after={bad}"));
        assert_eq!(refused.fields(), ["after"]);
        refused.problem(400, "invalid_parameter");
    }
}

#[test]
fn a_place_beyond_the_newest_event_is_refused_and_the_newest_is_not() {
    let org = Org::new(app(), "events-beyond");
    let host = app().host().at("/v1/platform");
    for reader in [&org.owner, &host] {
        let newest = sequences(&reader.all("/events", 200)).pop().unwrap();
        let none = reader.get(&format!("/events?after={newest}&type=webhook.tested")).expect(200);
        assert_eq!(none["items"], json!([]));
        let told = reader
            .get(&format!("/events/stream?after={newest}&type=webhook.tested&for_s=0"))
            .expect(200);
        assert!(!told.text.contains("id: "), "{}", told.text);
        let beyond = newest + 1_000_000;
        let last =
            reader.request("GET", "/events/stream").header("last-event-id", &beyond.to_string());
        for refused in [
            reader.get(&format!("/events?after={beyond}")),
            reader.get(&format!("/events?after={beyond}&type=team.created")),
            reader.get(&format!("/events/stream?after={beyond}")),
            last.send(),
        ] {
            let refused = refused.problem(410, "position_unknown");
            assert!(refused["newest"].as_i64().unwrap() >= newest, "{}", refused.text);
        }
    }
}

#[test]
fn an_event_is_a_cloud_event() {
    let org = Org::new(app(), "events-shape");
    let request = org.admin.request("POST", "/teams");
    let request =
        request.header("traceparent", "00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-01");
    let team = request.json(&json!({"name": "shaped"})).send().expect(201);
    let filter = "/events?type=team.created&correlation_id=0af7651916cd43dd8448eb211c80319d";
    let events = org.owner.all(filter, 200);
    let [event] = events.as_slice() else { panic!("{events:?}") };
    for (member, expected) in [
        ("specversion", json!("1.0")),
        ("type", json!("team.created")),
        ("source", json!(format!("/v1/tenants/{}", org.id))),
        ("subject", json!(format!("team/{}", team.id()))),
        ("datacontenttype", json!("application/json")),
        ("tenantid", json!(org.id)),
        ("tenantref", json!(format!("tenant:{}", org.id))),
        ("actor", json!(format!("account:{}", org.account("admin")))),
        ("actortenantref", json!(format!("tenant:{}", org.id))),
        ("correlationid", json!("0af7651916cd43dd8448eb211c80319d")),
    ] {
        assert_eq!(event[member], expected, "{member}");
    }
    assert_eq!(event["data"]["name"], "shaped");
    let names = event.as_object().unwrap().keys();
    let good = |name: &String| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    assert!(names.into_iter().all(good), "{event}");
    let row = &org.owner.get("/audit?limit=1").expect(200)["items"][0];
    assert_eq!(row["correlation_id"], event["correlationid"], "the same cause");
}

#[test]
fn the_platforms_events_are_its_own() {
    let org = Org::new(app(), "events-planes");
    let operator = app().operator().at("/v1/platform");
    let events = operator.all("/events", 200);
    assert_eq!(sequences(&events), (1..=i64::try_from(events.len()).unwrap()).collect::<Vec<_>>());
    assert!(events.iter().all(|event| event["source"] == "/v1/platform"), "{events:?}");
    assert!(events.iter().all(|event| event["tenantref"] == "tenant:platform"), "{events:?}");
    let of_tenant = operator.all(&format!("/events?subject=tenant/{}", org.id), 200);
    assert!(of_tenant.iter().any(|event| event["type"] == "tenant.created"), "{of_tenant:?}");
    assert!(of_tenant.iter().all(|event| event["tenantid"].is_null()), "{of_tenant:?}");
}

#[test]
fn a_cursor_of_one_log_is_none_of_another() {
    let org = Org::new(app(), "events-cursors");
    org.team("one more");
    let cursor = |list: &str| {
        let page = org.owner.get(&format!("{list}?limit=1")).expect(200);
        page["next_cursor"].as_str().unwrap().to_owned()
    };
    let (audit, events) = (cursor("/audit"), cursor("/events"));
    for (list, cursor) in [("/audit", &events), ("/events", &audit)] {
        let refused = org.owner.get(&format!("{list}?cursor={cursor}"));
        refused.problem(400, "invalid_parameter");
    }
    let filtered = org.owner.get(&format!("/audit?decision=deny&cursor={audit}"));
    filtered.problem(400, "invalid_parameter");
}

/// Holds events against the schemas that are served for them; the types that they are of.
pub(crate) fn conform(app: &TestApp, events: &[Value]) -> BTreeSet<String> {
    let mut schemas = BTreeMap::new();
    for event in events {
        let kind = event["type"].as_str().unwrap();
        let schema = schemas.entry(kind.to_owned()).or_insert_with(|| {
            let path = event["dataschema"].as_str().unwrap();
            let schema = app.stranger().get(path).expect(200);
            jsonschema::draft202012::options()
                .should_validate_formats(true)
                .build(&schema.json)
                .unwrap()
        });
        let wrong: Vec<_> = schema.iter_errors(event).map(|error| error.to_string()).collect();
        assert!(wrong.is_empty(), "{kind}: {wrong:?}\n{event}");
    }
    schemas.into_keys().collect()
}

#[test]
fn every_type_of_event_is_documented_and_has_a_schema() {
    let page = include_str!("../../docs/events.md");
    let generated = event_catalogue();
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/events.md");
    let (head, _) = page.split_once(CATALOGUE).unwrap();
    let whole = format!("{head}{CATALOGUE}\n\n{}\n", generated.trim_end());
    if std::env::var_os("FREEHOLD_ACCEPT").is_some() {
        std::fs::write(path, whole).unwrap();
        return;
    }
    assert!(
        page == whole,
        "write docs/events.md anew: FREEHOLD_ACCEPT=1 cargo test --test it every_type"
    );
    let verb = Place::new().freehold(&["events", "types"]).ended(0);
    assert_eq!(verb.out.trim_end(), generated.trim_end());
    let documented: Vec<_> = page.lines().filter_map(|line| line.strip_prefix("### `")).collect();
    assert!(documented.len() > 80, "{}", documented.len());
    for kind in documented {
        let path = format!("/schemas/events/{}", kind.trim_end_matches('`'));
        let schema = app().stranger().get(&path).expect(200);
        assert_eq!(schema.header("content-type"), "application/json");
        assert_eq!(schema["properties"]["type"]["const"], json!(kind.trim_end_matches('`')));
        assert!(schema["properties"]["data"].is_object(), "{kind}");
        jsonschema::draft202012::meta::validate(&schema.json).unwrap();
    }
    app().stranger().get("/schemas/events/team.exploded").problem(404, "not_found");
}

/// What the generated part of docs/events.md begins with.
const CATALOGUE: &str = "## Types";
