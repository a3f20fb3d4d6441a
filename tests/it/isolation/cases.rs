//! The cases: every route and method, for every caller, by every address, with every kind of object.

use std::fmt;
use std::sync::Arc;

use freehold::http::{Mount, RouteInfo};

use super::is_long;
use super::objects::{Strange, strange};
use super::rules::{Log, Outcome, Rules};
use super::world::{House, Standing, Who, everybody};
use crate::asks::{Ask, ask};
use crate::client::{Client, Request};
use crate::resolution::{Sources, by_header, by_host, by_path, pairs, ways};

/// Two tenants, and everybody as they stand to the first.
pub(crate) struct World<'a> {
    pub(crate) here: House<'a>,
    pub(crate) there: House<'a>,
    pub(crate) everybody: Vec<Who>,
    pub(crate) rules: Rules,
}

impl<'a> World<'a> {
    pub(crate) fn new(app: &'a crate::app::TestApp) -> Self {
        let here = House::new(app, "north-house", "kittiwake");
        let there = House::new(app, "south-house", "nightjar");
        let (everybody, rules) = (everybody(&here, &there), Rules::of(&here));
        Self { here, there, everybody, rules }
    }

    /// A good request; the names that it makes are the first tenant's, and carry its canary.
    pub(crate) fn ask(&self, route: &RouteInfo, serial: usize) -> Ask {
        let operation = route.operation_id;
        let name = match route.mount {
            Mount::Platform => format!("{operation}-{serial}"),
            _ => format!("{}-{operation}-{serial}", self.here.canary),
        };
        ask(route, &self.here.org, &name)
    }

    /// Ways to name the first tenant, each alone and in pairs that agree.
    pub(crate) fn good_addresses(&self) -> Vec<Sources> {
        let ways = ways(&self.here.org);
        let pairs = pairs(&ways, &ways);
        ways.into_iter().chain(pairs).collect()
    }

    /// Addresses that name somebody else, nobody, or two.
    pub(crate) fn bad_addresses(&self) -> Vec<Sources> {
        let (here, there) = (ways(&self.here.org), ways(&self.there.org));
        let unknown = [by_path("never-was"), by_host("never-was"), by_header("never-was")];
        let quarrels = pairs(&here, &there).into_iter().chain(pairs(&there, &here));
        let half_known = if is_long() { pairs(&here, &unknown) } else { Vec::new() };
        unknown.into_iter().chain(quarrels).chain(half_known).collect()
    }
}

/// A request of somebody's, and what must come of it.
#[derive(Clone)]
pub(crate) struct Case<'w> {
    pub(crate) route: &'w RouteInfo,
    pub(crate) method: &'w str,
    pub(crate) who: &'w Who,
    pub(crate) sources: Sources,
    pub(crate) strange: Option<Strange>,
    pub(crate) ask: Arc<Ask>,
    pub(crate) outcome: Outcome,
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { route, method, who, sources, strange, ask, outcome } = self;
        let (name, path) = (who.name, &ask.path);
        write!(f, "{} ({method} {path}) by {name} at {sources:?}", route.operation_id)?;
        write!(f, " with {strange:?}: must be {outcome:?}")
    }
}

impl Case<'_> {
    fn caller(&self) -> Client {
        match self.route.mount {
            Mount::Tenant => self.who.client.at(&self.sources.prefix()),
            mount => self.who.client.at(mount.prefixes()[0]),
        }
    }

    pub(crate) fn request(&self, ask: &Ask) -> Request {
        self.sources.on(ask.request_by(self.method, &self.caller()))
    }

    /// Everything that the request itself says.
    pub(crate) fn said(&self) -> String {
        let body = self.ask.body.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{:?} {} {body}", self.sources, self.ask.path)
    }

    /// The log that counts the refusal, if it is one that is counted.
    pub(crate) fn log(&self) -> Option<Log> {
        match self.outcome {
            Outcome::Refused(_, log) => log,
            Outcome::Allowed(_) => None,
        }
    }

    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.outcome, Outcome::Refused(..))
    }
}

/// A route's methods: what can be read can be asked for its head alone.
fn methods(route: &RouteInfo) -> Vec<&str> {
    let head = (route.method == "GET").then_some("HEAD");
    [route.method.as_str()].into_iter().chain(head).collect()
}

/// Every case of a route.
pub(crate) fn cases<'w>(world: &'w World<'_>, route: &'w RouteInfo) -> Vec<Case<'w>> {
    let ask = Arc::new(world.ask(route, 0));
    let objects = strange(route, &ask, &world.here, &world.there);
    let objects: Vec<_> =
        objects.into_iter().map(|(strange, ask)| (strange, Arc::new(ask))).collect();
    let mut cases = Vec::new();
    for (method, who) in methods(route)
        .into_iter()
        .flat_map(|method| world.everybody.iter().map(move |who| (method, who)))
    {
        for (sources, strange, ask) in requests(world, route, who, &ask, &objects) {
            let outcome = world.rules.outcome(route, who, &sources, strange);
            cases.push(Case { route, method, who, sources, strange, ask, outcome });
        }
    }
    cases
}

type Asked = (Sources, Option<Strange>, Arc<Ask>);

/// The addresses and objects that one caller asks a route for.
fn requests(
    world: &World<'_>,
    route: &RouteInfo,
    who: &Who,
    ask: &Arc<Ask>,
    objects: &[(Strange, Arc<Ask>)],
) -> Vec<Asked> {
    let own = |sources| (sources, None, ask.clone());
    let wrong = |sources: Sources| {
        objects.iter().map(move |(strange, ask)| (sources.clone(), Some(*strange), ask.clone()))
    };
    if route.mount != Mount::Tenant {
        let nowhere = Sources::default();
        return [own(nowhere.clone())].into_iter().chain(wrong(nowhere)).collect();
    }
    // Whoever has no credential is not asked where they want to go.
    let bad = if who.standing == Standing::Nobody { Vec::new() } else { world.bad_addresses() };
    let addresses = world.good_addresses().into_iter().chain(bad).map(own);
    // By path, host and header; with time enough, by slug and id of each.
    let stride = if is_long() { 1 } else { 2 };
    addresses.chain(ways(&world.here.org).into_iter().step_by(stride).flat_map(wrong)).collect()
}
