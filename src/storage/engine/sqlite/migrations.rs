//! Migrations: embedded, grouped so that a file has all of them or none, and mirrored in the file's header.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::OnceLock;

use refinery::{Migration, Runner};

use super::Maintenance;

mod registry {
    refinery::embed_migrations!("migrations/registry");
}

mod tenant {
    refinery::embed_migrations!("migrations/tenant");
}

/// The schema of one kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) enum Schema {
    /// The registry's.
    Registry,
    /// A tenant file's.
    Tenant,
}

impl Schema {
    /// The newest version.
    pub(in crate::storage) fn newest(self) -> u32 {
        self.embedded().iter().map(version_number).max().unwrap_or(0)
    }

    fn embedded(self) -> Vec<Migration> {
        match self {
            Self::Registry => registry::migrations::runner().get_migrations().clone(),
            Self::Tenant => tenant::migrations::runner().get_migrations().clone(),
        }
    }

    /// Whether a file of the newest version has the tables, indexes and triggers that the migrations make: one flipped bit
    /// in a name would make statements fail that cannot fail.
    pub(in crate::storage) fn is_of(self, file: &Maintenance) -> Result<bool, super::SqlError> {
        static MADE: [OnceLock<Vec<Vec<u8>>>; 2] = [OnceLock::new(), OnceLock::new()];
        let known = &MADE[self as usize];
        let expected = match known.get() {
            Some(expected) => expected,
            None => {
                let made = self.made()?;
                known.get_or_init(|| made)
            }
        };
        Ok(file.schema()? == *expected)
    }

    fn made(self) -> Result<Vec<Vec<u8>>, super::SqlError> {
        let mut file = Maintenance::create(Path::new(":memory:"))?;
        self.migrate(&mut file).map_err(|message| super::SqlError::corrupt(0, &message))?;
        file.schema()
    }

    /// Brings a file to the newest version, whole or not at all. A file that is there already is left alone.
    ///
    /// # Errors
    /// A sentence on what failed: a statement, a changed or missing migration, a damaged history, a newer file.
    pub(in crate::storage) fn migrate(self, file: &mut Maintenance) -> Result<u32, String> {
        let migrations: Vec<Migration> =
            self.embedded().iter().map(mirrored).collect::<Result<_, _>>()?;
        let runner = Runner::new(&migrations).set_grouped(true);
        // A damaged history makes refinery panic; here it is a sentence like any other failure.
        let report = catch_unwind(AssertUnwindSafe(|| runner.run(&mut file.raw)))
            .map_err(|_| "the migration history of the file is damaged".to_owned())?
            .map_err(|error| describe(&error))?;
        let (migrations, version) = (report.applied_migrations().len(), self.newest());
        if let Some(path) = file.raw.path().filter(|path| migrations > 0 && !path.is_empty()) {
            tracing::info!(file = path, migrations, version, "a file was migrated");
        }
        Ok(version)
    }
}

/// The same migration, which also writes its version into the file's header in the same transaction.
fn mirrored(migration: &Migration) -> Result<Migration, String> {
    let sql = migration.sql().unwrap_or_default();
    let name = format!("V{}__{}", migration.version(), migration.name());
    let sql = format!("{sql}\npragma user_version = {};\n", migration.version());
    Migration::unapplied(&name, &sql).map_err(|error| error.to_string())
}

fn version_number(migration: &Migration) -> u32 {
    u32::try_from(migration.version()).unwrap_or(0)
}

/// What failed, in one line: of a statement what SQLite says of it, not all of its text.
fn describe(error: &refinery::Error) -> String {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        match error.downcast_ref::<rusqlite::Error>() {
            Some(rusqlite::Error::SqlInputError { msg, .. }) => return msg.clone(),
            Some(failure) => return failure.to_string(),
            None => cause = error.source(),
        }
    }
    error.to_string()
}

/// The version in a file's header, by way of a connection.
pub(in crate::storage) fn version_of(file: &Maintenance) -> Result<u32, super::SqlError> {
    Ok(file.one("pragma user_version", |row| row.next())?.unwrap_or(0))
}
