//! Statements on the registry's `invitations`: its projection of every tenant's.
//!
//! It lags behind the tenants' files. Who an invitation is for, and whether it can be taken, is decided there.

use serde::Serialize;

use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, Identity, IdentityPart, Invitation, InvitationId, InvitationState, Invited,
    KnownIdentity, MyInvitation, Page, PageRequest, Position, Reach, Result, TenantId,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, SqlError, params};

/// Follows one step of a tenant's outbox; one that was followed before changes nothing.
pub(crate) fn follow<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    seq: i64,
    invited: &Invited,
) -> Result<()> {
    sql(tx).execute(
        "delete from invitations where id = ?1 and tenant_id = ?2 and outbox_seq < ?3",
        params![invited.id, tenant, seq],
    )?;
    let identity = invited.identity.as_ref();
    sql(tx).execute(
        "insert into invitations (id, tenant_id, address, email, issuer, subject, role, state, message, expires_at,
            created_at, outbox_seq)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
        on conflict (id) do nothing",
        params![
            invited.id,
            tenant,
            invited.address(),
            invited.email.as_ref(),
            identity.map(|identity| &identity.issuer),
            identity.map(|identity| &identity.subject),
            invited.role,
            invited.state,
            &invited.message,
            invited.expires_at,
            invited.created_at,
            seq
        ],
    )?;
    if invited.state == InvitationState::Pending { Ok(()) } else { forget_oldest(tx, tenant) }
}

/// Deletes the oldest invitations of a tenant that have ended, as its own file does.
fn forget_oldest<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute(
        "delete from invitations where tenant_id = ?1 and state <> 'pending' and id < (
            select id from invitations where tenant_id = ?1 and state <> 'pending'
            order by id desc limit 1 offset ?2 - 1
        )",
        params![tenant, Invitation::MAX_CLOSED],
    )?;
    Ok(())
}

/// Forgets what is known of a tenant's invitations, so that they can be read anew.
pub(crate) fn clear<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute("delete from invitations where tenant_id = ?1", params![tenant])?;
    Ok(())
}

/// What is known of a tenant's invitations that are kept, by id.
pub(crate) fn of_tenant(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
) -> Result<Vec<Invited>> {
    Ok(sql(tx).all(
        "select id, email, issuer, subject, role, state, message, expires_at, created_at from invitations
        where tenant_id = ?1 and (state = 'pending' or id >= coalesce((
            select id from invitations where tenant_id = ?1 and state <> 'pending'
            order by id desc limit 1 offset ?2 - 1
        ), ''))
        order by id",
        params![tenant, Invitation::MAX_CLOSED],
        |row| invited(row),
    )?)
}

/// An invitation, as every file has it.
pub(in crate::storage) fn invited(row: &mut Row<'_>) -> Result<Invited, SqlError> {
    Ok(Invited {
        id: row.next()?,
        email: row.next()?,
        identity: identity(row)?,
        role: row.next()?,
        state: row.next()?,
        message: row.next()?,
        expires_at: row.next()?,
        created_at: row.next()?,
    })
}

/// An identity out of two columns that are both there, or neither.
pub(in crate::storage) fn identity(row: &mut Row<'_>) -> Result<Option<Identity>, SqlError> {
    let (issuer, subject) = (row.next::<Option<IdentityPart>>()?, row.next()?);
    Ok(issuer.zip(subject).map(|(issuer, subject)| Identity { issuer, subject }))
}

/// The invitations that wait although their time is over, with their tenants.
pub(crate) fn due(
    tx: &impl Tx<Plane = PlatformPlane>,
    limit: i64,
) -> Result<Vec<(TenantId, InvitationId)>> {
    Ok(sql(tx).all(
        "select i.tenant_id, i.id from invitations i join tenants t on t.id = i.tenant_id
        where i.state = 'pending' and i.expires_at <= ?1 and t.status = 'active'
        order by i.expires_at, i.id limit ?2",
        params![tx.now(), limit],
        |row| Ok((row.next()?, row.next()?)),
    )?)
}

