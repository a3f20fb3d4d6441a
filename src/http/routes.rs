//! The route table: everything that can be asked, on one page.

use actix_web::http::Method;

use super::api::{
    access, accounts, acl, api_keys, application_bindings, applications, attributes, audit,
    break_glass, catalog, credentials, deliveries, diagnostics, domains, events, health, hosts,
    identities, imports, invitations, issuers, jwks, login, me, members, metrics, migrations,
    operators, organization, plans, principals, profiles, quotas, reservations, resource_types,
    resources, role_assignments, roles, row_security, schemas, service_accounts, sessions,
    signing_keys, team_members, teams, tenants, tokens, usage, webhooks, workspaces,
};
use super::route::{Mount, Route, RouteInfo, route};

const GET: Method = Method::GET;
const POST: Method = Method::POST;
const PUT: Method = Method::PUT;
const PATCH: Method = Method::PATCH;
const DELETE: Method = Method::DELETE;

/// What can be told of every route without a server.
#[must_use]
pub fn infos() -> Vec<RouteInfo> {
    table().into_iter().map(|route| route.info).collect()
}

/// Every route.
pub(super) fn table() -> Vec<Route> {
    [tenant(), people(), values(), quotas(), hooks(), platform(), callers(), everybody()]
        .into_iter()
        .flatten()
        .collect()
}

/// Where events are sent, and followed.
#[rustfmt::skip]
fn hooks() -> Vec<Route> {
    use Mount::{Platform, Public, Tenant};
    vec![
        route(Tenant, GET,      "/events/stream",                 "event_stream",         "Follow what happens in the tenant", events::follow),
        route(Tenant, GET,      "/webhooks",                      "webhook_list",         "List where events are sent", webhooks::tenant::list),
        route(Tenant, POST,     "/webhooks",                      "webhook_create",       "Have events sent somewhere", webhooks::tenant::create),
        route(Tenant, GET,      "/webhooks/{webhook}",            "webhook_read",         "Read a webhook, and how far it is", webhooks::tenant::read),
        route(Tenant, PATCH,    "/webhooks/{webhook}",            "webhook_update",       "Change where events are sent, which, or whether", webhooks::tenant::update),
        route(Tenant, DELETE,   "/webhooks/{webhook}",            "webhook_delete",       "Have events sent there no more", webhooks::tenant::delete),
        route(Tenant, POST,     "/webhooks/{webhook}/rotate",     "webhook_rotate",       "Let events be signed with a new secret", webhooks::tenant::rotate),
        route(Tenant, POST,     "/webhooks/{webhook}/test",       "webhook_test",         "Send an event that means nothing, and say what came of it", webhooks::tenant::test),
        route(Tenant, POST,     "/webhooks/{webhook}/replay",     "webhook_replay",       "Send again what happened from a time or behind a place", webhooks::tenant::replay),
        route(Tenant, GET,      "/webhooks/{webhook}/deliveries", "webhook_delivery_list", "List what became of each attempt, the newest first", deliveries::list),
        route(Platform, GET,    "/events/stream",                 "platform_event_stream", "Follow what happens on the platform", events::follow_platform),
        route(Platform, GET,    "/webhooks",                      "platform_webhook_list", "List where the platform's events are sent", webhooks::platform::list),
        route(Platform, POST,   "/webhooks",                      "platform_webhook_create", "Have the platform's events sent somewhere", webhooks::platform::create),
        route(Platform, GET,    "/webhooks/{webhook}",            "platform_webhook_read", "Read a webhook of the platform, and how far it is", webhooks::platform::read),
        route(Platform, PATCH,  "/webhooks/{webhook}",            "platform_webhook_update", "Change where the platform's events are sent, which, or whether", webhooks::platform::update),
        route(Platform, DELETE, "/webhooks/{webhook}",            "platform_webhook_delete", "Have the platform's events sent there no more", webhooks::platform::delete),
        route(Platform, POST,   "/webhooks/{webhook}/rotate",     "platform_webhook_rotate", "Let the platform's events be signed with a new secret", webhooks::platform::rotate),
        route(Platform, POST,   "/webhooks/{webhook}/test",       "platform_webhook_test", "Send an event of the platform's that means nothing", webhooks::platform::test),
        route(Platform, POST,   "/webhooks/{webhook}/replay",     "platform_webhook_replay", "Send again what happened on the platform", webhooks::platform::replay),
        route(Platform, GET,    "/webhooks/{webhook}/deliveries", "platform_webhook_delivery_list", "List what became of each attempt of the platform's", deliveries::list_platform),
        route(Public, GET,      "/schemas/events/{event_type}",   "event_schema_read",    "The JSON Schema of a type of event", schemas::read),
    ]
}

