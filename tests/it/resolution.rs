//! Which tenant is meant: by path, host or header, all of which must agree with each other and with the token.

use crate::app::TestApp;
use crate::client::{Answer, Client, Request};
use crate::org::Org;
use crate::raw::Raw;
use crate::shared;

shared!();

/// What a request says of its tenant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources {
    pub(crate) path: Option<String>,
    pub(crate) host: Option<String>,
    pub(crate) headers: Vec<String>,
}

impl Sources {
    /// Where the paths of the tenant plane begin.
    pub(crate) fn prefix(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| "/v1/tenant".to_owned(), |tenant| format!("/v1/tenants/{tenant}"))
    }

    fn request(&self, caller: &Client) -> Request {
        self.on(caller.at(&self.prefix()).request("GET", ""))
    }

    /// What is not said by the path, on a request.
    pub(crate) fn on(&self, request: Request) -> Request {
        let request = match &self.host {
            Some(host) => request.header("host", host),
            None => request,
        };
        self.headers
            .iter()
            .fold(request, |request, tenant| request.header("freehold-tenant", tenant))
    }

    fn send(&self, caller: &Client) -> Answer {
        self.request(caller).send()
    }
}

pub(crate) fn by_path(tenant: &str) -> Sources {
    Sources { path: Some(tenant.to_owned()), ..Sources::default() }
}

pub(crate) fn by_host(tenant: &str) -> Sources {
    Sources { host: Some(format!("{tenant}.localhost")), ..Sources::default() }
}

pub(crate) fn by_header(tenant: &str) -> Sources {
    Sources { headers: vec![tenant.to_owned()], ..Sources::default() }
}

fn both(one: &Sources, other: &Sources) -> Sources {
    Sources {
        path: one.path.clone().or_else(|| other.path.clone()),
        host: one.host.clone().or_else(|| other.host.clone()),
        headers: [one.headers.clone(), other.headers.clone()].concat(),
    }
}

/// Every way to name a tenant; an id cannot be a host's name.
pub(crate) fn ways(org: &Org) -> Vec<Sources> {
    vec![
        by_path(&org.slug),
        by_path(&org.id),
        by_host(&org.slug),
        by_header(&org.slug),
        by_header(&org.id),
    ]
}

/// Pairs of sources of different kinds.
pub(crate) fn pairs(ones: &[Sources], others: &[Sources]) -> Vec<Sources> {
    let same_kind = |one: &Sources, other: &Sources| {
        (one.path.is_some() && other.path.is_some())
            || (one.host.is_some() && other.host.is_some())
            || !(one.headers.is_empty() || other.headers.is_empty())
    };
    let pairs = ones.iter().flat_map(|one| others.iter().map(move |other| (one, other)));
    pairs
        .filter(|(one, other)| !same_kind(one, other))
        .map(|(one, other)| both(one, other))
        .collect()
}

#[test]
fn a_tenant_is_named_by_path_host_or_header() {
    let org = Org::new(app(), "named");
    for sources in ways(&org) {
        let answer = sources.send(&org.owner).expect(200);
        assert_eq!(answer["slug"], "named", "{sources:?}");
    }
}

#[test]
fn a_host_is_read_without_its_port() {
    let org = Org::new(app(), "hosts");
    for host in ["hosts.localhost", "hosts.localhost:8080", "hosts.localhost:1"] {
        let sources = Sources { host: Some(host.to_owned()), ..Sources::default() };
        assert_eq!(sources.send(&org.owner).expect(200)["slug"], "hosts", "{host}");
    }
}

