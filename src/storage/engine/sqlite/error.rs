//! What the engine can report, and what the floors above make of it.

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::domain::{Conflict, Error, FileProblem};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Kind {
    /// A unique index has the value already.
    Unique,
    /// A referenced row is missing, or a row is still referenced.
    ForeignKey,
    /// The statement took more steps than it may.
    Interrupted,
    /// The disk is full.
    Full,
    /// The file cannot be opened, read, written or synced, or holds what it must not.
    Broken,
    /// The file is no database, or none whose pages fit together.
    Corrupt,
    /// The file is not the one that was meant.
    Stranger,
    /// Somebody else holds the lock.
    Busy,
    /// The authorizer refused the statement.
    Refused,
    /// Anything else: a defect.
    Other,
}

/// A failure of the engine.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub(in crate::storage) struct SqlError {
    /// What kind of failure it is.
    pub(in crate::storage) kind: Kind,
    message: String,
}

impl SqlError {
    /// A value that cannot be what its column says.
    pub(in crate::storage) fn corrupt(column: usize, message: &str) -> Self {
        Self { kind: Kind::Broken, message: format!("column {column}: {message}") }
    }

    /// A change that looks at a guarded table.
    pub(super) fn looks() -> Self {
        let message = "a change may not look at a guarded table".to_owned();
        Self { kind: Kind::Refused, message }
    }

    /// A copy that others kept from being whole.
    pub(in crate::storage) fn unfinished() -> Self {
        Self { kind: Kind::Busy, message: "the copy is not whole".to_owned() }
    }

    /// A file that is not the one that was meant.
    pub(in crate::storage) fn stranger() -> Self {
        Self { kind: Kind::Stranger, message: "the file is another one".to_owned() }
    }

    /// Whether the file in the place is another one, or none that can be read.
    pub(super) fn refuses(&self) -> bool {
        matches!(self.kind, Kind::Stranger | Kind::Broken | Kind::Corrupt)
    }

    /// Whether it can be what made the engine undo a transaction by itself.
    pub(super) fn undoes(&self) -> bool {
        matches!(self.kind, Kind::Full | Kind::Broken | Kind::Corrupt)
    }

    /// Whether the statement took more steps than it may.
    pub(in crate::storage) fn is_interrupted(&self) -> bool {
        self.kind == Kind::Interrupted
    }

    /// Names the conflict that a violated unique index stands for.
    pub(in crate::storage) fn unique(conflict: Conflict) -> impl FnOnce(Self) -> Error {
        move |error| {
            if error.kind == Kind::Unique { Error::Conflict(conflict) } else { error.into() }
        }
    }

    /// Names what a violated reference stands for.
    pub(in crate::storage) fn reference(meaning: Error) -> impl FnOnce(Self) -> Error {
        move |error| if error.kind == Kind::ForeignKey { meaning } else { error.into() }
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        let kind = match &error {
            rusqlite::Error::SqliteFailure(failure, _) => kind_of(*failure),
            rusqlite::Error::SqlInputError { error, .. } => kind_of(*error),
            _ => Kind::Other,
        };
        Self { kind, message: error.to_string() }
    }
}

fn kind_of(failure: ffi::Error) -> Kind {
    match failure.extended_code {
        ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_PRIMARYKEY => return Kind::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => return Kind::ForeignKey,
        _ => {}
    }
    match failure.code {
        ErrorCode::OperationInterrupted => Kind::Interrupted,
        ErrorCode::DiskFull => Kind::Full,
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => Kind::Corrupt,
        ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly => Kind::Broken,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Kind::Busy,
        ErrorCode::AuthorizationForStatementDenied => Kind::Refused,
        _ => Kind::Other,
    }
}

impl From<SqlError> for Error {
    fn from(error: SqlError) -> Self {
        match error.kind {
            Kind::Interrupted => Self::TooManySteps,
            Kind::Busy => Self::Busy { retry_after_s: 1 },
            Kind::Full => Self::DiskFull,
            Kind::Stranger => Self::File(FileProblem::Replaced),
            Kind::Corrupt => Self::File(FileProblem::Damaged),
            Kind::Broken => Self::Storage(error.message),
            Kind::Unique | Kind::ForeignKey | Kind::Refused | Kind::Other => {
                Self::Internal(error.message)
            }
        }
    }
}
