//! The data directory, and the one seam at which faults can be injected.
//!
//! `<data>/registry.db`, `<data>/tenants/<2 hex>/<tenant-id>.db` (or under the directory that the configuration gives
//! the tenant's data region), `<data>/template/`, `<data>/backups/`, `<data>/keys/`. Names come from ids, never from
//! slugs. Files have mode 0600, directories 0700.
//!
//! Every file that Freehold opens, copies, renames or syncs itself passes [`Disk`], which asks [`Faults`] first. What
//! SQLite reads and writes passes SQLite's default VFS, which a test rig can replace before it starts the program.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::engine::sqlite::unless_held;
use crate::domain::{Error, Region, Result, TenantId};

/// How often a data directory that another process owns is asked for: for three seconds.
const MAX_TRIES: u32 = 150;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// Bytes without which nothing can be written, whatever is configured.
const LEAST_ROOM: u64 = 1024 * 1024;

/// Bytes that are free where a directory is.
fn free(directory: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(directory)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// What is about to be done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// Opening it.
    Open,
    /// Reading it.
    Read,
    /// Writing, creating, renaming or removing it.
    Write,
    /// Making sure that it is on the disk.
    Sync,
}

/// Decides, before each operation, whether it fails.
pub trait Faults: Send + Sync + 'static {
    /// An error makes the operation fail with it.
    ///
    /// # Errors
    /// The fault to inject.
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()>;
}

/// Injects nothing.
#[derive(Debug)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn before(&self, _: Operation, _: &Path) -> io::Result<()> {
        Ok(())
    }
}

/// The data directory.
#[derive(Clone)]
pub(in crate::storage) struct Disk {
    root: PathBuf,
    regions: BTreeMap<Region, PathBuf>,
    min_free_bytes: u64,
    faults: Arc<dyn Faults>,
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Disk").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Turns a failure of the file system into an error that names the file.
pub(in crate::storage) fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |error| match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::DiskFull,
        _ => Error::Storage(format!("{}: {error}", path.display())),
    }
}

/// A database that SQLite has open is not opened besides: closing it again would drop SQLite's locks.
fn held(path: &Path) -> Error {
    Error::Internal(format!("{}: SQLite has it open", path.display()))
}

/// Which files lie in a database's place: device and inode of the file and of its log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) struct FileStamp {
    file: (u64, u64),
    log: Option<(u64, u64)>,
    bytes: u64,
}

impl FileStamp {
    /// Whether the same files lie there later, and nothing was cut off.
    pub(in crate::storage) fn goes_on_as(&self, later: &Self) -> bool {
        (self.file, self.log) == (later.file, later.log) && self.bytes <= later.bytes
    }
}

impl Disk {
    /// Takes a directory, made where it is not there.
    pub(in crate::storage) fn new(
        root: &Path,
        regions: BTreeMap<Region, PathBuf>,
        min_free_bytes: u64,
        faults: Arc<dyn Faults>,
    ) -> Result<Self> {
        let disk = Self { root: root.to_owned(), regions, min_free_bytes, faults };
        disk.ensure_directory(&disk.root)?;
        for directory in ["tenants", "template", "backups", "keys"] {
            disk.make_directory(&disk.root.join(directory))?;
        }
        for directory in disk.regions.values() {
            disk.ensure_directory(directory)?;
        }
        let root = disk.root.canonicalize().map_err(failed(&disk.root))?;
        Ok(Self { root, ..disk })
    }

