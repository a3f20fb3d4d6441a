//! The keys of the platform's service accounts, as whoever comes with one is looked up; their statements are both planes'.

use std::sync::Arc;

use super::{Registry, RegistryFile};
use crate::domain::{
    AccountState, ApiKeyId, Call, OperatorRole, Result, Revocable, ServiceAccountId, SystemTask,
    Timestamp,
};
use crate::storage::api_keys::{self, KnownKey};
use crate::storage::engine::{Sql, SqlError, params};
use crate::storage::{door, entry};

/// What the registry knows of one of the platform's service accounts, by one of its keys.
#[derive(Debug, Clone, Copy)]
pub(in crate::storage) struct ServiceEntry {
    /// Its state.
    pub(in crate::storage) state: AccountState,
    /// What it may do by the key; nothing where whoever made the key is no operator any more.
    pub(in crate::storage) operator: Option<OperatorRole>,
    expires_at: Timestamp,
}

impl ServiceEntry {
    /// Whether the key is valid for what a credential stands for.
    pub(in crate::storage) fn is_live(&self, credential: &Revocable, now: Timestamp) -> bool {
        (credential.outlives || now < self.expires_at) && self.operator.is_some()
    }
}

impl RegistryFile {
    /// What the registry knows of a service account of the platform now, by one of its keys.
    pub(in crate::storage) fn service(
        &self,
        id: ServiceAccountId,
        key: ApiKeyId,
    ) -> Result<Option<ServiceEntry>> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.services.get(&(id, key))
            && kept == epoch
        {
            return Ok(entry);
        }
        let conn = self.lookups.get()?;
        let entry = read_service(Sql::on(&conn), id, key)?;
        self.services.insert((id, key), (epoch, entry));
        Ok(entry)
    }

    /// Writes down when keys were last used.
    pub(super) fn write_down_uses(self: &Arc<Self>) -> Result<()> {
        let uses = self.uses.take();
        if uses.is_empty() {
            return Ok(());
        }
        let written = uses.clone();
        let noted = self.system(SystemTask::NoteUses, false, move |tx| {
            api_keys::note_uses(door::sql(tx), "platform", &written)
        });
        noted.and_then(entry::wait).inspect_err(|_| self.uses.put_back(uses))
    }
}

/// The key that was made last, by which a service account is asked after that is not here: of those that have not expired,
/// or, for work that outlives its key, of all if every one has expired.
pub(super) fn newest(
    sql: Sql<'_>,
    id: ServiceAccountId,
    now: Timestamp,
    outlives: bool,
) -> Result<Option<ApiKeyId>, SqlError> {
    sql.one(
        "select id from api_keys where service_account_id = ?1 and (expires_at > ?2 or ?3)
        order by expires_at > ?2 desc, id desc limit 1",
        params![id, now, outlives],
        |row| row.next(),
    )
}

/// The same, in a transaction.
pub(super) fn read_service(
    sql: Sql<'_>,
    id: ServiceAccountId,
    key: ApiKeyId,
) -> Result<Option<ServiceEntry>> {
    Ok(sql.one(
        "select s.role, s.state, k.created_by is null, k.expires_at, a.state, o.role
        from service_accounts s join api_keys k on k.service_account_id = s.id
        left join accounts a on a.id = k.created_by
        left join operators o on o.account_id = k.created_by
        where s.id = ?1 and k.id = ?2",
        params![id, key],
        |row| {
            let (role, state): (OperatorRole, _) = (row.next()?, row.next()?);
            let (is_hosts, expires_at) = (row.next::<bool>()?, row.next()?);
            let account: Option<AccountState> = row.next()?;
            let creator: Option<OperatorRole> = row.next()?;
            let creator = creator.filter(|_| account == Some(AccountState::Active));
            let operator =
                if is_hosts { Some(role) } else { creator.and_then(|it| role.within(it)) };
            Ok(ServiceEntry { state, operator, expires_at })
        },
    )?)
}

impl Registry {
    /// What of a platform's key never changes, if there is one of this id.
    ///
    /// # Errors
    /// Storage failed.
    pub fn api_key(&self, id: ApiKeyId) -> Result<Option<Arc<KnownKey>>> {
        if let Some(known) = self.file.keys.get(&id) {
            return Ok(Some(known));
        }
        let conn = self.file.lookups.get()?;
        let known = api_keys::known(Sql::on(&conn), id)?.map(Arc::new);
        if let Some(known) = &known {
            self.file.keys.insert(id, known.clone());
        }
        Ok(known)
    }

    /// Takes a key back, for whoever holds it.
    ///
    /// # Errors
    /// Storage failed.
    pub(crate) fn take_api_key(
        &self,
        call: &Call,
        id: ApiKeyId,
        emit: impl Fn(&mut crate::storage::WriteTx<'_, super::PlatformWork>, ServiceAccountId)
        + Send
        + 'static,
    ) -> Result<()> {
        self.system_for(call, SystemTask::Revoke, move |tx| {
            if let Some(of) = api_keys::take(tx, id)? {
                emit(tx, of);
            }
            Ok(())
        })
    }
}
