//! Statements on `applications` and `application_versions`.

use crate::domain::{ApplicationName, Result};
use crate::storage::engine::{Sql, params};

/// Whether an application is registered.
pub(super) fn is_there(sql: Sql<'_>, name: &ApplicationName) -> Result<bool> {
    let found: Option<i64> =
        sql.one("select 1 from applications where name = ?1", params![name], |row| row.next())?;
    Ok(found.is_some())
}
