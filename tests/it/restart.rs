//! What was acknowledged is there after every end of the process.

use serde_json::{Value, json};

use crate::app::{Place, TestApp, eventually};
use crate::client::Client;
use crate::org::Org;

/// What a restart must not change: everything that a caller can list.
fn everything(owner: &Client) -> Vec<Value> {
    let lists =
        ["/members", "/teams", "/workspaces", "/resources", "/resource-types", "/principals"];
    let mut all: Vec<_> = lists.iter().flat_map(|path| owner.all(path, 200)).collect();
    all.push(owner.get("").expect(200).json);
    all
}

/// Fills a tenant, ends the process, starts another, and compares.
fn survives(slug: &str, end: fn(TestApp) -> Place) {
    let app = TestApp::dev();
    let org = Org::new(&app, slug);
    let team = org.team("crew");
    org.join(&team, "member", "maintainer");
    let resource = org.resource("kept", "private");
    org.share(&resource, &team, "write");
    org.owner.patch("", &json!({"name": "Changed"})).expect(200);
    let (before, owner) = (everything(&org.owner), org.owner.token().to_owned());
    let cursor = org.owner.get("/members?limit=1").expect(200)["next_cursor"].clone();
    let slug = org.slug.clone();
    drop(org);

    let app = TestApp::dev_at(&end(app));
    let owner = app.bearer(&owner).at(&format!("/v1/tenants/{slug}"));
    assert_eq!(everything(&owner), before);
    let next = format!("/members?cursor={}", cursor.as_str().unwrap());
    assert_eq!(owner.get(&next).expect(200)["items"].as_array().unwrap().len(), 4);
    let report = app.operator().get("/v1/platform/diagnostics").expect(200);
    assert_eq!(report["healthy"], true, "{}", report.text);
}

#[test]
fn everything_survives_a_stop() {
    survives("stopped", TestApp::stop);
}

#[test]
fn everything_survives_a_power_cut() {
    survives("cut", TestApp::kill);
}

#[test]
fn without_room_a_node_reads_and_says_that_it_is_not_ready() {
    let place = Place::new();
    let app = TestApp::serve_at(&place, &[]);
    let org = Org::new(&app, "roomless");
    let token = org.owner.token().to_owned();
    app.stranger().get("/readyz").expect(200);
    drop(org);
    let place = app.stop();
    // More than any disk has free.
    let floor = [("FREEHOLD__STORAGE__MIN_FREE_BYTES", "1125899906842624")];
    let app = TestApp::serve_at(&place, &floor);
    let owner = app.bearer(&token).at("/v1/tenants/roomless");
    owner.get("/members").expect(200);
    owner.post("/teams", &json!({"name": "x"})).problem(507, "disk_full");
    app.stranger().get("/readyz").problem(503, "storage_failed");
    app.stranger().get("/livez").expect(200);
}

#[test]
fn what_was_lost_or_taken_from_a_data_directory_is_said() {
    let app = TestApp::serve();
    app.freehold(&["tenant", "create", "robbed"]).ended(0);
    let place = app.stop();
    std::fs::remove_file(place.data().join("keys/api.key")).unwrap();
    let app = TestApp::serve_at(&place, &[]);
    assert!(app.log().contains("what proves API keys was lost"), "{}", app.log());
    // A verb takes the directory in whose place no lock lies; the server finds that out by itself.
    std::fs::remove_file(place.data().join("lock")).unwrap();
    eventually(|| app.log().contains("lock was removed").then_some(()));
}

