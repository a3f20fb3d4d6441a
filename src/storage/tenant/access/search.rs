//! What a search looks through: members, resources, and the tenant's other nouns, each in the order of its ids.

use std::collections::HashMap;

use super::application::{Asking, Row, evaluate_with};
use crate::domain::action::TenantPlane;
use crate::domain::{
    AccountId, Action, Attributes, Direction, IdentityPart, Page, PageRequest, Permission,
    Position, ResourceId, ResourceTypeName, Result, ServiceAccountId, TargetFacts,
};
use crate::storage::door::{Asked, ReadTx, Ruling, seek_many, sql};
use crate::storage::engine::{Listing, Param, params};
use crate::storage::tenant::resources::guess_reach;

/// Bytes of a resource that was found, as the answer names it, at most: its id, its type, and their names.
const FOUND_BYTES: usize = 320;

/// Active members in the order of their ids, from one on; each with what an issuer calls them, if it is asked for one.
pub(crate) fn members<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    issuer: Option<&IdentityPart>,
    from: &str,
    count: u32,
) -> Result<Vec<(AccountId, Vec<String>)>> {
    let accounts: Vec<AccountId> = sql(tx).all(
        "select account_id from org_members where account_id >= ?1 and state = 'active'
        order by account_id limit ?2",
        params![from, count],
        |row| row.next(),
    )?;
    let mut known: HashMap<AccountId, Vec<String>> = HashMap::new();
    if let Some(issuer) = issuer {
        for (account, subject) in tx.subjects_of(issuer, &accounts)? {
            known.entry(account).or_default().push(subject);
        }
    }
    Ok(accounts.into_iter().map(|id| (id, known.remove(&id).unwrap_or_default())).collect())
}

/// Service accounts in the order of their ids, behind one of them.
pub(crate) fn service_accounts<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    after: &str,
    count: u32,
) -> Result<Vec<ServiceAccountId>> {
    Ok(sql(tx).all(
        "select id from service_accounts where id > ?1 order by id limit ?2",
        params![after, count],
        |row| row.next(),
    )?)
}

/// The ids of a noun's things that somebody would find, in order, behind one of them.
pub(crate) fn nouns<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    noun: &str,
    after: &str,
    count: u32,
) -> Result<Vec<String>> {
    let statement = match noun {
        "tenant" => "select id from organizations where id > ?1 order by id limit ?2",
        "member" => {
            "select account_id from org_members where account_id > ?1 order by account_id limit ?2"
        }
        "team" => "select id from teams where id > ?1 order by id limit ?2",
        "workspace" => "select id from workspaces where id > ?1 order by id limit ?2",
        "resource_type" => "select name from resource_types where name > ?1 order by name limit ?2",
        "role" => "select id from roles where id > ?1 order by id limit ?2",
        "service_account" => "select id from service_accounts where id > ?1 order by id limit ?2",
        _ => return Ok(Vec::new()),
    };
    tx.seen_by(asked, |sql| Ok(sql.all(statement, params![after, count], |row| row.next())?))
}

/// A page of the resources of a type to which somebody may do one of the actions on resources: decided once for each
/// level of the row rule, and listed as the list does.
pub(crate) fn permitted<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    action: &'static str,
    kind: &ResourceTypeName,
    page: &PageRequest,
) -> Result<Page<ResourceId>> {
    let may = |level| {
        let permission = Permission::of_level(level);
        tx.decide(asked, action, TargetFacts::Resource { permission }).decision
    };
    let levels: Vec<i64> = (1..=3).filter(|level| may(*level)).collect();
    if levels.is_empty() {
        return Ok(Page { items: Vec::new(), next_cursor: None, next: None });
    }
    let levels = (levels.len() < 3).then(|| serde_json::to_string(&levels).unwrap_or_default());
    let mut listing = Listing::new("select id from resources where true");
    listing.and("tenant_id = current_tenant() and type = ?", kind);
    // What is delivered although the row rule gives nothing may be read.
    listing.and_if("max(level, 1) in (select value from json_each(?))", levels.map(Param::Owned));
    let (text, params) = listing.page_by_id("id", Direction::Ascending, page);
    let rows: Vec<ResourceId> = tx.seen_by(asked, |sql| {
        guess_reach(tx)?;
        seek_many(tx);
        Ok(sql.all(&text, &params, |row| row.next())?)
    })?;
    let position = |id: &ResourceId| Position { key: String::new(), id: id.to_string() };
    Ok(Page::cut_by_weight(rows, page, |_| FOUND_BYTES, position))
}

/// A resource that may be what is looked for.
pub(crate) struct Candidate {
    /// Its id.
    pub(crate) id: ResourceId,
    /// Its name.
    pub(crate) name: String,
    attributes: Attributes,
    /// What the row rule gives whoever is asked about.
    level: i64,
}

/// The resources of a type, in the order of their ids, behind one of them.
pub(crate) fn candidates<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    kind: &str,
    after: &str,
    count: u32,
) -> Result<Vec<Candidate>> {
    let mut found: Vec<Candidate> = tx.seen_whole(|sql| {
        Ok(sql.all(
            "select id, name, attributes from resources
            where tenant_id = current_tenant() and type = ?1 and id > ?2
            order by id limit ?3",
            params![kind, after, count],
            |row| {
                let (id, name, attributes) = (row.next()?, row.next()?, row.next()?);
                Ok(Candidate { id, name, attributes, level: 0 })
            },
        )?)
    })?;
    let ids: Vec<ResourceId> = found.iter().map(|one| one.id).collect();
    let ids = serde_json::to_string(&ids).unwrap_or_default();
    let levels: HashMap<ResourceId, i64> = tx.seen_by(asked, |sql| {
        let rows = sql.all(
            "select id, max(level, 1) from resources where id in (select value from json_each(?1))",
            params![ids],
            |row| Ok((row.next()?, row.next()?)),
        )?;
        Ok(rows.into_iter().collect())
    })?;
    for one in &mut found {
        one.level = levels.get(&one.id).copied().unwrap_or(0);
    }
    Ok(found)
}

/// What an application's policies say of a candidate.
pub(crate) fn evaluate_row<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    asked: &Asked,
    asking: Asking<'_>,
    key: &str,
    candidate: &Candidate,
) -> Result<Ruling> {
    let row = Row { level: candidate.level, attributes: &candidate.attributes };
    evaluate_with(tx, asked, asking, key, Some(&row))
}

/// Whether no other resource of its type has a name.
pub(crate) fn is_the_only_one<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    kind: &str,
    name: &str,
) -> Result<bool> {
    let count: Option<i64> = tx.seen_whole(|sql| {
        Ok(sql.one(
            "select count(*) from (select 1 from resources where name = ?1 and type = ?2 limit 2)",
            params![name, kind],
            |row| row.next(),
        )?)
    })?;
    Ok(count == Some(1))
}
