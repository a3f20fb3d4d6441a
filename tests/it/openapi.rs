//! `/openapi.json`: the document and the routes are the same list.

use std::collections::{BTreeMap, BTreeSet};

use freehold::domain::action;
use freehold::http::{Mount, RouteInfo, infos};
use serde_json::Value;

use crate::shared;

shared!();

/// What the document has that is no route of the table.
const BESIDES: &[&str] = &["openapi_read"];

fn document() -> Value {
    app().stranger().get("/openapi.json").expect(200).json
}

/// Every operation of the document: where it stands, by its id.
fn operations(document: &Value) -> BTreeMap<String, (String, Value)> {
    let paths = document["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().iter();
        methods.map(move |(method, operation)| {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            (id, (format!("{} {path}", method.to_uppercase()), operation.clone()))
        })
    });
    all.collect()
}

/// What development mode alone serves is no part of the document.
fn is_public(route: &RouteInfo) -> bool {
    route.mount != Mount::Internal
}

#[test]
fn every_route_is_in_the_document_under_its_name_and_nothing_else_is() {
    let routes = infos().into_iter().filter(is_public).map(|route| {
        let place = format!("{} {}{}", route.method, route.mount.prefixes()[0], route.path);
        (route.operation_id.to_owned(), place)
    });
    let mut documented: BTreeMap<_, _> =
        operations(&document()).into_iter().map(|(id, (place, _))| (id, place)).collect();
    documented.retain(|id, _| !BESIDES.contains(&id.as_str()));
    assert_eq!(documented, routes.collect());
}

#[test]
fn no_two_routes_have_one_name() {
    let names: BTreeSet<_> = infos().iter().map(|route| route.operation_id).collect();
    assert_eq!(names.len(), infos().len());
}

#[test]
fn every_routes_action_is_one_of_the_list_and_of_its_plane() {
    for route in infos().into_iter().filter(is_public) {
        let Some(name) = route.action else {
            assert_eq!(route.mount, Mount::Public, "{}", route.operation_id);
            continue;
        };
        let known = action::ALL.iter().find(|action| action.name == name);
        let known = known.unwrap_or_else(|| panic!("{name} is no action"));
        let plane = format!("{:?}", known.plane);
        assert_eq!(plane, format!("{:?}", route.mount), "{}", route.operation_id);
    }
}

#[test]
fn what_needs_a_credential_says_so() {
    let operations = operations(&document());
    for route in infos().into_iter().filter(is_public) {
        let (_, operation) = &operations[route.operation_id];
        assert_eq!(
            operation["security"].is_array(),
            route.action.is_some(),
            "{}",
            route.operation_id
        );
        // One takes the credential in its body.
        let is_judged = route.action.is_some() || route.operation_id == "token_exchange";
        assert_eq!(operation["responses"]["401"].is_object(), is_judged, "{}", route.operation_id);
    }
}

#[test]
fn every_parameter_of_a_path_is_described() {
    for (id, (place, operation)) in operations(&document()) {
        let in_path = place.split('{').skip(1).map(|rest| rest.split('}').next().unwrap());
        let none = Vec::new();
        let described = operation["parameters"].as_array().unwrap_or(&none).iter();
        let described = described.filter(|parameter| parameter["in"] == "path");
        let described: BTreeSet<_> =
            described.map(|parameter| parameter["name"].as_str().unwrap()).collect();
        assert_eq!(described, in_path.collect(), "{id}");
    }
}

/// Every reference in a part of the document.
fn references(part: &Value, found: &mut BTreeSet<String>) {
    match part {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn every_reference_leads_somewhere() {
    let document = document();
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn the_program_prints_the_same_document() {
    assert_eq!(app().freehold(&["openapi"]).ended(0).json(), document());
}

#[test]
fn every_path_answers_on_each_of_its_mounts() {
    let operator = app().operator();
    for route in infos().iter().filter(|route| route.method == "GET") {
        for prefix in route.mount.prefixes() {
            let path = format!("{prefix}{}", route.path).replace("{tenant}", "acme");
            let answer = operator.request("TRACE", &path).send();
            assert_eq!(answer.status, 405, "{path}");
        }
    }
}
