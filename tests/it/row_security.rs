//! `/v1/platform/tenants/{tenant}/row-security` and `/row-security`: the mode is the platform's, the report the tenant's.

use rusqlite::Connection;
use serde_json::{Value, json};

use crate::app::{TestApp, eventually};
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::shared;

shared!();

const REPORT: &str = "/row-security/report";

fn path(org: &Org) -> String {
    format!("/v1/platform/tenants/{}/row-security", org.slug)
}

fn set(org: &Org, mode: &str) -> Answer {
    org.app.host().put_over(&path(org), &json!({"mode": mode})).expect(200)
}

/// A tenant with a resource of each visibility, of which a member sees two and a guest none.
fn three(org: &Org) -> [String; 3] {
    ["private", "workspace", "tenant"].map(|visibility| org.resource(visibility, visibility))
}

fn names(caller: &Client) -> Vec<String> {
    caller.column("/resources?sort=name", "name")
}

#[test]
fn an_operator_changes_the_mode_as_it_stood() {
    let org = Org::new(app(), "modes");
    let operator = app().operator();
    let found = operator.get(&path(&org)).expect(200);
    assert_eq!((found["mode"].as_str(), found.id()), (Some("enforce"), org.id.clone()));
    let put = |etag: &str, mode: &str| {
        let request = operator.request("PUT", &path(&org)).header("if-match", etag);
        request.json(&json!({"mode": mode})).send()
    };
    let bare = operator.request("PUT", &path(&org)).json(&json!({"mode": "off"})).send();
    bare.problem(428, "precondition_required");
    put("\"77\"", "off").problem(412, "stale_version");
    assert_eq!(operator.get(&path(&org)).expect(200).json, found.json, "nothing happened");

    let changed = put(&found.etag(), "shadow").expect(200);
    assert_eq!(changed["mode"], "shadow");
    assert_eq!(changed["version"].as_i64().unwrap(), found["version"].as_i64().unwrap() + 1);
    let again = operator.get(&path(&org)).expect(200);
    assert_eq!((again.etag(), &again.json), (changed.etag(), &changed.json));
    let entry = operator.get("/v1/platform/tenants/modes").expect(200);
    assert_eq!(entry.etag(), changed.etag(), "one version for the tenant's entry");
    put(&found.etag(), "off").problem(412, "stale_version");
    let by_id = format!("/v1/platform/tenants/{}/row-security", org.id);
    assert_eq!(operator.get(&by_id).expect(200).json, changed.json, "by its id");
    operator.get("/v1/platform/tenants/no-such/row-security").problem(404, "not_found");
}

#[test]
fn a_mode_that_is_none_is_refused_by_its_field() {
    let org = Org::new(app(), "odd-modes");
    let put = |body: &Value| app().operator().put_over(&path(&org), body);
    for mode in [json!("none"), json!("Off"), json!(""), json!(1), json!(null), json!(["off"])] {
        let refused = put(&json!({"mode": mode})).problem(422, "invalid");
        assert_eq!(refused.fields(), ["/mode"], "{mode}");
    }
    assert_eq!(put(&json!({})).problem(422, "invalid").fields(), ["/mode"]);
    let odd = put(&json!({"mode": "off", "until": "later"})).problem(422, "invalid");
    assert_eq!(odd.fields(), ["/until"]);
    assert_eq!(app().operator().get(&path(&org)).expect(200)["mode"], "enforce");
}

#[test]
fn a_change_of_the_mode_is_audited_with_its_event() {
    let org = Org::new(app(), "audited-modes");
    let operator = app().operator();
    let etag = operator.get(&path(&org)).etag();
    let request = operator.request("PUT", &path(&org)).header("if-match", &etag);
    let request = request.header("x-request-id", "mode-change").json(&json!({"mode": "off"}));
    request.send().expect(200);
    let db = app().db("platform");
    let row = "select action || ' ' || decision || ' ' || target_type || ' ' || target_id
        from audit_log where request_id = 'mode-change'";
    assert_eq!(db.texts(row, &[]), [format!("row_security.update permit tenant {}", org.id)]);
    let event = "select type || ' ' || json_extract(data, '$.mode') from outbox_events
        where correlation_id = 'mode-change'";
    assert_eq!(db.texts(event, &[]), ["row_security.updated off"]);
}

