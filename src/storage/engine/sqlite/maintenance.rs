//! Connections that no request sees: to make, stamp, migrate and examine files.

use std::path::Path;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

use super::contract::Contract;
use super::header::APPLICATION_ID;
use super::held::Held;
use super::{Param, Row, SqlError};
use crate::domain::{FileId, Timestamp};

/// A maintenance connection: the contract without the authorizer and the lowered limits.
#[derive(Debug)]
pub(in crate::storage) struct Maintenance {
    pub(super) raw: Connection,
    _held: Held,
}

impl Maintenance {
    /// Makes a file.
    pub(in crate::storage) fn create(path: &Path) -> Result<Self, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = Self::of(path, flags)?;
        file.raw.pragma_update(None, "application_id", APPLICATION_ID)?;
        Contract::apply(&file.raw)?;
        Ok(file)
    }

    /// Opens a file that is there.
    pub(in crate::storage) fn open(path: &Path) -> Result<Self, SqlError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX
            | OpenFlags::SQLITE_OPEN_NOFOLLOW;
        let file = Self::of(path, flags)?;
        Contract::apply(&file.raw)?;
        Ok(file)
    }

    fn of(path: &Path, flags: OpenFlags) -> Result<Self, SqlError> {
        let (raw, held) = Held::open(path, || Connection::open_with_flags(path, flags))?;
        Ok(Self { raw, _held: held })
    }

    /// Stamps a file with whose it is and which one it is.
    pub(in crate::storage) fn stamp(
        &self,
        owner: &str,
        file: FileId,
        at: Timestamp,
    ) -> Result<(), SqlError> {
        self.execute(
            "insert into identity (tenant_id, file_id, created_at) values (?1, ?2, ?3)",
            &[owner.into(), file.into(), at.into()],
        )
    }

    /// Changes rows.
    pub(in crate::storage) fn execute(
        &self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<(), SqlError> {
        self.raw.execute(sql, rusqlite::params_from_iter(params))?;
        Ok(())
    }

    /// The first row, where there is one.
    pub(in crate::storage) fn one<T>(
        &self,
        sql: &str,
        map: impl Fn(&mut Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        self.one_of(sql, &[], map)
    }

    /// The first row of a statement with parameters, where there is one.
    pub(in crate::storage) fn one_of<T>(
        &self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&mut Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        let mut statement = self.raw.prepare(sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(params))?;
        let Some(row) = rows.next()? else { return Ok(None) };
        map(&mut Row::new(row)).map(Some)
    }

    /// Writes the log back into the file, empties it, and closes: the file alone is then the whole database.
    pub(in crate::storage) fn close(self) -> Result<(), SqlError> {
        self.raw.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
        self.raw.close().map_err(|(_, error)| error.into())
    }

    /// Closes without writing a log back: the log that lies beside a file that is not the right one may be another
    /// file's, and must not be mixed into it.
    pub(in crate::storage) fn abandon(self) -> Result<(), SqlError> {
        self.raw.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        self.raw.close().map_err(|(_, error)| error.into())
    }

    /// Copies the whole database to a new file, consistently, whatever others do.
    pub(in crate::storage) fn copy_to(&self, path: &Path) -> Result<(), SqlError> {
        let mut copy = Connection::open(path)?;
        let backup = Backup::new(&self.raw, &mut copy)?;
        match backup.step(-1)? {
            StepResult::Done => Ok(()),
            _ => Err(SqlError::unfinished()),
        }
    }

    /// Whether SQLite finds every page in its place.
    pub(in crate::storage) fn is_sound(&self) -> Result<bool, SqlError> {
        let said: Option<String> = self.one("pragma quick_check(1)", |row| row.next())?;
        Ok(said.as_deref() == Some("ok"))
    }

    /// The tables, indexes and triggers that the file has, apart from where they lie and from what tools keep for
    /// themselves.
    pub(super) fn schema(&self) -> Result<Vec<Vec<u8>>, SqlError> {
        let mut statement = self.raw.prepare(
            // As bytes: what was damaged may be no text.
            "select cast(type || ' ' || name || ' ' || tbl_name || ' ' || coalesce(sql, '') as blob) from sqlite_schema
            where tbl_name <> 'refinery_schema_history' and substr(name, 1, 11) <> 'sqlite_stat'
            order by type, name",
        )?;
        let rows = statement.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What SQLite finds wrong with the file, page by page and reference by reference; empty where nothing.
    pub(in crate::storage) fn integrity(&self) -> Result<Vec<String>, SqlError> {
        let mut findings: Vec<String> = Vec::new();
        let mut statement = self.raw.prepare("pragma integrity_check(20)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        for row in rows {
            findings.push(row?);
        }
        findings.retain(|finding| finding != "ok");
        let mut statement = self.raw.prepare("pragma foreign_key_check")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        for row in rows.take(20) {
            findings.push(format!("{}: a row references one that is not there", row?));
        }
        Ok(findings)
    }
}
