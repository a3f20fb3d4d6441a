//! The catalogue: `/catalog` and `/v1/platform/catalog`.

use serde_json::{Value, json};

use crate::client::{Answer, Client};
use crate::org::{Org, attribute};
use crate::shared;

shared!();

fn operator() -> Client {
    app().operator().at("/v1/platform")
}

fn define(key: &str, change: &Value) -> Value {
    let mut body = attribute("catalog");
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    operator().put_new(&format!("/attributes/{key}"), &body).expect(201);
    body
}

fn set(caller: &Client, path: &str, value: impl Into<Value>) -> Answer {
    let body = json!({"value": value.into()});
    match caller.get(path).status {
        200 => caller.put_over(path, &body),
        _ => caller.put_new(path, &body),
    }
}

/// The value of a key that counts for a caller, and where it comes from: layer and owner.
fn found(caller: &Client, key: &str) -> (Value, String, Value) {
    let items = caller.all("/catalog", 200);
    let found = items.iter().find(|item| item["key"] == key).cloned().unwrap_or(Value::Null);
    let layer = found["layer"].as_str().unwrap_or("-").to_owned();
    (found["value"].clone(), layer, found["owner_id"].clone())
}

fn from(value: &str, layer: &str, owner: &str) -> (Value, String, Value) {
    let owner = if owner.is_empty() { Value::Null } else { json!(owner) };
    (json!(value), layer.to_owned(), owner)
}

fn team(org: &Org, name: &str, parent: Option<&str>) -> String {
    let body = json!({"name": name, "parent_id": parent});
    org.owner.post("/teams", &body).expect(201).id()
}

#[test]
fn each_layer_wins_over_those_below_it_and_says_where_it_comes_from() {
    let org = Org::new(app(), "shelves");
    let (key, account) = ("shelves.theme", org.account("member"));
    let team = team(&org, "readers", None);
    org.join(&team, "member", "member");
    assert_eq!(found(&org.member, key), (Value::Null, "-".to_owned(), Value::Null));
    let layers = [
        (operator(), format!("/catalog/{key}"), "platform", String::new()),
        (org.owner.clone(), format!("/catalog/tenant/{key}"), "tenant", org.id.clone()),
        (org.owner.clone(), format!("/catalog/teams/{team}/{key}"), "team", team.clone()),
        (
            org.member.clone(),
            format!("/catalog/accounts/{account}/{key}"),
            "account",
            account.clone(),
        ),
    ];
    for (caller, path, layer, owner) in &layers {
        set(caller, path, *layer).expect(201);
        assert_eq!(found(&org.member, key), from(layer, layer, owner));
    }
    // Who is in no team hears of none.
    assert_eq!(found(&org.caller("other"), key), from("tenant", "tenant", &org.id));
    assert_eq!(found(&org.guest, key), from("tenant", "tenant", &org.id));
    // An administrator sees what counts for somebody; a member does not.
    let asked = format!("/catalog?account_id={account}");
    let seen = org.admin.get(&asked).expect(200);
    let seen: Vec<_> = seen["items"].as_array().unwrap().iter().collect();
    assert!(seen.iter().any(|item| item["key"] == key && item["layer"] == "account"));
    org.caller("other").get(&asked).problem(403, "forbidden");
    org.member.get(&asked).expect(200);
    for (place, (caller, path, ..)) in layers.iter().enumerate().rev() {
        caller.delete(path).expect(204);
        let expected = place
            .checked_sub(1)
            .map(|below| from(layers[below].2, layers[below].2, &layers[below].3));
        let expected = expected.unwrap_or((Value::Null, "-".to_owned(), Value::Null));
        assert_eq!(found(&org.member, key), expected);
    }
}

