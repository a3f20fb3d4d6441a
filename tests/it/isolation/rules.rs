//! What must come of a request: let in, or refused with which status and counted in which audit log.

use std::collections::BTreeMap;

use freehold::http::{Mount, RouteInfo};

use super::objects::{Origin, Strange};
use super::world::{House, Standing, Who};
use crate::matrix::{CALLERS, rows};
use crate::resolution::Sources;

/// What operators of lower roles may do.
const AUDITOR: &[&str] = &[
    "account_list",
    "account_read",
    "operator_read",
    "signing_key_list",
    "platform_service_account_list",
    "platform_service_account_read",
    "platform_api_key_list",
    "platform_api_key_read",
    "platform_audit_list",
    "platform_event_list",
    "platform_event_stream",
    "platform_audit_verify",
    "platform_audit_export",
    "tenant_audit_verify",
    "platform_webhook_list",
    "platform_webhook_read",
    "platform_webhook_delivery_list",
];
const SUPPORT_ALONE: &[&str] = &["break_glass_create"];
const SUPPORT: &[&str] = &[
    "tenant_list",
    "tenant_inspect",
    "tenant_diagnostics",
    "tenant_host_list",
    "tenant_host_read",
    "tenant_domain_list",
    "tenant_domain_read",
    "tenant_row_security_read",
    "application_list",
    "application_read",
    "application_version_read",
    "attribute_list",
    "attribute_read",
    "platform_catalog_list",
    "platform_catalog_read",
    "migration_list",
    "diagnostics_read",
    "operator_list",
    "break_glass_list",
    "break_glass_read",
    "issuer_status_list",
    "plan_list",
    "plan_read",
    "platform_usage_list",
    "tenant_quota_read",
    "tenant_audit_retention_read",
];

/// The audit log that counts a refusal.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Log {
    /// The platform's.
    Registry,
    /// That of the tenant that is addressed.
    Tenant,
    /// Each of these: what a credential of the platform is refused in a tenant.
    Both,
}

/// What must come of a request.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Outcome {
    /// The status, as the table writes it.
    Allowed(&'static str),
    /// The status, and the log that counts it if one does.
    Refused(u16, Option<Log>),
}
use Outcome::{Allowed, Refused};

/// The rules of one tenant.
pub(crate) struct Rules {
    rows: BTreeMap<&'static str, Vec<&'static str>>,
    names: [String; 2],
}

impl Rules {
    pub(crate) fn of(house: &House) -> Self {
        Self { rows: rows(), names: [house.org.slug.clone(), house.org.id.clone()] }
    }

    /// What must come of a request whose body is good.
    pub(crate) fn outcome(
        &self,
        route: &RouteInfo,
        who: &Who,
        sources: &Sources,
        strange: Option<Strange>,
    ) -> Outcome {
        if who.standing == Standing::Nobody && route.action.is_some() {
            return Refused(401, (!who.actor.is_empty()).then_some(Log::Registry));
        }
        match route.mount {
            Mount::Tenant => self
                .unresolved(who, sources)
                .unwrap_or_else(|| self.on_the_tenant_plane(route, who, strange)),
            Mount::Platform => self.on_the_platform_plane(route, who, strange),
            Mount::Internal if who.standing == Standing::Elsewhere => {
                Refused(404, Some(Log::Registry))
            }
            Mount::Internal => self.on_the_tenant_plane(route, who, strange),
            Mount::Account => self.on_the_account_plane(route, who, strange),
            Mount::Public if is_malformed(strange) => unheard(),
            Mount::Public => self.for_everybody(route, who),
        }
    }

    /// Everybody keeps what is their own; what is for somebody else is as unknown as what is not there.
    fn on_the_account_plane(
        &self,
        route: &RouteInfo,
        who: &Who,
        strange: Option<Strange>,
    ) -> Outcome {
        match self.cell(route, "elsewhere", Log::Registry) {
            // What the change is meant for is looked at before the door.
            Refused(428, _) => Refused(428, None),
            _ if is_malformed(strange) => unheard(),
            _ if who.is_suspended => Refused(404, Some(Log::Registry)),
            // What goes into every tenant is not changed by what is for one.
            _ if route.operation_id == "my_profile_update" && is_of_a_tenant(who) => {
                Refused(403, Some(Log::Registry))
            }
            _ if route.operation_id == "my_profile_update" => Allowed("200"),
            _ => self.for_everybody(route, who),
        }
    }

    /// What the table says of routes that concern no tenant; what is not there is no denial.
    fn for_everybody(&self, route: &RouteInfo, who: &Who) -> Outcome {
        let column = match who.standing {
            Standing::Nobody => "stranger",
            Standing::Role(role) => role,
            Standing::Operator(_) => "operator",
            Standing::Opened(_) => "opened",
            Standing::Outcast | Standing::Elsewhere => "elsewhere",
        };
        match self.cell(route, column, Log::Registry) {
            Refused(status, _) => Refused(status, None),
            allowed @ Allowed(_) => allowed,
        }
    }

