//! Statements on `roles`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, ChangeRole, Conflict, CustomRole, Description, Direction, Error, Name, Page,
    PageRequest, Patterns, Position, Result, Role, RoleId, TeamId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, SqlError, params};

fn role(row: &mut Row<'_>) -> Result<CustomRole, SqlError> {
    Ok(CustomRole {
        id: row.next()?,
        name: row.next()?,
        description: row.next()?,
        permissions: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One role.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>, id: RoleId) -> Result<Option<CustomRole>> {
    Ok(sql(tx).one(
        "select id, name, description, permissions, created_at, updated_at, version from roles where id = ?1",
        params![id],
        role,
    )?)
}

/// A page of roles, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    page: &PageRequest,
) -> Result<Page<CustomRole>> {
    let listing = Listing::new(
        "select id, name, description, permissions, created_at, updated_at, version from roles
        where tenant_id = current_tenant()",
    );
    let (text, params) = listing.page(("name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, role)?;
    Ok(Page::cut(rows, page, |role| Position {
        key: role.name.to_string(),
        id: role.id.to_string(),
    }))
}

/// How many roles there are.
pub(crate) fn count(tx: &impl Tx<Plane = TenantPlane>) -> Result<i64> {
    let count: Option<i64> = sql(tx).one(
        "select count(*) from roles where tenant_id = current_tenant()",
        &[],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// The roles that members of a team have by it and by what it is a part of.
pub(crate) fn of_team(tx: &impl Tx<Plane = TenantPlane>, team: TeamId) -> Result<Vec<CustomRole>> {
    Ok(sql(tx).all(
        "with recursive lineage (id) as (
            select id from teams where id = ?1
            union
            select t.parent_id from teams t join lineage l on t.id = l.id where t.parent_id is not null
        )
        select id, name, description, permissions, created_at, updated_at, version from roles
        where id in (
            select a.role_id from role_assignments a where a.principal_id in (select id from lineage)
        )
        order by name",
        params![team],
        role,
    )?)
}

/// The roles that reach an account that has a role in the tenant.
pub(crate) fn of_account(
    tx: &impl Tx<Plane = TenantPlane>,
    account: AccountId,
    standing: Role,
) -> Result<Vec<CustomRole>> {
    Ok(sql(tx).all(
        "with recursive mine (id) as (
            select team_id from team_members where account_id = ?1
            union
            select t.parent_id from teams t join mine m on t.id = m.id where t.parent_id is not null
        )
        select id, name, description, permissions, created_at, updated_at, version from roles
        where id in (
            select a.role_id from role_assignments a
            where a.principal_id = ?1
                or a.principal_id in (select id from mine)
                or (?2 and a.principal_id = current_tenant())
        )
        order by name",
        params![account, standing != Role::Guest],
        role,
    )?)
}

/// Whether the caller has a role of this name.
pub(crate) fn is_callers(tx: &impl Tx<Plane = TenantPlane>, name: &Name) -> Result<bool> {
    let found: Option<i64> = sql(tx).one(
        "select 1 from roles r join role_assignments a on a.role_id = r.id
        where r.name = ?1 and caller_has(a.principal_id)",
        params![name],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

/// Whether policies of an application that is bound here can see the names of roles.
pub(crate) fn are_seen_by_applications(tx: &impl Tx<Plane = TenantPlane>) -> Result<bool> {
    let found: Option<i64> = sql(tx).one(
        "select 1 from application_bindings where tenant_id = current_tenant()",
        &[],
        |row| row.next(),
    )?;
    Ok(found.is_some())
}

/// Adds a role.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: RoleId,
    name: &Name,
    description: &Description,
    permissions: &Patterns,
) -> Result<CustomRole> {
    let added = sql(tx)
        .one(
            "insert into roles (id, tenant_id, name, description, permissions, created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?5)
            returning id, name, description, permissions, created_at, updated_at, version",
            params![id, name, description, permissions, tx.now()],
            role,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))?;
    added.ok_or_else(|| Error::Internal("an inserted role did not come back".to_owned()))
}

/// Changes a role, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: RoleId,
    change: &ChangeRole,
    version: i64,
) -> Result<Option<CustomRole>> {
    sql(tx)
        .one(
            "update roles
            set name = coalesce(?2, name), description = coalesce(?3, description),
                permissions = coalesce(?4, permissions), updated_at = ?5, version = version + 1
            where id = ?1 and version = ?6
            returning id, name, description, permissions, created_at, updated_at, version",
            params![
                id,
                change.name.as_ref(),
                change.description.as_ref(),
                change.permissions.as_ref(),
                tx.now(),
                version
            ],
            role,
        )
        .map_err(SqlError::unique(Conflict::NameTaken))
}

/// Deletes a role, and takes it from everybody, if it has the version expected; says whether it had.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: RoleId,
    version: i64,
) -> Result<bool> {
    let deleted = sql(tx)
        .execute("delete from roles where id = ?1 and version = ?2", params![id, version])?;
    Ok(deleted > 0)
}