/// Hosts as none is spelt; `{}` is a host that would mean a tenant.
const ODD_HOSTS: &[&[u8]] = &[
    b"",
    b".",
    b"{}.",
    b"{}..",
    b".{}",
    b"a..{}",
    b"{}:",
    b"{}:0",
    b"{}:080",
    b"{}:65536",
    b"{}:99999999999",
    b"{}:80:80",
    b"{}:+80",
    b"{}:8o",
    b"{} :80",
    b"{}, {}",
    b"{};",
    b"{}/",
    b"{}?x",
    b"{}#x",
    b"{}\\",
    b"{}%2e",
    b"a {}",
    b"a\t{}",
    b"*.{}",
    b"-a.{}",
    b"a-.{}",
    b"user@{}",
    b"user:word@{}",
    b"http://{}",
    b"//{}",
    b"[{}]",
    b"\"{}\"",
    b"ACME.localhost",
    b"acme.LOCALHOST",
    b"m\xc3\xbcnchen.{}",
    b"\xff.{}",
    b"xn--.{}",
    b"xn--a.{}",
    b"xn--acme-.{}",
    b"xn--mnchen-3ya-.{}",
    b"::1",
    b"[::1",
    b"::1]",
    b"[]",
    b"[:::1]",
    b"[::1]8080",
    b"[::1]:",
    b"[::1]:http",
    b"[fe80::1%25lo]",
    b"[fe80::1%lo]:80",
    b"[127.0.0.1]",
    b"127.1",
    b"127.0.0.01",
    b"127.0.0.1.",
    b"256.0.0.1",
    b"1.2.3.4.5",
    b"0x7f.0.0.1",
    b"0x7f000001",
    b"2130706433",
    b"localhost.",
    b"LOCALHOST:8080",
];

/// A request's bytes, with a host that no client library would send.
fn with_host(path: &str, host: &[u8], caller: &Client) -> Vec<u8> {
    let end = format!("\r\nauthorization: Bearer {}\r\n\r\n", caller.token());
    [format!("GET {path} HTTP/1.1\r\nhost: ").as_bytes(), host, end.as_bytes()].concat()
}

#[test]
fn an_odd_host_is_refused_on_both_mounts_whatever_it_means() {
    let org = Org::new(app(), "odd-hosts");
    let mut raw = Raw::new(app());
    for pattern in ODD_HOSTS {
        let host = replaced(pattern, b"odd-hosts.localhost");
        for path in ["/v1/tenant", "/v1/tenants/odd-hosts", "/v1/tenants/never-was/teams"] {
            let answer = raw.send(with_host(path, &host, &org.owner));
            let found = (answer.status, answer["code"].as_str().unwrap_or_default());
            let shown = String::from_utf8_lossy(&host);
            assert_eq!(found, (400, "host_invalid"), "{shown:?} for {path}: {}", answer.text);
        }
    }
}

fn replaced(pattern: &[u8], host: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = pattern;
    while let Some(at) = rest.windows(2).position(|two| two == b"{}") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(host);
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    out
}

#[test]
fn a_host_that_is_an_address_or_some_other_name_says_nothing_of_the_tenant() {
    let org = Org::new(app(), "other-hosts");
    let mut raw = Raw::new(app());
    let hosts = [
        "localhost",
        "localhost:8080",
        "127.0.0.1",
        "127.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
        "[::ffff:127.0.0.1]:1",
        "freehold",
        "my_service:8080",
        "3f2a9c1b7d4e",
    ];
    for host in hosts {
        let ask = |path: &str| with_host(path, host.as_bytes(), &org.owner);
        let answer = raw.send(ask("/v1/tenants/other-hosts")).expect(200);
        assert_eq!(answer["slug"], "other-hosts", "{host}");
        raw.send(ask("/v1/tenant")).problem(400, "tenant_missing");
    }
    // A name that could be a tenant's own, and is nobody's.
    for host in ["other-hosts.evil.example", "localhost.evil.example", "other-hosts.localhost.com"]
    {
        let ask = |path: &str| with_host(path, host.as_bytes(), &org.owner);
        raw.send(ask("/v1/tenants/other-hosts")).expect(200);
        raw.send(ask("/v1/tenant")).problem(404, "not_found");
    }
    // Two levels below the base domain there is nobody.
    for host in ["a.other-hosts.localhost", "other-hosts.a.localhost", "xn--mnchen-3ya.localhost"] {
        let ask = |path: &str| with_host(path, host.as_bytes(), &org.owner);
        raw.send(ask("/v1/tenants/other-hosts")).problem(400, "tenant_conflict");
        raw.send(ask("/v1/tenant")).problem(404, "not_found");
    }
}

