//! Where a permission comes from: every source of the row rule, one by one.

use std::sync::LazyLock;

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Error, HeldRole, MemberState, Patterns, Permission, PermissionOrigin, PermissionSource,
    PolicyInfo, PrincipalRef, ResourceId, Result, Role, RowLevels, principal_ref,
};
use crate::storage::door::{Asked, ReadTx};
use crate::storage::engine::sqlite::resource_sources;
use crate::storage::engine::{Sql, params};

/// What a policy of Freehold's own says.
pub(crate) fn policy<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    id: &str,
) -> Option<PolicyInfo> {
    tx.policy(id)
}

/// Everything that gives somebody something on a resource, the highest first; the first is what the row rule gives.
pub(crate) fn sources<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    resource: ResourceId,
) -> Result<Vec<PermissionSource>> {
    let id = resource.to_string();
    let mut found = tx.seen_through(asked, &id, |sql| {
        let mut found = sql.all(&SOURCES, params![&id], |row| {
            let (origin, level) = (row.next::<PermissionOrigin>()?, row.next()?);
            let principal = principal_ref(row.next()?, row.next()?);
            Ok(source(origin, level, principal))
        })?;
        check_count(found.len())?;
        found.push(role(asked));
        found.push(custom_roles(sql, asked)?);
        Ok(found)
    })?;
    found.sort();
    Ok(found.into_iter().flatten().collect())
}

/// Rows of one explanation at most; one that has more cannot be told in one answer.
const MAX_ROWS: u32 = 10_000;

static SOURCES: LazyLock<String> =
    LazyLock::new(|| format!("select * from ({}) limit {}", resource_sources(), MAX_ROWS + 1));

fn check_count(rows: usize) -> Result<()> {
    if rows > MAX_ROWS as usize { Err(Error::TooMuchWork) } else { Ok(()) }
}

fn source(
    origin: PermissionOrigin,
    level: i64,
    principal: Option<PrincipalRef>,
) -> Option<PermissionSource> {
    Some(PermissionSource::new(origin, Permission::of_level(level)?, principal))
}

/// What the role in the tenant gives on every resource.
fn role(asked: &Asked) -> Option<PermissionSource> {
    let subject = asked.known().subject;
    let is_active = subject.membership == Some(MemberState::Active);
    let role = subject.role.filter(|role| matches!(role, Role::Owner | Role::Admin))?;
    let given = source(PermissionOrigin::Role, RowLevels::ALL.resources, None)?;
    is_active.then_some(PermissionSource { role: Some(role), ..given })
}

/// What custom roles give together on every resource, and which of them have a part in it.
fn custom_roles(sql: Sql<'_>, asked: &Asked) -> Result<Option<PermissionSource>> {
    let level = RowLevels::of(&asked.known().roles).resources;
    let Some(given) = source(PermissionOrigin::CustomRoles, level, None) else { return Ok(None) };
    let held: Vec<(HeldRole, Patterns)> = sql.all(
        "select r.id, r.name, p.type, p.id, r.permissions
        from role_assignments a join roles r on r.id = a.role_id join principals p on p.id = a.principal_id
        where a.principal_id in (select value from json_each(caller_principals()))
        order by r.name, p.type, p.id
        limit ?1",
        params![MAX_ROWS + 1],
        |row| {
            let (id, name) = (row.next()?, row.next()?);
            let principal = PrincipalRef { kind: row.next()?, id: row.next()? };
            Ok((HeldRole { id, name, principal }, row.next()?))
        },
    )?;
    check_count(held.len())?;
    let has_part = |(_, patterns): &(HeldRole, Patterns)| RowLevels::touches_resources(patterns);
    let custom_roles = held.into_iter().filter(has_part).map(|(role, _)| role).collect();
    Ok(Some(PermissionSource { custom_roles, ..given }))
}
