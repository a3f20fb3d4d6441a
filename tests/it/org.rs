//! A tenant of one test's own, with a caller for every role.

use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::app::TestApp;
use crate::client::{Answer, Client};

/// Everybody in a tenant, with their roles there.
const PEOPLE: &[(&str, &str)] = &[
    ("owners", "owner"),
    ("admins", "admin"),
    ("members", "member"),
    ("members", "other"),
    ("guests", "guest"),
];

/// A tenant with a workspace `everyone`, which is the tenant's own, and one person for each role. The callers' paths
/// begin behind the tenant's.
pub(crate) struct Org<'a> {
    pub(crate) app: &'a TestApp,
    pub(crate) slug: String,
    pub(crate) id: String,
    pub(crate) everyone: String,
    pub(crate) owner: Client,
    pub(crate) admin: Client,
    pub(crate) member: Client,
    pub(crate) guest: Client,
    kept_bound: OnceLock<String>,
}

impl<'a> Org<'a> {
    pub(crate) fn new(app: &'a TestApp, slug: &str) -> Self {
        let report = import(&app.host(), &json!([tenant(slug)]));
        assert_eq!(report["tenants"][0]["outcome"], "created", "{report}");
        let caller = |name| token(app, slug, name);
        let (owner, admin, member, guest) =
            (caller("owner"), caller("admin"), caller("member"), caller("guest"));
        let everyone = owner.get("/workspaces?name_prefix=everyone").expect(200);
        Self {
            app,
            slug: slug.to_owned(),
            id: owner.get("").expect(200).id(),
            everyone: everyone["items"][0]["id"].as_str().unwrap().to_owned(),
            owner,
            admin,
            member,
            guest,
            kept_bound: OnceLock::new(),
        }
    }

    /// Somebody of this tenant, by name.
    pub(crate) fn caller(&self, name: &str) -> Client {
        token(self.app, &self.slug, name)
    }

    /// Whoever calls, with paths that begin behind this tenant's.
    pub(crate) fn seen_by(&self, client: &Client) -> Client {
        client.at(&format!("/v1/tenants/{}", self.slug))
    }

    /// Somebody of this tenant, by a token that is narrowed to scopes.
    pub(crate) fn scoped(&self, name: &str, scope: &str) -> Client {
        let account = format!("import|{}-{name}", self.slug);
        let body = json!({"tenant": self.slug, "account": account, "scope": scope});
        let minted = self.app.host().post("/v1/platform/tokens", &body).expect(200);
        self.seen_by(&self.app.bearer(minted["token"].as_str().unwrap()))
    }

    /// The id of somebody's account.
    pub(crate) fn account(&self, name: &str) -> String {
        let path = format!("/v1/platform/accounts?issuer=import&subject={}-{name}", self.slug);
        let found = self.app.host().get(&path).expect(200);
        found["items"][0]["id"].as_str().unwrap().to_owned()
    }

    /// An account that is no member here.
    pub(crate) fn outsider(&self, name: &str) -> String {
        self.app.account(&format!("{}-{name}", self.slug))
    }

    /// An account that has just become a member.
    pub(crate) fn newcomer(&self, name: &str, role: &str) -> String {
        let account = self.outsider(name);
        let body = json!({"account_id": account, "role": role});
        self.owner.post("/members", &body).expect(201);
        account
    }

    /// Where a host name of this tenant's own stands on the platform plane.
    pub(crate) fn host_path(&self, name: &str) -> String {
        format!("/tenants/{}/hosts/{}.{}.example", self.id, name.replace('_', "-"), self.slug)
    }

    /// The same, where it is registered.
    pub(crate) fn host(&self, name: &str) -> String {
        let path = self.host_path(name);
        let host = format!("/v1/platform{path}");
        self.app.operator().request("PUT", &host).header("if-none-match", "*").send().expect(201);
        path
    }

    /// Where a mail domain of this tenant's own stands on the platform plane.
    pub(crate) fn domain_path(&self, name: &str) -> String {
        format!("/tenants/{}/domains/{}.{}.example", self.id, name.replace('_', "-"), self.slug)
    }

    /// The same, where it is registered.
    pub(crate) fn domain(&self, name: &str) -> String {
        let path = self.domain_path(name);
        let body = json!({"join_role": "member"});
        self.app.operator().put_new(&format!("/v1/platform{path}"), &body).expect(201);
        path
    }

    /// Somebody whom nobody is, asked in.
    pub(crate) fn invitation(&self, name: &str) -> String {
        let body = json!({"email": format!("{name}@{}.example", self.slug), "role": "guest"});
        self.owner.post("/invitations", &body).expect(201).id()
    }

    pub(crate) fn team(&self, name: &str) -> String {
        self.owner.post("/teams", &json!({"name": name})).expect(201).id()
    }

    pub(crate) fn join(&self, team: &str, name: &str, role: &str) -> Answer {
        let path = format!("/teams/{team}/members/{}", self.account(name));
        self.owner.put_new(&path, &json!({"role": role})).done()
    }

