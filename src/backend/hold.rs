//! Locks a store while it is read or written, so that two runs of this program exclude each other, and a run and a
//! server where the engine has a lock for that.
//!
//! A source is held [`HoldMode::Shared`]: several runs may read it. A target is held [`HoldMode::Exclusive`], from the
//! first read that a decision depends on to the end. Nothing is written: the locks are the kernel's.
//!
//! | Store | Shared | Exclusive |
//! |---|---|---|
//! | RocksDB | `flock` on its directory; a read lock on a byte of `LOCK`, which RocksDB meets when it opens | `flock` on its directory; RocksDB takes `LOCK` itself when it opens |
//! | SQLite | `flock` on its file; a read lock on a byte of the range that SQLite locks to write alone | `flock` on its file; SQLite locks its range itself |
//! | files | `flock` on the top directory | the same |
//! | PostgreSQL | an advisory lock on each schema with tables of the catalog | the same, and on the schema that tables are created in |
//! | MySQL | one of a few named locks of the database | all of them |
//! | FoundationDB | `flock` on the cluster file, which excludes runs on this machine with the same file only | the same |
//!
//! The locks of the database servers are in `postgres/presence.rs` and `mysql/presence.rs`. Object services have
//! none.
//!
//! The locks on bytes belong to the open file (`F_OFD_SETLK`), not to the process: closing other files of this
//! process does not drop them. But closing a file drops the locks that RocksDB and SQLite have taken on it *in this
//! process*, so a [`Hold`] of a target has to outlive the opened target.

use std::fs::{File, OpenOptions};
use std::io::{Error as IoError, ErrorKind, Result as IoResult};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::{FlockOperation, OFlags, flock};

use crate::base::dir::absolute;
use crate::base::error::{Error, Result};

/// The byte of RocksDB's `LOCK` that holds a source: far beyond any byte that another program locks on its own.
/// RocksDB locks the whole file.
pub const ROCKSDB_BYTE: u64 = 1 << 62;

/// The byte of a SQLite file that holds a source: the last of the 510 that every reader locks shared and a writer
/// locks exclusively.
///
/// Format: "File Locking And Concurrency In SQLite Version 3", and `os.h` (`SHARED_FIRST`, `SHARED_SIZE`).
pub const SQLITE_BYTE: u64 = 0x4000_0002 + 509;

/// Who may hold the same store at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldMode {
    /// Other readers.
    Shared,
    /// Nothing else.
    Exclusive,
}

/// The locks on a store in files; released when dropped.
#[derive(Debug)]
pub struct Hold {
    _files: Vec<File>,
}

impl Hold {
    /// Holds the directory of a RocksDB database; `None` if it does not exist.
    ///
    /// Errors: refused if another run or, where the source is held, a server has it.
    pub fn rocksdb(path: &Path, mode: HoldMode) -> Result<Option<Hold>> {
        let Some(directory) = hold(path, true, mode)? else { return Ok(None) };
        let mut files = vec![directory];
        if mode == HoldMode::Shared {
            files.extend(hold_byte(&path.join("LOCK"), ROCKSDB_BYTE)?);
        }
        Ok(Some(Hold { _files: files }))
    }

    /// Holds the file of a SQLite database; `None` if it does not exist.
    ///
    /// Errors: refused if another run has it or, where the source is held, something writes to it.
    pub fn sqlite(path: &Path, mode: HoldMode) -> Result<Option<Hold>> {
        let Some(file) = hold(path, false, mode)? else { return Ok(None) };
        let mut files = vec![file];
        if mode == HoldMode::Shared {
            files.extend(hold_byte(path, SQLITE_BYTE)?);
        }
        Ok(Some(Hold { _files: files }))
    }

    /// Holds a file that stands for a store elsewhere; `None` if it does not exist.
    ///
    /// Errors: refused if another run has it.
    pub fn file(path: &Path, mode: HoldMode) -> Result<Option<Hold>> {
        Ok(hold(path, false, mode)?.map(|file| Hold { _files: vec![file] }))
    }

    /// Holds a directory of blobs; `None` if it does not exist.
    ///
    /// Errors: refused if another run has it.
    pub fn directory(path: &Path, mode: HoldMode) -> Result<Option<Hold>> {
        Ok(hold(path, true, mode)?.map(|directory| Hold { _files: vec![directory] }))
    }
}

