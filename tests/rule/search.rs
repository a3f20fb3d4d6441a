//! Made-up organisations: what a search finds is what the list has, and what each question about it is answered with.
//!
//! With `FREEHOLD_LONG=1` there are three hundred of them.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::action::{EvaluateAccess, EvaluateOwnAccess};
use freehold::domain::{
    ActionSearchRequest, Call, Entity, EvaluationRequest, NamedAction, Page, PageRequest,
    ResourceSearchRequest, ResourceSort, Result, SoughtEntity, SubjectSearchRequest,
};
use freehold::services::access;

use crate::author;
use crate::court::{ACTIONS, Court};
use crate::draft::{draft, runner};
use crate::node::Node;
use crate::oracle::Grant;

/// Candidates' types; not every organisation has resources of each.
fn types(court: &Court) -> BTreeSet<&str> {
    court.organisation.resources.iter().map(|it| it.kind.as_str()).collect()
}

fn entity(kind: &str, id: impl ToString) -> Entity {
    Entity { kind: kind.to_owned(), id: id.to_string(), properties: None }
}

fn sought(kind: &str) -> SoughtEntity {
    SoughtEntity { kind: kind.to_owned(), properties: None }
}

fn named(name: &str) -> NamedAction {
    NamedAction { name: name.to_owned(), properties: None }
}

/// Every page, one by one.
fn whole<T>(limit: u32, read: impl Fn(&PageRequest) -> Result<Page<T>>) -> Vec<T> {
    let mut request = PageRequest::first(limit);
    let mut found = Vec::new();
    loop {
        let page = read(&request).unwrap();
        assert!(page.items.len() <= limit as usize);
        found.extend(page.items);
        let Some(next) = page.next else { return found };
        request.after = Some(next);
    }
}

/// What somebody is found to be able to do something to, asked by the judge, or by themselves.
fn resources(
    court: &Court,
    person: &str,
    own: bool,
    action: &str,
    kind: &str,
    limit: u32,
) -> Vec<String> {
    let tenant = court.store.tenant();
    let request = ResourceSearchRequest {
        subject: entity("account", court.account(person)),
        action: named(action),
        resource: sought(kind),
        ..ResourceSearchRequest::default()
    };
    let found = whole(limit, |page| {
        if own {
            let call: Call = court.call(person);
            let found = court.store.read_blocking::<EvaluateOwnAccess, _>(&call, tenant, |tx| {
                access::answer_own(tx, tenant, &request, page)
            });
            return found.map(Option::unwrap);
        }
        court.store.read_blocking::<EvaluateAccess, _>(&court.judge, tenant, |tx| {
            access::answer(tx, tenant, &request, page)
        })
    });
    assert!(found.iter().all(|it| it.kind == kind));
    found.into_iter().map(|it| it.id).collect()
}

/// Searching for resources finds what the list has, as far as the action goes, in the order of ids.
fn resources_agree(court: &Court, person: &str) {
    let active = court.organisation.people[person].is_active;
    let listed = active.then(|| court.listed(person, ResourceSort::Created, 200).unwrap());
    let listed = listed.unwrap_or_default();
    for kind in types(court) {
        let of_type = |index: &usize| court.organisation.resources[*index].kind == kind;
        let ids: BTreeSet<_> =
            (0..court.ids.len()).filter(of_type).map(|index| court.ids[index]).collect();
        for (action, needed) in ACTIONS {
            let fits = |(id, grant): &(&_, &Grant)| ids.contains(*id) && **grant >= needed;
            let expected: Vec<String> =
                listed.iter().filter(fits).map(|(id, _)| id.to_string()).collect();
            let found = resources(court, person, false, action, kind, 2);
            assert_eq!(found, expected, "{person} {action} {kind}");
            if active {
                assert_eq!(resources(court, person, true, action, kind, 1000), expected);
            }
        }
    }
}

fn evaluate(court: &Court, request: &EvaluationRequest) -> bool {
    let tenant = court.store.tenant();
    let answer = court.store.read_blocking::<EvaluateAccess, _>(&court.judge, tenant, |tx| {
        access::evaluate(tx, tenant, request)
    });
    answer.unwrap().decision
}

/// Searching for subjects finds every member whom a question about it permits it, and searching for actions every such
/// action.
fn people_and_actions_agree(court: &Court, index: usize) {
    let tenant = court.store.tenant();
    let resource = entity(&court.organisation.resources[index].kind, court.ids[index]);
    let mut permitted = BTreeSet::new();
    for (action, _) in ACTIONS {
        let request = SubjectSearchRequest {
            subject: sought("account"),
            action: named(action),
            resource: resource.clone(),
            ..SubjectSearchRequest::default()
        };
        let found = whole(2, |page| {
            court.store.read_blocking::<EvaluateAccess, _>(&court.judge, tenant, |tx| {
                access::search_subjects(tx, tenant, &request, page)
            })
        });
        let found: Vec<String> = found.into_iter().map(|it| it.id).collect();
        assert!(found.is_sorted());
        let mut expected = BTreeSet::new();
        for person in court.people() {
            let subject = entity("account", court.account(person));
            let (action, resource) = (named(action), resource.clone());
            let request = EvaluationRequest { subject, action, resource, context: None };
            if evaluate(court, &request) {
                expected.insert(court.account(person).to_string());
                permitted.insert((person.to_owned(), request.action.name));
            }
        }
        assert_eq!(found.into_iter().collect::<BTreeSet<_>>(), expected, "{action}");
    }
    for person in court.people() {
        let request = ActionSearchRequest {
            subject: entity("account", court.account(person)),
            resource: resource.clone(),
            ..ActionSearchRequest::default()
        };
        let found = whole(1, |page| {
            court.store.read_blocking::<EvaluateAccess, _>(&court.judge, tenant, |tx| {
                access::answer(tx, tenant, &request, page)
            })
        });
        let found: Vec<String> = found.into_iter().map(|it| it.name).collect();
        let expected: Vec<String> =
            permitted.iter().filter(|(who, _)| who == person).map(|(_, it)| it.clone()).collect();
        assert_eq!(found, expected, "{person}");
    }
}

#[test]
fn searches_find_what_questions_permit_in_random_organizations() {
    let node = Node::new();
    let number = AtomicUsize::new(0);
    let outcome = runner(12, 300).run(&draft(), |draft| {
        let slug = format!("search-{}", number.fetch_add(1, Ordering::Relaxed));
        let court = author::write(&node, &slug, &draft);
        for person in court.people() {
            resources_agree(&court, person);
        }
        for index in 0..court.ids.len() {
            people_and_actions_agree(&court, index);
        }
        Ok(())
    });
    node.stop();
    outcome.unwrap();
}
