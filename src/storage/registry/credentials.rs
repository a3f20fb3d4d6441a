//! Whether what a caller came with is still good: nobody has taken it back since it was issued.

use super::{RegistryFile, sessions};
use crate::domain::{Caller, Result, SessionId};
use crate::storage::engine::Sql;

impl RegistryFile {
    /// Whether a credential is still good, by what the registry says now.
    pub(in crate::storage) fn is_live(&self, caller: &Caller) -> Result<bool> {
        let Some(session) = caller.credential.session else { return Ok(true) };
        let entry = self.session(session)?;
        Ok(self.is_session_live(session, caller, entry))
    }

    /// What the registry knows of a session now.
    fn session(&self, id: SessionId) -> Result<Option<sessions::Entry>> {
        let epoch = self.gate.epoch();
        if let Some((kept, entry)) = self.sessions.get(&id)
            && kept == epoch
        {
            return Ok(entry);
        }
        let conn = self.lookups.get()?;
        let entry = sessions::entry(Sql::on(&conn), id)?;
        self.sessions.insert(id, (epoch, entry));
        Ok(entry)
    }

    /// Whether a session is the caller's and still good; if so, it is in use.
    fn is_session_live(
        &self,
        id: SessionId,
        caller: &Caller,
        entry: Option<sessions::Entry>,
    ) -> bool {
        entry.is_some_and(|entry| {
            caller.subject.account() == Some(entry.account)
                && self.touches.touch(id, &entry, self.core.clock.now())
        })
    }
}

/// Whether a credential is still good, in a transaction of the registry.
pub(super) fn is_live(file: &RegistryFile, sql: Sql<'_>, caller: &Caller) -> Result<bool> {
    let Some(session) = caller.credential.session else { return Ok(true) };
    let entry = sessions::entry(sql, session)?;
    Ok(file.is_session_live(session, caller, entry))
}