/// An address by which somebody can be asked in; into one tenant alone, where its issuer speaks for no other.
#[derive(Serialize)]
struct Known {
    address: String,
    tenant: Option<TenantId>,
}

/// The addresses of an account's identities, as a JSON array.
fn addresses(identities: &[KnownIdentity]) -> String {
    let known = identities.iter().flat_map(|known| {
        let tenants = match &known.reach {
            Reach::Tenants(tenants) => tenants.iter().copied().map(Some).collect(),
            Reach::Everybody | Reach::Nobody => vec![None],
        };
        let known = known.addresses().into_iter();
        known.flat_map(move |address| {
            let of = move |tenant| Known { address: address.clone(), tenant };
            tenants.clone().into_iter().map(of)
        })
    });
    serde_json::to_string(&known.collect::<Vec<_>>()).unwrap_or_default()
}

fn mine(row: &mut Row<'_>) -> Result<(String, MyInvitation), SqlError> {
    let address = row.next()?;
    let (id, tenant_id, tenant_slug, tenant_name) =
        (row.next()?, row.next()?, row.next()?, row.next()?);
    let found = MyInvitation {
        id,
        tenant_id,
        tenant_slug,
        tenant_name,
        email: row.next()?,
        identity: identity(row)?,
        role: row.next()?,
        state: row.next()?,
        message: row.next()?,
        expires_at: row.next()?,
        created_at: row.next()?,
    };
    Ok((address, found))
}

/// A page of the invitations for these identities that can be taken, by id.
pub(crate) fn page_of(
    tx: &impl Tx,
    identities: &[KnownIdentity],
    page: &PageRequest,
) -> Result<Page<MyInvitation>> {
    let after = page.after.as_ref().map_or("", |position| position.id.as_str());
    let rows = sql(tx).all(
        "select i.address, i.id, t.id, t.slug, t.name, i.email, i.issuer, i.subject, i.role, i.state, i.message,
            i.expires_at, i.created_at
        from invitations i join tenants t on t.id = i.tenant_id
        where i.address in (select w.value ->> 'address' from json_each(?1) w)
            and exists (
                select 1 from json_each(?1) w
                where w.value ->> 'address' = i.address and coalesce(w.value ->> 'tenant', i.tenant_id) = i.tenant_id
            )
            and i.state = 'pending' and i.expires_at > ?2 and t.status = 'active' and i.id > ?3
        order by i.id limit ?4",
        params![addresses(identities), tx.now(), after, i64::from(page.limit) + 1],
        mine,
    )?;
    // What the statement found is for one of them, but for what its issuer may not say.
    let is_for = |(address, found): &(String, MyInvitation)| {
        identities.iter().any(|known| known.is_invitee(address, found.tenant_id))
    };
    let last = (rows.len() > page.limit as usize).then(|| rows[page.limit as usize - 1].1.id);
    let shown = rows.into_iter().take(page.limit as usize).filter(is_for);
    Ok(Page {
        items: shown.map(|(_, found)| found).collect(),
        next_cursor: None,
        next: last.map(|id| Position { key: String::new(), id: id.to_string() }),
    })
}

/// An invitation for one of these identities, in whatever state it is.
pub(crate) fn find_for(
    tx: &impl Tx,
    identities: &[KnownIdentity],
    id: InvitationId,
) -> Result<Option<MyInvitation>> {
    let found = sql(tx).one(
        "select i.address, i.id, t.id, t.slug, t.name, i.email, i.issuer, i.subject, i.role, i.state, i.message,
            i.expires_at, i.created_at
        from invitations i join tenants t on t.id = i.tenant_id where i.id = ?1",
        params![id],
        mine,
    )?;
    let is_for = |(address, found): &(String, MyInvitation)| {
        identities.iter().any(|known| known.is_invitee(address, found.tenant_id))
    };
    Ok(found.filter(is_for).map(|(_, found)| found))
}