/// A chain of three teams and a sibling as deep as the deepest: the deepest wins, then the lower id.
#[test]
fn of_several_teams_the_deepest_wins_and_then_the_lower_id() {
    let org = Org::new(app(), "depths");
    let top = team(&org, "top", None);
    let middle = team(&org, "middle", Some(&top));
    let (one, other) = (team(&org, "one", Some(&middle)), team(&org, "other", Some(&middle)));
    assert!(one < other, "ids rise");
    let alone = team(&org, "alone", None);
    for team in [&other, &one, &alone] {
        org.join(team, "member", "member");
    }
    let key = "depths.colour";
    let path = |team: &str| format!("/catalog/teams/{team}/{key}");
    for team in [&alone, &top, &middle, &other, &one] {
        set(&org.owner, &path(team), team.as_str()).expect(201);
    }
    for (winner, next) in [(&one, &other), (&other, &middle)] {
        assert_eq!(found(&org.member, key), from(winner, "team", winner));
        org.owner.delete(&path(winner)).expect(204);
        assert_eq!(found(&org.member, key), from(next, "team", next));
    }
    org.owner.delete(&path(&middle)).expect(204);
    let lower = if alone < top { &alone } else { &top };
    assert_eq!(found(&org.member, key), from(lower, "team", lower));
    // A team that moves takes its depth along, and one that is deleted its items.
    let below = team(&org, "below", Some(&other));
    org.owner.patch(&format!("/teams/{alone}"), &json!({"parent_id": below})).expect(200);
    assert_eq!(found(&org.member, key), from(&alone, "team", &alone));
    org.owner.delete(&format!("/teams/{alone}")).expect(204);
    assert_eq!(found(&org.member, key), from(&top, "team", &top));
    let left = "select count(*) from catalog_items where owner_id = ?1";
    assert_eq!(app().db(&org.id).number(left, &[&alone]), 0);
}

#[test]
fn a_key_with_a_definition_is_held_to_its_schema_and_others_may_be_anything() {
    let org = Org::new(app(), "held-to");
    define("held-to.limit", &json!({"schema": {"type": "integer", "minimum": 1}}));
    let put = |key: &str, body: &Value| org.owner.put_new(&format!("/catalog/tenant/{key}"), body);
    for value in [json!("x"), json!(0), json!({"n": 1})] {
        let refused = put("held-to.limit", &json!({"value": value})).problem(422, "invalid");
        assert_eq!(refused.fields(), ["/value"]);
    }
    put("held-to.limit", &json!({"value": 3})).expect(201);
    for (number, value) in
        [json!(1), json!("x"), json!([]), json!({"a": [true]}), json!(false)].iter().enumerate()
    {
        put(&format!("free{number}"), &json!({"value": value})).expect(201);
    }
    let cases = [
        (json!({"value": null}), "/value"),
        (json!({}), "/value"),
        (json!({"value": 1, "layer": "platform"}), "/layer"),
        (json!({"value": "x".repeat(17_000)}), "/value"),
        (json!({"value": [[[[[[[[[1]]]]]]]]]}), "/value"),
    ];
    for (body, field) in cases {
        let refused = put("free", &body).problem(422, "invalid");
        assert_eq!(refused.fields(), [field], "{}", refused.text);
    }
    for key in ["Upper", "1st", "a%20b"] {
        assert_eq!(put(key, &json!({"value": 1})).problem(422, "invalid").fields(), ["key"]);
    }
}

#[test]
fn a_lock_keeps_the_layers_above_it_out() {
    let org = Org::new(app(), "cat-locks");
    let (key, account) = ("cat-locks.k", org.account("member"));
    let mut body = define(key, &json!({}));
    let own = format!("/catalog/accounts/{account}/{key}");
    set(&org.member, &own, "own").expect(201);
    set(&org.owner, &format!("/catalog/tenant/{key}"), "tenant's").expect(201);
    assert_eq!(found(&org.member, key).1, "account");
    body["locked_at"] = json!("tenant");
    operator().put_over(&format!("/attributes/{key}"), &body).expect(200);
    assert_eq!(found(&org.member, key), from("tenant's", "tenant", &org.id));
    let items = org.member.all("/catalog", 200);
    assert_eq!(items.iter().find(|item| item["key"] == key).unwrap()["locked"], true);
    let refused = set(&org.member, &own, "again").problem(422, "invalid");
    assert_eq!(refused["errors"][0]["detail"], "is locked at the layer tenant");
    org.member.delete(&own).expect(204);
    body["locked_at"] = json!("platform");
    operator().put_over(&format!("/attributes/{key}"), &body).expect(200);
    assert_eq!(found(&org.member, key).1, "-");
    set(&operator(), &format!("/catalog/{key}"), "everybody's").expect(201);
    assert_eq!(found(&org.member, key), from("everybody's", "platform", ""));
}

