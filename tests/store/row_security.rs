//! Rows are seen by whoever may see them: from outside, by the doors, with few connections and many
//! callers.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use freehold::domain::action::{ListResources, ReadResource, ReadTenant, UpdateTenant};
use freehold::domain::{
    Call, Error, PageRequest, Resource, ResourceFilter, ResourceId, ResourceSort, Result,
    RowSecurityMode,
};
use freehold::services::resources;
use freehold::storage::TenantStore;

use crate::node::{Node, Place, call_of, eventually, host, listed};
use crate::{modes, world};

fn first_page(store: &TenantStore, call: &Call) -> Result<Vec<Resource>> {
    let page = store.read_blocking::<ListResources, _>(call, store.tenant(), |tx| {
        resources::list(tx, &ResourceFilter::default(), &PageRequest::first(200))
    });
    page.map(|page| page.items)
}

fn read(store: &TenantStore, call: &Call, id: ResourceId) -> Result<Resource> {
    store.read_blocking::<ReadResource, _>(call, id, |tx| resources::read(tx, id))
}

#[test]
fn whoever_has_no_credential_for_a_tenant_is_told_that_there_is_nothing() {
    let node = Node::new();
    node.import(&world::tenants(["acme", "globex"]));
    let store = node.store("acme");
    let olga = node.account("olga");
    let canary = first_page(&store, &node.call("acme", "olga")).unwrap()[0].id;
    let strangers = [
        ("a credential for another tenant", node.call("globex", "olga")),
        ("a credential for the platform", call_of(None, olga)),
        ("the host", host()),
        ("nobody's account", call_of(Some(store.tenant()), node.tenant("acme").0.into())),
    ];
    for (what, call) in strangers {
        assert_eq!(first_page(&store, &call).unwrap_err(), Error::NotFound, "{what}");
        assert_eq!(read(&store, &call, canary).unwrap_err(), Error::NotFound, "{what}");
        let tenant = store.tenant();
        let entry = store.read_blocking::<ReadTenant, _>(&call, tenant, |_| Ok(()));
        assert_eq!(entry.unwrap_err(), Error::NotFound, "{what}");
        let changed = store.write_blocking::<UpdateTenant, _, _>(&call, tenant, |_| Ok(()));
        assert_eq!(changed.unwrap_err(), Error::NotFound, "{what}");
    }
    drop(store);
    node.stop();
}

#[test]
fn a_tenant_is_not_reached_through_the_store_of_another() {
    let node = Node::new();
    node.import(&world::tenants(["acme", "globex"]));
    let (acme, globex) = (node.store("acme"), node.store("globex"));
    let there = first_page(&globex, &node.call("globex", "olga")).unwrap()[0].id;
    let olga = node.call("acme", "olga");
    assert_eq!(read(&acme, &olga, there).unwrap_err(), Error::NotFound, "another file's resource");
    let other = acme.read_blocking::<ReadTenant, _>(&olga, globex.tenant(), |_| Ok(()));
    assert_eq!(other.unwrap_err(), Error::NotFound, "another tenant as a target");
    drop((acme, globex));
    node.stop();
}

/// Callers and what each of them sees.
const READERS: usize = 16;
const READS: usize = 200;

#[test]
fn concurrent_readers_on_few_connections_never_see_each_others_rows() {
    let node = Node::at(&Place::new(), |settings| settings.readers_per_tenant = 2);
    node.import(&world::tenants(["acme"]));
    let store = node.store("acme");
    let make = |person: &str| -> BTreeSet<ResourceId> {
        let call = node.call("acme", person);
        let workspace = world::workspace(&store, &call, &format!("of {person}"));
        let made = (0..10).map(|number| {
            world::create(&store, &call, workspace, &format!("{person} {number}")).unwrap().id
        });
        made.collect()
    };
    let (marks, monas) = (make("mark"), make("mona"));
    let canary = first_page(&store, &node.call("acme", "gus"));
    assert!(canary.unwrap().is_empty(), "a guest sees nothing of it");
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let (person, mine, others) = match reader % 2 {
                0 => ("mark", &marks, &monas),
                _ => ("mona", &monas, &marks),
            };
            let (call, store) = (node.call("acme", person), &store);
            scope.spawn(move || {
                for number in 0..READS {
                    let seen: BTreeSet<_> =
                        first_page(store, &call).unwrap().iter().map(|it| it.id).collect();
                    assert!(seen.is_superset(mine) && seen.len() == mine.len() + 1, "{person}");
                    assert!(seen.is_disjoint(others), "{person}");
                    let (own, other) = (mine.iter(), others.iter());
                    let own = own.cycle().nth(number).unwrap();
                    assert_eq!(read(store, &call, *own).unwrap().id, *own);
                    let other = other.cycle().nth(number).unwrap();
                    assert_eq!(read(store, &call, *other).unwrap_err(), Error::NotFound);
                }
            });
        }
    });
    let all = listed(&store, &node.call("acme", "olga"), ResourceSort::Name, 7).unwrap();
    assert_eq!(all.len(), marks.len() + monas.len() + 1, "the owner sees all");
    drop(store);
    node.stop();
}

