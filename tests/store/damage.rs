//! What can happen to a tenant's file while nobody uses it: it is swapped, cut off, linked, put back
//! from an older copy, scribbled over; and how each is refused, where it always is.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::dice::Dice;
use crate::dump;
use crate::files;

const PAGE: usize = 4096;

/// A tenant's file: as it must be, and as it was before its last change.
pub(crate) struct Kept {
    pub(crate) slug: String,
    pub(crate) path: PathBuf,
    pub(crate) right: Vec<u8>,
    pub(crate) older: Vec<u8>,
}

impl Kept {
    /// Puts the right bytes back, and nothing beside them.
    pub(crate) fn restore(&self) {
        remove(&self.path);
        fs::write(&self.path, &self.right).unwrap();
    }

    fn is(&self, bytes: &[u8]) {
        fs::write(&self.path, bytes).unwrap();
    }

    fn edit(&self, sql: &str) {
        let file = dump::open(&self.path);
        file.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false).unwrap();
        file.execute_batch(&format!("pragma foreign_keys = off; {sql}")).unwrap();
    }
}

fn remove(path: &Path) {
    match fs::symlink_metadata(path) {
        Ok(there) if there.is_dir() => fs::remove_dir(path).unwrap(),
        Ok(_) => fs::remove_file(path).unwrap(),
        Err(_) => {}
    }
    for suffix in ["-wal", "-shm"] {
        drop(fs::remove_file(files::beside(path, suffix)));
    }
}

/// What is done to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Damage {
    OtherTenant,
    OtherTenantsOlder,
    OtherProgram,
    OtherApplication,
    OtherIdentity,
    NoIdentity,
    Noise,
    Directory,
    Socket,
    Twin,
    Older,
    Shortened,
    Rewritten,
    Unguarded,
    Newer,
    Outdated,
    Empty,
    Short,
    Cut,
    Missing,
    Symbolic,
    SymbolicToOther,
    Dangling,
    Hard,
    HardToOther,
    ZeroFirst,
    ZeroPage,
    NoisePage,
    OtherTenantsPage,
    OlderPage,
    Flip,
    FlipInUse,
    Flips,
}

use Damage::{
    Cut, Dangling, Directory, Empty, Flip, FlipInUse, Flips, Hard, HardToOther, Missing, Newer,
    NoIdentity, Noise, NoisePage, Older, OlderPage, OtherApplication, OtherIdentity, OtherProgram,
    OtherTenant, OtherTenantsOlder, OtherTenantsPage, Outdated, Rewritten, Short, Shortened,
    Socket, Symbolic, SymbolicToOther, Twin, Unguarded, ZeroFirst, ZeroPage,
};

/// What changes which file it is, and the code by which each is refused.
pub(crate) const REFUSED: &[(Damage, &str)] = &[
    (OtherTenant, "file_foreign"),
    (OtherTenantsOlder, "file_foreign"),
    (OtherProgram, "file_foreign"),
    (OtherApplication, "file_foreign"),
    (OtherIdentity, "file_foreign"),
    (NoIdentity, "file_foreign"),
    (Noise, "file_foreign"),
    (ZeroFirst, "file_foreign"),
    (Directory, "file_foreign"),
    (Socket, "file_foreign"),
    (Twin, "file_replaced"),
    (Older, "file_rolled_back"),
    (Shortened, "file_rolled_back"),
    (Rewritten, "file_rolled_back"),
    (Unguarded, "file_damaged"),
    (Newer, "file_newer"),
    (Outdated, "file_outdated"),
    (Empty, "file_truncated"),
    (Short, "file_truncated"),
    (Cut, "file_truncated"),
    (Missing, "file_missing"),
    (Symbolic, "file_linked"),
    (SymbolicToOther, "file_linked"),
    (Dangling, "file_linked"),
    (Hard, "file_linked"),
    (HardToOther, "file_linked"),
];

/// What leaves it the same file and its bytes other ones.
pub(crate) const SCRIBBLED: &[Damage] =
    &[ZeroPage, NoisePage, OtherTenantsPage, OlderPage, Flip, FlipInUse, Flips];

/// The code by which it is always refused, where it is.
pub(crate) fn code(damage: Damage) -> Option<&'static str> {
    REFUSED.iter().find(|(refused, _)| *refused == damage).map(|(_, code)| *code)
}

