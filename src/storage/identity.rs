//! Whether a file is the one that the registry means: checked whenever it is opened, never repaired.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::fs::Access;
use rustix::io::Errno;

use super::disk::Disk;
use super::engine::sqlite::{
    APPLICATION_ID, FileIdentity, HEADER_BYTES, Header, Maintenance, Schema, Setting, read_header,
    version_of,
};
use super::engine::{Pool, Row, Sql, SqlError, params};
use super::examination::found_of;
use super::queue::Queue;
use super::registry::TenantEntry;
use crate::domain::{Error, FileId, FileProblem, Result, TenantId};

/// Whether the file is there, no link, ours, whole by its own account, and of this program's schema.
pub(in crate::storage) fn check_header(disk: &Disk, path: &Path) -> Result<()> {
    match check_file(disk, path)?.cmp(&Schema::Tenant.newest()) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Greater => Err(Error::File(FileProblem::Newer)),
        std::cmp::Ordering::Less => Err(Error::File(FileProblem::Outdated)),
    }
}

/// The same of a file whose schema may be older, which is what it says: the version of its schema.
pub(in crate::storage) fn check_file(disk: &Disk, path: &Path) -> Result<u32> {
    disk.opening(path)?;
    look_at(path)
}

/// What is wrong with the registry's file as it lies there, if something is, and what to do.
///
/// # Errors
/// Says so, by its path.
pub fn check_registry(path: &Path) -> std::result::Result<(), String> {
    look_at(path).map(drop).map_err(|error| about_registry(path, error).to_string())
}

/// An error of opening the registry, with its path and what to do.
pub(in crate::storage) fn about_registry(path: &Path, error: Error) -> Error {
    let Error::File(problem) = error else { return error };
    let remedy = match problem {
        FileProblem::Denied => "give it, and `-wal` and `-shm` beside it, back to that user: chown",
        FileProblem::Newer => "run the newer program",
        _ => "put back a copy of the whole data directory, of one moment",
    };
    Error::Storage(format!("{}: {}; {remedy}", path.display(), found_of(problem)))
}

fn look_at(path: &Path) -> Result<u32> {
    let file = std::fs::symlink_metadata(path).map_err(problem)?;
    check_access(path)?;
    let Some(header) = header_of(path, &file)? else { return ask(path) };
    if header.application_id != APPLICATION_ID {
        return Err(Error::File(FileProblem::Foreign));
    }
    if header.is_whole(path, file.len()).map_err(problem)? {
        Ok(header.user_version)
    } else {
        Err(Error::File(FileProblem::Truncated))
    }
}

/// Whether the program's user may use the file, and what SQLite keeps beside it.
fn check_access(path: &Path) -> Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        let access = rustix::fs::access(Path::new(&name), Access::READ_OK | Access::WRITE_OK);
        if matches!(access, Err(Errno::ACCESS | Errno::PERM | Errno::ROFS)) {
            return Err(Error::File(FileProblem::Denied));
        }
        // Where a log or an index must be, nothing else can stand.
        if !suffix.is_empty() && std::fs::symlink_metadata(&name).is_ok_and(|it| !it.is_file()) {
            return Err(Error::File(FileProblem::Linked));
        }
    }
    Ok(())
}

/// The version of a file that this process has open, and that was looked at before: SQLite alone may read it.
fn ask(path: &Path) -> Result<u32> {
    let file = Maintenance::open(path).map_err(unread)?;
    let version = version_of(&file).map_err(unread);
    file.abandon()?;
    version
}

fn header_of(path: &Path, file: &Metadata) -> Result<Option<Header>> {
    if file.is_symlink() || (file.is_file() && file.nlink() > 1) {
        return Err(Error::File(FileProblem::Linked));
    }
    // A pipe would be waited for.
    if !file.is_file() {
        return Err(Error::File(FileProblem::Foreign));
    }
    if file.len() < HEADER_BYTES as u64 {
        return Err(Error::File(FileProblem::Truncated));
    }
    read_header(path).map_err(problem)
}

fn problem(error: std::io::Error) -> Error {
    Error::File(match error.kind() {
        std::io::ErrorKind::NotFound => FileProblem::Missing,
        std::io::ErrorKind::PermissionDenied => FileProblem::Denied,
        _ => FileProblem::Damaged,
    })
}

const IDENTITY: &str = "select tenant_id, file_id from identity";

fn identity(row: &mut Row<'_>) -> Result<(TenantId, FileId), SqlError> {
    Ok((row.next()?, row.next()?))
}

/// What fails for any other reason than the disk's or somebody's lock fails by what the file holds.
fn unread(error: SqlError) -> Error {
    match error.into() {
        Error::Internal(_) => Error::File(FileProblem::Damaged),
        other => other,
    }
}

/// Opens a file whatever its version, if it is the one that the registry knows. One that is refused is left as it lies.
pub(in crate::storage) fn open_known(path: &Path, entry: &TenantEntry) -> Result<Maintenance> {
    let file = Maintenance::open(path).map_err(unread)?;
    match check_schema(&file).and_then(|()| check_maintained(&file, entry)) {
        Ok(()) => Ok(file),
        Err(refusal) => {
            file.abandon()?;
            Err(refusal)
        }
    }
}

/// Whether the file says that it is the one that the registry knows, and holds what the registry has seen in it.
fn check_maintained(file: &Maintenance, entry: &TenantEntry) -> Result<()> {
    is_known(file.one(IDENTITY, identity).map_err(unread)?, entry)?;
    if entry.audit_seq == 0 {
        return Ok(());
    }
    let hash: Option<String> = file
        .one_of("select hash from audit_log where seq = ?1", params![entry.audit_seq], |row| {
            row.next()
        })
        .map_err(unread)?;
    is_anchored(hash.as_ref() == Some(&entry.audit_hash))
}

/// Whether a file that says that it has this program's schema has it: else statements fail that cannot fail.
fn check_schema(file: &Maintenance) -> Result<()> {
    let has_it = || Ok(version_of(file)? != Schema::Tenant.newest() || Schema::Tenant.is_of(file)?);
    if has_it().map_err(unread)? { Ok(()) } else { Err(Error::File(FileProblem::Damaged)) }
}

fn is_known(found: Option<(TenantId, FileId)>, entry: &TenantEntry) -> Result<()> {
    match found {
        Some((tenant, file)) if tenant == entry.id && file == entry.file_id => Ok(()),
        Some((tenant, _)) if tenant == entry.id => Err(Error::File(FileProblem::Replaced)),
        _ => Err(Error::File(FileProblem::Foreign)),
    }
}

fn is_anchored(has_the_anchor: bool) -> Result<()> {
    if has_the_anchor { Ok(()) } else { Err(Error::File(FileProblem::RolledBack)) }
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
    let found = found
        .filter(|found| *found.tenant == *"platform")
        .ok_or_else(|| Error::Storage("registry.db is no registry".to_owned()))?;
    conn.leave_log(false)?;
    Ok(found)
}
