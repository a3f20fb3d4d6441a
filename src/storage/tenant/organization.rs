//! Statements on `organizations`: the file's one row, which is the tenant's own entry.

use crate::domain::action::TenantPlane;
use crate::domain::{
    Action, ChangeTenant, Description, Error, Name, Result, TenantKind, TenantRenamed, Timestamp,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, SqlError, params};

/// What the file knows of its tenant.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    pub(crate) name: Name,
    pub(crate) description: Description,
    pub(crate) kind: TenantKind,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    pub(crate) version: i64,
}

fn organization(row: &mut Row<'_>) -> Result<Organization, SqlError> {
    Ok(Organization {
        name: row.next()?,
        description: row.next()?,
        kind: row.next()?,
        created_at: row.next()?,
        updated_at: row.next()?,
        version: row.next()?,
    })
}

/// The tenant's own entry.
pub(crate) fn find(tx: &impl Tx<Plane = TenantPlane>) -> Result<Organization> {
    let found = sql(tx).one(
        "select name, description, kind, created_at, updated_at, version from organizations",
        &[],
        organization,
    )?;
    found.ok_or_else(|| Error::Storage("the file has no organization".to_owned()))
}

/// Changes the entry, if it has the version expected.
pub(crate) fn update<A: Action<Plane = TenantPlane>>(
    tx: &WriteTx<'_, A>,
    change: &ChangeTenant,
    version: i64,
) -> Result<Option<Organization>> {
    Ok(sql(tx).one(
        "update organizations
        set name = coalesce(?1, name), description = coalesce(?2, description), updated_at = ?3, version = version + 1
        where version = ?4
        returning name, description, kind, created_at, updated_at, version",
        params![change.name.as_ref(), change.description.as_ref(), tx.now(), version],
        organization,
    )?)
}

impl Organization {
    /// What the registry must know of it.
    pub(crate) fn renamed(&self) -> TenantRenamed {
        TenantRenamed { name: self.name.clone(), description: self.description.clone() }
    }
}
