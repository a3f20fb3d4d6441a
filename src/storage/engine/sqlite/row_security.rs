//! Row-level security: the row rule as SQL, and the views that hold it.
//!
//! A reader has, for each guarded table, a policy view whose name ends in a random suffix, and a view with the table's
//! own name that selects from it. The authorizer lets the table be read only where the accessor is the suffixed view:
//! a common table expression that calls itself `resources` does not pass for it.
//!
//! `caller_sees_all()`, `caller_sees_few()` and the other functions are constant while a statement runs, so that a
//! branch whose condition does not hold costs nothing. For one who sees few rows it pays to look them up; for one who
//! sees many, to look through all and leave some out. In the modes `off` and `shadow` a third branch returns every row;
//! those that the rule withholds are marked by a level of 0. The mode is part of the caller's session: a change of it
//! is in force with the next statement, and no connection needs to be made anew.
//!
//! The writer has no views. Temporary triggers on its tables hold every row that is written against the permit that the
//! door gave: whatever a statement forgets to say, it changes nothing else.

use rusqlite::Connection;

use super::SqlError;

/// The tables whose rows a reader sees through a policy view alone.
pub(super) const GUARDED: &[&str] = &["resources", "workspaces", "resource_acl"];

const PRINCIPALS: &str = "(select value from json_each(caller_principals()))";

/// 0 to 3: what the caller may do to workspace `w`: by its role, or by what the workspace's owner is to it.
pub(in crate::storage) fn workspace_level() -> String {
    format!("max(caller_workspace_level(), {})", owned_level("1"))
}

/// 0 to 3: what the owner of workspace `w` makes the caller there; 1 where that is the tenant, which contains the
/// caller. A condition can narrow that last case.
fn owned_level(contained_when: &str) -> String {
    format!(
        "case
            when w.owner_id = current_account() then 3
            when not caller_has(w.owner_id) then 0
            when w.owner_type = 'tenant' then case when {contained_when} then 1 else 0 end
            when caller_maintains(w.owner_id) then 3
            else 2
        end"
    )
}

/// 0 to 3: what the caller may do to resource `r`, by the row rule.
pub(in crate::storage) fn resource_level() -> String {
    format!(
        "case
            when caller_level() = 3 then 3
            when r.owner_id = current_account() then 3
            else max(
                caller_level(),
                case when r.visibility = 'tenant' and caller_in_tenant() then 1 else 0 end,
                coalesce((select {workspace} from main.workspaces w where w.id = r.workspace_id), 0),
                coalesce((
                    select max(case a.permission when 'admin' then 3 when 'write' then 2 else 1 end)
                    from main.resource_acl a
                    where a.resource_id = r.id and caller_has(a.principal_id)
                ), 0)
            )
        end",
        workspace = owned_level("r.visibility = 'workspace'")
    )
}

/// Everything that gives the caller something on one resource, a row each: where it comes from, the level, and the type
/// and id of the principal through which it comes. The caller's session must see the resource, and the resource must be
/// the one that it shares; what comes of a role that reaches every row is no row here.
pub(in crate::storage) fn resource_sources() -> String {
    format!(
        "with r as (select * from resources where id = ?1)
        select 'owner', 3, null, r.owner_id from r where r.owner_id = current_account()
        union all
        select 'workspace', {owned}, w.owner_type, w.owner_id
            from r join workspaces w on w.id = r.workspace_id where {owned} > 0
        union all
        select 'visibility', 1, 'tenant', current_tenant() from r where r.visibility = 'tenant' and caller_in_tenant()
        union all
        select 'visibility', 1, w.owner_type, w.owner_id
            from r join workspaces w on w.id = r.workspace_id
            where r.visibility = 'workspace' and caller_has(w.owner_id)
        union all
        select 'acl', case a.permission when 'admin' then 3 when 'write' then 2 else 1 end, p.type, a.principal_id
            from resource_acl a join principals p on p.id = a.principal_id
            where a.resource_id = ?1 and caller_has(a.principal_id)
        union all
        select 'row_security', 1, null, null from r
            where row_security_mode() <> 'enforce' and caller_has(current_account())",
        owned = owned_level("0")
    )
}

const RESOURCE_COLUMNS: &str = "r.id, r.tenant_id, r.type, r.workspace_id, r.name, r.visibility, r.attributes, \
     r.owner_id, r.created_at, r.updated_at, r.version";

/// Rows looked through one by one.
fn resources_scanned() -> String {
    format!(
        "select {RESOURCE_COLUMNS}, {level} as level
        from main.resources r
        where row_security_mode() = 'enforce'
            and not caller_sees_few()
            and +r.tenant_id = current_tenant()
            and (caller_sees_all()
                or (r.visibility = 'tenant' and caller_in_tenant())
                or {level} > 0)",
        level = resource_level()
    )
}

