//! A connection that keeps the contract, knows its caller, and counts its steps.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::authorizer::{self, Phase};
use super::contract::{Contract, Setting};
use super::functions::{self, Session, SessionCell};
use super::held::Held;
use super::{Sql, SqlError, row_security};
use crate::domain::FileId;
use crate::storage::budget::Abandoned;

/// Virtual-machine steps between two looks at the budget.
const STEPS_PER_LOOK: i32 = 1000;

/// Which kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Side {
    /// The registry.
    Registry,
    /// A tenant's file.
    Tenant,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Role {
    /// Reads.
    Reader,
    /// Reads and writes.
    Writer,
}

/// A connection.
pub(in crate::storage) struct Conn {
    raw: Connection,
    role: Role,
    session: SessionCell,
    phase: Arc<Phase>,
    /// Looks left until a statement is interrupted; negative means without limit.
    looks: Arc<AtomicI64>,
    /// Whether the client of what runs has gone.
    abandoned: Arc<Mutex<Abandoned>>,
    /// What last went wrong so that the engine may have undone the transaction.
    failure: Mutex<Option<SqlError>>,
    /// The generation of its pool that it belongs to.
    pub(super) generation: u64,
    _held: Held,
}

/// Which file is meant: whose it is, and the random id that it was stamped with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::storage) struct FileIdentity {
    /// The tenant's id, or `platform`.
    pub(in crate::storage) tenant: Arc<str>,
    /// The file's own id.
    pub(in crate::storage) file: FileId,
}

impl std::fmt::Debug for Conn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Conn")
    }
}

impl Conn {
    /// The flags of every connection: never creates a file, never follows a symbolic link, never reads a URI.
    pub(super) fn flags() -> OpenFlags {
        OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW
    }

    /// Opens a file that is there.
    pub(in crate::storage) fn open(path: &Path, side: Side, role: Role) -> Result<Self, SqlError> {
        Self::wrap(path, || Connection::open_with_flags(path, Self::flags()), side, role)
    }

    /// Opens a connection, and makes it hold to the contract.
    pub(super) fn wrap(
        path: &Path,
        open: impl FnOnce() -> rusqlite::Result<Connection>,
        side: Side,
        role: Role,
    ) -> Result<Self, SqlError> {
        let (raw, held) = Held::open(path, open)?;
        let conn = Self {
            raw,
            role,
            session: Arc::new(Mutex::new(None)),
            phase: Arc::default(),
            looks: Arc::default(),
            abandoned: Arc::default(),
            failure: Mutex::new(None),
            generation: 0,
            _held: held,
        };
        conn.leave_log(true)?;
        Contract::apply(&conn.raw)?;
        Contract::limit(&conn.raw)?;
        functions::register(&conn.raw, &conn.session)?;
        conn.count_steps()?;
        conn.authorize(side, role)?;
        Ok(conn)
    }

    fn count_steps(&self) -> Result<(), SqlError> {
        self.looks.store(-1, Ordering::Relaxed);
        let (looks, abandoned) = (self.looks.clone(), self.abandoned.clone());
        let look = move || {
            let left = looks.load(Ordering::Relaxed);
            if left > 0 {
                looks.store(left - 1, Ordering::Relaxed);
            }
            left == 0 || abandoned.lock().is_set()
        };
        Ok(self.raw.progress_handler(STEPS_PER_LOOK, Some(look))?)
    }

    fn authorize(&self, side: Side, role: Role) -> Result<(), SqlError> {
        match (side, role) {
            (Side::Tenant, Role::Reader) => {
                let suffix = random_suffix();
                row_security::install(&self.raw, &suffix)?;
                self.raw.authorizer(Some(authorizer::reader(authorizer::accessors(&suffix))))?;
            }
            (Side::Tenant, Role::Writer) => {
                let suffix = random_suffix();
                row_security::install_triggers(&self.raw, &suffix)?;
                let triggers = row_security::triggers(&suffix);
                self.raw.authorizer(Some(authorizer::writer(self.phase.clone(), triggers)))?;
            }
            (Side::Registry, role) => {
                let phase = self.phase.clone();
                self.raw.authorizer(Some(authorizer::registry(phase, role == Role::Writer)))?;
            }
        }
        Ok(())
    }