/// What tenants may use, and what they use.
#[rustfmt::skip]
fn quotas() -> Vec<Route> {
    use Mount::{Platform, Tenant};
    vec![
        route(Tenant, GET,      "/quotas",                        "quota_list",           "List what the tenant may use, and what is left", quotas::list),
        route(Tenant, GET,      "/quotas/{dimension}",            "quota_read",           "Ask whether so much is left", quotas::read),
        route(Tenant, GET,      "/usage",                         "usage_list",           "List snapshots of what the tenant uses, the newest first", usage::list),
        route(Tenant, POST,     "/usage",                         "usage_record",         "Say what was used of applications' meters", usage::record),
        route(Tenant, GET,      "/usage/records",                 "usage_record_list",    "List the records that usage is made of, the newest first", usage::list_records),
        route(Tenant, GET,      "/reservations",                  "reservation_list",     "List reservations", reservations::list),
        route(Tenant, POST,     "/reservations",                  "reservation_create",   "Keep places free for a time", reservations::create),
        route(Tenant, GET,      "/reservations/{reservation}",    "reservation_read",     "Read a reservation", reservations::read),
        route(Tenant, DELETE,   "/reservations/{reservation}",    "reservation_delete",   "Keep places free no more", reservations::delete),
        route(Platform, GET,    "/tenants/{tenant}/quotas",       "tenant_quota_read",    "Read what a tenant was given to use", quotas::inspect),
        route(Platform, PUT,    "/tenants/{tenant}/quotas",       "tenant_quota_put",     "Give a tenant a plan and limits of its own", quotas::put),
        route(Platform, GET,    "/tenants/{tenant}/audit/verify", "tenant_audit_verify",  "Walk the chain of a tenant's audit log", audit::verify_tenant),
        route(Platform, GET,    "/tenants/{tenant}/audit/retention", "tenant_audit_retention_read", "See for how long a tenant's audit log is kept", audit::inspect_retention),
        route(Platform, PUT,    "/tenants/{tenant}/audit/retention", "tenant_audit_retention_update", "Change for how long a tenant's audit log is kept", audit::update_retention),
        route(Platform, GET,    "/audit/verify",                  "platform_audit_verify", "Walk the chain of the platform's audit log", audit::verify_platform),
        route(Platform, GET,    "/audit/export",                  "platform_audit_export", "Take the platform's audit log elsewhere, oldest first", audit::export_platform),
        route(Platform, GET,    "/plans",                         "plan_list",            "List plans", plans::list),
        route(Platform, GET,    "/plans/{plan}",                  "plan_read",            "Read a plan", plans::read),
        route(Platform, PUT,    "/plans/{plan}",                  "plan_put",             "Make a plan, or change it", plans::put),
        route(Platform, DELETE, "/plans/{plan}",                  "plan_delete",          "Delete a plan that no tenant has", plans::delete),
        route(Platform, GET,    "/usage",                         "platform_usage_list",  "List what tenants were last seen to use", usage::list_tenants),
    ]
}

