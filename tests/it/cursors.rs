//! Pages: a list page by page is the list, and a cursor is good for its own list alone.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

/// A tenant with lists that are longer than a page.
fn crowded(slug: &str) -> Org<'static> {
    let org = Org::new(app(), slug);
    for n in 0..9 {
        org.team(&format!("team {n}"));
        org.resource(&format!("resource {}", n % 3), "tenant");
        org.workspace(&format!("workspace {n}"), "tenant", &org.id);
        org.host(&format!("host-{n}"));
    }
    org
}

/// Every list, with whoever reads it.
fn lists(org: &Org) -> Vec<(Client, String)> {
    let team = org.team("crowd");
    let resource = org.resource("crowded", "tenant");
    for name in ["owner", "admin", "member", "other", "guest"] {
        org.join(&team, name, "member");
        org.share(&resource, &org.account(name), "read");
    }
    let tenants = [
        "/members",
        "/members?role=member",
        "/teams",
        "/teams?name_prefix=team",
        "/principals",
        "/principals?q=team",
        "/workspaces",
        "/resource-types",
        "/resources",
        "/resources?sort=-created_at",
        "/resources?sort=name",
        "/resources?sort=-name",
        "/resources?sort=updated_at",
        "/resources?sort=-updated_at",
        "/resources?type=prompt&sort=name",
        &format!("/resources?workspace_id={}&sort=-updated_at", org.everyone),
        &format!("/teams/{team}/members"),
        &format!("/resources/{resource}/acl"),
    ]
    .map(|path| (org.owner.clone(), path.to_owned()));
    let operator = org.app.operator().at("/v1/platform");
    let hosts = format!("/tenants/{}/hosts", org.id);
    let platforms = ["/tenants", "/accounts", &hosts];
    let platforms = platforms.map(|path| (operator.clone(), path.to_owned()));
    tenants.into_iter().chain(platforms).collect()
}

fn ids(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["id"].as_str().unwrap()).collect()
}

#[test]
fn a_list_page_by_page_is_the_list() {
    let org = crowded("paged");
    for (caller, path) in lists(&org) {
        if path == "/accounts" || path == "/tenants" {
            continue;
        }
        let whole = caller.all(&path, 200);
        assert!(whole.len() > 1, "{path}");
        for limit in [1, 2, 5] {
            let paged = caller.all(&path, limit);
            assert_eq!(ids(&paged), ids(&whole), "{path} by {limit}");
        }
        let exact = u32::try_from(whole.len()).unwrap();
        assert_eq!(caller.all(&path, exact).len(), whole.len(), "{path}");
    }
}

#[test]
fn what_others_add_meanwhile_moves_no_page() {
    let org = crowded("moving-pages");
    let first = org.owner.get("/teams?limit=3").expect(200);
    let next = |page: &crate::client::Answer| {
        let cursor = page["next_cursor"].as_str().unwrap();
        org.owner.get(&format!("/teams?limit=3&cursor={cursor}")).expect(200)
    };
    let before = next(&first);
    org.team("a team before");
    org.owner.delete(&format!("/teams/{}", ids(first["items"].as_array().unwrap())[2])).expect(204);
    assert_eq!(next(&first)["items"], before["items"]);
}

/// The cursor of the second page.
fn cursor(caller: &Client, path: &str) -> String {
    let joint = if path.contains('?') { '&' } else { '?' };
    let page = caller.get(&format!("{path}{joint}limit=1")).expect(200);
    page["next_cursor"].as_str().unwrap_or_else(|| panic!("{path} has one page")).to_owned()
}

fn refused(caller: &Client, path: &str, cursor: &str) {
    let joint = if path.contains('?') { '&' } else { '?' };
    let answer = caller.get(&format!("{path}{joint}cursor={cursor}"));
    let answer = answer.problem(400, "invalid_parameter");
    assert_eq!(answer.fields(), ["cursor"], "{path}");
}

#[test]
fn a_cursor_that_was_made_up_or_changed_is_refused() {
    let org = crowded("forged");
    let good = cursor(&org.owner, "/teams");
    let flipped = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    let mut bad = vec![
        String::new(),
        "x".to_owned(),
        "AAAA".to_owned(),
        "%00".to_owned(),
        good[1..].to_owned(),
        good[..good.len() - 4].to_owned(),
        format!("{good}AAAA"),
        format!("{good}%3D"),
        good.to_lowercase(),
    ];
    bad.extend([0, 10, 21, 30, good.len() / 2].map(flipped));
    for cursor in bad {
        refused(&org.owner, "/teams", &cursor);
    }
    org.owner.get(&format!("/teams?cursor={good}")).expect(200);
}

