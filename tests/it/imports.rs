//! `/v1/platform/imports`: tenants with everything in them, from one file.

use serde_json::{Value, json};

use crate::client::Answer;
use crate::org::{Org, import, lines, tenant};
use crate::shared;

shared!();

/// A tenant with something of every noun.
fn furnished(slug: &str) -> Value {
    let mut part = tenant(slug);
    let (member, other) = (format!("{slug}-member"), format!("{slug}-other"));
    part["description"] = json!("Imported");
    part["teams"] = json!([
        {"name": "part", "parent": "whole", "members": [other]},
        {"name": "whole", "maintainers": [member], "members": [other]},
    ]);
    part["workspaces"] = json!([
        {"name": "everyone", "owner": "tenant"},
        {"name": "whole", "owner": {"team": "whole"}},
        {"name": "own", "owner": {"account": member}},
    ]);
    let acl = json!([
        {"team": "part", "permission": "admin"},
        {"account": format!("{slug}-guest"), "permission": "read"},
    ]);
    let shared = json!({
        "type": "model", "workspace": "whole", "name": "shared", "visibility": "private",
        "attributes": {"a": 1}, "acl": acl,
    });
    part["resources"] = json!([
        {"type": "tag", "workspace": "everyone", "name": "plain", "visibility": "tenant"},
        shared,
    ]);
    part
}

fn send(tenants: &Value, query: &str) -> Answer {
    let file = json!({"format": "freehold-import/1", "tenants": tenants});
    app().host().post(&format!("/v1/platform/imports{query}"), &file)
}

#[test]
fn an_import_makes_tenants_with_everything_in_them() {
    let report = import(&app().operator(), &json!([furnished("whole-import")]));
    assert_eq!((&report["dry_run"], &report["accounts_added"]), (&json!(false), &json!(5)));
    let made = &report["tenants"][0];
    assert_eq!((&made["slug"], &made["outcome"]), (&json!("whole-import"), &json!("created")));
    let added = json!({
        "members": 5, "teams": 2, "team_members": 3, "workspaces": 3, "resources": 2, "acl": 2
    });
    assert_eq!(made["added"], added);
    let caller = |name: &str| {
        let account = format!("import|whole-import-{name}");
        app().caller("whole-import", &account).at("/v1/tenants/whole-import")
    };
    assert_eq!(caller("guest").column("/resources", "name"), ["shared"]);
    let other = &caller("other").all("/resources?name_prefix=shared", 50)[0];
    assert_eq!((&other["permission"], &other["owner_id"]), (&json!("admin"), &Value::Null));
    assert_eq!(other["attributes"], json!({"a": 1}));
    let part = &caller("owner").all("/teams?name_prefix=part", 50)[0];
    assert_ne!(part["parent_id"], Value::Null);
    assert_eq!(caller("member").column("/workspaces", "name"), ["everyone", "own", "whole"]);
}

#[test]
fn importing_twice_is_importing_once() {
    let file = json!([furnished("twice-import")]);
    let first = import(&app().host(), &file);
    let id = first["tenants"][0]["id"].as_str().unwrap().to_owned();
    let before = app().db(&id).written();
    let again = import(&app().host(), &file);
    assert_eq!(again["accounts_added"], 0);
    assert_eq!(again["tenants"][0]["outcome"], "unchanged");
    assert_eq!(
        (&again["tenants"][0]["added"], &again["tenants"][0]["id"]),
        (&json!({}), &json!(id))
    );
    assert_eq!(app().db(&id).written(), before);
}

#[test]
fn what_is_missing_is_added_and_what_is_there_stays() {
    let slug = "grown-import";
    let org = Org::new(app(), slug);
    org.owner.patch("", &json!({"name": "Renamed since"})).expect(200);
    let report = import(&app().host(), &json!([furnished(slug)]));
    assert_eq!(report["tenants"][0]["outcome"], "changed");
    let added = json!({"teams": 2, "team_members": 3, "workspaces": 2, "resources": 2, "acl": 2});
    assert_eq!(report["tenants"][0]["added"], added);
    assert_eq!(org.owner.get("").expect(200)["name"], "Renamed since");
}

