//! The Nth access that fails: whatever is told is true, and the node goes on by itself.

use std::time::Duration;

use freehold::domain::{Conflict, Error, ImportOutcome, Result};
use freehold_rig::{Hit, Kind, World};
use serde_json::Value;

use crate::cuts::is_long;
use crate::found::{self, Found, examine, find};
use crate::journal::{Claim, judge};
use crate::node::{Node, Place, by_slug, close};
use crate::work::{self, Worker, resource_row};

/// How often somebody whom a fault has hit asks again at most, and how long they wait between.
const PATIENCE: usize = 10;
const PAUSE: Duration = Duration::from_millis(20);

/// What is asked for while an access fails.
struct Case {
    name: &'static str,
    /// Every so many accesses, one fails; every one in a long run.
    stride: usize,
    /// What is open before.
    warm: fn(&Node),
    /// What is asked for.
    act: fn(&Node) -> Result<()>,
    /// What was asked for, if it was acknowledged.
    claim: fn() -> Claim,
}

/// What is known of one round.
struct Round {
    claims: Vec<Claim>,
    acknowledged: Vec<usize>,
    wrong: Vec<String>,
}

impl Round {
    fn new() -> Self {
        Self { claims: Vec::new(), acknowledged: Vec::new(), wrong: Vec::new() }
    }

    fn claim(&mut self, claim: Claim, is_acknowledged: bool) {
        if is_acknowledged {
            self.acknowledged.push(self.claims.len());
        }
        self.claims.push(claim);
    }

    /// Asks until it is done, a few times at most.
    fn insist<T>(&mut self, what: &str, ask: impl FnMut() -> Result<T>) -> Option<T> {
        match insist(PATIENCE, ask) {
            Ok(done) => Some(done),
            Err(error) => {
                self.wrong.push(format!("{what} did not recover: {error:?}"));
                None
            }
        }
    }
}

fn insist<T>(times: usize, mut ask: impl FnMut() -> Result<T>) -> Result<T> {
    let mut last = ask();
    for _ in 1..times {
        match &last {
            Err(Error::Busy { .. } | Error::Storage(_) | Error::DiskFull) => {}
            _ => break,
        }
        std::thread::sleep(PAUSE);
        last = ask();
    }
    last
}

/// Two tenants beside the one that faults hit, and what a node finds there.
fn base() -> (Place, Found) {
    let place = Place::new();
    let node = Node::start(place.data(), |_| ()).unwrap();
    node.import(&work::organisation(&["acme", "globex"], 0)).unwrap();
    node.stop();
    let found = find(&place.copied().data());
    assert!(found.problems.is_empty(), "{found:?}");
    (place, found)
}

/// One round: a node, one fault, what is told, and what is there.
fn round(
    case: &Case,
    base: &(Place, Found),
    kind: Kind,
    after: usize,
) -> (Option<Hit>, Vec<String>) {
    let place = base.0.copied();
    let world = World::over(&place.data()).unwrap();
    let node = Node::watched(&world, &place);
    (case.warm)(&node);
    world.fail(kind, after);
    let told = (case.act)(&node);
    let hit = world.heal();
    let mut round = Round::new();
    if let Err(error) = &told
        && hit.is_none()
    {
        round.wrong.push(format!("without a fault: {error}"));
    }
    round.claim((case.claim)(), told.is_ok());
    if told.is_err() && round.insist("the same", || (case.act)(&node)).is_some() {
        round.acknowledged.push(0);
    }
    go_on(&mut round, &node, hit.as_ref());
    let registry = node.settle();
    let mut now = Found::default();
    if let Err(error) = examine(&registry, &mut now) {
        now.problems.push(error);
    }
    round.wrong.extend(now.problems);
    close(registry, &place.data());
    let found = find(&place.data());
    round.wrong.extend(judge(&base.1, &round.claims, &round.acknowledged, &found));
    (hit, round.wrong)
}

/// The tenant that was hit is read and written again; others have never been unavailable.
fn go_on(round: &mut Round, node: &Node, hit: Option<&Hit>) {
    let is_everybodys = hit.is_some_and(|hit| hit.path.to_string_lossy().contains("registry.db"));
    for (slug, times) in [("globex", if is_everybodys { PATIENCE } else { 1 }), ("acme", PATIENCE)]
    {
        let asked = insist(times, || {
            let worker = Worker::try_new(node, slug)?;
            worker.resource("afterwards", 10)?;
            worker.count()
        });
        match asked {
            Ok(count) if count > 0 => {
                round.claim(Claim::row(slug, resource_row("afterwards", 10)), true);
            }
            other => round.wrong.push(format!("{slug} is not served: {other:?}")),
        }
    }
}

/// Every access fails once, until none is left.
fn every(case: &Case, kind: Kind) {
    let base = base();
    let stride = if is_long() { 1 } else { case.stride };
    let (mut rounds, mut wrong) = (0, Vec::new());
    for after in (0..).step_by(stride) {
        let (hit, found) = round(case, &base, kind, after);
        wrong.extend(
            found.iter().map(|it| format!("{} {kind:?} after {after}, {hit:?}: {it}", case.name)),
        );
        if hit.is_none() {
            break;
        }
        rounds += 1;
    }
    crate::say(&format!(
        "{} {kind:?}: {rounds} accesses failed, {} times wrongly",
        case.name,
        wrong.len()
    ));
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(8)].join("\n"));
    assert!(rounds >= 2, "{rounds}");
}