/// What counts for a tenant's people: profiles and the catalogue.
#[rustfmt::skip]
fn values() -> Vec<Route> {
    use Mount::Tenant;
    vec![
        route(Tenant, GET,      "/members/{account}/profile",     "profile_read",         "See what counts in a member's profile", profiles::read),
        route(Tenant, PATCH,    "/members/{account}/profile",     "profile_update",       "Change the tenant's values of a member's profile", profiles::update),
        route(Tenant, GET,      "/profile-defaults",              "profile_defaults_read", "See what members' profiles say where nothing else is said", profiles::read_defaults),
        route(Tenant, PATCH,    "/profile-defaults",              "profile_defaults_update", "Change what members' profiles say where nothing else is said", profiles::update_defaults),
        route(Tenant, GET,      "/catalog",                       "catalog_read",         "List what counts in the catalogue for oneself, or for somebody", catalog::read),
        route(Tenant, GET,      "/catalog/tenant",                "tenant_catalog_list",  "List the tenant's items of the catalogue", catalog::list_tenant),
        route(Tenant, GET,      "/catalog/tenant/{key}",          "tenant_catalog_read",  "Read an item of the tenant's", catalog::read_tenant),
        route(Tenant, PUT,      "/catalog/tenant/{key}",          "tenant_catalog_put",   "Put an item into the tenant's layer of the catalogue", catalog::put_tenant),
        route(Tenant, DELETE,   "/catalog/tenant/{key}",          "tenant_catalog_delete", "Take an item out of the tenant's layer of the catalogue", catalog::delete_tenant),
        route(Tenant, GET,      "/catalog/teams/{team}",          "team_catalog_list",    "List a team's items of the catalogue", catalog::list_team),
        route(Tenant, GET,      "/catalog/teams/{team}/{key}",    "team_catalog_read",    "Read an item of a team's", catalog::read_team),
        route(Tenant, PUT,      "/catalog/teams/{team}/{key}",    "team_catalog_put",     "Put an item into a team's layer of the catalogue", catalog::put_team),
        route(Tenant, DELETE,   "/catalog/teams/{team}/{key}",    "team_catalog_delete",  "Take an item out of a team's layer of the catalogue", catalog::delete_team),
        route(Tenant, GET,      "/catalog/accounts/{account}",    "account_catalog_list", "List a member's items of the catalogue", catalog::list_account),
        route(Tenant, GET,      "/catalog/accounts/{account}/{key}", "account_catalog_read", "Read an item of a member's", catalog::read_account),
        route(Tenant, PUT,      "/catalog/accounts/{account}/{key}", "account_catalog_put", "Put an item into a member's layer of the catalogue", catalog::put_account),
        route(Tenant, DELETE,   "/catalog/accounts/{account}/{key}", "account_catalog_delete", "Take an item out of a member's layer of the catalogue", catalog::delete_account),
    ]
}

