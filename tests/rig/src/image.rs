//! A directory that could be found after a power cut.
//!
//! Page caches write back what was not synced when they like: block by block, each as it was at some moment since
//! the last sync; names likewise. A disk writes sectors: the last block that it was writing may be torn.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::model::{Change, Content, Node, rename, write};
use crate::{FileId, Model, Random};

const BLOCK: usize = 4096;
const SECTOR: usize = 512;

/// How a power cut treats what was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fashion {
    /// None of it is there.
    Dropped,
    /// Some blocks are there as they were at some moment, and some names are.
    Subset,
    /// All of it is there, but for the end of the last write.
    Torn,
}

impl Fashion {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Dropped, Self::Subset, Self::Torn];
}

/// What is found: directories, and files with their content. What has no directory to lie in is not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Image {
    entries: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

impl Image {
    /// Puts it into a directory that is there and empty.
    ///
    /// # Errors
    /// The file system's.
    pub fn put(&self, root: &Path) -> io::Result<()> {
        for (path, content) in &self.entries {
            match content {
                None => std::fs::create_dir_all(root.join(path))?,
                Some(content) => std::fs::write(root.join(path), content)?,
            }
        }
        Ok(())
    }

    /// A number that tells images apart.
    pub fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }

    /// What is in a file, if it is there.
    pub fn file(&self, path: &str) -> Option<&[u8]> {
        self.entries.get(Path::new(path)).and_then(|content| content.as_deref())
    }
}

impl Model {
    /// What a power cut now would leave, by fashion and chance. `syncing` is the file whose sync was asked for.
    pub fn image(&self, fashion: Fashion, syncing: Option<FileId>, random: &mut Random) -> Image {
        let names = self.names_left(fashion, random);
        let mut entries = BTreeMap::new();
        for (path, node) in &names {
            let is_reachable = path
                .ancestors()
                .skip(1)
                .filter(|parent| !parent.as_os_str().is_empty())
                .all(|parent| names.get(parent) == Some(&Node::Directory));
            if is_reachable {
                entries.insert(path.clone(), self.entry(*node, fashion, syncing, random));
            }
        }
        Image { entries }
    }

    fn names_left(&self, fashion: Fashion, random: &mut Random) -> BTreeMap<PathBuf, Node> {
        let mut names = self.names.clone();
        // A journal keeps the order of names; other file systems keep none.
        let ordered = random.coin();
        let until = random.below(self.renaming.len() + 1);
        for (place, event) in self.renaming.iter().enumerate() {
            let is_left = match fashion {
                Fashion::Dropped => false,
                Fashion::Torn => true,
                Fashion::Subset if ordered => place < until,
                Fashion::Subset => random.coin(),
            };
            if is_left {
                rename(&mut names, event);
            }
        }
        names
    }

    fn entry(
        &self,
        node: Node,
        fashion: Fashion,
        syncing: Option<FileId>,
        random: &mut Random,
    ) -> Option<Vec<u8>> {
        let Node::File(id) = node else { return None };
        let Some(content) = self.files.get(&id) else { return Some(Vec::new()) };
        Some(match fashion {
            Fashion::Dropped => content.durable.clone(),
            Fashion::Subset => subset(content, random),
            Fashion::Torn => torn(content, syncing == Some(id), random),
        })
    }
}

/// Each block as it was at some moment.
fn subset(content: &Content, random: &mut Random) -> Vec<u8> {
    let mut found = content.durable.clone();
    let moments = content.pending.len() + 1;
    let mut cut_at: BTreeMap<usize, usize> = BTreeMap::new();
    let length_until = random.below(moments);
    for (moment, change) in content.pending.iter().enumerate() {
        match change {
            Change::Written(at, bytes) => {
                for (start, piece) in blocks(*at, bytes) {
                    let until =
                        *cut_at.entry(start / BLOCK).or_insert_with(|| random.below(moments));
                    if moment < until {
                        write(&mut found, start, piece);
                    }
                }
            }
            Change::Resized(_) if moment < length_until => change.apply(&mut found),
            Change::Resized(_) => {}
        }
    }
    found
}

