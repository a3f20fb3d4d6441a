//! Which tenant is meant: by path, by host, by header. Here and nowhere else.
//!
//! Whatever sources are present must agree with each other and with the caller's credential. A caller of one tenant
//! learns nothing of others: whether they are there, whether two names mean the same one, or what state they are in.

use std::fmt;
use std::sync::Arc;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderName};

use super::authority::{self, Named};
use super::failure::Failure;
use super::forwarded;
use super::state::{Settings, State};
use crate::domain::{
    Caller, Error, HostName, Subject, TenantId, TenantReference, TenantStatus, below,
};
use crate::storage::{TenantEntry, unavailable};

const TENANT_HEADER: HeaderName = HeaderName::from_static("freehold-tenant");

/// What the request's sources say, and what came of it.
#[derive(Debug)]
pub(super) enum Resolved {
    /// A tenant that is in service.
    Tenant(Arc<TenantEntry>),
    /// A refusal: what the caller hears, and the tenant as the first source wrote it, for the audit log.
    Refused(Error, String),
}

/// What names a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// A slug or an id, as it was written.
    Written(String),
    /// A host name, which may be a tenant's.
    Host(HostName),
}

/// A source, and the tenant that it names, if it names one.
struct Claim {
    source: Source,
    entry: Option<Arc<TenantEntry>>,
}

/// The tenant that a request means.
pub(super) fn resolve(
    request: &HttpRequest,
    state: &State,
    caller: &Caller,
) -> Result<Resolved, Failure> {
    let sources = match sources(request, &state.settings) {
        Ok(sources) => sources,
        Err(error) => {
            return Ok(Resolved::Refused(error, in_path(request).unwrap_or("-").to_owned()));
        }
    };
    let Some(first) = sources.first().map(ToString::to_string) else {
        return Err(Failure::TenantMissing);
    };
    let claims: Result<_, Error> =
        sources.into_iter().map(|source| Claim::of(source, state)).collect();
    Ok(match judge(claims?, sight(state, caller)?) {
        Ok(entry) if entry.status == TenantStatus::Active => Resolved::Tenant(entry),
        Ok(entry) => Resolved::Refused(unavailable(&entry), first),
        Err(error) => Resolved::Refused(error, first),
    })
}

/// The one tenant that a request means whoever calls, if its sources name one and agree; for the search for whom the
/// tenant trusts. What the caller may hear of it, [`resolve`] says.
pub(super) fn addressed(request: &HttpRequest, state: &State) -> Option<TenantId> {
    let sources = sources(request, &state.settings).ok()?;
    let claims: Result<Vec<_>, Error> =
        sources.into_iter().map(|source| Claim::of(source, state)).collect();
    let said = |claim: &Claim| matches!(claim.source, Source::Written(_)) || claim.entry.is_some();
    let claims: Vec<_> = claims.ok()?.into_iter().filter(said).collect();
    let first = claims.first()?.tenant()?;
    claims.iter().all(|claim| claim.tenant() == Some(first)).then_some(first)
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Written(text) => f.write_str(text),
            Self::Host(host) => host.fmt(f),
        }
    }
}

impl Source {
    fn reference(&self) -> Option<TenantReference> {
        match self {
            Self::Written(text) => TenantReference::parse(text),
            Self::Host(host) => Some(TenantReference::Host(host.clone())),
        }
    }
}

impl Claim {
    fn of(source: Source, state: &State) -> Result<Self, Error> {
        let reference = source.reference();
        let entry = reference.map(|reference| state.registry.resolve(&reference)).transpose()?;
        Ok(Self { source, entry: entry.flatten() })
    }

    fn tenant(&self) -> Option<TenantId> {
        self.entry.as_ref().map(|entry| entry.id)
    }
}

/// Which tenants a caller may hear of at all.
#[derive(Clone, Copy)]
enum Sight {
    /// Every one: operators and the host.
    Every,
    /// The one that the credential is for, if it is for one.
    Own(Option<TenantId>),
}

impl Sight {
    fn sees(self, claim: &Claim) -> bool {
        match self {
            Self::Every => claim.entry.is_some(),
            Self::Own(own) => own.is_some() && claim.tenant() == own,
        }
    }
}

