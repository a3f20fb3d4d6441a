//! Statements on `resources`.
//!
//! Reading ones go through the policy view and by nothing else: what comes back is what the caller may read. Changing
//! ones stand behind the door's decision on that very resource.

use std::sync::Arc;

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, Attributes, ChangeResource, Direction, Error, Name, Page, PageRequest, Permission,
    Position, PrincipalId, Resource, ResourceFilter, ResourceId, ResourceSort, ResourceTypeName,
    Result, Visibility, WorkspaceId,
};
use crate::storage::door::{ReadTx, Tx, WriteTx, seek_many, sql};
use crate::storage::engine::{Listing, Param, Reach, Row, Session, SqlError, params};

fn resource(row: &mut Row<'_>) -> Result<Resource, SqlError> {
    Ok(Resource {
        id: row.next()?,
        kind: row.next()?,
        workspace_id: row.next()?,
        name: row.next()?,
        visibility: row.next()?,
        attributes: row.next()?,
        owner_id: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
        permission: Permission::of_level(row.next()?).unwrap_or(Permission::Read),
    })
}

/// A resource as the policy view returns it.
struct Seen {
    resource: Resource,
    /// The row rule gives the caller nothing here; mode `shadow` returns it all the same.
    is_hidden: bool,
}

fn seen(row: &mut Row<'_>) -> Result<Seen, SqlError> {
    Ok(Seen { resource: resource(row)?, is_hidden: row.next()? })
}

impl Seen {
    /// The resource, to be delivered.
    fn deliver<A: Action<Plane = TenantPlane>>(self, tx: &ReadTx<'_, A>) -> Resource {
        if self.is_hidden {
            tx.withheld(&self.resource);
        }
        self.resource
    }
}

/// One resource, if the caller may read it.
pub(crate) fn find<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    id: ResourceId,
) -> Result<Option<Resource>> {
    let found = sql(tx).one(
        "select id, type, workspace_id, name, visibility, attributes, owner_id, created_at, updated_at, version, level,
            level = 0 and row_security_mode() = 'shadow'
        from resources where id = ?1",
        params![id],
        seen,
    )?;
    Ok(found.map(|seen| seen.deliver(tx)))
}

/// A page of the resources that the caller may read.
pub(crate) fn page<A: Action<Plane = TenantPlane>>(
    tx: &ReadTx<'_, A>,
    filter: &ResourceFilter,
    page: &PageRequest,
) -> Result<Page<Resource>> {
    let sort = filter.sort.unwrap_or(ResourceSort::Created);
    let (text, params) = listing(filter, sort, page);
    guess_reach(tx)?;
    seek_many(tx);
    let rows = sql(tx).all(&text, &params, seen)?;
    let weight = |seen: &Seen| ENVELOPE_BYTES + seen.resource.attributes.as_str().len();
    let page = Page::cut_by_weight(rows, page, weight, |seen| position(&seen.resource, sort));
    Ok(page.map(|seen| seen.deliver(tx)))
}

fn position(resource: &Resource, sort: ResourceSort) -> Position {
    let key = match sort {
        ResourceSort::Created | ResourceSort::CreatedDescending => String::new(),
        ResourceSort::Name | ResourceSort::NameDescending => resource.name.to_string(),
        ResourceSort::Updated | ResourceSort::UpdatedDescending => {
            resource.updated_at.0.to_string()
        }
    };
    Position { key, id: resource.id.to_string() }
}

/// Bytes that a resource weighs without its attributes.
const ENVELOPE_BYTES: usize = 512;

/// Rows that somebody sees at most, for looking them up to beat looking through all.
const FEW: i64 = 500;
/// Steps that finding out may take; who makes it take more sees many.
const GUESS_STEPS: u32 = 20_000;