/// The parts of what is written that lie in one block each.
fn blocks(at: usize, bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    let mut start = 0;
    std::iter::from_fn(move || {
        let left = bytes.len() - start;
        let length = left.min(BLOCK - (at + start) % BLOCK);
        let piece = (at + start, &bytes[start..start + length]);
        start += length;
        (length > 0).then_some(piece)
    })
}

/// Everything, but for the end of the last write to the file that was being synced.
fn torn(content: &Content, is_syncing: bool, random: &mut Random) -> Vec<u8> {
    let mut found = content.durable.clone();
    let last = content.pending.len().saturating_sub(1);
    for (place, change) in content.pending.iter().enumerate() {
        match change {
            Change::Written(at, bytes) if is_syncing && place == last => {
                let sectors = random.below(bytes.len().div_ceil(SECTOR));
                write(&mut found, *at, &bytes[..sectors * SECTOR]);
            }
            change => change.apply(&mut found),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Event;

    fn model(events: &[Event]) -> Model {
        let mut model = Model::default();
        model.add_file("old".into(), FileId(0), vec![1; 8192]);
        for event in events {
            model.apply(event);
        }
        model
    }

    fn images(model: &Model, fashion: Fashion) -> Vec<Image> {
        let mut random = Random::of(1);
        (0..64).map(|_| model.image(fashion, Some(FileId(0)), &mut random)).collect()
    }

    #[test]
    fn what_was_not_synced_may_be_there_or_not_block_by_block() {
        let model = model(&[Event::Written(FileId(0), 0, vec![2; 8192])]);
        let dropped = images(&model, Fashion::Dropped);
        assert!(dropped.iter().all(|image| image.file("old") == Some(&[1; 8192][..])));
        let torn = images(&model, Fashion::Torn);
        assert!(torn.iter().all(|image| {
            let content = image.file("old").unwrap();
            let written = content.iter().position(|byte| *byte == 1).unwrap();
            written.is_multiple_of(SECTOR) && content[written..].iter().all(|byte| *byte == 1)
        }));
        let blocks = |image: &Image| {
            let content = image.file("old").unwrap();
            (content[..BLOCK].to_vec(), content[BLOCK..].to_vec())
        };
        let subset: Vec<_> = images(&model, Fashion::Subset).iter().map(blocks).collect();
        for (one, other) in [(1, 1), (1, 2), (2, 1), (2, 2)] {
            assert!(subset.contains(&(vec![one; BLOCK], vec![other; BLOCK])), "{one} {other}");
        }
    }

    #[test]
    fn what_was_synced_is_there_in_every_fashion() {
        let model = model(&[Event::Written(FileId(0), 0, vec![2; 8192]), Event::Synced(FileId(0))]);
        for fashion in Fashion::ALL {
            let images = images(&model, fashion);
            assert!(images.iter().all(|image| image.file("old") == Some(&[2; 8192][..])));
        }
    }

    #[test]
    fn a_name_is_durable_with_its_directory() {
        let mut made = vec![
            Event::MadeDirectory("d".into()),
            Event::Made("d/new".into(), FileId(1)),
            Event::Written(FileId(1), 0, vec![3; 3]),
            Event::Synced(FileId(1)),
            Event::Renamed("d/new".into(), "d/here".into()),
            Event::SyncedDirectory("d".into()),
        ];
        let lost = images(&model(&made), Fashion::Dropped);
        assert!(lost.iter().all(|image| image.file("d/here").is_none()), "its directory is lost");
        made.push(Event::SyncedDirectory(String::new().into()));
        for fashion in Fashion::ALL {
            let there = images(&model(&made), fashion);
            assert!(there.iter().all(|image| image.file("d/here") == Some(&[3; 3][..])));
        }
    }
}
