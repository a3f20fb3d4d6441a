//! Who may do what: every route, for callers of rising privilege.

use std::collections::{BTreeMap, BTreeSet};

use freehold::http::{RouteInfo, infos};

use crate::asks::ask;
use crate::client::Client;
use crate::glass::Operator;
use crate::org::Org;
use crate::shared;

shared!();

/// The callers, in the order of the table's columns. The last but one owns another tenant; the last one is an operator
/// with an approved break-glass entry for everything.
pub(crate) const CALLERS: [&str; 9] =
    ["stranger", "guest", "member", "admin", "owner", "operator", "host", "elsewhere", "opened"];

/// What each of them is answered, on what somebody else has made.
const TABLE: &str = "
                        stranger  guest  member  admin  owner  operator  host  elsewhere  opened

    organization_read        401    200     200    200    200       404   404        404     200
    organization_update      401    403     403    200    200       404   404        404     200
    principal_list           401    403     200    200    200       404   404        404     200
    member_list              401    403     200    200    200       404   404        404     200
    member_create            401    403     403    201    201       404   404        404     403
    member_read              401    404     200    200    200       404   404        404     200
    member_update            401    404     403    200    200       404   404        404     403
    member_delete            401    404     403    204    204       404   404        404     204
    member_suspend           401    404     403    200    200       404   404        404     200
    member_resume            401    404     403    200    200       404   404        404     403
    invitation_list          401    403     403    200    200       404   404        404     200
    invitation_create        401    403     403    201    201       404   404        404     403
    invitation_create_many   401    403     403    200    200       404   404        404     403
    invitation_read          401    404     404    200    200       404   404        404     200
    invitation_revoke        401    404     404    200    200       404   404        404     200
    team_list                401    403     200    200    200       404   404        404     200
    team_create              401    403     403    201    201       404   404        404     403
    team_read                401    404     200    200    200       404   404        404     200
    team_update              401    404     403    200    200       404   404        404     200
    team_delete              401    404     403    204    204       404   404        404     204
    team_member_list         401    404     200    200    200       404   404        404     200
    team_member_read         401    404     200    200    200       404   404        404     200
    team_member_put          401    404     403    2xx    2xx       404   404        404     403
    team_member_delete       401    404     403    204    204       404   404        404     204
    role_list                401    403     403    200    200       404   404        404     200
    role_create              401    403     403    201    201       404   404        404     403
    role_read                401    404     404    200    200       404   404        404     200
    role_update              401    404     404    200    200       404   404        404     403
    role_delete              401    404     404    204    204       404   404        404     204
    role_assignment_list     401    404     404    200    200       404   404        404     200
    role_assignment_read     401    404     404    200    200       404   404        404     200
    role_assignment_put      401    404     404    2xx    2xx       404   404        404     403
    role_assignment_delete   401    404     404    204    204       404   404        404     204
    service_account_list     401    403     403    200    200       404   404        404     200
    service_account_create   401    403     403    201    201       404   404        404     403
    service_account_read     401    404     404    200    200       404   404        404     200
    service_account_update   401    404     404    200    200       404   404        404     403
    service_account_delete   401    404     404    204    204       404   404        404     403
    service_account_suspend  401    404     404    200    200       404   404        404     403
    service_account_resume   401    404     404    200    200       404   404        404     403
    api_key_list             401    404     404    200    200       404   404        404     200
    api_key_create           401    404     404    201    201       404   404        404     403
    api_key_read             401    404     404    200    200       404   404        404     200
    api_key_rotate           401    404     404    201    201       404   404        404     403
    api_key_revoke           401    404     404    204    204       404   404        404     403
    workspace_list           401    200     200    200    200       404   404        404     200
    workspace_create         401    404     403    201    201       404   404        404     403
    workspace_read           401    404     200    200    200       404   404        404     200
    workspace_update         401    404     403    200    200       404   404        404     200
    workspace_delete         401    404     403    204    204       404   404        404     204
    resource_type_list       401    200     200    200    200       404   404        404     200
    resource_type_create     401    403     403    201    201       404   404        404     201
    resource_type_read       401    200     200    200    200       404   404        404     200
    resource_list            401    200     200    200    200       404   404        404     200
    resource_create          401    404     201    201    201       404   404        404     403
    resource_read            401    404     200    200    200       404   404        404     200
    resource_update          401    404     403    200    200       404   404        404     200
    resource_delete          401    404     403    204    204       404   404        404     204
    acl_list                 401    404     403    200    200       404   404        404     403
    acl_read                 401    404     403    200    200       404   404        404     403
    acl_put                  401    404     403    2xx    2xx       404   404        404     403
    acl_delete               401    404     403    204    204       404   404        404     403
    access_evaluate          401    403     403    200    200       404   404        404     200
    row_security_read        401    403     403    200    200       404   404        404     200
    row_security_report      401    403     403    200    200       404   404        404     200
    application_binding_list   401  403     403    200    200       404   404        404     200
    application_binding_read   401  403     403    200    200       404   404        404     200
    application_binding_put    401  403     403    2xx    2xx       404   404        404     403
    application_binding_delete 401  403     403    204    204       404   404        404     204
    issuer_list              401    403     403    200    200       404   404        404     200
    issuer_create            401    403     403    403    201       404   404        404     403
    issuer_read              401    404     404    200    200       404   404        404     200
    issuer_update            401    404     404    403    200       404   404        404     403
    issuer_delete            401    404     404    403    204       404   404        404     403
    access_explain           401    403     403    200    200       404   404        404     200
    access_simulate          401    403     403    200    200       404   404        404     200
    access_evaluate_many     401    403     403    200    200       404   404        404     200
    access_search_subject    401    403     403    200    200       404   404        404     200
    access_search_resource   401    403     403    200    200       404   404        404     200
    access_search_action     401    403     403    200    200       404   404        404     200
    profile_read             401    404    200    200    200    404    404    404    200
    profile_update           401    404    403    200    200    404    404    404    200
    profile_defaults_read    401    403    403    200    200    404    404    404    200
    profile_defaults_update  401    403    403    200    200    404    404    404    200
    catalog_read             401    200    200    200    200    404    404    404    200
    tenant_catalog_list      401    403    403    200    200    404    404    404    200
    tenant_catalog_read      401    403    403    200    200    404    404    404    200
    tenant_catalog_put       401    403    403    2xx    2xx    404    404    404    2xx
    tenant_catalog_delete    401    403    403    204    204    404    404    404    204
    team_catalog_list        401    404    403    200    200    404    404    404    200
    team_catalog_read        401    404    403    200    200    404    404    404    200
    team_catalog_put         401    404    403    2xx    2xx    404    404    404    2xx
    team_catalog_delete      401    404    403    204    204    404    404    404    204
    account_catalog_list     401    404    403    200    200    404    404    404    200
    account_catalog_read     401    404    403    200    200    404    404    404    200
    account_catalog_put      401    404    403    2xx    2xx    404    404    404    2xx
    account_catalog_delete   401    404    403    204    204    404    404    404    204
    audit_list               401    403     403    200    200       404   404        404     200
    event_list               401    403     403    200    200       404   404        404     200
    audit_verify             401    403     403    200    200       404   404        404     200
    audit_export             401    403     403    200    200       404   404        404     200
    audit_retention_read     401    403     403    200    200       404   404        404     200
    event_stream             401    403     403    200    200       404   404        404     200
    tenant_diagnostics_read  401    403     403    200    200       404   404        404     200
    webhook_list             401    403     403    200    200       404   404        404     200
    webhook_create           401    403     403    201    201       404   404        404     403
    webhook_read             401    403     403    200    200       404   404        404     200
    webhook_update           401    403     403    200    200       404   404        404     403
    webhook_delete           401    403     403    204    204       404   404        404     204
    webhook_rotate           401    403     403    200    200       404   404        404     403
    webhook_test             401    403     403    200    200       404   404        404     200
    webhook_replay           401    403     403    200    200       404   404        404     200
    webhook_delivery_list    401    403     403    200    200       404   404        404     200
    quota_list               401    403     403    200    200       404   404        404     200
    quota_read               401    403     403    200    200       404   404        404     200
    usage_list               401    403     403    200    200       404   404        404     200
    usage_record             401    403     403    200    200       404   404        404     403
    usage_record_list        401    403     403    200    200       404   404        404     200
    reservation_list         401    403     403    200    200       404   404        404     200
    reservation_create       401    403     403    201    201       404   404        404     403
    reservation_read         401    403     403    200    200       404   404        404     200
    reservation_delete       401    403     403    204    204       404   404        404     204

    tenant_list              401    404     404    404    404       200   200        404     200
    tenant_create            401    404     404    404    404       201   201        404     201
    tenant_inspect           401    404     404    404    404       200   200        404     200
    tenant_move              401    404     404    404    404       200   200        404     200
    tenant_suspend           401    404     404    404    404       200   200        404     200
    tenant_resume            401    404     404    404    404       200   200        404     200
    tenant_diagnostics       401    404     404    404    404       200   200        404     200
    tenant_row_security_read   401  404     404    404    404       200   200        404     200
    tenant_row_security_update 401  404     404    404    404       200   200        404     200
    tenant_host_list         401    404     404    404    404       200   200        404     200
    tenant_host_read         401    404     404    404    404       200   200        404     200
    tenant_host_put          401    404     404    404    404       2xx   2xx        404     2xx
    tenant_host_delete       401    404     404    404    404       204   204        404     204
    tenant_domain_list       401    404     404    404    404       200   200        404     200
    tenant_domain_read       401    404     404    404    404       200   200        404     200
    tenant_domain_put        401    404     404    404    404       2xx   2xx        404     2xx
    tenant_domain_delete     401    404     404    404    404       204   204        404     204
    account_list             401    404     404    404    404       200   200        404     200
    account_create           401    404     404    404    404       201   201        404     201
    account_read             401    404     404    404    404       200   200        404     200
    account_update           401    404     404    404    404       200   200        404     200
    account_suspend          401    404     404    404    404       200   200        404     200
    account_resume           401    404     404    404    404       200   200        404     200
    account_end_sessions     401    404     404    404    404       204   204        404     204
    account_revoke_tokens            401  404  404    404    404       204   204        404     204
    signing_key_list                 401  404  404    404    404       200   200        404     200
    signing_key_rotate               401  404  404    404    404       200   200        404     200
    signing_key_retire               401  404  404    404    404       200   200        404     200
    platform_service_account_list    401  404  404    404    404       200   200        404     200
    platform_service_account_create  401  404  404    404    404       201   201        404     201
    platform_service_account_read    401  404  404    404    404       200   200        404     200
    platform_service_account_update  401  404  404    404    404       200   200        404     200
    platform_service_account_delete  401  404  404    404    404       204   204        404     204
    platform_service_account_suspend 401  404  404    404    404       200   200        404     200
    platform_service_account_resume  401  404  404    404    404       200   200        404     200
    platform_api_key_list            401  404  404    404    404       200   200        404     200
    platform_api_key_create          401  404  404    404    404       201   201        404     201
    platform_api_key_read            401  404  404    404    404       200   200        404     200
    platform_api_key_rotate          401  404  404    404    404       201   201        404     201
    platform_api_key_revoke          401  404  404    404    404       204   204        404     204
    operator_list            401    404     404    404    404       200   200        404     200
    operator_read            401    404     404    404    404       200   200        404     200
    operator_put             401    404     404    404    404       2xx   2xx        404     2xx
    operator_delete          401    404     404    404    404       204   204        404     204
    break_glass_list         401    404     404    404    404       200   200        404     200
    break_glass_create       401    404     404    404    404       201   201        404     201
    break_glass_read         401    404     404    404    404       200   200        404     200
    break_glass_approve      401    404     404    404    404       200   200        404     200
    break_glass_deny         401    404     404    404    404       200   200        404     200
    break_glass_end          401    404     404    404    404       200   200        404     200
    token_create             401    404     404    404    404       403   200        404     403
    import_create            401    404     404    404    404       200   200        404     200
    migration_list           401    404     404    404    404       200   200        404     200
    migration_run            401    404     404    404    404       200   200        404     200
    diagnostics_read         401    404     404    404    404       200   200        404     200
    diagnostics_run          401    404     404    404    404       200   200        404     200
    application_list         401    404     404    404    404       200   200        404     200
    application_create       401    404     404    404    404       201   201        404     201
    application_read         401    404     404    404    404       200   200        404     200
    application_update       401    404     404    404    404       200   200        404     200
    application_version_read 401    404     404    404    404       200   200        404     200
    attribute_list           401    404    404    404    404    200    200    404    200
    attribute_read           401    404    404    404    404    200    200    404    200
    attribute_put            401    404    404    404    404    2xx    2xx    404    2xx
    attribute_delete         401    404    404    404    404    204    204    404    204
    platform_catalog_list    401    404    404    404    404    200    200    404    200
    platform_catalog_read    401    404    404    404    404    200    200    404    200
    platform_catalog_put     401    404    404    404    404    2xx    2xx    404    2xx
    platform_catalog_delete  401    404    404    404    404    204    204    404    204
    issuer_status_list       401    404     404    404    404       200   200        404     200
    platform_audit_list      401    404     404    404    404       200   200        404     200
    platform_event_list      401    404     404    404    404       200   200        404     200
    tenant_quota_read              401  404  404    404    404       200   200        404     200
    tenant_quota_put               401  404  404    404    404       200   200        404     200
    tenant_audit_verify            401  404  404    404    404       200   200        404     200
    tenant_audit_retention_read    401  404  404    404    404       200   200        404     200
    tenant_audit_retention_update  401  404  404    404    404       200   200        404     200
    platform_audit_verify          401  404  404    404    404       200   200        404     200
    platform_audit_export          401  404  404    404    404       200   200        404     200
    plan_list                      401  404  404    404    404       200   200        404     200
    plan_read                      401  404  404    404    404       200   200        404     200
    plan_put                       401  404  404    404    404       2xx   2xx        404     2xx
    plan_delete                    401  404  404    404    404       204   204        404     204
    platform_usage_list            401  404  404    404    404       200   200        404     200
    platform_event_stream          401  404  404    404    404       200   200        404     200
    platform_webhook_list          401  404  404    404    404       200   200        404     200
    platform_webhook_create        401  404  404    404    404       201   201        404     201
    platform_webhook_read          401  404  404    404    404       200   200        404     200
    platform_webhook_update        401  404  404    404    404       200   200        404     200
    platform_webhook_delete        401  404  404    404    404       204   204        404     204
    platform_webhook_rotate        401  404  404    404    404       200   200        404     200
    platform_webhook_test          401  404  404    404    404       200   200        404     200
    platform_webhook_replay        401  404  404    404    404       200   200        404     200
    platform_webhook_delivery_list 401  404  404    404    404       200   200        404     200

    me_read                  401    200     200    200    200       200   403        200     200
    me_update                401    428     428    428    428       428   428        428     428
    my_tenant_list           401    200     200    200    200       200   403        200     200
    my_tenant_create         401    201     201    201    201       201   403        201     201
    my_invitation_list       401    200     200    200    200       200   403        200     200
    my_invitation_accept     401    404     404    404    404       404   403        404     404
    my_invitation_decline    401    404     404    404    404       404   403        404     404
    my_profile_read          401    200    200    200    200    200    403    200    200
    my_profile_update        401    403    403    403    403    200    403    403    200
    session_list             401    200     200    200    200       200   403        200     200
    session_delete           401    404     404    404    404       404   403        404     404
    session_read             401    404     404    404    404       404   403        404     404
    session_move             401    404     404    404    404       404   403        404     404
    session_end              401    404     404    404    404       404   403        404     404
    identity_list            401    200     200    200    200       200   403        200     200
    identity_link            401    200     200    200    200       200   403        200     200
    identity_unlink          401    404     404    404    404       404   403        404     404
    login_begin              404    404     404    404    404       404   404        404     404
    login_finish             404    404     404    404    404       404   404        404     404
    me_revoke_tokens         401    204     204    204    204       204   403        204     204
    token_exchange           200    200     200    200    200       200   200        200     200
    token_revoke             200    200     200    200    200       200   200        200     200
    tenancy_ping             401    200     200    200    200       404   404        404     200
    health_live              200    200     200    200    200       200   200        200     200
    health_ready             200    200     200    200    200       200   200        200     200
    event_schema_read        200    200     200    200    200       200   200        200     200
    metrics_read             404    404     404    404    404       404   200        404     404
    jwks_read                200    200     200    200    200       200   200        200     200
    authzen_configuration_read 200  200     200    200    200       200   200        200     200
    authzen_configuration_read_host 200 200 200    200    200       200   200        200     200