/// The installation.
#[rustfmt::skip]
fn platform() -> Vec<Route> {
    use Mount::Platform;
    vec![
        route(Platform, GET,    "/tenants",                       "tenant_list",          "List tenants", tenants::list),
        route(Platform, POST,   "/tenants",                       "tenant_create",        "Make a tenant", tenants::create),
        route(Platform, GET,    "/tenants/{tenant}",              "tenant_inspect",       "Read a tenant's entry in the registry", tenants::inspect),
        route(Platform, PATCH,  "/tenants/{tenant}",              "tenant_move",          "Give a tenant another slug", tenants::update),
        route(Platform, POST,   "/tenants/{tenant}/suspend",      "tenant_suspend",       "Take a tenant out of service", tenants::suspend),
        route(Platform, POST,   "/tenants/{tenant}/resume",       "tenant_resume",        "Put a tenant back into service", tenants::resume),
        route(Platform, GET,    "/tenants/{tenant}/diagnostics",  "tenant_diagnostics",   "Examine a tenant's file", diagnostics::read_tenant),
        route(Platform, GET,    "/tenants/{tenant}/row-security", "tenant_row_security_read", "See what row-level security does in a tenant", row_security::inspect),
        route(Platform, PUT,    "/tenants/{tenant}/row-security", "tenant_row_security_update", "Change what row-level security does in a tenant", row_security::update),
        route(Platform, GET,    "/tenants/{tenant}/hosts",        "tenant_host_list",     "List a tenant's host names", hosts::list),
        route(Platform, GET,    "/tenants/{tenant}/hosts/{host}", "tenant_host_read",     "Read a tenant's host name", hosts::read),
        route(Platform, PUT,    "/tenants/{tenant}/hosts/{host}", "tenant_host_put",      "Register a host name for a tenant", hosts::put),
        route(Platform, DELETE, "/tenants/{tenant}/hosts/{host}", "tenant_host_delete",   "Take a host name from a tenant", hosts::delete),
        route(Platform, GET,    "/tenants/{tenant}/domains",      "tenant_domain_list",   "List a tenant's mail domains", domains::list),
        route(Platform, GET,    "/tenants/{tenant}/domains/{domain}", "tenant_domain_read", "Read a tenant's mail domain", domains::read),
        route(Platform, PUT,    "/tenants/{tenant}/domains/{domain}", "tenant_domain_put", "Register a mail domain for a tenant, whose people then join it by themselves", domains::put),
        route(Platform, DELETE, "/tenants/{tenant}/domains/{domain}", "tenant_domain_delete", "Take a mail domain from a tenant", domains::delete),
        route(Platform, GET,    "/operators",                     "operator_list",        "List operators", operators::list),
        route(Platform, GET,    "/operators/{account}",           "operator_read",        "Read an operator's role", operators::read),
        route(Platform, PUT,    "/operators/{account}",           "operator_put",         "Give an account a platform role", operators::put),
        route(Platform, DELETE, "/operators/{account}",           "operator_delete",      "Take an account's platform role away", operators::delete),
        route(Platform, GET,    "/break-glass",                   "break_glass_list",     "List entries into tenants, the newest first", break_glass::list),
        route(Platform, POST,   "/break-glass",                   "break_glass_create",   "Ask for entry into a tenant", break_glass::create),
        route(Platform, GET,    "/break-glass/{break_glass}",     "break_glass_read",     "Read an entry into a tenant", break_glass::read),
        route(Platform, POST,   "/break-glass/{break_glass}/approve", "break_glass_approve", "Approve somebody else's entry", break_glass::approve),
        route(Platform, POST,   "/break-glass/{break_glass}/deny", "break_glass_deny",    "Refuse somebody else's entry", break_glass::deny),
        route(Platform, POST,   "/break-glass/{break_glass}/end", "break_glass_end",      "End an entry before its time, or take a request back", break_glass::end),
        route(Platform, GET,    "/applications",                  "application_list",     "List applications", applications::list),
        route(Platform, POST,   "/applications",                  "application_create",   "Register an application", applications::create),
        route(Platform, GET,    "/applications/{application}",    "application_read",     "Read an application and its manifest", applications::read),
        route(Platform, PATCH,  "/applications/{application}",    "application_update",   "Give an application its next manifest, or say who must bind it", applications::update),
        route(Platform, GET,    "/applications/{application}/versions/{manifest_version}", "application_version_read", "Read a version of an application's manifest", applications::read_version),
        route(Platform, GET,    "/attributes",                    "attribute_list",       "List attributes", attributes::list),
        route(Platform, GET,    "/attributes/{key}",              "attribute_read",       "Read an attribute's definition", attributes::read),
        route(Platform, PUT,    "/attributes/{key}",              "attribute_put",        "Define an attribute, or define it otherwise", attributes::put),
        route(Platform, DELETE, "/attributes/{key}",              "attribute_delete",     "Let an attribute be defined no more", attributes::delete),
        route(Platform, GET,    "/catalog",                       "platform_catalog_list", "List the platform's items of the catalogue", catalog::list_platform),
        route(Platform, GET,    "/catalog/{key}",                 "platform_catalog_read", "Read an item of the platform's", catalog::read_platform),
        route(Platform, PUT,    "/catalog/{key}",                 "platform_catalog_put", "Put an item into the platform's layer of the catalogue", catalog::put_platform),
        route(Platform, DELETE, "/catalog/{key}",                 "platform_catalog_delete", "Take an item out of the platform's layer of the catalogue", catalog::delete_platform),
        route(Platform, POST,   "/tokens",                        "token_create",         "Mint a token, on the host alone", tokens::create),
        route(Platform, POST,   "/imports",                       "import_create",        "Import tenants from a file", imports::create),
        route(Platform, GET,    "/migrations",                    "migration_list",       "See which files are migrated", migrations::list),
        route(Platform, POST,   "/migrations",                    "migration_run",        "Migrate files", migrations::run),
        route(Platform, GET,    "/issuers",                       "issuer_status_list",   "List the installation's issuers, and the state of their keys", issuers::statuses),
        route(Platform, GET,    "/audit",                         "platform_audit_list",  "List what the platform's audit log says, newest first", audit::list_platform),
        route(Platform, GET,    "/events",                        "platform_event_list",  "List what happened on the platform, oldest first", events::list_platform),
        route(Platform, GET,    "/diagnostics",                   "diagnostics_read",     "Examine every file", diagnostics::read),
        route(Platform, POST,   "/diagnostics",                   "diagnostics_run",      "Examine files, and mend what is safe to mend", diagnostics::run),
    ]
}

