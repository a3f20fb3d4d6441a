//! `/.well-known/authzen-configuration/…`: where a tenant's decision point is asked.
//!
//! The answer is made from the address of the request alone: it tells nobody which tenants there are.

use crate::domain::{AuthzenConfiguration, TenantReference};
use crate::http::origin::Origin;
use crate::http::parameters::Path;
use crate::http::reply::Plain;

pub(in crate::http) async fn read(
    origin: Origin,
    Path(tenant): Path<TenantReference>,
) -> Plain<AuthzenConfiguration> {
    let tenant = match tenant {
        TenantReference::Id(id) => id.to_string(),
        TenantReference::Slug(slug) => slug.to_string(),
        TenantReference::Host(host) => host.to_string(),
    };
    Plain(AuthzenConfiguration::of(&format!("{origin}/v1/tenants/{tenant}")))
}

pub(in crate::http) async fn read_of_host(origin: Origin) -> Plain<AuthzenConfiguration> {
    Plain(AuthzenConfiguration::of(&format!("{origin}/v1/tenant")))
}