    /// A custom role. Where there are nearly as many as can be, some of those that tests have done with make room; the
    /// first ones are in use for longer.
    pub(crate) fn role(&self, name: &str, permissions: &Value) -> String {
        self.room_for_roles();
        let body = json!({"name": name, "permissions": permissions});
        self.owner.post("/roles", &body).expect(201).id()
    }

    pub(crate) fn room_for_roles(&self) {
        let mut roles = self.owner.all("/roles", 200);
        if roles.len() < 70 {
            return;
        }
        roles.sort_by_key(|role| role["created_at"].as_str().unwrap().to_owned());
        for role in &roles[30..50] {
            self.owner.delete(&format!("/roles/{}", role["id"].as_str().unwrap()));
        }
    }

    /// An issuer of the tenant's own.
    pub(crate) fn issuer(&self, name: &str) -> String {
        self.room_for_issuers();
        self.owner.post("/issuers", &issuer(name)).expect(201).id()
    }

    /// Where there are nearly as many as can be, some make room; the first ones are in use for longer.
    pub(crate) fn room_for_issuers(&self) {
        let mut issuers = self.owner.all("/issuers", 200);
        if issuers.len() < 70 {
            return;
        }
        issuers.sort_by_key(|issuer| issuer["created_at"].as_str().unwrap().to_owned());
        for issuer in &issuers[30..50] {
            self.owner.delete(&format!("/issuers/{}", issuer["id"].as_str().unwrap()));
        }
    }

    /// A place that is kept free. Where there are nearly as many as can be, some make room; the first ones are in use for
    /// longer.
    pub(crate) fn reservation(&self) -> String {
        let mut kept = self.owner.all("/reservations", 200);
        if kept.len() > 900 {
            kept.sort_by_key(|one| one["created_at"].as_str().unwrap().to_owned());
            for one in &kept[400..600] {
                self.owner.delete(&format!("/reservations/{}", one["id"].as_str().unwrap()));
            }
        }
        let body = json!({"dimension": "teams", "amount": 1, "expires_in_s": 3600});
        self.owner.post("/reservations", &body).expect(201).id()
    }

    /// A custom role that all tests of this tenant share.
    pub(crate) fn shared_role(&self) -> String {
        let body = json!({"name": "shared", "permissions": ["team.list"]});
        let made = self.owner.post("/roles", &body);
        if made.status == 201 {
            return made.id();
        }
        let roles = self.owner.all("/roles", 200);
        let found = roles.iter().find(|role| role["name"] == "shared");
        found.unwrap()["id"].as_str().unwrap().to_owned()
    }

    pub(crate) fn assign(&self, role: &str, principal: &str) -> Answer {
        let path = format!("/roles/{role}/assignments/{principal}");
        self.owner.put_bare(&path).done()
    }

    /// A service account; where there are as many as can be, some of those that tests have done with make room.
    pub(crate) fn service_account(&self, name: &str, role: &str) -> String {
        let body = json!({"name": name, "role": role});
        let made = self.owner.post("/service-accounts", &body);
        if made.status == 201 {
            return made.id();
        }
        self.room_for_service_accounts();
        self.owner.post("/service-accounts", &body).expect(201).id()
    }

    pub(crate) fn room_for_service_accounts(&self) {
        let probe = json!({"name": "room", "role": "guest"});
        let made = self.owner.post("/service-accounts", &probe);
        if made.status == 201 {
            self.owner.delete(&format!("/service-accounts/{}", made.id())).done();
        }
        if made["code"] != "service_account_limit" {
            return;
        }
        let mut all = self.owner.all("/service-accounts", 200);
        all.sort_by_key(|one| one["created_at"].as_str().unwrap().to_owned());
        for one in &all[100..300] {
            self.owner.delete(&format!("/service-accounts/{}", one["id"].as_str().unwrap()));
        }
    }

    /// A key of a service account.
    pub(crate) fn api_key(&self, service_account: &str, body: &Value) -> Answer {
        self.owner.post(&format!("/service-accounts/{service_account}/keys"), body)
    }

    /// Whoever has a new service account's new key, with paths that begin behind this tenant's; and both ids.
    pub(crate) fn robot(&self, name: &str, role: &str) -> (Client, String, String) {
        let id = self.service_account(name, role);
        let made = self.api_key(&id, &json!({"name": name})).expect(201);
        let client = self.app.bearer(made["key"].as_str().unwrap());
        (self.seen_by(&client), id, made.id())
    }

    pub(crate) fn workspace(&self, name: &str, kind: &str, owner: &str) -> String {
        let body = json!({"name": name, "owner": {"type": kind, "id": owner}});
        self.owner.post("/workspaces", &body).expect(201).id()
    }

    /// A resource of the owner's, in `everyone`.
    pub(crate) fn resource(&self, name: &str, visibility: &str) -> String {
        self.resource_in(&self.everyone, name, visibility)
    }

