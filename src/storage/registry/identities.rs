//! Statements on `account_identities`, for the account whose they are.

use crate::domain::{AccountId, Conflict, Identity, MyIdentity, Result, Timestamp};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{SqlError, params};

use super::RegistryAction;

/// The identities of an account, in the order of issuer and subject; they are few. They have no names of their own yet.
pub(crate) fn of_account(tx: &impl Tx, account: AccountId) -> Result<Vec<MyIdentity>> {
    Ok(sql(tx).all(
        "select issuer, subject, created_at from account_identities where account_id = ?1
        order by issuer, subject",
        params![account],
        |row| {
            Ok(MyIdentity {
                id: String::new(),
                issuer: row.next()?,
                subject: row.next()?,
                created_at: row.next::<Timestamp>()?,
            })
        },
    )?)
}

/// Links an identity to an account.
///
/// # Errors
/// [`Conflict::IdentityTaken`].
pub(crate) fn insert<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    identity: &Identity,
) -> Result<()> {
    sql(tx)
        .execute(
            "insert into account_identities (issuer, subject, account_id, created_at) values (?1, ?2, ?3, ?4)",
            params![&identity.issuer, &identity.subject, account, tx.now()],
        )
        .map_err(SqlError::unique(Conflict::IdentityTaken))?;
    Ok(())
}

/// Takes an identity from an account.
pub(crate) fn delete<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    identity: &Identity,
) -> Result<()> {
    sql(tx).execute(
        "delete from account_identities where issuer = ?1 and subject = ?2 and account_id = ?3",
        params![&identity.issuer, &identity.subject, account],
    )?;
    Ok(())
}
