//! Searches: whole, in pages of every size, and what their tokens are good for.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{app, ask, bind, decide, entity, found, member, policy, question, record};
use crate::org::Org;

fn ids(results: &[Value]) -> Vec<&str> {
    results.iter().map(|it| it["id"].as_str().unwrap()).collect()
}

fn names(results: &[Value]) -> BTreeSet<&str> {
    results.iter().map(|it| it["name"].as_str().unwrap()).collect()
}

#[test]
fn resources_are_found_as_the_list_has_them() {
    let org = Org::new(app(), "search-resources");
    for number in 0..7 {
        let seen = if number % 3 == 0 { "private" } else { "tenant" };
        let id = org.resource(&format!("found-{number}"), seen);
        if number % 2 == 0 {
            org.share(&id, &org.account("other"), "write");
        }
    }
    for who in ["owner", "member", "other", "guest"] {
        let caller = org.caller(who);
        let listed = caller.all("/resources?type=prompt", 200);
        let at_least = |level: &str| -> Vec<&str> {
            let rank = |it: &str| ["read", "write", "admin"].iter().position(|one| *one == it);
            let fits = |it: &&Value| rank(it["permission"].as_str().unwrap()) >= rank(level);
            listed.iter().filter(fits).map(|it| it["id"].as_str().unwrap()).collect()
        };
        let actions =
            [("read", "read"), ("update", "write"), ("delete", "admin"), ("share", "admin")];
        for (verb, level) in actions {
            let search = json!({"subject": entity("account", &org.account(who)),
                "action": {"name": format!("resource.{verb}")},
                "resource": {"type": "prompt", "id": "ignored"}});
            for limit in [1, 2, 1000] {
                let results = found(&caller, "resource", &search, limit);
                assert_eq!(ids(&results), at_least(level), "{who} {verb}");
                assert_eq!(found(&org.admin, "resource", &search, limit), results);
            }
        }
    }
}

