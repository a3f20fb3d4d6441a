//! The registry's projection of memberships: fed by each tenant's outbox, idempotent, rebuildable.
//!
//! Owner of a membership: the tenant's file. Step: events in its outbox, in order. Recovery: the registry knows which
//! files were written to since it last heard of them, and follows those outboxes again from where it stopped.

use std::sync::Arc;

use super::door::{self, nobody};
use super::engine::{Conn, Sql};
use super::registry::{Registry, RegistryFile, files, memberships, tenants};
use super::tenant::members;
use super::{entry, outbox};
use crate::domain::{Call, Error, Membership, MembershipChange, Result, SystemTask, TenantId};

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
        entry::wait(registry.system(SystemTask::Project, false, move |tx| {
            // Two may follow at once: what was followed meanwhile is not followed again.
            let followed = files::outbox_seq(tx, tenant)?;
            for change in changes.iter().filter(|change| change.seq > followed) {
                if let Some(membership) = &change.membership {
                    memberships::follow(tx, tenant, change.seq, membership)?;
                }
                if let Some(renamed) = &change.renamed {
                    tenants::rename(tx, tenant, renamed)?;
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

    /// What the projection knows of a tenant's memberships, and how far it has followed the outbox.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn projected(&self, tenant: TenantId) -> Result<(Vec<Membership>, i64)> {
        self.look(SystemTask::Examine, |tx| {
            Ok((memberships::of_tenant(tx, tenant)?, files::outbox_seq(tx, tenant)?))
        })
    }

    /// Makes the projection of a tenant's memberships anew, from the tenant's own file.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn reproject(
        &self,
        tenant: TenantId,
        memberships: Vec<Membership>,
        seq: i64,
    ) -> Result<()> {
        entry::wait(self.file.system(SystemTask::Project, true, move |tx| {
            // The file went on while it was read: the projection is newer than what would be put in its place.
            if files::outbox_seq(tx, tenant)? > seq {
                return Err(Error::Busy { retry_after_s: 1 });
            }
            memberships::clear(tx, tenant)?;
            memberships
                .iter()
                .try_for_each(|membership| memberships::follow(tx, tenant, seq, membership))?;
            files::set_outbox_seq(tx, tenant, seq)
        })?)
    }
}

/// Every membership that a tenant's own file has, and the end of its outbox.
pub(in crate::storage) fn truth(conn: &Conn, tenant: TenantId) -> Result<(Vec<Membership>, i64)> {
    let _session = conn.session(nobody(&tenant.to_string().into()));
    conn.begin()?;
    let read = || Ok((members::every(Sql::on(conn))?, outbox::end(Sql::on(conn))?));
    let truth = read();
    conn.rollback();
    truth
}
