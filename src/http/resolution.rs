//! Which tenant is meant: by path, by host, by header. Here and nowhere else.
//!
//! Whatever sources are present must agree with each other and with the caller's credential. A caller of one tenant
//! learns nothing of others: whether they are there, whether two names mean the same one, or what state they are in.

use std::net::IpAddr;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::failure::Failure;
use super::state::{Settings, State};
use crate::domain::{Caller, Error, Subject, TenantId, TenantReference, TenantStatus};
use crate::storage::{TenantEntry, unavailable};

const TENANT_HEADER: HeaderName = HeaderName::from_static("freehold-tenant");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// What the request's sources say, and what came of it.
#[derive(Debug)]
pub(super) enum Resolved {
    /// A tenant that is in service.
    Tenant(Arc<TenantEntry>),
    /// A refusal: what the caller hears, and the tenant as the first source wrote it, for the audit log.
    Refused(Error, String),
}

/// The tenant that a request means.
pub(super) fn resolve(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
) -> Result<Resolved, Failure> {
    let sources = match sources(request, &state.settings) {
        Ok(sources) => sources,
        Err(error) => return Ok(Resolved::Refused(error, "-".to_owned())),
    };
    let Some(first) = sources.first().cloned() else { return Err(Failure::TenantMissing) };
    let same_words = sources.iter().all(|source| *source == first);
    let mut entries = Vec::new();
    for source in &sources {
        let reference = TenantReference::parse(source);
        entries.push(
            reference.map(|reference| state.registry.resolve(&reference)).transpose()?.flatten(),
        );
    }
    let sight = sight(state, caller)?;
    Ok(match judge(&entries, same_words, sight) {
        Ok(entry) if entry.status == TenantStatus::Active => Resolved::Tenant(entry),
        Ok(entry) => Resolved::Refused(unavailable(&entry), first),
        Err(error) => Resolved::Refused(error, first),
    })
}

/// Which tenants a caller may hear of at all.
#[derive(Clone, Copy)]
enum Sight {
    /// Every one: operators and the host.
    Every,
    /// The one that the credential is for, if it is for one.
    Own(Option<TenantId>),
}

fn sight(state: &State, caller: &Caller) -> Result<Sight, Failure> {
    Ok(match (caller.subject, caller.tenant) {
        (Subject::Account(account), None) => match state.registry.account(account)?.operator {
            Some(_) => Sight::Every,
            None => Sight::Own(None),
        },
        (Subject::Account(_), own) => Sight::Own(own),
        (Subject::Host | Subject::System(_), _) => Sight::Every,
    })
}

/// What the sources come to, for a caller of this sight.
fn judge(
    entries: &[Option<Arc<TenantEntry>>],
    same_words: bool,
    sight: Sight,
) -> Result<Arc<TenantEntry>, Error> {
    let id = |entry: &Option<Arc<TenantEntry>>| entry.as_ref().map(|entry| entry.id);
    let is_seen = |entry: &Option<Arc<TenantEntry>>| match sight {
        Sight::Every => entry.is_some(),
        Sight::Own(own) => own.is_some() && id(entry) == own,
    };
    let agree = entries.windows(2).all(|pair| id(&pair[0]) == id(&pair[1]));
    match entries.first() {
        Some(Some(entry)) if entries.iter().all(is_seen) && agree => Ok(entry.clone()),
        _ if same_words => Err(Error::NotFound),
        _ => Err(Error::TenantConflict),
    }
}

/// What path, host and header say, each as written there.
fn sources(request: &HttpRequest, settings: &Settings) -> Result<Vec<String>, Error> {
    let mut sources = Vec::new();
    sources.extend(request.match_info().get("tenant").map(str::to_owned));
    sources.extend(host(request, settings)?);
    sources.extend(only(request.headers(), &TENANT_HEADER)?.map(str::to_owned));
    Ok(sources)
}

/// The one value of a header; two contradict each other whatever they say.
fn only<'r>(headers: &'r HeaderMap, name: &HeaderName) -> Result<Option<&'r str>, Error> {
    let mut values = headers.get_all(name);
    let (first, second) = (values.next(), values.next());
    if second.is_some() {
        return Err(Error::TenantConflict);
    }
    first.map(|value| value.to_str().map_err(|_| Error::TenantConflict)).transpose()
}

/// The slug in the host name, where the host is a subdomain of a base domain.
fn host(request: &HttpRequest, settings: &Settings) -> Result<Option<String>, Error> {
    let peer: Option<IpAddr> = request.peer_addr().map(|address| address.ip());
    let behind_proxy = peer.is_some_and(|peer| settings.trusted_proxies.contains(&peer));
    let forwarded = if behind_proxy { only(request.headers(), &FORWARDED_HOST)? } else { None };
    let Some(host) = forwarded.or(only(request.headers(), &header::HOST)?) else { return Ok(None) };
    let host = normalise(host);
    let subdomain =
        settings.base_domains.iter().find_map(|base| host.strip_suffix(base)?.strip_suffix('.'));
    Ok(subdomain.filter(|slug| !slug.is_empty()).map(str::to_owned))
}

/// Lower case, without port and without the dot of the root.
fn normalise(host: &str) -> String {
    let host = host.trim().to_ascii_lowercase();
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.chars().all(|c| c.is_ascii_digit()) => name,
        _ => host.as_str(),
    };
    name.strip_suffix('.').unwrap_or(name).to_owned()
}