    /// A refusal before the tenant's door: of a caller who may not hear of the tenant, or sources that disagree.
    fn unresolved(&self, who: &Who, sources: &Sources) -> Option<Outcome> {
        let words = words(sources);
        let is_own = words.iter().all(|word| self.names.contains(word));
        if is_own && who.standing != Standing::Elsewhere {
            return None;
        }
        let same = words.iter().all(|word| *word == words[0]);
        Some(Refused(if same { 404 } else { 400 }, Some(Log::Registry)))
    }

    fn on_the_tenant_plane(
        &self,
        route: &RouteInfo,
        who: &Who,
        strange: Option<Strange>,
    ) -> Outcome {
        let log = match who.standing {
            Standing::Operator(_) | Standing::Opened(_) => Log::Both,
            _ => Log::Tenant,
        };
        let inside = match who.standing {
            Standing::Role(role) => self.cell(route, role, log),
            Standing::Opened(_) => self.cell(route, "opened", log),
            _ => Refused(404, Some(log)),
        };
        match strange {
            _ if is_malformed(strange) => unheard(),
            Some(Strange { is_target: true, .. }) => Refused(404, Some(log)),
            // Whoever is let in looks for what is not there, which is no denial.
            Some(_) if matches!(inside, Allowed(_)) => unheard(),
            _ => inside,
        }
    }

    fn on_the_platform_plane(
        &self,
        route: &RouteInfo,
        who: &Who,
        strange: Option<Strange>,
    ) -> Outcome {
        let inside = match who.standing {
            Standing::Operator("platform-admin") => self.cell(route, "operator", Log::Registry),
            Standing::Operator(role) | Standing::Opened(role) => self.operator(route, role),
            Standing::Role(role) => self.cell(route, role, Log::Registry),
            _ => self.cell(route, "elsewhere", Log::Registry),
        };
        match strange {
            _ if is_malformed(strange) => unheard(),
            // A tenant's own service account is none of the platform's.
            Some(Strange { origin: Origin::Foreign, .. })
                if route.path.contains("{service_account}") =>
            {
                match inside {
                    refused @ Refused(..) if who.standing == Standing::Operator("support") => {
                        refused
                    }
                    _ => Refused(404, Some(Log::Registry)),
                }
            }
            // The platform plane knows every tenant's: none is foreign there.
            Some(Strange { origin: Origin::Foreign, .. }) => inside,
            // These are looked for once it is decided who may do anything with any.
            Some(_)
                if ["{kid}", "{plan}", "{webhook}"].iter().any(|it| route.path.contains(it)) =>
            {
                match inside {
                    Allowed(_) => unheard(),
                    refused @ Refused(..) => refused,
                }
            }
            Some(Strange { is_target: true, .. }) => Refused(404, Some(Log::Registry)),
            Some(_) if matches!(inside, Allowed(_)) => unheard(),
            _ => inside,
        }
    }

    /// An operator of a lower role is told no where they may know of what it is about.
    fn operator(&self, route: &RouteInfo, role: &str) -> Outcome {
        let of_both = SUPPORT.contains(&route.operation_id);
        let of_auditor = AUDITOR.contains(&route.operation_id) && role == "auditor";
        let of_support = SUPPORT_ALONE.contains(&route.operation_id) && role == "support";
        if of_both || of_auditor || of_support {
            return self.cell(route, "operator", Log::Registry);
        }
        let about = route.path.split('/').find(|name| name.starts_with('{'));
        let may_know = matches!(
            about,
            None | Some(
                "{tenant}"
                    | "{break_glass}"
                    | "{application}"
                    | "{key}"
                    | "{kid}"
                    | "{plan}"
                    | "{webhook}"
            )
        ) || (matches!(about, Some("{account}" | "{service_account}"))
            && role == "auditor");
        Refused(if may_know { 403 } else { 404 }, Some(Log::Registry))
    }

    /// What the table says of a caller of its columns.
    fn cell(&self, route: &RouteInfo, caller: &str, log: Log) -> Outcome {
        let row = self.rows.get(route.operation_id);
        let row = row.unwrap_or_else(|| panic!("{} has no row", route.operation_id));
        let cell = row[CALLERS.iter().position(|name| *name == caller).unwrap()];
        if cell.starts_with('2') {
            Allowed(cell)
        } else {
            Refused(cell.parse().unwrap(), Some(log))
        }
    }
}

/// Whether the credential is for a tenant.
fn is_of_a_tenant(who: &Who) -> bool {
    match who.standing {
        Standing::Role(_) | Standing::Outcast => true,
        Standing::Elsewhere => who.name != "stranger",
        Standing::Nobody | Standing::Operator(_) | Standing::Opened(_) => false,
    }
}

/// What can be no name names nothing, and is asked of no door.
fn unheard() -> Outcome {
    Refused(404, None)
}

fn is_malformed(strange: Option<Strange>) -> bool {
    strange.is_some_and(|strange| strange.origin == Origin::Malformed)
}

/// What the sources say, each as the program reads it.
fn words(sources: &Sources) -> Vec<String> {
    let host = sources.host.as_ref().map(|host| host.trim_end_matches(".localhost").to_owned());
    sources.path.iter().cloned().chain(host).chain(sources.headers.iter().cloned()).collect()
}
