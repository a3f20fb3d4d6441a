//! Versions: a change says which one it is meant for.

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

/// Something that can be changed: who changes it, where it is, by what method, and how.
struct Thing {
    caller: Client,
    method: &'static str,
    path: String,
    change: Value,
}

/// One of everything that can be changed by a request with a version.
fn changeable(org: &Org) -> Vec<Thing> {
    let owner =
        |method, path: String, change| Thing { caller: org.owner.clone(), method, path, change };
    let operator = |path: String, change| {
        let caller = org.app.operator().at("/v1/platform");
        Thing { caller, method: "PATCH", path, change }
    };
    let (team, other) = (org.team("changeable"), org.account("other"));
    org.join(&team, "other", "member");
    let resource = org.resource("changeable", "tenant");
    org.share(&resource, &other, "read");
    let workspace = org.workspace("changeable", "tenant", &org.id);
    let newcomer = org.newcomer("changeable", "member");
    org.owner.put_new("/catalog/tenant/changeable", &json!({"value": 1})).expect(201);
    org.owner.patch("/profile-defaults", &json!({ org.open_attribute(): 1 })).expect(200);
    let moved = json!({"slug": format!("{}-moved", org.slug)});
    vec![
        owner("PATCH", String::new(), json!({"description": "changed"})),
        owner("PATCH", format!("/members/{newcomer}"), json!({"role": "guest"})),
        owner("PATCH", format!("/teams/{team}"), json!({"description": "changed"})),
        owner("PUT", format!("/teams/{team}/members/{other}"), json!({"role": "maintainer"})),
        owner("PATCH", format!("/workspaces/{workspace}"), json!({"name": "changed"})),
        owner("PATCH", format!("/resources/{resource}"), json!({"name": "changed"})),
        owner("PUT", format!("/resources/{resource}/acl/{other}"), json!({"permission": "write"})),
        owner("PUT", "/catalog/tenant/changeable".to_owned(), json!({"value": 2})),
        owner("PATCH", "/profile-defaults".to_owned(), json!({"open": 2})),
        operator(format!("/accounts/{other}"), json!({"display_name": "changed"})),
        operator(format!("/tenants/{}", org.id), moved),
        Thing { method: "PUT", ..operator(org.host("changeable"), json!({})) },
        Thing {
            method: "PUT",
            ..operator(org.domain("changeable"), json!({"join_role": "guest"}))
        },
        Thing {
            caller: org.member.root(),
            method: "PATCH",
            path: "/v1/me".to_owned(),
            change: json!({"display_name": "changed"}),
        },
    ]
}

impl Thing {
    fn change(&self, headers: &[(&str, &str)]) -> crate::client::Answer {
        let request = self.caller.request(self.method, &self.path).json(&self.change);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    }

    fn etag(&self) -> String {
        self.caller.get(&self.path).expect(200).header("etag").to_owned()
    }
}

#[test]
fn a_change_needs_its_version() {
    for thing in changeable(&Org::new(app(), "needed")) {
        thing.change(&[]).problem(428, "precondition_required");
    }
}

#[test]
fn a_change_meant_for_another_version_is_stale() {
    for thing in changeable(&Org::new(app(), "stale")) {
        for version in ["\"99\"", "\"0\"", "\"-1\""] {
            thing.change(&[("if-match", version)]).problem(412, "stale_version");
        }
    }
}

#[test]
fn a_change_meant_for_the_version_at_hand_is_made_once() {
    for thing in changeable(&Org::new(app(), "right")) {
        let before = thing.etag();
        let changed = thing.change(&[("if-match", &before)]).expect(200);
        let after = changed.header("etag").to_owned();
        assert_ne!(after, before, "{}", thing.path);
        assert_eq!(after, format!("\"{}\"", changed["version"]), "{}", thing.path);
        assert_eq!(thing.etag(), after, "{}", thing.path);
        thing.change(&[("if-match", &before)]).problem(412, "stale_version");
    }
}

#[test]
fn a_tag_that_no_answer_has_is_refused() {
    for thing in changeable(&Org::new(app(), "odd-tags")) {
        for tag in ["1", "W/\"1\"", "\"x\"", "\"1\", \"2\"", "\"", ""] {
            let answer = thing.change(&[("if-match", tag)]).problem(400, "invalid_parameter");
            assert_eq!(answer.fields(), ["If-Match"], "{tag}");
        }
        let two = thing.change(&[("if-match", "\"1\""), ("if-match", "\"1\"")]);
        two.problem(400, "invalid_parameter");
    }
}

