//! API keys of a tenant's service accounts; those of the platform's stand beside.
//!
//! A key is made outside the transaction that keeps its digest: what is kept of an answer, for a request that comes again,
//! never has a secret in it.

pub mod platform;

use crate::domain::action::{CreateApiKey, ListApiKeys, RevokeApiKey, RotateApiKey as Rotate};
use crate::domain::{
    Action, ApiKey, ApiKeyId, ApiKeySaid, ApiKeyTimes, Conflict, Covers, Error, EventType,
    FieldError, NewApiKey, Page, PageRequest, PlaneName, ReplacedKey, Result, RotateApiKey,
    ScopeName, ServiceAccountId, Target, Timestamp,
};
use crate::identity::NewKey;
use crate::storage::api_keys::{self, Kept};
use crate::storage::tenant::application_bindings;
use crate::storage::{ReadTx, Tx, WriteTx};

/// Seconds that a key is on record that has expired.
const EXPIRED_KEPT_S: i64 = 31 * 86_400;

/// Lists a service account's keys.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListApiKeys>>(
    tx: &ReadTx<'_, A>,
    of: ServiceAccountId,
    page: &PageRequest,
) -> Result<Page<ApiKey>> {
    api_keys::page(tx, of, page)
}

/// Reads a key.
///
/// # Errors
/// [`Error::NotFound`] where the service account has none of this id.
pub fn read<A: Covers<ListApiKeys>>(
    tx: &ReadTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
) -> Result<ApiKey> {
    api_keys::find(tx, of, id)?.ok_or(Error::NotFound)
}

/// Keeps a key that was made.
///
/// # Errors
/// [`Conflict::ApiKeyLimit`]; [`Error::ExceedsGranter`] where the caller's own credential is narrowed further; seconds
/// that no key is good for.
pub fn create<A: Covers<CreateApiKey>>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    new: &NewApiKey,
    key: &NewKey,
    times: ApiKeyTimes,
) -> Result<ApiKey> {
    let bound = application_bindings::manifests(tx)?;
    let is_bound = |scope: &ScopeName| {
        bound.iter().flat_map(|manifest| &manifest.scopes).any(|declared| declared.name == *scope)
    };
    check_scopes(new.scopes.as_deref(), |scope| {
        api_keys::is_scope(tx, PlaneName::Tenant, scope) || is_bound(scope)
    })?;
    make(tx, of, new, key, times)
}

/// Keeps a key in the place of another one, which is good for some more seconds. Whoever does it is the new one's
/// creator.
///
/// # Errors
/// As [`create`]; [`Error::NotFound`].
pub fn rotate<A: Covers<Rotate>>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    how: &RotateApiKey,
    key: &NewKey,
    times: ApiKeyTimes,
) -> Result<ApiKey> {
    replace(tx, of, id, how, key, times)
}

/// Takes a key back.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`].
pub fn revoke<A: Covers<RevokeApiKey>>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    version: i64,
) -> Result<()> {
    take_back(tx, of, id, version)
}

fn make<A: Action>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    new: &NewApiKey,
    key: &NewKey,
    times: ApiKeyTimes,
) -> Result<ApiKey> {
    let expires_at = end(tx.now(), new.ttl_s, times)?;
    may_narrow(tx, new.scopes.as_deref(), "/scopes")?;
    let made = keep(tx, of, &new.name, new.scopes.as_ref(), key, expires_at)?;
    tell(tx, EventType::ApiKeyCreated, &made);
    Ok(made)
}

fn replace<A: Action>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    how: &RotateApiKey,
    key: &NewKey,
    times: ApiKeyTimes,
) -> Result<ApiKey> {
    let overlap_s = how.overlap_s.unwrap_or(ApiKey::OVERLAP_S);
    if overlap_s > ApiKey::MAX_OVERLAP_S {
        let most = ApiKey::MAX_OVERLAP_S;
        return Err(Error::invalid("/overlap_s", format!("must be 0 to {most}")));
    }
    let old = api_keys::find(tx, of, id)?.ok_or(Error::NotFound)?;
    let expires_at = end(tx.now(), how.ttl_s.or_else(|| lifetime(&old, times)), times)?;
    may_narrow(tx, old.scopes.as_deref(), "api_key")?;
    let made = keep(tx, of, &old.name, old.scopes.as_ref(), key, expires_at)?;
    api_keys::shorten(tx, id, tx.now().plus_seconds(i64::from(overlap_s)))?;
    let old = api_keys::find(tx, of, id)?.ok_or(Error::NotFound)?;
    let replaces = Some(ReplacedKey { id: old.id, expires_at: old.expires_at });
    let data = ApiKeySaid { replaces, ..said(&made) };
    tx.emit(EventType::ApiKeyRotated, &Target::ServiceAccount(of), &data);
    Ok(made)
}

