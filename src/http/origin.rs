//! Under which address a client reaches this server: `https://host`, as the request says it.

use std::fmt;
use std::future::{Ready, ready};

use actix_web::dev::Payload;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest};

use super::authority;
use super::describe::{Describe, Sketch};
use super::failure::Failure;
use super::resolution::hosts;
use super::state::{Settings, State};
use crate::domain::Error;

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
        let settings = &request.app_data::<Data<State>>().ok_or_else(lost)?.settings;
        let host = host(request, settings)?.ok_or(Error::HostInvalid)?;
        let scheme = if settings.development { "http" } else { "https" };
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

impl FromRequest for Origin {
    type Error = Failure;
    type Future = Ready<Result<Self, Failure>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

impl Describe for Origin {
    fn describe(sketch: &mut Sketch) {
        sketch.problems(&[(400, "The host cannot be read, or is forwarded by nobody who may")]);
    }
}
