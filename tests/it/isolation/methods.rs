//! Methods that a path has not: the same refusal for everybody, whatever stands in the path.

use std::collections::BTreeMap;

use freehold::http::{Mount, infos};

use super::answers::{REQUEST_ID, bytes};
use super::cases::World;
use super::world;
use crate::resolution::ways;

const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

#[test]
fn a_method_that_a_path_has_not_is_refused_to_everybody_alike() {
    let app = world::app();
    let world = World::new(&app);
    let routes = infos();
    let mut paths: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for route in &routes {
        let here = paths.entry((route.mount.prefixes(), route.path)).or_default();
        here.push(route.method.as_str());
        here.extend((route.method == "GET").then_some("HEAD"));
    }
    let mut count = 0;
    for ((prefixes, path), allowed) in &paths {
        let route =
            routes.iter().find(|route| (route.mount.prefixes(), route.path) == (*prefixes, *path));
        let route = route.unwrap();
        let ask = world.ask(route, 0);
        let sources = ways(&world.here.org).swap_remove(0);
        let prefix =
            if route.mount == Mount::Tenant { sources.prefix() } else { prefixes[0].to_owned() };
        for method in METHODS.iter().filter(|method| !allowed.contains(method)) {
            let answers: Vec<_> = world
                .everybody
                .iter()
                .map(|who| {
                    let request = ask.request_by(method, &who.client.at(&prefix));
                    request.header("x-request-id", REQUEST_ID).send().expect(405)
                })
                .collect();
            count += answers.len();
            let first = bytes(&answers[0]);
            assert!(answers.iter().all(|answer| bytes(answer) == first), "{method} {path}");
        }
    }
    assert!(count >= 1_000, "{count}");
}
