//! Statements on `tenant_attributes` and `member_attributes`: the tenant's parts of its members' profiles.

use std::sync::Arc;

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Definitions, Error, Result, Standing, StoredValues, TenantId, Values,
};
use crate::storage::door::{self, Tx, WriteTx, sql};
use crate::storage::engine::params;
use crate::storage::registry::profiles::stored;

/// The tenant's own defaults, as [`EVERY`].
pub(in crate::storage) const EVERY_DEFAULT: &str = "select tenant_id, attributes from tenant_attributes where tenant_id > ?1 order by tenant_id limit ?2";
/// Every member's values behind one, some at a time.
pub(in crate::storage) const EVERY: &str = "select account_id, attributes from member_attributes where account_id > ?1 order by account_id limit ?2";

/// Every definition now.
pub(crate) fn definitions(tx: &impl Tx<Plane = TenantPlane>) -> Result<Arc<Definitions>> {
    door::definitions(tx)
}

/// Whose file it is.
pub(crate) fn tenant(tx: &impl Tx<Plane = TenantPlane>) -> Result<TenantId> {
    let found = sql(tx).one("select id from organizations", &[], |row| row.next())?;
    found.ok_or_else(|| Error::Storage("the file has no organization".to_owned()))
}

/// What an account's own profile says now, by the registry.
pub(crate) fn global(
    tx: &impl Tx<Plane = TenantPlane>,
    account: AccountId,
) -> Result<StoredValues> {
    door::account_values(tx, account)
}

/// What the caller is to values of an account's, or to the tenant's. Who is no member has nothing of their own here.
pub(crate) fn standing(tx: &impl Tx<Plane = TenantPlane>, account: Option<AccountId>) -> Standing {
    let standing = door::standing(tx, account);
    Standing { is_own: standing.is_own && standing.is_member, ..standing }
}

/// What members' profiles say where nothing else is said.
pub(crate) fn defaults(tx: &impl Tx<Plane = TenantPlane>) -> Result<StoredValues> {
    let found = sql(tx).one(
        "select attributes, created_at, updated_at, version from tenant_attributes where tenant_id = current_tenant()",
        &[],
        stored,
    )?;
    Ok(found.unwrap_or_default())
}

/// The tenant's values for one member.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>, account: AccountId) -> Result<StoredValues> {
    let found = sql(tx).one(
        "select attributes, created_at, updated_at, version from member_attributes where account_id = ?1",
        params![account],
        stored,
    )?;
    Ok(found.unwrap_or_default())
}

/// Writes what members' profiles say where nothing else is said, if the version is the one expected.
pub(crate) fn put_defaults<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    values: &Values,
    version: i64,
) -> Result<Option<StoredValues>> {
    Ok(sql(tx).one(
        "insert into tenant_attributes (tenant_id, attributes, created_at, updated_at)
        select ?1, ?2, ?3, ?3 where ?4 = 0 or exists (select 1 from tenant_attributes where tenant_id = ?1)
        on conflict (tenant_id) do update
        set attributes = excluded.attributes, updated_at = excluded.updated_at, version = version + 1
        where version = ?4
        returning attributes, created_at, updated_at, version",
        params![tenant, values, tx.now(), version],
        stored,
    )?)
}

/// Writes the tenant's values for one member, if the version is the one expected.
pub(crate) fn put<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    values: &Values,
    version: i64,
) -> Result<Option<StoredValues>> {
    Ok(sql(tx).one(
        "insert into member_attributes (account_id, tenant_id, attributes, created_at, updated_at)
        select ?1, current_tenant(), ?2, ?3, ?3
        where ?4 = 0 or exists (select 1 from member_attributes where account_id = ?1)
        on conflict (account_id) do update
        set attributes = excluded.attributes, updated_at = excluded.updated_at, version = version + 1
        where version = ?4
        returning attributes, created_at, updated_at, version",
        params![account, values, tx.now(), version],
        stored,
    )?)
}

/// Forgets what was known of a former member here.
pub(crate) fn forget<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
) -> Result<()> {
    sql(tx).execute("delete from member_attributes where account_id = ?1", params![account])?;
    Ok(())
}
