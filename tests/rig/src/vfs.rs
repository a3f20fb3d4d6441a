//! The VFS: SQLite's own one, with somebody who watches.
#![expect(unsafe_code, reason = "SQLite meets a VFS by pointers")]

use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use libsqlite3_sys as ffi;
use libsqlite3_sys::{sqlite3_file, sqlite3_int64, sqlite3_vfs};

use crate::{Access, FileId, Kind, World};

/// SQLite's own VFS.
struct Own(*mut sqlite3_vfs);

// SAFETY: SQLite registers it for good, never changes it, and calls it from every thread.
unsafe impl Send for Own {}
// SAFETY: as above.
unsafe impl Sync for Own {}

static OWN: OnceLock<Own> = OnceLock::new();

/// Puts the VFS before SQLite's own one, once in a process. To be called before anything is opened.
///
/// # Panics
/// SQLite has no VFS, or does not take another.
pub fn install() {
    OWN.get_or_init(|| {
        // SAFETY: both functions may be called at any time. A registered VFS must stay where it is: it is leaked.
        unsafe {
            let own = ffi::sqlite3_vfs_find(std::ptr::null());
            assert!(!own.is_null(), "SQLite has a VFS");
            let ours = sqlite3_vfs {
                zName: c"rig".as_ptr(),
                szOsFile: (*own).szOsFile + HANDLE,
                pNext: std::ptr::null_mut(),
                xOpen: Some(open),
                xDelete: Some(delete),
                ..*own
            };
            let taken = ffi::sqlite3_vfs_register(Box::into_raw(Box::new(ours)), 1);
            assert_eq!(taken, ffi::SQLITE_OK, "SQLite takes a VFS");
            Own(own)
        }
    });
}

/// A file as SQLite knows it; that of its own VFS lies behind it.
#[repr(C)]
struct Handle {
    base: sqlite3_file,
    watched: *mut Watched,
}

#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "two words")]
const HANDLE: c_int = size_of::<Handle>() as c_int;

/// Who watches a file.
struct Watched {
    world: Arc<World>,
    path: PathBuf,
    file: FileId,
    /// SQLite syncs the directory with the first sync of a log or journal that it may have made.
    syncs_directory: bool,
}

fn own() -> *mut sqlite3_vfs {
    OWN.get().map_or(std::ptr::null_mut(), |own| own.0)
}

/// The file of SQLite's own VFS behind one of ours.
unsafe fn inner(file: *mut sqlite3_file) -> *mut sqlite3_file {
    // SAFETY: SQLite makes room for `szOsFile` bytes: a handle, and behind it its own.
    unsafe { file.cast::<Handle>().add(1).cast() }
}

unsafe fn watched<'f>(file: *mut sqlite3_file) -> Option<&'f mut Watched> {
    // SAFETY: set by `open`, and taken by `close`; a connection uses a file from one thread at a time.
    unsafe { (*file.cast::<Handle>()).watched.as_mut() }
}

/// Calls a method of SQLite's own VFS.
macro_rules! own {
    ($file:expr, $method:ident $(, $argument:expr)*) => {{
        let inner = inner($file);
        match (*(*inner).pMethods).$method {
            Some(method) => method(inner $(, $argument)*),
            None => ffi::SQLITE_IOERR,
        }
    }};
}

/// Methods that are only handed on.
macro_rules! hand_on {
    ($($name:ident: $method:ident ( $($argument:ident: $kind:ty),* );)+) => {$(
        unsafe extern "C" fn $name(file: *mut sqlite3_file, $($argument: $kind),*) -> c_int {
            // SAFETY: SQLite calls it with a file that `open` has opened.
            unsafe { own!(file, $method $(, $argument)*) }
        }
    )+};
}

hand_on! {
    file_size: xFileSize(size: *mut sqlite3_int64);
    lock: xLock(level: c_int);
    unlock: xUnlock(level: c_int);
    check_reserved_lock: xCheckReservedLock(is_held: *mut c_int);
    sector_size: xSectorSize();
    device_characteristics: xDeviceCharacteristics();
    shm_map: xShmMap(page: c_int, size: c_int, extend: c_int, found: *mut *mut c_void);
    shm_lock: xShmLock(offset: c_int, count: c_int, flags: c_int);
    shm_unmap: xShmUnmap(remove: c_int);
}

unsafe extern "C" fn shm_barrier(file: *mut sqlite3_file) {
    // SAFETY: as for the methods that are handed on.
    unsafe {
        let inner = inner(file);
        if let Some(method) = (*(*inner).pMethods).xShmBarrier {
            method(inner);
        }
    }
}

/// Version 2: shared memory, and no maps.
static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

unsafe fn path_of<'p>(name: *const c_char) -> Option<&'p Path> {
    // SAFETY: SQLite's names end with a zero.
    (!name.is_null())
        .then(|| unsafe { Path::new(OsStr::from_bytes(CStr::from_ptr(name).to_bytes())) })
}

unsafe extern "C" fn open(
    _: *mut sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    // SAFETY: SQLite hands a place of `szOsFile` bytes; ours come first.
    unsafe {
        (*file).pMethods = std::ptr::null();
        (*file.cast::<Handle>()).watched = std::ptr::null_mut();
        let path = path_of(name);
        let world = path.and_then(World::of);
        if let (Some(world), Some(path)) = (&world, path)
            && world.admit(Access::Open, path).is_some()
        {
            return ffi::SQLITE_CANTOPEN;
        }
        let Some(method) = (*own()).xOpen else { return ffi::SQLITE_CANTOPEN };
        let code = method(own(), name, inner(file), flags, out_flags);
        if code != ffi::SQLITE_OK {
            return code;
        }
        (*file).pMethods = &raw const METHODS;
        if let (Some(world), Some(path)) = (world, path)
            && let Some(id) = world.opened(path)
        {
            let watched = Watched {
                world,
                path: path.to_owned(),
                file: id,
                syncs_directory: makes_journal(flags),
            };
            (*file.cast::<Handle>()).watched = Box::into_raw(Box::new(watched));
        }
        code
    }
}