const WRITE: Case = Case {
    name: "write",
    stride: 1,
    warm: |node| drop(Worker::new(node, "acme")),
    act: |node| match Worker::try_new(node, "acme")?.resource_once("hit", 300) {
        Err(Error::Conflict(_)) => Ok(()),
        other => other.map(drop),
    },
    claim: || Claim::row("acme", resource_row("hit", 300)),
};

const SUSPEND: Case = Case {
    name: "suspend",
    stride: 1,
    warm: |node| drop(Worker::new(node, "acme")),
    act: |node| match work::suspend(node, "people") {
        // The first time it was told to have failed, and had not.
        Err(Error::Conflict(Conflict::WrongState)) => Ok(()),
        other => other.map(drop),
    },
    claim: || Claim::status("people", "suspended"),
};

const OPEN: Case = Case {
    name: "open",
    stride: 1,
    warm: |_| (),
    act: |node| Worker::try_new(node, "acme").map(drop),
    claim: Claim::default,
};

const CREATE: Case = Case {
    name: "create tenant",
    stride: 1,
    warm: |_| (),
    act: |node| work::create(node, "hit").map(drop),
    claim: || work::created("hit"),
};

const IMPORT: Case = Case {
    name: "import",
    stride: 7,
    warm: |_| (),
    act: |node| {
        let report = node.import(&import_file())?;
        match report.tenants.iter().find(|it| it.outcome == ImportOutcome::Failed) {
            Some(failed) => Err(Error::Storage(failed.problem.clone().unwrap_or_default())),
            None => Ok(()),
        }
    },
    claim: || Claim {
        slug: "imported".to_owned(),
        status: Some("active"),
        rows: vec!["member alice owner active".to_owned(), "workspace everyone tenant".to_owned()],
    },
};

fn import_file() -> Value {
    serde_json::json!({"format": "freehold-import/1", "tenants": [{
        "slug": "imported", "name": "imported", "owners": ["alice"],
        "workspaces": [{"name": "everyone", "owner": "tenant"}]}]})
}

#[test]
fn a_write_whose_access_fails_is_told_truly() {
    every(&WRITE, Kind::Broken);
    every(&WRITE, Kind::Full);
}

#[test]
fn a_suspension_whose_access_fails_is_told_truly() {
    every(&SUSPEND, Kind::Broken);
    every(&SUSPEND, Kind::Full);
}

#[test]
fn a_file_whose_opening_fails_is_opened_the_next_time() {
    every(&OPEN, Kind::Broken);
}

#[test]
fn a_tenant_whose_making_fails_is_made_when_asked_for_again() {
    every(&CREATE, Kind::Broken);
    every(&CREATE, Kind::Full);
}

#[test]
fn an_import_whose_access_fails_is_finished_when_run_again() {
    every(&IMPORT, Kind::Broken);
    every(&IMPORT, Kind::Full);
}

/// A data directory in which one tenant's file is of the first version.
fn outdated() -> (Place, Found) {
    let (place, found) = base();
    let registry = found::open(&place.data().join("registry.db")).unwrap();
    let id = &found::rows(&registry, "select id from tenants where slug = 'acme'").unwrap()[0][0];
    let files = found::tenant_files(&place.data());
    let file = files.iter().find(|path| path.file_stem().unwrap() == id.as_str()).unwrap();
    found::open(file).unwrap().execute_batch(crate::power::TENANT_BACK).unwrap();
    let sql = "update tenant_files set schema_version = 1 where tenant_id = ?1";
    registry.execute(sql, [id]).unwrap();
    (place, found)
}

/// A start at which one file is migrated while an access fails; then a start, or a migration, that goes well.
fn migrate_round(base: &(Place, Found), after: usize) -> (Option<Hit>, Vec<String>) {
    let place = base.0.copied();
    let world = World::over(&place.data()).unwrap();
    world.fail(Kind::Broken, after);
    let faults = world.clone();
    let started = Node::start(place.data(), |settings| settings.faults = faults);
    let hit = world.heal();
    let mut round = Round::new();
    let node = match started {
        Ok(node) => node,
        Err(_) => match insist(50, || Node::start(place.data(), |_| ())) {
            Ok(node) => node,
            Err(error) => return (hit, vec![format!("it does not start again: {error}")]),
        },
    };
    let acme = node.tenant("acme").unwrap();
    round.insist("the migration", || node.registry.migrate(Some(acme), &|_, _| ()));
    go_on(&mut round, &node, hit.as_ref());
    let status = node.registry.resolve(&by_slug("acme")).unwrap().unwrap().status;
    round.claim(Claim::status("acme", "active"), true);
    node.stop();
    let found = find(&place.data());
    round.wrong.extend(judge(&base.1, &round.claims, &round.acknowledged, &found));
    (hit, round.wrong.into_iter().map(|it| format!("{it} (acme is {status:?})")).collect())
}

#[test]
fn a_migration_whose_access_fails_leaves_a_file_that_can_be_migrated() {
    let base = outdated();
    let stride = if is_long() { 1 } else { 3 };
    let (mut rounds, mut wrong) = (0, Vec::new());
    for after in (0..).step_by(stride) {
        let (hit, found) = migrate_round(&base, after);
        wrong.extend(found.iter().map(|it| format!("after {after}, {hit:?}: {it}")));
        if hit.is_none() {
            break;
        }
        rounds += 1;
    }
    crate::say(&format!("migrate: {rounds} accesses failed, {} times wrongly", wrong.len()));
    assert!(wrong.is_empty(), "{}", wrong[..wrong.len().min(8)].join("\n"));
    assert!(rounds > 20, "{rounds}");
}
