//! Statements on `org_members`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Direction, Member, MemberFilter, MemberState, Membership, Name, Page,
    PageRequest, Position, Result, Role,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

const FIND: &str = "select account_id, display_name, role, state, created_at, updated_at, version from org_members \
    where account_id = ?1";

fn member(row: &mut Row<'_>) -> Result<Member, SqlError> {
    let account_id: AccountId = row.next()?;
    Ok(Member {
        id: account_id,
        account_id,
        display_name: row.next()?,
        role: row.next()?,
        state: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One membership, a removed one too.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    account: AccountId,
) -> Result<Option<Member>> {
    Ok(sql(tx).one(FIND, params![account], member)?)
}

/// A page of memberships, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &MemberFilter,
    page: &PageRequest,
) -> Result<Page<Member>> {
    let mut listing = Listing::new(
        "select account_id, display_name, role, state, created_at, updated_at, version from org_members
        where tenant_id = current_tenant()",
    );
    listing.and_if("role = ?", filter.role);
    match filter.state {
        Some(state) => listing.and("state = ?", state),
        None => listing.and("state <> ?", MemberState::Removed),
    }
    listing.and_prefix("display_name >= ?", "display_name < ?", filter.name_prefix.as_deref());
    let (text, params) =
        listing.page(("display_name", "account_id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, member)?;
    Ok(Page::cut(rows, page, |member| Position {
        key: member.display_name.to_string(),
        id: member.account_id.to_string(),
    }))
}

/// Every membership, for the registry's projection.
pub(in crate::storage) fn every(sql: Sql<'_>) -> Result<Vec<Membership>> {
    Ok(sql.all(
        "select account_id, role, state from org_members order by account_id",
        &[],
        |row| Ok(Membership { account_id: row.next()?, role: row.next()?, state: row.next()? }),
    )?)
}

/// Adds a membership; one that was removed comes back.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    name: &Name,
    role: Role,
) -> Result<Option<Member>> {
    Ok(sql(tx).one(
        "insert into org_members (account_id, tenant_id, display_name, role, state, created_at, updated_at)
        values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?5)
        on conflict (account_id) do update
        set display_name = excluded.display_name, role = excluded.role, state = excluded.state,
            updated_at = excluded.updated_at, version = version + 1
        where state = 'removed'
        returning account_id, display_name, role, state, created_at, updated_at, version",
        params![account, name, role, MemberState::Removed.to(MemberState::Active)?, tx.now()],
        member,
    )?)
}

/// Changes a role, if the membership has the version expected.
pub(crate) fn set_role<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    role: Role,
    version: i64,
) -> Result<Option<Member>> {
    Ok(sql(tx).one(
        "update org_members set role = ?2, updated_at = ?3, version = version + 1
        where account_id = ?1 and version = ?4
        returning account_id, display_name, role, state, created_at, updated_at, version",
        params![account, role, tx.now(), version],
        member,
    )?)
}

/// Puts a membership into a state, if it has the version expected. Whether the state may follow is the caller's
/// business, by [`MemberState::to`].
pub(crate) fn set_state<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
    state: MemberState,
    version: i64,
) -> Result<Option<Member>> {
    Ok(sql(tx).one(
        "update org_members set state = ?2, updated_at = ?3, version = version + 1
        where account_id = ?1 and version = ?4
        returning account_id, display_name, role, state, created_at, updated_at, version",
        params![account, state, tx.now(), version],
        member,
    )?)
}

/// How many owners are active.
pub(crate) fn active_owners(tx: &impl Tx<Plane = TenantPlane>) -> Result<i64> {
    let count: Option<i64> = sql(tx).one(
        "select count(*) from org_members where tenant_id = current_tenant() and role = 'owner' and state = 'active'",
        &[],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// Takes away what a former member was given by name: places in teams, custom roles, and access-control entries.
pub(crate) fn forget_grants<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    account: AccountId,
) -> Result<()> {
    sql(tx).execute("delete from team_members where account_id = ?1", params![account])?;
    sql(tx).execute("delete from role_assignments where principal_id = ?1", params![account])?;
    sql(tx).execute("delete from resource_acl where principal_id = ?1", params![account])?;
    Ok(())
}
