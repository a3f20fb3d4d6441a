//! What every connection is set to, and how to read it back.
//!
//! `synchronous=full` syncs the write-ahead log at each commit: an acknowledged write survives a power cut.
//! `recursive_triggers` lets delete guards see `insert or replace`. `mmap_size=0`, since a truncated file under a map
//! ends the process.

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;

use super::SqlError;

/// One setting: its name, and the value that it must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The pragma, configuration flag or limit.
    pub name: &'static str,
    /// The value, as SQLite reports it.
    pub value: &'static str,
}

/// Pragmas, in an order in which they can be applied.
const PRAGMAS: &[Setting] = &[
    Setting { name: "busy_timeout", value: "5000" },
    Setting { name: "journal_mode", value: "wal" },
    Setting { name: "synchronous", value: "2" },
    Setting { name: "foreign_keys", value: "1" },
    Setting { name: "recursive_triggers", value: "1" },
    Setting { name: "trusted_schema", value: "0" },
    Setting { name: "cell_size_check", value: "1" },
    Setting { name: "mmap_size", value: "0" },
    Setting { name: "temp_store", value: "2" },
    Setting { name: "secure_delete", value: "1" },
    // Writing the log back costs a sync of both files: less often than SQLite's own thousand pages.
    Setting { name: "wal_autocheckpoint", value: "8000" },
    Setting { name: "journal_size_limit", value: "8388608" },
];

const FLAGS: &[(&str, DbConfig, bool)] = &[
    ("defensive", DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
    ("double_quoted_strings_dml", DbConfig::SQLITE_DBCONFIG_DQS_DML, false),
    ("double_quoted_strings_ddl", DbConfig::SQLITE_DBCONFIG_DQS_DDL, false),
    ("enable_trigger", DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, true),
    // A plan never depends on bound values: else each new value, a limit's too, prepares the statement again.
    ("enable_qpsg", DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true),
    ("enable_view", DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, true),
    ("writable_schema", DbConfig::SQLITE_DBCONFIG_WRITABLE_SCHEMA, false),
];

const LIMITS: &[(&str, Limit, i32)] = &[
    ("limit_length", Limit::SQLITE_LIMIT_LENGTH, 64 * 1024 * 1024),
    ("limit_sql_length", Limit::SQLITE_LIMIT_SQL_LENGTH, 64 * 1024),
    ("limit_expr_depth", Limit::SQLITE_LIMIT_EXPR_DEPTH, 100),
    ("limit_compound_select", Limit::SQLITE_LIMIT_COMPOUND_SELECT, 16),
    ("limit_attached", Limit::SQLITE_LIMIT_ATTACHED, 0),
    ("limit_like_pattern_length", Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 2048),
    ("limit_variable_number", Limit::SQLITE_LIMIT_VARIABLE_NUMBER, 64),
    ("limit_trigger_depth", Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 32),
];

/// The contract of a connection.
#[derive(Debug)]
pub struct Contract;

impl Contract {
    /// The pragmas of the contract: what an authorizer must let be read.
    pub(super) fn is_pragma(name: &str) -> bool {
        PRAGMAS.iter().any(|setting| setting.name.eq_ignore_ascii_case(name))
    }

    /// Sets what every connection is set to.
    pub(super) fn apply(conn: &Connection) -> Result<(), SqlError> {
        for setting in PRAGMAS {
            conn.pragma_update(None, setting.name, setting.value)?;
        }
        for (_, flag, value) in FLAGS {
            conn.set_db_config(*flag, *value)?;
        }
        conn.set_prepared_statement_cache_capacity(96);
        Ok(())
    }

    /// Lowers the limits of a connection that serves requests. Compaction needs an attached database, so a maintenance
    /// connection does without.
    pub(super) fn limit(conn: &Connection) -> Result<(), SqlError> {
        for (_, limit, value) in LIMITS {
            conn.set_limit(*limit, *value)?;
        }
        Ok(())
    }

    /// What a serving connection is really set to, beside what it must be.
    pub(super) fn read_back(conn: &Connection) -> Result<Vec<(Setting, String)>, SqlError> {
        let mut found = Vec::new();
        for setting in PRAGMAS {
            let value: rusqlite::types::Value =
                conn.pragma_query_value(None, setting.name, |row| row.get(0))?;
            let value = match value {
                rusqlite::types::Value::Integer(number) => number.to_string(),
                rusqlite::types::Value::Text(text) => text,
                other => format!("{other:?}"),
            };
            found.push((*setting, value));
        }
        for (name, flag, value) in FLAGS {
            let expected = if *value { "1" } else { "0" };
            found.push((
                Setting { name, value: expected },
                i32::from(conn.db_config(*flag)?).to_string(),
            ));
        }
        for (name, limit, value) in LIMITS {
            let value: &'static str = Box::leak(value.to_string().into_boxed_str());
            found.push((Setting { name, value }, conn.limit(*limit)?.to_string()));
        }
        Ok(found)
    }
}
