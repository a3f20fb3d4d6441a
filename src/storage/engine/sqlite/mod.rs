//! SQLite: connections that keep their contract, row-level security, and statements.
//!
//! Nothing outside this folder knows rusqlite.

mod authorizer;
mod conn;
mod contract;
mod error;
mod functions;
mod header;
mod held;
mod maintenance;
mod migrations;
mod pool;
mod row_security;
mod sql;
#[cfg(test)]
mod tests;
mod value;

pub(in crate::storage) use conn::{Conn, FileIdentity, Role, Side};
pub use contract::{Contract, Setting};
pub(in crate::storage) use error::SqlError;
pub(in crate::storage) use functions::{Principals, Reach, Session, Writes};
pub(in crate::storage) use header::{APPLICATION_ID, HEADER_BYTES, Header, read_header};
pub(in crate::storage) use held::unless_held;
pub(in crate::storage) use maintenance::Maintenance;
pub(in crate::storage) use migrations::{Schema, version_of};
pub(in crate::storage) use pool::{Pool, PoolSettings};
pub(in crate::storage) use row_security::{resource_level, resource_sources, workspace_level};
pub(in crate::storage) use sql::{Row, Sql};
pub(in crate::storage) use value::{FromColumn, Param, Raw, params};

/// The oldest SQLite that may be used: older ones may corrupt a file when a checkpoint races a commit.
pub const OLDEST_SQLITE: i32 = 3_051_003;

/// The version of the SQLite that is linked in, as `3.53.2` and as a number.
#[must_use]
pub fn sqlite_version() -> (&'static str, i32) {
    (rusqlite::version(), rusqlite::version_number())
}
