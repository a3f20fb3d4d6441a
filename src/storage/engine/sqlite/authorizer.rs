//! What a statement may touch, decided when it is prepared.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

use super::contract::Contract;
use super::row_security::{GUARDED, policy_view};

/// Tables to which rows are only ever added.
const APPEND_ONLY: &[&str] = &["audit_log", "audit_checkpoints", "outbox_events"];

/// What is known of the statement that is being prepared.
#[derive(Debug, Default)]
pub(super) struct Phase {
    /// Whether a door runs somebody's change: then it may not look at guarded tables but through its own statements.
    change: AtomicBool,
    /// Whether the statement has a `select` in it.
    selects: AtomicBool,
    /// Whether it reads a guarded table, as a `where` and a `returning` do, and a `select` would.
    reads: AtomicBool,
    /// Whether rows are let go that were kept long enough.
    lets_go: AtomicBool,
}

impl Phase {
    pub(super) fn set_lets_go(&self, lets_go: bool) {
        self.lets_go.store(lets_go, Ordering::Relaxed);
    }

    /// Whether rows may be deleted from a table. Which, its own trigger says besides.
    fn may_delete(&self, table: &str) -> bool {
        let lets_go = table == "audit_log" && self.lets_go.load(Ordering::Relaxed);
        lets_go || !APPEND_ONLY.contains(&table)
    }

    pub(super) fn set_change(&self, change: bool) {
        self.change.store(change, Ordering::Relaxed);
    }

    /// To be called before a statement is prepared.
    pub(super) fn begin_statement(&self) {
        self.selects.store(false, Ordering::Relaxed);
        self.reads.store(false, Ordering::Relaxed);
    }

    /// Whether the statement that was prepared is a change's look at a guarded table. Known once all of it was seen:
    /// the names in a subquery are read before it is known to be one.
    pub(super) fn is_refused(&self) -> bool {
        [&self.change, &self.selects, &self.reads].iter().all(|flag| flag.load(Ordering::Relaxed))
    }
}

/// The names under which a reader's policy views read the tables.
pub(super) fn accessors(suffix: &str) -> Vec<String> {
    GUARDED.iter().map(|table| policy_view(table, suffix)).collect()
}

/// The rules of a connection that reads under row-level security.
pub(super) fn reader(
    accessors: Vec<String>,
) -> impl FnMut(AuthContext<'_>) -> Authorization + Send {
    move |context| match context.action {
        AuthAction::Read { table_name, .. } if is_guarded(&context, table_name) => allow(
            context.accessor.is_some_and(|accessor| accessors.iter().any(|name| name == accessor)),
        ),
        AuthAction::Insert { .. } | AuthAction::Update { .. } | AuthAction::Delete { .. } => {
            Authorization::Deny
        }
        action => common(action),
    }
}

/// The rules of a connection that writes a tenant's file. Its own triggers, by their names, are no part of a statement;
/// a common table expression with another name is.
pub(super) fn writer(
    phase: Arc<Phase>,
    triggers: Vec<String>,
) -> impl FnMut(AuthContext<'_>) -> Authorization + Send {
    move |context| {
        let is_own = context.accessor.is_some_and(|name| triggers.iter().any(|own| own == name));
        match context.action {
            AuthAction::Select => {
                phase.selects.fetch_or(!is_own, Ordering::Relaxed);
                Authorization::Allow
            }
            AuthAction::Read { table_name: "resources" | "resource_acl", .. } => {
                phase.reads.fetch_or(!is_own, Ordering::Relaxed);
                Authorization::Allow
            }
            AuthAction::Update { table_name, .. } => {
                allow(!APPEND_ONLY.contains(&table_name) && !table_name.starts_with("sqlite_"))
            }
            AuthAction::Delete { table_name } => {
                allow(phase.may_delete(table_name) && !table_name.starts_with("sqlite_"))
            }
            action => common(action),
        }
    }
}

/// The rules of a connection of the registry.
pub(super) fn registry(
    phase: Arc<Phase>,
    write: bool,
) -> impl FnMut(AuthContext<'_>) -> Authorization + Send {
    move |context| match context.action {
        AuthAction::Insert { .. } => allow(write),
        AuthAction::Update { table_name, .. } => allow(write && !APPEND_ONLY.contains(&table_name)),
        AuthAction::Delete { table_name } => allow(write && phase.may_delete(table_name)),
        action => common(action),
    }
}

fn is_guarded(context: &AuthContext<'_>, table: &str) -> bool {
    context.database_name == Some("main") && GUARDED.contains(&table)
}

fn common(action: AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Select
        | AuthAction::Recursive
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. } => Authorization::Allow,
        AuthAction::Insert { table_name } | AuthAction::Read { table_name, .. } => {
            allow(!table_name.starts_with("sqlite_"))
        }
        AuthAction::Function { function_name } => {
            allow(!function_name.eq_ignore_ascii_case("load_extension"))
        }
        AuthAction::Pragma { pragma_name, pragma_value } => {
            let reads = pragma_value.is_none() && Contract::is_pragma(pragma_name);
            allow(reads || pragma_name.eq_ignore_ascii_case("wal_checkpoint"))
        }
        _ => Authorization::Deny,
    }
}

fn allow(allowed: bool) -> Authorization {
    if allowed { Authorization::Allow } else { Authorization::Deny }
}
