//! One tenant floods; the others are served as before.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::app::{Place, TestApp, measured};
use crate::org::Org;
use crate::wire::{Wire, text, with_body};

/// How many connections flood.
const FLOODERS: usize = 64;
/// How often the other tenant asks.
const PACE: Duration = Duration::from_millis(10);
/// No answer takes longer, whatever machine this runs on.
const SANITY: Duration = Duration::from_secs(5);

/// How long one kind of request took.
#[derive(Default)]
struct Times(Vec<Duration>);

impl Times {
    fn at(&self, share: usize) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort();
        sorted[(sorted.len() * share / 100).min(sorted.len() - 1)]
    }
}

impl std::fmt::Display for Times {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (p50, p99) = (self.at(50), self.at(99));
        write!(f, "p50 {p50:>9.2?} p99 {p99:>9.2?} max {:>9.2?} of {}", self.at(100), self.0.len())
    }
}

fn seconds(usual: u64) -> Duration {
    let is_long = std::env::var_os("FREEHOLD_LONG").is_some();
    Duration::from_secs(if is_long { usual * 10 } else { usual })
}

/// Reads and creates in turn, at a steady pace, each of which must succeed.
#[expect(clippy::disallowed_methods, reason = "what is measured is time")]
fn visit(org: &Org, name: &str, time: Duration) -> (Times, Times) {
    let teams = format!("/v1/tenants/{}/teams", org.slug);
    let one = format!("{teams}/{}", org.team(name));
    let (mut reads, mut creates) = (Times::default(), Times::default());
    let mut wire = Wire::to(org.app);
    let (began, mut n) = (Instant::now(), 0);
    while began.elapsed() < time {
        let body = format!("{{\"name\":\"{name}-{n}\"}}");
        let read = text(&org.owner, "GET", &one, "", "");
        let create = with_body(&org.owner, "POST", &teams, &body);
        for (request, status, times) in [(read, 200, &mut reads), (create, 201, &mut creates)] {
            let asked = Instant::now();
            let said = wire.ask(&request);
            assert_eq!(said.status, status, "{}", said.body);
            times.0.push(asked.elapsed());
        }
        n += 1;
        std::thread::sleep(PACE);
    }
    (reads, creates)
}

/// Lists, writes and is denied, as fast as it can; what it was answered, by status.
fn flood(org: &Org, n: usize, is_over: &AtomicBool) -> BTreeMap<u16, usize> {
    let teams = format!("/v1/tenants/{}/teams", org.slug);
    let resources = format!("/v1/tenants/{}/resources?limit=200", org.slug);
    let mut answers = BTreeMap::new();
    let mut wire = Wire::to(org.app);
    for round in 0.. {
        let body = format!("{{\"name\":\"flood-{n}-{round}\"}}");
        let requests = [
            text(&org.member, "GET", &resources, "", ""),
            with_body(&org.owner, "POST", &teams, &body),
            with_body(&org.guest, "POST", &teams, &body),
        ];
        for request in requests {
            *answers.entry(wire.ask(&request).status).or_default() += 1;
        }
        if is_over.load(Ordering::Relaxed) {
            break;
        }
    }
    answers
}

#[test]
fn a_tenant_that_floods_leaves_the_others_alone() {
    let server = TestApp::serve_at(&Place::new(), &[]);
    let (loud, quiet) = (Org::new(&server, "loud"), Org::new(&server, "quiet"));
    (0..200).for_each(|n| drop(loud.resource(&format!("r-{n}"), "tenant")));
    let before = visit(&quiet, "before", seconds(2));
    let is_over = AtomicBool::new(false);
    let (during, answers) = std::thread::scope(|scope| {
        let flooders: Vec<_> = (0..FLOODERS)
            .map(|n| {
                let (loud, is_over) = (&loud, &is_over);
                scope.spawn(move || flood(loud, n, is_over))
            })
            .collect();
        let during = visit(&quiet, "during", seconds(5));
        is_over.store(true, Ordering::Relaxed);
        let mut answers = BTreeMap::<u16, usize>::new();
        for flooder in flooders {
            for (status, count) in flooder.join().unwrap() {
                *answers.entry(status).or_default() += count;
            }
        }
        (during, answers)
    });
    measured(&format!("the flood was answered {answers:?}"));
    measured(&format!("reads   before: {}\n        during: {}", before.0, during.0));
    measured(&format!("creates before: {}\n        during: {}", before.1, during.1));
    assert!(answers.keys().all(|status| [200, 201, 403, 503].contains(status)), "{answers:?}");
    assert!(answers[&201] > FLOODERS && answers[&403] > FLOODERS, "{answers:?}");
    assert!(during.0.at(100) < SANITY && during.1.at(100) < SANITY, "somebody waited too long");
}