#[test]
fn a_stop_leaves_no_log_and_no_socket_behind() {
    let place = TestApp::dev().stop();
    let mut left = Vec::new();
    let mut folders = vec![place.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { left.push(path) }
        }
    }
    let odd = |path: &&std::path::PathBuf| {
        ["db-wal", "db-shm", "sock"].iter().any(|end| path.to_string_lossy().ends_with(end))
    };
    assert_eq!(left.iter().filter(odd).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn a_stop_right_after_the_start_is_in_order_too() {
    let mut place = Place::new();
    for _ in 0..8 {
        place = TestApp::dev_at(&place).stop();
    }
}

#[test]
fn each_signal_that_asks_for_the_end_stops_the_server_in_order() {
    let mut place = Place::new();
    for signal in ["-TERM", "-INT", "-HUP", "-QUIT"] {
        place = TestApp::dev_at(&place).stop_by(signal);
        assert!(!place.data().join("freehold.sock").exists(), "{signal}");
    }
}

#[test]
fn files_and_directories_are_the_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::dev();
    let mut folders = vec![app.place().data()];
    while let Some(folder) = folders.pop() {
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700,
            "{}",
            folder.display()
        );
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                assert_eq!(
                    path.metadata().unwrap().permissions().mode() & 0o777,
                    0o600,
                    "{}",
                    path.display()
                );
            }
        }
    }
}

fn roles(caller: &Client) -> Vec<String> {
    let me = caller.get("/v1/me").expect(200);
    let mine = me["tenants"].as_array().unwrap().iter();
    mine.map(|tenant| {
        format!(
            "{} {} {}",
            tenant["slug"].as_str().unwrap(),
            tenant["role"].as_str().unwrap(),
            tenant["state"].as_str().unwrap()
        )
    })
    .collect()
}

#[test]
fn after_a_power_cut_everybody_is_told_their_tenants_as_they_are() {
    let app = TestApp::dev();
    let org = Org::new(&app, "projected");
    let accounts: Vec<_> = (0..5).map(|n| org.outsider(&format!("late-{n}"))).collect();
    let tokens: Vec<_> =
        accounts.iter().map(|account| app.person(account).token().to_owned()).collect();
    let member = |account: &str| format!("/members/{account}");
    for account in &accounts {
        org.owner.post("/members", &json!({"account_id": account, "role": "member"})).expect(201);
    }
    org.owner.patch(&member(&accounts[1]), &json!({"role": "admin"})).expect(200);
    org.owner.act(&format!("{}/suspend", member(&accounts[2]))).expect(200);
    org.owner.delete(&member(&accounts[3])).expect(204);
    drop(org);

    let app = TestApp::dev_at(&app.kill());
    let expected = [
        vec!["projected member active"],
        vec!["projected admin active"],
        vec!["projected member suspended"],
        vec![],
        vec!["projected member active"],
    ];
    for (token, expected) in tokens.iter().zip(expected) {
        let caller = app.bearer(token);
        eventually(|| (roles(&caller) == expected).then_some(()));
    }
}

#[test]
fn a_server_that_dies_under_load_keeps_what_it_acknowledged() {
    let app = TestApp::dev();
    let org = Org::new(&app, "loaded");
    let token = org.owner.token().to_owned();
    let url = format!("{}/v1/tenants/loaded/teams", app.url());
    drop(org);
    let (sent, place) = std::thread::scope(|scope| {
        let running: Vec<_> = (0..4)
            .map(|writer| {
                let (url, token) = (url.clone(), token.clone());
                scope.spawn(move || acknowledged(&url, &token, writer))
            })
            .collect();
        eventually(|| {
            (app.bearer(&token).all("/v1/tenants/loaded/teams", 200).len() > 20).then_some(())
        });
        let place = app.kill();
        (running.into_iter().flat_map(|one| one.join().unwrap()).collect::<Vec<_>>(), place)
    });
    assert!(sent.len() >= 20);
    let app = TestApp::dev_at(&place);
    let there = app.bearer(&token).column("/v1/tenants/loaded/teams", "name");
    for name in sent {
        assert!(there.contains(&name), "{name} was acknowledged");
    }
}

/// Makes teams until the server dies; the names of those that it acknowledged.
fn acknowledged(url: &str, token: &str, writer: usize) -> Vec<String> {
    let http = reqwest::Client::new();
    let names = (0..).map(|n| format!("w{writer}-{n}"));
    names
        .map_while(|name| {
            let sending = http.post(url).bearer_auth(token).json(&json!({"name": name})).send();
            let answer = crate::client::run(sending).ok()?;
            (answer.status() == 201).then_some(name)
        })
        .collect()
}
