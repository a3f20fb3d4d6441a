//! What a file's bytes tell without opening it: whose it is, its version, and how long it must be.

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use super::held::unless_held;

/// Says in a file's header that it is one of ours.
pub(in crate::storage) const APPLICATION_ID: i32 = 0x4648_4c44;

/// Bytes of a header; a shorter file has none.
pub(in crate::storage) const HEADER_BYTES: usize = 100;

/// Bytes before the first frame of a log.
const LOG_HEADER_BYTES: usize = 32;
/// Bytes before the page in each frame of a log.
const FRAME_HEADER_BYTES: usize = 24;

/// What a file's first hundred bytes tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::storage) struct Header {
    /// Whose format it is.
    pub(in crate::storage) application_id: i32,
    /// The version of its schema.
    pub(in crate::storage) user_version: u32,
    /// Bytes of a page.
    page_bytes: u64,
    /// Pages that the file has, where it says so and means it.
    pages: Option<u64>,
}

/// Reads a file's header; `None` while a connection of this process has the file open, which SQLite alone may read then.
pub(in crate::storage) fn read_header(path: &Path) -> std::io::Result<Option<Header>> {
    unless_held(path, || read(path)).transpose()
}

fn read(path: &Path) -> std::io::Result<Header> {
    let mut header = [0_u8; HEADER_BYTES];
    File::open(path)?.read_exact(&mut header)?;
    // Written by a program that does not keep the count of pages, the count is not to be believed.
    let is_counted = word(&header, 24) == word(&header, 92);
    let pages = u64::from(word(&header, 28));
    Ok(Header {
        application_id: word(&header, 68).cast_signed(),
        user_version: word(&header, 60),
        page_bytes: match u16::from_be_bytes([header[16], header[17]]) {
            1 => 65_536,
            bytes => u64::from(bytes),
        },
        pages: (is_counted && pages > 0).then_some(pages),
    })
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

impl Header {
    /// Whether a file of so many bytes has every page that it says it has, or the log beside it has the rest: a crash
    /// while the log is written back leaves a file that is not yet as long as it says.
    pub(in crate::storage) fn is_whole(&self, path: &Path, bytes: u64) -> std::io::Result<bool> {
        let Some(pages) = self.pages else { return Ok(true) };
        if self.page_bytes == 0 || pages * self.page_bytes <= bytes {
            return Ok(true);
        }
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        let log = match File::open(log) {
            Ok(log) => log,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let there = bytes / self.page_bytes;
        // A damaged header can claim billions of pages: no more are looked for than the log can have.
        if pages - there > log.metadata()?.len() / self.page_bytes {
            return Ok(false);
        }
        let mut lacking: HashSet<u64> = (there + 1..=pages).collect();
        self.strike_out(log, &mut lacking)?;
        Ok(lacking.is_empty())
    }

    /// Strikes out the pages that a log has.
    fn strike_out(&self, mut log: File, lacking: &mut HashSet<u64>) -> std::io::Result<()> {
        let end = log.metadata()?.len();
        let frame_bytes = FRAME_HEADER_BYTES as u64 + self.page_bytes;
        if end < LOG_HEADER_BYTES as u64 {
            return Ok(());
        }
        let mut head = [0_u8; LOG_HEADER_BYTES];
        log.read_exact(&mut head)?;
        let mut at = LOG_HEADER_BYTES as u64;
        while !lacking.is_empty() && at + frame_bytes <= end {
            let mut frame = [0_u8; FRAME_HEADER_BYTES];
            log.seek(SeekFrom::Start(at))?;
            log.read_exact(&mut frame)?;
            // Frames of another salt were left by an earlier use of the log.
            if frame[8..16] != head[16..24] {
                return Ok(());
            }
            lacking.remove(&u64::from(word(&frame, 0)));
            at += frame_bytes;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::read;

    /// A file of a thousand rows, which outgrow the log's first use.
    fn fill(path: &Path) -> rusqlite::Connection {
        let file = rusqlite::Connection::open(path).unwrap();
        let sql = "pragma journal_mode = wal; pragma wal_autocheckpoint = 0; create table t (a); \
            insert into t with recursive n (i) as (select 1 union all select i + 1 from n where i < 1000) \
                select zeroblob(200) from n";
        file.execute_batch(sql).unwrap();
        file
    }

    fn is_whole(path: &Path) -> bool {
        let bytes = std::fs::metadata(path).unwrap().len();
        read(path).unwrap().is_whole(path, bytes).unwrap()
    }

    #[test]
    fn a_file_that_lacks_pages_is_whole_only_with_the_log_that_has_them() {
        let place = tempfile::tempdir().unwrap();
        let (path, log) = (place.path().join("a.db"), place.path().join("a.db-wal"));
        let file = fill(&path);
        let frames = std::fs::read(&log).unwrap();
        file.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(())).unwrap();
        assert!(is_whole(&path));
        let cut = std::fs::File::options().write(true).open(&path).unwrap();
        cut.set_len(4096 * 5).unwrap();
        assert!(!is_whole(&path), "the log is empty");
        std::fs::write(&log, &frames).unwrap();
        assert!(is_whole(&path), "the log has what was cut off");
        std::fs::write(&log, &frames[..frames.len() / 2]).unwrap();
        assert!(!is_whole(&path), "the log has half of it");
        std::fs::remove_file(&log).unwrap();
        assert!(!is_whole(&path), "there is no log");
    }
}
