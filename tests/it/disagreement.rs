//! Every pair of sources that disagree about the tenant, on servers that trust nobody, somebody else, and the caller.
//!
//! Each case is one request over a socket. All are refused, each with the code that it must have, and every refusal is
//! in the platform's audit log, by a row of its own or counted in one.

use crate::app::{Db, Place as Directory, TestApp};
use crate::client::{Answer, Client};
use crate::org::Org;
use crate::raw::Raw;

/// Where a request names a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Path,
    Header,
    Host,
    /// The target of a request in absolute form. `Host` says the same, where it has nothing of its own to say.
    Target,
    ForwardedHost,
    Forwarded,
    Token,
}

/// By what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Slug,
    Id,
    /// A host name that is registered for the tenant.
    Own,
}

type Source = (Place, By);

const SOURCES: [Source; 13] = [
    (Place::Path, By::Slug),
    (Place::Path, By::Id),
    (Place::Header, By::Slug),
    (Place::Header, By::Id),
    (Place::Host, By::Slug),
    (Place::Host, By::Own),
    (Place::Target, By::Slug),
    (Place::Target, By::Own),
    (Place::ForwardedHost, By::Slug),
    (Place::ForwardedHost, By::Own),
    (Place::Forwarded, By::Slug),
    (Place::Forwarded, By::Own),
    (Place::Token, By::Id),
];

/// How the hosts of a request are spelt.
const SPELLINGS: [Spelling; 6] = [
    ("plain", |host| host.to_owned()),
    ("port", |host| format!("{host}:8443")),
    ("upper case", |host| host.to_uppercase()),
    ("dot", |host| format!("{host}.")),
    ("odd port", |host| format!("{host}:0443")),
    ("no code", |host| format!("xn--a.{host}")),
];

type Spelling = (&'static str, fn(&str) -> String);

fn is_odd(spelling: Spelling) -> bool {
    !["plain", "port"].contains(&spelling.0)
}

const FORWARDED: [Place; 2] = [Place::ForwardedHost, Place::Forwarded];
const HOSTS: [Place; 4] = [Place::Host, Place::Target, Place::ForwardedHost, Place::Forwarded];

/// Ordered pairs of sources that can stand in one request.
fn pairs() -> impl Iterator<Item = [Source; 2]> {
    let pairs = SOURCES.iter().flat_map(|one| SOURCES.iter().map(|other| [*one, *other]));
    pairs.filter(|[one, other]| one.0 != other.0)
}

/// The spellings that a pair can have: more than one where it has a host.
fn spellings(pair: [Source; 2]) -> &'static [Spelling] {
    if pair.iter().any(|source| HOSTS.contains(&source.0)) { &SPELLINGS } else { &SPELLINGS[..1] }
}

/// A server, its tenants and whoever calls.
struct World<'a> {
    orgs: [Org<'a>; 3],
    operator: Client,
    raw: Raw,
    trusts: bool,
    refused: i64,
}

impl<'a> World<'a> {
    fn new(app: &'a TestApp, trusts: bool) -> Self {
        let orgs = ["one", "other", "third"].map(|slug| Org::new(app, slug));
        for org in &orgs {
            org.host("own");
        }
        Self { orgs, operator: app.operator(), raw: Raw::new(app), trusts, refused: 0 }
    }

    /// What a source says, where it names a tenant.
    fn words(&self, (place, by): Source, tenant: usize, spelling: Spelling) -> String {
        let org = &self.orgs[tenant];
        let text = match by {
            By::Slug if HOSTS.contains(&place) => format!("{}.base.test", org.slug),
            By::Slug => org.slug.clone(),
            By::Id => org.id.clone(),
            By::Own => format!("own.{}.example", org.slug),
        };
        if HOSTS.contains(&place) { (spelling.1)(&text) } else { text }
    }

    /// Sends a request in which each source says its own.
    fn send(&mut self, said: &[(Source, String)], caller: &Client) -> Answer {
        let at = |place| said.iter().find(|(source, _)| source.0 == place).map(|(_, text)| text);
        let path = at(Place::Path)
            .map_or("/v1/tenant".to_owned(), |tenant| format!("/v1/tenants/{tenant}"));
        let target = at(Place::Target).map_or(String::new(), |host| format!("http://{host}"));
        let host = at(Place::Host).or(at(Place::Target)).map_or(self.raw.address(), String::as_str);
        let mut head = format!(
            "GET {target}{path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {}\r\n",
            caller.token()
        );
        let headers = [
            (Place::Header, "freehold-tenant: "),
            (Place::ForwardedHost, "x-forwarded-host: "),
            (Place::Forwarded, "forwarded: for=192.0.2.1;proto=https;host="),
        ];
        for (place, name) in headers {
            head.extend(at(place).map(|text| format!("{name}{text}\r\n")));
        }
        let answer = self.raw.send(head + "\r\n");
        self.refused += i64::from(answer.status != 200);
        answer
    }

    /// Whether the server refuses a pair for what it is, whatever its sources say.
    fn refused_unread(&self, pair: [Source; 2], spelling: Spelling) -> Option<(u16, &'static str)> {
        let [one, other] = pair.map(|source| source.0);
        let has = |place| one == place || other == place;
        if FORWARDED.into_iter().any(has) && !self.trusts {
            Some((400, "forwarded_untrusted"))
        } else if has(Place::Host) && has(Place::Target) {
            Some((400, "tenant_conflict"))
        } else {
            is_odd(spelling).then_some((400, "host_invalid"))
        }
    }

