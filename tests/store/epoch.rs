//! The registry's epoch: a revocation that was acknowledged is in force, whatever is being written
//! meanwhile.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use freehold::domain::action::{ResumeAccount, ResumeTenant, SuspendAccount, SuspendTenant};
use freehold::domain::{Call, Error, ResourceSort, Result, WorkspaceId};
use freehold::services::{accounts, tenants};
use freehold::storage::{Mend, TenantStore};

use crate::node::{Node, eventually, host, listed};
use crate::world;

const ROUNDS: usize = 20;
const WRITERS: usize = 4;

/// Writers that go on until they are told to stop, while something is revoked and granted again.
struct Hammer<'a> {
    node: &'a Node,
    store: TenantStore,
    mark: Call,
    workspace: WorkspaceId,
    /// Counts revocations that were acknowledged, and their ends before these are asked for: odd
    /// while one stands.
    phase: AtomicUsize,
    stop: AtomicBool,
    acknowledged: AtomicUsize,
    refused: AtomicUsize,
    /// Writes that were begun and acknowledged while a revocation stood.
    wrong: AtomicUsize,
}

/// Stops the writers when it goes, where a round has failed too.
struct Stop<'h>(&'h AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

impl<'a> Hammer<'a> {
    fn new(node: &'a Node) -> Self {
        let (store, mark) = (node.store("acme"), node.call("acme", "mark"));
        let workspace = world::workspace(&store, &mark, "of mark");
        Self {
            node,
            store,
            mark,
            workspace,
            phase: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            acknowledged: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            wrong: AtomicUsize::new(0),
        }
    }

    fn write(&self, writer: usize) {
        while !self.stop.load(Ordering::SeqCst) {
            let before = self.phase.load(Ordering::SeqCst);
            match world::create(&self.store, &self.mark, self.workspace, &format!("{writer}")) {
                Ok(_) => {
                    let stood = before % 2 == 1 && self.phase.load(Ordering::SeqCst) == before;
                    if stood {
                        self.wrong.fetch_add(1, Ordering::SeqCst);
                    }
                    self.acknowledged.fetch_add(1, Ordering::SeqCst);
                }
                Err(Error::NotFound | Error::Forbidden) => {
                    self.refused.fetch_add(1, Ordering::SeqCst);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Waits until writers have passed a count since now.
    fn passes(count: &AtomicUsize, more: usize) {
        let from = count.load(Ordering::SeqCst);
        eventually("writers go on", || (count.load(Ordering::SeqCst) >= from + more).then_some(()));
    }

    fn seen(&self) -> usize {
        let olga = self.node.call("acme", "olga");
        listed(&self.store, &olga, ResourceSort::Created, 200).unwrap().len()
    }

    /// Rounds of a revocation amid writes, and of its end.
    fn rounds(&self, revoke: impl Fn() -> Result<()>, grant: impl Fn() -> Result<()>, look: bool) {
        std::thread::scope(|scope| {
            let _stop = Stop(&self.stop);
            for writer in 0..WRITERS {
                scope.spawn(move || self.write(writer));
            }
            for round in 0..ROUNDS {
                Self::passes(&self.acknowledged, 1 + round % 5);
                revoke().unwrap();
                self.phase.fetch_add(1, Ordering::SeqCst);
                // What was begun before may still be acknowledged: after each writer was refused,
                // nothing is.
                Self::passes(&self.refused, 2 * WRITERS);
                let (before, rows) =
                    (self.acknowledged.load(Ordering::SeqCst), look.then(|| self.seen()));
                Self::passes(&self.refused, WRITERS);
                assert_eq!(self.acknowledged.load(Ordering::SeqCst), before);
                assert_eq!(look.then(|| self.seen()), rows);
                self.phase.fetch_add(1, Ordering::SeqCst);
                grant().unwrap();
            }
        });
        let wrong = self.wrong.load(Ordering::SeqCst);
        assert_eq!(wrong, 0, "writes that were begun after the revocation was acknowledged");
        let (acknowledged, there) = (self.acknowledged.load(Ordering::SeqCst), self.seen());
        assert_eq!(there, acknowledged + 1, "what was acknowledged is there, and nothing else");
    }
}

#[test]
fn nothing_is_acknowledged_to_an_account_after_its_suspension_was() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let (mark, registry) = (node.account("mark"), &node.registry);
    let revoke = || {
        registry
            .write_blocking::<SuspendAccount, _, _>(&host(), mark, move |tx| {
                accounts::suspend(tx, mark)
            })
            .map(drop)
    };
    let grant = || {
        registry
            .write_blocking::<ResumeAccount, _, _>(&host(), mark, move |tx| {
                accounts::resume(tx, mark)
            })
            .map(drop)
    };
    Hammer::new(&node).rounds(revoke, grant, true);
    assert!(node.registry.examine(None, Mend::Nothing).unwrap().healthy);
    node.stop();
}

#[test]
fn nothing_is_acknowledged_in_a_tenant_after_its_suspension_was() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let (acme, registry) = (node.tenant("acme"), &node.registry);
    let revoke = || {
        registry
            .write_blocking::<SuspendTenant, _, _>(&host(), acme, move |tx| {
                tenants::suspend(tx, acme)
            })
            .map(drop)
    };
    let grant = || {
        registry
            .write_blocking::<ResumeTenant, _, _>(&host(), acme, move |tx| {
                tenants::resume(tx, acme)
            })
            .map(drop)
    };
    Hammer::new(&node).rounds(revoke, grant, false);
    assert!(node.registry.examine(None, Mend::Nothing).unwrap().healthy);
    node.stop();
}

#[test]
fn a_suspended_account_sees_nothing_from_the_next_read_on() {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    let (store, call, mark) = (node.store("acme"), node.call("acme", "mark"), node.account("mark"));
    for _ in 0..ROUNDS {
        assert_eq!(listed(&store, &call, ResourceSort::Created, 50).unwrap().len(), 1);
        let suspended =
            node.registry.write_blocking::<SuspendAccount, _, _>(&host(), mark, move |tx| {
                accounts::suspend(tx, mark)
            });
        suspended.unwrap();
        let refused = listed(&store, &call, ResourceSort::Created, 50);
        assert_eq!(refused.unwrap_err(), Error::NotFound);
        let resumed =
            node.registry.write_blocking::<ResumeAccount, _, _>(&host(), mark, move |tx| {
                accounts::resume(tx, mark)
            });
        resumed.unwrap();
    }
    drop(store);
    node.stop();
}
