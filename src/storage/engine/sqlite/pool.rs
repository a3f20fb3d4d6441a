//! Pools of reading connections, all of them kept by one shared housekeeping pool.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use r2d2::ManageConnection;
use r2d2_sqlite::SqliteConnectionManager;
use scheduled_thread_pool::ScheduledThreadPool;

use super::SqlError;
use super::conn::{Conn, Role, Side};
use crate::domain::{Error, Result};

/// How a pool is kept.
#[derive(Clone)]
pub(in crate::storage) struct PoolSettings {
    /// Connections at most.
    pub(in crate::storage) max_size: u32,
    /// How long a connection that nobody uses is kept.
    pub(in crate::storage) idle_timeout: Duration,
    /// How long somebody waits for a connection.
    pub(in crate::storage) timeout: Duration,
    /// The threads that keep every pool.
    pub(in crate::storage) housekeeping: Arc<ScheduledThreadPool>,
}

/// A pool of readers of one file.
#[derive(Clone, Debug)]
pub(in crate::storage) struct Pool(r2d2::Pool<Manager>);

/// A reader, to be given back when dropped.
pub(in crate::storage) type Pooled = r2d2::PooledConnection<Manager>;

/// Opens readers as r2d2 asks for them.
#[derive(Debug)]
pub(in crate::storage) struct Manager {
    files: SqliteConnectionManager,
    side: Side,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = SqlError;

    fn connect(&self) -> Result<Conn, SqlError> {
        Conn::wrap(self.files.connect()?, self.side, Role::Reader)
    }

    fn is_valid(&self, _: &mut Conn) -> Result<(), SqlError> {
        Ok(())
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.in_transaction()
    }
}

/// Leaves reporting to whoever asked for the connection.
#[derive(Debug)]
struct Silent;

impl r2d2::HandleError<SqlError> for Silent {
    fn handle_error(&self, error: SqlError) {
        tracing::debug!(error = %error, "a reader could not be opened");
    }
}

impl Pool {
    /// A pool over a file that is there. It opens nothing yet.
    pub(in crate::storage) fn new(
        path: &Path,
        side: Side,
        settings: &PoolSettings,
    ) -> Result<Self> {
        let files = SqliteConnectionManager::file(path).with_flags(Conn::flags());
        r2d2::Pool::builder()
            .max_size(settings.max_size)
            .min_idle(Some(0))
            .idle_timeout(Some(settings.idle_timeout))
            .max_lifetime(None)
            .connection_timeout(settings.timeout)
            .test_on_check_out(false)
            .error_handler(Box::new(Silent))
            .thread_pool(settings.housekeeping.clone())
            .build(Manager { files, side })
            .map(Self)
            .map_err(|error| Error::Storage(error.to_string()))
    }

    /// Connections at most.
    pub(in crate::storage) fn max_size(&self) -> usize {
        self.0.max_size() as usize
    }

    /// A reader that is free right now.
    pub(in crate::storage) fn try_get(&self) -> Option<Pooled> {
        self.0.try_get()
    }

    /// A reader, waited for.
    pub(in crate::storage) fn get(&self) -> Result<Pooled> {
        self.0.get().map_err(|error| {
            tracing::warn!(error = %error, "no reader could be had");
            Error::Busy { retry_after_s: 1 }
        })
    }
}
