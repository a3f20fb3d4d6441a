//! `/v1/platform/tenants/{tenant}/hosts`: host names that mean a tenant.

use serde_json::json;

use crate::client::{Answer, Client, fill};
use crate::org::Org;
use crate::shared;

shared!();

/// A tenant, its hosts, and the operator who keeps them.
struct Kept {
    org: Org<'static>,
    hosts: Client,
}

impl Kept {
    fn new(slug: &str) -> Self {
        let hosts = app().operator().at(&format!("/v1/platform/tenants/{slug}/hosts"));
        Self { org: Org::new(app(), slug), hosts }
    }

    fn put(&self, host: &str) -> Answer {
        let request = self.hosts.request("PUT", &format!("/{host}"));
        request.header("if-none-match", "*").send()
    }

    fn delete(&self, host: &str) -> Answer {
        self.hosts.delete(&format!("/{host}"))
    }
}

/// Asks for a tenant's entry by a host alone.
fn by(caller: &Client, host: &str) -> Answer {
    caller.root().request("GET", "/v1/tenant").header("host", host).send()
}

#[test]
fn a_host_name_is_registered_read_renewed_and_taken_away() {
    let kept = Kept::new("host-life");
    kept.hosts.get("/acme.example").problem(404, "not_found");
    let made = kept.put("acme.example").expect(201);
    assert_eq!((&made["id"], &made["host"]), (&json!("acme.example"), &json!("acme.example")));
    assert_eq!((&made["tenant_id"], &made["version"]), (&json!(kept.org.id), &json!(1)));
    assert_eq!(kept.hosts.get("/acme.example").expect(200).json, made.json);
    let renewed = kept.hosts.put_over("/acme.example", &json!(null)).expect(200);
    assert_eq!((&renewed["version"], renewed.header("etag")), (&json!(2), "\"2\""));
    assert_eq!(kept.hosts.all("", 50), [renewed.json]);
    kept.delete("acme.example").expect(204);
    kept.hosts.get("/acme.example").problem(404, "not_found");
    assert!(kept.hosts.all("", 50).is_empty());
}

#[test]
fn a_registered_host_means_its_tenant() {
    let kept = Kept::new("host-means");
    kept.put("means.example").expect(201);
    for host in ["means.example", "means.example:8080"] {
        assert_eq!(by(&kept.org.owner, host).expect(200)["slug"], "host-means", "{host}");
    }
    let path = kept.org.owner.request("GET", "").header("host", "means.example");
    path.send().expect(200);
    by(&kept.org.owner, "sub.means.example").problem(404, "not_found");
}

#[test]
fn a_put_says_what_it_is_meant_for() {
    let kept = Kept::new("host-puts");
    let put = |headers: &[(&str, &str)]| {
        let request = kept.hosts.request("PUT", "/puts.example");
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    put(&[]).problem(428, "precondition_required");
    put(&[("if-match", "\"1\"")]).problem(412, "stale_version");
    put(&[("if-none-match", "*"), ("if-match", "\"1\"")]).problem(400, "invalid_parameter");
    put(&[("if-none-match", "*")]).expect(201);
    put(&[("if-none-match", "*")]).problem(412, "stale_version");
    put(&[("if-match", "\"2\"")]).problem(412, "stale_version");
    let delete =
        |tag: &str| kept.hosts.request("DELETE", "/puts.example").header("if-match", tag).send();
    kept.hosts.request("DELETE", "/puts.example").send().problem(428, "precondition_required");
    delete("\"2\"").problem(412, "stale_version");
    delete("\"1\"").expect(204);
    delete("\"1\"").problem(404, "not_found");
}

#[test]
fn a_host_name_means_one_tenant() {
    let (one, other) = (Kept::new("host-one"), Kept::new("host-other"));
    one.put("contested.example").expect(201);
    other.put("contested.example").problem(409, "host_taken");
    let over = other.hosts.request("PUT", "/contested.example").header("if-match", "\"1\"");
    over.send().problem(409, "host_taken");
    other.hosts.get("/contested.example").problem(404, "not_found");
    let delete = other.hosts.request("DELETE", "/contested.example").header("if-match", "\"1\"");
    delete.send().problem(404, "not_found");
    assert_eq!(by(&one.org.owner, "contested.example").expect(200)["slug"], "host-one");
}

#[test]
fn of_many_that_ask_for_one_host_at_once_one_gets_it() {
    let tenants: Vec<_> = (0..4).map(|n| Kept::new(&format!("host-race-{n}"))).collect();
    let put = |kept: &Kept| kept.put("race.example").status;
    let put = &put;
    let mut statuses: Vec<_> = std::thread::scope(|scope| {
        let running: Vec<_> = tenants.iter().map(|kept| scope.spawn(move || put(kept))).collect();
        running.into_iter().map(|one| one.join().unwrap()).collect()
    });
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409]);
}