    /// Asks with a pair that disagrees, and says what is wrong with the answer.
    fn disagree(&mut self, pair: [Source; 2], spelling: Spelling, who: usize) -> Option<String> {
        let [one, other] = pair;
        let said = [(one, self.words(one, 0, spelling)), (other, self.words(other, 1, spelling))];
        let is_by_token = one.0 == Place::Token || other.0 == Place::Token;
        let caller = match who {
            // A token says what it says by whom it is for.
            _ if one.0 == Place::Token => self.orgs[0].owner.clone(),
            _ if other.0 == Place::Token => self.orgs[1].owner.clone(),
            3 => self.operator.clone(),
            who => self.orgs[who].owner.clone(),
        };
        // To whoever has to do with neither, a host name of theirs is nobody's.
        let heard = pair.iter().filter(|source| who != 2 || source.1 != By::Own).count();
        let agreed =
            if is_by_token || heard < 2 { (404, "not_found") } else { (400, "tenant_conflict") };
        let expected = self.refused_unread(pair, spelling).unwrap_or(agreed);
        let answer = self.send(&said, &caller);
        let found = (answer.status, answer["code"].as_str().unwrap_or_default());
        let tells = self.orgs.iter().any(|org| answer.text.contains(&org.id));
        (found != expected || tells)
            .then(|| format!("{pair:?} {} by {who}: {}, not {expected:?}", spelling.0, answer.text))
    }

    /// Asks with a pair that agrees, and says what is wrong with the answer.
    fn agree(&mut self, pair: [Source; 2], spelling: Spelling) -> Option<String> {
        let said = pair.map(|source| (source, self.words(source, 0, spelling)));
        let (own, foreign) = (self.orgs[0].owner.clone(), self.orgs[1].owner.clone());
        let (answer, hidden) = (self.send(&said, &own), self.send(&said, &foreign));
        let good = answer.status == 200 && answer["id"] == self.orgs[0].id.as_str();
        // To others they are words alone; host names of the tenant's own not even that.
        let alike = pair[0].1 == pair[1].1 || pair.iter().any(|source| source.1 == By::Own);
        let code = if alike { "not_found" } else { "tenant_conflict" };
        let tells = hidden["code"] != code || hidden.text.contains(&self.orgs[0].id);
        (!good || tells)
            .then(|| format!("{pair:?} {}: {} and {}", spelling.0, answer.text, hidden.text))
    }
}

/// How many refusals the platform's audit log has, with those that were only counted.
fn audited(place: &Directory) -> i64 {
    let sum = "select coalesce(sum(coalesce(json_extract(summary, '$.denials'), 1)), 0)
        from audit_log where action = 'tenant.resolve' and decision = 'deny'";
    Db::open(place, "platform").number(sum, &[])
}

/// Every case on a server of its own; how many there were.
fn every_pair(proxies: Option<&str>, trusts: bool) -> (i64, i64) {
    let mut settings = vec![("FREEHOLD__HTTP__BASE_DOMAINS", "base.test")];
    settings.extend(proxies.map(|proxies| ("FREEHOLD__HTTP__TRUSTED_PROXIES", proxies)));
    let app = TestApp::serve_at(&Directory::new(), &settings);
    let mut world = World::new(&app, trusts);
    let (mut found, mut served) = (Vec::new(), 0);
    for (pair, spelling) in
        pairs().flat_map(|pair| spellings(pair).iter().map(move |it| (pair, *it)))
    {
        let is_by_token = pair.iter().any(|source| source.0 == Place::Token);
        for who in 0..if is_by_token { 1 } else { 4 } {
            found.extend(world.disagree(pair, spelling, who));
        }
        let one_target = pair.map(|source| source.0) != [Place::Host, Place::Target]
            && pair.map(|source| source.0) != [Place::Target, Place::Host];
        if !is_by_token && one_target && world.refused_unread(pair, spelling).is_none() {
            found.extend(world.agree(pair, spelling));
            served += 1;
        }
    }
    assert!(
        found.is_empty(),
        "{} wrong:\n{}",
        found.len(),
        found[..found.len().min(20)].join("\n")
    );
    let refused = world.refused;
    drop(world);
    assert_eq!(audited(&app.stop()), refused, "every refusal is written down or counted");
    (refused, served)
}

#[test]
fn every_pair_that_disagrees_is_refused_and_audited_where_nobody_is_a_proxy() {
    let (refused, served) = every_pair(None, false);
    assert!(refused >= 1000 && served >= 50, "{refused} refused, {served} served");
}

#[test]
fn every_pair_that_disagrees_is_refused_and_audited_where_somebody_else_is_a_proxy() {
    let (refused, served) = every_pair(Some("127.0.0.9,192.0.2.1"), false);
    assert!(refused >= 1000 && served >= 50, "{refused} refused, {served} served");
}

#[test]
fn every_pair_that_disagrees_is_refused_and_audited_where_the_caller_is_a_proxy() {
    let (refused, served) = every_pair(Some("127.0.0.1"), true);
    assert!(refused >= 1000 && served >= 100, "{refused} refused, {served} served");
}
