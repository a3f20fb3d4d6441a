//! The caller, as the database sees it: functions over a cell that a guard sets and clears.
//!
//! The functions are registered once per connection. While no session is set they know no tenant and no principals, so
//! that the policy views show nothing.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::functions::FunctionFlags;

use super::SqlError;
use crate::domain::{RowLevels, RowSecurityMode, Word};

/// Who calls, as statements see it.
#[derive(Debug, Clone)]
pub(in crate::storage) struct Session {
    /// The tenant's id, or `platform`.
    pub(in crate::storage) tenant: Arc<str>,
    /// The caller's own id, where it is an account.
    pub(in crate::storage) account: Option<Arc<str>>,
    /// The ids of the caller's principals.
    pub(in crate::storage) principals: Arc<Principals>,
    /// What the caller may do to every row, by its role.
    pub(in crate::storage) levels: RowLevels,
    /// Whether the caller sees so few rows that looking them up beats looking through all.
    pub(in crate::storage) reach: Arc<Reach>,
    /// Whether the statements look for more than one row.
    pub(in crate::storage) seeks_many: bool,
    /// The resource whose sharing the door has permitted, if one.
    pub(in crate::storage) shares: Option<Arc<str>>,
    /// What the policy views do.
    pub(in crate::storage) mode: RowSecurityMode,
    /// Which rows of guarded tables may be written.
    pub(in crate::storage) writes: Writes,
}

/// Which rows of guarded tables a permit lets be written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::storage) enum Writes {
    /// None.
    #[default]
    Nothing,
    /// One resource and its access-control entries, as far as a permission's level reaches.
    Resource(Box<str>, i64),
    /// New resources in one workspace.
    Workspace(Box<str>),
    /// The access-control entries of a principal, which go with it.
    Principal(Box<str>),
    /// Every row: an import, or the program's own work.
    Everything,
}

impl Writes {
    fn changes(&self, resource: &str, level: i64) -> bool {
        match self {
            Self::Everything => true,
            Self::Resource(id, most) => **id == *resource && level <= *most,
            _ => false,
        }
    }

    fn adds(&self, workspace: &str) -> bool {
        match self {
            Self::Everything => true,
            Self::Workspace(id) => **id == *workspace,
            _ => false,
        }
    }

    fn drops(&self, principal: &str) -> bool {
        matches!(self, Self::Principal(id) if **id == *principal)
    }
}

/// Transactions after which a guess is made anew.
const GUESS_LASTS: u32 = 1024;

/// A guess, made anew from time to time, whether somebody sees few rows.
#[derive(Debug, Default)]
pub(in crate::storage) struct Reach {
    few: AtomicBool,
    asked: AtomicU32,
}

impl Reach {
    fn is_few(&self) -> bool {
        self.few.load(Ordering::Relaxed)
    }

    /// Whether the guess is to be made, or to be made anew.
    pub(in crate::storage) fn is_due(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed).is_multiple_of(GUESS_LASTS)
    }

    /// Guesses.
    pub(in crate::storage) fn guess(&self, few: bool) {
        self.few.store(few, Ordering::Relaxed);
    }
}

/// The ids of a caller's principals: as a set to look into, and as a JSON array to go through; and which of them are
/// teams that the caller maintains.
#[derive(Debug)]
pub(in crate::storage) struct Principals {
    set: HashSet<Box<str>>,
    array: String,
    maintained: HashSet<Box<str>>,
}

impl Default for Principals {
    /// None; the array is one all the same.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl Principals {
    /// These ids.
    pub(in crate::storage) fn new(ids: Vec<String>) -> Self {
        let array = serde_json::to_string(&ids).unwrap_or_default();
        let set = ids.into_iter().map(String::into_boxed_str).collect();
        Self { set, array, maintained: HashSet::new() }
    }

    /// The same, where these teams among them are maintained.
    pub(in crate::storage) fn maintaining(self, teams: Vec<String>) -> Self {
        Self { maintained: teams.into_iter().map(String::into_boxed_str).collect(), ..self }
    }

    /// The ids, as a JSON array.
    pub(in crate::storage) fn as_json(&self) -> &str {
        &self.array
    }

    /// Whether an id is one of them.
    pub(in crate::storage) fn has(&self, id: &str) -> bool {
        self.set.contains(id)
    }
}

