//! `/audit` and `/v1/platform/audit`: what was decided, as those read it whom it concerns.

use serde_json::{Value, json};

use crate::client::Client;
use crate::org::Org;
use crate::shared;

shared!();

fn seqs(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row["seq"].as_i64().unwrap()).collect()
}

/// The platform's log, by the host.
fn platform() -> Client {
    app().host().at("/v1/platform")
}

#[test]
fn the_log_is_read_from_its_newest_row_to_its_first() {
    let org = Org::new(app(), "audit-order");
    (0..5).for_each(|n| drop(org.team(&format!("team {n}"))));
    let whole = org.owner.all("/audit", 200);
    let rows = app().db(&org.id).number("select max(seq) from audit_log", &[]);
    assert_eq!(seqs(&whole), (1..=rows).rev().collect::<Vec<_>>());
    assert_eq!(org.admin.all("/audit", 2), whole);
    assert_eq!(org.admin.all("/audit?action=team.create", 2).len(), 5);
}

#[test]
fn a_row_says_everything_that_was_written_down() {
    let org = Org::new(app(), "audit-row");
    let resource = org.resource("thing", "tenant");
    let path = format!("/resources/{resource}");
    let request = org.admin.request("PATCH", &path).header("if-match", "\"1\"");
    let request = request.header("x-request-id", "audit-row-1");
    request.json(&json!({"name": "thing 2"})).send().expect(200);
    let row = &org.owner.get("/audit?limit=1").expect(200)["items"][0];
    let account = org.account("admin");
    let own = format!("tenant:{}", org.id);
    for (member, expected) in [
        ("actor", json!(format!("account:{account}"))),
        ("account_id", json!(account)),
        ("on_behalf", json!("host")),
        ("tenant_id", json!(org.id)),
        ("tenant_ref", json!(own)),
        ("actor_tenant_id", json!(org.id)),
        ("actor_tenant_ref", json!(own)),
        ("target_tenant_id", json!(org.id)),
        ("target_tenant_ref", json!(own)),
        ("target_type", json!("resource")),
        ("target_id", json!(resource)),
        ("resource_id", json!(resource)),
        ("workspace_id", json!(org.everyone)),
        ("action", json!("resource.update")),
        ("decision", json!("permit")),
        ("request_id", json!("audit-row-1")),
    ] {
        assert_eq!(row[member], expected, "{member}");
    }
    assert!(row["policies"].as_array().unwrap().contains(&json!("admin")), "{row}");
    assert_eq!(row["summary"]["event"], "resource.updated", "{row}");
    let db = app().db(&org.id);
    let hash = db.texts("select hash from audit_log order by seq desc limit 1", &[]);
    assert_eq!(row["hash"], hash[0]);
}

#[test]
fn filters_leave_what_they_say() {
    let org = Org::new(app(), "audit-filters");
    let team = org.team("filtered");
    let request = org.guest.request("POST", "/teams").header("traceparent", TRACEPARENT);
    request.json(&json!({"name": "x"})).send().problem(403, "forbidden");
    let found = |filter: &str| org.owner.all(&format!("/audit?{filter}"), 200);
    let guest = format!("account:{}", org.account("guest"));
    for filter in [
        format!("actor={guest}"),
        "decision=deny".to_owned(),
        format!("correlation_id={TRACE}"),
        format!("action=team.*&decision=deny&target_type=tenant&target_id={}", org.id),
        format!("action=*&actor={guest}&from=2020-01-01T00:00:00Z&to=2100-01-01T00:00:00Z"),
    ] {
        let rows = found(&filter);
        assert_eq!(rows.len(), 1, "{filter}: {rows:?}");
        assert_eq!((&rows[0]["action"], &rows[0]["actor"]), (&json!("team.create"), &json!(guest)));
    }
    let created = found("action=team.create&decision=permit");
    assert_eq!(created[0]["summary"]["data"]["id"], json!(team));
    let at = created[0]["at"].as_str().unwrap();
    assert_eq!(found(&format!("action=team.create&to={at}")).len(), 0);
    assert_eq!(found(&format!("action=team.create&from={at}")).len(), 2);
    for filter in ["action=team.*&decision=permit&actor=host", "action=team", "actor=nobody"] {
        assert_eq!(found(filter), Vec::<Value>::new(), "{filter}");
    }
}

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn a_filter_that_is_none_is_refused_by_its_name() {
    let org = Org::new(app(), "audit-bad-filters");
    for (filter, field) in [
        ("action=Team.create", "action"),
        ("action=a.b.c", "action"),
        ("decision=maybe", "decision"),
        ("from=yesterday", "from"),
        ("to=1", "to"),
        ("odd=1", "odd"),
        ("limit=201", "limit"),
    ] {
        let refused = org.owner.get(&format!("/audit?{filter}"));
        assert_eq!(refused.fields(), [field], "{}", refused.text);
        refused.problem(400, "invalid_parameter");
    }
}

