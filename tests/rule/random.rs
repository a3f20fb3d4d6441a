//! Made-up organisations: list, decision point and page agree for everybody, in every order, on
//! pages of every size.
//!
//! With `FREEHOLD_LONG=1` there are a thousand of them.

use std::sync::atomic::{AtomicUsize, Ordering};

use freehold::domain::{Error, ResourceSort, Word};
use serde_json::{Value, json};

use crate::author;
use crate::court::{ACTIONS, Court, Question, organisation};
use crate::draft::{KEEPER, draft, runner};
use crate::node::Node;

/// List, decision point and page agree for everybody.
fn agree(court: &Court, sizes: std::ops::RangeInclusive<u32>) {
    let questions: Vec<Question> = (0..court.ids.len())
        .flat_map(|index| ACTIONS.iter().map(move |(name, _)| (*name, index)))
        .collect();
    for person in court.people() {
        let (expected, right) = (court.expected(person), court.rightly(person, &questions));
        assert_eq!(court.judged(person, &questions), right, "of {person}");
        if !court.organisation.people[person].is_active {
            let nothing = court.listed(person, ResourceSort::Created, 200);
            assert_eq!(nothing.unwrap_err(), Error::NotFound, "to {person}");
            assert_eq!(
                court.decided(person, &questions).unwrap_err(),
                Error::NotFound,
                "to {person}"
            );
            continue;
        }
        assert_eq!(court.decided(person, &questions).unwrap(), right, "to {person}");
        let reached = court.workspaces_expected(person);
        assert_eq!(court.workspaces_listed(person), reached, "of {person}");
        for sort in ResourceSort::ALL {
            for limit in sizes.clone() {
                let seen = court.listed(person, *sort, limit).unwrap();
                assert_eq!(seen, expected, "{person} by {sort}, {limit} on a page");
            }
        }
    }
}

#[test]
fn list_decision_point_and_page_agree_about_random_organizations() {
    let node = Node::new();
    let number = AtomicUsize::new(0);
    let outcome = runner(24, 1000).run(&draft(), |draft| {
        let slug = format!("random-{}", number.fetch_add(1, Ordering::Relaxed));
        agree(&author::write(&node, &slug, &draft), 1..=3);
        Ok(())
    });
    node.stop();
    outcome.unwrap();
}

/// Rows of which the policy view looks up what it finds, at most.
const FEW: usize = 500;
const MANY: usize = 1500;

/// A tenant of many resources, in which one sees all, one much, one little, one nothing, and two
/// just as many as make the difference between few and many.
fn large(later: usize) -> Value {
    let resource = |number: usize| {
        let (visibility, workspace) = match number % 5 {
            0 | 1 => ("tenant", "everyone"),
            2 => ("workspace", "everyone"),
            3 => ("private", "everyone"),
            _ => ("private", "workshop"),
        };
        let grants = [
            ("exactly few", "read", number < FEW),
            ("one more", "write", number <= FEW),
            ("later", "read", number < later),
        ];
        let mut acl: Vec<Value> = grants
            .iter()
            .filter(|(.., given)| *given)
            .map(|(team, permission, _)| json!({"team": team, "permission": permission}))
            .collect();
        if number % 500 == 3 {
            acl.push(json!({"account": "little", "permission": "admin"}));
        }
        json!({"type": "prompt", "workspace": workspace, "name": format!("resource {number:04}"),
            "visibility": visibility, "acl": acl})
    };
    let team = |name: &str, member: &str| json!({"name": name, "members": [member]});
    json!({"format": "freehold-import/1", "tenants": [{"slug": "large", "name": "Large",
        "owners": [KEEPER], "members": ["much"],
        "guests": ["little", "nothing", "edge", "beyond", "latecomer"],
        "teams": [team("exactly few", "edge"), team("one more", "beyond"),
            team("later", "latecomer"),
            team("workshop", "much")],
        "workspaces": [{"name": "everyone", "owner": "tenant"},
            {"name": "workshop", "owner": {"team": "workshop"}}],
        "resources": (0..MANY).map(resource).collect::<Vec<_>>()}]})
}

fn large_court(node: &Node, file: &Value) -> Court {
    Court::of(node, "large", organisation(&file["tenants"][0]), KEEPER)
}

/// List and decision point beside the page, for somebody who sees this many.
fn agrees_on(court: &Court, person: &str, many: usize) {
    let expected = court.expected(person);
    assert_eq!(expected.len(), many, "{person}");
    let questions: Vec<Question> = (0..MANY).map(|index| (ACTIONS[index % 4].0, index)).collect();
    let said = court.decided(person, &questions).unwrap();
    assert!(said == court.rightly(person, &questions), "{person}");
    for sort in ResourceSort::ALL {
        for limit in [7, 200] {
            let seen = court.listed(person, *sort, limit).unwrap();
            assert!(seen == expected, "{person} by {sort}, {limit} on a page");
        }
    }
}

#[test]
fn both_shapes_of_the_policy_view_show_the_same_rows() {
    let node = Node::new();
    let file = large(0);
    node.import(&file);
    let court = large_court(&node, &file);
    let sees = [
        (KEEPER, MANY),
        ("much", MANY * 4 / 5),
        ("little", 3),
        ("nothing", 0),
        ("edge", FEW),
        ("beyond", FEW + 1),
        ("latecomer", 0),
    ];
    for (person, count) in sees {
        agrees_on(&court, person, count);
    }
    drop(court);
    node.stop();
}

#[test]
fn somebody_who_comes_to_see_much_more_sees_it_whatever_was_guessed_before() {
    let node = Node::new();
    let file = large(0);
    node.import(&file);
    agrees_on(&large_court(&node, &file), "latecomer", 0);
    for count in [FEW + 100, MANY] {
        let file = large(count);
        node.import(&file);
        agrees_on(&large_court(&node, &file), "latecomer", count);
    }
    node.stop();
}
