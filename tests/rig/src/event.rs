//! What happens to files, in order.

use std::path::{Path, PathBuf};

use crate::Model;

/// A file, whatever it is called meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileId(pub u64);

/// What happened. Paths are relative to the world's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A name for a new file.
    Made(PathBuf, FileId),
    /// A new directory.
    MadeDirectory(PathBuf),
    /// A name was taken away.
    Removed(PathBuf),
    /// A name was given to what had another one.
    Renamed(PathBuf, PathBuf),
    /// Bytes at a place.
    Written(FileId, u64, Vec<u8>),
    /// A file of another length.
    Resized(FileId, u64),
    /// A sync is asked for, and has not begun: a moment to cut the power at.
    Syncing(Option<FileId>),
    /// What was written to the file is durable.
    Synced(FileId),
    /// The names in the directory are durable.
    SyncedDirectory(PathBuf),
    /// Somebody was told that something is done: a moment to cut the power at, too.
    Acknowledged(usize),
}

impl Event {
    /// Whether the power is to be cut here.
    pub fn is_point(&self) -> bool {
        matches!(self, Self::Syncing(_) | Self::Acknowledged(_))
    }

    /// The directory whose names it changes, if it changes any.
    pub(crate) fn directory(&self) -> Option<&Path> {
        match self {
            Self::Made(path, _)
            | Self::MadeDirectory(path)
            | Self::Removed(path)
            | Self::Renamed(_, path) => path.parent(),
            _ => None,
        }
    }
}

/// The history of a data directory: what was there, durable, and what happened since.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// What was there.
    pub base: Model,
    /// What happened.
    pub events: Vec<Event>,
}