/// Where a connection's session stands.
pub(super) type SessionCell = Arc<Mutex<Option<Session>>>;

/// Registers the functions on a connection; they read the cell.
pub(super) fn register(conn: &Connection, cell: &SessionCell) -> Result<(), SqlError> {
    text(conn, cell, "current_tenant", |session| Some(session.tenant.to_string()))?;
    text(conn, cell, "current_account", |session| session.account.as_deref().map(str::to_owned))?;
    text(conn, cell, "caller_principals", |session| Some(session.principals.array.clone()))?;
    text(conn, cell, "caller_shares", |session| session.shares.as_deref().map(str::to_owned))?;
    text(conn, cell, "row_security_mode", |session| Some(session.mode.as_str().to_owned()))?;
    truth(conn, cell, "caller_sees_all", |session| session.levels.resources > 0)?;
    level(conn, cell, "caller_level", |session| session.levels.resources)?;
    level(conn, cell, "caller_workspace_level", |session| session.levels.workspaces)?;
    truth(conn, cell, "caller_in_tenant", |session| session.principals.has(&session.tenant))?;
    // A guess that was made before a role came to reach every row says nothing of what is seen by it.
    truth(conn, cell, "caller_sees_few", |session| {
        session.seeks_many && session.levels.resources == 0 && session.reach.is_few()
    })?;
    of_id(conn, cell, "caller_has", |session, id| session.principals.has(id))?;
    of_id(conn, cell, "caller_maintains", |session, team| {
        session.principals.maintained.contains(team)
    })?;
    of_id(conn, cell, "caller_adds", |session, workspace| session.writes.adds(workspace))?;
    of_id(conn, cell, "caller_drops", |session, principal| session.writes.drops(principal))?;
    changes(conn, cell)
}

/// 0 to 3, and 0 where no session is set.
fn level(
    conn: &Connection,
    cell: &SessionCell,
    name: &str,
    read: fn(&Session) -> i64,
) -> Result<(), SqlError> {
    let cell = cell.clone();
    conn.create_scalar_function(name, 0, flags(), move |_| {
        Ok(cell.lock().as_ref().map_or(0, read))
    })?;
    Ok(())
}

/// `caller_changes(id, level)`: whether the permit reaches this far on this resource.
fn changes(conn: &Connection, cell: &SessionCell) -> Result<(), SqlError> {
    let cell = cell.clone();
    conn.create_scalar_function("caller_changes", 2, flags(), move |context| {
        let (id, level) = (context.get_raw(0).as_str()?, context.get_raw(1).as_i64()?);
        Ok(cell.lock().as_ref().is_some_and(|session| session.writes.changes(id, level)))
    })?;
    Ok(())
}

/// A function of an id. For a few ids, `caller_has` is quicker than going through the caller's principals.
fn of_id(
    conn: &Connection,
    cell: &SessionCell,
    name: &str,
    holds: fn(&Session, &str) -> bool,
) -> Result<(), SqlError> {
    let cell = cell.clone();
    conn.create_scalar_function(name, 1, flags(), move |context| {
        let id = context.get_raw(0).as_str_or_null()?;
        let session = cell.lock();
        Ok(session.as_ref().is_some_and(|session| id.is_some_and(|id| holds(session, id))))
    })?;
    Ok(())
}

fn flags() -> FunctionFlags {
    FunctionFlags::SQLITE_UTF8
        | FunctionFlags::SQLITE_DETERMINISTIC
        | FunctionFlags::SQLITE_DIRECTONLY
}

fn text(
    conn: &Connection,
    cell: &SessionCell,
    name: &str,
    read: fn(&Session) -> Option<String>,
) -> Result<(), SqlError> {
    let cell = cell.clone();
    conn.create_scalar_function(name, 0, flags(), move |_| {
        Ok(cell.lock().as_ref().and_then(read))
    })?;
    Ok(())
}

fn truth(
    conn: &Connection,
    cell: &SessionCell,
    name: &str,
    read: fn(&Session) -> bool,
) -> Result<(), SqlError> {
    let cell = cell.clone();
    conn.create_scalar_function(name, 0, flags(), move |_| {
        Ok(cell.lock().as_ref().is_some_and(read))
    })?;
    Ok(())
}