fn keep<A: Action>(
    tx: &WriteTx<'_, A>,
    of: ServiceAccountId,
    name: &crate::domain::Name,
    scopes: Option<&Vec<ScopeName>>,
    key: &NewKey,
    expires_at: Timestamp,
) -> Result<ApiKey> {
    api_keys::drop_expired(tx, of, tx.now().plus_seconds(-EXPIRED_KEPT_S))?;
    if api_keys::count(tx, of)? >= ApiKey::MAX {
        return Err(Error::Conflict(Conflict::ApiKeyLimit));
    }
    let created_by = tx.caller().subject.account();
    let digest = &key.digest;
    api_keys::insert(tx, &Kept { id: key.id, of, name, digest, scopes, created_by, expires_at })
}

fn take_back<A: Action>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    version: i64,
) -> Result<()> {
    let found = api_keys::find(tx, of, id)?.ok_or(Error::NotFound)?;
    if !api_keys::delete(tx, of, id, version)? {
        return Err(Error::Stale);
    }
    tell(tx, EventType::ApiKeyRevoked, &found);
    Ok(())
}

/// For how many seconds a key was made, as far as keys may be good now.
fn lifetime(key: &ApiKey, times: ApiKeyTimes) -> Option<u32> {
    let seconds = key.expires_at.seconds() - key.created_at.seconds();
    let seconds = u32::try_from(seconds).ok()?;
    Some(seconds.clamp(ApiKeyTimes::LEAST_S, times.most_s))
}

/// When a key ends that is to be good for so long.
fn end(now: Timestamp, ttl_s: Option<u32>, times: ApiKeyTimes) -> Result<Timestamp> {
    let ttl_s = ttl_s.unwrap_or(times.usual_s);
    let (least, most) = (ApiKeyTimes::LEAST_S, times.most_s);
    if !(least..=most).contains(&ttl_s) {
        return Err(Error::invalid("/ttl_s", format!("must be {least} to {most}")));
    }
    Ok(now.plus_seconds(i64::from(ttl_s)))
}

/// What narrows a key must be declared by somebody, and leave something where the key is for.
fn check_scopes(
    scopes: Option<&[ScopeName]>,
    is_declared: impl Fn(&ScopeName) -> bool,
) -> Result<()> {
    let Some(scopes) = scopes else { return Ok(()) };
    let most = ApiKey::MAX_SCOPES;
    if scopes.is_empty() || scopes.len() > most {
        let detail = format!("must have 1 to {most} entries, or be left out");
        return Err(Error::invalid("/scopes", detail));
    }
    let unknown = scopes.iter().enumerate().filter(|(_, scope)| !is_declared(scope));
    let unknown: Vec<_> = unknown
        .map(|(index, scope)| {
            FieldError::new(format!("/scopes/{index}"), format!("{scope} is no scope here"))
        })
        .collect();
    if unknown.is_empty() { Ok(()) } else { Err(Error::Invalid(unknown)) }
}

/// Whoever's own credential is narrowed makes no key that is not narrowed as far.
fn may_narrow<A: Action>(
    tx: &WriteTx<'_, A>,
    scopes: Option<&[ScopeName]>,
    field: &str,
) -> Result<()> {
    let Some(own) = &tx.caller().scopes else { return Ok(()) };
    let has = |scope: &ScopeName| own.iter().any(|mine| mine == scope.as_str());
    if scopes.is_some_and(|scopes| scopes.iter().all(has)) {
        return Ok(());
    }
    let lack = "your own credential is narrowed: a key must be narrowed to some of its scopes";
    Err(Error::ExceedsGranter(vec![FieldError::new(field, lack)]))
}

fn tell<A: Action>(tx: &mut WriteTx<'_, A>, kind: EventType, key: &ApiKey) {
    tx.emit(kind, &Target::ServiceAccount(key.service_account_id), &said(key));
}

fn said(key: &ApiKey) -> ApiKeySaid {
    ApiKeySaid {
        id: key.id,
        service_account_id: key.service_account_id,
        name: Some(key.name.clone()),
        scopes: key.scopes.clone(),
        expires_at: Some(key.expires_at),
        replaces: None,
    }
}