#[test]
fn a_host_that_goes_to_another_tenant_means_that_one_at_once() {
    let (one, other) = (Kept::new("recycled-one"), Kept::new("recycled-other"));
    for _ in 0..3 {
        one.put("recycled.example").expect(201);
        assert_eq!(by(&one.org.owner, "recycled.example").expect(200)["slug"], "recycled-one");
        by(&other.org.owner, "recycled.example").problem(404, "not_found");
        one.delete("recycled.example").expect(204);
        by(&one.org.owner, "recycled.example").problem(404, "not_found");
        other.put("recycled.example").expect(201);
        by(&one.org.owner, "recycled.example").problem(404, "not_found");
        let with_path = one.org.owner.request("GET", "").header("host", "recycled.example");
        with_path.send().problem(400, "tenant_conflict");
        let served = by(&other.org.owner, "recycled.example").expect(200);
        assert_eq!(served["slug"], "recycled-other");
        other.delete("recycled.example").expect(204);
    }
}

#[test]
fn a_host_of_a_tenant_out_of_service_says_so_to_its_own_callers_alone() {
    let (kept, other) = (Kept::new("host-out"), Kept::new("host-in"));
    kept.put("out.example").expect(201);
    let act = |verb: &str| app().operator().act(&format!("/v1/platform/tenants/host-out/{verb}"));
    act("suspend").expect(200);
    by(&kept.org.owner, "out.example").problem(403, "tenant_suspended");
    by(&other.org.owner, "out.example").problem(404, "not_found");
    act("resume").expect(200);
    by(&kept.org.owner, "out.example").expect(200);
}

#[test]
fn somebody_elses_host_is_answered_as_one_that_is_nobodys() {
    let (kept, other) = (Kept::new("host-hidden"), Kept::new("host-curious"));
    kept.put("hidden.example").expect(201);
    let unknown = by(&other.org.owner, "nobodys.example").problem(404, "not_found");
    let hidden = by(&other.org.owner, "hidden.example");
    assert_eq!(hidden.anonymous(), unknown.anonymous());
    // Nor does it tell whether it belongs to the tenant that another source names.
    for path in ["/v1/tenants/host-hidden", "/v1/tenants/never-was"] {
        for host in ["hidden.example", "nobodys.example"] {
            let request = other.org.owner.at(path).request("GET", "").header("host", host);
            assert_eq!(request.send().anonymous(), unknown.anonymous(), "{path} at {host}");
        }
    }
}