    /// Says whether closing leaves the log as it lies. The last connection to close writes the log back and removes it,
    /// and a log that lies beside the wrong file would be written into that file: so it is left until the file is known
    /// to be the right one.
    pub(in crate::storage) fn leave_log(&self, leave: bool) -> Result<(), SqlError> {
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, leave)?;
        Ok(())
    }

    /// Refuses a file that is not the one that is meant, whatever lies in its place.
    pub(in crate::storage) fn check_identity(&self, meant: &FileIdentity) -> Result<(), SqlError> {
        let found = Sql::on(self).one("select tenant_id, file_id from identity", &[], |row| {
            Ok((row.next::<String>()?, row.next::<FileId>()?))
        })?;
        match found {
            Some((tenant, file)) if *tenant == *meant.tenant && file == meant.file => {
                self.leave_log(false)
            }
            _ => Err(SqlError::stranger()),
        }
    }

    /// Remembers what may have made the engine undo the transaction.
    pub(super) fn remember(&self, error: SqlError) -> SqlError {
        if error.undoes() {
            *self.failure.lock() = Some(error.clone());
        }
        error
    }

    /// Why the engine undid the transaction.
    pub(in crate::storage) fn failure(&self) -> SqlError {
        let known = self.failure.lock().take();
        known.unwrap_or_else(|| SqlError::corrupt(0, "the engine undid the transaction"))
    }

    /// Sets the caller until the guard is dropped.
    pub(in crate::storage) fn session(&self, session: Session) -> SessionGuard<'_> {
        SessionGuard { conn: self, previous: self.session.lock().replace(session) }
    }

    /// Limits how many steps statements may take, all of them together, until the guard is dropped. A limit inside
    /// another one does not widen it.
    pub(in crate::storage) fn limit_steps(&self, max_steps: u32) -> StepGuard<'_> {
        let looks = i64::from(max_steps) / i64::from(STEPS_PER_LOOK);
        let previous = self.looks.load(Ordering::Relaxed);
        let looks = if previous < 0 { looks } else { looks.min(previous) };
        self.looks.store(looks, Ordering::Relaxed);
        StepGuard { conn: self, previous }
    }

    /// Interrupts statements whose client has gone, until the guard is dropped.
    pub(in crate::storage) fn heed(&self, abandoned: &Abandoned) -> HeedGuard<'_> {
        *self.abandoned.lock() = abandoned.clone();
        HeedGuard(self)
    }

    /// What the caller's session is, where one is set.
    pub(in crate::storage) fn current_session(&self) -> Option<Session> {
        self.session.lock().clone()
    }

    /// Changes what the set session says; without one, nothing.
    pub(in crate::storage) fn amend(&self, change: impl FnOnce(&mut Session)) {
        if let Some(session) = self.session.lock().as_mut() {
            change(session);
        }
    }

    /// Says whether somebody's change runs from now on.
    pub(in crate::storage) fn set_change(&self, change: bool) {
        self.phase.set_change(change);
    }

    /// Runs a statement that lets rows go which are otherwise only ever added.
    pub(in crate::storage) fn let_go<T>(&self, work: impl FnOnce() -> T) -> T {
        self.phase.set_lets_go(true);
        let done = work();
        self.phase.set_lets_go(false);
        done
    }

    /// What the connection is really set to, beside what it must be.
    pub(in crate::storage) fn contract(&self) -> Result<Vec<(Setting, String)>, SqlError> {
        Contract::read_back(&self.raw)
    }

    /// Whether it reads under row-level security, through views.
    pub(in crate::storage) fn is_reader(&self) -> bool {
        self.role == Role::Reader
    }

    /// Begins a transaction that reads.
    pub(in crate::storage) fn begin(&self) -> Result<(), SqlError> {
        self.run("begin deferred")
    }

    /// Begins a transaction that writes.
    pub(in crate::storage) fn begin_immediate(&self) -> Result<(), SqlError> {
        self.run("begin immediate")
    }

    /// Makes a transaction durable.
    pub(in crate::storage) fn commit(&self) -> Result<(), SqlError> {
        self.run("commit")
    }

    /// Undoes a transaction; one that the engine has undone already is left alone.
    pub(in crate::storage) fn rollback(&self) {
        if !self.raw.is_autocommit()
            && let Err(error) = self.run("rollback")
        {
            tracing::warn!(error = %error, "a transaction could not be rolled back");
        }
    }

    /// Begins what can be undone alone.
    pub(in crate::storage) fn savepoint(&self) -> Result<(), SqlError> {
        self.run("savepoint request")
    }

    /// Keeps what was done since the savepoint.
    pub(in crate::storage) fn release(&self) -> Result<(), SqlError> {
        self.run("release request")
    }

    /// Undoes what was done since the savepoint.
    pub(in crate::storage) fn undo(&self) -> Result<(), SqlError> {
        self.run("rollback to request")?;
        self.run("release request")
    }

    /// Whether a transaction is open.
    pub(in crate::storage) fn in_transaction(&self) -> bool {
        !self.raw.is_autocommit()
    }

    /// Writes the log back into the file and empties it.
    pub(in crate::storage) fn checkpoint(&self) -> Result<(), SqlError> {
        self.raw.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        Ok(())
    }

    pub(super) fn prepare(&self, sql: &str) -> Result<rusqlite::CachedStatement<'_>, SqlError> {
        self.phase.begin_statement();
        let statement = self.raw.prepare_cached(sql)?;
        if self.phase.is_refused() {
            // Kept, it would be found again and not be asked about.
            statement.discard();
            return Err(SqlError::looks());
        }
        Ok(statement)
    }

    fn run(&self, sql: &'static str) -> Result<(), SqlError> {
        self.prepare(sql)?.raw_execute()?;
        Ok(())
    }
}

/// A name that nobody can know beforehand.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that makes names of policy views and triggers"
)]
fn random_suffix() -> String {
    uuid::Uuid::new_v4().simple().to_string()
}

/// Clears the caller, or puts the one before it back, when dropped.
pub(in crate::storage) struct SessionGuard<'c> {
    conn: &'c Conn,
    previous: Option<Session>,
}

impl Drop for SessionGuard<'_> {
    fn drop(&mut self) {
        *self.conn.session.lock() = self.previous.take();
    }
}

/// Puts the limit of steps before it back when dropped.
pub(in crate::storage) struct StepGuard<'c> {
    conn: &'c Conn,
    previous: i64,
}

impl Drop for StepGuard<'_> {
    fn drop(&mut self) {
        self.conn.looks.store(self.previous, Ordering::Relaxed);
    }
}

/// Heeds no client any more when dropped.
pub(in crate::storage) struct HeedGuard<'c>(&'c Conn);

impl Drop for HeedGuard<'_> {
    fn drop(&mut self) {
        *self.0.abandoned.lock() = Abandoned::default();
    }
}