#[test]
fn a_target_in_absolute_form_says_the_same_as_the_host_to_the_letter() {
    let org = Org::new(app(), "absolute");
    let mut raw = Raw::new(app());
    let mut ask = |target: &str, host: &str| {
        let target = format!("{target}/v1/tenants/absolute");
        raw.send(with_host(&target, host.as_bytes(), &org.owner))
    };
    for host in
        ["absolute.localhost", "absolute.localhost:8080", "127.0.0.1:80", "elsewhere.example"]
    {
        ask(&format!("http://{host}"), host).expect(200);
        ask(&format!("https://{host}"), host).expect(200);
    }
    let differ = [
        ("absolute.localhost", "absolute.localhost:80"),
        ("absolute.localhost:80", "absolute.localhost"),
        ("ABSOLUTE.localhost", "absolute.localhost"),
        ("absolute.localhost.", "absolute.localhost"),
        ("user@absolute.localhost", "absolute.localhost"),
        ("elsewhere.example", "absolute.localhost"),
        ("absolute.localhost", "127.0.0.1"),
        ("127.0.0.1", "[::1]"),
    ];
    for (target, host) in differ {
        ask(&format!("http://{target}"), host).problem(400, "tenant_conflict");
    }
    for odd in ["ABSOLUTE.localhost", "absolute.localhost.", "user@absolute.localhost"] {
        ask(&format!("http://{odd}"), odd).problem(400, "host_invalid");
    }
}

/// What the HTTP library refuses before anything of ours has seen it: no handler, and no audit row.
#[test]
fn what_is_no_request_is_refused_before_it_is_one() {
    let org = Org::new(app(), "no-request");
    let token = org.owner.token();
    let hosts = [
        "host: no-request.localhost\r\nhost: no-request.localhost\r\n",
        "host: no-request.localhost\r\nHost: other.localhost\r\n",
        "host: no-request.localhost\0\r\n",
        "host: no-request\x01.localhost\r\n",
        "host : no-request.localhost\r\n",
        "host: no-request\r\n .localhost\r\n",
        "",
    ];
    for host in hosts {
        let head =
            format!("GET /v1/tenant HTTP/1.1\r\n{host}authorization: Bearer {token}\r\n\r\n");
        let answer = Raw::new(app()).send(head);
        assert_eq!((answer.status, answer.text.as_str()), (400, ""), "{host:?}");
    }
    let old = format!("GET /v1/tenant HTTP/1.0\r\nauthorization: Bearer {token}\r\n\r\n");
    Raw::new(app()).send(old).problem(400, "tenant_missing");
}

#[test]
fn sources_that_agree_may_stand_together() {
    let org = Org::new(app(), "agreeing");
    let ways = ways(&org);
    for pair in pairs(&ways, &ways) {
        pair.send(&org.owner).expect(200);
    }
    let three = both(&both(&by_path(&org.id), &by_host(&org.slug)), &by_header(&org.slug));
    three.send(&org.owner).expect(200);
}

#[test]
fn sources_that_disagree_are_refused_whatever_the_token_says() {
    let (one, other) = (Org::new(app(), "quarrel-one"), Org::new(app(), "quarrel-other"));
    let callers = [&one.owner, &other.owner, &app().operator()];
    for pair in pairs(&ways(&one), &ways(&other)) {
        for caller in callers {
            let answer = pair.send(caller);
            assert_eq!(
                (answer.status, &answer["code"]),
                (400, &"tenant_conflict".into()),
                "{pair:?}: {}",
                answer.text
            );
        }
    }
}