#[test]
fn nobody_of_a_tenant_changes_its_mode() {
    let org = Org::new(app(), "not-theirs");
    let etag = app().operator().get(&path(&org)).etag();
    for caller in [&org.owner, &org.admin, &org.member, &org.guest] {
        caller.root().get(&path(&org)).problem(404, "not_found");
        let request = caller.root().request("PUT", &path(&org)).header("if-match", &etag);
        request.json(&json!({"mode": "off"})).send().problem(404, "not_found");
    }
    app().stranger().get(&path(&org)).problem(401, "unauthenticated");
    assert_eq!(app().operator().get(&path(&org)).etag(), etag);
}

#[test]
fn an_auditor_and_support_see_the_mode_and_do_not_change_it() {
    let app = TestApp::dev();
    let roles = ["auditor", "support"];
    let accounts = roles.map(|role| app.account(role));
    Org::new(&app, "watched");
    let place = app.stop();
    let registry = Connection::open(place.data().join("registry.db")).unwrap();
    for (account, role) in accounts.iter().zip(roles) {
        let sql = "insert into operators (account_id, role, created_at, updated_at)
            values (?1, ?2, 1, 1)";
        registry.execute(sql, [account.as_str(), role]).unwrap();
    }
    drop(registry);
    let app = TestApp::dev_at(&place);
    let path = "/v1/platform/tenants/watched/row-security";
    for account in &accounts {
        let caller = app.person(account);
        assert_eq!(caller.get(path).expect(200)["mode"], "enforce");
        caller.put_over(path, &json!({"mode": "off"})).problem(403, "forbidden");
    }
    assert_eq!(app.operator().get(path).expect(200)["mode"], "enforce");
    assert_eq!(app.db("platform").audited("row_security.update", "deny"), 2);
}

#[test]
fn a_mode_is_in_force_with_the_next_request() {
    let org = Org::new(app(), "in-force");
    let [private, ..] = three(&org);
    let all = ["private", "tenant", "workspace"];
    let path = format!("/resources/{private}");
    for _ in 0..3 {
        for mode in ["off", "shadow"] {
            set(&org, mode);
            assert_eq!(names(&org.member), all, "{mode}");
            assert_eq!(names(&org.guest), all, "{mode}");
            assert_eq!(org.guest.get(&path).expect(200)["permission"], "read");
            org.guest.patch(&path, &json!({"name": "x"})).problem(403, "forbidden");
            org.guest.delete(&path).problem(403, "forbidden");
            org.guest.get(&format!("{path}/acl")).problem(403, "forbidden");
            for caller in [&app().operator(), &app().host()] {
                org.seen_by(caller).get("/resources").problem(404, "not_found");
            }
            assert_eq!(org.admin.get("/row-security").expect(200)["mode"], mode);
        }
        set(&org, "enforce");
        assert_eq!(names(&org.member), ["tenant", "workspace"]);
        assert_eq!(names(&org.guest), Vec::<String>::new());
        org.guest.get(&path).problem(404, "not_found");
        org.guest.delete(&path).problem(404, "not_found");
    }
}

/// The report's lines, as principal, reason and rows.
fn lines(report: &[Value]) -> Vec<(String, String, i64)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let line = |it: &Value| (text(&it["principal_id"]), text(&it["reason"]), it["rows"].as_i64());
    report.iter().map(line).map(|(who, why, rows)| (who, why, rows.unwrap())).collect()
}

