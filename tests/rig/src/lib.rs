//! The rig: power cuts, failing disks and full ones, under the whole program.
//!
//! [`install`] puts a VFS of ours before SQLite's own one, for the whole process. What happens to a file below the root
//! of a [`World`] is told to that world, which writes it down and can make it fail; every other file is left alone. The
//! program's own operations on files reach the world by [`freehold::storage::Faults`].
//!
//! A world's [`Recording`] is the history of a data directory. [`Model`] knows, at each moment of it, what a power cut
//! would leave: what was written and not synced since may be there or not, or half; a name stays what it was until
//! its directory is synced. [`Model::image`] makes one of the directories that could be found afterwards.

mod event;
mod fault;
mod image;
mod model;
mod random;
mod vfs;
mod world;

pub use event::{Event, FileId, Recording};
pub use fault::{Access, Hit, Kind};
pub use image::{Fashion, Image};
pub use model::Model;
pub use random::Random;
pub use vfs::install;
pub use world::{Synchronous, World};