#[test]
fn a_tenant_that_is_there_and_one_that_never_was_disagree() {
    let org = Org::new(app(), "half-known");
    for pair in
        pairs(&ways(&org), &[by_path("never-was"), by_host("never-was"), by_header("never-was")])
    {
        pair.send(&org.owner).problem(400, "tenant_conflict");
    }
}

#[test]
fn a_header_that_stands_twice_is_refused_even_if_it_says_the_same() {
    let (org, other) = (Org::new(app(), "twice"), Org::new(app(), "twice-other"));
    for second in [&org.slug, &org.id, &other.slug] {
        let sources = both(&by_header(&org.slug), &by_header(second));
        sources.send(&org.owner).problem(400, "tenant_conflict");
    }
}

#[test]
fn a_request_that_names_no_tenant_is_told_so() {
    let org = Org::new(app(), "unnamed");
    Sources::default().send(&org.owner).problem(400, "tenant_missing");
    let elsewhere = Sources { host: Some("unnamed.example.com".to_owned()), ..Sources::default() };
    elsewhere.send(&org.owner).problem(404, "not_found");
}

#[test]
fn a_name_that_can_be_no_tenants_is_as_unknown_as_any_other() {
    let org = Org::new(app(), "odd-names");
    let unknown = by_path("never-was").send(&org.owner).problem(404, "not_found").anonymous();
    for name in ["NO", "a--b", "x", "no%20tenant", "admin", "%6fdd-names"] {
        assert_eq!(by_path(name).send(&org.owner).anonymous(), unknown, "{name}");
    }
}

#[test]
fn a_token_for_another_tenant_finds_nothing_whether_it_is_there_or_not() {
    let (own, other) = (Org::new(app(), "token-own"), Org::new(app(), "token-other"));
    let unknown = by_path("never-was").send(&own.owner).problem(404, "not_found").anonymous();
    for sources in ways(&other) {
        assert_eq!(sources.send(&own.owner).anonymous(), unknown, "{sources:?}");
    }
}

#[test]
fn the_members_of_two_tenants_reach_by_each_token_its_own() {
    let app = app();
    let (acme, globex) = (app.demo("alice"), app.caller("globex", "local|alice"));
    by_path("acme").send(&acme).expect(200);
    by_path("globex").send(&globex).expect(200);
    by_path("globex").send(&acme).problem(404, "not_found");
    by_path("acme").send(&globex).problem(404, "not_found");
}

#[test]
fn a_forwarded_header_is_refused_from_whoever_is_no_proxy() {
    let (org, other) = (Org::new(app(), "forwarded"), Org::new(app(), "forwarded-other"));
    for forwarded in [&org.slug, &other.slug] {
        let host = format!("{forwarded}.localhost");
        let headers = [
            ("x-forwarded-host", host.clone()),
            ("forwarded", format!("host={host}")),
            ("forwarded", "for=192.0.2.1".to_owned()),
        ];
        for (name, value) in headers {
            for sources in [Sources::default(), by_host(&org.slug), by_path(&org.slug)] {
                let request = sources.request(&org.owner).header(name, &value);
                request.send().problem(400, "forwarded_untrusted");
            }
        }
    }
    // What else a proxy says is nothing to us.
    let request = by_path(&org.slug).request(&org.owner).header("x-forwarded-for", "192.0.2.1");
    request.header("x-forwarded-proto", "https").send().expect(200);
}

