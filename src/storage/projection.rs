//! The registry's projection of memberships, invitations and tenants' issuers: fed by each tenant's outbox, idempotent, rebuildable.
//!
//! Owner of each: the tenant's file. Step: events in its outbox, in order. Recovery: the registry knows which files were
//! written to since it last heard of them, and follows those outboxes again from where it stopped.

use std::sync::Arc;

use super::door::{self, nobody};
use super::engine::{Conn, Sql};
use super::registry::{
    Registry, RegistryFile, files, invitations, memberships, tenant_issuers, tenants,
};
use super::tenant::{self, members};
use super::{entry, outbox};
use crate::domain::{
    Call, Error, Invited, Issuer, IssuerRegistration, Membership, MembershipChange, Result,
    SystemTask, TenantId,
};

/// What the registry follows of a tenant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct Projected {
    /// Its memberships, by account.
    pub(in crate::storage) memberships: Vec<Membership>,
    /// Its invitations, by id.
    pub(in crate::storage) invitations: Vec<Invited>,
    /// Its issuers, by id.
    pub(in crate::storage) issuers: Vec<Issuer>,
}

/// Steps that are followed in one transaction of the registry.
const STRIDE: i64 = 2000;

/// Follows a tenant's outbox from where the projection stopped to its end.
pub(in crate::storage) fn follow(
    registry: &Arc<RegistryFile>,
    tenant: TenantId,
    conn: &Conn,
) -> Result<()> {
    let mut after = {
        let reader = registry.core_pool().get()?;
        let call = Call::system(SystemTask::Project);
        door::read_for_system::<super::registry::PlatformWork, _>(
            &**registry,
            &reader,
            &call,
            &|tx| files::outbox_seq(tx, tenant),
        )?
    };
    let _session = conn.session(nobody(&tenant.to_string().into()));
    loop {
        let changes: Arc<[MembershipChange]> =
            outbox::changes(Sql::on(conn), after, STRIDE)?.into();
        let Some(last) = changes.last() else { return Ok(()) };
        after = last.seq;
        // What is kept of whom tenants trust must be read anew.
        let moves = changes.iter().any(|change| change.issuer.is_some());
        entry::wait(registry.system(SystemTask::Project, moves, move |tx| {
            // Two may follow at once: what was followed meanwhile is not followed again.
            let followed = files::outbox_seq(tx, tenant)?;
            for change in changes.iter().filter(|change| change.seq > followed) {
                if let Some(membership) = &change.membership {
                    memberships::follow(tx, tenant, change.seq, membership)?;
                }
                if let Some(invited) = &change.invited {
                    invitations::follow(tx, tenant, change.seq, invited)?;
                }
                if let Some(renamed) = &change.renamed {
                    tenants::rename(tx, tenant, renamed)?;
                }
                if let Some(issuer) = &change.issuer {
                    tenant_issuers::follow(tx, tenant, change.seq, issuer)?;
                }
            }
            files::set_outbox_seq(tx, tenant, after)
        })?)?;
    }
}

impl Registry {
    /// The tenants whose outboxes may hold what the projection has not followed.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn unfollowed(&self) -> Result<Vec<TenantId>> {
        let files = self.look(SystemTask::Project, |tx| files::all(tx))?;
        Ok(files.into_iter().filter(|file| file.dirty).map(|file| file.tenant).collect())
    }

    /// What the projection knows of a tenant, and how far it has followed the outbox.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn projected(&self, tenant: TenantId) -> Result<(Projected, i64)> {
        self.look(SystemTask::Examine, |tx| {
            let memberships = memberships::of_tenant(tx, tenant)?;
            let invitations = invitations::of_tenant(tx, tenant)?;
            let issuers = tenant_issuers::of_tenant(tx, tenant)?;
            Ok((Projected { memberships, invitations, issuers }, files::outbox_seq(tx, tenant)?))
        })
    }

    /// Makes the projection of a tenant anew, from the tenant's own file.
    ///
    /// # Errors
    /// Storage failed.
    pub(in crate::storage) fn reproject(
        &self,
        tenant: TenantId,
        truth: Projected,
        seq: i64,
    ) -> Result<()> {
        entry::wait(self.file.system(SystemTask::Project, true, move |tx| {
            // The file went on while it was read: the projection is newer than what would be put in its place.
            if files::outbox_seq(tx, tenant)? > seq {
                return Err(Error::Busy { retry_after_s: 1 });
            }
            memberships::clear(tx, tenant)?;
            invitations::clear(tx, tenant)?;
            tenant_issuers::clear(tx, tenant)?;
            for membership in &truth.memberships {
                memberships::follow(tx, tenant, seq, membership)?;
            }
            for invited in &truth.invitations {
                invitations::follow(tx, tenant, seq, invited)?;
            }
            for issuer in &truth.issuers {
                let registration = IssuerRegistration { issuer: issuer.clone(), deleted: false };
                tenant_issuers::follow(tx, tenant, seq, &registration)?;
            }
            files::set_outbox_seq(tx, tenant, seq)
        })?)
    }
}

/// Everything that is followed of a tenant, by its own file, and the end of its outbox.
pub(in crate::storage) fn truth(conn: &Conn, tenant: TenantId) -> Result<(Projected, i64)> {
    let _session = conn.session(nobody(&tenant.to_string().into()));
    conn.begin()?;
    let read = || {
        let sql = Sql::on(conn);
        let memberships = members::every(sql)?;
        let invitations = tenant::invitations::every(sql)?;
        let issuers = tenant::issuers::every(sql)?;
        Ok((Projected { memberships, invitations, issuers }, outbox::end(sql)?))
    };
    let truth = read();
    conn.rollback();
    truth
}
