//! What of a data directory is durable, and what is not yet.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::{Event, FileId};

/// What a name means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Node {
    Directory,
    File(FileId),
}

/// A change of a file's content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    Written(usize, Vec<u8>),
    Resized(usize),
}

impl Change {
    pub(crate) fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Written(at, bytes) => write(content, *at, bytes),
            Self::Resized(length) => content.resize(*length, 0),
        }
    }
}

pub(crate) fn write(content: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    let end = at + bytes.len();
    if content.len() < end {
        content.resize(end, 0);
    }
    content[at..end].copy_from_slice(bytes);
}

/// A file: what is durable of it, and what was done since it was last synced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Content {
    pub(crate) durable: Vec<u8>,
    pub(crate) pending: Vec<Change>,
}

/// A data directory at a moment.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// Names that are durable.
    pub(crate) names: BTreeMap<PathBuf, Node>,
    /// Changes of names that are not, in order.
    pub(crate) renaming: Vec<Event>,
    pub(crate) files: BTreeMap<FileId, Content>,
    /// What was acknowledged.
    pub acknowledged: Vec<usize>,
}

impl Model {
    /// Adds a durable directory.
    pub(crate) fn add_directory(&mut self, path: PathBuf) {
        self.names.insert(path, Node::Directory);
    }

    /// Adds a durable file.
    pub(crate) fn add_file(&mut self, path: PathBuf, id: FileId, content: Vec<u8>) {
        self.names.insert(path, Node::File(id));
        self.files.insert(id, Content { durable: content, pending: Vec::new() });
    }

    /// Whether a file has a name, durable or not, that is one of those meant.
    pub fn is_named(&self, file: FileId, is_meant: impl Fn(&Path) -> bool) -> bool {
        let durable = self.names.iter().filter(|(_, node)| **node == Node::File(file));
        durable.map(|(path, _)| path).any(|path| is_meant(path))
    }

    /// How many changes of a file wait for a sync.
    pub fn waiting(&self, file: FileId) -> usize {
        self.files.get(&file).map_or(0, |content| content.pending.len())
    }

    /// Goes on to after an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::Made(..) | Event::MadeDirectory(_) | Event::Removed(_) | Event::Renamed(..) => {
                self.renaming.push(event.clone());
            }
            Event::Written(file, at, bytes) => {
                self.change(*file, Change::Written(size(*at), bytes.clone()));
            }
            Event::Resized(file, length) => self.change(*file, Change::Resized(size(*length))),
            Event::Synced(file) => self.sync(*file),
            Event::SyncedDirectory(path) => self.sync_directory(path),
            Event::Acknowledged(what) => self.acknowledged.push(*what),
            Event::Syncing(_) => {}
        }
    }

    fn change(&mut self, file: FileId, change: Change) {
        self.files.entry(file).or_default().pending.push(change);
    }

    fn sync(&mut self, file: FileId) {
        let content = self.files.entry(file).or_default();
        for change in content.pending.drain(..) {
            change.apply(&mut content.durable);
        }
    }

    fn sync_directory(&mut self, path: &Path) {
        let is_here = |event: &Event| event.directory() == Some(path);
        let (here, others): (Vec<_>, Vec<_>) = self.renaming.drain(..).partition(is_here);
        self.renaming = others;
        for event in here {
            rename(&mut self.names, &event);
        }
    }
}

/// Changes names as an event did; one whose file is not there changes nothing.
pub(crate) fn rename(names: &mut BTreeMap<PathBuf, Node>, event: &Event) {
    match event {
        Event::Made(path, file) => {
            names.insert(path.clone(), Node::File(*file));
        }
        Event::MadeDirectory(path) => {
            names.insert(path.clone(), Node::Directory);
        }
        Event::Removed(path) => {
            names.remove(path);
        }
        Event::Renamed(from, to) => {
            if let Some(node) = names.remove(from) {
                names.insert(to.clone(), node);
            }
        }
        _ => {}
    }
}

fn size(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
