//! Row-level security: its mode, which is the platform's to set, and its report, which is the tenant's to read.

use crate::domain::action::{InspectRowSecurity, ReadRowSecurity, UpdateRowSecurity};
use crate::domain::{
    Covers, Error, EventType, Page, PageRequest, Result, RowSecurity, RowSecurityMode, TenantId,
    TenantRowSecurity, Withheld, WithheldFilter,
};
use crate::storage::registry::row_security as modes;
use crate::storage::tenant::row_security as reports;
use crate::storage::{ReadTx, WriteTx};

/// What row-level security does in a tenant, as the platform keeps it.
///
/// # Errors
/// [`Error::NotFound`] where there is no such tenant.
pub fn inspect<A: Covers<InspectRowSecurity>>(
    tx: &ReadTx<'_, A>,
    id: TenantId,
) -> Result<TenantRowSecurity> {
    modes::find(tx, id)?.ok_or(Error::NotFound)
}

/// Changes what row-level security does in a tenant; in force with the next request.
///
/// # Errors
/// [`Error::Stale`].
pub fn update<A: Covers<UpdateRowSecurity>>(
    tx: &mut WriteTx<'_, A>,
    id: TenantId,
    mode: RowSecurityMode,
    version: i64,
) -> Result<TenantRowSecurity> {
    let changed = modes::update(tx, id, mode, version)?.ok_or(Error::Stale)?;
    tx.emit(EventType::RowSecurityUpdated, &id.into(), &changed);
    Ok(changed)
}

/// What row-level security does, as the tenant's own administrators see it.
///
/// # Errors
/// Storage failed.
pub fn read<A: Covers<ReadRowSecurity>>(tx: &ReadTx<'_, A>) -> Result<RowSecurity> {
    reports::find(tx)?.ok_or_else(|| Error::Internal("a sum has one row".to_owned()))
}

/// Lists what mode `shadow` has delivered and mode `enforce` would have withheld.
///
/// # Errors
/// Storage failed.
pub fn report<A: Covers<ReadRowSecurity>>(
    tx: &ReadTx<'_, A>,
    filter: &WithheldFilter,
    page: &PageRequest,
) -> Result<Page<Withheld>> {
    reports::page(tx, filter, page)
}
