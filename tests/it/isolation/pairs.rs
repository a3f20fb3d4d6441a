//! Unknown, or only not yours: no byte of an answer tells which.
//!
//! The matrix holds every refusal against every other; here is what it has no rule for: things of the caller's own
//! tenant that are hidden from them, and lists that are filtered by what is not theirs.

use freehold::http::{Mount, RouteInfo, infos};
use serde_json::json;

use super::answers::{REQUEST_ID, bytes};
use super::cases::World;
use super::objects::{parameters, put};
use super::world::{self, NOBODY};
use crate::client::Client;
use crate::org::Org;

/// Something of the tenant's that a caller may not know of.
pub(crate) struct Hidden {
    pub(crate) parameter: &'static str,
    pub(crate) id: String,
    pub(crate) from: Client,
}

/// One hidden thing of each kind.
pub(crate) fn hidden(org: &Org) -> Vec<Hidden> {
    let team = org.team("hidden");
    let workspace = org.workspace("hidden", "team", &team);
    let resource = org.resource("hidden", "private");
    let hidden = |parameter, id, from: &Client| Hidden { parameter, id, from: from.clone() };
    vec![
        hidden("workspace", workspace, &org.member),
        hidden("resource", resource, &org.member),
        hidden("team", team, &org.guest),
        hidden("account", org.account("other"), &org.guest),
    ]
}

/// The routes of a tenant whose target is of this kind.
pub(crate) fn about<'r>(
    routes: &'r [RouteInfo],
    kind: &str,
) -> impl Iterator<Item = &'r RouteInfo> {
    let of_tenants = routes.iter().filter(|route| route.mount == Mount::Tenant);
    of_tenants.filter(move |route| parameters(route).first() == Some(&kind))
}

#[test]
fn what_is_hidden_answers_as_what_is_not_there() {
    let app = world::app();
    let world = World::new(&app);
    let routes = infos();
    let mut count = 0;
    for Hidden { parameter, id, from } in hidden(&world.here.org) {
        for route in about(&routes, parameter) {
            let ask = world.ask(route, 2);
            let answer = |id: &str| {
                let request =
                    put(route, &ask, parameter, id).request_by(route.method.as_str(), &from);
                bytes(&request.header("x-request-id", REQUEST_ID).send().expect(404))
            };
            assert_eq!(answer(&id), answer(NOBODY), "{}", route.operation_id);
            count += 1;
        }
    }
    assert!(count >= 20, "{count} routes");
}

#[test]
fn a_list_that_is_filtered_by_what_is_not_ones_own_is_empty() {
    let app = world::app();
    let World { here, there, .. } = World::new(&app);
    let lists = [
        ("/resources?workspace_id=", "workspace"),
        ("/resources?owner_id=", "account"),
        ("/resources?type=", "resource_type"),
        ("/workspaces?owner_id=", "tenant"),
        ("/workspaces?owner_id=", "account"),
        ("/teams?parent_id=", "team"),
        ("/teams?name_prefix=", "resource_type"),
        ("/principals?q=", "resource_type"),
    ];
    for (list, kind) in lists {
        let found = here.org.owner.get(&format!("{list}{}", there.thing(kind))).expect(200);
        assert_eq!(found.json, json!({"items": [], "next_cursor": null}), "{list} {kind}");
    }
}
