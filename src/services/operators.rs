//! Operators: who has a platform role.

use super::break_glass;
use crate::domain::action::{
    DeleteOperator, ListOperators, PlatformPlane, ReadOperator, UpdateOperator,
};
use crate::domain::{
    AccountId, Action, BreakGlassId, Call, Covers, Error, EventType, Operator, OperatorFilter,
    OperatorRole, OperatorSaid, Page, PageRequest, Precondition, Result, Target,
};
use crate::storage::registry::operators;
use crate::storage::{ReadTx, Registry, WriteTx};

/// Lists operators.
///
/// # Errors
/// Storage failed.
pub fn list<A: Covers<ListOperators>>(
    tx: &ReadTx<'_, A>,
    filter: &OperatorFilter,
    page: &PageRequest,
) -> Result<Page<Operator>> {
    operators::page(tx, filter, page)
}

/// Reads an operator's role.
///
/// # Errors
/// [`Error::NotFound`] where the account has none.
pub fn read<A: Covers<ReadOperator>>(tx: &ReadTx<'_, A>, id: AccountId) -> Result<Operator> {
    operators::find(tx, id)?.ok_or(Error::NotFound)
}

/// Gives an account a platform role. Entries into tenants that are open end where the new role may not ask for any.
///
/// # Errors
/// [`Error::Stale`] where the precondition does not hold.
pub fn put(
    registry: &Registry,
    call: &Call,
    id: AccountId,
    role: OperatorRole,
    precondition: Precondition,
) -> Result<Operator> {
    let (operator, ended) =
        registry.write_blocking::<UpdateOperator, _, _>(call, id, move |tx| {
            let is_done = match precondition {
                Precondition::Absent => operators::ensure(tx, id, role)?,
                Precondition::Version(version) => operators::update(tx, id, role, version)?,
            };
            let operator = operators::find(tx, id)?.filter(|_| is_done).ok_or(Error::Stale)?;
            tell(tx, EventType::OperatorUpdated, id, Some(role));
            let keeps = break_glass::may_enter(role);
            let ended = if keeps { Vec::new() } else { break_glass::end_all(tx, id)? };
            Ok((operator, ended))
        })?;
    tell_tenants(registry, &ended);
    Ok(operator)
}

/// Takes an account's platform role away, and ends its open entries into tenants.
///
/// # Errors
/// [`Error::Stale`]; [`Error::NotFound`] where it has none.
pub fn delete(registry: &Registry, call: &Call, id: AccountId, version: i64) -> Result<()> {
    let ended = registry.write_blocking::<DeleteOperator, _, _>(call, id, move |tx| {
        if !operators::delete(tx, id, version)? {
            return Err(operators::find(tx, id)?.map_or(Error::NotFound, |_| Error::Stale));
        }
        tell(tx, EventType::OperatorDeleted, id, None);
        break_glass::end_all(tx, id)
    })?;
    tell_tenants(registry, &ended);
    Ok(())
}

fn tell_tenants(registry: &Registry, ended: &[BreakGlassId]) {
    for id in ended {
        break_glass::tell(registry, *id);
    }
}

fn tell<A: Action<Plane = PlatformPlane>>(
    tx: &mut WriteTx<'_, A>,
    kind: EventType,
    id: AccountId,
    role: Option<OperatorRole>,
) {
    tx.emit(kind, &Target::Account(id), &OperatorSaid { account_id: id, role });
}
