//! A tenant's file of a few rows, and who looks at it.
//!
//! `alice` and `bob` each have a workspace and a resource in it; `crew` is a team. Each resource is shared with the
//! other one; Bob's with the team as well. Bob has another one, which is shared with nobody.

use std::sync::Arc;

use rusqlite::types::ValueRef;
use tempfile::TempDir;

use crate::domain::{RowLevels, RowSecurityMode};
use crate::storage::engine::sqlite::error::Kind;
use crate::storage::engine::sqlite::{
    Conn, FromColumn, Maintenance, Principals, Role, Row, Schema, Session, Side, Sql, SqlError,
    Writes,
};

const ROWS: &[&str] = &[
    "insert into organizations (id, name, kind, created_at, updated_at) values ('acme', 'Acme', 'organization', 1, 1)",
    "insert into principals (id, tenant_id, type, name, created_at, updated_at) values
        ('acme', 'acme', 'tenant', 'Acme', 1, 1), ('alice', 'acme', 'account', 'Alice', 1, 1),
        ('bob', 'acme', 'account', 'Bob', 1, 1), ('crew', 'acme', 'team', 'Crew', 1, 1)",
    "insert into org_members (account_id, tenant_id, display_name, role, state, created_at, updated_at) values
        ('alice', 'acme', 'Alice', 'member', 'active', 1, 1), ('bob', 'acme', 'Bob', 'member', 'active', 1, 1)",
    "insert into teams (id, tenant_id, name, created_at, updated_at) values ('crew', 'acme', 'Crew', 1, 1)",
    "insert into resource_types (name, tenant_id, created_at, updated_at) values ('note', 'acme', 1, 1)",
    "insert into workspaces (id, tenant_id, name, owner_type, owner_id, created_at, updated_at) values
        ('of-alice', 'acme', 'A', 'account', 'alice', 1, 1), ('of-bob', 'acme', 'B', 'account', 'bob', 1, 1)",
    "insert into resources (id, tenant_id, type, workspace_id, name, visibility, owner_id, created_at, updated_at) values
        ('mine', 'acme', 'note', 'of-alice', 'M', 'private', 'alice', 1, 1),
        ('theirs', 'acme', 'note', 'of-bob', 'T', 'private', 'bob', 1, 1),
        ('bare', 'acme', 'note', 'of-bob', 'B', 'private', 'bob', 1, 1)",
    "insert into resource_acl (resource_id, principal_id, tenant_id, permission, created_at, updated_at) values
        ('mine', 'bob', 'acme', 'read', 1, 1), ('theirs', 'alice', 'acme', 'read', 1, 1),
        ('theirs', 'crew', 'acme', 'write', 1, 1)",
];

/// A tenant's file, as a migration leaves it, with its rows.
pub(super) struct World(TempDir);

impl World {
    pub(super) fn new() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let mut file = Maintenance::create(&world.0.path().join("tenant.db")).unwrap();
        Schema::Tenant.migrate(&mut file).unwrap();
        for row in ROWS {
            file.execute(row, &[]).unwrap();
        }
        file.close().unwrap();
        world
    }

    /// An empty registry.
    pub(super) fn registry() -> Self {
        let world = Self(tempfile::tempdir().unwrap());
        let mut file = Maintenance::create(&world.0.path().join("tenant.db")).unwrap();
        Schema::Registry.migrate(&mut file).unwrap();
        file.close().unwrap();
        world
    }

    pub(super) fn open(&self, side: Side, role: Role) -> Conn {
        Conn::open(&self.0.path().join("tenant.db"), side, role).unwrap()
    }

    pub(super) fn reader(&self) -> Conn {
        self.open(Side::Tenant, Role::Reader)
    }

    pub(super) fn writer(&self) -> Conn {
        self.open(Side::Tenant, Role::Writer)
    }
}

/// A member of `acme`, in a mode, with a permit to write.
pub(super) fn member(account: &str, mode: RowSecurityMode, writes: Writes) -> Session {
    Session {
        tenant: "acme".into(),
        account: Some(account.into()),
        principals: Arc::new(Principals::new(vec![account.to_owned(), "acme".to_owned()])),
        levels: RowLevels::default(),
        reach: Arc::default(),
        seeks_many: false,
        shares: None,
        mode,
        writes,
    }
}

/// Whoever sees every row, and may share Alice's resource.
pub(super) fn owner() -> Session {
    let member = member("alice", RowSecurityMode::Enforce, Writes::Nothing);
    Session { levels: RowLevels::ALL, shares: Some("mine".into()), ..member }
}

/// A value as it would be written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cell(pub(super) String);

impl FromColumn for Cell {
    fn from_column(value: ValueRef<'_>) -> Result<Self, String> {
        Ok(Self(match value {
            ValueRef::Null => "null".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned(),
            other => format!("{other:?}"),
        }))
    }
}

/// The first column of every row that a statement returns.
pub(super) fn ask(conn: &Conn, sql: &str) -> Result<Vec<String>, SqlError> {
    Sql::on(conn).all(sql, &[], |row: &mut Row<'_>| Ok(row.next::<Cell>()?.0))
}

/// What kind of failure a statement ends with; `None` where it does not fail.
pub(super) fn failure(conn: &Conn, sql: &str) -> Option<Kind> {
    ask(conn, sql).err().map(|error| error.kind)
}
