//! The directory of a SQLite database that is written: held by its descriptor and protected from other users until
//! the database is closed.
//!
//! SQLite opens its files by path and gives new ones to the owner of the database. It follows no links at their
//! names, but writes to a file that has a second name elsewhere. So every name is checked first, the database is
//! created exclusively, and where root writes into the directory of another user, that user has no access to it until
//! the database is closed.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::to_write;
use crate::backend::files::{check_sqlite_files, unprotected, unusable};
use crate::base::dir::{Dir, GuardedDir, NewDirs, absolute};
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Permissions of new directories and files, before the umask.
const MODES: (u32, u32) = (0o750, 0o640);
/// The sticky bit: all users may create files in the directory, and none may change those of others.
const SHARED: u32 = 0o1000;

/// A database that is written. Drop it after the database is closed.
pub(super) struct SqlitePlace {
    path: PathBuf,
    dir: Dir,
    name: OsString,
    // Device and inode of the file, if `open` created it.
    created: Option<(u64, u64)>,
    _taken: Option<GuardedDir>,
    // Dropped last: removes the directories that were created and are still empty.
    _directories: NewDirs,
}

impl SqlitePlace {
    /// Finds the database at `path`, or creates it empty, with its directory.
    ///
    /// Errors: I/O; refused for a file that SQLite must not write to.
    pub fn open(path: &Path) -> Result<SqlitePlace> {
        Stop::of_process().check()?;
        let shown = absolute(path);
        let fail = |error| unusable(&shown, error);
        let directories = NewDirs::of(shown.parent().unwrap_or(Path::new("/")));
        let (dir, name) = Dir::locate(path, Some(MODES.0)).map_err(fail)?;
        let linked = std::fs::symlink_metadata(&shown).is_ok_and(|meta| meta.is_symlink());
        if linked && dir.look(&name).map_err(fail)?.is_none() {
            return Err(Error::usage("the path of the SQLite database is a link that leads nowhere")
                .with("path", shown.display().to_string())
                .help("remove the link, or make what it leads to"));
        }
        // In a sticky directory users cannot exchange each other's files, and all users need access to it.
        let shared = dir.entry().map_err(fail)?.mode & SHARED != 0;
        let again = dir.try_clone().map_err(fail)?;
        let taken = if shared {
            None
        } else {
            Some(GuardedDir::over(again).map_err(|error| unprotected(dir.path(), error))?)
        };
        let path = to_write(&dir.real().map_err(fail)?.join(&name))?;
        check_sqlite_files(&dir, &name)?;
        let created = match dir.look(&name).map_err(fail)? {
            Some(_) => None,
            None => {
                let file = dir.create_file(&name, MODES.1).and_then(|file| file.metadata()).map_err(fail)?;
                Some((file.dev(), file.ino()))
            }
        };
        Ok(SqlitePlace { path, dir, name, created, _taken: taken, _directories: directories })
    }

    /// The path of the database, without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and inode of the file that has the name of the database now; `None` if there is none.
    pub fn file(&self) -> Option<(u64, u64)> {
        self.dir.look(&self.name).ok().flatten().map(|entry| entry.id)
    }

    /// Removes the `-shm` file of an earlier process. If that fails, reading the store back finds it.
    pub fn drop_shared(&self) {
        let mut name = self.name.clone();
        name.push("-shm");
        let _ = self.dir.remove(name);
    }

    /// Removes the database if this run created it and it is still empty. Call it while the database is locked, or
    /// when no other process can have locked it.
    pub fn leave(&self) {
        let found = self.dir.look(&self.name).ok().flatten();
        if found.is_some_and(|entry| self.created == Some(entry.id) && entry.size == 0) {
            let _ = self.dir.remove(&self.name);
        }
    }
}
