//! Statements on `accounts` and `account_identities`.

use super::RegistryAction;
use crate::domain::action::PlatformPlane;
use crate::domain::{
    Account, AccountFilter, AccountId, AccountState, Action, ChangeAccount, Conflict, Direction,
    Email, Error, Identity, Name, Page, PageRequest, Position, Result,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Listing, Param, Row, Sql, SqlError, params};

fn account(row: &mut Row<'_>) -> Result<Account, SqlError> {
    Ok(Account {
        id: row.next()?,
        display_name: row.next()?,
        email: row.next()?,
        state: row.next()?,
        identities: Vec::new(),
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

fn identities(sql: Sql<'_>, id: AccountId) -> Result<Vec<Identity>> {
    Ok(sql.all(
        "select issuer, subject from account_identities where account_id = ?1 order by issuer, subject",
        params![id],
        |row| Ok(Identity { issuer: row.next()?, subject: row.next()? }),
    )?)
}

fn with_identities(sql: Sql<'_>, account: Option<Account>) -> Result<Option<Account>> {
    account
        .map(|account| Ok(Account { identities: identities(sql, account.id)?, ..account }))
        .transpose()
}

/// One account, with its identities.
pub(crate) fn find(tx: &impl Tx, id: AccountId) -> Result<Option<Account>> {
    let sql = sql(tx);
    let found = sql.one(
        "select id, display_name, email, state, created_at, updated_at, version from accounts where id = ?1",
        params![id],
        account,
    )?;
    with_identities(sql, found)
}

/// Whose an identity is.
pub(crate) fn find_by_identity(tx: &impl Tx, identity: &Identity) -> Result<Option<AccountId>> {
    Ok(sql(tx).one(
        "select account_id from account_identities where issuer = ?1 and subject = ?2",
        params![&identity.issuer, &identity.subject],
        |row| row.next(),
    )?)
}

/// A page of accounts, by name.
pub(crate) fn page(
    tx: &impl Tx<Plane = PlatformPlane>,
    filter: &AccountFilter,
    page: &PageRequest,
) -> Result<Page<Account>> {
    let mut listing = Listing::new(
        "select id, display_name, email, state, created_at, updated_at, version from accounts where true",
    );
    listing.and_if("state = ?", filter.state);
    listing.and_prefix("display_name >= ?", "display_name < ?", filter.name_prefix.as_deref());
    match (&filter.issuer, &filter.subject) {
        // One identity has both, not two of them one each.
        (Some(issuer), Some(subject)) => listing.and_both(
            "id in (select account_id from account_identities where issuer = ? and subject = ?)",
            issuer.as_str(),
            subject.as_str(),
        ),
        (issuer, subject) => {
            listing.and_if(
                "id in (select account_id from account_identities where issuer = ?)",
                issuer.as_deref(),
            );
            listing.and_if(
                "id in (select account_id from account_identities where subject = ?)",
                subject.as_deref(),
            );
        }
    }
    let (text, params) =
        listing.page(("display_name", "id"), Direction::Ascending, page, Param::Text);
    let rows = sql(tx).all(&text, &params, account)?;
    let mut page = Page::cut(rows, page, |account| Position {
        key: account.display_name.to_string(),
        id: account.id.to_string(),
    });
    for account in &mut page.items {
        account.identities = identities(sql(tx), account.id)?;
    }
    Ok(page)
}

/// Adds an account with its identities.
pub(crate) fn insert<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: AccountId,
    name: &Name,
    email: Option<&Email>,
    identities: &[Identity],
) -> Result<Account> {
    sql(tx).execute(
        "insert into accounts (id, display_name, email, state, created_at, updated_at)
        values (?1, ?2, ?3, ?4, ?5, ?5)",
        params![id, name, email, AccountState::Active, tx.now()],
    )?;
    for identity in identities {
        sql(tx)
            .execute(
                "insert into account_identities (issuer, subject, account_id, created_at) values (?1, ?2, ?3, ?4)",
                params![&identity.issuer, &identity.subject, id, tx.now()],
            )
            .map_err(SqlError::unique(Conflict::IdentityTaken))?;
    }
    find(tx, id)?.ok_or_else(|| Error::Internal("an inserted account did not come back".to_owned()))
}

/// Changes an account, if it has the version expected.
pub(crate) fn update<A: RegistryAction>(
    tx: &WriteTx<'_, A>,
    id: AccountId,
    change: &ChangeAccount,
    version: i64,
) -> Result<Option<Account>> {
    let updated = sql(tx).one(
        "update accounts
        set display_name = coalesce(?2, display_name), email = case when ?3 then ?4 else email end, updated_at = ?5,
            version = version + 1
        where id = ?1 and version = ?6
        returning id, display_name, email, state, created_at, updated_at, version",
        params![
            id,
            change.display_name.as_ref(),
            change.email.is_some(),
            change.email.as_ref().and_then(Option::as_ref),
            tx.now(),
            version
        ],
        account,
    )?;
    with_identities(sql(tx), updated)
}

/// Puts an account into a state. Whether the state may follow is the caller's business, by [`AccountState::to`].
pub(crate) fn set_state<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    id: AccountId,
    state: AccountState,
) -> Result<Account> {
    let changed = sql(tx).one(
        "update accounts set state = ?2, updated_at = ?3, version = version + 1 where id = ?1
        returning id, display_name, email, state, created_at, updated_at, version",
        params![id, state, tx.now()],
        account,
    )?;
    with_identities(sql(tx), changed)?.ok_or(Error::NotFound)
}