    pub(crate) fn resource_in(&self, workspace: &str, name: &str, visibility: &str) -> String {
        let body = json!({
            "type": "prompt", "workspace_id": workspace, "name": name, "visibility": visibility
        });
        self.owner.post("/resources", &body).expect(201).id()
    }

    /// Registers an application with names of its own, and returns its name.
    pub(crate) fn application(&self, name: &str) -> String {
        let name = format!("{}-{}", self.slug, name.replace('_', "-"));
        let manifest = manifest(&name);
        self.app.operator().post("/v1/platform/applications", &manifest).expect(201);
        name
    }

    /// The same, bound here.
    pub(crate) fn bound(&self, name: &str) -> String {
        let application = self.application(name);
        self.owner.put_new(&format!("/applications/{application}"), &json!({})).expect(201);
        application
    }

    /// An application that stays bound here, the same for all who ask.
    pub(crate) fn kept_bound(&self) -> &str {
        self.kept_bound.get_or_init(|| self.bound("kept"))
    }

    /// The key of an attribute of profiles that everybody may read and write whom the door lets.
    pub(crate) fn open_attribute(&self) -> &'static str {
        let operator = self.app.operator();
        let made = operator.put_new("/v1/platform/attributes/open", &attribute("profile"));
        assert!([201, 412].contains(&made.status), "{}", made.text);
        "open"
    }

    pub(crate) fn share(&self, resource: &str, principal: &str, permission: &str) -> Answer {
        let path = format!("/resources/{resource}/acl/{principal}");
        self.owner.put_new(&path, &json!({"permission": permission})).done()
    }
}

/// A webhook that nobody answers at, and that is told of next to nothing.
pub(crate) fn webhook(name: &str) -> Value {
    let url = format!("http://127.0.0.1:9/{name}").replace(' ', "-");
    json!({"url": url, "description": name, "event_types": ["row_security.updated"]})
}

/// Where there are nearly as many as can be, some make room; the first ones are in use for longer.
pub(crate) fn room_for_webhooks(keeper: &Client) {
    let webhooks = keeper.all("/webhooks", 200);
    if webhooks.len() >= 36 {
        for webhook in &webhooks[8..18] {
            keeper.delete(&format!("/webhooks/{}", webhook["id"].as_str().unwrap()));
        }
    }
}

fn token(app: &TestApp, slug: &str, name: &str) -> Client {
    let body = json!({"tenant": slug, "account": format!("import|{slug}-{name}")});
    let minted = app.host().post("/v1/platform/tokens", &body).expect(200);
    app.bearer(minted["token"].as_str().unwrap()).at(&format!("/v1/tenants/{slug}"))
}

/// A manifest of an application: a type and an action that nobody else has.
pub(crate) fn manifest(name: &str) -> Value {
    let word = name.replace('-', "_");
    let text = "@id(\"readers-view\")\n@sentence(\"Whoever may read a thing may view it.\")\n\
        permit (principal, action, resource) when { resource.permission >= 1 };\n";
    json!({
        "name": name,
        "title": name,
        "resource_types": [{"name": word}],
        "actions": [{"name": format!("{word}.view"), "resource_types": [word]}],
        "scopes": [{"name": format!("{word}:view"), "actions": [format!("{word}.view")]}],
        "meters": [{"name": "calls"}, {"name": "monthly", "period": "month"}],
        "policies": [{"name": "main", "text": text}],
    })
}

/// An attribute that everybody may read and write, and that may be anything.
pub(crate) fn attribute(applies_to: &str) -> Value {
    let everybody = json!(["account", "maintainer", "member", "admin", "operator"]);
    json!({
        "title": "Open",
        "applies_to": applies_to,
        "schema": {},
        "readers": everybody,
        "writers": everybody,
        "personal_data": false,
    })
}

/// An issuer that nobody has ever seen.
pub(crate) fn issuer(name: &str) -> Value {
    let host = name.replace('_', "-");
    json!({"name": name, "url": format!("https://{host}.id.example.com"), "audience": "freehold"})
}

/// A tenant's part of an import file.
pub(crate) fn tenant(slug: &str) -> Value {
    let mut part = json!({
        "slug": slug,
        "name": slug,
        "workspaces": [{"name": "everyone", "owner": "tenant"}],
    });
    for (list, _) in PEOPLE {
        let names = PEOPLE.iter().filter(|(theirs, _)| theirs == list);
        part[*list] = names.map(|(_, name)| format!("{slug}-{name}")).collect();
    }
    part
}

/// Imports tenants, and returns the report.
pub(crate) fn import(client: &Client, tenants: &Value) -> Value {
    let file = json!({"format": "freehold-import/1", "tenants": tenants});
    let lines = lines(&client.post("/v1/platform/imports", &file).expect(200));
    lines.last().unwrap()["report"].clone()
}

/// An answer that comes line by line.
pub(crate) fn lines(answer: &Answer) -> Vec<Value> {
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}
