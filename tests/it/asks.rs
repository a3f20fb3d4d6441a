//! One good request for every route, and what must be there for it to succeed.
//!
//! Whoever adds a route adds its request here, and its row to [`crate::matrix`].

use std::hash::{Hash, Hasher};

use freehold::http::{Mount, RouteInfo};
use serde_json::{Value, json};

use crate::client::{Answer, Client, Request};
use crate::glass::{self, Operator};
use crate::org::{Org, attribute, manifest, room_for_webhooks, tenant, webhook};

/// What is particular to a request.
#[derive(Clone, Default, Debug)]
pub(crate) struct Ask {
    /// The path below the mount.
    pub(crate) path: String,
    pub(crate) header: Option<(&'static str, String)>,
    pub(crate) body: Option<Value>,
}

impl Ask {
    fn at(path: impl Into<String>) -> Self {
        Self { path: path.into(), ..Self::default() }
    }

    /// Meant for the first version.
    fn fresh(self) -> Self {
        self.version("\"1\"")
    }

    fn version(self, etag: &str) -> Self {
        Self { header: Some(("if-match", etag.to_owned())), ..self }
    }

    /// Meant to make something.
    fn absent(self) -> Self {
        Self { header: Some(("if-none-match", "*".to_owned())), ..self }
    }

    fn body(self, body: Value) -> Self {
        Self { body: Some(body), ..self }
    }

    /// The request, in somebody's name; the tenant is named by path.
    pub(crate) fn request(&self, route: &RouteInfo, org: &Org, caller: &Client) -> Request {
        let prefix = route.mount.prefixes()[0].replace("{tenant}", &org.slug);
        self.request_by(route.method.as_str(), &caller.at(&prefix))
    }

    /// The request by another method, for a caller whose paths begin behind some mount.
    pub(crate) fn request_by(&self, method: &str, caller: &Client) -> Request {
        let request = caller.request(method, &self.path);
        let request = match &self.header {
            Some((name, value)) => request.header(name, value),
            None => request,
        };
        match &self.body {
            Some(body) => request.json(body),
            None => request,
        }
    }

