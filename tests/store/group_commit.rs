//! Group commit: what was acknowledged is there, each body stands or falls alone, and a full queue
//! says so.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use freehold::domain::action::{CreateResource, CreateTeam};
use freehold::domain::{Call, Error, ResourceId, ResourceSort, Result, WorkspaceId};
use freehold::services::resources;
use freehold::storage::{Mend, TenantStore};

use crate::dump;
use crate::node::{Node, Place, eventually, listed};
use crate::world;

const THREADS: usize = 64;
const CREATES: usize = 50;

/// Rows of the audit log and of the outbox, if no number is left out.
fn written(place: &Place) -> (usize, usize) {
    let file = dump::open(&dump::tenant_files(&place.data())[0]);
    let count = |table: &str| {
        let sql =
            format!("select count(*), coalesce(min(seq), 1), coalesce(max(seq), 0) from {table}");
        let row = dump::rows(&file, &sql).remove(0);
        let numbers: Vec<usize> = row.split('|').map(|number| number.parse().unwrap()).collect();
        assert_eq!((numbers[1], numbers[2]), (1, numbers[0]), "{table} has no gap");
        numbers[0]
    };
    (count("audit_log"), count("outbox_events"))
}

fn is_healthy(node: &Node) {
    let report = node.registry.examine(None, Mend::Nothing).unwrap();
    assert!(report.healthy, "{report:#?}");
}

/// A tenant, and Mark in it with a workspace of his own.
fn world(node: &Node) -> (TenantStore, Call, WorkspaceId) {
    node.import(&world::tenants(["acme"]));
    let (store, mark) = (node.store("acme"), node.call("acme", "mark"));
    let workspace = world::workspace(&store, &mark, "of mark");
    (store, mark, workspace)
}

#[test]
fn everything_that_was_acknowledged_is_there_once_and_in_order() {
    let node = Node::new();
    let (store, mark, workspace) = world(&node);
    let acknowledged: Mutex<BTreeSet<ResourceId>> = Mutex::default();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (store, mark, acknowledged) = (&store, &mark, &acknowledged);
            scope.spawn(move || {
                for number in 0..CREATES {
                    let name = format!("{thread} {number}");
                    let made = world::create(store, mark, workspace, &name).unwrap();
                    assert_eq!(made.name.as_str(), name);
                    assert!(acknowledged.lock().unwrap().insert(made.id));
                }
            });
        }
    });
    let acknowledged = acknowledged.into_inner().unwrap();
    assert_eq!(acknowledged.len(), THREADS * CREATES);
    let there = listed(&store, &node.call("acme", "olga"), ResourceSort::Created, 200).unwrap();
    let there: BTreeSet<_> = there.iter().map(|it| it.id).collect();
    assert!(there.is_superset(&acknowledged) && there.len() == acknowledged.len() + 1);
    is_healthy(&node);
    drop(store);
    let (audit, outbox) = written(&node.stop());
    assert_eq!(audit, 1 + THREADS * CREATES, "one row for the import, and one a create");
    assert!(outbox > audit);
}

#[test]
fn a_body_that_panics_fails_alone() {
    let node = Node::new();
    let (store, mark, workspace) = world(&node);
    let outcomes: Vec<Vec<Result<ResourceId>>> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|thread| {
                let (store, mark) = (&store, &mark);
                scope.spawn(move || {
                    let create = |number: usize| {
                        let new = world::new_resource(workspace, &format!("{thread} {number}"));
                        store.write_blocking::<CreateResource, _, _>(mark, workspace, move |tx| {
                            let made = resources::create(tx, &new)?;
                            assert!((thread, number) != (3, 5), "a planted panic");
                            Ok(made.id)
                        })
                    };
                    (0..20).map(create).collect()
                })
            })
            .collect();
        writers.into_iter().map(|writer| writer.join().unwrap()).collect()
    });
    let failed: Vec<_> = outcomes.iter().flatten().filter_map(|it| it.as_ref().err()).collect();
    assert!(matches!(failed[..], [Error::Internal(_)]), "{failed:?}");
    let there = listed(&store, &mark, ResourceSort::Created, 200).unwrap();
    assert_eq!(there.len(), 8 * 20 - 1 + 1, "all but the one, and the canary");
    assert!(there.iter().all(|it| it.name.as_str() != "3 5"), "what it did before is undone");
    is_healthy(&node);
    drop(store);
    assert_eq!(written(&node.stop()).0, 1 + 8 * 20 - 1);
}