/// Rows looked up by what could make them visible.
fn resources_looked_up() -> String {
    format!(
        "select {RESOURCE_COLUMNS}, {level} as level
        from main.resources r
        where row_security_mode() = 'enforce'
            and caller_sees_few()
            and +r.tenant_id = current_tenant()
            and r.id in (
                select a.resource_id from main.resource_acl a where a.principal_id in {PRINCIPALS}
                union select o.id from main.resources o where o.owner_id = current_account()
                union select v.id from main.resources v
                    where v.tenant_id = current_tenant() and v.visibility = 'tenant'
                        and caller_in_tenant()
                union select c.id from main.resources c
                    where c.workspace_id in (select w.id from main.workspaces w where w.owner_id in {PRINCIPALS})
                        and (c.visibility = 'workspace' or exists (
                            select 1 from main.workspaces w where w.id = c.workspace_id and w.owner_type <> 'tenant'))
            )",
        level = resource_level()
    )
}

/// Every row, for active members, where the mode withholds none.
fn resources_all() -> String {
    format!(
        "select {RESOURCE_COLUMNS}, {level} as level
        from main.resources r
        where row_security_mode() <> 'enforce'
            and +r.tenant_id = current_tenant()
            and (caller_sees_all() or caller_has(current_account()))",
        level = resource_level()
    )
}

fn workspaces() -> String {
    format!(
        "select w.id, w.tenant_id, w.name, w.owner_type, w.owner_id, w.created_at, w.updated_at, w.version
        from main.workspaces w
        where +w.tenant_id = current_tenant() and {level} > 0",
        level = workspace_level()
    )
}

/// The entries of the one resource whose sharing the door has permitted.
const RESOURCE_ACL: &str =
    "select a.resource_id, a.principal_id, a.tenant_id, a.permission, a.created_at, \
     a.updated_at, a.version
    from main.resource_acl a
    where +a.tenant_id = current_tenant() and a.resource_id = caller_shares()";

/// Makes the views of a reader.
pub(super) fn install(conn: &Connection, suffix: &str) -> Result<(), SqlError> {
    let resources = [resources_scanned(), resources_looked_up(), resources_all()];
    let views = [
        ("resources", resources.join(" union all ")),
        ("workspaces", workspaces()),
        ("resource_acl", RESOURCE_ACL.to_owned()),
    ];
    for (table, policy) in views {
        let name = policy_view(table, suffix);
        conn.execute_batch(&format!(
            "create temp view {name} as {policy}; create temp view {table} as select * from temp.{name};"
        ))?;
    }
    Ok(())
}

/// What must hold of a row of a guarded table before it is written: table, event, condition.
const WRITES: &[(&str, &str, &str)] = &[
    ("resources", "insert", "new.tenant_id is current_tenant() and caller_adds(new.workspace_id)"),
    (
        "resources",
        "update",
        "old.tenant_id is current_tenant() and new.tenant_id is old.tenant_id and new.id is old.id
            and new.workspace_id is old.workspace_id
            and caller_changes(old.id, case
                when new.visibility is old.visibility and new.owner_id is old.owner_id then 2
                else 3
            end)",
    ),
    ("resources", "delete", "old.tenant_id is current_tenant() and caller_changes(old.id, 3)"),
    (
        "resource_acl",
        "insert",
        "new.tenant_id is current_tenant() and caller_changes(new.resource_id, 3)",
    ),
    (
        "resource_acl",
        "update",
        "old.tenant_id is current_tenant() and new.tenant_id is old.tenant_id
            and new.resource_id is old.resource_id and new.principal_id is old.principal_id
            and caller_changes(old.resource_id, 3)",
    ),
    (
        "resource_acl",
        "delete",
        "old.tenant_id is current_tenant()
            and (caller_changes(old.resource_id, 3) or caller_drops(old.principal_id))",
    ),
];

/// Makes the triggers of a writer.
pub(super) fn install_triggers(conn: &Connection, suffix: &str) -> Result<(), SqlError> {
    for (table, event, condition) in WRITES {
        let name = trigger(table, event, suffix);
        conn.execute_batch(&format!(
            "create temp trigger {name} before {event} on main.{table}
            when not coalesce({condition}, 0)
            begin
                select raise(abort, 'row-level security: this {event} on {table} is not what was permitted');
            end;"
        ))?;
    }
    Ok(())
}

/// The names of a writer's triggers.
pub(super) fn triggers(suffix: &str) -> Vec<String> {
    WRITES.iter().map(|(table, event, _)| trigger(table, event, suffix)).collect()
}

fn trigger(table: &str, event: &str, suffix: &str) -> String {
    format!("{table}_{event}_is_permitted_{suffix}")
}

/// The name of a table's policy view.
pub(super) fn policy_view(table: &str, suffix: &str) -> String {
    format!("policy_{table}_{suffix}")
}
