//! The external decision point at the doors: what it consented to is what is done, also where the registry moves between
//! a change and its commit.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use freehold::domain::action::{CreateTeam, InspectTenant, MoveTenant as MoveAction};
use freehold::domain::{
    DecisionRequest, ExternalAnswer, ExternalDecisionPoint, ExternalDecisionPoints, MoveTenant,
    Name, NewTeam, OnExternalAnswer, PlaneName, Result, Slug, Team, TenantId,
};
use freehold::services::{teams, tenants};
use freehold::storage::{ReadTx, Registry};

use crate::node::{Node, Place, by_slug, host};
use crate::world;

/// Permits everything, and remembers what it was asked.
#[derive(Default)]
struct Point(Mutex<Vec<DecisionRequest>>);

impl ExternalDecisionPoint for Point {
    fn id(&self) -> &'static str {
        "external:test"
    }

    fn ask(&self, request: &DecisionRequest, on_answer: OnExternalAnswer) {
        self.0.lock().unwrap().push(request.clone());
        on_answer(ExternalAnswer::Permit);
    }
}

impl Point {
    /// The slugs that the tenant had when it was asked.
    fn slugs(&self) -> Vec<String> {
        let asked = self.0.lock().unwrap();
        let tenants = asked.iter().map(|request| request.context.tenant.clone().unwrap());
        tenants.map(|tenant| tenant.slug.to_string()).collect()
    }
}

/// The point is asked about teams.
struct Points(Arc<Point>);

impl ExternalDecisionPoints for Points {
    fn asked(
        &self,
        _: PlaneName,
        _: Option<(TenantId, &Slug)>,
        action: &str,
    ) -> Option<Arc<dyn ExternalDecisionPoint>> {
        action.starts_with("team.").then(|| self.0.clone() as Arc<dyn ExternalDecisionPoint>)
    }

    fn is_empty(&self) -> bool {
        false
    }
}

fn node() -> (Node, Arc<Point>) {
    let point = Arc::new(Point::default());
    let points = Arc::new(Points(point.clone()));
    let node = Node::at(&Place::new(), |settings| settings.external = points);
    node.import(&world::tenants(["acme", "globex"]));
    (node, point)
}

/// Gives a tenant another slug, on a thread of its own.
fn rename(registry: &Registry, id: TenantId, slug: &str) {
    let (registry, slug) = (registry.clone(), Slug::parse(slug).unwrap());
    let renamed = std::thread::spawn(move || {
        let read = |tx: &ReadTx<'_, InspectTenant>| tenants::inspect(tx, id);
        let version = registry.read_blocking::<InspectTenant, _>(&host(), id, read)?.version;
        registry.write_blocking::<MoveAction, _, _>(&host(), id, move |tx| {
            tenants::update(tx, id, &MoveTenant { slug: slug.clone() }, version)
        })
    });
    renamed.join().unwrap().unwrap();
}

fn team(name: &str) -> NewTeam {
    NewTeam { name: Name::parse(name).unwrap(), description: None, parent_id: None }
}

/// Makes a team; while that is done and not yet committed, something else happens, so often.
fn create_while(
    node: &Node,
    happens: impl Fn(usize) + Send + Sync + 'static,
) -> (Result<Team>, usize) {
    let (store, olga) = (node.store("acme"), node.call("acme", "olga"));
    let runs = Arc::new(AtomicUsize::new(0));
    let counted = runs.clone();
    let made = store.write_blocking::<CreateTeam, _, _>(&olga, store.tenant(), move |tx| {
        let made = teams::create(tx, &team("made once"))?;
        happens(counted.fetch_add(1, Ordering::SeqCst));
        Ok(made)
    });
    (made, runs.load(Ordering::SeqCst))
}

#[test]
fn what_the_registry_changes_before_the_commit_is_asked_about_again() {
    let (node, point) = node();
    let (registry, id) = (node.registry.clone(), node.tenant("acme"));
    let (made, runs) = create_while(&node, move |run| {
        if run == 0 {
            rename(&registry, id, "moved");
        }
    });
    made.unwrap();
    assert_eq!(point.slugs(), ["acme", "moved"]);
    assert_eq!(runs, 2, "once for each consent");
    assert!(node.registry.resolve(&by_slug("moved")).unwrap().is_some());
}

#[test]
fn what_the_registry_changes_elsewhere_is_asked_about_once() {
    let (node, point) = node();
    let (registry, id) = (node.registry.clone(), node.tenant("globex"));
    let (made, runs) = create_while(&node, move |_| rename(&registry, id, "moved"));
    made.unwrap();
    assert_eq!(point.slugs(), ["acme"]);
    assert_eq!(runs, 1);
}
