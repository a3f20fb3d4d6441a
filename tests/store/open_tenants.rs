//! Few tenants may be open, many are used: every answer is right, and whoever is refused may come
//! again.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use freehold::domain::action::{ListResources, UpdateResource};
use freehold::domain::{
    Call, ChangeResource, Error, PageRequest, Resource, ResourceFilter, ResourceId, Result,
};
use freehold::services::resources;
use freehold::storage::{Faults, Mend, Operation, TenantStore};

use crate::node::{Node, Place, by_slug};
use crate::world;

const TENANTS: usize = 12;
const THREADS: usize = 8;
const TURNS: usize = 60;

fn slug(number: usize) -> String {
    format!("tenant-{number}")
}

fn canary(store: &TenantStore, call: &Call) -> Result<Resource> {
    let page = store.read_blocking::<ListResources, _>(call, store.tenant(), |tx| {
        resources::list(tx, &ResourceFilter::default(), &PageRequest::first(50))
    })?;
    let [canary] = <[Resource; 1]>::try_from(page.items).unwrap();
    Ok(canary)
}

/// Tries again as long as the node says that it is busy.
fn patiently<T>(mut work: impl FnMut() -> Result<T>) -> T {
    for _ in 0..100 {
        match work() {
            Err(Error::Busy { .. }) => {}
            outcome => return outcome.unwrap(),
        }
    }
    panic!("busy for ever");
}

/// Opens a tenant, reads its canary, and sometimes changes it.
fn turn(node: &Node, number: usize, call: &Call, changes: bool) -> Result<()> {
    let entry = node.registry.resolve(&by_slug(&slug(number)))?.unwrap();
    let store = node.registry.open_blocking(&entry)?;
    let found = canary(&store, call)?;
    assert_eq!(found.name.as_str(), format!("canary of {}", slug(number)));
    if changes {
        touch(&store, call, found.id, found.version)?;
    }
    Ok(())
}

fn touch(store: &TenantStore, call: &Call, id: ResourceId, version: i64) -> Result<()> {
    let change = ChangeResource { name: None, visibility: None, attributes: None };
    let touched = store.write_blocking::<UpdateResource, _, _>(call, id, move |tx| {
        resources::update(tx, id, &change, version).map(|it| it.version)
    });
    match touched {
        // Somebody else was quicker.
        Err(Error::Stale) => Ok(()),
        other => other.map(drop),
    }
}

#[test]
fn every_answer_is_right_where_few_tenants_may_be_open_and_many_are_used() {
    let node = Node::at(&Place::new(), |settings| settings.max_open_tenants = 2);
    let slugs: Vec<String> = (0..TENANTS).map(slug).collect();
    node.import(&world::tenants(slugs.iter().map(String::as_str)));
    let calls: Vec<Call> = slugs.iter().map(|slug| node.call(slug, "olga")).collect();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let (node, calls) = (&node, &calls);
            scope.spawn(move || {
                let mut dice = thread * 7919 + 1;
                for _ in 0..TURNS {
                    dice = (dice * 1_103_515_245 + 12345) % (1 << 31);
                    let number = (dice >> 8) % TENANTS;
                    let changes = (dice >> 16).is_multiple_of(3);
                    patiently(|| turn(node, number, &calls[number], changes));
                }
            });
        }
    });
    for (number, call) in calls.iter().enumerate() {
        patiently(|| turn(&node, number, call, false));
    }
    let report = patiently(|| node.registry.examine(None, Mend::Nothing));
    assert!(report.healthy, "{report:#?}");
    node.stop();
}

/// Counts how often a tenant's file is opened.
#[derive(Default)]
struct Opened(AtomicUsize);

impl Faults for Opened {
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        let is_tenant = path.components().any(|part| part.as_os_str() == "tenants");
        if is_tenant && operation == Operation::Open {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
        Ok(())
    }
}

#[test]
fn a_tenant_that_one_after_another_opened_is_opened_once() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let place = node.stop();
    let opened = Arc::new(Opened::default());
    let faults = opened.clone();
    let node = Node::at(&place, |settings| settings.faults = faults);
    let (entry, call) =
        (node.registry.resolve(&by_slug("acme")).unwrap().unwrap(), node.call("acme", "olga"));
    for _ in 0..50 {
        canary(&node.registry.open_blocking(&entry).unwrap(), &call).unwrap();
    }
    assert_eq!(opened.0.load(Ordering::SeqCst), 1);
    node.stop();
}

#[test]
fn a_tenant_that_many_opened_at_once_is_opened_once_and_stays_open() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let place = node.stop();
    for _ in 0..10 {
        let opened = Arc::new(Opened::default());
        let faults = opened.clone();
        let node = Node::at(&place, |settings| settings.faults = faults);
        let (entry, call) =
            (node.registry.resolve(&by_slug("acme")).unwrap().unwrap(), node.call("acme", "olga"));
        let together = Barrier::new(THREADS);
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| {
                    together.wait();
                    canary(&node.registry.open_blocking(&entry).unwrap(), &call).unwrap();
                });
            }
        });
        for _ in 0..50 {
            canary(&node.registry.open_blocking(&entry).unwrap(), &call).unwrap();
        }
        assert_eq!(opened.0.load(Ordering::SeqCst), 1, "opened once, however many ask");
        node.stop();
    }
}
