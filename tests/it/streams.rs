//! `/events/stream`: what happens, as it happens; and where somebody was who comes back.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};

use crate::app::{Place, TestApp};
use crate::client::{Client, run};
use crate::org::Org;
use crate::shared;

shared!();

/// The events of a stream, as many as are asked for.
fn follow(client: &Client, path: &str, last: &str, count: usize) -> Vec<Value> {
    let request = client.request("GET", path);
    let request = if last.is_empty() { request } else { request.header("last-event-id", last) };
    let response = request.open();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut chunks = response.bytes_stream();
    let mut text = String::new();
    run(async {
        while text.matches("\n\n").count() < count {
            let chunk = tokio::time::timeout(Duration::from_secs(20), chunks.next()).await;
            text.push_str(&String::from_utf8_lossy(&chunk.unwrap().unwrap().unwrap()));
        }
    });
    text.split("\n\n").filter(|frame| frame.starts_with("id: ")).map(event).collect()
}

fn event(frame: &str) -> Value {
    let lines: Vec<_> = frame.lines().collect();
    let event: Value = serde_json::from_str(lines[2].strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!(lines[0], format!("id: {}", event["sequence"]));
    assert_eq!(lines[1], format!("event: {}", event["type"].as_str().unwrap()));
    event
}

#[test]
fn what_happened_comes_first_and_then_what_happens() {
    let org = Org::new(app(), "streamed");
    (0..3).for_each(|n| drop(org.team(&format!("team {n}"))));
    let owner = org.owner.clone();
    let following =
        std::thread::spawn(move || follow(&owner, "/events/stream?type=team.created", "", 6));
    (3..6).for_each(|n| drop(org.team(&format!("team {n}"))));
    let events = following.join().unwrap();
    let names: Vec<_> =
        events.iter().map(|event| event["data"]["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["team 0", "team 1", "team 2", "team 3", "team 4", "team 5"]);
}

#[test]
fn a_stream_for_which_nothing_is_ends_and_one_caller_has_few() {
    let org = Org::new(app(), "few-streams");
    (0..3).for_each(|n| drop(org.team(&format!("team {n}"))));
    let none = org.owner.get("/events/stream?type=plan.created&for_s=0").expect(200);
    assert_eq!(none.text, "event: end\ndata: {\"reason\":\"time_over\"}\n\n");
    let some = org.owner.get("/events/stream?type=team.*&for_s=0").expect(200);
    assert_eq!(some.text.matches("event: team.created").count(), 3);
    for list in ["/events/stream", "/events"] {
        let odd =
            org.owner.get(&format!("{list}?type=team.creatd")).problem(400, "invalid_parameter");
        assert_eq!(odd.fields(), ["type"]);
    }
    assert_eq!(org.owner.all("/events?type=team.*", 200).len(), 3);
    let open = || org.admin.request("GET", "/events/stream").open();
    let held: Vec<_> = (0..8).map(|_| open()).collect();
    assert!(held.iter().all(|stream| stream.status() == 200));
    assert_eq!(open().status(), 503);
    org.owner.get("/events/stream?for_s=0").expect(200);
}

#[test]
fn whoever_comes_back_goes_on_where_they_were() {
    let org = Org::new(app(), "resumed-stream");
    (0..4).for_each(|n| drop(org.team(&format!("team {n}"))));
    let path = "/events/stream?type=team.created";
    let first = follow(&org.owner, path, "", 4);
    let last = first[1]["sequence"].to_string();
    assert_eq!(follow(&org.owner, path, &last, 2), first[2..]);
    let after = format!("{path}&after={last}");
    assert_eq!(follow(&org.owner, &after, "", 2), first[2..]);
    let odd = org.owner.request("GET", path).header("last-event-id", "x").send();
    odd.problem(400, "invalid_parameter");
}

#[test]
fn a_stream_ends_when_its_time_is_over_or_nothing_is_permitted_any_more() {
    let org = Org::new(app(), "ended-stream");
    let all = org.owner.get("/events/stream?for_s=0").expect(200);
    assert!(all.text.contains("event: member.created"), "{}", all.text);
    let account = org.newcomer("follower", "admin");
    let wanted = json!({"tenant": org.slug, "account": account});
    let token = app().host().post("/v1/platform/tokens", &wanted).expect(200);
    let follower = org.seen_by(&app().bearer(token["token"].as_str().unwrap()));
    let response = follower.request("GET", "/events/stream?type=team.created").open();
    org.owner.delete(&format!("/members/{account}")).expect(204);
    org.team("not for them");
    let text = run(async { tokio::time::timeout(Duration::from_secs(30), response.text()).await });
    assert!(!text.unwrap().unwrap().contains("not for them"));
}

#[test]
fn followers_do_not_keep_a_server_from_stopping() {
    let app = TestApp::dev_at(&Place::new());
    let org = Org::new(&app, "stopped-stream");
    let response = org.owner.request("GET", "/events/stream").open();
    let began = crate::isolation::now();
    drop(org);
    app.stop();
    assert!(began.elapsed().as_secs() < 10);
    drop(response);
}

#[test]
fn so_many_may_follow_and_no_more_and_nobody_else_waits_for_them() {
    let org = Org::new(app(), "many-followers");
    let follow = |client: &Client| client.request("GET", "/events/stream").open();
    let followers: Vec<_> = (0..8)
        .map(|n| {
            let account = org.newcomer(&format!("follower-{n}"), "admin");
            org.seen_by(&org.app.caller(&org.slug, &account))
        })
        .collect();
    let following: Vec<_> =
        followers.iter().flat_map(|client| (0..8).map(|_| follow(client))).collect();
    assert!(following.iter().all(|one| one.status() == 200));
    assert_eq!(follow(&org.owner).status(), 503);
    org.owner.get("/teams").expect(200);
}