/// Does it, with another tenant's file and a place for what lies elsewhere at hand.
pub(crate) fn inflict(damage: Damage, file: &Kept, other: &Kept, aside: &Path, dice: &mut Dice) {
    let elsewhere = aside.join(format!("{}-{:x}", file.slug, dice.throw()));
    match damage {
        OtherTenant => file.is(&other.right),
        OtherTenantsOlder => file.is(&other.older),
        Older => file.is(&file.older),
        OtherProgram => other_program(&file.path),
        Noise => file.is(&dice.bytes(100 + file.right.len() / 7)),
        Empty => file.is(&[]),
        Short => file.is(&file.right[..=dice.below(99)]),
        Cut => file.is(&file.right[..100 + dice.below(file.right.len() - 100)]),
        Missing => remove(&file.path),
        OtherIdentity | NoIdentity | Twin | Shortened | Rewritten | Unguarded | Newer
        | Outdated => {
            file.edit(edit(damage));
        }
        Directory | Socket | Symbolic | SymbolicToOther | Dangling | Hard | HardToOther => {
            link(damage, file, other, &elsewhere);
        }
        _ => file.is(&scribbled(damage, file, other, dice)),
    }
}

fn other_program(path: &Path) {
    remove(path);
    let strange = Connection::open(path).unwrap();
    strange.execute_batch("create table t (a); insert into t values (1)").unwrap();
}

fn edit(damage: Damage) -> &'static str {
    match damage {
        OtherIdentity => "update identity set tenant_id = '00000000-0000-7000-8000-000000000000'",
        NoIdentity => "delete from identity",
        Twin => "update identity set file_id = '00000000-0000-7000-8000-000000000000'",
        Shortened => "delete from audit_log where seq = (select max(seq) from audit_log)",
        Rewritten => "update audit_log set hash = replace(hash, substr(hash, 1, 8), '00000000')",
        Unguarded => "drop trigger audit_log_is_not_changed",
        Newer => "pragma user_version = 9999",
        _ => "pragma user_version = 1",
    }
}

fn link(damage: Damage, file: &Kept, other: &Kept, elsewhere: &Path) {
    fs::rename(&file.path, elsewhere).unwrap();
    match damage {
        Directory => fs::create_dir(&file.path).unwrap(),
        Socket => drop(UnixListener::bind(&file.path).unwrap()),
        Symbolic => symlink(elsewhere, &file.path).unwrap(),
        Dangling => symlink(elsewhere.with_extension("not there"), &file.path).unwrap(),
        Hard => fs::hard_link(elsewhere, &file.path).unwrap(),
        // The other's own file must not have a second name by this.
        _ => {
            fs::write(elsewhere, &other.right).unwrap();
            if damage == HardToOther {
                fs::hard_link(elsewhere, &file.path).unwrap();
            } else {
                symlink(&other.path, &file.path).unwrap();
            }
        }
    }
}

fn scribbled(damage: Damage, file: &Kept, other: &Kept, dice: &mut Dice) -> Vec<u8> {
    let mut bytes = file.right.clone();
    let page = |dice: &mut Dice, from: usize, end: usize| {
        let first = (from + dice.below(end / PAGE - from)) * PAGE;
        first..first + PAGE
    };
    match damage {
        OtherApplication => bytes[68 + dice.below(4)] ^= 1 << dice.below(8),
        ZeroFirst => bytes[..PAGE].fill(0),
        ZeroPage => bytes[page(dice, 1, file.right.len())].fill(0),
        NoisePage => {
            let noise = dice.bytes(PAGE);
            bytes[page(dice, 1, file.right.len())].copy_from_slice(&noise);
        }
        OtherTenantsPage => {
            let page = page(dice, 1, file.right.len().min(other.right.len()));
            bytes[page.clone()].copy_from_slice(&other.right[page]);
        }
        OlderPage => {
            let page = page(dice, 1, file.right.len().min(file.older.len()));
            bytes[page.clone()].copy_from_slice(&file.older[page]);
        }
        FlipInUse => {
            let used: Vec<usize> = (100..bytes.len()).filter(|at| bytes[*at] != 0).collect();
            bytes[used[dice.below(used.len())]] ^= 1 << dice.below(8);
        }
        Flips => {
            for _ in 0..8 {
                flip(&mut bytes, dice);
            }
        }
        _ => flip(&mut bytes, dice),
    }
    bytes
}

fn flip(bytes: &mut [u8], dice: &mut Dice) {
    let at = dice.below(bytes.len());
    bytes[at] ^= 1 << dice.below(8);
}

/// Writes what is waiting for the disk, for whoever looks at the bytes next.
pub(crate) fn bytes_of(path: &Path) -> Vec<u8> {
    File::open(path).unwrap().sync_all().unwrap();
    fs::read(path).unwrap()
}