/// Changes of the mode while readers read.
const CHANGES: u64 = 60;

/// What is known of the mode: a number for each change, and whether it is acknowledged.
#[derive(Default)]
struct Known {
    /// Even while a change is acknowledged, odd while one is on its way.
    change: AtomicU64,
    withholds: AtomicBool,
    /// Reads since the last change was acknowledged, all of them within one mode.
    reads: AtomicUsize,
    is_over: AtomicBool,
}

impl Known {
    fn now(&self) -> (u64, bool) {
        (self.change.load(Ordering::SeqCst), self.withholds.load(Ordering::SeqCst))
    }

    /// Makes a change, and waits until every reader may have read under it.
    fn change(&self, node: &Node, mode: RowSecurityMode) {
        self.change.fetch_add(1, Ordering::SeqCst);
        modes::set(node, "acme", mode);
        self.withholds.store(mode == RowSecurityMode::Enforce, Ordering::SeqCst);
        self.reads.store(0, Ordering::SeqCst);
        self.change.fetch_add(1, Ordering::SeqCst);
        eventually("the readers read", || {
            let is_over = self.is_over.load(Ordering::SeqCst);
            (is_over || self.reads.load(Ordering::SeqCst) >= READERS).then_some(())
        });
    }
}

/// Reads until it is over, and checks each answer by what was known before it and after it.
fn read_on(
    known: &Known,
    store: &TenantStore,
    call: &Call,
    mine: &BTreeSet<ResourceId>,
    all: usize,
) {
    while !known.is_over.load(Ordering::SeqCst) {
        let before = known.now();
        let seen: BTreeSet<_> = first_page(store, call).unwrap().iter().map(|it| it.id).collect();
        let after = known.now();
        let (is_own, is_all) = (seen == *mine, seen.len() == all && seen.is_superset(mine));
        assert!(is_own || is_all, "neither answer: {seen:?}");
        if before == after && before.0.is_multiple_of(2) {
            let (_, withholds) = before;
            assert!(if withholds { is_own } else { is_all }, "{withholds} of {before:?}: {seen:?}");
            known.reads.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_mode_is_in_force_with_the_first_read_after_it_was_acknowledged() {
    let node = Node::at(&Place::new(), |settings| settings.readers_per_tenant = 2);
    node.import(&world::tenants(["acme"]));
    let store = node.store("acme");
    let mark = node.call("acme", "mark");
    let workspace = world::workspace(&store, &mark, "of mark");
    (0..5).for_each(|number| {
        world::create(&store, &mark, workspace, &format!("mark {number}")).unwrap();
    });
    let own = |person: &str| -> BTreeSet<ResourceId> {
        let page = first_page(&store, &node.call("acme", person)).unwrap();
        page.iter().map(|it| it.id).collect()
    };
    let (known, all) = (Known::default(), own("mark").len());
    known.withholds.store(true, Ordering::SeqCst);
    assert_eq!((own("mona").len(), own("gus").len(), all), (1, 0, 6));
    std::thread::scope(|scope| {
        for reader in 0..READERS {
            let person = ["mona", "gus", "mark", "olga"][reader % 4];
            let (call, mine) = (node.call("acme", person), own(person));
            let (known, store) = (&known, &store);
            scope.spawn(move || {
                // Whatever ends a reader ends the others.
                let _over = Over(known);
                read_on(known, store, &call, &mine, all);
            });
        }
        let _over = Over(&known);
        let modes = [RowSecurityMode::Off, RowSecurityMode::Enforce, RowSecurityMode::Shadow];
        for (change, mode) in (0..CHANGES).zip(modes.iter().cycle()) {
            assert!(!known.is_over.load(Ordering::SeqCst), "a reader ended before {change}");
            known.change(&node, *mode);
            if *mode == RowSecurityMode::Shadow {
                known.change(&node, RowSecurityMode::Enforce);
            }
        }
    });
    drop(store);
    node.stop();
}

/// Says that it is over when dropped, by a panic too.
struct Over<'k>(&'k Known);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.is_over.store(true, Ordering::SeqCst);
    }
}