#[test]
fn a_deletion_needs_the_version_at_hand() {
    let org = Org::new(app(), "deletions");
    let deletable = changeable(&org).into_iter().filter(|thing| {
        ["/members", "/teams", "/workspaces", "/resources"]
            .iter()
            .any(|noun| thing.path.starts_with(noun))
    });
    let (owner, mut deleted) = (&org.owner, 0);
    // What others belong to goes last.
    let mut paths: Vec<_> = deletable.map(|thing| thing.path).collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in paths {
        let with = |tag: &str| owner.request("DELETE", &path).header("if-match", tag).send();
        owner.request("DELETE", &path).send().problem(428, "precondition_required");
        with("\"99\"").problem(412, "stale_version");
        let etag = owner.get(&path).expect(200).etag();
        assert_eq!(with(&etag).expect(204).text, "");
        deleted += 1;
    }
    assert_eq!(deleted, 6);
}

/// Three places where a `PUT` makes something.
fn creatable(org: &Org) -> [(String, Value); 3] {
    let (team, resource) = (org.team("creatable"), org.resource("creatable", "private"));
    let other = org.account("other");
    [
        (format!("/teams/{team}/members/{other}"), json!({"role": "member"})),
        (format!("/resources/{resource}/acl/{other}"), json!({"permission": "read"})),
        (format!("/catalog/teams/{team}/creatable"), json!({"value": [1]})),
    ]
}

#[test]
fn a_put_needs_to_say_whether_it_makes_or_changes() {
    let org = Org::new(app(), "put-needed");
    for (path, body) in creatable(&org) {
        let bare = org.owner.request("PUT", &path).json(&body).send();
        bare.problem(428, "precondition_required");
    }
}

#[test]
fn a_put_of_what_is_absent_makes_it_once() {
    let org = Org::new(app(), "put-new");
    for (path, body) in creatable(&org) {
        let made = org.owner.put_new(&path, &body).done();
        assert_eq!(made.header("etag"), "\"1\"");
        assert_eq!(org.owner.get(&path).expect(200).etag(), "\"1\"");
    }
}

/// RFC 9110, section 9.3.4: "the origin server MUST inform the user agent by sending a 201 (Created) response".
#[test]
fn a_put_that_makes_something_says_so() {
    let org = Org::new(app(), "put-created");
    for (path, body) in creatable(&org) {
        org.owner.put_new(&path, &body).expect(201);
        org.owner.put_over(&path, &body).expect(200);
    }
}

/// RFC 9110, section 13.1.2: a condition that does not hold is answered with 412.
#[test]
fn a_put_of_what_is_there_as_if_it_were_absent_fails_its_condition() {
    let org = Org::new(app(), "put-there");
    for (path, body) in creatable(&org) {
        org.owner.put_new(&path, &body).done();
        let again = org.owner.put_new(&path, &body);
        assert_eq!(again.status, 412, "{path}: {}", again.text);
    }
}

/// RFC 9110, section 13.1.1: a version of what is not there does not match.
#[test]
fn a_put_over_what_is_absent_fails_its_condition() {
    let org = Org::new(app(), "put-absent");
    for (path, body) in creatable(&org) {
        let over = org.owner.request("PUT", &path).header("if-match", "\"1\"").json(&body).send();
        assert_eq!(over.status, 412, "{path}: {}", over.text);
    }
}

#[test]
fn a_put_with_both_conditions_or_another_tag_than_any_is_refused() {
    let org = Org::new(app(), "put-odd");
    for (path, body) in creatable(&org) {
        let put = |headers: &[(&str, &str)]| {
            let request = org.owner.request("PUT", &path).json(&body);
            headers
                .iter()
                .fold(request, |request, (name, value)| request.header(name, value))
                .send()
        };
        put(&[("if-match", "\"1\""), ("if-none-match", "*")]).problem(400, "invalid_parameter");
        put(&[("if-none-match", "\"1\"")]).problem(400, "invalid_parameter");
    }
}

#[test]
fn what_is_absent_is_deleted_by_nobody() {
    let org = Org::new(app(), "delete-absent");
    for (path, _) in creatable(&org) {
        let answer = org.owner.request("DELETE", &path).header("if-match", "\"1\"").send();
        answer.problem(404, "not_found");
    }
}

#[test]
fn lists_have_no_version() {
    let org = Org::new(app(), "lists");
    for path in ["/teams", "/members", "/workspaces", "/resources", "/principals"] {
        assert_eq!(org.owner.get(path).expect(200).header("etag"), "");
    }
}

#[test]
fn of_changes_meant_for_one_version_one_is_made() {
    let org = Org::new(app(), "races");
    let path = format!("/resources/{}", org.resource("contested", "tenant"));
    let change = |n: usize| {
        let body = json!({"name": format!("contested-{n}")});
        org.owner.request("PATCH", &path).header("if-match", "\"1\"").json(&body).send().status
    };
    let change = &change;
    let mut statuses: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = (0..12).map(|n| scope.spawn(move || change(n))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [[200].as_slice(), &[412; 11]].concat());
    assert_eq!(org.owner.get(&path).etag(), "\"2\"");
}
