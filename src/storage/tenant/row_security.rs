//! Statements on `row_security_report`, and on what row-level security is set to.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Direction, Page, PageRequest, Position, Result, RowSecurity, Withheld, WithheldFilter, Word,
};
use crate::storage::door::{Tx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

fn withheld(row: &mut Row<'_>) -> Result<Withheld, SqlError> {
    Ok(Withheld {
        principal_id: row.next()?,
        reason: row.next()?,
        rows: row.next()?,
        last_resource_id: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
    })
}

/// The mode, and how much the report has.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>) -> Result<Option<RowSecurity>> {
    Ok(sql(tx).one(
        "select row_security_mode(), coalesce(sum(rows), 0), count(distinct principal_id)
        from row_security_report",
        &[],
        |row| Ok(RowSecurity { mode: row.next()?, rows: row.next()?, principals: row.next()? }),
    )?)
}

/// A page of the report, by principal and reason.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &WithheldFilter,
    page: &PageRequest,
) -> Result<Page<Withheld>> {
    let mut listing = Listing::new(
        "select principal_id, reason, rows, last_resource_id, created_at, updated_at
        from row_security_report where true",
    );
    listing.and_if("principal_id = ?", filter.principal_id);
    let keys = ("principal_id", "reason");
    let (text, params) = listing.page(keys, Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, withheld)?;
    Ok(Page::cut(rows, page, |line| Position {
        key: line.principal_id.to_string(),
        id: line.reason.as_str().to_owned(),
    }))
}

/// Adds lines to the report.
pub(in crate::storage) fn add(sql: Sql<'_>, lines: &[Withheld]) -> Result<()> {
    for line in lines {
        sql.execute(
            "insert into row_security_report (principal_id, reason, tenant_id, rows, last_resource_id, created_at,
                updated_at)
            values (?1, ?2, current_tenant(), ?3, ?4, ?5, ?6)
            on conflict (principal_id, reason) do update set rows = rows + excluded.rows,
                last_resource_id = excluded.last_resource_id, updated_at = excluded.updated_at",
            params![
                line.principal_id,
                line.reason,
                line.rows,
                line.last_resource_id,
                line.created_at,
                line.updated_at
            ],
        )?;
    }
    Ok(())
}