/// Who keeps which layer, and what a definition's words leave of it.
#[test]
fn readers_and_writers_are_whom_a_definition_names() {
    let org = Org::new(app(), "cat-audiences");
    let (team, account) = (team(&org, "t", None), org.account("member"));
    org.join(&team, "member", "maintainer");
    org.join(&team, "other", "member");
    let (other, words) = (org.caller("other"), ["account", "maintainer", "member", "admin"]);
    for word in words {
        define(&format!("cw.{word}"), &json!({"writers": [word]}));
        define(&format!("cr.{word}"), &json!({"readers": [word]}));
    }
    // Writers: the member's own layer, the team's by its maintainer, the tenant's by an administrator.
    let rows = [
        (&org.member, format!("/catalog/accounts/{account}"), [true, false, true, false]),
        (&org.admin, format!("/catalog/accounts/{account}"), [false, false, true, true]),
        (&org.member, format!("/catalog/teams/{team}"), [false, true, true, false]),
        (&org.admin, format!("/catalog/teams/{team}"), [false, false, true, true]),
        (&org.admin, "/catalog/tenant".to_owned(), [false, false, true, true]),
    ];
    for (caller, list, may) in &rows {
        for (word, may) in words.iter().zip(may) {
            let path = format!("{list}/cw.{word}");
            let answer = caller.put_new(&path, &json!({"value": 1}));
            if *may {
                answer.expect(201);
                caller.delete(&path).expect(204);
            } else {
                assert_eq!(answer.problem(403, "forbidden").fields(), ["key"], "{path}");
            }
        }
    }
    // Whom the door does not let: no word helps.
    for (caller, list) in [
        (&other, format!("/catalog/accounts/{account}")),
        (&other, format!("/catalog/teams/{team}")),
        (&org.member, "/catalog/tenant".to_owned()),
    ] {
        let answer = caller.put_new(&format!("{list}/cw.member"), &json!({"value": 1}));
        answer.problem(403, "forbidden");
    }
    // Readers.
    for word in words {
        set(&operator(), &format!("/catalog/cr.{word}"), "seen").expect(201);
    }
    let seen = |caller: &Client, path: &str| -> Vec<String> {
        let keys = caller.column(path, "key");
        keys.into_iter().filter(|key| key.starts_with("cr.")).collect()
    };
    assert_eq!(seen(&org.member, "/catalog"), ["cr.account", "cr.member"]);
    assert_eq!(seen(&org.admin, "/catalog"), ["cr.account", "cr.admin", "cr.member"]);
    let asked = format!("/catalog?account_id={account}");
    assert_eq!(seen(&org.admin, &asked), ["cr.admin", "cr.member"]);
    // A layer's list and its items hide what the caller may not see.
    for word in words {
        let by = if word == "admin" { &org.admin } else { &org.member };
        by.put_new(&format!("/catalog/teams/{team}/cr.{word}"), &json!({"value": 1})).expect(201);
    }
    let list = format!("/catalog/teams/{team}");
    assert_eq!(seen(&org.member, &list), ["cr.maintainer", "cr.member"]);
    assert_eq!(seen(&other, &list), ["cr.member"]);
    assert_eq!(seen(&org.admin, &list), ["cr.admin", "cr.member"]);
    org.admin.get(&format!("{list}/cr.maintainer")).problem(404, "not_found");
    org.member.get(&format!("{list}/cr.maintainer")).expect(200);
    org.guest.get(&list).problem(404, "not_found");
}

/// What was written for few under a definition is not shown to all when the definition goes.
#[test]
fn an_item_waits_for_its_definition_and_is_not_shown_meanwhile() {
    let org = Org::new(app(), "waits");
    let key = "waits.secret";
    let body = define(key, &json!({"readers": ["admin"], "writers": ["admin"]}));
    let path = format!("/catalog/tenant/{key}");
    set(&org.owner, &path, "for few").expect(201);
    operator().delete(&format!("/attributes/{key}")).expect(204);
    for caller in [&org.member, &org.owner] {
        assert_eq!(found(caller, key).1, "-");
    }
    let item = org.owner.get(&path).expect(200);
    assert_eq!((&item["valid"], &item["value"]), (&json!(false), &json!("for few")));
    let examined = operator().get("/tenants/waits/diagnostics").expect(200);
    assert!(examined.text.contains("waits.secret: 1 without a definition"), "{}", examined.text);
    operator().put_new(&format!("/attributes/{key}"), &body).expect(201);
    assert_eq!(found(&org.owner, key).1, "tenant");
    assert_eq!(found(&org.member, key).1, "-");
    // And what was there before a definition is held to it.
    let free = "waits.free";
    set(&org.owner, &format!("/catalog/tenant/{free}"), "text").expect(201);
    set(&operator(), &format!("/catalog/{free}"), 5).expect(201);
    define(free, &json!({"schema": {"type": "integer"}}));
    assert_eq!(found(&org.member, free), (json!(5), "platform".to_owned(), Value::Null));
    assert_eq!(org.owner.get(&format!("/catalog/tenant/{free}")).expect(200)["valid"], false);
}