/// Opens a file or directory and locks it against other runs; `None` if it does not exist or cannot be opened, since
/// opening the store reports why.
fn hold(path: &Path, directory: bool, mode: HoldMode) -> Result<Option<File>> {
    let Some(file) = open(path, directory) else { return Ok(None) };
    let operation = match mode {
        HoldMode::Shared => FlockOperation::NonBlockingLockShared,
        HoldMode::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    match flock(&file, operation) {
        Err(rustix::io::Errno::WOULDBLOCK) => Err(busy(path, mode)),
        // A file system without locks is no reason to refuse a migration.
        _ => Ok(Some(file)),
    }
}

/// Locks a byte of a file shared; `None` if the file cannot be opened or locked that way.
fn hold_byte(path: &Path, at: u64) -> Result<Option<File>> {
    let Some(file) = open(path, false) else { return Ok(None) };
    match lock_byte(&file, at) {
        Ok(()) => Ok(Some(file)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::PermissionDenied) => {
            Err(Error::refused("the store cannot be held: something has it open to write")
                .with("path", shown(path))
                .help("stop the server, or wait until the other run has ended, and try again"))
        }
        Err(_) => Ok(None),
    }
}

fn open(path: &Path, directory: bool) -> Option<File> {
    // Opening a FIFO would wait for a writer.
    let flags = if directory { OFlags::NONBLOCK | OFlags::DIRECTORY } else { OFlags::NONBLOCK };
    let flags = i32::try_from(flags.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).ok()?;
    let meta = file.metadata().ok()?;
    (directory || meta.is_file()).then_some(file)
}

/// Takes a read lock on one byte. The lock belongs to the open file.
fn lock_byte(file: &File, at: u64) -> IoResult<()> {
    let at = libc::off_t::try_from(at).map_err(|_| IoError::from(ErrorKind::Unsupported))?;
    let word = |value: i32| libc::c_short::try_from(value).unwrap_or_default();
    let lock = libc::flock {
        l_type: word(libc::F_RDLCK),
        l_whence: word(libc::SEEK_SET),
        l_start: at,
        l_len: 1,
        // Must be 0 for a lock of an open file.
        l_pid: 0,
    };
    // SAFETY: the descriptor is open for as long as `file` is borrowed, and the kernel only reads `lock`.
    match unsafe { libc::fcntl(file.as_raw_fd(), libc::F_OFD_SETLK, &raw const lock) } {
        -1 => Err(IoError::last_os_error()),
        _ => Ok(()),
    }
}

fn busy(path: &Path, mode: HoldMode) -> Error {
    let what = match mode {
        HoldMode::Shared => "another run of this program writes to the store",
        HoldMode::Exclusive => "another run of this program uses the store",
    };
    Error::refused(what).with("path", shown(path)).help("wait until it has ended, and try again")
}

fn shown(path: &Path) -> String {
    absolute(path).display().to_string()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use rustix::fs::{FlockOperation as Posix, fcntl_lock};

    use super::*;

    type Take = fn(&Path, HoldMode) -> Result<Option<Hold>>;

    #[test]
    fn readers_share_a_store_and_a_writer_has_it_alone() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("LOCK"), "").unwrap();
        let file = dir.path().join("file");
        std::fs::write(&file, "").unwrap();
        let all: [(Take, &Path); 3] =
            [(Hold::rocksdb, dir.path()), (Hold::sqlite, &file), (Hold::directory, dir.path())];
        for (take, path) in all {
            let readers = [
                take(path, HoldMode::Shared).unwrap().unwrap(),
                take(path, HoldMode::Shared).unwrap().unwrap(),
            ];
            let refused = take(path, HoldMode::Exclusive).unwrap_err();
            assert_eq!(refused.kind(), crate::base::error::ErrorKind::Refused);
            drop(readers);
            let writer = take(path, HoldMode::Exclusive).unwrap().unwrap();
            for mode in [HoldMode::Shared, HoldMode::Exclusive] {
                assert_eq!(take(path, mode).unwrap_err().kind(), crate::base::error::ErrorKind::Refused);
            }
            drop(writer);
            assert!(take(path, HoldMode::Exclusive).unwrap().is_some());
            assert!(take(&dir.path().join("nothing"), HoldMode::Exclusive).unwrap().is_none());
        }
    }

    #[test]
    fn engines_meet_the_lock_of_a_source_whatever_else_is_closed() {
        let dir = tempfile::tempdir().unwrap();
        let lock = dir.path().join("LOCK");
        std::fs::write(&lock, "").unwrap();
        let write = || {
            let file = File::options().read(true).write(true).open(&lock).unwrap();
            // The whole file, as RocksDB locks it.
            fcntl_lock(&file, Posix::NonBlockingLockExclusive).is_ok()
        };
        let held = Hold::rocksdb(dir.path(), HoldMode::Shared).unwrap().unwrap();
        assert!(!write());
        drop(File::open(&lock).unwrap());
        assert!(!write(), "a lock of the process would have gone with that file");
        drop(held);
        assert!(write());
        let file = File::options().read(true).write(true).open(&lock).unwrap();
        fcntl_lock(&file, Posix::NonBlockingLockExclusive).unwrap();
        assert!(
            Hold::rocksdb(dir.path(), HoldMode::Shared).unwrap_err().to_string().contains("open to write")
        );
    }
}
