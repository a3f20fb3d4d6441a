//! What the data directory must be: this user's own, read by nobody else, with keys that are keys.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use super::when;
use crate::cli::application::socket;
use crate::cli::configuration::FileSecrets;
use crate::identity::{SigningKey, load_secret};
use crate::storage::check_registry;

/// Bytes that the path of a socket may have.
const MAX_SOCKET: usize = 107;
/// What lies in the data directory and tells of tenants.
const PRIVATE: &[&str] =
    &["lock", "registry.db", "registry.db-wal", "tenants", "template", "backups", "keys"];

pub(super) fn findings(data: &Path) -> Vec<String> {
    let mut findings: Vec<String> = socket_path(data).into_iter().collect();
    match fs::symlink_metadata(data) {
        Ok(found) if found.is_dir() => findings.extend(inside(data)),
        Ok(found) if found.is_symlink() => {
            findings.push(about(data, "is a link; give the directory itself with --data"));
        }
        Ok(_) => findings.push(about(data, "is no directory; give another with --data")),
        Err(_) => findings.extend(cannot_be_made(data)),
    }
    findings
}

pub(super) fn about(path: &Path, what: &str) -> String {
    format!("{}: {what}", path.display())
}

/// A configuration file that has secrets is for its owner and its group alone.
pub(super) fn configuration(file: Option<&FileSecrets>) -> Vec<String> {
    let Some(FileSecrets { path, keys }) = file else { return Vec::new() };
    let mode = fs::metadata(path).map_or(0, |found| found.permissions().mode());
    let open = keys.iter().filter(|_| mode & 0o006 != 0);
    open.map(|key| {
        let path = path.display();
        format!("{key}: is a secret, and others may read or change it in {path}; chmod 640 it, and give it to the program's group")
    })
    .collect()
}

fn socket_path(data: &Path) -> Option<String> {
    let path = socket(data);
    let length = path.as_os_str().as_bytes().len();
    when(
        length > MAX_SOCKET,
        about(
            &path,
            &format!(
                "the local socket's path has {length} bytes, may have {MAX_SOCKET}; give a shorter --data"
            ),
        ),
    )
}

fn inside(data: &Path) -> Vec<String> {
    let mut findings = closed_directory(data);
    for name in PRIVATE {
        let path = data.join(name);
        findings.extend(open_to_others(&path).or_else(|| of_another_user(&path)));
        if path.is_dir() {
            findings.extend(cannot_be_written(&path));
        }
    }
    let registry = data.join("registry.db");
    if registry.exists() {
        findings.extend(check_registry(&registry).err());
    }
    findings.extend(keys(&data.join("keys")).iter().filter_map(|key| {
        is_link(key)
            .or_else(|| open_to_others(key))
            .or_else(|| of_another_user(key))
            .or_else(|| no_key(key))
    }));
    findings
}

/// What is wrong with a directory that files of tenants are to be kept in.
pub(super) fn closed_directory(path: &Path) -> Vec<String> {
    [open_to_others(path), of_another_user(path), cannot_be_written(path)]
        .into_iter()
        .flatten()
        .collect()
}

/// Others may read it, or change it.
pub(super) fn open_to_others(path: &Path) -> Option<String> {
    let found = fs::metadata(path).ok()?;
    let mode = if found.is_dir() { "700" } else { "600" };
    when(
        found.permissions().mode() & 0o077 != 0,
        about(path, &format!("others may read it; chmod {mode} it")),
    )
}

/// The super-user is refused too: what it makes there, the owner could not open.
pub(super) fn of_another_user(path: &Path) -> Option<String> {
    let (owner, user) = (fs::metadata(path).ok()?.uid(), fs::metadata("/proc/self").ok()?.uid());
    when(
        owner != user,
        about(
            path,
            &format!(
                "belongs to the user {owner}, and this process to {user}; run it as that user, or chown it"
            ),
        ),
    )
}

/// Asks the file system, which alone knows: by a file that has no name.
fn cannot_be_written(directory: &Path) -> Option<String> {
    let error = tempfile::tempfile_in(directory).err()?;
    Some(about(directory, &format!("cannot be written: {error}")))
}

/// What a directory that is not there yet would be made in cannot be written.
pub(super) fn cannot_be_made(path: &Path) -> Option<String> {
    let absolute = std::path::absolute(path).ok()?;
    let parent = absolute.ancestors().find(|ancestor| ancestor.exists())?;
    if parent.is_dir() {
        cannot_be_written(parent)
    } else {
        Some(about(parent, "is no directory, and one is to be made in it"))
    }
}

fn keys(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut keys: Vec<_> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "key"))
        .collect();
    keys.sort();
    keys
}

fn is_link(path: &Path) -> Option<String> {
    when(path.is_symlink(), about(path, "is a link; put the key itself there"))
}

fn no_key(path: &Path) -> Option<String> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let (read, without) = match name {
        "cursor.key" => (load_secret(path).map(drop), "log-ins under way and cursors"),
        "api.key" => (load_secret(path).map(drop), "every API key there is"),
        "webhook.key" => (load_secret(path).map(drop), "every webhook's secret"),
        _ => (SigningKey::load(path).map(drop), "what it signed"),
    };
    let error = read.err()?;
    Some(format!(
        "{error}; put the right one back: a new one that is made in its place ends {without}"
    ))
}
