//! Nobody reaches another tenant, by any road: the matrix, made from the route table.
//!
//! Start with [`rules`], which says what must come of a request, and [`cases`], which makes every one. A new route needs
//! its request in [`crate::asks`] and its row in [`crate::matrix`]; a parameter of a new name, its line in [`objects`].

mod answers;
mod bodies;
mod cases;
mod methods;
mod objects;
mod pairs;
mod rules;
mod timing;
mod trail;
mod world;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use freehold::http::infos;

use self::answers::{REQUEST_ID, Refusals, Secrets};
use self::cases::{Case, World, cases};
use self::rules::Outcome;
use crate::asks::Ask;

/// How many callers there are at once.
const CALLERS: usize = 8;
/// How many findings are told in full.
const TOLD: usize = 20;

/// Says something to people while tests run.
pub(crate) fn say(words: &str) {
    let mut people = std::io::stderr();
    writeln!(people, "{words}").unwrap();
}

/// The time now, to say how long something took.
#[expect(
    clippy::disallowed_methods,
    reason = "the time that a test takes is nobody's business but people's"
)]
pub(crate) fn now() -> Instant {
    Instant::now()
}

/// Whether there is time for the larger counts.
pub(crate) fn is_long() -> bool {
    std::env::var_os("FREEHOLD_LONG").is_some_and(|value| value == "1")
}

/// Does something with every item, by several at once; what they find is told.
fn each<T: Sync>(items: &[T], work: impl Fn(usize, &T) -> Option<String> + Sync) {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let labour = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(place) else { return };
            found.lock().unwrap().extend(work(place, item));
        }
    };
    std::thread::scope(|scope| (0..CALLERS).for_each(|_| drop(scope.spawn(labour))));
    let found = found.into_inner().unwrap();
    let told: Vec<_> = found.iter().take(TOLD).map(String::as_str).collect();
    assert!(found.is_empty(), "{} findings:\n{}", found.len(), told.join("\n"));
}

/// Sends a case's request.
fn send(case: &Case<'_>, ask: &Ask) -> crate::client::Answer {
    case.request(ask).header("x-request-id", REQUEST_ID).send()
}

#[test]
fn nobody_is_let_in_anywhere_and_every_attempt_is_written_down() {
    let app = world::app();
    let world = World::new(&app);
    let routes = infos();
    let cases: Vec<_> = routes
        .iter()
        .flat_map(|route| [cases(&world, route), bodies::cases(&world, route)].concat())
        .filter(Case::is_refused)
        .collect();
    assert!(cases.len() >= 10_000, "{} cases", cases.len());
    let (secrets, refusals, started) = (Secrets::of(&world), Refusals::default(), now());
    each(&cases, |_, case| {
        let answer = send(case, &case.ask);
        refusals.wrong(case, &answer).or_else(|| secrets.leak(case, &answer))
    });
    say(&format!(
        "isolation: {} cases refused, in {:?}: {:?}",
        cases.len(),
        started.elapsed(),
        refusals.kinds()
    ));
    let expected = trail::expected(&world, &cases);
    let files = [String::from("platform"), world.here.org.id.clone(), world.there.org.id.clone()];
    drop(cases);
    drop(world);
    assert_eq!(trail::left(&app.stop(), &files), expected);
    say(&format!("isolation: {} refusals in the audit logs", expected.values().sum::<u64>()));
}

#[test]
fn everybody_who_may_is_let_in_by_every_address() {
    let app = world::app();
    let world = World::new(&app);
    let routes = infos();
    let cases: Vec<_> = routes
        .iter()
        .flat_map(|route| cases(&world, route))
        .filter(|case| !case.is_refused() && case.strange.is_none())
        .collect();
    assert!(cases.len() >= 2_000, "{} cases", cases.len());
    let (secrets, started) = (Secrets::of(&world), now());
    each(&cases, |serial, case| {
        // What changes something changes it once.
        let is_reading = case.route.method == "GET";
        let fresh = (!is_reading).then(|| world.ask(case.route, 10 + serial));
        let answer = send(case, fresh.as_ref().unwrap_or(&case.ask));
        let Outcome::Allowed(expected) = case.outcome else { return None };
        let status = answer.status.to_string();
        // Two callers are one account, which has its personal tenant the second time.
        let was_there = case.route.operation_id == "my_tenant_create" && status == "200";
        let is_good =
            status == expected || (expected == "2xx" && status.starts_with('2')) || was_there;
        (!is_good)
            .then(|| format!("{case}: {status} {}", answer.text))
            .or_else(|| secrets.leak(case, &answer))
    });
    say(&format!("isolation: {} cases allowed, in {:?}", cases.len(), started.elapsed()));
}