/// Guesses from time to time what the caller sees, so that the policy view can choose its shape.
pub(super) fn guess_reach(tx: &impl Tx<Plane = TenantPlane>) -> Result<()> {
    let conn = sql(tx).conn();
    let Some(session) = conn.current_session().filter(|session| session.levels.resources == 0)
    else {
        return Ok(());
    };
    if !session.reach.is_due() {
        return Ok(());
    }
    let reach = session.reach.clone();
    let looking_up = Arc::new(Reach::default());
    looking_up.guess(true);
    let _session = conn.session(Session { reach: looking_up, seeks_many: true, ..session });
    let _limit = conn.limit_steps(GUESS_STEPS);
    let counted: Result<Option<i64>, SqlError> = sql(tx).one(
        "select count(*) from (select 1 from resources limit ?1)",
        params![FEW + 1],
        |row| row.next(),
    );
    match counted {
        Ok(count) => reach.guess(count.unwrap_or(0) <= FEW),
        Err(error) if error.is_interrupted() => reach.guess(false),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

fn listing<'a>(
    filter: &'a ResourceFilter,
    sort: ResourceSort,
    page: &'a PageRequest,
) -> (String, Vec<Param<'a>>) {
    let mut listing = Listing::new(
        "select id, type, workspace_id, name, visibility, attributes, owner_id, created_at, updated_at, version, level,
            level = 0 and row_security_mode() = 'shadow'
        from resources where true",
    );
    // With the tenant, the first column of an index whose order is of use; without, none of them tempts.
    listing.and_if("tenant_id = current_tenant() and type = ?", filter.kind.as_ref());
    match sort {
        ResourceSort::Updated | ResourceSort::UpdatedDescending => {
            listing
                .and_if("tenant_id = current_tenant() and workspace_id = ?", filter.workspace_id);
        }
        _ => listing.and_if("workspace_id = ?", filter.workspace_id),
    }
    listing.and_if("owner_id = ?", filter.owner_id);
    listing.and_if("updated_at >= ?", filter.updated_since);
    listing.and_prefix("name >= ?", "name < ?", filter.name_prefix.as_deref());
    let direction: Direction = sort.direction();
    match sort {
        ResourceSort::Created | ResourceSort::CreatedDescending => {
            listing.page_by_id("id", direction, page)
        }
        ResourceSort::Name | ResourceSort::NameDescending => {
            listing.page(("name", "id"), direction, page, Param::Text)
        }
        ResourceSort::Updated | ResourceSort::UpdatedDescending => {
            listing.page(("updated_at", "id"), direction, page, |key| {
                Param::Int(key.parse().unwrap_or(0))
            })
        }
    }
}

/// A resource, before it is there.
#[derive(Debug)]
pub(crate) struct Insert<'a> {
    pub(crate) id: ResourceId,
    pub(crate) kind: &'a ResourceTypeName,
    pub(crate) workspace: WorkspaceId,
    pub(crate) name: &'a Name,
    pub(crate) visibility: Visibility,
    pub(crate) attributes: &'a str,
    pub(crate) owner: Option<PrincipalId>,
}

/// Adds a resource. What its maker may do to it comes back as `admin`.
pub(crate) fn insert<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    new: &Insert<'_>,
) -> Result<Resource> {
    let unknown_type = || Error::invalid("/type", "no resource type has this name here");
    let added = sql(tx)
        .one(
            "insert into resources (id, tenant_id, type, workspace_id, name, visibility, attributes, owner_id,
                created_at, updated_at)
            values (?1, current_tenant(), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8)
            returning id, type, workspace_id, name, visibility, attributes, owner_id, created_at, updated_at, version,
                3",
            params![
                new.id,
                new.kind,
                new.workspace,
                new.name,
                new.visibility,
                new.attributes,
                new.owner,
                tx.now()
            ],
            resource,
        )
        .map_err(SqlError::reference(unknown_type()))?;
    added.ok_or_else(|| Error::Internal("an inserted resource did not come back".to_owned()))
}

/// Changes a resource, if it has the version expected. The permission that the door found comes back with it.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: ResourceId,
    change: &ChangeResource,
    permission: Permission,
    version: i64,
) -> Result<Option<Resource>> {
    Ok(sql(tx).one(
        "update resources
        set name = coalesce(?2, name), visibility = coalesce(?3, visibility), attributes = coalesce(?4, attributes),
            updated_at = ?5, version = version + 1
        where id = ?1 and version = ?6
        returning id, type, workspace_id, name, visibility, attributes, owner_id, created_at, updated_at, version, ?7",
        params![
            id,
            change.name.as_ref(),
            change.visibility,
            change.attributes.as_ref().map(Attributes::as_str),
            tx.now(),
            version,
            permission.level()
        ],
        resource,
    )?)
}

/// Deletes a resource, if it has the version expected; with it go its access-control entries.
pub(crate) fn delete<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    id: ResourceId,
    version: i64,
) -> Result<Option<WorkspaceId>> {
    Ok(sql(tx).one(
        "delete from resources where id = ?1 and version = ?2 returning workspace_id",
        params![id, version],
        |row| row.next(),
    )?)
}

/// The resource that an entry of an import file became, if it is still there.
pub(crate) fn imported(tx: &impl Tx<Plane = TenantPlane>, key: &str) -> Result<Option<ResourceId>> {
    Ok(sql(tx).one("select resource_id from import_keys where key = ?1", params![key], |row| {
        row.next()
    })?)
}

/// Remembers which resource an entry of an import file became.
pub(crate) fn remember_import<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    key: &str,
    id: ResourceId,
) -> Result<()> {
    sql(tx).execute(
        "insert into import_keys (key, tenant_id, resource_id) values (?1, current_tenant(), ?2)",
        params![key, id],
    )?;
    Ok(())
}