fn makes_journal(flags: c_int) -> bool {
    flags & ffi::SQLITE_OPEN_CREATE != 0
        && flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0
}

unsafe extern "C" fn close(file: *mut sqlite3_file) -> c_int {
    // SAFETY: what `open` made is taken once.
    unsafe {
        let code = own!(file, xClose);
        let handle = file.cast::<Handle>();
        if !(*handle).watched.is_null() {
            drop(Box::from_raw((*handle).watched));
            (*handle).watched = std::ptr::null_mut();
        }
        code
    }
}

unsafe extern "C" fn delete(_: *mut sqlite3_vfs, name: *const c_char, syncs: c_int) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        let path = path_of(name);
        let world = path.and_then(World::of);
        if let (Some(world), Some(path)) = (&world, path)
            && world.admit(Access::Delete, path).is_some()
        {
            return ffi::SQLITE_IOERR_DELETE;
        }
        let length = path.and_then(|path| path.metadata().ok()).map_or(0, |file| file.len());
        let Some(method) = (*own()).xDelete else { return ffi::SQLITE_IOERR_DELETE };
        let code = method(own(), name, syncs);
        if code == ffi::SQLITE_OK
            && let (Some(world), Some(path)) = (&world, path)
        {
            world.removed(path, length);
            if syncs != 0
                && let Some(directory) = path.parent()
            {
                world.synced_directory(directory);
            }
        }
        code
    }
}

unsafe extern "C" fn read(
    file: *mut sqlite3_file,
    to: *mut c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        if let Some(watched) = watched(file)
            && watched.world.admit(Access::Read, &watched.path).is_some()
        {
            return ffi::SQLITE_IOERR_READ;
        }
        own!(file, xRead, to, count, at)
    }
}

unsafe extern "C" fn write(
    file: *mut sqlite3_file,
    from: *const c_void,
    count: c_int,
    at: sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite hands so many bytes; fewer are written where the disk fails.
    unsafe {
        let Some(watched) = watched(file) else { return own!(file, xWrite, from, count, at) };
        let end = at.unsigned_abs() + u64::from(count.unsigned_abs());
        let failure = watched.world.admit(Access::Write, &watched.path).or_else(|| {
            let growth = end.saturating_sub(length(file));
            (!watched.world.take_room(growth)).then_some(Kind::Full)
        });
        let count = if failure.is_some() { count / 2 } else { count };
        let code = own!(file, xWrite, from, count, at);
        if code != ffi::SQLITE_OK {
            return code;
        }
        let size = usize::try_from(count).unwrap_or(0);
        let bytes = std::slice::from_raw_parts(from.cast::<u8>(), size);
        watched.world.wrote(watched.file, at.unsigned_abs(), bytes);
        match failure {
            None => code,
            Some(Kind::Broken) => ffi::SQLITE_IOERR_WRITE,
            Some(Kind::Full) => ffi::SQLITE_FULL,
        }
    }
}

unsafe fn length(file: *mut sqlite3_file) -> u64 {
    let mut size = 0;
    // SAFETY: the place for the answer is there.
    let code = unsafe { own!(file, xFileSize, &raw mut size) };
    if code == ffi::SQLITE_OK { size.unsigned_abs() } else { 0 }
}

unsafe extern "C" fn truncate(file: *mut sqlite3_file, size: sqlite3_int64) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        let Some(watched) = watched(file) else { return own!(file, xTruncate, size) };
        if watched.world.admit(Access::Truncate, &watched.path).is_some() {
            return ffi::SQLITE_IOERR_TRUNCATE;
        }
        let before = length(file);
        let code = own!(file, xTruncate, size);
        if code == ffi::SQLITE_OK {
            watched.world.truncated(watched.file, before, size.unsigned_abs());
        }
        code
    }
}

/// The model knows what is durable: nothing waits for the disk.
unsafe extern "C" fn sync(file: *mut sqlite3_file, flags: c_int) -> c_int {
    // SAFETY: handed on as it came.
    unsafe {
        let Some(watched) = watched(file) else { return own!(file, xSync, flags) };
        if watched.world.admit(Access::Sync, &watched.path).is_some() {
            return ffi::SQLITE_IOERR_FSYNC;
        }
        watched.world.synced(watched.file);
        if std::mem::take(&mut watched.syncs_directory)
            && let Some(directory) = watched.path.parent()
        {
            watched.world.synced_directory(directory);
        }
        ffi::SQLITE_OK
    }
}

unsafe extern "C" fn file_control(
    file: *mut sqlite3_file,
    what: c_int,
    with: *mut c_void,
) -> c_int {
    // SAFETY: for a pragma SQLite hands an array of an error, a name and a value of its own, which may be changed.
    unsafe {
        if what == ffi::SQLITE_FCNTL_PRAGMA
            && let Some(watched) = watched(file)
            && let Some(synchronous) = watched.world.synchronous()
        {
            let words = with.cast::<*mut c_char>();
            let (name, value) = (*words.add(1), *words.add(2));
            if !value.is_null()
                && CStr::from_ptr(name).to_bytes().eq_ignore_ascii_case(b"synchronous")
                && CStr::from_ptr(value).count_bytes() == 1
            {
                *value = (b'0' + synchronous as u8).cast_signed();
            }
        }
        own!(file, xFileControl, what, with)
    }
}
