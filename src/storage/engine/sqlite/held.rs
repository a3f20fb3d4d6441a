//! Which database files this process has open.
//!
//! POSIX locks belong to a process and a file: closing any descriptor of a file drops every lock that the process holds
//! on it (SQLite, "How To Corrupt An SQLite Database File", section 2.2). Another process then takes itself for the last
//! user of the database, and removes the log that this one goes on writing. So connections are counted here, and the
//! bytes of a file are read only while no connection of this process has it open.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use parking_lot::Mutex;

/// Device and inode of a file.
type Key = (u64, u64);

/// How many connections each open file has. Static because the locks are the process's.
static HELD: Mutex<BTreeMap<Key, usize>> = Mutex::new(BTreeMap::new());

fn key(path: &Path) -> Option<Key> {
    std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()))
}

/// Counts one connection until it is dropped: after the connection itself, so declare it behind that.
#[derive(Debug)]
pub(super) struct Held(Option<Key>);

impl Held {
    /// Opens a connection and counts it in one step, so that the file's bytes are not read in between.
    pub(super) fn open<C, E>(
        path: &Path,
        open: impl FnOnce() -> Result<C, E>,
    ) -> Result<(C, Self), E> {
        let mut held = HELD.lock();
        let conn = open()?;
        let key = key(path);
        if let Some(key) = key {
            *held.entry(key).or_default() += 1;
        }
        Ok((conn, Self(key)))
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let Some(key) = self.0 else { return };
        let mut held = HELD.lock();
        if let Some(count) = held.get_mut(&key) {
            *count -= 1;
            if *count == 0 {
                held.remove(&key);
            }
        }
    }
}

/// Opens and reads a file by other means than SQLite; `None` while a connection of this process has it open.
pub(in crate::storage) fn unless_held<T>(path: &Path, read: impl FnOnce() -> T) -> Option<T> {
    let held = HELD.lock();
    let is_held = key(path).is_some_and(|key| held.contains_key(&key));
    (!is_held).then(read)
}

#[cfg(test)]
mod tests {
    use super::{Held, unless_held};

    #[test]
    fn the_bytes_of_a_file_are_read_only_while_no_connection_has_it_open() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a.db");
        let is_held = |path: &std::path::Path| unless_held(path, || ()).is_none();
        let open = || Held::open(&path, || std::fs::write(&path, "x")).unwrap().1;
        let (first, second) = (open(), open());
        assert_eq!(unless_held(&path, || ()), None);
        drop(first);
        assert!(is_held(&path), "the second connection has it open");
        let moved = place.path().join("b.db");
        std::fs::rename(&path, &moved).unwrap();
        assert!(is_held(&moved) && !is_held(&path), "the file counts, not its name");
        drop(second);
        assert_eq!(unless_held(&moved, || ()), Some(()));
    }
}
