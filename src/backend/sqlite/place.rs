//! Where a SQLite database is written: its directory, held by its descriptor and kept from other users meanwhile.
//!
//! SQLite opens its files by path and gives new ones to the owner of the database. It follows no link under their
//! names, but writes to a file that has a second name elsewhere; so every name is looked at first, the database is
//! created exclusively, and where root writes into the directory of another user, that user cannot reach it until
//! the database is closed.

use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::to_write;
use crate::backend::files::{check_sqlite_files, unprotected, unusable};
use crate::base::dir::{Dir, NewDirs, Taken};
use crate::base::error::{Error, Result};
use crate::base::stop::Stop;

/// Permissions of new directories and files, as far as the mask lets them.
const MODES: (u32, u32) = (0o750, 0o640);
/// The bit of a directory in which all users may create files, and none may touch those of others.
const SHARED: u32 = 0o1000;

/// A database that is written. To be dropped when it is closed.
pub(super) struct Place {
    path: PathBuf,
    dir: Dir,
    name: OsString,
    // Device and inode of the file, if opening has created it.
    created: Option<(u64, u64)>,
    _taken: Option<Taken>,
    // After the rest: directories that were made and stay empty go again.
    _directories: NewDirs,
}

impl Place {
    /// Finds the database at `path`, or creates it empty, with its directory.
    ///
    /// Errors: I/O, and refused for what SQLite must not write to.
    pub fn open(path: &Path) -> Result<Place> {
        Stop::of_process().check()?;
        let shown = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let fail = |error| unusable(&shown, error);
        let directories = NewDirs::of(shown.parent().unwrap_or(Path::new("/")));
        let (dir, name) = Dir::locate(path, Some(MODES.0)).map_err(fail)?;
        let linked = std::fs::symlink_metadata(&shown).is_ok_and(|meta| meta.is_symlink());
        if linked && dir.look(&name).map_err(fail)?.is_none() {
            return Err(Error::usage("the path of the SQLite database is a link that leads nowhere")
                .with("path", shown.display().to_string())
                .next("remove the link, or make what it leads to"));
        }
        // Names in a directory that all share cannot be exchanged, and it is needed by all.
        let shared = dir.entry().map_err(fail)?.mode & SHARED != 0;
        let again = dir.try_clone().map_err(fail)?;
        let taken = match shared {
            true => None,
            false => Some(Taken::over(again).map_err(|error| unprotected(dir.path(), error))?),
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
        Ok(Place { path, dir, name, created, _taken: taken, _directories: directories })
    }

    /// The database, by a path without links.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Device and inode of what has its name now; nothing if nothing has.
    pub fn file(&self) -> Option<(u64, u64)> {
        self.dir.look(&self.name).ok().flatten().map(|entry| entry.id)
    }

    /// Removes what another process has shared of its log. A name that cannot be removed is found when the store is
    /// read back.
    pub fn drop_shared(&self) {
        let mut name = self.name.clone();
        name.push("-shm");
        let _ = self.dir.remove(name);
    }

    /// Removes it again if it is as empty as it was created. To be called while it is locked, or when nothing else
    /// can have locked it.
    pub fn leave(&self) {
        let found = self.dir.look(&self.name).ok().flatten();
        if found.is_some_and(|entry| self.created == Some(entry.id) && entry.size == 0) {
            let _ = self.dir.remove(&self.name);
        }
    }
}