#[test]
fn whoever_was_removed_does_not_come_back_by_an_import() {
    let slug = "removed-import";
    let org = Org::new(app(), slug);
    let other = format!("/members/{}", org.account("other"));
    org.owner.delete(&other).expect(204);
    import(&app().host(), &json!([furnished(slug)]));
    assert_eq!(org.owner.get(&other).expect(200)["state"], "removed");
    assert_eq!(org.owner.column("/teams", "name"), ["part", "whole"]);
}

#[test]
fn a_dry_run_says_what_would_be_done_and_does_nothing() {
    let file = json!([furnished("dry-import")]);
    let answer = send(&file, "?dry_run=true").expect(200);
    let report = lines(&answer).pop().unwrap()["report"].clone();
    assert_eq!((&report["dry_run"], &report["accounts_added"]), (&json!(true), &json!(5)));
    assert_eq!(report["tenants"][0]["outcome"], "created");
    app().operator().get("/v1/platform/tenants/dry-import").problem(404, "not_found");
    let real = import(&app().host(), &file);
    assert_eq!(real["tenants"][0]["added"], report["tenants"][0]["added"]);
    let id = real["tenants"][0]["id"].as_str().unwrap().to_owned();
    let before = app().db(&id).written();
    let again = lines(&send(&file, "?dry_run=true").expect(200)).pop().unwrap();
    assert_eq!(again["report"]["tenants"][0]["outcome"], "unchanged");
    assert_eq!(app().db(&id).written(), before);
}

#[test]
fn a_dry_run_over_a_tenant_that_is_there_says_what_is_missing() {
    let org = Org::new(app(), "dry-grown");
    let before = app().db(&org.id).written();
    let report =
        lines(&send(&json!([furnished("dry-grown")]), "?dry_run=true").expect(200)).pop().unwrap();
    let added = json!({"teams": 2, "team_members": 3, "workspaces": 2, "resources": 2, "acl": 2});
    assert_eq!(report["report"]["tenants"][0]["added"], added);
    assert_eq!(app().db(&org.id).written(), before);
}

#[test]
fn an_import_says_how_far_it_is() {
    let answer = send(&json!([furnished("progress-import")]), "").expect(200);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    let lines = lines(&answer);
    let (last, progress) = lines.split_last().unwrap();
    assert!(last["report"].is_object(), "{last}");
    for stage in ["accounts", "progress-import"] {
        let of_stage =
            progress.iter().map(|line| &line["progress"]).filter(|line| line["stage"] == stage);
        let done: Vec<_> = of_stage
            .map(|line| (line["done"].as_u64().unwrap(), line["total"].as_u64().unwrap()))
            .collect();
        assert!(done.is_sorted(), "{done:?}");
        let (end, total) = *done.last().unwrap();
        assert_eq!(end, total, "{stage}");
    }
}

#[test]
fn every_bad_entry_is_named_by_its_pointer_and_nothing_is_done() {
    let slug = "bad-import";
    let mut part = furnished(slug);
    part["owners"] = json!([]);
    part["members"] = json!([format!("{slug}-guest")]);
    part["teams"][0]["parent"] = json!("nowhere");
    part["teams"][1]["members"] = json!(["stranger"]);
    part["workspaces"][1]["owner"] = json!({"team": "nowhere"});
    part["workspaces"][2]["name"] = json!("everyone");
    part["resources"][0]["type"] = json!("unheard-of");
    part["resources"][1]["workspace"] = json!("nowhere");
    part["resources"][1]["acl"][0] = json!({"permission": "read"});
    let answer = send(&json!([tenant("good-import"), part]), "").problem(422, "invalid");
    let mut expected = vec![
        "/tenants/1/owners",
        "/tenants/1/guests/0",
        "/tenants/1/teams/0/parent",
        "/tenants/1/teams/0/members/0",
        "/tenants/1/teams/1/maintainers/0",
        "/tenants/1/teams/1/members/0",
        "/tenants/1/workspaces/1/owner/team",
        "/tenants/1/workspaces/2/name",
        "/tenants/1/workspaces/2/owner/account",
        "/tenants/1/resources/0/type",
        "/tenants/1/resources/1/workspace",
        "/tenants/1/resources/1/acl/0",
    ];
    let mut found = answer.fields();
    expected.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, expected);
    app().operator().get("/v1/platform/tenants/good-import").problem(404, "not_found");
}

