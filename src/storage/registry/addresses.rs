//! Statements on what issuers say of accounts' e-mail addresses: columns of `account_identities`.
//!
//! An address identifies nobody. It is what invitations and mail domains are compared with, where its issuer says that
//! it is theirs, and speaks there.

use super::{Registry, RegistryFile, tenant_issuers};
use crate::domain::action::PlatformPlane;
use crate::domain::{
    AccountId, Action, Error, Identity, IdentityPart, KnownIdentity, Reach, Result, Said, TenantId,
};
use crate::storage::door::{WriteTx, sql};
use crate::storage::engine::{Row, Sql, SqlError, params};

/// An identity, before it is known for whom its issuer speaks.
fn identity(row: &mut Row<'_>) -> Result<KnownIdentity, SqlError> {
    Ok(KnownIdentity {
        identity: Identity { issuer: row.next()?, subject: row.next()? },
        email: row.next()?,
        email_verified: row.next()?,
        reach: Reach::Nobody,
    })
}

/// Writes down what an issuer says of whom it means, where it had said something else; says whose identity it is then.
pub(crate) fn set<A: Action<Plane = PlatformPlane>>(
    tx: &WriteTx<'_, A>,
    said: &Said,
) -> Result<Option<AccountId>> {
    Ok(sql(tx).one(
        "update account_identities set email = ?3, email_verified = ?4
        where issuer = ?1 and subject = ?2 and (coalesce(email, '') <> ?3 or email_verified <> ?4)
        returning account_id",
        params![&said.identity.issuer, &said.identity.subject, &said.email, said.email_verified],
        |row| row.next(),
    )?)
}

impl RegistryFile {
    /// For whom an issuer speaks: for everybody, where the installation trusts it; for the tenants that have it as an
    /// issuer of their own; else for nobody.
    fn reach(&self, sql: Sql<'_>, issuer: &IdentityPart) -> Result<Reach> {
        if self.settings.trusted_issuers.iter().any(|trusted| trusted == issuer.as_str()) {
            return Ok(Reach::Everybody);
        }
        let tenants = tenant_issuers::tenants_with(sql, issuer)?;
        Ok(if tenants.is_empty() { Reach::Nobody } else { Reach::Tenants(tenants) })
    }

    /// An account's identities now, with what their issuers say of the person.
    pub(in crate::storage) fn identities(&self, account: AccountId) -> Result<Vec<KnownIdentity>> {
        let conn = self.lookups.get()?;
        let sql = Sql::on(&conn);
        let found = sql.all(
            "select issuer, subject, email, email_verified from account_identities
            where account_id = ?1 order by issuer, subject",
            params![account],
            identity,
        )?;
        let reach = |known: KnownIdentity| {
            Ok(KnownIdentity { reach: self.reach(sql, &known.identity.issuer)?, ..known })
        };
        found.into_iter().map(reach).collect()
    }

    /// Whether an invitation into a tenant is for an account now that calls by what an issuer signed: by what another
    /// tenant's own issuer signed, nobody comes into this one.
    pub(in crate::storage) fn is_invitee(
        &self,
        account: AccountId,
        signed_by: &str,
        address: &str,
        tenant: TenantId,
    ) -> Result<bool> {
        let signed_by = IdentityPart::parse(signed_by).map_err(Error::Internal)?;
        let conn = self.lookups.get()?;
        if !self.reach(Sql::on(&conn), &signed_by)?.means_somebody_in(tenant) {
            return Ok(false);
        }
        drop(conn);
        Ok(self.identities(account)?.iter().any(|known| known.is_invitee(address, tenant)))
    }
}

impl Registry {
    /// An account's identities now, with what their issuers say of the person.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn identities(&self, account: AccountId) -> Result<Vec<KnownIdentity>> {
        self.file.identities(account)
    }
}
