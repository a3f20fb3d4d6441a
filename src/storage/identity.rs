//! Whether a file is the one that the registry means: checked whenever it is opened, never repaired.

use std::path::Path;

use super::audit::{self, Head};
use super::disk::Disk;
use super::engine::sqlite::{FileIdentity, Schema, Setting, read_header};
use super::engine::{Pool, Sql};
use super::queue::Queue;
use super::registry::TenantEntry;
use crate::domain::{Error, FileId, FileProblem, Result, TenantId};

/// Whether the file is there, ours, and of this program's schema.
pub(in crate::storage) fn check_header(disk: &Disk, path: &Path) -> Result<()> {
    disk.opening(path)?;
    let header = match read_header(path) {
        Ok(header) => header,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::File(FileProblem::Missing));
        }
        Err(_) => return Err(Error::File(FileProblem::Damaged)),
    };
    if header.application_id != super::engine::sqlite::APPLICATION_ID {
        return Err(Error::File(FileProblem::Foreign));
    }
    match header.user_version.cmp(&Schema::Tenant.newest()) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::File(FileProblem::Newer)),
        std::cmp::Ordering::Less => Err(Error::File(FileProblem::Outdated)),
    }
}

/// Whether the file says that it is the one that the registry knows, and holds what the registry has seen in it.
pub(in crate::storage) fn check(pool: &Pool, entry: &TenantEntry) -> Result<()> {
    let conn = pool.get().map_err(|_| Error::File(FileProblem::Damaged))?;
    let sql = Sql::on(&conn);
    let damaged = |_| Error::File(FileProblem::Damaged);
    let identity = sql
        .one("select tenant_id, file_id from identity", &[], |row| {
            Ok((row.next::<TenantId>()?, row.next::<FileId>()?))
        })
        .map_err(damaged)?;
    match identity {
        Some((tenant, _)) if tenant != entry.id => return Err(Error::File(FileProblem::Foreign)),
        Some((_, file)) if file != entry.file_id => return Err(Error::File(FileProblem::Replaced)),
        None => return Err(Error::File(FileProblem::Foreign)),
        Some(_) => {}
    }
    let anchor = Head { seq: entry.audit_seq, hash: entry.audit_hash.clone() };
    if audit::contains(sql, &anchor).map_err(damaged)? {
        Ok(())
    } else {
        Err(Error::File(FileProblem::RolledBack))
    }
}

/// What every connection that can be had is really set to, beside what it must be.
pub(in crate::storage) fn contracts(
    pool: &Pool,
    queue: &Queue,
) -> Result<Vec<Vec<(Setting, String)>>> {
    let mut readers = Vec::new();
    while readers.len() < pool.max_size() {
        readers.push(pool.get()?);
    }
    let mut found = Vec::new();
    for reader in &readers {
        found.push(reader.contract()?);
    }
    found.push(queue.with_writer(|conn| Ok(conn.contract()?))?);
    Ok(found)
}

/// Which file the registry's is.
pub(in crate::storage) fn of_registry(pool: &Pool) -> Result<FileIdentity> {
    let conn = pool.get()?;
    let found = Sql::on(&conn).one("select tenant_id, file_id from identity", &[], |row| {
        Ok(FileIdentity { tenant: row.next::<String>()?.into(), file: row.next()? })
    })?;
    found
        .filter(|found| *found.tenant == *"platform")
        .ok_or_else(|| Error::Storage("registry.db is no registry".to_owned()))
}
