//! Statements on `principals`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Conflict, Direction, Error, Name, Page, PageRequest, Position, Principal,
    PrincipalFilter, PrincipalId, PrincipalType, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn principal(row: &mut Row<'_>) -> Result<Principal, SqlError> {
    Ok(Principal {
        id: row.next()?,
        kind: row.next()?,
        name: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One principal; a former member's account is none.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    id: PrincipalId,
) -> Result<Option<Principal>> {
    Ok(sql(tx).one(
        "select p.id, p.type, p.name, p.created_at, p.updated_at, p.version
        from principals p left join org_members m on m.account_id = p.id
        where p.id = ?1 and coalesce(m.state, 'active') <> 'removed'",
        params![id],
        principal,
    )?)
}

/// A page of principals, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &PrincipalFilter,
    page: &PageRequest,
) -> Result<Page<Principal>> {
    let mut listing = Listing::new(
        "select p.id, p.type, p.name, p.created_at, p.updated_at, p.version
        from principals p left join org_members m on m.account_id = p.id
        where p.tenant_id = current_tenant() and coalesce(m.state, 'active') <> 'removed'",
    );
    listing.and_if("p.type = ?", filter.kind);
    listing.and_if("instr(lower(p.name), lower(?)) > 0", filter.q.as_deref());
    let (text, params) = listing.page(("p.name", "p.id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, principal)?;
    Ok(Page::cut(rows, page, |principal| Position {
        key: principal.name.to_string(),
        id: principal.id.to_string(),
    }))
}

/// Adds a principal, or gives the one that is there its new name.
pub(crate) fn put<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: PrincipalId,
    kind: PrincipalType,
    name: &Name,
) -> Result<()> {
    sql(tx).execute(
        "insert into principals (id, tenant_id, type, name, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?4)
        on conflict (id) do update
        set name = excluded.name, updated_at = excluded.updated_at, version = version + 1
        where name <> excluded.name",
        params![id, kind, name, tx.now()],
    )?;
    Ok(())
}

/// Removes a principal, and every access-control entry that names it.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: PrincipalId,
) -> Result<()> {
    sql(tx)
        .execute("delete from principals where id = ?1", params![id])
        .map_err(SqlError::reference(Error::Conflict(Conflict::NotEmpty)))?;
    Ok(())
}