#[test]
fn each_plane_reads_its_own_log() {
    let org = Org::new(app(), "audit-planes");
    let here = org.owner.all("/audit", 200);
    assert!(here.iter().all(|row| row["tenant_id"] == json!(org.id)), "{here:?}");
    let there = platform().all("/audit", 200);
    assert!(!there.is_empty());
    for row in &there {
        assert_eq!(
            (&row["tenant_id"], &row["tenant_ref"]),
            (&Value::Null, &json!("tenant:platform"))
        );
    }
    let about = platform().all(&format!("/audit?action=tenant.*&target_id={}", org.id), 200);
    for row in &about {
        assert_eq!(row["target_tenant_ref"], json!(format!("tenant:{}", org.id)), "{row}");
    }
    let by_host = platform().all("/audit?actor=host&action=token.create", 200);
    assert!(!by_host.is_empty());
    assert!(by_host.iter().all(|row| row["actor_tenant_ref"] == "tenant:platform"), "{by_host:?}");
}

#[test]
fn a_tenants_log_is_for_its_administrators_and_the_platforms_for_operators() {
    let org = Org::new(app(), "audit-readers");
    for list in ["/audit", "/events"] {
        for caller in [&org.owner, &org.admin] {
            caller.get(list).expect(200);
            caller.root().get(&format!("/v1/platform{list}")).problem(404, "not_found");
        }
        for caller in [&org.member, &org.guest] {
            caller.get(list).problem(403, "forbidden");
        }
        org.seen_by(&app().operator()).get(list).problem(404, "not_found");
        app().operator().get(&format!("/v1/platform{list}")).expect(200);
    }
}

/// The name of the platform is a name in rows and in no address.
#[test]
fn no_tenant_route_takes_the_platform_for_a_tenant() {
    let org = Org::new(app(), "audit-platform");
    let own = org.owner.root();
    for caller in [app().host(), app().operator(), own.clone()] {
        for name in [
            "platform",
            "tenant:platform",
            "tenant%3Aplatform",
            "00000000-0000-0000-0000-000000000000",
        ] {
            for list in ["", "/audit", "/events", "/members"] {
                let path = format!("/v1/tenants/{name}{list}");
                caller.get(&path).problem(404, "not_found");
            }
        }
        for name in ["platform", "tenant:platform"] {
            let by_header = caller.request("GET", "/v1/tenant/audit");
            by_header.header("freehold-tenant", name).send().problem(404, "not_found");
        }
        let by_host =
            caller.request("GET", "/v1/tenant/audit").header("host", "platform.localhost");
        by_host.send().problem(404, "not_found");
        let odd = caller.request("GET", "/v1/tenant/audit").header("host", "tenant:platform");
        odd.send().problem(400, "host_invalid");
        // Named twice, once rightly, it disagrees.
        let path = format!("/v1/tenants/{}/audit", org.slug);
        let both = caller.request("GET", &path).header("freehold-tenant", "platform");
        both.send().problem(400, "tenant_conflict");
    }
    let made = json!({"slug": "platform", "name": "Platform"});
    app().operator().post("/v1/platform/tenants", &made).problem(422, "invalid");
}
