//! What `doctor` and `audit verify` read if the data directory cannot be written: a copy of its files in a temporary
//! directory.
//!
//! SQLite needs to write beside a file to read it. The copy has each database with its log (`-wal`), so that nothing
//! committed is missing. The application does not start: no key is used, no work is done, no row is written.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use super::application::{call, socket};
use super::clock::SystemClock;
use super::configuration::Configuration;
use super::{node, output};
use crate::domain::{AuditVerification, DiagnosticsReport, DiagnosticsRequest};
use crate::policy::Policy;
use crate::services::{audit, diagnostics};
use crate::storage::Registry;

/// What a copy needs no copy of: what belongs to a process, and copies themselves.
const LEFT_OUT: &[&str] = &["lock", "freehold.sock", "backups", "keys"];
/// How long closing the copy may take.
const CLOSING: Duration = Duration::from_secs(30);

/// A copy of a data directory, open.
pub(super) struct Copy {
    registry: Registry,
    /// Removed with the copy.
    _place: TempDir,
}

/// Reads a copy of the data directory, if one is needed.
pub(super) async fn read<T: Send + 'static>(
    data: &Path,
    configuration: &Configuration,
    work: impl FnOnce(&Copy) -> Result<T> + Send + 'static,
) -> Result<Option<T>> {
    let (data, configuration) = (data.to_owned(), configuration.clone());
    node::apart(move || {
        let copy = Copy::if_needed(&data, &configuration)?;
        copy.map(|copy| work(&copy)).transpose()
    })
    .await
}

impl Copy {
    /// Copies the data directory if it cannot be written and no server runs on it, and says so.
    fn if_needed(data: &Path, configuration: &Configuration) -> Result<Option<Self>> {
        let regions = || configuration.storage.regions.values().map(PathBuf::as_path);
        let directories = [data.to_owned(), data.join("tenants")];
        let read_only =
            directories.iter().map(PathBuf::as_path).chain(regions()).find(|it| is_read_only(it));
        let Some(read_only) = read_only else { return Ok(None) };
        if UnixStream::connect(socket(data)).is_ok() {
            return Ok(None);
        }
        let place = tempfile::Builder::new().prefix("freehold-copy-").tempdir();
        let place = place.context("a temporary directory cannot be made; TMPDIR says where")?;
        output::tell(&format!(
            "freehold: {} cannot be written: its files are copied to {} and read there; no row is written",
            read_only.display(),
            place.path().display()
        ));
        Self::make(data, configuration, place).map(Some)
    }

    fn make(data: &Path, configuration: &Configuration, place: TempDir) -> Result<Self> {
        let _lock = lock(data)?;
        let mut settings = configuration.storage(&place.path().join("data"));
        // Nothing is kept there.
        settings.min_free_bytes = 0;
        copy_directory(data, &settings.data)?;
        for (name, region) in &mut settings.regions {
            let copy = place.path().join("regions").join(name.as_str());
            copy_directory(region, &copy)?;
            *region = copy;
        }
        let registry =
            Registry::start(settings, Arc::new(Policy::embedded()?), Arc::new(SystemClock))?;
        Ok(Self { registry, _place: place })
    }

    /// Examines every file, or one tenant's.
    pub(super) fn examine(&self, tenant: Option<&str>) -> Result<DiagnosticsReport> {
        let request = DiagnosticsRequest { tenant: tenant.map(str::to_owned), fix: false };
        Ok(diagnostics::run(&self.registry, &call("doctor"), &request)?)
    }

    /// Verifies the chain of every audit log, or of one tenant's.
    pub(super) fn verify(&self, tenant: Option<&str>) -> Result<Vec<(String, Verified)>> {
        Ok(audit::verify_each(&self.registry, &call("audit verify"), tenant)?)
    }
}

/// A verification, or the reason that it is missing.
type Verified = crate::domain::Result<AuditVerification>;

impl Drop for Copy {
    fn drop(&mut self) {
        self.registry.close(CLOSING);
    }
}

/// Whether a directory refuses every write. A full disk does not.
fn is_read_only(directory: &Path) -> bool {
    let refused = tempfile::tempfile_in(directory).err().map(|error| error.kind());
    matches!(refused, Some(ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem))
}

/// Keeps servers out while files are copied. One that writes by another path to the directory is noticed.
fn lock(data: &Path) -> Result<Option<File>> {
    let path = data.join("lock");
    let lock = match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.with_context(|| path.display().to_string())?,
    };
    match lock.try_lock_shared() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => bail!(
            "{} belongs to a running freehold that writes to it by another path: ask that one, or stop it",
            data.display()
        ),
        Err(TryLockError::Error(error)) => Err(error).context(path.display().to_string()),
    }
}

/// Copies directories, files and links; an index (`-shm`) is made anew by SQLite.
fn copy_directory(from: &Path, to: &Path) -> Result<()> {
    let failed = || from.display().to_string();
    fs::DirBuilder::new().recursive(true).mode(0o700).create(to)?;
    for entry in fs::read_dir(from).with_context(failed)? {
        let entry = entry.with_context(failed)?;
        let (name, path) = (entry.file_name(), entry.path());
        let text = name.to_string_lossy();
        if LEFT_OUT.contains(&&*text) || text.ends_with("-shm") {
            continue;
        }
        let (kind, copy) = (entry.file_type().with_context(failed)?, to.join(&name));
        if kind.is_dir() {
            copy_directory(&path, &copy)?;
        } else if kind.is_symlink() {
            // A link is refused in a file's place; the copy shows that it is one.
            symlink(fs::read_link(&path)?, &copy)?;
        } else if kind.is_file() {
            fs::copy(&path, &copy).with_context(|| path.display().to_string())?;
            fs::set_permissions(&copy, fs::Permissions::from_mode(0o600))?;
        }
    }
    Ok(())
}