/// Who calls the installation, and by what keys.
#[rustfmt::skip]
fn callers() -> Vec<Route> {
    use Mount::Platform;
    vec![
        route(Platform, GET,    "/accounts",                      "account_list",         "List accounts", accounts::list),
        route(Platform, POST,   "/accounts",                      "account_create",       "Make an account", accounts::create),
        route(Platform, GET,    "/accounts/{account}",            "account_read",         "Read an account", accounts::read),
        route(Platform, PATCH,  "/accounts/{account}",            "account_update",       "Change an account", accounts::update),
        route(Platform, POST,   "/accounts/{account}/suspend",    "account_suspend",      "Let an account do nothing anywhere", accounts::suspend),
        route(Platform, POST,   "/accounts/{account}/resume",     "account_resume",       "Let a suspended account act again", accounts::resume),
        route(Platform, POST,   "/accounts/{account}/end-sessions", "account_end_sessions", "End every session of an account", sessions::end_all),
        route(Platform, POST,   "/accounts/{account}/revoke-tokens", "account_revoke_tokens", "Take back every token of an account", credentials::revoke_all),
        route(Platform, GET,    "/keys",                          "signing_key_list",     "List the keys that sign, the newest first", signing_keys::list),
        route(Platform, POST,   "/keys/rotate",                   "signing_key_rotate",   "Put a new key in the place of the one that signs", signing_keys::rotate),
        route(Platform, POST,   "/keys/{kid}/retire",             "signing_key_retire",   "Retire a key that signs no more before its time", signing_keys::retire),
        route(Platform, GET,    "/service-accounts",              "platform_service_account_list", "List the platform's service accounts", service_accounts::platform::list),
        route(Platform, POST,   "/service-accounts",              "platform_service_account_create", "Make a service account of the platform", service_accounts::platform::create),
        route(Platform, GET,    "/service-accounts/{service_account}", "platform_service_account_read", "Read a service account of the platform", service_accounts::platform::read),
        route(Platform, PATCH,  "/service-accounts/{service_account}", "platform_service_account_update", "Change a service account of the platform", service_accounts::platform::update),
        route(Platform, DELETE, "/service-accounts/{service_account}", "platform_service_account_delete", "Delete a service account of the platform", service_accounts::platform::delete),
        route(Platform, POST,   "/service-accounts/{service_account}/suspend", "platform_service_account_suspend", "Let a service account of the platform do nothing", service_accounts::platform::suspend),
        route(Platform, POST,   "/service-accounts/{service_account}/resume", "platform_service_account_resume", "Let a service account of the platform act again", service_accounts::platform::resume),
        route(Platform, GET,    "/service-accounts/{service_account}/keys", "platform_api_key_list", "List the keys of a service account of the platform", api_keys::platform::list),
        route(Platform, POST,   "/service-accounts/{service_account}/keys", "platform_api_key_create", "Make a key for a service account of the platform", api_keys::platform::create),
        route(Platform, GET,    "/service-accounts/{service_account}/keys/{api_key}", "platform_api_key_read", "Read what is known of a key", api_keys::platform::read),
        route(Platform, POST,   "/service-accounts/{service_account}/keys/{api_key}/rotate", "platform_api_key_rotate", "Replace a key", api_keys::platform::rotate),
        route(Platform, DELETE, "/service-accounts/{service_account}/keys/{api_key}", "platform_api_key_revoke", "Take a key back", api_keys::platform::revoke),
    ]
}

/// One tenant. The router tries them in this order: what is asked most often comes first.
#[rustfmt::skip]
fn tenant() -> Vec<Route> {
    use Mount::Tenant;
    vec![
        route(Tenant, GET,      "/resources",                     "resource_list",        "List the resources that the caller may read", resources::list),
        route(Tenant, POST,     "/resources",                     "resource_create",      "Make a resource", resources::create),
        route(Tenant, GET,      "/resources/{resource}",          "resource_read",        "Read a resource", resources::read),
        route(Tenant, PATCH,    "/resources/{resource}",          "resource_update",      "Change a resource", resources::update),
        route(Tenant, DELETE,   "/resources/{resource}",          "resource_delete",      "Delete a resource", resources::delete),
        route(Tenant, GET,      "/resources/{resource}/acl",      "acl_list",             "List whom a resource is shared with", acl::list),
        route(Tenant, GET,      "/resources/{resource}/acl/{principal}", "acl_read",      "Read an access-control entry", acl::read),
        route(Tenant, PUT,      "/resources/{resource}/acl/{principal}", "acl_put",       "Share a resource with a principal", acl::put),
        route(Tenant, DELETE,   "/resources/{resource}/acl/{principal}", "acl_delete",    "Share a resource with a principal no more", acl::delete),
        route(Tenant, POST,     "/access/v1/evaluation",          "access_evaluate",      "Ask whether a subject may do something (AuthZEN 1.0)", access::evaluate),
        route(Tenant, POST,     "/access/v1/explain",             "access_explain",       "Learn why a decision is what it is", access::explain),
        route(Tenant, POST,     "/access/v1/simulate",            "access_simulate",      "Learn which decisions a change would change", access::simulate),
        route(Tenant, POST,     "/access/v1/evaluations",         "access_evaluate_many", "Ask several such questions at once (AuthZEN 1.0)", access::evaluations::evaluate),
        route(Tenant, POST,     "/access/v1/search/subject",      "access_search_subject", "Find who may do something (AuthZEN 1.0)", access::search::subjects),
        route(Tenant, POST,     "/access/v1/search/resource",     "access_search_resource", "Find what a subject may do something to (AuthZEN 1.0)", access::search::resources),
        route(Tenant, POST,     "/access/v1/search/action",       "access_search_action", "Find what a subject may do to something (AuthZEN 1.0)", access::search::actions),
        route(Tenant, GET,      "",                               "organization_read",    "Read the tenant's entry", organization::read),
        route(Tenant, PATCH,    "",                               "organization_update",  "Change the tenant's name or description", organization::update),
        route(Tenant, GET,      "/audit",                         "audit_list",           "List what the tenant's audit log says, newest first", audit::list),
        route(Tenant, GET,      "/audit/verify",                  "audit_verify",         "Walk the chain of the tenant's audit log", audit::verify),
        route(Tenant, GET,      "/audit/export",                  "audit_export",         "Take the tenant's audit log elsewhere, oldest first", audit::export),
        route(Tenant, GET,      "/audit/retention",               "audit_retention_read", "See for how long the tenant's audit log is kept", audit::read_retention),
        route(Tenant, GET,      "/events",                        "event_list",           "List what happened in the tenant, oldest first", events::list),
        route(Tenant, GET,      "/diagnostics",                   "tenant_diagnostics_read", "Examine the tenant, and learn what it lacks", diagnostics::read_own),
        route(Tenant, GET,      "/row-security",                  "row_security_read",    "See what row-level security does", row_security::read),
        route(Tenant, GET,      "/row-security/report",           "row_security_report",  "List what mode shadow delivers and mode enforce would withhold", row_security::report),
    ]
}