#[test]
fn a_body_that_fails_leaves_nothing_and_a_denial_leaves_its_audit_row() {
    let node = Node::new();
    let (store, mark, workspace) = world(&node);
    drop(store);
    let place = node.stop();
    let before = written(&place);

    let node = Node::at(&place, |_| ());
    let store = node.store("acme");
    let new = world::new_resource(workspace, "never");
    let failed = store.write_blocking::<CreateResource, (), _>(&mark, workspace, move |tx| {
        resources::create(tx, &new)?;
        Err(Error::Stale)
    });
    assert_eq!(failed, Err(Error::Stale));
    assert_eq!(listed(&store, &mark, ResourceSort::Created, 200).unwrap().len(), 1);
    drop(store);
    let place = node.stop();
    assert_eq!(written(&place), before, "a failure leaves nothing");

    let node = Node::at(&place, |_| ());
    let store = node.store("acme");
    let gus = node.call("acme", "gus");
    let ran = Arc::new(AtomicUsize::new(0));
    for _ in 0..5 {
        let ran = ran.clone();
        let denied = store.write_blocking::<CreateTeam, (), _>(&gus, store.tenant(), move |_| {
            ran.fetch_add(1, Ordering::Relaxed);
            Ok(())
        });
        assert_eq!(denied, Err(Error::Forbidden));
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0, "the body of a denial does not run");
    drop(store);
    let place = node.stop();
    // The first denial at once, and one more row for those that followed within the minute.
    assert_eq!(written(&place), (before.0 + 2, before.1));
    let file = dump::open(&dump::tenant_files(&place.data())[0]);
    let last = "select action, decision, summary from audit_log order by seq desc limit 2";
    let counted = "team.create|deny|{\"denials\":4,\"within_s\":60}";
    assert_eq!(dump::rows(&file, last), [counted, "team.create|deny|{}"]);
}

/// A gate that bodies wait at.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn wait(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }

    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[test]
fn a_queue_over_its_limit_says_that_it_is_busy_and_goes_on() {
    const LIMIT: usize = 4;
    let node = Node::at(&Place::new(), |settings| settings.max_waiting_writes = LIMIT);
    let (store, mark, workspace) = world(&node);
    let gate = Arc::new(Gate::default());
    let (begun, busy) = (Arc::new(AtomicUsize::new(0)), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        let (theirs, started) = (gate.clone(), begun.clone());
        let (store, mark) = (&store, &mark);
        let first = scope.spawn(move || {
            store.write_blocking::<CreateResource, (), _>(mark, workspace, move |_| {
                started.fetch_add(1, Ordering::Release);
                theirs.wait();
                Ok(())
            })
        });
        eventually("the writer works", || (begun.load(Ordering::Acquire) > 0).then_some(()));
        let waiting: Vec<_> = (0..LIMIT + 8)
            .map(|number| {
                let busy = &busy;
                scope.spawn(move || {
                    let outcome = world::create(store, mark, workspace, &format!("{number}"));
                    if let Err(error) = &outcome {
                        assert!(matches!(error, Error::Busy { .. }), "{error}");
                        busy.fetch_add(1, Ordering::Release);
                    }
                    outcome.is_ok()
                })
            })
            .collect();
        eventually("the rest is refused", || (busy.load(Ordering::Acquire) == 8).then_some(()));
        gate.open();
        first.join().unwrap().unwrap();
        let done = waiting.into_iter().filter(|_| true).map(|it| it.join().unwrap());
        assert_eq!(done.filter(|is_done| *is_done).count(), LIMIT);
    });
    assert_eq!(listed(&store, &mark, ResourceSort::Created, 200).unwrap().len(), LIMIT + 1);
    world::create(&store, &mark, workspace, "afterwards").unwrap();
    drop(store);
    node.stop();
}
