//! Statements on `tenant_issuers`: the registry's projection of every tenant's `issuers`.
//!
//! It says whose tokens are looked at for which tenant. It may lag behind the tenant's file, which decides by itself
//! whether an issuer may still speak.

use std::sync::Arc;

use super::{Registry, RegistryFile};
use crate::domain::action::PlatformPlane;
use crate::domain::{
    Action, IdentityPart, Issuer, IssuerRegistration, IssuerState, Result, TenantId, TenantIssuer,
};
use crate::storage::door::{Tx, WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};

/// What is known of issuers by tenant and address, each with the epoch that it was read in.
pub(super) type Kept = moka::sync::Cache<(TenantId, Arc<str>), (u64, Option<Arc<TenantIssuer>>)>;

fn issuer(row: &mut Row<'_>) -> Result<Issuer, SqlError> {
    let text: String = row.next()?;
    serde_json::from_str(&text).map_err(|error| SqlError::corrupt(0, &error.to_string()))
}

/// Follows one step of a tenant's outbox.
pub(crate) fn follow<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
    seq: i64,
    IssuerRegistration { issuer, deleted }: &IssuerRegistration,
) -> Result<()> {
    sql(tx).execute(
        "delete from tenant_issuers where tenant_id = ?1 and issuer_id = ?2",
        params![tenant, issuer.id],
    )?;
    if *deleted {
        return Ok(());
    }
    let text = serde_json::to_string(issuer)
        .map_err(|error| crate::domain::Error::Internal(error.to_string()))?;
    sql(tx).execute(
        "insert into tenant_issuers (tenant_id, issuer_id, url, issuer, outbox_seq) values (?1, ?2, ?3, ?4, ?5)",
        params![tenant, issuer.id, &issuer.url, text, seq],
    )?;
    Ok(())
}

/// Forgets what is known of a tenant's issuers, so that they can be read anew.
pub(crate) fn clear<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    tenant: TenantId,
) -> Result<()> {
    sql(tx).execute("delete from tenant_issuers where tenant_id = ?1", params![tenant])?;
    Ok(())
}

/// What is known of a tenant's issuers, by id.
pub(crate) fn of_tenant(
    tx: &impl Tx<Plane = PlatformPlane>,
    tenant: TenantId,
) -> Result<Vec<Issuer>> {
    Ok(sql(tx).all(
        "select issuer from tenant_issuers where tenant_id = ?1 order by issuer_id",
        params![tenant],
        issuer,
    )?)
}

/// The tenants that have an issuer of this address, whatever its state.
pub(super) fn tenants_with(sql: Sql<'_>, url: &IdentityPart) -> Result<Vec<TenantId>> {
    Ok(sql.all(
        "select tenant_id from tenant_issuers where url = ?1 order by tenant_id",
        params![url],
        |row| row.next(),
    )?)
}

impl RegistryFile {
    /// Every tenant's issuer of this address, whatever its state.
    fn issuers_at(&self, url: &IdentityPart) -> Result<Vec<TenantIssuer>> {
        let conn = self.lookups.get()?;
        Ok(Sql::on(&conn).all(
            "select tenant_id, issuer from tenant_issuers where url = ?1 order by tenant_id",
            params![url],
            |row| Ok(TenantIssuer { tenant: row.next()?, issuer: issuer(row)? }),
        )?)
    }

    /// The issuer of this address that a tenant trusts now.
    fn issuer_of(&self, tenant: TenantId, url: &IdentityPart) -> Result<Option<Arc<TenantIssuer>>> {
        let epoch = self.gate.epoch();
        let key = (tenant, url.as_str().into());
        if let Some((kept, issuer)) = self.issuers.get(&key)
            && kept == epoch
        {
            return Ok(issuer);
        }
        let conn = self.lookups.get()?;
        let found = Sql::on(&conn).one(
            "select issuer from tenant_issuers where tenant_id = ?1 and url = ?2",
            params![tenant, url],
            issuer,
        )?;
        let active = found.filter(|issuer| issuer.state == IssuerState::Active);
        let issuer = active.map(|issuer| Arc::new(TenantIssuer { tenant, issuer }));
        self.issuers.insert(key, (epoch, issuer.clone()));
        Ok(issuer)
    }
}

impl Registry {
    /// Every tenant's issuer of this address, whatever its state: what it signed can become valid again.
    ///
    /// # Errors
    /// Storage failed.
    pub fn issuers_at(&self, url: &IdentityPart) -> Result<Vec<TenantIssuer>> {
        self.file.issuers_at(url)
    }

    /// The issuer of this address that a tenant trusts now, if it does.
    ///
    /// # Errors
    /// Storage failed.
    pub fn issuer_of(
        &self,
        tenant: TenantId,
        url: &IdentityPart,
    ) -> Result<Option<Arc<TenantIssuer>>> {
        self.file.issuer_of(tenant, url)
    }
}