#[test]
fn a_cursor_is_good_for_no_other_list_or_filter() {
    let org = crowded("other-lists");
    let lists = lists(&org);
    let cursors: Vec<_> = lists.iter().map(|(caller, path)| cursor(caller, path)).collect();
    for (caller, path) in &lists {
        for ((_, from), cursor) in lists.iter().zip(&cursors) {
            if from != path {
                refused(caller, path, cursor);
            }
        }
    }
}

#[test]
fn a_cursor_of_one_thing_is_good_for_no_other() {
    let org = crowded("other-things");
    let teams = [org.team("one"), org.team("two")];
    for team in &teams {
        org.join(team, "member", "member");
        org.join(team, "other", "member");
    }
    let [one, two] = teams.map(|team| format!("/teams/{team}/members"));
    refused(&org.owner, &two, &cursor(&org.owner, &one));
}

#[test]
fn a_cursor_of_one_tenant_is_good_for_no_other() {
    let (org, other) = (crowded("cursor-here"), crowded("cursor-there"));
    // The same person in both, so that the tenant alone differs.
    let both = org.account("owner");
    other.owner.post("/members", &json!({"account_id": both, "role": "owner"})).expect(201);
    let there = other.seen_by(&app().caller(&other.slug, &both));
    there.get("/teams").expect(200);
    refused(&there, "/teams", &cursor(&org.owner, "/teams"));
    refused(&org.owner, "/teams", &cursor(&there, "/teams"));
}

#[test]
fn a_limit_may_change_from_page_to_page() {
    let org = crowded("limits");
    let cursor = cursor(&org.owner, "/teams");
    let rest = org.owner.get(&format!("/teams?limit=100&cursor={cursor}")).expect(200);
    assert_eq!(rest["items"].as_array().unwrap().len(), 8);
    assert_eq!(rest["next_cursor"], json!(null));
}

/// The ways to name one tenant are the same list.
fn goes_on(slug: &str) {
    let org = Org::new(app(), slug);
    let (by_id, by_header) = (format!("/v1/tenants/{}", org.id), org.owner.at("/v1/tenant"));
    let cursor = cursor(&org.owner, "/members");
    let path = format!("/members?cursor={cursor}");
    org.owner.get(&path).expect(200);
    org.owner.at(&by_id).get(&path).expect(200);
    by_header.request("GET", &path).header("freehold-tenant", slug).send().expect(200);
}

#[test]
fn a_cursor_goes_on_however_its_tenant_is_named() {
    goes_on("named-twice");
}

#[test]
fn a_cursor_goes_on_where_the_slug_stands_in_the_path_by_chance() {
    for slug in ["ten", "nant", "ants"] {
        goes_on(slug);
    }
}

#[test]
fn a_cursor_of_one_subject_is_good_for_no_other_and_outlives_its_token() {
    let org = crowded("cursor-subjects");
    for path in ["/teams", "/resources", "/members", "/principals"] {
        let own = cursor(&org.owner, path);
        for other in [&org.admin, &org.member] {
            refused(other, path, &own);
        }
        let anew = org.caller("owner");
        assert_ne!(anew.token(), org.owner.token());
        anew.get(&format!("{path}?cursor={own}")).expect(200);
    }
    let operator = org.app.operator().at("/v1/platform");
    refused(&org.app.host().at("/v1/platform"), "/tenants", &cursor(&operator, "/tenants"));
}

#[test]
fn a_cursor_tells_nothing_and_no_byte_of_it_can_change() {
    let org = crowded("sealed-cursors");
    let (one, again) = (cursor(&org.owner, "/teams"), cursor(&org.owner, "/teams"));
    assert_ne!(one, again, "the same place looks different each time");
    let bytes = URL_SAFE_NO_PAD.decode(&one).unwrap();
    let first = org.owner.get("/teams?limit=1").expect(200);
    let (name, id) = (&first["items"][0]["name"], &first["items"][0]["id"]);
    for text in [name.as_str().unwrap(), id.as_str().unwrap()] {
        assert!(!bytes.windows(text.len()).any(|part| part == text.as_bytes()), "{text}");
    }
    for at in 0..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        refused(&org.owner, "/teams", &URL_SAFE_NO_PAD.encode(changed));
    }
    org.owner.get(&format!("/teams?cursor={one}")).expect(200);
}
