//! Many callers in many tenants of which few can be open at once: each answer is its own tenant's.
//!
//! Everything that a tenant has carries its canary. Callers gather where others are, as people do, and stray at random,
//! so that files are closed and opened all the while. With `FREEHOLD_LONG=1` there are ten million requests;
//! `FREEHOLD_SEED` brings back the dice of a run that failed.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use crate::app::{Db, Place, TestApp};
use crate::client::{Answer, Client, Request};
use crate::isolation::{is_long, now, say};
use crate::org::import;

const TENANTS: u64 = 50;
const OPEN_AT_ONCE: u64 = 4;
const CALLERS: u64 = 64;
/// Callers of whom each wants another tenant: more than the node has threads that may wait.
const CROWD: u64 = 256;
/// Requests after which callers gather in other tenants.
const GATHERING: u64 = 500;
/// Of a thousand requests, those that go to any tenant.
const STRAYS: u64 = 30;
/// What every canary begins with.
const CANARY: &str = "canary-";

/// Dice (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, sides: u64) -> u64 {
        self.throw() % sides
    }
}

fn seed() -> u64 {
    match std::env::var_os("FREEHOLD_SEED") {
        Some(seed) => u64::from_str_radix(seed.to_str().unwrap(), 16).unwrap(),
        None => RandomState::new().hash_one(0),
    }
}

/// A tenant, and somebody who may make things there.
struct Home {
    id: String,
    canary: String,
    workspace: String,
    resource: String,
    member: Client,
}

/// A tenant's part of an import file.
fn part(number: u64) -> Value {
    let canary = format!("{CANARY}{number:02}");
    json!({
        "slug": format!("flock-{number:02}"),
        "name": canary,
        "description": canary,
        "owners": [format!("{canary}-owner")],
        "members": [format!("{canary}-member")],
        "workspaces": [{"name": canary, "owner": "tenant"}],
        "resources": [{"type": "prompt", "workspace": canary, "name": canary, "visibility": "tenant"}],
    })
}

fn home(app: &TestApp, number: u64) -> Home {
    let (slug, canary) = (format!("flock-{number:02}"), format!("{CANARY}{number:02}"));
    let wanted = json!({"tenant": slug, "account": format!("import|{canary}-member")});
    let minted = app.host().post("/v1/platform/tokens", &wanted).expect(200);
    let member = app.bearer(minted["token"].as_str().unwrap()).at(&format!("/v1/tenants/{slug}"));
    let first =
        |list: &str| member.get(list).expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let (workspace, resource) = (first("/workspaces"), first("/resources"));
    Home { id: member.get("").expect(200).id(), canary, workspace, resource, member }
}

/// What all callers share.
struct Flock {
    homes: Vec<Home>,
    seed: u64,
    asked: AtomicU64,
    refused: AtomicU64,
}

impl Flock {
    /// A tenant where callers gather now, or any.
    fn choose(&self, dice: &mut Dice, turn: u64) -> usize {
        let number = if dice.below(1000) < STRAYS {
            dice.below(TENANTS)
        } else {
            let place = turn / GATHERING * OPEN_AT_ONCE + dice.below(OPEN_AT_ONCE - 1);
            Dice(self.seed ^ place).below(TENANTS)
        };
        usize::try_from(number).unwrap()
    }

