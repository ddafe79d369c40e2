//! Private temporary directories: copies of mail that other users must not read and that must not outlive their run.
//!
//! Each is removed on drop, also after an error or a panic, and by [`remove_all`] before the process ends. A killed
//! process leaves its directory. The next process finds it by its name and removes it if the creator has certainly
//! ended: no process has its id and the lock on the directory is free.

use crate::base::sync::lock;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{FlockOperation, flock};
use rustix::process::{Pid, test_kill_process};

use super::{Dir, own_user};

/// Prefix of the names; the process id and random digits follow.
const PREFIX: &str = "stalwart-migrate-";
/// Levels of directories removed in a private one; the program never creates more.
const DEEPEST: usize = 4;

/// The private directories of this process: parent and name.
static OPEN: Mutex<Vec<(PathBuf, OsString)>> = Mutex::new(Vec::new());

/// A directory of mode 0700 that is removed with everything in it when this is dropped.
#[derive(Debug)]
pub struct PrivateDir {
    above: Dir,
    name: OsString,
    // Holds the lock that marks the directory as in use.
    dir: Dir,
}

impl PrivateDir {
    /// Creates a private directory in `above`.
    pub fn create(above: &Path) -> io::Result<PrivateDir> {
        let above = Dir::open(above)?;
        let name = OsString::from(format!("{PREFIX}{}-{:016x}", std::process::id(), random()));
        let dir = above.make(&name, 0o700)?;
        let path = above.path().to_path_buf();
        lock(&OPEN).push((path, name.clone()));
        let made = PrivateDir { above, name, dir };
        made.dir.set_mode(0o700)?;
        // Without locks only the process id shows that it is in use.
        let _ = flock(&made.dir, FlockOperation::NonBlockingLockExclusive);
        Ok(made)
    }

    /// The directory.
    pub fn dir(&self) -> &Dir {
        &self.dir
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

impl Drop for PrivateDir {
    fn drop(&mut self) {
        // The next run reports a directory that cannot be removed.
        let _ = empty(&self.dir, DEEPEST).and_then(|()| self.above.remove_dir(&self.name));
        let mut open = lock(&OPEN);
        open.retain(|(_, name)| *name != self.name);
    }
}

/// Whether this process has private directories.
pub fn any_private() -> bool {
    !lock(&OPEN).is_empty()
}

/// Removes all private directories of this process, which is about to end without dropping them.
pub fn remove_all() {
    let open = std::mem::take(&mut *lock(&OPEN));
    for (above, name) in open {
        let _ = Dir::open(&above).and_then(|above| remove(&above, &name));
    }
}

/// A private directory left by a killed process.
#[derive(Debug, PartialEq, Eq)]
pub struct Left {
    /// The directory.
    pub path: PathBuf,
    /// Whether it was removed; if not, it may be in use or could not be removed.
    pub removed: bool,
}

/// Finds private directories of this user in `above` whose process has ended, and removes those that are
/// certainly not in use.
pub fn sweep(above: &Path) -> Vec<Left> {
    let Ok(above) = Dir::open(above) else { return Vec::new() };
    let Ok(names) = above.names() else { return Vec::new() };
    let mut left = Vec::new();
    for name in names.flatten().filter(|name| maker(name).is_some_and(|pid| !alive(pid))) {
        let own = above.look(&name).ok().flatten();
        let own = own.is_some_and(|entry| entry.is_dir() && entry.user == own_user() && entry.mode == 0o700);
        if own {
            let removed = unused(&above, &name) && remove(&above, &name).is_ok();
            left.push(Left { path: above.place(&name), removed });
        }
    }
    left.sort_by(|a, b| a.path.cmp(&b.path));
    left
}

/// The id of the process that created a directory of this name.
fn maker(name: &OsStr) -> Option<i32> {
    let (pid, digits) = name.to_str()?.strip_prefix(PREFIX)?.split_once('-')?;
    let hexadecimal = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    pid.parse().ok().filter(|pid| hexadecimal && *pid > 0)
}

fn alive(pid: i32) -> bool {
    // A permission error means that the process exists.
    Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid) != Err(rustix::io::Errno::SRCH))
}

/// Whether its lock is free. Needed because process ids differ between containers.
fn unused(above: &Dir, name: &OsStr) -> bool {
    above.sub(name).is_ok_and(|dir| flock(&dir, FlockOperation::NonBlockingLockExclusive).is_ok())
}

fn remove(above: &Dir, name: &OsStr) -> io::Result<()> {
    empty(&above.sub(name)?, DEEPEST)?;
    above.remove_dir(name)
}

fn empty(dir: &Dir, deepest: usize) -> io::Result<()> {
    for name in dir.names()? {
        let name = name?;
        match dir.look(&name)? {
            Some(entry) if entry.is_dir() && deepest > 0 => {
                empty(&dir.sub(&name)?, deepest - 1)?;
                dir.remove_dir(&name)?;
            }
            _ => dir.remove(&name)?,
        }
    }
    Ok(())
}

fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher};
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}