";

/// The rows, by operation.
pub(crate) fn rows() -> BTreeMap<&'static str, Vec<&'static str>> {
    let rows = TABLE.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.len() == CALLERS.len() + 1)
        .map(|row| (row[0], row[1..].to_vec()))
        .collect()
}

fn callers(org: &Org, elsewhere: &Org) -> [Client; 9] {
    let opened = Operator::new(org.app, &format!("{}-opened", org.slug), "platform-admin");
    let entry = opened.enter(org.app, &org.slug, &["*"]);
    [
        org.app.stranger(),
        org.guest.clone(),
        org.member.clone(),
        org.admin.clone(),
        org.owner.clone(),
        org.app.operator(),
        org.app.host(),
        elsewhere.owner.clone(),
        opened.by(&entry),
    ]
}

/// Every cell of a route's row that is answered differently.
fn differences(route: &RouteInfo, row: &[&str], org: &Org, callers: &[Client; 9]) -> Vec<String> {
    let mut found = Vec::new();
    for ((name, caller), expected) in CALLERS.iter().zip(callers).zip(row) {
        let ask = ask(route, org, &format!("{}_{name}", route.operation_id));
        let answer = ask.send(route, org, caller);
        let status = answer.status.to_string();
        let good = *expected == status || (*expected == "2xx" && status.starts_with('2'));
        if !good {
            found.push(format!(
                "{} by {name}: {status}, not {expected}: {}",
                route.operation_id, answer.text
            ));
        }
    }
    found
}

