//! API keys of the platform's service accounts.

use super::{check_scopes, make, replace, take_back};
use crate::domain::action::{
    CreatePlatformApiKey, ListPlatformApiKeys, RevokePlatformApiKey, RotatePlatformApiKey,
};
use crate::domain::{
    ApiKey, ApiKeyId, ApiKeyTimes, Covers, Error, NewApiKey, Page, PageRequest, PlaneName, Result,
    RotateApiKey, ServiceAccountId,
};
use crate::identity::NewKey;
use crate::storage::api_keys;
use crate::storage::{ReadTx, WriteTx};

/// Lists a service account's keys.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListPlatformApiKeys>>(
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
pub fn read<A: Covers<ListPlatformApiKeys>>(
    tx: &ReadTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
) -> Result<ApiKey> {
    api_keys::find(tx, of, id)?.ok_or(Error::NotFound)
}

/// Keeps a key that was made.
///
/// # Errors
/// As of a tenant's.
pub fn create<A: Covers<CreatePlatformApiKey>>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    new: &NewApiKey,
    key: &NewKey,
    times: ApiKeyTimes,
) -> Result<ApiKey> {
    check_scopes(new.scopes.as_deref(), |scope| {
        api_keys::is_scope(tx, PlaneName::Platform, scope)
    })?;
    make(tx, of, new, key, times)
}

/// Keeps a key in the place of another one, which is good for some more seconds.
///
/// # Errors
/// As of a tenant's.
pub fn rotate<A: Covers<RotatePlatformApiKey>>(
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
pub fn revoke<A: Covers<RevokePlatformApiKey>>(
    tx: &mut WriteTx<'_, A>,
    of: ServiceAccountId,
    id: ApiKeyId,
    version: i64,
) -> Result<()> {
    take_back(tx, of, id, version)
}