#[test]
fn a_host_name_is_registered_in_its_one_spelling() {
    let kept = Kept::new("host-spelt");
    let cases = [
        ("Acme.Example", "must be spelt acme.example"),
        ("acme.example.", "must be spelt acme.example"),
        ("m%C3%BCnchen.example", "must be spelt xn--mnchen-3ya.example"),
        ("acme%E3%80%82example", "must be spelt acme.example"),
        ("xn--MNCHEN-3ya.example", "must be spelt xn--mnchen-3ya.example"),
        ("acme", "must have two labels at least, as acme.com has"),
        ("127.0.0.1", "must be a name and no address: its last label begins with a letter"),
        ("127.1", "must be a name and no address: its last label begins with a letter"),
        ("0x7f.0x1", "must be a name and no address: its last label begins with a letter"),
        ("acme.123", "must be a name and no address: its last label begins with a letter"),
    ];
    for (host, detail) in cases {
        let answer = kept.put(host).problem(422, "invalid");
        assert_eq!(answer.fields(), ["host"], "{host}");
        assert_eq!(answer["errors"][0]["detail"], detail, "{host}");
        kept.hosts.get(&format!("/{host}")).problem(404, "not_found");
    }
    let label = format!("{}.example", "a".repeat(64));
    let long = ["a23456789."; 26].concat() + "com";
    for host in [
        "acme.example:80",
        "user@acme.example",
        "*.example",
        "acme..example",
        ".example",
        "-acme.example",
        "acme-.example",
        "a_b.example",
        "a%20b.example",
        "a%00.example",
        "xn--a.example",
        "[::1]",
        "%5B::1%5D",
        "acme.example%2Fx",
        "a,b.example",
        "2130706433",
        "..",
        &label,
        &long,
    ] {
        // A path of dots is gone before it is sent.
        if host != ".." {
            kept.put(host).problem(422, "invalid");
        }
    }
    assert!(kept.hosts.all("", 50).is_empty());
}

#[test]
fn what_means_slugs_is_registered_for_nobody() {
    let kept = Kept::new("host-base");
    for host in ["acme.localhost", "host-base.localhost", "a.b.localhost"] {
        let answer = kept.put(host).problem(422, "invalid");
        assert_eq!(answer.fields(), ["host"], "{host}");
    }
    kept.put("notlocalhost.example").expect(201);
    kept.put("acme.notlocalhost").expect(201);
}

#[test]
fn a_tenant_has_a_hundred_host_names_at_most_however_many_ask_at_once() {
    let kept = Kept::new("host-limit");
    kept.put("n0.limit.example").expect(201);
    fill(99, "host_limit", |n| {
        let request = kept.hosts.request("PUT", &format!("/more-{n}.limit.example"));
        request.header("if-none-match", "*")
    });
    kept.put("one-more.limit.example").problem(409, "host_limit");
    let count = "select count(*) from tenant_hosts where tenant_id = ?1";
    assert_eq!(app().db("platform").number(count, &[&kept.org.id]), 100);
    kept.delete("n0.limit.example").expect(204);
    kept.put("one-more.limit.example").expect(201);
    assert_eq!(kept.hosts.all("", 30).len(), 100);
}

#[test]
fn hosts_of_a_tenant_that_is_not_there_are_not_found() {
    let operator = app().operator().at("/v1/platform/tenants/never-was/hosts");
    operator.get("").problem(404, "not_found");
    operator.get("/acme.example").problem(404, "not_found");
    let put = operator.request("PUT", "/acme.example").header("if-none-match", "*");
    put.send().problem(404, "not_found");
}

#[test]
fn hosts_are_kept_on_the_command_line() {
    let kept = Kept::new("host-cli");
    let run = |words: &str| app().freehold(&words.split(' ').collect::<Vec<_>>());
    let added = run("tenant host add host-cli München.Example. --json").ended(0).json();
    assert_eq!(added["host"], "xn--mnchen-3ya.example");
    let again = run("tenant host add host-cli xn--mnchen-3ya.example --json").ended(0).json();
    assert_eq!(again, added, "what is there stays as it is");
    let listed = run("tenant host list host-cli --json").ended(0).json();
    assert_eq!(listed, json!([added]));
    let shown = run(&format!("tenant host list {}", kept.org.id)).ended(0).out;
    assert!(shown.contains("xn--mnchen-3ya.example"), "{shown}");
    run("tenant host add host-cli 127.0.0.1").ended(1);
    let refused = run("tenant host add host-cli acme.localhost").ended(1);
    assert!(refused.err.contains("base domain"), "{refused:?}");
    run("tenant host remove host-cli MÜNCHEN.example").ended(0);
    run("tenant host remove host-cli münchen.example").ended(1);
    assert!(kept.hosts.all("", 50).is_empty());
}
