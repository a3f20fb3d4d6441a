//! Statements on `operators`.

use crate::domain::action::PlatformPlane;
use crate::domain::{AccountId, Action, OperatorRole, Result};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::params;

/// Makes an account an operator; one that is one already keeps its role. Says whether it was none.
pub(crate) fn ensure<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    role: OperatorRole,
) -> Result<bool> {
    let added = sql(tx).execute(
        "insert into operators (account_id, role, created_at, updated_at) values (?1, ?2, ?3, ?3)
        on conflict (account_id) do nothing",
        params![account, role, tx.now()],
    )?;
    Ok(added > 0)
}
