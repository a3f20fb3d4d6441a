//! Statements on `plans`.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Description, Direction, Page, PageRequest, Plan, PlanName, Position, PutPlan, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

fn plan(row: &mut Row<'_>) -> Result<Plan, SqlError> {
    let name: PlanName = row.next()?;
    Ok(Plan {
        id: name.clone(),
        name,
        title: row.next()?,
        description: row.next()?,
        limits: row.next()?,
        soft_limits: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One plan.
pub(crate) fn find(tx: &impl Tx<Plane = PlatformPlane>, name: &PlanName) -> Result<Option<Plan>> {
    Ok(sql(tx).one(
        "select name, title, description, limits, soft_limits, created_at, updated_at, version
        from plans where name = ?1",
        params![name],
        plan,
    )?)
}

/// A page of plans, by name.
pub(crate) fn page(tx: &impl Tx<Plane = PlatformPlane>, page: &PageRequest) -> Result<Page<Plan>> {
    let listing = Listing::new(
        "select name, title, description, limits, soft_limits, created_at, updated_at, version from plans where true",
    );
    let (text, params) = listing.page_by_id("name", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, plan)?;
    Ok(Page::cut(rows, page, |it| Position { key: String::new(), id: it.name.to_string() }))
}

/// How many plans there are.
pub(crate) fn count(tx: &impl Tx<Plane = PlatformPlane>) -> Result<i64> {
    let count = sql(tx).one("select count(*) from plans", &[], |row| row.next())?;
    Ok(count.unwrap_or(0))
}

/// Makes a plan; `None` where there is one of this name.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    name: &PlanName,
    new: &PutPlan,
) -> Result<Option<Plan>> {
    Ok(sql(tx).one(
        "insert into plans (name, title, description, limits, soft_limits, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?6)
        on conflict (name) do nothing
        returning name, title, description, limits, soft_limits, created_at, updated_at, version",
        params![
            name,
            &new.title,
            new.description.as_ref().unwrap_or(&Description::default()),
            &new.limits,
            &new.soft_limits,
            tx.now(),
        ],
        plan,
    )?)
}

/// Changes a plan, if it has the version expected.
pub(crate) fn update<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    name: &PlanName,
    new: &PutPlan,
    version: i64,
) -> Result<Option<Plan>> {
    Ok(sql(tx).one(
        "update plans
        set title = ?3, description = ?4, limits = ?5, soft_limits = ?6, updated_at = ?7, version = version + 1
        where name = ?1 and version = ?2
        returning name, title, description, limits, soft_limits, created_at, updated_at, version",
        params![
            name,
            version,
            &new.title,
            new.description.as_ref().unwrap_or(&Description::default()),
            &new.limits,
            &new.soft_limits,
            tx.now(),
        ],
        plan,
    )?)
}

/// Whether tenants have a plan.
pub(crate) fn is_used(tx: &impl Tx<Plane = PlatformPlane>, name: &PlanName) -> Result<bool> {
    let found: Option<i64> = sql(tx).one(
        "select 1 from tenant_quotas where plan = ?1 limit 1",
        params![name],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

/// Deletes a plan, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    name: &PlanName,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from plans where name = ?1 and version = ?2", params![name, version])?;
    Ok(deleted > 0)
}