    pub(crate) fn send(&self, route: &RouteInfo, org: &Org, caller: &Client) -> Answer {
        self.request(route, org, caller).send()
    }
}

/// A request that its route's most privileged caller succeeds with, and what it needs; by a name of its own.
pub(crate) fn ask(route: &RouteInfo, org: &Org, name: &str) -> Ask {
    match route.mount {
        Mount::Tenant => people(route, org, name)
            .or_else(|| invitations(route, org, name))
            .or_else(|| teams(route, org, name))
            .or_else(|| roles(route, org, name))
            .or_else(|| service_accounts(route, org, name))
            .or_else(|| workspaces(route, org, name))
            .or_else(|| application_bindings(route, org, name))
            .or_else(|| profiles(route, org, name))
            .or_else(|| catalog(route, org, name))
            .or_else(|| issuers(route, org, name))
            .or_else(|| quotas(route, org, name))
            .or_else(|| tenant_webhooks(route, org, name))
            .or_else(|| resources(route, org, name)),
        Mount::Platform => operators(route, org, name)
            .or_else(|| applications(route, org, name))
            .or_else(|| domains(route, org, name))
            .or_else(|| attributes(route, org, name))
            .or_else(|| keys(route, org, name))
            .or_else(|| plans(route, org, name))
            .or_else(|| platform_webhooks(route, org, name))
            .or_else(|| platform(route, org, name)),
        // What changes nothing may be asked for by everybody, again and again.
        Mount::Account if route.operation_id == "my_profile_update" => {
            Some(Ask::at(route.path).version("\"0\"").body(json!({})))
        }
        Mount::Account | Mount::Public if CREDENTIALS.contains(&route.operation_id) => {
            credentials(route, org)
        }
        Mount::Account => Some(own(route, org, name)),
        Mount::Public => {
            let path = route.path.replace("{tenant}", &org.slug);
            Some(Ask::at(path.replace("{event_type}", "team.created")))
        }
        Mount::Internal => {
            Some(Ask { header: Some(("freehold-tenant", org.slug.clone())), ..Ask::at(route.path) })
        }
    }
    .unwrap_or_else(|| panic!("{} has no request in asks.rs", route.operation_id))
}

/// One's own account. Sessions are browsers' alone: nobody here has one.
fn account(route: &RouteInfo, org: &Org, name: &str) -> Ask {
    match route.operation_id {
        "session_delete" => Ask::at("/me/sessions/01890000-0000-7000-8000-000000000000"),
        "session_move" => Ask::at(route.path).body(json!({"tenant": null})),
        "identity_link" => {
            // Of a name that tells nothing of whose house it is asked in.
            let mut hasher = std::hash::DefaultHasher::new();
            (&org.slug, name).hash(&mut hasher);
            let token = org.app.local_token(&format!("linked-{:x}", hasher.finish()));
            Ask::at(route.path).body(json!({"token": token}))
        }
        "identity_unlink" => Ask::at("/me/identities/AAAAAAAAAAAAAAAAAAAAAA"),
        _ => Ask::at(route.path),
    }
}

fn people(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let member = |suffix: &str| {
        let account = org.newcomer(name, "member");
        Ask::at(format!("/members/{account}{suffix}"))
    };
    Some(match route.operation_id {
        "organization_read"
        | "principal_list"
        | "member_list"
        | "row_security_read"
        | "row_security_report"
        | "audit_list"
        | "audit_verify"
        | "audit_export"
        | "audit_retention_read"
        | "tenant_diagnostics_read"
        | "event_list" => Ask::at(route.path),
        "event_stream" => Ask::at("/events/stream?for_s=0"),
        "organization_update" => {
            Ask::at("").version(&org.owner.get("").etag()).body(json!({"description": name}))
        }
        "member_create" => {
            let body = json!({"account_id": org.outsider(name), "role": "member"});
            Ask::at("/members").body(body)
        }
        "member_read" => member(""),
        "member_update" => member("").fresh().body(json!({"role": "guest"})),
        "member_delete" => member("").fresh(),
        "member_suspend" => member("/suspend"),
        "member_resume" => {
            let account = org.newcomer(name, "member");
            org.owner.act(&format!("/members/{account}/suspend")).expect(200);
            Ask::at(format!("/members/{account}/resume"))
        }
        "access_simulate" => Ask::at(route.path).body(json!({
            "changes": {"members": [{"account_id": org.account("other"), "role": "guest"}]},
            "questions": {
                "subjects": [org.account("other")],
                "actions": ["tenant.read"],
                "resources": [{"type": "tenant", "id": org.id}],
            },
        })),
        "access_evaluate" | "access_explain" => Ask::at(route.path).body(json!({
            "subject": {"type": "account", "id": org.account("other")},
            "action": {"name": "tenant.read"},
            "resource": {"type": "tenant", "id": org.id},
        })),
        _ => return questions(route, org),
    })
}

/// Questions about somebody else.
fn questions(route: &RouteInfo, org: &Org) -> Option<Ask> {
    let subject = json!({"type": "account", "id": org.account("other")});
    let (action, resource) =
        (json!({"name": "tenant.read"}), json!({"type": "tenant", "id": org.id}));
    let body = match route.operation_id {
        "access_evaluate_many" => {
            json!({"subject": subject, "action": action, "evaluations": [{"resource": resource}]})
        }
        "access_search_subject" => {
            json!({"subject": {"type": "account"}, "action": action, "resource": resource})
        }
        "access_search_resource" => {
            json!({"subject": subject, "action": action, "resource": {"type": "tenant"}})
        }
        "access_search_action" => json!({"subject": subject, "resource": resource}),
        _ => return None,
    };
    Some(Ask::at(route.path).body(body))
}

fn invitations(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let new = json!({"email": format!("{name}@{}.example", org.slug), "role": "member"});
    let one = |suffix: &str| Ask::at(format!("/invitations/{}{suffix}", org.invitation(name)));
    Some(match route.operation_id {
        "invitation_list" => Ask::at(route.path),
        "invitation_create" => Ask::at(route.path).body(new),
        "invitation_create_many" => Ask::at(route.path).body(json!({"invitations": [new]})),
        "invitation_read" => one(""),
        "invitation_revoke" => one("/revoke"),
        _ => return None,
    })
}

fn domains(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    Some(match route.operation_id {
        "tenant_domain_list" => Ask::at(format!("/tenants/{}/domains", org.slug)),
        "tenant_domain_read" => Ask::at(org.domain(name)),
        "tenant_domain_put" => {
            Ask::at(org.domain_path(name)).absent().body(json!({"join_role": "member"}))
        }
        "tenant_domain_delete" => Ask::at(org.domain(name)).fresh(),
        _ => return None,
    })
}

/// What is the caller's own. Nobody who asks here is meant by the invitation, and nobody says which version of their
/// account they mean: who asks is not known here.
fn own(route: &RouteInfo, org: &Org, name: &str) -> Ask {
    match route.operation_id {
        "me_update" => Ask::at(route.path).body(json!({"display_name": name})),
        "my_tenant_create" => Ask::at(route.path).body(json!({})),
        "my_invitation_accept" => {
            Ask::at(format!("/me/invitations/{}/accept", org.invitation(name)))
        }
        "my_invitation_decline" => {
            Ask::at(format!("/me/invitations/{}/decline", org.invitation(name)))
        }
        _ => account(route, org, name),
    }
}

fn teams(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let team = |suffix: &str| Ask::at(format!("/teams/{}{suffix}", org.team(name)));
    let place = || {
        let team = org.team(name);
        org.join(&team, "other", "member");
        Ask::at(format!("/teams/{team}/members/{}", org.account("other")))
    };
    Some(match route.operation_id {
        "team_list" => Ask::at(route.path),
        "team_create" => Ask::at(route.path).body(json!({"name": name})),
        "team_read" => team(""),
        "team_update" => team("").fresh().body(json!({"description": name})),
        "team_delete" => team("").fresh(),
        "team_member_list" => team("/members"),
        "team_member_read" => place(),
        "team_member_put" => team(&format!("/members/{}", org.account("other")))
            .absent()
            .body(json!({"role": "member"})),
        "team_member_delete" => place().fresh(),
        _ => return None,
    })
}

fn roles(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let permissions = json!(["team.list"]);
    let role = || Ask::at(format!("/roles/{}", org.role(name, &permissions)));
    let assignment = || {
        let (role, account) = (org.shared_role(), org.newcomer(name, "member"));
        (Ask::at(format!("/roles/{role}/assignments/{account}")), role, account)
    };
    let assigned = || {
        let (ask, role, account) = assignment();
        org.assign(&role, &account);
        ask
    };
    Some(match route.operation_id {
        "role_list" => Ask::at(route.path),
        "role_create" => {
            org.room_for_roles();
            Ask::at(route.path).body(json!({"name": name, "permissions": permissions}))
        }
        "role_read" => role(),
        "role_update" => role().fresh().body(json!({"description": name})),
        "role_delete" => role().fresh(),
        "role_assignment_list" => Ask::at(format!("/roles/{}/assignments", org.shared_role())),
        "role_assignment_read" => assigned(),
        "role_assignment_put" => assignment().0.absent(),
        "role_assignment_delete" => assigned().fresh(),
        _ => return None,
    })
}

/// What a service account's requests are, on either plane: the list, one of them, one of its keys.
fn of_service_account(verb: &str, name: &str, made: &dyn Fn() -> (String, String)) -> Option<Ask> {
    let one = |suffix: &str| Ask::at(format!("{}{suffix}", made().0));
    let key = |suffix: &str| {
        let (account, key) = made();
        Ask::at(format!("{account}/keys/{key}{suffix}"))
    };
    Some(match verb {
        "service_account_list" => Ask::at("/service-accounts"),
        "service_account_read" => one(""),
        "service_account_update" => one("").fresh().body(json!({"description": name})),
        "service_account_delete" => one("").fresh(),
        "service_account_suspend" => one("/suspend"),
        "service_account_resume" => one("/resume"),
        "api_key_list" => one("/keys"),
        "api_key_create" => one("/keys").body(json!({"name": name})),
        "api_key_read" => key(""),
        "api_key_rotate" => key("/rotate").body(json!({"overlap_s": 60})),
        "api_key_revoke" => key("").fresh(),
        _ => return None,
    })
}

fn service_accounts(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let made = || {
        let id = org.service_account(name, "member");
        let path = format!("/service-accounts/{id}");
        if route.operation_id == "service_account_resume" {
            org.owner.act(&format!("{path}/suspend")).expect(200);
        }
        let key = org.owner.post(&format!("{path}/keys"), &json!({"name": name})).expect(201);
        (path, key.id())
    };
    if route.operation_id == "service_account_create" {
        org.room_for_service_accounts();
        return Some(Ask::at(route.path).body(json!({"name": name, "role": "member"})));
    }
    of_service_account(route.operation_id, name, &made)
}

fn keys(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let (name, operator) = (format!("{}-{name}", org.slug), org.app.operator());
    let made = || {
        let body = json!({"name": name, "role": "auditor"});
        let list = "/v1/platform/service-accounts";
        let id = operator.post(list, &body).expect(201).id();
        if route.operation_id == "platform_service_account_resume" {
            operator.act(&format!("{list}/{id}/suspend")).expect(200);
        }
        let key = operator.post(&format!("{list}/{id}/keys"), &json!({"name": name})).expect(201);
        (format!("/service-accounts/{id}"), key.id())
    };
    Some(match route.operation_id {
        "signing_key_list" | "signing_key_rotate" => Ask::at(route.path),
        "signing_key_retire" => Ask::at(format!("/keys/{}/retire", org.app.retiring_key())),
        "account_revoke_tokens" => {
            let account = org.app.account(&name);
            Ask::at(format!("/accounts/{account}/revoke-tokens")).body(json!({}))
        }
        "platform_service_account_create" => {
            Ask::at(route.path).body(json!({"name": name, "role": "auditor"}))
        }
        other => return of_service_account(other.strip_prefix("platform_")?, &name, &made),
    })
}

/// A token that is exchanged, or taken back, is in the body.
/// Routes to which a credential is brought in the body, or that take credentials back.
const CREDENTIALS: &[&str] = &["me_revoke_tokens", "token_exchange", "token_revoke"];

fn credentials(route: &RouteInfo, org: &Org) -> Option<Ask> {
    let token = || org.caller("other").token().to_owned();
    let body = match route.operation_id {
        // A time at which nobody has any.
        "me_revoke_tokens" => json!({"before": "2020-01-01T00:00:00Z"}),
        "token_exchange" => json!({
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "subject_token": token(),
            "subject_token_type": "urn:ietf:params:oauth:token-type:access_token",
        }),
        "token_revoke" => json!({"token": token()}),
        _ => return None,
    };
    Some(Ask::at(route.path).body(body))
}

fn workspaces(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let workspace = || Ask::at(format!("/workspaces/{}", org.workspace(name, "tenant", &org.id)));
    Some(match route.operation_id {
        "workspace_list" => Ask::at(route.path),
        "workspace_create" => Ask::at(route.path)
            .body(json!({"name": name, "owner": {"type": "tenant", "id": org.id}})),
        "workspace_read" => workspace(),
        "workspace_update" => workspace().fresh().body(json!({"name": format!("{name}-2")})),
        "workspace_delete" => workspace().fresh(),
        _ => return None,
    })
}

fn issuers(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let issuer = || Ask::at(format!("/issuers/{}", org.issuer(name)));
    Some(match route.operation_id {
        "issuer_list" => Ask::at(route.path),
        "issuer_create" => {
            org.room_for_issuers();
            Ask::at(route.path).body(crate::org::issuer(name))
        }
        "issuer_read" => issuer(),
        "issuer_update" => issuer().fresh().body(json!({"state": "disabled"})),
        "issuer_delete" => issuer().fresh(),
        _ => return None,
    })
}

fn application_bindings(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let bound = || Ask::at(format!("/applications/{}", org.bound(name)));
    Some(match route.operation_id {
        "application_binding_list" => Ask::at(route.path),
        "application_binding_read" => Ask::at(format!("/applications/{}", org.kept_bound())),
        "application_binding_put" => {
            Ask::at(format!("/applications/{}", org.application(name))).absent().body(json!({}))
        }
        "application_binding_delete" => bound().fresh(),
        _ => return None,
    })
}

fn profiles(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let profile = || Ask::at(format!("/members/{}/profile", org.newcomer(name, "member")));
    Some(match route.operation_id {
        "profile_read" => profile(),
        "profile_update" => profile().version("\"0\"").body(json!({ org.open_attribute(): name })),
        "profile_defaults_read" => Ask::at(route.path),
        // All of them change one thing, so that none does: what the one means would be stale for the other.
        "profile_defaults_update" => {
            Ask::at(route.path).version(&org.owner.get(route.path).etag()).body(json!({}))
        }
        _ => return None,
    })
}

fn catalog(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    if route.operation_id == "catalog_read" {
        return Some(Ask::at(route.path));
    }
    let (layer, verb) = route.operation_id.split_once("_catalog_")?;
    let owner = match layer {
        "tenant" => "/catalog/tenant".to_owned(),
        "team" => format!("/catalog/teams/{}", org.team(name)),
        "account" => format!("/catalog/accounts/{}", org.newcomer(name, "member")),
        _ => return None,
    };
    item(&org.owner, &owner, name, verb)
}

/// What is asked of an item of the catalogue.
fn item(keeper: &Client, list: &str, name: &str, verb: &str) -> Option<Ask> {
    let (path, body) = (format!("{list}/{name}"), json!({"value": name}));
    let made = || {
        keeper.put_new(&path, &body).expect(201);
        Ask::at(&path)
    };
    Some(match verb {
        "list" => Ask::at(list),
        "read" => made(),
        "put" => Ask::at(&path).absent().body(body),
        "delete" => made().fresh(),
        _ => return None,
    })
}

/// What operators keep of attributes, and of the catalogue.
fn attributes(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let (name, operator) = (format!("{}-{name}", org.slug), org.app.operator().at("/v1/platform"));
    if let Some(verb) = route.operation_id.strip_prefix("platform_catalog_") {
        return item(&operator, "/catalog", &name, verb);
    }
    let (path, body) = (format!("/attributes/{name}"), attribute("profile"));
    let made = || {
        operator.put_new(&path, &body).expect(201);
        Ask::at(&path)
    };
    Some(match route.operation_id {
        "attribute_list" => Ask::at(route.path),
        "attribute_read" => made(),
        "attribute_put" => Ask::at(&path).absent().body(body),
        "attribute_delete" => made().fresh(),
        _ => return None,
    })
}

fn quotas(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let reservation = || Ask::at(format!("/reservations/{}", org.reservation()));
    Some(match route.operation_id {
        "quota_list" | "usage_list" | "usage_record_list" | "reservation_list" => {
            Ask::at(route.path)
        }
        "quota_read" => Ask::at("/quotas/members"),
        "usage_record" => {
            let dimension = format!("meters.{}.calls", org.kept_bound());
            let events = json!([{"id": name, "dimension": dimension}]);
            Ask::at(route.path).body(json!({"events": events}))
        }
        "reservation_create" => {
            Ask::at(route.path).body(json!({"dimension": "teams", "amount": 1, "expires_in_s": 5}))
        }
        "reservation_read" => reservation(),
        "reservation_delete" => reservation().fresh(),
        _ => return None,
    })
}

fn plans(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let operator = org.app.operator().at("/v1/platform");
    let name = format!("{}-{name}", org.slug).replace('_', "-");
    let name = name.chars().take(63).collect::<String>().trim_end_matches('-').to_owned();
    let (path, body) = (format!("/plans/{name}"), json!({"title": name, "limits": {"teams": 5}}));
    let made = || {
        operator.put_new(&path, &body).expect(201);
        Ask::at(&path)
    };
    let of_tenant = |suffix: &str| {
        let path = format!("/tenants/{}/{suffix}", org.slug);
        let etag = operator.get(&path).etag();
        Ask::at(path).version(&etag)
    };
    Some(match route.operation_id {
        "plan_list" | "platform_usage_list" | "platform_audit_verify" | "platform_audit_export" => {
            Ask::at(route.path)
        }
        "plan_read" => made(),
        "plan_put" => Ask::at(&path).absent().body(body),
        "plan_delete" => made().fresh(),
        "tenant_quota_read" => of_tenant("quotas"),
        // What all of them may do at once changes the version for none.
        "tenant_quota_put" => {
            fresh_tenant(org, &name, "quotas", json!({"limits": {"teams": 9000}}))
        }
        "tenant_audit_verify" => Ask::at(format!("/tenants/{}/audit/verify", org.slug)),
        "tenant_audit_retention_read" => of_tenant("audit/retention"),
        "tenant_audit_retention_update" => {
            fresh_tenant(org, &name, "audit/retention", json!({"days": 400}))
        }
        "platform_event_stream" => {
            let newest = org.app.db("platform").number("select max(seq) from outbox_events", &[]);
            Ask::at(format!("/events/stream?for_s=0&after={newest}"))
        }
        _ => return None,
    })
}

/// A change of what the platform keeps of a tenant that nobody else changes.
fn fresh_tenant(org: &Org, slug: &str, suffix: &str, body: Value) -> Ask {
    let operator = org.app.operator();
    operator.post("/v1/platform/tenants", &json!({"slug": slug, "name": slug})).expect(201);
    let path = format!("/tenants/{slug}/{suffix}");
    let etag = operator.get(&format!("/v1/platform{path}")).etag();
    Ask::at(path).version(&etag).body(body)
}

fn tenant_webhooks(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    webhooks(route.operation_id, &org.owner, name)
}

fn platform_webhooks(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let operator = org.app.operator().at("/v1/platform");
    webhooks(route.operation_id.strip_prefix("platform_")?, &operator, name)
}

/// What is asked of webhooks, on either plane.
fn webhooks(operation: &str, keeper: &Client, name: &str) -> Option<Ask> {
    let one = |suffix: &str| {
        room_for_webhooks(keeper);
        let id = keeper.post("/webhooks", &webhook(name)).expect(201).id();
        Ask::at(format!("/webhooks/{id}{suffix}"))
    };
    Some(match operation {
        "webhook_list" => Ask::at("/webhooks"),
        "webhook_create" => {
            room_for_webhooks(keeper);
            Ask::at("/webhooks").body(webhook(name))
        }
        "webhook_read" => one(""),
        "webhook_update" => one("").fresh().body(json!({"description": name})),
        "webhook_delete" => one("").fresh(),
        "webhook_rotate" => one("/rotate").body(json!({})),
        "webhook_test" => one("/test"),
        "webhook_replay" => one("/replay").body(json!({"from": "2100-01-01T00:00:00Z"})),
        "webhook_delivery_list" => one("/deliveries"),
        _ => return None,
    })
}

fn applications(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let application = || format!("/applications/{}", org.application(name));
    Some(match route.operation_id {
        "application_list" => Ask::at(route.path),
        "application_create" => {
            let name = format!("{}-{}", org.slug, name.replace('_', "-"));
            Ask::at(route.path).body(manifest(&name))
        }
        "application_read" => Ask::at(application()),
        "application_update" => Ask::at(application()).fresh().body(json!({"required_for": []})),
        "application_version_read" => Ask::at(format!("{}/versions/1", application())),
        _ => return None,
    })
}

fn resources(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let resource = || Ask::at(format!("/resources/{}", org.resource(name, "tenant")));
    let entry = || {
        let resource = org.resource(name, "tenant");
        let account = org.account("other");
        org.share(&resource, &account, "read");
        Ask::at(format!("/resources/{resource}/acl/{account}"))
    };
    Some(match route.operation_id {
        "resource_type_list" | "resource_list" => Ask::at(route.path),
        "resource_type_create" => Ask::at(route.path).body(json!({"name": name})),
        "resource_type_read" => Ask::at("/resource-types/prompt"),
        "resource_create" => Ask::at(route.path)
            .body(json!({"type": "prompt", "workspace_id": org.everyone, "name": name})),
        "resource_read" => resource(),
        "resource_update" => resource().fresh().body(json!({"attributes": {"name": name}})),
        "resource_delete" => resource().fresh(),
        "acl_list" => Ask::at(format!("{}/acl", resource().path)),
        "acl_read" => entry(),
        "acl_put" => Ask::at(format!("{}/acl/{}", resource().path, org.account("other")))
            .absent()
            .body(json!({"permission": "write"})),
        "acl_delete" => entry().fresh(),
        _ => return None,
    })
}

fn operators(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let name = format!("{}-{name}", org.slug);
    let operator = |role: &str| Operator::new(org.app, &name, role);
    let entry = |suffix: &str| {
        let entry = operator("support").ask(&org.slug, &["resource.read", "resource.list"]);
        Ask::at(format!("/break-glass/{entry}{suffix}"))
    };
    Some(match route.operation_id {
        "operator_list" | "break_glass_list" => Ask::at(route.path),
        "operator_read" => Ask::at(format!("/operators/{}", operator("auditor").account)),
        "operator_put" => Ask::at(format!("/operators/{}", org.app.account(&name)))
            .absent()
            .body(json!({"role": "auditor"})),
        "operator_delete" => Ask::at(format!("/operators/{}", operator("auditor").account)).fresh(),
        "break_glass_create" => {
            // The host asks for its own operator, who must be one already.
            org.app.operator();
            Ask::at(route.path).body(glass::request(&org.slug, &["team.list"]))
        }
        "break_glass_read" => entry(""),
        "break_glass_approve" => entry("/approve"),
        "break_glass_deny" => entry("/deny"),
        "break_glass_end" => entry("/end"),
        _ => return None,
    })
}

fn platform(route: &RouteInfo, org: &Org, name: &str) -> Option<Ask> {
    let operator = org.app.operator();
    let account = || org.app.account(&format!("{}-{name}", org.slug));
    let slug = format!("{}-{}", org.slug, name.replace('_', "-"));
    let slug = slug.chars().take(63).collect::<String>().trim_end_matches('-').to_owned();
    let new = |suffix: &str| {
        let body = json!({"slug": slug, "name": name});
        let made = operator.post("/v1/platform/tenants", &body).expect(201);
        (Ask::at(format!("/tenants/{slug}{suffix}")), made.etag())
    };
    Some(match route.operation_id {
        "tenant_list"
        | "account_list"
        | "issuer_status_list"
        | "migration_list"
        | "diagnostics_read"
        | "platform_audit_list"
        | "platform_event_list" => Ask::at(route.path),
        "tenant_create" => Ask::at(route.path).body(json!({"slug": slug, "name": name})),
        "tenant_inspect" => Ask::at(format!("/tenants/{}", org.slug)),
        "tenant_diagnostics" => Ask::at(format!("/tenants/{}/diagnostics", org.slug)),
        "tenant_row_security_read" => Ask::at(format!("/tenants/{}/row-security", org.slug)),
        "tenant_row_security_update" => {
            let (ask, etag) = new("/row-security");
            ask.version(&etag).body(json!({"mode": "shadow"}))
        }
        "tenant_move" => {
            let (ask, etag) = new("");
            ask.version(&etag).body(json!({"slug": format!("{slug}-2")}))
        }
        "tenant_suspend" => new("/suspend").0,
        "tenant_resume" => {
            let (ask, _) = new("/resume");
            operator.act(&format!("/v1/platform/tenants/{slug}/suspend")).expect(200);
            ask
        }
        "tenant_host_list" => Ask::at(format!("/tenants/{}/hosts", org.slug)),
        "tenant_host_read" => Ask::at(org.host(name)),
        "tenant_host_put" => Ask::at(org.host_path(name)).absent(),
        "tenant_host_delete" => Ask::at(org.host(name)).fresh(),
        "account_create" => Ask::at(route.path).body(json!({
            "display_name": name,
            "identities": [{"issuer": "local", "subject": format!("{}-{name}", org.slug)}],
        })),
        "account_read" => Ask::at(format!("/accounts/{}", account())),
        "account_update" => {
            let change = json!({"display_name": format!("{name}-2")});
            Ask::at(format!("/accounts/{}", account())).fresh().body(change)
        }
        "account_end_sessions" => Ask::at(format!("/accounts/{}/end-sessions", account())),
        "account_suspend" => Ask::at(format!("/accounts/{}/suspend", account())),
        "account_resume" => {
            let account = account();
            operator.act(&format!("/v1/platform/accounts/{account}/suspend")).expect(200);
            Ask::at(format!("/accounts/{account}/resume"))
        }
        "token_create" => Ask::at(route.path).body(json!({"account": account()})),
        "import_create" => Ask::at(route.path)
            .body(json!({"format": "freehold-import/1", "tenants": [tenant(&slug)]})),
        "migration_run" => Ask::at(route.path).body(json!({"tenant": org.slug})),
        "diagnostics_run" => Ask::at(route.path).body(json!({"tenant": org.slug, "fix": true})),
        _ => return None,
    })
}