/// A tenant's people, teams, values, and callers that are no people.
#[rustfmt::skip]
fn people() -> Vec<Route> {
    use Mount::Tenant;
    vec![
        route(Tenant, GET,      "/principals",                    "principal_list",       "Find principals", principals::list),
        route(Tenant, GET,      "/members",                       "member_list",          "List members", members::list),
        route(Tenant, POST,     "/members",                       "member_create",        "Add a member", members::create),
        route(Tenant, GET,      "/members/{account}",             "member_read",          "Read a membership", members::read),
        route(Tenant, PATCH,    "/members/{account}",             "member_update",        "Change a member's role", members::update),
        route(Tenant, DELETE,   "/members/{account}",             "member_delete",        "Remove a member", members::delete),
        route(Tenant, POST,     "/members/{account}/suspend",     "member_suspend",       "Suspend a member", members::suspend),
        route(Tenant, POST,     "/members/{account}/resume",      "member_resume",        "Resume a suspended member", members::resume),
        route(Tenant, GET,      "/invitations",                   "invitation_list",      "List invitations, the newest first", invitations::list),
        route(Tenant, POST,     "/invitations",                   "invitation_create",    "Ask somebody in", invitations::create),
        route(Tenant, POST,     "/invitations/bulk",              "invitation_create_many", "Ask several in, all of them or none", invitations::create_many),
        route(Tenant, GET,      "/invitations/{invitation}",      "invitation_read",      "Read an invitation", invitations::read),
        route(Tenant, POST,     "/invitations/{invitation}/revoke", "invitation_revoke",  "Take an invitation back", invitations::revoke),
        route(Tenant, GET,      "/teams",                         "team_list",            "List teams", teams::list),
        route(Tenant, POST,     "/teams",                         "team_create",          "Make a team", teams::create),
        route(Tenant, GET,      "/teams/{team}",                  "team_read",            "Read a team", teams::read),
        route(Tenant, PATCH,    "/teams/{team}",                  "team_update",          "Change a team, or move it below another", teams::update),
        route(Tenant, DELETE,   "/teams/{team}",                  "team_delete",          "Delete a team", teams::delete),
        route(Tenant, GET,      "/teams/{team}/members",          "team_member_list",     "List a team's members", team_members::list),
        route(Tenant, GET,      "/teams/{team}/members/{account}","team_member_read",     "Read somebody's place in a team", team_members::read),
        route(Tenant, PUT,      "/teams/{team}/members/{account}","team_member_put",      "Give somebody a place in a team", team_members::put),
        route(Tenant, DELETE,   "/teams/{team}/members/{account}","team_member_delete",   "Take somebody's place in a team away", team_members::delete),
        route(Tenant, GET,      "/roles",                         "role_list",            "List custom roles", roles::list),
        route(Tenant, POST,     "/roles",                         "role_create",          "Make a custom role", roles::create),
        route(Tenant, GET,      "/roles/{role}",                  "role_read",            "Read a custom role", roles::read),
        route(Tenant, PATCH,    "/roles/{role}",                  "role_update",          "Change a custom role, for everybody who has it", roles::update),
        route(Tenant, DELETE,   "/roles/{role}",                  "role_delete",          "Delete a custom role, and take it from everybody", roles::delete),
        route(Tenant, GET,      "/roles/{role}/assignments",      "role_assignment_list", "List who has a custom role", role_assignments::list),
        route(Tenant, GET,      "/roles/{role}/assignments/{principal}", "role_assignment_read", "Read that a principal has a custom role", role_assignments::read),
        route(Tenant, PUT,      "/roles/{role}/assignments/{principal}", "role_assignment_put", "Give a custom role to a principal", role_assignments::put),
        route(Tenant, DELETE,   "/roles/{role}/assignments/{principal}", "role_assignment_delete", "Take a custom role from a principal", role_assignments::delete),
        route(Tenant, GET,      "/issuers",                       "issuer_list",          "List the issuers that the tenant trusts", issuers::list),
        route(Tenant, POST,     "/issuers",                       "issuer_create",        "Let the tenant trust an issuer", issuers::create),
        route(Tenant, GET,      "/issuers/{issuer}",              "issuer_read",          "Read an issuer that the tenant trusts", issuers::read),
        route(Tenant, PATCH,    "/issuers/{issuer}",              "issuer_update",        "Change what an issuer is trusted for", issuers::update),
        route(Tenant, DELETE,   "/issuers/{issuer}",              "issuer_delete",        "Let the tenant trust an issuer no more", issuers::delete),
        route(Tenant, GET,      "/workspaces",                    "workspace_list",       "List the workspaces that the caller reaches", workspaces::list),
        route(Tenant, POST,     "/workspaces",                    "workspace_create",     "Make a workspace", workspaces::create),
        route(Tenant, GET,      "/workspaces/{workspace}",        "workspace_read",       "Read a workspace", workspaces::read),
        route(Tenant, PATCH,    "/workspaces/{workspace}",        "workspace_update",     "Rename a workspace", workspaces::update),
        route(Tenant, DELETE,   "/workspaces/{workspace}",        "workspace_delete",     "Delete an empty workspace", workspaces::delete),
        route(Tenant, GET,      "/resource-types",                "resource_type_list",   "List resource types", resource_types::list),
        route(Tenant, POST,     "/resource-types",                "resource_type_create", "Register a resource type", resource_types::create),
        route(Tenant, GET,      "/resource-types/{resource_type}","resource_type_read",   "Read a resource type", resource_types::read),
        route(Tenant, GET,      "/service-accounts",              "service_account_list", "List service accounts", service_accounts::list),
        route(Tenant, POST,     "/service-accounts",              "service_account_create", "Make a service account", service_accounts::create),
        route(Tenant, GET,      "/service-accounts/{service_account}", "service_account_read", "Read a service account", service_accounts::read),
        route(Tenant, PATCH,    "/service-accounts/{service_account}", "service_account_update", "Change a service account", service_accounts::update),
        route(Tenant, DELETE,   "/service-accounts/{service_account}", "service_account_delete", "Delete a service account with its keys", service_accounts::delete),
        route(Tenant, POST,     "/service-accounts/{service_account}/suspend", "service_account_suspend", "Let a service account do nothing", service_accounts::suspend),
        route(Tenant, POST,     "/service-accounts/{service_account}/resume", "service_account_resume", "Let a suspended service account act again", service_accounts::resume),
        route(Tenant, GET,      "/service-accounts/{service_account}/keys", "api_key_list", "List a service account's keys", api_keys::list),
        route(Tenant, POST,     "/service-accounts/{service_account}/keys", "api_key_create", "Make a key", api_keys::create),
        route(Tenant, GET,      "/service-accounts/{service_account}/keys/{api_key}", "api_key_read", "Read what is known of a key", api_keys::read),
        route(Tenant, POST,     "/service-accounts/{service_account}/keys/{api_key}/rotate", "api_key_rotate", "Replace a key", api_keys::rotate),
        route(Tenant, DELETE,   "/service-accounts/{service_account}/keys/{api_key}", "api_key_revoke", "Take a key back", api_keys::revoke),
        route(Tenant, GET,      "/applications",                  "application_binding_list", "List the applications that the tenant has bound", application_bindings::list),
        route(Tenant, GET,      "/applications/{application}",    "application_binding_read", "Read how the tenant has bound an application", application_bindings::read),
        route(Tenant, PUT,      "/applications/{application}",    "application_binding_put", "Bind an application, or bind it otherwise", application_bindings::put),
        route(Tenant, DELETE,   "/applications/{application}",    "application_binding_delete", "Let go of an application", application_bindings::delete),
    ]
}

