//! Protects a directory that another user may write to while root writes there.
//!
//! For libraries that open files by path: no other user can replace a file during that time. The directory belongs
//! to root with mode 0700 until the guard is dropped. A file of root in it records the former owner, so that a run
//! after a killed one can restore it.

use crate::base::sync::lock;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind, Read, Write};
use std::sync::Mutex;

use super::{Dir, DirEntry, own_user};

/// The file that records the former owner and permissions of a directory.
pub const RECORD: &str = "stalwart-migrate.owner";

/// Number of stores of this process in each directory that it has taken over, by device and inode.
static USES: Mutex<BTreeMap<(u64, u64), usize>> = Mutex::new(BTreeMap::new());

/// A directory that only this user can write to until this is dropped.
#[derive(Debug)]
pub struct GuardedDir {
    dir: Dir,
    // Former user and permissions; `None` if no other user could write to it.
    former: Option<(u32, u32)>,
}

impl GuardedDir {
    /// Takes over a directory, if this process is root and another user may write to it.
    ///
    /// Errors: those of the system, for example if root may not change owners; permission denied for a directory for
    /// temporary files of all users.
    pub fn over(dir: Dir) -> io::Result<GuardedDir> {
        let entry = dir.entry()?;
        if own_user() != 0 {
            return Ok(GuardedDir { dir, former: None });
        }
        if entry.user == 0 && entry.mode & 0o022 == 0 {
            // In such a directory only a run of root can have left a record.
            let former = if entry.mode == 0o700 { recorded(&dir)? } else { None };
            return Ok(GuardedDir::counted(dir, former, entry.id));
        }
        if used_by_all(&entry) {
            return Err(io::Error::new(
                ErrorKind::PermissionDenied,
                "this is a directory for temporary files of all users; use one of its own",
            ));
        }
        dir.remove(RECORD)?;
        let mut record = dir.create_private_file(RECORD)?;
        writeln!(record, "{} {:o}", entry.user, entry.mode)?;
        record.sync_all()?;
        dir.sync()?;
        let taken = GuardedDir::counted(dir, Some((entry.user, entry.mode)), entry.id);
        taken.dir.give(Some(0), None)?;
        taken.dir.set_mode(0o700)?;
        // Only from here on other users cannot replace the record, so check it again.
        match recorded(&taken.dir)? {
            Some(former) if Some(former) == taken.former => Ok(taken),
            _ => Err(io::Error::new(
                ErrorKind::PermissionDenied,
                format!("{} was changed by another user", taken.dir.place(RECORD).display()),
            )),
        }
    }

    fn counted(dir: Dir, former: Option<(u32, u32)>, id: (u64, u64)) -> GuardedDir {
        if former.is_some() {
            *lock(&USES).entry(id).or_insert(0) += 1;
        }
        GuardedDir { dir, former }
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }
}

impl Drop for GuardedDir {
    fn drop(&mut self) {
        let Some((user, mode)) = self.former else { return };
        let Ok(entry) = self.dir.entry() else { return };
        let mut uses = lock(&USES);
        if let Some(others) = uses.remove(&entry.id).and_then(|count| count.checked_sub(1)).filter(|n| *n > 0)
        {
            // The last store in the directory restores the owner.
            uses.insert(entry.id, others);
            return;
        }
        // The record is removed last: the next run needs it if this fails.
        let given = self.dir.set_mode(mode).and_then(|()| self.dir.give(Some(user), None));
        if given.is_ok() {
            let _ = self.dir.remove(RECORD);
        }
    }
}

/// Whether this is a directory for temporary files, which all users need.
fn used_by_all(entry: &DirEntry) -> bool {
    let temporary = ["/tmp", "/var/tmp", "/dev/shm"].map(std::path::PathBuf::from);
    let places = temporary.into_iter().chain([std::env::temp_dir()]);
    places
        .into_iter()
        .any(|place| Dir::open(&place).and_then(|dir| dir.entry()).is_ok_and(|found| found.id == entry.id))
}

/// The former user and permissions from the record in a directory, if root wrote it.
fn recorded(dir: &Dir) -> io::Result<Option<(u32, u32)>> {
    let Some(entry) = dir.look(RECORD)? else { return Ok(None) };
    if entry.objection().is_some() || entry.user != 0 || entry.size > 64 {
        return Ok(None);
    }
    let mut text = String::new();
    dir.open_file(RECORD)?.take(64).read_to_string(&mut text)?;
    let mut words = text.split_whitespace();
    let user = words.next().and_then(|user| user.parse().ok());
    let mode = words.next().and_then(|mode| u32::from_str_radix(mode, 8).ok());
    Ok(user.zip(mode.map(|mode| mode & 0o7777)))
}
