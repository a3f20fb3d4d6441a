//! Statements on `invitations`.

use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Conflict, Description, Direction, Error, Invitation, InvitationFilter,
    InvitationId, InvitationState, Invited, Invitee, Page, PageRequest, Position, PrincipalId,
    Result, Role, TeamId, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Row, Sql, SqlError, params};
use crate::storage::registry::invitations::{identity, invited};

fn invitation(row: &mut Row<'_>) -> Result<Invitation, SqlError> {
    Ok(Invitation {
        id: row.next()?,
        email: row.next()?,
        identity: identity(row)?,
        role: row.next()?,
        team_ids: row.next()?,
        state: row.next()?,
        invited_by: row.next()?,
        account_id: row.next()?,
        message: row.next()?,
        expires_at: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// One invitation, in the state that is written down.
pub(crate) fn find(
    tx: &impl Tx<Plane = TenantPlane>,
    id: InvitationId,
) -> Result<Option<Invitation>> {
    Ok(sql(tx).one(
        "select id, email, issuer, subject, role, teams, state, invited_by, account_id, message, expires_at, created_at,
            updated_at, version
        from invitations where id = ?1",
        params![id],
        invitation,
    )?)
}

/// The invitation that waits for somebody, whether or not its time is over.
pub(crate) fn find_pending(
    tx: &impl Tx<Plane = TenantPlane>,
    invitee: &Invitee,
) -> Result<Option<Invitation>> {
    Ok(sql(tx).one(
        "select id, email, issuer, subject, role, teams, state, invited_by, account_id, message, expires_at, created_at,
            updated_at, version
        from invitations where tenant_id = current_tenant() and address = ?1 and state = 'pending'",
        params![invitee.address()],
        invitation,
    )?)
}

/// How many invitations wait.
pub(crate) fn count_pending(tx: &impl Tx<Plane = TenantPlane>) -> Result<i64> {
    let count: Option<i64> = sql(tx).one(
        "select count(*) from invitations where tenant_id = current_tenant() and state = 'pending'",
        &[],
        |row| row.next(),
    )?;
    Ok(count.unwrap_or(0))
}

/// A page of invitations, the newest first.
pub(crate) fn page(
    tx: &impl Tx<Plane = TenantPlane>,
    filter: &InvitationFilter,
    page: &PageRequest,
) -> Result<Page<Invitation>> {
    let mut listing = Listing::new(
        "select id, email, issuer, subject, role, teams, state, invited_by, account_id, message, expires_at, created_at,
            updated_at, version
        from invitations where tenant_id = current_tenant()",
    );
    match filter.state {
        // What nobody has taken until its end is expired, written down or not.
        Some(InvitationState::Pending) => {
            listing.and("state = 'pending' and expires_at > ?", tx.now());
        }
        Some(InvitationState::Expired) => {
            listing.and("(state = 'expired' or (state = 'pending' and expires_at <= ?))", tx.now());
        }
        state => listing.and_if("state = ?", state),
    }
    let email = filter.email.as_ref().map(|email| email.to_ascii_lowercase());
    listing.and_if("email is not null and address = ?", email);
    let (text, params) = listing.page_by_id("id", Direction::Descending, page);
    let rows = sql(tx).all(&text, &params, invitation)?;
    Ok(Page::cut(rows, page, |found| Position { key: String::new(), id: found.id.to_string() }))
}

/// Every invitation that is kept, for the registry's projection.
pub(in crate::storage) fn every(sql: Sql<'_>) -> Result<Vec<Invited>> {
    Ok(sql.all(
        "select id, email, issuer, subject, role, state, message, expires_at, created_at from invitations
        where state = 'pending' or id >= coalesce((
            select id from invitations where state <> 'pending' order by id desc limit 1 offset ?1 - 1
        ), '')
        order by id",
        params![Invitation::MAX_CLOSED],
        invited,
    )?)
}

/// Deletes the oldest invitations that have ended, beyond those that are kept.
pub(crate) fn forget_oldest<A: Action<Plane = TenantPlane>>(tx: &WriteTx<'_, A>) -> Result<()> {
    sql(tx).execute(
        "delete from invitations where tenant_id = current_tenant() and state <> 'pending' and id < (
            select id from invitations where tenant_id = current_tenant() and state <> 'pending'
            order by id desc limit 1 offset ?1 - 1
        )",
        params![Invitation::MAX_CLOSED],
    )?;
    Ok(())
}

/// For whom an invitation is, in one word.
pub(in crate::storage) fn address_of(sql: Sql<'_>, id: InvitationId) -> Result<Option<String>> {
    Ok(sql.one("select address from invitations where id = ?1", params![id], |row| row.next())?)
}

/// What a new invitation says.
#[derive(Debug)]
pub(crate) struct Words<'w> {
    pub(crate) invitee: &'w Invitee,
    pub(crate) role: Role,
    pub(crate) team_ids: &'w [TeamId],
    pub(crate) message: &'w Description,
    pub(crate) expires_at: Timestamp,
    pub(crate) invited_by: PrincipalId,
}

/// Adds an invitation that waits.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: InvitationId,
    words: &Words<'_>,
) -> Result<Invitation> {
    let identity = words.invitee.identity();
    let added = sql(tx)
        .one(
            "insert into invitations (id, tenant_id, address, email, issuer, subject, role, teams, state, invited_by,
                message, expires_at, created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?12)
            returning id, email, issuer, subject, role, teams, state, invited_by, account_id, message, expires_at,
                created_at, updated_at, version",
            params![
                id,
                words.invitee.address(),
                words.invitee.email(),
                identity.map(|identity| &identity.issuer),
                identity.map(|identity| &identity.subject),
                words.role,
                words.team_ids,
                InvitationState::Pending,
                words.invited_by,
                words.message,
                words.expires_at,
                tx.now()
            ],
            invitation,
        )
        .map_err(SqlError::unique(Conflict::AlreadyInvited))?;
    added.ok_or_else(|| Error::Internal("an inserted invitation did not come back".to_owned()))
}

/// Puts an invitation into a state, and says who did. Whether the state may follow is the caller's business, by
/// [`InvitationState::to`].
pub(crate) fn set_state<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: InvitationId,
    state: InvitationState,
    by: Option<AccountId>,
) -> Result<Invitation> {
    let changed = sql(tx).one(
        "update invitations set state = ?2, account_id = ?3, updated_at = ?4, version = version + 1 where id = ?1
        returning id, email, issuer, subject, role, teams, state, invited_by, account_id, message, expires_at,
            created_at, updated_at, version",
        params![id, state, by, tx.now()],
        invitation,
    )?;
    changed.ok_or(Error::NotFound)
}