/// The caller's own account, and what needs no credential.
#[rustfmt::skip]
fn everybody() -> Vec<Route> {
    use Mount::{Account, Internal, Public};
    vec![
        route(Account, GET,     "/me",                            "me_read",              "Learn who one is", me::read),
        route(Account, PATCH,   "/me",                            "me_update",            "Change one's own name or address", me::update),
        route(Account, GET,     "/me/tenants",                    "my_tenant_list",       "List one's own tenants", me::list_tenants),
        route(Account, POST,    "/me/tenants",                    "my_tenant_create",     "Make one's personal tenant", me::create_tenant),
        route(Account, GET,     "/me/invitations",                "my_invitation_list",   "List the invitations that are for oneself, and can be taken", invitations::list_mine),
        route(Account, POST,    "/me/invitations/{invitation}/accept", "my_invitation_accept", "Take an invitation, and become a member", invitations::accept),
        route(Account, POST,    "/me/invitations/{invitation}/decline", "my_invitation_decline", "Turn an invitation down", invitations::decline),
        route(Account, GET,     "/me/profile",                    "my_profile_read",      "See what one's own profile says wherever no tenant says otherwise", profiles::read_own),
        route(Account, PATCH,   "/me/profile",                    "my_profile_update",    "Change what one's own profile says wherever no tenant says otherwise", profiles::update_own),
        route(Account, GET,     "/me/sessions",                   "session_list",         "List one's sessions", sessions::list),
        route(Account, DELETE,  "/me/sessions/{session}",         "session_delete",       "End a session of one's own", sessions::delete),
        route(Account, GET,     "/me/identities",                 "identity_list",        "List one's identities", identities::list),
        route(Account, POST,    "/me/identities",                 "identity_link",        "Link an identity to one's account, by a token of its issuer", identities::link),
        route(Account, DELETE,  "/me/identities/{identity}",      "identity_unlink",      "Take an identity from one's account", identities::unlink),
        route(Account, GET,     "/auth/session",                  "session_read",         "Learn who is here, by which session", sessions::read),
        route(Account, POST,    "/auth/session",                  "session_move",         "Move the session to another tenant", sessions::relocate),
        route(Account, POST,    "/auth/logout",                   "session_end",          "Log out", sessions::end),
        route(Public, GET,      "/v1/auth/login",                 "login_begin",          "Begin a log-in by browser", login::begin),
        route(Public, GET,      "/v1/auth/callback",              "login_finish",         "Come back from a provider", login::finish),
        route(Account, POST,    "/me/revoke-tokens",              "me_revoke_tokens",     "Take back every token of one's own", credentials::revoke_own),
        route(Public, POST,     "/v1/auth/token",                 "token_exchange",       "Get a token for another credential (RFC 8693)", tokens::exchange),
        route(Public, POST,     "/v1/auth/revoke",                "token_revoke",         "Take a token or a key back (RFC 7009)", credentials::revoke),
        route(Public, GET,      "/livez",                         "health_live",          "Whether the process runs", health::live),
        route(Public, GET,      "/readyz",                        "health_ready",         "Whether requests are served", health::ready),
        route(Public, GET,      "/metrics",                       "metrics_read",         "Figures, in Prometheus' text format", metrics::read),
        route(Internal, GET,    "/_int/tenancy/ping",             "tenancy_ping",         "See which tenant a request reached", access::ping),
        route(Public, GET,      "/.well-known/jwks.json",         "jwks_read",            "The public keys of system JWTs (RFC 7517)", jwks::read),
        route(Public, GET,      "/.well-known/authzen-configuration/v1/tenants/{tenant}", "authzen_configuration_read", "Where a tenant's decision point is asked (AuthZEN 1.0)", access::configuration::read),
        route(Public, GET,      "/.well-known/authzen-configuration/v1/tenant", "authzen_configuration_read_host", "Where the decision point of a host's tenant is asked (AuthZEN 1.0)", access::configuration::read_of_host),
    ]
}