#[test]
fn the_report_says_what_was_delivered_to_whom_and_why_it_would_have_been_withheld() {
    let org = Org::new(app(), "reported");
    let [private, ..] = three(&org);
    assert_eq!(org.owner.all(REPORT, 50), Vec::<Value>::new());
    set(&org, "shadow");
    assert_eq!(names(&org.member).len(), 3);
    org.guest.get(&format!("/resources/{private}")).expect(200);
    assert_eq!(org.guest.all("/resources", 2).len(), 3, "on two pages");
    assert_eq!(
        org.guest.get("/resources?limit=1").expect(200)["items"].as_array().unwrap().len(),
        1
    );
    org.owner.get(&format!("/resources/{private}")).expect(200);
    let (member, guest) = (org.account("member"), org.account("guest"));
    let mut expected = vec![
        (guest.clone(), "guest".to_owned(), 1),
        (guest.clone(), "outside_workspace".to_owned(), 1),
        // By its id, on a page, and alone on a page.
        (guest.clone(), "private".to_owned(), 3),
        (member, "private".to_owned(), 1),
    ];
    expected.sort();
    for limit in [1, 3, 50] {
        assert_eq!(lines(&org.admin.all(REPORT, limit)), expected, "{limit} on a page");
    }
    let of_guest = org.admin.all(&format!("{REPORT}?principal_id={guest}"), 2);
    assert_eq!(of_guest.len(), 3);
    assert!(of_guest.iter().any(|it| it["last_resource_id"] == json!(private)));
    let sum = org.owner.get("/row-security").expect(200);
    assert_eq!(sum.json, json!({"mode": "shadow", "rows": 6, "principals": 2}));

    for mode in ["off", "enforce"] {
        set(&org, mode);
        names(&org.guest);
        assert_eq!(lines(&org.owner.all(REPORT, 50)), expected, "nothing is counted in {mode}");
    }
}

#[test]
fn the_report_is_for_those_who_administer_the_tenant() {
    let (org, other) = (Org::new(app(), "told"), Org::new(app(), "not-told"));
    for path in ["/row-security", REPORT] {
        for caller in [&org.owner, &org.admin] {
            caller.get(path).expect(200);
        }
        for caller in [&org.member, &org.guest] {
            caller.get(path).problem(403, "forbidden");
        }
        for caller in [&other.owner, &app().operator(), &app().host()] {
            org.seen_by(caller).get(path).problem(404, "not_found");
        }
        org.seen_by(&app().stranger()).get(path).problem(401, "unauthenticated");
    }
    let cursor = org.owner.get(&format!("{REPORT}?cursor=nonsense"));
    cursor.problem(400, "invalid_parameter");
    let odd = org.owner.get(&format!("{REPORT}?principal_id=nobody"));
    assert_eq!(odd.problem(400, "invalid_parameter").fields(), ["principal_id"]);
}

#[test]
fn what_was_counted_outlives_the_server_and_each_row_is_logged() {
    let app = TestApp::serve();
    let (guest, private, expected) = {
        let org = Org::new(&app, "lasting");
        let [private, ..] = three(&org);
        set(&org, "shadow");
        assert_eq!(names(&org.guest).len(), 3);
        let guest = org.account("guest");
        let expected = ["guest", "outside_workspace", "private"];
        let expected = expected.map(|reason| (guest.clone(), reason.to_owned(), 1));
        (guest, private, expected)
    };
    let logged = eventually(|| {
        let log = app.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let mut lines = lines.filter(|line| line["fields"]["resource.id"] == json!(private));
        lines.find(|line| line["fields"]["reason"] == "private")
    });
    assert_eq!(logged["fields"]["principal.id"], json!(guest), "{logged}");
    let place = app.stop();
    let app = TestApp::dev_at(&place);
    let owner = app.caller("lasting", "import|lasting-owner").at("/v1/tenants/lasting");
    assert_eq!(lines(&owner.all(REPORT, 50)), expected);
}