#[test]
fn every_route_has_its_row_and_every_row_its_route() {
    let routes: BTreeSet<_> = infos().iter().map(|route| route.operation_id).collect();
    let rows: BTreeSet<_> = rows().into_keys().collect();
    assert_eq!(rows, routes);
}

#[test]
fn the_table_has_its_columns_as_they_are_named() {
    let head: Vec<_> =
        TABLE.lines().find(|line| !line.trim().is_empty()).unwrap().split_whitespace().collect();
    assert_eq!(head, CALLERS);
}

/// Walks the routes of the half of the table that a test takes.
fn walk(slug: &str, of_tenants: bool) {
    let (org, elsewhere) = (Org::new(app(), slug), Org::new(app(), &format!("{slug}-elsewhere")));
    let (rows, callers) = (rows(), callers(&org, &elsewhere));
    let routes = infos();
    let routes =
        routes.iter().filter(|route| (route.mount == freehold::http::Mount::Tenant) == of_tenants);
    let found: Vec<_> = routes
        .flat_map(|route| match rows.get(route.operation_id) {
            Some(row) => differences(route, row, &org, &callers),
            None => vec![format!("{} has no row", route.operation_id)],
        })
        .collect();
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn every_caller_may_do_on_the_tenant_plane_what_the_table_says() {
    walk("tenant-matrix", true);
}

#[test]
fn every_caller_may_do_on_the_platform_plane_what_the_table_says() {
    walk("platform-matrix", false);
}
