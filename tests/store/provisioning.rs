//! Provisioning: a tenant is there whole or not at all, whatever happens while it is made.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use freehold::domain::{Name, NewTenant, ResourceSort, Slug, Tenant, TenantStatus};
use freehold::services::tenants;
use freehold::storage::{Faults, Mend, Operation};

use crate::child::{self, Death};
use crate::dump;
use crate::node::{Node, Place, by_slug, host, listed};
use crate::program::{command, verb};
use crate::world;

fn create(node: &Node, slug: &str) -> freehold::domain::Result<Tenant> {
    let new = NewTenant {
        slug: Slug::parse(slug).unwrap(),
        name: Name::parse(slug).unwrap(),
        description: None,
        kind: None,
        data_region: None,
        owner_id: Some(node.account("olga")),
    };
    tenants::create(&node.registry, &host(), &new)
}

/// A tenant is in service, its owner in it, and nothing is wrong anywhere.
fn is_whole(node: &Node, slug: &str) {
    let entry = node.registry.resolve(&by_slug(slug)).unwrap().unwrap();
    assert_eq!(entry.status, TenantStatus::Active, "{slug}");
    let seen = listed(&node.store(slug), &node.call(slug, "olga"), ResourceSort::Created, 50);
    assert!(seen.is_ok_and(|seen| seen.is_empty()), "{slug}");
    let report = node.registry.examine(None, Mend::Nothing).unwrap();
    assert!(report.healthy, "{report:#?}");
}

/// A place where `olga` has an account.
fn place() -> Place {
    let node = Node::new();
    node.import(&world::tenants(["acme"]));
    node.stop()
}

#[test]
fn a_tenant_made_with_an_owner_is_in_service_and_the_owner_in_it() {
    let place = place();
    let node = Node::at(&place, |_| ());
    let tenant = create(&node, "globex").unwrap();
    assert_eq!((tenant.status, tenant.slug.as_str()), (TenantStatus::Active, "globex"));
    is_whole(&node, "globex");
    node.stop();
    is_whole(&Node::at(&place, |_| ()), "globex");
}

#[test]
fn a_tenant_that_has_a_row_and_no_file_is_finished_at_the_next_start() {
    let place = place();
    let node = Node::at(&place, |_| ());
    let tenant = create(&node, "globex").unwrap().id.to_string();
    node.stop();
    let registry = dump::open(&place.data().join("registry.db"));
    let back = [
        "update tenants set status = 'provisioning' where id = ?1",
        "update tenant_files set audit_seq = 0, audit_hash = '', outbox_seq = 0
        where tenant_id = ?1",
        "delete from memberships where tenant_id = ?1",
    ];
    for step in back {
        registry.execute(step, [&tenant]).unwrap();
    }
    drop(registry);
    let files = dump::tenant_files(&place.data());
    let file = files.iter().find(|path| path.file_stem().unwrap() == tenant.as_str()).unwrap();
    std::fs::remove_file(file).unwrap();

    let node = Node::at(&place, |_| ());
    is_whole(&node, "globex");
    assert_eq!(node.tenant("globex").to_string(), tenant);
    node.stop();
}

/// Fails one operation of the file system, and all that follow it: as if the process had ended
/// there.
#[derive(Default)]
struct Cut {
    /// Operations that still go well; `usize::MAX` means all of them.
    left: AtomicUsize,
    fell: AtomicBool,
}

impl Faults for Cut {
    fn before(&self, _: Operation, path: &Path) -> io::Result<()> {
        let next = |left: usize| match left {
            usize::MAX => Some(usize::MAX),
            0 => None,
            left => Some(left - 1),
        };
        let went = self.left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, next);
        went.map(drop).map_err(|_| {
            self.fell.store(true, Ordering::SeqCst);
            io::Error::other(format!("cut off before {}", path.display()))
        })
    }
}

#[test]
fn provisioning_is_finished_from_wherever_it_was_cut_off() {
    let place = place();
    for steps in 0.. {
        let cut = Arc::new(Cut { left: AtomicUsize::new(usize::MAX), ..Cut::default() });
        let faults = cut.clone();
        let node = Node::at(&place, |settings| settings.faults = faults);
        // What is opened once in the life of the node is opened before.
        create(&node, &format!("before-{steps}")).unwrap();
        let slug = format!("cut-{steps}");
        cut.left.store(steps, Ordering::SeqCst);
        let made = create(&node, &slug);
        let is_through = !cut.fell.load(Ordering::SeqCst);
        cut.left.store(usize::MAX, Ordering::SeqCst);
        node.stop();
        assert!(made.is_ok() || !is_through, "after {steps} operations: {made:?}");

        let node = Node::at(&place, |_| ());
        match node.registry.resolve(&by_slug(&slug)).unwrap() {
            Some(_) => is_whole(&node, &slug),
            None => assert!(made.is_err(), "what was acknowledged is there"),
        }
        node.stop();
        if is_through {
            assert!(steps > 5, "making a tenant takes more operations than {steps}");
            return;
        }
    }
}

#[test]
fn provisioning_is_finished_from_wherever_the_process_died() {
    if let Some(task) = child::task() {
        let death = Arc::new(Death::default());
        let faults = death.clone();
        let node = Node::at(&Place::of(&task.root), |settings| settings.faults = faults);
        death.arm(task.step);
        create(&node, &format!("dies-{}", task.step)).unwrap();
        node.stop();
        return;
    }
    let place = place();
    let test = "provisioning::provisioning_is_finished_from_wherever_the_process_died";
    for step in 0.. {
        let has_survived = child::survives(test, place.root(), step);
        let node = Node::at(&place, |_| ());
        let slug = format!("dies-{step}");
        match node.registry.resolve(&by_slug(&slug)).unwrap() {
            Some(_) => is_whole(&node, &slug),
            None => assert!(!has_survived, "what was acknowledged is there"),
        }
        node.stop();
        if has_survived {
            assert!(step > 10, "making a tenant takes more operations than {step}");
            return;
        }
    }
}

#[test]
fn a_crash_while_tenants_are_made_leaves_nothing_to_complain_of() {
    let place = place();
    let mut acknowledged = Vec::new();
    for round in 0..12_u64 {
        let slug = format!("crash-{round}");
        let arguments = ["tenant", "create", &slug, "--owner", "import|olga"];
        let mut child = command(&place, &arguments)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        // The moment is the point: there is no condition to wait for.
        std::thread::sleep(Duration::from_millis(10 + 11 * round));
        child.kill().unwrap();
        if child.wait().unwrap().success() {
            acknowledged.push(slug);
        }
        let said = verb(&place, &["doctor"]).ended(0);
        assert!(!said.out.contains("FAILED"), "{}", said.out);
    }
    let node = Node::at(&place, |_| ());
    for slug in &acknowledged {
        is_whole(&node, slug);
    }
    for number in 0..12 {
        let slug = format!("crash-{number}");
        if node.registry.resolve(&by_slug(&slug)).unwrap().is_some() {
            is_whole(&node, &slug);
        }
    }
    node.stop();
}