fn sight(state: &State, caller: &Caller) -> Result<Sight, Failure> {
    // What was taken back shows nobody every tenant; of its own, the tenant's door says what became of it.
    if caller.tenant.is_none() && !state.registry.is_live(caller)? {
        return Ok(Sight::Own(None));
    }
    Ok(match (caller.subject, caller.tenant) {
        (Subject::Account(account), None) => match state.registry.account(account)?.operator {
            Some(_) => Sight::Every,
            None => Sight::Own(None),
        },
        // One of the platform's sees what operators see, one of a tenant its own.
        (Subject::ServiceAccount(_), None) | (Subject::Host | Subject::System(_), _) => {
            Sight::Every
        }
        (Subject::Account(_) | Subject::ServiceAccount(_), own) => Sight::Own(own),
    })
}

/// What the sources come to, for a caller of this sight.
fn judge(mut claims: Vec<Claim>, sight: Sight) -> Result<Arc<TenantEntry>, Error> {
    // A host name that is nobody's says nothing. One that is somebody else's says as little, unless it contradicts the
    // tenant that the caller may hear of.
    let hears = claims.iter().any(|claim| sight.sees(claim));
    claims.retain(|claim| match claim.source {
        Source::Written(_) => true,
        Source::Host(_) => sight.sees(claim) || (hears && claim.entry.is_some()),
    });
    let agree = claims.windows(2).all(|pair| pair[0].tenant() == pair[1].tenant());
    let same_words = claims.windows(2).all(|pair| pair[0].source == pair[1].source);
    match claims.first().and_then(|claim| claim.entry.clone()) {
        Some(entry) if agree && claims.iter().all(|claim| sight.sees(claim)) => Ok(entry),
        _ if same_words => Err(Error::NotFound),
        _ => Err(Error::TenantConflict),
    }
}

/// As it was written: a name that is spelt in another way is another name.
fn in_path(request: &HttpRequest) -> Option<&str> {
    request.match_info().get("tenant")?;
    let path = request.uri().path();
    path.strip_prefix("/v1/tenants/").unwrap_or(path).split('/').next()
}

/// What path, hosts and header say.
fn sources(request: &HttpRequest, settings: &Settings) -> Result<Vec<Source>, Error> {
    let written = |text: &str| Source::Written(text.to_owned());
    let mut sources = Vec::new();
    sources.extend(in_path(request).map(written));
    for host in hosts(request, settings)? {
        sources.extend(source(host, &settings.base_domains)?);
    }
    sources.extend(
        forwarded::only(request.headers(), &TENANT_HEADER, &Error::TenantConflict)?.map(written),
    );
    Ok(sources)
}

/// Every host that the request was sent to: by what came here, and by what a proxy says.
pub(super) fn hosts<'r>(
    request: &'r HttpRequest,
    settings: &Settings,
) -> Result<impl Iterator<Item = &'r str>, Error> {
    let forwarded = forwarded::hosts(request, &settings.trusted_proxies)?;
    let host = forwarded::only(request.headers(), &header::HOST, &Error::HostInvalid)?;
    // A target in absolute form stands beside the header; no two that differ mean one host.
    let target = request.uri().authority().map(|authority| authority.as_str());
    if target.is_some() && target != host {
        return Err(Error::TenantConflict);
    }
    Ok(host.into_iter().chain(forwarded))
}

/// What a host says of the tenant: below a base domain it is a slug, else it may be a tenant's own name.
fn source(authority: &str, base_domains: &[String]) -> Result<Option<Source>, Error> {
    let Named::Name(name) = authority::parse(authority)? else { return Ok(None) };
    if base_domains.iter().any(|base| base == name) {
        return Ok(None);
    }
    // Of base domains that are below one another the nearest counts.
    let slugs = base_domains.iter().filter_map(|base| below(name, base));
    Ok(match slugs.min_by_key(|slug| slug.len()) {
        Some(slug) => Some(Source::Written(slug.to_owned())),
        None => HostName::exact(name).ok().map(Source::Host),
    })
}
