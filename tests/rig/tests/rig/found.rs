//! What a node finds in a data directory: it is started, examined, and what it keeps is read.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use freehold::domain::CheckState;
use freehold::storage::{Mend, Registry};
use rusqlite::{Connection, OpenFlags};

use crate::node::{Node, close};

/// A tenant as it was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Tenant {
    pub(crate) status: String,
    pub(crate) rows: BTreeSet<String>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) tenants: BTreeMap<String, Tenant>,
    /// What is not as it must be, whatever was asked for.
    pub(crate) problems: Vec<String>,
}

impl Found {
    pub(crate) fn rows(&self, slug: &str) -> &BTreeSet<String> {
        static NONE: BTreeSet<String> = BTreeSet::new();
        self.tenants.get(slug).map_or(&NONE, |tenant| &tenant.rows)
    }
}

/// Starts a node over a data directory, lets it finish what it has to, and looks.
pub(crate) fn find(data: &Path) -> Found {
    match Node::start(data.to_owned(), |settings| {
        settings.writer_threads = 1;
        settings.max_open_tenants = 64;
    }) {
        Ok(node) => {
            let registry = node.settle();
            let found = look(&registry, data);
            close(registry, data);
            found
        }
        Err(error) => Found { problems: vec![format!("no start: {error}")], ..Found::default() },
    }
}

/// What a registry whose projection has caught up keeps, and what it finds wrong.
pub(crate) fn look(registry: &Registry, data: &Path) -> Found {
    let mut found = Found::default();
    let read = read(data, &mut found).and_then(|()| examine(registry, &mut found));
    if let Err(problem) = read {
        found.problems.push(problem);
    }
    found
}

/// Examines every file, and tells what is wrong.
pub(crate) fn examine(registry: &Registry, found: &mut Found) -> Result<(), String> {
    let report = registry.examine(None, Mend::Nothing).map_err(|error| error.to_string())?;
    for report in report.reports {
        let failed = report.checks.iter().filter(|check| check.state == CheckState::Failed);
        found.problems.extend(
            failed.map(|check| format!("{}: {}: {}", report.subject, check.name, check.found)),
        );
    }
    Ok(())
}

fn read(data: &Path, found: &mut Found) -> Result<(), String> {
    let registry = open(&data.join("registry.db"))?;
    for row in rows(&registry, "select slug, status, id from tenants")? {
        let [slug, status, id] = &row[..] else { continue };
        let folder = &id[id.len() - 2..];
        let path = data.join("tenants").join(folder).join(format!("{id}.db"));
        found.tenants.insert(slug.clone(), Tenant { status: status.clone(), ..Tenant::default() });
        let file = open(&path).map_err(|error| format!("{slug}, which is {status}: {error}"))?;
        let rows = rows_of(&file)?;
        found.problems.extend(halves(slug, &file)?);
        found.problems.extend(projection(slug, id, &registry, &file)?);
        found.tenants.entry(slug.clone()).or_default().rows = rows;
    }
    Ok(())
}

/// What people put into a tenant's file, by names rather than ids.
fn rows_of(file: &Connection) -> Result<BTreeSet<String>, String> {
    let found = rows(
        file,
        "select 'resource', name, attributes from resources
        union all select 'member', display_name, role || ' ' || state from org_members
        union all select 'team', name, description from teams
        union all select 'workspace', name, owner_type from workspaces
        union all select 'team member', t.name, p.name || ' ' || m.role
            from team_members m join teams t on t.id = m.team_id join principals p on p.id = m.account_id
        union all select 'acl', r.name, p.name || ' ' || a.permission
            from resource_acl a join resources r on r.id = a.resource_id join principals p on p.id = a.principal_id",
    )?;
    Ok(found.into_iter().map(|row| row.join(" ")).collect())
}

/// Whether what is there has its event, each event what it tells of, and each change its audit row.
fn halves(slug: &str, file: &Connection) -> Result<Vec<String>, String> {
    let checks = [
        (
            "resources without their event",
            "select count(*) from resources r where not exists (select 1 from outbox_events o
            where o.type = 'resource.created' and json_extract(o.data, '$.id') = r.id)",
        ),
        (
            "events without their resource",
            "select count(*) from outbox_events o where o.type = 'resource.created'
            and not exists (select 1 from resources r where r.id = json_extract(o.data, '$.id'))",
        ),
        (
            "members without their event",
            "select count(*) from org_members m where not exists (select 1 from outbox_events o
            where o.type = 'member.created' and json_extract(o.data, '$.account_id') = m.account_id)",
        ),
        (
            "events more or fewer than audit rows tell of",
            "select coalesce(sum(case when json_extract(summary, '$.event') is not null then 1
                else (select sum(value) from json_each(summary, '$.events')) end), 0)
                - (select count(*) from outbox_events)
            from audit_log where decision = 'permit'",
        ),
    ];
    let mut wrong = Vec::new();
    for (what, sql) in checks {
        let count = rows(file, sql)?.concat().concat();
        if count != "0" {
            wrong.push(format!("{slug}: {count} {what}"));
        }
    }
    Ok(wrong)
}

/// Whether the registry knows the members that the file has.
fn projection(
    slug: &str,
    id: &str,
    registry: &Connection,
    file: &Connection,
) -> Result<Vec<String>, String> {
    let theirs = rows(file, "select account_id, role, state from org_members order by account_id")?;
    let ours = rows(
        registry,
        &format!(
            "select account_id, role, state from memberships where tenant_id = '{id}' order by account_id"
        ),
    )?;
    if theirs == ours {
        return Ok(Vec::new());
    }
    Ok(vec![format!("{slug}: {} members, of whom the registry knows {}", theirs.len(), ours.len())])
}

pub(crate) fn open(path: &Path) -> Result<Connection, String> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(path, flags).map_err(|error| format!("{}: {error}", path.display()))
}

/// The rows of a statement, as text.
pub(crate) fn rows(file: &Connection, sql: &str) -> Result<Vec<Vec<String>>, String> {
    let find = || {
        let mut statement = file.prepare(sql)?;
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            (0..columns)
                .map(|column| Ok(row.get::<_, Cell>(column)?.0))
                .collect::<rusqlite::Result<Vec<_>>>()
        })?;
        rows.collect::<rusqlite::Result<Vec<_>>>()
    };
    find().map_err(|error: rusqlite::Error| error.to_string())
}

struct Cell(String);

impl rusqlite::types::FromSql for Cell {
    fn column_result(value: rusqlite::types::ValueRef<'_>) -> rusqlite::types::FromSqlResult<Self> {
        use rusqlite::types::ValueRef;
        Ok(Self(match value {
            ValueRef::Null => "null".to_owned(),
            ValueRef::Integer(number) => number.to_string(),
            ValueRef::Real(number) => number.to_string(),
            ValueRef::Text(text) | ValueRef::Blob(text) => {
                String::from_utf8_lossy(text).into_owned()
            }
        }))
    }
}

/// Every tenant's file.
pub(crate) fn tenant_files(data: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(data.join("tenants")).unwrap();
    let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    let paths = files.map(|file| file.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|it| it == "db")).collect()
}