    /// Sends a request until the node is not too busy for it.
    fn send(&self, request: impl Fn() -> Request) -> Answer {
        loop {
            let answer = request().send();
            if answer.status != 503 {
                return answer;
            }
            let answer = answer.problem(503, "busy");
            assert!(!answer.header("retry-after").is_empty());
            self.refused.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// What a caller has made in each tenant: the last one, and its version.
type Made = HashMap<usize, (String, String)>;

/// One request in a tenant.
fn ask(flock: &Flock, dice: &mut Dice, made: &mut Made, number: usize) -> Answer {
    let home = &flock.homes[number];
    let name = format!("{} {:x}", home.canary, dice.throw());
    let read = format!("/resources/{}", home.resource);
    match (dice.below(20), made.get(&number)) {
        (0..10, _) => flock.send(|| home.member.request("GET", &read)).expect(200),
        (10..18, _) => flock.send(|| home.member.request("GET", "/resources?limit=5")).expect(200),
        (18, Some((id, etag))) => {
            let path = format!("/resources/{id}");
            let rename = || home.member.request("PATCH", &path).header("if-match", etag);
            let answer = flock.send(|| rename().json(&json!({"name": name}))).expect(200);
            made.insert(number, (answer.id(), answer.etag()));
            answer
        }
        _ => {
            let body = json!({"type": "prompt", "workspace_id": home.workspace, "name": name});
            let create = || home.member.request("POST", "/resources").json(&body);
            let answer = flock.send(create).expect(201);
            made.insert(number, (answer.id(), answer.etag()));
            answer
        }
    }
}

/// Asks, in one caller's name, until enough has been asked.
fn call(flock: &Flock, caller: u64, enough: u64) {
    let (mut dice, mut made) = (Dice(flock.seed.wrapping_add(caller)), Made::new());
    loop {
        let turn = flock.asked.fetch_add(1, Ordering::Relaxed);
        if turn >= enough {
            return;
        }
        if turn.is_multiple_of(100_000) && is_long() {
            say(&format!("interleave: {turn} of {enough} requests"));
        }
        let number = flock.choose(&mut dice, turn);
        let answer = ask(flock, &mut dice, &mut made, number);
        let canary = &flock.homes[number].canary;
        let (own, all) = (answer.text.matches(canary.as_str()), answer.text.matches(CANARY));
        let (own, all) = (own.count(), all.count());
        assert!(own > 0 && own == all, "{canary} of seed {:x}: {}", flock.seed, answer.text);
    }
}

/// Rows of a tenant's file that carry another canary than its own.
fn strays(place: &Place, home: &Home) -> i64 {
    let sql = "select count(*) from resources where name not like ?1 || '%'";
    Db::open(place, &home.id).number(sql, &[&home.canary])
}

/// A server that keeps few tenants open, with all of them in it.
fn crowd(level: &str) -> (TestApp, Vec<Home>) {
    let settings = [
        ("FREEHOLD__STORAGE__MAX_OPEN_TENANTS", &*OPEN_AT_ONCE.to_string()),
        ("FREEHOLD__LOG__LEVEL", level),
        // A small node, whatever the machine is.
        ("FREEHOLD__HTTP__WORKERS", "2"),
    ];
    let app = TestApp::serve_at(&Place::new(), &settings);
    import(&app.host(), &(0..TENANTS).map(part).collect());
    let homes = (0..TENANTS).map(|number| home(&app, number)).collect();
    (app, homes)
}

#[test]
fn every_answer_is_its_own_tenants_while_tenants_take_turns_being_open() {
    let (app, homes) = crowd("info,freehold::storage=debug");
    let seed = seed();
    let flock = Flock { homes, seed, asked: AtomicU64::new(0), refused: AtomicU64::new(0) };
    let enough = if is_long() { 10_000_000 } else { 100_000 };
    let started = now();
    std::thread::scope(|scope| {
        for caller in 0..CALLERS {
            let flock = &flock;
            scope.spawn(move || call(flock, caller, enough));
        }
    });
    let took = started.elapsed();
    let (opened, refused) =
        (app.log().matches("opened a tenant").count(), flock.refused.into_inner());
    say(&format!(
        "interleave: {enough} requests in {took:?}, {opened} openings, {refused} times busy, seed {seed:x}"
    ));
    assert!(opened >= 2_000, "{opened} openings");
    let place = app.stop();
    for home in &flock.homes {
        assert_eq!(strays(&place, home), 0, "{}", home.canary);
    }
}

#[test]
fn a_node_of_which_more_is_wanted_than_can_be_open_is_never_silent() {
    let (_app, homes) = crowd("info");
    let answered = Mutex::new(vec![now()]);
    let all_at_once = Barrier::new(usize::try_from(CROWD).unwrap());
    let read_anywhere = |caller: u64| {
        let mut dice = Dice(caller);
        all_at_once.wait();
        for _ in 0..3 {
            let home = &homes[usize::try_from(dice.below(TENANTS)).unwrap()];
            let answer = home.member.get(&format!("/resources/{}", home.resource));
            assert!([200, 503].contains(&answer.status), "{}", answer.text);
            answered.lock().unwrap().push(now());
        }
    };
    std::thread::scope(|scope| {
        for caller in 0..CROWD {
            let read_anywhere = &read_anywhere;
            scope.spawn(move || read_anywhere(caller));
        }
    });
    let answered = answered.into_inner().unwrap();
    let silence = answered.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    say(&format!("interleave: {} answers, longest silence {silence:?}", answered.len()));
    assert!(silence < Duration::from_secs(1), "silent for {silence:?}");
}
