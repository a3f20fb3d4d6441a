//! The keys of a tenant's service accounts, as whoever comes with one is looked up; their statements are both planes'.

use std::sync::Arc;

use super::{TenantFile, TenantStore, TenantWork};
use crate::domain::{ApiKeyId, Call, Result, ServiceAccountId, SystemTask};
use crate::storage::api_keys::{self, KnownKey};
use crate::storage::engine::{Conn, Sql};
use crate::storage::{door, entry};

impl TenantFile {
    /// What of a key never changes. What is remembered may be of a key that is there no more: the door finds that out.
    fn api_key(&self, conn: &Conn, id: ApiKeyId) -> Result<Option<Arc<KnownKey>>> {
        let _session = conn.session(door::nobody(&self.core.name));
        let known = api_keys::known(Sql::on(conn), id)?.map(Arc::new);
        if let Some(known) = &known {
            self.keys.insert(id, known.clone());
        }
        Ok(known)
    }

    /// Writes down when keys were last used.
    pub(super) fn write_down_uses(self: &Arc<Self>) -> Result<()> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let (call, written) = (Call::system(SystemTask::NoteUses), uses.clone());
        let name = self.core.name.clone();
        let noted = door::write_for_system::<TenantWork, _, _>(
            self.clone(),
            call,
            self.id.into(),
            false,
            move |tx| api_keys::note_uses(door::sql(tx), &name, &written),
        );
        noted.and_then(entry::wait).inspect_err(|_| self.uses.put_back(uses))
    }
}

impl TenantStore {
    /// What of a key never changes, if there is one of this id.
    ///
    /// # Errors
    /// Storage failed.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<Arc<KnownKey>>> {
        if let Some(known) = self.file.keys.get(&id) {
            return Ok(Some(known));
        }
        entry::look_up(self.file.clone(), move |file, conn| file.api_key(conn, id)).await
    }

    /// Takes a key back, for whoever holds it; whose it was, if it was there.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn take_api_key(
        &self,
        call: &Call,
        id: ApiKeyId,
        emit: impl Fn(&mut crate::storage::WriteTx<'_, TenantWork>, ServiceAccountId) + Send + 'static,
    ) -> Result<()> {
        self.mark_dirty_blocking()?;
        let call = call.by_system(SystemTask::Revoke);
        entry::wait(door::write_for_system::<TenantWork, (), _>(
            self.door(),
            call,
            self.tenant().into(),
            false,
            move |tx| {
                if let Some(of) = api_keys::take(tx, id)? {
                    emit(tx, of);
                }
                Ok(())
            },
        )?)
    }
}