#[test]
fn entries_that_contradict_each_other_are_named() {
    let one = || tenant("contradiction");
    let with = |field: &str, value: Value| {
        let mut part = one();
        part[field] = value;
        json!([part])
    };
    let circle = json!([{"name": "a", "parent": "b"}, {"name": "b", "parent": "a"}]);
    let deep: Vec<_> = (0..9)
        .map(|n| json!({"name": format!("t{n}"), "parent": (n > 0).then(|| format!("t{}", n - 1))}))
        .collect();
    let twice =
        json!({"type": "tag", "workspace": "everyone", "name": "x", "visibility": "tenant"});
    let cases = [
        (json!([one(), one()]), vec!["/tenants/1/slug"]),
        (with("teams", circle), vec!["/tenants/0/teams/0/parent", "/tenants/0/teams/1/parent"]),
        (with("teams", json!(deep)), vec!["/tenants/0/teams/8/parent"]),
        (with("teams", json!([{"name": "a"}, {"name": "a"}])), vec!["/tenants/0/teams/1/name"]),
        (with("resources", json!([twice, twice])), vec!["/tenants/0/resources/1/name"]),
    ];
    for (tenants, expected) in cases {
        let answer = send(&tenants, "").problem(422, "invalid");
        assert_eq!(answer.fields(), expected, "{}", answer.text);
    }
}

#[test]
fn what_is_no_import_file_is_refused_with_its_place() {
    let with = |field: &str, value: Value| {
        let mut part = tenant("odd-import");
        part[field] = value;
        json!([part])
    };
    let cases = [
        (with("slug", json!("Not a slug")), "/tenants/0/slug"),
        (with("odd", json!(1)), "/tenants/0/odd"),
        (with("owners", json!("text")), "/tenants/0/owners"),
        (
            with("workspaces", json!([{"name": "x", "owner": "nobody"}])),
            "/tenants/0/workspaces/0/owner",
        ),
        (json!("text"), "/tenants"),
    ];
    for (tenants, field) in cases {
        let answer = send(&tenants, "").problem(422, "invalid");
        assert_eq!(answer.fields(), [field], "{}", answer.text);
    }
    let other = json!({"format": "freehold-import/9", "tenants": []});
    let answer = app().host().post("/v1/platform/imports", &other).problem(422, "invalid");
    assert_eq!(answer.fields(), ["/format"]);
    let no_json =
        app().host().request("POST", "/v1/platform/imports").body("application/json", "{");
    no_json.send().problem(400, "malformed_json");
    let query = send(&json!([]), "?odd=1").problem(400, "invalid_parameter");
    assert_eq!(query.fields(), ["odd"]);
}

#[test]
fn a_tenant_that_cannot_be_filled_does_not_hold_up_the_others() {
    Org::new(app(), "shut-import");
    app().operator().act("/v1/platform/tenants/shut-import/suspend").expect(200);
    let report = import(&app().host(), &json!([tenant("shut-import"), tenant("open-import")]));
    let outcome = |index: usize| report["tenants"][index]["outcome"].clone();
    assert_eq!((outcome(0), outcome(1)), (json!("failed"), json!("created")));
    assert!(report["tenants"][0]["problem"].is_string());
}

#[test]
fn an_operator_does_not_reach_into_a_tenant_that_is_in_service_by_an_import() {
    let org = Org::new(app(), "operators-import");
    let before = app().db(&org.id).number("select count(*) from teams", &[]);
    let report = import(&app().operator(), &json!([furnished("operators-import")]));
    assert_eq!(report["tenants"][0]["outcome"], "failed");
    assert_eq!(app().db(&org.id).number("select count(*) from teams", &[]), before);
}
