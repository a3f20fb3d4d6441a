//! A directory whose files are watched.
//!
//! SQLite's accesses come from the VFS, before and after they are done. The program's own are announced before alone:
//! what became of one is looked up as soon as the thread that announced it does anything else. Only a sync counts when
//! it is announced, since whoever waits for it may be answered by another thread.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::thread::{self, ThreadId};

use freehold::storage::{Faults, Operation};
use parking_lot::{Mutex, RwLock};

use crate::fault::{Fault, Room};
use crate::{Access, Event, FileId, Hit, Kind, Recording};

/// The worlds that there are.
static WORLDS: RwLock<Vec<Weak<World>>> = RwLock::new(Vec::new());

/// What `synchronous` is made to be, whatever a connection asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// Nothing is ever synced.
    Off = 0,
    /// The log is synced when it is written back, not when something is committed.
    Normal = 1,
}

/// A directory whose files are watched.
#[derive(Debug)]
pub struct World {
    root: PathBuf,
    state: Mutex<State>,
}

/// What a name stands for.
#[derive(Debug, Clone, Copy)]
enum Known {
    Directory,
    /// A file, and the file system's number of it.
    File(FileId, u64),
}

#[derive(Debug)]
struct State {
    made: u64,
    names: HashMap<PathBuf, Known>,
    announced: HashMap<ThreadId, Vec<PathBuf>>,
    recording: Option<Recording>,
    fault: Option<Fault>,
    room: Room,
    synchronous: Option<Synchronous>,
    forgets_directories: bool,
}

impl World {
    /// Watches a directory, made where it is not there, as long as the world is kept.
    ///
    /// # Errors
    /// The directory cannot be made.
    pub fn over(root: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(root)?;
        let state = State {
            made: 0,
            names: HashMap::new(),
            announced: HashMap::new(),
            recording: None,
            fault: None,
            room: Room::Endless,
            synchronous: None,
            forgets_directories: false,
        };
        let world = Arc::new(Self { root: root.canonicalize()?, state: Mutex::new(state) });
        let mut worlds = WORLDS.write();
        worlds.retain(|other| other.strong_count() > 0);
        worlds.push(Arc::downgrade(&world));
        drop(worlds);
        Ok(world)
    }

    /// The world that a file belongs to.
    pub(crate) fn of(path: &Path) -> Option<Arc<Self>> {
        let worlds = WORLDS.read();
        worlds.iter().filter_map(Weak::upgrade).find(|world| path.starts_with(&world.root))
    }

    /// Takes all that is there for durable, and writes down what happens from now on. Nobody must be using it.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn record(&self) -> io::Result<()> {
        let mut state = self.state.lock();
        state.recording = None;
        let mut base = Recording::default();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder)? {
                let path = entry?.path();
                state.look(&self.root, &path);
                let name = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
                match state.names.get(&path) {
                    Some(Known::Directory) => {
                        base.base.add_directory(name);
                        folders.push(path);
                    }
                    Some(Known::File(id, _)) => base.base.add_file(name, *id, fs::read(&path)?),
                    None => {}
                }
            }
        }
        state.recording = Some(base);
        Ok(())
    }

    /// What was written down; no more is.
    pub fn recorded(&self) -> Recording {
        self.state.lock().recording.take().unwrap_or_default()
    }

    /// Writes down that somebody was told that something is done.
    pub fn acknowledge(&self, what: usize) {
        self.state.lock().log(Event::Acknowledged(what));
    }

    /// Makes one access fail, after so many that go well.
    pub fn fail(&self, kind: Kind, after: usize) {
        self.state.lock().fault = Some(Fault::new(kind, after));
    }

    /// Makes no access fail any more; tells which one did.
    pub fn heal(&self) -> Option<Hit> {
        self.state.lock().fault.take().and_then(|fault| fault.hit)
    }

    /// Leaves room for files to grow by so many bytes, or all that there is.
    pub fn leave_room(&self, bytes: Option<u64>) {
        self.state.lock().room = bytes.map_or(Room::Endless, Room::Left);
    }

    /// Lets a file say by how many bytes files may grow.
    pub fn room_is_told_by(&self, file: PathBuf) {
        self.state.lock().room = Room::Told(file, 0);
    }

    /// Makes connections that are opened from now on keep another promise.
    pub fn weaken(&self, synchronous: Synchronous) {
        self.state.lock().synchronous = Some(synchronous);
    }

    /// From now on directories are not synced, whoever asks for it.
    pub fn forget_directories(&self) {
        self.state.lock().forgets_directories = true;
    }

    pub(crate) fn synchronous(&self) -> Option<Synchronous> {
        self.state.lock().synchronous
    }

    /// An access that is about to be made: how it fails, if it is to.
    pub(crate) fn admit(&self, access: Access, path: &Path) -> Option<Kind> {
        let mut state = self.state.lock();
        state.look_at_announced(&self.root);
        state.fault.as_mut().and_then(|fault| fault.meet(access, path))
    }

    /// Takes room for a file that grows.
    pub(crate) fn take_room(&self, bytes: u64) -> bool {
        self.state.lock().room.take(bytes)
    }

    /// A file that SQLite has opened.
    pub(crate) fn opened(&self, path: &Path) -> Option<FileId> {
        let mut state = self.state.lock();
        state.look(&self.root, path);
        match state.names.get(path) {
            Some(Known::File(id, _)) => Some(*id),
            _ => None,
        }
    }

    pub(crate) fn wrote(&self, file: FileId, at: u64, bytes: &[u8]) {
        self.state.lock().log_with(|| Event::Written(file, at, bytes.to_vec()));
    }

    pub(crate) fn truncated(&self, file: FileId, before: u64, length: u64) {
        let mut state = self.state.lock();
        state.room.give(before.saturating_sub(length));
        state.log(Event::Resized(file, length));
    }

    pub(crate) fn removed(&self, path: &Path, length: u64) {
        let mut state = self.state.lock();
        state.room.give(length);
        state.look(&self.root, path);
    }

    pub(crate) fn synced(&self, file: FileId) {
        let mut state = self.state.lock();
        state.log(Event::Syncing(Some(file)));
        state.log(Event::Synced(file));
    }

    pub(crate) fn synced_directory(&self, directory: &Path) {
        let mut state = self.state.lock();
        state.sync_directory(&self.root, directory);
    }

    fn announce(&self, operation: Operation, path: &Path) {
        let mut state = self.state.lock();
        match operation {
            Operation::Write => {
                state.announced.entry(thread::current().id()).or_default().push(path.to_owned());
            }
            Operation::Sync => {
                state.look(&self.root, path);
                match state.names.get(path).copied() {
                    Some(Known::File(id, _)) => {
                        state.log(Event::Syncing(Some(id)));
                        state.log(Event::Synced(id));
                    }
                    _ => state.sync_directory(&self.root, path),
                }
            }
            Operation::Open | Operation::Read => {}
        }
    }
}

