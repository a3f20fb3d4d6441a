//! What operators can be let do in a tenant, and what stays closed to them whoever approves it.

use freehold::domain::{PlaneName, action};
use freehold::policy::Policy;
use freehold::services::break_glass::is_usable;

/// What gives somebody authority or property that outlasts the entry, or belongs to people of the tenant alone.
const CLOSED: &[&str] = &[
    "admin.create",
    "api_key.create",
    "api_key.revoke",
    "api_key.rotate",
    "application_binding.update",
    "invitation.accept",
    "invitation.create",
    "invitation.decline",
    "issuer.create",
    "issuer.delete",
    "issuer.update",
    "member.create",
    "member.resume",
    "member.update",
    "owner.create",
    "reservation.create",
    "resource.create",
    "resource.share",
    "role.create",
    "role.update",
    "role_assignment.update",
    "service_account.create",
    "service_account.delete",
    "service_account.resume",
    "service_account.suspend",
    "service_account.update",
    "team.create",
    "team.move",
    "team_member.update",
    "tenant.import",
    "token.exchange",
    "usage.record",
    "webhook.create",
    "webhook.rotate",
    "webhook.update",
    "workspace.create",
];

#[test]
fn break_glass_opens_everything_in_a_tenant_but_what_outlasts_it() {
    let policy = Policy::embedded().unwrap();
    let of_tenants = action::ALL.iter().filter(|action| action.plane == PlaneName::Tenant);
    let mut closed: Vec<_> =
        of_tenants.filter(|action| !is_usable(&policy, action)).map(|action| action.name).collect();
    closed.sort_unstable();
    assert_eq!(closed, CLOSED);
}

#[test]
fn break_glass_opens_nothing_of_the_other_planes() {
    let policy = Policy::embedded().unwrap();
    let mut others = action::ALL.iter().filter(|action| action.plane != PlaneName::Tenant);
    assert!(others.all(|action| !is_usable(&policy, action)));
}
