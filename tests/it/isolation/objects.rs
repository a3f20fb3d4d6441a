//! What a path's parameter can be besides the caller's own: another tenant's, deleted, of another kind, unheard of.

use freehold::http::{Mount, RouteInfo};

use super::world::{House, NOBODY};
use crate::asks::Ask;

/// Where an id comes from that is not the right one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Origin {
    /// It is another tenant's.
    Foreign,
    /// It was something once.
    Deleted,
    /// It is something of another kind.
    Sibling,
    /// Nothing ever had it.
    Random,
    /// It can be no id.
    Malformed,
}
use Origin::{Deleted, Foreign, Malformed, Random, Sibling};

/// A parameter that is not what it should be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Strange {
    pub(crate) origin: Origin,
    /// It is what the route's decision is about, not something within that.
    pub(crate) is_target: bool,
}

/// Wrong values of a parameter. Whoever adds a parameter of another name adds its line here.
pub(crate) fn wrong(parameter: &str, here: &House, there: &House) -> Vec<(Origin, String)> {
    let sibling = if parameter == "workspace" { "team" } else { "workspace" };
    match parameter {
        "team" | "workspace" | "resource" | "role" | "issuer" | "principal" | "service_account" => {
            vec![
                (Foreign, there.thing(parameter).to_owned()),
                (Deleted, here.gone(parameter).unwrap().to_owned()),
                (Sibling, here.thing(sibling).to_owned()),
                (Random, NOBODY.to_owned()),
                (Malformed, "nope".to_owned()),
                (Malformed, here.thing(parameter).to_ascii_uppercase()),
            ]
        }
        // A membership that has ended is still on record.
        "account" => vec![
            (Foreign, there.thing(parameter).to_owned()),
            (Sibling, here.thing(sibling).to_owned()),
            (Random, NOBODY.to_owned()),
            (Malformed, "nope".to_owned()),
        ],
        "invitation" => vec![
            (Foreign, there.thing(parameter).to_owned()),
            (Sibling, here.thing(sibling).to_owned()),
            (Random, NOBODY.to_owned()),
            (Malformed, "nope".to_owned()),
            (Malformed, here.thing(parameter).to_ascii_uppercase()),
        ],
        "webhook" => vec![
            (Foreign, there.thing(parameter).to_owned()),
            (Deleted, here.gone(parameter).unwrap().to_owned()),
            (Sibling, here.thing(sibling).to_owned()),
            (Random, NOBODY.to_owned()),
            (Malformed, "nope".to_owned()),
        ],
        // What nothing counts is counted as nothing.
        "dimension" => vec![(Malformed, "nope".to_owned())],
        "event_type" => vec![(Malformed, "never.was".to_owned())],
        "reservation" | "session" => {
            vec![(Random, NOBODY.to_owned()), (Malformed, "nope".to_owned())]
        }
        "identity" => {
            vec![(Random, "B".repeat(22)), (Malformed, "nope".to_owned())]
        }
        "break_glass" | "api_key" => vec![
            (Sibling, here.thing(sibling).to_owned()),
            (Random, NOBODY.to_owned()),
            (Malformed, "nope".to_owned()),
        ],
        // The platform's: what has the form of a key and is none.
        "kid" => vec![(Random, "k".repeat(43)), (Malformed, "nope".to_owned())],
        "resource_type" => vec![
            (Foreign, there.thing(parameter).to_owned()),
            (Random, "never-was".to_owned()),
            (Malformed, "Not%20A%20Type".to_owned()),
        ],
        // Those that are registered are everybody's to bind.
        "application" => vec![(Random, "never-was".to_owned()), (Malformed, "No".to_owned())],
        "manifest_version" => vec![
            (Random, "7".to_owned()),
            (Malformed, "01".to_owned()),
            (Malformed, "first".to_owned()),
        ],
        // The platform plane may register any, and whoever may use a key may use any.
        "host" | "domain" | "key" | "plan" => Vec::new(),
        "tenant" => vec![
            (Foreign, there.org.slug.clone()),
            (Random, "never-was".to_owned()),
            (Random, NOBODY.to_owned()),
            (Malformed, "NO".to_owned()),
        ],
        _ => panic!("objects.rs has no wrong values of {{{parameter}}}"),
    }
}

/// A good request with each of its parameters wrong in each way, one at a time.
pub(crate) fn strange(
    route: &RouteInfo,
    ask: &Ask,
    here: &House,
    there: &House,
) -> Vec<(Strange, Ask)> {
    let parameters = parameters(route).into_iter().enumerate();
    let wrong = parameters.flat_map(|(place, parameter)| {
        let values = wrong(parameter, here, there).into_iter();
        values.map(move |(origin, value)| (place, parameter, origin, value))
    });
    wrong
        .map(|(place, parameter, origin, value)| {
            // A binding stands within the tenant, which the decision is about; so do these.
            let within = ["application", "webhook", "reservation", "dimension"];
            let is_within = route.mount == Mount::Tenant && within.contains(&parameter);
            let strange = Strange { origin, is_target: place == 0 && !is_within };
            (strange, put(route, ask, parameter, &value))
        })
        .collect()
}

/// The names of a route's parameters below its mount, in order.
pub(crate) fn parameters(route: &RouteInfo) -> Vec<&'static str> {
    let segments = route.path.split('/');
    segments.filter_map(|name| name.strip_prefix('{')?.strip_suffix('}')).collect()
}

/// The same request with another value of a parameter.
pub(crate) fn put(route: &RouteInfo, ask: &Ask, parameter: &str, value: &str) -> Ask {
    let (named, given) = (route.path.split('/'), ask.path.split('/'));
    let parameter = format!("{{{parameter}}}");
    let path: Vec<_> = named
        .zip(given)
        .map(|(name, given)| if name == parameter { value } else { given })
        .collect();
    assert_eq!(path.len(), route.path.split('/').count(), "{}: {}", route.path, ask.path);
    Ask { path: path.join("/"), ..ask.clone() }
}