impl State {
    fn log(&mut self, event: Event) {
        self.log_with(|| event);
    }

    fn log_with(&mut self, event: impl FnOnce() -> Event) {
        if let Some(recording) = &mut self.recording {
            recording.events.push(event());
        }
    }

    fn sync_directory(&mut self, root: &Path, directory: &Path) {
        self.log(Event::Syncing(None));
        if !self.forgets_directories
            && let Ok(name) = directory.strip_prefix(root)
        {
            self.log(Event::SyncedDirectory(name.to_owned()));
        }
    }

    fn look_at_announced(&mut self, root: &Path) {
        let paths = self.announced.remove(&thread::current().id());
        for path in paths.into_iter().flatten() {
            self.look(root, &path);
        }
    }

    /// Finds out what a name stands for now, and what has happened to it since it was last looked at.
    fn look(&mut self, root: &Path, path: &Path) {
        let Ok(name) = path.strip_prefix(root) else { return };
        // What is shared between processes, and who owns the directory, does not outlive a power cut.
        if name.as_os_str().is_empty() || name == "lock" || name.to_string_lossy().ends_with("-shm")
        {
            return;
        }
        let there = fs::symlink_metadata(path).ok();
        match (self.names.get(path).copied(), there) {
            (Some(_), None) => {
                self.names.remove(path);
                self.log(Event::Removed(name.to_owned()));
            }
            (None, Some(there)) if there.is_dir() => {
                self.names.insert(path.to_owned(), Known::Directory);
                self.log(Event::MadeDirectory(name.to_owned()));
            }
            (Some(Known::File(_, number)), Some(there)) if number == there.ino() => {}
            (Some(Known::Directory), _) | (None, None) => {}
            (_, Some(there)) => self.meet(root, path, there.ino()),
        }
    }

    /// A file under a name that it did not have: it was renamed, or is new.
    fn meet(&mut self, root: &Path, path: &Path, number: u64) {
        let name = |path: &Path| path.strip_prefix(root).unwrap_or(path).to_owned();
        let before = self.names.iter().find_map(|(other, known)| match known {
            Known::File(id, it) if *it == number && !other.exists() => Some((other.clone(), *id)),
            _ => None,
        });
        if let Some((other, id)) = before {
            self.names.remove(&other);
            self.names.insert(path.to_owned(), Known::File(id, number));
            self.log(Event::Renamed(name(&other), name(path)));
            return;
        }
        let id = FileId(self.made);
        self.made += 1;
        self.names.insert(path.to_owned(), Known::File(id, number));
        self.log(Event::Made(name(path), id));
        let content = fs::read(path).unwrap_or_default();
        if !content.is_empty() {
            self.log(Event::Written(id, 0, content));
        }
    }
}

impl Faults for World {
    fn before(&self, operation: Operation, path: &Path) -> io::Result<()> {
        match self.admit(Access::Disk(operation), path) {
            Some(Kind::Broken) => return Err(io::Error::other("a broken disk")),
            Some(Kind::Full) => return Err(io::ErrorKind::StorageFull.into()),
            None => {}
        }
        // A file of the program's own takes a block at least.
        if operation == Operation::Write && !self.take_room(4096) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.announce(operation, path);
        Ok(())
    }
}