#[test]
fn what_counts_is_told_page_by_page() {
    let org = Org::new(app(), "cat-pages");
    for number in 0..7 {
        let key = format!("/catalog/tenant/cat-pages.{number}");
        org.owner.put_new(&key, &json!({"value": number})).expect(201);
    }
    let keys = |limit: u32| -> Vec<String> {
        let mut cursor = String::new();
        let mut keys = Vec::new();
        loop {
            let page = org.member.get(&format!("/catalog?limit={limit}{cursor}")).expect(200);
            let items = page["items"].as_array().unwrap();
            assert!(items.len() <= limit as usize);
            keys.extend(items.iter().map(|item| item["key"].as_str().unwrap().to_owned()));
            let Some(next) = page["next_cursor"].as_str() else { return keys };
            cursor = format!("&cursor={next}");
        }
    };
    let all = keys(200);
    assert!(all.is_sorted() && all.len() >= 7);
    assert_eq!(keys(2), all);
    let own: Vec<_> = org.owner.all("/catalog/tenant", 2);
    assert_eq!(own.len(), 7);
    // A cursor of what counts for oneself is none of what counts for another.
    let first = org.admin.get("/catalog?limit=2").expect(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let asked = format!("/catalog?account_id={}&limit=2&cursor={cursor}", org.account("member"));
    org.admin.get(&asked).problem(400, "invalid_parameter");
}

#[test]
fn an_owner_has_five_hundred_items_at_most() {
    let org = Org::new(app(), "cat-limit");
    let team = team(&org, "full", None);
    let path = |number: usize| format!("/catalog/teams/{team}/n{number}");
    for number in 0..500 {
        org.owner.put_new(&path(number), &json!({"value": 1})).expect(201);
    }
    org.owner.put_new(&path(500), &json!({"value": 1})).problem(409, "catalog_limit");
    org.owner.put_over(&path(0), &json!({"value": 2})).expect(200);
    org.owner.delete(&path(0)).expect(204);
    org.owner.put_new(&path(500), &json!({"value": 1})).expect(201);
}

#[test]
fn an_item_is_put_and_deleted_by_versions_and_leaves_its_events() {
    let org = Org::new(app(), "cat-versions");
    let path = "/catalog/tenant/cat-versions.k";
    let made = org.owner.put_new(path, &json!({"value": 1})).expect(201);
    assert_eq!(
        (made["owner_id"].as_str(), made["layer"].as_str()),
        (Some(org.id.as_str()), Some("tenant"))
    );
    org.owner.put_new(path, &json!({"value": 2})).problem(412, "stale_version");
    org.owner.put_over(path, &json!({"value": 2})).expect(200);
    let delete = |tag: &str| org.owner.request("DELETE", path).header("if-match", tag).send();
    delete("\"1\"").problem(412, "stale_version");
    delete("\"2\"").expect(204);
    delete("\"2\"").problem(404, "not_found");
    let told = app().db(&org.id).texts(
        "select type || ' ' || subject from outbox_events where type like 'catalog_item.%' order by seq",
        &[],
    );
    let expected = ["created", "updated", "deleted"]
        .map(|verb| format!("catalog_item.{verb} tenant/{}", org.id));
    assert_eq!(told, expected);
}

#[test]
fn the_catalogue_of_somebody_who_is_no_member_is_not_there() {
    let (org, elsewhere) = (Org::new(app(), "cat-here"), Org::new(app(), "cat-there"));
    let theirs = elsewhere.account("member");
    org.owner.get(&format!("/catalog?account_id={theirs}")).problem(404, "not_found");
    org.owner.get(&format!("/catalog/accounts/{theirs}")).problem(404, "not_found");
    let put = org.owner.put_new(&format!("/catalog/accounts/{theirs}/k"), &json!({"value": 1}));
    put.problem(404, "not_found");
    set(&elsewhere.owner, "/catalog/tenant/cat-there.k", "theirs").expect(201);
    assert_eq!(found(&org.member, "cat-there.k").1, "-");
}
