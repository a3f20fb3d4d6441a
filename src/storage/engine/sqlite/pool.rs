//! Pools of reading connections, all of them kept by one shared housekeeping pool.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use r2d2::ManageConnection;
use r2d2_sqlite::SqliteConnectionManager;
use scheduled_thread_pool::ScheduledThreadPool;

use super::SqlError;
use super::conn::{Conn, FileIdentity, Role, Side};
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
pub(in crate::storage) struct Pool {
    readers: r2d2::Pool<Manager>,
    meant: Arc<Meant>,
}

/// Which file a pool's readers must open, once that is known, and whether another one was found in its place.
#[derive(Debug, Default)]
struct Meant {
    identity: OnceLock<FileIdentity>,
    refused: AtomicBool,
    /// Readers of an earlier generation are closed before they are used again.
    generation: AtomicU64,
}

impl Meant {
    fn check(&self, conn: &Conn) -> Result<(), SqlError> {
        let Some(identity) = self.identity.get() else { return Ok(()) };
        conn.check_identity(identity).inspect_err(|error| {
            if error.refuses() {
                self.refused.store(true, Ordering::Release);
            }
        })
    }

    /// Whether the reader may be used. One that may not is left to close without its log: the log that lies beside the
    /// file by now may be another file's.
    fn is_current(&self, conn: &Conn) -> Result<(), SqlError> {
        if conn.generation == self.generation.load(Ordering::Acquire) {
            return Ok(());
        }
        conn.leave_log(true)?;
        Err(SqlError::stranger())
    }
}

/// A reader, to be given back when dropped.
pub(in crate::storage) type Pooled = r2d2::PooledConnection<Manager>;

/// Opens readers as r2d2 asks for them.
#[derive(Debug)]
pub(in crate::storage) struct Manager {
    path: PathBuf,
    files: SqliteConnectionManager,
    side: Side,
    meant: Arc<Meant>,
}

impl ManageConnection for Manager {
    type Connection = Conn;
    type Error = SqlError;

    fn connect(&self) -> Result<Conn, SqlError> {
        let generation = self.meant.generation.load(Ordering::Acquire);
        let mut conn = Conn::wrap(&self.path, || self.files.connect(), self.side, Role::Reader)?;
        conn.generation = generation;
        self.meant.check(&conn)?;
        Ok(conn)
    }

    fn is_valid(&self, conn: &mut Conn) -> Result<(), SqlError> {
        self.meant.is_current(conn)
    }

    fn has_broken(&self, conn: &mut Conn) -> bool {
        conn.in_transaction() || self.meant.is_current(conn).is_err()
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
        let meant = Arc::new(Meant::default());
        let files = SqliteConnectionManager::file(path).with_flags(Conn::flags());
        r2d2::Pool::builder()
            .max_size(settings.max_size)
            .min_idle(Some(0))
            .idle_timeout(Some(settings.idle_timeout))
            .max_lifetime(None)
            .connection_timeout(settings.timeout)
            // No statement runs for it: a number is compared.
            .test_on_check_out(true)
            .error_handler(Box::new(Silent))
            .thread_pool(settings.housekeeping.clone())
            .build(Manager { path: path.to_owned(), files, side, meant: meant.clone() })
            .map(|readers| Self { readers, meant })
            .map_err(|error| Error::Storage(error.to_string()))
    }

    /// Connections at most.
    pub(in crate::storage) fn max_size(&self) -> usize {
        self.readers.max_size() as usize
    }

    /// Holds every reader that is opened from now on to this file.
    pub(in crate::storage) fn hold_to(&self, identity: FileIdentity) {
        // Whatever was meant first is what is meant.
        let _known = self.meant.identity.set(identity);
    }

    /// Whether another file, or none that can be read, lay in the place when a reader was to be opened.
    pub(in crate::storage) fn is_refused(&self) -> bool {
        self.meant.refused.load(Ordering::Acquire)
    }

    /// Closes every idle reader now, and the others when they are given back: the file that they have open is no
    /// longer the one that lies in its place.
    pub(in crate::storage) fn renew(&self) {
        self.meant.generation.fetch_add(1, Ordering::AcqRel);
        // Looking for a free one closes all that are outdated.
        drop(self.readers.try_get());
    }

    /// A reader that is free right now.
    pub(in crate::storage) fn try_get(&self) -> Option<Pooled> {
        self.readers.try_get()
    }

    /// A reader, waited for.
    pub(in crate::storage) fn get(&self) -> Result<Pooled> {
        self.readers.get().map_err(|error| {
            tracing::warn!(error = %error, "no reader could be had");
            Error::Busy { retry_after_s: 1 }
        })
    }
}