#[test]
fn a_forwarded_host_counts_from_a_proxy_that_is_trusted() {
    let settings = [
        ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("FREEHOLD__HTTP__BASE_DOMAINS", "example.com,example.org"),
    ];
    let app = TestApp::serve_at(&crate::app::Place::new(), &settings);
    let org = Org::new(&app, "proxied");
    let with = |headers: &[(&str, &str)]| {
        let request = Sources::default().request(&org.owner);
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    };
    let by = |host: &str| with(&[("x-forwarded-host", host)]);
    by("proxied.example.com").expect(200);
    by("proxied.example.org").expect(200);
    by("example.org").problem(400, "tenant_missing");
    by("proxied.localhost").problem(404, "not_found");
    by("other.example.com").problem(404, "not_found");
    by("proxied.example.com, proxied.example.com").problem(400, "tenant_conflict");
    by("proxied.example.com.").problem(400, "host_invalid");
    by("").problem(400, "host_invalid");
    let by = |value: &str| with(&[("forwarded", value)]);
    by("for=192.0.2.1;host=proxied.example.com").expect(200);
    by("for=\"[2001:db8::1]:80\", for=192.0.2.2;HOST=\"proxied.example.com:443\"").expect(200);
    by("for=192.0.2.1").problem(400, "tenant_missing");
    by("host=proxied.example.com, host=proxied.example.com").problem(400, "tenant_conflict");
    by("host=\"proxied.example.com").problem(400, "host_invalid");
    by("proxied.example.com").problem(400, "host_invalid");
    let twice =
        |name| with(&[(name, "host=proxied.example.com"), (name, "host=proxied.example.com")]);
    twice("forwarded").problem(400, "tenant_conflict");
    twice("x-forwarded-host").problem(400, "tenant_conflict");
    let slug = "proxied.example.com";
    with(&[("x-forwarded-host", slug), ("forwarded", "host=proxied.example.com")]).expect(200);
    let other = with(&[("x-forwarded-host", slug), ("forwarded", "host=other.example.com")]);
    other.problem(400, "tenant_conflict");
}

#[test]
fn refusals_are_audited_by_the_platform() {
    let app = TestApp::dev();
    let rows = || app.db("platform").audited("tenant.resolve", "deny");
    let (alice, erin, carol) = (app.demo("alice"), app.demo("erin"), app.demo("carol"));
    assert_eq!(rows(), 0);
    by_path("globex").send(&alice).problem(404, "not_found");
    assert_eq!(rows(), 1);
    both(&by_path("globex"), &by_header("acme")).send(&erin).problem(400, "tenant_conflict");
    assert_eq!(rows(), 2);
    both(&by_header("acme"), &by_header("acme")).send(&carol).problem(400, "tenant_conflict");
    assert_eq!(rows(), 3, "a doubled header is a disagreement, too");
    let (dave, bob) = (app.caller("acme", "local|dave"), app.caller("acme", "local|bob"));
    Sources { host: Some("ACME.localhost".to_owned()), ..by_path("acme") }
        .send(&dave)
        .problem(400, "host_invalid");
    let forwarded = by_path("acme").request(&bob).header("forwarded", "host=acme.localhost");
    forwarded.send().problem(400, "forwarded_untrusted");
    let codes = "select target_tenant || ' ' || json_extract(summary, '$.code') from audit_log
        where action = 'tenant.resolve' order by seq";
    let expected = [
        "globex not_found",
        "globex tenant_conflict",
        "- tenant_conflict",
        "acme host_invalid",
        "acme forwarded_untrusted",
    ];
    assert_eq!(app.db("platform").texts(codes, &[]), expected);
}

#[test]
fn an_audited_refusal_says_who_asked_for_what() {
    let app = TestApp::dev();
    let erin = app.demo("erin");
    let request = by_path("acme").request(&erin).header("x-request-id", "nosy");
    request.send().problem(404, "not_found");
    let columns = "select actor || ' ' || target_tenant || ' ' || decision || ' ' || request_id
        from audit_log where action = 'tenant.resolve'";
    let me = erin.get("/v1/me").expect(200);
    let expected = format!("account:{} acme deny nosy", me["account"]["id"].as_str().unwrap());
    assert_eq!(app.db("platform").texts(columns, &[]), [expected]);
}
