//! Statements: what the noun files can do to a database.

use rusqlite::params_from_iter;

use super::{Conn, FromColumn, Param, SqlError};

/// Runs statements on a connection, inside whatever transaction is open there.
#[derive(Clone, Copy, Debug)]
pub(in crate::storage) struct Sql<'c>(&'c Conn);

impl<'c> Sql<'c> {
    /// Runs statements on this connection.
    pub(in crate::storage) fn on(conn: &'c Conn) -> Self {
        Self(conn)
    }

    /// The connection.
    pub(in crate::storage) fn conn(self) -> &'c Conn {
        self.0
    }

    /// Changes rows, and says how many.
    pub(in crate::storage) fn execute(
        self,
        sql: &str,
        params: &[Param<'_>],
    ) -> Result<usize, SqlError> {
        let executed = self.0.prepare(sql)?.execute(params_from_iter(params));
        executed.map_err(|error| self.0.remember(error.into()))
    }

    /// The first row, where there is one. A statement that changes rows runs to its end first.
    pub(in crate::storage) fn one<T>(
        self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&mut Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Option<T>, SqlError> {
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query(params_from_iter(params))?;
        let mut first = None;
        while let Some(row) = rows.next().map_err(|error| self.0.remember(error.into()))? {
            if first.is_none() {
                first = Some(map(&mut Row::new(row))?);
            }
        }
        Ok(first)
    }

    /// Every row.
    pub(in crate::storage) fn all<T>(
        self,
        sql: &str,
        params: &[Param<'_>],
        map: impl Fn(&mut Row<'_>) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        let mut statement = self.0.prepare(sql)?;
        let mut rows = statement.query(params_from_iter(params))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next().map_err(|error| self.0.remember(error.into()))? {
            found.push(map(&mut Row::new(row))?);
        }
        Ok(found)
    }
}

/// A row, read column by column from the left.
pub(in crate::storage) struct Row<'r> {
    row: &'r rusqlite::Row<'r>,
    next: usize,
}

impl<'r> Row<'r> {
    pub(super) fn new(row: &'r rusqlite::Row<'r>) -> Self {
        Self { row, next: 0 }
    }

    /// The next column's value.
    pub(in crate::storage) fn next<T: FromColumn>(&mut self) -> Result<T, SqlError> {
        let column = self.next;
        self.next += 1;
        let value = self.row.get_ref(column)?;
        T::from_column(value).map_err(|message| SqlError::corrupt(column, &message))
    }
}