    /// Takes the directory for this process, until the lock is dropped.
    pub(in crate::storage) fn lock(&self) -> Result<File> {
        let path = self.root.join("lock");
        self.faults.before(Operation::Open, &path).map_err(failed(&path))?;
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed(&path))?;
        self.restrict(&path)?;
        // A verb that is at work without a server holds it for a moment.
        let mut tries = 1;
        while file.try_lock().is_err() {
            if tries == MAX_TRIES {
                return Err(self.taken(&mut file));
            }
            tries += 1;
            std::thread::sleep(BETWEEN_TRIES);
        }
        // Only for whoever is refused: a full disk keeps nobody from starting.
        let _unwritten = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(file)
    }

    fn taken(&self, lock: &mut File) -> Error {
        let mut holder = String::new();
        // It may be empty: whoever holds it has not written yet.
        let _unread = lock.read_to_string(&mut holder);
        let holder = if holder.is_empty() { String::new() } else { format!(", process {holder}") };
        Error::Storage(format!(
            "{} belongs to another running freehold{holder}: stop that one, or give another directory with --data",
            self.root.display()
        ))
    }

    /// The registry's file.
    pub(in crate::storage) fn registry(&self) -> PathBuf {
        self.root.join("registry.db")
    }

    /// A tenant's file.
    pub(in crate::storage) fn tenant(&self, tenant: TenantId, region: &Region) -> PathBuf {
        let name = tenant.to_string();
        let tenants =
            self.regions.get(region).cloned().unwrap_or_else(|| self.root.join("tenants"));
        // The last two digits of a UUIDv7 are random; its first are time.
        tenants.join(&name[name.len() - 2..]).join(format!("{name}.db"))
    }

    /// The migrated file of which every new tenant's is a copy.
    pub(in crate::storage) fn template(&self, version: u32) -> PathBuf {
        self.root.join("template").join(format!("tenant-{version}.db"))
    }

    /// Where a copy of a file goes before the file is migrated.
    pub(in crate::storage) fn snapshot(&self, tenant: TenantId, version: u32) -> PathBuf {
        self.root.join("backups").join(format!("{tenant}-v{version}.db"))
    }

    /// Where a copy of the registry goes before it is migrated.
    pub(in crate::storage) fn registry_snapshot(&self, version: u32) -> PathBuf {
        self.root.join("backups").join(format!("registry-v{version}.db"))
    }

    /// Every tenant's file that lies in the directory or a region, by the id that its name says.
    pub(in crate::storage) fn tenants(&self) -> Result<Vec<(Option<TenantId>, PathBuf)>> {
        let mut found = Vec::new();
        let places =
            std::iter::once(self.root.join("tenants")).chain(self.regions.values().cloned());
        for place in places {
            self.faults.before(Operation::Read, &place).map_err(failed(&place))?;
            for folder in fs::read_dir(&place).map_err(failed(&place))?.flatten() {
                let Ok(files) = fs::read_dir(folder.path()) else { continue };
                for file in files.flatten().map(|file| file.path()) {
                    if file.extension().is_some_and(|extension| extension == "db") {
                        let id = file
                            .file_stem()
                            .and_then(|name| name.to_str())
                            .and_then(|name| name.parse().ok());
                        found.push((id, file));
                    }
                }
            }
        }
        Ok(found)
    }

    /// Whether a file is there.
    pub(in crate::storage) fn exists(&self, path: &Path) -> Result<bool> {
        self.faults.before(Operation::Open, path).map_err(failed(path))?;
        fs::exists(path).map_err(failed(path))
    }

    /// Refuses to write where less room is left than must be: what reads need to go on is kept free.
    pub(in crate::storage) fn check_room(&self, path: &Path) -> Result<()> {
        if self.min_free_bytes == 0 {
            return Ok(());
        }
        let directory = path.parent().unwrap_or(&self.root);
        let free = free(directory).map_err(failed(directory))?;
        if free < self.min_free_bytes { Err(Error::DiskFull) } else { Ok(()) }
    }

    /// Whether the registry can be written, as far as room goes.
    pub(in crate::storage) fn has_room(&self) -> bool {
        free(&self.root).is_ok_and(|free| free >= self.min_free_bytes.max(LEAST_ROOM))
    }

    /// Whether the lock that lies in its place is the one that this process holds.
    pub(in crate::storage) fn is_locked_by(&self, lock: &File) -> bool {
        let place = fs::metadata(self.root.join("lock"));
        let (Ok(place), Ok(held)) = (place, lock.metadata()) else { return false };
        (place.dev(), place.ino()) == (held.dev(), held.ino())
    }

    /// Which files lie in a database's place now.
    pub(in crate::storage) fn stamp(&self, path: &Path) -> Result<FileStamp> {
        self.faults.before(Operation::Read, path).map_err(failed(path))?;
        let of = |path: &Path| fs::metadata(path).map(|found| (found.dev(), found.ino()));
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let bytes = fs::metadata(path).map_err(failed(path))?.len();
        let file = of(path).map_err(failed(path))?;
        Ok(FileStamp { file, log: of(Path::new(&log)).ok(), bytes })
    }

    /// To be called before SQLite opens a file.
    pub(in crate::storage) fn opening(&self, path: &Path) -> Result<()> {
        self.faults.before(Operation::Open, path).map_err(failed(path))
    }

    /// Makes a directory that only its owner may enter. It has its name after a power cut, too: files that are synced
    /// in a directory without a durable name are lost with it.
    pub(in crate::storage) fn make_directory(&self, path: &Path) -> Result<()> {
        self.faults.before(Operation::Write, path).map_err(failed(path))?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
        match path.parent() {
            Some(parent) if parent.as_os_str().is_empty() => self.sync(Path::new(".")),
            Some(parent) => self.sync(parent),
            None => Ok(()),
        }
    }

    /// The same, where it is not there yet: the directory around one that others have made is theirs, and need not be
    /// readable.
    fn ensure_directory(&self, path: &Path) -> Result<()> {
        if path.is_dir() { Ok(()) } else { self.make_directory(path) }
    }

    /// Copies a file that nobody has open.
    pub(in crate::storage) fn copy(&self, from: &Path, to: &Path) -> Result<()> {
        self.faults.before(Operation::Read, from).map_err(failed(from))?;
        self.faults.before(Operation::Write, to).map_err(failed(to))?;
        unless_held(from, || fs::copy(from, to)).ok_or_else(|| held(from))?.map_err(failed(to))?;
        self.restrict(to)
    }

    /// Lets only its owner read a file.
    pub(in crate::storage) fn restrict(&self, path: &Path) -> Result<()> {
        self.faults.before(Operation::Write, path).map_err(failed(path))?;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(failed(path))
    }

    /// Puts a finished file in its place: synced, renamed, and its directory synced.
    pub(in crate::storage) fn put(&self, from: &Path, to: &Path) -> Result<()> {
        self.sync(from)?;
        self.faults.before(Operation::Write, to).map_err(failed(to))?;
        fs::rename(from, to).map_err(failed(to))?;
        match to.parent() {
            Some(directory) => self.sync(directory),
            None => Ok(()),
        }
    }

    /// Removes a file, and what SQLite may have left beside it; none there is as good.
    pub(in crate::storage) fn remove(&self, path: &Path) -> Result<()> {
        for suffix in ["", "-wal", "-shm"] {
            let mut name = path.as_os_str().to_owned();
            name.push(suffix);
            let path = PathBuf::from(name);
            self.faults.before(Operation::Write, &path).map_err(failed(&path))?;
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(failed(&path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn sync(&self, path: &Path) -> Result<()> {
        self.faults.before(Operation::Sync, path).map_err(failed(path))?;
        // Without the lock, so that no connection waits for the disk: a file that is being made has no connections.
        unless_held(path, || ()).ok_or_else(|| held(path))?;
        File::open(path).and_then(|file| file.sync_all()).map_err(failed(path))
    }
}
