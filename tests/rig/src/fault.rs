//! Faults: the Nth access that fails, and a disk that is full.

use std::path::{Path, PathBuf};

use freehold::storage::Operation;

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// SQLite opens it.
    Open,
    /// SQLite reads it.
    Read,
    /// SQLite writes to it.
    Write,
    /// SQLite makes it shorter.
    Truncate,
    /// SQLite syncs it.
    Sync,
    /// SQLite removes it.
    Delete,
    /// The program does something to it itself.
    Disk(Operation),
}

impl Access {
    fn needs_room(self) -> bool {
        matches!(self, Self::Write | Self::Disk(Operation::Write))
    }
}

/// How an access fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The disk fails: an error of the access.
    Broken,
    /// The disk is full: writes fail, half done.
    Full,
}

/// An access that was made to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// What was done.
    pub access: Access,
    /// To what.
    pub path: PathBuf,
}

/// One access that is to fail.
#[derive(Debug)]
pub(crate) struct Fault {
    kind: Kind,
    /// Accesses that still go well.
    left: usize,
    pub(crate) hit: Option<Hit>,
}

impl Fault {
    pub(crate) fn new(kind: Kind, nth: usize) -> Self {
        Self { kind, left: nth, hit: None }
    }

    /// Counts an access; says how it fails, if it is the one.
    pub(crate) fn meet(&mut self, access: Access, path: &Path) -> Option<Kind> {
        if self.hit.is_some() || (self.kind == Kind::Full && !access.needs_room()) {
            return None;
        }
        if self.left > 0 {
            self.left -= 1;
            return None;
        }
        self.hit = Some(Hit { access, path: path.to_owned() });
        Some(self.kind)
    }
}

/// Room on the disk.
#[derive(Debug)]
pub(crate) enum Room {
    /// As much as there is.
    Endless,
    /// Bytes by which files may still grow.
    Left(u64),
    /// A file says by how many bytes files may grow, all in all; so many they have.
    Told(PathBuf, u64),
}

impl Room {
    /// Takes room, where there is some.
    pub(crate) fn take(&mut self, bytes: u64) -> bool {
        match self {
            Self::Endless => true,
            Self::Left(left) => match left.checked_sub(bytes) {
                Some(rest) => {
                    *left = rest;
                    true
                }
                None => false,
            },
            Self::Told(file, grown) => {
                let allowed = allowed(file);
                let is_there = *grown + bytes <= allowed || bytes == 0;
                *grown += if is_there { bytes } else { 0 };
                is_there
            }
        }
    }

    /// Gives room back.
    pub(crate) fn give(&mut self, bytes: u64) {
        match self {
            Self::Endless => {}
            Self::Left(left) => *left += bytes,
            Self::Told(_, grown) => *grown = grown.saturating_sub(bytes),
        }
    }
}

/// What the file says; without one, there is room.
fn allowed(file: &Path) -> u64 {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.trim().parse().unwrap_or(u64::MAX)
}
