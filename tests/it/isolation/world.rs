//! Two tenants that must never hear of each other, and everybody who could try.
//!
//! Every name, description and attribute of a tenant carries its canary, a word that stands nowhere else.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::app::{TestApp, eventually};
use crate::client::Client;
use crate::glass::{Operator, appoint};
use crate::org::Org;

/// An id that nothing has.
pub(crate) const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// The lower platform roles.
const OPERATORS: [&str; 2] = ["support", "auditor"];

/// A server whose registry knows operators of every role.
pub(crate) fn app() -> TestApp {
    let app = TestApp::dev();
    for role in OPERATORS {
        appoint(&app, &app.account(role), role);
    }
    app
}

/// A tenant full of things that carry its canary.
pub(crate) struct House<'a> {
    pub(crate) org: Org<'a>,
    pub(crate) canary: &'static str,
    /// What there is, by kind.
    things: BTreeMap<&'static str, String>,
    /// What there was, by kind.
    deleted: BTreeMap<&'static str, String>,
    accounts: Vec<String>,
}

impl<'a> House<'a> {
    pub(crate) fn new(app: &'a TestApp, slug: &str, canary: &'static str) -> Self {
        let org = Org::new(app, slug);
        let words = json!({"name": format!("{canary} house"), "description": canary});
        org.owner.patch("", &words).expect(200);
        org.owner.post("/resource-types", &json!({"name": canary, "description": canary})).done();
        org.owner.put_new("/catalog/tenant/word", &json!({"value": canary})).expect(201);
        org.owner.patch("/profile-defaults", &json!({ org.open_attribute(): canary })).expect(200);
        let accounts = ["owner", "admin", "member", "other", "guest"];
        let accounts = accounts.map(|name| org.account(name)).to_vec();
        let mut things = things(&org, canary, "kept");
        things.insert("tenant", org.id.clone());
        things.insert("account", accounts[2].clone());
        things.insert("principal", things["team"].clone());
        things.insert("resource_type", canary.to_owned());
        let mut deleted = things_deleted(&org, canary);
        deleted.insert("principal", deleted["team"].clone());
        Self { org, canary, things, deleted, accounts }
    }

    /// The id of something of a kind.
    pub(crate) fn thing(&self, kind: &str) -> &str {
        &self.things[kind]
    }

    /// The id of something of a kind that is no more, where what is deleted is gone.
    pub(crate) fn gone(&self, kind: &str) -> Option<&str> {
        self.deleted.get(kind).map(String::as_str)
    }

    /// What nobody of another tenant may be told.
    pub(crate) fn secrets(&self) -> Vec<String> {
        let own = [self.org.slug.clone(), self.canary.to_owned(), self.org.everyone.clone()];
        let ids = self.things.values().chain(self.deleted.values()).chain(&self.accounts);
        own.into_iter().chain(ids.cloned()).collect()
    }
}

/// Something of every kind that can be deleted.
fn things(org: &Org, canary: &str, fate: &str) -> BTreeMap<&'static str, String> {
    let name = format!("{canary} {fate}");
    let make = |path: &str, body: Value| org.owner.post(path, &body).expect(201).id();
    let team = make("/teams", json!({"name": name, "description": canary}));
    let owner = json!({"type": "tenant", "id": org.id});
    let workspace = make("/workspaces", json!({"name": name, "owner": owner}));
    let resource = json!({
        "type": canary, "workspace_id": workspace, "name": name, "visibility": "tenant",
        "attributes": {"word": canary},
    });
    let resource = make("/resources", resource);
    let role = json!({"name": name, "description": canary, "permissions": ["team.list"]});
    let role = make("/roles", role);
    let email = format!("{fate}@{canary}.example");
    let invitation = json!({"email": email, "role": "guest", "message": canary});
    let invitation = make("/invitations", invitation);
    let issuer = json!({
        "name": name, "url": format!("https://{fate}.{canary}.example.com"), "audience": canary,
    });
    let issuer = make("/issuers", issuer);
    let webhook = json!({"url": format!("http://127.0.0.1:9/{canary}"), "description": canary});
    let webhook = make("/webhooks", webhook);
    let robot = json!({"name": name, "description": canary, "role": "member"});
    let robot = make("/service-accounts", robot);
    BTreeMap::from([
        ("invitation", invitation),
        ("issuer", issuer),
        ("team", team),
        ("workspace", workspace),
        ("resource", resource),
        ("role", role),
        ("service_account", robot),
        ("webhook", webhook),
    ])
}

fn things_deleted(org: &Org, canary: &str) -> BTreeMap<&'static str, String> {
    let things = things(org, canary, "gone");
    for kind in ["resource", "workspace", "team", "role", "issuer", "webhook"] {
        org.owner.delete(&format!("/{kind}s/{}", things[kind])).expect(204);
    }
    let robot = &things["service_account"];
    org.owner.delete(&format!("/service-accounts/{robot}")).expect(204);
    things
}

