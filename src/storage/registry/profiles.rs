//! Statements on `account_attributes`: what people's profiles say wherever no tenant says otherwise.

use super::RegistryFile;
use crate::domain::action::AccountPlane;
use crate::domain::{AccountId, Action, Result, Standing, StoredValues, Values};
use crate::storage::door::{self, Tx, WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};

/// Every profile of an account's own behind one, some at a time.
pub(in crate::storage) const EVERY: &str = "select account_id, attributes from account_attributes where account_id > ?1 order by account_id limit ?2";

pub(in crate::storage) fn stored(row: &mut Row<'_>) -> Result<StoredValues, SqlError> {
    Ok(StoredValues {
        values: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

fn read(sql: Sql<'_>, account: AccountId) -> Result<StoredValues> {
    let found = sql.one(
        "select attributes, created_at, updated_at, version from account_attributes where account_id = ?1",
        params![account],
        stored,
    )?;
    Ok(found.unwrap_or_default())
}

impl RegistryFile {
    /// What an account's own profile says now.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn account_values(&self, account: AccountId) -> Result<StoredValues> {
        let conn = self.lookups.get()?;
        read(Sql::on(&conn), account)
    }
}

/// What an account's own profile says.
pub(crate) fn find(tx: &impl Tx<Plane = AccountPlane>, account: AccountId) -> Result<StoredValues> {
    read(sql(tx), account)
}

/// What the caller is to an account's own values. What every member of a tenant may see of somebody, they may see
/// themselves.
pub(crate) fn standing(tx: &impl Tx<Plane = AccountPlane>, account: AccountId) -> Standing {
    let standing = door::standing(tx, Some(account));
    Standing { is_member: standing.is_own, ..standing }
}

/// Writes values, if the version is the one expected.
pub(crate) fn put<A: Action<Plane = AccountPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    values: &Values,
    version: i64,
) -> Result<Option<StoredValues>> {
    Ok(sql(tx).one(
        "insert into account_attributes (account_id, attributes, created_at, updated_at)
        select ?1, ?2, ?3, ?3 where ?4 = 0 or exists (select 1 from account_attributes where account_id = ?1)
        on conflict (account_id) do update
        set attributes = excluded.attributes, updated_at = excluded.updated_at, version = version + 1
        where version = ?4
        returning attributes, created_at, updated_at, version",
        params![account, values, tx.now(), version],
        stored,
    )?)
}
