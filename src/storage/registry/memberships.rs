//! Statements on `memberships`: the registry's projection of every tenant's `org_members`.
//!
//! It lags behind the tenants' files and is never what a decision is made from.

use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, Direction, Membership, MyTenant, Page, PageRequest, Position, Result,
    TenantId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, SqlError, params};

/// Follows one step of a tenant's outbox; one that was followed before changes nothing.
pub(crate) fn follow<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    seq: i64,
    membership: &Membership,
) -> Result<()> {
    sql(tx).execute(
        "delete from memberships where tenant_id = ?1 and account_id = ?2 and outbox_seq < ?3",
        params![tenant, membership.account_id, seq],
    )?;
    sql(tx).execute(
        "insert into memberships (tenant_id, account_id, role, state, outbox_seq) values (?1, ?2, ?3, ?4, ?5)
        on conflict (tenant_id, account_id) do nothing",
        params![tenant, membership.account_id, membership.role, membership.state, seq],
    )?;
    Ok(())
}

/// Forgets what is known of a tenant's memberships, so that they can be read anew.
pub(crate) fn clear<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute("delete from memberships where tenant_id = ?1", params![tenant])?;
    Ok(())
}

/// What is known of a tenant's memberships, by account.
pub(crate) fn of_tenant(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
) -> Result<Vec<Membership>> {
    Ok(sql(tx).all(
        "select account_id, role, state from memberships where tenant_id = ?1 order by account_id",
        params![tenant],
        |row| Ok(Membership { account_id: row.next()?, role: row.next()?, state: row.next()? }),
    )?)
}

fn my_tenant(row: &mut Row<'_>) -> Result<MyTenant, SqlError> {
    Ok(MyTenant {
        id: row.next()?,
        slug: row.next()?,
        name: row.next()?,
        kind: row.next()?,
        status: row.next()?,
        role: row.next()?,
        state: row.next()?,
    })
}

/// The tenants that an account is a member of, by slug.
pub(crate) fn of_account(tx: &impl Tx, account: AccountId) -> Result<Vec<MyTenant>> {
    Ok(sql(tx).all(
        "select t.id, t.slug, t.name, t.kind, t.status, m.role, m.state
        from memberships m join tenants t on t.id = m.tenant_id
        where m.account_id = ?1 and m.state <> 'removed' and t.status not in ('provisioning', 'erased')
        order by t.slug",
        params![account],
        my_tenant,
    )?)
}

/// A page of the tenants that an account is a member of, by slug.
pub(crate) fn page_of(
    tx: &impl Tx,
    account: AccountId,
    page: &PageRequest,
) -> Result<Page<MyTenant>> {
    let mut listing = Listing::new(
        "select t.id, t.slug, t.name, t.kind, t.status, m.role, m.state
        from memberships m join tenants t on t.id = m.tenant_id
        where m.state <> 'removed' and t.status not in ('provisioning', 'erased')",
    );
    listing.and("m.account_id = ?", account);
    let (text, params) = listing.page_by_id("t.slug", Direction::Ascending, page);
    let rows = sql(tx).all(&text, &params, my_tenant)?;
    Ok(Page::cut(rows, page, |found| Position { key: String::new(), id: found.slug.to_string() }))
}
