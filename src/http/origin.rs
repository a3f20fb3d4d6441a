//! Under which address a client reaches this server: `https://host`, as the request says it, if it is one of the hosts
//! of this installation.
//!
//! These are `http.hosts`, the host of `login.public_url`, the base domains with every name below them, and the host
//! names of tenants. If there are none, every host counts.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::authority::{self, Named};
use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::resolution::hosts;
use super::state::{Settings, State};
use crate::domain::{Error, HostName, TenantReference, below};

/// Scheme and authority of the address that the client used: what a configured proxy forwards, else the host that was
/// asked. It is encrypted but in development mode; what stands in front of the server sees to that.
#[derive(Debug)]
pub(super) struct Origin(String);

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Origin {
    fn of(request: &HttpRequest) -> Result<Self, Failure> {
        let lost = || Error::Internal("no state".to_owned());
        let state = request.app_data::<Data<State>>().ok_or_else(lost)?;
        let host = configured_host(request, state)?;
        let scheme = if state.settings.development { "http" } else { "https" };
        Ok(Self(format!("{scheme}://{host}")))
    }
}

/// The host that the client asked for, if it named one.
pub(super) fn host(
    request: &HttpRequest,
    settings: &Settings,
) -> crate::domain::Result<Option<String>> {
    let hosts: Vec<&str> = hosts(request, settings)?.collect();
    for host in &hosts {
        authority::parse(host)?;
    }
    // The first is what came here, those behind it what a proxy was asked for.
    match hosts[..] {
        [] => Ok(None),
        [one] | [_, one] => Ok(Some(one.to_owned())),
        [_, one, other] if one == other => Ok(Some(one.to_owned())),
        _ => Err(Error::TenantConflict),
    }
}

/// The host that the client asked for, if it is one of this installation's; nothing is found on others.
pub(super) fn configured_host(request: &HttpRequest, state: &State) -> Result<String, Failure> {
    let host = host(request, &state.settings)?.ok_or(Error::HostInvalid)?;
    if is_configured(&host, state)? { Ok(host) } else { Err(Error::NotFound.into()) }
}

fn is_configured(host: &str, state: &State) -> crate::domain::Result<bool> {
    let Settings { hosts, base_domains, .. } = &state.settings;
    let is_known = match authority::parse(host)? {
        Named::Address(address) => hosts.iter().any(|host| host.parse() == Ok(address)),
        Named::Name(name) => {
            hosts.iter().any(|host| host == name)
                || base_domains.iter().any(|base| name == base || below(name, base).is_some())
                || is_tenants(name, state)?
        }
    };
    let is_any = hosts.is_empty() && base_domains.is_empty();
    Ok(is_known || (is_any && !state.registry.has_hosts()?))
}

fn is_tenants(name: &str, state: &State) -> crate::domain::Result<bool> {
    let Ok(host) = HostName::exact(name) else { return Ok(false) };
    Ok(state.registry.resolve(&TenantReference::Host(host))?.is_some())
}

impl FromRequest for Origin {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Describe for Origin {
    fn describe(sketch: &mut Sketch) {
        sketch.problems(&[
            (400, "The host is malformed, or was forwarded by an untrusted address"),
            (404, "The host is not one of this installation's"),
        ]);
    }
}