/// How a caller stands to the tenant that is addressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Standing {
    /// Has no good credential.
    Nobody,
    /// Is in the tenant, in this role.
    Role(&'static str),
    /// Was in the tenant, and has a credential for it.
    Outcast,
    /// Has a credential for another tenant, or for none.
    Elsewhere,
    /// Has a platform credential, in this role.
    Operator(&'static str),
    /// The same, and by break-glass everything that there is to be had in the tenant.
    Opened(&'static str),
}

/// A caller.
pub(crate) struct Who {
    pub(crate) name: &'static str,
    pub(crate) standing: Standing,
    pub(crate) client: Client,
    /// As the audit log names it.
    pub(crate) actor: String,
    /// The account itself may do nothing.
    pub(crate) is_suspended: bool,
}

impl Who {
    fn nobody(name: &'static str, client: Client) -> Self {
        // A token that proves nothing is written down; that there is none is not.
        let actor = if client.token().is_empty() { "" } else { "nobody" }.to_owned();
        Self { name, standing: Standing::Nobody, client, actor, is_suspended: false }
    }

    fn known(name: &'static str, standing: Standing, client: Client) -> Self {
        let client = client.root();
        let me = client.get("/v1/me").expect(200);
        let actor = format!("account:{}", me["account"]["id"].as_str().unwrap());
        Self { name, standing, client, actor, is_suspended: false }
    }
}

/// Everybody, as they stand to the first tenant; the other one's people are strangers there.
pub(crate) fn everybody(here: &House, there: &House) -> Vec<Who> {
    [nobodies(&here.org), roles(&here.org), outcasts(&here.org), others(&there.org)]
        .into_iter()
        .flatten()
        .chain(operators(here.org.app))
        .chain(entrants(&here.org, &there.org))
        .collect()
}

fn nobodies(org: &Org) -> Vec<Who> {
    let good = org.owner.token();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let flipped = if signature.starts_with('A') { 'B' } else { 'A' };
    let altered = format!("{signed}.{flipped}{}", &signature[1..]);
    let identity = format!("import|{}-owner", org.slug);
    let brief = json!({"tenant": org.slug, "account": identity, "ttl_s": 1});
    let brief = org.app.host().post("/v1/platform/tokens", &brief).expect(200);
    let expired = org.app.bearer(brief["token"].as_str().unwrap());
    eventually(|| (expired.get("/v1/me").status == 401).then_some(()));
    vec![
        Who::nobody("no token", org.app.stranger()),
        Who::nobody("garbage", org.app.bearer("garbage")),
        Who::nobody("altered", org.app.bearer(&altered)),
        Who::nobody("expired", expired),
    ]
}

fn roles(org: &Org) -> Vec<Who> {
    let callers = [
        ("guest", &org.guest),
        ("member", &org.member),
        ("admin", &org.admin),
        ("owner", &org.owner),
    ];
    let known =
        |(role, client): (_, &Client)| Who::known(role, Standing::Role(role), client.clone());
    callers.map(known).into_iter().collect()
}

/// Those who have a credential for the tenant and nothing to do there any more.
fn outcasts(org: &Org) -> Vec<Who> {
    let outcast = |name: &'static str| {
        let account = org.newcomer(name, "admin");
        (Who::known(name, Standing::Outcast, mint(org, &account)), account)
    };
    let (suspended, account) = outcast("suspended-member");
    org.owner.act(&format!("/members/{account}/suspend")).expect(200);
    let (removed, account) = outcast("removed-member");
    org.owner.delete(&format!("/members/{account}")).expect(204);
    let (halted, account) = outcast("suspended-account");
    org.app.host().act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
    vec![suspended, removed, Who { is_suspended: true, ..halted }]
}

/// A token for a new member, as soon as the registry has heard of the membership.
fn mint(org: &Org, account: &str) -> Client {
    let wanted = json!({"tenant": org.slug, "account": account});
    let minted = eventually(|| {
        let answer = org.app.host().post("/v1/platform/tokens", &wanted);
        (answer.status == 200).then_some(answer)
    });
    org.app.bearer(minted["token"].as_str().unwrap())
}

fn others(org: &Org) -> Vec<Who> {
    let names = ["their guest", "their member", "their admin", "their owner"];
    let clients = [&org.guest, &org.member, &org.admin, &org.owner];
    let known =
        |(name, client): (_, &Client)| Who::known(name, Standing::Elsewhere, client.clone());
    org.app.account("drifter");
    let drifter = org.app.person("local|drifter");
    let drifter = Who::known("stranger", Standing::Elsewhere, drifter);
    names.into_iter().zip(clients).map(known).chain([drifter]).collect()
}

/// Those who name a break-glass entry: one that opens this tenant to them, the other one's, somebody else's.
fn entrants(here: &Org, there: &Org) -> Vec<Who> {
    let operator = |name: &str| Operator::new(here.app, name, "support");
    let (entrant, other) = (operator("entrant"), operator("other-entrant"));
    let entry = entrant.enter(here.app, &here.slug, &["*"]);
    let elsewhere = other.enter(here.app, &there.slug, &["*"]);
    let (opened, refused) = (Standing::Opened("support"), Standing::Operator("support"));
    vec![
        Who::known("support by break-glass", opened, entrant.by(&entry)),
        Who::known("support by break-glass elsewhere", refused, other.by(&elsewhere)),
        Who::known("support by another's break-glass", refused, other.by(&entry)),
    ]
}

fn operators(app: &TestApp) -> Vec<Who> {
    let platform_admin = Standing::Operator("platform-admin");
    let platform_admin = Who::known("platform-admin", platform_admin, app.operator());
    let operator = |role: &'static str| {
        let client = app.person(&format!("local|{role}"));
        Who::known(role, Standing::Operator(role), client)
    };
    [platform_admin].into_iter().chain(OPERATORS.map(operator)).collect()
}