#[test]
fn nouns_are_found_too() {
    let org = Org::new(app(), "search-nouns");
    let team = org.team("crew");
    org.join(&team, "member", "maintainer");
    let role = org.role("a-role", &json!(["team.list"]));
    let search = |who: &str, action: &str, kind: &str| {
        let question = json!({"subject": entity("account", &org.account(who)),
            "action": {"name": action}, "resource": {"type": kind}});
        let results = found(&org.admin, "resource", &question, 2);
        assert!(results.iter().all(|it| it["type"] == kind), "{results:?}");
        ids(&results).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(search("member", "tenant.read", "tenant"), [org.id.as_str()]);
    assert_eq!(search("member", "tenant.update", "tenant"), Vec::<String>::new());
    assert_eq!(search("member", "team.update", "team"), [team]);
    assert_eq!(search("guest", "team.read", "team"), Vec::<String>::new());
    assert_eq!(search("member", "member.read", "member").len(), 5);
    assert_eq!(search("guest", "member.read", "member"), [org.account("guest")]);
    assert_eq!(search("member", "workspace.read", "workspace"), [org.everyone.as_str()]);
    assert_eq!(search("guest", "workspace.read", "workspace"), Vec::<String>::new());
    assert_eq!(search("owner", "role.update", "role"), [role]);
    assert!(search("guest", "resource_type.read", "resource_type").contains(&"prompt".to_owned()));
    for (action, kind) in [("tenant.read", "team"), ("no.such", "team"), ("tenant.read", "no_such")]
    {
        assert_eq!(search("owner", action, kind), Vec::<String>::new());
    }
}

#[test]
fn subjects_and_actions_are_those_that_are_decided_so() {
    let org = Org::new(app(), "search-subjects");
    let resource = org.resource("one", "private");
    org.share(&resource, &org.account("other"), "write");
    let kinds = [
        entity("prompt", &resource),
        entity("tenant", &org.id),
        entity("workspace", &org.everyone),
    ];
    let people = ["owner", "admin", "member", "other", "guest"];
    for resource in &kinds {
        let mut all = BTreeSet::new();
        for who in people {
            let subject = entity("account", &org.account(who));
            let search = json!({"subject": subject, "resource": resource, "action": "ignored"});
            let actions = found(&org.admin, "action", &search, 3);
            // Of one's own log-in is known that it is strong.
            let mut own = found(&org.caller(who), "action", &search, 1000);
            own.retain(|it| it["name"] != "owner.create");
            assert_eq!(own, actions, "{who}");
            for name in names(&actions) {
                assert!(decide(&org.admin, &question(&subject, name, resource)), "{who} {name}");
                all.insert(name.to_owned());
            }
        }
        for action in &all {
            let search = json!({"subject": {"type": "account"}, "action": {"name": action}, "resource": resource});
            let subjects = found(&org.admin, "subject", &search, 2);
            let mut expected: Vec<String> = people
                .iter()
                .map(|who| org.account(who))
                .filter(|id| {
                    decide(&org.admin, &question(&entity("account", id), action, resource))
                })
                .collect();
            expected.sort();
            assert_eq!(ids(&subjects), expected, "{action}");
        }
    }
    let search = json!({"subject": {"type": "account"}, "action": {"name": "tenant.read"}, "resource": kinds[1]});
    ask(&org.member, "search/subject", &search).problem(403, "forbidden");
    let about = json!({"subject": entity("account", &org.account("other")), "resource": kinds[1]});
    ask(&org.member, "search/action", &about).problem(403, "forbidden");
}

/// An application with a type by name and a type by id, on both of which somebody may do what the name says.
fn searched(org: &Org) {
    let text = [
        policy("even", "permit", "s_even", "resource has even && resource.even"),
        policy("named", "permit", "s_named", "resource has even && resource.even"),
    ];
    let attributes = json!([{"name": "even", "type": "boolean"}]);
    let manifest = json!({
        "name": org.slug, "title": "Searched",
        "subject_types": [{"name": "user", "issuer": org.slug}],
        "resource_types": [{"name": "s_row", "attributes": attributes},
            {"name": "s_name", "key": "name", "attributes": attributes}],
        "actions": [{"name": "s_even", "resource_types": ["s_row"]},
            {"name": "s_named", "resource_types": ["s_name"]}],
        "policies": [{"name": "main", "text": text.concat()}],
    });
    bind(org, &manifest);
}

#[test]
fn an_applications_resources_are_found_row_by_row_and_by_their_keys() {
    let org = Org::new(app(), "search-rows");
    searched(&org);
    member(&org, "ann", &[("search-rows", "ann"), ("search-rows", "ann-2"), ("another", "x")]);
    let mut expected = Vec::new();
    for number in 0..25 {
        let id = record(&org, "s_row", &format!("row-{number}"), &json!({"even": number % 5 == 0}));
        if number % 5 == 0 {
            expected.push(id);
        }
    }
    let search = |action: &str, kind: &str| json!({"subject": entity("user", "ann"), "action": {"name": action}, "resource": {"type": kind}});
    for limit in [1, 2, 3, 1000] {
        let results = found(&org.admin, "resource", &search("s_even", "s_row"), limit);
        assert_eq!(ids(&results), expected);
    }
    for name in ["one", "twice", "twice", "three"] {
        record(&org, "s_name", name, &json!({"even": true}));
    }
    for action in ["s_named", "resource.read"] {
        let results = found(&org.admin, "resource", &search(action, "s_name"), 2);
        assert_eq!(ids(&results), ["one", "three"], "{action}");
        for name in ["one", "twice", "three", "none"] {
            let asked = question(&entity("user", "ann"), action, &entity("s_name", name));
            assert_eq!(
                decide(&org.admin, &asked),
                name == "one" || name == "three",
                "{action} {name}"
            );
        }
    }
    // Somebody by each of the names that the issuer has for them; nobody by another issuer's.
    let who = json!({"subject": {"type": "user"}, "action": {"name": "s_named"},
        "resource": entity("s_name", "one")});
    for limit in [1, 2, 1000] {
        let results = found(&org.admin, "subject", &who, limit);
        assert_eq!(ids(&results), ["ann", "ann-2"]);
        assert!(results.iter().all(|it| it["type"] == "user"));
    }
}

#[test]
fn a_token_is_good_for_its_search_alone() {
    let (org, other) = (Org::new(app(), "tokens-here"), Org::new(app(), "tokens-there"));
    let mut search = json!({"subject": {"type": "account"}, "action": {"name": "tenant.read"},
        "resource": entity("tenant", &org.id), "context": {"a": 1}, "page": {"limit": 1}});
    let page = ask(&org.admin, "search/subject", &search).expect(200);
    let token = page["page"]["next_token"].as_str().unwrap().to_owned();
    search["page"] = json!({"token": token, "limit": 2});
    let second = ask(&org.admin, "search/subject", &search).expect(200);
    assert_ne!(second["results"][0], page["results"][0]);
    let changed = |pointer: &str, value: Value| {
        let mut search = search.clone();
        *search.pointer_mut(pointer).unwrap() = value;
        search
    };
    let flipped = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let wrong = [
        changed("/action/name", json!("tenant.update")),
        changed("/resource/id", json!(other.id)),
        changed("/subject/type", json!("user")),
        changed("/context/a", json!(2)),
        changed("/page/token", json!(flipped)),
        changed("/page/token", json!("nonsense")),
    ];
    for search in wrong {
        let refused = ask(&org.admin, "search/subject", &search).problem(400, "invalid_parameter");
        assert_eq!(refused.fields(), ["/page/token"]);
    }
    ask(&other.admin, "search/subject", &search).problem(400, "invalid_parameter");
    let elsewhere = json!({"subject": entity("account", &org.account("owner")), "resource": entity("tenant", &org.id),
        "page": {"token": token}});
    ask(&org.admin, "search/action", &elsewhere).problem(400, "invalid_parameter");
    for limit in [json!(0), json!(1001), json!(-1), json!("1"), json!(1.5)] {
        let odd = changed("/page", json!({"limit": limit}));
        let refused = ask(&org.admin, "search/subject", &odd).problem(400, "invalid_parameter");
        assert_eq!(refused.fields(), ["/page/limit"]);
    }
    let end = changed("/page", json!({"token": "", "limit": 1000}));
    assert_eq!(ask(&org.admin, "search/subject", &end).expect(200)["page"]["next_token"], "");
}
