//! Which tenant is meant: by path, host or header, all of which must agree with each other and with the token.

use crate::app::TestApp;
use crate::client::{Answer, Client, Request};
use crate::org::Org;
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
fn a_host_is_read_without_its_port_case_and_last_dot() {
    let org = Org::new(app(), "hosts");
    for host in
        ["hosts.localhost:8080", "HOSTS.LocalHost", "hosts.localhost.", "hosts.localhost.:80"]
    {
        let sources = Sources { host: Some(host.to_owned()), ..Sources::default() };
        assert_eq!(sources.send(&org.owner).expect(200)["slug"], "hosts", "{host}");
    }
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
    elsewhere.send(&org.owner).problem(400, "tenant_missing");
}

#[test]
fn a_name_that_can_be_no_tenants_is_as_unknown_as_any_other() {
    let org = Org::new(app(), "odd-names");
    let unknown = by_path("never-was").send(&org.owner).problem(404, "not_found").anonymous();
    for name in ["NO", "a--b", "x", "no%20tenant", "admin"] {
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
fn a_forwarded_host_counts_from_nobody() {
    let (org, other) = (Org::new(app(), "forwarded"), Org::new(app(), "forwarded-other"));
    for forwarded in [&org.slug, &other.slug] {
        let host = format!("{forwarded}.localhost");
        let with = |sources: Sources| {
            sources
                .request(&org.owner)
                .header("x-forwarded-host", &host)
                .header("forwarded", &format!("host={host}"))
        };
        with(Sources::default()).send().problem(400, "tenant_missing");
        with(by_host(&org.slug)).send().expect(200);
    }
}

#[test]
fn a_forwarded_host_counts_from_a_proxy_that_is_trusted() {
    let settings = [
        ("FREEHOLD__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("FREEHOLD__HTTP__BASE_DOMAINS", "example.com,example.org"),
    ];
    let app = TestApp::serve_at(&crate::app::Place::new(), &settings);
    let org = Org::new(&app, "proxied");
    let forwarded =
        |host: &str| Sources::default().request(&org.owner).header("x-forwarded-host", host).send();
    forwarded("proxied.example.com").expect(200);
    forwarded("proxied.example.org").expect(200);
    forwarded("proxied.localhost").problem(400, "tenant_missing");
    forwarded("other.example.com").problem(404, "not_found");
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
